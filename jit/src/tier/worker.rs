//! From a request to published code.
//!
//! Code belongs to the runtime that asked for it, since it refers to that runtime's constants. It is
//! freed when nobody can run it any more: when the runtime is gone, or says that the law is, and
//! nothing else that it has leads there.

use super::Life;
use super::count::{self, Count};
use super::kept::{KeptCode, Key};
use super::service::{self, Entry, Place, Trampolines};
use crate::build::{ExpectedCallee, add_entry_guards};
use crate::codegen::{self, Backend, Environment, GiveUp, Object};
use crate::ir::{ConstantId, Unit};
use crate::passes::{Omission, Pass, optimise};
use crate::runtime::{Linked, Linker, Places, common, make_common, take_common};
use std::collections::HashSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Weak};
use vm::native::FrameTable;

/// A unit to be compiled.
pub(super) struct Request {
    pub(super) unit: Unit,
    /// What it is expected to be given.
    pub(super) expected: Vec<ExpectedCallee>,
    pub(super) environment: Environment,
    /// Where the address of its first function is to appear.
    pub(super) entry: Entry,
    /// That of the runtime that asks.
    pub(super) life: Weak<Life>,
    /// Who waits for it, if somebody does.
    pub(super) done: Option<SyncSender<()>>,
    /// By which it is counted.
    pub(super) _place: Place,
}

impl Request {
    /// How many operations are in it.
    fn size(&self) -> usize {
        let blocks = self.unit.functions.values().flat_map(|function| function.blocks.values());
        blocks.map(|block| 1 + block.stmts.len()).sum()
    }
}

/// Serves requests as long as the process is there.
///
/// A mistake in the compiler, which would be a panic, ends the compiling and not the thread, which
/// owns the code.
pub(super) fn run(birth: Birth, requests: &Receiver<Request>) {
    let start = count::now();
    let mut worker = birth.worker().ok();
    count::begun(start);
    let mut broken = false;
    let mut waiting = Vec::new();
    while let Some(mut request) = next(requests, &mut waiting) {
        let done = request.done.take();
        if let Some(worker) = worker.as_mut().filter(|_| !broken) {
            broken = catch_unwind(AssertUnwindSafe(|| worker.serve(request))).is_err();
        }
        if let Some(done) = done {
            // Whoever waited may be gone.
            let _ = done.send(());
        }
        if let Some(worker) = worker.as_mut().filter(|_| !broken) {
            worker.keep_stubs();
        }
    }
}

/// The smallest of the requests that wait, with their sizes: what costs least pays off soonest. Waits for
/// one, if there is none; nothing, if nobody is left to ask.
fn next(requests: &Receiver<Request>, waiting: &mut Vec<(usize, Request)>) -> Option<Request> {
    let sized = |request: Request| (request.size(), request);
    if waiting.is_empty() {
        waiting.push(sized(requests.recv().ok()?));
    }
    waiting.extend(requests.try_iter().map(sized));
    let (smallest, _) = waiting.iter().enumerate().min_by_key(|(_, (size, _))| *size)?;
    Some(waiting.remove(smallest).1)
}

/// Has what every runtime needs made on some more threads, where there are processors for them: the
/// first law that becomes hot waits for it.
fn help() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 2..processors.min(HELPERS + 2) {
        let work = || {
            let start = count::now();
            make_common();
            count::begun(start);
        };
        // If there is no thread to be had, who needs it makes it.
        let _ = std::thread::Builder::new().name("pallas-stubs".into()).spawn(work);
    }
}

/// What a worker begins with.
pub(super) struct Birth {
    pub(super) frames: Arc<FrameTable>,
    pub(super) trampolines: Trampolines,
    /// Where code is kept, if it is.
    pub(super) kept_in: Option<PathBuf>,
}

impl Birth {
    fn worker(self) -> Result<Worker, GiveUp> {
        let (backend, linker) = (Backend::new()?, Linker::new(self.frames)?);
        let print = std::env::var("PALLAS_JIT_PRINT").ok();
        let without = without();
        // Code that a pass is missing from is not what others expect to find.
        let kept = self.kept_in.filter(|_| without.is_empty());
        let mut kept = kept.and_then(|folder| KeptCode::open(&folder, &backend.describe()));
        let stubs = kept.as_mut().and_then(|kept| kept.load(&Key::of_stubs()));
        let has_stubs = stubs.is_some_and(take_common);
        if !has_stubs {
            help();
        }
        Ok(Worker {
            backend,
            linker,
            trampolines: self.trampolines,
            print,
            without,
            kept,
            has_stubs,
            units: Vec::new(),
            lost: Vec::new(),
            ends_seen: 0,
        })
    }
}

/// Threads that help the compiling one to begin.
const HELPERS: usize = 2;

/// The parts of the optimiser that `PALLAS_JIT_WITHOUT` leaves out: names separated by commas. Warns of
/// names that do not exist.
fn without() -> Vec<Omission> {
    let names = std::env::var("PALLAS_JIT_WITHOUT").unwrap_or_default();
    let mut without = Vec::new();
    for name in names.split(',').filter(|name| !name.is_empty()) {
        match name.parse() {
            Ok(omission) => without.push(omission),
            Err(unknown) => eprintln!("PALLAS_JIT_WITHOUT: {unknown}"),
        }
    }
    without
}

/// The code of a unit.
struct Compiled {
    life: Weak<Life>,
    entry: Entry,
    piece: Range<usize>,
    /// What it refers to.
    _environment: Environment,
}

/// Who compiles.
struct Worker {
    backend: Backend,
    linker: Linker,
    /// Made with the first code.
    trampolines: Trampolines,
    /// The name of a law to be printed.
    print: Option<String>,
    /// The passes that are left out.
    without: Vec<Omission>,
    kept: Option<KeptCode>,
    /// Whether the stubs need not be kept: they are, or cannot be.
    has_stubs: bool,
    units: Vec<Compiled>,
    /// Of laws that are gone: those whose request is still to come, or came to nothing.
    lost: Vec<Entry>,
    /// How much has ended, as was seen last.
    ends_seen: usize,
}

impl Worker {
    /// Compiles a unit and publishes it. One that cannot be compiled is forgotten.
    fn serve(&mut self, request: Request) {
        self.free_what_is_dead();
        let Request { unit, expected, environment, entry, life, .. } = request;
        if life.strong_count() == 0 || self.lost.iter().any(|lost| Arc::ptr_eq(lost, &entry)) {
            return;
        }
        let print = match (&self.print, unit.constants.get(ConstantId::ROOT)) {
            (Some(name), Some(law)) => *name == law.name || name == "*",
            _ => false,
        };
        let (start, used) = (count::now(), self.linker.used());
        let linked = self
            .objects(unit, &expected, &environment, print)
            .and_then(|objects| self.link(&objects, &environment));
        count::published(start, linked.is_ok(), self.linker.used() - used);
        match linked {
            Ok(Linked { addresses, piece }) => {
                Count::Bytes.set(self.linker.used());
                // Who sees the address sees the code and its maps.
                let address = addresses.first().copied().unwrap_or(0);
                entry.store(address, Ordering::Release);
                self.units.push(Compiled { life, entry, piece, _environment: environment });
            }
            Err(reason) => {
                if reason == GiveUp::NoRoom {
                    service::note_full();
                }
                if print {
                    eprintln!("not compiled: {reason}");
                }
            }
        }
    }

    /// A unit's code: that which is kept, or made now.
    fn objects(
        &mut self,
        unit: Unit,
        expected: &[ExpectedCallee],
        environment: &Environment,
        print: bool,
    ) -> Result<Vec<Object>, GiveUp> {
        let Some(kept) = self.kept.as_mut().filter(|_| !print) else {
            return self.compile(unit, expected, environment, print);
        };
        let key = Key::of(&unit, expected, environment);
        if let Some(objects) = kept.load(&key) {
            Count::Loaded.add(1);
            return Ok(objects);
        }
        let objects = self.compile(unit, expected, environment, print)?;
        if let Some(kept) = &mut self.kept {
            kept.save(&key, &objects);
        }
        Ok(objects)
    }

    fn compile(
        &mut self,
        mut unit: Unit,
        expected: &[ExpectedCallee],
        environment: &Environment,
        print: bool,
    ) -> Result<Vec<Object>, GiveUp> {
        Count::Compiled.add(1);
        if !self.without.contains(&Omission::All) {
            if !self.without.contains(&Omission::EntryGuards) {
                add_entry_guards(&mut unit, expected);
            }
            let skipped: Vec<Pass> = self.without.iter().filter_map(|o| o.pass()).collect();
            optimise(&mut unit, &skipped, |_, _| {});
        }
        if print {
            eprintln!("{unit}");
        }
        let objects = codegen::compile(&mut self.backend, &unit, environment, print)?;
        if print {
            for (number, object) in objects.iter().enumerate() {
                eprintln!("f{number}:\n{}", object.text.as_deref().unwrap_or_default());
            }
        }
        if objects.is_empty() { Err(GiveUp::Shape("there are no functions")) } else { Ok(objects) }
    }

    /// Gives a unit's code a place, and before any code the trampolines that lead into it.
    fn link(&mut self, objects: &[Object], environment: &Environment) -> Result<Linked, GiveUp> {
        if self.trampolines.get().is_none() {
            let trampolines = self.linker.trampolines(&mut self.backend)?;
            // Nobody else sets them.
            let _ = self.trampolines.set(trampolines);
        }
        let objects: Vec<&Object> = objects.iter().collect();
        self.linker.link(&mut self.backend, &objects, &places(environment))
    }

    /// Keeps what every runtime needs for the next run, now that nobody waits for it.
    fn keep_stubs(&mut self) {
        if let Some(kept) = self.kept.as_mut().filter(|_| !self.has_stubs)
            && let Some(stubs) = common()
        {
            kept.save(&Key::of_stubs(), &stubs);
        }
        self.has_stubs = true;
    }

    /// Frees the code of runtimes and laws that are gone.
    fn free_what_is_dead(&mut self) {
        let ends = service::ends();
        if std::mem::replace(&mut self.ends_seen, ends) == ends {
            return;
        }
        self.lost.extend(service::take_lost());
        let lost: HashSet<*const AtomicUsize> = self.lost.iter().map(Arc::as_ptr).collect();
        let is_dead = |unit: &mut Compiled| {
            unit.life.strong_count() == 0 || lost.contains(&Arc::as_ptr(&unit.entry))
        };
        let dead: Vec<Compiled> = self.units.extract_if(.., is_dead).collect();
        Count::Freed.add(dead.len());
        self.linker.free(dead.into_iter().map(|unit| unit.piece).collect());
        // Whom nobody else knows, no request will come for.
        self.lost.retain(|entry| Arc::strong_count(entry) > 1);
        Count::Bytes.set(self.linker.used());
    }
}

/// Where what a unit's code refers to lies.
fn places(environment: &Environment) -> Places {
    let place = |entry: &Entry| Arc::as_ptr(entry).expose_provenance();
    let entries = environment.facts.iter().map(|facts| facts.entry.as_ref().map(place));
    Places { constants: environment.constants, entries: entries.collect() }
}

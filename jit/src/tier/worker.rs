//! From a request to published code.
//!
//! Code belongs to the runtime that asked for it, since it refers to that runtime's constants. It is
//! freed when nobody can run it any more: when the runtime is gone, or says that the law is, and
//! nothing else that it has leads there.

use super::Life;
use super::kept::{KeptCode, Key};
use super::service::{self, Count, Entry, Trampolines};
use crate::codegen::{self, Backend, Environment, GiveUp, Object};
use crate::ir::Unit;
use crate::passes::optimise;
use crate::runtime::{Linked, Linker, Places};
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
    pub(super) environment: Environment,
    /// Where the address of its first function is to appear.
    pub(super) entry: Entry,
    /// That of the runtime that asks.
    pub(super) life: Weak<Life>,
    /// Who waits for it, if somebody does.
    pub(super) done: Option<SyncSender<()>>,
}

/// Serves requests as long as the process is there.
///
/// A mistake in the compiler, which would be a panic, ends the compiling and not the thread, which
/// owns the code.
pub(super) fn run(birth: Birth, requests: Receiver<Request>) {
    let mut worker = birth.worker().ok();
    let mut broken = false;
    for mut request in requests {
        let done = request.done.take();
        if let Some(worker) = worker.as_mut().filter(|_| !broken) {
            broken = catch_unwind(AssertUnwindSafe(|| worker.serve(request))).is_err();
        }
        if let Some(done) = done {
            // Whoever waited may be gone.
            let _ = done.send(());
        }
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
    /// Makes the stubs.
    fn worker(self) -> Result<Worker, GiveUp> {
        let mut backend = Backend::new()?;
        let (linker, trampolines) = Linker::new(&mut backend, self.frames)?;
        // Nobody else sets them.
        let _ = self.trampolines.set(trampolines);
        let print = std::env::var("PALLAS_JIT_PRINT").ok();
        let plainly = std::env::var_os("PALLAS_JIT_PLAINLY").is_some();
        let kept = self.kept_in.filter(|_| !plainly);
        let kept = kept.and_then(|folder| KeptCode::open(&folder, &backend.describe()));
        Ok(Worker {
            backend,
            linker,
            print,
            plainly,
            kept,
            units: Vec::new(),
            lost: Vec::new(),
            ends_seen: 0,
        })
    }
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
    /// The name of a law to be printed.
    print: Option<String>,
    /// Whether units are compiled as they are built.
    plainly: bool,
    kept: Option<KeptCode>,
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
        let Request { unit, environment, entry, life, .. } = request;
        if life.strong_count() == 0 || self.lost.iter().any(|lost| Arc::ptr_eq(lost, &entry)) {
            return;
        }
        let print = match (&self.print, unit.constants.first()) {
            (Some(name), Some(law)) => *name == law.name || name == "*",
            _ => false,
        };
        let linked = self.objects(unit, &environment, print).and_then(|objects| {
            self.linker.link(&mut self.backend, &objects, &places(&environment))
        });
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
        environment: &Environment,
        print: bool,
    ) -> Result<Vec<Object>, GiveUp> {
        let Some(kept) = self.kept.as_mut().filter(|_| !print) else {
            return self.compile(unit, environment, print);
        };
        let key = Key::of(&unit, environment);
        if let Some(objects) = kept.load(&key) {
            Count::Loaded.add(1);
            return Ok(objects);
        }
        let objects = self.compile(unit, environment, print)?;
        if let Some(kept) = &mut self.kept {
            kept.save(&key, &objects);
        }
        Ok(objects)
    }

    fn compile(
        &mut self,
        mut unit: Unit,
        environment: &Environment,
        print: bool,
    ) -> Result<Vec<Object>, GiveUp> {
        Count::Compiled.add(1);
        if !self.plainly {
            optimise(&mut unit, &[], |_, _| {});
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

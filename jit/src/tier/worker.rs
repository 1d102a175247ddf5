//! From a request to published code.

use super::count;
use crate::codegen::{self, Backend, Environment, GiveUp};
use crate::ir::Unit;
use crate::passes::{Expected, PASSES, expect, optimise};
use crate::runtime::{Linker, make_common};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Once, OnceLock};
use vm::native::FrameTable;

/// A unit to be compiled.
pub(super) struct Request {
    pub(super) unit: Unit,
    /// What it is expected to be given.
    pub(super) expected: Vec<Expected>,
    pub(super) environment: Environment,
    /// Where the address of its first function is to appear.
    pub(super) entry: Arc<AtomicUsize>,
    /// Who waits for it, if somebody does.
    pub(super) done: Option<SyncSender<()>>,
}

/// Serves requests until nobody can make any more.
///
/// The code lives as long as this runs. So a mistake in the compiler, which would be a panic, ends
/// the compiling and not the thread.
pub(super) fn run(birth: Birth, requests: Receiver<Request>) {
    help();
    let start = count::now();
    let mut worker = birth.worker().ok();
    count::begun(start);
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

/// Has what every runtime needs made on some more threads, where there are processors for them: the
/// first law that becomes hot waits for it.
fn help() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
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
    });
}

pub(super) type Trampolines = Arc<OnceLock<Vec<usize>>>;

/// What a worker begins with.
pub(super) struct Birth {
    pub(super) frames: Arc<FrameTable>,
    pub(super) trampolines: Trampolines,
}

impl Birth {
    fn worker(self) -> Result<Worker, GiveUp> {
        let (backend, linker) = (Backend::new()?, Linker::new(self.frames)?);
        let print = std::env::var("PALLAS_JIT_PRINT").ok();
        let trampolines = self.trampolines;
        Ok(Worker { backend, linker, trampolines, print, without: without(), kept: Vec::new() })
    }
}

/// Threads that help the compiling one to begin.
const HELPERS: usize = 2;

/// In a list of passes to be left out: all, and what the law was seen with is not expected again.
const ALL: &str = "all";

/// The passes that `PALLAS_JIT_WITHOUT` names, with commas between them.
fn without() -> Vec<&'static str> {
    let asked = std::env::var("PALLAS_JIT_WITHOUT").unwrap_or_default();
    let known = || PASSES.iter().map(|pass| pass.name).chain(["expect", ALL]);
    let mut without = Vec::new();
    for name in asked.split(',').filter(|name| !name.is_empty()) {
        match known().find(|known| *known == name) {
            Some(known) => without.push(known),
            None => {
                let known = known().collect::<Vec<_>>().join(", ");
                eprintln!("PALLAS_JIT_WITHOUT: there is no pass {name}; there are {known}");
            }
        }
    }
    without
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
    without: Vec<&'static str>,
    /// The environments of code that has been made, which refers to what they hold.
    kept: Vec<Environment>,
}

impl Worker {
    /// Compiles a unit and publishes it. One that cannot be compiled is forgotten.
    fn serve(&mut self, request: Request) {
        let (start, used) = (count::now(), self.linker.used());
        let Request { mut unit, expected, environment, entry, .. } = request;
        if !self.without.contains(&ALL) {
            if !self.without.contains(&"expect") {
                expect(&mut unit, &expected);
            }
            optimise(&mut unit, &self.without, |_, _| {});
        }
        let print = match (&self.print, unit.constants.first()) {
            (Some(name), Some(law)) => *name == law.name || name == "*",
            _ => false,
        };
        let compiled = self.compile(&unit, &environment, print);
        count::compiled(start, compiled.is_ok(), self.linker.used() - used);
        match compiled {
            Ok(address) => {
                self.kept.push(environment);
                // Who sees the address sees the code and its maps.
                entry.store(address, Ordering::Release);
            }
            Err(reason) if print => eprintln!("not compiled: {reason}"),
            Err(_) => {}
        }
    }

    fn compile(
        &mut self,
        unit: &Unit,
        environment: &Environment,
        print: bool,
    ) -> Result<usize, GiveUp> {
        if print {
            eprintln!("{unit}");
        }
        let objects = codegen::compile(&mut self.backend, unit, environment, print)?;
        if print {
            for (number, object) in objects.iter().enumerate() {
                eprintln!("f{number}:\n{}", object.text.as_deref().unwrap_or_default());
            }
        }
        if self.trampolines.get().is_none() {
            let trampolines = self.linker.trampolines(&mut self.backend)?;
            // Nobody else sets them.
            let _ = self.trampolines.set(trampolines);
        }
        self.linker
            .link(&mut self.backend, &objects.iter().collect::<Vec<_>>())?
            .first()
            .copied()
            .ok_or(GiveUp::Shape("there are no functions"))
    }
}

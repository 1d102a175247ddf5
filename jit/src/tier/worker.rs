//! From a request to published code.

use crate::codegen::{self, Backend, Environment, GiveUp};
use crate::ir::Unit;
use crate::passes::{Expected, expect, optimise};
use crate::runtime::Linker;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, OnceLock};
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

pub(super) type Trampolines = Arc<OnceLock<Vec<usize>>>;

/// What a worker begins with.
pub(super) struct Birth {
    pub(super) frames: Arc<FrameTable>,
    pub(super) trampolines: Trampolines,
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
        Ok(Worker { backend, linker, print, plainly, kept: Vec::new() })
    }
}

/// Who compiles.
struct Worker {
    backend: Backend,
    linker: Linker,
    /// The name of a law to be printed.
    print: Option<String>,
    /// Whether units are compiled as they are built.
    plainly: bool,
    /// The environments of code that has been made, which refers to what they hold.
    kept: Vec<Environment>,
}

impl Worker {
    /// Compiles a unit and publishes it. One that cannot be compiled is forgotten.
    fn serve(&mut self, request: Request) {
        let Request { mut unit, expected, environment, entry, .. } = request;
        if !self.plainly {
            expect(&mut unit, &expected);
            optimise(&mut unit, &[], |_, _| {});
        }
        let print = match (&self.print, unit.constants.first()) {
            (Some(name), Some(law)) => *name == law.name || name == "*",
            _ => false,
        };
        match self.compile(&unit, &environment, print) {
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
        self.linker
            .link(&mut self.backend, &objects)?
            .first()
            .copied()
            .ok_or(GiveUp::Shape("there are no functions"))
    }
}

//! What is compiled, and when.
//!
//! The interpreter tells of a law that has been called often. Its unit is built at once, by the
//! thread that evaluates, for only that may look into the heap; from there on everything is plain
//! data, and a thread in the background makes code of it: one for all runtimes of the process,
//! whose code lies in one region. The queue between them is bounded: a law that finds it full is
//! told of again later. When the code lies in its place and the collector knows its frames, its
//! address is stored where the interpreter, and code that calls the law, look for it.
//!
//! ```text
//! service  the thread, and what all runtimes share
//! worker   from a request to published code; when code is freed
//! kept     machine code kept between runs
//! bytes    its form on disk
//! count    what all that cost
//! ```

mod bytes;
mod count;
mod kept;
mod service;
mod worker;

pub use self::count::{Statistics, statistics};
pub use self::service::keep_code_in;

use self::service::Place;
use self::worker::Request;
use crate::build::{self, ARITY_LIMIT, Jets};
use crate::codegen::{ConstantFacts, Environment, GiveUp};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use vm::native::{Engine, Plug};
use vm::{Val, Vm};

/// When laws are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// Never.
    Off,
    /// When they are first called, before they run. For tests.
    Eager,
    /// When they have been called so often, which stops until there is code. For tests.
    After(u32),
    /// When they have been called often, in the background.
    #[default]
    Tiered,
}

/// Calls after which a law is worth compiling.
const THRESHOLD: u32 = 2000;

/// Plugs the compiler into a runtime. The jets are those of the runtime.
///
/// # Errors
/// If the system does not grant the addresses of a stack.
pub fn plug_in(vm: &mut Vm, jets: Jets, mode: Mode) -> Result<(), GiveUp> {
    let (threshold, wait) = match mode {
        Mode::Off => return Ok(()),
        Mode::Eager => (1, true),
        Mode::After(calls) => (calls, true),
        Mode::Tiered => (THRESHOLD, false),
    };
    let (frames, trampolines) = service::shared();
    let engine = Box::new(Compiler { jets, wait, life: Arc::default() });
    vm.plug(Plug { engine, threshold, trampolines, frames })
        .map_err(|error| GiveUp::Machine(error.to_string()))
}

/// That a runtime is there. Its code is freed when it is gone.
#[derive(Default)]
struct Life;

impl Drop for Life {
    fn drop(&mut self) {
        service::note_end(Vec::new());
    }
}

/// The compiler of a runtime.
struct Compiler {
    jets: Jets,
    /// Whether the evaluation waits for the code.
    wait: bool,
    life: Arc<Life>,
}

impl Engine for Compiler {
    fn hot(&mut self, vm: &mut Vm, function: &Val, args: &[Val], entry: Arc<AtomicUsize>) -> bool {
        let Some(queue) = service::queue() else { return true };
        if service::is_full() || !self.wait && !service::has_room() {
            return false;
        }
        let start = count::now();
        let request = self.request(vm, function, args, entry);
        count::built(start);
        let Some(mut request) = request else { return true };
        if !self.wait {
            return !matches!(queue.try_send(request), Err(TrySendError::Full(_)));
        }
        let (done, is_done) = sync_channel(1);
        request.done = Some(done);
        if queue.send(request).is_ok() {
            // An answer that never comes means that there is no code.
            let _ = is_done.recv();
        }
        true
    }

    fn lost(&mut self, entries: Vec<Arc<AtomicUsize>>) {
        service::note_end(entries);
    }
}

impl Compiler {
    /// All that is needed to compile a law, if that can be done.
    fn request(
        &self,
        vm: &mut Vm,
        function: &Val,
        args: &[Val],
        entry: Arc<AtomicUsize>,
    ) -> Option<Request> {
        let args: Vec<_> = args.iter().map(|arg| vm.look(arg)).collect();
        let built = build::build_for(vm, vm.look(function), &args, &self.jets).ok()?;
        debug_assert_eq!(crate::ir::verify(&built.unit), Ok(()));
        let facts = built.unit.constants.values().zip(&built.values).map(|(constant, value)| {
            // A law that is not compiled is not asked for: one of a billion parameters, which a
            // program may hold and never call, would be decoded for that.
            let elsewhere =
                constant.entry.is_none() && constant.jet.is_none() && constant.arity <= ARITY_LIMIT;
            let entry = if elsewhere { vm.code_entry(value) } else { None };
            ConstantFacts { top: vm.top_byte(value), entry }
        });
        let facts = facts.collect();
        let constants = vm.constants(&built.values);
        let environment = Environment { constants, facts };
        let (unit, expected) = (built.unit, built.expected);
        let life: Weak<Life> = Arc::downgrade(&self.life);
        let place = Place::take();
        Some(Request { unit, expected, environment, entry, life, done: None, _place: place })
    }
}

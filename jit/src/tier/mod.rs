//! What is compiled, and when.
//!
//! The interpreter tells of a law that has been called often. Its unit is built at once, by the
//! thread that evaluates, for only that may look into the heap; from there on everything is plain
//! data, and a thread in the background makes code of it. The queue between them is bounded: a law
//! that finds it full is told of again later. When the code lies in its place and the collector
//! knows its frames, its address is stored where the interpreter, and code that calls the law, look
//! for it.

mod count;
mod worker;

pub use count::{Statistics, statistics};

use self::worker::{Birth, Request, Trampolines};
use crate::build::{self, Jets};
use crate::codegen::{ConstantFacts, Environment, GiveUp};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use vm::native::{Engine, FrameTable, Plug};
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
/// Laws that may wait for the background thread.
const QUEUE: usize = 64;
/// Its stack, in bytes: passes and Cranelift recurse as deeply as blocks are nested.
const THREAD_STACK: usize = 16 << 20;

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
    let (frames, trampolines) = <(Arc<FrameTable>, Trampolines)>::default();
    let birth = Birth { frames: Arc::clone(&frames), trampolines: Arc::clone(&trampolines) };
    let engine = Box::new(Compiler { jets, wait, stage: Stage::Idle(birth) });
    vm.plug(Plug { engine, threshold, trampolines, frames })
        .map_err(|error| GiveUp::Machine(error.to_string()))
}

/// The thread that makes code.
enum Stage {
    /// There is none yet.
    Idle(Birth),
    /// It waits for requests.
    Running(SyncSender<Request>),
    /// None could be had.
    Failed,
}

/// The compiler of a runtime.
struct Compiler {
    jets: Jets,
    /// Whether the evaluation waits for the code.
    wait: bool,
    stage: Stage,
}

impl Engine for Compiler {
    fn hot(&mut self, vm: &mut Vm, function: &Val, args: &[Val], entry: Arc<AtomicUsize>) -> bool {
        self.start_thread();
        let Stage::Running(queue) = &self.stage else { return true };
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
        let facts = built.unit.constants.iter().zip(&built.values).map(|(constant, value)| {
            let elsewhere = constant.entry.is_none() && constant.jet.is_none();
            let entry = if elsewhere { vm.code_entry(value) } else { None };
            ConstantFacts { top: vm.top_byte(value), entry }
        });
        let facts = facts.collect();
        let constants = vm.constants(&built.values);
        let environment = Environment { constants, facts };
        let expected = built.expected;
        Some(Request { unit: built.unit, expected, environment, entry, done: None })
    }

    /// Starts the thread, which first makes the stubs: so a runtime without hot laws pays nothing.
    fn start_thread(&mut self) {
        if !matches!(self.stage, Stage::Idle(_)) {
            return;
        }
        if let Stage::Idle(birth) = std::mem::replace(&mut self.stage, Stage::Failed) {
            let (sender, receiver) = sync_channel(QUEUE);
            let thread = std::thread::Builder::new()
                .name("pallas-compiler".into())
                .stack_size(THREAD_STACK)
                .spawn(move || worker::run(birth, receiver));
            if thread.is_ok() {
                self.stage = Stage::Running(sender);
            }
        }
    }
}

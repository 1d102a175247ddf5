//! The door through which compiled code comes in.
//!
//! A compiler ([`Engine`]) is plugged into a [`Vm`]. The interpreter tells it of laws that are
//! called often; it answers with the place at which the address of the law's machine code will
//! appear, and from then on calls of the law, and thunks that such code made, run there.
//!
//! ```text
//! mod      the door: what a compiler is told, and what its code needs to know
//! layout   objects and words as machine code sees them
//! helpers  Rust functions that compiled code calls
//! nats     arithmetic beyond what a register holds
//! frames   the values in frames of compiled code
//! frozen   the code of frozen laws
//! stack    the native stack
//! switch   entering compiled code, and cutting it off
//! ```
//!
//! # The convention of compiled code
//!
//! Functions have Cranelift's tail-call convention: their parameters and their one result are words.
//! The context register holds the address of the `Vm`; [`offset`] says where in it compiled code may
//! look and write. A function for a law takes the law's arguments, evaluated or not, and returns a
//! value that is no thunk; one for a thunk takes the thunk, whose captured values it reads before
//! anything else. Two results are no words: [`CUT`] and [`PENDING`].
//!
//! Compiled code calls the [`helpers`] through stubs, whose frames it records first (`frames`). A
//! helper that returns `CUT` has noted why; its stub calls [`Helper::Cut`] at once.
//!
//! A call in tail position of what is not compiled must not grow the native stack: if the frame that
//! called the stub is the trampoline's, the stub leaves the call on the evaluation stack
//! ([`Helper::Leave`]) and returns `PENDING`, and the interpreter loop that had entered goes on with
//! it.

pub(crate) mod frames;
mod frozen;
mod helpers;
pub mod layout;
mod nats;
mod stack;
mod switch;

pub use self::frames::FrameTable;
pub use self::helpers::Helper;
pub use self::nats::NatOp;

pub(crate) use self::frames::{FrameSlot, FrameScan};

use crate::Vm;
use plan::{EvalError, Val};
use plan::raw::{Kind, Word, pin};
use self::frozen::FrozenEntries;
use self::stack::NativeStack;
use std::any::Any;
use std::rc::Rc;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

/// The result of a helper that has no value, and of compiled code that was cut off.
pub const CUT: u64 = u64::MAX;
/// The result of compiled code that left a call on the evaluation stack.
pub const PENDING: u64 = u64::MAX - 1;
/// Functions of more parameters than this cannot be entered.
pub const PARAMETERS_MAX: usize = 16;

/// A compiler.
pub trait Engine {
    /// A law has been called often: `function` is the law, or the pin of it, that was, this time with
    /// `args`. The address of its code, in the convention above, is to be stored in `entry` when it is
    /// ready. Says no if it is to be told again.
    fn hot(&mut self, vm: &mut Vm, function: &Val, args: &[Val], entry: Arc<AtomicUsize>) -> bool;

    /// The laws are gone for which code was made, or would have been, with these entries: nobody runs
    /// it any more.
    fn lost(&mut self, entries: Vec<Arc<AtomicUsize>>);
}

/// What a compiler brings along.
pub struct Plug {
    /// The compiler.
    pub engine: Box<dyn Engine>,
    /// How often a law is called until the compiler hears of it.
    pub threshold: u32,
    /// Functions of the system's convention, one for each number of parameters from 0: they get the
    /// address of a compiled function and that of its arguments, write their frame pointer to
    /// [`offset::ENTRY_FRAME`], and call it. They are there before any other code is.
    pub trampolines: Arc<OnceLock<Vec<usize>>>,
    /// The maps of the compiler's code.
    pub frames: Arc<FrameTable>,
}

/// The two ends of a piece of stack with frames of compiled code. See [`frames`].
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Activation {
    last_frame: usize,
    entry_frame: usize,
    /// The stack pointer that a cut goes back to.
    cut: usize,
    previous: *const Activation,
}

/// Why compiled code is cut off.
pub(crate) enum End {
    EvalError(EvalError),
    Panic(Box<dyn Any + Send>),
}

/// The state of compiled code in a runtime.
pub(crate) struct Native {
    now: Activation,
    /// The lowest address at which a frame may begin.
    limit: usize,
    /// The flag that interrupts.
    interrupt: *const bool,
    /// What [`Helper::Parts`] found.
    parts: [u64; 3],
    end: Option<End>,
    frozen: FrozenEntries,
    frames: Arc<FrameTable>,
    trampolines: Arc<OnceLock<Vec<usize>>>,
    /// The jets that compare values: by order, by equality.
    compare: [Option<u32>; 2],
    stack: Option<Rc<NativeStack>>,
    /// Taken out while it is asked.
    engine: Option<Box<dyn Engine>>,
    pub(crate) threshold: u32,
    /// Whether collections put a barrier.
    has_barrier: bool,
    /// The return address in whose place the barrier is, if it is anywhere.
    behind_barrier: usize,
    /// The lowest frame that a collection saw since memory was last given back.
    lowest: usize,
}

impl Default for Native {
    /// No compiler.
    fn default() -> Native {
        let previous = std::ptr::null();
        Native {
            now: Activation { last_frame: 0, entry_frame: 0, cut: 0, previous },
            limit: 0,
            interrupt: std::ptr::null(),
            parts: [0; 3],
            end: None,
            frozen: FrozenEntries::default(),
            frames: Arc::default(),
            trampolines: Arc::default(),
            compare: [None; 2],
            stack: None,
            engine: None,
            threshold: u32::MAX,
            has_barrier: true,
            behind_barrier: 0,
            lowest: usize::MAX,
        }
    }
}

/// Where in a [`Vm`] compiled code may look and write, in bytes from the context register.
pub mod offset {
    use super::{Activation, Native};
    use crate::Vm;
    use crate::eval::MARK_OFFSET;
    use crate::host::CodeHost;
    use plan::raw::RawHeap;
    use plan::raw::offset as memory;
    use std::mem::offset_of;

    const HEAP: usize = offset_of!(Vm, heap);
    const MEMORY: usize = HEAP + offset_of!(RawHeap<CodeHost>, memory);
    const HOST: usize = HEAP + offset_of!(RawHeap<CodeHost>, host);
    const NATIVE: usize = HOST + offset_of!(CodeHost, native);
    const NOW: usize = NATIVE + offset_of!(Native, now);

    /// The address of the next object in the nursery.
    pub const NURSERY_NEXT: usize = MEMORY + memory::NURSERY_NEXT;
    /// The addresses of the nursery's first word, and after its last: an object elsewhere is old.
    pub const NURSERY: [usize; 2] =
        [MEMORY + memory::NURSERY_BOUNDS[0], MEMORY + memory::NURSERY_BOUNDS[1]];
    /// The address that objects may not reach beyond without [`Helper::Room`](super::Helper::Room).
    pub const NURSERY_END: usize = MEMORY + memory::INLINE_END;
    /// The lowest address at which a frame may begin.
    pub const STACK_LIMIT: usize = NATIVE + offset_of!(Native, limit);
    /// The address of a byte that is not 0 if the evaluation is to stop.
    pub const INTERRUPT: usize = NATIVE + offset_of!(Native, interrupt);
    /// Three words that [`Helper::Parts`](super::Helper::Parts) writes.
    pub const PARTS: usize = NATIVE + offset_of!(Native, parts);
    /// The address of the table of frozen laws' code.
    pub const FROZEN: usize = NATIVE + offset_of!(Native, frozen);
    /// The frame pointer of the stub that calls Rust.
    pub const LAST_FRAME: usize = NOW + offset_of!(Activation, last_frame);
    /// The frame pointer of the trampoline that called compiled code.
    pub const ENTRY_FRAME: usize = NOW + offset_of!(Activation, entry_frame);
    /// The stack pointer that is handed to [`Helper::Cut`](super::Helper::Cut).
    pub const CUT: usize = NOW + offset_of!(Activation, cut);
    /// The evaluation stack: the address of its first word.
    pub const EVAL_BASE: usize = MEMORY + memory::STACK_BASE;
    /// How many words it holds.
    pub const EVAL_TOP: usize = MEMORY + memory::STACK_TOP;
    /// How many it may hold.
    pub const EVAL_LIMIT: usize = MEMORY + memory::STACK_LIMIT;
    /// How many have not changed since the last collection; to be lowered to the top when that
    /// falls below it.
    pub const EVAL_UNCHANGED: usize = MEMORY + memory::STACK_UNCHANGED;
    /// The newest mark on it, as one more than its index.
    pub const MARK: usize = offset_of!(Vm, evaluator) + MARK_OFFSET;
}

impl Native {
    /// Tells the compiler of laws that are gone.
    pub(crate) fn lose(&mut self, entries: Vec<Arc<AtomicUsize>>) {
        if let Some(engine) = self.engine.as_mut().filter(|_| !entries.is_empty()) {
            engine.lost(entries);
        }
    }

    /// Notes the compiled code of a frozen law, or of the pin of one without a jet.
    pub(crate) fn set_entry_of_frozen(&mut self, function: Word, entry: usize) {
        self.frozen.set(function, entry);
    }

    /// Forgets what was noted of frozen laws.
    pub(crate) fn forget_frozen(&mut self) {
        self.frozen.clear();
    }

    /// Enters compiled code with so many arguments, which are read before anything else happens.
    fn enter(vm: &mut Vm, entry: usize, args: *const u64, count: usize) -> u64 {
        let before = vm.heap.host.native.now;
        let trampoline = vm.heap.host.native.trampolines.wait()[count];
        vm.heap.host.native.now.previous = &raw const before;
        let context: *mut Vm = vm;
        // SAFETY: `entry` is compiled code of this runtime for so many arguments, which lie at
        // `args`; the evaluation runs on the native stack; and the state that `switch` and `frames`
        // ask for is restored below, on the only way out.
        let bits = unsafe {
            let cut = &raw mut (*context).heap.host.native.now.cut;
            switch::enter(context.cast(), trampoline, entry, args, cut)
        };
        vm.heap.host.native.now = before;
        bits
    }
}

impl Vm {
    /// Plugs in a compiler, for good.
    ///
    /// # Errors
    /// If the system does not grant the native stack's address range.
    pub fn plug(&mut self, plug: Plug) -> std::io::Result<()> {
        let interrupt = self.heap.interrupt.flag().as_ptr();
        let native = &mut self.heap.host.native;
        let stack = NativeStack::new(self.heap.memory.options().max_stack)?;
        native.limit = stack.limit();
        native.stack = Some(Rc::new(stack));
        native.interrupt = interrupt;
        native.trampolines = plug.trampolines;
        native.compare = ["_Cmp", "_Eql"].map(|name| self.jets.named(name));
        native.frames = plug.frames;
        native.threshold = plug.threshold;
        native.engine = Some(plug.engine);
        Ok(())
    }

    /// Has every collection look at all frames of compiled code: for measuring what that would cost.
    pub fn forgo_barrier(&mut self) {
        self.heap.host.native.has_barrier = false;
    }

    /// A place outside the heap for the constants of the law that the compiler has been told of,
    /// which the collector keeps up to date as long as the law may run: the address of its first word.
    pub fn constants(&mut self, values: &[Val]) -> usize {
        let words = values.iter().map(|value| self.heap.word(value)).collect();
        self.heap.host.pools.add_untied(words).expose_provenance()
    }

    /// The top byte of a value's word: see [`layout::top`].
    pub fn top_byte(&self, value: &Val) -> u8 {
        (self.heap.word(value).raw() >> 56) as u8
    }

    /// Where the address of a value's code appears when it has some, if it is a law or the pin of
    /// one. A pin's jet is not asked for.
    pub fn code_entry(&mut self, value: &Val) -> Option<Arc<AtomicUsize>> {
        let word = self.heap.word(value);
        let law = if word.kind() == Kind::Pin { pin::item(&self.heap, word) } else { word };
        if law.kind() != Kind::Law {
            return None;
        }
        self.law_entry(law, law != word)
    }

    /// Tells the compiler of a law. Says no if it is to be told again.
    pub(crate) fn tell_engine(
        &mut self,
        function: &Val,
        args: &[Val],
        entry: Arc<AtomicUsize>,
    ) -> bool {
        let Some(mut engine) = self.heap.host.native.engine.take() else { return true };
        let heard = engine.hot(self, function, args, entry);
        self.heap.host.native.engine = Some(engine);
        heard
    }

    /// Enters compiled code: its result's bits, or [`PENDING`].
    pub(crate) fn enter_native(
        &mut self,
        entry: usize,
        args: *const u64,
        count: usize,
    ) -> Result<u64, EvalError> {
        self.evaluator.compiled_runs += 1;
        let bits = Native::enter(self, entry, args, count);
        if bits != CUT {
            return Ok(bits);
        }
        match self.heap.host.native.end.take() {
            Some(End::EvalError(stop)) => Err(stop),
            Some(End::Panic(panic)) => std::panic::resume_unwind(panic),
            None => unreachable!("who cuts says why"),
        }
    }

    /// Runs part of an evaluation on the native stack, if there is a compiler.
    #[inline(always)]
    pub(crate) fn on_native_stack<R>(
        &mut self,
        run: impl FnOnce(&mut Vm) -> Result<R, EvalError>,
    ) -> Result<R, EvalError> {
        let Some(stack) = &self.heap.host.native.stack else { return run(self) };
        if !stack.is_current() {
            return self.switch_stack(run);
        }
        if self.native_stack_is_full() {
            return Err(EvalError::StackOverflow);
        }
        run(self)
    }

    /// Whether the stack pointer is beyond the native stack's limit.
    pub(crate) fn native_stack_is_full(&self) -> bool {
        stack::stack_pointer() < self.heap.host.native.limit
    }

    #[inline(never)]
    fn switch_stack<R>(&mut self, run: impl FnOnce(&mut Vm) -> Result<R, EvalError>) -> Result<R, EvalError> {
        let Some(stack) = self.heap.host.native.stack.clone() else { return run(self) };
        let result = stack.run(|| run(self));
        stack.release(std::mem::replace(&mut self.heap.host.native.lowest, usize::MAX));
        result
    }

    /// Whether the native stack, not a count, bounds how deeply evaluations are nested.
    pub(crate) fn has_native_stack(&self) -> bool {
        self.heap.host.native.stack.is_some()
    }
}

const _: () = assert!(offset::MARK < i32::MAX as usize && offset::FROZEN < i32::MAX as usize);

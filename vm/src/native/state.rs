//! The state of compiled code in a runtime.

use super::frame_table::FrameTable;
use super::frozen::FrozenEntries;
use super::stack::NativeStack;
use plan::EvalError;
use plan::raw::Word;
use std::any::Any;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

/// Which frames a collection looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameScan {
    /// All of them.
    All,
    /// Those that may have changed since the last collection.
    Changed,
}

/// What a frame of compiled code holds.
pub(crate) enum FrameSlot<'f> {
    /// A value, to be rewritten if it moves.
    Value(&'f mut Word),
    /// The code that runs in the frame: an address in it.
    Code(usize),
}

/// The two ends of a piece of stack with frames of compiled code. See `frames`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Activation {
    pub(super) last_frame: usize,
    pub(super) entry_frame: usize,
    /// The stack pointer that a cut goes back to.
    pub(super) unwind_stack_pointer: usize,
    pub(super) previous: *const Activation,
}

/// Why compiled code is left before it has a value.
pub(crate) enum ExitReason {
    Error(EvalError),
    Panic(Box<dyn Any + Send>),
}

/// The state of compiled code in a runtime.
pub(crate) struct NativeState {
    pub(super) activation: Activation,
    /// The lowest address at which a frame may begin.
    pub(super) limit: usize,
    /// The flag that interrupts.
    pub(super) interrupt: *const bool,
    /// What [`Helper::Parts`](super::Helper::Parts) found.
    pub(super) parts: [u64; 3],
    pub(super) exit_reason: Option<ExitReason>,
    pub(super) frozen: FrozenEntries,
    pub(super) frames: Arc<FrameTable>,
    pub(super) trampolines: Arc<OnceLock<Vec<usize>>>,
    /// The jets that compare values: by order, by equality.
    pub(super) compare: [Option<u32>; 2],
    pub(super) stack: Option<Rc<NativeStack>>,
    pub(crate) threshold: u32,
    /// Whether collections put a barrier.
    pub(super) has_barrier: bool,
    /// The return address in whose place the barrier is, if it is anywhere.
    pub(super) barrier_return_address: usize,
    /// The lowest frame that a collection saw since memory was last given back.
    pub(super) lowest_frame: usize,
}

impl Default for NativeState {
    /// No compiler.
    fn default() -> NativeState {
        let previous = std::ptr::null();
        NativeState {
            activation: Activation {
                last_frame: 0,
                entry_frame: 0,
                unwind_stack_pointer: 0,
                previous,
            },
            limit: 0,
            interrupt: std::ptr::null(),
            parts: [0; 3],
            exit_reason: None,
            frozen: FrozenEntries::default(),
            frames: Arc::default(),
            trampolines: Arc::default(),
            compare: [None; 2],
            stack: None,
            threshold: u32::MAX,
            has_barrier: true,
            barrier_return_address: 0,
            lowest_frame: usize::MAX,
        }
    }
}

impl NativeState {
    /// Notes the compiled code of a frozen law, or of the pin of one without a jet.
    pub(crate) fn set_entry_of_frozen(&mut self, function: Word, entry: usize) {
        self.frozen.set(function, entry);
    }

    /// Forgets what was noted of frozen laws.
    pub(crate) fn forget_frozen(&mut self) {
        self.frozen.clear();
    }
}

//! [`NativeState`]: the state of compiled code in a runtime.

use super::cheap_attempts::CheapAttempts;
use super::frame_table::FrameTable;
use super::frozen::FrozenEntries;
use super::jet_entries::{JetCalls, JetEntries};
use super::remembered_objects::RememberedObjects;
use super::stack::NativeStack;
use plan::EvalError;
use plan::raw::Word;
use std::any::Any;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

/// Which frames a collection visits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameScan {
    /// All of them.
    All,
    /// Those that may have changed since the last collection.
    Changed,
}

/// A part of a frame of compiled code that the collector visits.
pub(crate) enum FrameSlot<'f> {
    /// A value, which the collector rewrites if its object moves.
    Value(&'f mut Word),
    /// An address in the code that runs in the frame.
    Code(usize),
}

/// The two ends of a section of stack with frames of compiled code: see `frames`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Activation {
    /// The frame pointer of the stub that calls Rust.
    pub(super) last_frame: usize,
    /// The frame pointer of the trampoline that called compiled code.
    pub(super) entry_frame: usize,
    /// The stack pointer that unwinding restores.
    pub(super) unwind_stack_pointer: usize,
    /// The activation before this one; null in the first.
    pub(super) previous: *const Activation,
}

/// The reason why compiled code was unwound.
pub(crate) enum ExitReason {
    Error(EvalError),
    Panic(Box<dyn Any + Send>),
}

/// The part of the state of compiled code that each evaluation has for itself.
pub(crate) struct NativeContext {
    pub(super) activation: Activation,
    /// The lowest address at which a frame may begin.
    pub(super) limit: usize,
    /// The native stack. `None` without a compiler.
    pub(super) stack: Option<Rc<NativeStack>>,
    /// The return address that the barrier replaces, if it is on the stack.
    pub(super) barrier_return_address: usize,
    /// The lowest frame that a collection has visited since memory was last returned to the system.
    pub(super) lowest_frame: usize,
}

impl NativeContext {
    /// The context of an evaluation that has not begun, on that stack.
    pub(super) fn new(stack: Option<Rc<NativeStack>>) -> NativeContext {
        let previous = std::ptr::null();
        NativeContext {
            activation: Activation {
                last_frame: 0,
                entry_frame: 0,
                unwind_stack_pointer: 0,
                previous,
            },
            limit: stack.as_ref().map_or(0, |stack| stack.limit()),
            stack,
            barrier_return_address: 0,
            lowest_frame: usize::MAX,
        }
    }
}

/// The state of compiled code in a runtime.
pub(crate) struct NativeState {
    /// The context of the running evaluation.
    pub(super) context: NativeContext,
    /// The contexts of the evaluations that do not run, by number; and unused ones.
    pub(super) other_contexts: Vec<NativeContext>,
    /// The interrupt flag.
    pub(super) interrupt: *const bool,
    /// The parts that [`Helper::Parts`](super::Helper::Parts) wrote, or the pending call.
    pub(super) parts: [u64; 3],
    /// The reason for unwinding, from the helper that failed until `enter` returns.
    pub(super) exit_reason: Option<ExitReason>,
    pub(super) frozen: FrozenEntries,
    pub(super) jets: JetEntries,
    pub(super) jet_calls: JetCalls,
    pub(super) frames: Arc<FrameTable>,
    pub(super) trampolines: Arc<OnceLock<Vec<usize>>>,
    /// The jets that compare values: by order, by equality.
    pub(super) compare: [Option<u32>; 2],
    /// The number of calls after which the compiler is asked for a law; `u32::MAX` without a
    /// compiler.
    pub(crate) threshold: u32,
    /// Whether collections place a barrier on the stack.
    pub(super) has_barrier: bool,
    pub(super) remembered: RememberedObjects,
    pub(super) cheap_attempts: CheapAttempts,
}

impl Default for NativeState {
    /// The state without a compiler.
    fn default() -> NativeState {
        NativeState {
            context: NativeContext::new(None),
            other_contexts: Vec::new(),
            interrupt: std::ptr::null(),
            parts: [0; 3],
            exit_reason: None,
            frozen: FrozenEntries::default(),
            jets: JetEntries::default(),
            jet_calls: JetCalls::default(),
            frames: Arc::default(),
            trampolines: Arc::default(),
            compare: [None; 2],
            threshold: u32::MAX,
            has_barrier: true,
            remembered: RememberedObjects::default(),
            cheap_attempts: CheapAttempts::default(),
        }
    }
}

impl NativeState {
    /// Exchanges the context in use for the one with that number, which gets the number in turn.
    pub(crate) fn exchange_context(&mut self, number: usize) {
        std::mem::swap(&mut self.context, &mut self.other_contexts[number]);
    }

    /// Stores the compiled code of a frozen law, or of the pin of one.
    pub(crate) fn set_entry_of_frozen(&mut self, function: Word, entry: usize) {
        self.frozen.set(function, entry);
    }

    /// The address of the compiled code of a frozen law or of the pin of one, if it is known.
    pub(crate) fn entry_of_frozen(&self, function: Word) -> Option<usize> {
        self.frozen.get(function)
    }

    /// The address of the compiled code of a jet, if it is known.
    pub(crate) fn entry_of_jet(&self, jet: u32) -> Option<usize> {
        self.jets.get(jet)
    }

    /// Forgets what is known of objects by their addresses: a collection moves them.
    pub(crate) fn forget_objects(&mut self) {
        self.remembered.clear();
    }

    /// Forgets the compiled code of frozen laws and of jets.
    pub(crate) fn forget_code(&mut self) {
        self.frozen.clear();
        self.jets.clear();
    }
}

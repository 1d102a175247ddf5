//! [`FrameReader`]: reads the frames of compiled code from a signal handler.
//!
//! The code that the signal interrupted may be at any instruction, so the invariant of
//! [`frames`](super::frames), which holds while Rust runs, may not hold. A frame is read only if it
//! is on the native stack, above the guard page and the stack pointer, and above the frame before.
//!
//! # Safety
//!
//! The invariant: *every address that is read is in the mapping of the native stack that the
//! evaluation runs on*. What is read there may be any word; it is compared with bounds before it is
//! used as an address.

use super::state::{Activation, NativeState};
use super::switch;
use std::ops::Range;

/// The frames of the running evaluation, section by section: those of each activation, from the newest
/// to the oldest.
pub(crate) struct FrameReader<'n> {
    native: &'n NativeState,
    /// The addresses of the stack that may be read.
    stack: Range<usize>,
    activation: Activation,
    /// The next frame pointer of this activation.
    frame: usize,
    /// The number of frames that may still be read.
    budget: usize,
}

impl NativeState {
    /// Whether an address is in the region of compiled code.
    pub(crate) fn is_code(&self, address: usize) -> bool {
        self.frames.region().contains(&address)
    }

    /// The address of the constant that is the law, or its pin, of the function that continues at a
    /// return address.
    pub(crate) fn law_constant_at(&self, return_address: usize) -> Option<usize> {
        self.frames.law_constant_at(return_address)
    }
}

impl<'n> FrameReader<'n> {
    /// The frames on a stack with that stack pointer, at most `budget` of them.
    pub(crate) fn new(native: &'n NativeState, stack_pointer: usize, budget: usize) -> Self {
        let context = &native.context;
        let stack = context.stack.as_ref().map_or(0..0, |stack| stack.readable());
        let stack = stack.start.max(stack_pointer)..stack.end;
        let activation = context.activation;
        let mut reader = FrameReader { native, stack, activation, frame: 0, budget };
        reader.begin_at(activation.last_frame);
        reader
    }

    /// Begins the newest section at a frame pointer.
    pub(crate) fn begin_at(&mut self, frame: usize) {
        self.frame = if self.activation.entry_frame == 0 { 0 } else { frame };
    }

    /// Where the next section begins on the stack; none after the last one.
    pub(crate) fn section(&self) -> Option<usize> {
        self.is_readable(self.frame).then_some(self.frame)
    }

    /// Whether there were more frames than may be read.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.budget == 0
    }

    /// Passes the return addresses of a section to `visit`, innermost first, and goes to the next.
    pub(crate) fn read_section(&mut self, mut visit: impl FnMut(usize)) {
        let barrier = switch::barrier_address();
        while self.budget > 0 && self.is_readable(self.frame) {
            self.budget -= 1;
            let [caller, mut address] = self.words(self.frame);
            if address == barrier {
                address = self.native.context.barrier_return_address;
            }
            // The trampoline's caller is Rust.
            if caller == self.activation.entry_frame || !self.native.is_code(address) {
                break;
            }
            visit(address);
            if caller <= self.frame {
                break;
            }
            self.frame = caller;
        }
        self.next_section();
    }

    /// Goes to the section of the activation before. Sections that are not above this one are those
    /// of an activation that has just begun and has no frames yet.
    fn next_section(&mut self) {
        let end = self.frame;
        self.frame = 0;
        while self.budget > 0 {
            self.budget -= 1;
            let previous = self.activation.previous.addr();
            let is_in_stack = previous.is_multiple_of(align_of::<Activation>())
                && previous >= self.stack.start
                && previous.saturating_add(size_of::<Activation>()) <= self.stack.end;
            if !is_in_stack {
                return;
            }
            // SAFETY: the address is aligned and in the mapping (the module's invariant), and any
            // words are an `Activation`.
            self.activation = unsafe { self.activation.previous.read_volatile() };
            self.begin_at(self.activation.last_frame);
            if self.frame == 0 || self.frame > end {
                return;
            }
        }
        self.frame = 0;
    }

    fn is_readable(&self, frame: usize) -> bool {
        frame.is_multiple_of(8)
            && frame >= self.stack.start
            && frame.saturating_add(16) <= self.stack.end
    }

    /// The two words at a frame pointer that is readable: the caller's, and the return address.
    fn words(&self, frame: usize) -> [usize; 2] {
        let words = std::ptr::with_exposed_provenance::<[usize; 2]>(frame);
        // SAFETY: `is_readable` has compared the address with the bounds of the mapping.
        unsafe { words.read_volatile() }
    }
}

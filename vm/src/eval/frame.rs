//! Frames: the work that is left when a value is computed.
//!
//! A frame is on the evaluation stack with its kind on top:
//!
//! ```text
//! Return      code word, distance to the base                  continue in a law's code
//! Update      thunk, its code word or 0, distance to mark      overwrite the thunk
//! Apply       slot, argument..., count                         call the value
//! Call        function, argument..., count, step               evaluate the other arguments
//! Again       function, argument..., count                     call the jet again
//! Normal      -                                                normalise the value
//! Force       object, index                                    store the value, normalise the rest
//! Catch       input, runs, flags, distance to mark             wrap the value: no crash
//! Exit        distance to mark                                 return the value to Rust
//! Span        subject, start, distance to mark                 report the time since the start
//! ```
//!
//! Update, Catch, Exit and Span frames are *marks*: they form a chain, newest first, so that unwinding
//! finds them without parsing the words between. Frames hold distances instead of indices, so that
//! they can be moved.

use plan::raw::{EvalStack, Word, WordKind};

/// The kind of a frame, which decides what it does with the value that is returned to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum FrameKind {
    Return,
    Update,
    Apply,
    Call,
    Normal,
    Force,
    Catch,
    Exit,
    Again,
    Span,
}

impl FrameKind {
    #[inline(always)]
    pub(crate) fn of(word: Word) -> FrameKind {
        match word.raw() {
            0 => FrameKind::Return,
            1 => FrameKind::Update,
            2 => FrameKind::Apply,
            3 => FrameKind::Call,
            4 => FrameKind::Normal,
            5 => FrameKind::Force,
            6 => FrameKind::Catch,
            7 => FrameKind::Exit,
            8 => FrameKind::Again,
            9 => FrameKind::Span,
            other => unreachable!("{other} is not the kind of a frame"),
        }
    }
}

/// The number of words of a Return frame.
pub(crate) const RETURN_SIZE: usize = 3;

/// The number of words of an Update frame.
pub(crate) const UPDATE_SIZE: usize = 4;

/// The number of words of a Force frame.
pub(crate) const FORCE_SIZE: usize = 3;

/// The number of words of a Span frame.
pub(crate) const SPAN_SIZE: usize = 4;

/// Pushes a number that is not a value.
#[inline(always)]
pub(crate) fn push_number(stack: &mut EvalStack, number: usize) {
    stack.push(Word::direct(number as u64));
}

/// Pops a number that is not a value.
#[inline(always)]
pub(crate) fn pop_number(stack: &mut EvalStack) -> usize {
    stack.pop().raw() as usize
}

/// Ends a frame with its kind.
#[inline(always)]
pub(crate) fn push_kind(stack: &mut EvalStack, kind: FrameKind) {
    stack.push(Word::direct(kind as u64));
}

/// Whether the frame on top is of that kind.
#[inline(always)]
pub(crate) fn is_on_top(stack: &EvalStack, kind: FrameKind) -> bool {
    stack.peek(0) == Word::direct(kind as u64)
}

/// Pops the Force frame on top: the object, and the step whose value was awaited.
#[inline(always)]
pub(crate) fn pop_force(stack: &mut EvalStack) -> (Word, usize) {
    stack.pop();
    let index = pop_number(stack);
    (stack.pop(), index)
}

/// Whether a word is the code word of a decoded law or of a part of it.
pub(super) fn is_decoded_code(word: Word) -> bool {
    word.kind() == WordKind::Code && !word.is_native()
}

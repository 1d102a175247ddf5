//! Frames: what is left to do when a value is there.
//!
//! A frame lies on the evaluation stack, its kind on top:
//!
//! ```text
//! Return      code word, distance to the base                  go on in a law's code
//! Update      thunk, its code word or 0, distance to mark      overwrite the thunk
//! Apply       hole, argument..., count                         call the value
//! Call        function, argument..., count, step               evaluate the other arguments
//! Again       function, argument..., count                     call the jet again
//! Normal      -                                                normalise the value
//! Force       object, index                                    store it, normalise the rest
//! Catch       distance to mark                                 wrap it: nothing crashed
//! Exit        distance to mark                                 hand it to Rust
//! ```
//!
//! Update, Catch and Exit frames are *marks*: they are chained, newest first, so that a crash finds
//! them without knowing what lies between. Distances make frames independent of where they lie.

use plan::raw::{Stack, Word};

/// What a frame does with the value it is given.
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
            other => unreachable!("{other} is not a frame"),
        }
    }
}

/// Words of a Return frame.
pub(crate) const RETURN_SIZE: usize = 3;

/// Pushes a number that is not a value.
#[inline(always)]
pub(crate) fn push_number(stack: &mut Stack, number: usize) {
    stack.push(Word::direct(number as u64));
}

/// Pops a number that is not a value.
#[inline(always)]
pub(crate) fn pop_number(stack: &mut Stack) -> usize {
    stack.pop().raw() as usize
}

/// Ends a frame with its kind.
#[inline(always)]
pub(crate) fn push_kind(stack: &mut Stack, kind: FrameKind) {
    stack.push(Word::direct(kind as u64));
}

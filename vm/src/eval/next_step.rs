//! [`NextStep`]: the next step of the interpreter's loop.

use plan::raw::{Word, WordKind};

/// What the interpreter's loop does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum NextStep {
    /// Run instructions at the current code position.
    Run,
    /// Call the function at that stack index with the words above it.
    Call(usize),
    /// Evaluate a word to its outermost shape.
    Eval(Word),
    /// Normalise an evaluated word.
    Normalise(Word),
    /// Return an evaluated word to the frame on top of the stack.
    Return(Word),
    /// Leave the loop with an evaluated word.
    Exit(Word),
}

/// Whether an evaluated word counts as false: the nat 0, or not a nat.
#[inline(always)]
pub(super) fn is_false(word: Word) -> bool {
    word == Word::ZERO || !matches!(word.kind(), WordKind::Nat | WordKind::Big)
}

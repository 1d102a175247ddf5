//! [`Ref`]: a borrowed value.
//!
//! A `Ref` borrows its [`Heap`](crate::Heap). Allocation and evaluation need the heap exclusively,
//! so the value of a `Ref` never moves. Other modules add methods to it: [`crate::view`] shapes,
//! [`crate::order`] comparisons, [`crate::hash`] hashes, and so on.

use crate::error::EvalError;
use crate::heap::HeapMemory;
use crate::word::Word;

/// A borrowed value, which cannot move meanwhile. It is cheap to copy.
#[derive(Clone, Copy)]
pub struct Ref<'h> {
    pub(crate) word: Word,
    pub(crate) heap: &'h HeapMemory,
}

impl<'h> Ref<'h> {
    /// Returns the value of a word of that memory.
    #[inline]
    pub fn new(word: Word, heap: &'h HeapMemory) -> Ref<'h> {
        Ref { word: heap.resolve(word), heap }
    }

    /// Returns the value of a word that is no evaluated thunk, such as a part of a value in normal
    /// form. It spares the check of [`Ref::new`].
    ///
    /// # Panics
    /// In debug builds, if the word is an evaluated thunk. In release builds, the value of such a
    /// word counts as unevaluated.
    #[inline(always)]
    pub fn of_resolved(word: Word, heap: &'h HeapMemory) -> Ref<'h> {
        debug_assert!(heap.resolve(word) == word, "an evaluated thunk is not resolved");
        Ref { word, heap }
    }

    /// Returns the value's word.
    #[inline]
    pub fn word(self) -> Word {
        self.word
    }

    /// Returns the memory that holds the value.
    #[inline]
    pub fn memory(self) -> &'h HeapMemory {
        self.heap
    }

    /// Whether the value is evaluated. Only then does it have a shape other than
    /// [`Shape::Thunk`](crate::Shape::Thunk).
    pub fn is_evaluated(self) -> bool {
        !self.word.is_thunk()
    }

    /// Whether the value is known to be in normal form: true of every normalised value, possibly
    /// false of another value that is in normal form.
    pub fn is_normal(self) -> bool {
        self.heap.is_normal(self.word)
    }

    /// Fails if the heap has read a damaged pin, perhaps in this value: like
    /// [`Heap::check_damage`](crate::Heap::check_damage), for code that has only the value.
    ///
    /// # Errors
    /// [`EvalError::Damaged`].
    pub fn check_damage(self) -> Result<(), EvalError> {
        Ok(self.heap.spaces.check(&self.heap.interrupt)?)
    }

    /// Whether both are the same object or the same small nat, and so equal.
    pub fn is_same(self, other: Ref<'_>) -> bool {
        self.word == other.word
    }
}

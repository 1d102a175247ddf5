//! Construction of values: [`ValueBuilder`], which works on top of the evaluation stack.
//!
//! Operands are pushed, and an operation replaces them by its result. The builder holds words on
//! the stack only, where the collector finds them. Each value gets the shape that [`crate::shape`]
//! defines.

use crate::digest::Hash;
use crate::error::EvalError;
use crate::hash::hash_within;
use crate::heap::{RawHeap, Val};
use crate::layout::{ObjectLayout, PIN_SIZE};
use crate::nat::Natural;
use crate::tree::edit::EditMode;
use crate::value_ref::Ref;
use crate::view::Shape;
use crate::word::{Word, WordKind};
use crate::{bar, law, nat, pin, shape, tree};

/// Builds values on the stack of a heap. Dropping the builder drops the values that it has pushed.
pub struct ValueBuilder<'v> {
    heap: &'v mut RawHeap,
    base: usize,
}

impl<'v> ValueBuilder<'v> {
    /// Creates a builder with no values.
    pub(crate) fn new(heap: &'v mut RawHeap) -> ValueBuilder<'v> {
        let base = heap.stack.top();
        ValueBuilder { heap, base }
    }

    /// Returns the number of pushed values that no operation has consumed.
    pub fn len(&self) -> usize {
        self.heap.stack.top() - self.base
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the value at that index from the bottom.
    ///
    /// # Panics
    /// If there are not that many values.
    pub fn get(&self, index: usize) -> Ref<'_> {
        self.require(index.saturating_add(1));
        Ref::new(self.heap.stack.get_checked(self.base + index), self.heap)
    }

    /// Returns a handle to the value on top, and ends the builder.
    ///
    /// # Panics
    /// If there is no value.
    pub fn finish(self) -> Val {
        assert!(!self.is_empty(), "nothing was built");
        let top = self.heap.stack.peek(0);
        self.heap.handle(top)
    }

    /// Checks that the builder has `count` values. The words below them belong to an evaluator,
    /// which an operation must not read or replace.
    fn require(&self, count: usize) {
        assert!(count <= self.len(), "the builder has fewer values than the operation takes");
    }

    fn push_word(&mut self, word: Word) {
        self.heap.stack.push_checked(word);
    }

    /// Checks that `count` more values can be pushed.
    ///
    /// # Errors
    /// [`EvalError::StackOverflow`].
    pub fn room_for(&mut self, count: usize) -> Result<(), EvalError> {
        if self.heap.stack.has_room(count) { Ok(()) } else { Err(EvalError::StackOverflow) }
    }

    /// Pushes a value.
    pub fn push(&mut self, val: &Val) {
        let word = self.heap.word(val);
        self.push_word(word);
    }

    /// Pushes a copy of the value at that index from the bottom.
    pub fn push_copy(&mut self, index: usize) {
        self.require(index.saturating_add(1));
        let word = self.heap.stack.get_checked(self.base + index);
        self.push_word(word);
    }

    /// Pushes a nat.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_nat(&mut self, nat: u64) -> Result<(), EvalError> {
        self.push_limbs(&[nat])
    }

    /// Pushes a nat of any size.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_natural(&mut self, nat: &Natural) -> Result<(), EvalError> {
        self.push_limbs(nat.as_limbs_asc())
    }

    /// Pushes the nat with these bytes, least significant first.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_nat_bytes(&mut self, bytes: &[u8]) -> Result<(), EvalError> {
        if bytes.len() <= 8 {
            let mut limb = [0; 8];
            limb[..bytes.len()].copy_from_slice(bytes);
            return self.push_nat(u64::from_le_bytes(limb));
        }
        let word = nat::from_bytes(self.heap, bytes)?;
        self.push_word(word);
        Ok(())
    }

    /// Pushes the nat with these limbs, least significant first; the most significant limbs may be
    /// zero.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_limbs(&mut self, limbs: &[u64]) -> Result<(), EvalError> {
        let word = nat::from_limbs(self.heap, limbs)?;
        self.push_word(word);
        Ok(())
    }

    /// Pushes a bar.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_bar(&mut self, bytes: &[u8]) -> Result<(), EvalError> {
        let word = bar::make(self.heap, bytes)?;
        self.push_word(word);
        Ok(())
    }

    /// Replaces the top `count` values by the row of them, in the order in which they were pushed.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn row(&mut self, count: usize) -> Result<(), EvalError> {
        self.require(count);
        self.heap.reserve(1 + count)?;
        let row = self.heap.allocate_popped(ObjectLayout::Row, 0, count);
        self.push_word(row);
        Ok(())
    }

    /// Replaces a function and `count` arguments above it by the application: an app (or its data
    /// jet) if the function takes more arguments, otherwise a thunk.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn app(&mut self, count: usize) -> Result<(), EvalError> {
        self.require(count.saturating_add(1));
        shape::apply_lazily(self.heap, count)?;
        Ok(())
    }

    /// Replaces name, arity and body, all in normal form, by the law (or its data jet). A name or
    /// arity that is not a nat counts as 0.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`], and a crash `(0 0)` if the arity is 0, as PLAN's rule for
    /// operation 0 says.
    pub fn law(&mut self) -> Result<(), EvalError> {
        self.require(3);
        if law::make_law(self.heap)? {
            return Ok(());
        }
        let zero = Val::direct(Word::ZERO);
        Err(EvalError::Crash { op: zero.clone(), arg: zero })
    }

    /// Replaces a value in normal form by the pin of it.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn pin(&mut self) -> Result<(), EvalError> {
        self.require(1);
        make_pin(self.heap)
    }

    /// Replaces a value in normal form by a pin of it with that hash, which is not checked.
    pub(crate) fn stand_in(&mut self, hash: Hash) -> Result<(), EvalError> {
        self.require(1);
        self.heap.reserve(1 + PIN_SIZE)?;
        let item = self.heap.stack.pop();
        let word = pin::allocate(self.heap, item);
        pin::set_hash(self.heap, word, &hash);
        self.push_word(word);
        Ok(())
    }

    /// Replaces the top two values, a set and a row with a value for each key, by the table.
    ///
    /// # Panics
    /// If the values are not a set and such a row.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn tab(&mut self) -> Result<(), EvalError> {
        self.require(2);
        shape::apply_lazily(self.heap, 1)?;
        assert_eq!(self.heap.stack.peek(0).kind(), WordKind::Tab, "a set and a row of values");
        Ok(())
    }

    /// Replaces a table, and a key and a value in normal form above it, by the table that maps the
    /// key to the value. The new table shares all but one path of the keys and of the values of a
    /// long table.
    ///
    /// # Panics
    /// If the first value is not a table.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`], and [`EvalError::Interrupted`] while keys are compared.
    pub fn tab_insert(&mut self) -> Result<(), EvalError> {
        self.require(3);
        let place = {
            let (table, key) = (self.get(self.len() - 3), self.get(self.len() - 2));
            let Shape::Tab(keys, _) = table.shape() else { panic!("a table, a key and a value") };
            keys.search(key)?
        };
        let [edited, key, value] = [2, 1, 0].map(|depth| self.heap.stack.peek(depth));
        let table = self.heap.stack.top() - 3;
        self.heap.stack.truncate(table);
        let made =
            tree::edit::insert_in_table(self.heap, (edited, key, value), place, EditMode::Copy)?;
        self.heap.stack.push_checked(made);
        Ok(())
    }
}

impl Drop for ValueBuilder<'_> {
    fn drop(&mut self) {
        self.heap.stack.truncate(self.base);
    }
}

/// The largest size, in words, of a law that gets a label; shared parts count each time they occur.
/// A law with a few shared parts could take forever to hash, so a larger law is hashed on request
/// only.
const LABEL_WORDS: usize = 1 << 20;

/// Replaces the value on top of the stack, which is in normal form, by the pin of it. The pin of a
/// law is hashed immediately if the host assigns labels, and gets its label.
pub fn make_pin(heap: &mut RawHeap) -> Result<(), EvalError> {
    heap.reserve(1 + PIN_SIZE)?;
    let item = heap.stack.pop();
    let word = pin::allocate(heap, item);
    heap.stack.push_checked(word);
    if item.kind() == WordKind::Law
        && heap.host.has_labels()
        && let Some(hash) = hash_within(Ref::new(item, heap), LABEL_WORDS)?
    {
        pin::set_hash(heap, word, &hash);
        if let Some(label) = heap.host.label(&heap.memory, item, &hash) {
            pin::set_label(heap, word, label);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::heap;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The words below a builder's own belong to an evaluator.
    #[test]
    fn an_operation_on_values_that_were_not_pushed_panics() {
        type Operation = fn(&mut ValueBuilder<'_>) -> Result<(), EvalError>;
        let operations: [(usize, Operation); 9] = [
            (0, |b| b.pin()),
            (1, |b| b.app(1)),
            (1, |b| b.app(usize::MAX)),
            (1, |b| b.row(2)),
            (1, |b| b.row(usize::MAX)),
            (2, |b| b.law()),
            (1, |b| b.tab()),
            (2, |b| b.tab_insert()),
            (1, |b| {
                b.push_copy(usize::MAX);
                Ok(())
            }),
        ];
        for (index, (pushed, operation)) in operations.into_iter().enumerate() {
            let heap = &mut heap(false);
            heap.0.stack.push_checked(Word::ZERO);
            let result = catch_unwind(AssertUnwindSafe(|| {
                let mut builder = heap.builder();
                (0..pushed).for_each(|_| builder.push(&Val::direct(Word::ZERO)));
                operation(&mut builder)
            }));
            assert!(result.is_err(), "operation {index}");
            assert_eq!(heap.0.stack.top(), 1, "operation {index}");
        }
    }
}

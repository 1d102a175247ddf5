//! [`JetCall`]'s direct access to tables: a search, a value and an edit without a value on the stack
//! for each part of the table.

use crate::vm::JetCall;
use plan::raw::tree::edit::EditMode;
use plan::raw::{Word, WordKind, tree};
use plan::{EvalError, Items, Ref};

impl JetCall<'_> {
    /// The table at that index, if the value is one that is a data jet.
    #[inline]
    fn table_at(&self, index: usize) -> Option<Word> {
        let table = self.vm.heap.resolve(self.word_at(index));
        (table.kind() == WordKind::Tab).then_some(table)
    }

    /// Searches the table at index `table` for the value at index `key`. Returns the index of the
    /// key's entry, or else (the inner `Err`) that of the first entry with a larger key. `None` if
    /// the value at `table` is no table or is not evaluated, or if the evaluated parts of the key do
    /// not decide.
    #[inline]
    pub fn find_entry(&self, key: usize, table: usize) -> Option<Result<usize, usize>> {
        let heap = &self.vm.heap;
        let keys = Items::of(heap.load(self.table_at(table)?, 0), heap);
        let key = self.word_at(key);
        match key.as_direct() {
            Some(nat) => Some(keys.search_nat(nat)),
            None => keys.search_evaluated(Ref::new(key, heap)).ok(),
        }
    }

    /// Pushes the value of an entry of the table at index `table`, not evaluated.
    ///
    /// # Panics
    /// If the value at `table` is no table, or has no such entry.
    #[inline]
    pub fn push_entry_value(&mut self, table: usize, entry: usize) {
        let table = self.table_at(table).expect("a table");
        let heap = &mut self.vm.heap;
        let values = heap.load(table, 1);
        let value = Items::of(values, heap).word(entry).expect("the table has that entry");
        heap.stack.push_checked(value);
    }

    /// Replaces a table, a key and a value on top of the stack by the table that maps the key to the
    /// value. `position` is what [`JetCall::find_entry`] returned for that table and key. The caller
    /// makes sure that a key which is not in the table is in normal form.
    ///
    /// # Panics
    /// If the third value from the top is no table, or has no entry at that position.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn insert_entry(&mut self, position: Result<usize, usize>) -> Result<(), EvalError> {
        self.insert_entry_as(position, EditMode::Copy)
    }

    /// [`JetCall::insert_entry`] in that mode.
    pub(crate) fn insert_entry_as(
        &mut self,
        position: Result<usize, usize>,
        mode: EditMode,
    ) -> Result<(), EvalError> {
        self.expect_values(3);
        let table = self.table_at(self.height() - 3).expect("a table");
        let count = tree::len(&self.vm.heap, self.vm.heap.load(table, 0));
        let fits = position.map_or_else(|at| at <= count, |at| at < count);
        assert!(fits, "the table has that position");
        Ok(tree::edit::insert_in_table(&mut self.vm.heap, position, mode)?)
    }
}

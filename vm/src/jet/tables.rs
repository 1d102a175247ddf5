//! [`JetCall`]'s direct access to tables: a search, a value and an edit without a value on the stack
//! for each part of the table.

use crate::vm::JetCall;
use plan::raw::tree::edit::EditMode;
use plan::raw::{Word, WordKind, tree};
use plan::{EvalError, Items, Ref};

/// A walk over the entries of a table: the leaves that have the last entry are on the stack.
#[derive(Debug)]
pub struct EntryWalk {
    /// The index of the table.
    table: usize,
    /// The index of the leaf of keys; the leaf of values is above it.
    leaves: usize,
    /// The ranges of entries whose keys and values these leaves have.
    ranges: [(usize, usize); 2],
}

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
        let key = heap.resolve(self.word_at(key));
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

    /// Prepares a walk over the entries of the table at index `table`: pushes two places for leaves.
    ///
    /// # Panics
    /// If the value at `table` is no table.
    pub fn walk_entries(&mut self, table: usize) -> EntryWalk {
        self.table_at(table).expect("a table");
        let leaves = self.height();
        self.push_small(0);
        self.push_small(0);
        EntryWalk { table, leaves, ranges: [(0, 0); 2] }
    }

    /// Pushes the key and the value of an entry, not evaluated. Walks that go from one entry to the next
    /// search the table once for each leaf.
    ///
    /// # Panics
    /// If the table has no such entry, or a place of the walk was dropped.
    pub fn push_entry(&mut self, walk: &mut EntryWalk, entry: usize) {
        for (part, range) in walk.ranges.iter_mut().enumerate() {
            let slot = self.stack_index(walk.leaves + part);
            if !(range.0..range.1).contains(&entry) {
                let table = self.table_at(walk.table).expect("a table");
                let part = self.vm.heap.load(table, part);
                let (leaf, start) =
                    tree::leaf_of(&self.vm.heap, part, entry).expect("the table has that entry");
                *range = (start, start + self.vm.heap.size(leaf));
                self.vm.heap.stack.set(slot, leaf);
            }
            let heap = &mut self.vm.heap;
            let word = heap.words(heap.stack.get(slot), 0)[entry - range.0];
            heap.stack.push_checked(word);
        }
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
        let heap = &mut self.vm.heap;
        let [table, key, value] = [2, 1, 0].map(|depth| heap.stack.peek(depth));
        let top = heap.stack.top() - 3;
        heap.stack.truncate(top);
        let made = tree::edit::insert_in_table(heap, (table, key, value), position, mode)?;
        heap.stack.push_checked(made);
        Ok(())
    }
}

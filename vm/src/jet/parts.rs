//! [`JetCall`]'s view of values as PLAN defines them: rows, tables and apps are all a function with
//! arguments, whatever layout the heap gives them. Also edits of rows, sets and bars.

use crate::vm::JetCall;
use plan::raw::tree::edit::EditMode;
use plan::raw::{DIRECT_LIMIT, ObjectLayout, Word, WordKind, bar, nat, shape, tree};
use plan::{EvalError, Hash, Heap, Items, Ref, Shape, Val};
use std::ops::Range;

impl JetCall<'_> {
    /// Fails if the heap can never hold a result of that many words. A jet that can compute the
    /// size of its result checks this before it does the work.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    #[inline]
    pub fn check_result_words(&self, words: u64) -> Result<(), EvalError> {
        if words <= self.vm.heap.limit_words() as u64 {
            Ok(())
        } else {
            Err(EvalError::OutOfMemory)
        }
    }

    /// The heap, for building values. It is not the whole runtime, because a jet could replace a
    /// runtime, and with it the stack that its call refers to.
    pub fn heap(&mut self) -> &mut Heap {
        self.vm
    }

    /// Normalises a value and makes a pin around it. The caller checks [`JetCall::may_nest`] unless
    /// the value is in normal form.
    ///
    /// # Errors
    /// Those of [`JetCall::run`].
    pub fn pin(&mut self, item: &Val) -> Result<Val, EvalError> {
        self.vm.pin(item)
    }

    /// A handle of the value at that index.
    pub fn hold(&self, index: usize) -> Val {
        self.hold_value(self.at(index))
    }

    /// A handle of a borrowed value.
    pub fn hold_value(&self, value: Ref<'_>) -> Val {
        self.vm.hold(value)
    }

    /// Whether the value at that index is evaluated. If it is, its indirections are removed first,
    /// so that the accessors which read only the word ([`JetCall::small`], [`JetCall::nat`],
    /// [`JetCall::cast`]) see the value.
    #[inline(always)]
    pub fn is_evaluated_at(&mut self, index: usize) -> bool {
        !self.resolve_at(index).is_thunk()
    }

    /// Removes the indirections of the value at that index, and returns its word.
    #[inline(always)]
    pub(crate) fn resolve_at(&mut self, index: usize) -> Word {
        let stack_index = self.stack_index(index);
        let word = self.vm.heap.stack.get(stack_index);
        if !word.is_thunk() {
            return word;
        }
        let word = self.vm.heap.resolve(word);
        self.vm.heap.stack.set(stack_index, word);
        word
    }

    /// Pops the top value and stores it at that index.
    ///
    /// # Panics
    /// If the index is not below that of the top value.
    #[inline]
    pub fn put(&mut self, index: usize) {
        self.expect_values(index.saturating_add(2));
        let word = self.vm.heap.stack.pop();
        self.vm.heap.stack.set(self.base + index, word);
    }

    /// The hash of the value at that index.
    ///
    /// # Panics
    /// If the value is not in normal form.
    ///
    /// # Errors
    /// [`EvalError::TooLarge`] and [`EvalError::Interrupted`].
    pub fn hash(&self, index: usize) -> Result<Hash, EvalError> {
        self.at(index).hash()
    }

    /// Pushes these items of the row, or these keys of the set, at that index. The caller checks
    /// with [`JetCall::room_for`] that the stack has room for them.
    ///
    /// # Panics
    /// If the value is neither row nor set, has no such items, or the stack has no room.
    pub fn push_items(&mut self, index: usize, items: Range<usize>) {
        let object = self.items_at(index);
        tree::push_range(&mut self.vm.heap, object, items);
    }

    /// The row or set at that index.
    fn items_at(&self, index: usize) -> Word {
        let word = self.vm.heap.resolve(self.word_at(index));
        assert!(matches!(word.kind(), WordKind::Row | WordKind::Set), "a row or a set");
        word
    }

    /// The arity of the evaluated value at that index; `None` if it is 2^63 or more.
    ///
    /// # Panics
    /// If the value is not evaluated.
    pub fn arity(&self, index: usize) -> Option<u64> {
        let arity = shape::arity(&self.vm.heap, self.at(index).word());
        (arity < DIRECT_LIMIT).then_some(arity)
    }

    /// Pushes the nat with these bytes, least significant first.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), EvalError> {
        let word = nat::from_bytes(&mut self.vm.heap, bytes)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Removes the value at that index and moves those above it down.
    pub fn remove(&mut self, index: usize) {
        let removed = self.stack_index(index);
        self.vm.heap.stack.slide(removed, removed + 1);
    }

    /// Reverses the order of the top `count` values.
    #[inline]
    pub fn reverse(&mut self, count: usize) {
        self.expect_values(count);
        let top = self.vm.heap.stack.top();
        self.vm.heap.stack.top_mut(top - count).reverse();
    }

    /// The number of arguments that the evaluated value at that index is applied to: 0 if it is not
    /// an app (nor a row or table, which PLAN sees as one).
    pub fn arg_count(&self, index: usize) -> usize {
        match self.at(index).shape() {
            Shape::Row(items) => items.len(),
            Shape::Tab(..) => 1,
            Shape::App(app) => app.len(),
            _ => 0,
        }
    }

    /// Pushes an item of the evaluated row or app at index `row`; the value at index `index` is the
    /// item's number, and the last argument is item 0. Pushes nothing and returns false if there is
    /// no such item or it is not in the object itself (long rows, chained apps).
    #[inline]
    pub fn push_flat_item(&mut self, row: usize, index: usize) -> bool {
        let (row, index) = (self.word_at(row), self.word_at(index).as_direct());
        let heap = &mut self.vm.heap;
        let Some(index) = index.and_then(|index| usize::try_from(index).ok()) else { return false };
        let found = match row.kind() {
            WordKind::Row => Items::of(row, heap).flat_word(index),
            WordKind::App => match heap.words(row, 0) {
                [head, args @ ..] if head.kind() != WordKind::App => {
                    args.iter().rev().nth(index).copied()
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(word) = found {
            heap.stack.push_checked(word);
        }
        found.is_some()
    }

    /// Pushes the function at the head of the app at that index. It is not itself an app.
    ///
    /// # Panics
    /// If the value is not an app.
    pub fn push_function(&mut self, index: usize) {
        let app = self.at(index);
        let word = match app.shape() {
            Shape::Row(items) if !items.is_empty() => Word::cow(items.len() as u64),
            Shape::App(parts) => parts.head().word(),
            Shape::Tab(..) => self.vm.heap.load(app.word(), 0),
            _ => panic!("only an app has a function"),
        };
        self.vm.heap.stack.push_checked(word);
    }

    /// Pushes an argument of the app at that index; argument 0 is the one applied first. For a row
    /// that is its last item, for a table the row of its values.
    ///
    /// # Panics
    /// If the app has no such argument.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_arg(&mut self, index: usize, arg: usize) -> Result<(), EvalError> {
        let app = self.at(index);
        let word = match app.shape() {
            Shape::Row(items) => items.get(items.len().wrapping_sub(1 + arg)).map(|r| r.word()),
            Shape::App(parts) => parts.args().nth(arg).map(|r| r.word()),
            Shape::Tab(..) => Some(self.vm.heap.load(app.word(), 1)),
            _ => None,
        };
        self.vm.heap.stack.push_checked(word.expect("the app has that argument"));
        Ok(())
    }

    /// Pushes an item of the evaluated value at that index, seen as a row; 0 if there is none.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_field(&mut self, index: usize, field: usize) -> Result<(), EvalError> {
        let heap = &self.vm.heap;
        let object = heap.resolve(self.word_at(index));
        if object.kind() == WordKind::Row
            && let Some(item) = Items::of(object, heap).flat_word(field)
        {
            self.vm.heap.stack.push_checked(item);
            return Ok(());
        }
        let count = self.arg_count(index);
        if field >= count {
            self.push_small(0);
            return Ok(());
        }
        self.push_arg(index, count - 1 - field)
    }

    /// Replaces the list cell at that index by the rest of the list, and pushes its first item: items
    /// 1 and 0 of the evaluated value, seen as a row, or 0 if it has no such item.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    #[inline]
    pub fn push_cell(&mut self, index: usize) -> Result<(), EvalError> {
        let stack_index = self.stack_index(index);
        let heap = &mut self.vm.heap;
        let cell = heap.resolve(heap.stack.get(stack_index));
        if cell.kind() == WordKind::Row
            && let Some(rest) = Items::of(cell, heap).flat_word(1)
        {
            let first = heap.load(cell, 0);
            heap.stack.set(stack_index, rest);
            heap.stack.push_checked(first);
            return Ok(());
        }
        self.push_field(index, 0)?;
        self.push_field(index, 1)?;
        self.put(index);
        Ok(())
    }

    /// Replaces the list at index `list` by the rest of the list, and pushes its first items, evaluated: at
    /// most `limit`. Returns their number, which is 0 at the end of the list. The list is not kept alive
    /// while its parts are evaluated. The caller has checked [`JetCall::may_nest`], and is certain to
    /// evaluate all items of the list.
    ///
    /// # Errors
    /// Those of [`JetCall::run`].
    pub fn push_next_items(&mut self, list: usize, limit: usize) -> Result<usize, EvalError> {
        let stack_index = self.stack_index(list);
        match self.vm.push_evaluated_items(stack_index, limit)? {
            0 => Ok(usize::from(self.push_next_item(list)?)),
            count => Ok(count),
        }
    }

    /// Replaces the list at index `list` by the rest of the list, and pushes its first item, evaluated.
    /// Returns false, and pushes nothing, at the end of the list. The list is not kept alive while its
    /// parts are evaluated. The caller has checked [`JetCall::may_nest`].
    ///
    /// # Errors
    /// Those of [`JetCall::run`].
    pub fn push_next_item(&mut self, list: usize) -> Result<bool, EvalError> {
        self.check()?;
        let stack_index = self.stack_index(list);
        let mut cell = self.vm.heap.resolve(self.vm.heap.stack.get(stack_index));
        if cell.is_thunk() {
            self.vm.heap.stack.push_checked(cell);
            self.vm.heap.stack.set(stack_index, Word::ZERO);
            self.vm.evaluate_top_for_jet()?;
            cell = self.vm.heap.stack.pop();
        }
        self.vm.heap.stack.set(stack_index, cell);
        if matches!(cell.kind(), WordKind::Nat | WordKind::Big) {
            return Ok(false);
        }
        self.push_cell(list)?;
        if self.vm.heap.stack.peek(0).is_thunk() {
            self.vm.evaluate_top_for_jet()?;
        }
        Ok(true)
    }

    /// Pushes the row of the keys of the set at that index.
    ///
    /// # Panics
    /// If the value is neither set nor row.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_keys(&mut self, index: usize) -> Result<(), EvalError> {
        let set = self.items_at(index);
        let row = tree::row_of_items(&mut self.vm.heap, set)?;
        self.vm.heap.stack.push_checked(row);
        Ok(())
    }

    /// Pushes a copy of the row or set at index `index` with the value at index `item` inserted
    /// before item `at`. A long one shares all nodes but one path with the original. The caller
    /// makes sure that a key inserted into a set is in normal form and in order.
    ///
    /// # Panics
    /// If the value is neither row nor set, or is shorter than `at`.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_inserted(&mut self, index: usize, at: usize, item: usize) -> Result<(), EvalError> {
        let (edited, item) = (self.items_at(index), self.word_at(item));
        assert!(at <= self.item_count(index), "an item belongs there");
        let word = tree::edit::insert(&mut self.vm.heap, edited, at, item, EditMode::Copy)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes a copy of the row at index `index` with item `at` replaced by the value at index
    /// `item`. A long one shares all nodes but one path with the original.
    ///
    /// # Panics
    /// If the value is neither row nor set, or has no such item.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_replaced(&mut self, index: usize, at: usize, item: usize) -> Result<(), EvalError> {
        let (edited, item) = (self.items_at(index), self.word_at(item));
        assert!(at < self.item_count(index), "the row has that item");
        let word = tree::edit::replace(&mut self.vm.heap, edited, at, item, EditMode::Copy)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes a copy of the row or set at index `index` without item `at`. A long one shares all
    /// nodes but one path with the original.
    ///
    /// # Panics
    /// If the value is neither row nor set, or has no such item.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_removed(&mut self, index: usize, at: usize) -> Result<(), EvalError> {
        let edited = self.items_at(index);
        assert!(at < self.item_count(index), "the row or set has that item");
        let word = tree::edit::remove(&mut self.vm.heap, edited, at, EditMode::Copy)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    fn item_count(&self, index: usize) -> usize {
        tree::len(&self.vm.heap, self.items_at(index))
    }

    /// Whether editing a row or set of `count` items in place of copying it pays: it is then a
    /// tree.
    pub fn is_long(count: usize) -> bool {
        count >= tree::TREE_THRESHOLD
    }

    /// Pushes the bar at that index with these bytes appended. Repeated appending to a long bar
    /// copies each byte a bounded number of times.
    ///
    /// # Panics
    /// If the value is not a bar.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_appended(&mut self, index: usize, more: &[u8]) -> Result<(), EvalError> {
        let stack_index = self.stack_index(index);
        let heap = &mut self.vm.heap;
        assert_eq!(heap.resolve(heap.stack.get(stack_index)).kind(), WordKind::Bar, "a bar");
        let word = bar::append(heap, stack_index, more)?;
        heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes the bar of the lowest `length` bytes of a number, least significant first. The number has no
    /// more bytes, and `length` is 8 at most.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    #[inline]
    pub fn push_bar_of_number(&mut self, number: u64, length: usize) -> Result<(), EvalError> {
        let word = bar::of_number(&mut self.vm.heap, number, length)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes the concatenation of the bars in the row at that index, if they are few, evaluated, and the
    /// first is shorter than `appended_length` or no more than half of the result. Returns whether it did.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_short_concatenation(
        &mut self,
        index: usize,
        appended_length: usize,
    ) -> Result<bool, EvalError> {
        let stack_index = self.stack_index(index);
        let heap = &mut self.vm.heap;
        let Some(bar) = bar::concatenate(heap, stack_index, appended_length)? else {
            return Ok(false);
        };
        self.vm.heap.stack.push_checked(bar);
        Ok(true)
    }

    /// Pushes these bytes of the bar at that index as a bar. It shares the bytes of a long part.
    ///
    /// # Panics
    /// If the value is not a bar, or has no such bytes.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    #[inline]
    pub fn push_bar_part(&mut self, index: usize, range: Range<usize>) -> Result<(), EvalError> {
        let stack_index = self.stack_index(index);
        let heap = &mut self.vm.heap;
        assert_eq!(heap.resolve(heap.stack.get(stack_index)).kind(), WordKind::Bar, "a bar");
        let word = bar::slice(heap, stack_index, range)?;
        heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes the row of the bytes of the bar at that index.
    ///
    /// # Panics
    /// If the value is not a bar.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_row_of_bytes(&mut self, index: usize) -> Result<(), EvalError> {
        let count = self.at(index).as_bar().expect("a bar").len();
        let heap = &mut self.vm.heap;
        heap.reserve(count.saturating_add(1))?;
        let mut row = heap.allocate(ObjectLayout::Row, 0, count);
        let bytes = Ref::new(heap.stack.get(self.base + index), heap).as_bar();
        for (item, byte) in bytes.unwrap_or_default().iter().enumerate() {
            row.set(item, Word::direct((*byte).into()));
        }
        heap.stack.push_checked(row.finish());
        Ok(())
    }

    /// Replaces the list on top by the list of these bytes of the bar at that index with the list behind
    /// them.
    ///
    /// # Panics
    /// If the value is not a bar, or has no such bytes.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn prepend_bytes(&mut self, index: usize, range: Range<usize>) -> Result<(), EvalError> {
        self.expect_values(index.saturating_add(2));
        let heap = &mut self.vm.heap;
        heap.reserve(3 * range.len())?;
        let mut list = heap.stack.pop();
        for at in range.rev() {
            let bar = Ref::new(heap.stack.get(self.base + index), heap);
            let byte = bar.as_bar().expect("a bar")[at];
            let cell = [Word::direct(byte.into()), list];
            list = heap.allocate_words(ObjectLayout::Row, 0, &cell);
        }
        heap.stack.push_checked(list);
        Ok(())
    }

    /// Replaces the app on top, of any layout, by its function (applied to all arguments but the
    /// last) and its last argument.
    ///
    /// # Panics
    /// If the value on top is not an app.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn split(&mut self) -> Result<(), EvalError> {
        let top = self.height().wrapping_sub(1);
        assert!(self.arg_count(top) > 0, "only an app can be split");
        Ok(shape::split_app(&mut self.vm.heap)?)
    }
}

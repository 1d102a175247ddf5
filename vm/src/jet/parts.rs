//! What a jet sees of values as PLAN has them: a row, a table and an app are all a function and its
//! arguments, whatever shape the machine has given them.

use crate::vm::{Call, Vm};
use plan::raw::{DIRECT_LIMIT, Kind, Word, bar, nat, shape, tree};
use plan::{EvalError, Hash, Items, Ref, Shape, Val};
use std::ops::Range;

impl Call<'_> {
    /// Ends the call if the heap could never hold a result of so many words: a jet that knows how
    /// large its result will be asks before it does the work.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn check_result_words(&self, words: u64) -> Result<(), EvalError> {
        if words <= self.vm.heap.limit_words() as u64 {
            Ok(())
        } else {
            Err(EvalError::OutOfMemory)
        }
    }

    /// The runtime, to make values with. What is done with it must leave the stack as it was.
    pub fn vm(&mut self) -> &mut Vm {
        self.vm
    }

    /// Keeps the value at that height.
    pub fn hold(&self, index: usize) -> Val {
        self.hold_value(self.at(index))
    }

    /// Keeps a value that was looked at.
    pub fn hold_value(&self, value: Ref<'_>) -> Val {
        self.vm.hold(value)
    }

    /// Whether the value at that height is evaluated. If so, the accessors that look no further
    /// than the word ([`Call::small`], [`Call::nat`], [`Call::cast`]) may be used on it.
    #[inline(always)]
    pub fn is_evaluated_at(&mut self, index: usize) -> bool {
        let place = self.base + index;
        let word = self.vm.heap.stack.get_checked(place);
        if !word.is_thunk() {
            return true;
        }
        let word = self.vm.heap.resolve(word);
        self.vm.heap.stack.set(place, word);
        !word.is_thunk()
    }

    /// Replaces the value at that height by the one on top, which is dropped.
    pub fn put(&mut self, index: usize) {
        assert!(index + 1 < self.height(), "no such value");
        let word = self.vm.heap.stack.pop();
        self.vm.heap.stack.set(self.base + index, word);
    }

    /// The hash of the value at that height, which is in normal form.
    ///
    /// # Panics
    /// If it is not in normal form.
    ///
    /// # Errors
    /// [`EvalError::TooLarge`] and [`EvalError::Interrupted`].
    pub fn hash(&self, index: usize) -> Result<Hash, EvalError> {
        self.at(index).hash()
    }

    /// Pushes these items of the row, or these keys of the set, at that height. The stack must have
    /// room for them.
    ///
    /// # Panics
    /// If there are no such items.
    pub fn push_items(&mut self, index: usize, items: Range<usize>) {
        let heap = &mut self.vm.heap;
        let object = heap.resolve(heap.stack.get_checked(self.base + index));
        tree::push_range(heap, object, items);
    }

    /// How many arguments the evaluated value at that height takes when it is called; nothing if
    /// they are 2^63 or more.
    pub fn arity(&self, index: usize) -> Option<u64> {
        let arity = shape::arity(&self.vm.heap, self.at(index).word());
        (arity < DIRECT_LIMIT).then_some(arity)
    }

    /// Pushes the nat with these bytes, least first.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), EvalError> {
        let word = nat::from_bytes(&mut self.vm.heap, bytes)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Drops the value at that height, moving those above it down.
    pub fn remove(&mut self, index: usize) {
        let place = self.base + index;
        self.vm.heap.stack.slide(place, place + 1);
    }

    /// Reverses the order of the top `count` values.
    pub fn reverse(&mut self, count: usize) {
        let top = self.vm.heap.stack.top();
        self.vm.heap.stack.top_mut(top - count).reverse();
    }

    /// How many arguments the evaluated value at that height has been given: none, if it is no app.
    pub fn arg_count(&self, index: usize) -> usize {
        match self.at(index).shape() {
            Shape::Row(items) => items.len(),
            Shape::Tab(..) => 1,
            Shape::App(app) => app.len(),
            _ => 0,
        }
    }

    /// Pushes the item, of the evaluated row or app at height `row`, whose number is the nat at height
    /// `index`: the last argument is item 0. Says no, and does not, if there is none or finding it takes
    /// more than a look.
    #[inline]
    pub fn push_flat_item(&mut self, row: usize, index: usize) -> bool {
        let heap = &mut self.vm.heap;
        let row = heap.stack.get_checked(self.base + row);
        let index = heap.stack.get_checked(self.base + index).as_direct();
        let Some(index) = index.and_then(|index| usize::try_from(index).ok()) else { return false };
        let found = match row.kind() {
            Kind::Row => Items::of(row, heap).flat_word(index),
            Kind::App => match heap.words(row, 0) {
                [head, args @ ..] if head.kind() != Kind::App => {
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

    /// Pushes the function of the app at that height, which is not itself an app.
    ///
    /// # Panics
    /// If the value is no app.
    pub fn push_function(&mut self, index: usize) {
        let app = self.at(index);
        let word = match app.shape() {
            Shape::Row(items) if !items.is_empty() => Word::cow(items.len() as u64),
            Shape::App(parts) => parts.head().word(),
            Shape::Tab(..) => self.vm.heap.load(app.word(), 0),
            _ => unreachable!("only an app has a function"),
        };
        self.vm.heap.stack.push_checked(word);
    }

    /// Pushes an argument of the app at that height, the one given first being 0: of a row that is
    /// its last item; of a table, the row of its values.
    ///
    /// # Panics
    /// If there are not so many arguments.
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

    /// Pushes an item of the evaluated value at that height, taken for a row; 0 if there is none.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_field(&mut self, index: usize, field: usize) -> Result<(), EvalError> {
        let given = self.arg_count(index);
        if field >= given {
            self.push_small(0);
            return Ok(());
        }
        self.push_arg(index, given - 1 - field)
    }

    /// Pushes the row of the keys of the set at that height.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_keys(&mut self, index: usize) -> Result<(), EvalError> {
        let heap = &mut self.vm.heap;
        let set = heap.resolve(heap.stack.get(self.base + index));
        let row = tree::row_of_items(heap, set)?;
        heap.stack.push_checked(row);
        Ok(())
    }

    /// Pushes what the row or set at height `index` becomes when the value at height `item` is
    /// inserted before item `at`. Of a long one, all but a path is shared. For a set, the value is in
    /// normal form and belongs there.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_inserted(&mut self, index: usize, at: usize, item: usize) -> Result<(), EvalError> {
        let (base, heap) = (self.base, &mut self.vm.heap);
        let word = tree::edit::insert(heap, base + index, at, base + item)?;
        heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes what the row at height `index` becomes when item `at` is replaced by the value at height
    /// `item`. Of a long one, all but a path is shared.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_replaced(&mut self, index: usize, at: usize, item: usize) -> Result<(), EvalError> {
        let (base, heap) = (self.base, &mut self.vm.heap);
        let word = tree::edit::replace(heap, base + index, at, base + item)?;
        heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes what the row or set at height `index` becomes without item `at`. Of a long one, all
    /// but a path is shared.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_removed(&mut self, index: usize, at: usize) -> Result<(), EvalError> {
        let (base, heap) = (self.base, &mut self.vm.heap);
        let word = tree::edit::remove(heap, base + index, at)?;
        heap.stack.push_checked(word);
        Ok(())
    }

    /// Whether inserting into the row or set of so many items is cheaper than copying it.
    pub fn is_long(count: usize) -> bool {
        count >= tree::FLAT_ROW
    }

    /// Pushes the bar at that height with these bytes behind it. Appending to a long bar over and
    /// over copies each byte a bounded number of times.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_appended(&mut self, index: usize, more: &[u8]) -> Result<(), EvalError> {
        let (base, heap) = (self.base, &mut self.vm.heap);
        let word = bar::append(heap, base + index, more)?;
        heap.stack.push_checked(word);
        Ok(())
    }

    /// Replaces the app on top, of whatever shape, by its function (applied to all arguments but
    /// the last) and its last argument.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn split(&mut self) -> Result<(), EvalError> {
        Ok(shape::split_app(&mut self.vm.heap)?)
    }
}

//! A jet's [`Call`]: its arguments on the stack, and the means to make the result.

use crate::vm::Call;
use plan::raw::{Kind, Layout, Word, bar, nat, pin, shape, tree};
use plan::{EvalError, Items, NatRef, Natural, Ref, Val};

impl Call<'_> {
    /// The argument at that index, from 0.
    #[inline(always)]
    pub fn arg(&self, index: usize) -> Ref<'_> {
        Ref::new(self.vm.heap.stack.get_checked(self.base + index), &self.vm.heap)
    }

    /// The argument as a direct nat, if it is one: the fast path of arithmetic.
    #[inline(always)]
    pub fn small(&self, index: usize) -> Option<u64> {
        self.vm.heap.stack.get_checked(self.base + index).as_direct()
    }

    /// The argument as a nat, if it is one.
    #[inline(always)]
    pub fn nat(&self, index: usize) -> Option<NatRef<'_>> {
        let word = self.vm.heap.stack.get_checked(self.base + index);
        matches!(word.kind(), Kind::Nat | Kind::Big).then(|| NatRef::of(&self.vm.heap, word))
    }

    /// The argument as a nat, 0 for anything else: PLAN's cast.
    #[inline(always)]
    pub fn cast(&self, index: usize) -> NatRef<'_> {
        self.nat(index).unwrap_or(NatRef::Small(0))
    }

    /// How many values were pushed above the base: arguments and results.
    pub fn height(&self) -> usize {
        self.vm.heap.stack.top() - self.base
    }

    /// The value at that height above the first argument (arguments come first).
    pub fn at(&self, index: usize) -> Ref<'_> {
        self.arg(index)
    }

    /// Makes sure that `count` more values can be pushed.
    ///
    /// # Errors
    /// [`EvalError::StackOverflow`].
    pub fn room_for(&self, count: usize) -> Result<(), EvalError> {
        if self.vm.heap.stack.has_room(count) { Ok(()) } else { Err(EvalError::StackOverflow) }
    }

    /// Pushes an argument, or a value pushed before, again.
    #[inline(always)]
    pub fn push_at(&mut self, index: usize) {
        let word = self.vm.heap.stack.get_checked(self.base + index);
        self.vm.heap.stack.push_checked(word);
    }

    /// Pushes item `item` of the row, set or object at that height: a row's items and a set's keys
    /// from the first on; a table's set of keys at 0 and its row of values at 1; an app's function
    /// at 0.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn push_item(&mut self, index: usize, item: usize) {
        let heap = &mut self.vm.heap;
        let object = heap.resolve(heap.stack.get_checked(self.base + index));
        let word = match object.kind() {
            Kind::Pin if item == 0 => Some(pin::item(heap, object)),
            Kind::Row | Kind::Set => Items::of(object, heap).word(item),
            _ => heap.words(object, 0).get(item).copied(),
        };
        heap.stack.push_checked(word.expect("the caller knows how many items there are"));
    }

    /// Pushes a value held from outside.
    pub fn push(&mut self, val: &Val) {
        let word = self.vm.heap.word(val);
        self.vm.heap.stack.push_checked(word);
    }

    /// Pushes a nat below 2^63.
    #[inline(always)]
    pub fn push_small(&mut self, nat: u64) {
        self.vm.heap.stack.push_checked(Word::direct(nat));
    }

    /// Pushes 1 or 0.
    #[inline(always)]
    pub fn push_bit(&mut self, bit: bool) {
        self.vm.heap.stack.push_checked(Word::bit(bit));
    }

    /// Pushes a nat.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`], as for all that allocate.
    #[inline(always)]
    pub fn push_u64(&mut self, nat: u64) -> Result<(), EvalError> {
        self.push_limbs(&[nat])
    }

    /// Pushes a nat of any size.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_natural(&mut self, nat: &Natural) -> Result<(), EvalError> {
        self.push_limbs(nat.as_limbs_asc())
    }

    /// Pushes the nat with these limbs, least first; leading zero limbs do not matter.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_limbs(&mut self, limbs: &[u64]) -> Result<(), EvalError> {
        let word = nat::from_limbs(&mut self.vm.heap, limbs)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes a bar.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_bar(&mut self, bytes: &[u8]) -> Result<(), EvalError> {
        let word = bar::make(&mut self.vm.heap, bytes)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Replaces the top `count` values by the row of them, first pushed first.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn row(&mut self, count: usize) -> Result<(), EvalError> {
        self.vm.heap.reserve(1 + count)?;
        let row = self.vm.heap.allocate_popped(Layout::Row, 0, count);
        self.vm.heap.stack.push_checked(row);
        Ok(())
    }

    /// Replaces the top `count` values by the set of them. They must be in normal form and
    /// strictly ascending, which the caller has seen to.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn set_of_ascending(&mut self, count: usize) -> Result<(), EvalError> {
        Ok(tree::set_of_top(&mut self.vm.heap, count)?)
    }

    /// Replaces a set and, above it, the row of as many values by the table.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn tab(&mut self) -> Result<(), EvalError> {
        shape::apply_lazily(&mut self.vm.heap, 1)?;
        debug_assert_eq!(self.vm.heap.stack.peek(0).kind(), Kind::Tab, "a set and its values");
        Ok(())
    }

    /// Replaces a function and `count` arguments by the application, not evaluated.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn app(&mut self, count: usize) -> Result<(), EvalError> {
        Ok(shape::apply_lazily(&mut self.vm.heap, count)?)
    }

    /// Goes on unless somebody asked for the evaluation to stop. A jet whose work grows with its
    /// arguments looks here once every so many steps.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    #[inline(always)]
    pub fn check(&self) -> Result<(), EvalError> {
        Ok(self.vm.heap.interrupt.check()?)
    }

    /// Whether [`Call::run`] and its like may be used: they re-enter the evaluator on the native
    /// stack, which has an end. A jet that needs them asks first, and answers [`Answer::Law`] if not.
    pub fn may_nest(&self) -> bool {
        self.vm.may_nest()
    }

    /// Replaces a function and `count` arguments by the value of the application, evaluated to its
    /// outermost shape.
    ///
    /// # Errors
    /// However the evaluation stops; the jet passes it on.
    pub fn run(&mut self, count: usize) -> Result<(), EvalError> {
        let value = self.vm.run_top(count)?;
        self.vm.heap.stack.push(value);
        Ok(())
    }

    /// Evaluates the value on top to its outermost shape.
    ///
    /// # Errors
    /// As for [`Call::run`].
    pub fn head(&mut self) -> Result<(), EvalError> {
        self.vm.evaluate_top()
    }

    /// Normalises the value on top.
    ///
    /// # Errors
    /// As for [`Call::run`].
    pub fn normalise(&mut self) -> Result<(), EvalError> {
        self.vm.normalise_top()
    }

    /// Drops everything above that height.
    pub fn drop_to(&mut self, height: usize) {
        self.vm.heap.stack.truncate(self.base + height);
    }
}

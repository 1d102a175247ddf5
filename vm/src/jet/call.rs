//! A jet's [`JetCall`]: its arguments on the stack, and the operations that make its result.
//!
//! Indices count from the call's first argument, which has index 0; values that the jet pushes
//! follow the arguments. Every method checks its indices and counts against the values of this
//! call, in release builds too, so a jet can neither read nor change the stack below its arguments.

use crate::vm::JetCall;
use plan::raw::{ObjectLayout, Word, WordKind, bar, nat, pin, shape, tree};
use plan::{EvalError, Items, NatRef, Natural, Ref, Val};

/// Words of a law's payload that are values: name, arity and body. The code word follows.
const LAW_PARTS: usize = 3;

impl JetCall<'_> {
    /// The stack index of the value at that index of the call.
    ///
    /// # Panics
    /// If the call has no such value.
    #[inline(always)]
    pub(super) fn stack_index(&self, index: usize) -> usize {
        assert!(index < self.height(), "the call has no value at that index");
        self.base + index
    }

    /// The word at that index of the call.
    #[inline(always)]
    pub(super) fn word_at(&self, index: usize) -> Word {
        self.vm.heap.stack.get(self.stack_index(index))
    }

    /// Checks that the call has at least `count` values on top of the stack.
    #[inline(always)]
    pub(super) fn expect_values(&self, count: usize) {
        assert!(count <= self.height(), "the call has fewer values than that");
    }

    /// The argument at that index, from 0.
    ///
    /// # Panics
    /// If the call has no such value. The same holds for every method that takes an index.
    #[inline(always)]
    pub fn arg(&self, index: usize) -> Ref<'_> {
        Ref::new(self.word_at(index), &self.vm.heap)
    }

    /// The argument as a direct nat (below 2^63), if it is one: the fast path of arithmetic.
    #[inline(always)]
    pub fn small(&self, index: usize) -> Option<u64> {
        self.word_at(index).as_direct()
    }

    /// The argument as a nat, if it is one.
    #[inline(always)]
    pub fn nat(&self, index: usize) -> Option<NatRef<'_>> {
        let word = self.word_at(index);
        matches!(word.kind(), WordKind::Nat | WordKind::Big)
            .then(|| NatRef::of(&self.vm.heap, word))
    }

    /// The argument as a nat, 0 for anything else: PLAN's cast.
    #[inline(always)]
    pub fn cast(&self, index: usize) -> NatRef<'_> {
        self.nat(index).unwrap_or(NatRef::Small(0))
    }

    /// The number of values of this call: its arguments and the values that were pushed above them.
    #[inline(always)]
    pub fn height(&self) -> usize {
        // No method drops below the base, so this does not underflow.
        self.vm.heap.stack.top() - self.base
    }

    /// The value at that index: an argument or a value pushed later.
    #[inline]
    pub fn at(&self, index: usize) -> Ref<'_> {
        self.arg(index)
    }

    /// Checks that `count` more values can be pushed.
    ///
    /// # Errors
    /// [`EvalError::StackOverflow`].
    #[inline]
    pub fn room_for(&self, count: usize) -> Result<(), EvalError> {
        if self.vm.heap.stack.has_room(count) { Ok(()) } else { Err(EvalError::StackOverflow) }
    }

    /// Pushes a copy of the value at that index.
    #[inline(always)]
    pub fn push_at(&mut self, index: usize) {
        let word = self.word_at(index);
        self.vm.heap.stack.push_checked(word);
    }

    /// Pushes a part of the value at that index: an item of a row or key of a set, from the first;
    /// of a table the set of keys (0) or the row of values (1); of an app its function (0) or an
    /// argument; of a law its name (0), arity (1) or body (2); of a pin its item (0).
    ///
    /// # Panics
    /// If the value has no such part.
    #[inline]
    pub fn push_item(&mut self, index: usize, item: usize) {
        let object = self.vm.heap.resolve(self.word_at(index));
        let heap = &mut self.vm.heap;
        let word = match object.kind() {
            WordKind::Pin if item == 0 => Some(pin::item(heap, object)),
            WordKind::Row | WordKind::Set => Items::of(object, heap).word(item),
            WordKind::App | WordKind::Tab => heap.words(object, 0).get(item).copied(),
            WordKind::Law => heap.words(object, 0)[..LAW_PARTS].get(item).copied(),
            _ => None,
        };
        heap.stack.push_checked(word.expect("a jet asks for parts that the value has"));
    }

    /// Pushes the value of a handle.
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
    /// [`EvalError::OutOfMemory`].
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

    /// Pushes the nat with these limbs, least significant first. Leading zero limbs are allowed.
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
    #[inline]
    pub fn push_bar(&mut self, bytes: &[u8]) -> Result<(), EvalError> {
        let word = bar::make(&mut self.vm.heap, bytes)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Replaces the top `count` values by the row of them; the value pushed first is the first
    /// item.
    ///
    /// # Panics
    /// If the call has fewer values. The same holds for every method that takes a count.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    #[inline]
    pub fn row(&mut self, count: usize) -> Result<(), EvalError> {
        self.expect_values(count);
        self.vm.heap.reserve(1 + count)?;
        let row = self.vm.heap.allocate_popped(ObjectLayout::Row, 0, count);
        self.vm.heap.stack.push_checked(row);
        Ok(())
    }

    /// Replaces a list and the item above it by the list with the item in front.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    #[inline]
    pub fn cons(&mut self) -> Result<(), EvalError> {
        self.expect_values(2);
        self.vm.heap.reserve(3)?;
        let (item, rest) = (self.vm.heap.stack.pop(), self.vm.heap.stack.pop());
        let cell = self.vm.heap.allocate_words(ObjectLayout::Row, 0, &[item, rest]);
        self.vm.heap.stack.push_checked(cell);
        Ok(())
    }

    /// Replaces the top `count` values by the set of them. The caller makes sure that they are in
    /// normal form and strictly ascending; otherwise searches in the set give wrong answers.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn set_of_ascending(&mut self, count: usize) -> Result<(), EvalError> {
        self.expect_values(count);
        Ok(tree::set_of_top(&mut self.vm.heap, count)?)
    }

    /// Replaces a set and, above it, the row of as many values by the table.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn tab(&mut self) -> Result<(), EvalError> {
        self.expect_values(2);
        shape::apply_lazily(&mut self.vm.heap, 1)?;
        debug_assert_eq!(self.vm.heap.stack.peek(0).kind(), WordKind::Tab, "a set and its values");
        Ok(())
    }

    /// Replaces a function and the `count` arguments above it by the unevaluated application.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn app(&mut self, count: usize) -> Result<(), EvalError> {
        self.expect_values(count.saturating_add(1));
        Ok(shape::apply_lazily(&mut self.vm.heap, count)?)
    }

    /// Fails if an interrupt was requested. A jet whose work grows with its arguments calls this at
    /// regular intervals.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    #[inline(always)]
    pub fn check(&self) -> Result<(), EvalError> {
        Ok(self.vm.heap.interrupt.check()?)
    }

    /// Whether [`JetCall::run`], [`JetCall::head`] and [`JetCall::normalise`] may be used. They
    /// re-enter the evaluator on the native stack, which is limited; a jet that needs them checks
    /// this first and answers [`JetAnswer::Law`](super::JetAnswer::Law) if it is false.
    #[inline]
    pub fn may_nest(&self) -> bool {
        self.vm.may_nest()
    }

    /// Replaces a function and the `count` arguments above it by the value of the application,
    /// evaluated to its outermost shape.
    ///
    /// # Errors
    /// Any error of the evaluation; the jet returns it.
    pub fn run(&mut self, count: usize) -> Result<(), EvalError> {
        self.expect_values(count.saturating_add(1));
        self.count_applications(1);
        let value = self.vm.run_top(count)?;
        self.vm.heap.stack.push(value);
        Ok(())
    }

    /// Evaluates the value on top to its outermost shape.
    ///
    /// # Errors
    /// Those of [`JetCall::run`].
    #[inline]
    pub fn head(&mut self) -> Result<(), EvalError> {
        self.expect_values(1);
        self.vm.evaluate_top_for_jet()
    }

    /// Normalises the value on top.
    ///
    /// # Errors
    /// Those of [`JetCall::run`].
    pub fn normalise(&mut self) -> Result<(), EvalError> {
        self.expect_values(1);
        self.vm.normalise_top()
    }

    /// Normalises the value at that index if that evaluates nothing, because none of its parts is an
    /// unevaluated thunk. Looks at no more than `limit` parts. Returns whether the value is in normal
    /// form now.
    ///
    /// # Errors
    /// Those of [`JetCall::run`].
    pub fn normalise_evaluated(&mut self, index: usize, limit: usize) -> Result<bool, EvalError> {
        let word = self.vm.heap.resolve(self.word_at(index));
        if self.vm.heap.is_normal(word) {
            return Ok(true);
        }
        if !self.vm.may_nest() || !self.vm.is_evaluated_within(word, &mut limit.clone()) {
            return Ok(false);
        }
        self.push_at(index);
        self.normalise()?;
        self.put(index);
        Ok(true)
    }

    /// Drops values from the top until `height` are left.
    ///
    /// # Panics
    /// If the call has fewer values.
    #[inline]
    pub fn drop_to(&mut self, height: usize) {
        self.expect_values(height);
        self.vm.heap.stack.truncate(self.base + height);
    }
}

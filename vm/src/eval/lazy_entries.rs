//! Lazy entries: compiled code that makes the application of a law, evaluated where that is cheap.
//!
//! A jet that applies a function to each of many items enters it once for each. Items that were made
//! before the code was compiled may be thunks of such applications, and so would be all that is
//! computed of them later. So an item is evaluated first, if its lazy entry finds that cheap; a chain
//! of such thunks from the innermost on.
//!
//! # Safety
//!
//! As in [`super::native`]: addresses of code come from [`EntryCell`]s.

use crate::native::{EntryCell, HELD_ARGUMENTS_MAX, PARAMETERS_MAX, PENDING};
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::{ObjectLayout, Word, WordKind, pin};
use std::ops::Range;
use std::rc::Rc;

/// The least number of items to which a function is applied through its lazy entry: finding the
/// entry costs as much as a few thunks.
const LAZY_ENTRY_ITEMS: usize = 4;

/// The longest chain of thunks that is evaluated: each thunk waits for the next.
const CHAIN_LIMIT: usize = 4096;

/// The number of items, of those of one application, that may turn out not to be cheap.
const FAILURES_LIMIT: u32 = 8;

impl Vm {
    /// The address of the lazy entry of the law, or of the pin of one, at stack index `callee`,
    /// whose arguments of one application are above it. `None` if there is none, or not yet. Counts
    /// `count` applications; requests the entry when there were many.
    fn lazy_entry(&mut self, callee: usize, count: usize) -> Option<usize> {
        if self.evaluator.in_law_order || self.native_stack_is_full() {
            return None;
        }
        let function = self.heap.stack.get(callee);
        let is_pin = function.kind() == WordKind::Pin;
        let pool = self.pool_of_law(function)?;
        let code = Rc::clone(self.evaluator.code(pool));
        let calls = code.lazy_calls.get();
        let entry = code.lazy_entries[usize::from(is_pin)].get_or_init(EntryCell::default);
        if calls < u32::MAX {
            let calls = calls.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            code.lazy_calls.set(calls.min(u32::MAX - 1));
            if calls < self.heap.host.native.threshold {
                return None;
            }
            if self.request_code_of_law(callee, &code, true, entry.clone()) {
                code.lazy_calls.set(u32::MAX);
            }
        }
        entry.address()
    }

    /// The pool of a law, or of the pin of one that has no jet.
    pub(super) fn pool_of_law(&mut self, function: Word) -> Option<u32> {
        let is_pin = function.kind() == WordKind::Pin;
        if is_pin && self.jet_of_pin(function).is_some() {
            return None;
        }
        let law = if is_pin { pin::item(&self.heap, function) } else { function };
        if law.kind() != WordKind::Law {
            return None;
        }
        let slot = self.slot_of(law, is_pin).ok()?;
        if slot.is_native() {
            self.evaluator.decoded.get(&slot.address()).copied()
        } else {
            Some(slot.code_parts().0)
        }
    }

    /// Replaces each word between two stack indices by the application of the function at stack index
    /// `function` to it, as the lazy entry of the function's law makes it. Returns false, and
    /// changes nothing, if there is no such entry.
    pub(crate) fn apply_lazy_entry(
        &mut self,
        function: usize,
        items: Range<usize>,
    ) -> Result<bool, EvalError> {
        if items.len() < LAZY_ENTRY_ITEMS {
            return Ok(false);
        }
        let Some((entry, held)) = self.find_lazy_entry(function, items.clone()) else {
            return Ok(false);
        };
        let app = self.heap.resolve(self.heap.stack.get(function));
        self.heap.stack.set(function, app);
        let mut failures = 0;
        let mut index = items.start;
        while index < items.end {
            self.heap.interrupt.check()?;
            let item = self.heap.resolve(self.heap.stack.get(index));
            if item.is_thunk() && failures < FAILURES_LIMIT && !self.evaluate_cheaply(index)? {
                failures += 1;
            }
            let item = self.heap.resolve(self.heap.stack.get(index));
            self.heap.stack.set(index, item);
            // SAFETY: `find_lazy_entry` found the code of a law of that many arguments. The law is
            // reachable from the stack, so its code stays in memory.
            index = unsafe {
                if item.is_thunk() || held > HELD_ARGUMENTS_MAX {
                    self.apply_lazy_entry_once(entry, function, held, index)?;
                    index + 1
                } else {
                    self.apply_to_evaluated(entry, function, held, index..items.end)?
                }
            };
        }
        Ok(true)
    }

    /// Replaces the word at a stack index by the application to it of the function at stack index
    /// `function`, which holds `held` arguments.
    ///
    /// # Safety
    /// `entry` is that of the lazy entry of the function's law.
    unsafe fn apply_lazy_entry_once(
        &mut self,
        entry: usize,
        function: usize,
        held: usize,
        index: usize,
    ) -> Result<(), EvalError> {
        let mut args = [0; PARAMETERS_MAX];
        let app = self.heap.stack.get(function);
        for (held, arg) in args[..held].iter_mut().enumerate() {
            *arg = self.heap.resolve(self.heap.load(app, 1 + held)).raw();
        }
        args[held] = self.heap.stack.get(index).raw();
        // SAFETY: by this function's contract.
        let bits = unsafe { self.enter_native(entry, args.as_ptr(), held + 1) }?;
        debug_assert!(bits != PENDING, "a lazy entry makes no calls");
        self.heap.stack.set(index, Word::from_bits(bits));
        Ok(())
    }

    /// The lazy entry for the application of the function at stack index `function` to the words
    /// between two stack indices, one by one; and the number of arguments that the function holds.
    fn find_lazy_entry(&mut self, function: usize, items: Range<usize>) -> Option<(usize, usize)> {
        let word = self.heap.resolve(self.heap.stack.get(function));
        let is_object = matches!(word.kind(), WordKind::Law | WordKind::Pin | WordKind::App);
        let has_compiler = self.heap.host.native.threshold < u32::MAX;
        if !has_compiler || !is_object || self.heap.header(word).extra() != 1 {
            return None;
        }
        let (head, held) = match word.kind() {
            WordKind::App => (self.heap.load(word, 0), self.heap.size(word) - 1),
            _ => (word, 0),
        };
        if held >= PARAMETERS_MAX || !self.heap.stack.has_room(held + 8) {
            return None;
        }
        let callee = self.heap.stack.top();
        self.heap.stack.push(head);
        self.heap.push_payload(word, 1, held);
        let item = self.heap.stack.get(items.start);
        self.heap.stack.push(item);
        let entry = self.lazy_entry(callee, items.len());
        self.heap.stack.truncate(callee);
        entry.map(|entry| (entry, held))
    }

    /// Replaces the thunk at a stack index by its value, if the thunk is an application of a law whose
    /// lazy entry finds the value cheap. Returns whether it did.
    fn evaluate_cheaply(&mut self, index: usize) -> Result<bool, EvalError> {
        let base = self.heap.stack.top();
        let mut next = Some(self.heap.resolve(self.heap.stack.get(index)));
        while let Some(thunk) = next {
            if self.heap.stack.top() - base == CHAIN_LIMIT || !self.heap.stack.has_room(64) {
                self.heap.stack.truncate(base);
                return Ok(false);
            }
            self.heap.stack.push(thunk);
            next = self.unevaluated_argument(thunk);
        }
        let mut is_evaluated = true;
        while is_evaluated && self.heap.stack.top() > base {
            is_evaluated = self.update_cheaply()?;
            self.heap.stack.pop();
        }
        self.heap.stack.truncate(base);
        Ok(is_evaluated)
    }

    /// The last argument of a thunk of an application, if it is such a thunk itself.
    fn unevaluated_argument(&self, thunk: Word) -> Option<Word> {
        let is_application = |word: Word| {
            word.is_thunk() && self.heap.header(word).layout() == ObjectLayout::ThunkApp
        };
        if !is_application(thunk) {
            return None;
        }
        let last = self.heap.size(thunk) - 1;
        Some(self.heap.resolve(self.heap.load(thunk, last))).filter(|word| is_application(*word))
    }

    /// Updates the thunk on top of the stack with its value, if that is cheap. Returns whether it is
    /// evaluated.
    fn update_cheaply(&mut self) -> Result<bool, EvalError> {
        let at = self.heap.stack.top() - 1;
        let thunk = self.heap.resolve(self.heap.stack.get(at));
        if !thunk.is_thunk() {
            return Ok(true);
        }
        if self.heap.header(thunk).layout() != ObjectLayout::ThunkApp {
            return Ok(false);
        }
        let Some((entry, count)) = self.push_lazy_call(thunk) else {
            self.heap.stack.truncate(at + 1);
            return Ok(false);
        };
        let mut args = [0; PARAMETERS_MAX];
        for (arg, word) in args.iter_mut().zip(self.heap.stack.top_from(at + 2)) {
            *arg = self.heap.resolve(*word).raw();
        }
        self.heap.stack.truncate(at + 1);
        // SAFETY: `push_lazy_call` found the code of a law of that many arguments. The law is
        // reachable from the thunk on the stack, so its code stays in memory.
        let bits = unsafe { self.enter_native(entry, args.as_ptr(), count) }?;
        debug_assert!(bits != PENDING, "a lazy entry makes no calls");
        let value = self.heap.resolve(Word::from_bits(bits));
        if value.is_thunk() {
            return Ok(false);
        }
        // The code may have collected.
        let thunk = self.heap.resolve(self.heap.stack.get(at));
        self.heap.update(thunk, value);
        Ok(true)
    }

    /// Pushes the law and the arguments of the application that a thunk is. Returns the lazy entry of
    /// the law and the number of arguments. `None`, perhaps with words left on the stack, if there is
    /// no such entry.
    fn push_lazy_call(&mut self, thunk: Word) -> Option<(usize, usize)> {
        let given = self.heap.size(thunk) - 1;
        let function = self.heap.resolve(self.heap.load(thunk, 0));
        let is_object = matches!(function.kind(), WordKind::Law | WordKind::Pin | WordKind::App);
        if !is_object || self.heap.header(function).extra() != given as u64 {
            return None;
        }
        let (head, held) = match function.kind() {
            WordKind::App => (self.heap.load(function, 0), self.heap.size(function) - 1),
            _ => (function, 0),
        };
        if held + given > PARAMETERS_MAX || !self.heap.stack.has_room(held + given + 8) {
            return None;
        }
        let callee = self.heap.stack.top();
        self.heap.stack.push(head);
        self.heap.push_payload(function, 1, held);
        self.heap.push_payload(thunk, 1, given);
        self.lazy_entry(callee, 0).map(|entry| (entry, held + given))
    }
}

//! Cheap entries: lazy subexpressions that are evaluated at once where that takes a short, bounded time.
//!
//! The code of a lazy subexpression is [*perhaps cheap*](super::cheap_marks) if it has few instructions, which are those of cheap
//! jets, of branches, of calls of laws that are perhaps cheap, and of reading. (Instructions only jump forward, so
//! each runs once at most in a frame.) Then the instruction that would make the thunk runs that code first, within
//! a budget, and makes the thunk only if a value is needed that is not evaluated, or a nat is 2^63 or more.
//! Nothing is evaluated that is not in the code itself, and no cheap jet crashes.
//!
//! Compiled code does the same by tests of its own (`jit::passes::lazy_entry`), but it cannot tell that a
//! thunk which the interpreter made is cheap. So without this, what a fold computes lazily, such as the item of a
//! row from other items, would stay a chain of thunks also after compiled code has taken over the fold. For the
//! same reason, a jet that applies a law to each of many items runs the law at once if all of its code is perhaps
//! cheap.
//! (Cheap eagerness: Faxén, "Cheap eagerness: speculative evaluation in a lazy functional language", 2000.)

use super::code::{Op, SourceList, ValueSource};
use super::fetch::CodePosition;
use super::next_step::is_false;
use crate::jet::declare::EXPONENT_LIMIT;
use crate::jet::{ArgDemand, CheapCondition, JetAnswer, JetCode, is_short_key};
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::{ObjectLayout, Word, WordKind, shape};
use std::ops::Range;
use std::rc::Rc;

/// What a cheap evaluation may still use.
pub(super) struct CheapBudget {
    /// The number of instructions.
    instructions: u32,
    /// The depth of lazy subexpressions, thunks and calls in each other.
    nesting: u32,
    /// The number of thunks of compiled code that were examined.
    pub(super) examined: u32,
    /// Whether laws are tried that were often not cheap: what they depend on may be evaluated by now.
    retries: bool,
}

impl CheapBudget {
    const WHOLE: CheapBudget =
        CheapBudget { instructions: 240, nesting: 6, examined: 0, retries: false };

    /// The budget for a thunk that compiled code asks for. Before there was compiled code, the interpreter may
    /// have made a chain of thunks that wait for each other.
    const FOR_COMPILED: CheapBudget =
        CheapBudget { instructions: 2000, nesting: 40, examined: 0, retries: false };

    /// The budget for another thunk at the same depth, which others wait for.
    pub(super) fn renewed(&self) -> CheapBudget {
        CheapBudget { instructions: CheapBudget::WHOLE.instructions, retries: true, ..*self }
    }
}

/// The stack words of a frame besides its slots.
const FRAME_ROOM: usize = 8;

/// The number of calls in a row for which a law may turn out not to be cheap before it counts as not cheap at all.
const FAILURES_LIMIT: u8 = 16;

/// The nat that is the increment as a function.
pub(crate) const INCREMENT: Word = Word::direct(3);

impl Vm {
    /// Pushes the value of an entry, perhaps a thunk, if its code finds it cheap. If not, pushes nothing and
    /// returns false.
    pub(super) fn evaluate_entry_cheaply(
        &mut self,
        at: &CodePosition,
        entry: u32,
    ) -> Result<bool, EvalError> {
        self.run_cheap_entry(at, entry, &mut { CheapBudget::WHOLE })
    }

    fn run_cheap_entry(
        &mut self,
        at: &CodePosition,
        entry: u32,
        budget: &mut CheapBudget,
    ) -> Result<bool, EvalError> {
        let base = self.heap.stack.top();
        let run = at.clone();
        let value = self.run_in_new_frame(run, at.entry(entry).pc as usize, budget, |vm| {
            for source in at.captures(at.entry(entry)) {
                let word = vm.source(at, *source);
                vm.heap.stack.push(word);
            }
        })?;
        self.heap.stack.truncate(base);
        if let Some(value) = value {
            self.heap.stack.push(value);
        }
        Ok(value.is_some())
    }

    /// Runs code from `pc` on, with the frame that `push` pushes. `None` if it turns out not to be cheap. Leaves
    /// unspecified values on the stack.
    fn run_in_new_frame(
        &mut self,
        mut run: CodePosition,
        pc: usize,
        budget: &mut CheapBudget,
        push: impl FnOnce(&mut Vm),
    ) -> Result<Option<Word>, EvalError> {
        if budget.nesting == 0 || !self.heap.stack.has_room(2 * (run.depth() + FRAME_ROOM)) {
            return Ok(None);
        }
        (run.pc, run.base) = (pc, self.heap.stack.top());
        push(self);
        budget.nesting -= 1;
        let value = self.run_cheaply(run, budget);
        budget.nesting += 1;
        value
    }

    /// Continues at a position whose frame is on top of the stack, until the code returns. `None` if it turns out
    /// not to be cheap. Leaves unspecified values above the frame's base.
    fn run_cheaply(
        &mut self,
        mut run: CodePosition,
        budget: &mut CheapBudget,
    ) -> Result<Option<Word>, EvalError> {
        while budget.instructions > 0 {
            budget.instructions -= 1;
            let op = run.fetch();
            match op {
                Op::Return => return Ok(Some(self.heap.stack.peek(0))),
                Op::ReturnSlot(slot) => {
                    let word = self.heap.stack.get(run.base + slot as usize);
                    return Ok(Some(self.heap.resolve(word)));
                }
                Op::TailCall(count) => return self.call_cheaply(count as usize, budget),
                _ if self.step_cheaply(&mut run, op, budget)? => {}
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Runs an instruction that does not leave the code. Returns false if it is not cheap.
    #[inline(always)]
    fn step_cheaply(
        &mut self,
        run: &mut CodePosition,
        op: Op,
        budget: &mut CheapBudget,
    ) -> Result<bool, EvalError> {
        match op {
            Op::Slot(slot) => {
                let word = self.heap.stack.get(run.base + slot as usize);
                self.heap.stack.push(word);
            }
            Op::Constant(number) => self.heap.stack.push(run.constant(number as usize)),
            Op::Push(list) => {
                for source in run.list(list) {
                    let word = self.source(run, *source);
                    self.heap.stack.push(word);
                }
            }
            Op::EvalSlot(slot) => {
                let word = self.heap.stack.get(run.base + slot as usize);
                return self.push_if_cheap(word, budget);
            }
            Op::Eval => {
                let word = self.heap.stack.pop();
                return self.push_if_cheap(word, budget);
            }
            Op::ApplyEagerly(list) => return self.apply_eagerly(run, list),
            Op::Delay(list) => return self.apply_cheaply(run, list, budget),
            Op::Apply(count) => return self.apply_top_cheaply(count as usize, budget),
            Op::ThunkUnlessCheap(entry) => return self.run_cheap_entry(run, entry, budget),
            Op::Select { index, entry } => {
                let row = self.source(run, run.captures(run.entry(entry))[0]);
                let item = self.flat_item(row, usize::from(index));
                return Ok(item.inspect(|item| self.heap.stack.push(*item)).is_some());
            }
            Op::Native { count, pin } => {
                return self.native_cheaply(run, pin as usize, count as usize, budget);
            }
            Op::Jump(pc) => run.pc = pc as usize,
            Op::JumpIfFalse(pc) => {
                if is_false(self.heap.stack.pop()) {
                    run.pc = pc as usize;
                }
            }
            Op::JumpUnlessZero(pc) => {
                if self.heap.stack.pop() != Word::ZERO {
                    run.pc = pc as usize;
                }
            }
            Op::Increment => {
                if !self.heap.stack.peek(0).is_direct() {
                    return Ok(false);
                }
                self.increment_top()?;
            }
            Op::Truth => {
                let truth = !is_false(self.heap.stack.pop());
                self.heap.stack.push(Word::bit(truth));
            }
            Op::Exchange(below) => self.exchange_top(below as usize),
            Op::Slide(count) => {
                let top = self.heap.stack.top();
                self.heap.stack.slide(top - 1 - count as usize, top - 1);
            }
            Op::Drop => drop(self.heap.stack.pop()),
            Op::Row(count) => {
                self.heap.reserve(1 + count as usize)?;
                let row = self.heap.allocate_popped(ObjectLayout::Row, 0, count as usize);
                self.heap.stack.push(row);
            }
            Op::Normalise => {
                let word = self.heap.stack.pop();
                let word = self.heap.resolve(word);
                if !self.heap.is_normal(word) {
                    if !is_short_key(&self.heap, word) {
                        return Ok(false);
                    }
                    self.heap.mark_normal(word);
                }
                self.heap.stack.push(word);
            }
            // The slots are dropped soon, and a call needs no frame.
            Op::Clear(_) | Op::Frame(_) => {}
            Op::Call(count) => {
                let function = self.heap.stack.top() - count as usize - 1;
                let value = self.call_cheaply(count as usize, budget)?;
                self.heap.stack.truncate(function);
                let Some(value) = value else { return Ok(false) };
                return self.push_if_cheap(value, budget);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The value of the call of the function below `count` arguments on top of the stack, perhaps a thunk, if it
    /// is the call of a law and cheap.
    fn call_cheaply(
        &mut self,
        count: usize,
        budget: &mut CheapBudget,
    ) -> Result<Option<Word>, EvalError> {
        let top = self.heap.stack.top();
        let function = self.heap.resolve(self.heap.stack.get(top - count - 1));
        if function == INCREMENT && count == 1 {
            let is_direct = |vm: &Vm| vm.heap.stack.peek(0).is_direct();
            let is_cheap = is_direct(self)
                || self.heap.stack.peek(0).is_thunk() && self.evaluate_top_cheaply(budget)?;
            if !is_cheap || !is_direct(self) {
                return Ok(None);
            }
            self.increment_top()?;
            return Ok(Some(self.heap.stack.peek(0)));
        }
        let pool = self.perhaps_cheap_law(function, count, budget.retries);
        let Some(pool) = pool else { return Ok(None) };
        self.run_law_cheaply(pool, budget, |vm| {
            vm.push_head_and_held(function);
            for index in top - count..top {
                let word = vm.heap.stack.get(index);
                vm.heap.stack.push(word);
            }
        })
    }

    /// The value of a law in the frame that `push` pushes, perhaps a thunk, if it is cheap. Leaves unspecified values
    /// on the stack.
    fn run_law_cheaply(
        &mut self,
        pool: u32,
        budget: &mut CheapBudget,
        push: impl FnOnce(&mut Vm),
    ) -> Result<Option<Word>, EvalError> {
        let code = Rc::clone(self.evaluator.code(pool));
        let value = self.run_in_new_frame(CodePosition::new(&code), 0, budget, push)?;
        let failures = code.cheap_failures.get();
        code.cheap_failures.set(if value.is_some() { 0 } else { failures.saturating_add(1) });
        Ok(value)
    }

    /// Pushes the application of the first source to the others, evaluated if it is the call of a law and cheap.
    pub(super) fn delay_unless_cheap(
        &mut self,
        at: &CodePosition,
        list: SourceList,
    ) -> Result<(), EvalError> {
        if self.apply_cheaply(at, list, &mut { CheapBudget::WHOLE })? {
            return Ok(());
        }
        self.delay(at, list)
    }

    /// Pushes the application of the first source to the others, perhaps a thunk, if these are evaluated, and it is the
    /// call of a law and cheap. If not, pushes nothing and returns false.
    fn apply_cheaply(
        &mut self,
        at: &CodePosition,
        list: SourceList,
        budget: &mut CheapBudget,
    ) -> Result<bool, EvalError> {
        let sources = at.list(list);
        let (base, count) = (self.heap.stack.top(), sources.len() - 1);
        let function = self.heap.resolve(self.source(at, sources[0]));
        let is_ready =
            |source: &ValueSource| !self.heap.resolve(self.source(at, *source)).is_thunk();
        if !sources[1..].iter().all(is_ready) {
            return Ok(false);
        }
        let pool = self.perhaps_cheap_law(function, count, false);
        let Some(pool) = pool else { return Ok(false) };
        let value = self.run_law_cheaply(pool, budget, |vm| {
            vm.push_head_and_held(function);
            for source in &sources[1..] {
                let word = vm.source(at, *source);
                vm.heap.stack.push(word);
            }
        })?;
        self.heap.stack.truncate(base);
        Ok(value.inspect(|value| self.heap.stack.push(*value)).is_some())
    }

    /// Replaces a function and that many arguments on top of the stack by the application, evaluated if the arguments
    /// are, and it is the call of a law and cheap.
    pub(super) fn apply_unless_cheap(&mut self, count: usize) -> Result<(), EvalError> {
        if !self.apply_top_cheaply(count, &mut { CheapBudget::WHOLE })? {
            shape::apply_lazily(&mut self.heap, count)?;
        }
        Ok(())
    }

    /// Replaces a function and that many arguments on top of the stack by the value, perhaps a thunk, if the arguments
    /// are evaluated, and it is the call of a law and cheap. If not, leaves them and returns false.
    fn apply_top_cheaply(
        &mut self,
        count: usize,
        budget: &mut CheapBudget,
    ) -> Result<bool, EvalError> {
        let top = self.heap.stack.top();
        let args = top - count..top;
        let is_ready = |index| !self.heap.resolve(self.heap.stack.get(index)).is_thunk();
        if !args.clone().all(is_ready) {
            return Ok(false);
        }
        let function = self.heap.resolve(self.heap.stack.get(top - count - 1));
        let Some(pool) = self.perhaps_cheap_law(function, count, false) else { return Ok(false) };
        let value = self.run_law_cheaply(pool, budget, |vm| {
            vm.push_head_and_held(function);
            for index in args {
                let word = vm.heap.resolve(vm.heap.stack.get(index));
                vm.heap.stack.push(word);
            }
        })?;
        let Some(value) = value else {
            self.heap.stack.truncate(top);
            return Ok(false);
        };
        self.heap.stack.truncate(top - count - 1);
        self.heap.stack.push(value);
        Ok(true)
    }

    /// Replaces words between two stack indices by the applications of the function at stack index `function` to
    /// them, from the first on, if that is a law whose code is perhaps cheap: by the value, perhaps a thunk, that the
    /// law finds cheap, and else by a thunk of the application. Returns the number of words that it has replaced.
    pub(crate) fn apply_law_cheaply(
        &mut self,
        function: usize,
        items: Range<usize>,
    ) -> Result<usize, EvalError> {
        let from = items.start;
        for index in items.clone() {
            self.heap.interrupt.check()?;
            let word = self.heap.resolve(self.heap.stack.get(function));
            let Some(pool) = self.perhaps_cheap_law(word, 1, false) else {
                return Ok(index - from);
            };
            let base = self.heap.stack.top();
            let value = self.run_law_cheaply(pool, &mut { CheapBudget::WHOLE }, |vm| {
                vm.push_head_and_held(word);
                let item = vm.heap.resolve(vm.heap.stack.get(index));
                vm.heap.stack.push(item);
            })?;
            self.heap.stack.truncate(base);
            match value {
                Some(value) => self.heap.stack.set(index, value),
                None => self.delay_application(function, index)?,
            }
        }
        Ok(items.len())
    }

    /// Replaces the word at a stack index by a thunk of the application of a function to it.
    fn delay_application(&mut self, function: usize, index: usize) -> Result<(), EvalError> {
        self.heap.reserve(3)?;
        let parts = [function, index].map(|at| self.heap.resolve(self.heap.stack.get(at)));
        let thunk = self.heap.allocate_words(ObjectLayout::ThunkApp, 0, &parts);
        self.heap.stack.set(index, thunk);
        Ok(())
    }

    /// Pushes the head of a function and the arguments that it holds.
    fn push_head_and_held(&mut self, function: Word) {
        if function.kind() == WordKind::App {
            let size = self.heap.size(function);
            self.heap.push_payload(function, 0, size);
        } else {
            self.heap.stack.push(function);
        }
    }

    /// The pool of the law that a function is, perhaps applied to all arguments but `missing`, if the law's code is
    /// perhaps cheap, and was not found otherwise often, or `retries`.
    fn perhaps_cheap_law(&mut self, function: Word, missing: usize, retries: bool) -> Option<u32> {
        let head = match function.kind() {
            WordKind::App => self.heap.load(function, 0),
            WordKind::Law | WordKind::Pin => function,
            _ => return None,
        };
        if self.evaluator.in_law_order || self.heap.header(function).extra() != missing as u64 {
            return None;
        }
        let pool = self.pool_of_law(head)?;
        let code = self.evaluator.code(pool);
        let is_often_cheap = retries || code.cheap_failures.get() < FAILURES_LIMIT;
        (code.is_perhaps_cheap && is_often_cheap).then_some(pool)
    }

    /// Pushes the value of a word if it is evaluated or a thunk that is cheap. Returns whether it is.
    fn push_if_cheap(&mut self, word: Word, budget: &mut CheapBudget) -> Result<bool, EvalError> {
        let word = self.heap.resolve(word);
        self.heap.stack.push(word);
        Ok(!word.is_thunk() || self.evaluate_top_cheaply(budget)?)
    }

    /// The value of a thunk, or the thunk if that is not cheap; and the number of instructions that it took to
    /// find out.
    pub(crate) fn cheap_value(&mut self, thunk: Word) -> Result<(Word, u32), EvalError> {
        if self.native_stack_is_full() || !self.heap.stack.has_room(FRAME_ROOM) {
            return Ok((thunk, 0));
        }
        let mut budget = CheapBudget::FOR_COMPILED;
        self.push_if_cheap(thunk, &mut budget)?;
        let used = CheapBudget::FOR_COMPILED.instructions - budget.instructions + budget.examined;
        Ok((self.heap.stack.pop(), used))
    }

    /// Updates the thunk on top of the stack with its value, if that is cheap, and replaces it by the value. Returns
    /// whether it did.
    pub(super) fn evaluate_top_cheaply(
        &mut self,
        budget: &mut CheapBudget,
    ) -> Result<bool, EvalError> {
        let at = self.heap.stack.top() - 1;
        let value = self.value_of_cheap_thunk(at, budget)?;
        self.heap.stack.truncate(at + 1);
        let Some(value) = value.filter(|value| !value.is_thunk()) else { return Ok(false) };
        // The code may have collected.
        let thunk = self.heap.resolve(self.heap.stack.get(at));
        if thunk.is_thunk() {
            self.heap.update(thunk, value);
        }
        self.heap.stack.set(at, value);
        Ok(true)
    }

    /// The value of the thunk at a stack index, perhaps another thunk, if it is cheap. Leaves unspecified values above.
    fn value_of_cheap_thunk(
        &mut self,
        at: usize,
        budget: &mut CheapBudget,
    ) -> Result<Option<Word>, EvalError> {
        let thunk = self.heap.stack.get(at);
        let header = self.heap.header(thunk);
        match header.layout() {
            ObjectLayout::ThunkCode => {
                let code_word = self.heap.load(thunk, 0);
                if code_word.is_native() {
                    return self.value_of_compiled_thunk(at, budget);
                }
                let (pool, pc) = code_word.code_parts();
                let code = Rc::clone(self.evaluator.code(pool));
                let captured = header.extra() as usize;
                self.run_in_new_frame(CodePosition::new(&code), pc as usize, budget, |vm| {
                    vm.heap.push_payload(thunk, 1, captured);
                })
            }
            ObjectLayout::ThunkApp => {
                let count = self.heap.size(thunk) - 1;
                if !self.heap.stack.has_room(count + FRAME_ROOM) {
                    return Ok(None);
                }
                self.heap.push_payload(thunk, 0, count + 1);
                let function = self.heap.resolve(self.heap.stack.get(at + 1));
                match self.jet_applied(function, count) {
                    Some(jet) => self.jet_cheaply(jet, count),
                    None => self.call_cheaply(count, budget),
                }
            }
            _ => Ok(None),
        }
    }

    /// The jet whose pin a function is, if it takes that many arguments.
    fn jet_applied(&self, function: Word, count: usize) -> Option<u32> {
        let jet = if function.kind() == WordKind::Pin {
            self.jet_of_pin(function)?
        } else {
            return None;
        };
        (self.jets.get(jet).arity() == count).then_some(jet)
    }

    /// Whether a function that is cheap under a condition is cheap for this argument.
    #[inline(always)]
    pub(super) fn is_cheap_argument(
        &self,
        condition: Option<CheapCondition>,
        index: usize,
        word: Word,
    ) -> bool {
        match condition {
            Some(CheapCondition::OnShortKey) => index > 0 || is_short_key(&self.heap, word),
            Some(CheapCondition::OnNats) => word.is_direct(),
            Some(CheapCondition::OnExponents) => {
                word.as_direct().is_some_and(|nat| nat < EXPONENT_LIMIT)
            }
            Some(CheapCondition::OnU64) => self.heap.is_u64(word),
            Some(CheapCondition::Always) | None => word.kind() != WordKind::Big,
        }
    }

    /// Calls a cheap jet in place. Returns false if it is not cheap for its arguments; then unspecified values are
    /// left on the stack.
    fn native_cheaply(
        &mut self,
        run: &CodePosition,
        number: usize,
        count: usize,
        budget: &mut CheapBudget,
    ) -> Result<bool, EvalError> {
        let Some(id) = self.jet_of_pin(run.constant(number)) else { return Ok(false) };
        let base = self.heap.stack.top() - count;
        let Some(word) = self.jet_cheaply(id, count)? else { return Ok(false) };
        self.heap.stack.truncate(base);
        // A value that is returned may be a thunk, others are needed.
        let is_needed = run.next() != Op::Return;
        if is_needed {
            return self.push_if_cheap(word, budget);
        }
        self.heap.stack.push(word);
        Ok(true)
    }

    /// The value of a jet for the arguments on top of the stack, perhaps a thunk, if it is cheap for them.
    fn jet_cheaply(&mut self, id: u32, count: usize) -> Result<Option<Word>, EvalError> {
        let base = self.heap.stack.top() - count;
        let (jet, condition) = (self.jets.get(id), self.jets.cheap(id));
        for (index, demand) in jet.demands.iter().enumerate() {
            let word = self.heap.resolve(self.heap.stack.get(base + index));
            let is_ready = match demand {
                ArgDemand::Lazy => true,
                ArgDemand::Head => !word.is_thunk(),
                ArgDemand::Normal => !word.is_thunk() && self.heap.is_normal(word),
            };
            self.heap.stack.set(base + index, word);
            if !is_ready || condition.is_none() || !self.is_cheap_argument(condition, index, word) {
                return Ok(None);
            }
        }
        let JetCode::Native(jet) = jet.code else { return Ok(None) };
        match self.run_native_jet(jet, base, count)? {
            JetAnswer::Done | JetAnswer::Eval => {
                Ok(Some(self.heap.resolve(self.heap.stack.peek(0))))
            }
            JetAnswer::Call(_) | JetAnswer::Again | JetAnswer::Law => Ok(None),
        }
    }
}

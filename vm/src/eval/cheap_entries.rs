//! Cheap entries: lazy subexpressions that are evaluated at once where that takes a short, bounded time.
//!
//! The code of a lazy subexpression is *perhaps cheap* if it has few instructions, which are those of cheap
//! jets, of branches, and of reading. (Instructions only jump forward, so each runs once at most.) Then the
//! instruction that would make the thunk runs that code first, and makes the thunk only if a value is
//! needed that is not evaluated, or a nat is 2^63 or more. Nothing is evaluated that is not in the code
//! itself, and no cheap jet crashes.
//!
//! Compiled code does the same by tests of its own (`jit::passes::lazy_entry`), but it cannot tell that a
//! thunk which the interpreter made is cheap. So without this, what a fold computes lazily, such as the item of a
//! row from other items, would stay a chain of thunks also after compiled code has taken over the fold.
//! (Cheap eagerness: Faxén, "Cheap eagerness: speculative evaluation in a lazy functional language", 2000.)

use super::code::{Op, ThunkEntry};
use super::fetch::CodePosition;
use super::next_step::is_false;
use crate::jet::{ArgDemand, CheapCondition, JetAnswer, JetCode};
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::{Word, WordKind};

/// The most instructions of a cheap entry.
const INSTRUCTIONS_LIMIT: usize = 32;
/// Lazy subexpressions of lazy subexpressions are evaluated up to this depth.
const NESTING_LIMIT: usize = 2;

/// Finds the entries whose code is perhaps cheap, and has their thunks made by
/// [`Op::ThunkUnlessCheap`]. `is_cheap` says whether the jet in a constant is cheap.
pub(super) fn mark(ops: &mut [Op], entries: &[ThunkEntry], is_cheap: impl Fn(u32) -> bool) {
    let mut starts: Vec<usize> = entries.iter().map(|entry| entry.pc as usize).collect();
    starts.push(ops.len());
    starts.sort_unstable();
    let code_of = |entry: &ThunkEntry| {
        let start = entry.pc as usize;
        let next = starts.partition_point(|other| *other <= start);
        start..starts.get(next).copied().unwrap_or(start)
    };
    let is_allowed = |op: &Op| match op {
        Op::Native { pin, .. } => is_cheap(*pin),
        Op::Slot(_) | Op::Constant(_) | Op::Push(_) | Op::EvalSlot(_) | Op::Eval => true,
        Op::ApplyEagerly(_) | Op::Thunk(_) | Op::Select { .. } => true,
        Op::Jump(_) | Op::JumpIfFalse(_) | Op::JumpUnlessZero(_) => true,
        Op::Increment | Op::Truth | Op::Exchange(_) | Op::Slide(_) | Op::Drop => true,
        Op::Clear(_) | Op::Return | Op::ReturnSlot(_) => true,
        _ => false,
    };
    let mut cheap: Vec<bool> = Vec::with_capacity(entries.len());
    for entry in entries {
        let code = &ops[code_of(entry)];
        cheap.push(code.len() <= INSTRUCTIONS_LIMIT && code.iter().all(is_allowed));
    }
    for op in ops {
        if let Op::Thunk(entry) = *op
            && cheap[entry as usize]
        {
            *op = Op::ThunkUnlessCheap(entry);
        }
    }
}

impl Vm {
    /// Pushes the value of an entry, perhaps a thunk, if its code finds it cheap. If not, pushes nothing and
    /// returns false.
    pub(super) fn evaluate_entry_cheaply(
        &mut self,
        at: &CodePosition,
        entry: u32,
    ) -> Result<bool, EvalError> {
        if !self.heap.stack.has_room((NESTING_LIMIT + 1) * (at.depth() + 8)) {
            return Ok(false);
        }
        self.run_cheap_entry(at, entry, NESTING_LIMIT)
    }

    fn run_cheap_entry(
        &mut self,
        at: &CodePosition,
        entry: u32,
        nesting: usize,
    ) -> Result<bool, EvalError> {
        let base = self.heap.stack.top();
        let value = self.run_cheap_code(at, entry, nesting)?;
        self.heap.stack.truncate(base);
        if let Some(value) = value {
            self.heap.stack.push(value);
        }
        Ok(value.is_some())
    }

    /// Runs the code of an entry on top of the stack, where it leaves unspecified values. `None` if it turns out
    /// not to be cheap.
    fn run_cheap_code(
        &mut self,
        at: &CodePosition,
        entry: u32,
        nesting: usize,
    ) -> Result<Option<Word>, EvalError> {
        let mut run = at.clone();
        run.base = self.heap.stack.top();
        run.pc = at.entry(entry).pc as usize;
        for source in at.captures(at.entry(entry)) {
            let word = self.source(at, *source);
            self.heap.stack.push(word);
        }
        loop {
            let is_cheap = match run.fetch() {
                Op::Slot(slot) => {
                    let word = self.heap.stack.get(run.base + slot as usize);
                    self.heap.stack.push(word);
                    true
                }
                Op::Constant(number) => {
                    self.heap.stack.push(run.constant(number as usize));
                    true
                }
                Op::Push(list) => {
                    for source in run.list(list) {
                        let word = self.source(&run, *source);
                        self.heap.stack.push(word);
                    }
                    true
                }
                Op::EvalSlot(slot) => {
                    let word = self.heap.stack.get(run.base + slot as usize);
                    self.push_if_evaluated(word)
                }
                Op::Eval => {
                    let word = self.heap.stack.pop();
                    self.push_if_evaluated(word)
                }
                Op::ApplyEagerly(list) => self.apply_eagerly(&run, list)?,
                Op::ThunkUnlessCheap(entry) => {
                    nesting > 0 && self.run_cheap_entry(&run, entry, nesting - 1)?
                }
                Op::Select { index, entry } => {
                    let row = self.source(&run, run.captures(run.entry(entry))[0]);
                    let item = self.flat_item(row, usize::from(index));
                    item.inspect(|item| self.heap.stack.push(*item)).is_some()
                }
                Op::Native { count, pin } => {
                    self.native_cheaply(&run, pin as usize, count as usize)?
                }
                Op::Jump(pc) => {
                    run.pc = pc as usize;
                    true
                }
                Op::JumpIfFalse(pc) => {
                    if is_false(self.heap.stack.pop()) {
                        run.pc = pc as usize;
                    }
                    true
                }
                Op::JumpUnlessZero(pc) => {
                    if self.heap.stack.pop() != Word::ZERO {
                        run.pc = pc as usize;
                    }
                    true
                }
                Op::Increment => {
                    let is_small = self.heap.stack.peek(0).is_direct();
                    if is_small {
                        self.increment_top()?;
                    }
                    is_small
                }
                Op::Truth => {
                    let truth = !is_false(self.heap.stack.pop());
                    self.heap.stack.push(Word::bit(truth));
                    true
                }
                Op::Exchange(below) => {
                    self.exchange_top(below as usize);
                    true
                }
                Op::Slide(count) => {
                    let top = self.heap.stack.top();
                    self.heap.stack.slide(top - 1 - count as usize, top - 1);
                    true
                }
                Op::Drop => {
                    self.heap.stack.pop();
                    true
                }
                // The slots are dropped soon.
                Op::Clear(_) => true,
                Op::Return => return Ok(Some(self.heap.stack.peek(0))),
                Op::ReturnSlot(slot) => {
                    let word = self.heap.stack.get(run.base + slot as usize);
                    return Ok(Some(self.heap.resolve(word)));
                }
                _ => false,
            };
            if !is_cheap {
                return Ok(None);
            }
        }
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
            Some(CheapCondition::OnSmallKey) => index > 0 || word.is_direct(),
            Some(CheapCondition::OnNats) => word.is_direct(),
            Some(CheapCondition::OnU64) => self.heap.is_u64(word),
            Some(CheapCondition::Always) | None => word.kind() != WordKind::Big,
        }
    }

    fn push_if_evaluated(&mut self, word: Word) -> bool {
        let word = self.heap.resolve(word);
        self.heap.stack.push(word);
        !word.is_thunk()
    }

    /// Calls a cheap jet in place. Returns false if it is not cheap for its arguments; then unspecified values are
    /// left on the stack.
    fn native_cheaply(
        &mut self,
        run: &CodePosition,
        number: usize,
        count: usize,
    ) -> Result<bool, EvalError> {
        let Some(id) = self.jet_of_pin(run.constant(number)) else { return Ok(false) };
        let base = self.heap.stack.top() - count;
        let (jet, condition) = (self.jets.get(id), self.jets.cheap(id));
        for (index, demand) in jet.demands.iter().enumerate() {
            let word = self.heap.resolve(self.heap.stack.get(base + index));
            let is_ready = !word.is_thunk() || *demand == ArgDemand::Lazy;
            if !is_ready || condition.is_none() || !self.is_cheap_argument(condition, index, word) {
                return Ok(false);
            }
        }
        let JetCode::Native(jet) = jet.code else { return Ok(false) };
        match self.run_native_jet(jet, base, count)? {
            JetAnswer::Done | JetAnswer::Eval => {
                let top = self.heap.stack.top();
                self.heap.stack.slide(base, top - 1);
                let word = self.heap.stack.pop();
                // A value that is returned may be a thunk, others are needed.
                Ok(self.push_if_evaluated(word) || run.next() == Op::Return)
            }
            JetAnswer::Call(_) | JetAnswer::Again | JetAnswer::Law => Ok(false),
        }
    }
}

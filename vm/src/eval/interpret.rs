//! The interpreter's loop: running instructions, entering thunks, and returning values to frames.

use super::abort::abort_error;
use super::code::{Op, SourceList, ValueSource};
use super::fetch::CodePosition;
use super::frame::{self, FrameKind};
use super::next_step::{NextStep, is_false};
use crate::jet::{ArgDemand, CheapCondition, JetAnswer, JetCode};
use crate::pool_id::PoolId;
use crate::vm::Vm;
use plan::raw::{DIRECT_LIMIT, ObjectDraft, ObjectLayout, Word, WordKind, nat};
use plan::{EvalError, Items};

impl Vm {
    /// Takes one step of the loop.
    #[inline(always)]
    pub(super) fn step(
        &mut self,
        next: NextStep,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        match next {
            NextStep::Run => self.run_ops(at),
            NextStep::Call(callee) => self.call(callee, at),
            NextStep::Eval(word) => self.enter(word, at),
            NextStep::Normalise(word) => self.normalise(word),
            NextStep::Return(value) => self.return_value(value, at),
            NextStep::Exit(value) => Ok(NextStep::Exit(value)),
        }
    }

    /// Starts the evaluation of a word.
    #[inline(always)]
    fn enter(&mut self, word: Word, at: &mut CodePosition) -> Result<NextStep, EvalError> {
        if !word.is_thunk() {
            return Ok(NextStep::Return(word));
        }
        let header = self.heap.header(word);
        match header.layout() {
            ObjectLayout::Indirection => {
                let value = self.heap.load(word, 0);
                Ok(if value.is_thunk() { NextStep::Eval(value) } else { NextStep::Return(value) })
            }
            ObjectLayout::ThunkCode => {
                let code_word = self.heap.load(word, 0);
                let captured = header.extra() as usize;
                self.enter_thunk_entry(word, code_word, captured, at)
            }
            ObjectLayout::Selector => self.enter_selector(word, header.extra() as usize, at),
            ObjectLayout::ThunkApp => {
                let count = header.size();
                if !self.heap.stack.has_room(count + 8) {
                    return Err(EvalError::StackOverflow);
                }
                let outer = self.push_update(word, Word::ZERO);
                let function = self.heap.stack.top();
                self.heap.push_payload(word, 0, count);
                self.mark_entered(word, outer);
                Ok(NextStep::Call(function))
            }
            ObjectLayout::Crashed => {
                Err(self.crash(self.heap.load(word, 0), self.heap.load(word, 1)))
            }
            ObjectLayout::Aborted => Err(abort_error(self.heap.load(word, 0))),
            _ => Err(EvalError::Loop),
        }
    }

    /// Starts the evaluation of a selector. If its row is evaluated, the selector becomes an
    /// indirection to the item, which may be another selector: no update frames pile up on a chain.
    fn enter_selector(
        &mut self,
        thunk: Word,
        index: usize,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        if let Some(item) = self.flat_item(self.heap.load(thunk, 1), index)
            && let item = self.heap.resolve(item)
            && item != thunk
        {
            self.heap.update(thunk, item);
            return Ok(if item.is_thunk() { NextStep::Eval(item) } else { NextStep::Return(item) });
        }
        let code_word = self.heap.load(thunk, 0);
        self.enter_thunk_entry(thunk, code_word, 1, at)
    }

    /// Starts running the code of a thunk: a lazy subexpression of a law.
    #[inline(always)]
    fn enter_thunk_entry(
        &mut self,
        thunk: Word,
        code_word: Word,
        captured: usize,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        if code_word.is_native() {
            return self.enter_compiled_thunk(thunk, code_word.address());
        }
        let (pool, pc) = code_word.code_parts();
        at.go(self.evaluator.code(pool), pc as usize, 0);
        if !self.heap.stack.has_room(at.depth() + 8) {
            return Err(EvalError::StackOverflow);
        }
        let outer = self.push_update(thunk, code_word);
        at.base = self.heap.stack.top();
        self.heap.push_payload(thunk, 1, captured);
        self.mark_entered(thunk, outer);
        Ok(NextStep::Run)
    }

    /// Returns a value to the frame on top.
    #[inline(always)]
    fn return_value(&mut self, value: Word, at: &mut CodePosition) -> Result<NextStep, EvalError> {
        debug_assert!(!value.is_thunk());
        let stack = &mut self.heap.stack;
        match FrameKind::of(stack.pop()) {
            FrameKind::Return => {
                let distance = stack.peek(0).raw() as usize;
                let (pool, pc) = stack.peek(1).code_parts();
                let here = stack.top() - 2;
                stack.truncate(here);
                stack.push(value);
                at.go(self.evaluator.code(pool), pc as usize, here - distance);
                Ok(NextStep::Run)
            }
            FrameKind::Update => {
                self.pop_mark();
                let top = self.heap.stack.top();
                let thunk = self.heap.stack.get(top - 2);
                self.heap.stack.truncate(top - 2);
                self.heap.update(thunk, value);
                Ok(NextStep::Return(value))
            }
            FrameKind::Apply => {
                let count = frame::pop_number(stack);
                let callee = stack.top() - count - 1;
                stack.set(callee, value);
                Ok(NextStep::Call(callee))
            }
            FrameKind::Call => {
                let step = frame::pop_number(stack);
                let count = frame::pop_number(stack);
                let callee = stack.top() - count - 1;
                let index = self.argument_of_step(callee, step);
                self.heap.stack.set(callee + 1 + index, value);
                at.caller = PoolId::NONE;
                self.evaluate_arguments(callee, count, step + 1, at)
            }
            FrameKind::Again => {
                let count = frame::pop_number(stack);
                let callee = stack.top() - count - 1;
                at.caller = PoolId::NONE;
                self.evaluate_arguments(callee, count, count, at)
            }
            FrameKind::Normal => Ok(NextStep::Normalise(value)),
            FrameKind::Force => {
                let index = frame::pop_number(stack);
                let object = stack.pop();
                self.normalise_from(object, index, Some(value))
            }
            FrameKind::Catch => {
                self.pop_mark();
                self.return_success(value)
            }
            FrameKind::Exit => {
                self.pop_mark();
                Ok(NextStep::Exit(value))
            }
            FrameKind::Span => {
                self.pop_mark();
                self.end_span();
                Ok(NextStep::Return(value))
            }
        }
    }

    /// Runs instructions until one needs a call, an evaluation or a return.
    fn run_ops(&mut self, at: &mut CodePosition) -> Result<NextStep, EvalError> {
        loop {
            match at.fetch() {
                Op::Slot(slot) => {
                    let word = self.heap.stack.get(at.base + slot as usize);
                    self.heap.stack.push(word);
                }
                Op::Constant(number) => self.heap.stack.push(at.constant(number as usize)),
                Op::Push(list) => {
                    for source in at.list(list) {
                        let word = self.source(at, *source);
                        self.heap.stack.push(word);
                    }
                }
                Op::Delay(list) => self.delay_unless_cheap(at, list)?,
                Op::ApplyEagerly(list) => {
                    if !self.apply_eagerly(at, list)? {
                        self.delay(at, list)?;
                    }
                }
                Op::Thunk(entry) => self.make_thunk(at, entry)?,
                Op::ThunkUnlessCheap(entry) => {
                    if !self.evaluate_entry_cheaply(at, entry)? {
                        self.make_thunk(at, entry)?;
                    }
                }
                Op::Select { index, entry } => self.select(at, usize::from(index), entry)?,
                Op::Apply(count) => self.apply_unless_cheap(count as usize)?,
                Op::Row(count) => {
                    self.heap.reserve(1 + count as usize)?;
                    let row = self.heap.allocate_popped(ObjectLayout::Row, 0, count as usize);
                    self.heap.stack.push(row);
                }
                Op::Hole(entry) => self.make_hole(at, entry)?,
                Op::Fill(entry) => self.fill_hole(at, entry),
                Op::Frame(pc) => self.push_return(at, pc as usize),
                Op::Call(count) => {
                    return Ok(NextStep::Call(self.heap.stack.top() - count as usize - 1));
                }
                Op::TailCall(count) => {
                    let function = self.heap.stack.top() - count as usize - 1;
                    self.heap.stack.slide(at.base, function);
                    return Ok(NextStep::Call(at.base));
                }
                Op::Native { count, pin } => {
                    if let Some(next) = self.native(at, pin as usize, count as usize)? {
                        return Ok(next);
                    }
                }
                Op::EvalSlot(slot) => {
                    let word = self.heap.resolve(self.heap.stack.get(at.base + slot as usize));
                    if word.is_thunk() {
                        self.push_return(at, at.pc);
                        return Ok(NextStep::Eval(word));
                    }
                    self.heap.stack.push(word);
                }
                Op::Eval => {
                    let word = self.heap.resolve(self.heap.stack.peek(0));
                    self.heap.stack.pop();
                    if word.is_thunk() {
                        self.push_return(at, at.pc);
                        return Ok(NextStep::Eval(word));
                    }
                    self.heap.stack.push(word);
                }
                Op::Normalise => {
                    let word = self.heap.stack.peek(0);
                    if !self.heap.is_normal(word) {
                        self.heap.stack.pop();
                        self.push_return(at, at.pc);
                        return Ok(NextStep::Normalise(word));
                    }
                }
                Op::Return => {
                    let value = self.heap.stack.peek(0);
                    self.heap.stack.truncate(at.base);
                    return Ok(NextStep::Return(value));
                }
                Op::ReturnSlot(slot) => {
                    let word = self.heap.resolve(self.heap.stack.get(at.base + slot as usize));
                    self.heap.stack.truncate(at.base);
                    return Ok(if word.is_thunk() {
                        NextStep::Eval(word)
                    } else {
                        NextStep::Return(word)
                    });
                }
                Op::Jump(pc) => at.pc = pc as usize,
                Op::JumpIfFalse(pc) => {
                    if is_false(self.heap.stack.pop()) {
                        at.pc = pc as usize;
                    }
                }
                Op::JumpUnlessZero(pc) => {
                    if self.heap.stack.pop() != Word::ZERO {
                        at.pc = pc as usize;
                    }
                }
                Op::Predecessor(pc) => {
                    if is_false(self.heap.stack.peek(0)) {
                        self.heap.stack.pop();
                        at.pc = pc as usize;
                    } else {
                        self.decrement_top()?;
                    }
                }
                Op::Increment => self.increment_top()?,
                Op::Truth => {
                    let truth = !is_false(self.heap.stack.pop());
                    self.heap.stack.push(Word::bit(truth));
                }
                Op::Clear(mut slots) => {
                    while slots != 0 {
                        let slot = at.base + slots.trailing_zeros() as usize;
                        self.heap.stack.set(slot, Word::ZERO);
                        slots &= slots - 1;
                    }
                }
                Op::Reflect(number) => {
                    at.pc = self.push_parts(at.branches(number))? as usize;
                }
                Op::Switch(number) => at.pc = self.switch_target(at, number)? as usize,
                Op::CountJet(jet) => self.jets.count_call(jet),
                Op::LawSpan => at.base = self.begin_law_span(at.base),
                Op::Exchange(below) => self.exchange_top(below as usize),
                Op::Slide(count) => {
                    let top = self.heap.stack.top();
                    self.heap.stack.slide(top - 1 - count as usize, top - 1);
                }
                Op::Drop => {
                    self.heap.stack.pop();
                }
            }
        }
    }

    #[inline(always)]
    pub(super) fn source(&self, at: &CodePosition, source: ValueSource) -> Word {
        match source.slot_or_constant() {
            Ok(slot) => self.heap.stack.get(at.base + slot),
            Err(number) => at.constant(number),
        }
    }

    /// Exchanges the top value with the one that many below it.
    #[inline(always)]
    pub(super) fn exchange_top(&mut self, below: usize) {
        let top = self.heap.stack.top() - 1;
        let other = top - below;
        let (upper, lower) = (self.heap.stack.get(top), self.heap.stack.get(other));
        self.heap.stack.set(other, upper);
        self.heap.stack.set(top, lower);
    }

    /// Pushes a thunk for the application of the first source to the others.
    #[inline(always)]
    pub(super) fn delay(&mut self, at: &CodePosition, list: SourceList) -> Result<(), EvalError> {
        let sources = at.list(list);
        self.heap.reserve(1 + sources.len())?;
        let mut thunk = self.heap.allocate(ObjectLayout::ThunkApp, 0, sources.len());
        for (index, source) in sources.iter().enumerate() {
            thunk.set(index, self.source(at, *source));
        }
        self.heap.stack.push(thunk.finish());
        Ok(())
    }

    /// Pushes the application of a cheap function, the first source, to the others, computed
    /// eagerly. If an argument is not evaluated, pushes nothing and returns false. The result may
    /// be unevaluated.
    pub(super) fn apply_eagerly(
        &mut self,
        at: &CodePosition,
        list: SourceList,
    ) -> Result<bool, EvalError> {
        let base = self.heap.stack.top();
        let done = self.apply_eagerly_above(base, at, list)?;
        if !done {
            self.heap.stack.truncate(base);
        }
        Ok(done)
    }

    /// [`Vm::apply_eagerly`] with the arguments and the result above `base`; if it returns false,
    /// unspecified values are left there.
    fn apply_eagerly_above(
        &mut self,
        base: usize,
        at: &CodePosition,
        list: SourceList,
    ) -> Result<bool, EvalError> {
        let sources = at.list(list);
        let function = self.source(at, sources[0]);
        let jet = if function.is_direct() { None } else { self.jet_of_pin(function) };
        let cheap = jet.map_or(Some(CheapCondition::Always), |jet| self.jets.cheap(jet));
        for (index, source) in sources[1..].iter().enumerate() {
            let word = self.heap.resolve(self.source(at, *source));
            if !self.is_cheap_argument(cheap, index, word) {
                return Ok(false);
            }
            self.heap.stack.push(word);
        }
        let Some(jet) = jet.map(|jet| self.jets.get(jet)) else {
            let evaluated = !self.heap.stack.peek(0).is_thunk();
            return if evaluated { self.increment_top().map(|()| true) } else { Ok(false) };
        };
        for (index, demand) in jet.demands.iter().enumerate() {
            if *demand != ArgDemand::Lazy && self.heap.stack.get(base + index).is_thunk() {
                return Ok(false);
            }
        }
        let JetCode::Native(run) = jet.code else { unreachable!("decoded as a native jet") };
        match self.run_native_jet(run, base, sources.len() - 1)? {
            JetAnswer::Done | JetAnswer::Eval => {
                let top = self.heap.stack.top();
                self.heap.stack.slide(base, top - 1);
                Ok(true)
            }
            JetAnswer::Call(_) | JetAnswer::Again | JetAnswer::Law => Ok(false),
        }
    }

    /// Pushes a thunk for an entry with the values that it captures.
    #[inline(always)]
    pub(super) fn make_thunk(&mut self, at: &CodePosition, entry: u32) -> Result<(), EvalError> {
        let mut thunk = self.allocate_entry(at, entry)?;
        for (index, source) in at.captures(at.entry(entry)).iter().enumerate() {
            thunk.set(1 + index, self.source(at, *source));
        }
        self.heap.stack.push(thunk.finish());
        Ok(())
    }

    /// An item of a row, if the row is evaluated and flat.
    pub(super) fn flat_item(&self, row: Word, index: usize) -> Option<Word> {
        let row = self.heap.resolve(row);
        (row.kind() == WordKind::Row).then(|| Items::of(row, &self.heap).flat_word(index)).flatten()
    }

    /// Pushes an item of the row that an entry captures, or the selector of it.
    fn select(&mut self, at: &CodePosition, index: usize, entry: u32) -> Result<(), EvalError> {
        let source = at.captures(at.entry(entry))[0];
        if let Some(item) = self.flat_item(self.source(at, source), index) {
            self.heap.stack.push(item);
            return Ok(());
        }
        self.heap.reserve(3)?;
        let mut thunk = self.heap.allocate(ObjectLayout::Selector, index as u64, 2);
        thunk.set(0, at.word(at.entry(entry).pc as usize));
        thunk.set(1, self.source(at, source));
        self.heap.stack.push(thunk.finish());
        Ok(())
    }

    /// Pushes a thunk for an entry without its captured values, which [`Vm::fill_hole`] writes.
    fn make_hole(&mut self, at: &CodePosition, entry: u32) -> Result<(), EvalError> {
        let mut thunk = self.allocate_entry(at, entry)?;
        for index in 0..at.entry(entry).captured as usize {
            thunk.set(1 + index, Word::ZERO);
        }
        self.heap.stack.push(thunk.finish());
        Ok(())
    }

    /// Allocates a thunk for an entry; the caller writes its captured values.
    #[inline(always)]
    fn allocate_entry(&mut self, at: &CodePosition, entry: u32) -> Result<ObjectDraft, EvalError> {
        let entry = at.entry(entry);
        let captured = entry.captured as usize;
        // A poisoned thunk needs two words, so a thunk that captures nothing has an unused one.
        let size = (1 + captured).max(2);
        self.heap.reserve(1 + size)?;
        let mut thunk = self.heap.allocate(ObjectLayout::ThunkCode, captured as u64, size);
        thunk.set(1, Word::ZERO);
        thunk.set(0, at.word(entry.pc as usize));
        Ok(thunk)
    }

    /// Writes the captured values of the thunk that [`Vm::make_hole`] pushed for the entry.
    fn fill_hole(&mut self, at: &CodePosition, entry: u32) {
        let entry = at.entry(entry);
        let hole = self.heap.stack.get(at.base + entry.hole as usize);
        for (index, source) in at.captures(entry).iter().enumerate() {
            let value = self.source(at, *source);
            self.heap.store(hole, 1 + index, value);
        }
    }

    /// Pushes a frame that continues at `pc` of this code.
    #[inline(always)]
    pub(super) fn push_return(&mut self, at: &CodePosition, pc: usize) {
        let stack = &mut self.heap.stack;
        let distance = stack.top() - at.base;
        stack.push(at.word(pc));
        frame::push_number(stack, distance);
        frame::push_kind(stack, FrameKind::Return);
    }

    /// Calls a jet in place. `None` if its result is on the stack.
    #[inline(always)]
    fn native(
        &mut self,
        at: &mut CodePosition,
        number: usize,
        count: usize,
    ) -> Result<Option<NextStep>, EvalError> {
        let pin = at.constant(number);
        let Some(jet) = self.jet_of_pin(pin) else { unreachable!("decoded as a jet") };
        let base = self.heap.stack.top() - count;
        let JetCode::Native(run) = self.jets.get(jet).code else {
            unreachable!("decoded as a native jet")
        };
        let before = self.evaluator.jet_applications;
        let answer = match self.run_native_jet(run, base, count) {
            Ok(answer) => answer,
            Err(error) => return Err(self.record_jet_in_place(at, number, error)),
        };
        self.count_applications(at.caller, before, at.base);
        match answer {
            JetAnswer::Done => {
                let top = self.heap.stack.top();
                self.heap.stack.slide(base, top - 1);
                Ok(None)
            }
            JetAnswer::Call(args) => {
                let from = self.heap.stack.top() - args - 1;
                self.heap.stack.slide(base, from);
                Ok(Some(NextStep::Call(self.leave(at, base))))
            }
            JetAnswer::Eval => {
                let word = self.heap.resolve(self.heap.stack.peek(0));
                self.heap.stack.truncate(base);
                if !word.is_thunk() {
                    self.heap.stack.push(word);
                    return Ok(None);
                }
                self.leave(at, base);
                Ok(Some(NextStep::Eval(word)))
            }
            JetAnswer::Again => {
                self.insert_pin(at, number, base);
                let callee = self.leave(at, base);
                Ok(Some(self.evaluate_and_retry_jet(callee, count)))
            }
            JetAnswer::Law => {
                self.heap.stack.truncate(base + count);
                self.insert_pin(at, number, base);
                let callee = self.leave(at, base);
                self.run_law_of_jet(callee, at).map(Some)
            }
        }
    }

    /// Records that a jet that was called in place fails, and the law that calls it, whose frame
    /// does not wait. Returns the error.
    #[cold]
    fn record_jet_in_place(
        &mut self,
        at: &CodePosition,
        number: usize,
        error: EvalError,
    ) -> EvalError {
        let error = self.record_jet(at.constant(number), error);
        self.record_code(at.pool(), at.base);
        error
    }

    /// Inserts the pin of a jet below its arguments. The jet may have collected, so the pin is
    /// loaded again.
    fn insert_pin(&mut self, at: &CodePosition, number: usize, base: usize) {
        self.heap.stack.insert(base, &[at.constant(number)]);
    }

    /// Prepares a call of the words from stack index `callee` up. The call replaces this frame if
    /// the next instruction returns; else a Return frame that continues here is inserted below it.
    /// Returns the call's new stack index.
    fn leave(&mut self, at: &CodePosition, callee: usize) -> usize {
        if at.next() == Op::Return {
            self.heap.stack.slide(at.base, callee);
            return at.base;
        }
        let distance = Word::direct((callee - at.base) as u64);
        let frame = [at.word(at.pc), distance, Word::direct(FrameKind::Return as u64)];
        self.heap.stack.insert(callee, &frame);
        callee + frame.len()
    }

    #[inline(always)]
    pub(super) fn increment_top(&mut self) -> Result<(), EvalError> {
        let word = self.heap.stack.pop();
        let next = match word.as_direct() {
            Some(n) if n + 1 < DIRECT_LIMIT => Word::direct(n + 1),
            _ => self.increment(word)?,
        };
        self.heap.stack.push(next);
        Ok(())
    }

    /// The successor of a word as a nat.
    #[cold]
    pub(super) fn increment(&mut self, word: Word) -> Result<Word, EvalError> {
        self.heap.stack.push(word);
        nat::increment(&mut self.heap)
    }

    /// Replaces the top value, a nat that is not 0, by its predecessor.
    #[inline(always)]
    pub(super) fn decrement_top(&mut self) -> Result<(), EvalError> {
        let word = self.heap.stack.pop();
        let previous = match word.as_direct() {
            Some(n) => Word::direct(n - 1),
            None => {
                self.heap.stack.push(word);
                nat::predecessor(&mut self.heap)?
            }
        };
        self.heap.stack.push(previous);
        Ok(())
    }
}

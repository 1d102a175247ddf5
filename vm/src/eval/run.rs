//! The loop: instructions, and the frames that get their values.

use super::code::{List, Op, Source};
use super::fetch::Position;
use super::frame::{self, FrameKind};
use crate::jet::{Answer, Call, Cheap, Demand, JetCode};
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::{DIRECT_LIMIT, Draft, Kind, Layout, Word, nat, shape};

/// What the machine does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Run instructions.
    Run,
    /// Call the function at that place on the stack with what lies above it.
    Call(usize),
    /// Evaluate a word to its outermost shape.
    Eval(Word),
    /// Normalise an evaluated word.
    Normalise(Word),
    /// Give an evaluated word to the frame on top of the stack.
    Give(Word),
    /// Hand an evaluated word to Rust.
    Exit(Word),
}

impl Vm {
    #[inline(always)]
    pub(super) fn step(&mut self, next: Next, at: &mut Position) -> Result<Next, EvalError> {
        match next {
            Next::Run => self.run_ops(at),
            Next::Call(place) => self.call(place, at),
            Next::Eval(word) => self.enter(word, at),
            Next::Normalise(word) => self.normalise(word),
            Next::Give(value) => self.give(value, at),
            Next::Exit(value) => Ok(Next::Exit(value)),
        }
    }

    /// Starts evaluating a word.
    #[inline(always)]
    fn enter(&mut self, word: Word, at: &mut Position) -> Result<Next, EvalError> {
        if !word.is_thunk() {
            return Ok(Next::Give(word));
        }
        let header = self.heap.header(word);
        match header.layout() {
            Layout::Indirection => {
                let value = self.heap.load(word, 0);
                Ok(if value.is_thunk() { Next::Eval(value) } else { Next::Give(value) })
            }
            Layout::ThunkCode => {
                let place = self.heap.load(word, 0);
                let captured = header.extra() as usize;
                self.enter_entry(word, place, captured, at)
            }
            Layout::ThunkApp => {
                let count = header.size();
                if !self.heap.stack.has_room(count + 8) {
                    return Err(EvalError::StackOverflow);
                }
                let outer = self.push_update(word, Word::ZERO);
                let function = self.heap.stack.top();
                self.heap.push_payload(word, 0, count);
                self.entered(word, outer);
                Ok(Next::Call(function))
            }
            Layout::Crashed => Err(self.crash(self.heap.load(word, 0), self.heap.load(word, 1))),
            Layout::Aborted => Err(super::unwind::reason(self.heap.load(word, 0))),
            _ => Err(EvalError::Loop),
        }
    }

    /// Starts running a lazy subexpression of a law.
    #[inline(always)]
    fn enter_entry(
        &mut self,
        thunk: Word,
        place: Word,
        captured: usize,
        at: &mut Position,
    ) -> Result<Next, EvalError> {
        if place.is_native() {
            return self.enter_compiled_thunk(thunk, place.address());
        }
        let (pool, pc) = place.code_parts();
        at.go(self.evaluator.code(pool), pc as usize, 0);
        if !self.heap.stack.has_room(at.depth() + 8) {
            return Err(EvalError::StackOverflow);
        }
        let outer = self.push_update(thunk, place);
        at.base = self.heap.stack.top();
        self.heap.push_payload(thunk, 1, captured);
        self.entered(thunk, outer);
        Ok(Next::Run)
    }

    /// Gives a value to the frame on top.
    #[inline(always)]
    fn give(&mut self, value: Word, at: &mut Position) -> Result<Next, EvalError> {
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
                Ok(Next::Run)
            }
            FrameKind::Update => {
                self.pop_mark();
                let top = self.heap.stack.top();
                let thunk = self.heap.stack.get(top - 2);
                self.heap.stack.truncate(top - 2);
                self.heap.update(thunk, value);
                Ok(Next::Give(value))
            }
            FrameKind::Apply => {
                let count = frame::pop_number(stack);
                let place = stack.top() - count - 1;
                stack.set(place, value);
                Ok(Next::Call(place))
            }
            FrameKind::Call => {
                let step = frame::pop_number(stack);
                let count = frame::pop_number(stack);
                let place = stack.top() - count - 1;
                let index = self.gathered_in(place, step);
                self.heap.stack.set(place + 1 + index, value);
                self.gather(place, count, step + 1, at)
            }
            FrameKind::Again => {
                let count = frame::pop_number(stack);
                let place = stack.top() - count - 1;
                self.gather(place, count, count, at)
            }
            FrameKind::Normal => Ok(Next::Normalise(value)),
            FrameKind::Force => {
                let index = frame::pop_number(stack);
                let object = stack.pop();
                self.normalise_from(object, index, Some(value))
            }
            FrameKind::Catch => {
                self.pop_mark();
                self.caught_nothing(value)
            }
            FrameKind::Exit => {
                self.pop_mark();
                Ok(Next::Exit(value))
            }
        }
    }

    /// Runs instructions until one needs something that is not there.
    fn run_ops(&mut self, at: &mut Position) -> Result<Next, EvalError> {
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
                Op::Delay(list) => self.delay(at, list)?,
                Op::Attempt(list) => {
                    if !self.attempt(at, list)? {
                        self.delay(at, list)?;
                    }
                }
                Op::Thunk(entry) => self.make_thunk(at, entry)?,
                Op::Apply(count) => shape::apply_lazily(&mut self.heap, count as usize)?,
                Op::Row(count) => {
                    self.heap.reserve(1 + count as usize)?;
                    let row = self.heap.allocate_popped(Layout::Row, 0, count as usize);
                    self.heap.stack.push(row);
                }
                Op::Hole(entry) => self.make_hole(at, entry)?,
                Op::Fill(entry) => self.fill_hole(at, entry),
                Op::Frame(pc) => self.push_return(at, pc as usize),
                Op::Call(count) => {
                    return Ok(Next::Call(self.heap.stack.top() - count as usize - 1));
                }
                Op::TailCall(count) => {
                    let function = self.heap.stack.top() - count as usize - 1;
                    self.heap.stack.slide(at.base, function);
                    return Ok(Next::Call(at.base));
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
                        return Ok(Next::Eval(word));
                    }
                    self.heap.stack.push(word);
                }
                Op::Eval => {
                    let word = self.heap.resolve(self.heap.stack.peek(0));
                    self.heap.stack.pop();
                    if word.is_thunk() {
                        self.push_return(at, at.pc);
                        return Ok(Next::Eval(word));
                    }
                    self.heap.stack.push(word);
                }
                Op::Normalise => {
                    let word = self.heap.stack.peek(0);
                    if !self.heap.is_normal(word) {
                        self.heap.stack.pop();
                        self.push_return(at, at.pc);
                        return Ok(Next::Normalise(word));
                    }
                }
                Op::Return => {
                    let value = self.heap.stack.peek(0);
                    self.heap.stack.truncate(at.base);
                    return Ok(Next::Give(value));
                }
                Op::ReturnSlot(slot) => {
                    let word = self.heap.resolve(self.heap.stack.get(at.base + slot as usize));
                    self.heap.stack.truncate(at.base);
                    return Ok(if word.is_thunk() { Next::Eval(word) } else { Next::Give(word) });
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
                Op::CountJet(jet) => self.jets.called(jet),
                Op::Exchange(below) => {
                    let top = self.heap.stack.top() - 1;
                    let other = top - below as usize;
                    let (upper, lower) = (self.heap.stack.get(top), self.heap.stack.get(other));
                    self.heap.stack.set(other, upper);
                    self.heap.stack.set(top, lower);
                }
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
    fn source(&self, at: &Position, source: Source) -> Word {
        match source.place() {
            Ok(slot) => self.heap.stack.get(at.base + slot),
            Err(number) => at.constant(number),
        }
    }

    /// Pushes a thunk for the application of the first of the sources to the others.
    #[inline(always)]
    fn delay(&mut self, at: &Position, list: List) -> Result<(), EvalError> {
        let sources = at.list(list);
        self.heap.reserve(1 + sources.len())?;
        let mut thunk = self.heap.allocate(Layout::ThunkApp, 0, sources.len());
        for (index, source) in sources.iter().enumerate() {
            thunk.set(index, self.source(at, *source));
        }
        self.heap.stack.push(thunk.finish());
        Ok(())
    }

    /// Pushes the value of a cheap function, the first of the sources, if its arguments are there;
    /// says no, and does not, if not. The value may be left unevaluated.
    fn attempt(&mut self, at: &Position, list: List) -> Result<bool, EvalError> {
        let base = self.heap.stack.top();
        let done = self.attempt_above(base, at, list)?;
        if !done {
            self.heap.stack.truncate(base);
        }
        Ok(done)
    }

    fn attempt_above(&mut self, base: usize, at: &Position, list: List) -> Result<bool, EvalError> {
        let sources = at.list(list);
        let function = self.source(at, sources[0]);
        let jet = if function.is_direct() { None } else { self.jets.of_pin(&self.heap, function) };
        let cheap = jet.map_or(Some(Cheap::Always), |jet| self.jets.cheap(jet));
        for source in &sources[1..] {
            let word = self.heap.resolve(self.source(at, *source));
            if word.kind() == Kind::Big || !word.is_direct() && cheap == Some(Cheap::OnNats) {
                return Ok(false);
            }
            self.heap.stack.push(word);
        }
        let Some(jet) = jet.map(|jet| self.jets.get(jet)) else {
            let evaluated = !self.heap.stack.peek(0).is_thunk();
            return if evaluated { self.increment_top().map(|()| true) } else { Ok(false) };
        };
        for (index, demand) in jet.demands.iter().enumerate() {
            if *demand != Demand::Lazy && self.heap.stack.get(base + index).is_thunk() {
                return Ok(false);
            }
        }
        let JetCode::Native(run) = jet.code else { unreachable!("decoded as a native jet") };
        match run(&mut Call { vm: self, base })? {
            Answer::Done | Answer::Eval => {
                let top = self.heap.stack.top();
                self.heap.stack.slide(base, top - 1);
                Ok(true)
            }
            Answer::Call(_) | Answer::Again | Answer::Law => Ok(false),
        }
    }

    /// Pushes a thunk for an entry, and captures the slots of the frame.
    #[inline(always)]
    fn make_thunk(&mut self, at: &Position, entry: u32) -> Result<(), EvalError> {
        let mut thunk = self.allocate_entry(at, entry)?;
        for (index, source) in at.captures(at.entry(entry)).iter().enumerate() {
            thunk.set(1 + index, self.source(at, *source));
        }
        self.heap.stack.push(thunk.finish());
        Ok(())
    }

    /// Pushes a thunk for an entry, whose captures [`Vm::fill_hole`] provides.
    fn make_hole(&mut self, at: &Position, entry: u32) -> Result<(), EvalError> {
        let mut thunk = self.allocate_entry(at, entry)?;
        for index in 0..at.entry(entry).captured as usize {
            thunk.set(1 + index, Word::ZERO);
        }
        self.heap.stack.push(thunk.finish());
        Ok(())
    }

    /// A thunk for an entry, whose captures are still to be written.
    #[inline(always)]
    fn allocate_entry(&mut self, at: &Position, entry: u32) -> Result<Draft, EvalError> {
        let entry = at.entry(entry);
        let captured = entry.captured as usize;
        // A crash needs room for two words; what captures nothing has one that is not used.
        let size = (1 + captured).max(2);
        self.heap.reserve(1 + size)?;
        let mut thunk = self.heap.allocate(Layout::ThunkCode, captured as u64, size);
        thunk.set(1, Word::ZERO);
        thunk.set(0, at.word(entry.pc as usize));
        Ok(thunk)
    }

    fn fill_hole(&mut self, at: &Position, entry: u32) {
        let entry = at.entry(entry);
        let hole = self.heap.stack.get(at.base + entry.hole as usize);
        for (index, source) in at.captures(entry).iter().enumerate() {
            let value = self.source(at, *source);
            self.heap.store(hole, 1 + index, value);
        }
    }

    /// Pushes a frame that goes on at `pc` of this code.
    #[inline(always)]
    pub(super) fn push_return(&mut self, at: &Position, pc: usize) {
        let stack = &mut self.heap.stack;
        let distance = stack.top() - at.base;
        stack.push(at.word(pc));
        frame::push_number(stack, distance);
        frame::push_kind(stack, FrameKind::Return);
    }

    /// Calls a jet in place. Nothing, if its result is on the stack.
    #[inline(always)]
    fn native(
        &mut self,
        at: &mut Position,
        number: usize,
        count: usize,
    ) -> Result<Option<Next>, EvalError> {
        let pin = at.constant(number);
        let Some(jet) = self.jets.of_pin(&self.heap, pin) else { unreachable!("decoded as a jet") };
        let base = self.heap.stack.top() - count;
        let JetCode::Native(run) = self.jets.get(jet).code else {
            unreachable!("decoded as a native jet")
        };
        match run(&mut Call { vm: self, base })? {
            Answer::Done => {
                let top = self.heap.stack.top();
                self.heap.stack.slide(base, top - 1);
                Ok(None)
            }
            Answer::Call(args) => {
                let from = self.heap.stack.top() - args - 1;
                self.heap.stack.slide(base, from);
                Ok(Some(Next::Call(self.leave(at, base))))
            }
            Answer::Eval => {
                let word = self.heap.resolve(self.heap.stack.peek(0));
                self.heap.stack.truncate(base);
                if !word.is_thunk() {
                    self.heap.stack.push(word);
                    return Ok(None);
                }
                self.leave(at, base);
                Ok(Some(Next::Eval(word)))
            }
            Answer::Again => {
                self.insert_pin(at, number, base);
                let place = self.leave(at, base);
                Ok(Some(self.evaluate_and_ask_again(place, count)))
            }
            Answer::Law => {
                self.heap.stack.truncate(base + count);
                self.insert_pin(at, number, base);
                let place = self.leave(at, base);
                self.fall_back(place, at).map(Some)
            }
        }
    }

    /// Puts the pin of a jet under its arguments. The jet may have collected, so the pin is fetched
    /// again.
    fn insert_pin(&mut self, at: &Position, number: usize, base: usize) {
        self.heap.stack.insert(base, &[at.constant(number)]);
    }

    /// Makes way for a call of what lies from `place` up: it replaces this frame if that has nothing
    /// left to do, and else gets a frame under it that goes on here. Gives the call's new place.
    fn leave(&mut self, at: &Position, place: usize) -> usize {
        if at.next() == Op::Return {
            self.heap.stack.slide(at.base, place);
            return at.base;
        }
        let distance = Word::direct((place - at.base) as u64);
        let frame = [at.word(at.pc), distance, Word::direct(FrameKind::Return as u64)];
        self.heap.stack.insert(place, &frame);
        place + frame.len()
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

    /// One more than a word as a nat.
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

/// Whether an evaluated word is 0 as a nat.
#[inline(always)]
pub(super) fn is_false(word: Word) -> bool {
    word == Word::ZERO || !matches!(word.kind(), Kind::Nat | Kind::Big)
}

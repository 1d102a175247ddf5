//! The loop: instructions, and the frames that get their values.

use super::call;
use super::code::{Code, Op};
use super::frame::{self, FrameKind};
use crate::heap::object::{self, Layout};
use crate::jet::{Answer, Call, Code as JetCode};
use crate::nat::NatRef;
use crate::word::{DIRECT_LIMIT, Kind, Word};
use crate::{Stop, Vm, build, pin, shape};
use std::rc::Rc;

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

/// The place in a law's code, and its frame.
pub(super) struct Position {
    pub(super) code: Rc<Code>,
    pub(super) pc: usize,
    pub(super) base: usize,
}

impl Vm {
    #[inline(always)]
    pub(super) fn step(&mut self, next: Next, at: &mut Position) -> Result<Next, Stop> {
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
    fn enter(&mut self, word: Word, at: &mut Position) -> Result<Next, Stop> {
        if !word.is_thunk() {
            return Ok(Next::Give(word));
        }
        let header = self.heap.header(word);
        match header.layout() {
            Layout::Indirection => Ok(Next::Give(self.heap.load(word, 0))),
            Layout::ThunkCode => {
                let place = self.heap.load(word, 0);
                let captured = header.extra() as usize;
                self.enter_entry(word, place, captured, at)
            }
            Layout::ThunkApp => {
                let count = header.size();
                if !self.heap.stack.has_room(count + 8) {
                    return Err(Stop::StackFull);
                }
                self.push_update(word, Word::ZERO);
                let function = self.heap.stack.top();
                for index in 0..count {
                    let part = self.heap.load(word, index);
                    self.heap.stack.push(part);
                }
                object::set_header(word.address(), header.with_layout(Layout::BlackHole));
                Ok(Next::Call(function))
            }
            Layout::Crashed => Err(self.crash(self.heap.load(word, 0), self.heap.load(word, 1))),
            Layout::Aborted => Err(super::unwind::reason(self.heap.load(word, 0))),
            _ => Err(Stop::Loop),
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
    ) -> Result<Next, Stop> {
        if place.is_native() {
            return self.enter_compiled_thunk(thunk, place.address());
        }
        let (pool, pc) = place.code_parts();
        self.evaluator.load_code(at, pool);
        if !self.heap.stack.has_room(at.code.depth + 8) {
            return Err(Stop::StackFull);
        }
        self.push_update(thunk, place);
        at.base = self.heap.stack.top();
        at.pc = pc as usize;
        for index in 0..captured {
            let value = self.heap.load(thunk, 1 + index);
            self.heap.stack.push(value);
        }
        self.blacken(thunk);
        Ok(Next::Run)
    }

    /// Marks a thunk as being evaluated.
    #[inline(always)]
    pub(super) fn blacken(&mut self, thunk: Word) {
        let header = self.heap.header(thunk);
        object::set_header(thunk.address(), header.with_layout(Layout::BlackHole));
    }

    /// Gives a value to the frame on top.
    #[inline(always)]
    fn give(&mut self, value: Word, at: &mut Position) -> Result<Next, Stop> {
        debug_assert!(!value.is_thunk());
        let stack = &mut self.heap.stack;
        match FrameKind::of(stack.pop()) {
            FrameKind::Return => {
                let distance = frame::pop_number(stack);
                let (pool, pc) = stack.pop().code_parts();
                at.base = stack.top() - distance;
                at.pc = pc as usize;
                stack.push(value);
                self.evaluator.load_code(at, pool);
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
                let index = frame::pop_number(stack);
                let count = frame::pop_number(stack);
                let place = stack.top() - count - 1;
                let slot = call::gathering_order(stack.get(place), index);
                stack.set(place + 1 + slot, value);
                self.gather(place, count, index + 1, at)
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
    fn run_ops(&mut self, at: &mut Position) -> Result<Next, Stop> {
        loop {
            let op = at.code.ops[at.pc];
            at.pc += 1;
            match op {
                Op::Slot(slot) => {
                    let word = self.heap.stack.get(at.base + slot as usize);
                    self.heap.stack.push(word);
                }
                Op::Constant(number) => self.push_constant(at, number),
                Op::Thunk(entry) => self.make_thunk(at, entry as usize)?,
                Op::Apply(count) => shape::apply_lazily(&mut self.heap, count as usize)?,
                Op::Row(count) => {
                    self.heap.reserve(1 + count as usize)?;
                    let row = self.heap.allocate_popped(Layout::Row, 0, count as usize);
                    self.heap.stack.push(row);
                }
                Op::Hole(entry) => self.make_hole(at, entry as usize)?,
                Op::Fill { slot, entry } => self.fill_hole(at, slot as usize, entry as usize),
                Op::Frame(pc) => self.push_return(at, pc as usize),
                Op::Call(count) => {
                    return Ok(Next::Call(self.heap.stack.top() - count as usize - 1));
                }
                Op::TailCall(count) => {
                    let function = self.heap.stack.top() - count as usize - 1;
                    self.heap.stack.slide(at.base, function);
                    return Ok(Next::Call(at.base));
                }
                Op::Native { pin, count } => {
                    if let Some(next) = self.native(at, pin, count as usize)? {
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
                Op::Reflect(number) => {
                    let branches = at.code.branches[number as usize];
                    at.pc = self.push_parts(branches)? as usize;
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
    fn push_constant(&mut self, at: &Position, number: u32) {
        let word = self.heap.pools.constant(at.code.pool, number);
        self.heap.stack.push(word);
    }

    /// Pushes a thunk for an entry, and captures the slots of the frame.
    #[inline(always)]
    fn make_thunk(&mut self, at: &Position, entry: usize) -> Result<(), Stop> {
        let thunk = self.allocate_entry(at, entry)?;
        for (index, &slot) in at.code.entries[entry].captures.iter().enumerate() {
            let value = self.heap.stack.get(at.base + slot as usize);
            object::store_raw(thunk, 1 + index, value.raw());
        }
        self.heap.stack.push(Word::object(Kind::Thunk, thunk));
        Ok(())
    }

    /// Pushes a thunk for an entry, whose captures [`Vm::fill_hole`] provides.
    fn make_hole(&mut self, at: &Position, entry: usize) -> Result<(), Stop> {
        let thunk = self.allocate_entry(at, entry)?;
        for index in 0..at.code.entries[entry].captures.len() {
            object::store_raw(thunk, 1 + index, 0);
        }
        self.heap.stack.push(Word::object(Kind::Thunk, thunk));
        Ok(())
    }

    /// A thunk for an entry, whose captures are still to be written.
    #[inline(always)]
    fn allocate_entry(&mut self, at: &Position, entry: usize) -> Result<usize, Stop> {
        let entry = &at.code.entries[entry];
        let captured = entry.captures.len();
        // A crash needs room for two words; what captures nothing has one that is not used.
        let size = (1 + captured).max(2);
        self.heap.reserve(1 + size)?;
        let thunk = self.heap.allocate(Layout::ThunkCode, captured as u64, size);
        object::store_raw(thunk, 1, 0);
        object::store_raw(thunk, 0, Word::code(at.code.pool.0, entry.pc).raw());
        Ok(thunk)
    }

    fn fill_hole(&mut self, at: &Position, slot: usize, entry: usize) {
        let hole = self.heap.stack.get(at.base + slot);
        for (index, &slot) in at.code.entries[entry].captures.iter().enumerate() {
            let value = self.heap.stack.get(at.base + slot as usize);
            self.heap.store(hole, 1 + index, value);
        }
    }

    /// Pushes a frame that goes on at `pc` of this code.
    #[inline(always)]
    pub(super) fn push_return(&mut self, at: &Position, pc: usize) {
        let stack = &mut self.heap.stack;
        let distance = stack.top() - at.base;
        stack.push(Word::code(at.code.pool.0, pc as u32));
        frame::push_number(stack, distance);
        frame::push_kind(stack, FrameKind::Return);
    }

    /// Calls a jet in place. Nothing, if its result is on the stack.
    #[inline(always)]
    fn native(
        &mut self,
        at: &mut Position,
        number: u32,
        count: usize,
    ) -> Result<Option<Next>, Stop> {
        let pin = self.heap.pools.constant(at.code.pool, number);
        let Some(jet) = pin::jet(pin) else { unreachable!("decoded as a jet") };
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
                self.run_pinned_law(place, at).map(Some)
            }
        }
    }

    /// Puts the pin of a jet under its arguments. The jet may have collected, so the pin is fetched
    /// again.
    fn insert_pin(&mut self, at: &Position, number: u32, base: usize) {
        self.heap.stack.open_gap(base, 1);
        let pin = self.heap.pools.constant(at.code.pool, number);
        self.heap.stack.set(base, pin);
    }

    /// Makes way for a call of what lies from `place` up: it replaces this frame if that has nothing
    /// left to do, and else gets a frame under it that goes on here. Gives the call's new place.
    fn leave(&mut self, at: &Position, place: usize) -> usize {
        if at.code.ops[at.pc] == Op::Return {
            self.heap.stack.slide(at.base, place);
            return at.base;
        }
        self.heap.stack.open_gap(place, frame::RETURN_SIZE);
        self.heap.stack.set(place, Word::code(at.code.pool.0, at.pc as u32));
        self.heap.stack.set(place + 1, Word::direct((place - at.base) as u64));
        self.heap.stack.set(place + 2, Word::direct(FrameKind::Return as u64));
        place + frame::RETURN_SIZE
    }

    #[inline(always)]
    pub(super) fn increment_top(&mut self) -> Result<(), Stop> {
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
    pub(super) fn increment(&mut self, word: Word) -> Result<Word, Stop> {
        let mut limbs = match word.kind() {
            Kind::Nat | Kind::Big => NatRef::of(word).limbs().to_vec(),
            _ => Vec::new(),
        };
        let carry = limbs.iter_mut().all(|limb| {
            *limb = limb.wrapping_add(1);
            *limb == 0
        });
        if carry {
            limbs.push(1);
        }
        build::push_nat(self, &limbs)
    }

    /// Replaces the top value, a nat that is not 0, by its predecessor.
    #[inline(always)]
    pub(super) fn decrement_top(&mut self) -> Result<(), Stop> {
        let word = self.heap.stack.pop();
        let previous = match word.as_direct() {
            Some(n) => Word::direct(n - 1),
            None => build::push_nat(self, &NatRef::of(word).predecessor())?,
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

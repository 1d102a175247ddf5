//! The operations of PLAN: 0 makes a law, 1 reflects a value, 2 is the predecessor, 3 the
//! successor, and 4 makes a pin. Every other nat crashes when it is called.

use super::code::{ReflectTargets, SwitchKeys, SwitchTargets};
use super::fetch::CodePosition;
use super::next_step::{NextStep, is_false};
use crate::jet::ArgDemand;
use crate::vm::Vm;
use plan::raw::{Word, WordKind, bar, law, make_pin, pin, shape, tree};
use plan::{EvalError, Ref};
use std::cmp::Ordering;

use ArgDemand::{Head, Lazy, Normal};

/// How far the operations need their arguments evaluated.
pub(super) fn operation_demands(operation: Option<u64>) -> &'static [ArgDemand] {
    match operation {
        Some(0) => &[Head, Head, Normal],
        Some(1) => &[Lazy, Lazy, Lazy, Lazy, Head],
        Some(2) => &[Lazy, Lazy, Head],
        Some(3) => &[Head],
        _ => &[Normal],
    }
}

impl Vm {
    /// Runs an operation whose demanded arguments are evaluated.
    pub(super) fn operate(
        &mut self,
        callee: usize,
        operation: Option<u64>,
    ) -> Result<NextStep, EvalError> {
        match operation {
            Some(0) => {
                if !law::make_law(&mut self.heap)? {
                    return Err(self.crash(Word::ZERO, Word::ZERO));
                }
                self.return_top(callee)
            }
            Some(1) => self.reflect(callee),
            Some(2) => {
                if is_false(self.heap.stack.peek(0)) {
                    let zero = self.heap.stack.get(callee + 1);
                    self.heap.stack.truncate(callee);
                    return Ok(NextStep::Eval(self.heap.resolve(zero)));
                }
                self.decrement_top()?;
                self.heap.stack.slide(callee, callee + 2);
                Ok(NextStep::Call(callee))
            }
            Some(3) => {
                self.increment_top()?;
                self.return_top(callee)
            }
            Some(4) => {
                make_pin(&mut self.heap)?;
                self.return_top(callee)
            }
            _ => {
                let (op, arg) = (self.heap.stack.get(callee), self.heap.stack.get(callee + 1));
                Err(self.crash(op, arg))
            }
        }
    }

    /// Returns the value on top, and drops the words from stack index `callee` up.
    pub(super) fn return_top(&mut self, callee: usize) -> Result<NextStep, EvalError> {
        let value = self.heap.stack.peek(0);
        self.heap.stack.truncate(callee);
        Ok(NextStep::Return(value))
    }

    /// Operation 1: `1 p l a n x` at stack index `callee`, with `x` evaluated.
    fn reflect(&mut self, callee: usize) -> Result<NextStep, EvalError> {
        let targets = ReflectTargets { pin: 1, law: 2, app: 3, nat: 4 };
        let branch = self.push_parts(targets)? as usize;
        let function = self.heap.stack.get(callee + branch);
        self.heap.stack.set(callee + 4, function);
        self.heap.stack.slide(callee, callee + 4);
        Ok(NextStep::Call(callee))
    }

    /// Replaces the evaluated value on top by its parts: a pin's item; a law's name, arity and
    /// body; an app's function and last argument; the nat itself. Returns the target for its kind.
    pub(super) fn push_parts(&mut self, targets: ReflectTargets) -> Result<u32, EvalError> {
        let word = self.heap.stack.peek(0);
        match word.kind() {
            WordKind::Nat | WordKind::Big => Ok(targets.nat),
            WordKind::Pin => {
                self.heap.stack.pop();
                let item = pin::item(&self.heap, word);
                self.heap.stack.push(item);
                Ok(targets.pin)
            }
            WordKind::App | WordKind::Tab => {
                shape::split_app(&mut self.heap)?;
                Ok(targets.app)
            }
            WordKind::Row if self.heap.size(word) > 0 => {
                shape::split_app(&mut self.heap)?;
                Ok(targets.app)
            }
            WordKind::Law | WordKind::Cow | WordKind::Row | WordKind::Set | WordKind::Bar => {
                self.push_law_parts(word)?;
                Ok(targets.law)
            }
            WordKind::Thunk | WordKind::Code => unreachable!("the value is evaluated"),
        }
    }

    /// Pops the top value; returns the target of the case that it selects in the switch with that
    /// number.
    pub(super) fn switch_target(
        &mut self,
        at: &CodePosition,
        number: u32,
    ) -> Result<u32, EvalError> {
        let value = self.heap.stack.pop();
        let SwitchTargets { keys, cases, default } = at.switch(number);
        let case = match (keys, value.as_direct()) {
            (None, nat) => nat.and_then(|nat| usize::try_from(nat).ok()),
            (Some(keys), Some(nat)) => keys.nats.binary_search(&nat).ok(),
            (Some(keys), None) => self.key_of_switch(at, keys, value)?,
        };
        Ok(case.and_then(|case| cases.get(case)).copied().unwrap_or(*default))
    }

    /// The index of a value that is no nat below 2^63 among the keys of a switch.
    fn key_of_switch(
        &self,
        at: &CodePosition,
        keys: &SwitchKeys,
        value: Word,
    ) -> Result<Option<usize>, EvalError> {
        let value = Ref::new(value, &self.heap);
        let (mut low, mut end) = (0, keys.others.len());
        while low < end {
            let middle = usize::midpoint(low, end);
            let key = at.constant(keys.others[middle] as usize);
            match value.try_compare(Ref::new(key, &self.heap))? {
                Ordering::Less => end = middle,
                Ordering::Equal => return Ok(Some(keys.nats.len() + middle)),
                Ordering::Greater => low = middle + 1,
            }
        }
        Ok(None)
    }

    /// Replaces the law on top by its name, arity and body.
    fn push_law_parts(&mut self, law: Word) -> Result<(), EvalError> {
        let (name, arity) = match law.kind() {
            WordKind::Law => (self.heap.load(law, 0), self.heap.load(law, 1)),
            WordKind::Cow => (Word::ZERO, Word::direct(law.cow_width() + 1)),
            WordKind::Row => (Word::ZERO, Word::direct(1)),
            WordKind::Set => (Word::direct(1), Word::direct(2)),
            _ => (Word::direct(1), Word::direct(1)),
        };
        let body = match law.kind() {
            WordKind::Law => self.heap.load(law, 2),
            WordKind::Set => tree::row_of_items(&mut self.heap, law)?,
            WordKind::Bar => {
                self.heap.stack.push(law);
                bar::bar_body(&mut self.heap)?
            }
            _ => Word::ZERO,
        };
        // Nothing was allocated since the name and arity of an ordinary law were read; those of the
        // others are direct nats.
        self.heap.stack.pop();
        for part in [name, arity, body] {
            self.heap.stack.push(part);
        }
        Ok(())
    }
}

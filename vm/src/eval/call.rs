//! Calls: what happens when a function meets its arguments.
//!
//! The function lies on the stack at some place, its arguments above it up to the top. Too few
//! arguments make an app; too many are set aside in an Apply frame. With just enough, a law runs,
//! and an operation or jet has the arguments it demands evaluated first, one after the other, in
//! a Call frame.

use super::code::Branches;
use super::fetch::Position;
use super::frame::{self, FrameKind};
use super::run::{Next, is_false};
use crate::jet::{Answer, Call, Control, Demand, Jet, JetCode};
use crate::vm::Vm;
use plan::raw::layout::EXTRA_MAX;
use plan::raw::{Kind, Layout, Word, bar, law, make_pin, pin, shape, tree};
use plan::{EvalError, Ref};

use Demand::{Head, Lazy, Normal};

/// The operation that a call crashes with if it was not to be left to a law: the text `deopt`.
const DEOPT: u64 = u64::from_le_bytes(*b"deopt\0\0\0");

/// What the operations need of their arguments.
fn operation_demands(operation: Option<u64>) -> &'static [Demand] {
    match operation {
        Some(0) => &[Head, Head, Normal],
        Some(1) => &[Lazy, Lazy, Lazy, Lazy, Head],
        Some(2) => &[Lazy, Lazy, Head],
        Some(3) => &[Head],
        _ => &[Normal],
    }
}

impl Vm {
    /// Calls what lies at `place`.
    #[inline(always)]
    pub(super) fn call(&mut self, mut place: usize, at: &mut Position) -> Result<Next, EvalError> {
        if self.heap.interrupt.is_due() {
            return Err(EvalError::Interrupted);
        }
        loop {
            let mut function = self.heap.stack.get(place);
            if function.is_thunk() {
                function = self.heap.resolve(function);
                self.heap.stack.set(place, function);
            }
            let count = self.heap.stack.top() - place - 1;
            if function.kind() == Kind::Pin
                && self.heap.header(function).extra() == count as u64
                && let Some(next) = self.call_pin(function, place, count, at)?
            {
                return Ok(next);
            }
            match function.kind() {
                Kind::Thunk => {
                    frame::push_number(&mut self.heap.stack, count);
                    frame::push_kind(&mut self.heap.stack, FrameKind::Apply);
                    return Ok(Next::Eval(function));
                }
                Kind::App if self.expand(function, place, count)? => continue,
                _ => {}
            }
            let arity = shape::arity(&self.heap, function);
            if arity > count as u64 {
                return self.partial(count, arity);
            }
            if arity < count as u64 {
                place = self.set_aside(place, arity as usize)?;
            }
            if let Some(next) = self.call_saturated(function, place, arity as usize, at)? {
                return Ok(next);
            }
        }
    }

    /// Replaces an app at `place`, under `count` values, by its function and arguments. Says no, and
    /// does not, if it takes more arguments than these.
    #[inline(always)]
    fn expand(&mut self, app: Word, place: usize, count: usize) -> Result<bool, EvalError> {
        let (header, head) = (self.heap.header(app), self.heap.load(app, 0));
        if head.kind() != Kind::App && header.extra() < EXTRA_MAX {
            if header.extra() > count as u64 {
                return Ok(false);
            }
            if !self.heap.stack.has_room(header.size() + 8) {
                return Err(EvalError::StackOverflow);
            }
            self.heap.stack.set(place, head);
            self.heap.memory.insert_payload(place + 1, app, 1, header.size() - 1);
            return Ok(true);
        }
        let (_, given) = shape::spine(&self.heap, app);
        if !self.heap.stack.has_room(given + 8) {
            return Err(EvalError::StackOverflow);
        }
        if shape::arity(&self.heap, app) > count as u64 {
            return Ok(false);
        }
        shape::expand(&mut self.heap, count);
        Ok(true)
    }

    /// Gives the app of a function of that arity and too few arguments.
    fn partial(&mut self, count: usize, arity: u64) -> Result<Next, EvalError> {
        shape::make_partial(&mut self.heap, count, arity)?;
        Ok(Next::Give(self.heap.stack.pop()))
    }

    /// Moves the arguments beyond `arity` into an Apply frame under the call, whose new place is
    /// returned.
    fn set_aside(&mut self, place: usize, arity: usize) -> Result<usize, EvalError> {
        let stack = &mut self.heap.stack;
        let extra = stack.top() - place - 1 - arity;
        let size = extra + 3;
        if !stack.has_room(size + 8) {
            return Err(EvalError::StackOverflow);
        }
        stack.open_gap(place, size);
        let from = stack.top() - extra;
        for index in 0..extra {
            let arg = stack.get(from + index);
            stack.set(place + 1 + index, arg);
        }
        stack.truncate(from);
        stack.set(place + 1 + extra, Word::direct(extra as u64));
        stack.set(place + 2 + extra, Word::direct(FrameKind::Apply as u64));
        Ok(place + size)
    }

    /// Calls a function with just as many arguments as it takes. Nothing, if `place` holds another
    /// function now.
    #[inline(always)]
    fn call_saturated(
        &mut self,
        function: Word,
        place: usize,
        arity: usize,
        at: &mut Position,
    ) -> Result<Option<Next>, EvalError> {
        match function.kind() {
            Kind::Law => self.enter_law(function, place, at).map(Some),
            Kind::Pin => {
                if let Some(next) = self.call_pin(function, place, arity, at)? {
                    return Ok(Some(next));
                }
                let item = pin::item(&self.heap, function);
                if self.is_self_law(item) {
                    self.heap.stack.truncate(place);
                    return Ok(Some(Next::Give(function)));
                }
                self.heap.stack.set(place, item);
                Ok(None)
            }
            Kind::Nat | Kind::Big => self.gather_operation(place, arity, 0).map(Some),
            _ => {
                let result = self.call_data(function, place)?;
                self.heap.stack.truncate(place);
                Ok(Some(result))
            }
        }
    }

    /// Calls a pin with just as many arguments as it takes, if a plain law is in it.
    #[inline(always)]
    fn call_pin(
        &mut self,
        pin: Word,
        place: usize,
        count: usize,
        at: &mut Position,
    ) -> Result<Option<Next>, EvalError> {
        let item = self.heap.load(pin, 0);
        if item.kind() != Kind::Law {
            return Ok(None);
        }
        match self.jets.of_pin(&self.heap, pin) {
            Some(jet) => {
                self.jets.called(jet);
                self.gather_jet(place, count, 0, jet, at).map(Some)
            }
            None => self.enter_law(item, place, at).map(Some),
        }
    }

    /// Runs a law that lies, itself or pinned, at `place`.
    #[inline(always)]
    fn enter_law(&mut self, law: Word, place: usize, at: &mut Position) -> Result<Next, EvalError> {
        let pinned = self.heap.stack.get(place) != law;
        let slot = self.slot_of(law, pinned)?;
        let pool = if slot.is_native() {
            match self.decoded_of(slot.address()) {
                Some(pool) => pool,
                None => return self.call_compiled(slot.address(), place),
            }
        } else {
            slot.code_parts().0
        };
        let code = self.evaluator.code(pool);
        let calls = code.calls.get().wrapping_add(1);
        code.calls.set(calls);
        if calls >= self.heap.host.native.threshold
            && let Some(entry) = self.compiled(place, pool)
        {
            return self.call_compiled(entry, place);
        }
        at.go(self.evaluator.code(pool), 0, place);
        if !self.heap.stack.has_room(at.depth() + 8) {
            return Err(EvalError::StackOverflow);
        }
        Ok(Next::Run)
    }

    /// Runs the law of the pin at `place`, whose jet did not handle the arguments above it.
    pub(super) fn fall_back(&mut self, place: usize, at: &mut Position) -> Result<Next, EvalError> {
        if self.jets.watches_fallbacks() && self.tell_of_fallback(place) {
            // A call of a nat that is no operation: it normalises the row, and crashes.
            let count = self.heap.stack.top() - place;
            self.heap.reserve(1 + count)?;
            let row = self.heap.allocate_popped(Layout::Row, 0, count);
            self.heap.stack.push(Word::direct(DEOPT));
            self.heap.stack.push(row);
            return Ok(Next::Call(place));
        }
        let law = pin::item(&self.heap, self.heap.stack.get(place));
        self.enter_law(law, place, at)
    }

    /// Tells of a call that is left to the law. Says whether it crashes instead.
    #[cold]
    fn tell_of_fallback(&self, place: usize) -> bool {
        let stack = &self.heap.stack;
        let Some(jet) = self.jets.of_pin(&self.heap, self.heap.stack.get(place)) else {
            return false;
        };
        let args = (place + 1..stack.top()).map(|at| Ref::new(stack.get(at), &self.heap));
        self.jets.fell_back(jet, &args.collect::<Vec<_>>())
    }

    /// Whether this is a law that returns itself: a row constructor, or the empty row. Pinned, it
    /// returns the pin.
    fn is_self_law(&self, word: Word) -> bool {
        word.kind() == Kind::Cow || word.kind() == Kind::Row && self.heap.size(word) == 0
    }

    /// Runs a law that has a data jet's shape.
    fn call_data(&mut self, function: Word, place: usize) -> Result<Next, EvalError> {
        Ok(match function.kind() {
            Kind::Cow => Next::Give(function),
            Kind::Row => match tree::len(&self.heap, function) {
                0 => Next::Give(function),
                width => Next::Give(Word::cow(width as u64)),
            },
            Kind::Bar => {
                let Some(bytes) = Ref::new(function, &self.heap).as_bar() else {
                    unreachable!("a bar has bytes")
                };
                if bytes.is_empty() {
                    return Ok(Next::Eval(self.heap.resolve(self.heap.stack.get(place + 1))));
                }
                self.heap.stack.push(function);
                Next::Give(bar::bar_body(&mut self.heap)?)
            }
            Kind::Set => Next::Give(tree::row_of_items(&mut self.heap, function)?),
            Kind::Tab => {
                let keys = self.heap.load(function, 0);
                Next::Give(tree::row_of_items(&mut self.heap, keys)?)
            }
            kind => unreachable!("a {kind:?} is not data"),
        })
    }

    // Operations and jets.

    /// Which argument of the operation or jet at `place` is evaluated in that step: as a jet is
    /// declared, or else the first in the first, except that a law's arity comes before its name
    /// (an arity of 0 crashes whatever the name is).
    pub(super) fn gathered_in(&self, place: usize, step: usize) -> usize {
        let function = self.heap.stack.get(place);
        match function.kind() {
            Kind::Pin => match self.jets.of_pin(&self.heap, function) {
                Some(jet) => self.jets.get(jet).nth(step),
                None => unreachable!("only a jet's pin is gathered"),
            },
            _ if function == Word::ZERO && step < 2 => 1 - step,
            _ => step,
        }
    }

    /// Evaluates the arguments that an operation or jet demands, from that step on, then runs it.
    pub(super) fn gather(
        &mut self,
        place: usize,
        count: usize,
        step: usize,
        at: &mut Position,
    ) -> Result<Next, EvalError> {
        let function = self.heap.stack.get(place);
        if function.kind() != Kind::Pin {
            return self.gather_operation(place, count, step);
        }
        match self.jets.of_pin(&self.heap, function) {
            Some(jet) => self.gather_jet(place, count, step, jet, at),
            None => unreachable!("only a jet's pin is gathered"),
        }
    }

    /// Evaluates the arguments that a jet demands, from that step on, then runs it.
    fn gather_jet(
        &mut self,
        place: usize,
        count: usize,
        step: usize,
        jet: u32,
        at: &mut Position,
    ) -> Result<Next, EvalError> {
        // Not the declaration as a whole, which would be copied.
        let Jet { order, demands, .. } = *self.jets.get(jet);
        for step in step..count {
            let index = order.get(step).copied().unwrap_or(step);
            let demand = demands[index];
            if let Some(next) = self.demand(place + 1 + index, demand) {
                self.push_gathering(count, step, demand, next);
                return Ok(next);
            }
        }
        self.call_jet(place, count, jet, at)
    }

    /// Evaluates the arguments that an operation demands, from that step on, then runs it.
    fn gather_operation(
        &mut self,
        place: usize,
        count: usize,
        step: usize,
    ) -> Result<Next, EvalError> {
        let function = self.heap.stack.get(place);
        let operation = function.as_direct();
        let demands = operation_demands(operation);
        for step in step..demands.len() {
            let index = self.gathered_in(place, step);
            if operation == Some(0) && step == 1 && is_false(self.heap.stack.get(place + 2)) {
                return Err(self.crash(Word::ZERO, Word::ZERO));
            }
            if let Some(next) = self.demand(place + 1 + index, demands[index]) {
                self.push_gathering(count, step, demands[index], next);
                return Ok(next);
            }
        }
        self.operate(place, operation)
    }

    /// What has to be done first, if anything, for a stack slot to hold its value evaluated as far as
    /// is demanded.
    #[inline(always)]
    fn demand(&mut self, slot: usize, demand: Demand) -> Option<Next> {
        if demand == Lazy {
            return None;
        }
        let mut word = self.heap.stack.get(slot);
        if word.is_thunk() {
            word = self.heap.resolve(word);
            if word.is_thunk() {
                return Some(Next::Eval(word));
            }
            self.heap.stack.set(slot, word);
        }
        (demand == Normal && !self.heap.is_normal(word)).then_some(Next::Normalise(word))
    }

    /// Pushes the frame that goes on gathering when `next` has given the argument of that step.
    fn push_gathering(&mut self, count: usize, step: usize, demand: Demand, next: Next) {
        frame::push_number(&mut self.heap.stack, count);
        frame::push_number(&mut self.heap.stack, step);
        frame::push_kind(&mut self.heap.stack, FrameKind::Call);
        if demand == Normal && matches!(next, Next::Eval(_)) {
            frame::push_kind(&mut self.heap.stack, FrameKind::Normal);
        }
    }

    /// Runs an operation whose arguments are evaluated.
    fn operate(&mut self, place: usize, operation: Option<u64>) -> Result<Next, EvalError> {
        match operation {
            Some(0) => {
                if !law::make_law(&mut self.heap)? {
                    return Err(self.crash(Word::ZERO, Word::ZERO));
                }
                self.give_top(place)
            }
            Some(1) => self.reflect(place),
            Some(2) => {
                if is_false(self.heap.stack.peek(0)) {
                    let zero = self.heap.stack.get(place + 1);
                    self.heap.stack.truncate(place);
                    return Ok(Next::Eval(self.heap.resolve(zero)));
                }
                self.decrement_top()?;
                self.heap.stack.slide(place, place + 2);
                Ok(Next::Call(place))
            }
            Some(3) => {
                self.increment_top()?;
                self.give_top(place)
            }
            Some(4) => {
                make_pin(&mut self.heap)?;
                self.give_top(place)
            }
            _ => {
                let (op, arg) = (self.heap.stack.get(place), self.heap.stack.get(place + 1));
                Err(self.crash(op, arg))
            }
        }
    }

    fn give_top(&mut self, place: usize) -> Result<Next, EvalError> {
        let value = self.heap.stack.peek(0);
        self.heap.stack.truncate(place);
        Ok(Next::Give(value))
    }

    /// Operation 1: `1 p l a n x` at `place`, `x` evaluated.
    fn reflect(&mut self, place: usize) -> Result<Next, EvalError> {
        let branches = Branches { pin: 1, law: 2, app: 3, nat: 4 };
        let branch = self.push_parts(branches)? as usize;
        let function = self.heap.stack.get(place + branch);
        self.heap.stack.set(place + 4, function);
        self.heap.stack.slide(place, place + 4);
        Ok(Next::Call(place))
    }

    /// Replaces the evaluated value on top by its parts: a pin's item; a law's name, arity and
    /// body; an app's function and last argument; the nat itself. Says which branch that is.
    pub(super) fn push_parts(&mut self, branches: Branches) -> Result<u32, EvalError> {
        let word = self.heap.stack.peek(0);
        match word.kind() {
            Kind::Nat | Kind::Big => Ok(branches.nat),
            Kind::Pin => {
                self.heap.stack.pop();
                let item = pin::item(&self.heap, word);
                self.heap.stack.push(item);
                Ok(branches.pin)
            }
            Kind::App | Kind::Tab => {
                shape::split_app(&mut self.heap)?;
                Ok(branches.app)
            }
            Kind::Row if self.heap.size(word) > 0 => {
                shape::split_app(&mut self.heap)?;
                Ok(branches.app)
            }
            Kind::Law | Kind::Cow | Kind::Row | Kind::Set | Kind::Bar => {
                self.push_law_parts(word)?;
                Ok(branches.law)
            }
            Kind::Thunk | Kind::Code => unreachable!("the value is evaluated"),
        }
    }

    /// Replaces the law on top by its name, arity and body.
    fn push_law_parts(&mut self, law: Word) -> Result<(), EvalError> {
        let (name, arity) = match law.kind() {
            Kind::Law => (self.heap.load(law, 0), self.heap.load(law, 1)),
            Kind::Cow => (Word::ZERO, Word::direct(law.cow_width() + 1)),
            Kind::Row => (Word::ZERO, Word::direct(1)),
            Kind::Set => (Word::direct(1), Word::direct(2)),
            _ => (Word::direct(1), Word::direct(1)),
        };
        let body = match law.kind() {
            Kind::Law => self.heap.load(law, 2),
            Kind::Set => tree::row_of_items(&mut self.heap, law)?,
            Kind::Bar => {
                self.heap.stack.push(law);
                bar::bar_body(&mut self.heap)?
            }
            _ => Word::ZERO,
        };
        // Name and arity of a law that is one were read before anything was allocated; the others
        // are no objects.
        self.heap.stack.pop();
        for part in [name, arity, body] {
            self.heap.stack.push(part);
        }
        Ok(())
    }

    /// Runs a jet whose arguments are evaluated as it demands.
    pub(super) fn call_jet(
        &mut self,
        place: usize,
        count: usize,
        jet: u32,
        at: &mut Position,
    ) -> Result<Next, EvalError> {
        let run = match self.jets.get(jet).code {
            JetCode::Native(run) => run,
            JetCode::Control(control) => return self.control(place, control, at),
        };
        match run(&mut Call { vm: self, base: place + 1 })? {
            Answer::Done => self.give_top(place),
            Answer::Call(args) => {
                let from = self.heap.stack.top() - args - 1;
                self.heap.stack.slide(place, from);
                Ok(Next::Call(place))
            }
            Answer::Eval => {
                let word = self.heap.stack.peek(0);
                self.heap.stack.truncate(place);
                Ok(Next::Eval(self.heap.resolve(word)))
            }
            Answer::Again => Ok(self.evaluate_and_ask_again(place, count)),
            Answer::Law => {
                self.heap.stack.truncate(place + 1 + count);
                self.fall_back(place, at)
            }
        }
    }

    /// Evaluates the value on top, for the jet at `place` to be called again when that is done.
    pub(super) fn evaluate_and_ask_again(&mut self, place: usize, count: usize) -> Next {
        let word = self.heap.stack.peek(0);
        self.heap.stack.truncate(place + 1 + count);
        frame::push_number(&mut self.heap.stack, count);
        frame::push_kind(&mut self.heap.stack, FrameKind::Again);
        Next::Eval(self.heap.resolve(word))
    }

    /// A form of control that was not decoded in place.
    fn control(
        &mut self,
        place: usize,
        control: Control,
        at: &mut Position,
    ) -> Result<Next, EvalError> {
        let arg = |vm: &Vm, index: usize| vm.heap.stack.get(place + 1 + index);
        let first = arg(self, 0);
        let chosen = match control {
            Control::If => 1 + usize::from(is_false(first)),
            Control::IfNot => 2 - usize::from(is_false(first)),
            Control::IfZero => 1 + usize::from(first != Word::ZERO),
            Control::Seq | Control::DeepSeq => 1,
            Control::Force => 0,
            Control::Trace | Control::DeepTrace => {
                let deep = self.deep_trace.as_mut().filter(|_| control == Control::DeepTrace);
                if let Some(hook) = deep.or(self.trace.as_mut()) {
                    hook(Ref::new(first, &self.heap));
                }
                1
            }
            Control::Try => return self.try_row(place, at),
            Control::TryExpression => {
                self.heap.stack.truncate(place);
                self.heap.stack.push(first);
                return self.attempt_expression(self.evaluator.in_law_order);
            }
        };
        let word = self.heap.resolve(arg(self, chosen));
        self.heap.stack.truncate(place);
        Ok(Next::Eval(word))
    }

    /// `try row` at `place`, the row in normal form.
    fn try_row(&mut self, place: usize, at: &mut Position) -> Result<Next, EvalError> {
        let row = self.heap.stack.get(place + 1);
        if row.kind() != Kind::Row || self.heap.size(row) == 0 {
            return self.fall_back(place, at);
        }
        if !self.heap.stack.has_room(self.attempt_room(row)) {
            return Err(EvalError::StackOverflow);
        }
        self.heap.stack.truncate(place);
        self.begin_attempt(row, self.evaluator.in_law_order)
    }
}

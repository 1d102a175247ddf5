//! Calls: what happens when a function meets its arguments.
//!
//! The function lies on the stack at some place, its arguments above it up to the top. Too few
//! arguments make an app; too many are set aside in an Apply frame. With just enough, a law runs,
//! and an operation or jet has the arguments it demands evaluated first, one after the other, in
//! a Call frame.

use super::code::Branches;
use super::frame::{self, FrameKind};
use super::run::{Next, Position, is_false};
use crate::build;
use crate::jet::{Answer, Call, Code as JetCode, Control, Demand};
use crate::word::{Kind, Word};
use crate::{Ref, Stop, Vm, pin, shape};

/// What a gathered call turns out to be.
enum Callee {
    /// One of the five operations, or the crash that any other nat is.
    Operation,
    /// A jet, by its number.
    Jet(u32),
}

use Demand::{Head, Lazy, Normal};

/// Which argument is evaluated as that one in order: the first is, except that a law's arity
/// comes before its name (an arity of 0 crashes whatever the name is).
pub(super) fn gathering_order(function: Word, index: usize) -> usize {
    match (function.as_direct(), index) {
        (Some(0), 0 | 1) => 1 - index,
        _ => index,
    }
}

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
    pub(super) fn call(&mut self, mut place: usize, at: &mut Position) -> Result<Next, Stop> {
        if self.evaluator.interrupted() {
            return Err(Stop::Interrupted);
        }
        loop {
            let function = self.heap.resolve(self.heap.stack.get(place));
            self.heap.stack.set(place, function);
            let count = self.heap.stack.top() - place - 1;
            match function.kind() {
                Kind::Thunk => {
                    frame::push_number(&mut self.heap.stack, count);
                    frame::push_kind(&mut self.heap.stack, FrameKind::Apply);
                    return Ok(Next::Eval(function));
                }
                Kind::App => {
                    let (_, given) = shape::spine(&self.heap, function);
                    if !self.heap.stack.has_room(given + 8) {
                        return Err(Stop::StackFull);
                    }
                    if shape::arity(&self.heap, function) > count as u64 {
                        return self.partial(count);
                    }
                    shape::expand(&mut self.heap, count);
                    continue;
                }
                _ => {}
            }
            let arity = shape::arity(&self.heap, function);
            if arity > count as u64 {
                return self.partial(count);
            }
            if arity < count as u64 {
                place = self.set_aside(place, arity as usize)?;
            }
            if let Some(next) = self.call_saturated(place, arity as usize, at)? {
                return Ok(next);
            }
        }
    }

    /// Gives the app of a function and too few arguments.
    fn partial(&mut self, count: usize) -> Result<Next, Stop> {
        shape::make_partial(&mut self.heap, count)?;
        Ok(Next::Give(self.heap.stack.pop()))
    }

    /// Moves the arguments beyond `arity` into an Apply frame under the call, whose new place is
    /// returned.
    fn set_aside(&mut self, place: usize, arity: usize) -> Result<usize, Stop> {
        let stack = &mut self.heap.stack;
        let extra = stack.top() - place - 1 - arity;
        let size = extra + 3;
        if !stack.has_room(size + 8) {
            return Err(Stop::StackFull);
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
        place: usize,
        arity: usize,
        at: &mut Position,
    ) -> Result<Option<Next>, Stop> {
        let function = self.heap.stack.get(place);
        match function.kind() {
            Kind::Law => self.enter_law(function, place, at).map(Some),
            Kind::Pin => {
                let item = self.heap.load(function, 0);
                if item.kind() != Kind::Law {
                    if self.is_self_law(item) {
                        self.heap.stack.truncate(place);
                        return Ok(Some(Next::Give(function)));
                    }
                    self.heap.stack.set(place, item);
                    return Ok(None);
                }
                if pin::jet(function).is_some() {
                    return self.gather(place, arity, 0, at).map(Some);
                }
                self.enter_law(item, place, at).map(Some)
            }
            Kind::Nat | Kind::Big => self.gather(place, arity, 0, at).map(Some),
            _ => {
                let result = self.call_data(function, place)?;
                self.heap.stack.truncate(place);
                Ok(Some(result))
            }
        }
    }

    /// Runs a law that lies, itself or pinned, at `place`.
    #[inline(always)]
    fn enter_law(&mut self, law: Word, place: usize, at: &mut Position) -> Result<Next, Stop> {
        let pinned = self.heap.stack.get(place) != law;
        let mut compiled = self.load_law(law, pinned, at)?;
        if compiled.is_none() {
            let calls = at.code.calls.get().wrapping_add(1);
            at.code.calls.set(calls);
            if calls >= self.heap.native.threshold {
                compiled = self.compiled(place, at);
            }
        }
        if let Some(entry) = compiled {
            return self.call_compiled(entry, place);
        }
        if !self.heap.stack.has_room(at.code.depth + 8) {
            return Err(Stop::StackFull);
        }
        at.base = place;
        at.pc = 0;
        Ok(Next::Run)
    }

    /// Runs the law of a pin whose jet did not handle its arguments.
    pub(super) fn run_pinned_law(&mut self, place: usize, at: &mut Position) -> Result<Next, Stop> {
        let law = self.heap.load(self.heap.stack.get(place), 0);
        self.enter_law(law, place, at)
    }

    /// Whether this is a law that returns itself: a row constructor, or the empty row. Pinned, it
    /// returns the pin.
    fn is_self_law(&self, word: Word) -> bool {
        word.kind() == Kind::Cow || word.kind() == Kind::Row && self.heap.size(word) == 0
    }

    /// Runs a law that has a data jet's shape.
    fn call_data(&mut self, function: Word, place: usize) -> Result<Next, Stop> {
        Ok(match function.kind() {
            Kind::Cow => Next::Give(function),
            Kind::Row => match self.heap.size(function) {
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
                let limbs = shape::bar_body_limbs(bytes);
                Next::Give(build::push_nat(self, &limbs)?)
            }
            Kind::Set => Next::Give(self.keys_row(place, false)?),
            Kind::Tab => Next::Give(self.keys_row(place, true)?),
            kind => unreachable!("a {kind:?} is not data"),
        })
    }

    /// The row of the keys of the set, or table, at `place`.
    fn keys_row(&mut self, place: usize, of_table: bool) -> Result<Word, Stop> {
        let set = |vm: &Vm| {
            let word = vm.heap.stack.get(place);
            if of_table { vm.heap.load(word, 0) } else { word }
        };
        let size = self.heap.size(set(self));
        self.heap.reserve(1 + size)?;
        let set = set(self);
        let address = self.heap.allocate(crate::heap::object::Layout::Row, 0, size);
        crate::heap::object::copy(set.address(), 0, address, 0, size);
        let row = Word::object(Kind::Row, address);
        shape::mark_normal(row);
        Ok(row)
    }

    // Operations and jets.

    fn callee(&self, place: usize) -> Callee {
        let function = self.heap.stack.get(place);
        match function.kind() {
            Kind::Pin => match pin::jet(function) {
                Some(jet) => Callee::Jet(jet),
                None => unreachable!("only a jet's pin is gathered"),
            },
            _ => Callee::Operation,
        }
    }

    /// Evaluates the arguments that an operation or jet demands, from `index` on, then runs it.
    pub(super) fn gather(
        &mut self,
        place: usize,
        count: usize,
        index: usize,
        at: &mut Position,
    ) -> Result<Next, Stop> {
        let function = self.heap.stack.get(place);
        let operation = function.as_direct();
        let callee = self.callee(place);
        let demands = match callee {
            Callee::Operation => operation_demands(operation),
            Callee::Jet(jet) => self.jets.get(jet).demands,
        };
        for (index, demand) in demands.iter().enumerate().skip(index) {
            if *demand == Lazy {
                continue;
            }
            if operation == Some(0) && index == 1 && is_false(self.heap.stack.get(place + 2)) {
                return Err(self.crash(Word::ZERO, Word::ZERO));
            }
            let slot = place + 1 + gathering_order(function, index);
            let word = self.heap.resolve(self.heap.stack.get(slot));
            let next = match demand {
                Normal if self.heap.is_normal(word) => None,
                Normal if word.is_thunk() => Some(Next::Eval(word)),
                Normal => Some(Next::Normalise(word)),
                _ if word.is_thunk() => Some(Next::Eval(word)),
                _ => None,
            };
            let Some(next) = next else {
                self.heap.stack.set(slot, word);
                continue;
            };
            frame::push_number(&mut self.heap.stack, count);
            frame::push_number(&mut self.heap.stack, index);
            frame::push_kind(&mut self.heap.stack, FrameKind::Call);
            if *demand == Normal && matches!(next, Next::Eval(_)) {
                frame::push_kind(&mut self.heap.stack, FrameKind::Normal);
            }
            return Ok(next);
        }
        match callee {
            Callee::Operation => self.operate(place, operation),
            Callee::Jet(jet) => self.call_jet(place, count, jet, at),
        }
    }

    /// Runs an operation whose arguments are evaluated.
    fn operate(&mut self, place: usize, operation: Option<u64>) -> Result<Next, Stop> {
        match operation {
            Some(0) => {
                if !shape::make_law(&mut self.heap)? {
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
                build::make_pin(self)?;
                self.give_top(place)
            }
            _ => {
                let (op, arg) = (self.heap.stack.get(place), self.heap.stack.get(place + 1));
                Err(self.crash(op, arg))
            }
        }
    }

    fn give_top(&mut self, place: usize) -> Result<Next, Stop> {
        let value = self.heap.stack.peek(0);
        self.heap.stack.truncate(place);
        Ok(Next::Give(value))
    }

    /// Operation 1: `1 p l a n x` at `place`, `x` evaluated.
    fn reflect(&mut self, place: usize) -> Result<Next, Stop> {
        let branches = Branches { pin: 1, law: 2, app: 3, nat: 4 };
        let branch = self.push_parts(branches)? as usize;
        let function = self.heap.stack.get(place + branch);
        self.heap.stack.set(place + 4, function);
        self.heap.stack.slide(place, place + 4);
        Ok(Next::Call(place))
    }

    /// Replaces the evaluated value on top by its parts: a pin's item; a law's name, arity and
    /// body; an app's function and last argument; the nat itself. Says which branch that is.
    pub(super) fn push_parts(&mut self, branches: Branches) -> Result<u32, Stop> {
        let word = self.heap.stack.peek(0);
        match word.kind() {
            Kind::Nat | Kind::Big => Ok(branches.nat),
            Kind::Pin => {
                self.heap.stack.pop();
                let item = self.heap.load(word, 0);
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
    fn push_law_parts(&mut self, law: Word) -> Result<(), Stop> {
        let (name, arity) = match law.kind() {
            Kind::Law => (self.heap.load(law, 0), self.heap.load(law, 1)),
            Kind::Cow => (Word::ZERO, Word::direct(law.cow_width() + 1)),
            Kind::Row => (Word::ZERO, Word::direct(1)),
            Kind::Set => (Word::direct(1), Word::direct(2)),
            _ => (Word::direct(1), Word::direct(1)),
        };
        let body = match law.kind() {
            Kind::Law => self.heap.load(law, 2),
            Kind::Set => self.keys_row(self.heap.stack.top() - 1, false)?,
            Kind::Bar => {
                let bytes = Ref::new(law, &self.heap).as_bar().unwrap_or_default();
                let limbs = shape::bar_body_limbs(bytes);
                build::push_nat(self, &limbs)?
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
    ) -> Result<Next, Stop> {
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
                self.run_pinned_law(place, at)
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
    fn control(&mut self, place: usize, control: Control, at: &mut Position) -> Result<Next, Stop> {
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
        };
        let word = self.heap.resolve(arg(self, chosen));
        self.heap.stack.truncate(place);
        Ok(Next::Eval(word))
    }

    /// `try row` at `place`: the row's first item applied to the others, with a handler under it.
    fn try_row(&mut self, place: usize, at: &mut Position) -> Result<Next, Stop> {
        let row = self.heap.stack.get(place + 1);
        if row.kind() != Kind::Row || self.heap.size(row) == 0 {
            return self.run_pinned_law(place, at);
        }
        let size = self.heap.size(row);
        if !self.heap.stack.has_room(size + 16) {
            return Err(Stop::StackFull);
        }
        self.heap.stack.truncate(place);
        self.push_mark(FrameKind::Catch);
        frame::push_kind(&mut self.heap.stack, FrameKind::Normal);
        let function = self.heap.stack.top();
        for index in 0..size {
            let item = self.heap.load(row, index);
            self.heap.stack.push(item);
        }
        if size == 1 {
            let value = self.heap.stack.pop();
            return Ok(Next::Eval(value));
        }
        Ok(Next::Call(function))
    }
}

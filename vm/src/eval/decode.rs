//! Decoding: from a law's body to [`Code`].
//!
//! What a body means: `(1 v b)` at the top binds, every binding sees all of them; within, a nat up
//! to the number of slots refers, `(0 f x)` applies, `(2 k)` is `k`, anything else is itself.
//!
//! The body's outermost expression is emitted to be evaluated (*strictly*); arguments are emitted
//! to be passed on (*lazily*): references and constants as they are, applications that lack
//! arguments as apps, others as thunks. Where the function is a constant whose need of an argument
//! is known (an operation, a jet), the argument is emitted strictly in place.
//!
//! Bodies come from outside and may be nested deeply. Spines and lets are walked in loops, lazy
//! subexpressions are decoded one after the other from a list, and strict nesting beyond
//! [`STRICT_LIMIT`] becomes lazy; so nothing here recurses further than that.

use super::code::{Branches, Code, Entry, Op};
use super::lets;
use crate::heap::object::EXTRA_MAX;
use crate::heap::{Heap, PoolId};
use crate::jet::{Code as JetCode, Control, Demand, JetTable};
use crate::nat::NatRef;
use crate::word::{Kind, Word};
use crate::{pin, shape};
use std::collections::HashMap;

/// Strict expressions nested deeper than this are evaluated through thunks.
const STRICT_LIMIT: usize = 64;
/// An expression of more nodes than this captures everything in scope.
const CAPTURE_BUDGET: usize = 512;
/// The most instructions a law may take: a code word holds no more.
const OPS_LIMIT: usize = 1 << 24;

/// What an expression of a law's body is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A reference: 0 the law itself, then arguments, then lets.
    Reference(u64),
    /// A value.
    Constant(Word),
    /// An application.
    Application(Word, Word),
}

/// Reads an expression whose references go up to `last`.
pub(crate) fn form(heap: &Heap, node: Word, last: u64) -> Form {
    match node.kind() {
        Kind::Nat if node.raw() <= last => Form::Reference(node.raw()),
        Kind::App => {
            let parts = heap.words(node, 0);
            match (parts[0].as_direct(), parts) {
                (Some(0), [_, f, x]) => Form::Application(*f, *x),
                (Some(2), [_, k]) => Form::Constant(*k),
                _ => Form::Constant(node),
            }
        }
        _ => Form::Constant(node),
    }
}

/// Where the value of a reference is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Slot(u32),
    Constant(Word),
}

/// What references mean in the code being emitted: sorted by reference.
pub(crate) type Scope = Vec<(u64, Place)>;

/// An expression, or a slot without a name (a field or predecessor just pushed).
#[derive(Clone, Copy)]
enum Operand {
    Node(Word),
    Local(u32),
}

/// A function and its arguments.
struct Spine {
    head: Operand,
    args: Vec<Operand>,
}

/// What becomes of an expression's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It is the result of the frame.
    Return,
    /// It stays on top of the stack, evaluated.
    Keep,
}

/// A lazy subexpression that has been given an entry and is still to be emitted.
struct Pending {
    entry: usize,
    node: Word,
    scope: Scope,
    slots: u32,
}

pub(crate) struct Decoder<'a> {
    heap: &'a Heap,
    jets: &'a JetTable,
    /// The largest reference.
    last: u64,
    ops: Vec<Op>,
    constants: Vec<Word>,
    constant_numbers: HashMap<u64, u32>,
    entries: Vec<Entry>,
    branches: Vec<Branches>,
    pending: Vec<Pending>,
    scope: Scope,
    depth: u32,
    deepest: u32,
    nesting: usize,
}

/// A decoded law whose pool has not been made.
pub(crate) struct Decoded {
    pub(crate) constants: Vec<Word>,
    ops: Vec<Op>,
    entries: Vec<Entry>,
    branches: Vec<Branches>,
    deepest: u32,
}

impl Decoded {
    /// The finished code.
    pub(crate) fn into_code(self, pool: PoolId) -> Code {
        Code {
            pool,
            ops: self.ops.into(),
            entries: self.entries.into(),
            branches: self.branches.into(),
            depth: self.deepest as usize + 8,
        }
    }
}

/// Decodes a law; nothing if it is too large to be run.
pub(crate) fn decode(heap: &Heap, jets: &JetTable, law: Word) -> Option<Decoded> {
    let arity = NatRef::of(heap.load(law, 1)).to_u64()?;
    let arguments = u32::try_from(arity).ok()?;
    let (lets, body) = lets::split(heap, heap.load(law, 2));
    let mut decoder = Decoder {
        heap,
        jets,
        last: arity + lets.len() as u64,
        ops: Vec::new(),
        constants: Vec::new(),
        constant_numbers: HashMap::new(),
        entries: Vec::new(),
        branches: Vec::new(),
        pending: Vec::new(),
        scope: (0..=arguments).map(|i| (u64::from(i), Place::Slot(i))).collect(),
        depth: arguments + 1,
        deepest: arguments + 1,
        nesting: 0,
    };
    decoder.lets(arity, &lets, body);
    decoder.tail(body);
    while let Some(pending) = decoder.pending.pop() {
        if decoder.ops.len() > OPS_LIMIT / 2 {
            return None;
        }
        decoder.entries[pending.entry].pc = decoder.ops.len() as u32;
        decoder.scope = pending.scope;
        decoder.depth = pending.slots;
        decoder.deepest = decoder.deepest.max(pending.slots);
        decoder.tail(pending.node);
    }
    let fits = decoder.entries.iter().all(|e| (e.captures.len() as u64) < EXTRA_MAX);
    (fits && decoder.ops.len() < OPS_LIMIT).then_some(Decoded {
        constants: decoder.constants,
        ops: decoder.ops,
        entries: decoder.entries,
        branches: decoder.branches,
        deepest: decoder.deepest,
    })
}

impl Decoder<'_> {
    // Emitting, with the stack's depth kept in step.

    fn emit(&mut self, op: Op) {
        self.ops.push(op);
    }

    fn push(&mut self, op: Op) {
        self.emit(op);
        self.grow(1);
    }

    fn grow(&mut self, count: u32) {
        self.depth += count;
        self.deepest = self.deepest.max(self.depth);
    }

    fn here(&self) -> u32 {
        self.ops.len() as u32
    }

    /// Emits a jump whose target [`Decoder::land`] fills in.
    fn jump(&mut self, op: fn(u32) -> Op) -> usize {
        self.emit(op(0));
        self.ops.len() - 1
    }

    fn land(&mut self, jump: usize) {
        let here = self.here();
        self.ops[jump] = match self.ops[jump] {
            Op::Jump(_) => Op::Jump(here),
            Op::JumpIfFalse(_) => Op::JumpIfFalse(here),
            Op::JumpUnlessZero(_) => Op::JumpUnlessZero(here),
            Op::Predecessor(_) => Op::Predecessor(here),
            Op::Frame(_) => Op::Frame(here),
            op => unreachable!("{op:?} does not jump"),
        };
    }

    fn constant(&mut self, word: Word) -> u32 {
        let next = self.constants.len() as u32;
        let number = *self.constant_numbers.entry(word.raw()).or_insert(next);
        if number == next {
            self.constants.push(word);
        }
        number
    }

    fn place(&self, reference: u64) -> Place {
        match self.scope.binary_search_by_key(&reference, |(r, _)| *r) {
            Ok(found) => self.scope[found].1,
            Err(_) => unreachable!("reference {reference} is not in scope"),
        }
    }

    fn bind(&mut self, reference: u64, place: Place) {
        match self.scope.binary_search_by_key(&reference, |(r, _)| *r) {
            Ok(found) => self.scope[found].1 = place,
            Err(at) => self.scope.insert(at, (reference, place)),
        }
    }

    // Lets.

    /// Pushes what the lets bind that is needed, each after those it needs.
    fn lets(&mut self, arity: u64, values: &[Word], body: Word) {
        for group in lets::order(self.heap, arity, values, body) {
            match group {
                lets::Group::Alone(index) => {
                    let reference = arity + 1 + index as u64;
                    let place = self.bound(values[index]);
                    self.bind(reference, place);
                }
                lets::Group::Knot(members) => self.knot(arity, values, &members),
            }
        }
    }

    /// The place of a let's value, pushing it if it is not just another name.
    fn bound(&mut self, node: Word) -> Place {
        match form(self.heap, node, self.last) {
            Form::Reference(r) => self.place(r),
            Form::Constant(k) => Place::Constant(k),
            Form::Application(..) => {
                let slot = self.depth;
                self.lazy(Operand::Node(node));
                Place::Slot(slot)
            }
        }
    }

    /// Lets that need each other: holes first, then what they capture.
    fn knot(&mut self, arity: u64, values: &[Word], members: &[usize]) {
        let first = self.depth;
        for (i, &index) in members.iter().enumerate() {
            self.bind(arity + 1 + index as u64, Place::Slot(first + i as u32));
        }
        // All holes are in scope before the first capture is worked out.
        let entries: Vec<u32> = members
            .iter()
            .map(|&index| {
                let entry = self.entry(values[index]);
                self.push(Op::Hole(entry));
                entry
            })
            .collect();
        for (i, entry) in entries.into_iter().enumerate() {
            self.emit(Op::Fill { slot: first + i as u32, entry });
        }
    }

    // Lazy: what is passed on.

    /// Pushes an operand, not evaluated.
    fn lazy(&mut self, operand: Operand) {
        let node = match operand {
            Operand::Local(slot) => return self.push(Op::Slot(slot)),
            Operand::Node(node) => node,
        };
        match form(self.heap, node, self.last) {
            Form::Reference(r) => match self.place(r) {
                Place::Slot(slot) => self.push(Op::Slot(slot)),
                Place::Constant(k) => self.push_constant(k),
            },
            Form::Constant(k) => self.push_constant(k),
            Form::Application(..) => self.lazy_application(node),
        }
    }

    fn push_constant(&mut self, word: Word) {
        let number = self.constant(word);
        self.push(Op::Constant(number));
    }

    fn lazy_application(&mut self, node: Word) {
        let spine = self.spine(Operand::Node(node));
        if let Some(function) = self.constant_head(&spine) {
            let arity = shape::arity(self.heap, function);
            if arity > spine.args.len() as u64 && self.nesting < STRICT_LIMIT {
                self.nesting += 1;
                self.partial(function, &spine);
                self.nesting -= 1;
                return;
            }
        }
        let atoms = |o: &Operand| self.is_atom(*o);
        if atoms(&spine.head) && spine.args.iter().all(atoms) && spine.args.len() < 64 {
            return self.application(&spine);
        }
        let entry = self.entry(node);
        self.push(Op::Thunk(entry));
    }

    /// A known function that lacks arguments: the app itself, or the row it is.
    fn partial(&mut self, function: Word, spine: &Spine) {
        let count = spine.args.len();
        if function.kind() == Kind::Cow && function.cow_width() == count as u64 {
            for arg in spine.args.iter().rev() {
                self.lazy(*arg);
            }
            self.depth -= count as u32;
            return self.push(Op::Row(count as u32));
        }
        self.application(spine);
    }

    /// Pushes function and arguments and what [`Op::Apply`] makes of them.
    fn application(&mut self, spine: &Spine) {
        self.lazy(spine.head);
        for arg in &spine.args {
            self.lazy(*arg);
        }
        let count = spine.args.len() as u32;
        self.depth -= count + 1;
        self.push(Op::Apply(count));
    }

    fn is_atom(&self, operand: Operand) -> bool {
        match operand {
            Operand::Local(_) => true,
            Operand::Node(node) => {
                !matches!(form(self.heap, node, self.last), Form::Application(..))
            }
        }
    }

    /// A new entry for an expression in this scope.
    fn entry(&mut self, node: Word) -> u32 {
        let number = self.entries.len();
        let used = self.references(node);
        let mut captures = Vec::new();
        let mut scope = Scope::new();
        for &(reference, place) in &self.scope {
            if used.as_ref().is_some_and(|used| used.binary_search(&reference).is_err()) {
                continue;
            }
            scope.push(match place {
                Place::Slot(slot) => {
                    captures.push(slot);
                    (reference, Place::Slot(captures.len() as u32 - 1))
                }
                constant => (reference, constant),
            });
        }
        let slots = captures.len() as u32;
        self.entries.push(Entry { pc: 0, captures: captures.into() });
        self.pending.push(Pending { entry: number, node, scope, slots });
        number as u32
    }

    /// The references in an expression, sorted; nothing if it is too large to look.
    fn references(&self, node: Word) -> Option<Vec<u64>> {
        let mut found = Vec::new();
        let mut todo = vec![node];
        let mut seen = 0;
        while let Some(node) = todo.pop() {
            seen += 1;
            if seen > CAPTURE_BUDGET {
                return None;
            }
            match form(self.heap, node, self.last) {
                Form::Reference(r) => found.push(r),
                Form::Constant(_) => {}
                Form::Application(f, x) => todo.extend([f, x]),
            }
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    // Strict: what is evaluated now.

    /// The function and arguments of an expression.
    fn spine(&self, operand: Operand) -> Spine {
        let mut head = operand;
        let mut args = Vec::new();
        while let Operand::Node(node) = head
            && let Form::Application(f, x) = form(self.heap, node, self.last)
        {
            args.push(Operand::Node(x));
            head = Operand::Node(f);
        }
        args.reverse();
        Spine { head, args }
    }

    /// The function, if it is a constant.
    fn constant_head(&self, spine: &Spine) -> Option<Word> {
        let Operand::Node(node) = spine.head else { return None };
        match form(self.heap, node, self.last) {
            Form::Constant(k) => Some(k),
            Form::Reference(r) => match self.place(r) {
                Place::Constant(k) => Some(k),
                Place::Slot(_) => None,
            },
            Form::Application(..) => None,
        }
    }

    /// Emits an expression as the frame's result.
    fn tail(&mut self, node: Word) {
        let spine = self.spine(Operand::Node(node));
        self.evaluate(spine, Then::Return);
    }

    /// Pushes an operand, evaluated.
    fn strict(&mut self, operand: Operand) {
        if self.nesting >= STRICT_LIMIT {
            self.lazy(operand);
            return self.emit(Op::Eval);
        }
        self.nesting += 1;
        let spine = self.spine(operand);
        self.evaluate(spine, Then::Keep);
        self.nesting -= 1;
    }

    /// Emits the evaluation of an application.
    fn evaluate(&mut self, spine: Spine, then: Then) {
        if spine.args.is_empty() {
            return self.evaluate_atom(spine.head, then);
        }
        let Some(function) = self.constant_head(&spine) else {
            return self.call(&spine, then);
        };
        let arity = shape::arity(self.heap, function);
        if arity > spine.args.len() as u64 {
            self.partial(function, &spine);
            return self.finish(then);
        }
        if arity < spine.args.len() as u64 || self.nesting >= STRICT_LIMIT {
            return self.call(&spine, then);
        }
        match function.as_direct() {
            Some(1) => self.reflect(&spine.args, then),
            Some(2) => self.predecessor(&spine.args, then),
            Some(3) => {
                self.strict(spine.args[0]);
                self.emit(Op::Increment);
                self.finish(then);
            }
            _ => match self.jet_of(function) {
                Some(jet) => self.jet(function, jet, &spine, then),
                None => self.call(&spine, then),
            },
        }
    }

    /// Ends an expression whose evaluated value is on top.
    fn finish(&mut self, then: Then) {
        if then == Then::Return {
            self.emit(Op::Return);
        }
    }

    fn evaluate_atom(&mut self, operand: Operand, then: Then) {
        let slot = match operand {
            Operand::Local(slot) => Some(slot),
            Operand::Node(node) => match form(self.heap, node, self.last) {
                Form::Reference(r) => match self.place(r) {
                    Place::Slot(slot) => Some(slot),
                    Place::Constant(k) => {
                        self.push_constant(k);
                        None
                    }
                },
                Form::Constant(k) => {
                    self.push_constant(k);
                    None
                }
                Form::Application(..) => unreachable!("an atom is no application"),
            },
        };
        match (slot, then) {
            (Some(slot), Then::Return) => self.emit(Op::ReturnSlot(slot)),
            (Some(slot), Then::Keep) => self.push(Op::EvalSlot(slot)),
            (None, then) => self.finish(then),
        }
    }

    /// A call in general. It leaves this frame, or returns to it with the value.
    fn call(&mut self, spine: &Spine, then: Then) {
        let before = self.depth;
        let frame = (then == Then::Keep).then(|| {
            let frame = self.jump(Op::Frame);
            self.grow(super::frame::RETURN_SIZE as u32);
            frame
        });
        self.lazy(spine.head);
        for arg in &spine.args {
            self.lazy(*arg);
        }
        let count = spine.args.len() as u32;
        self.emit(if frame.is_some() { Op::Call(count) } else { Op::TailCall(count) });
        if let Some(frame) = frame {
            self.land(frame);
            self.depth = before;
            self.grow(1);
        }
    }

    /// `2 z p x`: `z`, or `p` of the predecessor.
    fn predecessor(&mut self, args: &[Operand], then: Then) {
        let before = self.depth;
        self.strict(args[2]);
        self.depth = before;
        let zero = self.jump(Op::Predecessor);
        self.grow(1);
        self.branch_call(args[1], 1, then);
        let end = self.end_branch(before, then);
        self.land(zero);
        self.depth = before;
        self.branch(args[0], then);
        self.join(before, end, then);
    }

    /// `1 p l a n x`: the function for the kind that `x` is, of its parts.
    fn reflect(&mut self, args: &[Operand], then: Then) {
        let before = self.depth;
        self.strict(args[4]);
        let number = self.branches.len();
        self.branches.push(Branches::default());
        self.emit(Op::Reflect(number as u32));
        let mut ends = Vec::new();
        for (index, parts) in [(0, 1), (1, 3), (2, 2), (3, 1)] {
            self.depth = before;
            self.grow(parts);
            let here = self.here();
            let branches = &mut self.branches[number];
            match index {
                0 => branches.pin = here,
                1 => branches.law = here,
                2 => branches.app = here,
                _ => branches.nat = here,
            }
            self.branch_call(args[index], parts, then);
            ends.extend(self.end_branch(before, then));
        }
        ends.into_iter().for_each(|end| self.land(end));
        self.depth = before;
        self.grow(u32::from(then == Then::Keep));
    }

    /// A branch that calls a function with the top so many slots.
    fn branch_call(&mut self, function: Operand, count: u32, then: Then) {
        let mut spine = self.spine(function);
        let first = self.depth - count;
        spine.args.extend((first..first + count).map(Operand::Local));
        self.nested(|d| d.evaluate(spine, then));
    }

    fn branch(&mut self, operand: Operand, then: Then) {
        let spine = self.spine(operand);
        self.nested(|d| d.evaluate(spine, then));
    }

    fn nested(&mut self, emit: impl FnOnce(&mut Self)) {
        self.nesting += 1;
        emit(self);
        self.nesting -= 1;
    }

    /// Ends a branch that is not the last: brings its value down to `before`, and jumps.
    fn end_branch(&mut self, before: u32, then: Then) -> Option<usize> {
        if then == Then::Return {
            return None;
        }
        self.settle(before);
        Some(self.jump(Op::Jump))
    }

    /// Brings the top value down to `before`.
    fn settle(&mut self, before: u32) {
        if self.depth > before + 1 {
            self.emit(Op::Slide(self.depth - before - 1));
        }
        self.depth = before + 1;
    }

    /// Ends the last branch, where the others that ended come in.
    fn join(&mut self, before: u32, end: Option<usize>, then: Then) {
        if then == Then::Keep {
            self.settle(before);
        }
        if let Some(end) = end {
            self.land(end);
        }
    }

    // Jets.

    fn jet_of(&self, function: Word) -> Option<u32> {
        if function.kind() == Kind::Pin { pin::jet(function) } else { None }
    }

    fn jet(&mut self, function: Word, jet: u32, spine: &Spine, then: Then) {
        let jet = self.jets.get(jet);
        match jet.code {
            JetCode::Control(control) => self.control(control, spine, then),
            JetCode::Native(_) => {
                let before = self.depth;
                for (arg, demand) in spine.args.iter().zip(jet.demands) {
                    match demand {
                        Demand::Lazy => self.lazy(*arg),
                        Demand::Head => self.strict(*arg),
                        Demand::Normal => {
                            self.strict(*arg);
                            self.emit(Op::Normalise);
                        }
                    }
                }
                let pin = self.constant(function);
                self.emit(Op::Native { pin, count: spine.args.len() as u32 });
                self.grow(super::frame::RETURN_SIZE as u32 + 1);
                self.depth = before;
                self.grow(1);
                self.finish(then);
            }
        }
    }

    fn control(&mut self, control: Control, spine: &Spine, then: Then) {
        let args = &spine.args;
        match control {
            Control::If => self.choose(args[0], Op::JumpIfFalse, args[1], args[2], then),
            Control::IfNot => self.choose(args[0], Op::JumpIfFalse, args[2], args[1], then),
            Control::IfZero => self.choose(args[0], Op::JumpUnlessZero, args[1], args[2], then),
            Control::Seq | Control::DeepSeq => {
                self.strict(args[0]);
                if control == Control::DeepSeq {
                    self.emit(Op::Normalise);
                }
                self.emit(Op::Drop);
                self.depth -= 1;
                self.branch(args[1], then);
            }
            Control::Force => {
                self.strict(args[0]);
                self.emit(Op::Normalise);
                self.finish(then);
            }
            Control::Trace | Control::Try => self.call(spine, then),
        }
    }

    /// A conditional: `yes` unless the jump is taken, then `no`.
    fn choose(
        &mut self,
        test: Operand,
        jump: fn(u32) -> Op,
        yes: Operand,
        no: Operand,
        then: Then,
    ) {
        let before = self.depth;
        self.strict(test);
        self.depth = before;
        let to_no = self.jump(jump);
        self.branch(yes, then);
        let end = self.end_branch(before, then);
        self.land(to_no);
        self.depth = before;
        self.branch(no, then);
        self.join(before, end, then);
    }
}

//! Decoding: from a law's body to [`LawCode`].
//!
//! The decoder starts from the [analysed law](crate::law). The body's outermost expression is
//! emitted *strictly*, as code that evaluates it. Arguments are emitted *lazily*, as code that
//! passes them on: references and constants as they are, partial applications as apps, other
//! applications as thunks. Where the function is a constant that is known to be strict in an
//! argument (an operation, a jet), that argument is emitted strictly in place.
//!
//! Bodies come from outside and may be nested deeply. Spines and lets are traversed in loops, lazy
//! subexpressions are decoded one after the other from a work list, and strict nesting beyond
//! [`STRICT_LIMIT`] becomes lazy; so recursion here is bounded by that limit.

mod lazy;
mod live;
mod strict;

use super::call_count::CallCount;
use super::cheap_marks;
use super::code::{
    LawCode, Op, ReflectTargets, SourceList, SwitchTargets, ThunkEntry, ValueSource,
};
use crate::eval::frame::SPAN_SIZE;
use crate::jet::JetTable;
use crate::law::{
    AnalysedLaw, Application, BindingGroup, BodyNode, BodyReader, ReferenceScope, Spine,
};
use crate::native::LawFingerprint;
use crate::pool_id::PoolId;
use live::{FrameRegion, Instructions};
use plan::raw::Word;
use plan::raw::layout::EXTRA_MAX;
use plan::{LawRef, Map, Ref};
use std::cell::{Cell, OnceCell};

/// Strict expressions nested deeper than this are evaluated through thunks.
const STRICT_LIMIT: usize = 64;
/// The largest number of instructions of a law, which a code word can hold.
const OPS_LIMIT: usize = 1 << 24;

/// An expression, a constant, or a slot that no reference has (a part or predecessor that was just
/// pushed).
#[derive(Clone, Copy)]
pub(crate) enum Operand<'a> {
    Expression(Ref<'a>),
    Constant(Ref<'a>),
    Slot(u32),
}

impl<'a> From<Ref<'a>> for Operand<'a> {
    fn from(node: Ref<'a>) -> Operand<'a> {
        Operand::Expression(node)
    }
}

/// The place of the value of a reference.
#[derive(Clone, Copy)]
enum Binding<'a> {
    /// A slot of the frame.
    Slot(u32),
    /// A constant.
    Constant(Ref<'a>),
}

/// A lazy subexpression that has an entry and is not emitted yet.
struct PendingThunk<'a> {
    entry: usize,
    node: Ref<'a>,
    scope: ReferenceScope<Binding<'a>>,
    slots: u32,
}

pub(crate) struct Decoder<'a> {
    jets: &'a JetTable,
    law: &'a AnalysedLaw<'a>,
    ops: Vec<Op>,
    /// The latest jump target; instructions before and after it are not merged.
    last_target: usize,
    sources: Vec<ValueSource>,
    constants: Vec<Word>,
    constant_numbers: Map<u64, u32>,
    entries: Vec<ThunkEntry>,
    branches: Vec<ReflectTargets>,
    switches: Vec<SwitchTargets>,
    pending: Vec<PendingThunk<'a>>,
    scope: ReferenceScope<Binding<'a>>,
    depth: u32,
    deepest: u32,
    nesting: usize,
}

/// A decoded law without a pool for its constants.
pub(crate) struct DecodedLaw {
    pub(crate) constants: Vec<Word>,
    ops: Vec<Op>,
    sources: Vec<ValueSource>,
    entries: Vec<ThunkEntry>,
    branches: Vec<ReflectTargets>,
    switches: Vec<SwitchTargets>,
    deepest: u32,
    is_perhaps_cheap: bool,
    fingerprint: LawFingerprint,
}

impl DecodedLaw {
    /// The finished code, with the pool that holds the constants. The law itself is the constant
    /// with the number `law`.
    pub(crate) fn into_code(self, pool: PoolId, constants: *const Word, law: u32) -> LawCode {
        LawCode {
            pool,
            constants,
            law,
            ops: self.ops.into(),
            sources: self.sources.into(),
            entries: self.entries.into(),
            branches: self.branches.into(),
            switches: self.switches.into(),
            depth: self.deepest as usize + 8,
            calls: CallCount::default(),
            is_requested: Cell::new(false),
            fingerprint: self.fingerprint,
            compiled: Default::default(),
            compiled_jet: OnceCell::new(),
            is_jet_requested: Cell::new(false),
            lazy_calls: CallCount::default(),
            lazy_entries: Default::default(),
            is_perhaps_cheap: self.is_perhaps_cheap,
            cheap_failures: Cell::new(0),
        }
    }
}

/// Decodes a law. `jets` is the table that labels its heap. With `has_spans`, the code reports how
/// long each execution takes. `None` if the law is too large to run.
pub(crate) fn decode(jets: &JetTable, law: LawRef<'_>, has_spans: bool) -> Option<DecodedLaw> {
    let name = law.name();
    let law = AnalysedLaw::of(law)?;
    let arguments = u32::try_from(law.arity()).ok()?;
    let mut decoder = Decoder {
        jets,
        law: &law,
        ops: Vec::new(),
        last_target: 0,
        sources: Vec::new(),
        constants: Vec::new(),
        constant_numbers: Map::default(),
        entries: Vec::new(),
        branches: Vec::new(),
        switches: Vec::new(),
        pending: Vec::new(),
        scope: ReferenceScope::new((0..=arguments).map(Binding::Slot)),
        depth: arguments + 1,
        deepest: arguments + 1,
        nesting: 0,
    };
    if has_spans {
        decoder.emit(Op::LawSpan);
        decoder.deepest += SPAN_SIZE as u32;
    }
    decoder.lets();
    let mut regions = vec![FrameRegion { start: 0, slots: live::range(1, decoder.depth) }];
    decoder.tail(law.result());
    while let Some(pending) = decoder.pending.pop() {
        if decoder.ops.len() > OPS_LIMIT / 2 {
            return None;
        }
        let start = decoder.jump_target();
        regions.push(FrameRegion { start, slots: live::range(0, pending.slots) });
        decoder.entries[pending.entry].pc = start;
        decoder.scope = pending.scope;
        decoder.depth = pending.slots;
        decoder.deepest = decoder.deepest.max(pending.slots);
        decoder.tail(pending.node);
    }
    decoder.clear_dead_slots(&regions);
    let is_perhaps_cheap = decoder.mark_cheap_entries();
    let sizes = [decoder.ops.len(), decoder.sources.len(), decoder.constants.len()];
    let sizes = sizes.map(|size| size as u64).into_iter().chain([u64::from(arguments)]);
    let fingerprint = LawFingerprint::of(name.limbs().iter().copied().chain(sizes));
    let fits = decoder.entries.iter().all(|e| u64::from(e.captured) < EXTRA_MAX);
    (fits && decoder.ops.len() < OPS_LIMIT).then_some(DecodedLaw {
        constants: decoder.constants,
        ops: decoder.ops,
        sources: decoder.sources,
        entries: decoder.entries,
        branches: decoder.branches,
        switches: decoder.switches,
        deepest: decoder.deepest,
        is_perhaps_cheap,
        fingerprint,
    })
}

impl<'a> BodyReader<'a> for Decoder<'a> {
    type Expr = Operand<'a>;

    fn read_spine(&mut self, expr: Operand<'a>) -> Spine<Operand<'a>> {
        self.spine(expr)
    }

    fn read_function(&mut self, expr: Operand<'a>, given: usize) -> Option<(Ref<'a>, Application)> {
        let function = self.constant_operand(expr)?;
        Some((function, Application::of(function, given, self.jets)))
    }

    fn of_value(value: Ref<'a>) -> Operand<'a> {
        Operand::Constant(value)
    }
}

impl<'a> Decoder<'a> {
    fn clear_dead_slots(&mut self, regions: &[FrameRegion]) {
        let Decoder { ops, sources, entries, branches, switches, constants, jets, law, .. } = self;
        let memory = law.result().memory();
        let is_cheap = |pin: u32| {
            jets.of_pin(memory, constants[pin as usize])
                .is_some_and(|jet| jets.cheap(jet).is_some())
        };
        Instructions { ops, sources, entries, branches, switches, is_cheap: &is_cheap }
            .clear_dead_slots(regions);
    }

    /// No jet is cheap while calls are counted: the law does not make the eager call. Returns whether the law's
    /// code is perhaps cheap.
    fn mark_cheap_entries(&mut self) -> bool {
        let Decoder { ops, entries, constants, jets, law, .. } = self;
        let memory = law.result().memory();
        let is_cheap = |pin: u32| {
            let jet = jets.of_pin(memory, constants[pin as usize]);
            !jets.counts_calls() && jet.is_some_and(|jet| jets.cheap(jet).is_some())
        };
        cheap_marks::mark(ops, entries, is_cheap)
    }

    // Emitting instructions, and tracking the stack's depth.

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

    /// The index of the next instruction, as a jump target.
    fn jump_target(&mut self) -> u32 {
        self.last_target = self.ops.len();
        self.ops.len() as u32
    }

    /// Pushes a source's word; merges the instruction with one before it that pushes sources.
    fn push_source(&mut self, source: ValueSource) {
        self.grow(1);
        let single = |source: ValueSource| match source.slot_or_constant() {
            Ok(slot) => Op::Slot(slot as u32),
            Err(number) => Op::Constant(number as u32),
        };
        let before = match self.ops.last() {
            Some(op) if self.ops.len() > self.last_target => *op,
            _ => return self.emit(single(source)),
        };
        let merged = match before {
            Op::Slot(slot) => self.list([ValueSource::slot(slot), source]),
            Op::Constant(number) => self.list([ValueSource::constant(number), source]),
            Op::Push(list) if list.count < u16::MAX && list.end() == self.sources.len() => {
                self.sources.push(source);
                SourceList { count: list.count + 1, start: list.start }
            }
            _ => return self.emit(single(source)),
        };
        self.ops.pop();
        self.emit(Op::Push(merged));
    }

    /// Adds a list of sources, at most 2^16 - 1.
    fn list(&mut self, sources: impl IntoIterator<Item = ValueSource>) -> SourceList {
        let start = self.sources.len();
        self.sources.extend(sources);
        SourceList { count: (self.sources.len() - start) as u16, start: start as u32 }
    }

    /// Emits a jump without its target, which [`Decoder::patch_jump`] sets.
    fn jump(&mut self, op: fn(u32) -> Op) -> usize {
        self.emit(op(0));
        self.ops.len() - 1
    }

    /// Sets the target of a jump to the next instruction.
    fn patch_jump(&mut self, jump: usize) {
        let here = self.jump_target();
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

    // Lets.

    /// Pushes the values of the needed lets, each after those that it needs.
    fn lets(&mut self) {
        for group in self.law.binding_groups() {
            match group {
                BindingGroup::Single(index) => {
                    let binding = self.bound(self.law.lets()[index]);
                    self.scope.bind(self.law.let_reference(index), binding);
                }
                BindingGroup::Recursive(members) => self.recursive_group(&members),
            }
        }
    }

    /// The binding of a let's value, which is pushed unless it is a reference or a constant.
    fn bound(&mut self, node: Ref<'a>) -> Binding<'a> {
        match self.law.node(node) {
            BodyNode::Reference(r) => self.scope.get(r),
            BodyNode::Constant(k) => Binding::Constant(k),
            BodyNode::Application(..) => {
                let slot = self.depth;
                self.lazy(Operand::Expression(node));
                Binding::Slot(slot)
            }
        }
    }

    /// Emits a recursive group of lets: all thunks first, then their captured values.
    fn recursive_group(&mut self, members: &[usize]) {
        let first = self.depth;
        for (i, &index) in members.iter().enumerate() {
            self.scope.bind(self.law.let_reference(index), Binding::Slot(first + i as u32));
        }
        // All of them are in scope before the captures of the first are determined.
        let entries: Vec<u32> = members
            .iter()
            .map(|&index| {
                let entry = self.thunk_entry(self.law.lets()[index]);
                self.entries[entry as usize].hole = self.depth;
                self.push(Op::Hole(entry));
                entry
            })
            .collect();
        for entry in entries {
            self.emit(Op::Fill(entry));
        }
    }

    // Applications, for strict and lazy emission.

    /// The innermost function and the arguments of an operand. A constant app that is applied to
    /// arguments is unfolded.
    fn spine(&self, operand: Operand<'a>) -> Spine<Operand<'a>> {
        let Operand::Expression(node) = operand else { return Spine::of_atom(operand) };
        let mut spine: Spine<Operand<'a>> = self.law.spine(node);
        if !spine.args.is_empty()
            && let Some(head) = self.constant_operand(spine.head)
        {
            spine.unfold(head, Operand::Constant);
        }
        spine
    }

    /// The function of an application, if it is a constant, and how the application reduces.
    fn classify(&self, spine: &Spine<Operand<'a>>) -> Option<(Ref<'a>, Application)> {
        let function = self.constant_operand(spine.head)?;
        Some((function, Application::of(function, spine.args.len(), self.jets)))
    }

    /// The value of an operand, if it is a constant.
    fn constant_operand(&self, operand: Operand<'a>) -> Option<Ref<'a>> {
        let node = match operand {
            Operand::Expression(node) => node,
            Operand::Constant(k) => return Some(k),
            Operand::Slot(_) => return None,
        };
        match self.law.node(node) {
            BodyNode::Constant(k) => Some(k),
            BodyNode::Reference(r) => match self.scope.get(r) {
                Binding::Constant(k) => Some(k),
                Binding::Slot(_) => None,
            },
            BodyNode::Application(..) => None,
        }
    }
}

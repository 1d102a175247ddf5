//! Lazy emission: code that passes an expression on without evaluating it.

use super::super::code::{Op, ThunkEntry, ValueSource};
use super::{AppSpine, Binding, Decoder, Operand, PendingThunk, STRICT_LIMIT};
use crate::jet::JetCode;
use crate::law::BodyNode;
use plan::Ref;
use plan::raw::{Word, WordKind, shape};

/// An expression of more nodes than this captures everything in scope.
const CAPTURE_SCAN_LIMIT: usize = 512;

impl<'a> Decoder<'a> {
    /// Pushes an operand without evaluating it.
    pub(super) fn lazy(&mut self, operand: Operand<'a>) {
        match (self.source(operand), operand) {
            (Some(source), _) => self.push_source(source),
            (None, Operand::Expression(node)) => self.lazy_application(node),
            (None, Operand::Slot(_)) => unreachable!("a slot is a source"),
        }
    }

    /// The source of the operand's word; `None` if it is an application.
    fn source(&mut self, operand: Operand<'a>) -> Option<ValueSource> {
        let node = match operand {
            Operand::Slot(slot) => return Some(ValueSource::slot(slot)),
            Operand::Expression(node) => node,
        };
        let constant = match self.law.node(node) {
            BodyNode::Reference(r) => match self.scope.get(r) {
                Binding::Slot(slot) => return Some(ValueSource::slot(slot)),
                Binding::Constant(k) => k,
            },
            BodyNode::Constant(k) => k.word(),
            BodyNode::Application(..) => return None,
        };
        Some(ValueSource::constant(self.constant(constant)))
    }

    pub(super) fn push_constant(&mut self, word: Word) {
        let number = self.constant(word);
        self.push_source(ValueSource::constant(number));
    }

    fn lazy_application(&mut self, node: Ref<'a>) {
        let spine = self.spine(Operand::Expression(node));
        if let Some(function) = self.constant_head(&spine) {
            let arity = shape::arity(self.heap, function);
            if arity > spine.args.len() as u64 && self.nesting < STRICT_LIMIT {
                self.nesting += 1;
                self.partial(function, &spine);
                self.nesting -= 1;
                return;
            }
        }
        let atoms = |o: &Operand<'a>| self.is_atom(*o);
        if atoms(&spine.head) && spine.args.iter().all(atoms) && spine.args.len() < 64 {
            return match self.constant_head(&spine) {
                Some(function) => self.lazy_call(function, &spine),
                None => self.application(&spine),
            };
        }
        let entry = self.thunk_entry(node);
        self.push(Op::Thunk(entry));
    }

    /// Pushes the application of a known function to too few arguments: an app, or a row if the
    /// function is its constructor.
    pub(super) fn partial(&mut self, function: Word, spine: &AppSpine<'a>) {
        let count = spine.args.len();
        if function.kind() == WordKind::Cow && function.cow_width() == count as u64 {
            for arg in spine.args.iter().rev() {
                self.lazy(*arg);
            }
            self.depth -= count as u32;
            return self.push(Op::Row(count as u32));
        }
        self.application(spine);
    }

    /// Pushes the function and the arguments, and applies them by [`Op::Apply`].
    fn application(&mut self, spine: &AppSpine<'a>) {
        self.lazy(spine.head);
        for arg in &spine.args {
            self.lazy(*arg);
        }
        let count = spine.args.len() as u32;
        self.depth -= count + 1;
        self.push(Op::Apply(count));
    }

    /// Pushes the application of a known function to at least as many arguments as its arity, none
    /// of them an application: its value if the function is cheap, else a thunk.
    fn lazy_call(&mut self, function: Word, spine: &AppSpine<'a>) {
        let head = ValueSource::constant(self.constant(function));
        let args: Vec<ValueSource> =
            spine.args.iter().filter_map(|arg| self.source(*arg)).collect();
        let list = self.list(std::iter::once(head).chain(args));
        if !self.is_cheap(function, spine.args.len()) {
            return self.push(Op::Delay(list));
        }
        let before = self.depth;
        self.grow(u32::from(list.count));
        self.depth = before;
        self.push(Op::ApplyEagerly(list));
    }

    /// Whether the function is cheap enough to be applied eagerly. No jet is while calls are
    /// counted: the law does not make the eager call.
    fn is_cheap(&self, function: Word, count: usize) -> bool {
        if function.as_direct() == Some(3) {
            return count == 1;
        }
        self.jet_of(function).is_some_and(|jet| {
            let declared = self.jets.get(jet);
            let native = matches!(declared.code, JetCode::Native(_));
            let known = native && declared.arity() == count && !self.jets.counts_calls();
            known && self.jets.cheap(jet).is_some()
        })
    }

    fn is_atom(&self, operand: Operand<'a>) -> bool {
        match operand {
            Operand::Slot(_) => true,
            Operand::Expression(node) => !matches!(self.law.node(node), BodyNode::Application(..)),
        }
    }

    /// The number of a new entry for an expression in the current scope.
    pub(super) fn thunk_entry(&mut self, node: Ref<'a>) -> u32 {
        let number = self.entries.len();
        let used = self.law.references(node, CAPTURE_SCAN_LIMIT);
        let mut captures = Vec::new();
        let scope = self.scope.of_thunk(used.as_deref(), |binding| match binding {
            Binding::Slot(slot) => {
                captures.push(ValueSource::slot(slot));
                Binding::Slot(captures.len() as u32 - 1)
            }
            Binding::Constant(_) => binding,
        });
        let slots = captures.len() as u32;
        let start = self.sources.len() as u32;
        self.sources.extend(captures);
        self.entries.push(ThunkEntry { pc: 0, captures: start, captured: slots, hole: 0 });
        self.pending.push(PendingThunk { entry: number, node, scope, slots });
        number as u32
    }
}

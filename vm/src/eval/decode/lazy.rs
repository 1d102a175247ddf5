//! Lazy emission: what is passed on, not evaluated.

use super::super::code::{Op, ThunkEntry, ValueSource};
use super::body::{Binding, BodyNode, Scope, read_node};
use super::{AppSpine, Decoder, Operand, PendingThunk, STRICT_LIMIT};
use crate::jet::JetCode;
use plan::raw::{Kind, Word, shape};

/// An expression of more nodes than this captures everything in scope.
const CAPTURE_BUDGET: usize = 512;

impl Decoder<'_> {
    /// Pushes an operand, not evaluated.
    pub(super) fn lazy(&mut self, operand: Operand) {
        match (self.source(operand), operand) {
            (Some(source), _) => self.push_source(source),
            (None, Operand::Node(node)) => self.lazy_application(node),
            (None, Operand::Local(_)) => unreachable!("a slot is a source"),
        }
    }

    /// Where the operand's word comes from, unless it is an application.
    fn source(&mut self, operand: Operand) -> Option<ValueSource> {
        let node = match operand {
            Operand::Local(slot) => return Some(ValueSource::slot(slot)),
            Operand::Node(node) => node,
        };
        let constant = match read_node(self.heap, node, self.last) {
            BodyNode::Reference(r) => match self.binding(r) {
                Binding::Slot(slot) => return Some(ValueSource::slot(slot)),
                Binding::Constant(k) => k,
            },
            BodyNode::Constant(k) => k,
            BodyNode::Application(..) => return None,
        };
        Some(ValueSource::constant(self.constant(constant)))
    }

    pub(super) fn push_constant(&mut self, word: Word) {
        let number = self.constant(word);
        self.push_source(ValueSource::constant(number));
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
            return match self.constant_head(&spine) {
                Some(function) => self.lazy_call(function, &spine),
                None => self.application(&spine),
            };
        }
        let entry = self.thunk_entry(node);
        self.push(Op::Thunk(entry));
    }

    /// A known function that lacks arguments: the app itself, or the row it is.
    pub(super) fn partial(&mut self, function: Word, spine: &AppSpine) {
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
    fn application(&mut self, spine: &AppSpine) {
        self.lazy(spine.head);
        for arg in &spine.args {
            self.lazy(*arg);
        }
        let count = spine.args.len() as u32;
        self.depth -= count + 1;
        self.push(Op::Apply(count));
    }

    /// Pushes the application of a known function to no fewer arguments than it takes, none of them
    /// an application: its value, if that is cheap to have, else a thunk.
    fn lazy_call(&mut self, function: Word, spine: &AppSpine) {
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

    /// Whether it is worth the attempt to call a function as soon as its arguments are evaluated.
    /// Not if calls are counted: the attempt would not be one that the law makes.
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

    fn is_atom(&self, operand: Operand) -> bool {
        match operand {
            Operand::Local(_) => true,
            Operand::Node(node) => {
                !matches!(read_node(self.heap, node, self.last), BodyNode::Application(..))
            }
        }
    }

    /// A new entry for an expression in this scope.
    pub(super) fn thunk_entry(&mut self, node: Word) -> u32 {
        let number = self.entries.len();
        let used = self.references(node);
        let mut captures = Vec::new();
        let mut scope = Scope::new();
        for &(reference, place) in &self.scope {
            if used.as_ref().is_some_and(|used| used.binary_search(&reference).is_err()) {
                continue;
            }
            scope.push(match place {
                Binding::Slot(slot) => {
                    captures.push(ValueSource::slot(slot));
                    (reference, Binding::Slot(captures.len() as u32 - 1))
                }
                constant => (reference, constant),
            });
        }
        let slots = captures.len() as u32;
        let start = self.sources.len() as u32;
        self.sources.extend(captures);
        self.entries.push(ThunkEntry { pc: 0, captures: start, captured: slots, hole: 0 });
        self.pending.push(PendingThunk { entry: number, node, scope, slots });
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
            match read_node(self.heap, node, self.last) {
                BodyNode::Reference(r) => found.push(r),
                BodyNode::Constant(_) => {}
                BodyNode::Application(f, x) => todo.extend([f, x]),
            }
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }
}

//! Lazy emission: what is passed on, not evaluated.

use super::super::code::{Entry, Op};
use super::form::{Form, Place, Scope, form};
use super::{Decoder, Operand, Pending, STRICT_LIMIT, Spine};
use crate::shape;
use crate::word::{Kind, Word};

/// An expression of more nodes than this captures everything in scope.
const CAPTURE_BUDGET: usize = 512;

impl Decoder<'_> {
    /// Pushes an operand, not evaluated.
    pub(super) fn lazy(&mut self, operand: Operand) {
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

    pub(super) fn push_constant(&mut self, word: Word) {
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
    pub(super) fn partial(&mut self, function: Word, spine: &Spine) {
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
    pub(super) fn entry(&mut self, node: Word) -> u32 {
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
}

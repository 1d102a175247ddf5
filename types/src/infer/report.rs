//! The errors of inference, in words for a person.

use super::{Inference, TermContext};
use crate::error::{TypeError, TypeRoot, advice};
use crate::name::TypeName;
use crate::requirement::{Unsatisfied, UnsatisfiedReason};
use crate::scheme::Head;
use crate::table::{Conflict, TypeId, TypeNode};
use crate::term::{Term, TermId};
use crate::writer::{TypeWriter, row_literals};

impl Inference<'_, '_> {
    /// Returns how a message names a term.
    pub(super) fn name_of(&self, term: TermId) -> String {
        match self.terms.get(term) {
            Term::Known { name: Some(name), .. } | Term::Untyped(name) => format!("`{name}`"),
            _ => "the function".to_owned(),
        }
    }

    pub(super) fn subject(&self, term: TermId, context: TermContext) -> String {
        match context {
            TermContext::Plain => match self.terms.get(term) {
                Term::Known { name: Some(name), .. } => format!("`{name}`"),
                _ => "this expression".to_owned(),
            },
            TermContext::Argument { function, number, .. } => {
                format!("argument {number} of {}", self.name_of(function))
            }
            TermContext::Result { function } => format!("the result of {}", self.name_of(function)),
            TermContext::Item => "this item".to_owned(),
            TermContext::Arm => "this case".to_owned(),
            TermContext::Declared => "the definition".to_owned(),
        }
    }

    pub(super) fn plain_error(&self, term: TermId, message: impl Into<String>) -> Box<TypeError> {
        let (notes, help) = (Vec::new(), Vec::new());
        Box::new(TypeError { term, message: message.into(), notes, help })
    }

    pub(super) fn untyped(&self, term: TermId, name: &str) -> Box<TypeError> {
        let mut error =
            self.plain_error(term, format!("`{name}` has no type: its module is untyped"));
        error.help.push(format!(
            "`(coerce {name})` uses it at the type that its place needs, without a check"
        ));
        error
    }

    pub(super) fn texts(&mut self, types: &[TypeId]) -> Vec<String> {
        let literals = row_literals(self.pending.iter().map(|pending| &pending.requirement));
        let mut writer = TypeWriter::new(&mut self.table, literals, &self.rigid_names);
        types.iter().map(|ty| writer.text(*ty)).collect()
    }

    pub(super) fn mismatch(
        &mut self,
        term: TermId,
        subject: &str,
        expected: TypeId,
        found: TypeId,
        conflict: Conflict,
    ) -> Box<TypeError> {
        let texts = self.texts(&[expected, found]);
        let message = match conflict {
            Conflict::Mismatch => format!("{subject} has the wrong type"),
            Conflict::Infinite => format!("{subject} has a type that would contain itself"),
        };
        let mut error = self.plain_error(term, message);
        error.notes.push(format!("expected: {}", texts[0]));
        error.notes.push(format!("found:    {}", texts[1]));
        let (one, two) = self.differing_roots(expected, found);
        error.help.extend(advice(self.table.names(), one, two));
        error
    }

    /// Returns the roots of the first parts in which two types differ.
    pub(super) fn differing_roots(
        &mut self,
        expected: TypeId,
        found: TypeId,
    ) -> (TypeRoot, TypeRoot) {
        let mut pending = vec![(expected, found)];
        let mut steps = 0;
        while let Some((a, b)) = pending.pop() {
            steps += 1;
            let (one, two) = (self.root_of(a), self.root_of(b));
            let is_known = one != TypeRoot::Variable && two != TypeRoot::Variable;
            if (is_known && self.table.unify(a, b).is_err() && one != two) || steps > 1000 {
                return (one, two);
            }
            if let (Some((_, a)), Some((_, b))) = (self.table.applied(a), self.table.applied(b)) {
                pending.extend(a.into_iter().zip(b).rev());
            }
        }
        (self.root_of(expected), self.root_of(found))
    }

    pub(super) fn root_of(&mut self, ty: TypeId) -> TypeRoot {
        match self.table.node(ty) {
            TypeNode::Variable(_) | TypeNode::Link(_) => TypeRoot::Variable,
            TypeNode::Rigid(_) => TypeRoot::Rigid,
            TypeNode::Apply(Head::Function, _) => TypeRoot::Function,
            TypeNode::Apply(Head::Tuple, _) => TypeRoot::Tuple,
            TypeNode::Apply(Head::Named(name), _) => TypeRoot::Named(*name),
        }
    }

    pub(super) fn too_many_arguments(
        &mut self,
        call: TermId,
        function: TermId,
        ty: TypeId,
        takes: usize,
        given: usize,
    ) -> Box<TypeError> {
        let name = self.name_of(function);
        let text = self.texts(&[ty]).remove(0);
        if takes == 0 {
            let message = format!("{name} is called, but it is no function");
            let mut error = self.plain_error(call, message);
            error.notes.push(format!("its type is {text}"));
            return error;
        }
        let plural = if takes == 1 { "" } else { "s" };
        let message = format!("{name} takes {takes} argument{plural}, but is called with {given}");
        let mut error = self.plain_error(call, message);
        error.notes.push(format!("its result has the type {text}, which is no function"));
        error.help.push("remove an argument, or put the inner call in parentheses".into());
        error
    }

    pub(super) fn unsatisfied(&mut self, unsatisfied: &Unsatisfied) -> Box<TypeError> {
        let term = unsatisfied.term;
        match unsatisfied.reason {
            UnsatisfiedReason::Item { expected, found, conflict } => {
                self.mismatch(term, "an item of this row", expected, found, conflict)
            }
            UnsatisfiedReason::NoRow { ty, is_literal } => {
                let text = self.texts(&[ty]).remove(0);
                let root = self.root_of(ty);
                let message = match is_literal {
                    true => "a row stands where a value of another type is expected",
                    false => "an item is taken from a value that is no row",
                };
                let mut error = self.plain_error(term, message);
                let (note, advice) = match is_literal {
                    true => (
                        format!("expected: {text}"),
                        advice(self.table.names(), root, TypeRoot::Named(TypeName::ROW)),
                    ),
                    false => (
                        format!("its type is {text}"),
                        advice(self.table.names(), TypeRoot::Named(TypeName::ROW), root),
                    ),
                };
                error.notes.push(note);
                error.help.extend(advice);
                error
            }
            UnsatisfiedReason::NoItem { ty, index } => {
                let text = self.texts(&[ty]).remove(0);
                let mut error = self.plain_error(term, format!("the row has no item {index}"));
                error.notes.push(format!("its type is {text}; items are counted from 0"));
                error
            }
            UnsatisfiedReason::Length { ty, length } => {
                let text = self.texts(&[ty]).remove(0);
                let message = format!("a row of {length} items stands where a tuple is expected");
                let mut error = self.plain_error(term, message);
                error.notes.push(format!("expected: {text}"));
                error
            }
        }
    }
}

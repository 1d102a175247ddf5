//! Arguments in the wrong order: whether a call that is wrong would be right if two of its
//! arguments were exchanged.

use super::{Inference, TermContext};
use crate::name::TypeName;
use crate::scheme::Head;
use crate::table::{TypeId, TypeNode};
use crate::term::{Term, TermId};

impl Inference<'_, '_> {
    /// Returns an advice if a call fits when an argument, which has the type `found`, is exchanged
    /// with another one. `number` counts from 1. The types in the table are useless afterwards, so
    /// this is for a call whose error has been described.
    pub(super) fn exchange(
        &mut self,
        call: TermId,
        number: usize,
        found: TypeId,
    ) -> Option<String> {
        let (function, args) = self.call_parts(call);
        let mut types: Vec<Option<TypeId>> =
            args.iter().map(|arg| self.evident_type(*arg)).collect();
        let wrong = number - 1;
        *types.get_mut(wrong)? = Some(found);
        for other in 0..args.len() {
            if other == wrong || types[other].is_none() {
                continue;
            }
            let ty = self.evident_type(function)?;
            let text = self.texts(&[ty]).remove(0);
            let mut exchanged = types.clone();
            exchanged.swap(wrong, other);
            if self.fits(ty, &exchanged) {
                let (one, two) = (wrong.min(other) + 1, wrong.max(other) + 1);
                let name = self.subject(function, TermContext::Plain);
                return Some(format!(
                    "arguments {one} and {two} fit if they are exchanged: {name} has the type {text}"
                ));
            }
        }
        None
    }

    /// Returns the function of a call and its arguments.
    fn call_parts(&self, call: TermId) -> (TermId, Vec<TermId>) {
        let (mut function, mut args) = (call, Vec::new());
        while let Term::Apply(inner, arg) = self.terms.get(function) {
            args.push(*arg);
            function = *inner;
        }
        args.reverse();
        (function, args)
    }

    /// Returns the type of a term, as far as its outermost form says it.
    fn evident_type(&mut self, term: TermId) -> Option<TypeId> {
        match self.terms.get(term) {
            Term::Variable(_) | Term::Known { .. } => self.type_of_name(term).ok(),
            Term::Apply(..) => {
                let (function, args) = self.call_parts(term);
                let is_name =
                    matches!(self.terms.get(function), Term::Variable(_) | Term::Known { .. });
                let ty = is_name.then(|| self.type_of_name(function).ok())??;
                args.iter().try_fold(ty, |ty, _| Some(self.function_parts(ty)?.1))
            }
            Term::Row(items) => {
                let count = items.len();
                let items: Vec<TypeId> =
                    (0..count).map(|_| self.table.variable(self.level)).collect();
                Some(self.table.apply(Head::Tuple, items))
            }
            Term::List(..) => {
                let item = self.table.variable(self.level);
                Some(self.table.apply(Head::Named(TypeName::LIST), [item]))
            }
            Term::Lambda { arity, .. } => {
                let mut ty = self.table.variable(self.level);
                for _ in 0..*arity {
                    let parameter = self.table.variable(self.level);
                    ty = self.table.apply(Head::Function, [parameter, ty]);
                }
                Some(ty)
            }
            _ => None,
        }
    }

    /// Returns the parameter and the result of a function type.
    fn function_parts(&mut self, ty: TypeId) -> Option<(TypeId, TypeId)> {
        match self.table.applied(ty)? {
            (Head::Function, parts) => Some((parts[0], parts[1])),
            _ => None,
        }
    }

    /// Whether a function takes arguments of these types, where they are known.
    fn fits(&mut self, mut function: TypeId, types: &[Option<TypeId>]) -> bool {
        for ty in types {
            let Some((parameter, rest)) = self.function_parts(function) else { return false };
            if let Some(ty) = ty
                && !self.is_row_of(parameter, *ty)
                && self.table.unify(parameter, *ty).is_err()
            {
                return false;
            }
            function = rest;
        }
        true
    }

    /// Whether a type is a tuple, which a literal can be, and a parameter takes rows.
    fn is_row_of(&mut self, parameter: TypeId, ty: TypeId) -> bool {
        let is_tuple = matches!(self.table.node(ty), TypeNode::Apply(Head::Tuple, _));
        is_tuple
            && matches!(self.table.node(parameter), TypeNode::Apply(Head::Named(TypeName::ROW), _))
    }
}

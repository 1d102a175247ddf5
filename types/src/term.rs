//! Terms: the expressions whose types are inferred.
//!
//! Variables are de Bruijn indices. Variable 0 belongs to the innermost binder. A lambda of `n`
//! arguments binds `n + 1` variables: its last argument is 0, its first argument `n - 1`, and the
//! lambda itself `n`. The first value of a group is 0. This is the numbering of Sire's expressions.

use crate::name::TypeName;
use crate::scheme::{Scheme, Type};
use cranelift_entity::{PrimaryMap, entity_impl};
use std::rc::Rc;

/// A term of a [`Terms`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermId(u32);
entity_impl!(TermId, "term");

/// An arm of a [`Term::Case`].
#[derive(Clone, Debug)]
pub struct CaseArm {
    /// The index of the constructor in the datatype.
    pub constructor: usize,
    /// The value of the case. In it the variable that is examined has the row of the constructor's
    /// fields.
    pub body: TermId,
}

/// A node of a term.
#[derive(Clone, Debug)]
pub enum Term {
    /// A local variable.
    Variable(u32),
    /// A global name, or a constant.
    Known {
        /// The name, for messages.
        name: Option<Rc<str>>,
        /// The type.
        scheme: Rc<Scheme>,
    },
    /// A global name of untyped code.
    Untyped(Rc<str>),
    /// A function applied to an argument.
    Apply(TermId, TermId),
    /// A function of one argument or more.
    Lambda {
        /// The number of arguments.
        arity: u32,
        /// The body.
        body: TermId,
    },
    /// A value, and the body in which it is variable 0.
    Let(TermId, TermId),
    /// Values that refer to each other, and the body.
    Group(Box<[TermId]>, TermId),
    /// A row of these items.
    Row(Box<[TermId]>),
    /// A list of these items, and the list behind them, if it is not empty.
    List(Box<[TermId]>, Option<TermId>),
    /// A table with keys of this type and these values.
    Table(Type, Box<[TermId]>),
    /// A value of any type, used at any type.
    Coerce(TermId),
    /// A choice by the constructor of a value.
    Case {
        /// The variables that have the value that is examined.
        variables: Box<[u32]>,
        /// Its datatype.
        datatype: TypeName,
        /// The arms.
        arms: Box<[CaseArm]>,
        /// The value for all other constructors.
        fallback: Option<TermId>,
    },
}

/// The terms of a definition.
#[derive(Default, Debug)]
pub struct Terms {
    terms: PrimaryMap<TermId, Term>,
}

impl Terms {
    /// Adds a term. Its parts have been added before.
    pub fn add(&mut self, term: Term) -> TermId {
        self.terms.push(term)
    }

    /// Returns a term.
    pub fn get(&self, id: TermId) -> &Term {
        &self.terms[id]
    }

    /// Calls `visit` for each direct part of a term, with the number of variables that the term
    /// binds around it.
    pub(crate) fn parts(&self, id: TermId, mut visit: impl FnMut(TermId, u32)) {
        match &self.terms[id] {
            Term::Variable(_) | Term::Known { .. } | Term::Untyped(_) => {}
            Term::Apply(function, argument) => {
                visit(*function, 0);
                visit(*argument, 0);
            }
            Term::Lambda { arity, body } => visit(*body, arity + 1),
            Term::Let(value, body) => {
                visit(*value, 0);
                visit(*body, 1);
            }
            Term::Group(values, body) => {
                let count = values.len() as u32;
                values.iter().chain([body]).for_each(|part| visit(*part, count));
            }
            Term::Row(items) | Term::Table(_, items) => {
                items.iter().for_each(|item| visit(*item, 0));
            }
            Term::List(items, rest) => {
                items.iter().chain(rest).for_each(|item| visit(*item, 0));
            }
            Term::Coerce(inner) => visit(*inner, 0),
            Term::Case { arms, fallback, .. } => {
                arms.iter().for_each(|arm| visit(arm.body, 0));
                fallback.iter().for_each(|fallback| visit(*fallback, 0));
            }
        }
    }
}

//! Expressions of a wanted kind, over the variables in scope.
//!
//! One generator serves programs and the bodies of laws: an [`Expression`] is turned into either.

use super::super::{Term, shapes};
use super::Gen;

/// What an expression is meant to evaluate to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A nat.
    Nat,
    /// A function that takes so many nats, at least one, and then gives a nat.
    Function(u64),
    /// A row.
    Row,
    /// A bar.
    Bar,
    /// A set.
    Set,
    /// A table.
    Tab,
    /// A list: 0, or a row of its first item and the rest.
    List,
    /// Whatever it may be.
    Any,
}

/// An expression that may mention the variables of a law.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// The variable with this number: 0 is the law itself, then come arguments, then lets.
    Variable(u64),
    /// A value that stands for itself.
    Constant(Term),
    /// A function applied to an argument.
    App(Box<Expression>, Box<Expression>),
}

impl Expression {
    pub(super) fn app(self, argument: Expression) -> Expression {
        Expression::App(Box::new(self), Box::new(argument))
    }

    /// The expression outside of any law, where it has no variables: a term to be evaluated.
    pub(super) fn into_program(self) -> Term {
        match self {
            Expression::Variable(n) => Term::from(n),
            Expression::Constant(value) => value,
            Expression::App(f, x) => f.into_program().app(x.into_program()),
        }
    }
}

/// The variables that may be mentioned, and what they are expected to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) variables: Vec<(u64, Kind)>,
}

/// The constant `value`.
pub(super) fn constant(value: impl Into<Term>) -> Expression {
    Expression::Constant(value.into())
}

impl Gen {
    /// A random expression of in the order of `size` nodes.
    pub(super) fn expression(&mut self, kind: Kind, scope: &Scope, size: usize) -> Expression {
        if size <= 1 {
            return self.leaf(kind, scope);
        }
        if self.knows_any() && self.chance(2, 5) {
            return self.known_call(kind, scope, size);
        }
        if kind != Kind::Any && self.chance(1, 8) {
            return self.law_call(kind, scope, size);
        }
        match kind {
            Kind::Nat => self.nat_expression(scope, size),
            Kind::Function(arity) => self.function_expression(arity, scope, size),
            Kind::Row => {
                let count = self.index(5);
                self.row_expression(count, scope, size)
            }
            Kind::List => {
                let first = self.expression(Kind::Any, scope, size / 3);
                let rest = self.expression(Kind::List, scope, size / 2);
                constant(shapes::cow(2)).app(rest).app(first)
            }
            Kind::Bar => constant(self.bar()),
            Kind::Set => self.set_expression(0, scope, size),
            Kind::Tab => self.set_expression(2, scope, size),
            Kind::Any => self.any_expression(scope, size),
        }
    }

    /// A kind of data.
    pub(super) fn data_kind(&mut self) -> Kind {
        *self.pick(&[Kind::Row, Kind::Row, Kind::List, Kind::Bar, Kind::Set, Kind::Tab])
    }

    /// An expression of one node: a variable of that kind if there is one, or a constant.
    fn leaf(&mut self, kind: Kind, scope: &Scope) -> Expression {
        let fitting: Vec<u64> = scope
            .variables
            .iter()
            .filter(|(_, has)| kind == Kind::Any || kind == *has)
            .map(|(variable, _)| *variable)
            .collect();
        if !fitting.is_empty() && self.chance(3, 4) {
            return Expression::Variable(*self.pick(&fitting));
        }
        match kind {
            Kind::Nat => constant(self.nat()),
            Kind::Any => constant(self.value(2)),
            Kind::Function(1) if self.chance(1, 2) => constant(3),
            Kind::Function(arity) => constant(self.law(arity, 2)),
            Kind::Row => {
                let items = self.values(4);
                constant(shapes::row(items))
            }
            Kind::Bar => constant(self.bar()),
            Kind::Set => {
                let count = self.index(4);
                constant(shapes::set(self.keys(count)))
            }
            Kind::Tab => constant(self.tab(3)),
            Kind::List => constant(0),
        }
    }

    fn nat_expression(&mut self, scope: &Scope, size: usize) -> Expression {
        match self.below(48) {
            0..4 => self.leaf(Kind::Nat, scope),
            4..12 => constant(3).app(self.expression(Kind::Nat, scope, size - 1)),
            12..20 => {
                let part = size / 3;
                constant(2)
                    .app(self.expression(Kind::Nat, scope, part))
                    .app(self.expression(Kind::Function(1), scope, part))
                    .app(self.expression(Kind::Nat, scope, part))
            }
            20..36 => self.saturated_call(scope, size),
            36..40 => self.reflection(Kind::Nat, scope, size),
            40..44 => self.recursion(Kind::Nat, scope, size),
            44..47 => self.expression(Kind::Any, scope, size),
            _ => self.crash(scope, size),
        }
    }

    /// A function applied to as many nats as it takes.
    fn saturated_call(&mut self, scope: &Scope, size: usize) -> Expression {
        let arity = 1 + self.below(3);
        let part = size / (arity as usize + 1);
        let function = self.expression(Kind::Function(arity), scope, 2 * part);
        (0..arity).fold(function, |call, _| call.app(self.expression(Kind::Nat, scope, part)))
    }

    /// Operation 1 with a function for every kind of value, on anything.
    fn reflection(&mut self, kind: Kind, scope: &Scope, size: usize) -> Expression {
        let part = size / 5;
        let handlers: [(u64, &[&str]); 4] = [
            (1, &["4", "{0 1 1}", "<{'p' 1 (2 7)}>", "0"]),
            (3, &["0", "{0 3 1}", "{0 3 2}", "{0 3 3}", "{'l' 3 (0 (0 (2 (1 0)) 1) 3)}"]),
            (2, &["{0 2 1}", "{0 2 2}", "{0 2 (0 1 2)}", "{0 3 0}", "(0 0)"]),
            (1, &["3", "{0 1 1}", "{0 1 (0 (2 0) 1)}", "1"]),
        ];
        let mut call = constant(1);
        for (arity, known) in handlers {
            let handler = if kind == Kind::Any || self.chance(1, 3) {
                let text = self.pick(known);
                constant(Term::parse(text).expect("the handlers are written correctly"))
            } else {
                self.expression(Kind::Function(arity), scope, part)
            };
            call = call.app(handler);
        }
        call.app(self.expression(Kind::Any, scope, part))
    }

    /// A nat that is no operation, run.
    fn crash(&mut self, scope: &Scope, size: usize) -> Expression {
        let op = match self.below(3) {
            0 => Term::from(5),
            1 => Term::from("die"),
            _ => Term::Nat(self.nat()),
        };
        constant(op).app(self.expression(Kind::Any, scope, size - 1))
    }

    fn function_expression(&mut self, arity: u64, scope: &Scope, size: usize) -> Expression {
        match self.below(24) {
            0..3 => self.leaf(Kind::Function(arity), scope),
            3..9 => constant(self.law(arity, size)),
            9..12 => constant(self.law(arity, size).pin()),
            12..17 => {
                let function = self.expression(Kind::Function(arity + 1), scope, size / 2);
                let closure = function.app(self.expression(Kind::Nat, scope, size / 2));
                if self.chance(1, 3) { constant(4).app(closure) } else { closure }
            }
            17..20 => constant(4).app(self.expression(Kind::Function(arity), scope, size - 1)),
            20..22 => self.law_creation(arity, scope, size),
            _ => {
                let part = size / 3;
                let other = self.expression(Kind::Function(arity + 1), scope, part);
                constant(2)
                    .app(self.expression(Kind::Function(arity), scope, part))
                    .app(other)
                    .app(self.expression(Kind::Nat, scope, part))
            }
        }
    }

    /// Operation 0, for a law of that arity.
    fn law_creation(&mut self, arity: u64, scope: &Scope, size: usize) -> Expression {
        let law = self.law(arity, size / 2);
        let Term::Law { body, .. } = &law else { unreachable!("a law was asked for") };
        let body = Term::clone(body);
        let name = if self.chance(1, 2) {
            constant(self.name())
        } else {
            self.expression(Kind::Nat, scope, size / 4)
        };
        let arity = match self.below(12) {
            0 => self.expression(Kind::Nat, scope, size / 4),
            1..4 => constant(3).app(constant(arity - 1)),
            _ => constant(arity),
        };
        let body = if self.chance(1, 6) {
            self.expression(Kind::Any, scope, size / 4)
        } else {
            constant(body)
        };
        constant(0).app(name).app(arity).app(body)
    }

    fn any_expression(&mut self, scope: &Scope, size: usize) -> Expression {
        match self.below(24) {
            0..2 => self.leaf(Kind::Any, scope),
            2..4 => constant(self.value(size)),
            4..9 => {
                let count = self.index(4);
                self.row_expression(count, scope, size)
            }
            9..11 => {
                let form = self.below(6);
                self.set_expression(form, scope, size)
            }
            11..14 => constant(4).app(self.expression(Kind::Any, scope, size - 1)),
            14..17 => self.reflection(Kind::Any, scope, size),
            17..19 => {
                let arity = 1 + self.below(4);
                self.expression(Kind::Function(arity), scope, size)
            }
            19..21 => {
                let arity = 1 + self.below(3);
                self.law_creation(arity, scope, size)
            }
            21 => {
                let f = self.expression(Kind::Any, scope, size / 2);
                f.app(self.expression(Kind::Any, scope, size / 2))
            }
            _ => self.expression(Kind::Nat, scope, size),
        }
    }

    /// A row whose elements are left unevaluated, at times with one too few or too many.
    fn row_expression(&mut self, count: usize, scope: &Scope, size: usize) -> Expression {
        let given = match self.below(12) {
            0 => count + 1,
            1 => count.saturating_sub(1),
            _ => count,
        };
        let part = size / (given + 1);
        let constructor = if self.chance(1, 3) {
            constant(0).app(constant(0)).app(constant(count as u64 + 1)).app(constant(0))
        } else {
            constant(shapes::cow(count as u64))
        };
        (0..given).fold(constructor, |row, _| row.app(self.expression(Kind::Any, scope, part)))
    }

    /// A set made at run time, its keys in any order; values for them, from form 2 on, make it a
    /// table; form 5 has an argument too many.
    fn set_expression(&mut self, form: u64, scope: &Scope, size: usize) -> Expression {
        let count = self.index(4);
        let keys = if self.chance(1, 2) {
            self.row_expression(count, scope, size / 2)
        } else {
            constant(shapes::row(self.keys(count)))
        };
        let set = constant(0).app(constant(1)).app(constant(2)).app(keys);
        match form {
            0..2 => set,
            2..5 => set.app(self.row_expression(count, scope, size / 2)),
            _ => {
                let values = self.row_expression(count, scope, size / 3);
                set.app(values).app(self.expression(Kind::Any, scope, size / 3))
            }
        }
    }
}

//! Expressions of a given type, over the variables in scope.
//!
//! One generator serves programs and the bodies of laws: an [`Expression`] is converted to either.

use super::super::{Term, shapes};
use super::generator::TermGenerator;
use super::types::{TermType, TypedScope};

/// An expression that may mention the variables of a law.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// The variable with this number: 0 is the law itself, followed by arguments, then lets.
    Variable(u64),
    /// A constant.
    Constant(Term),
    /// A function applied to an argument.
    App(Box<Expression>, Box<Expression>),
}

impl Expression {
    pub(super) fn app(self, argument: Expression) -> Expression {
        Expression::App(Box::new(self), Box::new(argument))
    }

    /// Converts the expression to a term to be evaluated. Outside of a law it has no variables.
    pub(super) fn into_program(self) -> Term {
        match self {
            Expression::Variable(n) => Term::from(n),
            Expression::Constant(value) => value,
            Expression::App(f, x) => f.into_program().app(x.into_program()),
        }
    }
}

/// Returns the constant `value`.
pub(super) fn constant(value: impl Into<Term>) -> Expression {
    Expression::Constant(value.into())
}

impl TermGenerator {
    /// Returns a random expression of about `size` nodes.
    pub(super) fn expression(
        &mut self,
        ty: TermType,
        scope: &TypedScope,
        size: usize,
    ) -> Expression {
        if size <= 1 {
            return self.leaf(ty, scope);
        }
        if self.knows_any() && self.chance(2, 5) {
            return self.known_call(ty, scope, size);
        }
        if ty != TermType::Any && self.chance(1, 8) {
            return self.law_call(ty, scope, size);
        }
        match ty {
            TermType::Nat => self.nat_expression(scope, size),
            TermType::Function(arity) => self.function_expression(arity, scope, size),
            TermType::Row => {
                let count = self.index(5);
                self.row_expression(count, scope, size)
            }
            TermType::List => {
                let first = self.expression(TermType::Any, scope, size / 3);
                let rest = self.expression(TermType::List, scope, size / 2);
                constant(shapes::cow(2)).app(rest).app(first)
            }
            TermType::Bar => constant(self.bar()),
            TermType::Set => self.set_expression(0, scope, size),
            TermType::Tab => self.set_expression(2, scope, size),
            TermType::Any => self.any_expression(scope, size),
        }
    }

    /// Returns a type of data.
    pub(super) fn data_type(&mut self) -> TermType {
        *self.pick(&[
            TermType::Row,
            TermType::Row,
            TermType::List,
            TermType::Bar,
            TermType::Set,
            TermType::Tab,
        ])
    }

    /// Returns an expression of one node: a variable of that type if there is one, or a constant.
    fn leaf(&mut self, ty: TermType, scope: &TypedScope) -> Expression {
        let fitting: Vec<u64> = scope
            .variables
            .iter()
            .filter(|(_, has)| ty == TermType::Any || ty == *has)
            .map(|(variable, _)| *variable)
            .collect();
        if !fitting.is_empty() && self.chance(3, 4) {
            return Expression::Variable(*self.pick(&fitting));
        }
        match ty {
            TermType::Nat => constant(self.nat()),
            TermType::Any => constant(self.value(2)),
            TermType::Function(1) if self.chance(1, 2) => constant(3),
            TermType::Function(arity) => constant(self.law(arity, 2)),
            TermType::Row => {
                let items = self.values(4);
                constant(shapes::row(items))
            }
            TermType::Bar => constant(self.bar()),
            TermType::Set => {
                let count = self.index(4);
                constant(shapes::set(self.keys(count)))
            }
            TermType::Tab => constant(self.tab(3)),
            TermType::List => constant(0),
        }
    }

    fn nat_expression(&mut self, scope: &TypedScope, size: usize) -> Expression {
        match self.below(48) {
            0..4 => self.leaf(TermType::Nat, scope),
            4..12 => constant(3).app(self.expression(TermType::Nat, scope, size - 1)),
            12..20 => {
                let part = size / 3;
                constant(2)
                    .app(self.expression(TermType::Nat, scope, part))
                    .app(self.expression(TermType::Function(1), scope, part))
                    .app(self.expression(TermType::Nat, scope, part))
            }
            20..36 => self.saturated_call(scope, size),
            36..40 => self.reflection(TermType::Nat, scope, size),
            40..44 => self.recursion(TermType::Nat, scope, size),
            44..47 => self.expression(TermType::Any, scope, size),
            _ => self.crash(scope, size),
        }
    }

    /// Returns a function applied to all its arguments, which are nats.
    fn saturated_call(&mut self, scope: &TypedScope, size: usize) -> Expression {
        let arity = 1 + self.below(3);
        let part = size / (arity as usize + 1);
        let function = self.expression(TermType::Function(arity), scope, 2 * part);
        (0..arity).fold(function, |call, _| call.app(self.expression(TermType::Nat, scope, part)))
    }

    /// Returns operation 1 with a function for every kind of value, applied to anything.
    fn reflection(&mut self, ty: TermType, scope: &TypedScope, size: usize) -> Expression {
        let part = size / 5;
        let handlers: [(u64, &[&str]); 4] = [
            (1, &["4", "{0 1 1}", "<{'p' 1 (2 7)}>", "0"]),
            (3, &["0", "{0 3 1}", "{0 3 2}", "{0 3 3}", "{'l' 3 (0 (0 (2 (1 0)) 1) 3)}"]),
            (2, &["{0 2 1}", "{0 2 2}", "{0 2 (0 1 2)}", "{0 3 0}", "(0 0)"]),
            (1, &["3", "{0 1 1}", "{0 1 (0 (2 0) 1)}", "1"]),
        ];
        let mut call = constant(1);
        for (arity, known) in handlers {
            let handler = if ty == TermType::Any || self.chance(1, 3) {
                let text = self.pick(known);
                constant(Term::parse(text).expect("the handlers parse"))
            } else {
                self.expression(TermType::Function(arity), scope, part)
            };
            call = call.app(handler);
        }
        call.app(self.expression(TermType::Any, scope, part))
    }

    /// Returns a call of a nat that is not an operation.
    fn crash(&mut self, scope: &TypedScope, size: usize) -> Expression {
        let op = match self.below(3) {
            0 => Term::from(5),
            1 => Term::from("die"),
            _ => Term::Nat(self.nat()),
        };
        constant(op).app(self.expression(TermType::Any, scope, size - 1))
    }

    fn function_expression(&mut self, arity: u64, scope: &TypedScope, size: usize) -> Expression {
        match self.below(24) {
            0..3 => self.leaf(TermType::Function(arity), scope),
            3..9 => constant(self.law(arity, size)),
            9..12 => constant(self.law(arity, size).pin()),
            12..17 => {
                let function = self.expression(TermType::Function(arity + 1), scope, size / 2);
                let closure = function.app(self.expression(TermType::Nat, scope, size / 2));
                if self.chance(1, 3) { constant(4).app(closure) } else { closure }
            }
            17..20 => constant(4).app(self.expression(TermType::Function(arity), scope, size - 1)),
            20..22 => self.law_creation(arity, scope, size),
            _ => {
                let part = size / 3;
                let other = self.expression(TermType::Function(arity + 1), scope, part);
                constant(2)
                    .app(self.expression(TermType::Function(arity), scope, part))
                    .app(other)
                    .app(self.expression(TermType::Nat, scope, part))
            }
        }
    }

    /// Returns a call of operation 0, for a law of that arity.
    fn law_creation(&mut self, arity: u64, scope: &TypedScope, size: usize) -> Expression {
        let law = self.law(arity, size / 2);
        let Term::Law { body, .. } = &law else { unreachable!("`law` returns a law") };
        let body = Term::clone(body);
        let name = if self.chance(1, 2) {
            constant(self.name())
        } else {
            self.expression(TermType::Nat, scope, size / 4)
        };
        let arity = match self.below(12) {
            0 => self.expression(TermType::Nat, scope, size / 4),
            1..4 => constant(3).app(constant(arity - 1)),
            _ => constant(arity),
        };
        let body = if self.chance(1, 6) {
            self.expression(TermType::Any, scope, size / 4)
        } else {
            constant(body)
        };
        constant(0).app(name).app(arity).app(body)
    }

    fn any_expression(&mut self, scope: &TypedScope, size: usize) -> Expression {
        match self.below(24) {
            0..2 => self.leaf(TermType::Any, scope),
            2..4 => constant(self.value(size)),
            4..9 => {
                let count = self.index(4);
                self.row_expression(count, scope, size)
            }
            9..11 => {
                let form = self.below(6);
                self.set_expression(form, scope, size)
            }
            11..14 => constant(4).app(self.expression(TermType::Any, scope, size - 1)),
            14..17 => self.reflection(TermType::Any, scope, size),
            17..19 => {
                let arity = 1 + self.below(4);
                self.expression(TermType::Function(arity), scope, size)
            }
            19..21 => {
                let arity = 1 + self.below(3);
                self.law_creation(arity, scope, size)
            }
            21 => {
                let f = self.expression(TermType::Any, scope, size / 2);
                f.app(self.expression(TermType::Any, scope, size / 2))
            }
            _ => self.expression(TermType::Nat, scope, size),
        }
    }

    /// Returns a row with unevaluated elements, at times with one too few or too many.
    fn row_expression(&mut self, count: usize, scope: &TypedScope, size: usize) -> Expression {
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
        (0..given).fold(constructor, |row, _| row.app(self.expression(TermType::Any, scope, part)))
    }

    /// Returns a set made at run time, with its keys in any order. From form 2 on, values for the
    /// keys make it a table; form 5 has an argument too many.
    fn set_expression(&mut self, form: u64, scope: &TypedScope, size: usize) -> Expression {
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
                set.app(values).app(self.expression(TermType::Any, scope, size / 3))
            }
        }
    }
}

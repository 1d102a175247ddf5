//! Laws: arguments, lets that refer to one another in any order, and the encoding of bodies.

use super::super::Term;
use super::expression::Expression;
use super::generator::TermGenerator;
use super::types::{TermType, TypedScope};

impl TermGenerator {
    /// Returns a random law that takes `arity` nats and is meant to return a nat.
    pub(super) fn law(&mut self, arity: u64, size: usize) -> Term {
        if self.chance(1, 12) {
            let body = self.body_form(size);
            return Term::law(self.name(), arity, body);
        }
        let parameters: Vec<TermType> = (0..arity)
            .map(|_| if self.chance(1, 8) { TermType::Any } else { TermType::Nat })
            .collect();
        self.typed_law(&parameters, TermType::Nat, size)
    }

    /// Returns a random law with these parameter types that is meant to return `result`.
    pub(super) fn typed_law(
        &mut self,
        parameters: &[TermType],
        result: TermType,
        size: usize,
    ) -> Term {
        let arity = parameters.len() as u64;
        let self_reference =
            (0, if self.chance(1, 16) { TermType::Function(arity) } else { TermType::Any });
        let count = if size < 3 { 0 } else { [0, 0, 0, 0, 1, 1, 2, 2, 3, 4][self.index(10)] };
        let lets: Vec<(u64, TermType)> =
            (1..=count).map(|i| (arity + i, self.let_type())).collect();

        let mut outer = vec![self_reference];
        outer.extend((1..).zip(parameters.iter().copied()));
        let part = size / (lets.len() + 1);
        let values = self.let_values(&outer, &lets, part);
        outer.extend(lets);
        let body = self.expression(result, &TypedScope { variables: outer }, part);
        self.build_law(arity, &values, body)
    }

    fn let_type(&mut self) -> TermType {
        match self.below(8) {
            0..4 => TermType::Nat,
            4 => TermType::Function(1 + self.below(2)),
            5 => self.data_type(),
            _ => TermType::Any,
        }
    }

    /// Returns the values of the lets.
    ///
    /// A let mostly mentions only those before it in a random order, so that references go in both
    /// directions but are rarely cyclic.
    fn let_values(
        &mut self,
        outer: &[(u64, TermType)],
        lets: &[(u64, TermType)],
        size: usize,
    ) -> Vec<Expression> {
        let mut ranks: Vec<usize> = (0..lets.len()).collect();
        self.shuffle(&mut ranks);
        let mut values = Vec::new();
        for (i, &(_, ty)) in lets.iter().enumerate() {
            // Cyclic data and functions are useful: they are lazy.
            let lazy = matches!(ty, TermType::Row | TermType::List | TermType::Function(_));
            let any_reference = self.chance(if lazy { 3 } else { 1 }, 8);
            let mut scope = TypedScope { variables: outer.to_vec() };
            for (j, &variable) in lets.iter().enumerate() {
                if any_reference || ranks[j] < ranks[i] {
                    scope.variables.push(variable);
                }
            }
            values.push(self.expression(ty, &scope, size));
        }
        values
    }

    /// Returns the law with these lets and this body.
    pub(super) fn build_law(&mut self, arity: u64, lets: &[Expression], body: Expression) -> Term {
        let last = arity + lets.len() as u64;
        let end = self.write_body(&body, last, true);
        let body = lets.iter().rev().fold(end, |rest, value| {
            let value = self.write_body(value, last, false);
            Term::from(1).app(value).app(rest)
        });
        Term::law(self.name(), arity, body)
    }

    /// Encodes an expression in a body whose last variable is `last`.
    ///
    /// `outermost` is for the expression behind the lets, where a form of operation 1 would be
    /// decoded as another let.
    fn write_body(&mut self, expression: &Expression, last: u64, outermost: bool) -> Term {
        match expression {
            Expression::Variable(n) => Term::from(*n),
            Expression::App(f, x) => {
                let f = self.write_body(f, last, false);
                let x = self.write_body(x, last, false);
                Term::from(0).app(f).app(x)
            }
            Expression::Constant(value) => {
                if has_body_meaning(value, last, outermost) || self.chance(1, 4) {
                    Term::from(2).app(value.clone())
                } else {
                    value.clone()
                }
            }
        }
    }
}

/// Whether a value in a body would be decoded as a variable, an app, a quoted constant or a let.
fn has_body_meaning(value: &Term, last: u64, outermost: bool) -> bool {
    let is = |term: &Term, n: u64| term.as_nat().is_some_and(|m| *m == n);
    match value.spine() {
        (Term::Nat(n), arguments) if arguments.is_empty() => *n <= last,
        (head, arguments) => match arguments.len() {
            1 => is(head, 2),
            2 => is(head, 0) || (outermost && is(head, 1)),
            _ => false,
        },
    }
}

//! Calls: of laws made for the purpose, of laws that call themselves and each other, and of functions
//! that were made known to the generator.

use super::super::Term;
use super::Gen;
use super::expression::{Expression, Kind, Scope, constant};

/// A function that programs may use, for instance a law that a jet stands for.
#[derive(Clone, Debug)]
pub struct Known {
    /// The function.
    pub function: Term,
    /// What it takes, at least one argument.
    pub takes: Vec<Kind>,
    /// What it gives.
    pub gives: Kind,
}

impl Gen {
    pub(super) fn knows_any(&self) -> bool {
        !self.known.is_empty()
    }

    /// A call of a known function that gives something of that kind, if there is one; at times one
    /// with an argument too many or, where any kind will do, too few.
    pub(super) fn known_call(&mut self, kind: Kind, scope: &Scope, size: usize) -> Expression {
        let wanted = if let Kind::Function(_) = kind { Kind::Nat } else { kind };
        let lacking = if let Kind::Function(arity) = kind { arity as usize } else { 0 };
        let fits = |known: &Known| {
            let given = known.takes.len().checked_sub(lacking);
            let nats = |kinds: &[Kind]| kinds.iter().all(|kind| *kind == Kind::Nat);
            (wanted == Kind::Any || wanted == known.gives)
                && given.is_some_and(|given| nats(&known.takes[given..]))
        };
        let fitting: Vec<usize> =
            (0..self.known.len()).filter(|&known| fits(&self.known[known])).collect();
        if fitting.is_empty() {
            return self.law_call(kind, scope, size);
        }
        let chosen = *self.pick(&fitting);
        let Known { function, mut takes, .. } = self.known[chosen].clone();
        takes.truncate(takes.len() - lacking);
        match self.below(32) {
            0 => takes.push(Kind::Any),
            1 if kind == Kind::Any => drop(takes.pop()),
            _ => {}
        }
        self.call(constant(function), &takes, scope, size)
    }

    /// A function applied to arguments of these kinds, which share `size`.
    fn call(
        &mut self,
        function: Expression,
        takes: &[Kind],
        scope: &Scope,
        size: usize,
    ) -> Expression {
        let part = size / (takes.len() + 1);
        takes.iter().fold(function, |call, &kind| {
            // Now and then something else.
            let kind = if self.chance(1, 32) { Kind::Any } else { kind };
            call.app(self.expression(kind, scope, part))
        })
    }

    /// A call of a law made for it: one that calls itself, or takes more than nats, or gives a
    /// function that takes the last arguments.
    pub(super) fn law_call(&mut self, kind: Kind, scope: &Scope, size: usize) -> Expression {
        match self.below(8) {
            0..2 => self.recursion(kind, scope, size),
            2 => self.mutual_recursion(kind, scope, size),
            3 if kind == Kind::Nat => {
                let rest = 1 + self.below(2);
                let takes = self.kinds();
                let law = self.law_between(&takes, Kind::Function(rest), size / 2);
                let takes = [takes, vec![Kind::Nat; rest as usize]].concat();
                self.call(constant(law), &takes, scope, size / 2)
            }
            _ => {
                let takes = self.kinds();
                let law = self.law_between(&takes, kind, size / 2);
                let law = self.perhaps_pinned(law);
                self.call(constant(law), &takes, scope, size / 2)
            }
        }
    }

    /// One to three kinds.
    fn kinds(&mut self) -> Vec<Kind> {
        let count = 1 + self.below(3);
        let kind = |generator: &mut Gen| match generator.below(8) {
            0..3 => Kind::Nat,
            3 => Kind::Function(1 + generator.below(2)),
            4 => Kind::Any,
            _ => generator.data_kind(),
        };
        (0..count).map(|_| kind(self)).collect()
    }

    fn perhaps_pinned(&mut self, law: Term) -> Term {
        if self.chance(1, 2) { law.pin() } else { law }
    }

    /// A law that calls itself for each number below its first argument, and a call of it. What it
    /// gives is either accumulated in its second argument, or made of what the inner call gives.
    pub(super) fn recursion(&mut self, kind: Kind, scope: &Scope, size: usize) -> Expression {
        let variable = Expression::Variable;
        let inner = Scope { variables: vec![(2, kind), (3, Kind::Nat)] };
        let again = if self.chance(1, 2) {
            // {3 self, acc, n} = self n step
            let step = self.expression(kind, &inner, size / 2);
            self.law_of(3, &[], variable(1).app(variable(3)).app(step))
        } else {
            // {3 self, acc, n} = @ inner = self n acc; step
            let inner = Scope { variables: vec![(4, kind), (2, kind), (3, Kind::Nat)] };
            let step = self.expression(kind, &inner, size / 2);
            self.law_of(3, &[variable(1).app(variable(3)).app(variable(2))], step)
        };
        // {2 n, acc} = natCase acc (again self acc) n
        let next = constant(again).app(variable(0)).app(variable(2));
        let body = constant(2).app(variable(2)).app(next).app(variable(1));
        let law = self.law_of(2, &[], body);
        let law = self.perhaps_pinned(law);
        let turns = self.below(10);
        constant(law).app(constant(turns)).app(self.expression(kind, scope, size / 2))
    }

    /// Two closures that call each other, bound to each other by a law's lets.
    fn mutual_recursion(&mut self, kind: Kind, scope: &Scope, size: usize) -> Expression {
        let variable = Expression::Variable;
        // {3 other, start, n} = natCase start (other..) n, where the step may use what is there.
        let closures: Vec<Expression> = (0..2)
            .map(|_| {
                let inner = Scope { variables: vec![(4, kind), (3, Kind::Nat)] };
                let step = self.expression(kind, &inner, size / 4);
                // {3 other, start, m} = @ inner = other m; step
                let next = self.law_of(2, &[], variable(1).app(variable(2)));
                let next = constant(next).app(variable(1));
                let lets = [constant(2).app(variable(2)).app(next).app(variable(3))];
                let law = self.law_of(3, &lets, step);
                constant(self.perhaps_pinned(law))
            })
            .collect();
        // {2 start, n} = @ even = a odd start; @ odd = b even start; even n
        let [a, b] = [&closures[0], &closures[1]].map(Expression::clone);
        let lets = [a.app(variable(4)).app(variable(1)), b.app(variable(3)).app(variable(1))];
        let law = self.law_of(2, &lets, variable(3).app(variable(2)));
        let turns = self.below(10);
        constant(law).app(self.expression(kind, scope, size / 2)).app(constant(turns))
    }
}

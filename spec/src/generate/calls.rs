//! Calls of new laws, of laws that call themselves and each other, and of known functions.

use super::super::Term;
use super::expression::{Expression, constant};
use super::generator::TermGenerator;
use super::types::{KnownFunction, TermType, TypedScope};

impl TermGenerator {
    pub(super) fn knows_any(&self) -> bool {
        !self.known.is_empty()
    }

    /// Returns a call of a known function of that result type, if there is one; at times one with
    /// an argument too many or, where any type will do, too few.
    pub(super) fn known_call(
        &mut self,
        ty: TermType,
        scope: &TypedScope,
        size: usize,
    ) -> Expression {
        let wanted = if let TermType::Function(_) = ty { TermType::Nat } else { ty };
        let lacking = if let TermType::Function(arity) = ty { arity as usize } else { 0 };
        let fits = |known: &KnownFunction| {
            let given = known.parameters.len().checked_sub(lacking);
            let nats =
                |argument_types: &[TermType]| argument_types.iter().all(|ty| *ty == TermType::Nat);
            (wanted == TermType::Any || wanted == known.result)
                && given.is_some_and(|given| nats(&known.parameters[given..]))
        };
        let fitting: Vec<usize> =
            (0..self.known.len()).filter(|&known| fits(&self.known[known])).collect();
        if fitting.is_empty() {
            return self.law_call(ty, scope, size);
        }
        let chosen = *self.pick(&fitting);
        let KnownFunction { function, mut parameters, .. } = self.known[chosen].clone();
        parameters.truncate(parameters.len() - lacking);
        match self.below(32) {
            0 => parameters.push(TermType::Any),
            1 if ty == TermType::Any => drop(parameters.pop()),
            _ => {}
        }
        self.call(constant(function), &parameters, scope, size)
    }

    /// Returns a function applied to arguments of these types, which share `size`.
    fn call(
        &mut self,
        function: Expression,
        parameters: &[TermType],
        scope: &TypedScope,
        size: usize,
    ) -> Expression {
        let part = size / (parameters.len() + 1);
        parameters.iter().fold(function, |call, &ty| {
            // Occasionally an argument of any type.
            let ty = if self.chance(1, 32) { TermType::Any } else { ty };
            call.app(self.expression(ty, scope, part))
        })
    }

    /// Returns a call of a new law: one that calls itself, or takes more than nats, or returns a
    /// function that takes the last arguments.
    pub(super) fn law_call(&mut self, ty: TermType, scope: &TypedScope, size: usize) -> Expression {
        match self.below(8) {
            0..2 => self.recursion(ty, scope, size),
            2 => self.mutual_recursion(ty, scope, size),
            3 if ty == TermType::Nat => {
                let rest = 1 + self.below(2);
                let parameters = self.argument_types();
                let law = self.typed_law(&parameters, TermType::Function(rest), size / 2);
                let parameters = [parameters, vec![TermType::Nat; rest as usize]].concat();
                self.call(constant(law), &parameters, scope, size / 2)
            }
            _ => {
                let parameters = self.argument_types();
                let law = self.typed_law(&parameters, ty, size / 2);
                let law = self.maybe_pinned(law);
                self.call(constant(law), &parameters, scope, size / 2)
            }
        }
    }

    /// Returns one to three argument types.
    fn argument_types(&mut self) -> Vec<TermType> {
        let count = 1 + self.below(3);
        let ty = |generator: &mut TermGenerator| match generator.below(8) {
            0..3 => TermType::Nat,
            3 => TermType::Function(1 + generator.below(2)),
            4 => TermType::Any,
            _ => generator.data_type(),
        };
        (0..count).map(|_| ty(self)).collect()
    }

    fn maybe_pinned(&mut self, law: Term) -> Term {
        if self.chance(1, 2) { law.pin() } else { law }
    }

    /// Returns a law that calls itself for each number below its first argument, and a call of it.
    /// The result is accumulated in the second argument, or made of the result of the inner call.
    pub(super) fn recursion(
        &mut self,
        ty: TermType,
        scope: &TypedScope,
        size: usize,
    ) -> Expression {
        let variable = Expression::Variable;
        let inner = TypedScope { variables: vec![(2, ty), (3, TermType::Nat)] };
        let again = if self.chance(1, 2) {
            // {3 self, acc, n} = self n step
            let step = self.expression(ty, &inner, size / 2);
            self.build_law(3, &[], variable(1).app(variable(3)).app(step))
        } else {
            // {3 self, acc, n} = @ inner = self n acc; step
            let inner = TypedScope { variables: vec![(4, ty), (2, ty), (3, TermType::Nat)] };
            let step = self.expression(ty, &inner, size / 2);
            self.build_law(3, &[variable(1).app(variable(3)).app(variable(2))], step)
        };
        // {2 n, acc} = natCase acc (again self acc) n
        let next = constant(again).app(variable(0)).app(variable(2));
        let body = constant(2).app(variable(2)).app(next).app(variable(1));
        let law = self.build_law(2, &[], body);
        let law = self.maybe_pinned(law);
        let turns = self.below(10);
        constant(law).app(constant(turns)).app(self.expression(ty, scope, size / 2))
    }

    /// Returns a call of one of two closures that call each other, bound to each other by a law's
    /// lets.
    fn mutual_recursion(&mut self, ty: TermType, scope: &TypedScope, size: usize) -> Expression {
        let variable = Expression::Variable;
        // {3 other, start, n} = natCase start (other..) n, where the step may use the variables in
        // scope.
        let closures: Vec<Expression> = (0..2)
            .map(|_| {
                let inner = TypedScope { variables: vec![(4, ty), (3, TermType::Nat)] };
                let step = self.expression(ty, &inner, size / 4);
                // {3 other, start, m} = @ inner = other m; step
                let next = self.build_law(2, &[], variable(1).app(variable(2)));
                let next = constant(next).app(variable(1));
                let lets = [constant(2).app(variable(2)).app(next).app(variable(3))];
                let law = self.build_law(3, &lets, step);
                constant(self.maybe_pinned(law))
            })
            .collect();
        // {2 start, n} = @ even = a odd start; @ odd = b even start; even n
        let [a, b] = [&closures[0], &closures[1]].map(Expression::clone);
        let lets = [a.app(variable(4)).app(variable(1)), b.app(variable(3)).app(variable(1))];
        let law = self.build_law(2, &lets, variable(3).app(variable(2)));
        let turns = self.below(10);
        constant(law).app(self.expression(ty, scope, size / 2)).app(constant(turns))
    }
}

//! Facts at the current point of the function being written: how variables were defined,
//! which operands are equal, which operations have been done. A trail undoes the facts of a scope
//! at its end.

use crate::ir::{Op, Operand, Prim, Var};
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::rc::Rc;

/// A number for each loop of the function being written; 0 outside loops.
pub(super) type LoopNumber = u32;

#[derive(Default)]
pub(super) struct ScopedFacts {
    /// For each variable up to the last one with a fact.
    vars: Vec<VarFacts>,
    /// The results of operations done, except for those that force a variable, and the count of
    /// evaluations before each.
    results: HashMap<Rc<Op>, (Operand, usize), FixedState>,
    /// The count of operations so far that may evaluate something.
    evaluations: usize,
    /// The facts to restore, oldest first.
    trail: Vec<OldFact>,
}

/// The facts about a variable.
#[derive(Default)]
struct VarFacts {
    /// The operation that defines it and the loop it is in, unless the operation says nothing about
    /// the value.
    definition: Option<(Rc<Op>, LoopNumber)>,
    /// An operand with the same value, from the branch taken.
    equal: Option<Operand>,
    /// Its value, if it has been forced.
    forced: Option<Operand>,
    /// Whether its word is no nat below 2^63.
    is_not_direct: bool,
}

enum OldFact {
    Equal(Var, Option<Operand>),
    Forced(Var, Option<Operand>),
    Result(Rc<Op>, Option<(Operand, usize)>),
    NotDirect(Var),
}

/// The length of the trail at the start of a scope.
#[derive(Clone, Copy)]
pub(super) struct FactScope(usize);

impl ScopedFacts {
    fn of(&self, var: Var) -> Option<&VarFacts> {
        self.vars.get(var.index())
    }

    fn of_mut(&mut self, var: Var) -> &mut VarFacts {
        if self.vars.len() <= var.index() {
            self.vars.resize_with(var.index() + 1, VarFacts::default);
        }
        &mut self.vars[var.index()]
    }

    /// Starts a scope; [`leave`](ScopedFacts::leave) undoes its facts.
    pub(super) fn enter(&self) -> FactScope {
        FactScope(self.trail.len())
    }

    pub(super) fn leave(&mut self, scope: FactScope) {
        while self.trail.len() > scope.0 {
            match self.trail.pop() {
                Some(OldFact::Equal(var, old)) => self.of_mut(var).equal = old,
                Some(OldFact::Forced(var, old)) => self.of_mut(var).forced = old,
                Some(OldFact::Result(op, Some(old))) => drop(self.results.insert(op, old)),
                Some(OldFact::Result(op, None)) => drop(self.results.remove(&op)),
                Some(OldFact::NotDirect(var)) => self.of_mut(var).is_not_direct = false,
                None => return,
            }
        }
    }

    /// Records the definition of a variable. It holds as long as the variable is in scope.
    pub(super) fn set_definition(&mut self, var: Var, op: Rc<Op>, in_loop: LoopNumber) {
        self.of_mut(var).definition = Some((op, in_loop));
    }

    /// The operation that defines an operand, if it is a variable with a recorded definition.
    pub(super) fn definition(&self, operand: Operand) -> Option<&Op> {
        let Operand::Var(var) = operand else { return None };
        self.of(var)?.definition.as_ref().map(|(op, _)| &**op)
    }

    pub(super) fn is_defined_in(&self, var: Var, in_loop: LoopNumber) -> bool {
        let definition = self.of(var).and_then(|facts| facts.definition.as_ref());
        definition.is_some_and(|(_, defined_in)| *defined_in == in_loop)
    }

    /// Records that an operand equals another one that says more.
    pub(super) fn equate(&mut self, operand: Operand, value: Operand) {
        if let Operand::Var(var) = operand {
            let old = self.of_mut(var).equal.replace(value);
            self.trail.push(OldFact::Equal(var, old));
        }
    }

    /// Records that the word of an operand is no nat below 2^63.
    pub(super) fn set_not_direct(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand
            && !std::mem::replace(&mut self.of_mut(var).is_not_direct, true)
        {
            self.trail.push(OldFact::NotDirect(var));
        }
    }

    pub(super) fn is_not_direct(&self, operand: Operand) -> bool {
        let Operand::Var(var) = operand else { return false };
        self.of(var).is_some_and(|facts| facts.is_not_direct)
    }

    /// Records the result of an operation.
    pub(super) fn set_result(&mut self, op: Rc<Op>, result: Operand) {
        if let Op::Force(Operand::Var(var)) = *op {
            let old = self.of_mut(var).forced.replace(result);
            self.trail.push(OldFact::Forced(var, old));
            return;
        }
        let old = self.results.insert(op.clone(), (result, self.evaluations));
        self.trail.push(OldFact::Result(op, old));
    }

    /// Notes that something may be evaluated at this point, or has been on the way to it.
    pub(super) fn note_evaluation(&mut self) {
        self.evaluations += 1;
    }

    /// The result of an earlier operation like this one. A test for being evaluated has to be repeated after an
    /// evaluation, which may have evaluated the tested value as well.
    pub(super) fn result(&self, op: &Op) -> Option<Operand> {
        if let Op::Force(Operand::Var(var)) = *op {
            return self.of(var)?.forced;
        }
        let (result, evaluations) = *self.results.get(op)?;
        let is_current =
            !matches!(op, Op::Prim(Prim::Evaluated, _)) || evaluations == self.evaluations;
        is_current.then_some(result)
    }

    /// The operand with the same value about which most is known.
    pub(super) fn resolve(&self, operand: Operand) -> Operand {
        let Operand::Var(var) = operand else { return operand };
        let Some(facts) = self.of(var) else { return operand };
        match (facts.equal, facts.forced) {
            (Some(equal), _) => equal,
            (None, Some(forced)) => self.resolve_equal(forced),
            (None, None) => operand,
        }
    }

    fn resolve_equal(&self, operand: Operand) -> Operand {
        let Operand::Var(var) = operand else { return operand };
        self.of(var).and_then(|facts| facts.equal).unwrap_or(operand)
    }
}

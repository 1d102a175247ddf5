//! What is known at a place of the function being written: how variables were made, what is known
//! to be equal, which operations have been done. Facts are taken back when their scope ends.

use crate::ir::{Op, Operand, Var};
use foldhash::fast::FixedState;
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Facts {
    /// Of each variable; those after the last one that something is known of are left out.
    vars: Vec<Known>,
    /// The results of operations done, but for evaluations of variables.
    done: HashMap<Op, Operand, FixedState>,
    /// What was known before, to be taken back.
    log: Vec<Undo>,
}

/// What is known of a variable.
#[derive(Default)]
struct Known {
    /// How it was made, if that says something of its value, and in which loop.
    made: Option<(Op, u32)>,
    /// What it is, by the branch that was taken.
    equal: Option<Operand>,
    /// Its value, if it has been evaluated.
    forced: Option<Operand>,
    /// Whether it is no nat below 2^63.
    is_not_direct: bool,
}

enum Undo {
    Equal(Var, Option<Operand>),
    Forced(Var, Option<Operand>),
    Done(Op, Option<Operand>),
    NotDirect(Var),
}

impl Facts {
    fn of(&self, var: Var) -> Option<&Known> {
        self.vars.get(var.index())
    }

    fn of_mut(&mut self, var: Var) -> &mut Known {
        if self.vars.len() <= var.index() {
            self.vars.resize_with(var.index() + 1, Known::default);
        }
        &mut self.vars[var.index()]
    }

    /// The present scope, for [`Facts::leave`].
    pub(super) fn enter(&self) -> usize {
        self.log.len()
    }

    pub(super) fn leave(&mut self, scope: usize) {
        while self.log.len() > scope {
            match self.log.pop() {
                Some(Undo::Equal(var, before)) => self.of_mut(var).equal = before,
                Some(Undo::Forced(var, before)) => self.of_mut(var).forced = before,
                Some(Undo::Done(op, Some(before))) => drop(self.done.insert(op, before)),
                Some(Undo::Done(op, None)) => drop(self.done.remove(&op)),
                Some(Undo::NotDirect(var)) => self.of_mut(var).is_not_direct = false,
                None => return,
            }
        }
    }

    pub(super) fn made(&mut self, var: Var, op: &Op, in_loop: u32) {
        self.of_mut(var).made = Some((op.clone(), in_loop));
    }

    /// How an operand was made, if it is a variable of which that says something.
    pub(super) fn maker(&self, operand: Operand) -> Option<&Op> {
        let Operand::Var(var) = operand else { return None };
        self.of(var)?.made.as_ref().map(|(op, _)| op)
    }

    pub(super) fn is_made_in(&self, var: Var, in_loop: u32) -> bool {
        let made = self.of(var).and_then(|known| known.made.as_ref());
        made.is_some_and(|(_, made_in)| *made_in == in_loop)
    }

    pub(super) fn equate(&mut self, operand: Operand, value: Operand) {
        if let Operand::Var(var) = operand {
            let before = self.of_mut(var).equal.replace(value);
            self.log.push(Undo::Equal(var, before));
        }
    }

    /// Notes that something is no nat below 2^63.
    pub(super) fn not_direct(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand
            && !std::mem::replace(&mut self.of_mut(var).is_not_direct, true)
        {
            self.log.push(Undo::NotDirect(var));
        }
    }

    /// Whether something is known to be no nat below 2^63.
    pub(super) fn is_not_direct(&self, operand: Operand) -> bool {
        let Operand::Var(var) = operand else { return false };
        self.of(var).is_some_and(|known| known.is_not_direct)
    }

    pub(super) fn done(&mut self, op: Op, result: Operand) {
        if let Op::Force(Operand::Var(var)) = op {
            let before = self.of_mut(var).forced.replace(result);
            self.log.push(Undo::Forced(var, before));
            return;
        }
        let before = self.done.insert(op.clone(), result);
        self.log.push(Undo::Done(op, before));
    }

    pub(super) fn result(&self, op: &Op) -> Option<Operand> {
        match *op {
            Op::Force(Operand::Var(var)) => self.of(var)?.forced,
            _ => self.done.get(op).copied(),
        }
    }

    /// The most telling operand that is the same value.
    pub(super) fn best(&self, operand: Operand) -> Operand {
        let Operand::Var(var) = operand else { return operand };
        let Some(known) = self.of(var) else { return operand };
        match (known.equal, known.forced) {
            (Some(equal), _) => equal,
            (None, Some(forced)) => self.known_equal(forced),
            (None, None) => operand,
        }
    }

    fn known_equal(&self, operand: Operand) -> Operand {
        let Operand::Var(var) = operand else { return operand };
        self.of(var).and_then(|known| known.equal).unwrap_or(operand)
    }
}

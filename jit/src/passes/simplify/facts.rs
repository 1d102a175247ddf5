//! What is known at a place of the function being written: how variables were made, what is known
//! to be equal, which operations have been done. Facts are taken back when their scope ends.

use crate::ir::{Op, Operand, Var};
use std::collections::{HashMap, HashSet};

#[derive(Default)]
pub(super) struct Facts {
    /// How variables were made; of those that say something of a value.
    made: HashMap<Var, Op>,
    /// Which loop they were made in.
    made_in: HashMap<Var, u32>,
    /// What a variable is, by the branch that was taken.
    equal: HashMap<Var, Operand>,
    /// The results of operations done.
    done: HashMap<Op, Operand>,
    /// Variables that are no nats below 2^63.
    not_direct: HashSet<Var>,
    /// What was known before, to be taken back.
    log: Vec<Undo>,
}

enum Undo {
    Equal(Var, Option<Operand>),
    Done(Op, Option<Operand>),
    NotDirect(Var),
}

impl Facts {
    /// The present scope, for [`Facts::leave`].
    pub(super) fn enter(&self) -> usize {
        self.log.len()
    }

    pub(super) fn leave(&mut self, scope: usize) {
        while self.log.len() > scope {
            match self.log.pop() {
                Some(Undo::Equal(var, Some(before))) => drop(self.equal.insert(var, before)),
                Some(Undo::Equal(var, None)) => drop(self.equal.remove(&var)),
                Some(Undo::Done(op, Some(before))) => drop(self.done.insert(op, before)),
                Some(Undo::Done(op, None)) => drop(self.done.remove(&op)),
                Some(Undo::NotDirect(var)) => drop(self.not_direct.remove(&var)),
                None => return,
            }
        }
    }

    pub(super) fn made(&mut self, var: Var, op: &Op, in_loop: u32) {
        self.made.insert(var, op.clone());
        self.made_in.insert(var, in_loop);
    }

    /// How an operand was made, if it is a variable of which that says something.
    pub(super) fn maker(&self, operand: Operand) -> Option<&Op> {
        match operand {
            Operand::Var(var) => self.made.get(&var),
            _ => None,
        }
    }

    pub(super) fn is_made_in(&self, var: Var, in_loop: u32) -> bool {
        self.made_in.get(&var) == Some(&in_loop)
    }

    pub(super) fn equate(&mut self, operand: Operand, value: Operand) {
        if let Operand::Var(var) = operand {
            let before = self.equal.insert(var, value);
            self.log.push(Undo::Equal(var, before));
        }
    }

    /// Notes that something is no nat below 2^63.
    pub(super) fn not_direct(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand
            && self.not_direct.insert(var)
        {
            self.log.push(Undo::NotDirect(var));
        }
    }

    /// Whether something is known to be no nat below 2^63.
    pub(super) fn is_not_direct(&self, operand: Operand) -> bool {
        matches!(operand, Operand::Var(var) if self.not_direct.contains(&var))
    }

    pub(super) fn done(&mut self, op: Op, result: Operand) {
        let before = self.done.insert(op.clone(), result);
        self.log.push(Undo::Done(op, before));
    }

    pub(super) fn result(&self, op: &Op) -> Option<Operand> {
        self.done.get(op).copied()
    }

    /// The most telling operand that is the same value.
    pub(super) fn best(&self, operand: Operand) -> Operand {
        let Operand::Var(var) = operand else { return operand };
        if let Some(&equal) = self.equal.get(&var) {
            return equal;
        }
        match self.done.get(&Op::Force(operand)) {
            Some(&forced) => self.known_equal(forced),
            None => operand,
        }
    }

    fn known_equal(&self, operand: Operand) -> Operand {
        match operand {
            Operand::Var(var) => self.equal.get(&var).copied().unwrap_or(operand),
            _ => operand,
        }
    }
}

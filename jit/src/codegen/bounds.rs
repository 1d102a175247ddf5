//! Bounds of nats, from the branches on the way to a block.
//!
//! PLAN's predecessor of 0, and its difference where the first operand is less, are 0. With a lower bound
//! the test for that case is left out. A lower bound says something only of direct nats, those below 2^63:
//! the operations test for other values first. A value that is less than a direct nat is one itself, and so is its
//! successor: the index of a loop that is less than a length needs no test.

use crate::ir::{Op, Operand, Prim, Stmt, Var};
use std::rc::Rc;

/// The bounds that hold on the way to a block, the latest last.
#[derive(Clone, Default)]
pub(super) struct Bounds(Option<Rc<(Var, Bound, Bounds)>>);

/// What is known of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// If it is a direct nat, it is at least this.
    Least(u64),
    /// It is less than a direct nat.
    LessThanDirect,
}

impl Bounds {
    /// The greatest known lower bound of an operand.
    pub(super) fn least(&self, operand: Operand) -> u64 {
        let var = match operand {
            Operand::Var(var) => var,
            Operand::Small(nat) => return nat,
            Operand::Constant(_) => return 0,
        };
        let least = self.of(var).map(|bound| match bound {
            Bound::Least(least) => least,
            Bound::LessThanDirect => 0,
        });
        least.max().unwrap_or(0)
    }

    /// Whether a variable is known to be less than a direct nat.
    pub(super) fn is_less_than_direct(&self, operand: Operand) -> bool {
        let Operand::Var(var) = operand else { return false };
        self.of(var).any(|bound| bound == Bound::LessThanDirect)
    }

    /// The bounds of a variable.
    fn of(&self, var: Var) -> impl Iterator<Item = Bound> {
        let all = std::iter::successors(self.0.as_deref(), |(.., before)| before.0.as_deref());
        all.filter(move |(other, ..)| *other == var).map(|(_, bound, _)| *bound)
    }

    /// Adds a lower bound.
    fn with(&self, operand: Operand, least: u64) -> Bounds {
        match operand {
            Operand::Var(var) if least > self.least(operand) => self.and(var, Bound::Least(least)),
            _ => self.clone(),
        }
    }

    /// Adds that a value is less than another, which is a direct nat if `is_direct` holds.
    fn with_less(&self, operand: Operand, is_direct: bool) -> Bounds {
        match operand {
            Operand::Var(var) if is_direct && !self.is_less_than_direct(operand) => {
                self.and(var, Bound::LessThanDirect)
            }
            _ => self.clone(),
        }
    }

    fn and(&self, var: Var, bound: Bound) -> Bounds {
        Bounds(Some(Rc::new((var, bound, self.clone()))))
    }

    /// The bounds where `condition`, which one of the statements computes, has the outcome `holds`. `is_direct` says
    /// that an operand is a direct nat by its type.
    pub(super) fn after(
        &self,
        stmts: &[Stmt],
        condition: Operand,
        holds: bool,
        is_direct: impl Fn(Operand) -> bool,
    ) -> Bounds {
        let Operand::Var(wanted) = condition else { return self.clone() };
        let made = stmts.iter().rev().find_map(|stmt| match stmt {
            Stmt::Let(vars, Op::Prim(prim, operands)) if vars[..] == [wanted] => {
                Some((*prim, &operands[..]))
            }
            _ => None,
        });
        match (made, holds) {
            (Some((Prim::IsZero | Prim::Not, &[a])), false) => self.with(a, 1),
            (Some((Prim::Truth, &[a])), true) => self.with(a, 1),
            (Some((Prim::Eq, &[a, Operand::Small(0)])), false) => self.with(a, 1),
            (Some((Prim::Lt, &[a, b])), false) | (Some((Prim::Ge, &[a, b])), true) => {
                self.with(a, self.least(b))
            }
            (Some((Prim::Le, &[a, b])), false) | (Some((Prim::Gt, &[a, b])), true) => {
                self.with(a, self.least(b) + 1).with_less(b, is_direct(a))
            }
            (Some((Prim::Gt, &[a, b])), false) | (Some((Prim::Le, &[a, b])), true) => {
                self.with(b, self.least(a))
            }
            (Some((Prim::Ge, &[a, b])), false) | (Some((Prim::Lt, &[a, b])), true) => {
                self.with(b, self.least(a) + 1).with_less(a, is_direct(b))
            }
            _ => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_bound_what_they_compare() {
        let [a, b, c] = [0, 1, 2].map(Var::from_u32);
        let test = |prim, operands: &[Operand]| {
            vec![Stmt::Let(vec![c], Op::Prim(prim, operands.to_vec()))]
        };
        let none = Bounds::default();
        let after = |bounds: &Bounds, stmts: &[Stmt], condition: Var, holds| {
            bounds.after(stmts, condition.into(), holds, |operand| operand == b.into())
        };
        let lt = test(Prim::Lt, &[a.into(), Operand::Small(2)]);
        assert_eq!(after(&none, &lt, c, false).least(a.into()), 2);
        assert_eq!(after(&none, &lt, c, true).least(a.into()), 0);
        assert_eq!(after(&none, &lt, b, false).least(a.into()), 0);
        let le = test(Prim::Le, &[a.into(), b.into()]);
        assert_eq!(after(&none, &le, c, false).least(a.into()), 1);
        let zero = test(Prim::IsZero, &[b.into()]);
        let known = after(&none, &zero, c, false);
        assert_eq!(after(&known, &le, c, false).least(a.into()), 2);
        assert_eq!(after(&known, &le, c, false).least(b.into()), 1);
        assert_eq!(none.least(Operand::Small(7)), 7);
        let less = test(Prim::Lt, &[a.into(), b.into()]);
        assert!(after(&none, &less, c, true).is_less_than_direct(a.into()));
        assert!(!after(&none, &less, c, false).is_less_than_direct(a.into()));
        assert!(!after(&none, &lt, c, true).is_less_than_direct(a.into()), "by its type alone");
        assert!(after(&none, &le, c, false).least(a.into()) == 1, "a lower bound stays one");
    }
}

//! Lower bounds of nats, from the branches on the way to a block.
//!
//! PLAN's predecessor of 0, and its difference where the first operand is less, are 0. With a lower bound
//! the test for that case is left out. A bound says something only of direct nats, those below 2^63: the
//! operations test for other values first.

use crate::ir::{Op, Operand, Prim, Stmt, Var};
use std::rc::Rc;

/// The bounds that hold on the way to a block, the latest last.
#[derive(Clone, Default)]
pub(super) struct Bounds(Option<Rc<(Var, u64, Bounds)>>);

impl Bounds {
    /// The greatest known lower bound of an operand.
    pub(super) fn least(&self, operand: Operand) -> u64 {
        let var = match operand {
            Operand::Var(var) => var,
            Operand::Small(nat) => return nat,
            Operand::Constant(_) => return 0,
        };
        let (mut bounds, mut least) = (self, 0);
        while let Some(known) = &bounds.0 {
            if known.0 == var {
                least = least.max(known.1);
            }
            bounds = &known.2;
        }
        least
    }

    /// Adds a bound.
    fn with(&self, operand: Operand, least: u64) -> Bounds {
        match operand {
            Operand::Var(var) if least > self.least(operand) => {
                Bounds(Some(Rc::new((var, least, self.clone()))))
            }
            _ => self.clone(),
        }
    }

    /// The bounds where `condition`, which one of the statements computes, has the outcome `holds`.
    pub(super) fn after(&self, stmts: &[Stmt], condition: Operand, holds: bool) -> Bounds {
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
                self.with(a, self.least(b) + 1)
            }
            (Some((Prim::Gt, &[a, b])), false) | (Some((Prim::Le, &[a, b])), true) => {
                self.with(b, self.least(a))
            }
            (Some((Prim::Ge, &[a, b])), false) | (Some((Prim::Lt, &[a, b])), true) => {
                self.with(b, self.least(a) + 1)
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
        let lt = test(Prim::Lt, &[a.into(), Operand::Small(2)]);
        assert_eq!(none.after(&lt, c.into(), false).least(a.into()), 2);
        assert_eq!(none.after(&lt, c.into(), true).least(a.into()), 0);
        assert_eq!(none.after(&lt, b.into(), false).least(a.into()), 0);
        let le = test(Prim::Le, &[a.into(), b.into()]);
        assert_eq!(none.after(&le, c.into(), false).least(a.into()), 1);
        let zero = test(Prim::IsZero, &[b.into()]);
        let known = none.after(&zero, c.into(), false);
        assert_eq!(known.after(&le, c.into(), false).least(a.into()), 2);
        assert_eq!(known.after(&le, c.into(), false).least(b.into()), 1);
        assert_eq!(none.least(Operand::Small(7)), 7);
    }
}

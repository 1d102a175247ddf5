//! What branches say of nats: which are not below some number where a block is written.
//!
//! The predecessor of what is not 0, and the difference of what is not less, need no care of what is
//! below 0. A bound holds for a variable if it is a nat that is a word by itself; for other values it
//! says nothing.

use crate::ir::{Op, Operand, Prim, Stmt, Var};
use std::rc::Rc;

/// Lower bounds that hold on the way to a block, the latest last.
#[derive(Clone, Default)]
pub(super) struct Bounds(Option<Rc<(Var, u64, Bounds)>>);

impl Bounds {
    /// What an operand is not below.
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

    fn with(&self, operand: Operand, least: u64) -> Bounds {
        match operand {
            Operand::Var(var) if least > self.least(operand) => {
                Bounds(Some(Rc::new((var, least, self.clone()))))
            }
            _ => self.clone(),
        }
    }

    /// The bounds where a condition holds, or does not, that some of these statements have made.
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
            // Not below the other, or above it.
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

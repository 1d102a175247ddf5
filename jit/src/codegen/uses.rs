//! How the variables of a function are used: as values, or only as words of 64 bits.

use crate::ir::{Function, Op, Operand, Prim, Stmt, Var};

/// Whether an operation takes the result of a word operation as a raw word.
pub(super) fn takes_raw_words(prim: Prim) -> bool {
    prim.is_word64() || matches!(prim, Prim::Truth | Prim::Not | Prim::IsZero)
}

/// The count of uses of each variable of a function.
pub(super) struct UseCounts {
    all: Vec<u32>,
    /// Those by operations that take raw words.
    raw: Vec<u32>,
}

impl UseCounts {
    pub(super) fn of(function: &Function) -> UseCounts {
        let none = vec![0; function.vars.len()];
        let mut uses = UseCounts { all: none.clone(), raw: none };
        for block in function.blocks.values() {
            for stmt in &block.stmts {
                match stmt {
                    Stmt::Let(_, op) => uses.count_in(op),
                    Stmt::Rec(group) => group.iter().for_each(|(_, op)| uses.count_in(op)),
                    Stmt::Join(_) => {}
                }
            }
            let operands = block.terminator.operands().into_iter();
            operands.for_each(|operand| count(&mut uses.all, operand));
        }
        uses
    }

    fn count_in(&mut self, op: &Op) {
        let is_raw = matches!(op, Op::Prim(prim, _) if takes_raw_words(*prim));
        for operand in op.operands() {
            count(&mut self.all, operand);
            if is_raw {
                count(&mut self.raw, operand);
            }
        }
    }

    /// Whether a variable is used once.
    pub(super) fn is_used_once(&self, var: Var) -> bool {
        self.all[var.index()] == 1
    }

    /// Whether some use of a variable needs the value, and not only a raw word.
    pub(super) fn needs_value(&self, var: Var) -> bool {
        self.all[var.index()] > self.raw[var.index()]
    }
}

fn count(counts: &mut [u32], operand: Operand) {
    if let Operand::Var(var) = operand {
        counts[var.index()] += 1;
    }
}

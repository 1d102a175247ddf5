//! How often the variables of a function are used.

use crate::ir::{Function, Operand, Stmt, Var};

/// The count of uses of each variable of a function.
pub(super) struct UseCounts(Vec<u32>);

impl UseCounts {
    pub(super) fn of(function: &Function) -> UseCounts {
        let mut counts = vec![0; function.vars.len()];
        let mut count = |operand| {
            if let Operand::Var(var) = operand {
                counts[var.index()] += 1;
            }
        };
        for block in function.blocks.values() {
            let ops = block.stmts.iter().flat_map(Stmt::ops);
            ops.flat_map(|op| op.operands()).for_each(&mut count);
            block.terminator.operands().into_iter().for_each(&mut count);
        }
        UseCounts(counts)
    }

    /// Whether a variable is used once.
    pub(super) fn is_used_once(&self, var: Var) -> bool {
        self.0[var.index()] == 1
    }
}

//! Gathering: the items of a row that a block reads are read together, where the first one is.
//!
//! Then the row need not be kept while something is evaluated in between, and what hangs on the items
//! that were read before can go: folding a tree that is made lazily keeps a path of it, not all.

use super::info;
use crate::ir::{Function, Op, Operand, Prim, Stmt, Unit, Var};

pub(super) fn gather(unit: &mut Unit) {
    for function in &mut unit.functions {
        for block in info::blocks(function, function.entry) {
            gather_block(function, block.index());
        }
    }
}

fn gather_block(function: &mut Function, block: usize) {
    let stmts = std::mem::take(&mut function.blocks[block].stmts);
    let mut written: Vec<Stmt> = Vec::with_capacity(stmts.len());
    for stmt in stmts {
        let first = item_of(&stmt)
            .and_then(|row| written.iter().rposition(|other| item_of(other) == Some(row)));
        match first {
            Some(first) => written.insert(first + 1, stmt),
            None => written.push(stmt),
        }
    }
    function.blocks[block].stmts = written;
}

/// The row of which a statement reads an item whose number is written out.
fn item_of(stmt: &Stmt) -> Option<Var> {
    match stmt {
        Stmt::Let(_, Op::Prim(Prim::Item, operands)) => match operands[..] {
            [Operand::Var(row), Operand::Small(_)] => Some(row),
            _ => None,
        },
        _ => None,
    }
}

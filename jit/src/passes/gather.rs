//! Gathering: reads of a row's items in one block move up to the first read of that row.
//!
//! After the last read the row is dead, and so are the items that were read before it as soon as
//! they are used. Otherwise a row stays live across a call between two reads, and the collector
//! keeps all that it refers to: a fold over a lazily made tree would keep the whole tree instead of
//! one path. (The leak that Wadler, "Fixing some space leaks with a garbage collector", 1987, fixes
//! in the collector.)

use crate::ir::{Block, Op, Operand, Prim, Stmt, Unit, Var};

pub(super) fn gather(unit: &mut Unit) {
    for function in unit.functions.values_mut() {
        for block in function.live_blocks() {
            gather_block(&mut function.blocks[block]);
        }
    }
}

fn gather_block(block: &mut Block) {
    let stmts = std::mem::take(&mut block.stmts);
    let mut scheduled: Vec<Stmt> = Vec::with_capacity(stmts.len());
    for stmt in stmts {
        let last_read = row_read_by(&stmt)
            .and_then(|row| scheduled.iter().rposition(|other| row_read_by(other) == Some(row)));
        match last_read {
            Some(index) => scheduled.insert(index + 1, stmt),
            None => scheduled.push(stmt),
        }
    }
    block.stmts = scheduled;
}

/// The row from which a statement reads an item at a literal index.
fn row_read_by(stmt: &Stmt) -> Option<Var> {
    match stmt {
        Stmt::Let(_, Op::Prim(Prim::Item, operands)) => match operands[..] {
            [Operand::Var(row), Operand::Small(_)] => Some(row),
            _ => None,
        },
        _ => None,
    }
}

//! Loops that count an index up from 0 and the turns that are left down from the number of items, as
//! folds do: the index is the number of items without the turns that are left. So it is in bounds, and
//! the loop need not keep it.
//!
//! ```text
//! before  f1(v0, v1, v2) { if v2 { v3 = item v0, v1; v4 = inc v1; v5 = dec v2; tail call f1(v0, v4, v5) } .. }
//!         f1(row, 0, count)
//! after   the item is read at (sub count, v2)
//! ```

use super::slice::definition;
use crate::ir::{Call, Function, Op, Operand, Prim, Stmt, Terminator, Type, Var};

/// The parameter of a loop that is the number of its turns from this one to the last, if all reads of a
/// row are in one block, where that number is not 0, and their index starts at 0. `calls` are the calls
/// of the loop to itself, `args` those of the call from outside with the number of items of the row.
pub(super) fn turns_left(
    function: &Function,
    calls: &[Call],
    (args, count): (&[Operand], Operand),
    (row, index): (Var, Var),
) -> Option<Var> {
    let steps = |place: usize, param: Var, step: Prim| {
        calls.iter().all(|call| match definition(function, call.args[place]) {
            Some(Op::Prim(prim, of)) => *prim == step && of[0] == Operand::Var(param),
            _ => false,
        })
    };
    let index_place = function.params.iter().position(|param| *param == index)?;
    if args[index_place] != Operand::Small(0) || !steps(index_place, index, Prim::Inc) {
        return None;
    }
    let counts_turns = |&place: &usize| {
        let param = function.params[place];
        args[place] == count
            && function.vars[param].is(Type::Small)
            && steps(place, param, Prim::Dec)
            && reads_only_if_not_zero(function, param, row)
    };
    (0..args.len()).find(counts_turns).map(|place| function.params[place])
}

/// Whether a function starts with a test for 0 of a parameter, and reads items of a row only in one
/// block, where it is not 0.
fn reads_only_if_not_zero(function: &Function, tested: Var, row: Var) -> bool {
    let Terminator::If(condition, yes, no) = function.blocks[function.entry].terminator else {
        return false;
    };
    let not_zero = match definition(function, condition) {
        Some(Op::Prim(Prim::Truth, of)) if of[0] == Operand::Var(tested) => yes,
        Some(Op::Prim(Prim::IsZero, of)) if of[0] == Operand::Var(tested) => no,
        _ => return false,
    };
    let inside = function.blocks_under(not_zero);
    let mut blocks = function.live_blocks();
    blocks.retain(|block| function.blocks[*block].stmts.iter().any(|stmt| reads(stmt, row)));
    blocks.len() == 1 && inside.contains(&blocks[0])
}

fn reads(stmt: &Stmt, row: Var) -> bool {
    stmt.ops().any(|op| matches!(op, Op::Prim(Prim::Item, of) if of[0] == Operand::Var(row)))
}

/// Lets a loop read a row at the index that is the number of items without the number of turns that
/// are left. Returns that index.
pub(super) fn index_from_end(
    function: &mut Function,
    row: Var,
    count: Operand,
    left: Var,
) -> Operand {
    let index = function.new_var(Type::Small);
    for block in function.live_blocks() {
        let stmts = &mut function.blocks[block].stmts;
        let Some(first) = stmts.iter().position(|stmt| reads(stmt, row)) else { continue };
        let at_row =
            |op: &&mut Op| matches!(op, Op::Prim(Prim::Item, of) if of[0] == Operand::Var(row));
        for op in stmts.iter_mut().flat_map(Stmt::ops_mut).filter(at_row) {
            *op = Op::Prim(Prim::Item, vec![row.into(), index.into()]);
        }
        let difference = Op::Prim(Prim::Sub, vec![count, left.into()]);
        stmts.insert(first, Stmt::Let(vec![index], difference));
    }
    index.into()
}

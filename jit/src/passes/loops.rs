//! Loops: self tail calls become jumps to a loop header.
//!
//! The code of a thunk may also end by entering a thunk of the same code that it has just
//! allocated, as a filter does for an item that it drops. That becomes a jump as well, without the
//! thunk.

use crate::ir::{
    BlockId, Callee, DEPTH_LIMIT, Function, FunctionId, Op, Operand, Stmt, Terminator, Unit, Var,
};

pub(super) fn jump_instead_of_calling(unit: &mut Unit) {
    for (id, function) in unit.functions.iter_mut() {
        let repeats = |block: &BlockId| next_iteration(function, id, *block).is_some();
        let back_edges: Vec<BlockId> = function.live_blocks().into_iter().filter(repeats).collect();
        if back_edges.is_empty() || function.depth_under(function.entry) >= DEPTH_LIMIT {
            continue;
        }
        let header = function.joins.next_key();
        for block in back_edges {
            let Some(args) = next_iteration(function, id, block) else { continue };
            let block = &mut function.blocks[block];
            if let Terminator::Enter(_) = block.terminator {
                block.stmts.pop();
            }
            block.terminator = Terminator::Jump(header, args);
        }
        let inner = function.params.clone();
        let types = function.param_types();
        let outer: Vec<Var> = types.into_iter().map(|ty| function.new_var(ty)).collect();
        let body = function.entry;
        let header = function.new_join(inner, body, true);
        let args = outer.iter().map(|var| Operand::Var(*var)).collect();
        function.entry = function.new_block(Terminator::Jump(header, args));
        function.blocks[function.entry].stmts.push(Stmt::Join(header));
        function.params = outer;
    }
}

/// The arguments with which a block starts the function again, if it ends with that.
fn next_iteration(function: &Function, id: FunctionId, block: BlockId) -> Option<Vec<Operand>> {
    let block = &function.blocks[block];
    match (&block.terminator, block.stmts.last()) {
        (Terminator::Tail(call), _) if call.callee == Callee::Local(id) => Some(call.args.clone()),
        (
            Terminator::Enter(Operand::Var(thunk)),
            Some(Stmt::Let(vars, Op::Thunk(entry, captures))),
        ) if *entry == id && vars[..] == [*thunk] => Some(captures.clone()),
        _ => None,
    }
}

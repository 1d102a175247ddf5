//! Loops: a function's tail calls of itself become jumps.
//!
//! So do, in a thunk's code, ends that evaluate a thunk of the same code that has just been made: what a
//! filter does with an item that it drops.

use super::info;
use crate::ir::{
    BlockId, Callee, DEPTH_LIMIT, End, Function, FunctionId, JoinId, Op, Operand, Stmt, Unit, Var,
};

pub(super) fn loops(unit: &mut Unit) {
    for (index, function) in unit.functions.iter_mut().enumerate() {
        let id = FunctionId(index as u32);
        let blocks = info::blocks(function, function.entry);
        let repeats: Vec<BlockId> =
            blocks.into_iter().filter(|block| again(function, id, *block).is_some()).collect();
        if repeats.is_empty() || info::depth(function, function.entry) >= DEPTH_LIMIT {
            continue;
        }
        let header = JoinId(function.joins.len() as u32);
        for block in repeats {
            let Some(args) = again(function, id, block) else { continue };
            let block = &mut function.blocks[block.index()];
            if let End::Enter(_) = block.end {
                block.stmts.pop();
            }
            block.end = End::Jump(header, args);
        }
        let inner = function.params.clone();
        let types = function.param_types();
        let outer: Vec<Var> = types.into_iter().map(|ty| function.var(ty)).collect();
        let body = function.entry;
        let header = function.join(inner, body, true);
        let args = outer.iter().map(|var| Operand::Var(*var)).collect();
        function.entry = function.block(End::Jump(header, args));
        function.blocks[function.entry.index()].stmts.push(Stmt::Join(header));
        function.params = outer;
    }
}

/// What a block ends with evaluating the function itself for, if it does.
fn again(function: &Function, id: FunctionId, block: BlockId) -> Option<Vec<Operand>> {
    let block = &function.blocks[block.index()];
    match (&block.end, block.stmts.last()) {
        (End::Tail(call), _) if call.callee == Callee::Local(id) => Some(call.args.clone()),
        (End::Enter(Operand::Var(thunk)), Some(Stmt::Let(vars, Op::Thunk(entry, captures))))
            if *entry == id && vars[..] == [*thunk] =>
        {
            Some(captures.clone())
        }
        _ => None,
    }
}

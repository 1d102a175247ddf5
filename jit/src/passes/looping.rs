//! Loops: a function's tail calls of itself become jumps.

use super::info;
use crate::ir::{BlockId, Callee, DEPTH_LIMIT, End, FunctionId, JoinId, Operand, Stmt, Unit, Var};

pub(super) fn loops(unit: &mut Unit) {
    for (index, function) in unit.functions.iter_mut().enumerate() {
        let own = Callee::Local(FunctionId(index as u32));
        let blocks = info::blocks(function, function.entry);
        let calls_itself = |id: &BlockId| matches!(&function.blocks[id.index()].end, End::Tail(call) if call.callee == own);
        let repeats: Vec<BlockId> = blocks.iter().copied().filter(calls_itself).collect();
        if repeats.is_empty() || info::depth(function, function.entry) >= DEPTH_LIMIT {
            continue;
        }
        let header = JoinId(function.joins.len() as u32);
        for id in repeats {
            let end = &mut function.blocks[id.index()].end;
            if let End::Tail(call) = end {
                *end = End::Jump(header, std::mem::take(&mut call.args));
            }
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

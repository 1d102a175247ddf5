//! The edges of a unit's call graph.

use crate::ir::{Call, Callee, Function, FunctionId, Op, Operand, Terminator, Unit};

/// The calls in tail position.
pub(crate) fn tail_calls(function: &Function) -> impl Iterator<Item = &Call> {
    function.live_blocks().into_iter().filter_map(|id| match &function.blocks[id].terminator {
        Terminator::Tail(call) => Some(call),
        _ => None,
    })
}

/// The functions of the unit that a function calls, in tail position or not; with duplicates.
pub(crate) fn called_functions(function: &Function) -> Vec<FunctionId> {
    references(function, false)
}

/// The functions of the unit that a function calls or makes thunks of, in order of appearance; with
/// duplicates.
pub(crate) fn referenced_functions(function: &Function) -> Vec<FunctionId> {
    references(function, true)
}

fn references(function: &Function, with_thunks: bool) -> Vec<FunctionId> {
    let local = |call: &Call| match call.callee {
        Callee::Local(function) => Some(function),
        _ => None,
    };
    let mut found = Vec::new();
    for id in function.live_blocks() {
        let block = &function.blocks[id];
        for op in block.stmts.iter().flat_map(|stmt| stmt.ops()) {
            match op {
                Op::Thunk(entry, _) | Op::Generate(entry, _) if with_thunks => found.push(*entry),
                Op::Call(call) => found.extend(local(call)),
                _ => {}
            }
        }
        if let Terminator::Tail(call) = &block.terminator {
            found.extend(local(call));
        }
    }
    found
}

/// The entries of the laws of the unit that a function delays applications of.
pub(crate) fn delayed_entries(unit: &Unit, function: &Function) -> Vec<FunctionId> {
    let entry = |op: &Op| match op {
        Op::Delay(Operand::Constant(k), _) => unit.constants[*k].entry,
        _ => None,
    };
    function.live_ops().filter_map(entry).collect()
}

//! Loop peeling by types: the first turn of a loop whose later turns get evaluated values, or nats, where the
//! first may get others, has code of its own.
//!
//! ```text
//! before  f1(v0: any, v1: whnf) { .. v2 = force v0; .. tail call f1(v2, v3) }
//! after   f1(v0: any, v1: whnf) { .. v2 = force v0; .. tail call f2(v2, v3) }
//!         f2(v0: whnf, v1: whnf) { .. tail call f2(v0, v3) }
//! ```
//!
//! A search that compares its argument with the items of a list need not evaluate the argument if the list is
//! empty, so callers may pass a thunk, and each turn would test whether it got one. (Loop peeling, as in
//! LuaJIT's loop optimisation, where it serves the same purpose.)

use crate::analysis::call_graph::{referenced_functions, tail_calls};
use crate::ir::{Callee, Function, FunctionId, FunctionRole, Terminator, Type, Unit};

/// Larger loops are not copied.
const SIZE_LIMIT: usize = 60;
/// The most loops of a unit that are copied.
const LOOPS_LIMIT: usize = 6;
/// Larger units are left alone.
const UNIT_LIMIT: usize = 1500;

/// Gives such loops a first turn.
pub(super) fn split_first_turns(unit: &mut Unit) {
    let size: usize = unit.functions.values().map(Function::size).sum();
    if size > UNIT_LIMIT {
        return;
    }
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    let loops: Vec<(FunctionId, Vec<Type>)> =
        ids.into_iter().filter_map(|id| Some((id, types_of_turns(unit, id)?))).collect();
    for (id, types) in loops.into_iter().take(LOOPS_LIMIT) {
        let mut turn = unit.functions[id].clone();
        for (param, ty) in turn.params.iter().zip(types) {
            turn.vars[*param] = ty;
        }
        let turn = unit.functions.push(turn);
        for function in [id, turn] {
            call_instead(&mut unit.functions[function], id, turn);
        }
    }
}

/// The types of the values that later turns of a loop get, if the first may get other values.
fn types_of_turns(unit: &Unit, id: FunctionId) -> Option<Vec<Type>> {
    let function = &unit.functions[id];
    if function.role != FunctionRole::Worker || function.size() > SIZE_LIMIT {
        return None;
    }
    let turns: Vec<_> =
        tail_calls(function).filter(|call| call.callee == Callee::Local(id)).collect();
    let references = referenced_functions(function).into_iter().filter(|callee| *callee == id);
    if turns.is_empty() || references.count() > turns.len() {
        return None;
    }
    let types = function.params.iter().enumerate().map(|(place, param)| {
        let passed = turns.iter().filter_map(|call| unit.type_of(function, call.args[place]));
        // Narrower types are inferred later.
        passed.max().unwrap_or(Type::Any).max(Type::Nat).min(function.vars[*param])
    });
    let types: Vec<Type> = types.collect();
    (types != function.param_types()).then_some(types)
}

/// Changes the callee of tail calls.
fn call_instead(function: &mut Function, from: FunctionId, to: FunctionId) {
    for block in function.blocks.values_mut() {
        if let Terminator::Tail(call) = &mut block.terminator
            && call.callee == Callee::Local(from)
        {
            call.callee = Callee::Local(to);
        }
    }
}

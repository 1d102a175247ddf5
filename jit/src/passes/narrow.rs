//! Narrowing: the types of parameters and results, inferred from all that is passed to them.
//!
//! Parameters of join points, thunks and workers start at the least type, `bit`, and are widened by
//! the arguments passed to them until nothing changes: a least fixpoint in the chain of types.
//! General entries, which unknown callers use, keep their types. (Interprocedural constant-range
//! propagation.)

use crate::ir::{
    Callee, Function, FunctionId, FunctionRole, Op, Operand, Stmt, Terminator, Type, Unit, Var,
};
use cranelift_entity::PrimaryMap;

pub(super) fn narrow(unit: &mut Unit) {
    infer(unit, &|_, _, _, _| Type::Any);
}

/// The type of a thunk with the code of a function and its captures, in a function of the unit.
pub(super) type ThunkType<'t> = &'t dyn Fn(&Unit, &Function, FunctionId, &[Operand]) -> Type;

/// Narrows all types. A thunk has the type that `thunk_type` says, which must grow with the types of
/// the captures.
pub(super) fn infer(unit: &mut Unit, thunk_type: ThunkType<'_>) {
    let old_vars: Vec<PrimaryMap<Var, Type>> =
        unit.functions.values().map(|f| f.vars.clone()).collect();
    let old_results: Vec<Vec<Type>> = unit.functions.values().map(|f| f.results.clone()).collect();
    unit.functions.values_mut().for_each(start_at_bottom);
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    while ids.iter().fold(false, |changed, id| propagate(unit, *id, thunk_type) | changed) {}
    // No type gets wider than before the pass.
    for ((function, vars), results) in unit.functions.values_mut().zip(old_vars).zip(old_results) {
        let old = vars.values();
        function.vars.values_mut().zip(old).for_each(|(ty, old)| *ty = (*old).min(*ty));
        function.results.iter_mut().zip(results).for_each(|(ty, old)| *ty = old.min(*ty));
    }
}

fn start_at_bottom(function: &mut Function) {
    if function.role != FunctionRole::General {
        for param in &function.params {
            function.vars[*param] = Type::Bit;
        }
    }
    if function.role == FunctionRole::Worker {
        function.results.fill(Type::Bit);
    }
    for join in function.joins.values() {
        for param in &join.params {
            function.vars[*param] = Type::Bit;
        }
    }
}

/// Widens what one function passes on; returns whether that changed any type.
fn propagate(unit: &mut Unit, id: FunctionId, thunk_type: ThunkType<'_>) -> bool {
    let mut changed = false;
    for block in unit.functions[id].live_blocks() {
        let block = unit.functions[id].blocks[block].clone();
        for stmt in &block.stmts {
            if let Stmt::Let(vars, op) = stmt {
                changed |= set_result_types(unit, id, vars, op, thunk_type);
            }
            for op in stmt.ops() {
                changed |= match op {
                    Op::Thunk(entry, captures) => widen_params(unit, id, *entry, captures),
                    Op::Generate(entry, operands) => {
                        widen_captures(unit, id, *entry, &operands[1..])
                    }
                    Op::Call(call) => match call.callee {
                        Callee::Local(callee) => widen_params(unit, id, callee, &call.args),
                        _ => false,
                    },
                    _ => false,
                };
            }
        }
        changed |= propagate_terminator(unit, id, &block.terminator);
    }
    changed
}

fn propagate_terminator(unit: &mut Unit, id: FunctionId, terminator: &Terminator) -> bool {
    match terminator {
        Terminator::Return(list) => {
            let types = unit.types_of(&unit.functions[id], list);
            widen_results(unit, id, &types)
        }
        Terminator::Tail(call) => {
            let changed = widen_results(unit, id, &unit.results_of(call));
            match call.callee {
                Callee::Local(callee) => widen_params(unit, id, callee, &call.args) | changed,
                _ => changed,
            }
        }
        Terminator::Enter(_) => widen_results(unit, id, &[Type::Whnf]),
        Terminator::Jump(join, args) => {
            let types = unit.types_of(&unit.functions[id], args);
            let params = unit.functions[id].joins[*join].params.clone();
            widen_vars(&mut unit.functions[id], &params, &types)
        }
        _ => false,
    }
}

fn widen_results(unit: &mut Unit, id: FunctionId, types: &[Type]) -> bool {
    let function = &mut unit.functions[id];
    if function.role != FunctionRole::Worker {
        return false;
    }
    let old = function.results.clone();
    function.results.iter_mut().zip(types).for_each(|(result, ty)| *result = (*ty).max(*result));
    old != function.results
}

/// Widens a function's parameters by the types of arguments.
fn widen_params(unit: &mut Unit, caller: FunctionId, callee: FunctionId, args: &[Operand]) -> bool {
    if unit.functions[callee].role == FunctionRole::General {
        return false;
    }
    let mut types = unit.types_of(&unit.functions[caller], args);
    if unit.functions[callee].role == FunctionRole::Thunk {
        // Captures are in memory.
        types.iter_mut().for_each(|ty| *ty = ty.boxed());
    }
    let params = unit.functions[callee].params.clone();
    widen_vars(&mut unit.functions[callee], &params, &types)
}

/// Widens the parameters of the code of a generated row's items: the captures and the index.
fn widen_captures(
    unit: &mut Unit,
    caller: FunctionId,
    entry: FunctionId,
    captures: &[Operand],
) -> bool {
    let types = unit.types_of(&unit.functions[caller], captures);
    let types: Vec<Type> = types.iter().map(|ty| ty.boxed()).chain([Type::Small]).collect();
    let params = unit.functions[entry].params.clone();
    widen_vars(&mut unit.functions[entry], &params, &types)
}

fn widen_vars(function: &mut Function, vars: &[Var], types: &[Type]) -> bool {
    let mut changed = false;
    for (var, ty) in vars.iter().zip(types) {
        let known = &mut function.vars[*var];
        changed |= *ty > *known;
        *known = (*ty).max(*known);
    }
    changed
}

/// Sets the types of an operation's results; returns whether they changed.
fn set_result_types(
    unit: &mut Unit,
    id: FunctionId,
    vars: &[Var],
    op: &Op,
    thunk_type: ThunkType<'_>,
) -> bool {
    let function = &unit.functions[id];
    let types = match op {
        Op::Prim(prim, operands) => {
            vec![prim.result_of(operands, &unit.types_of(function, operands))]
        }
        Op::Force(a) => vec![Type::Whnf.min(unit.types_of(function, &[*a])[0])],
        Op::Call(call) => unit.results_of(call),
        Op::Thunk(entry, captures) => vec![thunk_type(unit, function, *entry, captures)],
        _ => return false,
    };
    let function = &mut unit.functions[id];
    let old: Vec<Type> = vars.iter().map(|var| function.vars[*var]).collect();
    for (var, ty) in vars.iter().zip(&types) {
        function.vars[*var] = *ty;
    }
    old != types
}

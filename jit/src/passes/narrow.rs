//! Narrowing of types: what parameters and results are, from all that is passed there.
//!
//! Parameters of join points, thunks and workers start as `bit` and are widened by what is given to
//! them, until nothing changes. What the outside calls keeps its types.

use super::info;
use crate::ir::{Callee, End, Function, FunctionId, Op, Operand, Role, Stmt, Type, Unit, Var};

pub(super) fn narrow(unit: &mut Unit) {
    let before: Vec<Vec<Type>> = unit.functions.iter().map(|f| f.vars.clone()).collect();
    let results: Vec<Vec<Type>> = unit.functions.iter().map(|f| f.results.clone()).collect();
    for function in &mut unit.functions {
        start(function);
    }
    while (0..unit.functions.len()).fold(false, |changed, index| pass(unit, index) | changed) {}
    // Never wider than it was.
    for ((function, vars), results) in unit.functions.iter_mut().zip(before).zip(results) {
        function.vars.iter_mut().zip(vars).for_each(|(ty, before)| *ty = before.min(*ty));
        function.results.iter_mut().zip(results).for_each(|(ty, before)| *ty = before.min(*ty));
    }
}

fn start(function: &mut Function) {
    if function.role != Role::General {
        for param in &function.params {
            function.vars[param.index()] = Type::Bit;
        }
    }
    if function.role == Role::Worker {
        function.results.fill(Type::Bit);
    }
    for join in &function.joins {
        for param in &join.params {
            function.vars[param.index()] = Type::Bit;
        }
    }
}

/// Widens what one function passes on; whether that changed anything.
fn pass(unit: &mut Unit, index: usize) -> bool {
    let mut changed = false;
    for block in info::blocks(&unit.functions[index], unit.functions[index].entry) {
        let block = unit.functions[index].blocks[block.index()].clone();
        for stmt in &block.stmts {
            if let Stmt::Let(vars, op) = stmt {
                changed |= define(unit, index, vars, op);
            }
            for op in info::ops(stmt) {
                changed |= match op {
                    Op::Thunk(entry, captures) => give(unit, index, *entry, captures),
                    Op::Call(call) => match call.callee {
                        Callee::Local(callee) => give(unit, index, callee, &call.args),
                        _ => false,
                    },
                    _ => false,
                };
            }
        }
        changed |= end(unit, index, &block.end);
    }
    changed
}

fn end(unit: &mut Unit, index: usize, end: &End) -> bool {
    match end {
        End::Return(list) => {
            let types = unit.types_of(&unit.functions[index], list);
            return_types(unit, index, &types)
        }
        End::Tail(call) => {
            let changed = return_types(unit, index, &unit.results_of(call));
            match call.callee {
                Callee::Local(callee) => give(unit, index, callee, &call.args) | changed,
                _ => changed,
            }
        }
        End::Enter(_) => return_types(unit, index, &[Type::Whnf]),
        End::Jump(join, args) => {
            let types = unit.types_of(&unit.functions[index], args);
            let params = unit.functions[index].joins[join.index()].params.clone();
            widen(&mut unit.functions[index], &params, &types)
        }
        _ => false,
    }
}

fn return_types(unit: &mut Unit, index: usize, types: &[Type]) -> bool {
    let function = &mut unit.functions[index];
    if function.role != Role::Worker {
        return false;
    }
    let before = function.results.clone();
    function.results.iter_mut().zip(types).for_each(|(result, ty)| *result = (*ty).max(*result));
    before != function.results
}

/// Widens a function's parameters by what it is given.
fn give(unit: &mut Unit, from: usize, to: FunctionId, args: &[Operand]) -> bool {
    if unit.functions[to.index()].role == Role::General {
        return false;
    }
    let types = unit.types_of(&unit.functions[from], args);
    let params = unit.functions[to.index()].params.clone();
    widen(&mut unit.functions[to.index()], &params, &types)
}

fn widen(function: &mut Function, vars: &[Var], types: &[Type]) -> bool {
    let mut changed = false;
    for (var, ty) in vars.iter().zip(types) {
        let known = &mut function.vars[var.index()];
        changed |= *ty > *known;
        *known = (*ty).max(*known);
    }
    changed
}

/// Sets the types of an operation's results; whether they changed.
fn define(unit: &mut Unit, index: usize, vars: &[Var], op: &Op) -> bool {
    let function = &unit.functions[index];
    let types = match op {
        Op::Prim(prim, operands) => {
            vec![prim.result_of(operands, &unit.types_of(function, operands))]
        }
        Op::Force(a) => vec![Type::Whnf.min(unit.types_of(function, &[*a])[0])],
        Op::Call(call) => unit.results_of(call),
        _ => return false,
    };
    let function = &mut unit.functions[index];
    let before: Vec<Type> = vars.iter().map(|var| function.vars[var.index()]).collect();
    for (var, ty) in vars.iter().zip(&types) {
        function.vars[var.index()] = *ty;
    }
    before != types
}

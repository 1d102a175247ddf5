//! Worker and wrapper: a function takes what it is sure to evaluate evaluated.
//!
//! A general entry that is called within the unit keeps its parameters, evaluates those, and calls a
//! worker with its code. Calls within the unit find the worker when the wrapper is inlined. A worker
//! that is found to evaluate more of its parameters takes them evaluated, and its callers see to it.

use super::demand::Demands;
use super::info;
use crate::ir::{Call, Callee, End, Function, FunctionId, Op, Operand, Role, Stmt, Type, Unit};

pub(super) fn split(unit: &mut Unit) {
    let demands = Demands::of(unit);
    // Wrappers call workers, which are new: of those that there were, no others are called.
    for (index, is_called) in called(unit).into_iter().enumerate() {
        let id = FunctionId(index as u32);
        let strict = demands.strict(unit, id);
        if !strict.contains(&true) {
            continue;
        }
        match unit.functions[index].role {
            Role::General if is_called && !info::is_wrapper(&unit.functions[index]) => {
                wrap(unit, id, &strict);
            }
            Role::Worker => tighten(unit, id, &strict),
            _ => {}
        }
    }
}

/// Which functions are called within the unit.
fn called(unit: &Unit) -> Vec<bool> {
    let mut called = vec![false; unit.functions.len()];
    let mut note = |call: &Call| {
        if let Callee::Local(callee) = call.callee {
            called[callee.index()] = true;
        }
    };
    for function in &unit.functions {
        for block in info::blocks(function, function.entry) {
            let block = &function.blocks[block.index()];
            for op in block.stmts.iter().flat_map(info::ops) {
                if let Op::Call(call) = op {
                    note(call);
                }
            }
            if let End::Tail(call) = &block.end {
                note(call);
            }
        }
    }
    called
}

/// Moves a function's code to a worker, and leaves a wrapper.
fn wrap(unit: &mut Unit, id: FunctionId, strict: &[bool]) {
    let worker_id = FunctionId(unit.functions.len() as u32);
    let mut wrapper = Function::new(Role::General);
    let mut args = Vec::new();
    for _ in strict {
        let param = wrapper.var(Type::Any);
        wrapper.params.push(param);
    }
    for (param, strict) in wrapper.params.clone().into_iter().zip(strict) {
        if !strict {
            args.push(param.into());
            continue;
        }
        let forced = wrapper.var(Type::Whnf);
        let op = Op::Force(param.into());
        wrapper.blocks[0].stmts.push(Stmt::Let(vec![forced], op));
        args.push(forced.into());
    }
    wrapper.blocks[0].end = End::Tail(Call { callee: Callee::Local(worker_id), args });
    let mut worker = std::mem::replace(&mut unit.functions[id.index()], wrapper);
    worker.role = Role::Worker;
    take_evaluated(&mut worker, strict);
    unit.functions.push(worker);
}

fn take_evaluated(function: &mut Function, strict: &[bool]) {
    for (param, strict) in function.params.iter().zip(strict) {
        if *strict {
            function.vars[param.index()] = Type::Whnf;
        }
    }
}

/// Has a worker take these parameters evaluated.
fn tighten(unit: &mut Unit, id: FunctionId, strict: &[bool]) {
    take_evaluated(&mut unit.functions[id.index()], strict);
    for function in &mut unit.functions {
        for block in info::blocks(function, function.entry) {
            let stmts = std::mem::take(&mut function.blocks[block.index()].stmts);
            let mut written = Vec::with_capacity(stmts.len());
            for mut stmt in stmts {
                if let Stmt::Let(_, Op::Call(call)) = &mut stmt {
                    evaluate_args(function, call, id, strict, &mut written);
                }
                written.push(stmt);
            }
            let mut end = function.blocks[block.index()].end.clone();
            if let End::Tail(call) = &mut end {
                evaluate_args(function, call, id, strict, &mut written);
            }
            let block = &mut function.blocks[block.index()];
            (block.stmts, block.end) = (written, end);
        }
    }
}

fn evaluate_args(
    function: &mut Function,
    call: &mut Call,
    id: FunctionId,
    strict: &[bool],
    written: &mut Vec<Stmt>,
) {
    if call.callee != Callee::Local(id) {
        return;
    }
    for (arg, strict) in call.args.iter_mut().zip(strict) {
        if let (Operand::Var(var), true) = (*arg, *strict)
            && function.vars[var.index()] == Type::Any
        {
            let forced = function.var(Type::Whnf);
            written.push(Stmt::Let(vec![forced], Op::Force(*arg)));
            *arg = forced.into();
        }
    }
}

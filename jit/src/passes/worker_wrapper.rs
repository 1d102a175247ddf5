//! The worker/wrapper split: callers pass evaluated the arguments that a function is certain to
//! evaluate.
//!
//! A general entry that is called within the unit becomes a wrapper that forces those parameters
//! and tail calls a worker with the code. Calls within the unit reach the worker when the wrapper
//! is inlined. A worker that turns out to evaluate more of its parameters takes those evaluated
//! too, and its callers force them. (Gill, Hutton, "The worker/wrapper transformation", JFP 2009.)
//!
//! A function that only code outside the unit calls, and the code of a thunk, forces those
//! parameters first, in place of a wrapper. So what it reads from them lazily (the items of the state
//! of a fold) is read, not delayed: such a thunk would keep the whole state alive, and with it the
//! states before.
//!
//! The code of a thunk that is a loop (`and (p x) (foldr ..)`) moves to a worker as well, if some
//! function evaluates the thunk that it makes: when the rest of the thunk's code is inlined there, a
//! call of the worker takes the place of the thunk.

use crate::analysis::call_graph::called_functions;
use crate::analysis::demand::DemandAnalysis;
use crate::analysis::summary::{is_wrapper, loop_headers};
use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, FunctionRole, Op, Operand, Stmt, Terminator, Type,
    Unit, Var,
};
use cranelift_entity::EntitySet;

pub(super) fn split(unit: &mut Unit) {
    call_evaluated_loops(unit);
    let demands = DemandAnalysis::of(unit);
    // The set holds for the whole pass: a new wrapper calls only a new worker.
    let mut called = EntitySet::with_capacity(unit.functions.len());
    called.extend(unit.functions.values().flat_map(called_functions));
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let strict = demands.strict_params(unit, id);
        if !strict.contains(&true) {
            continue;
        }
        match unit.functions[id].role {
            FunctionRole::General if called.contains(id) && !is_wrapper(&unit.functions[id]) => {
                wrap(unit, id, &strict);
            }
            FunctionRole::Worker => tighten(unit, id, &strict),
            FunctionRole::General | FunctionRole::Thunk if !is_wrapper(&unit.functions[id]) => {
                force_first(&mut unit.functions[id], &strict);
            }
            _ => {}
        }
    }
}

/// Moves to workers the code of thunks that are headers of loops and that the functions that make them
/// evaluate.
fn call_evaluated_loops(unit: &mut Unit) {
    let headers = loop_headers(unit);
    let is_loop = |unit: &Unit, id: FunctionId| {
        let function = &unit.functions[id];
        headers.contains(id) && function.role == FunctionRole::Thunk && !is_wrapper(function)
    };
    if !headers.iter().any(|id| is_loop(unit, id)) {
        return;
    }
    let demands = DemandAnalysis::of(unit);
    let mut evaluated = Vec::new();
    for (id, function) in &unit.functions {
        for stmt in function.live_blocks().iter().flat_map(|id| &function.blocks[*id].stmts) {
            if let Stmt::Let(vars, Op::Thunk(entry, _)) = stmt
                && is_loop(unit, *entry)
                && !evaluated.contains(entry)
                && (demands.is_demanded(id, vars[0]) || evaluates(function, vars[0]))
            {
                evaluated.push(*entry);
            }
        }
    }
    for id in evaluated {
        let strict = vec![false; unit.functions[id].params.len()];
        wrap(unit, id, &strict);
    }
}

/// Whether a function evaluates a variable in some place.
fn evaluates(function: &Function, var: Var) -> bool {
    let blocks = function.live_blocks();
    let enters = |id: &BlockId| function.blocks[*id].terminator == Terminator::Enter(var.into());
    blocks.iter().any(enters) || function.live_ops().any(|op| *op == Op::Force(var.into()))
}

/// Moves the code of a general entry or a thunk to a new worker, and leaves a wrapper.
fn wrap(unit: &mut Unit, id: FunctionId, strict: &[bool]) {
    let worker_id = unit.functions.next_key();
    let code = &unit.functions[id];
    let mut wrapper = Function::with_params(code.role, code.param_types());
    let mut args = wrapper.param_operands();
    for (arg, _) in args.iter_mut().zip(strict).filter(|(_, strict)| **strict) {
        let forced = wrapper.new_var(Type::Whnf);
        let force = Stmt::Let(vec![forced], Op::Force(*arg));
        wrapper.blocks[BlockId::FIRST].stmts.push(force);
        *arg = forced.into();
    }
    wrapper.blocks[BlockId::FIRST].terminator = Terminator::Tail(Call::local(worker_id, args));
    wrapper.law = unit.functions[id].law;
    let mut worker = std::mem::replace(&mut unit.functions[id], wrapper);
    worker.role = FunctionRole::Worker;
    take_evaluated(&mut worker, strict);
    unit.functions.push(worker);
}

/// Makes a function force its strict parameters after those that it forces first anyway, if it forces
/// them later. A parameter that it may pass on or enter at its end is left alone: to force it first
/// would take stack.
fn force_first(function: &mut Function, strict: &[bool]) {
    let params = function.param_operands().into_iter().zip(strict);
    let strict: Vec<Operand> = params.filter(|(_, is)| **is).map(|(param, _)| param).collect();
    let has_force = |param: &Operand| function.live_ops().any(|op| *op == Op::Force(*param));
    let blocks = function.live_blocks();
    let is_passed_on = |param: &Operand| {
        blocks.iter().any(|block| match &function.blocks[*block].terminator {
            Terminator::Enter(a) => a == param,
            Terminator::Tail(call) => call.args.contains(param),
            Terminator::Jump(_, args) => args.contains(param),
            _ => false,
        })
    };
    let mut late: Vec<Operand> =
        strict.into_iter().filter(|param| has_force(param) && !is_passed_on(param)).collect();
    let mut stmts = std::mem::take(&mut function.blocks[function.entry].stmts);
    let mut first = 0;
    while let Some(Stmt::Let(_, Op::Force(a))) = stmts.get(first) {
        late.retain(|param| param != a);
        first += 1;
    }
    let forces = late.into_iter().map(|param| {
        let value = function.new_var(Type::Whnf);
        Stmt::Let(vec![value], Op::Force(param))
    });
    stmts.splice(first..first, forces.collect::<Vec<_>>());
    function.blocks[function.entry].stmts = stmts;
}

/// Changes the types of the strict parameters to `whnf`.
fn take_evaluated(function: &mut Function, strict: &[bool]) {
    for (param, _) in function.params.iter().zip(strict).filter(|(_, strict)| **strict) {
        function.vars[*param] = Type::Whnf;
    }
}

/// Makes a worker take its strict parameters evaluated, and its callers force them.
fn tighten(unit: &mut Unit, id: FunctionId, strict: &[bool]) {
    take_evaluated(&mut unit.functions[id], strict);
    for function in unit.functions.values_mut() {
        for block in function.live_blocks() {
            let stmts = std::mem::take(&mut function.blocks[block].stmts);
            let mut written = Vec::with_capacity(stmts.len());
            for mut stmt in stmts {
                if let Stmt::Let(_, Op::Call(call)) = &mut stmt {
                    force_args(function, call, id, strict, &mut written);
                }
                written.push(stmt);
            }
            let mut terminator = function.blocks[block].terminator.clone();
            if let Terminator::Tail(call) = &mut terminator {
                force_args(function, call, id, strict, &mut written);
            }
            let block = &mut function.blocks[block];
            (block.stmts, block.terminator) = (written, terminator);
        }
    }
}

/// Forces the strict arguments of a call, if it is a call of the worker.
fn force_args(
    function: &mut Function,
    call: &mut Call,
    worker: FunctionId,
    strict: &[bool],
    written: &mut Vec<Stmt>,
) {
    if call.callee != Callee::Local(worker) {
        return;
    }
    for (arg, strict) in call.args.iter_mut().zip(strict) {
        if let (Operand::Var(var), true) = (*arg, *strict)
            && function.vars[var] == Type::Any
        {
            let forced = function.new_var(Type::Whnf);
            written.push(Stmt::Let(vec![forced], Op::Force(*arg)));
            *arg = forced.into();
        }
    }
}

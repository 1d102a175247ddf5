//! Specialisation: a function that is given a known function gets a copy that has it built in.
//!
//! The copy's calls of itself with the same argument find the copy, so a recursive function over a
//! known one has no unknown call left.

use super::info;
use crate::ir::{
    Call, Callee, ConstantId, End, Function, FunctionId, Kind, Op, Operand, Role, Stmt, Unit, Var,
};
use std::collections::HashMap;

/// No more copies than this are made in a unit.
const COPIES: usize = 24;
/// No function of more than this size is copied.
const SIZE: usize = 400;

/// A function and what is built in of its arguments.
type Key = (FunctionId, Vec<Option<ConstantId>>);

pub(super) fn specialise(unit: &mut Unit) {
    let mut copies: HashMap<Key, FunctionId> = HashMap::new();
    let mut index = 0;
    // Copies are looked through as well when it is their turn.
    while index < unit.functions.len() {
        let mut function = unit.functions[index].clone();
        for block in info::blocks(&function, function.entry) {
            let block = &mut function.blocks[block.index()];
            for stmt in &mut block.stmts {
                if let Stmt::Let(_, Op::Call(call)) = stmt {
                    redirect(unit, &mut copies, call);
                }
            }
            if let End::Tail(call) = &mut block.end {
                redirect(unit, &mut copies, call);
            }
        }
        unit.functions[index] = function;
        index += 1;
    }
}

/// Has a call with known functions among its arguments call a copy.
fn redirect(unit: &mut Unit, copies: &mut HashMap<Key, FunctionId>, call: &mut Call) {
    let Callee::Local(callee) = call.callee else { return };
    let function = &unit.functions[callee.index()];
    let called = called_params(unit, callee);
    let known = |(arg, called): (&Operand, &bool)| match arg {
        Operand::Constant(k) if *called => {
            let kind = unit.constants[k.index()].kind;
            matches!(kind, Kind::Law | Kind::Pin).then_some(*k)
        }
        _ => None,
    };
    let built_in: Vec<Option<ConstantId>> = call.args.iter().zip(&called).map(known).collect();
    if built_in.iter().all(Option::is_none) {
        return;
    }
    let key = (callee, built_in);
    let copy = match copies.get(&key) {
        Some(copy) => *copy,
        None if copies.len() < COPIES && info::size(function, function.entry) <= SIZE => {
            let copy = FunctionId(unit.functions.len() as u32);
            let written = built(function, &key.1);
            unit.functions.push(written);
            copies.insert(key.clone(), copy);
            copy
        }
        None => return,
    };
    call.callee = Callee::Local(copy);
    let mut built_in = key.1.iter();
    call.args.retain(|_| built_in.next().is_some_and(Option::is_none));
}

/// Which parameters a function calls, or passes on to itself where it does.
fn called_params(unit: &Unit, id: FunctionId) -> Vec<bool> {
    let function = &unit.functions[id.index()];
    let mut called = vec![false; function.vars.len()];
    let mut forced: Vec<(Var, Var)> = Vec::new();
    for block in info::blocks(function, function.entry) {
        let block = &function.blocks[block.index()];
        for stmt in &block.stmts {
            for op in info::ops(stmt) {
                match (op, stmt) {
                    (Op::Call(call), _) => note(&mut called, call.callee),
                    (Op::Delay(Operand::Var(var), _), _) => called[var.index()] = true,
                    (Op::Thunk(entry, captures), _) => {
                        let inner = thunk_calls(&unit.functions[entry.index()]);
                        for (capture, _) in captures.iter().zip(inner).filter(|(_, is)| *is) {
                            if let Operand::Var(var) = capture {
                                called[var.index()] = true;
                            }
                        }
                    }
                    (Op::Force(Operand::Var(var)), Stmt::Let(results, _)) => {
                        forced.extend(results.iter().map(|result| (*result, *var)));
                    }
                    _ => {}
                }
            }
        }
        if let End::Tail(call) = &block.end {
            note(&mut called, call.callee);
        }
    }
    for (result, var) in forced {
        called[var.index()] |= called[result.index()];
    }
    function.params.iter().map(|param| called[param.index()]).collect()
}

fn note(called: &mut [bool], callee: Callee) {
    if let Callee::Unknown(Operand::Var(var)) = callee {
        called[var.index()] = true;
    }
}

/// Which captures a thunk calls, itself or in what it delays.
fn thunk_calls(function: &Function) -> Vec<bool> {
    let mut called = vec![false; function.vars.len()];
    for block in info::blocks(function, function.entry) {
        let block = &function.blocks[block.index()];
        for op in block.stmts.iter().flat_map(info::ops) {
            match op {
                Op::Call(call) => note(&mut called, call.callee),
                Op::Delay(Operand::Var(var), _) => called[var.index()] = true,
                _ => {}
            }
        }
        if let End::Tail(call) = &block.end {
            note(&mut called, call.callee);
        }
    }
    function.params.iter().map(|param| called[param.index()]).collect()
}

/// A copy of a function with some of its parameters built in.
fn built(function: &Function, built_in: &[Option<ConstantId>]) -> Function {
    let mut copy = function.clone();
    copy.role = Role::Worker;
    let mut values: HashMap<Var, Operand> = HashMap::new();
    copy.params.clear();
    for (param, value) in function.params.iter().zip(built_in) {
        match value {
            Some(k) => drop(values.insert(*param, Operand::Constant(*k))),
            None => copy.params.push(*param),
        }
    }
    super::each_operand(&mut copy, |operand| {
        if let Operand::Var(var) = operand
            && let Some(value) = values.get(var)
        {
            *operand = *value;
        }
    });
    copy
}

//! Specialisation: a function that is given a known function gets a copy that has it built in.
//!
//! The copy's calls of itself with the same argument find the copy, so a recursive function over a
//! known one has no unknown call left.
//!
//! A law that became hot while nobody calls it whose code is compiled (a fold's loop, say, that runs
//! for long) has no such calls. So the functions that it was seen with are *expected*: its entry asks
//! whether it is given them again, and calls itself with what is known then.

use super::info;
use crate::ir::{
    Arm, BlockId, Call, Callee, ConstantId, End, Function, FunctionId, Kind, Op, Operand, Role,
    Stmt, Type, Unit, Var,
};
use std::collections::HashMap;

/// No more copies than this are made in a unit.
const COPIES: usize = 24;
/// No function of more than this size is copied.
const SIZE: usize = 400;
/// No closure with more captured values than this is built in.
pub(crate) const CAPTURES: usize = 4;

/// What is built in for a parameter: a constant, applied to so many captured values.
type BuiltIn = Option<(ConstantId, usize)>;
/// A function and what is built in for its parameters.
type Key = (FunctionId, Vec<BuiltIn>);
/// The partial applications that a function makes: constants and what they capture.
type Closures = HashMap<Var, (ConstantId, Vec<Operand>)>;

/// A parameter, and the function that it is expected to be: a constant applied to so many values.
pub(crate) type Expected = (usize, ConstantId, usize);

/// Parameters that the law of a unit calls, so that it is worth knowing what they are.
pub(crate) fn called_by_law(unit: &Unit) -> Vec<bool> {
    called_params(unit, FunctionId(0))
}

/// Has the law's entry ask whether parameters are what they are expected to be. Callers in the unit,
/// who may know better, call the code itself.
pub(crate) fn expect(unit: &mut Unit, expected: &[Expected]) {
    let Some(law) = unit.constants.first_mut().filter(|_| !expected.is_empty()) else { return };
    let code = FunctionId(unit.functions.len() as u32);
    law.entry = Some(code);
    let mut entry = Function::new(Role::General);
    for _ in 0..law.arity {
        let param = entry.var(Type::Any);
        entry.params.push(param);
    }
    let written = std::mem::replace(&mut unit.functions[0], Function::new(Role::General));
    unit.functions.push(written);
    for function in &mut unit.functions {
        for block in &mut function.blocks {
            super::each_function_named(block, |id| {
                if *id == FunctionId(0) {
                    *id = code;
                }
            });
        }
    }
    let mut args: Vec<Operand> = entry.params.iter().map(|param| (*param).into()).collect();
    let call =
        |args: &[Operand]| End::Tail(Call { callee: Callee::Local(code), args: args.to_vec() });
    let unknown = call(&args);
    let mut here = entry.entry;
    for (param, k, count) in expected {
        let params: Vec<Var> = (0..*count).map(|_| entry.var(Type::Any)).collect();
        let [block, other] = [(); 2].map(|()| entry.block(unknown.clone()));
        let captures: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
        let on = std::mem::replace(&mut args[*param], Operand::Constant(*k));
        if *count > 0 {
            let closure = entry.var(Type::Whnf);
            let made = Stmt::Let(vec![closure], Op::Partial(*k, captures));
            entry.blocks[block.index()].stmts.push(made);
            args[*param] = closure.into();
        }
        let arm = Box::new(Arm { params, block });
        entry.blocks[here.index()].end = End::Closure(on, *k, arm, other);
        here = block;
    }
    entry.blocks[here.index()].end = call(&args);
    unit.functions[0] = entry;
}

pub(super) fn specialise(unit: &mut Unit) {
    let mut copies: HashMap<Key, FunctionId> = HashMap::new();
    let mut index = 0;
    // Copies are looked through as well when it is their turn.
    while index < unit.functions.len() {
        let mut function = unit.functions[index].clone();
        let blocks = info::blocks(&function, function.entry);
        let closures = closures(&function, &blocks);
        for block in blocks {
            let block = &mut function.blocks[block.index()];
            for stmt in &mut block.stmts {
                if let Stmt::Let(_, Op::Call(call)) = stmt {
                    redirect(unit, &mut copies, &closures, call);
                }
            }
            if let End::Tail(call) = &mut block.end {
                redirect(unit, &mut copies, &closures, call);
            }
        }
        unit.functions[index] = function;
        index += 1;
    }
}

fn closures(function: &Function, blocks: &[BlockId]) -> Closures {
    let stmts = blocks.iter().flat_map(|block| &function.blocks[block.index()].stmts);
    let closure = |stmt: &Stmt| match stmt {
        Stmt::Let(vars, Op::Partial(k, captures)) if captures.len() <= CAPTURES => {
            Some((*vars.first()?, (*k, captures.clone())))
        }
        _ => None,
    };
    stmts.filter_map(closure).collect()
}

/// Has a call with known functions among its arguments call a copy.
fn redirect(
    unit: &mut Unit,
    copies: &mut HashMap<Key, FunctionId>,
    closures: &Closures,
    call: &mut Call,
) {
    let Callee::Local(callee) = call.callee else { return };
    let function = &unit.functions[callee.index()];
    let called = called_params(unit, callee);
    let known = |(arg, called): (&Operand, &bool)| match arg {
        Operand::Constant(k) if *called => {
            let constant = &unit.constants[k.index()];
            let is_function = matches!(constant.kind, Kind::Law | Kind::Pin);
            (is_function || constant.of.is_some()).then_some((*k, 0))
        }
        Operand::Var(var) if *called => closures.get(var).map(|(k, captures)| (*k, captures.len())),
        _ => None,
    };
    let built_in: Vec<BuiltIn> = call.args.iter().zip(&called).map(known).collect();
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
    let passed = call.args.iter().zip(&key.1).flat_map(|(arg, built_in)| match (arg, built_in) {
        (Operand::Var(var), Some(_)) => closures[var].1.clone(),
        (_, Some(_)) => Vec::new(),
        (arg, None) => vec![*arg],
    });
    call.args = passed.collect();
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

/// A copy of a function with some of its parameters built in; what those capture it takes instead.
fn built(function: &Function, built_in: &[BuiltIn]) -> Function {
    let mut copy = function.clone();
    copy.role = Role::Worker;
    copy.params.clear();
    let mut values: HashMap<Var, Operand> = HashMap::new();
    let mut made = Vec::new();
    for (param, built_in) in function.params.iter().zip(built_in) {
        match *built_in {
            None => copy.params.push(*param),
            Some((k, 0)) => drop(values.insert(*param, Operand::Constant(k))),
            Some((k, count)) => {
                let captures: Vec<Var> = (0..count).map(|_| copy.var(Type::Any)).collect();
                copy.params.extend(&captures);
                // A name of its own: its type is more than the parameter's.
                let closure = copy.var(Type::Whnf);
                let captures = captures.into_iter().map(Operand::Var).collect();
                made.push(Stmt::Let(vec![closure], Op::Partial(k, captures)));
                values.insert(*param, closure.into());
            }
        }
    }
    super::each_operand(&mut copy, |operand| {
        if let Operand::Var(var) = operand
            && let Some(value) = values.get(var)
        {
            *operand = *value;
        }
    });
    copy.blocks[copy.entry.index()].stmts.splice(0..0, made);
    copy
}

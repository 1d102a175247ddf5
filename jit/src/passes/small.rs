//! Small twins: a worker that calculates and calls itself gets a twin for nats below 2^63.
//!
//! What is known to be such a nat needs no test before it is calculated with, and the collector need
//! not know where it is, so it stays in a register. But nothing a law is given is known to be one. So a
//! worker asks once, and goes on in its twin, whose calls of itself need not ask again as long as what
//! they pass is small by the kind of operation it is: the twin takes as small just what is passed so
//! each time.
//!
//! ```text
//! f1(v: whnf)  asks, and calls f2 or f3
//! f2(v: small) the twin
//! f3(v: whnf)  the code as it was, which goes on as it has begun
//! ```

use super::{info, narrow};
use crate::ir::{
    BlockId, Call, Callee, End, Function, FunctionId, Op, Operand, Prim, Role, Stmt, Type, Unit,
};

/// No function of more than this size gets a twin.
const SIZE: usize = 200;
/// No more functions than this get one in a unit.
const TWINS: usize = 6;

pub(super) fn twins(unit: &mut Unit) {
    let mut made = 0;
    for index in 0..unit.functions.len() {
        let id = FunctionId(index as u32);
        let function = &unit.functions[index];
        let fits = function.role == Role::Worker
            && made < TWINS
            && info::called(function).contains(&id)
            && info::size(function, function.entry) <= SIZE;
        let wanted = if fits { calculated(function) } else { continue };
        if let Some(written) = settled(unit, id, wanted) {
            *unit = written;
            made += 1;
        }
    }
}

/// Which parameters are calculated with, or compared, and not known to be small.
fn calculated(function: &Function) -> Vec<bool> {
    let mut used = vec![false; function.vars.len()];
    for block in info::blocks(function, function.entry) {
        for op in function.blocks[block.index()].stmts.iter().flat_map(info::ops) {
            let Op::Prim(prim, operands) = op else { continue };
            if matches!(prim, Prim::Item | Prim::IsNat) {
                // These are of lists rather than of nats.
                continue;
            }
            for operand in operands {
                if let Operand::Var(var) = operand {
                    used[var.index()] = true;
                }
            }
        }
    }
    let is_wanted = |ty: Type| ty > Type::Small && ty.is(Type::Whnf);
    let params = function.params.iter();
    params.map(|var| used[var.index()] && is_wanted(function.vars[var.index()])).collect()
}

/// The unit with a twin that takes those parameters as small, or as many of them as stay so.
fn settled(unit: &Unit, id: FunctionId, mut wanted: Vec<bool>) -> Option<Unit> {
    while wanted.contains(&true) {
        let mut trial = unit.clone();
        let twin = write_twin(&mut trial, id, &wanted);
        narrow::narrow(&mut trial);
        let types = trial.functions[twin.index()].param_types();
        let stays = |(wanted, ty): (&bool, &Type)| *wanted && ty.is(Type::Small);
        let stay: Vec<bool> = wanted.iter().zip(&types).map(stays).collect();
        if stay == wanted {
            return Some(trial);
        }
        wanted = stay;
    }
    None
}

/// Has a worker ask whether parameters are small, and call a twin if they are.
fn write_twin(unit: &mut Unit, id: FunctionId, small: &[bool]) -> FunctionId {
    let code = unit.functions[id.index()].clone();
    let twin = FunctionId(unit.functions.len() as u32);
    let slow = FunctionId(twin.0 + 1);
    unit.functions[id.index()] = asking(&code, small, twin, slow);
    for copy in [twin, slow] {
        let mut own = code.clone();
        for block in &mut own.blocks {
            super::each_function_named(block, |callee| {
                if *callee == id {
                    *callee = copy;
                }
            });
        }
        unit.functions.push(own);
    }
    twin
}

/// A function with the same parameters that asks which of two others to call.
fn asking(code: &Function, small: &[bool], twin: FunctionId, slow: FunctionId) -> Function {
    let mut asking = Function::new(Role::Worker);
    asking.results.clone_from(&code.results);
    let types = code.param_types();
    asking.params = types.iter().map(|ty| asking.var(*ty)).collect();
    let params: Vec<Operand> = asking.params.iter().map(|var| (*var).into()).collect();
    let tail = |callee, args| End::Tail(Call { callee: Callee::Local(callee), args });
    let (mut here, mut args) = (BlockId(0), params.clone());
    let asked = params.iter().zip(&mut args).zip(small).filter(|(_, small)| **small);
    for ((param, arg), _) in asked {
        let is_small = asking.var(Type::Bit);
        let test = Stmt::Let(vec![is_small], Op::Prim(Prim::IsSmall, vec![*param]));
        asking.blocks[here.index()].stmts.push(test);
        let [yes, no] = [(); 2].map(|()| asking.block(tail(slow, params.clone())));
        asking.blocks[here.index()].end = End::If(is_small.into(), yes, no);
        let value = asking.var(Type::Small);
        let value_of = Stmt::Let(vec![value], Op::Prim(Prim::Small, vec![*param]));
        asking.blocks[yes.index()].stmts.push(value_of);
        *arg = value.into();
        here = yes;
    }
    asking.blocks[here.index()].end = tail(twin, args);
    asking
}

//! Small-nat variants: a recursive worker that computes on nats gets a variant for nats below 2^63.
//!
//! Arithmetic on a value of type `small` needs no test, and the collector need not know the value,
//! so it stays in a register. But nothing says that the arguments of a law are small. So the worker
//! tests its parameters once and continues in the variant. The variant's self calls need no test as
//! long as the types of the arguments that they pass are small: a parameter of the variant is small
//! if every self call passes a small one. (Function versioning behind a type guard.)
//!
//! ```text
//! f1(v: whnf)   tests, and tail calls f2 or f3
//! f2(v: small)  the variant; its self calls stay in f2
//! f3(v: whnf)   the original code; its self calls stay in f3
//! ```

use super::narrow;
use crate::analysis::call_graph::referenced_functions;
use crate::ir::{
    BlockId, Call, Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Terminator, Type,
    Unit,
};
use cranelift_entity::EntitySet;

/// Functions of more than this size get no variant.
const SIZE_LIMIT: usize = 200;
/// The most variants in a unit.
const VARIANTS_LIMIT: usize = 6;

pub(super) fn add_variants(unit: &mut Unit) {
    let mut variants = 0;
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let function = &unit.functions[id];
        let is_candidate = function.role == FunctionRole::Worker
            && variants < VARIANTS_LIMIT
            && referenced_functions(function).contains(&id)
            && function.size() <= SIZE_LIMIT;
        if !is_candidate {
            continue;
        }
        let candidates = computed_params(function);
        if let Some(extended) = with_variant(unit, id, candidates) {
            *unit = extended;
            variants += 1;
        }
    }
}

/// For each parameter, whether primitive operations use it and its type is `whnf` or `nat`.
fn computed_params(function: &Function) -> Vec<bool> {
    let mut used = EntitySet::with_capacity(function.vars.len());
    for op in function.live_ops() {
        let Op::Prim(prim, operands) = op else { continue };
        if matches!(prim, Prim::Item | Prim::IsNat | Prim::Evaluated) {
            // These suggest a list rather than a nat.
            continue;
        }
        for operand in operands {
            if let Operand::Var(var) = operand {
                used.insert(*var);
            }
        }
    }
    let is_wider = |ty: Type| ty > Type::Small && ty.is(Type::Whnf);
    let params = function.params.iter();
    params.map(|var| used.contains(*var) && is_wider(function.vars[*var])).collect()
}

/// The unit with a variant that takes as small the largest subset of the candidate parameters that
/// all its self calls pass as small. Drops candidates until type inference confirms the rest.
fn with_variant(unit: &Unit, id: FunctionId, mut candidates: Vec<bool>) -> Option<Unit> {
    while candidates.contains(&true) {
        let mut trial = unit.clone();
        let variant = split(&mut trial, id, &candidates);
        narrow::narrow(&mut trial);
        let types = trial.functions[variant].param_types();
        let is_confirmed = |(is_small, ty): (&bool, &Type)| *is_small && ty.is(Type::Small);
        let confirmed: Vec<bool> = candidates.iter().zip(&types).map(is_confirmed).collect();
        if confirmed == candidates {
            return Some(trial);
        }
        candidates = confirmed;
    }
    None
}

/// Replaces a worker by a dispatcher, its variant and its original code; returns the variant.
fn split(unit: &mut Unit, id: FunctionId, small: &[bool]) -> FunctionId {
    let code = unit.functions[id].clone();
    let [variant, original] = [(); 2].map(|()| unit.functions.push(code.clone()));
    unit.functions[id] = dispatcher(&code, small, variant, original);
    for copy in [variant, original] {
        for block in unit.functions[copy].blocks.values_mut() {
            block.for_each_function_mut(|callee| {
                if *callee == id {
                    *callee = copy;
                }
            });
        }
    }
    variant
}

/// A function that tests whether parameters are small, and tail calls the variant if all are.
fn dispatcher(
    code: &Function,
    small: &[bool],
    variant: FunctionId,
    original: FunctionId,
) -> Function {
    let mut dispatcher = Function::with_params(FunctionRole::Worker, code.param_types());
    dispatcher.results.clone_from(&code.results);
    let params = dispatcher.param_operands();
    let tail = |callee, args| Terminator::Tail(Call::local(callee, args));
    let (mut here, mut args) = (BlockId::FIRST, params.clone());
    let tested = params.iter().zip(&mut args).zip(small).filter(|(_, small)| **small);
    for ((param, arg), _) in tested {
        let is_small = dispatcher.new_var(Type::Bit);
        let test = Stmt::Let(vec![is_small], Op::Prim(Prim::IsSmall, vec![*param]));
        dispatcher.blocks[here].stmts.push(test);
        let [yes, no] = [(); 2].map(|()| dispatcher.new_block(tail(original, params.clone())));
        dispatcher.blocks[here].terminator = Terminator::If(is_small.into(), yes, no);
        let value = dispatcher.new_var(Type::Small);
        let cast = Stmt::Let(vec![value], Op::Prim(Prim::Small, vec![*param]));
        dispatcher.blocks[yes].stmts.push(cast);
        *arg = value.into();
        here = yes;
    }
    dispatcher.blocks[here].terminator = tail(variant, args);
    dispatcher
}

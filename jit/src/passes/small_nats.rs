//! Small-nat variants: a recursive worker that computes on nats gets a variant for nats below 2^63,
//! or below 2^64 where it computes on words.
//!
//! Arithmetic on a value of type `small` or `u64` needs no test, and the collector need not know the
//! value, so it stays in a register. But nothing says that the arguments of a law are small. So the
//! worker tests its parameters once and continues in the variant. The variant's self calls need no
//! test as long as the types of the arguments that they pass are small: a parameter of the variant
//! is small if every self call passes a small one, and `u64` if every self call passes one that is.
//! (Function versioning behind a type guard.)
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
    Unit, Var,
};
use cranelift_entity::EntitySet;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Functions of more than this size get no variant.
const SIZE_LIMIT: usize = 200;
/// The most variants in a unit.
const VARIANTS_LIMIT: usize = 6;

pub(super) fn add_variants(unit: &mut Unit) {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    let candidates: Vec<FunctionId> =
        ids.into_iter().filter(|id| is_candidate(&unit.functions[*id], *id)).collect();
    if candidates.is_empty() {
        return;
    }
    // What a variant passes to other functions is no wider than what the original passes, so with
    // these types its own types can be inferred alone.
    narrow::narrow(unit);
    let mut variants = 0;
    for id in candidates {
        let types = computed_params(&unit.functions[id]);
        if variants < VARIANTS_LIMIT
            && let Some((variant, types)) = variant(unit, id, types)
        {
            split(unit, id, variant, &types);
            variants += 1;
        }
    }
}

/// Whether a function may have a variant.
fn is_candidate(function: &Function, id: FunctionId) -> bool {
    function.role == FunctionRole::Worker
        && referenced_functions(function).contains(&id)
        && function.size() <= SIZE_LIMIT
}

/// For each parameter, the type as which a variant takes it, if that is a narrower one.
type VariantTypes = Vec<Option<Type>>;

/// For each parameter that primitive operations use, the type that a variant may take it as: `u64`
/// if operations on words use it, and none whose result would be wider, else `small`. A parameter
/// that may be a thunk is only taken as `u64`.
fn computed_params(function: &Function) -> VariantTypes {
    let none = EntitySet::with_capacity(function.vars.len());
    let (mut used, mut as_word, mut as_nat) = (none.clone(), none.clone(), none);
    let forced = forced_params(function);
    for op in function.live_ops() {
        let Op::Prim(prim, operands) = op else { continue };
        if matches!(prim, Prim::Item | Prim::Length | Prim::IsNat | Prim::Evaluated) {
            // These suggest a list rather than a nat.
            continue;
        }
        for operand in operands {
            let Operand::Var(var) = *operand else { continue };
            let var = forced.get(&var).copied().unwrap_or(var);
            used.insert(var);
            if prim.is_word64() {
                as_word.insert(var);
            }
            if matches!(prim, Prim::Inc | Prim::Add | Prim::Mul | Prim::Lsh) {
                as_nat.insert(var);
            }
        }
    }
    let candidate = |var: Var| {
        let is_word = as_word.contains(var) && !as_nat.contains(var);
        match function.vars[var] {
            Type::Nat | Type::Whnf | Type::Any if is_word => Some(Type::U64),
            Type::Nat | Type::Whnf if used.contains(var) => Some(Type::Small),
            _ => None,
        }
    };
    function.params.iter().map(|var| candidate(*var)).collect()
}

/// The parameters that a function forces, by the variables of their values.
fn forced_params(function: &Function) -> HashMap<Var, Var, FixedState> {
    let mut forced = HashMap::default();
    for block in function.live_blocks() {
        for stmt in &function.blocks[block].stmts {
            if let Stmt::Let(vars, Op::Force(Operand::Var(param))) = stmt
                && function.params.contains(param)
            {
                forced.insert(vars[0], *param);
            }
        }
    }
    forced
}

/// The variant that takes as `small` or `u64` the largest subset of the candidate parameters that all
/// its self calls pass as such, and the types as which it takes them. Widens or drops candidates
/// until type inference confirms the rest.
fn variant(
    unit: &mut Unit,
    id: FunctionId,
    mut candidates: VariantTypes,
) -> Option<(Function, VariantTypes)> {
    while candidates.iter().any(Option::is_some) {
        let declared = unit.functions[id].param_types();
        let passed: Vec<Type> =
            candidates.iter().zip(declared).map(|(ty, declared)| ty.unwrap_or(declared)).collect();
        let variant = narrow::infer_variant(unit, id, &passed);
        let types = variant.param_types();
        let confirm = |(candidate, found): (&Option<Type>, &Type)| {
            candidate
                .map(|ty| ty.max(*found))
                .filter(|ty| ty.is(Type::U64))
                .map(|ty| ty.max(Type::Small))
        };
        let confirmed: VariantTypes = candidates.iter().zip(&types).map(confirm).collect();
        if confirmed == candidates {
            return Some((variant, candidates));
        }
        candidates = confirmed;
    }
    None
}

/// Replaces a worker by a dispatcher, its variant and its original code.
fn split(unit: &mut Unit, id: FunctionId, variant: Function, types: &[Option<Type>]) {
    let code = unit.functions[id].clone();
    let [variant, original] = [variant, code].map(|copy| unit.functions.push(copy));
    unit.functions[id] = dispatcher(&unit.functions[original], types, variant, original);
    for copy in [variant, original] {
        for block in unit.functions[copy].blocks.values_mut() {
            block.for_each_function_mut(|callee| {
                if *callee == id {
                    *callee = copy;
                }
            });
        }
    }
}

/// A function that tests whether parameters are of the types that the variant takes, and tail calls
/// the variant if all are.
fn dispatcher(
    code: &Function,
    types: &[Option<Type>],
    variant: FunctionId,
    original: FunctionId,
) -> Function {
    let mut dispatcher =
        Function::with_params(FunctionRole::Worker, code.param_types()).of_law(code.law);
    dispatcher.results.clone_from(&code.results);
    let params = dispatcher.param_operands();
    let tail = |callee, args| Terminator::Tail(Call::local(callee, args));
    let (mut here, mut args) = (BlockId::FIRST, params.clone());
    for ((param, arg), ty) in params.iter().zip(&mut args).zip(types) {
        let Some(ty) = *ty else { continue };
        let [yes, no] = [(); 2].map(|()| dispatcher.new_block(tail(original, params.clone())));
        let value = dispatcher.new_var(ty);
        let may_be_thunk = matches!(*param, Operand::Var(var) if dispatcher.vars[var] == Type::Any);
        if may_be_thunk {
            dispatcher.blocks[here].terminator = Terminator::Direct(*param, value, yes, no);
        } else {
            let (test, cast) = match ty {
                Type::U64 => (Prim::IsU64, Prim::Low64),
                _ => (Prim::IsSmall, Prim::Small),
            };
            let fits = dispatcher.new_var(Type::Bit);
            let test = Stmt::Let(vec![fits], Op::Prim(test, vec![*param]));
            dispatcher.blocks[here].stmts.push(test);
            dispatcher.blocks[here].terminator = Terminator::If(fits.into(), yes, no);
            let cast = Stmt::Let(vec![value], Op::Prim(cast, vec![*param]));
            dispatcher.blocks[yes].stmts.push(cast);
        }
        *arg = value.into();
        here = yes;
    }
    dispatcher.blocks[here].terminator = tail(variant, args);
    dispatcher
}

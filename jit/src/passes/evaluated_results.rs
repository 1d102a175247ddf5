//! Evaluated results: a worker that returns the items of a row returns those evaluated that all its
//! callers are certain to evaluate.
//!
//! ```text
//! before  worker f1(..) -> any, any { .. v5 = thunk f2(v3); return v5, v4 }
//!         v1, v2 = call f1(..); v6 = force v1
//! after   worker f1(..) -> whnf, any { .. v5 = thunk f2(v3); v7 = force v5; return v7, v4 }
//! ```
//!
//! The thunk is evaluated where it is made, so it is not made. An item that a caller may pass on at its
//! end does not count: to evaluate it in the worker would take stack.

use crate::analysis::call_graph::tail_calls;
use crate::analysis::demand::DemandAnalysis;
use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, FunctionRole, Op, Operand, Stmt, Terminator, Type,
    Unit, Var,
};
use cranelift_entity::{EntitySet, PrimaryMap};

/// For each function, whether each of its results is to be evaluated before it returns.
type EvaluatedResults = PrimaryMap<FunctionId, Vec<bool>>;

/// Makes workers evaluate the results that all their callers evaluate.
pub(super) fn evaluate_results(unit: &mut Unit) {
    let is_candidate = |function: &Function, ty: &Type| {
        function.role == FunctionRole::Worker && function.results.len() > 1 && *ty == Type::Any
    };
    let candidates = unit.functions.values().map(|function| {
        function.results.iter().map(|ty| is_candidate(function, ty)).collect::<Vec<bool>>()
    });
    let mut evaluated: EvaluatedResults = candidates.collect();
    if !evaluated.values().flatten().any(|is_evaluated| *is_evaluated) {
        return;
    }
    exclude_lazy_uses(unit, &mut evaluated);
    exclude_tail_calls(unit, &mut evaluated);
    for (id, function) in unit.functions.iter_mut() {
        for block in function.live_blocks() {
            force_returned(function, block, &evaluated[id]);
            type_evaluated(function, block, &evaluated);
        }
        let results = function.results.iter_mut().zip(&evaluated[id]);
        results.filter(|(_, is)| **is).for_each(|(ty, _)| *ty = Type::Whnf);
    }
}

/// Excludes the results that some caller may not evaluate, or passes on at its end.
fn exclude_lazy_uses(unit: &Unit, evaluated: &mut EvaluatedResults) {
    let demands = DemandAnalysis::of(unit);
    for (id, function) in &unit.functions {
        let mut passed_on: EntitySet<Var> = EntitySet::with_capacity(function.vars.len());
        let blocks = function.live_blocks();
        for block in &blocks {
            let operands = function.blocks[*block].terminator.operands();
            passed_on.extend(operands.into_iter().filter_map(Operand::var));
        }
        for stmt in blocks.iter().flat_map(|block| &function.blocks[*block].stmts) {
            let Stmt::Let(vars, Op::Call(Call { callee: Callee::Local(callee), .. })) = stmt else {
                continue;
            };
            for (var, is_evaluated) in vars.iter().zip(&mut evaluated[*callee]) {
                *is_evaluated &= demands.is_demanded(id, *var) && !passed_on.contains(*var);
            }
        }
    }
}

/// Excludes the results of functions that are tail called by functions that do not return that result
/// evaluated, or that tail call such functions.
fn exclude_tail_calls(unit: &Unit, evaluated: &mut EvaluatedResults) {
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (id, function) in &unit.functions {
            for call in tail_calls(function) {
                let results = unit.results_of(call);
                for (index, ty) in results.iter().enumerate() {
                    let of_caller = evaluated[id].get(index).copied().unwrap_or(false);
                    let of_callee = match call.callee {
                        Callee::Local(callee) => evaluated[callee][index],
                        _ => false,
                    };
                    let is_lazy = *ty == Type::Any && !of_callee;
                    if of_caller && is_lazy {
                        evaluated[id][index] = false;
                        changed = true;
                    }
                    if let Callee::Local(callee) = call.callee
                        && of_callee
                        && !of_caller
                    {
                        evaluated[callee][index] = false;
                        changed = true;
                    }
                }
            }
        }
    }
}

/// Forces the results that a block returns and that are to be evaluated.
fn force_returned(function: &mut Function, block: BlockId, evaluated: &[bool]) {
    let Terminator::Return(mut list) = function.blocks[block].terminator.clone() else { return };
    for (operand, _) in list.iter_mut().zip(evaluated).filter(|(_, is)| **is) {
        if let Operand::Var(var) = *operand
            && function.vars[var] == Type::Any
        {
            let value = function.new_var(Type::Whnf);
            let force = Stmt::Let(vec![value], Op::Force(*operand));
            function.blocks[block].stmts.push(force);
            *operand = value.into();
        }
    }
    function.blocks[block].terminator = Terminator::Return(list);
}

/// Changes the types of the results that calls in a block return evaluated.
fn type_evaluated(function: &mut Function, block: BlockId, evaluated: &EvaluatedResults) {
    for stmt in &function.blocks[block].stmts {
        if let Stmt::Let(vars, Op::Call(Call { callee: Callee::Local(callee), .. })) = stmt {
            let results = vars.iter().zip(&evaluated[*callee]);
            for (var, _) in results.filter(|(_, is)| **is) {
                function.vars[*var] = Type::Whnf;
            }
        }
    }
}

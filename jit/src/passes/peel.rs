//! Peeling: callers of a recursive function test for its base case themselves.
//!
//! Half of the calls of a recursive function, or more, reach only the base case. A function that
//! starts with a test for a short base case gets a *front*: a function with that test and the base
//! case, which tail calls the original otherwise. All calls that are not in tail position call the
//! front. The front is small, so the inliner puts it into its callers, and a call remains only
//! where there is work to do. (Partial inlining, as in LLVM's `PartialInliner`.)

use crate::ir::{
    Block, BlockId, Call, Callee, Function, FunctionId, FunctionRole, Op, Stmt, Terminator, Unit,
};

/// The most statements before the test, and in the base case.
const STATEMENTS_LIMIT: usize = 3;
/// The most fronts in a unit.
const FRONTS_LIMIT: usize = 6;

pub(super) fn peel(unit: &mut Unit) {
    let mut fronts = 0;
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let function = &unit.functions[id];
        let is_candidate = function.role == FunctionRole::Worker && fronts < FRONTS_LIMIT;
        if !is_candidate || !has_inner_self_call(function, id) {
            continue;
        }
        let Some(front) = front(unit, function, id) else { continue };
        let front = unit.functions.push(front);
        for function in unit.functions.values_mut() {
            redirect_inner_calls(function, id, front);
        }
        fronts += 1;
    }
}

/// Whether a function calls itself other than in tail position.
fn has_inner_self_call(function: &Function, id: FunctionId) -> bool {
    let is_self_call = |stmt: &Stmt| match stmt {
        Stmt::Let(_, Op::Call(call)) => call.callee == Callee::Local(id),
        _ => false,
    };
    let mut blocks = function.live_blocks().into_iter();
    blocks.any(|block| function.blocks[block].stmts.iter().any(is_self_call))
}

/// The front of a function, if the function starts with a test for exactly one short base case.
fn front(unit: &Unit, function: &Function, id: FunctionId) -> Option<Function> {
    let Block { stmts, terminator } = &function.blocks[function.entry];
    let &Terminator::If(condition, yes, no) = terminator else { return None };
    let is_base_case = |id: BlockId| {
        let block = &function.blocks[id];
        matches!(block.terminator, Terminator::Return(_)) && is_short(unit, function, &block.stmts)
    };
    if !is_short(unit, function, stmts) || is_base_case(yes) == is_base_case(no) {
        return None;
    }
    let mut front = Function::new(FunctionRole::Worker).of_law(function.law);
    front.vars.clone_from(&function.vars);
    front.params.clone_from(&function.params);
    front.results.clone_from(&function.results);
    front.blocks[BlockId::FIRST].stmts.clone_from(stmts);
    let args = function.param_operands();
    let [yes, no] = [yes, no].map(|branch| match is_base_case(branch) {
        true => front.blocks.push(function.blocks[branch].clone()),
        false => front.new_block(Terminator::Tail(Call::local(id, args.clone()))),
    });
    front.blocks[BlockId::FIRST].terminator = Terminator::If(condition, yes, no);
    Some(front)
}

/// Whether statements are a few total primitive operations.
fn is_short(unit: &Unit, function: &Function, stmts: &[Stmt]) -> bool {
    let is_total_prim = |stmt: &Stmt| match stmt {
        Stmt::Let(_, op @ Op::Prim(..)) => unit.is_total(function, op),
        _ => false,
    };
    stmts.len() <= STATEMENTS_LIMIT && stmts.iter().all(is_total_prim)
}

/// Changes the callee of the calls that are not in tail position.
fn redirect_inner_calls(function: &mut Function, from: FunctionId, to: FunctionId) {
    for block in function.blocks.values_mut() {
        for stmt in &mut block.stmts {
            if let Stmt::Let(_, Op::Call(call)) = stmt
                && call.callee == Callee::Local(from)
            {
                call.callee = Callee::Local(to);
            }
        }
    }
}

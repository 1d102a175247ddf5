//! Peeling: what a function that calls itself does where it ends at once is done by its callers.
//!
//! Half of all calls of a recursive function, or more, are of those that only find that nothing is
//! left to do. A function that begins with such a test gets a front with just that test, which all
//! calls that come back find; it is small, so it is put where they are, and the calls themselves are
//! made only when there is something to do.

use super::info;
use crate::ir::{
    Block, BlockId, Call, Callee, End, Function, FunctionId, Op, Operand, Role, Stmt, Unit,
};

/// Operations before and in the branch that ends at once.
const STATEMENTS: usize = 3;
/// No more functions than this get a front in a unit.
const FRONTS: usize = 6;

pub(super) fn peel(unit: &mut Unit) {
    let mut made = 0;
    for index in 0..unit.functions.len() {
        let id = FunctionId(index as u32);
        let function = &unit.functions[index];
        if function.role != Role::Worker || made == FRONTS || !recurs(function, id) {
            continue;
        }
        let Some(front) = front(unit, function, id) else { continue };
        let front_id = FunctionId(unit.functions.len() as u32);
        unit.functions.push(front);
        for function in &mut unit.functions {
            redirect(function, id, front_id);
        }
        made += 1;
    }
}

/// Whether a function calls itself and comes back.
fn recurs(function: &Function, id: FunctionId) -> bool {
    let blocks = info::blocks(function, function.entry);
    let mut ops = blocks.iter().flat_map(|block| &function.blocks[block.index()].stmts);
    ops.any(|stmt| matches!(stmt, Stmt::Let(_, Op::Call(call)) if call.callee == Callee::Local(id)))
}

/// The function that ends at once where this one does, and else calls it.
fn front(unit: &Unit, function: &Function, id: FunctionId) -> Option<Function> {
    let Block { stmts, end } = &function.blocks[function.entry.index()];
    let &End::If(condition, yes, no) = end else { return None };
    let ends = |id: BlockId| {
        let block = &function.blocks[id.index()];
        matches!(block.end, End::Return(_)) && is_short(unit, function, &block.stmts)
    };
    if !is_short(unit, function, stmts) || ends(yes) == ends(no) {
        return None;
    }
    let mut front = Function::new(Role::Worker);
    front.vars.clone_from(&function.vars);
    front.params.clone_from(&function.params);
    front.results.clone_from(&function.results);
    front.blocks[0].stmts.clone_from(stmts);
    let args: Vec<Operand> = function.params.iter().map(|var| (*var).into()).collect();
    let [yes, no] = [yes, no].map(|branch| {
        if !ends(branch) {
            return front.block(End::Tail(Call { callee: Callee::Local(id), args: args.clone() }));
        }
        front.blocks.push(function.blocks[branch.index()].clone());
        BlockId(front.blocks.len() as u32 - 1)
    });
    front.blocks[0].end = End::If(condition, yes, no);
    Some(front)
}

/// Whether statements are a few operations that always end.
fn is_short(unit: &Unit, function: &Function, stmts: &[Stmt]) -> bool {
    let is_total = |stmt: &Stmt| match stmt {
        Stmt::Let(_, op @ Op::Prim(..)) => unit.is_total(function, op),
        _ => false,
    };
    stmts.len() <= STATEMENTS && stmts.iter().all(is_total)
}

/// Has calls of a function that come back call another.
fn redirect(function: &mut Function, from: FunctionId, to: FunctionId) {
    for block in &mut function.blocks {
        for stmt in &mut block.stmts {
            if let Stmt::Let(_, Op::Call(call)) = stmt
                && call.callee == Callee::Local(from)
            {
                call.callee = Callee::Local(to);
            }
        }
    }
}

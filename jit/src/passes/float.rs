//! Floating inwards: a value that only one branch uses is made there.
//!
//! Only what is made without evaluating anything moves: thunks, applications, rows, and operations
//! that always end. A thunk that several branches use, of which one only ends with evaluating it, is
//! made for that one apart: there it may turn out not to be needed. Into a join point's code it may move, since that runs once; into a loop it may not.

use super::info;
use crate::ir::{Block, BlockId, End, Function, Op, Operand, Prim, Stmt, Type, Unit};

pub(super) fn float(unit: &mut Unit) {
    for index in 0..unit.functions.len() {
        let mut function = unit.functions[index].clone();
        for block in info::blocks(&function, function.entry) {
            float_block(unit, &mut function, block);
        }
        unit.functions[index] = function;
    }
}

/// A part of what comes after a statement, and the variables used there.
struct Part {
    /// The block that it starts with, if a statement may move there.
    block: Option<BlockId>,
    used: Vec<bool>,
}

impl Part {
    fn new(function: &Function, block: Option<BlockId>) -> Part {
        Part { block, used: vec![false; function.vars.len()] }
    }

    fn of(function: &Function, from: BlockId, may_move: bool) -> Part {
        let mut part = Part::new(function, may_move.then_some(from));
        for block in info::blocks(function, from) {
            let Block { stmts, end } = &function.blocks[block.index()];
            stmts.iter().flat_map(info::ops).for_each(|op| part.note(op.operands()));
            part.note(end.operands());
        }
        part
    }

    fn note(&mut self, operands: impl IntoIterator<Item = Operand>) {
        for operand in operands {
            if let Operand::Var(var) = operand {
                self.used[var.index()] = true;
            }
        }
    }
}

/// Moves what can be moved out of a block into those under it.
fn float_block(unit: &Unit, function: &mut Function, id: BlockId) {
    let branches = function.blocks[id.index()].end.blocks();
    let joins = function.blocks[id.index()].stmts.iter();
    if branches.is_empty() && !joins.clone().any(|stmt| matches!(stmt, Stmt::Join(_))) {
        return;
    }
    let stmts = std::mem::take(&mut function.blocks[id.index()].stmts);
    stmts.iter().for_each(|stmt| part_thunk(function, &branches, stmt));
    // What comes after in this block itself comes first.
    let mut parts = vec![Part::new(function, None)];
    let end: &End = &function.blocks[id.index()].end;
    parts[0].note(end.operands());
    parts.extend(branches.into_iter().map(|block| Part::of(function, block, true)));
    let mut kept = Vec::with_capacity(stmts.len());
    for stmt in stmts.into_iter().rev() {
        if let Some(target) = target(unit, function, &parts, &stmt) {
            let part = &mut parts[target];
            info::ops(&stmt).for_each(|op| part.note(op.operands()));
            if let Some(block) = part.block {
                function.blocks[block.index()].stmts.insert(0, stmt);
            }
            continue;
        }
        match &stmt {
            Stmt::Join(join) => {
                let join = &function.joins[join.index()];
                parts.push(Part::of(function, join.body, !join.is_loop));
            }
            _ => info::ops(&stmt).for_each(|op| parts[0].note(op.operands())),
        }
        kept.push(stmt);
    }
    kept.reverse();
    function.blocks[id.index()].stmts = kept;
}

/// Has a branch that ends with evaluating a thunk make one of its own, if another uses it as well.
fn part_thunk(function: &mut Function, branches: &[BlockId], stmt: &Stmt) {
    let Stmt::Let(vars, op @ (Op::Thunk(..) | Op::Delay(..))) = stmt else { return };
    let [thunk] = vars[..] else { return };
    let enters =
        |branch: &&BlockId| function.blocks[branch.index()].end == End::Enter(thunk.into());
    let Some(entering) = branches.iter().find(enters) else { return };
    let is_used = |branch: &&BlockId| Part::of(function, **branch, false).used[thunk.index()];
    if branches.iter().filter(is_used).count() < 2 {
        return;
    }
    let own = function.var(Type::Any);
    let block = &mut function.blocks[entering.index()];
    block.end = End::Enter(own.into());
    block.stmts.push(Stmt::Let(vec![own], op.clone()));
}

/// The one part that uses what a statement makes, if it may move there.
fn target(unit: &Unit, function: &Function, parts: &[Part], stmt: &Stmt) -> Option<usize> {
    let Stmt::Let(vars, op) = stmt else { return None };
    // Items are read early, so that their row can go.
    if matches!(op, Op::Force(_) | Op::Prim(Prim::Item, _)) || !unit.is_total(function, op) {
        return None;
    }
    let is_used = |part: &Part| vars.iter().any(|var| part.used[var.index()]);
    let mut users = (0..parts.len()).filter(|&index| is_used(&parts[index]));
    match (users.next(), users.next()) {
        (Some(only), None) if parts[only].block.is_some() => Some(only),
        _ => None,
    }
}

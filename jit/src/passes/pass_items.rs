//! Workers take an item of a row in place of the row, if it is all that they read of it.
//!
//! ```text
//! before  tail call f1(v3)                            f1(v0: whnf) { v1 = item v0, 1; .. }
//! after   v4 = item v3, 1; tail call f1(v4)           f1(v1: any) { .. }
//! ```
//!
//! A loop over a list that looks at the next cell first passes on the cell before it. It keeps that cell alive, and
//! its parameter is no list, so that [`deforest`](super::deforest) would not find it.

use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Terminator,
    Type, Unit, Var,
};

/// A parameter of which one item is read.
#[derive(Clone, Copy)]
struct ReadParam {
    function: FunctionId,
    place: usize,
    index: u64,
}

/// Replaces such parameters of the workers of a unit.
pub(super) fn pass_items(unit: &mut Unit) {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        for place in 0..unit.functions[id].params.len() {
            if let Some(index) = index_read(&unit.functions[id], place) {
                replace(unit, ReadParam { function: id, place, index });
            }
        }
    }
}

/// The index at which a worker reads a parameter, if it does nothing else with it, and it is evaluated.
fn index_read(function: &Function, place: usize) -> Option<u64> {
    let row = function.params[place];
    if function.role != FunctionRole::Worker || function.vars[row] != Type::Whnf {
        return None;
    }
    let mut index = None;
    for block in function.live_blocks() {
        let block = &function.blocks[block];
        if block.terminator.operands().contains(&row.into()) {
            return None;
        }
        for op in block.stmts.iter().flat_map(Stmt::ops) {
            if !op.operands().any(|operand| operand == row.into()) {
                continue;
            }
            let read = item_of(op, row)?;
            if *index.get_or_insert(read) != read {
                return None;
            }
        }
    }
    index
}

/// The index of the item of a row that an operation is.
fn item_of(op: &Op, row: Var) -> Option<u64> {
    match op {
        Op::Prim(Prim::Item, operands) => match operands[..] {
            [of, Operand::Small(index)] if of == row.into() => Some(index),
            _ => None,
        },
        _ => None,
    }
}

fn replace(unit: &mut Unit, param: ReadParam) {
    let function = &mut unit.functions[param.function];
    let row = function.params[param.place];
    let item = function.new_var(Type::Any);
    function.params[param.place] = item;
    let mut items = vec![];
    for block in function.live_blocks() {
        function.blocks[block].stmts.retain(|stmt| match stmt {
            Stmt::Let(vars, op) if item_of(op, row).is_some() => {
                items.push(Operand::Var(vars[0]));
                false
            }
            _ => true,
        });
    }
    function.for_each_operand_mut(|operand| {
        if items.contains(operand) {
            *operand = item.into();
        }
    });
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        for block in unit.functions[id].live_blocks() {
            pass_item(&mut unit.functions[id], block, param);
        }
    }
}

/// Passes the item in the calls of the function in a block.
fn pass_item(function: &mut Function, id: BlockId, param: ReadParam) {
    let is_call = |call: &Call| call.callee == Callee::Local(param.function);
    let mut stmts = Vec::with_capacity(function.blocks[id].stmts.len());
    for mut stmt in std::mem::take(&mut function.blocks[id].stmts) {
        if let Stmt::Let(_, Op::Call(call)) = &mut stmt
            && is_call(call)
        {
            stmts.push(read(function, call, param));
        }
        stmts.push(stmt);
    }
    function.blocks[id].stmts = stmts;
    let mut terminator = function.blocks[id].terminator.clone();
    if let Terminator::Tail(call) = &mut terminator
        && is_call(call)
    {
        let stmt = read(function, call, param);
        function.blocks[id].stmts.push(stmt);
        function.blocks[id].terminator = terminator;
    }
}

/// Makes the item the argument of a call; returns the statement that reads it.
fn read(function: &mut Function, call: &mut Call, param: ReadParam) -> Stmt {
    let item = function.new_var(Type::Any);
    let row = std::mem::replace(&mut call.args[param.place], item.into());
    Stmt::Let(vec![item], Op::Prim(Prim::Item, vec![row, Operand::Small(param.index)]))
}

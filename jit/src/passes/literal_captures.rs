//! Literal captures: a thunk that captures the index at which its code reads an item of a row gets code
//! of its own for that index.
//!
//! ```text
//! before  v4 = thunk f1(v0, v3, 1)      thunk f1(v0, v1, v2) { v3 = item v1, v2; .. }
//! after   v4 = thunk f2(v0, v3)         thunk f2(v0, v1) { v3 = item v1, 1; .. }
//! ```
//!
//! The thunks of a row that is generated with a known length are made in this way. With a literal index, they
//! [capture the item](super::captures) instead of the row. (Procedure cloning for constants.)

use super::slice::definition;
use crate::ir::{Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Type, Unit, Var};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The largest code of a thunk that is copied.
const SIZE_LIMIT: usize = 60;
/// The most copies that one pass over a unit makes.
const COPIES_LIMIT: usize = 24;

pub(super) fn build_in_literals(unit: &mut Unit) {
    // Copies with the same code are one function.
    let mut copies: HashMap<Function, FunctionId, FixedState> = HashMap::default();
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        for block in unit.functions[id].live_blocks() {
            for index in 0..unit.functions[id].blocks[block].stmts.len() {
                let stmt = &unit.functions[id].blocks[block].stmts[index];
                let Stmt::Let(vars, Op::Thunk(entry, captures)) = stmt else { continue };
                if copies.len() == COPIES_LIMIT {
                    return;
                }
                let types = unit.types_of(&unit.functions[id], captures);
                let code = &unit.functions[*entry];
                let Some((code, captures)) = with_literals(code, captures, &types) else {
                    continue;
                };
                let vars = vars.clone();
                let entry = match copies.get(&code) {
                    Some(entry) => *entry,
                    None => {
                        let entry = unit.functions.push(code.clone());
                        copies.insert(code, entry);
                        entry
                    }
                };
                let made = Stmt::Let(vars, Op::Thunk(entry, captures));
                unit.functions[id].blocks[block].stmts[index] = made;
            }
        }
    }
}

/// Makes thunks of equal code have one function: copies differ only in the item that they read, which they
/// may capture now.
pub(super) fn merge_equal_thunks(unit: &mut Unit) {
    let mut first: HashMap<&Function, FunctionId, FixedState> = HashMap::default();
    let mut merged: HashMap<FunctionId, FunctionId, FixedState> = HashMap::default();
    for (id, function) in &unit.functions {
        if function.role == FunctionRole::Thunk {
            let kept = *first.entry(function).or_insert(id);
            if kept != id {
                merged.insert(id, kept);
            }
        }
    }
    if merged.is_empty() {
        return;
    }
    for block in unit.functions.values_mut().flat_map(|function| function.blocks.values_mut()) {
        block.for_each_function_mut(|id| *id = merged.get(id).copied().unwrap_or(*id));
    }
}

/// A copy of a thunk's code in which literals among the captures are built in that are indices of items
/// of evaluated rows among them, and the other captures. `None` if there is none.
fn with_literals(
    code: &Function,
    captures: &[Operand],
    types: &[Type],
) -> Option<(Function, Vec<Operand>)> {
    let is_literal = |capture: &Operand| matches!(capture, Operand::Small(_));
    if !captures.iter().any(is_literal)
        || code.role != FunctionRole::Thunk
        || code.size() > SIZE_LIMIT
    {
        return None;
    }
    let is_evaluated = |row: Operand| {
        let place = |row| code.params.iter().position(|param| row == Operand::Var(*param));
        place(forced_value(code, row)).is_some_and(|place| types[place].is(Type::Whnf))
    };
    let is_index = |param: Var| {
        code.live_ops().any(|op| match op {
            Op::Prim(Prim::Item, operands) => {
                operands[1] == Operand::Var(param) && is_evaluated(operands[0])
            }
            _ => false,
        })
    };
    let mut copy = Function { params: Vec::new(), ..code.clone() };
    let mut literals: HashMap<Var, Operand, FixedState> = HashMap::default();
    let mut others = Vec::new();
    for (param, capture) in code.params.iter().zip(captures) {
        if is_literal(capture) && is_index(*param) {
            literals.insert(*param, *capture);
        } else {
            copy.params.push(*param);
            others.push(*capture);
        }
    }
    if literals.is_empty() {
        return None;
    }
    copy.for_each_operand_mut(|operand| {
        if let Operand::Var(var) = operand
            && let Some(literal) = literals.get(var)
        {
            *operand = *literal;
        }
    });
    Some((copy, others))
}

/// What a variable is the value of, if it is that of another one.
fn forced_value(code: &Function, value: Operand) -> Operand {
    match definition(code, value) {
        Some(Op::Force(of)) => *of,
        _ => value,
    }
}

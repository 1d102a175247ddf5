//! Reading first: the reads of a table, row or set in one block move up before its edit.
//!
//! ```text
//! v1 = put(row, i, x)           v2 = item row, j
//! v2 = item row, j              v1 = put(row, i, x)
//! ```
//!
//! An edit changes a value in place only if nothing uses the value after it. The arguments of a law
//! are written where they are first needed, which is after the edit for `put (put row i x) j (get row i)`.
//! Operations on numbers that such a read needs move with it. (Instruction scheduling for in-place
//! updates: Hudak and Bloss, "The aggregate update problem in functional programming systems", 1985.)

use crate::analysis::collections::{Collection, edited, jet_operation, read};
use crate::ir::{Block, Function, JetOperation, Op, Operand, Prim, Stmt, Type, Unit, Var};
use std::collections::BTreeSet;

pub(super) fn read_first(unit: &mut Unit) {
    let ids: Vec<_> = unit.functions.keys().collect();
    for id in ids {
        for block in unit.functions[id].live_blocks() {
            let function = &unit.functions[id];
            if let Some(stmts) = reordered(unit, function, &function.blocks[block]) {
                unit.functions[id].blocks[block].stmts = stmts;
            }
        }
    }
}

/// The statements of a block with reads before edits; none if they are already.
fn reordered(unit: &Unit, function: &Function, block: &Block) -> Option<Vec<Stmt>> {
    let mut stmts = block.stmts.clone();
    let mut is_changed = false;
    let mut index = 0;
    while index < stmts.len() {
        if let Some(collection) = edited_by(unit, &stmts[index])
            && let Some(moved) = movable_reads(unit, function, &stmts[index..], collection)
        {
            is_changed = true;
            // From the first on, so that they stay in order.
            for (done, offset) in moved.into_iter().enumerate() {
                let stmt = stmts.remove(index + offset);
                stmts.insert(index + done, stmt);
            }
        }
        index += 1;
    }
    is_changed.then_some(stmts)
}

/// The variable that a statement edits.
fn edited_by(unit: &Unit, stmt: &Stmt) -> Option<Var> {
    let Stmt::Let(_, Op::Call(call)) = stmt else { return None };
    edited(jet_operation(unit, call)?, &call.args)?.1.var()
}

/// The positions, ascending, of the reads of a collection that can be made before the first of these
/// statements, and of what they need. None if there is no such read.
fn movable_reads(
    unit: &Unit,
    function: &Function,
    stmts: &[Stmt],
    collection: Var,
) -> Option<BTreeSet<usize>> {
    let mut moved = BTreeSet::new();
    for (index, stmt) in stmts.iter().enumerate().skip(1) {
        if reads(unit, function, stmt, collection) {
            let mut needed = BTreeSet::from([index]);
            if add_needed(stmts, index, &mut needed) {
                moved.extend(needed);
            }
        }
    }
    (!moved.is_empty()).then_some(moved)
}

/// Adds what a statement needs of those between the edit and itself. Returns false if something of
/// that cannot be moved.
fn add_needed(stmts: &[Stmt], index: usize, needed: &mut BTreeSet<usize>) -> bool {
    let operands = stmts[index].ops().flat_map(Op::operands);
    operands.filter_map(Operand::var).all(|var| {
        let defines = |stmt: &Stmt| matches!(stmt, Stmt::Let(vars, _) if vars.contains(&var));
        match stmts[..index].iter().position(defines) {
            None => !is_defined_in_group(&stmts[..index], var),
            Some(0) => false,
            Some(definition) => {
                let is_movable = matches!(&stmts[definition], Stmt::Let(_, Op::Prim(..)));
                is_movable && (!needed.insert(definition) || add_needed(stmts, definition, needed))
            }
        }
    })
}

/// Whether a group of values that refer to each other defines a variable.
fn is_defined_in_group(stmts: &[Stmt], var: Var) -> bool {
    let mut groups = stmts.iter().filter_map(|stmt| match stmt {
        Stmt::Rec(group) => Some(group),
        _ => None,
    });
    groups.any(|group| group.iter().any(|(defined, _)| *defined == var))
}

/// Whether a statement only reads a collection, and evaluates nothing.
fn reads(unit: &Unit, function: &Function, stmt: &Stmt, collection: Var) -> bool {
    match stmt {
        Stmt::Let(_, Op::Prim(Prim::Item | Prim::Length, operands)) => {
            operands.first() == Some(&Operand::Var(collection))
        }
        Stmt::Let(_, Op::Call(call)) => {
            let is_evaluated = |operand: &Operand| match operand {
                Operand::Var(var) => function.vars[*var] != Type::Any,
                _ => true,
            };
            let read_as = |operation| {
                Collection::ALL.iter().find_map(|kind| read(*kind, operation, &call.args))
            };
            jet_operation(unit, call).is_some_and(|operation| {
                operation != JetOperation::SwitchTable
                    && call.args.iter().all(is_evaluated)
                    && read_as(operation) == Some(Operand::Var(collection))
            })
        }
        _ => false,
    }
}

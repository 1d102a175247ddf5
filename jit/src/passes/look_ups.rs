//! Captures of look-ups: a thunk that looks keys up in a table which its maker edits captures what it
//! finds, in place of the table.
//!
//! ```text
//! v1 = thunk f1(key, table)             v3 = thunk f2(key, table)
//! v2 = tabIns(key, v1, table)           v1 = thunk f1(v3)
//!                                       v2 = tabIns(key, v1, table)
//! f1(k, t): inc (tabIdx(k, t))          f1(x): inc x
//!                                       f2(k, t): tabIdx(k, t)
//! ```
//!
//! The thunk of the look-up alone is one that code generation makes at once where it can
//! (`codegen::delayed`). So the new entry does not keep the old table, the edit may change the table in
//! place, and a count of words is a number and not a chain of thunks. See [`captures`](super::captures) for
//! rows.

use super::captures::{captured_values, drop_unused};
use crate::analysis::collections::{Collection, jet_operation, read};
use crate::ir::{
    Function, FunctionId, FunctionRole, JetOperation, Op, Operand, Stmt, Terminator, Type, Unit,
    Var,
};

/// The most look-ups that are captured in place of one table.
const LOOK_UPS_LIMIT: usize = 2;

pub(super) fn capture_look_ups(unit: &mut Unit) {
    let captured = captured_values(unit);
    let mut is_changed = false;
    for id in unit.functions.keys().collect::<Vec<_>>() {
        let Some(values) = &captured[id] else { continue };
        let tables: Vec<Var> = unit.functions[id]
            .params
            .iter()
            .zip(values)
            .filter(|(_, value)| value.is_edited && value.ty == Type::Whnf)
            .map(|(param, _)| *param)
            .collect();
        for table in tables {
            if let Some(look_ups) = look_ups_in(unit, &unit.functions[id], table) {
                replace(unit, id, table, &look_ups);
                is_changed = true;
            }
        }
    }
    if is_changed {
        drop_unused(unit);
    }
}

/// A look-up at the beginning of a thunk's code.
struct LookUp {
    /// The index of its statement in the entry block.
    index: usize,
    /// The code of a thunk of the look-up alone, with the same parameters.
    code: Function,
}

/// The look-ups of a parameter in the code of a thunk, if there are few and it has no other use.
fn look_ups_in(unit: &Unit, function: &Function, table: Var) -> Option<Vec<LookUp>> {
    let operand = Operand::Var(table);
    let uses =
        |operands: &mut dyn Iterator<Item = Operand>| operands.filter(|it| *it == operand).count();
    let mut count = 0;
    for block in function.live_blocks() {
        let block = &function.blocks[block];
        count += uses(&mut block.stmts.iter().flat_map(Stmt::ops).flat_map(Op::operands));
        count += uses(&mut block.terminator.operands().into_iter());
    }
    let stmts = &function.blocks[function.entry].stmts;
    let look_up =
        |(index, stmt)| Some(LookUp { index, code: look_up(unit, function, stmt, table)? });
    let found: Vec<LookUp> = stmts.iter().enumerate().filter_map(look_up).collect();
    ((1..=LOOK_UPS_LIMIT).contains(&found.len()) && found.len() == count).then_some(found)
}

/// The code of a thunk of one look-up in a table, if a statement of a function's entry block is one whose
/// arguments are parameters, perhaps evaluated, and constants.
fn look_up(unit: &Unit, function: &Function, stmt: &Stmt, table: Var) -> Option<Function> {
    let Stmt::Let(results, Op::Call(call)) = stmt else { return None };
    let operation = jet_operation(unit, call)?;
    let is_item = matches!(operation, JetOperation::TableItem | JetOperation::OptionalTableItem);
    if !is_item || read(Collection::Table, operation, &call.args) != Some(table.into()) {
        return None;
    }
    let is_value = matches!(results[..], [result] if function.vars[result] == Type::Whnf);
    let stmts = &function.blocks[function.entry].stmts;
    let mut needed = Vec::new();
    let is_known = |operand: &Operand| match operand {
        Operand::Var(var) => {
            function.params.contains(var) || {
                let evaluation = stmts.iter().find(|stmt| evaluates(stmt, *var, &function.params));
                needed.extend(evaluation.cloned());
                evaluation.is_some()
            }
        }
        _ => true,
    };
    if !is_value || !call.args.iter().all(is_known) {
        return None;
    }
    let mut code = function.clone();
    let entry = code.entry;
    code.blocks[entry].stmts = needed;
    code.blocks[entry].terminator = Terminator::Tail(call.clone());
    debug_assert_eq!(code.role, FunctionRole::Thunk);
    Some(code)
}

/// Whether a statement defines a variable as a parameter after its evaluation.
fn evaluates(stmt: &Stmt, var: Var, params: &[Var]) -> bool {
    match stmt {
        Stmt::Let(vars, Op::Force(Operand::Var(of)) | Op::Normalise(Operand::Var(of))) => {
            vars[..] == [var] && params.contains(of)
        }
        _ => false,
    }
}

/// Replaces a parameter of a thunk's code by what look-ups in it find.
fn replace(unit: &mut Unit, id: FunctionId, table: Var, look_ups: &[LookUp]) {
    let place = unit.functions[id].params.iter().position(|param| *param == table);
    let Some(place) = place else { return };
    let codes: Vec<FunctionId> =
        look_ups.iter().map(|look_up| unit.functions.push(look_up.code.clone())).collect();
    let function = &mut unit.functions[id];
    for look_up in look_ups {
        let item = function.new_var(Type::Any);
        function.params.push(item);
        let entry = function.entry;
        if let Stmt::Let(_, op) = &mut function.blocks[entry].stmts[look_up.index] {
            *op = Op::Force(item.into());
        }
    }
    function.params.remove(place);
    for maker in unit.functions.keys().collect::<Vec<_>>() {
        for block in unit.functions[maker].live_blocks() {
            let function = &mut unit.functions[maker];
            let mut written = Vec::with_capacity(function.blocks[block].stmts.len());
            for mut stmt in std::mem::take(&mut function.blocks[block].stmts) {
                if let Stmt::Let(_, Op::Thunk(entry, passed)) = &mut stmt
                    && *entry == id
                {
                    let all = passed.clone();
                    passed.remove(place);
                    for code in &codes {
                        let found = function.new_var(Type::Any);
                        written.push(Stmt::Let(vec![found], Op::Thunk(*code, all.clone())));
                        passed.push(found.into());
                    }
                }
                written.push(stmt);
            }
            function.blocks[block].stmts = written;
        }
    }
}

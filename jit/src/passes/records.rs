//! Versions of loops whose state is a record: a row of which a turn replaces items.
//!
//! ```text
//! before  f1(v0: whnf, v1: whnf) { .. v3 = call jet k1(0, v2, v0); tail call f1(v3, v4) }
//! after   f1(v0: whnf, v1: whnf) { v5 = isrow v0, 2; if v5 { tail call f2(v0, v1) } else { .. } }
//!         f2(v0: whnf, v1: whnf) { v5 = item v0, 0; v6 = item v0, 1; v7 = row(v5, v6);
//!                                  .. v3 = row(v2, v6); tail call f2(v3, v4) }
//! ```
//!
//! A replacement of an item is a call of a jet, since the row may be any value. In the version for rows of
//! one number of items it is another row of variables, so the loop can take the items in place of the row
//! ([`unpack`](super::unpack)): a turn makes no row, and a table that is an item is a variable of its own,
//! which the loop edits in place. (Function versioning; scalar replacement of aggregates.)
//!
//! The number of items is that of the rows that the unit makes for the parameter, or else the least that
//! has all the items that the loop reads and replaces: most loops over a record use its last item.

use super::unpack::{ITEMS_LIMIT, PARAMS_LIMIT};
use crate::analysis::call_graph::tail_calls;
use crate::ir::{
    Call, Callee, Function, FunctionId, FunctionRole, JetOperation, Op, Operand, Prim, Stmt,
    Terminator, Type, Unit, Var,
};
use cranelift_entity::EntitySet;

/// Functions of more than this size have no versions.
const SIZE_LIMIT: usize = 400;

/// Adds the versions; returns whether there are some.
pub(super) fn add_versions(unit: &mut Unit) -> bool {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    let mut has_added = false;
    for id in ids {
        let Some(record) = record_of(unit, id) else { continue };
        let version = version_of(&unit.functions[id], id, unit.functions.next_key(), &record);
        let version = unit.functions.push(version);
        add_test(&mut unit.functions[id], version, &record);
        has_added = true;
    }
    has_added
}

/// The replacement of an item of a row: the row, the index and the value.
pub(super) fn replacement(unit: &Unit, call: &Call) -> Option<(Operand, usize, Operand)> {
    let Callee::Jet(jet) = call.callee else { return None };
    let operation = unit.constants[jet].jet.as_ref()?.operation?;
    let (row, index, value) = match (operation, &call.args[..]) {
        (JetOperation::Put, &[row, index, value])
        | (JetOperation::Mutate, &[index, value, row]) => (row, index, value),
        _ => return None,
    };
    let Operand::Small(index) = index else { return None };
    Some((row, usize::try_from(index).ok()?, value))
}

/// A parameter of a loop that is a record.
struct Record {
    /// The index of the parameter.
    place: usize,
    /// The variables that are the row, or the row with items replaced.
    versions: EntitySet<Var>,
    /// The number of items.
    size: usize,
}

/// The record of a function that is a loop over one.
fn record_of(unit: &Unit, id: FunctionId) -> Option<Record> {
    let function = &unit.functions[id];
    if function.role != FunctionRole::Worker || function.size() > SIZE_LIMIT {
        return None;
    }
    (0..function.params.len()).find_map(|place| {
        let param = function.params[place];
        if function.vars[param] != Type::Whnf {
            return None;
        }
        let (versions, least) = versions_of_row(unit, function, param)?;
        let is_version = |call: &Call| match call.args[place] {
            Operand::Var(var) => var != param && versions.contains(var),
            _ => false,
        };
        let mut turns = tail_calls(function).filter(|call| call.callee == Callee::Local(id));
        if !turns.any(is_version) {
            return None;
        }
        let size = made_size(unit, (id, place)).unwrap_or(least);
        let fits = size >= least
            && size as u64 <= ITEMS_LIMIT
            && function.params.len() - 1 + size <= PARAMS_LIMIT;
        fits.then_some(Record { place, versions, size })
    })
}

/// The variables that are a row, or the row with items replaced, and the least number of items with which
/// the row has all the items that are read and replaced. `None` if no item is replaced.
fn versions_of_row(unit: &Unit, function: &Function, row: Var) -> Option<(EntitySet<Var>, usize)> {
    let mut versions = EntitySet::with_capacity(function.vars.len());
    versions.insert(row);
    let (mut least, mut is_changed) = (0, false);
    let is_version = |versions: &EntitySet<Var>, operand: Operand| match operand {
        Operand::Var(var) => versions.contains(var),
        _ => false,
    };
    // A block comes before the blocks under it.
    for block in function.live_blocks() {
        for stmt in &function.blocks[block].stmts {
            let Stmt::Let(vars, op) = stmt else { continue };
            let index = match op {
                Op::Call(call) => match replacement(unit, call) {
                    Some((row, index, _)) if is_version(&versions, row) => {
                        versions.insert(vars[0]);
                        is_changed = true;
                        index
                    }
                    _ => continue,
                },
                Op::Prim(Prim::Item, operands) => match operands[..] {
                    [row, Operand::Small(index)] if is_version(&versions, row) => {
                        usize::try_from(index).ok()?
                    }
                    _ => continue,
                },
                _ => continue,
            };
            least = least.max(index.checked_add(1)?);
        }
    }
    is_changed.then_some((versions, least))
}

/// The number of items of the rows that functions of the unit make and pass for a parameter, if there are
/// such rows and all have the same number.
fn made_size(unit: &Unit, (id, place): (FunctionId, usize)) -> Option<usize> {
    let mut size = None;
    for function in unit.functions.values() {
        for call in tail_calls(function).filter(|call| call.callee == Callee::Local(id)) {
            let Operand::Var(arg) = call.args[place] else { continue };
            let made = function.live_blocks().into_iter().find_map(|block| {
                function.blocks[block].stmts.iter().find_map(|stmt| match stmt {
                    Stmt::Let(vars, Op::Row(items)) if vars[..] == [arg] => Some(items.len()),
                    _ => None,
                })
            });
            if let Some(made) = made
                && *size.get_or_insert(made) != made
            {
                return None;
            }
        }
    }
    size
}

/// The version of a function for a record of that number of items.
fn version_of(
    function: &Function,
    id: FunctionId,
    version: FunctionId,
    record: &Record,
) -> Function {
    let mut copy = function.clone();
    let param = copy.params[record.place];
    let items: Vec<Var> = (0..record.size).map(|_| copy.new_var(Type::Any)).collect();
    let row = copy.new_var(Type::Whnf);
    for block in copy.live_blocks() {
        if let Terminator::Tail(call) = &mut copy.blocks[block].terminator
            && call.callee == Callee::Local(id)
            && matches!(call.args[record.place], Operand::Var(var) if record.versions.contains(var))
        {
            call.callee = Callee::Local(version);
        }
    }
    copy.for_each_operand_mut(|operand| {
        if *operand == Operand::Var(param) {
            *operand = row.into();
        }
    });
    let read = |(index, item): (usize, &Var)| {
        let read = Op::Prim(Prim::Item, vec![param.into(), Operand::Small(index as u64)]);
        Stmt::Let(vec![*item], read)
    };
    let made = Op::Row(items.iter().map(|item| (*item).into()).collect());
    let first = items.iter().enumerate().map(read).chain([Stmt::Let(vec![row], made)]);
    let first: Vec<Stmt> = first.collect();
    let entry = copy.entry;
    copy.blocks[entry].stmts.splice(0..0, first);
    copy
}

/// Has a function begin with the test whether the record has that number of items, and call the version
/// then.
fn add_test(function: &mut Function, version: FunctionId, record: &Record) {
    let args = function.param_operands();
    let is_record = function.new_var(Type::Bit);
    let operands = vec![args[record.place], Operand::Small(record.size as u64)];
    let yes = function.new_block(Terminator::Tail(Call::local(version, args)));
    let entry = function.new_block(Terminator::If(is_record.into(), yes, function.entry));
    let test = Stmt::Let(vec![is_record], Op::Prim(Prim::IsRow, operands));
    function.blocks[entry].stmts.push(test);
    function.entry = entry;
}

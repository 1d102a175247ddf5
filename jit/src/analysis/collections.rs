//! Which jets edit tables, sets and rows, which only read them, and which take a short time.

use crate::ir::{
    Block, BlockId, Call, Callee, Function, JetOperation, Op, Operand, Stmt, Terminator, Unit,
};
use foldhash::fast::FixedState;
use std::collections::HashSet;

/// A kind of collection that is edited.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Collection {
    Table,
    Set,
    Row,
}

impl Collection {
    pub(crate) const ALL: [Collection; 3] = [Collection::Table, Collection::Set, Collection::Row];
}

/// What the jet does that a call calls, if it calls one that is known to the compiler.
pub(crate) fn jet_operation(unit: &Unit, call: &Call) -> Option<JetOperation> {
    let Callee::Jet(jet) = call.callee else { return None };
    unit.constants[jet].jet.as_ref()?.operation
}

/// The kind of collection that a jet edits, and the operand that it edits.
pub(crate) fn edited(operation: JetOperation, args: &[Operand]) -> Option<(Collection, Operand)> {
    Some(match (operation, args) {
        (JetOperation::TableInsert, &[_, _, table]) => (Collection::Table, table),
        (JetOperation::TableInsertWith, &[_, _, _, table]) => (Collection::Table, table),
        (JetOperation::SetInsert | JetOperation::SetDelete, &[_, set]) => (Collection::Set, set),
        (JetOperation::TableDelete, &[_, table]) => (Collection::Table, table),
        (JetOperation::Put, &[row, _, _]) | (JetOperation::Mutate, &[_, _, row]) => {
            (Collection::Row, row)
        }
        _ => return None,
    })
}

/// The operand that a jet only reads, of that kind.
pub(crate) fn read(kind: Collection, operation: JetOperation, args: &[Operand]) -> Option<Operand> {
    match (kind, operation, args) {
        (Collection::Table, JetOperation::TableItem | JetOperation::TableHasKey, &[_, table])
        | (Collection::Table, JetOperation::OptionalTableItem, &[_, table])
        | (Collection::Table, JetOperation::SwitchTable, &[_, _, table]) => Some(table),
        (Collection::Table, JetOperation::TableLeastKey, &[table])
        | (Collection::Table, JetOperation::TableLength, &[table])
        | (Collection::Table, JetOperation::TableIsEmpty, &[table]) => Some(table),
        (Collection::Set, JetOperation::SetHasKey, &[_, set]) => Some(set),
        (Collection::Set, JetOperation::SetLeastKey, &[set])
        | (Collection::Set, JetOperation::SetLength | JetOperation::SetIsEmpty, &[set]) => {
            Some(set)
        }
        (Collection::Row, JetOperation::Index, &[_, row])
        | (Collection::Row, JetOperation::Get, &[row, _])
        | (Collection::Row, JetOperation::Length, &[row]) => Some(row),
        _ => None,
    }
}

/// Whether a jet with that operation takes a short time, as far as can be seen before it is called.
pub(crate) fn is_short(operation: JetOperation) -> bool {
    use JetOperation::{
        Mutate, OptionalTableItem, Put, SetDelete, SetHasKey, SetInsert, SetLeastKey, SwitchTable,
        TableDelete, TableHasKey, TableInsert, TableItem, TableLeastKey,
    };
    matches!(operation, TableItem | SwitchTable | OptionalTableItem | TableHasKey | SetHasKey)
        || matches!(operation, TableLeastKey | SetLeastKey | Put | Mutate)
        || matches!(operation, TableInsert | SetInsert | TableDelete | SetDelete)
}

/// The rows, tables and sets that jets edit in a function.
pub(crate) fn edited_values(unit: &Unit, function: &Function) -> HashSet<Operand, FixedState> {
    let edited = |call: &Call| Some(edited(jet_operation(unit, call)?, &call.args)?.1);
    let in_block = |block: BlockId| {
        let Block { stmts, terminator } = &function.blocks[block];
        let calls = stmts.iter().flat_map(Stmt::ops).filter_map(|op| match op {
            Op::Call(call) => Some(call),
            _ => None,
        });
        let tail = match terminator {
            Terminator::Tail(call) => Some(call),
            _ => None,
        };
        calls.chain(tail).filter_map(edited)
    };
    function.live_blocks().into_iter().flat_map(in_block).collect()
}

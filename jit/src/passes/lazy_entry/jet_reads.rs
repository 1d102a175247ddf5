//! Jets that read a part of a value or change it, which lazy entries call.

use super::{LazyEntryWriter, SourceCode};
use crate::analysis::collections::{edited, is_short};
use crate::ir::{Call, Callee, JetOperation, Op, Operand, Prim, Type};

impl<'u> LazyEntryWriter<'u> {
    /// The result of a jet that reads an item, a byte or a length, or edits a row, table or set. An item and an
    /// edited value may be unevaluated.
    pub(super) fn item_read(
        &mut self,
        code: &mut SourceCode<'u>,
        call: &'u Call,
    ) -> Option<Operand> {
        let Callee::Jet(k) = call.callee else { return None };
        let operation = self.unit.constants[k].jet.as_ref()?.operation?;
        let (row, index) = match (operation, &call.args[..]) {
            (JetOperation::Index, &[index, row]) | (JetOperation::Get, &[row, index]) => {
                (row, index)
            }
            // What a search finds, where it finds it without evaluating anything.
            (
                JetOperation::TableItem | JetOperation::TableHasKey | JetOperation::SetHasKey,
                &[key, searched],
            ) => {
                let (key, searched) = (self.evaluated(code, key)?, self.evaluated(code, searched)?);
                let op = Op::Delay(Operand::Constant(k), vec![key, searched]);
                return Some(self.emit(Type::Any, op));
            }
            // What an edit makes, where that takes a short time and evaluates nothing.
            _ if is_short(operation) && edited(operation, &call.args).is_some() => {
                let op = Op::Delay(Operand::Constant(k), code.operands(&call.args));
                return Some(self.emit(Type::Any, op));
            }
            // Of a value that is no bar, the law computes a byte of a nat.
            (JetOperation::Length | JetOperation::ByteCount | JetOperation::Byte, _) => {
                let op = Op::Call(Call { callee: call.callee, args: code.operands(&call.args) });
                return Some(self.emit(self.unit.results_of(call)[0], op));
            }
            _ => return None,
        };
        let (row, index) = (code.operand(row), self.evaluated(code, index)?);
        Some(self.emit(Type::Any, Op::Prim(Prim::Item, vec![row, index])))
    }
}

//! Replacement of an item of a row: by the runtime directly, without the call of the jet, if the row
//! and the index are evaluated and the row has such an item.

use super::collection_edit::EditTarget;
use super::error::CompileError;
use super::ownership::Collection;
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::{ConstantId, JetOperation, Operand};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::jet::EditMode;
use vm::native::UNDECIDED;
use vm::native::layout::top;

/// The most items of a row in which an item is replaced instead of making a thunk: the thunk takes as much
/// memory as the new row, and keeps the old one alive.
const SHORT_ROW: u64 = 16;

/// The replacement of the item at an index of a row by a value, which need not be evaluated.
#[derive(Clone, Copy)]
pub(super) struct RowEdit {
    row: Operand,
    index: Operand,
    value: Operand,
}

impl RowEdit {
    /// The replacement that a jet with that operation makes, if it makes one.
    pub(super) fn of(operation: JetOperation, args: &[Operand]) -> Option<RowEdit> {
        match (operation, args) {
            (JetOperation::Put, &[row, index, value])
            | (JetOperation::Mutate, &[index, value, row]) => Some(RowEdit { row, index, value }),
            _ => None,
        }
    }
}

impl FunctionTranslator<'_, '_> {
    /// The result of a jet that replaces an item of an evaluated row.
    pub(super) fn edit_row(
        &mut self,
        edit: RowEdit,
        jet: ConstantId,
        args: &[Operand],
        target: EditTarget,
    ) -> Result<Value, CompileError> {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let edited = match self.edit_mode(Collection::Row, edit.row, target) {
            EditMode::Copy => self.edited_row(edit, u64::MAX, slowly),
            mode => {
                let words = self.words(&[edit.row, edit.index, edit.value]);
                self.edited(top::ROW, Stub::PutInPlace, words, mode, slowly)
            }
        };
        self.emit.jump(done, &[edited]);
        self.call_edit_in(slowly, done, jet, args, target)?;
        Ok(result)
    }

    /// The row with the item replaced. Continues only if the row is an evaluated one of at most `limit`
    /// items that has the item, and the index is evaluated.
    fn edited_row(&mut self, edit: RowEdit, limit: u64, otherwise: Block) -> Value {
        let words = self.words(&[edit.row, edit.index, edit.value]);
        let is_row = self.emit.is_top(words[0], top::ROW);
        self.emit.guard(is_row, otherwise);
        let limit = self.emit.constant(limit);
        let edited = self.emit.call_stub(Stub::Put, &[&words[..], &[limit]].concat());
        let is_known = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, edited, UNDECIDED as i64);
        self.emit.guard(is_known, otherwise);
        edited
    }

    /// The short row with an item replaced. Continues as [`FunctionTranslator::edited_row`] does.
    pub(super) fn edited_short_row(&mut self, edit: RowEdit, otherwise: Block) -> Value {
        self.edited_row(edit, SHORT_ROW, otherwise)
    }
}

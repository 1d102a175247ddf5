//! Replacement of an item of a row: in place of the call of the jet, if the row and the index are
//! evaluated and the row has such an item. A short row is copied by a loop, others by the runtime.

use super::collection_edit::EditTarget;
use super::emitter::trusted;
use super::error::CompileError;
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::analysis::collections::Collection;
use crate::ir::{ConstantId, JetOperation, Operand, Type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::jet::EditMode;
use vm::native::layout::{self, ObjectKind, top};

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
        let index = self.index_in_row(edit, slowly);
        let edited = match self.edit_mode(Collection::Row, edit.row, target) {
            EditMode::Copy => self.edited_row(edit, index, u64::MAX, slowly),
            mode => {
                let words = vec![self.word(edit.row), index, self.word(edit.value)];
                self.edited(top::ROW, Stub::PutInPlace, words, mode, slowly)
            }
        };
        self.emit.jump(done, &[edited]);
        self.call_edit_in(slowly, done, jet, args, target)?;
        Ok(result)
    }

    /// The index of an item of an evaluated row, evaluated as the jet does it: if the row has items. Continues
    /// only if the value is such a row, or the index is no thunk.
    fn index_in_row(&mut self, edit: RowEdit, otherwise: Block) -> Value {
        let index = self.word(edit.index);
        if self.type_of(edit.index).is(Type::Whnf) {
            return index;
        }
        let row = self.word(edit.row);
        let (thunk, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let is_thunk = self.emit.is_thunk(index);
        self.emit.b.ins().brif(is_thunk, thunk, &[], done, &[index.into()]);
        self.emit.switch_to(thunk);
        let is_row = self.emit.is_top(row, top::ROW);
        self.emit.guard(is_row, otherwise);
        let address = self.emit.address(row);
        let size = self.emit.payload_size(address);
        let has_items = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, size, 0);
        self.emit.guard(has_items, otherwise);
        let evaluated = self.emit.call_stub(Stub::Force, &[index]);
        self.emit.jump(done, &[evaluated]);
        self.emit.switch_to(done);
        result
    }

    /// The row with the item at an index replaced. Continues only if the row is an evaluated one of at most
    /// `limit` items that has the item, and the index is evaluated.
    fn edited_row(&mut self, edit: RowEdit, index: Value, limit: u64, otherwise: Block) -> Value {
        let words = [self.word(edit.row), index, self.word(edit.value)];
        let is_row = self.emit.is_top(words[0], top::ROW);
        self.emit.guard(is_row, otherwise);
        let (by_runtime, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let copy = self.copied_row(words, by_runtime);
        self.emit.jump(done, &[copy]);
        self.emit.switch_to(by_runtime);
        let limit = self.emit.constant(limit);
        let edited = self.emit.call_stub(Stub::Put, &[&words[..], &[limit]].concat());
        self.guard_decided(edited, otherwise);
        self.emit.jump(done, &[edited]);
        self.emit.switch_to(done);
        result
    }

    /// A copy of a row with the item at an index replaced. Continues only if the row is flat and short,
    /// has the item, and fits into the nursery. Does not collect.
    fn copied_row(&mut self, [row, index, value]: [Value; 3], otherwise: Block) -> Value {
        let address = self.emit.address(row);
        let layout = self.emit.b.ins().uload8(I64, trusted(), address, 0);
        let is_flat =
            self.emit.b.ins().icmp_imm_s(IntCC::Equal, layout, ObjectKind::Row.code() as i64);
        self.emit.guard(is_flat, otherwise);
        let size = self.emit.payload_size(address);
        let is_short =
            self.emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, size, SHORT_ROW as i64);
        self.emit.guard(is_short, otherwise);
        // An index that is no direct nat is larger than every size.
        let has_item = self.emit.b.ins().icmp(IntCC::UnsignedLessThan, index, size);
        self.emit.guard(has_item, otherwise);
        let (next, last) = self.bump_allocate_row(size, otherwise);
        self.copy_items(address, next, last);
        let distance = self.emit.b.ins().ishl_imm_s(index, 3);
        let slot = self.emit.b.ins().iadd(next, distance);
        self.emit.store(value, slot, layout::PAYLOAD);
        self.emit.b.ins().bor_imm_s(next, ObjectKind::Row.tag() as i64)
    }

    /// Copies the items of the row at an address, which has some, to the row at another one, whose last
    /// item is at the address `last` as the first is at that of the row.
    fn copy_items(&mut self, from: Value, to: Value, last: Value) {
        let (body, here) = self.emit.block_with_param();
        let done = self.emit.block();
        let distance = self.emit.b.ins().isub(from, to);
        self.emit.jump(body, &[to]);
        self.emit.switch_to_loop(body);
        let source = self.emit.b.ins().iadd(here, distance);
        let item = self.emit.load(source, layout::PAYLOAD);
        self.emit.store(item, here, layout::PAYLOAD);
        let next = self.emit.b.ins().iadd_imm_s(here, 8);
        let is_done = self.emit.b.ins().icmp(IntCC::Equal, next, last);
        self.emit.b.ins().brif(is_done, done, &[], body, &[next.into()]);
        self.emit.b.seal_block(body);
        self.emit.switch_to(done);
    }

    /// The short row with an item replaced. Continues as [`FunctionTranslator::edited_row`] does.
    pub(super) fn edited_short_row(&mut self, edit: RowEdit, otherwise: Block) -> Value {
        let index = self.word(edit.index);
        self.edited_row(edit, index, SHORT_ROW, otherwise)
    }
}

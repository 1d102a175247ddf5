//! Rows that are filled item by item after they are allocated.

use super::error::CompileError;
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::Operand;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use vm::native::layout::{self, ObjectKind};
use vm::native::offset;

/// Rows of at most this many items are allocated in place.
const IN_PLACE_LIMIT: i64 = 16;

impl FunctionTranslator<'_, '_> {
    /// Allocates a row of zeros.
    pub(super) fn zero_row(&mut self, count: Operand) -> Value {
        let count = self.word(count);
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let is_short =
            self.emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, count, IN_PLACE_LIMIT);
        self.emit.guard(is_short, slowly);
        let (next, last) = self.bump_allocate_row(count, slowly);
        self.zero_items(next, last);
        let tag = ObjectKind::Row.tag();
        let word = self.emit.b.ins().bor_imm_s(next, tag as i64);
        self.emit.jump(done, &[word]);

        self.emit.switch_to(slowly);
        let word = self.call_rarely(Stub::ZeroRow, &[count]);
        self.emit.jump(done, &[word]);
        self.emit.switch_to(done);
        result
    }

    /// Writes zeros to the words behind an address, up to the word at the address `last`.
    fn zero_items(&mut self, address: Value, last: Value) {
        let (header, here) = self.emit.block_with_param();
        let (body, done) = (self.emit.block(), self.emit.block());
        self.emit.jump(header, &[address]);
        self.emit.switch_to_loop(header);
        let is_done = self.emit.b.ins().icmp(IntCC::Equal, here, last);
        self.emit.branch(is_done, done, body);
        self.emit.switch_to(body);
        let zero = self.emit.constant(0);
        self.emit.store(zero, here, layout::PAYLOAD);
        let next = self.emit.b.ins().iadd_imm_s(here, 8);
        self.emit.jump(header, &[next]);
        self.emit.b.seal_block(header);
        self.emit.switch_to(done);
    }

    /// Writes an item of a row and returns the row. A row that is no longer young needs the write
    /// barrier.
    pub(super) fn set_item(&mut self, operands: &[Operand]) -> Result<Value, CompileError> {
        let &[row, index, item] = operands else {
            return Err(CompileError::Shape("an item is written by a row, an index and the item"));
        };
        let [row, index, item] = [row, index, item].map(|operand| self.word(operand));
        let address = self.emit.address(row);
        let (old, young, done) = (self.emit.cold_block(), self.emit.block(), self.emit.block());
        let [base, end] = offset::NURSERY.map(|at| self.emit.load_context(at));
        let distance = self.emit.b.ins().isub(address, base);
        let size = self.emit.b.ins().isub(end, base);
        let is_young = self.emit.b.ins().icmp(IntCC::UnsignedLessThan, distance, size);
        self.emit.branch(is_young, young, old);
        self.emit.switch_to(young);
        let offset = self.emit.b.ins().ishl_imm_s(index, 3);
        let slot = self.emit.b.ins().iadd(address, offset);
        self.emit.store(item, slot, layout::PAYLOAD);
        self.emit.jump(done, &[]);
        self.emit.switch_to(old);
        self.call_rarely_before_use(Stub::Store, &[row, index, item]);
        self.emit.jump(done, &[]);
        self.emit.switch_to(done);
        Ok(self.word(operands[0]))
    }
}

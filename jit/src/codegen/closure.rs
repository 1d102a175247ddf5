//! Asking which function a value is, to run code that has it built in.

use super::lower::Lower;
use crate::ir::{Arm, BlockId, ConstantId, Operand, Type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, Object, top};

impl Lower<'_, '_> {
    /// Goes to one block with the values that a function has captured, or to the other.
    pub(super) fn closure(&mut self, on: Operand, k: ConstantId, arm: &Arm, other: BlockId) {
        let word = self.word(on);
        let word = if self.type_of(on).is(Type::Whnf) { word } else { self.followed(word) };
        let other = self.later(other);
        let function = match arm.params.len() {
            0 => word,
            count => self.function_under(word, count, other),
        };
        let wanted = self.word(Operand::Constant(k));
        let same = self.emit.b.ins().icmp(IntCC::Equal, function, wanted);
        self.only_if(same, other);
        let address = self.emit.address(word);
        for (index, var) in arm.params.iter().enumerate() {
            let captured = self.emit.payload(address, 1 + index);
            self.define(*var, captured);
        }
        let body = self.later(arm.block);
        self.emit.jump(body, &[]);
    }

    /// The value of a thunk that has been evaluated; any other word as it is.
    fn followed(&mut self, word: Value) -> Value {
        let (waiting, (done, value)) = (self.emit.cold_block(), self.emit.block_of_word());
        let thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(thunk, waiting, &[], done, &[word.into()]);
        self.emit.go_on_in(waiting);
        let address = self.emit.address(word);
        let header = self.emit.load(address, 0);
        let code = self.emit.b.ins().band_imm_s(header, 0xff);
        let kind = Object::Indirection.code() as i64;
        let is_done = self.emit.b.ins().icmp_imm_s(IntCC::Equal, code, kind);
        let first = self.emit.payload(address, 0);
        let value_of = self.emit.b.ins().select(is_done, first, word);
        self.emit.jump(done, &[value_of]);
        self.emit.go_on_in(done);
        value
    }

    /// The function of an app of so many arguments.
    fn function_under(&mut self, word: Value, count: usize, other: Block) -> Value {
        let is_app = self.emit.is_top(word, top::APP);
        self.only_if(is_app, other);
        let address = self.emit.address(word);
        let header = self.emit.load(address, 0);
        let size = self.emit.b.ins().ushr_imm_s(header, 32);
        let fits = self.emit.b.ins().icmp_imm_s(IntCC::Equal, size, 1 + count as i64);
        self.only_if(fits, other);
        self.emit.load(address, layout::PAYLOAD)
    }
}

//! Looking into rows: what is found in a flat one is read in place.
//!
//! A row that is long may be a tree, which only the runtime knows its way about; so whatever is not
//! an item of a flat row is left to it, or to the jet.

use super::GiveUp;
use super::lower::{Lower, block_size};
use crate::ir::{ConstantId, Operand};
use crate::runtime::Stub;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, Object, top};

/// What a jet wants of a row.
#[derive(Clone, Copy)]
enum Wanted {
    /// The item of that number, evaluated or not.
    Item(Operand),
    Length,
}

impl Lower<'_, '_> {
    /// The result of a jet that looks into a row, if it is one. The row is evaluated.
    pub(super) fn look_into_row(
        &mut self,
        jet: ConstantId,
        args: &[Operand],
    ) -> Result<Option<Value>, GiveUp> {
        let (wanted, row) = match (self.unit.constants[jet.index()].name.as_str(), args) {
            ("_Idx", &[index, row]) | ("_Get", &[row, index]) => (Wanted::Item(index), row),
            ("_Len", &[row]) => (Wanted::Length, row),
            _ => return Ok(None),
        };
        let row = self.word(row);
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_of_word());
        let (address, size) = self.flat_row(row, slowly);
        let value = match wanted {
            Wanted::Length => size,
            Wanted::Item(index) => {
                let item = self.flat_item(address, size, index, slowly);
                self.force(item)
            }
        };
        self.emit.jump(done, &[value]);

        self.emit.go_on_in(slowly);
        let words = self.words(&[&[Operand::Constant(jet)], args].concat());
        let value = self.emit.call_stub(Stub::Jet(block_size(args.len())?), &words);
        self.emit.jump(done, &[value]);
        self.emit.go_on_in(done);
        Ok(Some(result))
    }
    /// The item of a row with that number, as it lies there. Both are evaluated.
    pub(super) fn item(&mut self, row: Operand, index: Operand) -> Value {
        let word = self.word(row);
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_of_word());
        let (address, size) = self.flat_row(word, slowly);
        let item = self.flat_item(address, size, index, slowly);
        self.emit.jump(done, &[item]);

        self.emit.go_on_in(slowly);
        let number = self.word(index);
        let item = self.emit.call_stub(Stub::Item, &[word, number]);
        self.emit.jump(done, &[item]);
        self.emit.go_on_in(done);
        result
    }

    /// The address and size of a row that is flat; goes to `slowly` if it is none.
    fn flat_row(&mut self, row: Value, slowly: Block) -> (Value, Value) {
        let (is_row, flat) = (self.emit.block(), self.emit.block());
        let tagged = self.emit.is_top(row, top::ROW);
        self.emit.branch(tagged, is_row, slowly);
        self.emit.go_on_in(is_row);
        let address = self.emit.address(row);
        let header = self.emit.load(address, 0);
        let code = self.emit.b.ins().band_imm_s(header, 0xff);
        let is_flat = self.emit.b.ins().icmp_imm_s(IntCC::Equal, code, Object::Row.code() as i64);
        self.emit.branch(is_flat, flat, slowly);
        self.emit.go_on_in(flat);
        (address, self.emit.b.ins().ushr_imm_s(header, 32))
    }

    /// An item of the flat row at an address; goes to `slowly` if there is no such item.
    fn flat_item(&mut self, address: Value, size: Value, index: Operand, slowly: Block) -> Value {
        let there = self.emit.block();
        if let Operand::Small(index) = index
            && let Ok(distance) = i32::try_from(8 * (index % (1 << 32)))
        {
            let bound = self.emit.constant(index);
            let inside = self.emit.b.ins().icmp(IntCC::UnsignedGreaterThan, size, bound);
            self.emit.branch(inside, there, slowly);
            self.emit.go_on_in(there);
            return self.emit.load(address, layout::PAYLOAD + distance);
        }
        // What is not evaluated, or no small nat, is larger than any size.
        let index = self.word(index);
        let inside = self.emit.b.ins().icmp(IntCC::UnsignedLessThan, index, size);
        self.emit.branch(inside, there, slowly);
        self.emit.go_on_in(there);
        let distance = self.emit.b.ins().ishl_imm_s(index, 3);
        let place = self.emit.b.ins().iadd(address, distance);
        self.emit.load(place, layout::PAYLOAD)
    }
}

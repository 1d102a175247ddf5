//! Looking into rows and bars: what is found in flat rows and in bars is read in place.
//!
//! A row that is long may be a tree, which only the runtime knows its way about; so whatever is not
//! an item of a flat row, or a byte of a bar, is left to it, or to the jet.

use super::GiveUp;
use super::emit::plain;
use super::lower::{Lower, block_size};
use crate::ir::{ConstantId, Op, Operand, Operation, Prim, Stmt, Var};
use crate::runtime::Stub;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, Object, top};

/// What a jet wants.
#[derive(Clone, Copy)]
enum Wanted {
    /// The item of that number of a row, evaluated or not.
    Item(Operand),
    /// How many items a row has.
    Length,
    /// The byte of that number of a bar.
    Byte(Operand),
    /// How many bytes a bar has.
    ByteCount,
}

impl Lower<'_, '_> {
    /// The result of a jet that looks into a row or bar, if it is one. That is evaluated.
    pub(super) fn look_into(
        &mut self,
        jet: ConstantId,
        args: &[Operand],
    ) -> Result<Option<Value>, GiveUp> {
        let twin = self.unit.constants[jet].jet.as_ref();
        let (wanted, object) = match (twin.and_then(|twin| twin.operation), args) {
            (Some(Operation::Index), &[index, row]) => (Wanted::Item(index), row),
            (Some(Operation::Get), &[row, index]) => (Wanted::Item(index), row),
            (Some(Operation::Length), &[row]) => (Wanted::Length, row),
            (Some(Operation::Byte), &[index, bar]) => (Wanted::Byte(index), bar),
            (Some(Operation::ByteCount), &[bar]) => (Wanted::ByteCount, bar),
            _ => return Ok(None),
        };
        let word = self.word(object);
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_of_word());
        let value = match wanted {
            Wanted::Item(_) | Wanted::Length => self.look_into_row(word, wanted, slowly),
            Wanted::Byte(_) | Wanted::ByteCount => self.look_into_bar(word, wanted, slowly),
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

    /// The items that statements define, all of one row, which lie next to each other: what it is is
    /// looked at once for all. How many of the statements these are.
    pub(super) fn items(&mut self, stmts: &[Stmt]) -> usize {
        let Some((_, row, _)) = stmts.first().and_then(item_of) else { return 0 };
        let items = stmts.iter().map_while(item_of).take_while(|(_, other, _)| *other == row);
        let items: Vec<(Var, Var, u32)> = items.collect();
        let Some(last) = items.iter().map(|(.., index)| *index).max() else { return 0 };
        if items.len() < 2 {
            return 0;
        }
        let word = self.word(Operand::Var(row));
        let (slowly, done) = (self.emit.cold_block(), self.emit.block());
        let (address, size) = self.flat_row(word, slowly);
        let has_last =
            self.emit.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, size, i64::from(last));
        self.only_if(has_last, slowly);
        let found: Vec<Value> =
            items.iter().map(|(.., index)| self.emit.payload(address, *index as usize)).collect();
        self.emit.jump(done, &found);

        self.emit.go_on_in(slowly);
        let mut found = Vec::with_capacity(items.len());
        for (.., index) in &items {
            let number = self.emit.constant(u64::from(*index));
            let item = self.emit.call_stub(Stub::Item, &[word, number]);
            self.emit.b.declare_value_needs_stack_map(item);
            found.push(item);
        }
        self.emit.jump(done, &found);
        self.emit.go_on_in(done);
        for (var, ..) in &items {
            let item = self.emit.b.append_block_param(done, I64);
            self.define(*var, item);
        }
        items.len()
    }

    /// Goes on where the condition holds.
    pub(super) fn only_if(&mut self, condition: Value, otherwise: Block) {
        let then = self.emit.block();
        self.emit.branch(condition, then, otherwise);
        self.emit.go_on_in(then);
    }

    /// Goes on with the place that an item or byte has, if the number is below how many there are.
    fn place(&mut self, index: Operand, count: Value, otherwise: Block) -> Value {
        // What is not evaluated, or no small nat, is larger than any size.
        let index = self.word(index);
        let inside = self.emit.b.ins().icmp(IntCC::UnsignedLessThan, index, count);
        self.only_if(inside, otherwise);
        index
    }

    fn look_into_row(&mut self, row: Value, wanted: Wanted, otherwise: Block) -> Value {
        let (address, size) = self.flat_row(row, otherwise);
        let Wanted::Item(index) = wanted else { return size };
        let item = self.flat_item(address, size, index, otherwise);
        self.force(item)
    }

    /// The address and size of a row that is flat.
    fn flat_row(&mut self, row: Value, otherwise: Block) -> (Value, Value) {
        let tagged = self.emit.is_top(row, top::ROW);
        self.only_if(tagged, otherwise);
        let address = self.emit.address(row);
        let header = self.emit.load(address, 0);
        let is_flat = self.is_object(header, Object::Row);
        self.only_if(is_flat, otherwise);
        (address, self.emit.b.ins().ushr_imm_s(header, 32))
    }

    /// An item of the flat row at an address, as it lies there.
    fn flat_item(
        &mut self,
        address: Value,
        size: Value,
        index: Operand,
        otherwise: Block,
    ) -> Value {
        let index = self.place(index, size, otherwise);
        let distance = self.emit.b.ins().ishl_imm_s(index, 3);
        let place = self.emit.b.ins().iadd(address, distance);
        self.emit.load(place, layout::PAYLOAD)
    }

    fn look_into_bar(&mut self, bar: Value, wanted: Wanted, otherwise: Block) -> Value {
        let tagged = self.emit.is_top(bar, top::BAR);
        self.only_if(tagged, otherwise);
        let address = self.emit.address(bar);
        let length = self.emit.payload(address, 0);
        let Wanted::Byte(index) = wanted else { return length };
        let index = self.place(index, length, otherwise);
        // There is a byte, so there is a second word, be it bytes or what has them.
        let header = self.emit.load(address, 0);
        let is_flat = self.is_object(header, Object::Bar);
        let shared = self.emit.payload(address, 1);
        let shared = self.emit.address(shared);
        let bytes = self.emit.b.ins().select(is_flat, address, shared);
        let place = self.emit.b.ins().iadd(bytes, index);
        self.emit.b.ins().uload8(I64, plain(), place, layout::PAYLOAD + 8)
    }

    fn is_object(&mut self, header: Value, object: Object) -> Value {
        let code = self.emit.b.ins().band_imm_s(header, 0xff);
        self.emit.b.ins().icmp_imm_s(IntCC::Equal, code, object.code() as i64)
    }
}

/// The variable that a statement defines, if it is an item whose number is written out, of a row that is
/// one too; and both.
fn item_of(stmt: &Stmt) -> Option<(Var, Var, u32)> {
    let Stmt::Let(vars, Op::Prim(Prim::Item, operands)) = stmt else { return None };
    match (&vars[..], &operands[..]) {
        ([var], [Operand::Var(row), Operand::Small(index)]) => {
            // The item's distance from the row's address is to fit an instruction.
            let index = u16::try_from(*index).ok()?;
            Some((*var, *row, u32::from(index)))
        }
        _ => None,
    }
}

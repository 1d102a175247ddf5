//! Reading rows and bars in place.
//!
//! Flat rows, flat bars and views of bars are read in place. A long row may be a tree; the runtime,
//! or the jet, reads those, and handles values that are neither.

use super::collection_edit::{CollectionEdit, EditTarget};
use super::emitter::trusted;
use super::error::CompileError;
use super::key_search::KeySearch;
use super::row_edit::RowEdit;
use super::set_operation::SetOperation;
use super::symbol::Stub;
use super::translator::{FunctionTranslator, variadic};
use crate::ir::{ConstantId, JetOperation, Op, Operand, Prim, Stmt, Var};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, ObjectKind, top};
use vm::native::{PARAMETERS_MAX, UNDECIDED};

/// The kind of value whose items a jet reads.
#[derive(Clone, Copy)]
enum Access {
    /// The item at an index of a row.
    Item(Operand),
    /// The count of items of a row.
    Length,
    /// The byte at an index of a bar.
    Byte(Operand),
    /// The count of bytes of a bar.
    ByteCount,
    /// Whether a bar has no bytes.
    HasNoBytes,
}

impl FunctionTranslator<'_, '_> {
    /// The evaluated result of a jet that reads a row or a bar, searches for a key, or edits a row,
    /// table or set. None for other jets.
    pub(super) fn inline_access(
        &mut self,
        jet: ConstantId,
        args: &[Operand],
        target: EditTarget,
    ) -> Result<Option<Value>, CompileError> {
        let declared = self.unit.constants[jet].jet.as_ref();
        let operation = declared.and_then(|jet| jet.operation);
        if let Some(operation) = operation
            && let Some(search) = KeySearch::of(operation, args)
        {
            return self.search(search, jet, args).map(Some);
        }
        if let Some(edit) = operation.and_then(|operation| RowEdit::of(operation, args)) {
            return self.edit_row(edit, jet, args, target).map(Some);
        }
        if let Some(edit) = operation.and_then(|it| CollectionEdit::of(it, args)) {
            return self.edit_collection(edit, jet, args, target).map(Some);
        }
        if let Some(set) = operation.and_then(|operation| SetOperation::of(operation, args)) {
            return self.set_operation(set, jet, args).map(Some);
        }
        if let Some(stub) = operation.and_then(short_result) {
            return self.by_stub(stub, jet, args).map(Some);
        }
        let (access, object) = match (operation, args) {
            (Some(JetOperation::Index), &[index, row]) => (Access::Item(index), row),
            (Some(JetOperation::Get), &[row, index]) => (Access::Item(index), row),
            (Some(JetOperation::Length), &[row]) => (Access::Length, row),
            (Some(JetOperation::Byte), &[index, bar]) => (Access::Byte(index), bar),
            (Some(JetOperation::ByteCount), &[bar]) => (Access::ByteCount, bar),
            (Some(JetOperation::BarIsEmpty), &[bar]) => (Access::HasNoBytes, bar),
            _ => return Ok(None),
        };
        let word = self.word(object);
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let value = match access {
            Access::Item(_) | Access::Length => self.access_row(word, access, slowly),
            Access::Byte(_) | Access::ByteCount | Access::HasNoBytes => {
                self.access_bar(word, access, slowly)
            }
        };
        self.emit.jump(done, &[value]);
        self.call_jet_in(slowly, done, jet, args)?;
        Ok(Some(result))
    }

    /// The result of a jet: by a stub that knows short results, or else by the jet.
    fn by_stub(
        &mut self,
        stub: Stub,
        jet: ConstantId,
        args: &[Operand],
    ) -> Result<Value, CompileError> {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        self.disown_kept(args);
        let words = self.words(args);
        let value = self.emit.call_stub(stub, &words);
        self.guard_decided(value, slowly);
        self.emit.jump(done, &[value]);
        self.call_jet_in(slowly, done, jet, args)?;
        Ok(result)
    }

    /// Continues only if a stub has decided, with that answer.
    pub(super) fn guard_decided(&mut self, answer: Value, otherwise: Block) {
        let is_known = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, answer, UNDECIDED as i64);
        self.emit.guard(is_known, otherwise);
    }

    /// Fills the block `slowly`: it calls the jet, and jumps to `done` with the result. Continues in
    /// `done`.
    pub(super) fn call_jet_in(
        &mut self,
        slowly: Block,
        done: Block,
        jet: ConstantId,
        args: &[Operand],
    ) -> Result<(), CompileError> {
        self.emit.switch_to(slowly);
        self.disown_kept(args);
        let words = self.words(&[&[Operand::Constant(jet)], args].concat());
        let value = self.call_rarely(Stub::Jet(variadic(args.len())?), &words);
        self.emit.jump(done, &[value]);
        self.emit.switch_to(done);
        Ok(())
    }

    /// The number of items of an evaluated row.
    pub(super) fn length(&mut self, row: Value) -> Value {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let (_, header) = self.flat_row(row, slowly);
        let size = self.emit.b.ins().ushr_imm_s(header, 32);
        self.emit.jump(done, &[size]);
        self.emit.switch_to(slowly);
        let size = self.call_rarely(Stub::Length, &[row]);
        self.emit.jump(done, &[size]);
        self.emit.switch_to(done);
        result
    }

    /// Whether an evaluated value is a row of that number of items.
    pub(super) fn is_row(&mut self, row: Operand, count: Operand) -> Value {
        let [word, count] = [row, count].map(|operand| self.word(operand));
        let (no_row, (done, result)) = (self.emit.block(), self.emit.block_with_param());
        let is_row = self.emit.is_top(word, top::ROW);
        self.emit.guard(is_row, no_row);
        let length = self.length(word);
        let same = self.emit.b.ins().icmp(IntCC::Equal, length, count);
        let same = self.bit(same);
        self.emit.jump(done, &[same]);
        self.emit.switch_to(no_row);
        let zero = self.emit.constant(0);
        self.emit.jump(done, &[zero]);
        self.emit.switch_to(done);
        result
    }

    /// The same value, in one object if it is a row.
    pub(super) fn flat(&mut self, word: Value) -> Value {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let (row, other) = (self.emit.block(), self.emit.block());
        let is_row = self.emit.is_top(word, top::ROW);
        self.emit.branch(is_row, row, other);
        self.emit.switch_to(row);
        let address = self.emit.address(word);
        let header = self.emit.load(address, 0);
        let is_flat = self.is_object(header, ObjectKind::Row);
        self.emit.branch(is_flat, other, slowly);
        self.emit.switch_to(other);
        self.emit.jump(done, &[word]);
        self.emit.switch_to(slowly);
        let flat = self.call_rarely(Stub::Flat, &[word]);
        self.emit.jump(done, &[flat]);
        self.emit.switch_to(done);
        result
    }

    /// The number of keys of an evaluated value, if it is a set or a table; else 0.
    pub(super) fn key_count(&mut self, word: Value) -> Value {
        let (counted, keys) = self.emit.block_with_param();
        let (done, result) = self.emit.block_with_param();
        let (no_table, no_keys) = (self.emit.block(), self.emit.block());
        let is_table = self.emit.is_top(word, top::TAB);
        self.emit.guard(is_table, no_table);
        let address = self.emit.address(word);
        let set = self.emit.payload(address, 0);
        self.emit.jump(counted, &[set]);
        self.emit.switch_to(no_table);
        let is_set = self.emit.is_top(word, top::SET);
        self.emit.guard(is_set, no_keys);
        self.emit.jump(counted, &[word]);
        self.emit.switch_to(no_keys);
        let zero = self.emit.constant(0);
        self.emit.jump(done, &[zero]);

        self.emit.switch_to(counted);
        let address = self.emit.address(keys);
        let header = self.emit.load(address, 0);
        let size = self.emit.b.ins().ushr_imm_s(header, 32);
        let (in_node, flat) = (self.emit.block(), self.emit.block());
        let is_node = self.is_object(header, ObjectKind::SetNode);
        self.emit.branch(is_node, in_node, flat);
        self.emit.switch_to(flat);
        self.emit.jump(done, &[size]);
        self.emit.switch_to(in_node);
        // The node has three words for each part; the first third are the ends.
        let three = self.emit.constant(3);
        let parts = self.emit.b.ins().udiv(size, three);
        let distance = self.emit.b.ins().ishl_imm_s(parts, 3);
        let after_end = self.emit.b.ins().iadd(address, distance);
        let count = self.emit.load(after_end, layout::PAYLOAD - 8);
        self.emit.jump(done, &[count]);
        self.emit.switch_to(done);
        result
    }

    /// The item at an index of a row, not evaluated. Both operands are evaluated.
    pub(super) fn item(&mut self, row: Operand, index: Operand) -> Value {
        let word = self.word(row);
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let (address, header) = self.read_row(row, word, slowly);
        let item = self.flat_item(address, header, index, slowly);
        self.emit.jump(done, &[item]);

        self.emit.switch_to(slowly);
        let item = match known_stub(index) {
            Some(stub) => self.call_rarely(stub, &[word]),
            None => {
                let number = self.word(index);
                self.call_rarely(Stub::Item, &[word, number])
            }
        };
        self.forget_row_slowly(row);
        self.emit.jump(done, &[item]);
        self.emit.switch_to(done);
        self.note_row(row);
        result
    }

    /// Translates the leading statements that read items of the same row at constant indices: the
    /// row is checked once for all of them. Returns the count of statements, which is 0 or at least
    /// 2.
    pub(super) fn items(&mut self, stmts: &[Stmt]) -> usize {
        let Some((_, row, _)) = stmts.first().and_then(item_of) else { return 0 };
        let items = stmts.iter().map_while(item_of).take_while(|(_, other, _)| *other == row);
        let items: Vec<(Var, Var, u32)> = items.collect();
        let Some(last) = items.iter().map(|(.., index)| *index).max() else { return 0 };
        if items.len() < 2 {
            return 0;
        }
        self.set_place_count(items.len());
        let word = self.word(Operand::Var(row));
        let (slowly, done) = (self.emit.cold_block(), self.emit.block());
        let (address, header) = self.read_row(Operand::Var(row), word, slowly);
        self.guard_item(header, u64::from(last), slowly);
        let found: Vec<Value> =
            items.iter().map(|(.., index)| self.emit.payload(address, *index as usize)).collect();
        self.emit.jump(done, &found);

        self.emit.switch_to(slowly);
        let saved = self.save_operands();
        let mut found = Vec::with_capacity(items.len());
        for (.., index) in &items {
            let word = self.word_while_saved(&saved, Operand::Var(row));
            let item = match known_stub(Operand::Small(u64::from(*index))) {
                Some(stub) => self.call_while_saved(&saved, stub, &[word]),
                None => {
                    let number = self.emit.constant(u64::from(*index));
                    self.call_while_saved(&saved, Stub::Item, &[word, number])
                }
            };
            self.emit.b.declare_value_needs_stack_map(item);
            found.push(item);
        }
        self.restore(&saved);
        self.forget_row_slowly(Operand::Var(row));
        self.emit.jump(done, &found);
        self.emit.switch_to(done);
        for (var, ..) in &items {
            let item = self.emit.b.append_block_param(done, I64);
            self.define(*var, item);
        }
        self.note_row(Operand::Var(row));
        items.len()
    }

    /// The word of an index. Continues only if it is below the count.
    fn checked_index(&mut self, index: Operand, count: Value, otherwise: Block) -> Value {
        // As an unsigned number, a word that is no direct nat is larger than any count.
        let index = self.word(index);
        let inside = self.emit.b.ins().icmp(IntCC::UnsignedLessThan, index, count);
        self.emit.guard(inside, otherwise);
        index
    }

    /// Reads a row, and evaluates the item.
    fn access_row(&mut self, row: Value, access: Access, otherwise: Block) -> Value {
        let (address, header) = self.flat_row(row, otherwise);
        let Access::Item(index) = access else {
            return self.emit.b.ins().ushr_imm_s(header, 32);
        };
        let item = self.flat_item(address, header, index, otherwise);
        self.force(item)
    }

    /// The address of a row, and its header. Continues only if the row is flat.
    pub(super) fn flat_row(&mut self, row: Value, otherwise: Block) -> (Value, Value) {
        let tagged = self.emit.is_top(row, top::ROW);
        self.emit.guard(tagged, otherwise);
        let address = self.emit.address(row);
        let header = self.emit.load(address, 0);
        let is_flat = self.is_object(header, ObjectKind::Row);
        self.emit.guard(is_flat, otherwise);
        (address, header)
    }

    /// Continues only if the object with that header has an item at an index.
    fn guard_item(&mut self, header: Value, index: u64, otherwise: Block) {
        // The size is in the upper half, so the lower half makes no difference.
        let least = self.emit.constant((index + 1) << 32);
        let has_item = self.emit.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, header, least);
        self.emit.guard(has_item, otherwise);
    }

    /// An item of the flat row at an address, with that header, not evaluated.
    fn flat_item(
        &mut self,
        address: Value,
        header: Value,
        index: Operand,
        otherwise: Block,
    ) -> Value {
        if let Operand::Small(index) = index
            && let Ok(index) = u16::try_from(index)
        {
            self.guard_item(header, u64::from(index), otherwise);
            return self.emit.payload(address, usize::from(index));
        }
        let size = self.emit.b.ins().ushr_imm_s(header, 32);
        let index = self.checked_index(index, size, otherwise);
        let distance = self.emit.b.ins().ishl_imm_s(index, 3);
        let slot = self.emit.b.ins().iadd(address, distance);
        self.emit.load(slot, layout::PAYLOAD)
    }

    /// Reads a bar.
    fn access_bar(&mut self, bar: Value, access: Access, otherwise: Block) -> Value {
        let tagged = self.emit.is_top(bar, top::BAR);
        self.emit.guard(tagged, otherwise);
        let address = self.emit.address(bar);
        let length = self.emit.payload(address, 0);
        let index = match access {
            Access::Byte(index) => index,
            Access::HasNoBytes => {
                let is_empty = self.emit.b.ins().icmp_imm_s(IntCC::Equal, length, 0);
                return self.emit.b.ins().uextend(I64, is_empty);
            }
            _ => return length,
        };
        let index = self.checked_index(index, length, otherwise);
        let header = self.emit.load(address, 0);
        let is_flat = self.is_object(header, ObjectKind::Bar);
        let (in_view, (found, byte)) = (self.emit.block(), self.emit.block_with_param());
        self.emit.guard(is_flat, in_view);
        let here = self.emit.b.ins().iadd(address, index);
        self.emit.jump(found, &[here]);

        self.emit.switch_to(in_view);
        let is_view = self.is_object(header, ObjectKind::BarView);
        self.emit.guard(is_view, otherwise);
        let (source, offset) = layout::BAR_VIEW;
        let source = self.emit.payload(address, source);
        let source = self.emit.address(source);
        let offset = self.emit.payload(address, offset);
        let start = self.emit.b.ins().iadd(source, offset);
        let there = self.emit.b.ins().iadd(start, index);
        self.emit.jump(found, &[there]);

        self.emit.switch_to(found);
        self.emit.b.ins().uload8(I64, trusted(), byte, layout::PAYLOAD + 8)
    }

    /// Whether a header is that of an object of that layout.
    fn is_object(&mut self, header: Value, object: ObjectKind) -> Value {
        let code = self.emit.b.ins().ireduce(I8, header);
        self.emit.b.ins().icmp_imm_s(IntCC::Equal, code, object.code() as i64)
    }
}

/// The stub for the item at an index that is known, if there is one for it.
fn known_stub(index: Operand) -> Option<Stub> {
    let Operand::Small(index) = index else { return None };
    u32::try_from(index).ok().filter(|it| (*it as usize) < PARAMETERS_MAX).map(Stub::ItemAt)
}

/// The variable, row and index of a statement that reads an item of a variable at a constant index.
fn item_of(stmt: &Stmt) -> Option<(Var, Var, u32)> {
    let Stmt::Let(vars, Op::Prim(Prim::Item, operands)) = stmt else { return None };
    match (&vars[..], &operands[..]) {
        ([var], [Operand::Var(row), Operand::Small(index)]) => {
            // The distance from the row's address has to fit an instruction.
            let index = u16::try_from(*index).ok()?;
            Some((*var, *row, u32::from(index)))
        }
        _ => None,
    }
}

/// The stub that makes the result of an operation if that is short, if there is one. It returns [`UNDECIDED`]
/// for other values.
fn short_result(operation: JetOperation) -> Option<Stub> {
    match operation {
        JetOperation::Drop => Some(Stub::DropItems),
        JetOperation::Cons => Some(Stub::ConsItem),
        JetOperation::Snoc => Some(Stub::SnocItem),
        JetOperation::SizedBar => Some(Stub::SizedBar),
        JetOperation::BarSlice => Some(Stub::BarSlice),
        JetOperation::BarToRow => Some(Stub::BarToRow),
        JetOperation::TableValues => Some(Stub::TableValues),
        _ => None,
    }
}

//! Equality with a constant row of small nats, such as `[%num 0]`: the items are compared in place,
//! the last one first, as PLAN orders rows.
//!
//! The runtime compares a row of the other value that is not flat, or an item of it that is neither a
//! direct nat nor the same word; such an item may have to be evaluated.

use super::emitter::FunctionEmitter;
use super::translator::FunctionTranslator;
use crate::ir::{Operand, Prim};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{ObjectKind, top};

/// An evaluated value and the nats of a constant row that it is compared with.
pub(super) struct RowComparison {
    value: Operand,
    items: Vec<u64>,
}

/// Where a comparison with a constant row continues.
#[derive(Clone, Copy)]
pub(super) struct RowBranches {
    pub(super) equal: Block,
    pub(super) different: Block,
    /// The runtime has to compare the values.
    pub(super) undecided: Block,
}

impl FunctionTranslator<'_, '_> {
    /// The comparison with a constant row that an operation is, if it is one.
    pub(super) fn row_comparison(&self, prim: Prim, operands: &[Operand]) -> Option<RowComparison> {
        let &[a, b] = operands else { return None };
        if !matches!(prim, Prim::Eq | Prim::Ne) {
            return None;
        }
        let items_of = |operand: Operand| match operand {
            Operand::Constant(k) => self.unit.constants[k].items.clone(),
            _ => None,
        };
        let (value, items) = match (items_of(a), items_of(b)) {
            (None, Some(items)) => (a, items),
            (Some(items), None) => (b, items),
            _ => return None,
        };
        matches!(value, Operand::Var(_)).then_some(RowComparison { value, items })
    }

    /// Terminates the block by the comparison.
    pub(super) fn branch_on_row(&mut self, comparison: &RowComparison, to: RowBranches) {
        let word = self.word(comparison.value);
        branch_on_items(self.emit, word, &comparison.items, to);
    }
}

fn branch_on_items(emit: &mut FunctionEmitter<'_>, word: Value, items: &[u64], to: RowBranches) {
    let (row, other) = (emit.block(), emit.block());
    let is_row = emit.is_top(word, top::ROW);
    emit.branch(is_row, row, other);
    emit.switch_to(other);
    let is_no_nat = emit.is_not_direct(word);
    emit.branch(is_no_nat, to.undecided, to.different);

    emit.switch_to(row);
    let address = emit.address(word);
    let header = emit.load(address, 0);
    let layout = emit.b.ins().band_imm_s(header, 0xff);
    let is_flat = emit.b.ins().icmp_imm_s(IntCC::Equal, layout, ObjectKind::Row.code() as i64);
    emit.guard(is_flat, to.undecided);
    let size = emit.b.ins().ushr_imm_s(header, 32);
    let has_size = emit.b.ins().icmp_imm_s(IntCC::Equal, size, items.len() as i64);
    emit.guard(has_size, to.different);
    for (index, nat) in items.iter().enumerate().rev() {
        let item = emit.payload(address, index);
        let nat = emit.constant(*nat);
        let is_same = emit.b.ins().icmp(IntCC::Equal, item, nat);
        let (next, other) = (emit.block(), emit.block());
        emit.branch(is_same, next, other);
        emit.switch_to(other);
        let is_no_nat = emit.is_not_direct(item);
        emit.branch(is_no_nat, to.undecided, to.different);
        emit.switch_to(next);
    }
    emit.jump(to.equal, &[]);
}

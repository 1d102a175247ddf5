//! Equality with a constant row of small nats, such as `[%num 0]`, or with a nat that is an object, such as
//! the text `%jumpIfNot`: the items of a row are compared in place, the last one first, as PLAN orders
//! rows; so are the limbs of a nat.
//!
//! The runtime compares a row of the other value that is not flat, or an item of it that is neither a
//! direct nat nor the same word; such an item may have to be evaluated.

use super::emitter::FunctionEmitter;
use super::translator::FunctionTranslator;
use crate::ir::{Operand, Prim};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{ObjectKind, top};

/// The constant that a value is compared with.
enum ComparedConstant {
    /// The items of a row.
    Row(Vec<u64>),
    /// The limbs of a nat of 2^63 or more.
    Nat(Vec<u64>),
}

/// An evaluated value and the constant that it is compared with.
pub(super) struct ConstantComparison {
    value: Operand,
    constant: ComparedConstant,
}

/// Where a comparison with a constant continues.
#[derive(Clone, Copy)]
pub(super) struct EqualityBranches {
    pub(super) equal: Block,
    pub(super) different: Block,
    /// The runtime has to compare the values.
    pub(super) undecided: Block,
}

impl FunctionTranslator<'_, '_> {
    /// The comparison with a constant that an operation is, if it is one.
    pub(super) fn constant_comparison(
        &self,
        prim: Prim,
        operands: &[Operand],
    ) -> Option<ConstantComparison> {
        let &[a, b] = operands else { return None };
        if !matches!(prim, Prim::Eq | Prim::Ne) {
            return None;
        }
        let (value, constant) = match (self.compared_constant(a), self.compared_constant(b)) {
            (None, Some(constant)) => (a, constant),
            (Some(constant), None) => (b, constant),
            _ => return None,
        };
        let is_boxed = matches!(value, Operand::Var(_)) && !self.type_of(value).is_unboxed();
        is_boxed.then_some(ConstantComparison { value, constant })
    }

    fn compared_constant(&self, operand: Operand) -> Option<ComparedConstant> {
        let Operand::Constant(k) = operand else { return None };
        let constant = &self.unit.constants[k];
        let items = constant.items.clone().map(ComparedConstant::Row);
        let limbs = constant.number.map(|number| vec![number]).or_else(|| constant.limbs.clone());
        items.or_else(|| limbs.map(ComparedConstant::Nat))
    }

    /// Terminates the block by the comparison.
    pub(super) fn branch_on_constant(
        &mut self,
        comparison: &ConstantComparison,
        to: EqualityBranches,
    ) {
        let word = self.word(comparison.value);
        match &comparison.constant {
            ComparedConstant::Row(items) => branch_on_items(self.emit, word, items, to),
            ComparedConstant::Nat(limbs) => branch_on_limbs(self.emit, word, limbs, to),
        }
    }
}

/// A value that is no nat is different from a nat, whatever its parts are, so this decides all cases.
fn branch_on_limbs(
    emit: &mut FunctionEmitter<'_>,
    word: Value,
    limbs: &[u64],
    to: EqualityBranches,
) {
    let is_big = emit.is_top(word, top::BIG);
    emit.guard(is_big, to.different);
    let address = emit.address(word);
    let size = emit.payload_size(address);
    let has_size = emit.b.ins().icmp_imm_s(IntCC::Equal, size, limbs.len() as i64);
    emit.guard(has_size, to.different);
    for (index, limb) in limbs.iter().enumerate() {
        let found = emit.payload(address, index);
        let limb = emit.constant(*limb);
        let is_same = emit.b.ins().icmp(IntCC::Equal, found, limb);
        emit.guard(is_same, to.different);
    }
    emit.jump(to.equal, &[]);
}

fn branch_on_items(
    emit: &mut FunctionEmitter<'_>,
    word: Value,
    items: &[u64],
    to: EqualityBranches,
) {
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

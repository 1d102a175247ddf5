//! Sets of one nat, and unions and differences of short sets: without the call of the jet.

use super::error::CompileError;
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::{ConstantId, JetOperation, Operand};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{DIRECT_LIMIT, ObjectKind, top};

/// An operation whose result is a set.
#[derive(Clone, Copy)]
pub(super) enum SetOperation {
    /// The set of a key.
    Singleton(Operand),
    /// What a stub makes of two sets.
    OfTwo(Stub, [Operand; 2]),
}

impl SetOperation {
    /// The operation of a jet, if it is one of these.
    pub(super) fn of(operation: JetOperation, args: &[Operand]) -> Option<SetOperation> {
        Some(match (operation, args) {
            (JetOperation::SetSingleton, &[key]) => SetOperation::Singleton(key),
            (JetOperation::SetUnion, &[left, right]) => {
                SetOperation::OfTwo(Stub::SetUnion, [left, right])
            }
            (JetOperation::SetDifference, &[left, right]) => {
                SetOperation::OfTwo(Stub::SetDifference, [left, right])
            }
            _ => return None,
        })
    }
}

impl FunctionTranslator<'_, '_> {
    /// The result of an operation on sets.
    pub(super) fn set_operation(
        &mut self,
        operation: SetOperation,
        jet: ConstantId,
        args: &[Operand],
    ) -> Result<Value, CompileError> {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let set = match operation {
            SetOperation::Singleton(key) => self.singleton(key, slowly),
            SetOperation::OfTwo(stub, sets) => self.set_of_two(stub, sets, slowly),
        };
        self.emit.jump(done, &[set]);
        self.call_jet_in(slowly, done, jet, args)?;
        Ok(result)
    }

    /// The set of a key. Continues only if the key is a nat below 2^63.
    fn singleton(&mut self, key: Operand, otherwise: Block) -> Value {
        let word = self.word(key);
        let is_direct =
            self.emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, word, DIRECT_LIMIT as i64);
        self.emit.guard(is_direct, otherwise);
        let start = self.bump_allocate(2);
        let header = self.emit.constant(ObjectKind::Set.header(0, 1));
        self.emit.store(header, start, 0);
        self.emit.set_payload(start, 0, word);
        self.emit.b.ins().bor_imm_s(start, ObjectKind::Set.tag() as i64)
    }

    /// The result of a stub for two sets. Continues only if both are evaluated sets, and the stub
    /// decides.
    fn set_of_two(&mut self, stub: Stub, sets: [Operand; 2], otherwise: Block) -> Value {
        let words = self.words(&sets);
        for word in &words {
            let is_set = self.emit.is_top(*word, top::SET);
            self.emit.guard(is_set, otherwise);
        }
        let set = self.emit.call_stub(stub, &words);
        self.guard_decided(set, otherwise);
        set
    }
}

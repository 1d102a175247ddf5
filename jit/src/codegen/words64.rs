//! Operations on words of 64 bits.
//!
//! The result of such an operation is a raw word: a plain number in a register. It becomes a value, which
//! may need an object, only if an operation that is not on words uses it.

use super::translator::FunctionTranslator;
use super::uses::takes_raw_words;
use crate::ir::{Operand, Prim, Type, Var};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use vm::native::layout::{ObjectKind, top};

impl FunctionTranslator<'_, '_> {
    /// Translates an operation on words, and defines its result.
    pub(super) fn word_operation(&mut self, var: Var, prim: Prim, operands: &[Operand]) {
        let types: Vec<Type> = operands.iter().map(|operand| self.type_of(*operand)).collect();
        let words: Vec<Value> = operands.iter().map(|operand| self.low64(*operand)).collect();
        let word = match words[..] {
            [a] => a,
            [a, b] => self.binary_word_operation(prim, a, b),
            _ => unreachable!("operations take one or two operands"),
        };
        self.raw_words[var.index()] = Some(word);
        if prim.result_of(operands, &types).is(Type::Small) {
            self.define(var, word);
        } else if self.uses.needs_value(var) {
            let value = self.boxed(word);
            self.define(var, value);
        }
    }

    /// The result of a test of a raw word. None if the operation is no such test.
    pub(super) fn word_test(&mut self, prim: Prim, operands: &[Operand]) -> Option<Value> {
        let [Operand::Var(var)] = operands else { return None };
        let word = self.raw_words[var.index()].filter(|_| takes_raw_words(prim))?;
        let condition = if prim == Prim::Truth { IntCC::NotEqual } else { IntCC::Equal };
        let result = self.emit.b.ins().icmp_imm_s(condition, word, 0);
        Some(self.bit(result))
    }

    /// The result of a binary operation on raw words.
    fn binary_word_operation(&mut self, prim: Prim, a: Value, b: Value) -> Value {
        let ins = self.emit.b.ins();
        let shifted = match prim {
            Prim::Add64 => return ins.iadd(a, b),
            Prim::Mul64 => return ins.imul(a, b),
            Prim::And64 => return ins.band(a, b),
            Prim::Or64 => return ins.bor(a, b),
            Prim::Xor64 => return ins.bxor(a, b),
            Prim::Lsh64 => ins.ishl(a, b),
            Prim::Rsh64 => ins.ushr(a, b),
            _ => {
                let (by_zero, divisor) = self.divisor(b);
                let quotient = self.emit.b.ins().udiv(a, divisor);
                let zero = self.emit.constant(0);
                return self.emit.b.ins().select(by_zero, zero, quotient);
            }
        };
        let far = self.emit.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, b, 63);
        let zero = self.emit.constant(0);
        self.emit.b.ins().select(far, zero, shifted)
    }

    /// The low 64 bits of an evaluated operand; 0 for a value that is no nat.
    fn low64(&mut self, operand: Operand) -> Value {
        if let Operand::Var(var) = operand
            && let Some(word) = self.raw_words[var.index()]
        {
            return word;
        }
        let word = self.word(operand);
        let ty = self.type_of(operand);
        if ty.is(Type::Small) {
            return word;
        }
        let (object, big) = (self.emit.block(), self.emit.block());
        let (done, low) = self.emit.block_with_param();
        let not_direct = self.emit.is_not_direct(word);
        self.emit.b.ins().brif(not_direct, object, &[], done, &[word.into()]);
        self.emit.switch_to(object);
        if ty.is(Type::Nat) {
            self.emit.jump(big, &[]);
        } else {
            let is_big = self.emit.is_top(word, top::BIG);
            let zero = self.emit.constant(0);
            self.emit.b.ins().brif(is_big, big, &[], done, &[zero.into()]);
        }
        self.emit.switch_to(big);
        let address = self.emit.address(word);
        let limb = self.emit.payload(address, 0);
        self.emit.jump(done, &[limb]);
        self.emit.switch_to(done);
        low
    }

    /// The nat of a raw word. It is an object if it is 2^63 or more.
    fn boxed(&mut self, word: Value) -> Value {
        let big = self.emit.block();
        let (done, value) = self.emit.block_with_param();
        let not_direct = self.emit.is_not_direct(word);
        self.emit.b.ins().brif(not_direct, big, &[], done, &[word.into()]);
        self.emit.switch_to(big);
        let address = self.bump_allocate(2);
        let header = self.emit.constant(ObjectKind::Big.header(0, 1));
        self.emit.store(header, address, 0);
        self.emit.set_payload(address, 0, word);
        let tagged = self.emit.b.ins().bor_imm_s(address, ObjectKind::Big.tag() as i64);
        self.emit.jump(done, &[tagged]);
        self.emit.switch_to(done);
        value
    }
}

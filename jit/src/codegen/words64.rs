//! Operations on words of 64 bits.
//!
//! Their results are unboxed: plain numbers in registers. Where a value is needed, [`Prim::Box`] makes
//! one, which is an object if the number is 2^63 or more.

use super::translator::FunctionTranslator;
use crate::ir::{Operand, Prim, Type, Var};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{ObjectKind, top};

impl FunctionTranslator<'_, '_> {
    /// The result of an operation on words.
    pub(super) fn word_operation(&mut self, prim: Prim, operands: &[Operand]) -> Value {
        let words: Vec<Value> = operands.iter().map(|operand| self.low64(*operand)).collect();
        match words[..] {
            [a] => a,
            [a, b] if prim == Prim::IDiv64 => self.signed_quotient(a, b, operands[1]),
            [a, b] => self.binary_word_operation(prim, a, b),
            _ => unreachable!("operations take one or two operands"),
        }
    }

    /// The result of a binary operation on words other than a signed division.
    fn binary_word_operation(&mut self, prim: Prim, a: Value, b: Value) -> Value {
        let ins = self.emit.b.ins();
        let shifted = match prim {
            Prim::Add64 => return ins.iadd(a, b),
            Prim::Sub64 => return ins.isub(a, b),
            Prim::Mul64 => return ins.imul(a, b),
            Prim::And64 => return ins.band(a, b),
            Prim::Or64 => return ins.bor(a, b),
            Prim::Xor64 => return ins.bxor(a, b),
            Prim::Rol64 => return ins.rotl(a, b),
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

    /// The quotient of numbers in two's complement, rounded towards 0; 0 if the divisor is 0. The
    /// machine's division traps for a divisor of 0, and for the least number divided by -1, whose
    /// quotient is the least number again. So it divides by 1 in these cases.
    fn signed_quotient(&mut self, a: Value, b: Value, divisor: Operand) -> Value {
        if matches!(self.unit.number(divisor), Some(number) if !matches!(number, 0 | u64::MAX)) {
            return self.emit.b.ins().sdiv(a, b);
        }
        let by_zero = self.emit.b.ins().icmp_imm_s(IntCC::Equal, b, 0);
        let by_minus_one = self.emit.b.ins().icmp_imm_s(IntCC::Equal, b, -1);
        let is_least = self.emit.b.ins().icmp_imm_s(IntCC::Equal, a, i64::MIN);
        let overflows = self.emit.b.ins().band(by_minus_one, is_least);
        let traps = self.emit.b.ins().bor(by_zero, overflows);
        let one = self.emit.constant(1);
        let divisor = self.emit.b.ins().select(traps, one, b);
        let quotient = self.emit.b.ins().sdiv(a, divisor);
        let zero = self.emit.constant(0);
        self.emit.b.ins().select(by_zero, zero, quotient)
    }

    /// A word of 32 bits, rotated to the left.
    pub(super) fn rol32(&mut self, a: Value, by: Value) -> Value {
        let low = self.emit.b.ins().ireduce(I32, a);
        let rotated = self.emit.b.ins().rotl(low, by);
        self.emit.b.ins().uextend(I64, rotated)
    }

    /// The low 64 bits of an evaluated operand; 0 for a value that is no nat.
    fn low64(&mut self, operand: Operand) -> Value {
        if let Some(number) = self.unit.number(operand) {
            return self.emit.constant(number);
        }
        let word = self.word(operand);
        let ty = self.type_of(operand);
        if ty.is_unboxed() {
            return word;
        }
        let (object, (done, low)) = (self.emit.cold_block(), self.emit.block_with_param());
        let not_direct = self.emit.is_not_direct(word);
        self.emit.b.ins().brif(not_direct, object, &[], done, &[word.into()]);
        self.emit.switch_to(object);
        let limb = self.low_limb(word, ty);
        self.emit.jump(done, &[limb]);
        self.emit.switch_to(done);
        low
    }

    /// The lowest limb of an evaluated word of that type that is no direct nat; 0 if it is no nat. Continues in a
    /// block that rarely runs.
    fn low_limb(&mut self, word: Value, ty: Type) -> Value {
        let done = self.emit.cold_block();
        let limb = self.emit.b.append_block_param(done, I64);
        if !ty.is(Type::Nat) {
            let big = self.emit.cold_block();
            let is_big = self.emit.is_top(word, top::BIG);
            let zero = self.emit.constant(0);
            self.emit.branch_rarely(is_big, big, (done, zero));
            self.emit.switch_to(big);
        }
        let address = self.emit.address(word);
        let first = self.emit.payload(address, 0);
        self.emit.jump(done, &[first]);
        self.emit.switch_to(done);
        limb
    }

    /// The low 64 bits of the value of a word that may point to a thunk; 0 for a value that is no nat. The test for
    /// a direct nat is the only one, if it is one. Defines the variable, if there is one, as the value.
    pub(super) fn force_number(&mut self, word: Value, evaluated: Option<Var>) -> Value {
        let [other, thunk, object, direct] = [(); 4].map(|()| self.emit.cold_block());
        let waited = self.emit.cold_block();
        let value = self.emit.b.append_block_param(waited, I64);
        let (done, number) = self.emit.block_with_param();
        let not_direct = self.emit.is_not_direct(word);
        if let Some(var) = evaluated {
            self.define(var, word);
        }
        self.emit.b.ins().brif(not_direct, other, &[], done, &[word.into()]);
        self.emit.switch_to(other);
        let is_thunk = self.emit.is_thunk(word);
        self.emit.branch_rarely(is_thunk, thunk, (waited, word));
        self.emit.switch_to(thunk);
        self.force_thunk(word, waited);
        self.emit.switch_to(waited);
        if let Some(var) = evaluated {
            self.define(var, value);
        }
        let not_direct = self.emit.is_not_direct(value);
        self.emit.branch(not_direct, object, direct);
        self.emit.switch_to(direct);
        self.emit.jump(done, &[value]);
        self.emit.switch_to(object);
        let limb = self.low_limb(value, Type::Whnf);
        self.emit.jump(done, &[limb]);
        self.emit.switch_to(done);
        number
    }

    /// The width in bits of an evaluated word; 0 for a value that is no nat.
    pub(super) fn bit_width(&mut self, word: Value, ty: Type) -> Value {
        if ty.is_unboxed() {
            return self.width_of_limb(word);
        }
        let (direct, object, big) =
            (self.emit.block(), self.emit.cold_block(), self.emit.cold_block());
        let (done, width) = self.emit.block_with_param();
        let not_direct = self.emit.is_not_direct(word);
        self.emit.branch(not_direct, object, direct);
        self.emit.switch_to(direct);
        let of_number = self.width_of_limb(word);
        self.emit.jump(done, &[of_number]);
        self.emit.switch_to(object);
        let is_big = self.emit.is_top(word, top::BIG);
        let zero = self.emit.constant(0);
        self.emit.branch_rarely(is_big, big, (done, zero));
        // The most significant limb of an object is not 0.
        self.emit.switch_to(big);
        let address = self.emit.address(word);
        let limbs = self.emit.payload_size(address);
        let below = self.emit.b.ins().iadd_imm_s(limbs, -1);
        let offset = self.emit.b.ins().ishl_imm_s(below, 3);
        let address = self.emit.b.ins().iadd(address, offset);
        let limb = self.emit.payload(address, 0);
        let of_limb = self.width_of_limb(limb);
        let of_rest = self.emit.b.ins().ishl_imm_s(below, 6);
        let sum = self.emit.b.ins().iadd(of_rest, of_limb);
        self.emit.jump(done, &[sum]);
        self.emit.switch_to(done);
        width
    }

    /// The width of a number below 2^64.
    fn width_of_limb(&mut self, limb: Value) -> Value {
        let zeros = self.emit.b.ins().clz(limb);
        let all = self.emit.constant(u64::from(u64::BITS));
        self.emit.b.ins().isub(all, zeros)
    }

    /// Whether an evaluated word is a nat below 2^64: a direct nat, or an object of one limb.
    pub(super) fn is_u64(&mut self, word: Value) -> Value {
        let (yes, _) = self.emit.block_with_param();
        let no = self.emit.block();
        let (done, fits) = self.emit.block_with_param();
        self.branch_on_u64(word, yes, no);
        for (block, bit) in [(yes, 1), (no, 0)] {
            self.emit.switch_to(block);
            let bit = self.emit.constant(bit);
            self.emit.jump(done, &[bit]);
        }
        self.emit.switch_to(done);
        fits
    }

    /// Jumps to a block with the number that a word is, if it is an evaluated nat below 2^64, and
    /// to the other block if not.
    pub(super) fn branch_on_u64(&mut self, word: Value, yes: Block, no: Block) {
        let [object, big, limb] = [(); 3].map(|()| self.emit.cold_block());
        let not_direct = self.emit.is_not_direct(word);
        self.emit.b.ins().brif(not_direct, object, &[], yes, &[word.into()]);
        self.emit.switch_to(object);
        let is_big = self.emit.is_top(word, top::BIG);
        self.emit.branch(is_big, big, no);
        self.emit.switch_to(big);
        let address = self.emit.address(word);
        let limbs = self.emit.payload_size(address);
        let is_one = self.emit.b.ins().icmp_imm_s(IntCC::Equal, limbs, 1);
        self.emit.branch(is_one, limb, no);
        self.emit.switch_to(limb);
        let number = self.emit.payload(address, 0);
        self.emit.jump(yes, &[number]);
    }

    /// The value of a number. It is an object if the number is 2^63 or more.
    pub(super) fn boxed(&mut self, number: Value) -> Value {
        let big = self.emit.cold_block();
        let (done, value) = self.emit.block_with_param();
        let not_direct = self.emit.is_not_direct(number);
        self.emit.b.ins().brif(not_direct, big, &[], done, &[number.into()]);
        self.emit.switch_to(big);
        let address = self.bump_allocate(2);
        let header = self.emit.constant(ObjectKind::Big.header(0, 1));
        self.emit.store(header, address, 0);
        self.emit.set_payload(address, 0, number);
        let tagged = self.emit.b.ins().bor_imm_s(address, ObjectKind::Big.tag() as i64);
        self.emit.jump(done, &[tagged]);
        self.emit.switch_to(done);
        value
    }
}

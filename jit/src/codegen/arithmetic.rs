//! Primitive operations. The case where operands and result are direct nats, those below 2^63, is computed
//! in registers; so is the case where the types say that they are below 2^64. The runtime does the rest.

use super::constant_equality::EqualityBranches;
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::{Operand, Prim, Type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::NatOp;
use vm::native::layout::{NAT_LIMIT, top};

impl FunctionTranslator<'_, '_> {
    /// The result of a primitive operation, in the form that a variable of that type has.
    pub(super) fn prim(&mut self, prim: Prim, operands: &[Operand], wanted: Type) -> Value {
        if let (Prim::Item, &[row, index]) = (prim, operands) {
            return self.item(row, index);
        }
        if let (Prim::Evaluated, &[a]) = (prim, operands) {
            return self.evaluated(a);
        }
        if let (Prim::IsRow, &[row, count]) = (prim, operands) {
            return self.is_row(row, count);
        }
        if prim.is_word64() {
            return self.word_operation(prim, operands);
        }
        if let Some(comparison) = self.constant_comparison(prim, operands) {
            let branches = [(); 3].map(|()| self.emit.block());
            let [equal, different, undecided] = branches;
            let (done, result) = self.emit.block_with_param();
            self.branch_on_constant(&comparison, EqualityBranches { equal, different, undecided });
            for (block, is_equal) in [(equal, true), (different, false)] {
                self.emit.switch_to(block);
                let holds = self.emit.constant(u64::from(is_equal == (prim == Prim::Eq)));
                self.emit.jump(done, &[holds]);
            }
            self.emit.switch_to(undecided);
            let [a, b] = self.words(operands)[..] else { unreachable!("two values are compared") };
            let holds = self.compare_by_runtime(prim, a, b);
            self.emit.jump(done, &[holds]);
            self.emit.switch_to(done);
            return result;
        }
        let words = self.words(operands);
        let types: Vec<Type> = operands.iter().map(|operand| self.type_of(*operand)).collect();
        let result = prim.result_of(operands, &types);
        let result = if result == Type::U64 { wanted } else { result };
        match words[..] {
            [a] if prim == Prim::Dec && self.path.bounds.least(operands[0]) > 0 => {
                let fast = self.emit.b.ins().iadd_imm_s(a, -1);
                self.if_direct(fast, NatOp::Dec, [a, a], types[0])
            }
            [a] if prim == Prim::Small && self.path.bounds.is_less_than_direct(operands[0]) => a,
            [a] if prim == Prim::Inc && self.path.bounds.is_less_than_direct(operands[0]) => {
                // Less than 2^63, in each form.
                self.emit.b.ins().iadd_imm_s(a, 1)
            }
            [a] => self.unary(prim, a, types[0], result),
            [a, b] if prim == Prim::Sub && self.cannot_underflow(operands) => {
                let fast = self.emit.b.ins().isub(a, b);
                self.if_direct(fast, NatOp::Sub, [a, b], types[0])
            }
            [a, b] => self.binary(prim, [a, b], [types[0], types[1]], result),
            _ => unreachable!("operations take one or two operands"),
        }
    }

    /// Whether the second operand of a subtraction is a number that the first is known to reach.
    fn cannot_underflow(&self, operands: &[Operand]) -> bool {
        matches!(*operands, [a, Operand::Small(b)] if self.path.bounds.least(a) >= b)
    }

    /// `fast`, unless the first operand, which has that type, is a value and no direct nat.
    fn if_direct(&mut self, fast: Value, operation: NatOp, ab: [Value; 2], ty: Type) -> Value {
        if ty.is_unboxed() { fast } else { self.unless_negative(ab[0], fast, operation, ab) }
    }

    // Tests.

    /// Whether an evaluated word is a nat.
    fn is_nat(&mut self, word: Value) -> Value {
        let limit = self.emit.constant(NAT_LIMIT);
        self.emit.b.ins().icmp(IntCC::UnsignedLessThan, word, limit)
    }

    /// The nat 0 or 1 of a condition.
    pub(super) fn bit(&mut self, condition: Value) -> Value {
        self.emit.b.ins().uextend(I64, condition)
    }

    /// The result of an operation on one operand.
    fn unary(&mut self, prim: Prim, a: Value, ty: Type, result: Type) -> Value {
        match prim {
            Prim::ToNat if ty.is(Type::Nat) => a,
            Prim::ToNat => {
                let zero = self.emit.constant(0);
                let nat = self.is_nat(a);
                self.emit.b.ins().select(nat, a, zero)
            }
            Prim::Truth => self.truth(a, ty),
            Prim::Not => {
                let truth = self.truth(a, ty);
                self.emit.b.ins().bxor_imm_s(truth, 1)
            }
            Prim::IsZero => {
                let zero = self.emit.b.ins().icmp_imm_s(IntCC::Equal, a, 0);
                self.bit(zero)
            }
            Prim::IsNat | Prim::IsU64 if ty.is_unboxed() => self.emit.constant(1),
            Prim::IsU64 => self.is_u64(a),
            Prim::Box => self.boxed(a),
            Prim::IsNat => {
                let nat = self.is_nat(a);
                self.bit(nat)
            }
            Prim::IsSmall => {
                let direct = self.emit.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, a, 0);
                self.bit(direct)
            }
            Prim::Small if ty.is(Type::Small) => a,
            Prim::Small => {
                let zero = self.emit.constant(0);
                let other = self.emit.is_not_direct(a);
                self.emit.b.ins().select(other, zero, a)
            }
            Prim::IsPin => {
                let pin = self.emit.is_top(a, top::PIN);
                self.bit(pin)
            }
            Prim::IsLaw => self.is_kind(a, 1),
            Prim::IsApp => self.is_app(a),
            Prim::Inc => self.inc(a, result),
            Prim::Dec => self.dec(a, ty),
            Prim::Length => self.length(a),
            Prim::Flat => self.flat(a),
            Prim::IsSet => {
                let set = self.emit.is_top(a, top::SET);
                self.bit(set)
            }
            Prim::IsTable => {
                let table = self.emit.is_top(a, top::TAB);
                self.bit(table)
            }
            Prim::KeyCount => self.key_count(a),
            Prim::BitWidth => self.bit_width(a, ty),
            _ => unreachable!("{prim:?} takes two operands"),
        }
    }

    /// Whether a value is a nat other than 0, as a nat.
    fn truth(&mut self, a: Value, ty: Type) -> Value {
        if ty.is(Type::Nat) {
            let truth = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, a, 0);
            return self.bit(truth);
        }
        // 0 becomes the largest number.
        let before = self.emit.b.ins().iadd_imm_s(a, -1);
        let limit = self.emit.constant(NAT_LIMIT - 1);
        let truth = self.emit.b.ins().icmp(IntCC::UnsignedLessThan, before, limit);
        self.bit(truth)
    }

    /// Whether a value is an app, as a nat: an app, a table, or a row that has items.
    fn is_app(&mut self, a: Value) -> Value {
        let (row, other) = (self.emit.block(), self.emit.block());
        let (done, result) = self.emit.block_with_param();
        let is_row = self.emit.is_top(a, top::ROW);
        self.emit.branch(is_row, row, other);
        self.emit.switch_to(row);
        let address = self.emit.address(a);
        let size = self.emit.payload_size(address);
        let has_items = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, size, 0);
        let has_items = self.bit(has_items);
        self.emit.jump(done, &[has_items]);
        self.emit.switch_to(other);
        let is_app = self.emit.is_top(a, top::APP);
        let is_table = self.emit.is_top(a, top::TAB);
        let either = self.emit.b.ins().bor(is_app, is_table);
        let either = self.bit(either);
        self.emit.jump(done, &[either]);
        self.emit.switch_to(done);
        result
    }

    /// Whether a value is of that kind, by number, as a nat.
    fn is_kind(&mut self, a: Value, kind: i64) -> Value {
        let found = self.emit.call_stub(Stub::Kind, &[a]);
        let same = self.emit.b.ins().icmp_imm_s(IntCC::Equal, found, kind);
        self.bit(same)
    }

    // Arithmetic.

    /// The result of an operation, computed by the runtime.
    fn call_nat_helper(&mut self, operation: NatOp, a: Value, b: Value) -> Value {
        let number = self.emit.constant(operation as u64);
        self.call_rarely(Stub::Nat, &[number, a, b])
    }

    /// `fast`, unless the sign bit of `check` is set: then the runtime computes the result.
    fn unless_negative(
        &mut self,
        check: Value,
        fast: Value,
        operation: NatOp,
        ab: [Value; 2],
    ) -> Value {
        let slow = self.emit.is_not_direct(check);
        self.unless_slow(slow, fast, operation, ab)
    }

    /// `fast`, unless the condition `slow` holds: then the runtime computes the result.
    fn unless_slow(
        &mut self,
        slow: Value,
        fast: Value,
        operation: NatOp,
        [a, b]: [Value; 2],
    ) -> Value {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        self.emit.b.ins().brif(slow, slowly, &[], done, &[fast.into()]);
        self.emit.switch_to(slowly);
        let value = self.call_nat_helper(operation, a, b);
        self.emit.jump(done, &[value]);
        self.emit.switch_to(done);
        result
    }

    fn inc(&mut self, a: Value, result: Type) -> Value {
        let fast = self.emit.b.ins().iadd_imm_s(a, 1);
        if result.is_unboxed() {
            // The types say that nothing is lost.
            return fast;
        }
        let check = self.emit.b.ins().bor(a, fast);
        self.unless_negative(check, fast, NatOp::Inc, [a, a])
    }

    fn dec(&mut self, a: Value, ty: Type) -> Value {
        let some = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, a, 0);
        let some = self.bit(some);
        let fast = self.emit.b.ins().isub(a, some);
        if ty.is_unboxed() {
            return fast;
        }
        self.unless_negative(a, fast, NatOp::Dec, [a, a])
    }

    /// The result of an operation on two operands.
    fn binary(&mut self, prim: Prim, [a, b]: [Value; 2], types: [Type; 2], result: Type) -> Value {
        match prim {
            _ if prim.compares() => return self.compare(prim, [a, b], types),
            Prim::Min => return self.emit.b.ins().umin(a, b),
            Prim::Max => return self.emit.b.ins().umax(a, b),
            Prim::Mul32 => return self.mul32(a, b),
            Prim::Lsh32 => return self.lsh32(a, b),
            Prim::Rol32 => return self.rol32(a, b),
            _ => {}
        }
        if types.iter().all(|ty| ty.is_unboxed()) && result.is_unboxed() {
            // The types say that nothing is lost.
            return self.fast(prim, a, b).1;
        }
        let small = types.map(|ty| ty.is(Type::Small));
        let (operation, fast) = self.fast(prim, a, b);
        let either = match small {
            [true, true] => None,
            [true, false] => Some(b),
            [false, true] => Some(a),
            [false, false] => Some(self.emit.b.ins().bor(a, b)),
        };
        let check = match (prim, either) {
            (Prim::Add, None) => fast,
            (Prim::Add, Some(either)) => self.emit.b.ins().bor(either, fast),
            (Prim::Mul, either) => {
                let high = self.emit.b.ins().umulhi(a, b);
                let over = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, high, 0);
                let check = match either {
                    Some(either) => self.emit.b.ins().bor(either, fast),
                    None => fast,
                };
                let negative = self.emit.is_not_direct(check);
                let slow = self.emit.b.ins().bor(over, negative);
                return self.unless_slow(slow, fast, operation, [a, b]);
            }
            (Prim::Lsh, either) => return self.shift_left([a, b], either),
            (Prim::And, Some(wide)) if small != [false, false] => {
                let mask = if wide == a { b } else { a };
                return self.masked(wide, mask, fast);
            }
            (_, None) => return fast,
            (_, Some(either)) => either,
        };
        self.unless_negative(check, fast, operation, [a, b])
    }

    /// The operation, and its result if operands and result are direct nats.
    fn fast(&mut self, prim: Prim, a: Value, b: Value) -> (NatOp, Value) {
        let ins = self.emit.b.ins();
        match prim {
            Prim::Add => (NatOp::Add, ins.iadd(a, b)),
            Prim::Mul => (NatOp::Mul, ins.imul(a, b)),
            Prim::And => (NatOp::And, ins.band(a, b)),
            Prim::Or => (NatOp::Or, ins.bor(a, b)),
            Prim::Xor => (NatOp::Xor, ins.bxor(a, b)),
            Prim::Lsh => (NatOp::Lsh, ins.ishl(a, b)),
            Prim::Sub => {
                let most = ins.umax(a, b);
                (NatOp::Sub, self.emit.b.ins().isub(most, b))
            }
            Prim::Rsh => {
                let shifted = ins.ushr(a, b);
                let far = self.emit.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, b, 63);
                let zero = self.emit.constant(0);
                (NatOp::Rsh, self.emit.b.ins().select(far, zero, shifted))
            }
            Prim::Div => {
                let (by_zero, divisor) = self.divisor(b);
                let quotient = self.emit.b.ins().udiv(a, divisor);
                let zero = self.emit.constant(0);
                (NatOp::Div, self.emit.b.ins().select(by_zero, zero, quotient))
            }
            Prim::Mod => {
                let (by_zero, divisor) = self.divisor(b);
                let rest = self.emit.b.ins().urem(a, divisor);
                (NatOp::Mod, self.emit.b.ins().select(by_zero, a, rest))
            }
            _ => unreachable!("{prim:?} is no arithmetic of two"),
        }
    }

    /// `fast`, unless the operand `wide` is no direct nat: then its lowest limb, if it has one, with a mask that is a
    /// direct nat.
    fn masked(&mut self, wide: Value, mask: Value, fast: Value) -> Value {
        let (object, big) = (self.emit.cold_block(), self.emit.cold_block());
        let (done, result) = self.emit.block_with_param();
        let not_direct = self.emit.is_not_direct(wide);
        self.emit.b.ins().brif(not_direct, object, &[], done, &[fast.into()]);
        self.emit.switch_to(object);
        let is_big = self.emit.is_top(wide, top::BIG);
        let zero = self.emit.constant(0);
        self.emit.branch_rarely(is_big, big, (done, zero));
        self.emit.switch_to(big);
        let address = self.emit.address(wide);
        let limb = self.emit.payload(address, 0);
        let low = self.emit.b.ins().band(limb, mask);
        self.emit.jump(done, &[low]);
        self.emit.switch_to(done);
        result
    }

    /// Whether a divisor is 0, and the divisor, or 1 in place of 0.
    pub(super) fn divisor(&mut self, b: Value) -> (Value, Value) {
        let by_zero = self.emit.b.ins().icmp_imm_s(IntCC::Equal, b, 0);
        let one = self.emit.constant(1);
        (by_zero, self.emit.b.ins().select(by_zero, one, b))
    }

    /// The low 32 bits of a word.
    fn low32(&mut self, word: Value) -> Value {
        self.emit.b.ins().band_imm_u(word, i64::from(u32::MAX))
    }

    fn mul32(&mut self, a: Value, b: Value) -> Value {
        let product = self.emit.b.ins().imul(a, b);
        self.low32(product)
    }

    fn lsh32(&mut self, a: Value, by: Value) -> Value {
        let shifted = self.emit.b.ins().ishl(a, by);
        let low = self.low32(shifted);
        let far = self.emit.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, by, 31);
        let zero = self.emit.constant(0);
        self.emit.b.ins().select(far, zero, low)
    }

    fn shift_left(&mut self, [a, b]: [Value; 2], either: Option<Value>) -> Value {
        let fast = self.emit.b.ins().ishl(a, b);
        let back = self.emit.b.ins().ushr(fast, b);
        let lost = self.emit.b.ins().icmp(IntCC::NotEqual, back, a);
        let far = self.emit.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, b, 62);
        let slow = self.emit.b.ins().bor(lost, far);
        let check = match either {
            Some(either) => self.emit.b.ins().bor(either, fast),
            None => fast,
        };
        let negative = self.emit.is_not_direct(check);
        let slow = self.emit.b.ins().bor(slow, negative);
        self.unless_slow(slow, fast, NatOp::Lsh, [a, b])
    }

    // Comparisons.

    /// The result of a comparison, as a nat.
    fn compare(&mut self, prim: Prim, [a, b]: [Value; 2], types: [Type; 2]) -> Value {
        let fast = self.compare_direct(prim, a, b);
        if types.iter().all(|ty| ty.is_unboxed()) {
            return fast;
        }
        let either = match types.map(|ty| ty.is(Type::Small)) {
            [true, true] => return fast,
            // A word with the top bit set is no direct nat. As an unsigned number it is above every
            // direct nat, as its value is in PLAN's order.
            [true, false] | [false, true] => return fast,
            [false, false] => self.emit.b.ins().bor(a, b),
        };
        let slow = self.emit.is_not_direct(either);
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        self.emit.b.ins().brif(slow, slowly, &[], done, &[fast.into()]);
        self.emit.switch_to(slowly);
        let value = self.compare_by_runtime(prim, a, b);
        self.emit.jump(done, &[value]);
        self.emit.switch_to(done);
        result
    }

    /// Branches on the outcome of a comparison.
    pub(super) fn branch_on(&mut self, prim: Prim, operands: &[Operand], yes: Block, no: Block) {
        if let Some(comparison) = self.constant_comparison(prim, operands) {
            let undecided = self.emit.block();
            let (equal, different) = if prim == Prim::Eq { (yes, no) } else { (no, yes) };
            self.branch_on_constant(&comparison, EqualityBranches { equal, different, undecided });
            self.emit.switch_to(undecided);
            let [a, b] = self.words(operands)[..] else { unreachable!("two values are compared") };
            let holds = self.compare_by_runtime(prim, a, b);
            return self.emit.branch(holds, yes, no);
        }
        let words = self.words(operands);
        let [a, b] = words[..] else { unreachable!("a comparison takes two operands") };
        let small = |operand: &Operand| self.type_of(*operand).is(Type::Small);
        let unboxed = |operand: &Operand| self.type_of(*operand).is_unboxed();
        if !operands.iter().any(small) && !operands.iter().all(unboxed) {
            let (fast, slowly) = (self.emit.block(), self.emit.cold_block());
            let either = self.emit.b.ins().bor(a, b);
            let slow = self.emit.is_not_direct(either);
            self.emit.branch(slow, slowly, fast);
            self.emit.switch_to(slowly);
            let holds = self.compare_by_runtime(prim, a, b);
            self.emit.branch(holds, yes, no);
            self.emit.switch_to(fast);
        }
        let condition = self.emit.b.ins().icmp(condition(prim), a, b);
        self.emit.branch(condition, yes, no);
    }

    /// The result of a comparison, computed by the runtime.
    fn compare_by_runtime(&mut self, prim: Prim, a: Value, b: Value) -> Value {
        let equality = matches!(prim, Prim::Eq | Prim::Ne);
        let order = self.call_nat_helper(if equality { NatOp::Eq } else { NatOp::Cmp }, a, b);
        match prim {
            Prim::Cmp | Prim::Eq => order,
            Prim::Ne => self.emit.b.ins().bxor_imm_s(order, 1),
            _ => {
                let one = self.emit.constant(1);
                self.compare_direct(prim, order, one)
            }
        }
    }

    /// The result of a comparison of words, at least one of them a direct nat.
    fn compare_direct(&mut self, prim: Prim, a: Value, b: Value) -> Value {
        if prim == Prim::Cmp {
            let above = self.emit.b.ins().icmp(IntCC::UnsignedGreaterThan, a, b);
            let not_below = self.emit.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, a, b);
            let (above, not_below) = (self.bit(above), self.bit(not_below));
            return self.emit.b.ins().iadd(above, not_below);
        }
        let holds = self.emit.b.ins().icmp(condition(prim), a, b);
        self.bit(holds)
    }
}

/// The condition of a comparison of words, at least one of them a direct nat.
fn condition(prim: Prim) -> IntCC {
    match prim {
        Prim::Eq => IntCC::Equal,
        Prim::Ne => IntCC::NotEqual,
        Prim::Lt => IntCC::UnsignedLessThan,
        Prim::Le => IntCC::UnsignedLessThanOrEqual,
        Prim::Gt => IntCC::UnsignedGreaterThan,
        Prim::Ge => IntCC::UnsignedGreaterThanOrEqual,
        _ => unreachable!("{prim:?} does not compare for a bit"),
    }
}

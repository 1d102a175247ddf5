//! Primitive operations: the case that registers hold in place, the rest by the runtime.

use super::lower::Lower;
use crate::ir::{Operand, Prim, Type};
use crate::runtime::Stub;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::NatOp;
use vm::native::layout::top;

impl Lower<'_, '_> {
    /// The result of a primitive operation.
    pub(super) fn prim(&mut self, prim: Prim, operands: &[Operand]) -> Value {
        if let (Prim::Item, &[row, index]) = (prim, operands) {
            return self.item(row, index);
        }
        let words = self.words(operands);
        let types: Vec<Type> = operands.iter().map(|operand| self.type_of(*operand)).collect();
        match words[..] {
            [a] => self.unary(prim, a, types[0]),
            [a, b] => self.binary(prim, [a, b], [types[0], types[1]]),
            _ => unreachable!("operations take one or two operands"),
        }
    }

    // Questions.

    /// Whether an evaluated word is a nat.
    fn is_nat(&mut self, word: Value) -> Value {
        let direct = self.emit.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, word, 0);
        let big = self.emit.is_top(word, top::BIG);
        self.emit.b.ins().bor(direct, big)
    }

    /// A condition as the nat 0 or 1.
    fn bit(&mut self, condition: Value) -> Value {
        self.emit.b.ins().uextend(I64, condition)
    }

    fn unary(&mut self, prim: Prim, a: Value, ty: Type) -> Value {
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
            Prim::IsNat => {
                let nat = self.is_nat(a);
                self.bit(nat)
            }
            Prim::IsPin => {
                let pin = self.emit.is_top(a, top::PIN);
                self.bit(pin)
            }
            Prim::IsLaw => self.is_kind(a, 1),
            Prim::IsApp => self.is_kind(a, 2),
            Prim::Inc => self.inc(a),
            Prim::Dec => self.dec(a, ty),
            _ => unreachable!("{prim:?} takes two operands"),
        }
    }

    fn truth(&mut self, a: Value, ty: Type) -> Value {
        let truth = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, a, 0);
        if ty.is(Type::Nat) {
            return self.bit(truth);
        }
        let nat = self.is_nat(a);
        let both = self.emit.b.ins().band(truth, nat);
        self.bit(both)
    }

    fn is_kind(&mut self, a: Value, kind: i64) -> Value {
        let found = self.emit.call_stub(Stub::Kind, &[a]);
        let same = self.emit.b.ins().icmp_imm_s(IntCC::Equal, found, kind);
        self.bit(same)
    }

    // Arithmetic.

    /// The runtime's result of an operation.
    fn ask(&mut self, operation: NatOp, a: Value, b: Value) -> Value {
        let number = self.emit.constant(operation as u64);
        self.emit.call_stub(Stub::Nat, &[number, a, b])
    }

    /// `fast` unless `wrong`, whose sign bit says that the runtime has to be asked.
    fn unless(&mut self, wrong: Value, fast: Value, operation: NatOp, ab: [Value; 2]) -> Value {
        let slow = self.emit.is_not_direct(wrong);
        self.unless_slow(slow, fast, operation, ab)
    }

    fn unless_slow(
        &mut self,
        slow: Value,
        fast: Value,
        operation: NatOp,
        [a, b]: [Value; 2],
    ) -> Value {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_of_word());
        self.emit.b.ins().brif(slow, slowly, &[], done, &[fast.into()]);
        self.emit.go_on_in(slowly);
        let value = self.ask(operation, a, b);
        self.emit.jump(done, &[value]);
        self.emit.go_on_in(done);
        result
    }

    fn inc(&mut self, a: Value) -> Value {
        let fast = self.emit.b.ins().iadd_imm_s(a, 1);
        let wrong = self.emit.b.ins().bor(a, fast);
        self.unless(wrong, fast, NatOp::Inc, [a, a])
    }

    fn dec(&mut self, a: Value, ty: Type) -> Value {
        let some = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, a, 0);
        let some = self.bit(some);
        let fast = self.emit.b.ins().isub(a, some);
        if ty.is(Type::Small) {
            return fast;
        }
        self.unless(a, fast, NatOp::Dec, [a, a])
    }

    fn binary(&mut self, prim: Prim, [a, b]: [Value; 2], types: [Type; 2]) -> Value {
        if prim.compares() {
            return self.compare(prim, [a, b], types);
        }
        let small = types.map(|ty| ty.is(Type::Small));
        let (operation, fast) = self.fast(prim, a, b);
        let either = match small {
            [true, true] => None,
            [true, false] => Some(b),
            [false, true] => Some(a),
            [false, false] => Some(self.emit.b.ins().bor(a, b)),
        };
        let wrong = match (prim, either) {
            (Prim::Add, None) => fast,
            (Prim::Add, Some(either)) => self.emit.b.ins().bor(either, fast),
            (Prim::Mul, either) => {
                let high = self.emit.b.ins().umulhi(a, b);
                let over = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, high, 0);
                let wrong = match either {
                    Some(either) => self.emit.b.ins().bor(either, fast),
                    None => fast,
                };
                let wrong = self.emit.is_not_direct(wrong);
                let slow = self.emit.b.ins().bor(over, wrong);
                return self.unless_slow(slow, fast, operation, [a, b]);
            }
            (Prim::Lsh, either) => return self.shift_up([a, b], either),
            (_, None) => return fast,
            (_, Some(either)) => either,
        };
        self.unless(wrong, fast, operation, [a, b])
    }

    /// The operation, and its result for operands below 2^63 if that is below it too.
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

    /// Whether a divisor is 0, and one that is not.
    fn divisor(&mut self, b: Value) -> (Value, Value) {
        let by_zero = self.emit.b.ins().icmp_imm_s(IntCC::Equal, b, 0);
        let one = self.emit.constant(1);
        (by_zero, self.emit.b.ins().select(by_zero, one, b))
    }

    fn shift_up(&mut self, [a, b]: [Value; 2], either: Option<Value>) -> Value {
        let fast = self.emit.b.ins().ishl(a, b);
        let back = self.emit.b.ins().ushr(fast, b);
        let lost = self.emit.b.ins().icmp(IntCC::NotEqual, back, a);
        let far = self.emit.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, b, 62);
        let slow = self.emit.b.ins().bor(lost, far);
        let wrong = match either {
            Some(either) => self.emit.b.ins().bor(either, fast),
            None => fast,
        };
        let wrong = self.emit.is_not_direct(wrong);
        let slow = self.emit.b.ins().bor(slow, wrong);
        self.unless_slow(slow, fast, NatOp::Lsh, [a, b])
    }

    // Comparisons.

    fn compare(&mut self, prim: Prim, [a, b]: [Value; 2], types: [Type; 2]) -> Value {
        let fast = self.compare_direct(prim, a, b);
        let either = match types.map(|ty| ty.is(Type::Small)) {
            [true, true] => return fast,
            // A word with the top bit set is no direct nat, so it differs from one, and is above it
            // as an unsigned number; so it is in PLAN's order.
            [true, false] | [false, true] => return fast,
            [false, false] => self.emit.b.ins().bor(a, b),
        };
        let slow = self.emit.is_not_direct(either);
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_of_word());
        self.emit.b.ins().brif(slow, slowly, &[], done, &[fast.into()]);
        self.emit.go_on_in(slowly);
        let value = self.compare_by_runtime(prim, a, b);
        self.emit.jump(done, &[value]);
        self.emit.go_on_in(done);
        result
    }

    /// Goes to one block or the other, as a comparison turns out.
    pub(super) fn branch_on(&mut self, prim: Prim, operands: &[Operand], yes: Block, no: Block) {
        let words = self.words(operands);
        let [a, b] = words[..] else { unreachable!("a comparison takes two operands") };
        let small = |operand: &Operand| self.type_of(*operand).is(Type::Small);
        if !operands.iter().any(small) {
            let (fast, slowly) = (self.emit.block(), self.emit.cold_block());
            let either = self.emit.b.ins().bor(a, b);
            let slow = self.emit.is_not_direct(either);
            self.emit.branch(slow, slowly, fast);
            self.emit.go_on_in(slowly);
            let holds = self.compare_by_runtime(prim, a, b);
            self.emit.branch(holds, yes, no);
            self.emit.go_on_in(fast);
        }
        let condition = self.emit.b.ins().icmp(condition(prim), a, b);
        self.emit.branch(condition, yes, no);
    }

    fn compare_by_runtime(&mut self, prim: Prim, a: Value, b: Value) -> Value {
        let equality = matches!(prim, Prim::Eq | Prim::Ne);
        let order = self.ask(if equality { NatOp::Eq } else { NatOp::Cmp }, a, b);
        match prim {
            Prim::Cmp | Prim::Eq => order,
            Prim::Ne => self.emit.b.ins().bxor_imm_s(order, 1),
            _ => {
                let one = self.emit.constant(1);
                self.compare_direct(prim, order, one)
            }
        }
    }

    /// Compares words of which one is a direct nat.
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

/// The condition of a comparison, for words of which one is a direct nat.
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

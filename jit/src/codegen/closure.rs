//! Guards on the function that a value is, before code that has the function built in.

use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::{Arm, BlockId, ConstantId, Operand, Type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, ObjectKind, top};

/// The flag in the header of a thunk that compiled code has made and that may become cheap.
const CHEAP_FLAG: i64 = (layout::CHEAP_THUNK << layout::EXTRA.0) as i64;

impl FunctionTranslator<'_, '_> {
    /// Branches to the arm, with the values that the function captured, if a value is that function; and
    /// to the other block if not.
    pub(super) fn closure(&mut self, on: Operand, k: ConstantId, arm: &Arm, other: BlockId) {
        let word = self.word(on);
        let word = if self.type_of(on).is(Type::Whnf) { word } else { self.value_if_done(word) };
        let other = self.deferred(other);
        let function = match arm.params.len() {
            0 => word,
            count => self.function_of_app(word, count, other),
        };
        let wanted = self.word(Operand::Constant(k));
        let same = self.emit.b.ins().icmp(IntCC::Equal, function, wanted);
        self.emit.guard(same, other);
        let address = self.emit.address(word);
        for (index, var) in arm.params.iter().enumerate() {
            let captured = self.emit.payload(address, 1 + index);
            self.define(*var, captured);
        }
        let body = self.deferred(arm.block);
        self.emit.jump(body, &[]);
    }

    /// The value of a thunk that is evaluated already; any other word unchanged.
    pub(super) fn value_if_done(&mut self, word: Value) -> Value {
        let (waiting, (done, value)) = (self.emit.cold_block(), self.emit.block_with_param());
        let thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(thunk, waiting, &[], done, &[word.into()]);
        self.emit.switch_to(waiting);
        let address = self.emit.address(word);
        let header = self.emit.load(address, 0);
        let code = self.emit.b.ins().band_imm_s(header, 0xff);
        let kind = ObjectKind::Indirection.code() as i64;
        let is_done = self.emit.b.ins().icmp_imm_s(IntCC::Equal, code, kind);
        let first = self.emit.payload(address, 0);
        let value_of = self.emit.b.ins().select(is_done, first, word);
        self.emit.jump(done, &[value_of]);
        self.emit.switch_to(done);
        value
    }

    /// The value of an operand that is a thunk which is evaluated already, or which the runtime finds cheap; any
    /// other word unchanged.
    pub(super) fn value_if_cheap(&mut self, operand: Operand) -> Value {
        let word = self.word(operand);
        let (waiting, asking) = (self.emit.cold_block(), self.emit.cold_block());
        let (done, value) = self.emit.block_with_param();
        let word = self.value_if_done(word);
        let thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(thunk, waiting, &[], done, &[word.into()]);
        // Compiled code of a thunk has made it because it was not cheap. In the variable of a loop it would make
        // another thunk in each turn, though its inputs may be evaluated by now.
        let asks_for_compiled = self.is_variable_of_loop(operand);
        self.emit.switch_to(waiting);
        let address = self.emit.address(word);
        let header = self.emit.load(address, 0);
        let layout = self.emit.b.ins().band_imm_s(header, 0xff);
        let offset = self.emit.b.ins().iadd_imm_s(layout, -(ObjectKind::ThunkCode.code() as i64));
        let kinds = (ObjectKind::ThunkApp.code() - ObjectKind::ThunkCode.code()) as i64;
        let is_of_interpreter =
            self.emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, offset, kinds);
        let first = self.emit.payload(address, 0);
        let is_compiled = self.emit.is_top(first, top::NATIVE);
        let flag = self.emit.b.ins().band_imm_u(header, CHEAP_FLAG);
        let is_not_cheap = if asks_for_compiled {
            let has_no_flag = self.emit.b.ins().icmp_imm_s(IntCC::Equal, flag, 0);
            self.emit.b.ins().band(is_compiled, has_no_flag)
        } else {
            let has_flag = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, flag, 0);
            self.emit.b.ins().bor(is_compiled, has_flag)
        };
        let may_be_cheap = self.emit.b.ins().band_not(is_of_interpreter, is_not_cheap);
        self.emit.branch_rarely(may_be_cheap, asking, (done, word));
        self.emit.switch_to(asking);
        let cheap = self.call_rarely(Stub::CheapValue, &[word]);
        self.emit.jump(done, &[cheap]);
        self.emit.switch_to(done);
        value
    }

    /// Whether an operand is a variable that a loop gives another value in each turn.
    fn is_variable_of_loop(&self, operand: Operand) -> bool {
        let Operand::Var(var) = operand else { return false };
        self.function.joins.values().any(|join| join.is_loop && join.params.contains(&var))
    }

    /// Whether a value is evaluated, or a thunk that is, or becomes it because that is cheap.
    pub(super) fn evaluated(&mut self, operand: Operand) -> Value {
        if self.type_of(operand).is(Type::Whnf) {
            return self.emit.constant(1);
        }
        let word = self.value_if_cheap(operand);
        let thunk = self.emit.is_thunk(word);
        let evaluated = self.emit.b.ins().bxor_imm_s(thunk, 1);
        self.bit(evaluated)
    }

    /// The function of an app. Continues only if the word is an app of `count` arguments.
    fn function_of_app(&mut self, word: Value, count: usize, other: Block) -> Value {
        let is_app = self.emit.is_top(word, top::APP);
        self.emit.guard(is_app, other);
        let address = self.emit.address(word);
        let size = self.emit.payload_size(address);
        let fits = self.emit.b.ins().icmp_imm_s(IntCC::Equal, size, 1 + count as i64);
        self.emit.guard(fits, other);
        self.emit.load(address, layout::PAYLOAD)
    }
}

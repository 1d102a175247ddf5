//! Stubs: how compiled code calls Rust, and Rust compiled code.
//!
//! A stub has the convention of compiled code. It records its own frame, so that the collector finds
//! those above it; calls the helper with the runtime's address first; and cuts compiled code off if
//! that has no result. What it passes on is in its own frame only until Rust has taken it over.

use super::{apply, force};
use crate::codegen::{Backend, Emit, GiveUp, Object, tail_signature};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, TrapCode, Value};
use vm::native::{CUT, Helper, PARAMETERS_MAX, offset};

/// A stub.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stub {
    /// `(word)`, a thunk perhaps: its value.
    Force,
    /// The same, but by Rust.
    ForceSlowly,
    /// `(word)`: its normal form.
    Normalise,
    /// `(words)`: makes room.
    Room,
    /// `()`: leaves compiled code, having met its limit.
    Limit,
    /// `(value)`: takes it apart.
    Parts,
    /// `(value)`: what kind it is.
    Kind,
    /// `(value)`: how many arguments it takes.
    Arity,
    /// `(row, index)`: the item.
    Item,
    /// `(operation, a, b)`: of nats.
    Nat,
    /// `(object, index, value)`: writes a value.
    Store,
    /// `(function, argument...)`: the value of the call.
    Apply(u32),
    /// The same, but by the interpreter.
    Call(u32),
    /// `(function, argument...)`: the application, unevaluated.
    Delay(u32),
    /// `(pin, argument...)`: the value of a jet's call.
    Jet(u32),
    /// `(item, item...)`: a row; the number is that of the items after the first.
    Row(u32),
}

/// Stubs that take a number of words that is not fixed take at most this many.
const BLOCK: u32 = PARAMETERS_MAX as u32;
const FIXED: [Stub; 11] = [
    Stub::Force,
    Stub::ForceSlowly,
    Stub::Normalise,
    Stub::Room,
    Stub::Limit,
    Stub::Parts,
    Stub::Kind,
    Stub::Arity,
    Stub::Item,
    Stub::Nat,
    Stub::Store,
];
const BLOCKS: [fn(u32) -> Stub; 5] = [Stub::Apply, Stub::Call, Stub::Delay, Stub::Jet, Stub::Row];

impl Stub {
    /// How many there are.
    pub const COUNT: usize = FIXED.len() + BLOCKS.len() * PARAMETERS_MAX;

    /// The stub's number.
    pub fn number(self) -> u32 {
        let block = |index: u32, count: u32| FIXED.len() as u32 + index * BLOCK + count;
        match self {
            Stub::Apply(count) => block(0, count),
            Stub::Call(count) => block(1, count),
            Stub::Delay(count) => block(2, count),
            Stub::Jet(count) => block(3, count),
            Stub::Row(count) => block(4, count),
            fixed => FIXED.iter().position(|stub| *stub == fixed).unwrap_or(0) as u32,
        }
    }

    /// The stub with that number.
    pub fn numbered(number: u32) -> Stub {
        let fixed = FIXED.len() as u32;
        match number.checked_sub(fixed) {
            None => FIXED[number as usize],
            Some(rest) => BLOCKS[(rest / BLOCK) as usize](rest % BLOCK),
        }
    }

    /// Compiles it.
    pub(crate) fn compile(self, backend: &mut Backend) -> Result<Object, GiveUp> {
        match self {
            Stub::Force => force::compile(backend),
            Stub::Apply(0) => simple(backend, Helper::Force, 1),
            Stub::Apply(count) => apply::compile(backend, count as usize),
            Stub::ForceSlowly => simple(backend, Helper::Force, 1),
            Stub::Normalise => simple(backend, Helper::Normalise, 1),
            Stub::Room => simple(backend, Helper::Room, 1),
            Stub::Limit => simple(backend, Helper::Limit, 0),
            Stub::Parts => simple(backend, Helper::Parts, 1),
            Stub::Kind => simple(backend, Helper::Kind, 1),
            Stub::Arity => simple(backend, Helper::Arity, 1),
            Stub::Item => simple(backend, Helper::Item, 2),
            Stub::Nat => simple(backend, Helper::Nat, 3),
            Stub::Store => simple(backend, Helper::Store, 3),
            Stub::Call(count) => block(backend, Helper::Call, count as usize, true),
            Stub::Delay(count) => block(backend, Helper::Apply, count as usize, false),
            Stub::Jet(count) => block(backend, Helper::Jet, count as usize, false),
            Stub::Row(count) => block(backend, Helper::Row, count as usize, false),
        }
    }
}

/// A stub that passes its parameters on.
fn simple(backend: &mut Backend, helper: Helper, count: usize) -> Result<Object, GiveUp> {
    backend.define(tail_signature(count, 1), false, |emit, params| {
        let result = ask(emit, helper, params);
        emit.b.ins().return_(&[result]);
        Ok(())
    })
}

/// A stub that passes its parameters, one and `count` more, as a block of words.
fn block(
    backend: &mut Backend,
    helper: Helper,
    count: usize,
    may_leave: bool,
) -> Result<Object, GiveUp> {
    backend.define(tail_signature(count + 1, 1), false, |emit, params| {
        let size = 8 * params.len() as u32;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3);
        let slot = emit.b.create_sized_stack_slot(slot);
        for (index, param) in params.iter().enumerate() {
            emit.b.ins().stack_store(I64, *param, slot, 8 * index as i32);
        }
        let address = emit.b.ins().stack_addr(I64, slot, 0);
        let count = emit.constant(count as u64);
        if may_leave {
            let (leaving, staying) = (emit.block(), emit.block());
            let own = emit.b.ins().get_frame_pointer(I64);
            let caller = emit.load(own, 0);
            let entry = emit.load_context(offset::ENTRY_FRAME);
            let last = emit.b.ins().icmp(IntCC::Equal, caller, entry);
            emit.branch(last, leaving, staying);
            emit.go_on_in(leaving);
            let pending = ask(emit, Helper::Leave, &[address, count]);
            emit.b.ins().return_(&[pending]);
            emit.go_on_in(staying);
        }
        let result = ask(emit, helper, &[address, count]);
        emit.b.ins().return_(&[result]);
        Ok(())
    })
}

/// Calls a helper from a stub; its result, if it has one.
pub(super) fn ask(emit: &mut Emit<'_>, helper: Helper, args: &[Value]) -> Value {
    let own = emit.b.ins().get_frame_pointer(I64);
    emit.store_context(own, offset::LAST_FRAME);
    let context = emit.context();
    let args: Vec<Value> = std::iter::once(context).chain(args.iter().copied()).collect();
    let result = emit.call_rust(helper, &args, 1);
    let (failed, succeeded) = (emit.cold_block(), emit.block());
    let cut = emit.b.ins().icmp_imm_s(IntCC::Equal, result, CUT as i64);
    emit.branch(cut, failed, succeeded);
    emit.go_on_in(failed);
    let saved = emit.load_context(offset::CUT);
    emit.call_rust(Helper::Cut, &[saved], 0);
    emit.b.ins().trap(TrapCode::unwrap_user(1));
    emit.go_on_in(succeeded);
    result
}

/// The function through which Rust calls compiled code of so many parameters.
pub fn trampoline(backend: &mut Backend, count: usize) -> Result<Object, GiveUp> {
    let signature = backend.system_signature(2, 1);
    backend.define(signature, false, |emit, params| {
        let own = emit.b.ins().get_frame_pointer(I64);
        emit.store_context(own, offset::ENTRY_FRAME);
        let args: Vec<Value> =
            (0..count).map(|index| emit.load(params[1], 8 * index as i32)).collect();
        let result = emit.call_address(params[0], &args);
        emit.b.ins().return_(&[result]);
        Ok(())
    })
}

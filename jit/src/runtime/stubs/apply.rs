//! Calling a function that is known only at run time.
//!
//! The stub jumps to the code of a compiled law that takes exactly the arguments of the call. The
//! function may be the law, or a pin of it without a jet, on the heap or frozen; or an app of such
//! a function, whose few arguments then come before those of the call. The interpreter makes all
//! other calls.

use crate::codegen::{
    Backend, CompileError, CompiledFunction, FunctionEmitter, LinkSymbol, Listing, Stub,
    tail_signature,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use cranelift_frontend::Switch;
use vm::native::{PARAMETERS_MAX, layout, offset};

/// The most arguments that an app may have to be called without the interpreter.
const APP_ARGS_MAX: usize = 4;

pub(super) fn compile(
    backend: &mut Backend,
    count: usize,
) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(count + 1, 1), Listing::None, |emit, params| {
        let (function, args) = (params[0], &params[1..]);
        let (app, other, otherwise) = (emit.block(), emit.block(), emit.block());
        let is_app = emit.is_top(function, layout::top::APP);
        emit.branch(is_app, app, other);

        emit.switch_to(other);
        let entry = entry(emit, function, Some(count), otherwise);
        emit.tail_call_address(entry, args);

        emit.switch_to(app);
        call_app(emit, function, args, otherwise);

        emit.switch_to(otherwise);
        emit.tail_call(LinkSymbol::Stub(Stub::Call(count as u32)), params, 1);
        Ok(())
    })
}

/// Jumps to the code of the law in an app that lacks just these arguments.
fn call_app(emit: &mut FunctionEmitter<'_>, app: Value, args: &[Value], otherwise: Block) {
    let address = emit.address(app);
    guard_arity(emit, address, args.len(), otherwise);
    let function = emit.payload(address, 0);
    let entry = entry(emit, function, None, otherwise);
    let size = emit.payload_size(address);
    let mut switch = Switch::new();
    let most = APP_ARGS_MAX.min(PARAMETERS_MAX - args.len());
    let cases: Vec<(usize, Block)> = (1..=most).map(|held| (held, emit.block())).collect();
    for (held, block) in &cases {
        switch.set_entry(1 + *held as u128, *block);
    }
    switch.emit(&mut emit.b, size, otherwise);
    for (held, block) in cases {
        emit.switch_to(block);
        let mut all: Vec<Value> = (1..=held).map(|index| emit.payload(address, index)).collect();
        all.extend(args);
        emit.tail_call_address(entry, &all);
    }
}

/// Continues if the object at an address takes that many arguments.
fn guard_arity(emit: &mut FunctionEmitter<'_>, address: Value, count: usize, otherwise: Block) {
    let header = emit.load(address, 0);
    let (shift, width) = layout::EXTRA;
    let extra = emit.b.ins().ushr_imm_s(header, i64::from(shift));
    let extra = emit.b.ins().band_imm_s(extra, (1 << width) - 1);
    let fits = emit.b.ins().icmp_imm_s(IntCC::Equal, extra, count as i64);
    emit.guard(fits, otherwise);
}

/// The address of the code of a law, or of the pin of one without a jet. Continues only if there is
/// code that refers to itself as that function, and if it takes `count` arguments where a count is
/// given.
fn entry(
    emit: &mut FunctionEmitter<'_>,
    function: Value,
    count: Option<usize>,
    otherwise: Block,
) -> Value {
    let (pin, other, frozen) = (emit.block(), emit.block(), emit.block());
    let (done, entry) = emit.block_with_param();
    let address = emit.address(function);
    let range = emit.b.ins().ushr_imm_s(address, i64::from(layout::FROZEN_SHIFT));
    let is_frozen = emit.b.ins().icmp_imm_s(IntCC::Equal, range, 1);
    let on_heap = emit.block();
    emit.branch(is_frozen, frozen, on_heap);

    emit.switch_to(on_heap);
    let is_pin = emit.is_top(function, layout::top::PIN);
    emit.branch(is_pin, pin, other);

    emit.switch_to(other);
    let is_law = emit.is_top(function, layout::top::LAW);
    emit.guard(is_law, otherwise);
    if let Some(count) = count {
        guard_arity(emit, address, count, otherwise);
    }
    let code = code_of_law(emit, address, layout::top::NATIVE, otherwise);
    emit.jump(done, &[code]);

    emit.switch_to(pin);
    if let Some(count) = count {
        guard_arity(emit, address, count, otherwise);
    }
    let facts = emit.payload(address, layout::PIN_FACTS as usize);
    let jet = emit.b.ins().ushr_imm_s(facts, 32);
    let no_jet = emit.b.ins().icmp_imm_s(IntCC::Equal, jet, 0);
    emit.guard(no_jet, otherwise);
    let item = emit.payload(address, 0);
    let is_law = emit.is_top(item, layout::top::LAW);
    emit.guard(is_law, otherwise);
    let law = emit.address(item);
    let code = code_of_law(emit, law, layout::top::PINNED, otherwise);
    emit.jump(done, &[code]);

    emit.switch_to(frozen);
    let code = code_of_frozen(emit, function, address, otherwise);
    if let Some(count) = count {
        // A function with code has been checked, so reading its header cannot fail.
        guard_arity(emit, address, count, otherwise);
    }
    emit.jump(done, &[code]);

    emit.switch_to(done);
    entry
}

/// The address of the code of the law at an address. Continues only if its code word has that tag.
fn code_of_law(emit: &mut FunctionEmitter<'_>, law: Value, tag: u64, otherwise: Block) -> Value {
    let code = emit.payload(law, layout::LAW_CODE as usize);
    let is_compiled = emit.is_top(code, tag);
    emit.guard(is_compiled, otherwise);
    emit.address(code)
}

/// The address of the code of a frozen function, from the table of frozen functions with code.
/// Continues only if the function has code.
fn code_of_frozen(
    emit: &mut FunctionEmitter<'_>,
    function: Value,
    address: Value,
    otherwise: Block,
) -> Value {
    let (log, shifts) = layout::FROZEN_TABLE;
    let [near, far] = shifts.map(|shift| emit.b.ins().ushr_imm_s(address, i64::from(shift)));
    let hash = emit.b.ins().bxor(near, far);
    let index = emit.b.ins().band_imm_s(hash, (1 << log) - 1);
    let distance = emit.b.ins().ishl_imm_s(index, 4);
    let table = emit.load_context(offset::FROZEN);
    let slot = emit.b.ins().iadd(table, distance);
    let found = emit.load(slot, 0);
    let is_same = emit.b.ins().icmp(IntCC::Equal, found, function);
    emit.guard(is_same, otherwise);
    emit.load(slot, 8)
}

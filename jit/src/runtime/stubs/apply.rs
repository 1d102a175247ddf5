//! Calling a function that is known only at run time.
//!
//! The stub jumps to the code of a compiled law that takes exactly the arguments of the call. The
//! function may be the law, or a pin of it, on the heap or frozen; an app of such a function, whose
//! few arguments then come before those of the call; or a thunk, which is evaluated first. The pin
//! of a jet that was called often has code of its own. A function that takes fewer arguments is
//! called with those, and its result is called with the others; one that takes more is applied. The
//! interpreter makes all other calls.

use super::partial::make_partial;
use crate::codegen::{
    Backend, CompileError, CompiledFunction, FunctionEmitter, LinkSymbol, Listing, Stub,
    tail_signature,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use cranelift_frontend::Switch;
use vm::native::layout;
use vm::native::{PARAMETERS_MAX, offset};

/// The most arguments that an app may have to be called without the interpreter.
const APP_ARGS_MAX: usize = 8;

/// Where the paths continue that do not jump to code.
#[derive(Clone, Copy)]
struct OtherPaths {
    /// The function, evaluated, takes another number of arguments, which is the block's parameter.
    other_arity: Block,
    /// The function is a thunk, data, an operation, or a law without code.
    otherwise: Block,
}

pub(super) fn compile(
    backend: &mut Backend,
    count: usize,
) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(count + 1, 1), Listing::None, |emit, params| {
        let args = &params[1..];
        let (dispatch, function) = emit.block_with_param();
        let (other_arity, arity) = emit.block_with_param();
        let (app, other, otherwise) = (emit.block(), emit.block(), emit.block());
        let paths = OtherPaths { other_arity, otherwise };
        emit.jump(dispatch, &params[..1]);

        emit.switch_to_loop(dispatch);
        let is_app = emit.is_top(function, layout::top::APP);
        emit.branch(is_app, app, other);

        emit.switch_to(other);
        let entry = entry(emit, function, Some(count), paths);
        emit.tail_call_address(entry, args);

        emit.switch_to(app);
        call_app(emit, function, args, paths);

        emit.switch_to(other_arity);
        call_in_parts(emit, function, arity, args, otherwise);

        emit.switch_to(otherwise);
        let (thunk, call) = (emit.cold_block(), emit.block());
        let is_thunk = emit.is_thunk(function);
        emit.branch(is_thunk, thunk, call);
        emit.switch_to(call);
        let words = [&[function], args].concat();
        emit.tail_call(LinkSymbol::Stub(Stub::Call(count as u32)), &words, 1);
        emit.switch_to(thunk);
        call_thunk(emit, function, args, dispatch);
        Ok(())
    })
}

/// Continues at `dispatch` with the value of a thunk, if it is evaluated. If not, has the interpreter evaluate it and
/// make the call.
fn call_thunk(emit: &mut FunctionEmitter<'_>, thunk: Value, args: &[Value], dispatch: Block) {
    let (done, waiting) = (emit.block(), emit.cold_block());
    let address = emit.address(thunk);
    let is_done = emit.is_indirection(address);
    emit.branch(is_done, done, waiting);
    emit.switch_to(done);
    let value = emit.payload(address, 0);
    emit.jump(dispatch, &[value]);
    emit.switch_to(waiting);
    let words = [&[thunk], args].concat();
    emit.tail_call(LinkSymbol::Stub(Stub::Call(args.len() as u32)), &words, 1);
}

/// Calls a function that takes `arity` arguments, a number other than that of the arguments. If it
/// takes fewer, calls it with those, and calls the result with the others. If it takes more, the
/// result is an app.
fn call_in_parts(
    emit: &mut FunctionEmitter<'_>,
    function: Value,
    arity: Value,
    args: &[Value],
    otherwise: Block,
) {
    let mut switch = Switch::new();
    let cases: Vec<(usize, Block)> = (1..args.len()).map(|arity| (arity, emit.block())).collect();
    for (arity, block) in &cases {
        switch.set_entry(*arity as u128, *block);
    }
    let rest = emit.block();
    switch.emit(&mut emit.b, arity, rest);
    for (arity, block) in cases {
        emit.switch_to(block);
        call_with_some(emit, function, args.split_at(arity));
    }
    emit.switch_to(rest);
    let lacks = emit.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, arity, args.len() as i64);
    emit.guard(lacks, otherwise);
    let slowly = emit.cold_block();
    make_partial(emit, (function, arity), args, slowly);
    emit.switch_to(slowly);
    let words = [&[function], args].concat();
    emit.tail_call(LinkSymbol::Stub(Stub::Delay(args.len() as u32)), &words, 1);
}

/// Calls a function with some arguments, and its result with the others.
fn call_with_some(
    emit: &mut FunctionEmitter<'_>,
    function: Value,
    (args, rest): (&[Value], &[Value]),
) {
    // The values that live across the call are parameters of a block of their own: only there, and
    // not where the stub begins, are they stored for the collector.
    let block = emit.block();
    let kept: Vec<Value> = rest.iter().map(|_| emit.b.append_block_param(block, I64)).collect();
    emit.jump(block, rest);
    emit.switch_to(block);
    kept.iter().for_each(|value| emit.b.declare_value_needs_stack_map(*value));
    let words = [&[function], args].concat();
    let result = emit.call_stub(Stub::Apply(args.len() as u32), &words);
    let words = [&[result], &kept[..]].concat();
    emit.tail_call(LinkSymbol::Stub(Stub::Apply(rest.len() as u32)), &words, 1);
}

/// Jumps to the code of the law in an app that lacks just these arguments.
fn call_app(emit: &mut FunctionEmitter<'_>, app: Value, args: &[Value], paths: OtherPaths) {
    let otherwise = paths.otherwise;
    let address = emit.address(app);
    guard_arity(emit, address, args.len(), paths);
    let function = emit.payload(address, 0);
    let entry = entry(emit, function, None, paths);
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
fn guard_arity(emit: &mut FunctionEmitter<'_>, address: Value, count: usize, paths: OtherPaths) {
    let header = emit.load(address, 0);
    let (shift, width) = layout::EXTRA;
    let extra = emit.b.ins().ushr_imm_s(header, i64::from(shift));
    let extra = emit.b.ins().band_imm_s(extra, (1 << width) - 1);
    let fits = emit.b.ins().icmp_imm_s(IntCC::Equal, extra, count as i64);
    let then = emit.block();
    emit.b.ins().brif(fits, then, &[], paths.other_arity, &[extra.into()]);
    emit.switch_to(then);
}

/// The address of the code of a law, or of the pin of one. Continues only if there is code that
/// refers to itself as that function, and if it takes `count` arguments where a count is given.
fn entry(
    emit: &mut FunctionEmitter<'_>,
    function: Value,
    count: Option<usize>,
    paths: OtherPaths,
) -> Value {
    let otherwise = paths.otherwise;
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
        guard_arity(emit, address, count, paths);
    }
    let code = code_of_law(emit, address, layout::top::NATIVE, otherwise);
    emit.jump(done, &[code]);

    emit.switch_to(pin);
    if let Some(count) = count {
        guard_arity(emit, address, count, paths);
    }
    let facts = emit.payload(address, layout::PIN_FACTS as usize);
    let jet = emit.b.ins().ushr_imm_s(facts, 32);
    let (no_jet, has_jet) = (emit.block(), emit.block());
    emit.branch(jet, has_jet, no_jet);
    emit.switch_to(has_jet);
    let code = code_of_jet(emit, jet, otherwise);
    emit.jump(done, &[code]);
    emit.switch_to(no_jet);
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
        guard_arity(emit, address, count, paths);
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

/// The address of the code for a jet's pin, from the table of jets with code, by the jet's number
/// plus one. Continues only if the jet has code.
fn code_of_jet(emit: &mut FunctionEmitter<'_>, jet: Value, otherwise: Block) -> Value {
    let limit = layout::JET_TABLE_SIZE as i64;
    let is_inside = emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, jet, limit);
    emit.guard(is_inside, otherwise);
    let table = emit.load_context(offset::JETS);
    let distance = emit.b.ins().ishl_imm_s(jet, 3);
    let slot = emit.b.ins().iadd(table, distance);
    let code = emit.load(slot, 0);
    emit.guard(code, otherwise);
    code
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

//! Calling a function that is known at run time only.
//!
//! A law, or the pin of one, frozen or not, that is compiled and takes just as many arguments is jumped
//! to; so is one that lies under an app of a few arguments, with those before the others. Everything else is
//! left to the interpreter.

use super::Stub;
use crate::codegen::{Backend, Emit, GiveUp, Object, Target, tail_signature};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use cranelift_frontend::Switch;
use vm::native::{PARAMETERS_MAX, layout, offset};

/// Arguments that an app may have for it to be called without the interpreter.
const GIVEN: usize = 4;

pub(super) fn compile(backend: &mut Backend, count: usize) -> Result<Object, GiveUp> {
    backend.define(tail_signature(count + 1, 1), false, |emit, params| {
        let (function, args) = (params[0], &params[1..]);
        let (app, other, otherwise) = (emit.block(), emit.block(), emit.block());
        let is_app = emit.is_top(function, layout::top::APP);
        emit.branch(is_app, app, other);

        emit.go_on_in(other);
        let entry = entry(emit, function, Some(count), otherwise);
        emit.tail_call_address(entry, args);

        emit.go_on_in(app);
        call_app(emit, function, args, otherwise);

        emit.go_on_in(otherwise);
        emit.tail_call(Target::Stub(Stub::Call(count as u32)), params, 1);
        Ok(())
    })
}

/// Jumps to the code of the law under an app that lacks just these arguments.
fn call_app(emit: &mut Emit<'_>, app: Value, args: &[Value], otherwise: Block) {
    let address = emit.address(app);
    takes(emit, address, args.len(), otherwise);
    let function = emit.payload(address, 0);
    let entry = entry(emit, function, None, otherwise);
    let header = emit.load(address, 0);
    let size = emit.b.ins().ushr_imm_s(header, 32);
    let mut switch = Switch::new();
    let most = GIVEN.min(PARAMETERS_MAX - args.len());
    let cases: Vec<(usize, Block)> = (1..=most).map(|given| (given, emit.block())).collect();
    for (given, block) in &cases {
        switch.set_entry(1 + *given as u128, *block);
    }
    switch.emit(&mut emit.b, size, otherwise);
    for (given, block) in cases {
        emit.go_on_in(block);
        let mut all: Vec<Value> = (1..=given).map(|index| emit.payload(address, index)).collect();
        all.extend(args);
        emit.tail_call_address(entry, &all);
    }
}

fn only_if(emit: &mut Emit<'_>, condition: Value, otherwise: Block) {
    let then = emit.block();
    emit.branch(condition, then, otherwise);
    emit.go_on_in(then);
}

/// Goes on if what lies at the address takes so many arguments.
fn takes(emit: &mut Emit<'_>, address: Value, count: usize, otherwise: Block) {
    let header = emit.load(address, 0);
    let (shift, width) = layout::EXTRA;
    let extra = emit.b.ins().ushr_imm_s(header, i64::from(shift));
    let extra = emit.b.ins().band_imm_s(extra, (1 << width) - 1);
    let fits = emit.b.ins().icmp_imm_s(IntCC::Equal, extra, count as i64);
    only_if(emit, fits, otherwise);
}

/// The address of the code of a law, or of the pin of one without a jet, if it is compiled for such
/// calls, and takes so many arguments if that is asked.
fn entry(emit: &mut Emit<'_>, function: Value, count: Option<usize>, otherwise: Block) -> Value {
    let (pin, other, frozen) = (emit.block(), emit.block(), emit.block());
    let (done, entry) = emit.block_of_word();
    let address = emit.address(function);
    let range = emit.b.ins().ushr_imm_s(address, i64::from(layout::FROZEN_SHIFT));
    let is_frozen = emit.b.ins().icmp_imm_s(IntCC::Equal, range, 1);
    let on_heap = emit.block();
    emit.branch(is_frozen, frozen, on_heap);

    emit.go_on_in(on_heap);
    let is_pin = emit.is_top(function, layout::top::PIN);
    emit.branch(is_pin, pin, other);

    emit.go_on_in(other);
    let is_law = emit.is_top(function, layout::top::LAW);
    only_if(emit, is_law, otherwise);
    if let Some(count) = count {
        takes(emit, address, count, otherwise);
    }
    let code = code_of_law(emit, address, layout::top::NATIVE, otherwise);
    emit.jump(done, &[code]);

    emit.go_on_in(pin);
    if let Some(count) = count {
        takes(emit, address, count, otherwise);
    }
    let facts = emit.payload(address, layout::PIN_FACTS as usize);
    let jet = emit.b.ins().ushr_imm_s(facts, 32);
    let no_jet = emit.b.ins().icmp_imm_s(IntCC::Equal, jet, 0);
    only_if(emit, no_jet, otherwise);
    let item = emit.payload(address, 0);
    let is_law = emit.is_top(item, layout::top::LAW);
    only_if(emit, is_law, otherwise);
    let law = emit.address(item);
    let code = code_of_law(emit, law, layout::top::PINNED, otherwise);
    emit.jump(done, &[code]);

    emit.go_on_in(frozen);
    let code = code_of_frozen(emit, function, address, otherwise);
    if let Some(count) = count {
        // What has code has been looked at, so this may be as well.
        takes(emit, address, count, otherwise);
    }
    emit.jump(done, &[code]);

    emit.go_on_in(done);
    entry
}

/// The address of the code of the law at an address, if it is compiled for such calls.
fn code_of_law(emit: &mut Emit<'_>, law: Value, tag: u64, otherwise: Block) -> Value {
    let code = emit.payload(law, layout::LAW_CODE as usize);
    let compiled = emit.is_top(code, tag);
    only_if(emit, compiled, otherwise);
    emit.address(code)
}

/// The address of the code of a frozen law, or of the pin of one without a jet, if that is known.
fn code_of_frozen(emit: &mut Emit<'_>, function: Value, address: Value, otherwise: Block) -> Value {
    let (log, shifts) = layout::FROZEN_PLACES;
    let [near, far] = shifts.map(|shift| emit.b.ins().ushr_imm_s(address, i64::from(shift)));
    let mixed = emit.b.ins().bxor(near, far);
    let number = emit.b.ins().band_imm_s(mixed, (1 << log) - 1);
    let distance = emit.b.ins().ishl_imm_s(number, 4);
    let table = emit.load_context(offset::FROZEN);
    let place = emit.b.ins().iadd(table, distance);
    let noted = emit.load(place, 0);
    let is_same = emit.b.ins().icmp(IntCC::Equal, noted, function);
    only_if(emit, is_same, otherwise);
    emit.load(place, 8)
}

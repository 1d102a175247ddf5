//! Calling a function that is known at run time only.
//!
//! A law, or the pin of one, that is compiled and takes just as many arguments is jumped to.
//! Everything else is left to the interpreter.

use super::Stub;
use crate::codegen::{Backend, Emit, GiveUp, Object, Target, tail_signature};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout;

pub(super) fn compile(backend: &mut Backend, count: usize) -> Result<Object, GiveUp> {
    backend.define(tail_signature(count + 1, 1), false, |emit, params| {
        let (function, args) = (params[0], &params[1..]);
        let top = emit.top_byte(function);
        let (pin, other, law, otherwise) = (emit.block(), emit.block(), emit.block(), emit.block());
        let is_pin = emit.b.ins().icmp_imm_s(IntCC::Equal, top, layout::top::PIN as i64);
        emit.branch(is_pin, pin, other);
        emit.go_on_in(other);
        let is_law = emit.b.ins().icmp_imm_s(IntCC::Equal, top, layout::top::LAW as i64);
        emit.branch(is_law, law, otherwise);

        emit.go_on_in(law);
        let address = emit.address(function);
        takes(emit, address, count, otherwise);
        jump_to_law(emit, address, layout::top::NATIVE, args, otherwise);

        emit.go_on_in(pin);
        let address = emit.address(function);
        takes(emit, address, count, otherwise);
        let facts = emit.payload(address, layout::PIN_FACTS as usize);
        let jet = emit.b.ins().ushr_imm_s(facts, 32);
        let no_jet = emit.b.ins().icmp_imm_s(IntCC::Equal, jet, 0);
        only_if(emit, no_jet, otherwise);
        let item = emit.payload(address, 0);
        let is_law = emit.is_top(item, layout::top::LAW);
        only_if(emit, is_law, otherwise);
        let address = emit.address(item);
        jump_to_law(emit, address, layout::top::PINNED, args, otherwise);

        emit.go_on_in(otherwise);
        emit.tail_call(Target::Stub(Stub::Call(count as u32)), params, 1);
        Ok(())
    })
}

fn only_if(emit: &mut Emit<'_>, condition: Value, otherwise: Block) {
    let then = emit.block();
    emit.branch(condition, then, otherwise);
    emit.go_on_in(then);
}

/// Goes on if the law or pin at the address takes so many arguments.
fn takes(emit: &mut Emit<'_>, address: Value, count: usize, otherwise: Block) {
    let header = emit.load(address, 0);
    let (shift, width) = layout::EXTRA;
    let extra = emit.b.ins().ushr_imm_s(header, i64::from(shift));
    let extra = emit.b.ins().band_imm_s(extra, (1 << width) - 1);
    let fits = emit.b.ins().icmp_imm_s(IntCC::Equal, extra, count as i64);
    only_if(emit, fits, otherwise);
}

/// Jumps to the code of the law at the address, if it is compiled for such calls.
fn jump_to_law(emit: &mut Emit<'_>, address: Value, tag: u64, args: &[Value], otherwise: Block) {
    let code = emit.payload(address, layout::LAW_CODE as usize);
    let compiled = emit.is_top(code, tag);
    only_if(emit, compiled, otherwise);
    let entry = emit.address(code);
    emit.tail_call_address(entry, args);
}

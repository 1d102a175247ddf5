//! Evaluating the items of a list for a jet.
//!
//! A jet that consumes a list evaluates each cell and each item. If it entered compiled code for each of them,
//! that would take longer than most of these evaluations. This function, which Rust calls as it calls a
//! trampoline, is the loop: it evaluates cells and items as compiled code does ([`Stub::Force`]), and pushes
//! the items on the evaluation stack.

use crate::codegen::{
    Backend, CompileError, CompiledFunction, FunctionEmitter, Listing, Stub, trusted,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, ObjectKind};
use vm::native::offset;

/// The number of words that have to be free on the evaluation stack.
const FREE_WORDS: i64 = 16;

/// Compiles the function. It takes the address of a function, which it does not use, and that of two
/// arguments: the index on the evaluation stack of a list, and a number of items. It replaces the list by the
/// rest, pushes the items before it, evaluated, and returns their number. That may be smaller than the number
/// it is given: at the end of the list, and where the loop has to be left to Rust.
pub(in crate::runtime) fn compile(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    let signature = backend.system_signature(2, 1);
    backend.compile(signature, Listing::None, |emit, params| {
        let own = emit.b.ins().get_frame_pointer(I64);
        emit.store_context(own, offset::ENTRY_FRAME);
        let list = emit.load(params[1], 0);
        let limit = emit.load(params[1], 8);
        let (next, count) = emit.block_with_param();
        let done = emit.block();
        let none = emit.constant(0);
        emit.jump(next, &[none]);

        emit.switch_to_loop(next);
        let more = emit.b.ins().icmp(IntCC::UnsignedLessThan, count, limit);
        emit.guard(more, done);
        guard_room(emit, done);
        let slot = emit.eval_stack_slot(list);
        let cell = emit.load(slot, 0);
        let cell = evaluated(emit, cell, |emit, value| emit.write_eval_stack(list, value));
        push_item(emit, list, cell, done);
        let count = emit.b.ins().iadd_imm_s(count, 1);
        emit.jump(next, &[count]);
        emit.b.seal_block(next);

        // The number of items is that at the head of the loop, which comes before each way here.
        emit.switch_to(done);
        let count = emit.b.block_params(next)[0];
        emit.b.ins().return_(&[count]);
        Ok(())
    })
}

/// Branches to `otherwise` if the evaluation stack is nearly full, or an interrupt is requested.
fn guard_room(emit: &mut FunctionEmitter<'_>, otherwise: Block) {
    let top = emit.load_context(offset::EVAL_TOP);
    let limit = emit.load_context(offset::EVAL_LIMIT);
    let needed = emit.b.ins().iadd_imm_s(top, FREE_WORDS);
    let has_room = emit.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, needed, limit);
    emit.guard(has_room, otherwise);
    emit.guard_not_interrupted(otherwise);
}

/// The value of a word. If that had to be evaluated, `store` puts it in the word's place.
fn evaluated(
    emit: &mut FunctionEmitter<'_>,
    word: Value,
    store: impl FnOnce(&mut FunctionEmitter<'_>, Value),
) -> Value {
    let (waiting, (found, value)) = (emit.block(), emit.block_with_param());
    let is_thunk = emit.is_thunk(word);
    emit.b.ins().brif(is_thunk, waiting, &[], found, &[word.into()]);
    emit.switch_to(waiting);
    let forced = emit.call_stub(Stub::Force, &[word]);
    store(emit, forced);
    emit.jump(found, &[forced]);
    emit.switch_to(found);
    value
}

/// Replaces the list by its rest, and pushes its first item, evaluated. Branches to `otherwise` if the list
/// is not a row of two items or more in one object.
fn push_item(emit: &mut FunctionEmitter<'_>, list: Value, cell: Value, otherwise: Block) {
    let is_row = emit.is_top(cell, layout::top::ROW);
    emit.guard(is_row, otherwise);
    let address = emit.address(cell);
    let row_layout = emit.b.ins().uload8(I64, trusted(), address, 0);
    let is_flat = emit.b.ins().icmp_imm_s(IntCC::Equal, row_layout, ObjectKind::Row.code() as i64);
    emit.guard(is_flat, otherwise);
    let size = emit.payload_size(address);
    let is_cell = emit.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, size, 1);
    emit.guard(is_cell, otherwise);
    let item = emit.payload(address, 0);
    let rest = emit.payload(address, 1);
    emit.write_eval_stack(list, rest);
    let index = emit.load_context(offset::EVAL_TOP);
    let slot = emit.eval_stack_slot(index);
    emit.store(item, slot, 0);
    let top = emit.b.ins().iadd_imm_s(index, 1);
    emit.store_context(top, offset::EVAL_TOP);
    evaluated(emit, item, |emit, value| emit.write_eval_stack(index, value));
}

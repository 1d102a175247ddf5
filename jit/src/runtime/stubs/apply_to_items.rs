//! Applying a function to many items for a jet.
//!
//! A jet that applies a function to each of many items (`map`, `gen`, `barGen`) calls the function's lazy entry
//! for each of them (`passes::lazy_entry`). Entering compiled code takes longer than many of these functions.
//! This function, which Rust calls as it calls a trampoline, is the loop.

use crate::codegen::{Backend, CompileError, CompiledFunction, FunctionEmitter, Listing};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use vm::native::offset;

/// Compiles the loop for functions that hold `held` arguments and lack one. It takes the address of the
/// lazy entry of the function's law, and that of three arguments: the index on the evaluation stack of the
/// function, that of the first item, and that behind the last. It replaces each item by the application of
/// the function to it, and returns the index of the first item that it has not replaced: the one behind the
/// last, or that of an item which is not evaluated, or any behind the first if an interrupt is requested.
///
/// The function is no indirection, the first item is evaluated, and at least one item is given.
pub(in crate::runtime) fn compile(
    backend: &mut Backend,
    held: usize,
) -> Result<CompiledFunction, CompileError> {
    let signature = backend.system_signature(2, 1);
    backend.compile(signature, Listing::None, |emit, params| {
        let own = emit.b.ins().get_frame_pointer(I64);
        emit.store_context(own, offset::ENTRY_FRAME);
        let entry = params[0];
        let [function, first, end] = [0, 8, 16].map(|offset| emit.load(params[1], offset));
        let (next, index) = emit.block_with_param();
        let done = emit.block();
        emit.jump(next, &[first]);

        emit.switch_to_loop(next);
        let args = arguments(emit, function, held, index);
        let application = emit.call_address(entry, &args);
        emit.write_eval_stack(index, application);
        let behind = emit.b.ins().iadd_imm_s(index, 1);
        let more = emit.b.ins().icmp(IntCC::UnsignedLessThan, behind, end);
        emit.guard(more, done);
        emit.guard_not_interrupted(done);
        let slot = emit.eval_stack_slot(behind);
        let item = emit.load(slot, 0);
        let (waiting, evaluated) = (emit.block(), emit.block());
        let is_thunk = emit.is_thunk(item);
        emit.branch(is_thunk, waiting, evaluated);
        emit.switch_to(waiting);
        emit.jump(done, &[]);
        emit.switch_to(evaluated);
        emit.jump(next, &[behind]);
        emit.b.seal_block(next);

        emit.switch_to(done);
        emit.b.ins().return_(&[behind]);
        Ok(())
    })
}

/// The arguments that the function at an index of the evaluation stack holds, and the item at another. They
/// are loaded for each item, because the lazy entry may collect.
fn arguments(
    emit: &mut FunctionEmitter<'_>,
    function: Value,
    held: usize,
    item: Value,
) -> Vec<Value> {
    let mut args = Vec::with_capacity(held + 1);
    if held > 0 {
        let slot = emit.eval_stack_slot(function);
        let app = emit.load(slot, 0);
        let app = emit.address(app);
        args.extend((1..=held).map(|index| emit.payload(app, index)));
    }
    let slot = emit.eval_stack_slot(item);
    args.push(emit.load(slot, 0));
    args
}

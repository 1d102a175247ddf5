//! Stubs: how compiled code calls Rust. Trampolines: how Rust calls compiled code.
//!
//! A stub has the convention of compiled code. It records its own frame, so that the collector
//! finds the frames above it; then it calls a helper, with the runtime's address as the first
//! argument. If the helper has no result, the stub unwinds: it leaves compiled code for the frame
//! that entered it. The values that a stub passes to a helper are live in the stub's frame until
//! the helper owns them.
//!
//! ```text
//! force  evaluates a thunk without leaving compiled code
//! apply  calls a function that is known only at run time
//! partial  makes an app of a function that takes more arguments
//! list_items  evaluates the items of a list for a jet
//! apply_to_items  applies a function to many items for a jet
//! objects  reads, copies and makes short objects, for these:
//! short_bars  makes bars of a few bytes, and rows of the bytes of short bars
//! short_rows  copies short rows without some items, or with one more
//! short_tables  searches short tables and sets, and inserts into them
//! ```

mod apply;
pub(super) mod apply_to_items;
mod force;
pub(super) mod list_items;
mod objects;
mod partial;
mod short_bars;
mod short_rows;
mod short_tables;

use self::short_rows::Added;
use crate::codegen::{
    Backend, CompileError, CompiledFunction, FunctionEmitter, LinkSymbol, Listing, Stub,
    tail_signature,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, TrapCode, Value};
use vm::native::{Helper, UNWOUND, offset};

/// Compiles a stub.
pub(super) fn compile_stub(
    backend: &mut Backend,
    stub: Stub,
) -> Result<CompiledFunction, CompileError> {
    match stub {
        Stub::Force => force::compile(backend),
        Stub::Apply(0) => fixed(backend, Helper::Force, 1),
        Stub::Apply(count) => apply::compile(backend, count as usize),
        Stub::ForceSlowly => fixed(backend, Helper::Force, 1),
        Stub::CheapValue => fixed(backend, Helper::CheapValue, 1),
        Stub::Normalise => fixed(backend, Helper::Normalise, 1),
        Stub::Room => fixed(backend, Helper::Room, 1),
        Stub::Limit => fixed(backend, Helper::Limit, 0),
        Stub::Parts => fixed(backend, Helper::Parts, 1),
        Stub::Kind => fixed(backend, Helper::Kind, 1),
        Stub::Arity => fixed(backend, Helper::Arity, 1),
        Stub::Item => fixed(backend, Helper::Item, 2),
        Stub::ItemAt(index) => item_at(backend, index),
        Stub::LookUp => short_tables::look_up(backend),
        Stub::LookUpSlowly => fixed(backend, Helper::LookUp, 3),
        Stub::OptionalItem => short_tables::optional_item(backend),
        Stub::OptionalItemSlowly => fixed(backend, Helper::OptionalItem, 2),
        Stub::HasKey => short_tables::has_key(backend),
        Stub::HasKeySlowly => fixed(backend, Helper::HasKey, 2),
        Stub::Put => fixed(backend, Helper::Put, 4),
        Stub::PutInPlace => fixed(backend, Helper::PutInPlace, 4),
        Stub::TableInsert => short_tables::table_insert(backend),
        Stub::TableInsertSlowly => fixed(backend, Helper::TableInsert, 4),
        Stub::TableInsertWith => fixed(backend, Helper::TableInsertWith, 5),
        Stub::SetInsert => short_tables::set_insert(backend),
        Stub::SetInsertSlowly => fixed(backend, Helper::SetInsert, 3),
        Stub::TableDelete => fixed(backend, Helper::TableDelete, 3),
        Stub::SetDelete => fixed(backend, Helper::SetDelete, 3),
        Stub::LeastKey => fixed(backend, Helper::LeastKey, 1),
        Stub::DropItems => short_rows::drop_items(backend),
        Stub::ConsItem => short_rows::add_item(backend, Added::First),
        Stub::SnocItem => short_rows::add_item(backend, Added::Last),
        Stub::SizedBar => short_bars::sized_bar(backend),
        Stub::BarSlice => short_bars::bar_slice(backend),
        Stub::BarToRow => short_bars::bar_to_row(backend),
        Stub::TableValues => short_tables::table_values(backend),
        Stub::KeysRow => short_tables::keys_row(backend),
        Stub::KeysRowSlowly => fixed(backend, Helper::KeysRow, 1),
        Stub::SetUnion => fixed(backend, Helper::SetUnion, 2),
        Stub::SetDifference => fixed(backend, Helper::SetDifference, 2),
        Stub::Disown => fixed(backend, Helper::Disown, 1),
        Stub::Nat => fixed(backend, Helper::Nat, 3),
        Stub::Store => fixed(backend, Helper::Store, 3),
        Stub::ZeroRow => fixed(backend, Helper::ZeroRow, 1),
        Stub::Length => fixed(backend, Helper::Length, 1),
        Stub::Flat => fixed(backend, Helper::Flat, 1),
        Stub::Call(count) => interpreted_call(backend, count as usize),
        Stub::Delay(count) => variadic(backend, Helper::Apply, count as usize),
        Stub::Jet(count) => variadic(backend, Helper::Jet, count as usize),
        Stub::Row(count) => variadic(backend, Helper::Row, count as usize),
    }
}

/// A stub that passes its parameters to a helper.
fn fixed(
    backend: &mut Backend,
    helper: Helper,
    count: usize,
) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(count, 1), Listing::None, |emit, params| {
        let result = call_helper(emit, helper, params);
        emit.b.ins().return_(&[result]);
        Ok(())
    })
}

/// The stub for the item of a row at a known index. With the index in the code that calls it, Cranelift would
/// keep the index in a register for a whole loop, though the call rarely happens.
fn item_at(backend: &mut Backend, index: u32) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(1, 1), Listing::None, |emit, params| {
        let index = emit.constant(u64::from(index));
        emit.tail_call(LinkSymbol::Stub(Stub::Item), &[params[0], index], 1);
        Ok(())
    })
}

/// A stub that passes its parameters, one and `count` more, to a helper as a block of words.
fn variadic(
    backend: &mut Backend,
    helper: Helper,
    count: usize,
) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(count + 1, 1), Listing::None, |emit, params| {
        let block = block_of_words(emit, params);
        let result = call_helper(emit, helper, &block);
        emit.b.ins().return_(&[result]);
        Ok(())
    })
}

/// The stub that has the interpreter call a function with `count` arguments.
///
/// If the stub was called by the function that the trampoline entered, in tail position, nothing of
/// compiled code is left to return to. Then the call is left to the interpreter loop that entered,
/// so that tail calls between compiled and interpreted laws take no stack.
fn interpreted_call(backend: &mut Backend, count: usize) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(count + 1, 1), Listing::None, |emit, params| {
        let block = block_of_words(emit, params);
        let (leaving, staying) = (emit.block(), emit.block());
        let own = emit.b.ins().get_frame_pointer(I64);
        let caller = emit.load(own, 0);
        let entry = emit.load_context(offset::ENTRY_FRAME);
        let is_last = emit.b.ins().icmp(IntCC::Equal, caller, entry);
        emit.branch(is_last, leaving, staying);
        emit.switch_to(leaving);
        let pending = call_helper(emit, Helper::Leave, &block);
        emit.b.ins().return_(&[pending]);
        emit.switch_to(staying);
        let result = call_helper(emit, Helper::Call, &block);
        emit.b.ins().return_(&[result]);
        Ok(())
    })
}

/// Stores words in the frame. Returns their address, and the count of those after the first.
fn block_of_words(emit: &mut FunctionEmitter<'_>, words: &[Value]) -> [Value; 2] {
    let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 8 * words.len() as u32, 3);
    let slot = emit.b.create_sized_stack_slot(slot);
    for (index, word) in words.iter().enumerate() {
        emit.b.ins().stack_store(I64, *word, slot, 8 * index as i32);
    }
    let address = emit.b.ins().stack_addr(I64, slot, 0);
    [address, emit.constant(words.len() as u64 - 1)]
}

/// Calls a helper from a stub, and returns its result. Unwinds if it has none.
fn call_helper(emit: &mut FunctionEmitter<'_>, helper: Helper, args: &[Value]) -> Value {
    let own = emit.b.ins().get_frame_pointer(I64);
    emit.store_context(own, offset::LAST_FRAME);
    let context = emit.context();
    let args: Vec<Value> = std::iter::once(context).chain(args.iter().copied()).collect();
    let Some(result) = emit.call_helper(helper, &args, 1) else {
        unreachable!("the signature has one result")
    };
    let (failed, succeeded) = (emit.cold_block(), emit.block());
    let has_failed = emit.b.ins().icmp_imm_s(IntCC::Equal, result, UNWOUND as i64);
    emit.branch(has_failed, failed, succeeded);
    emit.switch_to(failed);
    let saved = emit.load_context(offset::UNWIND_STACK_POINTER);
    emit.call_helper(Helper::Unwind, &[saved], 0);
    emit.b.ins().trap(TrapCode::unwrap_user(1));
    emit.switch_to(succeeded);
    result
}

/// Compiles the function through which Rust calls compiled code of that many parameters. It takes
/// the address of the code and that of the arguments.
pub(super) fn compile_trampoline(
    backend: &mut Backend,
    count: usize,
) -> Result<CompiledFunction, CompileError> {
    let signature = backend.system_signature(2, 1);
    backend.compile(signature, Listing::None, |emit, params| {
        let own = emit.b.ins().get_frame_pointer(I64);
        emit.store_context(own, offset::ENTRY_FRAME);
        let args: Vec<Value> =
            (0..count).map(|index| emit.load(params[1], 8 * index as i32)).collect();
        let result = emit.call_address(params[0], &args);
        emit.b.ins().return_(&[result]);
        Ok(())
    })
}

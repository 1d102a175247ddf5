//! Copies of short rows without some first items, or with one item more, without Rust.
//!
//! The terms of symbolic programs are short rows, and such programs take the arguments off and put others on. The
//! functions know rows of at most [`SHORT`](super::objects::SHORT) items in one object, and return
//! [`UNDECIDED`](vm::native::UNDECIDED) for all other values.

use super::objects::{
    Object, allocate, compile_or_undecided, copy_words, header_of_copy, kept_normal, payload_bytes,
    return_row, short_object,
};
use crate::codegen::{Backend, CompileError, CompiledFunction, FunctionEmitter};
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, ObjectKind, top};

/// Where a copy of a row gets one more item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    First,
    Last,
}

/// Compiles [`Stub::DropItems`](crate::codegen::Stub::DropItems).
pub(super) fn drop_items(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile_or_undecided(backend, 2, |emit, params, undecided| {
        let [count, row] = [params[0], params[1]];
        let is_object = emit.is_not_direct(count);
        let direct = emit.block();
        emit.branch(is_object, undecided, direct);
        emit.switch_to(direct);
        let old = short_row(emit, row, undecided);
        let size = emit.b.ins().ushr_imm_s(old.header, 32);
        let dropped = emit.b.ins().umin(count, size);
        let left = emit.b.ins().isub(size, dropped);
        let [bytes, skipped] = [left, dropped].map(|words| emit.b.ins().ishl_imm_s(words, 3));
        let needed = emit.b.ins().iadd_imm_s(bytes, 8);
        let new = allocate(emit, needed, undecided);
        let normal = emit.b.ins().band_imm_s(old.header, layout::NORMAL as i64);
        let size = emit.b.ins().ishl_imm_s(left, 32);
        let header = emit.b.ins().bor(normal, size);
        let header = emit.b.ins().bor_imm_s(header, ObjectKind::Row.header(0, 0) as i64);
        emit.store(header, new, 0);
        let from = emit.b.ins().iadd(old.address, skipped);
        copy_words(emit, &[(from, new)], bytes);
        return_row(emit, new);
    })
}

/// Compiles [`Stub::ConsItem`](crate::codegen::Stub::ConsItem), or
/// [`Stub::SnocItem`](crate::codegen::Stub::SnocItem).
pub(super) fn add_item(
    backend: &mut Backend,
    added: Added,
) -> Result<CompiledFunction, CompileError> {
    compile_or_undecided(backend, 2, |emit, params, undecided| {
        let [item, row] = match added {
            Added::First => [params[0], params[1]],
            Added::Last => [params[1], params[0]],
        };
        let old = short_row(emit, row, undecided);
        let bytes = payload_bytes(emit, old);
        let needed = emit.b.ins().iadd_imm_s(bytes, 16);
        let new = allocate(emit, needed, undecided);
        let normal = kept_normal(emit, old.header, item);
        let header = header_of_copy(emit, old.header, ObjectKind::Row, 1, 0);
        let header = emit.b.ins().bor(header, normal);
        emit.store(header, new, 0);
        match added {
            Added::First => {
                emit.set_payload(new, 0, item);
                let rest = emit.b.ins().iadd_imm_s(new, 8);
                copy_words(emit, &[(old.address, rest)], bytes);
            }
            Added::Last => {
                let end = copy_words(emit, &[(old.address, new)], bytes);
                emit.store(item, end, 0);
            }
        }
        return_row(emit, new);
    })
}

/// The object of a row. Continues only if the value is a short row in one object.
fn short_row(emit: &mut FunctionEmitter<'_>, row: Value, otherwise: Block) -> Object {
    let is_row = emit.is_top(row, top::ROW);
    emit.guard(is_row, otherwise);
    short_object(emit, row, ObjectKind::Row, otherwise)
}

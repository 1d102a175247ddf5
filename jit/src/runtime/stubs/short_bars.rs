//! Making bars of a few bytes, and rows of the bytes of short bars, without Rust.
//!
//! Programs that print text make many bars of one character, and those that read text take it apart. The
//! functions return [`UNDECIDED`](vm::native::UNDECIDED) for what they do not know.

use super::objects::{
    SHORT, allocate, compile_or_undecided, copy_words, load_unaligned, return_row,
};
use crate::codegen::{Backend, CompileError, CompiledFunction, FunctionEmitter, trusted};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, ObjectKind, top};

/// The most bytes of a nat below 2^63 that may be all its bytes.
const NAT_BYTES: i64 = 7;
/// The most bytes of a part that is copied; larger parts are views.
const COPIED_BYTES: i64 = layout::MIN_VIEW_BYTES as i64 - 1;
/// The bytes of a word.
const WORD_BYTES: i64 = 8;
/// The offset of the first byte of a flat bar from its address.
const FIRST_BYTE: i32 = layout::PAYLOAD + 8;

/// Compiles [`Stub::SizedBar`](crate::codegen::Stub::SizedBar).
pub(super) fn sized_bar(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile_or_undecided(backend, 2, |emit, params, undecided| {
        let [length, nat] = [params[0], params[1]];
        guard_length(emit, length, NAT_BYTES, undecided);
        let bits = emit.b.ins().ishl_imm_s(length, 3);
        let rest = emit.b.ins().ushr(nat, bits);
        let fits = emit.b.ins().icmp_imm_s(IntCC::Equal, rest, 0);
        emit.guard(fits, undecided);
        return_bar(emit, [length, nat], undecided);
    })
}

/// Compiles [`Stub::BarSlice`](crate::codegen::Stub::BarSlice).
pub(super) fn bar_slice(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile_or_undecided(backend, 3, |emit, params, undecided| {
        let [offset, width] = [params[0], params[1]].map(|nat| {
            let is_object = emit.is_not_direct(nat);
            let direct = emit.block();
            emit.branch(is_object, undecided, direct);
            emit.switch_to(direct);
            nat
        });
        let bytes = bytes_of(emit, params[2], undecided);
        let skipped = emit.b.ins().umin(offset, bytes.length);
        let rest = emit.b.ins().isub(bytes.length, skipped);
        let length = emit.b.ins().umin(width, rest);
        guard_length(emit, length, COPIED_BYTES, undecided);
        let from = emit.b.ins().iadd(bytes.offset, skipped);
        let (full, tail) = (emit.b.ins().ushr_imm_s(length, 3), emit.b.ins().band_imm_s(length, 7));
        let rounded = emit.b.ins().iadd_imm_s(length, WORD_BYTES - 1);
        let size = emit.b.ins().ushr_imm_s(rounded, 3);
        let size = emit.b.ins().iadd_imm_s(size, 1);
        let words = emit.b.ins().iadd_imm_s(size, 1);
        let needed = emit.b.ins().ishl_imm_s(words, 3);
        let bar = allocate(emit, needed, undecided);
        let header = emit.b.ins().ishl_imm_s(size, 32);
        let header = emit.b.ins().bor_imm_s(header, ObjectKind::Bar.header(0, 0) as i64);
        emit.store(header, bar, 0);
        emit.set_payload(bar, 0, length);
        let whole = emit.b.ins().ishl_imm_s(full, 3);
        // The first byte is where a second payload word is.
        let source = emit.b.ins().iadd_imm_s(bytes.source, 8);
        let (to, source_from) = (emit.b.ins().iadd_imm_s(bar, 8), emit.b.ins().iadd(source, from));
        copy_words(emit, &[(source_from, to)], whole);
        let (some, done) = (emit.block(), emit.block());
        emit.branch(tail, some, done);
        emit.switch_to(some);
        let from = emit.b.ins().iadd(from, whole);
        let word = last_bytes(emit, bytes.source, from, tail);
        let slot = emit.b.ins().iadd(to, whole);
        emit.set_payload(slot, 0, word);
        emit.jump(done, &[]);
        emit.switch_to(done);
        let bar = emit.b.ins().bor_imm_s(bar, ObjectKind::Bar.tag() as i64);
        emit.b.ins().return_(&[bar]);
    })
}

/// The word of the `count` bytes, fewer than 8, of the flat bar at an address from a byte on. Nothing beyond its
/// payload is read.
fn last_bytes(emit: &mut FunctionEmitter<'_>, bar: Value, from: Value, count: Value) -> Value {
    let words = emit.payload_size(bar);
    let end = emit.b.ins().ishl_imm_s(words, 3);
    let last = emit.b.ins().iadd_imm_s(end, -2 * WORD_BYTES);
    let start = emit.b.ins().umin(from, last);
    let address = emit.b.ins().iadd(bar, start);
    let word = load_unaligned(emit, address, FIRST_BYTE);
    let before = emit.b.ins().isub(from, start);
    let before = emit.b.ins().ishl_imm_s(before, 3);
    let word = emit.b.ins().ushr(word, before);
    let eight = emit.constant(WORD_BYTES as u64);
    let unused = emit.b.ins().isub(eight, count);
    let unused = emit.b.ins().ishl_imm_s(unused, 3);
    let word = emit.b.ins().ishl(word, unused);
    emit.b.ins().ushr(word, unused)
}

/// Compiles [`Stub::BarToRow`](crate::codegen::Stub::BarToRow).
pub(super) fn bar_to_row(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile_or_undecided(backend, 1, |emit, params, undecided| {
        let bytes = bytes_of(emit, params[0], undecided);
        let is_short = emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, bytes.length, SHORT);
        emit.guard(is_short, undecided);
        let size = emit.b.ins().ishl_imm_s(bytes.length, 3);
        let needed = emit.b.ins().iadd_imm_s(size, 8);
        let row = allocate(emit, needed, undecided);
        let header = emit.b.ins().ishl_imm_s(bytes.length, 32);
        let kind = ObjectKind::Row.header(0, 0) | layout::NORMAL;
        let header = emit.b.ins().bor_imm_s(header, kind as i64);
        emit.store(header, row, 0);
        let start = emit.b.ins().iadd(bytes.source, bytes.offset);
        let ((next, index), body, done) = (emit.block_with_param(), emit.block(), emit.block());
        let zero = emit.constant(0);
        emit.jump(next, &[zero]);
        emit.switch_to_loop(next);
        let is_end = emit.b.ins().icmp(IntCC::Equal, index, bytes.length);
        emit.branch(is_end, done, body);
        emit.switch_to(body);
        let from = emit.b.ins().iadd(start, index);
        let byte = emit.b.ins().uload8(I64, trusted(), from, FIRST_BYTE);
        let distance = emit.b.ins().ishl_imm_s(index, 3);
        let to = emit.b.ins().iadd(row, distance);
        emit.set_payload(to, 0, byte);
        let after = emit.b.ins().iadd_imm_s(index, 1);
        emit.jump(next, &[after]);
        emit.b.seal_block(next);
        emit.switch_to(done);
        return_row(emit, row);
    })
}

/// The bytes of a bar: part of those of a flat one.
#[derive(Clone, Copy)]
struct Bytes {
    length: Value,
    /// The address of the flat bar.
    source: Value,
    /// The number of its bytes before them.
    offset: Value,
}

/// The bytes of a value. Continues only if that is a flat bar or a view of one.
fn bytes_of(emit: &mut FunctionEmitter<'_>, bar: Value, otherwise: Block) -> Bytes {
    let is_bar = emit.is_top(bar, top::BAR);
    emit.guard(is_bar, otherwise);
    let address = emit.address(bar);
    let length = emit.payload(address, 0);
    let (in_view, found) = (emit.block(), emit.block());
    let [source, offset] = [0, 1].map(|_| emit.b.append_block_param(found, I64));
    let flat = has_kind(emit, address, ObjectKind::Bar);
    let zero = emit.constant(0);
    emit.b.ins().brif(flat, found, &[address.into(), zero.into()], in_view, &[]);

    emit.switch_to(in_view);
    let is_view = has_kind(emit, address, ObjectKind::BarView);
    emit.guard(is_view, otherwise);
    let [viewed, before] =
        [layout::BAR_VIEW.0, layout::BAR_VIEW.1].map(|part| emit.payload(address, part));
    let viewed = emit.address(viewed);
    emit.jump(found, &[viewed, before]);

    emit.switch_to(found);
    Bytes { length, source, offset }
}

fn has_kind(emit: &mut FunctionEmitter<'_>, address: Value, kind: ObjectKind) -> Value {
    let code = emit.b.ins().uload8(I64, trusted(), address, 0);
    emit.b.ins().icmp_imm_s(IntCC::Equal, code, kind.code() as i64)
}

/// Continues only if a length is from 1 up to `most`.
fn guard_length(emit: &mut FunctionEmitter<'_>, length: Value, most: i64, otherwise: Block) {
    let less = emit.b.ins().iadd_imm_s(length, -1);
    let fits = emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, less, most);
    emit.guard(fits, otherwise);
}

/// Returns the bar with a length, at most 8, and a word with the bytes.
fn return_bar(emit: &mut FunctionEmitter<'_>, payload: [Value; 2], otherwise: Block) {
    let needed = emit.constant(8 * (1 + payload.len() as u64));
    let bar = allocate(emit, needed, otherwise);
    let header = emit.constant(ObjectKind::Bar.header(0, payload.len()));
    emit.store(header, bar, 0);
    for (index, word) in payload.into_iter().enumerate() {
        emit.set_payload(bar, index, word);
    }
    let bar = emit.b.ins().bor_imm_s(bar, ObjectKind::Bar.tag() as i64);
    emit.b.ins().return_(&[bar]);
}

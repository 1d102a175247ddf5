//! Short objects in stubs: reading, copying and making them without Rust.

use crate::codegen::{
    Backend, CompileError, CompiledFunction, FunctionEmitter, Listing, tail_signature,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, Value};
use vm::native::UNDECIDED;
use vm::native::layout::{self, ObjectKind};
use vm::native::offset;

/// The most items of a row, keys of a set or bytes of a bar that are short.
pub(super) const SHORT: i64 = 16;

/// An object, and its header.
#[derive(Clone, Copy)]
pub(super) struct Object {
    pub(super) address: Value,
    pub(super) header: Value,
}

/// Compiles a stub that returns [`UNDECIDED`] where `write` branches to the block that it
/// gets.
pub(super) fn compile_or_undecided(
    backend: &mut Backend,
    count: usize,
    write: impl FnOnce(&mut FunctionEmitter<'_>, &[Value], Block),
) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(count, 1), Listing::None, |emit, params| {
        let undecided = emit.cold_block();
        write(emit, params, undecided);
        emit.switch_to(undecided);
        let answer = emit.constant(UNDECIDED);
        emit.b.ins().return_(&[answer]);
        Ok(())
    })
}

/// The object of a row or set. Continues only if it is of that kind and has few items.
pub(super) fn short_object(
    emit: &mut FunctionEmitter<'_>,
    word: Value,
    kind: ObjectKind,
    otherwise: Block,
) -> Object {
    let address = emit.address(word);
    let header = emit.load(address, 0);
    guard_layout(emit, header, kind, otherwise);
    let size = emit.b.ins().ushr_imm_s(header, 32);
    let is_short = emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, size, SHORT);
    emit.guard(is_short, otherwise);
    Object { address, header }
}

/// Continues only if a header is that of an object of that kind.
pub(super) fn guard_layout(
    emit: &mut FunctionEmitter<'_>,
    header: Value,
    kind: ObjectKind,
    otherwise: Block,
) {
    let code = emit.b.ins().band_imm_s(header, 0xff);
    let is_kind = emit.b.ins().icmp_imm_s(IntCC::Equal, code, kind.code() as i64);
    emit.guard(is_kind, otherwise);
}

/// The size of a payload in bytes.
pub(super) fn payload_bytes(emit: &mut FunctionEmitter<'_>, object: Object) -> Value {
    let size = emit.b.ins().ushr_imm_s(object.header, 32);
    emit.b.ins().ishl_imm_s(size, 3)
}

/// The mark of normal form of a changed copy of a row with that header, with a value that was written. No
/// object is read for it, so other values than nats are taken for ones that are not in normal form.
pub(super) fn kept_normal(emit: &mut FunctionEmitter<'_>, header: Value, value: Value) -> Value {
    let sign = emit.b.ins().sshr_imm_s(value, 63);
    let mark = emit.b.ins().band_imm_s(header, layout::NORMAL as i64);
    emit.b.ins().band_not(mark, sign)
}

/// The header of a copy as an object of that kind, with `more` payload words more, and with those of the marks in
/// `kept` that the old one has.
pub(super) fn header_of_copy(
    emit: &mut FunctionEmitter<'_>,
    old: Value,
    kind: ObjectKind,
    more: usize,
    kept: u64,
) -> Value {
    let mask = (u64::from(u32::MAX) << 32) | kept;
    let header = emit.b.ins().band_imm_s(old, mask as i64);
    emit.b.ins().iadd_imm_s(header, kind.header(0, more) as i64)
}

/// Takes bytes of the nursery. Continues only if it has them.
pub(super) fn allocate(emit: &mut FunctionEmitter<'_>, bytes: Value, otherwise: Block) -> Value {
    let next = emit.load_context(offset::NURSERY_NEXT);
    let end = emit.load_context(offset::NURSERY_END);
    let after = emit.b.ins().iadd(next, bytes);
    let fits = emit.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, after, end);
    emit.guard(fits, otherwise);
    emit.store_context(after, offset::NURSERY_NEXT);
    next
}

/// Copies the payloads of that many bytes to others. Returns the address of the end of the last copy.
pub(super) fn copy_words(
    emit: &mut FunctionEmitter<'_>,
    copies: &[(Value, Value)],
    bytes: Value,
) -> Value {
    let start = emit.constant(0);
    copy_range(emit, copies, [start, bytes], 0);
    let last = copies.last().map_or(start, |(_, to)| *to);
    let end = emit.b.ins().iadd(last, bytes);
    emit.b.ins().iadd_imm_s(end, i64::from(layout::PAYLOAD))
}

/// Copies payloads of that many bytes, each from an address to another, with a word put in at a distance.
pub(super) fn copy_around<const N: usize>(
    emit: &mut FunctionEmitter<'_>,
    copies: [(Value, Value, Value); N],
    distance: Value,
    bytes: Value,
) {
    let start = emit.constant(0);
    let both = copies.map(|(from, to, _)| (from, to));
    copy_range(emit, &both, [start, distance], 0);
    for (_, to, word) in copies {
        let slot = emit.b.ins().iadd(to, distance);
        emit.set_payload(slot, 0, word);
    }
    copy_range(emit, &both, [distance, bytes], 8);
}

/// The word at an offset from an address, which need not be a multiple of 8: parts of bars begin at any byte.
pub(super) fn load_unaligned(emit: &mut FunctionEmitter<'_>, address: Value, offset: i32) -> Value {
    emit.b.ins().load(I64, MemFlagsData::new().with_notrap(), address, offset)
}

/// Copies the payload bytes in a range, each from an address to another, to places `shift` bytes later.
fn copy_range(
    emit: &mut FunctionEmitter<'_>,
    copies: &[(Value, Value)],
    [from, end]: [Value; 2],
    shift: i32,
) {
    let ((next, at), body, done) = (emit.block_with_param(), emit.block(), emit.block());
    emit.jump(next, &[from]);
    emit.switch_to_loop(next);
    let is_end = emit.b.ins().icmp(IntCC::Equal, at, end);
    emit.branch(is_end, done, body);
    emit.switch_to(body);
    for (from, to) in copies {
        let source = emit.b.ins().iadd(*from, at);
        let word = load_unaligned(emit, source, layout::PAYLOAD);
        let target = emit.b.ins().iadd(*to, at);
        emit.store(word, target, layout::PAYLOAD + shift);
    }
    let after = emit.b.ins().iadd_imm_s(at, 8);
    emit.jump(next, &[after]);
    emit.b.seal_block(next);
    emit.switch_to(done);
}

/// Returns the row at an address.
pub(super) fn return_row(emit: &mut FunctionEmitter<'_>, address: Value) {
    let row = emit.b.ins().bor_imm_s(address, ObjectKind::Row.tag() as i64);
    emit.b.ins().return_(&[row]);
}

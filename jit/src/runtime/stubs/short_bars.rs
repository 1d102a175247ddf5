//! Making bars of a few bytes without Rust.
//!
//! Programs that print text make many bars of one character.

use super::short_rows::compile_or_undecided;
use super::short_tables::allocate;
use crate::codegen::{Backend, CompileError, CompiledFunction};
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;
use vm::native::layout::ObjectKind;

/// The most bytes of a bar that is made here. So many bytes of a nat below 2^63 are all its bytes.
const BYTES_MAX: i64 = 7;

/// Compiles [`Stub::SizedBar`](crate::codegen::Stub::SizedBar).
pub(super) fn sized_bar(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile_or_undecided(backend, |emit, params, undecided| {
        let [length, nat] = [params[0], params[1]];
        let is_some = emit.b.ins().icmp_imm_s(IntCC::NotEqual, length, 0);
        emit.guard(is_some, undecided);
        let is_short = emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, length, BYTES_MAX);
        emit.guard(is_short, undecided);
        let bits = emit.b.ins().ishl_imm_s(length, 3);
        let rest = emit.b.ins().ushr(nat, bits);
        let fits = emit.b.ins().icmp_imm_s(IntCC::Equal, rest, 0);
        emit.guard(fits, undecided);
        let payload = [length, nat];
        let needed = emit.constant(8 * (1 + payload.len() as u64));
        let bar = allocate(emit, needed, undecided);
        let header = emit.constant(ObjectKind::Bar.header(0, payload.len()));
        emit.store(header, bar, 0);
        for (index, word) in payload.into_iter().enumerate() {
            emit.set_payload(bar, index, word);
        }
        let bar = emit.b.ins().bor_imm_s(bar, ObjectKind::Bar.tag() as i64);
        emit.b.ins().return_(&[bar]);
    })
}

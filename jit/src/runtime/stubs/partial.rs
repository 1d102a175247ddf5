//! Making the app of a function that takes more arguments than it is given.

use super::objects::{allocate, copy_words};
use crate::codegen::FunctionEmitter;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, ObjectKind, top};

/// The most words of an app that is copied here.
const COPIED_MAX: i64 = 16;

/// Returns the app of a function to fewer arguments than its arity, which is given with it. The function is a law,
/// the pin of one, or an app: that is copied, with the arguments behind its own. Branches to `slowly`, without
/// effect, if the result may have another shape, or the nursery is full.
pub(super) fn make_partial(
    emit: &mut FunctionEmitter<'_>,
    (function, arity): (Value, Value),
    args: &[Value],
    slowly: Block,
) {
    // The largest number stands for all that do not fit into a header.
    let is_exact =
        emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, arity, layout::EXTRA_LIMIT as i64);
    emit.guard(is_exact, slowly);
    let left = emit.b.ins().iadd_imm_s(arity, -(args.len() as i64));
    let (extended, plain) = (emit.block(), emit.block());
    let is_app = emit.is_top(function, top::APP);
    emit.branch(is_app, extended, plain);

    emit.switch_to(plain);
    let size = emit.constant(1 + args.len() as u64);
    let app = allocate_app(emit, size, left, slowly);
    emit.set_payload(app, 0, function);
    return_app(emit, app, app, args);

    emit.switch_to(extended);
    let old = emit.address(function);
    // An app of a row's constructor may become a row, and that of an app is a link of a chain.
    let head = emit.payload(old, 0);
    let top = emit.top_byte(head);
    let from_pin = emit.b.ins().iadd_imm_s(top, -(top::PIN as i64));
    let is_function = emit.b.ins().icmp_imm_u(
        IntCC::UnsignedLessThanOrEqual,
        from_pin,
        (top::LAW - top::PIN) as i64,
    );
    emit.guard(is_function, slowly);
    let held = emit.payload_size(old);
    let is_short = emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, held, COPIED_MAX);
    emit.guard(is_short, slowly);
    let size = emit.b.ins().iadd_imm_s(held, args.len() as i64);
    let app = allocate_app(emit, size, left, slowly);
    let bytes = emit.b.ins().ishl_imm_s(held, 3);
    copy_words(emit, &[(old, app)], bytes);
    let end = emit.b.ins().iadd(app, bytes);
    let last = emit.b.ins().iadd_imm_s(end, -8);
    return_app(emit, app, last, args);
}

/// Allocates an app with a payload of `size` words that lacks `left` arguments, and writes its header. Returns
/// its address.
fn allocate_app(emit: &mut FunctionEmitter<'_>, size: Value, left: Value, slowly: Block) -> Value {
    let words = emit.b.ins().iadd_imm_s(size, 1);
    let bytes = emit.b.ins().ishl_imm_s(words, 3);
    let app = allocate(emit, bytes, slowly);
    let (shift, _) = layout::EXTRA;
    let [left, size] = [(left, shift), (size, u32::BITS)]
        .map(|(number, shift)| emit.b.ins().ishl_imm_s(number, i64::from(shift)));
    let header = emit.b.ins().bor(left, size);
    let header = emit.b.ins().bor_imm_s(header, ObjectKind::App.header(0, 0) as i64);
    emit.store(header, app, 0);
    app
}

/// Writes arguments behind the payload word whose slot begins at `before`, and returns the app.
fn return_app(emit: &mut FunctionEmitter<'_>, app: Value, before: Value, args: &[Value]) {
    for (index, arg) in args.iter().enumerate() {
        emit.set_payload(before, 1 + index, *arg);
    }
    let app = emit.b.ins().bor_imm_s(app, ObjectKind::App.tag() as i64);
    emit.b.ins().return_(&[app]);
}

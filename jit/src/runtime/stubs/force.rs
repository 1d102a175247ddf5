//! Evaluating a thunk without leaving compiled code, if its own code is compiled.
//!
//! The stub pushes an update mark for the thunk on the evaluation stack, as the interpreter does. The
//! collector finds the thunk there, and a crash finds the thunks that it has to spoil.

use crate::codegen::{
    Backend, CompileError, CompiledFunction, FunctionEmitter, LinkSymbol, Listing, Stub,
    tail_signature, trusted,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use cranelift_frontend::Switch;
use vm::native::layout::{self, ObjectKind};
use vm::native::offset;

/// The most arguments of an application that is evaluated here.
const ARGUMENTS_MAX: usize = 5;
/// The size of an update mark, in words.
const MARK_WORDS: i32 = 4;
/// The count of words that have to be free on the evaluation stack.
const FREE_WORDS: i64 = 16;

pub(super) fn compile(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(1, 1), Listing::None, |emit, params| {
        let thunk = params[0];
        let address = emit.address(thunk);
        let layout = emit.b.ins().uload8(I64, trusted(), address, 0);
        let (done, waiting, slowly) = (emit.block(), emit.block(), emit.cold_block());
        let is_done = has_layout(emit, layout, ObjectKind::Indirection);
        emit.branch(is_done, done, waiting);
        emit.switch_to(done);
        let value = emit.payload(address, 0);
        let (evaluated, passed_on) = (emit.block(), emit.cold_block());
        let thunk_again = emit.is_thunk(value);
        emit.branch(thunk_again, passed_on, evaluated);
        emit.switch_to(evaluated);
        emit.b.ins().return_(&[value]);
        // The value is that of another thunk, which may be under evaluation.
        emit.switch_to(passed_on);
        emit.tail_call(LinkSymbol::Stub(Stub::ForceSlowly), &[value], 1);
        emit.switch_to(waiting);
        let application = emit.block();
        let entry = compiled_code(emit, thunk, address, layout, [application, slowly]);
        let mark = push_mark(emit, thunk, slowly);
        set_layout(emit, address, ObjectKind::BlackHole);
        let value = emit.call_address(entry, &[thunk]);
        finish(emit, mark, value);

        emit.switch_to(application);
        force_application(emit, thunk, address, slowly);

        emit.switch_to(slowly);
        emit.tail_call(LinkSymbol::Stub(Stub::ForceSlowly), &[thunk], 1);
        Ok(())
    })
}

fn has_layout(emit: &mut FunctionEmitter<'_>, layout: Value, object: ObjectKind) -> Value {
    emit.b.ins().icmp_imm_s(IntCC::Equal, layout, object.code() as i64)
}

/// Pops the mark, updates its thunk with the value, and returns that.
fn finish(emit: &mut FunctionEmitter<'_>, mark: UpdateMark, value: Value) {
    let thunk = pop_mark(emit, mark);
    update(emit, thunk, value);
    emit.b.ins().return_(&[value]);
}

/// Evaluates a thunk that is an application to a few arguments.
fn force_application(emit: &mut FunctionEmitter<'_>, thunk: Value, address: Value, slowly: Block) {
    let size = emit.payload_size(address);
    let cases: Vec<(usize, Block)> =
        (1..=ARGUMENTS_MAX).map(|count| (count, emit.block())).collect();
    let mut switch = Switch::new();
    for (count, block) in &cases {
        switch.set_entry(1 + *count as u128, *block);
    }
    switch.emit(&mut emit.b, size, slowly);
    for (count, block) in cases {
        emit.switch_to(block);
        let words: Vec<Value> = (0..=count).map(|index| emit.payload(address, index)).collect();
        let mark = push_mark(emit, thunk, slowly);
        set_layout(emit, address, ObjectKind::BlackHole);
        let value = emit.call_stub(Stub::Apply(count as u32), &words);
        finish(emit, mark, value);
    }
}

/// The address of the thunk's code. Continues only if that is compiled; else branches to the first block
/// if the thunk is an application, and to the second if not.
fn compiled_code(
    emit: &mut FunctionEmitter<'_>,
    thunk: Value,
    address: Value,
    layout: Value,
    [application, slowly]: [Block; 2],
) -> Value {
    let (has_code, no_code, is_compiled) = (emit.block(), emit.block(), emit.block());
    let code = has_layout(emit, layout, ObjectKind::ThunkCode);
    emit.branch(code, has_code, no_code);
    emit.switch_to(no_code);
    let (selects, no_selector) = (emit.block(), emit.block());
    let selector = has_layout(emit, layout, ObjectKind::Selector);
    emit.branch(selector, selects, no_selector);
    emit.switch_to(selects);
    select_item(emit, thunk, address, [has_code, slowly]);
    emit.switch_to(no_selector);
    let app = has_layout(emit, layout, ObjectKind::ThunkApp);
    emit.branch(app, application, slowly);
    emit.switch_to(has_code);
    let code = emit.payload(address, 0);
    let native = emit.is_top(code, layout::top::NATIVE);
    emit.branch(native, is_compiled, slowly);
    emit.switch_to(is_compiled);
    emit.address(code)
}

/// Evaluates a selector of an evaluated row. Branches to the first block if the row is not evaluated or not
/// flat, and to the second if the item cannot be evaluated here.
fn select_item(
    emit: &mut FunctionEmitter<'_>,
    thunk: Value,
    address: Value,
    [by_code, slowly]: [Block; 2],
) {
    let captured = emit.payload(address, 1);
    let (waiting, (found, row)) = (emit.block(), emit.block_with_param());
    let is_thunk = emit.is_thunk(captured);
    emit.b.ins().brif(is_thunk, waiting, &[], found, &[captured.into()]);
    emit.switch_to(waiting);
    let inner = emit.address(captured);
    let inner_layout = emit.b.ins().uload8(I64, trusted(), inner, 0);
    let is_done = has_layout(emit, inner_layout, ObjectKind::Indirection);
    emit.guard(is_done, by_code);
    let value = emit.payload(inner, 0);
    emit.jump(found, &[value]);

    emit.switch_to(found);
    let is_row = emit.is_top(row, layout::top::ROW);
    emit.guard(is_row, by_code);
    let row = emit.address(row);
    let flat = emit.block();
    let row_layout = emit.b.ins().uload8(I64, trusted(), row, 0);
    let is_flat = has_layout(emit, row_layout, ObjectKind::Row);
    emit.branch(is_flat, flat, by_code);
    emit.switch_to(flat);
    let size = emit.payload_size(row);
    let header = emit.load(address, 0);
    let (shift, width) = layout::EXTRA;
    let index = emit.b.ins().ushr_imm_s(header, i64::from(shift));
    let index = emit.b.ins().band_imm_s(index, (1 << width) - 1);
    let is_inside = emit.b.ins().icmp(IntCC::UnsignedLessThan, index, size);
    emit.guard(is_inside, by_code);
    let distance = emit.b.ins().ishl_imm_s(index, 3);
    let slot = emit.b.ins().iadd(row, distance);
    let item = emit.load(slot, layout::PAYLOAD);
    let ((evaluated, value), again) = (emit.block_with_param(), emit.is_thunk(item));
    let waiting = emit.block();
    emit.b.ins().brif(again, waiting, &[], evaluated, &[item.into()]);
    emit.switch_to(waiting);
    select_thunk(emit, thunk, item, evaluated, slowly);
    emit.switch_to(evaluated);
    update(emit, thunk, value);
    emit.b.ins().return_(&[value]);
}

/// Continues at `evaluated` with the value of an item that is a thunk, if that has one. If not, evaluates the
/// item and returns its value, which becomes that of the selector. The interpreter follows chains of selectors
/// without update marks: branches to `slowly` if the item is a selector.
fn select_thunk(
    emit: &mut FunctionEmitter<'_>,
    selector: Value,
    item: Value,
    evaluated: Block,
    slowly: Block,
) {
    let (done, waiting, no_selector) = (emit.block(), emit.block(), emit.block());
    let address = emit.address(item);
    let layout = emit.b.ins().uload8(I64, trusted(), address, 0);
    let is_done = has_layout(emit, layout, ObjectKind::Indirection);
    emit.branch(is_done, done, waiting);
    emit.switch_to(done);
    let value = emit.payload(address, 0);
    let again = emit.is_thunk(value);
    emit.b.ins().brif(again, slowly, &[], evaluated, &[value.into()]);
    emit.switch_to(waiting);
    let is_selector = has_layout(emit, layout, ObjectKind::Selector);
    emit.branch(is_selector, slowly, no_selector);
    emit.switch_to(no_selector);
    let mark = push_mark(emit, selector, slowly);
    let address = emit.address(selector);
    set_layout(emit, address, ObjectKind::BlackHole);
    let value = emit.call_stub(Stub::Force, &[item]);
    finish(emit, mark, value);
}

/// An update mark on the evaluation stack.
struct UpdateMark {
    /// The height of the stack below the mark.
    below: Value,
    /// The mark before.
    before: Value,
}

/// Pushes an update mark for the thunk. Branches to `slowly` if the stack has no room.
fn push_mark(emit: &mut FunctionEmitter<'_>, thunk: Value, slowly: Block) -> UpdateMark {
    let fits = emit.block();
    let top = emit.load_context(offset::EVAL_TOP);
    let limit = emit.load_context(offset::EVAL_LIMIT);
    let needed = emit.b.ins().iadd_imm_s(top, FREE_WORDS);
    let has_room = emit.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, needed, limit);
    emit.branch(has_room, fits, slowly);
    emit.switch_to(fits);
    let slot = emit.eval_stack_slot(top);
    let before = emit.load_context(offset::MARK);
    let here = emit.b.ins().iadd_imm_s(top, i64::from(MARK_WORDS));
    let distance = emit.b.ins().isub(here, before);
    let zero = emit.constant(0);
    let update = emit.constant(layout::UPDATE);
    for (index, word) in [thunk, zero, distance, update].into_iter().enumerate() {
        emit.store(word, slot, 8 * index as i32);
    }
    emit.store_context(here, offset::EVAL_TOP);
    emit.store_context(here, offset::MARK);
    UpdateMark { below: top, before }
}

/// Pops a mark, and returns its thunk, which a collection may have moved.
fn pop_mark(emit: &mut FunctionEmitter<'_>, UpdateMark { below, before }: UpdateMark) -> Value {
    let slot = emit.eval_stack_slot(below);
    let thunk = emit.load(slot, 0);
    emit.store_context(before, offset::MARK);
    emit.lower_eval_stack(below);
    thunk
}

/// Changes the layout of an object, which is the low byte of its header. No code loads the whole header
/// soon after: such a load would stall, because the store is narrower.
fn set_layout(emit: &mut FunctionEmitter<'_>, address: Value, object: ObjectKind) {
    let code = emit.constant(object.code());
    emit.b.ins().istore8(trusted(), code, address, 0);
}

/// Overwrites the thunk with its value. An old thunk needs the write barrier.
fn update(emit: &mut FunctionEmitter<'_>, thunk: Value, value: Value) {
    let address = emit.address(thunk);
    set_layout(emit, address, ObjectKind::Indirection);
    emit.set_payload(address, 0, value);
    let (old, done) = (emit.cold_block(), emit.block());
    let [base, end] = offset::NURSERY.map(|at| emit.load_context(at));
    let distance = emit.b.ins().isub(address, base);
    let size = emit.b.ins().isub(end, base);
    let young = emit.b.ins().icmp(IntCC::UnsignedLessThan, distance, size);
    emit.branch(young, done, old);
    emit.switch_to(old);
    let zero = emit.constant(0);
    emit.call_stub(Stub::Store, &[thunk, zero, value]);
    emit.jump(done, &[]);
    emit.switch_to(done);
}

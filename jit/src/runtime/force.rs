//! Forcing a thunk without leaving compiled code, if its own code is compiled.
//!
//! The thunk gets a mark on the evaluation stack, as the interpreter would give it one: the
//! collector finds the thunk there, and a crash what it has to spoil.

use super::Stub;
use crate::codegen::{Backend, Emit, GiveUp, Object, Target, plain, tail_signature};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use cranelift_frontend::Switch;
use vm::native::layout::{self, Object as Kind};
use vm::native::offset;

/// An application to more arguments than this is left to the interpreter.
const ARGUMENTS: usize = 5;
/// Words of a mark.
const MARK_WORDS: i32 = 4;
/// Room above it that is asked for.
const ROOM: i64 = 16;

pub(super) fn compile(backend: &mut Backend) -> Result<Object, GiveUp> {
    backend.define(tail_signature(1, 1), false, |emit, params| {
        let thunk = params[0];
        let address = emit.address(thunk);
        let layout = emit.b.ins().uload8(I64, plain(), address, 0);
        let (done, waiting, slowly) = (emit.block(), emit.block(), emit.cold_block());
        let is_done = is(emit, layout, Kind::Indirection);
        emit.branch(is_done, done, waiting);
        emit.go_on_in(done);
        let value = emit.payload(address, 0);
        let (evaluated, passed_on) = (emit.block(), emit.cold_block());
        let thunk_again = emit.is_thunk(value);
        emit.branch(thunk_again, passed_on, evaluated);
        emit.go_on_in(evaluated);
        emit.b.ins().return_(&[value]);
        // Its value is that of another, which may be under evaluation.
        emit.go_on_in(passed_on);
        emit.tail_call(Target::Stub(Stub::ForceSlowly), &[value], 1);
        emit.go_on_in(waiting);
        let application = emit.block();
        let entry = compiled_code(emit, address, layout, [application, slowly]);
        let mark = mark(emit, thunk, slowly);
        set_layout(emit, address, Kind::BlackHole);
        let value = emit.call_address(entry, &[thunk]);
        finish(emit, mark, value);

        emit.go_on_in(application);
        force_application(emit, thunk, address, slowly);

        emit.go_on_in(slowly);
        emit.tail_call(Target::Stub(Stub::ForceSlowly), &[thunk], 1);
        Ok(())
    })
}

fn is(emit: &mut Emit<'_>, layout: Value, kind: Kind) -> Value {
    emit.b.ins().icmp_imm_s(IntCC::Equal, layout, kind.code() as i64)
}

/// Overwrites the thunk that was marked by its value, and returns that.
fn finish(emit: &mut Emit<'_>, mark: Mark, value: Value) {
    let thunk = unmark(emit, mark);
    update(emit, thunk, value);
    emit.b.ins().return_(&[value]);
}

/// Forces a thunk that is an application of something to a few arguments.
fn force_application(emit: &mut Emit<'_>, thunk: Value, address: Value, slowly: Block) {
    let header = emit.load(address, 0);
    let size = emit.b.ins().ushr_imm_s(header, 32);
    let cases: Vec<(usize, Block)> = (1..=ARGUMENTS).map(|count| (count, emit.block())).collect();
    let mut switch = Switch::new();
    for (count, block) in &cases {
        switch.set_entry(1 + *count as u128, *block);
    }
    switch.emit(&mut emit.b, size, slowly);
    for (count, block) in cases {
        emit.go_on_in(block);
        let words: Vec<Value> = (0..=count).map(|index| emit.payload(address, index)).collect();
        let mark = mark(emit, thunk, slowly);
        set_layout(emit, address, Kind::BlackHole);
        let value = emit.call_stub(Stub::Apply(count as u32), &words);
        finish(emit, mark, value);
    }
}

/// The address of the thunk's code, if that is compiled; else goes to the first block if it is an
/// application, to the second if it is neither.
fn compiled_code(
    emit: &mut Emit<'_>,
    address: Value,
    layout: Value,
    [application, slowly]: [Block; 2],
) -> Value {
    let (has_code, no_code, is_compiled) = (emit.block(), emit.block(), emit.block());
    let code = is(emit, layout, Kind::ThunkCode);
    emit.branch(code, has_code, no_code);
    emit.go_on_in(no_code);
    let app = is(emit, layout, Kind::ThunkApp);
    emit.branch(app, application, slowly);
    emit.go_on_in(has_code);
    let code = emit.payload(address, 0);
    let native = emit.is_top(code, layout::top::NATIVE);
    emit.branch(native, is_compiled, slowly);
    emit.go_on_in(is_compiled);
    emit.address(code)
}

/// A mark that has been pushed.
struct Mark {
    /// How high the evaluation stack was.
    below: Value,
    /// The newest mark before.
    before: Value,
}

/// Pushes the thunk's mark.
fn mark(emit: &mut Emit<'_>, thunk: Value, slowly: Block) -> Mark {
    let fits = emit.block();
    let top = emit.load_context(offset::EVAL_TOP);
    let limit = emit.load_context(offset::EVAL_LIMIT);
    let needed = emit.b.ins().iadd_imm_s(top, ROOM);
    let has_room = emit.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, needed, limit);
    emit.branch(has_room, fits, slowly);
    emit.go_on_in(fits);
    let place = cell(emit, top);
    let before = emit.load_context(offset::MARK);
    let here = emit.b.ins().iadd_imm_s(top, i64::from(MARK_WORDS));
    let distance = emit.b.ins().isub(here, before);
    let zero = emit.constant(0);
    let update = emit.constant(layout::UPDATE);
    for (index, word) in [thunk, zero, distance, update].into_iter().enumerate() {
        emit.store(word, place, 8 * index as i32);
    }
    emit.store_context(here, offset::EVAL_TOP);
    emit.store_context(here, offset::MARK);
    Mark { below: top, before }
}

/// Pops the mark; its thunk, which a collection may have moved.
fn unmark(emit: &mut Emit<'_>, Mark { below, before }: Mark) -> Value {
    let place = cell(emit, below);
    let thunk = emit.load(place, 0);
    emit.store_context(before, offset::MARK);
    emit.store_context(below, offset::EVAL_TOP);
    let unchanged = emit.load_context(offset::EVAL_UNCHANGED);
    let unchanged = emit.b.ins().umin(unchanged, below);
    emit.store_context(unchanged, offset::EVAL_UNCHANGED);
    thunk
}

/// The address of a word on the evaluation stack.
fn cell(emit: &mut Emit<'_>, index: Value) -> Value {
    let base = emit.load_context(offset::EVAL_BASE);
    let distance = emit.b.ins().ishl_imm_s(index, 3);
    emit.b.ins().iadd(base, distance)
}

/// Changes what an object is, by the low byte of its header. Nothing loads that with the rest of it soon
/// after, which would have to wait.
fn set_layout(emit: &mut Emit<'_>, address: Value, kind: Kind) {
    let code = emit.constant(kind.code());
    emit.b.ins().istore8(plain(), code, address, 0);
}

/// Overwrites the thunk by its value.
fn update(emit: &mut Emit<'_>, thunk: Value, value: Value) {
    let address = emit.address(thunk);
    set_layout(emit, address, Kind::Indirection);
    emit.set_payload(address, 0, value);
    let (old, done) = (emit.cold_block(), emit.block());
    let [base, end] = offset::NURSERY.map(|at| emit.load_context(at));
    let distance = emit.b.ins().isub(address, base);
    let size = emit.b.ins().isub(end, base);
    let young = emit.b.ins().icmp(IntCC::UnsignedLessThan, distance, size);
    emit.branch(young, done, old);
    emit.go_on_in(old);
    let zero = emit.constant(0);
    emit.call_stub(Stub::Store, &[thunk, zero, value]);
    emit.jump(done, &[]);
    emit.go_on_in(done);
}

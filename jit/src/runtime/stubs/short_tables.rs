//! Searches in short tables and sets, rows of their keys, and insertions into them, without Rust.
//!
//! Interpreters keep environments of a few names, and most tables and sets of a program are short. A call
//! of Rust with its frame and its general path through trees takes several times as long as the search.
//! These functions have no frame. They know keys that are nats below 2^63, among the keys of one object of
//! at most [`SHORT`](super::objects::SHORT) keys, and insertions that copy; everything else they leave to Rust.

use super::objects::{
    Object, allocate, compile_or_undecided, copy_around, copy_words, guard_layout, header_of_copy,
    kept_normal, payload_bytes, short_object,
};
use crate::codegen::{
    Backend, CompileError, CompiledFunction, FunctionEmitter, LinkSymbol, Listing, Stub,
    tail_signature,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, ObjectKind, top};

/// The size of a table with its header, in words.
const TABLE_WORDS: i64 = 3;
/// The number of an edit mode in which all that changes is copied.
const COPY: i64 = vm::jet::EditMode::Copy as i64;

/// The outcome of a search: blocks that continue with the distance in bytes from the first key to the key,
/// or to the first greater one.
struct Search {
    found: (Block, Value),
    missing: (Block, Value),
}

/// Compiles [`Stub::LookUp`].
pub(super) fn look_up(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile(backend, 3, Stub::LookUpSlowly, |emit, params, slowly| {
        let [table, key, default] = [params[0], params[1], params[2]];
        let table = emit.address(table);
        let keys = emit.payload(table, 0);
        let keys = short_keys(emit, keys, key, slowly);
        let Search { found, missing: (missing, _) } = search(emit, keys, key);
        emit.switch_to(missing);
        emit.b.ins().return_(&[default]);
        let value = found_value(emit, table, found, slowly);
        emit.b.ins().return_(&[value]);
    })
}

/// Compiles [`Stub::OptionalItem`].
pub(super) fn optional_item(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile(backend, 2, Stub::OptionalItemSlowly, |emit, params, slowly| {
        let [table, key] = [params[0], params[1]];
        let table = emit.address(table);
        let keys = emit.payload(table, 0);
        let keys = short_keys(emit, keys, key, slowly);
        let Search { found, missing: (missing, _) } = search(emit, keys, key);
        emit.switch_to(missing);
        let zero = emit.constant(0);
        emit.b.ins().return_(&[zero]);
        let value = found_value(emit, table, found, slowly);
        let zero = emit.constant(0);
        let parts = [zero, value];
        let needed = emit.constant(8 * (1 + parts.len() as u64));
        let app = allocate(emit, needed, slowly);
        let header = ObjectKind::App.header(layout::OPTIONAL_ARITY, parts.len());
        let header = emit.constant(header);
        emit.store(header, app, 0);
        for (index, part) in parts.into_iter().enumerate() {
            emit.set_payload(app, index, part);
        }
        let app = emit.b.ins().bor_imm_s(app, ObjectKind::App.tag() as i64);
        emit.b.ins().return_(&[app]);
    })
}

/// Continues in the block for a key that is found: the value of the key in the table at an address.
fn found_value(
    emit: &mut FunctionEmitter<'_>,
    table: Value,
    (found, distance): (Block, Value),
    slowly: Block,
) -> Value {
    emit.switch_to(found);
    let values = values_of(emit, table, slowly);
    let slot = emit.b.ins().iadd(values.address, distance);
    let value = emit.payload(slot, 0);
    without_indirection(emit, value, slowly)
}

/// Compiles [`Stub::HasKey`].
pub(super) fn has_key(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile(backend, 2, Stub::HasKeySlowly, |emit, params, slowly| {
        let [collection, key] = [params[0], params[1]];
        let keys = set_of_keys(emit, collection);
        let keys = short_keys(emit, keys, key, slowly);
        let Search { found: (found, _), missing: (missing, _) } = search(emit, keys, key);
        for (block, answer) in [(found, 1), (missing, 0)] {
            emit.switch_to(block);
            let answer = emit.constant(answer);
            emit.b.ins().return_(&[answer]);
        }
    })
}

/// Compiles [`Stub::KeysRow`].
pub(super) fn keys_row(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile(backend, 1, Stub::KeysRowSlowly, |emit, params, slowly| {
        let set = set_of_keys(emit, params[0]);
        let keys = short_object(emit, set, ObjectKind::Set, slowly);
        let bytes = payload_bytes(emit, keys);
        let needed = emit.b.ins().iadd_imm_s(bytes, 8);
        let new = allocate(emit, needed, slowly);
        let header = header_of_copy(emit, keys.header, ObjectKind::Row, 0, layout::NORMAL);
        emit.store(header, new, 0);
        copy_words(emit, &[(keys.address, new)], bytes);
        let row = emit.b.ins().bor_imm_s(new, ObjectKind::Row.tag() as i64);
        emit.b.ins().return_(&[row]);
    })
}

/// Compiles [`Stub::TableValues`].
pub(super) fn table_values(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile_or_undecided(backend, 1, |emit, params, undecided| {
        let is_table = emit.is_top(params[0], top::TAB);
        emit.guard(is_table, undecided);
        let table = emit.address(params[0]);
        let row = emit.payload(table, 1);
        let is_row = emit.is_top(row, top::ROW);
        emit.guard(is_row, undecided);
        emit.b.ins().return_(&[row]);
    })
}

/// Compiles [`Stub::SetInsert`].
pub(super) fn set_insert(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile(backend, 3, Stub::SetInsertSlowly, |emit, params, slowly| {
        let [set, key, mode] = [params[0], params[1], params[2]];
        guard_copy(emit, mode, slowly);
        let keys = short_keys(emit, set, key, slowly);
        let Search { found: (found, _), missing: (missing, distance) } = search(emit, keys, key);
        emit.switch_to(found);
        emit.b.ins().return_(&[set]);
        emit.switch_to(missing);
        let bytes = payload_bytes(emit, keys);
        let needed = emit.b.ins().iadd_imm_s(bytes, 16);
        let new = allocate(emit, needed, slowly);
        let header = header_of_copy(emit, keys.header, ObjectKind::Set, 1, layout::NORMAL);
        emit.store(header, new, 0);
        copy_around(emit, [(keys.address, new, key)], distance, bytes);
        let set = emit.b.ins().bor_imm_s(new, ObjectKind::Set.tag() as i64);
        emit.b.ins().return_(&[set]);
    })
}

/// Compiles [`Stub::TableInsert`].
pub(super) fn table_insert(backend: &mut Backend) -> Result<CompiledFunction, CompileError> {
    compile(backend, 4, Stub::TableInsertSlowly, |emit, params, slowly| {
        let [table, key, value, mode] = [params[0], params[1], params[2], params[3]];
        guard_copy(emit, mode, slowly);
        let table = emit.address(table);
        let set = emit.payload(table, 0);
        let keys = short_keys(emit, set, key, slowly);
        let values = values_of(emit, table, slowly);
        let value = without_indirection(emit, value, slowly);
        let search = search(emit, keys, key);
        replace_value(emit, (set, values), value, search.found, slowly);
        insert_entry(emit, (keys, values), (key, value), search.missing, slowly);
    })
}

/// Fills the block for a key that is in the table: returns a table of the same keys, and a copy of the
/// values.
fn replace_value(
    emit: &mut FunctionEmitter<'_>,
    (set, values): (Value, Object),
    value: Value,
    (found, distance): (Block, Value),
    slowly: Block,
) {
    emit.switch_to(found);
    let bytes = payload_bytes(emit, values);
    let needed = emit.b.ins().iadd_imm_s(bytes, 8 * (1 + TABLE_WORDS));
    let new = allocate(emit, needed, slowly);
    let normal = kept_normal(emit, values.header, value);
    let header = header_of_copy(emit, values.header, ObjectKind::Row, 0, 0);
    let header = emit.b.ins().bor(header, normal);
    emit.store(header, new, 0);
    let end = copy_words(emit, &[(values.address, new)], bytes);
    let slot = emit.b.ins().iadd(new, distance);
    emit.set_payload(slot, 0, value);
    let row = emit.b.ins().bor_imm_s(new, ObjectKind::Row.tag() as i64);
    return_table(emit, end, [set, row], normal);
}

/// Fills the block for a key that is missing: returns a table with an entry more.
fn insert_entry(
    emit: &mut FunctionEmitter<'_>,
    (keys, values): (Object, Object),
    (key, value): (Value, Value),
    (missing, distance): (Block, Value),
    slowly: Block,
) {
    emit.switch_to(missing);
    let bytes = payload_bytes(emit, keys);
    let object = emit.b.ins().iadd_imm_s(bytes, 16);
    let both = emit.b.ins().ishl_imm_s(object, 1);
    let needed = emit.b.ins().iadd_imm_s(both, 8 * TABLE_WORDS);
    let set = allocate(emit, needed, slowly);
    let row = emit.b.ins().iadd(set, object);
    let end = emit.b.ins().iadd(row, object);
    let header = header_of_copy(emit, keys.header, ObjectKind::Set, 1, layout::NORMAL);
    emit.store(header, set, 0);
    let normal = kept_normal(emit, values.header, value);
    let header = header_of_copy(emit, values.header, ObjectKind::Row, 1, 0);
    let header = emit.b.ins().bor(header, normal);
    emit.store(header, row, 0);
    copy_around(emit, [(keys.address, set, key), (values.address, row, value)], distance, bytes);
    let set = emit.b.ins().bor_imm_s(set, ObjectKind::Set.tag() as i64);
    let row = emit.b.ins().bor_imm_s(row, ObjectKind::Row.tag() as i64);
    return_table(emit, end, [set, row], normal);
}

/// Makes a table at an address, and returns it.
fn return_table(emit: &mut FunctionEmitter<'_>, address: Value, parts: [Value; 2], normal: Value) {
    let header = emit.b.ins().bor_imm_s(normal, ObjectKind::Tab.header(0, 2) as i64);
    emit.store(header, address, 0);
    for (index, part) in parts.into_iter().enumerate() {
        emit.set_payload(address, index, part);
    }
    let table = emit.b.ins().bor_imm_s(address, ObjectKind::Tab.tag() as i64);
    emit.b.ins().return_(&[table]);
}

// Parts.

/// Compiles a stub whose work is left to another one, with the same arguments, where `write` branches to
/// the block that it gets.
fn compile(
    backend: &mut Backend,
    count: usize,
    slow: Stub,
    write: impl FnOnce(&mut FunctionEmitter<'_>, &[Value], Block),
) -> Result<CompiledFunction, CompileError> {
    backend.compile(tail_signature(count, 1), Listing::None, |emit, params| {
        let slowly = emit.cold_block();
        write(emit, params, slowly);
        emit.switch_to(slowly);
        emit.tail_call(LinkSymbol::Stub(slow), params, 1);
        Ok(())
    })
}

/// Continues only in the mode in which all that changes is copied.
fn guard_copy(emit: &mut FunctionEmitter<'_>, mode: Value, otherwise: Block) {
    let copies = emit.b.ins().icmp_imm_s(IntCC::Equal, mode, COPY);
    emit.guard(copies, otherwise);
}

/// The keys of a set. Continues only if they are few, in one object, and the key is a nat below 2^63.
fn short_keys(emit: &mut FunctionEmitter<'_>, set: Value, key: Value, otherwise: Block) -> Object {
    let is_object = emit.is_not_direct(key);
    let direct = emit.block();
    emit.branch(is_object, otherwise, direct);
    emit.switch_to(direct);
    short_object(emit, set, ObjectKind::Set, otherwise)
}

/// The set of the keys of a table, or the set itself.
fn set_of_keys(emit: &mut FunctionEmitter<'_>, collection: Value) -> Value {
    let (of_table, (done, set)) = (emit.block(), emit.block_with_param());
    let is_table = emit.is_top(collection, top::TAB);
    emit.b.ins().brif(is_table, of_table, &[], done, &[collection.into()]);
    emit.switch_to(of_table);
    let table = emit.address(collection);
    let keys = emit.payload(table, 0);
    emit.jump(done, &[keys]);
    emit.switch_to(done);
    set
}

/// The values of the table at an address. Continues only if they are in one object.
fn values_of(emit: &mut FunctionEmitter<'_>, table: Value, otherwise: Block) -> Object {
    let row = emit.payload(table, 1);
    let is_row = emit.is_top(row, top::ROW);
    emit.guard(is_row, otherwise);
    let address = emit.address(row);
    let header = emit.load(address, 0);
    guard_layout(emit, header, ObjectKind::Row, otherwise);
    Object { address, header }
}

/// Searches keys in ascending order for a nat below 2^63. The words of all other values are greater than
/// those of such nats, and these values are greater keys.
fn search(emit: &mut FunctionEmitter<'_>, keys: Object, key: Value) -> Search {
    let (next, distance) = emit.block_with_param();
    let (found, missing) = (emit.block_with_param(), emit.block_with_param());
    let (some, at_key) = (emit.block(), emit.block());
    let bytes = payload_bytes(emit, keys);
    let start = emit.constant(0);
    emit.jump(next, &[start]);

    emit.switch_to_loop(next);
    let is_end = emit.b.ins().icmp(IntCC::Equal, distance, bytes);
    emit.b.ins().brif(is_end, missing.0, &[distance.into()], some, &[]);
    emit.switch_to(some);
    let slot = emit.b.ins().iadd(keys.address, distance);
    let word = emit.payload(slot, 0);
    let after = emit.b.ins().iadd_imm_s(distance, 8);
    let is_less = emit.b.ins().icmp(IntCC::UnsignedLessThan, word, key);
    emit.b.ins().brif(is_less, next, &[after.into()], at_key, &[]);
    emit.b.seal_block(next);
    emit.switch_to(at_key);
    let is_key = emit.b.ins().icmp(IntCC::Equal, word, key);
    emit.b.ins().brif(is_key, found.0, &[distance.into()], missing.0, &[distance.into()]);
    Search { found, missing }
}

/// A value that may be a thunk. Continues only if that has no value yet.
fn without_indirection(emit: &mut FunctionEmitter<'_>, value: Value, otherwise: Block) -> Value {
    let (thunk, done) = (emit.block(), emit.block());
    let is_thunk = emit.is_thunk(value);
    emit.branch(is_thunk, thunk, done);
    emit.switch_to(thunk);
    let address = emit.address(value);
    let has_value = emit.is_indirection(address);
    emit.branch(has_value, otherwise, done);
    emit.switch_to(done);
    value
}

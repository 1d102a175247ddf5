//! The helpers of compiled code that read, search and edit rows, sets and tables. The table of helpers
//! in [`helpers`](super::helpers) says what each takes and returns.

use super::UNDECIDED;
use super::consecutive_keys::CONSECUTIVE_KEYS_MIN;
use super::helper_result::HelperResult;
use super::key_position::{KeyPosition, NatSearch};
use super::layout::OPTIONAL_ARITY;
use super::remembered_objects::{RememberedKey, RowLeaf};
use crate::vm::{JetCall, Vm};
use plan::raw::tree::edit::EditMode;
use plan::raw::{ObjectLayout, Word, WordKind, bar, tree};
use plan::{EvalError, Items, Ref};

/// Item `index` of a row, which is 0 if there is none. Loops read the items of a long row in order, so
/// the leaf that has the item is kept for the next one.
pub(super) fn item_of_row(vm: &mut Vm, row: Word, index: u64) -> u64 {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let kept = vm.heap.host.native.remembered.row_leaf;
    let place = index.wrapping_sub(kept.start);
    if kept.row == row.raw() && place < kept.count {
        return vm.heap.resolve(vm.heap.load(Word::from_bits(kept.leaf), place)).raw();
    }
    let Some((leaf, start)) = tree::leaf_of(&vm.heap, row, index) else { return 0 };
    let count = vm.heap.size(leaf);
    if !vm.heap.is_changeable(row) {
        vm.heap.host.native.remembered.row_leaf =
            RowLeaf { row: row.raw(), leaf: leaf.raw(), start, count };
    }
    vm.heap.resolve(vm.heap.load(leaf, index - start)).raw()
}

/// Searches among fewer keys are not remembered: they are as fast.
const REMEMBERED_KEYS_MIN: u32 = 16;

/// The keys of a set or table.
fn keys_of(vm: &Vm, collection: Word) -> Word {
    if collection.kind() == WordKind::Tab { vm.heap.load(collection, 0) } else { collection }
}

/// Which keys a search remembers the position of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remembers {
    /// Bars of 1 to 8 bytes: programs that count read the same ones again and again.
    ShortBars,
    /// These, and all other objects: interpreters of programs, say, look for the same names again and
    /// again.
    Objects,
}

/// The position of a key among those of a set or table: see [`Items::search`]. That of a nat is not
/// remembered: it is found without reading other objects than nodes, and without those if the keys are
/// [consecutive](super::consecutive_keys).
#[inline]
fn position_of(
    vm: &mut Vm,
    collection: Word,
    key: u64,
    remembers: Remembers,
) -> Option<KeyPosition> {
    let (set, key) = (keys_of(vm, collection), vm.heap.resolve(Word::from_bits(key)));
    match key.as_direct() {
        Some(nat) => Some(position_of_nat(vm, set, nat)),
        None => position_of_object(vm, set, key, remembers),
    }
}

fn position_of_nat(vm: &mut Vm, set: Word, nat: u64) -> KeyPosition {
    match u32::try_from(tree::len(&vm.heap.memory, set)) {
        Ok(count) if count >= CONSECUTIVE_KEYS_MIN => {
            let (heap, remembered) = (&vm.heap.memory, &mut vm.heap.host.native.remembered);
            let known_set = remembered.set(set, count);
            if let Some(position) = remembered.last_nat.position(known_set, nat) {
                return position;
            }
            let first = || Items::of(set, heap).first_of_consecutive_nats();
            if let Some(position) = remembered.consecutive_keys.position(known_set, first, nat) {
                return position;
            }
            let position = tree::search_nat(heap, set, nat);
            remembered.last_nat = NatSearch::new(known_set, nat, position);
            position
        }
        _ => tree::search_nat(&vm.heap.memory, set, nat),
    }
}

fn position_of_object(
    vm: &mut Vm,
    set: Word,
    key: Word,
    remembers: Remembers,
) -> Option<KeyPosition> {
    let keys = Items::of(set, &vm.heap.memory);
    let remembered = match u32::try_from(keys.len()) {
        Ok(0) => return Some(Err(0)),
        _ if key.is_thunk() => return None,
        Ok(count) if count >= REMEMBERED_KEYS_MIN => {
            let of_object =
                || (remembers == Remembers::Objects).then_some(RememberedKey::Object(key.raw()));
            let set = vm.heap.host.native.remembered.set(set, count);
            short_bar(vm, key).or_else(of_object).map(|key| (set, key))
        }
        _ => None,
    };
    let Some((set, remembered_key)) = remembered else {
        return keys.search_evaluated(Ref::new(key, &vm.heap)).ok();
    };
    if let Some(position) = vm.heap.host.native.remembered.position(set, remembered_key) {
        return Some(position);
    }
    let position = keys.search_evaluated(Ref::new(key, &vm.heap)).ok()?;
    vm.heap.host.native.remembered.remember_position(set, remembered_key, position);
    Some(position)
}

/// A bar of 1 to 8 bytes as a key.
fn short_bar(vm: &Vm, word: Word) -> Option<RememberedKey> {
    if word.kind() != WordKind::Bar {
        return None;
    }
    let bytes = bar::bytes(&vm.heap, word);
    Some(RememberedKey::ShortBar(bar::number_of_one_word(bytes)?, bytes.len() as u8))
}

pub(super) fn look_up(vm: &mut Vm, table: u64, key: u64, default: u64) -> HelperResult {
    let table = Word::from_bits(table);
    Ok(match position_of(vm, table, key, Remembers::Objects) {
        Some(Ok(index)) => {
            let value = Items::of(vm.heap.load(table, 1), &vm.heap).word(index);
            value.map_or(default, |value| vm.heap.resolve(value).raw())
        }
        Some(Err(_)) => default,
        None => UNDECIDED,
    })
}

pub(super) fn optional_item(vm: &mut Vm, table: u64, key: u64) -> HelperResult {
    let table = Word::from_bits(table);
    let index = match position_of(vm, table, key, Remembers::Objects) {
        Some(Ok(index)) => index,
        Some(Err(_)) => return Ok(0),
        None => return Ok(UNDECIDED),
    };
    let values = vm.heap.load(table, 1);
    let Some(value) = Items::of(values, &vm.heap).word(index) else { return Ok(0) };
    if vm.heap.has_room(OPTIONAL_WORDS) {
        return Ok(optional(vm, vm.heap.resolve(value)));
    }
    if !vm.heap.stack.has_room(8) {
        return Err(EvalError::StackOverflow.into());
    }
    vm.heap.stack.push(value);
    vm.heap.reserve(OPTIONAL_WORDS)?;
    let value = vm.heap.stack.pop();
    Ok(optional(vm, value))
}

/// The words of an optional value with its header.
const OPTIONAL_WORDS: usize = 3;

/// The app of 0 to a value. Its words have been reserved.
fn optional(vm: &mut Vm, value: Word) -> u64 {
    vm.heap.allocate_words(ObjectLayout::App, OPTIONAL_ARITY, &[Word::ZERO, value]).raw()
}

pub(super) fn has_key(vm: &mut Vm, keys: u64, key: u64) -> HelperResult {
    Ok(position_of(vm, Word::from_bits(keys), key, Remembers::Objects)
        .map_or(UNDECIDED, |position| u64::from(position.is_ok())))
}

pub(super) fn put(vm: &mut Vm, row: u64, index: u64, value: u64, limit: usize) -> HelperResult {
    put_as(vm, [row, index, value], limit, EditMode::Copy)
}

pub(super) fn put_in_place(
    vm: &mut Vm,
    row: u64,
    index: u64,
    value: u64,
    mode: usize,
) -> HelperResult {
    put_as(vm, [row, index, value], usize::MAX, EditMode::numbered(mode))
}

fn put_as(
    vm: &mut Vm,
    [row, index, value]: [u64; 3],
    limit: usize,
    mode: EditMode,
) -> HelperResult {
    let row = Word::from_bits(row);
    let count = if row.kind() == WordKind::Row { tree::len(&vm.heap, row) } else { 0 };
    let index = Word::from_bits(index).as_direct().and_then(|index| usize::try_from(index).ok());
    let Some(index) = index.filter(|index| *index < count && count <= limit) else {
        return Ok(UNDECIDED);
    };
    if mode == EditMode::Reuse
        && tree::edit::replace_in_owned_tree(&mut vm.heap, row, index, Word::from_bits(value))
    {
        return Ok(row.raw());
    }
    Ok(tree::edit::replace(&mut vm.heap, row, index, Word::from_bits(value), mode)?.raw())
}

pub(super) fn table_insert(
    vm: &mut Vm,
    table: u64,
    key: u64,
    value: u64,
    mode: usize,
) -> HelperResult {
    let Some(position) = position_of(vm, Word::from_bits(table), key, Remembers::ShortBars) else {
        return Ok(UNDECIDED);
    };
    if !vm.heap.stack.has_room(8) {
        return Err(EvalError::StackOverflow.into());
    }
    let (table, key, value) =
        (Word::from_bits(table), Word::from_bits(key), Word::from_bits(value));
    let mode = EditMode::numbered(mode);
    Ok(tree::edit::insert_in_table(&mut vm.heap, (table, key, value), position, mode)?.raw())
}

pub(super) fn table_insert_with(
    vm: &mut Vm,
    table: u64,
    function: u64,
    key: u64,
    value: u64,
    mode: usize,
) -> HelperResult {
    let word = Word::from_bits(table);
    let entry = match position_of(vm, word, key, Remembers::ShortBars) {
        None => return Ok(UNDECIDED),
        Some(Err(_)) => return table_insert(vm, table, key, value, mode),
        Some(Ok(entry)) => entry,
    };
    if !vm.heap.stack.has_room(64) {
        return Err(EvalError::StackOverflow.into());
    }
    let base = vm.heap.stack.top();
    for word in [table, key, function, value] {
        vm.heap.stack.push(Word::from_bits(word));
    }
    let mut call = JetCall { vm, base };
    let function = call.cheap_function(2, 2);
    let mode = EditMode::numbered(mode);
    if mode == EditMode::Reuse
        && let (Some(function), Some(value)) = (function, Word::from_bits(value).as_direct())
    {
        let changed = |old: Word| function.of_smalls(value, old.as_direct()?);
        if tree::edit::change_owned_nat(&mut call.vm.heap.memory, word, entry, changed) {
            call.vm.heap.stack.truncate(base);
            return Ok(table);
        }
    }
    call.push_entry_value(0, entry);
    call.apply(function, 2)?;
    call.insert_entry_as(Ok(entry), mode)?;
    Ok(vm.heap.stack.pop().raw())
}

pub(super) fn set_insert(vm: &mut Vm, set: u64, key: u64, mode: usize) -> HelperResult {
    let mode = EditMode::numbered(mode);
    let word = Word::from_bits(set);
    let at = match position_of(vm, word, key, Remembers::ShortBars) {
        None => return Ok(UNDECIDED),
        Some(Ok(_)) => {
            if mode == EditMode::Own {
                vm.heap.disown(word);
            }
            return Ok(set);
        }
        Some(Err(at)) => at,
    };
    if !vm.heap.stack.has_room(8) {
        return Err(EvalError::StackOverflow.into());
    }
    Ok(tree::edit::insert(&mut vm.heap, word, at, Word::from_bits(key), mode)?.raw())
}

pub(super) fn table_delete(vm: &mut Vm, table: u64, key: u64, mode: usize) -> HelperResult {
    let mode = EditMode::numbered(mode);
    let Some(position) = position_to_delete(vm, table, key, mode)? else { return Ok(UNDECIDED) };
    let Ok(at) = position else { return Ok(table) };
    Ok(tree::edit::remove_from_table(&mut vm.heap, Word::from_bits(table), at, mode)?.raw())
}

pub(super) fn set_delete(vm: &mut Vm, set: u64, key: u64, mode: usize) -> HelperResult {
    let mode = EditMode::numbered(mode);
    let Some(position) = position_to_delete(vm, set, key, mode)? else { return Ok(UNDECIDED) };
    let Ok(at) = position else { return Ok(set) };
    Ok(tree::edit::remove(&mut vm.heap, Word::from_bits(set), at, mode)?.raw())
}

/// The position of a key that is about to be deleted. A collection that does not have it is the result.
fn position_to_delete(
    vm: &mut Vm,
    collection: u64,
    key: u64,
    mode: EditMode,
) -> Result<Option<KeyPosition>, EvalError> {
    let collection = Word::from_bits(collection);
    let position = position_of(vm, collection, key, Remembers::ShortBars);
    match position {
        Some(Err(_)) if mode == EditMode::Own => vm.heap.disown(collection),
        Some(Ok(_)) if !vm.heap.stack.has_room(8) => return Err(EvalError::StackOverflow),
        Some(Ok(_)) if mode == EditMode::Reuse => {
            let set = keys_of(vm, collection);
            vm.heap.host.native.remembered.forget_set(set);
        }
        _ => {}
    }
    Ok(position)
}

pub(super) fn least_key(vm: &mut Vm, keys: u64) -> HelperResult {
    let keys = keys_of(vm, Word::from_bits(keys));
    Ok(tree::first_key(&vm.heap, keys).map_or(0, Word::raw))
}

pub(super) fn keys_row(vm: &mut Vm, keys: u64) -> HelperResult {
    let keys = keys_of(vm, Word::from_bits(keys));
    Ok(tree::row_of_items(&mut vm.heap, keys)?.raw())
}

pub(super) fn disown(vm: &mut Vm, value: u64) -> HelperResult {
    vm.heap.disown(Word::from_bits(value));
    Ok(0)
}

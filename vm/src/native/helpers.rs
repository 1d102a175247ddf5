//! [`Helper`]: the Rust functions that compiled code calls.
//!
//! The table below declares each helper once: its name, its function and its parameters. A stub of
//! compiled code calls a helper with the `Vm` from the context register as first argument. Words
//! that compiled code passes are pushed on the evaluation stack before anything can collect. A
//! helper that has no result records the reason and returns [`UNWOUND`]; no panic leaves it.
//!
//! # Safety
//!
//! The invariant: *a stub calls a helper with the context register and words that are live*. So its
//! `Vm` is the one that entered compiled code, whose borrow is suspended until `enter` returns; and
//! an argument block holds as many words as the stub says.

use super::cheap_values::cheap_value;
use super::collections::{
    disown, has_key, item_of_row, keys_row, least_key, look_up, optional_item, put, put_in_place,
    set_delete, set_insert, table_delete, table_insert, table_insert_with,
};
use super::helper_result::HelperResult;
use super::nats::NatOp;
use super::numbered::numbered_enum;
use super::short_sets::{set_difference, set_union};
use super::state::ExitReason;
use super::{PENDING, UNWOUND, switch};
use crate::vm::{JetCall, Vm};
use plan::EvalError;
use plan::raw::{DIRECT_LIMIT, ObjectLayout, Word, WordKind, cast, shape, tree};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Declares the helpers: the enum, and for each value the C function that compiled code calls.
/// `Name = function(parameter: type, ...)` is a Rust function of the `Vm` and these parameters; the
/// last helper, `foreign`, is a C function of one word that does not return.
macro_rules! helpers {
    (
        $(#[$attribute:meta])*
        pub enum $enum:ident {
            $(
                $(#[$documentation:meta])*
                $helper:ident = $function:ident($($parameter:ident: $type:ty),*),
            )*
        }
        foreign {
            $(#[$foreign_documentation:meta])*
            $foreign:ident = $foreign_function:path,
        }
    ) => {
        numbered_enum! {
            $(#[$attribute])*
            pub enum $enum {
                $($(#[$documentation])* $helper,)*
                $(#[$foreign_documentation])*
                $foreign,
            }
        }

        impl $enum {
            /// The address of the function that compiled code calls.
            pub fn address(self) -> usize {
                match self {
                    $($enum::$helper => {
                        unsafe extern "C" fn entry(vm: *mut Vm, $($parameter: $type),*) -> u64 {
                            // SAFETY: the stub passes the runtime and live words, and blocks as
                            // long as it says (the module's invariant).
                            unsafe { serve(vm, |vm| $function(vm, $($parameter),*)) }
                        }
                        entry as unsafe extern "C" fn(*mut Vm, $($type),*) -> u64 as usize
                    })*
                    $enum::$foreign => $foreign_function as unsafe extern "C" fn(usize) -> ! as usize,
                }
            }
        }
    };
}

helpers! {
    /// A function that compiled code may call. All but the last get the `Vm` first. A *block* is
    /// the address of words and, as another parameter, the number of words that follow the first.
    pub enum Helper {
        /// `(thunk)`: its value.
        Force = force(word: u64),
        /// `(thunk)`: its value if that is [cheap](crate::eval), else the thunk.
        CheapValue = cheap_value(word: u64),
        /// `(word)`: its normal form.
        Normalise = normalise(word: u64),
        /// `(block)`: the value of the first word applied to the others.
        Call = call(block: *const u64, count: usize),
        /// `(block)`: leaves that call on the evaluation stack. [`PENDING`].
        Leave = leave(block: *const u64, count: usize),
        /// `(block)`: the application of the first word to the others, not evaluated.
        Apply = apply(block: *const u64, count: usize),
        /// `(block)`: the value of a jet's pin, the first word, applied to the others, which are
        /// evaluated as the jet demands.
        Jet = jet(block: *const u64, count: usize),
        /// `(block)`: the row of all words; the first word is the first item.
        Row = row(block: *const u64, count: usize),
        /// `(words)`: collects so that `words` words can be allocated. 0.
        Room = room(words: usize),
        /// `()`: fails if the stack is used up; else obeys an interrupt, which may suspend the
        /// evaluation. 0.
        Limit = limit(),
        /// `(value)`: writes its parts to [`PARTS`](super::offset::PARTS). 0 for a pin (its item),
        /// 1 for a law (name, arity, body), 2 for an app (function, last argument), 3 for a nat.
        Parts = parts(word: u64),
        /// `(value)`: its kind, as the number that [`Helper::Parts`] returns.
        Kind = kind(word: u64),
        /// `(value)`: its arity; 2^63 - 1 if that or more.
        Arity = arity(word: u64),
        /// `(value)`: the number of items of a row, or of arguments of any app; 0 for other values.
        Length = length(word: u64),
        /// `(row)`, evaluated: the row as one object.
        Flat = flat(row: u64),
        /// `(row, index)`, both evaluated: the item of the row, or of any app seen as one, without
        /// its indirections but not evaluated; 0 if there is none.
        Item = item(row: u64, index: u64),
        /// `(table, key, default)`, the table a data jet: the value of the key, not evaluated, or the
        /// default. [`UNDECIDED`] if that depends on an unevaluated part of the key.
        LookUp = look_up(table: u64, key: u64, default: u64),
        /// `(table, key)`, the table a data jet: the app of 0 to the value of the key, not evaluated;
        /// 0 if the key is missing. [`UNDECIDED`] if that depends on an unevaluated part of the key.
        OptionalItem = optional_item(table: u64, key: u64),
        /// `(keys, key)`, the keys those of a set or table that is a data jet: 1 if the key is one of
        /// them, 0 if not. [`UNDECIDED`] if that depends on an unevaluated part of the key.
        HasKey = has_key(keys: u64, key: u64),
        /// `(row, index, value, limit)`, the row evaluated: the row with the item at the index replaced
        /// by the value. [`UNDECIDED`] if the index is no evaluated nat, or if the row has no such
        /// item or more than `limit` items.
        Put = put(row: u64, index: u64, value: u64, limit: usize),
        /// `(row, index, value, mode)`, the row evaluated: as [`Helper::Put`] without a limit, in that
        /// [`EditMode`].
        PutInPlace = put_in_place(row: u64, index: u64, value: u64, mode: usize),
        /// `(table, key, value, mode)`, the table a data jet, the key in normal form: the table that
        /// maps the key to the value, made in that [`EditMode`]. [`UNDECIDED`] if the search for the
        /// key needs a comparison of more than a few parts.
        TableInsert = table_insert(table: u64, key: u64, value: u64, mode: usize),
        /// `(table, function, key, value, mode)`: as [`Helper::TableInsert`], but if the table has the
        /// key, it is mapped to the function applied to the value and its old value.
        TableInsertWith = table_insert_with(table: u64, function: u64, key: u64, value: u64, mode: usize),
        /// `(set, key, mode)`, the set a data jet, the key in normal form: the set with the key, made
        /// in that [`EditMode`]. [`UNDECIDED`] as for [`Helper::TableInsert`].
        SetInsert = set_insert(set: u64, key: u64, mode: usize),
        /// `(table, key, mode)`, the table a data jet: the table without the key, made in that
        /// [`EditMode`]. [`UNDECIDED`] if that depends on an unevaluated part of the key.
        TableDelete = table_delete(table: u64, key: u64, mode: usize),
        /// `(set, key, mode)`, the set a data jet: the set without the key, as for [`Helper::TableDelete`].
        SetDelete = set_delete(set: u64, key: u64, mode: usize),
        /// `(keys)`, those of a set or table that is a data jet: the least key; 0 if there is none.
        LeastKey = least_key(keys: u64),
        /// `(keys)`, those of a set or table that is a data jet: the row of the keys.
        KeysRow = keys_row(keys: u64),
        /// `(left, right)`, both sets that are data jets: their union. [`UNDECIDED`] unless one is empty, or
        /// at least one is a set of nats below 2^63 in one object, and the union is as well, or has few keys
        /// more than the other set.
        SetUnion = set_union(left: u64, right: u64),
        /// `(left, right)`: the keys of the left set that the right one does not have. [`UNDECIDED`] unless
        /// one is empty, the left one is a set of nats below 2^63 in one object, or the right one is and
        /// they have no key in common.
        SetDifference = set_difference(left: u64, right: u64),
        /// `(value)`: removes the mark of an owner from a table, row or set. 0.
        Disown = disown(value: u64),
        /// `(operation, a, b)`: the result of a [`NatOp`], given by its number, for two values.
        Nat = nat(operation: usize, a: u64, b: u64),
        /// `(object, index, value)`: writes a value into an object that may be old. 0.
        Store = store(object: u64, index: usize, value: u64),
        /// `(count)`: a row of `count` zeros, which the code fills before anything else refers to
        /// it.
        ZeroRow = zero_row(count: usize),
    }
    foreign {
        /// `(word)`, the word at [`UNWIND_STACK_POINTER`](super::offset::UNWIND_STACK_POINTER):
        /// leaves compiled code. Does not return.
        Unwind = switch::unwind,
    }
}

/// Runs a helper's work; records an error or a panic and returns [`UNWOUND`] for it.
///
/// # Safety
/// `vm` is the runtime that entered compiled code, and nothing else uses it meanwhile.
#[inline(always)]
unsafe fn serve(vm: *mut Vm, work: impl FnOnce(&mut Vm) -> HelperResult) -> u64 {
    // SAFETY: by this function's contract.
    let vm = unsafe { &mut *vm };
    let reason = match catch_unwind(AssertUnwindSafe(|| work(vm))) {
        Ok(Ok(bits)) => return bits,
        Ok(Err(error)) => {
            vm.record_compiled_frames();
            ExitReason::Error(*error.0)
        }
        Err(panic) => ExitReason::Panic(panic),
    };
    vm.heap.host.native.exit_reason = Some(reason);
    UNWOUND
}

/// Pushes a block.
///
/// # Safety
/// At `block` are `count + 1` live words.
#[inline(always)]
unsafe fn push_block(vm: &mut Vm, block: *const u64, count: usize) -> Result<(), EvalError> {
    if !vm.heap.stack.has_room(count + 64) {
        return Err(EvalError::StackOverflow);
    }
    for index in 0..=count {
        // SAFETY: by this function's contract.
        let bits = unsafe { block.add(index).read() };
        vm.heap.stack.push(Word::from_bits(bits));
    }
    Ok(())
}

// The helpers. Those with a block are unsafe: they pass it to `push_block`, and have its contract.

fn force(vm: &mut Vm, word: u64) -> HelperResult {
    let word = vm.heap.resolve(Word::from_bits(word));
    if !word.is_thunk() {
        return Ok(word.raw());
    }
    Ok(vm.run(word, false)?.raw())
}

fn normalise(vm: &mut Vm, word: u64) -> HelperResult {
    let word = vm.heap.resolve(Word::from_bits(word));
    if vm.heap.is_normal(word) {
        return Ok(word.raw());
    }
    Ok(vm.run(word, true)?.raw())
}

unsafe fn call(vm: &mut Vm, block: *const u64, count: usize) -> HelperResult {
    // SAFETY: the caller vouches for the block.
    vm.count_call_of_jet(Word::from_bits(unsafe { block.read() }));
    // SAFETY: as above.
    Ok(vm.run_call(|vm| unsafe { push_block(vm, block, count) })?.raw())
}

unsafe fn leave(vm: &mut Vm, block: *const u64, count: usize) -> HelperResult {
    // SAFETY: the caller vouches for the block.
    vm.count_call_of_jet(Word::from_bits(unsafe { block.read() }));
    // SAFETY: as above.
    unsafe { push_block(vm, block, count) }?;
    vm.heap.host.native.parts[0] = (vm.heap.stack.top() - count - 1) as u64;
    Ok(PENDING)
}

unsafe fn apply(vm: &mut Vm, block: *const u64, count: usize) -> HelperResult {
    // SAFETY: the caller vouches for the block.
    unsafe { push_block(vm, block, count) }?;
    shape::apply_lazily(&mut vm.heap, count)?;
    Ok(vm.heap.stack.pop().raw())
}

unsafe fn jet(vm: &mut Vm, block: *const u64, count: usize) -> HelperResult {
    // SAFETY: the caller vouches for the block.
    unsafe { push_block(vm, block, count) }?;
    Ok(vm.run_jet(count)?.raw())
}

unsafe fn row(vm: &mut Vm, block: *const u64, count: usize) -> HelperResult {
    // SAFETY: the caller vouches for the block.
    unsafe { push_block(vm, block, count) }?;
    vm.heap.reserve(2 + count)?;
    let row = vm.heap.allocate_popped(ObjectLayout::Row, 0, 1 + count);
    Ok(row.raw())
}

fn room(vm: &mut Vm, words: usize) -> HelperResult {
    if vm.heap.interrupt.is_pending() {
        vm.obey_interrupt()?;
    }
    vm.heap.make_room(words)?;
    Ok(0)
}

fn limit(vm: &mut Vm) -> HelperResult {
    if vm.native_stack_is_full() {
        return Err(EvalError::StackOverflow.into());
    }
    if vm.heap.interrupt.is_pending() {
        vm.obey_interrupt()?;
    }
    Ok(0)
}

fn parts(vm: &mut Vm, word: u64) -> HelperResult {
    vm.heap.stack.push(Word::from_bits(word));
    Ok(vm.native_parts()?)
}

fn kind(vm: &mut Vm, word: u64) -> HelperResult {
    let word = Word::from_bits(word);
    Ok(match word.kind() {
        WordKind::Nat | WordKind::Big => 3,
        WordKind::Pin => 0,
        WordKind::App | WordKind::Tab => 2,
        WordKind::Row if vm.heap.size(word) > 0 => 2,
        _ => 1,
    })
}

fn arity(vm: &mut Vm, word: u64) -> HelperResult {
    let arity = shape::arity(&vm.heap, Word::from_bits(word));
    Ok(arity.min(DIRECT_LIMIT - 1))
}

/// Item `index` of an app that is one object, read as a row.
fn flat_argument(vm: &Vm, app: Word, index: u64) -> Option<Word> {
    if app.kind() != WordKind::App || vm.heap.load(app, 0).kind() == WordKind::App {
        return None;
    }
    let from_last = usize::try_from(index).ok()?;
    let at = vm.heap.size(app).checked_sub(1)?.checked_sub(from_last)?;
    (at > 0).then(|| vm.heap.load(app, at))
}

fn length(vm: &mut Vm, word: u64) -> HelperResult {
    let base = vm.heap.stack.top();
    vm.heap.stack.push(Word::from_bits(word));
    let count = JetCall { vm, base }.arg_count(0) as u64;
    vm.heap.stack.truncate(base);
    Ok(count)
}

fn flat(vm: &mut Vm, row: u64) -> HelperResult {
    let base = vm.heap.stack.top();
    vm.heap.stack.push(Word::from_bits(row));
    let flat = tree::flattened(&mut vm.heap, base);
    vm.heap.stack.truncate(base);
    Ok(flat?.raw())
}

fn item(vm: &mut Vm, row: u64, index: u64) -> HelperResult {
    // The same rules as for jets: an index that is not a nat counts as 0, and one of 2^64 or more
    // is beyond every row.
    let index = cast(&vm.heap, Word::from_bits(index)).to_u64().unwrap_or(u64::MAX);
    if Word::from_bits(row).kind() == WordKind::Row {
        return Ok(item_of_row(vm, Word::from_bits(row), index));
    }
    if let Some(item) = flat_argument(vm, Word::from_bits(row), index) {
        return Ok(vm.heap.resolve(item).raw());
    }
    let base = vm.heap.stack.top();
    vm.heap.stack.push(Word::from_bits(row));
    let mut call = JetCall { vm, base };
    let count = call.arg_count(0) as u64;
    if index >= count {
        vm.heap.stack.truncate(base);
        return Ok(0);
    }
    // The arguments of an app are its items, the last one first.
    call.push_arg(0, (count - 1 - index) as usize)?;
    let item = vm.heap.stack.pop();
    vm.heap.stack.truncate(base);
    Ok(vm.heap.resolve(item).raw())
}

fn nat(vm: &mut Vm, operation: usize, a: u64, b: u64) -> HelperResult {
    let (a, b) = (Word::from_bits(a), Word::from_bits(b));
    Ok(NatOp::ALL[operation].compute(vm, a, b)?.raw())
}

fn zero_row(vm: &mut Vm, count: usize) -> HelperResult {
    vm.heap.reserve(count.saturating_add(1))?;
    let mut row = vm.heap.allocate(ObjectLayout::Row, 0, count);
    (0..count).for_each(|index| row.set(index, Word::direct(0)));
    Ok(row.finish().raw())
}

fn store(vm: &mut Vm, object: u64, index: usize, value: u64) -> HelperResult {
    vm.heap.store(Word::from_bits(object), index, Word::from_bits(value));
    Ok(0)
}

impl Vm {
    /// The stack index of the call that compiled code left on the evaluation stack.
    pub(crate) fn pending_call(&self) -> usize {
        self.heap.host.native.parts[0] as usize
    }

    /// Stores up to three words, which compiled code reads immediately.
    pub(crate) fn set_parts(&mut self, words: &[Word]) {
        for (part, word) in self.heap.host.native.parts.iter_mut().zip(words) {
            *part = word.raw();
        }
    }
}

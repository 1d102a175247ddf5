//! The shape of a law or an application.
//!
//! PLAN has pins, laws, apps and nats. Some laws and apps have representations of their own (data
//! jets), and a value always has the same shape:
//!
//! | value                                                      | shape            |
//! |------------------------------------------------------------|------------------|
//! | `{0 1 0}`                                                  | the empty row    |
//! | `{0 n+1 0}`                                                | constructor of n |
//! | constructor of n applied to n values                       | row, last first  |
//! | `{1 1 b}`, b one bit above whole bytes                     | bar              |
//! | `{1 2 keys}`, keys a row in strictly ascending order       | set              |
//! | a set applied to a row of as many values                   | table            |
//!
//! A table takes its shape as soon as its row is evaluated: at the latest when the app is
//! normalised. (prototype: `matchData`, `execFrame`)

use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::{EXTRA_MAX, ObjectLayout};
use crate::nat::NatRef;
use crate::tree::{self, Items};
use crate::value_ref::Ref;
use crate::word::{Word, WordKind};

/// Returns the number of arguments that an evaluated value takes; 2^64 - 1 means any larger
/// number too.
#[inline(always)]
pub fn arity(heap: &HeapMemory, word: Word) -> u64 {
    if matches!(word.kind(), WordKind::Law | WordKind::App) {
        let recorded = heap.header(word).extra();
        if recorded < EXTRA_MAX {
            return recorded;
        }
    }
    compute_arity(heap, word)
}

/// Returns the number of arguments that PLAN's operation with that number takes; 1 for a nat that is
/// not the number of an operation.
#[inline]
pub fn nat_arity(nat: u64) -> u64 {
    match nat {
        0 | 2 => 3,
        1 => 5,
        _ => 1,
    }
}

/// Computes the arity of a value whose header does not hold it.
fn compute_arity(heap: &HeapMemory, mut word: Word) -> u64 {
    let mut given = 0;
    loop {
        let arity = match word.kind() {
            WordKind::Nat => nat_arity(word.raw()),
            WordKind::Cow => word.cow_width() + 1,
            WordKind::Set => 2,
            WordKind::Big | WordKind::Bar | WordKind::Row | WordKind::Tab => 1,
            WordKind::Law | WordKind::Pin | WordKind::App => {
                if word.kind() == WordKind::Pin && !heap.is_intact(word) {
                    // A damaged pin counts as the pin of 0, whose arity this is.
                    return 3;
                }
                let header = heap.header(word);
                if header.extra() < EXTRA_MAX {
                    header.extra()
                } else if word.kind() == WordKind::Law {
                    NatRef::of(heap, heap.load(word, 1)).saturating_u64()
                } else {
                    given +=
                        if word.kind() == WordKind::App { header.size() as u64 - 1 } else { 0 };
                    word = heap.load(word, 0);
                    continue;
                }
            }
            WordKind::Thunk | WordKind::Code => {
                unreachable!("only an evaluated value has an arity")
            }
        };
        return if arity == u64::MAX { arity } else { arity - given };
    }
}

/// Extending an app of at least this many words chains another object to it, instead of copying it.
const CHAIN_THRESHOLD: usize = 32;

/// Replaces a function and `count` arguments above it on the stack by the application: an app (or
/// its data jet) if the function is evaluated and takes more arguments, otherwise a thunk.
pub fn apply_lazily(heap: &mut RawHeap, count: usize) -> Result<(), HeapFull> {
    let function = heap.resolve(heap.stack.peek(count));
    if count == 0 {
        return Ok(());
    }
    if !function.is_thunk() {
        let arity = arity(heap, function);
        if arity > count as u64 {
            return make_partial(heap, count, arity);
        }
    }
    let size = (1 + count).max(2);
    heap.reserve(1 + size)?;
    let thunk = heap.allocate_popped(ObjectLayout::ThunkApp, 0, 1 + count);
    heap.stack.push(thunk);
    Ok(())
}

/// Replaces an evaluated function and `count` arguments above it by the app of them (or its data
/// jet). The function takes `arity` arguments, which is more than `count`.
pub fn make_partial(heap: &mut RawHeap, count: usize, arity: u64) -> Result<(), HeapFull> {
    debug_assert!(0 < count && (count as u64) < arity);
    let left = arity - count as u64;
    let at = heap.stack.top() - 1 - count;
    let function = heap.resolve(heap.stack.get(at));
    heap.stack.set(at, function);
    match function.kind() {
        WordKind::Cow if function.cow_width() == count as u64 => make_row(heap, count),
        WordKind::Set if count == 1 => make_table(heap),
        WordKind::App => extend(heap, count, left),
        _ => {
            heap.reserve(2 + count)?;
            push_app(heap, left, 1 + count);
            Ok(())
        }
    }
}

/// Replaces the top `size` words of the stack by the app of them, which takes `left` more
/// arguments.
fn push_app(heap: &mut RawHeap, left: u64, size: usize) {
    let app = heap.allocate_popped(ObjectLayout::App, left.min(EXTRA_MAX), size);
    heap.stack.push(app);
}

/// Replaces a row constructor and all its arguments, last item first, by the row.
fn make_row(heap: &mut RawHeap, count: usize) -> Result<(), HeapFull> {
    heap.reserve(1 + count)?;
    let top = heap.stack.top();
    heap.stack.top_mut(top - count).reverse();
    let row = heap.allocate_popped(ObjectLayout::Row, 0, count);
    heap.stack.truncate(top - count - 1);
    heap.stack.push(row);
    Ok(())
}

/// Replaces a row constructor's app to `given` arguments and the `count` missing ones above it by
/// the row.
fn make_row_of_app(heap: &mut RawHeap, given: usize, count: usize) -> Result<(), HeapFull> {
    heap.reserve(1 + given + count)?;
    let mut row = heap.allocate(ObjectLayout::Row, 0, given + count);
    for index in 0..count {
        row.set(index, heap.stack.peek(index));
    }
    let (mut word, mut next) = (heap.stack.peek(count), count);
    while word.kind() == WordKind::App {
        for arg in heap.words(word, 1).iter().rev() {
            row.set(next, *arg);
            next += 1;
        }
        word = heap.load(word, 0);
    }
    let top = heap.stack.top();
    heap.stack.truncate(top - 1 - count);
    heap.stack.push(row.finish());
    Ok(())
}

/// Replaces a set and its argument by the table if the argument is an evaluated row of the same
/// length, otherwise by an app.
fn make_table(heap: &mut RawHeap) -> Result<(), HeapFull> {
    heap.reserve(3)?;
    let values = heap.resolve(heap.stack.peek(0));
    let keys = heap.stack.peek(1);
    if values.kind() != WordKind::Row || tree::len(heap, values) != tree::len(heap, keys) {
        push_app(heap, 1, 2);
        return Ok(());
    }
    let top = heap.stack.top();
    heap.stack.truncate(top - 2);
    let tab = heap.allocate_words(ObjectLayout::Tab, 0, &[keys, values]);
    heap.stack.push(tab);
    Ok(())
}

/// Extends an app by arguments that leave it `left` arguments to take.
fn extend(heap: &mut RawHeap, count: usize, left: u64) -> Result<(), HeapFull> {
    let app = heap.stack.peek(count);
    let size = heap.size(app);
    // A row lacks nothing but an argument for its constructor, which never comes. Only then the
    // function is looked up: it is at the end of a chain that grows with the app.
    if left == 1
        && let (head, given) = spine(heap, app)
        && head.kind() == WordKind::Cow
    {
        return make_row_of_app(heap, given, count);
    }
    if size >= CHAIN_THRESHOLD {
        heap.reserve(2 + count)?;
        push_app(heap, left, 1 + count);
        return Ok(());
    }
    heap.reserve(1 + size + count)?;
    let at = heap.stack.top() - 1 - count;
    let app = heap.stack.get(at);
    let mut draft = heap.allocate(ObjectLayout::App, left.min(EXTRA_MAX), size + count);
    draft.copy_from(0, heap.words(app, 0));
    draft.copy_from(size, heap.stack.top_from(at + 1));
    heap.stack.truncate(at);
    heap.stack.push(draft.finish());
    Ok(())
}

/// Returns the function under an app's arguments, and the number of those.
pub fn spine(heap: &HeapMemory, mut word: Word) -> (Word, usize) {
    let mut given = 0;
    while word.kind() == WordKind::App {
        given += heap.size(word) - 1;
        word = heap.load(word, 0);
    }
    (word, given)
}

/// Replaces an app that is under `count` words of the stack by its function and its arguments.
/// The stack has room for them.
pub fn expand(heap: &mut RawHeap, count: usize) {
    let at = heap.stack.top() - 1 - count;
    let app = heap.stack.get(at);
    let (head, given) = spine(heap, app);
    heap.stack.open_gap(at + 1, given);
    heap.stack.set(at, head);
    let mut end = at + 1 + given;
    let mut word = app;
    while word.kind() == WordKind::App {
        let args = heap.size(word) - 1;
        end -= args;
        for index in 0..args {
            let arg = heap.load(word, 1 + index);
            heap.stack.set(end + index, arg);
        }
        word = heap.load(word, 0);
    }
}

/// The number of arguments in each object of a chain that [`split_app`] makes.
const LINK_ARGUMENTS: usize = 16;

/// Replaces an app on top of the stack, or a row or table seen as one, by its function (applied to
/// all arguments but the last) and its last argument.
pub fn split_app(heap: &mut RawHeap) -> Result<(), HeapFull> {
    let word = heap.stack.peek(0);
    match word.kind() {
        WordKind::Tab => {
            heap.stack.pop();
            for part in [heap.load(word, 0), heap.load(word, 1)] {
                heap.stack.push(part);
            }
        }
        WordKind::Row => {
            let size = tree::len(heap, word);
            heap.reserve(chained_words(size - 1))?;
            let row = heap.stack.pop();
            let mut args: Vec<Word> = Items::of(row, heap).iter().map(|item| item.word).collect();
            args.reverse();
            let last = args.pop().unwrap_or(Word::ZERO);
            let function = chain_app(heap, Word::cow(size as u64), &args);
            heap.stack.push(function);
            heap.stack.push(last);
        }
        _ => {
            let size = heap.size(word);
            heap.reserve(chained_words(size - 2))?;
            let app = heap.stack.pop();
            let (head, last) = (heap.load(app, 0), heap.load(app, size - 1));
            let args: Vec<Word> = heap.words(app, 1)[..size - 2].to_vec();
            let function = chain_app(heap, head, &args);
            heap.stack.push(function);
            heap.stack.push(last);
        }
    }
    Ok(())
}

/// Returns the number of words that [`chain_app`] allocates at most for that many arguments.
fn chained_words(args: usize) -> usize {
    args + 2 * args.div_ceil(LINK_ARGUMENTS) + 2 * CHAIN_THRESHOLD
}

/// Makes the app of a function to `args`, which are fewer than it takes. A long app is chained, so
/// that removing one argument after the other costs no more than reading them.
fn chain_app(heap: &mut RawHeap, head: Word, args: &[Word]) -> Word {
    let mut left = arity(heap, head);
    let mut function = head;
    let width = if args.len() < CHAIN_THRESHOLD { CHAIN_THRESHOLD } else { LINK_ARGUMENTS };
    for chunk in args.chunks(width) {
        left = left.saturating_sub(chunk.len() as u64);
        let mut draft = heap.allocate(ObjectLayout::App, left.min(EXTRA_MAX), 1 + chunk.len());
        draft.set(0, function);
        draft.copy_from(1, chunk);
        function = draft.finish();
    }
    function
}

impl Ref<'_> {
    /// Returns the number of arguments that the value takes; 2^64 - 1 means any larger number
    /// too. `None` if the value is not evaluated.
    pub fn arity(self) -> Option<u64> {
        self.is_evaluated().then(|| arity(self.heap, self.word))
    }
}

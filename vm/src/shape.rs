//! Which shape a law or an application takes.
//!
//! PLAN knows pins, laws, apps and nats. Some laws and apps have machine shapes of their own (data
//! jets), and the same value always takes the same shape:
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
//! The last takes its shape as soon as the row is evaluated: at the latest when the app is
//! normalised. (prototype: `matchData`, `execFrame`)

use crate::Stop;
use crate::heap::object::{self, EXTRA_MAX, Header, Layout};
use crate::heap::{Heap, HeapFull};
use crate::nat::{BarDraft, NatRef, limbs};
use crate::pinspace::record;
use crate::word::{COW_LIMIT, Kind, Word};
use crate::{Items, order, tree};
use std::cmp::Ordering;

/// How many arguments a value takes when it is called. Those of 2^64 - 1 or more count as that.
#[inline(always)]
pub(crate) fn arity(heap: &Heap, word: Word) -> u64 {
    if matches!(word.kind(), Kind::Law | Kind::App) {
        let noted = heap.header(word).extra();
        if noted < EXTRA_MAX {
            return noted;
        }
    }
    found_arity(heap, word)
}

/// [`arity`] where it has to be looked for.
fn found_arity(heap: &Heap, mut word: Word) -> u64 {
    let mut given = 0;
    loop {
        let arity = match word.kind() {
            Kind::Nat => match word.raw() {
                0 | 2 => 3,
                1 => 5,
                _ => 1,
            },
            Kind::Cow => word.cow_width() + 1,
            Kind::Set => 2,
            Kind::Big | Kind::Bar | Kind::Row | Kind::Tab => 1,
            Kind::Law | Kind::Pin | Kind::App => {
                if word.kind() == Kind::Pin && !record::is_whole(word.address()) {
                    // The arity of the 0 that it counts as.
                    return 3;
                }
                let header = heap.header(word);
                if header.extra() < EXTRA_MAX {
                    header.extra()
                } else if word.kind() == Kind::Law {
                    NatRef::of(heap.load(word, 1)).saturating_u64()
                } else {
                    given += if word.kind() == Kind::App { header.size() as u64 - 1 } else { 0 };
                    word = heap.load(word, 0);
                    continue;
                }
            }
            Kind::Thunk | Kind::Code => unreachable!("only an evaluated value has an arity"),
        };
        return if arity == u64::MAX { arity } else { arity - given };
    }
}

/// An app with at least this many words is not copied to be extended, but chained.
const CHAIN: usize = 32;

/// Replaces a function and `count` arguments above it on the stack by the application: an app (or
/// the data jet it is) if the function is evaluated and takes more arguments, else a thunk.
pub(crate) fn apply_lazily(heap: &mut Heap, count: usize) -> Result<(), HeapFull> {
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
    let thunk = heap.allocate_popped(Layout::ThunkApp, 0, 1 + count);
    heap.stack.push(thunk);
    Ok(())
}

/// Replaces an evaluated function of that arity, which is more than `count`, and so many arguments
/// above it, by the app of them (or the data jet it is).
pub(crate) fn make_partial(heap: &mut Heap, count: usize, arity: u64) -> Result<(), HeapFull> {
    debug_assert!(0 < count && (count as u64) < arity);
    let left = arity - count as u64;
    let at = heap.stack.top() - 1 - count;
    let function = heap.resolve(heap.stack.get(at));
    heap.stack.set(at, function);
    match function.kind() {
        Kind::Cow if function.cow_width() == count as u64 => make_row(heap, count),
        Kind::Set if count == 1 => make_keyed(heap),
        Kind::App => extend(heap, count, left),
        _ => {
            heap.reserve(2 + count)?;
            push_app(heap, left, 1 + count);
            Ok(())
        }
    }
}

/// Allocates the app of the top `size` words of the stack in their place.
fn push_app(heap: &mut Heap, left: u64, size: usize) {
    let app = heap.allocate_popped(Layout::App, left.min(EXTRA_MAX), size);
    heap.stack.push(app);
}

/// A row constructor and all its arguments, last item first.
fn make_row(heap: &mut Heap, count: usize) -> Result<(), HeapFull> {
    heap.reserve(1 + count)?;
    let top = heap.stack.top();
    heap.stack.top_mut(top - count).reverse();
    let row = heap.allocate_popped(Layout::Row, 0, count);
    heap.stack.truncate(top - count - 1);
    heap.stack.push(row);
    Ok(())
}

/// A set and one argument: a table if that is evaluated, and a row of as many values.
fn make_keyed(heap: &mut Heap) -> Result<(), HeapFull> {
    heap.reserve(3)?;
    let values = heap.resolve(heap.stack.peek(0));
    let keys = heap.stack.peek(1);
    if values.kind() != Kind::Row || tree::len(heap, values) != tree::len(heap, keys) {
        push_app(heap, 1, 2);
        return Ok(());
    }
    heap.stack.truncate(heap.stack.top() - 2);
    let tab = heap.allocate_words(Layout::Tab, 0, &[keys, values]);
    heap.stack.push(tab);
    Ok(())
}

/// An app and more arguments, which leave it so many to take.
fn extend(heap: &mut Heap, count: usize, left: u64) -> Result<(), HeapFull> {
    let app = heap.stack.peek(count);
    let size = heap.size(app);
    let (head, given) = spine(heap, app);
    if head.kind() == Kind::Cow && head.cow_width() == (given + count) as u64 {
        expand(heap, count);
        return make_row(heap, given + count);
    }
    if size >= CHAIN {
        heap.reserve(2 + count)?;
        push_app(heap, left, 1 + count);
        return Ok(());
    }
    heap.reserve(1 + size + count)?;
    let at = heap.stack.top() - 1 - count;
    let app = heap.stack.get(at);
    let address = heap.allocate(Layout::App, left.min(EXTRA_MAX), size + count);
    object::copy(app.address(), 0, address, 0, size);
    for (index, arg) in heap.stack.top_from(at + 1).iter().enumerate() {
        object::store_raw(address, size + index, arg.raw());
    }
    heap.stack.truncate(at);
    heap.stack.push(Word::object(Kind::App, address));
    Ok(())
}

/// The function under an app's arguments, and how many those are.
pub(crate) fn spine(heap: &Heap, mut word: Word) -> (Word, usize) {
    let mut given = 0;
    while word.kind() == Kind::App {
        given += heap.size(word) - 1;
        word = heap.load(word, 0);
    }
    (word, given)
}

/// Replaces an app that lies under `count` values on the stack by its function and its arguments.
/// The stack must have room for them.
pub(crate) fn expand(heap: &mut Heap, count: usize) {
    let at = heap.stack.top() - 1 - count;
    let app = heap.stack.get(at);
    let (head, given) = spine(heap, app);
    heap.stack.open_gap(at + 1, given);
    heap.stack.set(at, head);
    let mut end = at + 1 + given;
    let mut word = app;
    while word.kind() == Kind::App {
        let args = heap.size(word) - 1;
        end -= args;
        for index in 0..args {
            let arg = heap.load(word, 1 + index);
            heap.stack.set(end + index, arg);
        }
        word = heap.load(word, 0);
    }
}

/// Replaces name, arity and body (all in normal form) by the law, or the data jet it is. Not nats
/// count as 0. Says false, and leaves the stack as it is, if the arity is 0.
///
/// # Errors
/// [`Stop::HeapFull`], and [`Stop::Interrupted`] while keys are compared.
pub(crate) fn make_law(heap: &mut Heap) -> Result<bool, Stop> {
    let top = heap.stack.top();
    for index in [top - 3, top - 2] {
        let word = heap.resolve(heap.stack.get(index));
        let nat = matches!(word.kind(), Kind::Nat | Kind::Big);
        heap.stack.set(index, if nat { word } else { Word::ZERO });
    }
    let (name, arity) = (heap.stack.peek(2), heap.stack.peek(1));
    let body = heap.resolve(heap.stack.peek(0));
    let data = match (name.as_direct(), arity.as_direct(), body.kind()) {
        (_, Some(0), _) => return Ok(false),
        (Some(0), Some(1), Kind::Nat) if body == Word::ZERO => {
            heap.reserve(1)?;
            Some(heap.allocate_words(Layout::Row, 0, &[]))
        }
        (Some(0), Some(n), Kind::Nat) if body == Word::ZERO && n <= COW_LIMIT => {
            Some(Word::cow(n - 1))
        }
        (Some(1), Some(1), Kind::Nat | Kind::Big) => match_bar(heap, body)?,
        (Some(1), Some(2), Kind::Row) if is_ascending(heap, body)? => Some(tree::set_of_row(heap)?),
        _ => None,
    };
    let word = match data {
        Some(word) => word,
        None => {
            heap.reserve(5)?;
            let arity = NatRef::of(heap.stack.peek(1)).saturating_u64().min(EXTRA_MAX);
            heap.stack.push(Word::ZERO);
            heap.allocate_popped(Layout::Law, arity, 4)
        }
    };
    heap.stack.truncate(top - 3);
    heap.stack.push(word);
    Ok(true)
}

fn is_ascending(heap: &Heap, row: Word) -> Result<bool, Stop> {
    let items = Items::of(row, heap);
    for (low, high) in items.iter().zip(items.iter().skip(1)) {
        if order::try_compare(low, high)? != Ordering::Less {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The bar that a law `{1 1 body}` is, if its body, on top of the stack, is one bit above whole
/// bytes.
fn match_bar(heap: &mut Heap, body: Word) -> Result<Option<Word>, HeapFull> {
    let bits = NatRef::of(body).bits();
    if bits == 0 || !(bits - 1).is_multiple_of(8) {
        return Ok(None);
    }
    let top = heap.stack.top() - 1;
    heap.stack.set(top, body);
    let mut draft = BarDraft::new(heap, (bits - 1) / 8)?;
    limbs::to_bytes(draft.bytes(), NatRef::of(heap.stack.peek(0)).limbs());
    Ok(Some(draft.finish()))
}

/// The limbs of the nat that is a bar's law body: its bytes and a one above them.
pub(crate) fn bar_body_limbs(bytes: &[u8]) -> Vec<u64> {
    let mut with_end = Vec::with_capacity(bytes.len() + 1);
    with_end.extend_from_slice(bytes);
    with_end.push(1);
    crate::nat::limbs_of_bytes(&with_end)
}

/// Marks an object whose values are all in normal form as being so itself.
pub(crate) fn mark_normal(word: Word) {
    let header: Header = object::header(word.address());
    object::set_header(word.address(), header.with_normal());
}

/// Arguments a link when a long app is chained to be taken apart.
const LINK: usize = 16;

/// Replaces an app, or a row or table seen as one, on top of the stack by its function (applied to
/// all arguments but the last) and its last argument.
pub(crate) fn split_app(heap: &mut Heap) -> Result<(), HeapFull> {
    let word = heap.stack.peek(0);
    match word.kind() {
        Kind::Tab => {
            heap.stack.pop();
            for part in [heap.load(word, 0), heap.load(word, 1)] {
                heap.stack.push(part);
            }
        }
        Kind::Row => {
            let size = tree::len(heap, word);
            heap.reserve(linked_words(size - 1))?;
            let row = heap.stack.pop();
            let mut args: Vec<Word> = Items::of(row, heap).iter().map(|item| item.word).collect();
            args.reverse();
            let last = args.pop().unwrap_or(Word::ZERO);
            let function = link(heap, Word::cow(size as u64), &args);
            heap.stack.push(function);
            heap.stack.push(last);
        }
        _ => {
            let size = heap.size(word);
            heap.reserve(linked_words(size - 2))?;
            let app = heap.stack.pop();
            let (head, last) = (heap.load(app, 0), heap.load(app, size - 1));
            let args: Vec<Word> = heap.words(app, 1)[..size - 2].to_vec();
            let function = link(heap, head, &args);
            heap.stack.push(function);
            heap.stack.push(last);
        }
    }
    Ok(())
}

/// Room that [`link`] needs for so many arguments.
fn linked_words(args: usize) -> usize {
    args + 2 * args.div_ceil(LINK) + 2 * CHAIN
}

/// The app of a function to arguments of which it takes more; a long one chained, so that taking
/// off one argument after the other costs no more than looking at them.
fn link(heap: &mut Heap, head: Word, args: &[Word]) -> Word {
    let mut left = arity(heap, head);
    let mut function = head;
    let width = if args.len() < CHAIN { CHAIN } else { LINK };
    for chunk in args.chunks(width) {
        left = left.saturating_sub(chunk.len() as u64);
        let address = heap.allocate(Layout::App, left.min(EXTRA_MAX), 1 + chunk.len());
        object::store_raw(address, 0, function.raw());
        for (index, arg) in chunk.iter().enumerate() {
            object::store_raw(address, 1 + index, arg.raw());
        }
        function = Word::object(Kind::App, address);
    }
    function
}

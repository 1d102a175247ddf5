//! A traversal of a value from the outside in, without recursion.
//!
//! The walk visits a value before its parts, and those from left to right: a law's body, an app's
//! function and then its arguments, a row's items, a set's keys, a table's keys and then its
//! values. A row constructor has no parts, and those of a pin are not visited. This is the order in
//! which values are hashed, and in which a pin lists the pins that it refers to.

use crate::error::EvalError;
use crate::heap::HeapMemory;
use crate::map::Map;
use crate::pin;
use crate::value_ref::Ref;
use crate::view::{LawRef, Shape};
use crate::visited::VisitedObjects;
use crate::word::{Word, WordKind};
use crate::{bar, tree};
use std::collections::HashSet;

/// Whether a law is a row constructor that is too wide for a shape of its own (see
/// [`shape`](crate::raw::shape)).
pub fn is_wide_constructor(law: LawRef<'_>) -> bool {
    law.name().is_zero() && law.body().as_nat().is_some_and(|body| body.is_zero())
}

/// A walk over one value, which returns every value in it, in the order that the module
/// documentation gives.
///
/// Its memory grows with the depth of nesting to the left only: a long list costs nothing. A shared
/// value is visited each time it occurs, unless the walk is over [distinct](Walk::distinct)
/// objects. A long walk checks that it will end: see [`MAX_PARTS`].
pub(crate) struct Walk<'h> {
    heap: &'h HeapMemory,
    start: Word,
    next: Option<Word>,
    pending: Vec<PendingRange>,
    steps: u64,
    /// In a walk over distinct objects, those that have been visited since it began to record them.
    seen: Option<HashSet<u64>>,
}

/// The values of one object that are still to be visited, at least one.
struct PendingRange {
    object: Word,
    next: u32,
    end: u32,
}

/// The largest number of parts of a value that is hashed. A few dozen rows, if each row has the
/// one before twice, have more parts than any machine can write; the limit is the same on all
/// machines. [`Ref::written_size`] counts the parts.
pub const MAX_PARTS: u64 = 1 << 30;

/// The number of steps after which a walk computes the size of the value.
const SIZE_CHECK_STEP: u64 = 1 << 20;

/// The number of steps between two checks for an interrupt, a power of two.
const POLL_INTERVAL: u64 = 1 << 12;

impl<'h> Walk<'h> {
    pub(crate) fn new(value: Ref<'h>) -> Walk<'h> {
        let heap = value.heap;
        Walk {
            heap,
            start: value.word,
            next: Some(value.word),
            pending: vec![],
            steps: 0,
            seen: None,
        }
    }

    /// A walk that may omit objects that it has visited before.
    pub(crate) fn distinct(value: Ref<'h>) -> Walk<'h> {
        Walk { seen: Some(HashSet::new()), ..Walk::new(value) }
    }

    /// Returns the next value; `None` at the end.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`], and [`EvalError::TooLarge`] if the value has too many parts.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Ref<'h>>, EvalError> {
        let word = match self.next.take() {
            Some(word) => word,
            None => {
                let Some(run) = self.pending.last_mut() else { return Ok(None) };
                let word = self.heap.load(run.object, run.next as usize);
                run.next += 1;
                if run.next == run.end {
                    self.pending.pop();
                }
                word
            }
        };
        self.steps += 1;
        if self.steps.is_multiple_of(POLL_INTERVAL) {
            self.poll()?;
        }
        let value = Ref::new(word, self.heap);
        if self.steps < SIZE_CHECK_STEP || self.mark_seen(value.word) {
            runs(self.heap, value.word, |run| self.pending.push(run));
        }
        Ok(Some(value))
    }

    #[cold]
    fn poll(&self) -> Result<(), EvalError> {
        self.heap.interrupt.check()?;
        if self.seen.is_none() && self.steps == SIZE_CHECK_STEP {
            let size = Ref::new(self.start, self.heap).written_size(PinCounting::Opaque)?;
            if size > MAX_PARTS {
                return Err(EvalError::TooLarge { parts: MAX_PARTS });
            }
        }
        Ok(())
    }

    /// Whether the parts of an object are to be visited. Marks it as visited.
    fn mark_seen(&mut self, word: Word) -> bool {
        match &mut self.seen {
            Some(seen) if word.has_object() => seen.insert(word.raw()),
            _ => true,
        }
    }
}

/// Passes the ranges of payload words that are the parts of a value to `push`, the last first.
fn runs(heap: &HeapMemory, word: Word, mut push: impl FnMut(PendingRange)) {
    let mut run = |object: Word, next: usize, end: usize| {
        if next < end {
            // An object has at most `PAYLOAD_MAX` words, which is `u32::MAX`.
            push(PendingRange { object, next: next as u32, end: end as u32 });
        }
    };
    match word.kind() {
        WordKind::Nat | WordKind::Big | WordKind::Pin | WordKind::Bar | WordKind::Cow => {}
        WordKind::Law => match Ref::new(word, heap).shape() {
            Shape::Law(law) if is_wide_constructor(law) => {}
            _ => run(word, 2, 3),
        },
        WordKind::Row | WordKind::Set => {
            tree::for_each_leaf_reversed(heap, word, &mut |leaf| run(leaf, 0, heap.size(leaf)));
        }
        WordKind::Tab => {
            for items in [heap.load(word, 1), heap.load(word, 0)] {
                tree::for_each_leaf_reversed(heap, items, &mut |leaf| {
                    run(leaf, 0, heap.size(leaf))
                });
            }
        }
        WordKind::App => {
            let mut link = word;
            loop {
                let function = heap.load(link, 0);
                let chained = function.kind() == WordKind::App;
                run(link, usize::from(chained), heap.size(link));
                if !chained {
                    break;
                }
                link = function;
            }
        }
        WordKind::Thunk | WordKind::Code => {}
    }
}

/// How [`Ref::written_size`] counts a pin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinCounting {
    /// As one part; its item is not counted.
    Opaque,
    /// With its item, which counts once for each pin.
    Expanded,
}

impl Ref<'_> {
    /// Returns the number of parts of a value that is written out: one for each value in it,
    /// counted each time it occurs, and one for eight bytes of a nat or bar. The time and memory
    /// needed grow with the number of objects.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn written_size(self, pins: PinCounting) -> Result<u64, EvalError> {
        Ok(written_size(self, pins, usize::MAX)?.unwrap_or(u64::MAX))
    }

    /// Returns [`Ref::written_size`] if the value has at most about `max_objects` objects, which
    /// bounds the time and memory needed; else `None`. A request to stop also ends the count, and
    /// stays for the code that can report it.
    pub fn written_size_if_small(self, pins: PinCounting, max_objects: usize) -> Option<u64> {
        written_size(self, pins, max_objects).unwrap_or_else(|_| {
            self.heap.interrupt.set();
            None
        })
    }

    /// Returns whether another thread has requested that the work on the value's heap stops. The
    /// request stays.
    pub fn is_interrupted(self) -> bool {
        self.heap.interrupt.is_requested()
    }

    /// Returns the number of words that the value's heap may hold.
    pub fn heap_limit(self) -> usize {
        self.heap.limit_words()
    }
}

/// Returns the number of parts of a value that is written out: one for each value in it, counted
/// each time it occurs, and one for eight bytes of a nat or bar; `None` if more than about
/// `max_objects` objects are in it. The time and memory needed grow with the number of objects.
///
/// # Errors
/// [`EvalError::Interrupted`].
fn written_size(
    value: Ref<'_>,
    pins: PinCounting,
    max_objects: usize,
) -> Result<Option<u64>, EvalError> {
    let heap = value.heap;
    let mut sizes: Map<u64, u64> = Map::default();
    let mut pinned: u64 = 0;
    // An object is pushed a second time, to be summed up once its parts have been measured.
    let mut pending = vec![(value.word, false)];
    let mut steps: u64 = 0;
    while let Some((word, is_open)) = pending.pop() {
        steps += 1;
        if steps.is_multiple_of(POLL_INTERVAL) {
            heap.interrupt.check()?;
        }
        if !word.has_object() || sizes.contains_key(&word.raw()) {
            continue;
        }
        if !is_open {
            if sizes.len().max(pending.len()).max(heap.size(word)) >= max_objects {
                return Ok(None);
            }
            pending.push((word, true));
            let mut room = max_objects;
            each_part(heap, word, |part| {
                if part.has_object() && room > 0 {
                    room -= 1;
                    pending.push((part, false));
                }
            });
            if room == 0 {
                return Ok(None);
            }
            if word.kind() == WordKind::Pin && pins == PinCounting::Expanded {
                pending.push((pin::item(heap, word), false));
            }
            continue;
        }
        let size_of = |part: Word| sizes.get(&part.raw()).copied().unwrap_or(1);
        let mut size = 1 + words_of_leaf(heap, word);
        each_part(heap, word, |part| size = size.saturating_add(size_of(part)));
        if word.kind() == WordKind::Pin && pins == PinCounting::Expanded {
            pinned = pinned.saturating_add(size_of(pin::item(heap, word)));
        }
        sizes.insert(word.raw(), size);
    }
    let size = sizes.get(&value.word.raw()).copied().unwrap_or(1);
    Ok(Some(size.saturating_add(pinned)))
}

/// Passes each part of a value to `part`.
fn each_part(heap: &HeapMemory, word: Word, mut part: impl FnMut(Word)) {
    runs(heap, word, |run| {
        (run.next..run.end).for_each(|at| part(heap.resolve(heap.load(run.object, at as usize))));
    });
}

fn words_of_leaf(heap: &HeapMemory, word: Word) -> u64 {
    match word.kind() {
        WordKind::Big => heap.size(word) as u64,
        WordKind::Bar => 1 + bar::bytes(heap, word).len().div_ceil(8) as u64,
        _ => 0,
    }
}

impl<'h> Ref<'h> {
    /// Adds the parts of a value to a list, from left to right: a law's body, an app's head and arguments,
    /// the items of a row or set, the keys and then the values of a table. Any other value has none, a
    /// pin neither.
    pub fn push_parts(self, parts: &mut Vec<Ref<'h>>) {
        match self.shape() {
            Shape::Law(law) => parts.push(law.body()),
            Shape::App(app) => {
                parts.push(app.head());
                parts.extend(app.args());
            }
            Shape::Row(items) | Shape::Set(items) => parts.extend(items.iter()),
            Shape::Tab(keys, values) => parts.extend(keys.iter().chain(values.iter())),
            Shape::Nat(_) | Shape::Bar(_) | Shape::Cow(_) | Shape::Pin(_) | Shape::Thunk => {}
        }
    }
}

/// Whether the objects of a value in normal form take more than `limit` words, each object counted
/// once, however often it occurs. Pins in it count without their items. The time and memory needed are
/// bounded by `limit`.
pub fn takes_more_words_than(value: Ref<'_>, limit: usize) -> bool {
    let memory = value.heap;
    let (mut visited, mut pending, mut words) = (VisitedObjects::default(), vec![value.word], 0);
    while let Some(word) = pending.pop() {
        let word = memory.resolve(word);
        if !word.has_object() || !visited.insert(word.address()) {
            continue;
        }
        let object = memory.object(word);
        let header = object.header();
        words += 1 + header.size();
        if words > limit {
            return true;
        }
        if word.kind() != WordKind::Pin && !word.is_thunk() {
            let values = header.layout().values(header.size());
            pending.extend_from_slice(object.words(values.start, values.len()));
        }
    }
    false
}

/// Whether a value has more than `limit` parts: one for each value in it, counted each time it
/// occurs, and one for eight bytes of a nat or bar. If the value is a pin, its item is counted too;
/// other pins count as one part, as in the short printed form. The time and memory needed are
/// bounded by `limit`.
pub fn is_larger_than<'h>(mut value: Ref<'h>, limit: usize) -> bool {
    let mut seen = 0usize;
    while let Shape::Pin(pin) = value.shape() {
        seen += 1;
        if seen > limit {
            return true;
        }
        value = pin.item();
    }
    let mut pending = Vec::new();
    let mut next = Some(value);
    while let Some(value) = next {
        let shape = value.shape();
        let parts = match shape {
            Shape::Nat(nat) => nat.limbs().len(),
            Shape::Bar(bytes) => bytes.len() / 8,
            Shape::App(app) => 1 + app.len(),
            Shape::Row(items) | Shape::Set(items) => items.len(),
            Shape::Tab(keys, values) => keys.len() + values.len(),
            Shape::Law(_) => 1,
            Shape::Pin(_) | Shape::Cow(_) | Shape::Thunk => 0,
        };
        seen = seen.saturating_add(1).saturating_add(parts);
        if seen > limit {
            return true;
        }
        let is_leaf = matches!(shape, Shape::Nat(_) | Shape::Bar(_) | Shape::Pin(_));
        // The parts are counted when they are visited; small nats are counted here.
        seen -= if is_leaf { 0 } else { parts };
        let mut see = |value: Ref<'h>| match value.word.as_direct() {
            Some(nat) => seen += 1 + usize::from(nat > 0),
            None => pending.push(value),
        };
        match shape {
            Shape::App(app) => {
                see(app.head());
                app.runs().for_each(|run| run.iter().for_each(&mut see));
            }
            Shape::Row(items) | Shape::Set(items) => items.iter().for_each(see),
            Shape::Tab(keys, values) => keys.iter().chain(values.iter()).for_each(see),
            Shape::Law(law) => see(law.body()),
            _ => {}
        }
        next = pending.pop();
    }
    seen > limit
}

#[cfg(test)]
mod tests;

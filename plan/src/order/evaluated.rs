//! Comparison of values of one heap that reads evaluated parts only, and gives up early.
//!
//! Programs compare names, pairs and small rows, and search tables for such keys. This comparison
//! has no memory of equal pairs, no list of pending pairs and no poll, so it costs a few
//! instructions for each pair of parts. Callers that need an answer in any case evaluate the part that
//! it stopped at and repeat it, or continue with a comparison that has no limits.

use crate::bar;
use crate::heap::HeapMemory;
use crate::layout::ObjectLayout;
use crate::nat::NatRef;
use crate::tree::Items;
use crate::value_ref::Ref;
use crate::word::{Word, WordKind};
use std::cmp::Ordering;

/// The most pairs of parts that are compared, those that are the same small nat not counted: a bound
/// for the time and for the recursion.
const PAIRS_LIMIT: u32 = 64;

/// Why a comparison of evaluated parts has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ComparisonObstacle {
    /// The order depends on this part, a thunk that is not evaluated. If it depends on two parts that
    /// are compared with each other, this is the one of the left value.
    Unevaluated(Word),
    /// The order depends on parts other than nats, bars and flat rows, or on too many.
    Unsupported,
}

use ComparisonObstacle::{Unevaluated, Unsupported};

impl<'h> Ref<'h> {
    /// Compares two values of one heap, which may have unevaluated parts, if the parts that decide
    /// are evaluated nats, bars and flat rows, and are few.
    ///
    /// # Panics
    /// In debug builds, if the values are of different heaps.
    ///
    /// # Errors
    /// The part that the comparison stopped at.
    #[inline]
    pub fn compare_evaluated(self, other: Ref<'_>) -> Result<Ordering, ComparisonObstacle> {
        debug_assert!(self.is_in_heap_of(other), "the values are of one heap");
        let pairs = &mut PAIRS_LIMIT.clone();
        compare_words(self.heap, self.word, other.word, pairs)
    }

    /// Whether two values are of the same heap.
    #[inline]
    pub(super) fn is_in_heap_of(self, other: Ref<'_>) -> bool {
        std::ptr::eq(self.heap, other.heap)
    }
}

impl Items<'_> {
    /// Searches these items, which are ascending values in normal form of the same heap, for a key of
    /// which parts may be unevaluated. Returns the index of the key, or else (the inner `Err`) that
    /// of the first item above it.
    ///
    /// # Errors
    /// The part of the key that a comparison with an item stopped at.
    pub fn search_evaluated(
        self,
        key: Ref<'_>,
    ) -> Result<Result<usize, usize>, ComparisonObstacle> {
        if key.word.kind() == WordKind::Bar {
            return self.search_bar(key);
        }
        if let Some(nats) = small_nats(key)
            && let Some(position) = self.search_small_nats(nats)
        {
            return Ok(position);
        }
        let mut obstacle = None;
        let position = self.binary_search_by(|item| {
            if obstacle.is_some() {
                return Ordering::Equal;
            }
            item.compare_evaluated(key).unwrap_or_else(|found| {
                obstacle = Some(found);
                Ordering::Equal
            })
        });
        obstacle.map_or(Ok(position), Err)
    }

    /// [`Items::search_evaluated`] for a bar, whose bytes are found only once.
    fn search_bar(self, key: Ref<'_>) -> Result<Result<usize, usize>, ComparisonObstacle> {
        let (heap, bytes) = (key.heap, bar::bytes(key.heap, key.word));
        let number = bar::number_of_one_word(bytes);
        let mut obstacle = None;
        let position = self.binary_search_by(|item| match item.word.kind() {
            _ if obstacle.is_some() => Ordering::Equal,
            WordKind::Bar
                if let Some(number) = number
                    && let Some(item) = bar::flat_number(heap, item.word, bytes.len()) =>
            {
                item.map_or_else(|order| order, |item| item.cmp(&number))
            }
            WordKind::Bar => bar::compare_bytes(bar::bytes(heap, item.word), bytes),
            _ => item.compare_evaluated(key).unwrap_or_else(|found| {
                obstacle = Some(found);
                Ordering::Equal
            }),
        });
        obstacle.map_or(Ok(position), Err)
    }
}

impl Items<'_> {
    /// Searches these items, which are ascending values in normal form, for the row of these nats below
    /// 2^63. `None` if that needs a comparison with an item that is no nat, bar or flat row.
    fn search_small_nats(self, nats: &[Word]) -> Option<Result<usize, usize>> {
        let mut is_decided = true;
        let position = self.binary_search_by(|item| {
            compare_with_small_nats(item, nats).unwrap_or_else(|| {
                is_decided = false;
                Ordering::Equal
            })
        });
        is_decided.then_some(position)
    }
}

/// The items of a value that is a flat row of nats below 2^63, and has some.
fn small_nats(value: Ref<'_>) -> Option<&[Word]> {
    let row = value.heap.resolve(value.word);
    if row.kind() != WordKind::Row || value.heap.header(row).layout() != ObjectLayout::Row {
        return None;
    }
    let items = value.heap.words(row, 0);
    (!items.is_empty() && items.iter().all(|item| item.is_direct())).then_some(items)
}

/// Compares a value in normal form with the row of some nats below 2^63, as [`compare_rows`] does.
#[inline]
fn compare_with_small_nats(item: Ref<'_>, nats: &[Word]) -> Option<Ordering> {
    let word = item.heap.resolve(item.word);
    match word.kind() {
        WordKind::Nat | WordKind::Big => return Some(Ordering::Less),
        WordKind::Row if item.heap.header(word).layout() == ObjectLayout::Row => {}
        _ => return None,
    }
    let items = item.heap.words(word, 0);
    if items.len() != nats.len() {
        return Some(items.len().cmp(&nats.len()));
    }
    for (item, nat) in items.iter().zip(nats).rev() {
        if item == nat {
            continue;
        }
        return match item.as_direct() {
            // Every other value is greater than a nat below 2^63; a thunk stands for one.
            None if item.is_thunk() => None,
            None => Some(Ordering::Greater),
            Some(item) => Some(item.cmp(&nat.raw())),
        };
    }
    Some(Ordering::Equal)
}

#[inline]
fn compare_words(
    heap: &HeapMemory,
    left: Word,
    right: Word,
    pairs: &mut u32,
) -> Result<Ordering, ComparisonObstacle> {
    match (left.as_direct(), right.as_direct()) {
        (Some(left), Some(right)) => Ok(left.cmp(&right)),
        _ => compare_objects(heap, heap.resolve(left), heap.resolve(right), pairs),
    }
}

fn compare_objects(
    heap: &HeapMemory,
    left: Word,
    right: Word,
    pairs: &mut u32,
) -> Result<Ordering, ComparisonObstacle> {
    use WordKind::{Bar, Big, Nat, Row, Thunk};
    if let (Some(left), Some(right)) = (left.as_direct(), right.as_direct()) {
        return Ok(left.cmp(&right));
    }
    match (left.kind(), right.kind()) {
        (Thunk, _) => Err(Unevaluated(left)),
        (_, Thunk) => Err(Unevaluated(right)),
        (Nat | Big, Nat | Big) => Ok(NatRef::of(heap, left).cmp(&NatRef::of(heap, right))),
        // A nat is less than anything else.
        (Nat | Big, _) => Ok(Ordering::Less),
        (_, Nat | Big) => Ok(Ordering::Greater),
        _ if left == right && heap.is_normal(left) => Ok(Ordering::Equal),
        (Row, Row) => compare_rows(heap, left, right, pairs),
        (Bar, Bar) => Ok(bar::compare_bytes(bar::bytes(heap, left), bar::bytes(heap, right))),
        _ => Err(Unsupported),
    }
}

/// Compares two rows: the shorter one is less; of rows of one length the last items decide first.
fn compare_rows(
    heap: &HeapMemory,
    left: Word,
    right: Word,
    pairs: &mut u32,
) -> Result<Ordering, ComparisonObstacle> {
    let is_flat = |row| heap.header(row).layout() == ObjectLayout::Row;
    if !is_flat(left) || !is_flat(right) {
        return Err(Unsupported);
    }
    let (left, right) = (heap.words(left, 0), heap.words(right, 0));
    if left.len() != right.len() {
        return Ok(left.len().cmp(&right.len()));
    }
    let mut index = left.len();
    while index > 0 {
        index -= 1;
        let (left, right) = (left[index], right[index]);
        if left == right && left.is_direct() {
            continue;
        }
        *pairs = pairs.checked_sub(1).ok_or(Unsupported)?;
        let order = match (left.kind(), right.kind()) {
            (WordKind::Nat, WordKind::Nat) => left.raw().cmp(&right.raw()),
            (WordKind::Row, WordKind::Row) if left != right => {
                compare_rows(heap, left, right, pairs)?
            }
            _ => compare_objects(heap, heap.resolve(left), heap.resolve(right), pairs)?,
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

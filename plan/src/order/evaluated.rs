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

/// The result of a comparison, in one register: a comparison of rows makes many of them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PackedOrder(u64);

impl PackedOrder {
    const LESS: PackedOrder = PackedOrder(0);
    const EQUAL: PackedOrder = PackedOrder(1);
    const GREATER: PackedOrder = PackedOrder(2);
    const UNSUPPORTED: PackedOrder = PackedOrder(3);

    #[inline]
    fn of(order: Ordering) -> PackedOrder {
        PackedOrder((1 + order as i64) as u64)
    }

    #[inline(always)]
    fn of_nats(left: u64, right: u64) -> PackedOrder {
        PackedOrder(1 + u64::from(left > right) - u64::from(left < right))
    }

    /// The obstacle [`Unevaluated`]. The word of a thunk is none of the numbers above.
    fn unevaluated(thunk: Word) -> PackedOrder {
        PackedOrder(thunk.raw())
    }

    #[inline(always)]
    fn unpack(self) -> Result<Ordering, ComparisonObstacle> {
        match self {
            PackedOrder::LESS => Ok(Ordering::Less),
            PackedOrder::EQUAL => Ok(Ordering::Equal),
            PackedOrder::GREATER => Ok(Ordering::Greater),
            PackedOrder::UNSUPPORTED => Err(Unsupported),
            PackedOrder(thunk) => Err(Unevaluated(Word::from_bits(thunk))),
        }
    }
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
        _ => compare_objects(heap, heap.resolve(left), heap.resolve(right), pairs).unpack(),
    }
}

fn compare_objects(heap: &HeapMemory, left: Word, right: Word, pairs: &mut u32) -> PackedOrder {
    use WordKind::{Bar, Big, Nat, Row, Thunk};
    if let (Some(left), Some(right)) = (left.as_direct(), right.as_direct()) {
        return PackedOrder::of_nats(left, right);
    }
    match (left.kind(), right.kind()) {
        (Row, Row) if left != right => compare_rows(heap, left, right, pairs),
        (Thunk, _) => PackedOrder::unevaluated(left),
        (_, Thunk) => PackedOrder::unevaluated(right),
        (Nat | Big, Nat | Big) => {
            PackedOrder::of(NatRef::of(heap, left).cmp(&NatRef::of(heap, right)))
        }
        // A nat is less than anything else.
        (Nat | Big, _) => PackedOrder::LESS,
        (_, Nat | Big) => PackedOrder::GREATER,
        _ if left == right && heap.is_normal(left) => PackedOrder::EQUAL,
        (Row, Row) => compare_rows(heap, left, right, pairs),
        (Bar, Bar) => {
            let (left, right) = (bar::bytes(heap, left), bar::bytes(heap, right));
            PackedOrder::of(bar::compare_bytes(left, right))
        }
        _ => PackedOrder::UNSUPPORTED,
    }
}

/// Compares two rows: the shorter one is less; of rows of one length the last items decide first.
fn compare_rows(heap: &HeapMemory, left: Word, right: Word, pairs: &mut u32) -> PackedOrder {
    // Written without closures over arrays and iterators over pairs: the optimiser does not always
    // inline those, and this is the innermost loop of every search for a row.
    let (left_header, right_header) = (heap.header(left), heap.header(right));
    if left_header.layout() != ObjectLayout::Row || right_header.layout() != ObjectLayout::Row {
        return PackedOrder::UNSUPPORTED;
    }
    if left_header.size() != right_header.size() {
        return PackedOrder::of_nats(left_header.size() as u64, right_header.size() as u64);
    }
    let (left, right) = (heap.words(left, 0), heap.words(right, 0));
    let mut index = left.len().min(right.len());
    while index > 0 {
        index -= 1;
        let (left, right) = (left[index], right[index]);
        if left == right && left.is_direct() {
            continue;
        }
        let Some(others) = pairs.checked_sub(1) else { return PackedOrder::UNSUPPORTED };
        *pairs = others;
        let order = match (left.kind(), right.kind()) {
            (WordKind::Nat, WordKind::Nat) => PackedOrder::of_nats(left.raw(), right.raw()),
            (WordKind::Row, WordKind::Row) if left != right => {
                compare_rows(heap, left, right, pairs)
            }
            _ => compare_objects(heap, heap.resolve(left), heap.resolve(right), pairs),
        };
        if order != PackedOrder::EQUAL {
            return order;
        }
    }
    PackedOrder::EQUAL
}

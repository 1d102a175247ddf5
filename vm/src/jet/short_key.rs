//! Which keys can be compared with any other key in a short time, without evaluation.

use plan::raw::{HeapMemory, ObjectLayout, Word, WordKind, bar};

/// The most bytes of a short bar, and items of a short row.
const SHORT_BAR: usize = 64;
const SHORT_ROW: usize = 4;

/// Whether a key is a nat below 2^63, a short bar, or a short row of such nats.
#[inline]
pub(crate) fn is_short_key(heap: &HeapMemory, key: Word) -> bool {
    match key.kind() {
        WordKind::Bar => bar::bytes(heap, key).len() <= SHORT_BAR,
        WordKind::Row => {
            heap.header(key).layout() == ObjectLayout::Row
                && heap.size(key) <= SHORT_ROW
                && heap.words(key, 0).iter().all(|item| item.is_direct())
        }
        _ => key.is_direct(),
    }
}

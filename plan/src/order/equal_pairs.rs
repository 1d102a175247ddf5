//! [`EqualPairs`]: the pairs of values that a comparison has found equal.
//!
//! Two values that share their parts can have exponentially more pairs of parts than objects. A
//! comparison that remembers equal pairs compares each pair at most once. The memory is disjoint
//! sets of values, so it has at most one entry for each object, not one for each pair.

use crate::map::Map;
use crate::value_ref::Ref;
use crate::word::Word;

/// The number of pairs that are always compared before any is remembered.
const MIN_THRESHOLD: usize = 1 << 16;

/// The pairs of values of one heap that a comparison has found equal.
///
/// It can be kept from one comparison to the next, also while the heap is collected in between: a
/// collection moves values, so the pairs found before it are forgotten at the next use.
pub struct EqualPairs {
    /// Each value points to another of its set, except for its representative.
    parents: Map<u64, u64>,
    /// The number of pairs compared so far.
    steps: usize,
    /// The number of pairs from which pairs are remembered; 0 until [`MIN_THRESHOLD`] is reached.
    threshold: usize,
    /// The heap's number of collections when the pairs were found.
    collections: u64,
}

impl Default for EqualPairs {
    fn default() -> EqualPairs {
        EqualPairs::new()
    }
}

impl EqualPairs {
    /// Makes an empty memory.
    pub fn new() -> EqualPairs {
        EqualPairs { parents: Map::default(), steps: 0, threshold: 0, collections: 0 }
    }

    /// Whether the two values were found equal before; counts one comparison. It answers `false`
    /// until more pairs have been compared than the heap can have objects, because values that
    /// share nothing need no memory.
    #[inline(always)]
    pub fn contains(&mut self, left: Ref<'_>, right: Ref<'_>) -> bool {
        self.steps += 1;
        self.steps >= MIN_THRESHOLD && self.find_pair(left, right)
    }

    /// Records that the two values are equal. It does nothing until pairs are remembered.
    #[inline(always)]
    pub fn insert(&mut self, left: Ref<'_>, right: Ref<'_>) {
        if self.is_active() {
            self.join(left, right);
        }
    }

    /// Whether pairs are remembered by now.
    #[inline(always)]
    pub(super) fn is_active(&self) -> bool {
        self.threshold != 0 && self.steps >= self.threshold
    }

    #[cold]
    fn find_pair(&mut self, left: Ref<'_>, right: Ref<'_>) -> bool {
        if self.threshold == 0 {
            // With more pairs than objects, some objects are shared.
            let objects = (left.heap.used_bytes() + right.heap.used_bytes()) / 16;
            self.threshold = MIN_THRESHOLD.max(objects);
        }
        if !self.is_active() {
            return false;
        }
        let (left, right) = self.words(left, right);
        self.find(left) == self.find(right)
    }

    #[cold]
    fn join(&mut self, left: Ref<'_>, right: Ref<'_>) {
        let (left, right) = self.words(left, right);
        let (left, right) = (self.find(left), self.find(right));
        if left != right {
            self.parents.insert(left, right);
        }
    }

    /// Returns the two values' words, and forgets the pairs found before the last collection.
    fn words(&mut self, left: Ref<'_>, right: Ref<'_>) -> (u64, u64) {
        let collections = left.heap.collections() + right.heap.collections();
        if self.collections != collections {
            self.parents.clear();
            self.collections = collections;
        }
        let word = |value: Ref<'_>| -> Word { value.heap.resolve(value.word) };
        (word(left).raw(), word(right).raw())
    }

    /// Returns the representative of a value's set, and halves the path to it.
    fn find(&mut self, mut value: u64) -> u64 {
        while let Some(&next) = self.parents.get(&value) {
            if let Some(&after) = self.parents.get(&next) {
                self.parents.insert(value, after);
            }
            value = next;
        }
        value
    }
}

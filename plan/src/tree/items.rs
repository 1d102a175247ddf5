//! Read access to rows and sets, flat or not.

use super::TreeNode;
use super::count::count_below;
use crate::heap::HeapMemory;
use crate::value_ref::Ref;
use crate::word::Word;
use std::cmp::Ordering;

/// The items of a row, the keys of a set, the values of a table or some arguments of an app, in
/// order.
#[derive(Clone, Copy)]
pub struct Items<'h> {
    /// The items, or the payload of the root node.
    words: &'h [Word],
    /// The number of parts of the root node; 0 if the items are flat.
    fan: usize,
    heap: &'h HeapMemory,
}

impl<'h> Items<'h> {
    /// Returns the items of a row or the keys of a set.
    #[inline]
    pub fn of(word: Word, heap: &'h HeapMemory) -> Items<'h> {
        match TreeNode::of(heap, word) {
            None => Items::flat(heap.words(word, 0), heap),
            Some(TreeNode { words, fan }) => Items { words, fan, heap },
        }
    }

    /// Returns these words as items.
    #[inline]
    pub fn flat(words: &'h [Word], heap: &'h HeapMemory) -> Items<'h> {
        Items { words, fan: 0, heap }
    }

    /// Whether these items are in the heap of a value.
    pub(crate) fn are_in_heap_of(self, value: Ref<'_>) -> bool {
        std::ptr::eq(self.heap, value.memory())
    }

    #[inline]
    fn node(self) -> Option<TreeNode<'h>> {
        (self.fan > 0).then_some(TreeNode { words: self.words, fan: self.fan })
    }

    /// Returns the number of items.
    #[inline]
    pub fn len(self) -> usize {
        self.node().map_or(self.words.len(), TreeNode::len)
    }

    /// Whether there are no items.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the item at that index; `None` if there are fewer.
    #[inline]
    pub fn get(self, index: usize) -> Option<Ref<'h>> {
        self.word(index).map(|word| Ref::new(word, self.heap))
    }

    /// Returns the word of the item at that index, as it is stored; `None` if there are fewer.
    #[inline]
    pub fn word(self, index: usize) -> Option<Word> {
        if self.fan == 0 {
            return self.words.get(index).copied();
        }
        let (chunk, start) = self.chunk(index)?;
        chunk.get(index - start).copied()
    }

    /// Returns the word of the item at that index, as it is stored; `None` if there are fewer, or
    /// the items are not flat.
    #[inline]
    pub fn flat_word(self, index: usize) -> Option<Word> {
        if self.fan == 0 { self.words.get(index).copied() } else { None }
    }

    /// Returns the words of the items, as they are stored, if they are flat.
    #[inline]
    pub fn flat_words(self) -> Option<&'h [Word]> {
        (self.fan == 0).then_some(self.words)
    }

    /// Returns the leaf that has the item of that index, and the number of items before the leaf.
    #[inline]
    pub fn chunk(self, index: usize) -> Option<(&'h [Word], usize)> {
        let (mut items, mut start) = (self, 0);
        while let Some(node) = items.node() {
            let part_index = node.part_of(index - start);
            let part = *node.parts().get(part_index)?;
            start += node.start(part_index);
            items = Items::of(part, self.heap);
        }
        (index - start < items.words.len()).then_some((items.words, start))
    }

    /// Returns the nats below 2^63 that come directly before the item of index `end` in its leaf, last
    /// to first.
    ///
    /// # Panics
    /// If there are fewer than `end` items.
    pub fn small_nats_before(self, end: usize) -> impl Iterator<Item = u64> + 'h {
        let leaf = end.checked_sub(1).map(|last| self.chunk(last).expect("there is such an item"));
        let (words, start) = leaf.unwrap_or_default();
        words[..end - start].iter().rev().map_while(|word| word.as_direct())
    }

    /// Returns the leaves, first to last.
    pub fn chunks(self) -> impl Iterator<Item = &'h [Word]> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let (chunk, _) = self.chunk(next)?;
            next += chunk.len();
            Some(chunk)
        })
    }

    /// Returns the first index, from `from` on, at which these items and those of `other`, in the same
    /// heap, are not the same object or the same small nat; the two may still be equal. `None` if
    /// there is no such index that both have.
    ///
    /// A part that both share is skipped, however many items it has.
    pub fn next_difference(self, other: Items<'_>, from: usize) -> Option<usize> {
        let mut next = from;
        while let Some(end) = self.shared_end(other, next) {
            next = end;
        }
        while let (Some((left, left_start)), Some((right, right_start))) =
            (self.chunk(next), other.chunk(next))
        {
            let (left, right) = (&left[next - left_start..], &right[next - right_start..]);
            let common = left.len().min(right.len());
            if !std::ptr::eq(left.as_ptr(), right.as_ptr()) {
                let differing = left.iter().zip(right).position(|(left, right)| left != right);
                if let Some(differing) = differing {
                    return Some(next + differing);
                }
            }
            next += common;
            while let Some(end) = self.shared_end(other, next) {
                next = end;
            }
        }
        None
    }

    /// Returns the end of the largest part with the item of that index that these items and `other`
    /// share at the same place; `None` if they share none.
    fn shared_end(self, other: Items<'_>, index: usize) -> Option<usize> {
        let (mut left, mut left_start) = (self, 0);
        let (mut right, mut right_start) = (other, 0);
        loop {
            if index - left_start >= left.len() || index - right_start >= right.len() {
                return None;
            }
            if left_start == right_start && std::ptr::eq(left.words, right.words) {
                return Some(left_start + left.len());
            }
            (left, left_start) = left.part_at(index, left_start)?;
            (right, right_start) = right.part_at(index, right_start)?;
        }
    }

    /// Returns the part of a node with the item of that index, and the number of items before the
    /// part, if there are `start` items before the node; `None` if the items are flat.
    fn part_at(self, index: usize, start: usize) -> Option<(Items<'h>, usize)> {
        let node = self.node()?;
        let part_index = node.part_of(index - start);
        let part = Items::of(*node.parts().get(part_index)?, self.heap);
        Some((part, start + node.start(part_index)))
    }

    /// Returns all items.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Ref<'h>> + ExactSizeIterator {
        match self.node() {
            None => Iter { items: self, front: self.words, middle: 0..0, back: &[] },
            Some(node) => Iter { items: self, front: &[], middle: 0..node.len(), back: &[] },
        }
    }

    /// Searches the items, which are sorted by `order`, for one that `order` calls
    /// [`Ordering::Equal`]. Returns its index.
    ///
    /// # Errors
    /// The index where such an item would be, if there is none.
    #[inline]
    pub fn binary_search_by(
        self,
        mut order: impl FnMut(Ref<'h>) -> Ordering,
    ) -> Result<usize, usize> {
        let (mut items, mut start) = (self, 0);
        while let Some(node) = items.node() {
            let later = match node.first_keys() {
                Some(firsts) => {
                    firsts[1..].partition_point(|first| order(Ref::new(*first, self.heap)).is_le())
                }
                None => node.parts()[1..].partition_point(|part| {
                    let first = Items::of(*part, self.heap).get(0);
                    first.is_some_and(|first| order(first).is_le())
                }),
            };
            start += node.start(later);
            items = Items::of(node.parts()[later], self.heap);
        }
        let place = items.words.binary_search_by(|word| order(Ref::new(*word, self.heap)));
        place.map(|at| start + at).map_err(|at| start + at)
    }

    /// Returns the first of these items, which are the keys of a set, if they are consecutive nats below
    /// 2^63, and some.
    pub fn first_of_consecutive_nats(self) -> Option<u64> {
        // The keys are ascending, so only the first and the last need to be read.
        let first = self.word(0)?.as_direct()?;
        let last = self.word(self.len() - 1)?.as_direct()?;
        (last - first == self.len() as u64 - 1).then_some(first)
    }

    /// Searches these items, which are the keys of a set, for a nat below 2^63. Returns the index
    /// of the nat, or else (`Err`) that of the first key above it.
    #[inline]
    pub fn search_nat(self, nat: u64) -> Result<usize, usize> {
        search_nat_below(self.heap, self.node(), self.words, nat)
    }
}

/// Searches the keys of a set for a nat below 2^63, as [`Items::search_nat`] does. The parts of the root and of
/// the way down are words in registers.
#[inline]
pub fn search_nat(heap: &HeapMemory, set: Word, nat: u64) -> Result<usize, usize> {
    match TreeNode::of(heap, set) {
        None => search_nat_below(heap, None, heap.words(set, 0), nat),
        node => search_nat_below(heap, node, &[], nat),
    }
}

/// Searches the leaf that a nat belongs to: below a node, or these words if there is none.
#[inline(always)]
fn search_nat_below<'h>(
    heap: &'h HeapMemory,
    mut node: Option<TreeNode<'h>>,
    mut leaf: &'h [Word],
    nat: u64,
) -> Result<usize, usize> {
    // The words of all other values have their top bit set, and those values come after all such nats.
    let mut start = 0;
    while let Some(above) = node {
        let part_index = count_below(&above.firsts()[1..], nat + 1);
        start += above.start(part_index);
        let part = above.parts()[part_index];
        node = TreeNode::of(heap, part);
        leaf = if node.is_none() { heap.words(part, 0) } else { &[] };
    }
    let index = count_below(leaf, nat);
    match leaf.get(index) {
        Some(word) if word.raw() == nat => Ok(start + index),
        _ => Err(start + index),
    }
}

/// The rest of an iteration over items from both ends.
struct Iter<'h> {
    items: Items<'h>,
    /// The rest of the leaf that the front of the iteration is in.
    front: &'h [Word],
    /// The indices of the items in leaves that neither end has reached.
    middle: std::ops::Range<usize>,
    /// The rest of the leaf that the back of the iteration is in.
    back: &'h [Word],
}

impl<'h> Iter<'h> {
    fn seen(&self, word: Word) -> Ref<'h> {
        Ref::new(word, self.items.heap)
    }
}

impl<'h> Iterator for Iter<'h> {
    type Item = Ref<'h>;

    fn next(&mut self) -> Option<Ref<'h>> {
        if self.front.is_empty() && !self.middle.is_empty() {
            let (chunk, _) = self.items.chunk(self.middle.start)?;
            self.middle.start += chunk.len();
            self.front = chunk;
        }
        let source = if self.front.is_empty() { &mut self.back } else { &mut self.front };
        let word = *source.split_off_first()?;
        Some(self.seen(word))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.front.len() + self.middle.len() + self.back.len();
        (left, Some(left))
    }
}

impl<'h> DoubleEndedIterator for Iter<'h> {
    fn next_back(&mut self) -> Option<Ref<'h>> {
        if self.back.is_empty() && !self.middle.is_empty() {
            let (chunk, start) = self.items.chunk(self.middle.end - 1)?;
            self.middle.end = start;
            self.back = chunk;
        }
        let source = if self.back.is_empty() { &mut self.front } else { &mut self.back };
        let word = *source.split_off_last()?;
        Some(self.seen(word))
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::super::edit;
    use crate::samples::heap;
    use crate::values::Heap;
    use crate::{Items, Val};

    fn items<'h>(heap: &'h Heap, row: &Val) -> Items<'h> {
        heap.look(row).as_row().expect("a row")
    }

    fn row(heap: &mut Heap, items: impl IntoIterator<Item = u64>) -> Val {
        let items: Vec<Val> = items.into_iter().map(|item| heap.nat(item)).collect();
        heap.row(&items).expect("room")
    }

    /// All indices at which the rows differ.
    fn differences(heap: &Heap, left: &Val, right: &Val) -> Vec<usize> {
        let (left, right) = (items(heap, left), items(heap, right));
        let next = |from| left.next_difference(right, from);
        std::iter::successors(next(0), |last| next(last + 1)).collect()
    }

    #[test]
    fn small_nats_before_an_index_are_read_up_to_another_value() {
        let heap = &mut *heap(false);
        let before = |row: &Val, heap: &Heap, end| {
            items(heap, row).small_nats_before(end).collect::<Vec<_>>()
        };
        let nats = row(heap, [5, 6, u64::MAX, 7, 8]);
        assert_eq!(before(&nats, heap, 5), [8, 7]);
        assert_eq!(before(&nats, heap, 4), [7]);
        assert_eq!(before(&nats, heap, 3), [0; 0]);
        assert_eq!(before(&nats, heap, 2), [6, 5]);
        assert_eq!(before(&nats, heap, 0), [0; 0]);
        let empty = row(heap, []);
        assert_eq!(before(&empty, heap, 0), [0; 0]);
    }

    #[test]
    fn differences_of_flat_rows_are_those_of_their_items() {
        let heap = &mut *heap(false);
        let left = row(heap, 0..500);
        let same = row(heap, 0..500);
        assert_eq!(differences(heap, &left, &left), Vec::<usize>::new());
        assert_eq!(differences(heap, &left, &same), Vec::<usize>::new());
        let changed = row(heap, (0..700).map(|it| if it == 7 || it == 499 { 0 } else { it }));
        assert_eq!(differences(heap, &left, &changed), [7, 499]);
        assert_eq!(differences(heap, &changed, &left), [7, 499]);
    }

    #[test]
    fn differences_of_trees_are_found_where_they_share_no_leaf() {
        let heap = &mut *heap(false);
        let flat = row(heap, 0..5000);
        let mut rows = vec![flat];
        for (at, item) in [(3, 1), (4999, 2), (2500, 3)] {
            let raw = &mut heap.0;
            let word = raw.word(rows.last().expect("a row"));
            let item = crate::word::Word::direct(item << 40);
            let changed = edit::replace(raw, word, at, item, edit::EditMode::Copy).expect("room");
            let changed = raw.handle(changed);
            rows.push(changed);
        }
        for (first, second, expected) in
            [(0, 1, vec![3]), (1, 3, vec![2500, 4999]), (3, 0, vec![3, 2500, 4999])]
        {
            assert_eq!(differences(heap, &rows[first], &rows[second]), expected);
        }
    }
}

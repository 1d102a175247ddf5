//! An evaluation stack: words in one large reserved range of addresses. Each evaluation that runs
//! or is suspended has one.
//!
//! Every word on the stack is a value, a code word or a raw number below 2^63, so the collector
//! scans it without a map. The address range is reserved once, and the kernel commits memory as it
//! is touched. The evaluator ends an evaluation that reaches the limit. `unchanged` is the number
//! of words, from the bottom, that have not changed since the last collection and point to no young
//! value, so that a deep stack is not scanned again and again. Among them may be *cards* of
//! [`CARD_WORDS`] words that have changed or point to young values: a jet replaces the items of a
//! row far below the top.
//!
//! # Safety
//!
//! Every cell of the reserved range is readable: the kernel provides zeroes. By the contract of
//! [`super::RawHeap`] indices are below the top and pushes within the range: the evaluator asks for
//! the room that a frame needs ([`EvalStack::has_room`]) before it pushes, the decoder computes
//! that number, and [`SLACK`] words beyond the limit cover single operations. Debug builds check
//! every access. Jets, builders and readers of seeds, which push as much as their input says, use
//! the methods that check in every build.

use super::object::copy_few;
use super::remembered::{CARD_WORDS, CardSet, values_on_card};
use crate::word::Word;
use std::cell::Cell;

/// The evaluation stack. Indices count words from its bottom.
pub struct EvalStack {
    base: *mut Word,
    reserved: usize,
    limit: usize,
    top: usize,
    unchanged: usize,
    /// The numbers of cards below `unchanged` that a collection must visit all the same.
    changed_cards: CardSet<usize>,
    /// The highest top since memory was last returned to the system, as far as known.
    highest: Cell<usize>,
}

/// The byte offset of the stack's address in [`EvalStack`], for compiled code.
pub(super) const BASE_OFFSET: usize = std::mem::offset_of!(EvalStack, base);
/// The byte offset of the top.
pub(super) const TOP_OFFSET: usize = std::mem::offset_of!(EvalStack, top);
/// The byte offset of the limit.
pub(super) const LIMIT_OFFSET: usize = std::mem::offset_of!(EvalStack, limit);
/// The byte offset of the number of unchanged words.
pub(super) const UNCHANGED_OFFSET: usize = std::mem::offset_of!(EvalStack, unchanged);

/// A stack that stays below this many words keeps its pages. Those above it are large ones, since
/// deep recursion touches each page once.
const KEEP: usize = 1 << 17;

/// Words kept free above the limit, so that a single operation need not check each push.
const SLACK: usize = 1 << 12;

/// A change of a word within this distance from the unchanged words' end ends these earlier.
const UNCARDED: usize = 1 << 12;

/// The number of words below the top that are recent.
const RECENT: usize = 1 << 16;

impl EvalStack {
    /// Reserves a stack of at most `limit` words.
    pub(super) fn new(limit: usize) -> std::io::Result<EvalStack> {
        let reserved = limit + 2 * SLACK;
        let base = reserve(reserved)?;
        Ok(EvalStack {
            base,
            reserved,
            limit,
            top: 0,
            unchanged: 0,
            changed_cards: CardSet::default(),
            highest: Cell::new(0),
        })
    }

    /// Returns the number of words on the stack.
    #[inline(always)]
    pub fn top(&self) -> usize {
        self.top
    }

    /// Whether `words` more words can be pushed below the limit.
    #[inline(always)]
    pub fn has_room(&self, words: usize) -> bool {
        let fits = self.top + words <= self.limit;
        if !fits {
            self.highest.set(self.limit);
        }
        fits
    }

    /// Pushes a word. The stack has room for it.
    #[inline(always)]
    pub fn push(&mut self, word: Word) {
        debug_assert!(self.top < self.reserved, "the evaluator pushed past the stack's slack");
        // SAFETY: `top` is below `reserved`, so the cell is in the reserved range.
        unsafe { self.base.add(self.top).write(word) }
        self.top += 1;
    }

    /// Pushes a word, and panics if the stack is full, slack included.
    #[inline(always)]
    pub fn push_checked(&mut self, word: Word) {
        assert!(self.top < self.reserved, "pushed past the stack's slack");
        self.push(word);
    }

    /// Pushes words. The stack has room for them.
    #[inline(always)]
    pub fn push_all(&mut self, words: &[Word]) {
        debug_assert!(self.top + words.len() <= self.reserved);
        // SAFETY: as for `push`. Nothing borrows the cells above the top.
        unsafe { copy_few(words.as_ptr(), self.base.add(self.top), words.len()) }
        self.top += words.len();
    }

    /// Whether `words` more words can be pushed if the slack is used up.
    pub fn is_room_beyond(&self, words: usize) -> bool {
        words <= self.reserved - self.top
    }

    /// Pops the top word. The stack is not empty.
    #[inline(always)]
    pub fn pop(&mut self) -> Word {
        let word = self.peek(0);
        self.truncate(self.top - 1);
        word
    }

    /// Returns the word `depth` words below the top one. The stack has more than `depth` words.
    #[inline(always)]
    pub fn peek(&self, depth: usize) -> Word {
        self.get(self.top.wrapping_sub(1 + depth))
    }

    /// Returns the word at an index below the top.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Word {
        debug_assert!(index < self.top, "the evaluator read above the stack's top");
        // SAFETY: the index is below `top`, so the cell is in the reserved range.
        unsafe { self.base.add(index).read() }
    }

    /// Returns the word at an index, and panics if the index is not below the top.
    #[inline(always)]
    pub fn get_checked(&self, index: usize) -> Word {
        assert!(index < self.top, "no word of the stack has this index");
        self.get(index)
    }

    /// Replaces the word at an index below the top.
    #[inline(always)]
    pub fn set(&mut self, index: usize, word: Word) {
        debug_assert!(index < self.top, "the evaluator wrote above the stack's top");
        if index < self.unchanged {
            self.note_change(index);
        }
        // SAFETY: the index is below `top`, so the cell is in the reserved range.
        unsafe { self.base.add(index).write(word) }
    }

    /// Records the change of a word below `unchanged`.
    #[cold]
    fn note_change(&mut self, index: usize) {
        if self.unchanged - index <= UNCARDED {
            self.unchanged = index;
        } else {
            self.changed_cards.add(index / CARD_WORDS);
        }
    }

    /// Drops all words from index `top` upwards.
    #[inline(always)]
    pub fn truncate(&mut self, top: usize) {
        debug_assert!(top <= self.top);
        self.top = top;
        if top < self.unchanged {
            self.unchanged = top;
        }
    }

    /// Returns the words from index `from` to the top.
    #[inline(always)]
    pub fn top_from(&self, from: usize) -> &[Word] {
        assert!(from <= self.top);
        // SAFETY: cells below `top` have been written.
        unsafe { std::slice::from_raw_parts(self.base.add(from), self.top - from) }
    }

    /// Returns the words from index `from` to the top, for rewriting.
    pub fn top_mut(&mut self, from: usize) -> &mut [Word] {
        assert!(from <= self.top);
        self.unchanged = self.unchanged.min(from);
        // SAFETY: cells below `top` have been written, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(from), self.top - from) }
    }

    /// Moves the words from index `from` upwards down to index `to`, and drops the words between.
    #[inline(always)]
    pub fn slide(&mut self, to: usize, from: usize) {
        debug_assert!(to <= from && from <= self.top);
        let count = self.top - from;
        self.unchanged = self.unchanged.min(to);
        self.top = to + count;
        self.copy(from, to, count);
    }

    /// Copies words. The cells above the top and near the target have undefined contents
    /// afterwards.
    #[inline(always)]
    fn copy(&mut self, from: usize, to: usize, count: usize) {
        /// A frame rarely has more words, and copying a fixed number of words needs no loop.
        const AT_ONCE: usize = 4;
        // SAFETY: both ranges are in the reserved range, and so are `AT_ONCE` more words, because
        // the slack is larger. All words are read before the first is written.
        unsafe {
            let (from, to) = (self.base.add(from), self.base.add(to));
            if count <= AT_ONCE {
                let words = from.cast::<[Word; AT_ONCE]>().read();
                to.cast::<[Word; AT_ONCE]>().write(words);
            } else {
                std::ptr::copy(from, to, count);
            }
        }
    }

    /// Inserts words at index `at`, and moves the words above up. The stack has room for them.
    #[inline(always)]
    pub fn insert(&mut self, at: usize, words: &[Word]) {
        debug_assert!(at <= self.top && self.top + words.len() <= self.reserved - SLACK);
        self.unchanged = self.unchanged.min(at);
        self.copy(at, at + words.len(), self.top - at);
        // SAFETY: as for `push`. The old words there have been moved away, and `words` are in an
        // object, not on the stack.
        unsafe { copy_few(words.as_ptr(), self.base.add(at), words.len()) }
        self.top += words.len();
    }

    /// Inserts `count` zeroes at index `at`, and moves the words above up.
    pub fn open_gap(&mut self, at: usize, count: usize) {
        assert!(at <= self.top && self.top + count <= self.reserved);
        self.unchanged = self.unchanged.min(at);
        // SAFETY: source and target are in the reserved range, by the check above; the whole gap is
        // then written.
        unsafe {
            std::ptr::copy(self.base.add(at), self.base.add(at + count), self.top - at);
            for i in 0..count {
                self.base.add(at + i).write(Word::ZERO);
            }
        }
        self.top += count;
    }

    /// Visits the words that may have changed since the last collection, or that it asked to see
    /// again. `visit` rewrites a word, and returns whether the next collection must see it again. It is
    /// told whether the word is among the last [`RECENT`]. Returns the number of visited words.
    pub(super) fn visit_changed(&mut self, mut visit: impl FnMut(&mut Word, bool) -> bool) -> u64 {
        self.highest.set(self.highest.get().max(self.top));
        let (top, from) = (self.top, self.unchanged);
        let mut visited = top - from;
        let mut cards = CardSet::default();
        for card in self.changed_cards.take() {
            // The words of a card may have been dropped since. What is above `from` is visited below.
            let range = values_on_card(&(0..from), card);
            visited += range.len();
            let is_recent = top - range.start <= RECENT;
            let words = &mut self.top_mut(0)[range];
            // Every word has to be visited.
            if words.iter_mut().fold(false, |again, word| visit(word, is_recent) | again) {
                cards.add(card);
            }
        }
        let mut unchanged = top;
        for (offset, word) in self.top_mut(from).iter_mut().enumerate() {
            let index = from + offset;
            if visit(word, top - index <= RECENT) {
                if top - index > UNCARDED {
                    cards.add(index / CARD_WORDS);
                } else {
                    unchanged = unchanged.min(index);
                }
            }
        }
        (self.unchanged, self.changed_cards) = (unchanged, cards);
        visited as u64
    }

    /// Makes the next [`EvalStack::visit_changed`] visit all words.
    pub(super) fn forget_unchanged(&mut self) {
        self.unchanged = 0;
        self.changed_cards.clear();
    }

    /// Returns the memory above the top to the system, after an evaluation that was deep. Its depth
    /// is the top that collections have seen, or the limit if that was reached.
    pub fn release(&mut self) {
        if self.highest.replace(0) > KEEP {
            release(self.base, self.top.max(KEEP), self.reserved);
        }
    }
}

impl Drop for EvalStack {
    fn drop(&mut self) {
        free(self.base, self.reserved);
    }
}

#[cfg(not(miri))]
fn reserve(words: usize) -> std::io::Result<*mut Word> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    // SAFETY: a new anonymous mapping, at an address that the kernel chooses, overlaps no other
    // memory.
    let base = unsafe {
        mmap_anonymous(
            std::ptr::null_mut(),
            words * 8,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE | MapFlags::NORESERVE,
        )
    }?;
    let base = base.cast::<Word>();
    let [start, end] = [KEEP.min(words), words].map(|at| base.wrapping_add(at).addr());
    crate::platform::prefer_large_pages(start..end);
    Ok(base)
}

#[cfg(not(miri))]
fn release(base: *mut Word, from: usize, reserved: usize) {
    let from = from.next_multiple_of(1 << 16);
    if from >= reserved {
        return;
    }
    // SAFETY: the range is in the stack's mapping, above all words in use. Its contents are
    // written before they are read again.
    let discarded =
        unsafe { crate::platform::discard(base.add(from).cast(), (reserved - from) * 8) };
    debug_assert!(discarded.is_ok());
}

#[cfg(not(miri))]
fn free(base: *mut Word, words: usize) {
    // SAFETY: `reserve` made the mapping with this length, and the stack is being dropped.
    let unmapped = unsafe { rustix::mm::munmap(base.cast(), words * 8) };
    debug_assert!(unmapped.is_ok());
}

#[cfg(miri)]
fn reserve(words: usize) -> std::io::Result<*mut Word> {
    Ok(Box::leak(vec![Word::ZERO; words].into_boxed_slice()).as_mut_ptr())
}

#[cfg(miri)]
fn release(_: *mut Word, _: usize, _: usize) {}

#[cfg(miri)]
fn free(base: *mut Word, words: usize) {
    // SAFETY: `reserve` made it from a box of this length.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(base, words)) });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A changed card whose words are dropped before the next collection.
    #[test]
    fn a_card_above_the_top_is_not_visited() {
        let count = 2 * UNCARDED;
        let mut stack = EvalStack::new(count).expect("a stack");
        (0..count).for_each(|_| stack.push(Word::ZERO));
        stack.visit_changed(|_, _| false);
        stack.set(CARD_WORDS, Word::ZERO);
        stack.truncate(CARD_WORDS / 2);
        assert_eq!(stack.visit_changed(|_, _| false), 0);
    }
}

//! The evaluation stack: words in one large reserved range of addresses.
//!
//! Every word on it is a value or a direct nat, so the collector scans it without a map. Memory is
//! reserved once and committed by the kernel as it is touched; reaching the limit is reported to
//! the evaluator, which ends the evaluation. The deepest point reached since the last collection is
//! known from below (`unchanged`), and there are no young values below that, so that a deep stack is
//! not scanned again and again.
//!
//! # Safety
//!
//! Every cell of the reserved range may be read: the kernel hands out zeroes. That indices are
//! below the top and pushes within the range is the evaluator's invariant: it asks for the room
//! that a frame needs ([`Stack::has_room`]) before it pushes, the decoder counts how much that
//! is, and [`SLACK`] words are there beyond. Debug builds check every access. Jets, builders and
//! readers of seeds work on behalf of others, and use what checks in every build.

use super::object::copy_few;
use crate::word::Word;
use std::cell::Cell;

/// The stack. Indices count words from its bottom.
pub struct Stack {
    base: *mut Word,
    reserved: usize,
    limit: usize,
    top: usize,
    unchanged: usize,
    /// How far up it is known to have reached since memory was last given back.
    highest: Cell<usize>,
}

/// Where compiled code finds the address of the stack.
pub(super) const BASE_OFFSET: usize = std::mem::offset_of!(Stack, base);
/// Where it finds its top.
pub(super) const TOP_OFFSET: usize = std::mem::offset_of!(Stack, top);
/// Where it finds its limit.
pub(super) const LIMIT_OFFSET: usize = std::mem::offset_of!(Stack, limit);
/// Where it finds how much of it is known not to have changed.
pub(super) const UNCHANGED_OFFSET: usize = std::mem::offset_of!(Stack, unchanged);

/// Words kept free above the limit, so that a single operation need not check each push.
const SLACK: usize = 1 << 12;

impl Stack {
    /// A stack of at most `limit` words.
    pub(super) fn new(limit: usize) -> std::io::Result<Stack> {
        let reserved = limit + 2 * SLACK;
        let base = reserve(reserved)?;
        Ok(Stack { base, reserved, limit, top: 0, unchanged: 0, highest: Cell::new(0) })
    }

    #[inline(always)]
    pub fn top(&self) -> usize {
        self.top
    }

    /// Whether `words` more can be pushed (and the slack is still there).
    #[inline(always)]
    pub fn has_room(&self, words: usize) -> bool {
        let fits = self.top + words <= self.limit;
        if !fits {
            self.highest.set(self.limit);
        }
        fits
    }

    /// Pushes a word for which there is room.
    #[inline(always)]
    pub fn push(&mut self, word: Word) {
        debug_assert!(self.top < self.reserved, "the evaluator pushed past the stack's slack");
        // SAFETY: `top` is below `reserved`, so the cell lies in the reserved range.
        unsafe { self.base.add(self.top).write(word) }
        self.top += 1;
    }

    /// Pushes a word on behalf of somebody who may not have asked for room.
    #[inline(always)]
    pub fn push_checked(&mut self, word: Word) {
        assert!(self.top < self.reserved, "pushed past the stack's slack");
        self.push(word);
    }

    /// Pushes words for which there is room.
    #[inline(always)]
    pub fn push_all(&mut self, words: &[Word]) {
        debug_assert!(self.top + words.len() <= self.reserved);
        // SAFETY: as for `push`; what lies above the top is nobody's.
        unsafe { copy_few(words.as_ptr(), self.base.add(self.top), words.len()) }
        self.top += words.len();
    }

    /// Whether `words` more can be pushed at all, the slack used up.
    pub fn is_room_beyond(&self, words: usize) -> bool {
        words <= self.reserved - self.top
    }

    #[inline(always)]
    pub fn pop(&mut self) -> Word {
        let word = self.peek(0);
        self.truncate(self.top - 1);
        word
    }

    /// The word `depth` below the top one.
    #[inline(always)]
    pub fn peek(&self, depth: usize) -> Word {
        self.get(self.top.wrapping_sub(1 + depth))
    }

    #[inline(always)]
    pub fn get(&self, index: usize) -> Word {
        debug_assert!(index < self.top, "the evaluator read above the stack's top");
        // SAFETY: the index is below `top`, so the cell lies in the reserved range.
        unsafe { self.base.add(index).read() }
    }

    /// The word at an index that comes from somebody who may be wrong about it.
    #[inline(always)]
    pub fn get_checked(&self, index: usize) -> Word {
        assert!(index < self.top, "nothing is on the stack there");
        self.get(index)
    }

    #[inline(always)]
    pub fn set(&mut self, index: usize, word: Word) {
        debug_assert!(index < self.top, "the evaluator wrote above the stack's top");
        if index < self.unchanged {
            self.unchanged = index;
        }
        // SAFETY: the index is below `top`, so the cell lies in the reserved range.
        unsafe { self.base.add(index).write(word) }
    }

    /// Drops everything from `top` upwards.
    #[inline(always)]
    pub fn truncate(&mut self, top: usize) {
        debug_assert!(top <= self.top);
        self.top = top;
        if top < self.unchanged {
            self.unchanged = top;
        }
    }

    /// The words from `from` to the top.
    #[inline(always)]
    pub fn top_from(&self, from: usize) -> &[Word] {
        assert!(from <= self.top);
        // SAFETY: cells below `top` have been written.
        unsafe { std::slice::from_raw_parts(self.base.add(from), self.top - from) }
    }

    /// The words from `from` to the top, to be rewritten.
    pub fn top_mut(&mut self, from: usize) -> &mut [Word] {
        assert!(from <= self.top);
        self.unchanged = self.unchanged.min(from);
        // SAFETY: cells below `top` have been written, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(from), self.top - from) }
    }

    /// Moves the words from `from` to the top down to `to`, and drops what was above them.
    #[inline(always)]
    pub fn slide(&mut self, to: usize, from: usize) {
        debug_assert!(to <= from && from <= self.top);
        let count = self.top - from;
        self.unchanged = self.unchanged.min(to);
        self.top = to + count;
        self.copy(from, to, count);
    }

    /// Copies words; what is above the top and near the target afterwards is anything.
    #[inline(always)]
    fn copy(&mut self, from: usize, to: usize, count: usize) {
        /// A frame is seldom larger, and moving so many at once needs no loop.
        const AT_ONCE: usize = 4;
        // SAFETY: both ranges lie in the reserved range, and so do `AT_ONCE` words more, for the
        // slack is larger; the words are all read before the first is written.
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

    /// Inserts words above `at`, moving what is above it up. There must be room for them.
    #[inline(always)]
    pub fn insert(&mut self, at: usize, words: &[Word]) {
        debug_assert!(at <= self.top && self.top + words.len() <= self.reserved - SLACK);
        self.unchanged = self.unchanged.min(at);
        self.copy(at, at + words.len(), self.top - at);
        // SAFETY: as for `push`; what was there has been moved away, and words are inserted from objects.
        unsafe { copy_few(words.as_ptr(), self.base.add(at), words.len()) }
        self.top += words.len();
    }

    /// Inserts a gap of `count` zeroes at `at`, moving what is above it up.
    pub fn open_gap(&mut self, at: usize, count: usize) {
        assert!(at <= self.top && self.top + count <= self.reserved);
        self.unchanged = self.unchanged.min(at);
        // SAFETY: source and target lie in the reserved range; the gap is then written whole.
        unsafe {
            std::ptr::copy(self.base.add(at), self.base.add(at + count), self.top - at);
            for i in 0..count {
                self.base.add(at + i).write(Word::ZERO);
            }
        }
        self.top += count;
    }

    /// Lets a collection rewrite the words that may have changed since it last looked, or were to be
    /// looked at again. `visit` says whether a word is.
    pub(super) fn visit_changed(&mut self, mut visit: impl FnMut(&mut Word) -> bool) {
        self.highest.set(self.highest.get().max(self.top));
        let from = self.unchanged;
        let mut again = None;
        for (index, word) in self.top_mut(from).iter_mut().enumerate() {
            if visit(word) {
                again = again.or(Some(from + index));
            }
        }
        self.unchanged = again.unwrap_or(self.top);
    }

    /// Makes the next [`Stack::visit_changed`] look at everything.
    pub(super) fn forget_unchanged(&mut self) {
        self.unchanged = 0;
    }

    /// Gives memory above the top back to the system when a deep evaluation is over. How deep it
    /// was is what collections saw of it, or the limit if that was met.
    pub fn release(&mut self) {
        /// A stack that stays below this many words keeps its pages.
        const KEEP: usize = 1 << 17;
        if self.highest.replace(0) > KEEP {
            release(self.base, self.top.max(KEEP), self.reserved);
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        free(self.base, self.reserved);
    }
}

#[cfg(not(miri))]
fn reserve(words: usize) -> std::io::Result<*mut Word> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    // SAFETY: a fresh anonymous mapping at an address the kernel chooses touches nothing of ours.
    let base = unsafe {
        mmap_anonymous(
            std::ptr::null_mut(),
            words * 8,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE | MapFlags::NORESERVE,
        )
    }?;
    Ok(base.cast())
}

#[cfg(not(miri))]
fn release(base: *mut Word, from: usize, reserved: usize) {
    let from = from.next_multiple_of(1 << 16);
    if from >= reserved {
        return;
    }
    // SAFETY: the range lies in our mapping, above everything that is in use; its contents are
    // never read again before they are written.
    let advised = unsafe {
        rustix::mm::madvise(
            base.add(from).cast(),
            (reserved - from) * 8,
            rustix::mm::Advice::LinuxDontNeed,
        )
    };
    debug_assert!(advised.is_ok());
}

#[cfg(not(miri))]
fn free(base: *mut Word, words: usize) {
    // SAFETY: the mapping was made by `reserve` with this length and nothing points into it.
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
    // SAFETY: made by `reserve` from a box of this length.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(base, words)) });
}

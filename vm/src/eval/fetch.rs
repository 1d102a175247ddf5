//! The code being run, reached without counting or checking.
//!
//! # Safety
//!
//! Two things make the reads below sound.
//!
//! * *LawCode that runs is alive.* [`Evaluator`](super::Evaluator) keeps decoded code, and the pool its
//!   constants, until a full collection finds that nothing names the pool. While instructions run,
//!   something does: the law, at the frame's base; or, for a lazy subexpression, the code word of
//!   the Update frame under it. A frame that is left for a call is named by its Return frame's code
//!   word. A law whose slot has come to hold compiled code names its decoded code by way of that.
//!   What leaves the frame for good (a tail call, a return) reads nothing of the
//!   code afterwards: the [`CodePosition`] is set anew by [`CodePosition::go`] before the next instruction.
//! * *Places in it exist.* The decoder makes all numbers that instructions hold, and ends every
//!   sequence of instructions with one that leaves it. Debug builds check each.

use super::code::{LawCode, Op, ReflectTargets, SourceList, ThunkEntry, ValueSource};
use plan::raw::Word;
use std::ptr::NonNull;
use std::rc::Rc;

/// The place in a law's code, and its frame.
pub(super) struct CodePosition {
    code: NonNull<LawCode>,
    /// The code's instructions, of which one is read at every turn.
    ops: NonNull<Op>,
    pub(super) pc: usize,
    pub(super) base: usize,
}

impl CodePosition {
    /// The start of code whose frame is at the bottom of the stack.
    pub(super) fn new(code: &Rc<LawCode>) -> CodePosition {
        let dangling = (NonNull::dangling(), NonNull::dangling());
        let mut at = CodePosition { code: dangling.0, ops: dangling.1, pc: 0, base: 0 };
        at.go(code, 0, 0);
        at
    }

    /// Goes on at `pc` of this code with the frame at `base`, where (or in whose Update frame)
    /// the code's pool is named.
    #[inline(always)]
    pub(super) fn go(&mut self, code: &Rc<LawCode>, pc: usize, base: usize) {
        // SAFETY: a counted pointer is never null. It stays valid when the count is moved.
        self.code = unsafe { NonNull::new_unchecked(Rc::as_ptr(code).cast_mut()) };
        self.ops = NonNull::from(&*code.ops).cast();
        self.pc = pc;
        self.base = base;
    }

    #[inline(always)]
    fn code(&self) -> &LawCode {
        // SAFETY: the code is alive (see the module's overview), and only its cells are written to.
        unsafe { self.code.as_ref() }
    }

    /// The next instruction, which is stepped over.
    #[inline(always)]
    pub(super) fn fetch(&mut self) -> Op {
        let op = self.next();
        self.pc += 1;
        op
    }

    /// The next instruction.
    #[inline(always)]
    pub(super) fn next(&self) -> Op {
        debug_assert!(self.pc < self.code().ops.len());
        // SAFETY: the code is alive, and its instructions with it; the decoder ends every sequence of
        // them with one that leaves it.
        unsafe { self.ops.add(self.pc).read() }
    }

    /// A constant.
    #[inline(always)]
    pub(super) fn constant(&self, number: usize) -> Word {
        // SAFETY: the pool is alive and holds as many constants as the decoder counted; the
        // collector rewrites them in place.
        unsafe { *self.code().constants.add(number) }
    }

    /// The sources of a list.
    #[inline(always)]
    pub(super) fn list(&self, list: SourceList) -> &[ValueSource] {
        self.sources(list.start as usize, list.count as usize)
    }

    /// What an entry captures.
    #[inline(always)]
    pub(super) fn captures(&self, entry: ThunkEntry) -> &[ValueSource] {
        self.sources(entry.captures as usize, entry.captured as usize)
    }

    #[inline(always)]
    fn sources(&self, start: usize, count: usize) -> &[ValueSource] {
        let end = start + count;
        debug_assert!(end <= self.code().sources.len());
        // SAFETY: the decoder made the list of sources that it emitted.
        unsafe { self.code().sources.get_unchecked(start..end) }
    }

    #[inline(always)]
    pub(super) fn entry(&self, number: u32) -> ThunkEntry {
        debug_assert!((number as usize) < self.code().entries.len());
        // SAFETY: the decoder made the entry that it names.
        unsafe { *self.code().entries.get_unchecked(number as usize) }
    }

    pub(super) fn branches(&self, number: u32) -> ReflectTargets {
        self.code().branches[number as usize]
    }

    /// The most words that a frame of the code takes.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.code().depth
    }

    /// The number of the pool.
    #[inline(always)]
    pub(super) fn pool(&self) -> u32 {
        self.code().pool.0
    }

    /// The code word of that place in this code.
    #[inline(always)]
    pub(super) fn word(&self, pc: usize) -> Word {
        Word::code(self.pool(), pc as u32)
    }
}

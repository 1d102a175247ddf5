//! [`CodePosition`]: the position in the running code, which is read without reference counts or
//! bounds checks.
//!
//! # Safety
//!
//! Two invariants make the reads below sound.
//!
//! * *Running code is live.* [`Evaluator`](super::state::Evaluator) keeps decoded code, and its
//!   pool keeps the constants, until a full collection finds no reference to the pool. While
//!   instructions run, a reference exists: from the law, at the frame's base; or, for a lazy
//!   subexpression, from the code word in the Update frame below it. A frame that waits for a call
//!   is referred to by the code word of its Return frame. A law whose slot holds compiled code
//!   refers to its decoded code through that. An instruction that pops the frame (a tail
//!   call, a return) reads nothing of the code afterwards: [`CodePosition::go`] sets the position
//!   before the next instruction.
//! * *Indices are in range.* The decoder makes all numbers in instructions, and ends every sequence
//!   of instructions with one that leaves it. Debug builds check each access.

use super::code::{
    LawCode, Op, ReflectTargets, SourceList, SwitchTargets, ThunkEntry, ValueSource,
};
use crate::pool_id::PoolId;
use plan::raw::Word;
use std::ptr::NonNull;
use std::rc::Rc;

/// The position in a law's code, and the base of its frame. A copy is valid as long as the frame.
#[derive(Clone)]
pub(super) struct CodePosition {
    code: NonNull<LawCode>,
    /// The code's instructions, cached because one is read in every step.
    ops: NonNull<Op>,
    pub(super) pc: usize,
    pub(super) base: usize,
    /// The pool of the law that the work of a jet counts for; none that exists if the law that called the
    /// jet is not known.
    pub(super) caller: PoolId,
}

impl CodePosition {
    /// The start of this code, with the frame at the bottom of the stack.
    pub(super) fn new(code: &Rc<LawCode>) -> CodePosition {
        let (no_code, ops) = (NonNull::dangling(), NonNull::dangling());
        let mut at = CodePosition { code: no_code, ops, pc: 0, base: 0, caller: PoolId::NONE };
        at.go(code, 0, 0);
        at
    }

    /// Continues at `pc` of this code with the frame at `base`. The frame, or the Update frame
    /// below it, refers to the code's pool.
    #[inline(always)]
    pub(super) fn go(&mut self, code: &Rc<LawCode>, pc: usize, base: usize) {
        // SAFETY: the pointer of an `Rc` is not null. It stays valid when the `Rc` is moved.
        self.code = unsafe { NonNull::new_unchecked(Rc::as_ptr(code).cast_mut()) };
        self.ops = NonNull::from(&*code.ops).cast();
        self.pc = pc;
        self.base = base;
        self.caller = code.pool;
    }

    #[inline(always)]
    fn code(&self) -> &LawCode {
        // SAFETY: the code is live (the first invariant), and only its cells are ever written to.
        unsafe { self.code.as_ref() }
    }

    /// The address of the decoded law, which may be dead by now if it is read by a signal handler.
    pub(super) fn code_address(&self) -> usize {
        self.code.as_ptr().addr()
    }

    /// Takes the next instruction.
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
        // SAFETY: the code and its instructions are live, and `pc` is in range (both invariants).
        unsafe { self.ops.add(self.pc).read() }
    }

    /// The constant with that number.
    #[inline(always)]
    pub(super) fn constant(&self, number: usize) -> Word {
        // SAFETY: the pool is live and has all constants that the decoder numbered; the collector
        // rewrites them in place.
        unsafe { *self.code().constants.add(number) }
    }

    /// The sources of a list.
    #[inline(always)]
    pub(super) fn list(&self, list: SourceList) -> &[ValueSource] {
        self.sources(list.start as usize, list.count as usize)
    }

    /// The sources of the values that an entry captures.
    #[inline(always)]
    pub(super) fn captures(&self, entry: ThunkEntry) -> &[ValueSource] {
        self.sources(entry.captures as usize, entry.captured as usize)
    }

    #[inline(always)]
    fn sources(&self, start: usize, count: usize) -> &[ValueSource] {
        let end = start + count;
        debug_assert!(end <= self.code().sources.len());
        // SAFETY: the code is live, and the decoder made the sources of this range.
        unsafe { self.code().sources.get_unchecked(start..end) }
    }

    /// The entry with that number.
    #[inline(always)]
    pub(super) fn entry(&self, number: u32) -> ThunkEntry {
        debug_assert!((number as usize) < self.code().entries.len());
        // SAFETY: the code is live, and the decoder made the entry with this number.
        unsafe { *self.code().entries.get_unchecked(number as usize) }
    }

    /// The targets of the `Reflect` instruction with that number.
    pub(super) fn branches(&self, number: u32) -> ReflectTargets {
        self.code().branches[number as usize]
    }

    /// The targets of the `Switch` instruction with that number.
    pub(super) fn switch(&self, number: u32) -> &SwitchTargets {
        &self.code().switches[number as usize]
    }

    /// The largest number of words of a frame of the code.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.code().depth
    }

    /// The number of the pool.
    #[inline(always)]
    pub(super) fn pool(&self) -> u32 {
        self.code().pool.0
    }

    /// The code word for `pc` in this code.
    #[inline(always)]
    pub(super) fn word(&self, pc: usize) -> Word {
        Word::code(self.pool(), pc as u32)
    }
}

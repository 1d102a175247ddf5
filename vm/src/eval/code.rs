//! Decoded laws: a compact form of a law's body, run by [`super::run`].
//!
//! A body is decoded once, when the law is first run, into instructions for a stack machine. Its
//! frame on the stack holds the law itself, then the arguments, then what the body's lets and
//! instructions push; slots count from the law. A lazy subexpression is an *entry*: instructions
//! of its own, with a frame of the values it captured.

use crate::native::CodeEntry;
use crate::pools::PoolId;
use plan::raw::Word;
use std::cell::{Cell, OnceCell};

/// Where a word that is passed on comes from: a slot, or a constant of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueSource(u32);

const CONSTANT: u32 = 1 << 31;

impl ValueSource {
    /// The word in a slot.
    pub(crate) fn slot(slot: u32) -> ValueSource {
        debug_assert!(slot < CONSTANT);
        ValueSource(slot)
    }

    /// A constant of the pool.
    pub(crate) fn constant(number: u32) -> ValueSource {
        debug_assert!(number < CONSTANT);
        ValueSource(number | CONSTANT)
    }

    /// The slot, or else the number of the constant.
    #[inline(always)]
    pub(crate) fn slot_or_constant(self) -> Result<usize, usize> {
        if self.0 < CONSTANT { Ok(self.0 as usize) } else { Err((self.0 & !CONSTANT) as usize) }
    }
}

/// Some consecutive ones of the code's sources. (Packed, so that an instruction fits in a word.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, packed(2))]
pub(crate) struct SourceList {
    pub(crate) count: u16,
    pub(crate) start: u32,
}

impl SourceList {
    /// The place after the last of them.
    pub(crate) fn end(self) -> usize {
        self.start as usize + usize::from(self.count)
    }
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Pushes a slot as it is.
    Slot(u32),
    /// Pushes a constant of the pool.
    Constant(u32),
    /// Pushes the words of several sources.
    Push(SourceList),
    /// Pushes a new thunk for the application of the first of these to the others.
    Delay(SourceList),
    /// Pushes the value of a cheap jet, or of operation 3, the first of these, applied to the
    /// others, if those are evaluated; else does what `Delay` does.
    ApplyEagerly(SourceList),
    /// Pushes a new thunk for an entry, capturing its slots.
    Thunk(u32),
    /// Replaces a function and so many arguments by the application, not evaluated.
    Apply(u32),
    /// Replaces the top so many values, last item first, by a row.
    Row(u32),
    /// Pushes a thunk for an entry whose captures are not there yet.
    Hole(u32),
    /// Gives the hole that was made for an entry its captures.
    Fill(u32),
    /// Pushes a frame that goes on at that instruction with the value returned to it on top.
    Frame(u32),
    /// Calls the function under so many arguments on top, above a frame for its value.
    Call(u32),
    /// Replaces this frame by a call of the function under so many arguments on top.
    TailCall(u32),
    /// Calls a jet whose evaluated arguments are on top.
    Native {
        /// How many arguments it takes.
        count: u16,
        /// The constant that is the pin.
        pin: u32,
    },
    /// Counts a call of the jet of that number.
    CountJet(u32),
    /// Pushes a slot's value, evaluated.
    EvalSlot(u32),
    /// Evaluates the top value.
    Eval,
    /// Normalises the top value.
    Normalise,
    /// Returns the top value, which is evaluated.
    Return,
    /// Ends with the value of a slot, to be evaluated.
    ReturnSlot(u32),
    /// Goes on elsewhere.
    Jump(u32),
    /// Drops the top value; goes on elsewhere if it was 0 or not a nat.
    JumpIfFalse(u32),
    /// Drops the top value; goes on elsewhere unless it was the nat 0.
    JumpUnlessZero(u32),
    /// Drops the top value; goes on elsewhere if it was 0 or not a nat, else pushes its
    /// predecessor.
    Predecessor(u32),
    /// Replaces the top value, as a nat, by its successor.
    Increment,
    /// Replaces the top value by 1, or by 0 if it was 0 or not a nat.
    Truth,
    /// Forgets what is in the slots whose bits are set: it is not needed any more.
    Clear(u32),
    /// Replaces the top value by its parts: a pin's item; a law's name, arity and body; an app's
    /// function and last argument; the nat. Goes on at the place for its kind.
    Reflect(u32),
    /// Exchanges the top value with the one so many below it.
    Exchange(u32),
    /// Drops the values under the top one.
    Slide(u32),
    /// Drops the top value.
    Drop,
}

/// Where [`Op::Reflect`] goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReflectTargets {
    pub(crate) pin: u32,
    pub(crate) law: u32,
    pub(crate) app: u32,
    pub(crate) nat: u32,
}

/// A lazy subexpression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThunkEntry {
    /// Its first instruction.
    pub(crate) pc: u32,
    /// The sources, in the frame that makes the thunk, of what becomes its own slots 0, 1, ...: where
    /// they start, and how many they are.
    pub(crate) captures: u32,
    pub(crate) captured: u32,
    /// The slot of its hole, if it is one of a knot.
    pub(crate) hole: u32,
}

/// A decoded law.
#[derive(Debug)]
pub(crate) struct LawCode {
    /// The law's constants, and the number that its laws and thunks name it by.
    pub(crate) pool: PoolId,
    /// Where the pool's constants are, which does not change.
    pub(crate) constants: *const Word,
    pub(crate) ops: Box<[Op]>,
    pub(crate) sources: Box<[ValueSource]>,
    pub(crate) entries: Box<[ThunkEntry]>,
    pub(crate) branches: Box<[ReflectTargets]>,
    /// The most words that a frame of it takes.
    pub(crate) depth: usize,
    /// How often the law was called, as far as the compiler asks.
    pub(crate) calls: Cell<u32>,
    /// Whether the compiler has been asked to compile it.
    pub(crate) is_requested: Cell<bool>,
    /// Where the address of the law's compiled code appears: as the law, and as a pin.
    pub(crate) compiled: [OnceCell<CodeEntry>; 2],
}

impl LawCode {
    /// LawCode that does nothing and belongs to no law.
    pub(crate) fn idle() -> LawCode {
        LawCode {
            pool: PoolId(u32::MAX),
            constants: std::ptr::null(),
            ops: Box::default(),
            sources: Box::default(),
            entries: Box::default(),
            branches: Box::default(),
            depth: 0,
            calls: Cell::new(0),
            is_requested: Cell::new(false),
            compiled: Default::default(),
        }
    }
}

const _: () = assert!(std::mem::size_of::<Op>() == 8);

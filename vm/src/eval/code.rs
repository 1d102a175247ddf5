//! [`LawCode`]: a decoded law, the instructions that [`super::interpret`] runs.
//!
//! A body is decoded once, when the law first runs, into instructions for a stack machine. A frame
//! of the law holds the law itself, then the arguments, then the values that lets and instructions
//! push; slots are counted from the law. A lazy subexpression is an *entry*: it has its own
//! instructions, and a frame of the values that it captured.

use super::call_count::CallCount;
use crate::native::{EntryCell, LawFingerprint};
use crate::pool_id::PoolId;
use plan::raw::Word;
use std::cell::{Cell, OnceCell};

/// The source of a word: a slot of the frame, or a constant of the pool.
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

    /// The slot, or `Err` with the number of the constant.
    #[inline(always)]
    pub(crate) fn slot_or_constant(self) -> Result<usize, usize> {
        if self.0 < CONSTANT { Ok(self.0 as usize) } else { Err((self.0 & !CONSTANT) as usize) }
    }
}

/// A range of the code's sources. It is packed so that an instruction fits in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, packed(2))]
pub(crate) struct SourceList {
    pub(crate) count: u16,
    pub(crate) start: u32,
}

impl SourceList {
    /// The index after the last of them.
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
    /// Pushes the application of the first source to the others: a new thunk, or its value if the first is a law
    /// that finds it [cheap](super::cheap_entries).
    Delay(SourceList),
    /// Pushes the application of the first source, a cheap jet or operation 3, to the others: its
    /// value if they are evaluated, else the same thunk as `Delay`.
    ApplyEagerly(SourceList),
    /// Pushes a new thunk for an entry, capturing its slots.
    Thunk(u32),
    /// Pushes the value of an entry if its code finds it [cheap](super::cheap_entries), else a new thunk for
    /// it, capturing its slots.
    ThunkUnlessCheap(u32),
    /// Pushes an item of the row that an entry captures, if the row is evaluated. Otherwise pushes a
    /// selector, a thunk for the entry, which evaluates the row and returns the item.
    Select {
        /// The index of the item.
        index: u16,
        /// The entry.
        entry: u32,
    },
    /// Replaces a function and that many arguments by the application, not evaluated.
    Apply(u32),
    /// Replaces that number of values on top by the row of them.
    Row(u32),
    /// Pushes a thunk for an entry without its captured values.
    Hole(u32),
    /// Writes the captured values of the thunk that `Hole` pushed for the entry.
    Fill(u32),
    /// Pushes a frame that continues at that instruction with the returned value on top.
    Frame(u32),
    /// Calls the function below that many arguments on top; the frame for its value is below it.
    Call(u32),
    /// Replaces this frame by the call of the function below that many arguments on top.
    TailCall(u32),
    /// Calls a jet whose evaluated arguments are on top.
    Native {
        /// The number of its arguments.
        count: u16,
        /// The constant that is the pin.
        pin: u32,
    },
    /// Counts a call of the jet with that number.
    CountJet(u32),
    /// Begins the span of this execution of the law, by a frame below the law's.
    LawSpan,
    /// Pushes a slot's value, evaluated.
    EvalSlot(u32),
    /// Evaluates the top value.
    Eval,
    /// Normalises the top value.
    Normalise,
    /// Returns the top value, which is evaluated.
    Return,
    /// Evaluates a slot and returns its value.
    ReturnSlot(u32),
    /// Jumps.
    Jump(u32),
    /// Pops the top value; jumps if it was 0 or not a nat.
    JumpIfFalse(u32),
    /// Pops the top value; jumps unless it was the nat 0.
    JumpUnlessZero(u32),
    /// Pops the top value; jumps if it was 0 or not a nat, else pushes its predecessor.
    Predecessor(u32),
    /// Replaces the top value, as a nat, by its successor.
    Increment,
    /// Replaces the top value by 1, or by 0 if it was 0 or not a nat.
    Truth,
    /// Overwrites the slots whose bits are set by 0, because they are dead.
    Clear(u32),
    /// Replaces the top value by its parts: a pin's item; a law's name, arity and body; an app's
    /// function and last argument; the nat. Jumps to the target for its kind.
    Reflect(u32),
    /// Pops the top value, which is evaluated; jumps to the target of the case that it selects.
    Switch(u32),
    /// Exchanges the top value with the one that many below it.
    Exchange(u32),
    /// Removes that many values below the top one.
    Slide(u32),
    /// Drops the top value.
    Drop,
}

/// The targets of [`Op::Reflect`], by the kind of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReflectTargets {
    pub(crate) pin: u32,
    pub(crate) law: u32,
    pub(crate) app: u32,
    pub(crate) nat: u32,
}

/// The targets of [`Op::Switch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SwitchTargets {
    /// The values that select the cases; `None` if the nats 0, 1 and so on do.
    pub(crate) keys: Option<SwitchKeys>,
    /// The target of each case.
    pub(crate) cases: Box<[u32]>,
    /// The target if no case is selected.
    pub(crate) default: u32,
}

/// The keys of the cases of a switch, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SwitchKeys {
    /// The nats below 2^63.
    pub(crate) nats: Box<[u64]>,
    /// The numbers of the constants that are the other keys. None is an app, so no comparison with
    /// an evaluated value evaluates a part of it.
    pub(crate) others: Box<[u32]>,
}

/// A lazy subexpression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThunkEntry {
    /// Its first instruction.
    pub(crate) pc: u32,
    /// The index of the first source, in the frame that makes the thunk, of the values that become
    /// its own slots 0, 1, ...
    pub(crate) captures: u32,
    /// The number of those sources.
    pub(crate) captured: u32,
    /// The slot of its thunk, if `Hole` pushes it: then it belongs to a recursive group of lets.
    pub(crate) hole: u32,
}

/// A decoded law.
#[derive(Debug)]
pub(crate) struct LawCode {
    /// The pool of the law's constants. The law and its thunks refer to the code by the pool's
    /// number.
    pub(crate) pool: PoolId,
    /// The address of the pool's constants, which does not change.
    pub(crate) constants: *const Word,
    /// The number of the constant that is the law, for call chains.
    pub(crate) law: u32,
    pub(crate) ops: Box<[Op]>,
    pub(crate) sources: Box<[ValueSource]>,
    pub(crate) entries: Box<[ThunkEntry]>,
    pub(crate) branches: Box<[ReflectTargets]>,
    pub(crate) switches: Box<[SwitchTargets]>,
    /// The largest number of words of a frame.
    pub(crate) depth: usize,
    /// The number of calls of the law since the compiler was last asked.
    pub(crate) calls: CallCount,
    /// Whether the compiler has been asked to compile it.
    pub(crate) is_requested: Cell<bool>,
    /// What the law is known by in later runs.
    pub(crate) fingerprint: LawFingerprint,
    /// The entries of the law's compiled code: for calls of the law itself, and of its pin.
    pub(crate) compiled: [OnceCell<EntryCell>; 2],
    /// The entry of the compiled code of the jet that implements the law.
    pub(crate) compiled_jet: OnceCell<EntryCell>,
    /// Whether the compiler has been asked to compile the jet.
    pub(crate) is_jet_requested: Cell<bool>,
    /// The number of values that jets applied the law to lazily; `u32::MAX` once the compiler has
    /// been asked for the lazy entry.
    pub(crate) lazy_calls: CallCount,
    /// The lazy entries of the law: for applications of the law itself, and of its pin.
    pub(crate) lazy_entries: [OnceCell<EntryCell>; 2],
    /// Whether the law's own code is [perhaps cheap](super::cheap_entries).
    pub(crate) is_perhaps_cheap: bool,
    /// The number of calls in a row that were not cheap.
    pub(crate) cheap_failures: Cell<u8>,
}

impl LawCode {
    /// Code without instructions that belongs to no law.
    pub(crate) fn idle() -> LawCode {
        LawCode {
            pool: PoolId::NONE,
            constants: std::ptr::null(),
            law: 0,
            ops: Box::default(),
            sources: Box::default(),
            entries: Box::default(),
            branches: Box::default(),
            switches: Box::default(),
            depth: 0,
            calls: CallCount::default(),
            is_requested: Cell::new(false),
            fingerprint: LawFingerprint(0),
            compiled: Default::default(),
            compiled_jet: OnceCell::new(),
            is_jet_requested: Cell::new(false),
            lazy_calls: CallCount::default(),
            lazy_entries: Default::default(),
            is_perhaps_cheap: false,
            cheap_failures: Cell::new(0),
        }
    }
}

const _: () = assert!(std::mem::size_of::<Op>() == 8);

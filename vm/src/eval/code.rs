//! Decoded laws: a compact form of a law's body, run by [`super::run`].
//!
//! A body is decoded once, when the law is first run, into instructions for a stack machine. Its
//! frame on the stack holds the law itself, then the arguments, then what the body's lets and
//! instructions push; slots count from the law. A lazy subexpression is an *entry*: instructions
//! of its own, with a frame of the values it captured.

use crate::heap::PoolId;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// An instruction. `d` below is the depth of the stack above the frame's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Pushes a slot as it is.
    Slot(u32),
    /// Pushes a constant of the pool.
    Constant(u32),
    /// Pushes a new thunk for an entry, capturing its slots.
    Thunk(u32),
    /// Replaces a function and so many arguments by the application, not evaluated.
    Apply(u32),
    /// Replaces the top so many values, last item first, by a row.
    Row(u32),
    /// Pushes a thunk for an entry whose captures are not there yet.
    Hole(u32),
    /// Gives the hole in a slot its captures.
    Fill {
        /// The slot of the hole.
        slot: u32,
        /// The entry it was made for.
        entry: u32,
    },
    /// Pushes a frame that goes on at that instruction with the value returned to it on top.
    Frame(u32),
    /// Calls the function under so many arguments on top, above a frame for its value.
    Call(u32),
    /// Replaces this frame by a call of the function under so many arguments on top.
    TailCall(u32),
    /// Calls a jet whose evaluated arguments are on top.
    Native {
        /// The constant that is the pin.
        pin: u32,
        /// How many arguments it takes.
        count: u32,
    },
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
    /// Replaces the top value by its parts: a pin's item; a law's name, arity and body; an app's
    /// function and last argument; the nat. Goes on at the place for its kind.
    Reflect(u32),
    /// Drops the values under the top one.
    Slide(u32),
    /// Drops the top value.
    Drop,
}

/// Where [`Op::Reflect`] goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Branches {
    pub(crate) pin: u32,
    pub(crate) law: u32,
    pub(crate) app: u32,
    pub(crate) nat: u32,
}

/// A lazy subexpression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its first instruction.
    pub(crate) pc: u32,
    /// The slots, in the frame that makes the thunk, of what becomes its own slots 0, 1, ...
    pub(crate) captures: Box<[u32]>,
}

/// A decoded law.
#[derive(Debug)]
pub(crate) struct Code {
    /// The law's constants, and the number that its laws and thunks name it by.
    pub(crate) pool: PoolId,
    pub(crate) ops: Box<[Op]>,
    pub(crate) entries: Box<[Entry]>,
    pub(crate) branches: Box<[Branches]>,
    /// The most words that a frame of it takes.
    pub(crate) depth: usize,
    /// How often the law was called, as far as the compiler asks.
    pub(crate) calls: Cell<u32>,
    /// Whether the compiler has been told of it.
    pub(crate) told: Cell<bool>,
    /// Where the address of the law's compiled code appears: as the law, and as a pin.
    pub(crate) compiled: [OnceCell<Arc<AtomicUsize>>; 2],
}

impl Code {
    /// Code that does nothing and belongs to no law.
    pub(crate) fn idle() -> Code {
        Code {
            pool: PoolId(u32::MAX),
            ops: Box::default(),
            entries: Box::default(),
            branches: Box::default(),
            depth: 0,
            calls: Cell::new(0),
            told: Cell::new(false),
            compiled: Default::default(),
        }
    }
}

const _: () = assert!(std::mem::size_of::<Op>() <= 12);

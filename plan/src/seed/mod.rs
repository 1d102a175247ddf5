//! Values as bytes: *seeds*, which hold a value whole, and *germs*, which hold what one pin pins
//! and leave the pins within as holes.
//!
//! Both have the same form. The value is taken apart into pairs (a function and one argument) with
//! nats and holes as their leaves: a law is `(0 name arity body)`, a pin `(4 item)`, and shapes are
//! the laws and apps that they stand for. Equal parts are written once. What is left is a list of
//! *references*, each numbered by its place: the holes, the nats, and then *fragments*, pairs that
//! occur more than once, each made of references to what comes before it. The last one is the
//! value.
//!
//! ```text
//! +-------+-------+-------+-------+-----------+
//! | holes | bigs  | words | bytes | fragments |    five counts
//! +-------+-------+-------+-------+-----------+
//! | limbs of each big             |                nats of more than one limb, largest first
//! +-------------------------------+----------+
//! | the bigs' limbs                          |
//! +------------------------------------------+
//! | the words                     |                nats below 2^64, largest first
//! +-------------+-----------------+
//! | the bytes   |                                  nats below 256, largest first, a byte each
//! +-------------+---------------------- - - -+
//! | bits of the fragments      | zero bits   |     up to a multiple of 8 bytes
//! +----------------------------+-------------+
//! ```
//!
//! Counts, limbs and words are 8 bytes, least first; so are bits within a byte. A fragment is a
//! tree in which a one stands for a pair, whose function and argument follow, and a zero for a
//! reference, whose number follows in as many bits as the largest number possible there needs. The
//! fragment's own pair goes without saying. A value without pairs has no fragments.
//!
//! Among bigs with equally many limbs and the same highest one, the smaller comes first.
//! (prototype: lib/Fan/Seed.hs, cbits/seed.c)
//!
//! ```text
//! save: value ──graph──▶ nodes, equal ones once ──write──▶ bytes
//! load: bytes ──read───▶ table of references on the stack ──▶ value
//! ```

mod bits;
mod graph;
mod read;
#[cfg(test)]
mod tests;
mod write;

use self::write::BigOrder;
use crate::digest::Hash;
use crate::error::EvalError;
use crate::heap::Val;
use crate::values::Heap;
use crate::view::{PinRef, Shape};
use crate::walk::Walk;
use crate::word::Kind;
use std::collections::{HashMap, HashSet};

/// Why a value was not saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SaveError {
    /// Something in it is not evaluated: [`Vm::force`] it first.
    #[error("the value cannot be saved: it is not in normal form")]
    NotNormal,
    /// It has more than 2^32 - 2 distinct parts.
    #[error("the value cannot be saved: it has too many parts")]
    TooLarge,
    /// A germ was asked of something else than a pin.
    #[error("the value cannot be saved as a germ: it is not a pin")]
    NotAPin,
    /// A pin within a germ cannot be hashed: see [`EvalError::TooLarge`].
    #[error("the value cannot be saved: a pin in it, written out, has more than {parts} parts")]
    PinTooLarge {
        /// How many parts it may have.
        parts: u64,
    },
    /// Somebody asked for it to error.
    #[error("interrupted")]
    Interrupted,
}

impl From<EvalError> for SaveError {
    fn from(error: EvalError) -> SaveError {
        match error {
            EvalError::TooLarge { parts } => SaveError::PinTooLarge { parts },
            _ => SaveError::Interrupted,
        }
    }
}

/// Why bytes are not a value.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not a seed, at byte {offset}: {problem}")]
pub struct LoadError {
    /// Where in the input the trouble was found, in bytes from its start.
    pub offset: usize,
    /// What the trouble is.
    pub problem: LoadProblem,
}

/// What is wrong with bytes that should be a value.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoadProblem {
    /// The input's length is not a multiple of 8.
    #[error("the input is not a whole number of 8-byte words")]
    NotWholeWords,
    /// There is less input than the counts say.
    #[error("the input ends within its {0}")]
    Truncated(&'static str),
    /// There is more input than the counts say.
    #[error("there is something after the end of the value")]
    TrailingData,
    /// No value is there.
    #[error("the input has no nat, hole or fragment, and so no value")]
    Empty,
    /// There are more or fewer holes than there is to fill them.
    #[error("it has {holes} holes, but {given} pins were given to fill them")]
    HoleCount {
        /// What the input says.
        holes: u64,
        /// How many there are.
        given: usize,
    },
    /// What was given to fill a hole is not a pin.
    #[error("what was given for hole {0} is not a pin")]
    NotAPin(usize),
    /// A big nat with fewer than two limbs, or whose highest limb is 0.
    #[error("a big nat has leading zeroes or fits one word")]
    NotBig,
    /// A reference to something that comes later or not at all.
    #[error("it refers to part {reference}, but only {known} parts come before")]
    BadReference {
        /// The number of the part.
        reference: u64,
        /// How many parts there are to refer to.
        known: usize,
    },
    /// A law whose name or arity is no nat, or whose arity is 0.
    #[error("a law needs nats as its name and arity, and an arity above 0")]
    NotALaw,
    /// A function with all the arguments that it takes.
    #[error("a function with all its arguments is not a value")]
    NotNormal,
    /// The value needs more heap or stack than may be used.
    #[error("{0}")]
    Eval(EvalError),
}

/// Saves a value in normal form as a seed.
///
/// # Errors
/// See [`SaveError`].
pub fn save(heap: &Heap, value: &Val) -> Result<Vec<u8>, SaveError> {
    let graph = graph::Graph::of(heap.look(value), None)?;
    Ok(write::write(graph, BigOrder::Files))
}

/// Saves a value as the law `_SaveSeed` does: as [`save`], but big nats with as many limbs and the
/// same highest one stand in the opposite order.
///
/// # Errors
/// See [`SaveError`].
pub fn save_as_law(heap: &Heap, value: &Val) -> Result<Vec<u8>, SaveError> {
    let graph = graph::Graph::of(heap.look(value), None)?;
    Ok(write::write(graph, BigOrder::Laws))
}

/// Loads a value from a seed.
///
/// # Errors
/// If the bytes are not a seed, or its value does not fit.
pub fn load(heap: &mut Heap, bytes: &[u8]) -> Result<Val, LoadError> {
    read::read(&mut heap.0, &[], bytes)
}

/// The pins that a pin refers to directly, each once, in the order in which a [walk](crate::walk)
/// comes upon them. Those with equal hashes are one.
///
/// # Errors
/// [`EvalError::TooLarge`] and [`EvalError::Interrupted`], if one of them is to be hashed.
pub fn edges(pin: PinRef<'_>) -> Result<Vec<PinRef<'_>>, EvalError> {
    let mut seen = HashMap::new();
    edges_in(pin, &mut seen)
}

fn edges_in<'h>(
    pin: PinRef<'h>,
    seen: &mut HashMap<Hash, u32>,
) -> Result<Vec<PinRef<'h>>, EvalError> {
    let mut edges = Vec::new();
    let mut walk = Walk::distinct(pin.item());
    while let Some(part) = walk.next()? {
        if part.word.kind() != Kind::Pin {
            continue;
        }
        let place = edges.len() as u32;
        seen.entry(PinRef(part).hash()?).or_insert_with(|| {
            edges.push(PinRef(part));
            place
        });
    }
    Ok(edges)
}

/// Saves what a pin pins, leaving the pins directly within as holes: their hashes, in the order of
/// the holes, and the bytes.
///
/// # Errors
/// See [`SaveError`].
pub fn save_germ(heap: &Heap, pin: &Val) -> Result<(Vec<Hash>, Vec<u8>), SaveError> {
    let Shape::Pin(pin) = heap.look(pin).shape() else {
        return Err(SaveError::NotAPin);
    };
    let mut holes = HashMap::new();
    let edges = edges_in(pin, &mut holes)?;
    let graph = graph::Graph::of(pin.item(), Some(&holes))?;
    let hashes = edges.into_iter().map(PinRef::hash).collect::<Result<_, EvalError>>()?;
    Ok((hashes, write::write(graph, BigOrder::Files)))
}

/// Saves a pin as the law `_SaveGerm` does: the pins directly within, and the bytes. The holes stand
/// in another order than those of [`save_germ`]: the law comes upon what a value consists of as PLAN
/// does, who gives a row its last item first. Big nats stand as in [`save_as_law`].
///
/// # Errors
/// See [`SaveError`].
pub fn save_germ_as_law(heap: &Heap, pin: &Val) -> Result<(Vec<Val>, Vec<u8>), SaveError> {
    let Shape::Pin(pin) = heap.look(pin).shape() else {
        return Err(SaveError::NotAPin);
    };
    let mut holes = HashMap::new();
    let mut pins = Vec::new();
    let mut seen = HashSet::new();
    let mut pending = vec![pin.item()];
    while let Some(part) = pending.pop() {
        part.heap.interrupt.check().map_err(EvalError::from)?;
        if part.word.has_object() && !seen.insert(part.word.raw()) {
            continue;
        }
        match part.shape() {
            Shape::Pin(pin) => {
                let place = pins.len() as u32;
                holes.entry(pin.hash()?).or_insert_with(|| {
                    pins.push(heap.hold(part));
                    place
                });
            }
            Shape::Law(law) => pending.push(law.body()),
            Shape::App(app) => {
                let first = pending.len();
                pending.extend(app.args());
                pending[first..].reverse();
                pending.push(app.head());
            }
            Shape::Row(items) | Shape::Set(items) => pending.extend(items.iter()),
            Shape::Tab(keys, values) => pending.extend(values.iter().chain(keys.iter())),
            Shape::Nat(_) | Shape::Bar(_) | Shape::Cow(_) => {}
            Shape::Thunk => return Err(SaveError::NotNormal),
        }
    }
    let graph = graph::Graph::of(pin.item(), Some(&holes))?;
    Ok((pins, write::write(graph, BigOrder::Laws)))
}

/// Loads what a pin pinned from a germ, with these pins in its holes. The caller pins it.
///
/// # Errors
/// If the bytes are not a germ with so many holes, or its value does not fit.
pub fn load_germ(heap: &mut Heap, holes: &[Val], bytes: &[u8]) -> Result<Val, LoadError> {
    read::read(&mut heap.0, holes, bytes)
}

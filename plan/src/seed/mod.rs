//! Values as bytes: a *seed* holds a whole value, and a *germ* holds the item of one pin, with a
//! hole for each pin in it.
//!
//! Both have the same format. The value is decomposed into pairs (a function and one argument) with
//! nats and holes as leaves: a law is `(0 name arity body)`, a pin `(4 item)`, and a data jet is
//! the law or app that it represents. Equal parts are written once. The result is a list of
//! *references*, numbered in order: the holes, the nats, and then *fragments*, pairs that occur
//! more than once, each made of references to earlier entries. The last one is the value.
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
//! | the bytes   |                                  nats below 256, largest first, one byte each
//! +-------------+---------------------- - - -+
//! | bits of the fragments      | zero bits   |     up to a multiple of 8 bytes
//! +----------------------------+-------------+
//! ```
//!
//! Counts, limbs and words are 8 bytes, least significant first; the bits of a byte have the same
//! order. A fragment is a tree. A one bit means a pair, whose function and argument follow; a
//! zero bit for a reference, whose number follows in as many bits as the largest possible number
//! there needs. The bit of the fragment's own pair is omitted. A value without pairs has no
//! fragments.
//!
//! Among bigs with the same number of limbs and the same highest limb, the smaller comes first.
//! (prototype: lib/Fan/Seed.hs, cbits/seed.c)
//!
//! ```text
//! save: value ──graph──▶ nodes, equal ones once ──write──▶ bytes
//! load: bytes ──read───▶ table of references on the stack ──▶ value
//! ```

mod bits;
mod error;
mod graph;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use self::error::{LoadError, LoadProblem, SaveError};
use self::write::BigOrder;
use crate::digest::Hash;
use crate::error::EvalError;
use crate::heap::Val;
use crate::values::Heap;
use crate::view::{PinRef, Shape};
use crate::walk::Walk;
use crate::word::WordKind;
use std::collections::{HashMap, HashSet};

/// Saves a value in normal form as a seed.
///
/// # Errors
/// See [`SaveError`].
pub fn save(heap: &Heap, value: &Val) -> Result<Vec<u8>, SaveError> {
    let graph = graph::Graph::of(heap.look(value), None)?;
    Ok(write::write(graph, BigOrder::Files))
}

/// Saves a value in normal form as the law `_SaveSeed` does: as [`save`], but with big nats of the
/// same number of limbs and the same highest limb in the opposite order.
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
/// See [`LoadProblem`].
pub fn load(heap: &mut Heap, bytes: &[u8]) -> Result<Val, LoadError> {
    read::read(&mut heap.0, &[], bytes)
}

/// Returns the pins that a pin refers to directly, in the order of a walk over its item. Of pins
/// with equal hashes, only the first is listed.
///
/// # Errors
/// [`EvalError::TooLarge`] and [`EvalError::Interrupted`], while the hash of one of them is
/// computed.
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
        if part.word.kind() != WordKind::Pin {
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

/// Saves the item of a pin, with a hole for each pin directly in it. Returns the hashes of those
/// pins, in the order of the holes, and the bytes.
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

/// Saves a pin as the law `_SaveGerm` does. Returns the pins directly in it, in the order of the
/// holes, and the bytes. The order differs from that of [`save_germ`]: the law walks over a value
/// as PLAN sees it, and PLAN applies a row to its last item first. Big nats are in the order of
/// [`save_as_law`].
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

/// Loads the item of a pin from a germ, with these pins in its holes. The caller pins it.
///
/// # Errors
/// See [`LoadProblem`].
pub fn load_germ(heap: &mut Heap, holes: &[Val], bytes: &[u8]) -> Result<Val, LoadError> {
    read::read(&mut heap.0, holes, bytes)
}

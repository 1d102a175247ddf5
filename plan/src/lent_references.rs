//! [`LentReferences`]: the report of a heap for a survey of a pin space, made on a thread of its own
//! while the heap goes on.
//!
//! A survey needs what a heap refers to at one moment ([`crate::pinspace::HeapReferences`]). A full
//! collection finds that, and stops the heap for a time in proportion to its live data. Instead, the
//! heap makes everything old, and lends it ([`OldSpaceLoan`]):
//!
//! ```text
//! heap's thread   everything becomes old; visits the roots, and from there what is not in normal form
//!                       │ words of values in normal form, and of frozen objects
//!                       ▼
//! other thread    visits the values in normal form ─▶ the addresses of frozen objects
//! ```
//!
//! What is not in normal form is evaluated and written to, so only the heap's thread can visit it. It
//! belongs to suspended evaluations, and is small as a rule; if it is not, there is no report.
//!
//! # Why the report is complete
//!
//! It lists the frozen objects that the roots reached when the loan began. The roots are those of a
//! full collection, and more: also constants of code that is dead. The heap's thread visits every
//! object from which a thunk can be reached, until it meets values in normal form. These are not
//! written to afterwards, and full collections wait for the end of the loan, so the other thread finds
//! in them what was there at that moment ([`crate::heap`]'s loans have the argument, and list the words
//! that are written all the same). A pin of the heap counts as a reference to its frozen copy too,
//! because the next full collection replaces the pin by the copy.

use crate::heap::{HeapHost, HeapMemory, OldSpaceLoan, RawHeap};
use crate::layout::{LAW_CODE, ObjectLayout, PIN_FROZEN};
use crate::pinspace::range::is_frozen;
use crate::pinspace::{HeapReferences, PinSpace};
use crate::visited::VisitedObjects;
use crate::word::{Word, WordKind};
use std::collections::HashSet;
use std::sync::Arc;

/// How many objects that are not in normal form the heap's thread visits at most. That takes some
/// milliseconds.
const UNFINISHED_MAX: usize = 50_000;

/// After this many objects, the other thread asks whether it is to go on.
const STEP: usize = 4096;

/// What a heap refers to in a pin space at the moment when this was made.
pub struct LentReferences {
    /// Values in normal form. All other values have been visited.
    values: Vec<Word>,
    /// The frozen objects that have been met.
    frozen: Vec<usize>,
    /// The report, as yet empty.
    report: HeapReferences,
    space: Arc<PinSpace>,
    _loan: OldSpaceLoan,
}

/// Begins the report of a heap. Returns `None` if too much of it is not in normal form.
pub(crate) fn lend<H: HeapHost + ?Sized>(
    heap: &mut RawHeap<H>,
    space: &Arc<PinSpace>,
) -> Option<LentReferences> {
    let loan = heap.lend_old();
    let report = heap.spaces.empty_report(space);
    let roots = heap.list_roots();
    let mut walk = UnfinishedWalk::default();
    roots.into_iter().for_each(|word| walk.meet(heap, word));
    let is_complete = walk.run(heap);
    let UnfinishedWalk { values, frozen, .. } = walk;
    let space = Arc::clone(space);
    is_complete.then_some(LentReferences { values, frozen, report, space, _loan: loan })
}

/// The visit of the objects that are not in normal form.
#[derive(Default)]
struct UnfinishedWalk {
    /// Objects that have been met and not visited.
    pending: Vec<Word>,
    /// The addresses of all objects that are or were pending.
    met: HashSet<usize>,
    values: Vec<Word>,
    frozen: Vec<usize>,
}

impl UnfinishedWalk {
    fn meet(&mut self, memory: &HeapMemory, word: Word) {
        if !word.has_object() {
            return;
        }
        let address = word.address();
        if is_frozen(address) {
            self.frozen.push(address);
        } else if memory.is_normal(word) {
            self.values.push(word);
        } else if self.met.insert(address) {
            self.pending.push(word);
        }
    }

    /// Visits what has been met. Returns false if that is too much.
    fn run(&mut self, memory: &HeapMemory) -> bool {
        while let Some(word) = self.pending.pop() {
            if self.met.len() > UNFINISHED_MAX {
                return false;
            }
            let header = memory.header(word);
            for index in header.layout().values(header.size()) {
                self.meet(memory, memory.load(word, index));
            }
        }
        true
    }
}

impl LentReferences {
    /// Ends the report, and the loan with it. Asks `goes_on` now and then; returns `None` if that
    /// returns false, or if the system refuses memory.
    pub fn list(self, mut goes_on: impl FnMut() -> bool) -> Option<HeapReferences> {
        let LentReferences { values, frozen, report, space, _loan } = self;
        let memory = HeapMemory::reader().ok()?;
        let mut walk =
            ValueWalk { frozen, pending: Vec::new(), visited: VisitedObjects::default() };
        let mut visits: usize = 0;
        for value in values {
            walk.meet(value);
            while let Some(word) = walk.pending.pop() {
                visits += 1;
                if visits.is_multiple_of(STEP) && !goes_on() {
                    return None;
                }
                walk.visit(&memory, word);
            }
        }
        let mut addresses = walk.frozen;
        addresses.retain(|address| space.contains(*address));
        addresses.sort_unstable();
        addresses.dedup();
        Some(report.with_addresses(addresses))
    }
}

/// The visit of values in normal form, which are lent.
struct ValueWalk {
    frozen: Vec<usize>,
    /// Objects that have been met and not visited.
    pending: Vec<Word>,
    visited: VisitedObjects,
}

impl ValueWalk {
    fn meet(&mut self, word: Word) {
        if !word.has_object() {
            return;
        }
        let address = word.address();
        if is_frozen(address) {
            self.frozen.push(address);
        } else if self.visited.insert(address) {
            self.pending.push(word);
        }
    }

    /// Meets what an object refers to. Reads no word that the heap's thread may write meanwhile, but
    /// for the frozen copy of a pin, which both threads access atomically.
    fn visit(&mut self, memory: &HeapMemory, word: Word) {
        let object = memory.object(word);
        let header = object.header();
        let values = match header.layout() {
            ObjectLayout::Law => 0..LAW_CODE,
            layout => layout.values(header.size()),
        };
        for value in object.words(values.start, values.len()) {
            self.meet(*value);
        }
        if word.kind() == WordKind::Pin {
            let copy = object.shared_raw(PIN_FROZEN) as usize;
            if is_frozen(copy) {
                self.frozen.push(copy);
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! Root slots, and [`Val`]: a handle that keeps a value alive from outside the heap.
//!
//! A slot counts its handles and is freed with the last of them. A slot never changes its value, so
//! a collection of the nursery visits only the slots that may hold young values.

use crate::word::Word;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

#[derive(Default)]
pub(crate) struct HandleTable {
    table: RefCell<HandleSlots>,
}

#[derive(Default)]
struct HandleSlots {
    slots: Vec<HandleSlot>,
    free: Vec<u32>,
    /// The slots that may hold young values, each once.
    young: Vec<u32>,
}

struct HandleSlot {
    word: Word,
    handles: u32,
    /// Whether `young` has the slot. A slot that is used again keeps its entry: with an entry for
    /// each value, a slot whose value is young at every collection would gather entries for ever.
    is_listed: bool,
}

/// A handle that keeps a value of a heap alive.
///
/// Cloning is cheap. A handle may outlive its heap, but no method accepts it then.
pub struct Val(ValRepr);

enum ValRepr {
    Direct(Word),
    Slot(Rc<HandleTable>, u32),
}

impl HandleTable {
    pub(crate) fn hold(this: &Rc<HandleTable>, word: Word) -> Val {
        if !word.has_object() {
            return Val(ValRepr::Direct(word));
        }
        let table = &mut *this.table.borrow_mut();
        let id = table.free.pop().unwrap_or_else(|| {
            table.slots.push(HandleSlot { word: Word::ZERO, handles: 0, is_listed: false });
            table.slots.len() as u32 - 1
        });
        let slot = &mut table.slots[id as usize];
        (slot.word, slot.handles) = (word, 1);
        if !std::mem::replace(&mut slot.is_listed, true) {
            table.young.push(id);
        }
        Val(ValRepr::Slot(Rc::clone(this), id))
    }

    /// Returns the number of slots that the next young collection visits.
    #[cfg(test)]
    pub(crate) fn listed(&self) -> usize {
        self.table.borrow().young.len()
    }

    /// Visits the words of all slots (no slot is young afterwards), or of those that may be young.
    /// `visit` rewrites a word, and returns whether it is young afterwards.
    pub(crate) fn visit(&self, all: bool, mut visit: impl FnMut(&mut Word) -> bool) {
        let HandleSlots { slots, young, .. } = &mut *self.table.borrow_mut();
        if all {
            young.clear();
            for slot in slots.iter_mut() {
                slot.is_listed = false;
                if slot.handles > 0 {
                    visit(&mut slot.word);
                }
            }
            return;
        }
        young.retain(|id| {
            let slot = &mut slots[*id as usize];
            slot.is_listed = slot.handles > 0 && visit(&mut slot.word);
            slot.is_listed
        });
    }
}

impl Val {
    /// A value without an object, such as a nat below 2^63. It belongs to every heap.
    pub(crate) fn direct(word: Word) -> Val {
        debug_assert!(!word.has_object());
        Val(ValRepr::Direct(word))
    }

    pub(crate) fn word_in(&self, roots: &Rc<HandleTable>) -> Word {
        match &self.0 {
            ValRepr::Direct(word) => *word,
            ValRepr::Slot(owner, id) => {
                assert!(Rc::ptr_eq(owner, roots), "a value was used with another heap");
                owner.table.borrow().slots[*id as usize].word
            }
        }
    }
}

impl Clone for Val {
    fn clone(&self) -> Val {
        Val(match &self.0 {
            ValRepr::Direct(word) => ValRepr::Direct(*word),
            ValRepr::Slot(roots, id) => {
                roots.table.borrow_mut().slots[*id as usize].handles += 1;
                ValRepr::Slot(Rc::clone(roots), *id)
            }
        })
    }
}

impl Drop for Val {
    fn drop(&mut self) {
        if let ValRepr::Slot(roots, id) = &self.0 {
            let table = &mut *roots.table.borrow_mut();
            let slot = &mut table.slots[*id as usize];
            slot.handles -= 1;
            if slot.handles == 0 {
                slot.word = Word::ZERO;
                table.free.push(*id);
            }
        }
    }
}

impl fmt::Debug for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ValRepr::Direct(word) => write!(f, "Val({word:?})"),
            ValRepr::Slot(roots, id) => {
                write!(f, "Val({:?})", roots.table.borrow().slots[*id as usize].word)
            }
        }
    }
}

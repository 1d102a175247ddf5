//! Walking a value from the outside in, without recursion.
//!
//! The walk visits a value before what it consists of, and that from left to right: a law's body,
//! an app's function and then its arguments, a row's items, a set's keys, a table's keys and then
//! its values. A row constructor consists of nothing, and pins are not looked into. This is the
//! order in which values are hashed, and in which a pin lists the pins that it refers to.

use crate::heap::Heap;
use crate::tree;
use crate::view::{LawRef, Ref, Shape};
use crate::word::{Kind, Word};

/// Whether a law is a row constructor that is too wide for a shape of its own (see `shape`).
pub(crate) fn is_wide_constructor(law: LawRef<'_>) -> bool {
    law.name().is_zero() && law.body().as_nat().is_some_and(|body| body.is_zero())
}

/// A walk over one value. As an iterator it gives every value in it, in the order the module tells.
///
/// Its memory grows with how far the value nests to the left only: a long list costs nothing.
pub(crate) struct Walk<'h> {
    heap: &'h Heap,
    next: Option<Word>,
    pending: Vec<Run>,
}

/// Values of one object that are still to be visited: at least one.
struct Run {
    object: Word,
    next: u32,
    end: u32,
}

impl<'h> Walk<'h> {
    pub(crate) fn new(value: Ref<'h>) -> Walk<'h> {
        Walk { heap: value.heap, next: Some(value.word), pending: Vec::new() }
    }

    fn push(&mut self, object: Word, next: usize, end: usize) {
        if next < end {
            // An object has at most `PAYLOAD_MAX` words, which is `u32::MAX`.
            self.pending.push(Run { object, next: next as u32, end: end as u32 });
        }
    }

    /// Leaves the items of a row or the keys of a set to be visited.
    fn push_items(&mut self, object: Word) {
        let heap = self.heap;
        tree::leaves_backwards(heap, object, &mut |leaf| self.push(leaf, 0, heap.size(leaf)));
    }

    /// Leaves what the value consists of to be visited.
    fn enter(&mut self, word: Word) {
        match word.kind() {
            Kind::Nat | Kind::Big | Kind::Pin | Kind::Bar | Kind::Cow => {}
            Kind::Law => match Ref::new(word, self.heap).shape() {
                Shape::Law(law) if is_wide_constructor(law) => {}
                _ => self.push(word, 2, 3),
            },
            Kind::Row | Kind::Set => self.push_items(word),
            Kind::Tab => {
                self.push_items(self.heap.load(word, 1));
                self.push_items(self.heap.load(word, 0));
            }
            Kind::App => {
                let mut link = word;
                loop {
                    let function = self.heap.load(link, 0);
                    let chained = function.kind() == Kind::App;
                    self.push(link, usize::from(chained), self.heap.size(link));
                    if !chained {
                        break;
                    }
                    link = function;
                }
            }
            Kind::Thunk | Kind::Code => unreachable!("only values in normal form are walked"),
        }
    }
}

impl<'h> Iterator for Walk<'h> {
    type Item = Ref<'h>;

    fn next(&mut self) -> Option<Ref<'h>> {
        let word = match self.next.take() {
            Some(word) => word,
            None => {
                let run = self.pending.last_mut()?;
                let word = self.heap.load(run.object, run.next as usize);
                run.next += 1;
                if run.next == run.end {
                    self.pending.pop();
                }
                word
            }
        };
        let value = Ref::new(word, self.heap);
        self.enter(value.word);
        Some(value)
    }
}

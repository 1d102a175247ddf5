//! The two collections, both copying, both without recursion.
//!
//! *Young*: what is reachable in the nursery moves to the end of old space. Roots are the changed
//! part of the stack, young root slots and pools, and the remembered set. Objects are promoted at
//! the first collection they survive.
//!
//! *All*: everything reachable moves to a new old space, and the former one is dropped. Pools that
//! nothing names any more are dropped too.
//!
//! Frozen objects ([`crate::pinspace`]) never move and are never looked into: a collection sees
//! only that a word points to one, and keeps the code of the law that it may be. A full collection
//! replaces a pin that has been frozen since by the frozen one.
//!
//! Either way the objects that have arrived are scanned in address order, moving what they point
//! to behind them, until the scan has caught up (Cheney). A word that points to an evaluated thunk
//! is replaced by the value.

use super::frozen;
use super::object::{self, Header, Layout};
use super::pools::{PoolId, Pools};
use super::space::{Block, OldSpace};
use super::{Heap, MAJOR_MINIMUM};
use crate::native::{Held, Since};
use crate::pinspace::range::is_frozen;
use crate::word::{Kind, Word};

/// What a collection moves objects from.
enum From<'a> {
    Nursery(&'a Block),
    /// And which pools are marked while doing so.
    Everywhere(&'a mut Pools),
}

/// A collection in progress.
struct Collection<'a> {
    from: From<'a>,
    to: &'a mut OldSpace,
    copied: u64,
}

impl Collection<'_> {
    /// Moves what the word points to, if it is to be moved, and makes the word follow it.
    #[inline(always)]
    fn visit(&mut self, word: &mut Word) {
        if !word.has_object() {
            self.mark(*word);
            return;
        }
        let mut old = *word;
        while old.is_thunk() && object::header(old.address()).layout() == Layout::Indirection {
            old = object::load(old.address(), 0);
        }
        if !old.has_object() {
            *word = old;
            return;
        }
        let address = old.address();
        if let From::Nursery(nursery) = &self.from
            && !nursery.contains(address)
        {
            *word = old;
            return;
        }
        if is_frozen(address) {
            self.mark_frozen(old);
            return;
        }
        let header = object::header(address);
        let new = match header.new_address() {
            Some(new) => new,
            None => self.relocate(address, header),
        };
        *word = old.moved_to(new);
    }

    /// Keeps the pool that a code word names.
    #[inline(always)]
    fn mark(&mut self, word: Word) {
        if let From::Everywhere(pools) = &mut self.from
            && word.kind() == Kind::Code
        {
            if word.is_native() {
                pools.mark_compiled(word.address());
            } else {
                pools.mark(PoolId(word.code_parts().0));
            }
        }
    }

    /// Visits what a frame of compiled code holds.
    fn visit_in_frame(&mut self, held: Held<'_>) {
        match held {
            Held::Value(word) => self.visit(word),
            Held::Code(address) => {
                if let From::Everywhere(pools) = &mut self.from {
                    pools.mark_compiled(address);
                }
            }
        }
    }

    /// Keeps the code of a frozen law that the word is or pins.
    fn mark_frozen(&mut self, word: Word) {
        if let From::Everywhere(pools) = &mut self.from {
            pools.mark_frozen(word);
        }
    }

    fn relocate(&mut self, address: usize, header: Header) -> usize {
        if let From::Everywhere(pools) = &mut self.from {
            if let Some(twin) = frozen::twin(address, header.layout()) {
                object::set_header(address, Header::moved(twin));
                pools.mark_frozen(Word::object(Kind::Pin, twin));
                return twin;
            }
            pools.note_twin(address, header.layout());
        }
        let size = header.size();
        let new = self.to.take(1 + size);
        object::relocate(address, new, size);
        if header.is_remembered() {
            object::set_header(new, header.with_remembered(false));
        }
        object::set_header(address, Header::moved(new));
        self.copied += 1 + size as u64;
        new
    }

    /// Visits the constants of one marked pool; false if there is none left.
    fn visit_marked_pool(&mut self) -> bool {
        let From::Everywhere(pools) = &mut self.from else { return false };
        let Some((id, mut constants)) = pools.next_marked() else { return false };
        for word in &mut constants {
            self.visit(word);
        }
        if let From::Everywhere(pools) = &mut self.from {
            pools.put_back(id, constants);
        }
        true
    }

    /// Visits the values of an object.
    fn scan(&mut self, address: usize, header: Header) {
        for index in header.layout().values(header.size()) {
            let mut word = object::load(address, index);
            self.visit(&mut word);
            object::store_raw(address, index, word.raw());
        }
    }
}

impl Heap {
    /// Collects the nursery.
    pub(crate) fn collect_young(&mut self) {
        self.statistics.minor += 1;
        let mut cursor = self.old.end();
        let nursery = std::mem::replace(&mut self.nursery, Block::new(0));
        let mut run = Collection { from: From::Nursery(&nursery), to: &mut self.old, copied: 0 };
        for word in self.stack.changed_mut() {
            run.visit(word);
        }
        self.native.visit_frames(Since::LastCollection, |held| run.visit_in_frame(held));
        self.roots.visit(false, |word| run.visit(word));
        for word in self.pools.young_constants() {
            run.visit(word);
        }
        for address in std::mem::take(&mut self.remembered) {
            let header = object::header(address).with_remembered(false);
            object::set_header(address, header);
            run.scan(address, header);
        }
        while let Some(address) = run.to.at(&mut cursor) {
            let header = object::header(address);
            run.scan(address, header);
            cursor.step(1 + header.size());
        }
        self.statistics.copied += run.copied;
        self.nursery = nursery;
        self.clear_nursery();
    }

    /// Collects everything.
    pub(crate) fn collect_all(&mut self) {
        self.statistics.major += 1;
        let before = self.old.take_all();
        self.stack.forget_unchanged();
        self.remembered.clear();
        let mut cursor = self.old.end();
        self.pools.begin();
        self.native.forget_frozen();
        let from = From::Everywhere(&mut self.pools);
        let mut run = Collection { from, to: &mut self.old, copied: 0 };
        for word in self.stack.changed_mut() {
            run.visit(word);
        }
        self.native.visit_frames(Since::Ever, |held| run.visit_in_frame(held));
        self.roots.visit(true, |word| run.visit(word));
        loop {
            while let Some(address) = run.to.at(&mut cursor) {
                let header = object::header(address);
                run.scan(address, header);
                cursor.step(1 + header.size());
            }
            if !run.visit_marked_pool() {
                break;
            }
        }
        self.statistics.copied += run.copied;
        let (dead, lost) = self.pools.sweep();
        self.dead_pools.extend(dead);
        self.native.lose(lost);
        self.clear_nursery();
        drop(before);
        self.major_at = (2 * self.old.capacity()).max(MAJOR_MINIMUM);
    }
}

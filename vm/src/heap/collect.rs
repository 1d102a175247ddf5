//! The two collections, both copying, both without recursion.
//!
//! *Young*: what is reachable in the nursery moves on, to its survivors or to the end of old space (see
//! `nursery`). Roots are the part of the stack that may hold young values, root slots and pools that
//! may, and the remembered set. Those that do afterwards are roots of the next one, too.
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
use super::nursery::Leaving;
use super::object::{self, Header, Layout};
use super::pools::{PoolId, Pools};
use super::space::{Cursor, OldSpace};
use super::{Heap, MAJOR_MINIMUM};
use crate::native::{Held, Since};
use crate::pinspace::range::is_frozen;
use crate::word::{Kind, Word};

/// What a collection moves objects from.
enum From<'a> {
    Nursery(Leaving<'a>),
    /// And which pools are marked while doing so.
    Everywhere(&'a mut Pools),
}

/// A collection in progress.
struct Collection<'a> {
    from: From<'a>,
    to: &'a mut OldSpace,
    remembered: &'a mut Vec<usize>,
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
            && !nursery.is_left(address)
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

    /// Visits a root. Whether what it points to is young after that, and so moves again.
    #[inline(always)]
    fn visit_root(&mut self, word: &mut Word) -> bool {
        self.visit(word);
        match &self.from {
            From::Nursery(nursery) => word.has_object() && nursery.is_young(word.address()),
            From::Everywhere(_) => false,
        }
    }

    /// Visits what a frame of compiled code holds, like a root.
    fn visit_in_frame(&mut self, held: Held<'_>) -> bool {
        match held {
            Held::Value(word) => self.visit_root(word),
            Held::Code(address) => {
                if let From::Everywhere(pools) = &mut self.from {
                    pools.mark_compiled(address);
                }
                false
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
        let stays_young = match &mut self.from {
            From::Nursery(nursery) => nursery.place(address, 1 + size),
            From::Everywhere(_) => None,
        };
        let new = stays_young.unwrap_or_else(|| self.to.take(1 + size));
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

    /// Visits the values of an object. Whether one of them is young after that.
    #[inline(always)]
    fn scan(&mut self, address: usize, header: Header) -> bool {
        let mut has_young = false;
        for index in header.layout().values(header.size()) {
            let mut word = object::load(address, index);
            has_young |= self.visit_root(&mut word);
            object::store_raw(address, index, word.raw());
        }
        has_young
    }

    /// Visits the values of an old object, which is remembered if one of them is young after that.
    fn scan_old(&mut self, address: usize, header: Header) {
        let has_young = self.scan(address, header);
        if has_young != header.is_remembered() {
            object::set_header(address, header.with_remembered(has_young));
        }
        if has_young {
            self.remembered.push(address);
        }
    }

    /// Visits the values of all objects that have arrived since the cursors.
    fn scan_arrived(&mut self, survivors: &mut usize, old: &mut Cursor) {
        loop {
            while let From::Nursery(nursery) = &self.from
                && *survivors < nursery.frontier()
            {
                let header = object::header(*survivors);
                self.scan(*survivors, header);
                *survivors += 8 * (1 + header.size());
            }
            let Some(address) = self.to.at(old) else { return };
            let header = object::header(address);
            self.scan_old(address, header);
            old.step(1 + header.size());
        }
    }
}

impl Heap {
    /// Collects the nursery.
    pub(crate) fn collect_young(&mut self) {
        self.statistics.minor += 1;
        self.statistics.allocated += self.nursery.allocated() as u64;
        let mut cursor = self.old.end();
        let remembered = std::mem::take(&mut self.remembered);
        let nursery = self.nursery.leave();
        let mut survivors = nursery.first();
        let mut run = Collection {
            from: From::Nursery(nursery),
            to: &mut self.old,
            remembered: &mut self.remembered,
            copied: 0,
        };
        self.stack.visit_changed(|word| run.visit_root(word));
        self.native.visit_frames(Since::LastCollection, |held| run.visit_in_frame(held));
        self.roots.visit(false, |word| run.visit_root(word));
        self.pools.visit_young(|word| run.visit_root(word));
        for address in remembered {
            run.scan_old(address, object::header(address));
        }
        run.scan_arrived(&mut survivors, &mut cursor);
        self.statistics.copied += run.copied;
        if let From::Nursery(nursery) = run.from {
            nursery.finish();
        }
    }

    /// Collects everything.
    pub(crate) fn collect_all(&mut self) {
        self.statistics.major += 1;
        self.statistics.allocated += self.nursery.allocated() as u64;
        let before = self.old.take_all();
        self.stack.forget_unchanged();
        self.remembered.clear();
        let mut cursor = self.old.end();
        self.pools.begin();
        self.native.forget_frozen();
        let mut run = Collection {
            from: From::Everywhere(&mut self.pools),
            to: &mut self.old,
            remembered: &mut self.remembered,
            copied: 0,
        };
        self.stack.visit_changed(|word| run.visit_root(word));
        self.native.visit_frames(Since::Ever, |held| run.visit_in_frame(held));
        self.roots.visit(true, |word| run.visit_root(word));
        loop {
            run.scan_arrived(&mut 0, &mut cursor);
            if !run.visit_marked_pool() {
                break;
            }
        }
        self.statistics.copied += run.copied;
        let (dead, lost) = self.pools.sweep();
        self.dead_pools.extend(dead);
        self.native.lose(lost);
        self.nursery.clear();
        drop(before);
        let kept = self.old.capacity() + self.pools.weight();
        self.major_at = (2 * kept).max(MAJOR_MINIMUM);
    }
}

//! [`CodeHost`]: the evaluator's part of a heap: the collector's roots in code, and the labels of
//! jets.
//!
//! # Safety
//!
//! The collector relies on the host to visit every root. The roots are the constants of pools and
//! the values in frames of compiled code; nothing else outside of heap and stack holds words.

use crate::frozen_jets::FrozenJets;
use crate::jet::table::LawLabels;
use crate::native::EntryCell;
use crate::native::state::{FrameScan, FrameSlot, NativeState};
use crate::pool_id::PoolId;
use crate::pools::Pools;
use plan::raw::{CodeMarker, Collection, HeapHost, HeapMemory, Word, WordKind};
use plan::{Hash, Ref};
use std::sync::Arc;

/// The code that runs on a heap, as the collector sees it.
pub(crate) struct CodeHost {
    /// The constants of decoded laws and of compiled code.
    pub(crate) pools: Pools,
    /// The state of compiled code, whose frames hold roots.
    pub(crate) native: NativeState,
    /// Pools that full collections found dead and the evaluator has not dropped yet.
    pub(crate) dead_pools: Vec<PoolId>,
    /// The entries of compiled code that died with them, which the compiler has not freed yet.
    pub(crate) dead_entries: Vec<EntryCell>,
    pub(crate) frozen_jets: FrozenJets,
    labels: Arc<dyn LawLabels>,
}

impl CodeHost {
    pub(crate) fn new(labels: Arc<dyn LawLabels>) -> CodeHost {
        let (pools, native) = (Pools::default(), NativeState::default());
        let (dead_pools, dead_entries) = (Vec::new(), Vec::new());
        let frozen_jets = FrozenJets::default();
        CodeHost { pools, native, dead_pools, dead_entries, frozen_jets, labels }
    }
}

impl CodeMarker for Pools {
    fn mark_code(&mut self, word: Word) {
        if word.is_native() {
            self.mark_compiled(word.address());
        } else {
            self.mark(PoolId(word.code_parts().0));
        }
    }

    fn mark_frozen(&mut self, word: Word) {
        Pools::mark_frozen(self, word);
    }
}

/// The number of frames of compiled code that are recent.
const RECENT_FRAMES: usize = 1 << 12;

// SAFETY: a full collection visits the constants of all marked pools and all frames, and the list of
// roots has those of all pools. A young
// collection omits constants and frames that had no young values after the previous one and have
// not changed since: constants never change, and the barrier shows which frames have run.
unsafe impl HeapHost for CodeHost {
    fn weight(&self) -> usize {
        self.pools.weight()
    }

    fn begin_full(&mut self) {
        self.pools.begin();
        self.native.forget_code();
        self.frozen_jets.clear();
    }

    fn visit_roots(&mut self, collection: &mut Collection<'_>) {
        let CodeHost { pools, native, .. } = self;
        native.forget_objects();
        if collection.is_full() {
            native.visit_frames(FrameScan::All, |slot| match slot {
                FrameSlot::Value(word) => collection.visit_root(word, pools),
                FrameSlot::Code(address) => {
                    pools.mark_compiled(address);
                    false
                }
            });
        } else {
            let mut frames = 0;
            native.visit_frames(FrameScan::Changed, |slot| match slot {
                FrameSlot::Value(word) => {
                    collection.visit_frame_root(word, pools, frames <= RECENT_FRAMES)
                }
                FrameSlot::Code(_) => {
                    frames += 1;
                    false
                }
            });
            pools.visit_young(collection);
        }
    }

    fn visit_marked(&mut self, collection: &mut Collection<'_>) -> bool {
        let Some((id, mut constants)) = self.pools.next_marked() else { return false };
        for word in &mut constants {
            collection.visit_root(word, &mut self.pools);
        }
        self.pools.put_back(id, constants);
        true
    }

    fn list_roots(&mut self, list: &mut dyn FnMut(Word)) {
        let CodeHost { pools, native, frozen_jets, .. } = self;
        // What is kept from now on by the address of a frozen object, is kept for one in use. The code
        // of frozen laws stays, so these are in use.
        frozen_jets.clear();
        native.forget_code();
        native.visit_frames(FrameScan::All, |slot| {
            if let FrameSlot::Value(word) = slot {
                list(*word);
            }
            false
        });
        pools.all_constants().for_each(&mut *list);
        pools.frozen_laws().for_each(|law| list(Word::object(WordKind::Law, law)));
    }

    fn finish_full(&mut self, collection: &mut Collection<'_>) {
        let (dead, lost) = self.pools.sweep();
        self.pools.frozen_laws().for_each(|law| collection.keep_frozen(law));
        self.dead_pools.extend(dead);
        self.dead_entries.extend(lost);
    }

    fn marker(&mut self) -> &mut dyn CodeMarker {
        &mut self.pools
    }

    fn label(&self, memory: &HeapMemory, law: Word, hash: &Hash) -> Option<u32> {
        self.labels.label(Ref::new(law, memory), hash)
    }

    fn has_labels(&self) -> bool {
        self.labels.has_labels()
    }
}

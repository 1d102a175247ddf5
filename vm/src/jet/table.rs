//! [`GenericJetTable`]: the jets of a runtime, found by the hash of the law that each implements.
//!
//! It is generic in the type of native functions because that type mentions the runtime, and this
//! module is below the runtime.

use super::counts::{CallCounter, FallbackPolicy};
use super::declare::{CheapCondition, JetDeclaration};
use super::index::{self, HashIndex};
use plan::raw::{HeapMemory, Word, is_frozen, pin};
use plan::{Hash, PinRef, Ref, Shape};
use std::collections::HashSet;

/// Assigns labels (numbers of jets) to the pins of known laws, for a heap's host.
pub(crate) trait LawLabels {
    /// The label for pins of this law, if the law is known.
    fn label(&self, law: Ref<'_>, hash: &Hash) -> Option<u32>;

    /// Whether any law has a label.
    fn has_labels(&self) -> bool;
}

impl<F: Copy> LawLabels for GenericJetTable<F> {
    fn label(&self, law: Ref<'_>, hash: &Hash) -> Option<u32> {
        let jet = self.find(hash);
        if jet.is_none() {
            self.report_mismatch(law, hash);
        }
        jet
    }

    fn has_labels(&self) -> bool {
        !self.is_empty()
    }
}

/// The jets of a runtime, found by the hash of the law that each implements. `F` is the type of
/// their native functions.
pub struct GenericJetTable<F> {
    pub(super) jets: Vec<JetDeclaration<F>>,
    by_hash: HashIndex,
    mismatches: Option<MismatchReporting>,
    pub(super) counters: Option<Vec<CallCounter>>,
    pub(super) fallback: FallbackPolicy<F>,
}

/// Gets a law's name and hash.
type MismatchHook = Box<dyn Fn(&str, &Hash) + Send + Sync>;

/// The known laws, and the hook for pinned laws that have only the name of one.
struct MismatchReporting {
    names: HashSet<&'static str>,
    hashes: HashSet<Hash>,
    /// The hash of all names and hashes.
    hash: Hash,
    hook: MismatchHook,
}

impl<F> Default for GenericJetTable<F> {
    fn default() -> GenericJetTable<F> {
        GenericJetTable {
            jets: Vec::new(),
            by_hash: HashIndex::default(),
            mismatches: None,
            counters: None,
            fallback: FallbackPolicy::Run,
        }
    }
}

impl<F: Copy> GenericJetTable<F> {
    /// An empty table.
    pub fn new() -> Self {
        GenericJetTable::default()
    }

    /// Adds a jet that implements the laws with these hashes.
    pub fn add(&mut self, jet: JetDeclaration<F>, hashes: &[Hash]) {
        let id = self.jets.len() as u32;
        self.jets.push(jet);
        hashes.iter().for_each(|hash| self.by_hash.insert(hash, id));
    }

    /// The condition under which the jet is cheap, if it ever is.
    pub(crate) fn cheap(&self, id: u32) -> Option<CheapCondition> {
        self.get(id).cheap
    }

    /// Calls `hook` with the name and hash of every pinned law that has the name of one of these
    /// known laws but none of their hashes. Such a law runs like any other; without a hook it is
    /// not reported.
    pub fn on_mismatch(
        &mut self,
        known: impl IntoIterator<Item = (&'static str, Hash)>,
        hook: impl Fn(&str, &Hash) + Send + Sync + 'static,
    ) {
        let (mut names, mut hashes, mut hasher) =
            (HashSet::new(), HashSet::new(), blake3::Hasher::new());
        for (name, hash) in known {
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(&hash.0);
            names.insert(name);
            hashes.insert(hash);
        }
        let hash = Hash(*hasher.finalize().as_bytes());
        self.mismatches = Some(MismatchReporting { names, hashes, hash, hook: Box::new(hook) });
    }

    /// A hash of the known laws that pinned laws are compared with, if they are compared. Values
    /// made under another hash may contain laws that the hook of [`GenericJetTable::on_mismatch`]
    /// has not seen.
    pub fn known_laws_hash(&self) -> Option<Hash> {
        self.mismatches.as_ref().map(|mismatches| mismatches.hash)
    }

    /// Reports a pinned law without a jet if it has only the name of a known law.
    pub(crate) fn report_mismatch(&self, law: Ref<'_>, hash: &Hash) {
        let Some(MismatchReporting { names, hashes, hook, .. }) = &self.mismatches else { return };
        if hashes.contains(hash) {
            return;
        }
        let Shape::Law(law) = law.shape() else { return };
        if let Some(name) = law.name().text().filter(|name| names.contains(name.as_str())) {
            hook(&name, hash);
        }
    }

    /// The number of the jet that implements the pinned law, if there is one. It is looked up by
    /// hash, so the pin may be of a heap with other jets.
    pub fn of(&self, pin: PinRef<'_>) -> Option<u32> {
        pin.known_hash().and_then(|hash| self.find(&hash))
    }

    /// The number of the jet of the pin that `pin` is, in the table whose numbers label the pins of
    /// that memory. A pin of the heap holds it as its label; for a frozen pin it is looked up by
    /// hash. An evaluator caches what it finds.
    #[inline(always)]
    pub(crate) fn of_pin(&self, memory: &HeapMemory, pin: Word) -> Option<u32> {
        if is_frozen(pin.address()) {
            return pin::hash_words(memory, pin).and_then(|hash| self.find_key(hash));
        }
        pin::label(memory, pin)
    }

    /// The jets with their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, &JetDeclaration<F>)> {
        (0..).zip(&self.jets)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jets.is_empty()
    }

    /// The number of a jet with that name.
    pub(crate) fn named(&self, name: &str) -> Option<u32> {
        self.jets.iter().position(|jet| jet.name == name).map(|index| index as u32)
    }

    /// The number of the jet that implements the law with this hash.
    pub fn find(&self, hash: &Hash) -> Option<u32> {
        self.find_key(&index::key(hash))
    }

    /// The same as [`find`](Self::find), by the words of the hash.
    #[inline]
    pub(crate) fn find_key(&self, key: &index::HashWords) -> Option<u32> {
        self.by_hash.find(key)
    }

    /// The jet with that number, which [`GenericJetTable::find`] or [`GenericJetTable::of`]
    /// returned.
    ///
    /// # Panics
    /// If no jet has that number.
    #[inline(always)]
    pub fn get(&self, id: u32) -> &JetDeclaration<F> {
        &self.jets[id as usize]
    }
}

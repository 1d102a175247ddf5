//! [`GenericJetTable`]: the jets that a runtime knows, found by the hash of the law they stand for.

use super::declare::{Cheap, Connective, JetDeclaration};
use super::index::{self, HashIndex};
use super::watch::{CallCounter, FallbackPolicy};
use plan::raw::{Memory, Word, is_frozen, pin};
use plan::{Hash, PinRef, Ref, Shape};
use std::collections::{HashMap, HashSet};

/// Labels for the pins of known laws, as a heap's host gives them.
pub(crate) trait LawLabels {
    /// The label of pins of this law, if it is known.
    fn label(&self, law: Ref<'_>, hash: &Hash) -> Option<u32>;

    /// Whether there are any.
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

/// The jets that a runtime knows, found by the hash of the law they stand for.
pub struct GenericJetTable<F> {
    pub(super) jets: Vec<JetDeclaration<F>>,
    connectives: HashMap<u32, Connective>,
    by_hash: HashIndex,
    mismatches: Option<MismatchReporting>,
    pub(super) counters: Option<Vec<CallCounter>>,
    pub(super) fallback: FallbackPolicy<F>,
}

/// Is called with a law's name and hash.
type MismatchHook = Box<dyn Fn(&str, &Hash) + Send + Sync>;

/// Who is told of pinned laws that have only the name of a known one.
struct MismatchReporting {
    names: HashSet<&'static str>,
    hashes: HashSet<Hash>,
    /// That of all names and hashes.
    hash: Hash,
    hook: MismatchHook,
}

impl<F> Default for GenericJetTable<F> {
    fn default() -> GenericJetTable<F> {
        GenericJetTable {
            jets: Vec::new(),
            connectives: HashMap::new(),
            by_hash: HashIndex::default(),
            mismatches: None,
            counters: None,
            fallback: FallbackPolicy::Run,
        }
    }
}

impl<F: Copy> GenericJetTable<F> {
    /// No jets.
    pub fn new() -> Self {
        GenericJetTable::default()
    }

    /// Adds a jet that stands for the laws with these hashes.
    pub fn add(&mut self, jet: JetDeclaration<F>, hashes: &[Hash]) {
        let id = self.jets.len() as u32;
        self.jets.push(jet);
        hashes.iter().for_each(|hash| self.by_hash.insert(hash, id));
    }

    /// When a jet is cheap, if it ever is.
    pub(crate) fn cheap(&self, id: u32) -> Option<Cheap> {
        self.get(id).cheap
    }

    /// Says that the jet of that name is a connective, so that the evaluator may do without it.
    pub fn mark_connective(&mut self, connective: Connective, name: &str) {
        for (id, jet) in self.jets.iter().enumerate().filter(|(_, jet)| jet.name == name) {
            debug_assert_eq!(jet.arity(), 2);
            self.connectives.insert(id as u32, connective);
        }
    }

    pub(crate) fn connective(&self, id: u32) -> Option<Connective> {
        self.connectives.get(&id).copied()
    }

    /// CallCounts `hook` with name and hash whenever a law is pinned that has the name of one of these
    /// known laws, but is none of them. Without a hook that goes unnoticed: such a law just runs.
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

    /// A hash of what pinned laws are compared with, if they are: values that were made under another
    /// one, or under none, may have laws in them that the hook of [`GenericJetTable::on_mismatch`] has not
    /// been told of.
    pub fn known_laws_hash(&self) -> Option<Hash> {
        self.mismatches.as_ref().map(|mismatches| mismatches.hash)
    }

    /// Tells of a pinned law that no jet stands for, if it has only the name of a known one.
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

    /// The number of the jet that stands for a pinned law, if there is one.
    pub fn of(&self, pin: PinRef<'_>) -> Option<u32> {
        pin.known_hash().and_then(|hash| self.find(&hash))
    }

    /// Likewise, of the pin that a word is. That of a frozen pin is looked up by its hash each time.
    #[inline(always)]
    pub(crate) fn of_pin(&self, memory: &Memory, pin: Word) -> Option<u32> {
        if is_frozen(pin.address()) {
            return pin::hash_words(memory, pin).and_then(|hash| self.find_key(hash));
        }
        pin::label(memory, pin)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jets.is_empty()
    }

    /// A jet of that name.
    pub(crate) fn named(&self, name: &str) -> Option<u32> {
        self.jets.iter().position(|jet| jet.name == name).map(|index| index as u32)
    }

    /// The number of the jet that stands for the law with this hash.
    pub fn find(&self, hash: &Hash) -> Option<u32> {
        self.find_key(&index::key(hash))
    }

    /// Likewise, by the words of the hash.
    #[inline]
    pub(crate) fn find_key(&self, key: &index::Key) -> Option<u32> {
        self.by_hash.find(key)
    }

    /// The jet with that number, as [`GenericJetTable::find`] and [`GenericJetTable::of`] give it.
    ///
    /// # Panics
    /// If there is none.
    #[inline(always)]
    pub fn get(&self, id: u32) -> &JetDeclaration<F> {
        &self.jets[id as usize]
    }
}

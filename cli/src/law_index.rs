//! [`LawIndex`]: the laws that named values lead to, and which refers to which.

use anyhow::{Result, bail};
use plan::{Hash, Ref, Shape, Val};
use std::collections::{BTreeSet, HashMap};
use vm::Vm;

/// The most pins of an index, and the most parts of all values.
const PINS_MAX: usize = 1 << 20;
const PARTS_MAX: usize = 1 << 24;
/// The least number of characters of a hash that is looked for.
const HASH_PREFIX: usize = 6;
/// The most laws that a message lists.
const LISTED: usize = 10;

/// A law of the index, itself or as its pin; or a pin of something else that leads to laws.
pub(crate) struct IndexedLaw {
    number: usize,
    pub(crate) value: Val,
    /// The names that have this value, those without qualifiers first.
    pub(crate) names: Vec<String>,
    /// The name of the law itself; empty if it has none that can be printed.
    law_name: String,
    pub(crate) arity: String,
    /// The hash, if it is a pin.
    pub(crate) hash: Option<Hash>,
    is_law: bool,
    /// The numbers of the pins that it refers to.
    references: BTreeSet<usize>,
}

/// See the module documentation.
pub(crate) struct LawIndex {
    laws: Vec<IndexedLaw>,
}

impl IndexedLaw {
    /// The name to show.
    pub(crate) fn title(&self) -> &str {
        match self.names.first() {
            Some(name) => name,
            None if self.law_name.is_empty() => "(without a name)",
            None => &self.law_name,
        }
    }
}

impl LawIndex {
    /// The index of named values, and of all pins that they lead to.
    pub(crate) fn new(vm: &Vm, named: &[(String, Val)]) -> LawIndex {
        let mut builder = IndexBuilder { vm, laws: Vec::new(), pins: HashMap::new(), parts: 0 };
        for (name, value) in named {
            let view = vm.look(value);
            let number = match view.shape() {
                Shape::Pin(_) => builder.pin(view),
                _ => Some(builder.add(view, None)),
            };
            if let Some(number) = number {
                builder.laws[number].names.push(name.clone());
            }
        }
        let mut next = 0;
        while next < builder.laws.len() {
            builder.read_references(next);
            next += 1;
        }
        let mut laws = builder.laws;
        for law in &mut laws {
            law.names.sort_by_key(|name| (name.contains('.'), name.clone()));
        }
        LawIndex { laws }
    }

    /// The law with a name in scope, or else a law that has this name itself, or a hash that begins
    /// so.
    ///
    /// # Errors
    /// If there are several.
    pub(crate) fn find(&self, wanted: &str) -> Result<Option<&IndexedLaw>> {
        let laws = || self.laws.iter().filter(|law| law.is_law);
        if let Some(law) = laws().find(|law| law.names.iter().any(|name| name == wanted)) {
            return Ok(Some(law));
        }
        let has_hash = |law: &&IndexedLaw| {
            wanted.len() >= HASH_PREFIX
                && law.hash.is_some_and(|hash| hash.to_string().starts_with(wanted))
        };
        let mut found: Vec<&IndexedLaw> = laws().filter(has_hash).collect();
        if found.is_empty() {
            found = laws().filter(|law| law.law_name == wanted && !wanted.is_empty()).collect();
        }
        match found.as_slice() {
            [] => Ok(None),
            [law] => Ok(Some(law)),
            several => {
                let lines = several.iter().take(LISTED).map(|law| match law.hash {
                    Some(hash) => format!("\n  {}  {hash}", law.title()),
                    None => format!("\n  {}", law.title()),
                });
                let lines: String = lines.collect();
                bail!("{} laws match `{wanted}`; name one by its hash:{lines}", several.len())
            }
        }
    }

    /// The pins that a law refers to.
    pub(crate) fn references(&self, law: &IndexedLaw) -> impl Iterator<Item = &IndexedLaw> {
        law.references.iter().map(|number| &self.laws[*number])
    }

    /// The laws and named values that refer to a law.
    pub(crate) fn referrers(&self, law: &IndexedLaw) -> impl Iterator<Item = &IndexedLaw> {
        let number = law.number;
        self.laws.iter().filter(move |law| law.references.contains(&number))
    }
}

/// An index that is being built.
struct IndexBuilder<'v> {
    vm: &'v Vm,
    laws: Vec<IndexedLaw>,
    /// The numbers of pins.
    pins: HashMap<Hash, usize>,
    /// The number of parts that were read.
    parts: usize,
}

impl IndexBuilder<'_> {
    /// The number of a pin. None if it cannot be read, or there are too many.
    fn pin(&mut self, value: Ref<'_>) -> Option<usize> {
        let Shape::Pin(pin) = value.shape() else { return None };
        let hash = pin.hash().ok()?;
        if let Some(number) = self.pins.get(&hash) {
            return Some(*number);
        }
        if self.laws.len() >= PINS_MAX {
            return None;
        }
        let number = self.add(value, Some(hash));
        self.pins.insert(hash, number);
        Some(number)
    }

    /// Adds a value, and returns its number.
    fn add(&mut self, value: Ref<'_>, hash: Option<Hash>) -> usize {
        let item = match value.shape() {
            Shape::Pin(pin) => pin.item(),
            _ => value,
        };
        let (is_law, law_name, arity) = match item.shape() {
            Shape::Law(law) => {
                let text = law.name().text().filter(|text| !text.chars().any(char::is_control));
                (true, text.unwrap_or_default(), law.arity().to_natural().to_string())
            }
            _ => (false, String::new(), String::new()),
        };
        let number = self.laws.len();
        let value = self.vm.hold(value);
        let (names, references) = (Vec::new(), BTreeSet::new());
        self.laws.push(IndexedLaw {
            number,
            value,
            names,
            law_name,
            arity,
            hash,
            is_law,
            references,
        });
        number
    }

    /// Finds the pins that a value refers to.
    fn read_references(&mut self, number: usize) {
        let vm = self.vm;
        let value = self.laws[number].value.clone();
        let value = vm.look(&value);
        let mut references = BTreeSet::new();
        let mut pending = match value.shape() {
            Shape::Pin(pin) => vec![pin.item()],
            _ => vec![value],
        };
        while let Some(part) = pending.pop() {
            self.parts += 1;
            if self.parts > PARTS_MAX {
                break;
            }
            match part.shape() {
                Shape::Pin(_) => references.extend(self.pin(part)),
                _ => part.push_parts(&mut pending),
            }
        }
        self.laws[number].references = references;
    }
}

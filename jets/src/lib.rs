//! Native implementations ([`Jet`]s) of known laws, found by the laws' hashes.
//!
//! [`table`] ties every declared jet to the hashes of the laws that it implements. The evaluator
//! finds the jet of a pinned law by that hash, evaluates the arguments as far as the jet demands,
//! and calls the native implementation with a [`vm::jet::JetCall`], which holds the arguments and
//! takes the result.
//!
//! A jet returns what its law returns, for all arguments: it evaluates what the law evaluates,
//! crashes where the law crashes, and leaves unevaluated what the law leaves unevaluated. If it
//! does not handle its arguments, it answers [`vm::jet::JetAnswer::Law`] and the law runs. Two
//! differences are deliberate: a jet may return where its law would not terminate (a division by
//! 0), and it fails early with [`plan::EvalError::OutOfMemory`] if no heap could hold the result.
//!
//! ```text
//! tab_build                          construction of tables
//! set  tab                           sets; access to tables
//! search                             binary search
//! order row list                     comparison; rows; lists
//! nat bits words logic               arithmetic; bits; words of 32 and 64 bits; truth
//! bar bar_split                      bytes; their parts
//! bar_list pad text hash             bytes from lists, and rows of them; bit strings; text; hashes
//! signature                          Ed25519 signatures
//! sort                               sorting of lists
//! http                               lines of fields in a head of HTTP
//! reflect seed control               reflection; serialization; control forms
//! tree  merge                        the walk over a tree of apps; merging of sorted keys
//! args                               reading arguments, suspension, returning results
//! declare                            the declaration of a jet
//!
//! prototype_laws  project_laws       names and hashes of the laws that jets implement
//! ```
//!
//! A law without a jet runs interpreted or compiled like any other law.

#![forbid(unsafe_code)]

mod args;
mod bar;
mod bar_list;
mod bar_split;
mod bits;
mod control;
mod declare;
mod hash;
mod http;
mod list;
mod logic;
mod merge;
mod nat;
mod order;
mod pad;
mod project_laws;
mod prototype_laws;
mod reflect;
mod row;
mod search;
mod seed;
mod set;
mod signature;
mod sort;
mod tab;
mod tab_build;
mod text;
mod tree;
mod words;

#[cfg(test)]
mod tests;

use declare::Jet;
use plan::Hash;
use std::collections::HashMap;
use vm::jet::JetTable;

/// The tables of all modules.
const TABLES: &[&[Jet]] = &[
    control::JETS,
    logic::JETS,
    nat::JETS,
    bits::JETS,
    words::JETS,
    order::JETS,
    search::JETS,
    reflect::JETS,
    row::JETS,
    list::JETS,
    sort::JETS,
    set::JETS,
    tab::JETS,
    tab_build::JETS,
    bar::JETS,
    bar_list::JETS,
    bar_split::JETS,
    pad::JETS,
    text::JETS,
    hash::JETS,
    signature::JETS,
    http::JETS,
    seed::JETS,
];

/// A law that is known by its hash, as `pallas jets` lists it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownLaw {
    /// The law's name.
    pub name: &'static str,
    /// The law's hash.
    pub hash: Hash,
    /// Whether the law has a jet; otherwise the law itself runs.
    pub native: bool,
    /// Where the law is from.
    pub source: LawSource,
}

/// Where a known law is from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LawSource {
    /// The prototype's library; the prototype has a jet for it too.
    PrototypeJets,
    /// The prototype's library; the prototype runs the law itself.
    PrototypeLibrary,
    /// This project's library, where it differs from the prototype's.
    Project,
    /// Earlier versions of this project's library, which stores may hold.
    EarlierProject,
}

/// All laws that are known by hash, sorted by name; of one name, the prototype's first.
pub fn list() -> Vec<KnownLaw> {
    let native = |name| declarations().any(|jet| jet.name == name);
    let mut list: Vec<KnownLaw> =
        known_laws().map(|law| KnownLaw { native: native(law.name), ..law }).collect();
    list.sort_unstable_by_key(|law| (law.name, law.source));
    list
}

/// The table of jets for [`vm::Vm::new`]. A jet that implements several laws has an id for each.
pub fn table() -> JetTable {
    let declared: HashMap<&str, &Jet> = declarations().map(|jet| (jet.name, jet)).collect();
    let project_orders: HashMap<&str, &'static [usize]> =
        project_laws::ARGUMENT_ORDERS.iter().copied().collect();
    let mut table = JetTable::new();
    for law in known_laws() {
        let Some(jet) = declared.get(law.name) else { continue };
        let is_of_project = matches!(law.source, LawSource::Project | LawSource::EarlierProject);
        let order = project_orders.get(law.name).copied().filter(|_| is_of_project);
        table.add(jet.order(order.unwrap_or(jet.order)), &[law.hash]);
    }
    table
}

/// All declared jets, for a table that ties them to other laws than the known ones.
pub fn jets() -> impl Iterator<Item = Jet> {
    declarations().copied()
}

fn declarations() -> impl Iterator<Item = &'static Jet> {
    TABLES.iter().copied().flatten()
}

/// All laws that are known by hash, the prototype's first; `native` is not filled in.
fn known_laws() -> impl Iterator<Item = KnownLaw> {
    let parse = |source: LawSource| {
        move |&(name, text): &(&'static str, &str)| {
            let hash = text.parse().expect("a test parses every hash of the tables");
            KnownLaw { name, hash, native: false, source }
        }
    };
    let prototype = prototype_laws::LAWS.iter().map(parse(LawSource::PrototypeJets));
    let library = prototype_laws::LIBRARY_LAWS.iter().map(parse(LawSource::PrototypeLibrary));
    let project = project_laws::LAWS.iter().map(parse(LawSource::Project));
    let earlier = project_laws::EARLIER_LAWS.iter().map(parse(LawSource::EarlierProject));
    prototype.chain(library).chain(project).chain(earlier)
}

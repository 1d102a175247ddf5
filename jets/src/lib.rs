//! Jets: native twins of known pinned laws, found by the laws' hashes.
//!
//! A jet must give what its law gives, for all arguments: evaluate what the law evaluates, crash
//! where it crashes, and leave alone what it leaves alone. Where a jet does not handle its arguments
//! it says so, and the law runs. Two things are different on purpose: a jet may come to an end where
//! its law would not (a division by 0), and it refuses early what no memory could hold.
//!
//! ```text
//! declare  a jet's declaration: one line of a family's table
//! hashes   which laws they stand for: those of the prototype's library
//! library  and those of ours
//! args     shared: arguments, results, and waiting for an evaluation
//!
//! control logic            conditionals, order, crashes; truth
//! nat bits words           arithmetic; bits; words of 32 and 64 bits
//! order search merge       comparing; finding and merging keys
//! reflect                  what a value is and is made of
//! row list set tab tab_build containers
//! bar pad text tree        bytes, bits, characters; trees of them
//! hash seed                BLAKE3; values as bytes
//! ```
//!
//! Laws that have no jet here just run.

#![forbid(unsafe_code)]

mod args;
mod bar;
mod bits;
mod control;
mod declare;
mod hash;
mod hashes;
mod library;
mod list;
mod logic;
mod merge;
mod nat;
mod order;
mod pad;
mod reflect;
mod row;
mod search;
mod seed;
mod set;
mod tab;
mod tab_build;
mod text;
mod tree;
mod words;

#[cfg(test)]
mod tests;

use declare::Declaration;
use plan::Hash;
use std::collections::HashMap;
use vm::jet::{Connective, Jet, JetTable};

/// The families' tables.
const FAMILIES: &[&[Declaration]] = &[
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
    set::JETS,
    tab::JETS,
    tab_build::JETS,
    bar::JETS,
    pad::JETS,
    text::JETS,
    hash::JETS,
    seed::JETS,
];

/// A law that is known by hash, as `pallas jets` lists it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The law's name.
    pub name: &'static str,
    /// Its hash.
    pub hash: Hash,
    /// Whether it has a jet; otherwise it runs as the law it is.
    pub native: bool,
    /// Whether only our own library has it, and not the prototype's.
    pub ours: bool,
}

/// Every law that is known by hash, by name; the prototype's first.
pub fn list() -> Vec<Listed> {
    let native = |name| declarations().any(|jet| jet.name == name);
    let theirs = hashes::PROTOTYPE.len();
    let mut list: Vec<Listed> = known_laws()
        .enumerate()
        .map(|(at, (name, hash))| Listed { name, hash, native: native(name), ours: at >= theirs })
        .collect();
    list.sort_unstable_by_key(|law| (law.name, law.ours));
    list
}

/// The jets, for [`vm::Vm::new`]. A jet that stands for several laws has a number for each.
pub fn table() -> JetTable {
    let declared: HashMap<&str, &Declaration> = declarations().map(|jet| (jet.name, jet)).collect();
    let orders: HashMap<&str, &'static [usize]> = library::ORDERS.iter().copied().collect();
    let mut table = JetTable::new();
    for (at, (name, hash)) in known_laws().enumerate() {
        let Some(jet) = declared.get(name) else { continue };
        let ours = at >= hashes::PROTOTYPE.len();
        let order = orders.get(name).copied().filter(|_| ours);
        table.add(jet.order(order.unwrap_or(jet.order)), &[hash]);
    }
    table.mark_connective(Connective::And, "_And");
    table.mark_connective(Connective::Or, "_Or");
    table
}

/// Every jet by itself, for a table that ties them to other laws than the known ones.
pub fn jets() -> impl Iterator<Item = Jet> {
    declarations().copied()
}

fn declarations() -> impl Iterator<Item = &'static Declaration> {
    FAMILIES.iter().copied().flatten()
}

/// The laws that are known, and their hashes; the prototype's first.
fn known_laws() -> impl Iterator<Item = (&'static str, Hash)> {
    let parse = |(name, text): &(&'static str, &str)| {
        let hash = text.parse().expect("the tables are tested to hold nothing but hashes");
        (*name, hash)
    };
    hashes::PROTOTYPE.iter().chain(library::LAWS).map(parse)
}

//! The units whose code is published, and which of them are dead.
//!
//! Code belongs to the runtime that asked for it, because it refers to that runtime's constants. It
//! is dead when the runtime is gone, or when the runtime reports that the law is gone: then neither
//! an entry cell, nor a thunk, nor a frame of the runtime leads to the code.

use super::reclaim::{self, RuntimeToken};
use crate::codegen::UnitEnvironment;
use crate::runtime::PublishedCode;
use std::collections::HashSet;
use std::sync::Weak;
use vm::native::EntryCell;

/// A unit whose code is published.
pub(super) struct PublishedUnit {
    pub(super) runtime: Weak<RuntimeToken>,
    pub(super) entry: EntryCell,
    pub(super) code: PublishedCode,
    /// Keeps the entry cells alive that the code refers to.
    pub(super) _environment: UnitEnvironment,
}

/// All units whose code is published.
#[derive(Default)]
pub(super) struct PublishedUnits {
    units: Vec<PublishedUnit>,
    /// Laws that are gone whose request has not come yet, or came to nothing.
    dead_laws: Vec<EntryCell>,
    /// The count of notices at the last look.
    notices: usize,
}

impl PublishedUnits {
    pub(super) fn add(&mut self, unit: PublishedUnit) {
        self.units.push(unit);
    }

    /// Whether code for a law would be dead at once.
    pub(super) fn is_dead(&self, runtime: &Weak<RuntimeToken>, entry: &EntryCell) -> bool {
        runtime.strong_count() == 0 || self.dead_laws.iter().any(|dead| dead.is_same(entry))
    }

    /// Takes the code of units that have died since this was last called. No thread can get to it.
    pub(super) fn take_dead(&mut self) -> Vec<PublishedCode> {
        let notices = reclaim::notices();
        if std::mem::replace(&mut self.notices, notices) == notices {
            return Vec::new();
        }
        self.dead_laws.extend(reclaim::take_dead_laws());
        let dead: HashSet<usize> = self.dead_laws.iter().map(EntryCell::cell_address).collect();
        let is_dead = |unit: &mut PublishedUnit| {
            unit.runtime.strong_count() == 0 || dead.contains(&unit.entry.cell_address())
        };
        let code = self.units.extract_if(.., is_dead).map(|unit| unit.code).collect();
        // If this is the only reference to a cell, no request for the law can arrive any more.
        self.dead_laws.retain(EntryCell::is_shared);
        code
    }
}

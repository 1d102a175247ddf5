//! Settings for people who work on the compiler, from the environment of the process.

use crate::passes::{OmittedPart, Pass};

/// What is printed and left out.
#[derive(Clone)]
pub(super) struct DebugOptions {
    /// `PALLAS_JIT_PRINT`: the name of a law whose unit is printed, or `*` for all.
    print: Option<String>,
    /// `PALLAS_JIT_WITHOUT`: parts of the optimiser that are left out, with commas between them.
    without: Vec<OmittedPart>,
}

impl DebugOptions {
    pub(super) fn from_environment() -> DebugOptions {
        let without = std::env::var("PALLAS_JIT_WITHOUT").unwrap_or_default();
        DebugOptions { print: std::env::var("PALLAS_JIT_PRINT").ok(), without: omissions(&without) }
    }

    /// Whether the unit of a law is printed.
    pub(super) fn prints(&self, law: &str) -> bool {
        self.print.as_ref().is_some_and(|name| *name == law || name == "*")
    }

    /// Whether nothing is left out.
    pub(super) fn is_complete(&self) -> bool {
        self.without.is_empty()
    }

    /// Whether passes run at all.
    pub(super) fn optimises(&self) -> bool {
        !self.without.contains(&OmittedPart::All)
    }

    /// Whether the entry is guarded for the arguments that the law was seen with.
    pub(super) fn guards_entry(&self) -> bool {
        !self.without.contains(&OmittedPart::EntryGuards)
    }

    /// The passes that are left out.
    pub(super) fn skipped(&self) -> Vec<Pass> {
        self.without.iter().filter_map(|omission| omission.pass()).collect()
    }
}

/// The omissions in a list. Warns of names that do not exist.
fn omissions(list: &str) -> Vec<OmittedPart> {
    let mut omissions = Vec::new();
    for name in list.split(',').filter(|name| !name.is_empty()) {
        match name.parse() {
            Ok(omission) => omissions.push(omission),
            Err(unknown) => eprintln!("PALLAS_JIT_WITHOUT: {unknown}"),
        }
    }
    omissions
}

//! Settings for people who work on the compiler, from the environment of the process.

use crate::passes::PASSES;

/// In a list of passes: all of them, and the arguments that the law was seen with are not expected again.
const ALL: &str = "all";
/// The pass that builds in the arguments that the law was seen with.
const EXPECT: &str = "expect";

/// What is printed and left out.
pub(super) struct DebugOptions {
    /// `PALLAS_JIT_PRINT`: the name of a law whose unit is printed, or `*` for all.
    print: Option<String>,
    /// `PALLAS_JIT_WITHOUT`: passes that are left out, with commas between them.
    without: Vec<&'static str>,
}

impl DebugOptions {
    pub(super) fn from_environment() -> DebugOptions {
        let without = std::env::var("PALLAS_JIT_WITHOUT").unwrap_or_default();
        DebugOptions { print: std::env::var("PALLAS_JIT_PRINT").ok(), without: passes(&without) }
    }

    /// Whether the unit of a law is printed.
    pub(super) fn prints(&self, law: &str) -> bool {
        self.print.as_ref().is_some_and(|name| *name == law || name == "*")
    }

    /// The passes that are left out.
    pub(super) fn without(&self) -> &[&'static str] {
        &self.without
    }

    /// Whether passes run at all.
    pub(super) fn optimises(&self) -> bool {
        !self.without.contains(&ALL)
    }

    /// Whether the arguments that the law was seen with are built in.
    pub(super) fn expects(&self) -> bool {
        !self.without.contains(&EXPECT)
    }
}

/// The passes in a list. Reports the names that are no passes.
fn passes(list: &str) -> Vec<&'static str> {
    let known = || PASSES.iter().map(|pass| pass.name).chain([EXPECT, ALL]);
    let mut passes = Vec::new();
    for name in list.split(',').filter(|name| !name.is_empty()) {
        match known().find(|known| *known == name) {
            Some(known) => passes.push(known),
            None => {
                let known = known().collect::<Vec<_>>().join(", ");
                eprintln!("PALLAS_JIT_WITHOUT: there is no pass {name}; there are {known}");
            }
        }
    }
    passes
}

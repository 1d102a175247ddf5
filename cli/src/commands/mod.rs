//! The commands, and what several of them need.

pub(crate) mod machine;
pub(crate) mod seed;
pub(crate) mod sire;

use anyhow::Context;
use std::sync::Arc;
use vm::jet::JetTable;
use vm::{Options, Vm};

/// The native twins of laws that every runtime knows.
fn jets() -> Arc<JetTable> {
    Arc::new(jets::table())
}

/// A runtime for a command of its own.
fn runtime() -> anyhow::Result<Vm> {
    Vm::new(Options::default(), jets()).context("cannot reserve addresses for the stack")
}

//! The commands, and what several of them need.

pub(crate) mod check;
pub(crate) mod du;
pub(crate) mod jets;
pub(crate) mod machine;
pub(crate) mod seed;
pub(crate) mod sire;
mod statistics;
pub(crate) mod transfer;

use crate::args::Matching;
use anyhow::Context;
use vm::{Options, Vm};

/// A runtime for a command of its own.
fn runtime(matching: Matching) -> anyhow::Result<Vm> {
    let mut vm = Vm::new(Options::default(), jets::table(matching))
        .context("cannot reserve addresses for the stack")?;
    let mode = matching.jit.mode();
    if mode != jit::Mode::Off {
        jit::plug_in(&mut vm, jit::build::Jets::library(), mode).context("cannot compile")?;
    }
    Ok(vm)
}

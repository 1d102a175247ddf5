//! The commands, and what several of them need.

pub(crate) mod check;
pub(crate) mod du;
pub(crate) mod gc;
pub(crate) mod jets;
pub(crate) mod machine;
pub(crate) mod seed;
pub(crate) mod sire;
mod statistics;
pub(crate) mod transfer;

use crate::args::{Matching, Memory};
use anyhow::Context;
use std::path::PathBuf;
use vm::Vm;

/// A runtime for a command of its own.
fn runtime(matching: Matching, memory: Memory) -> anyhow::Result<Vm> {
    let mut vm = Vm::new(memory.options(), jets::table(matching))
        .context("cannot reserve addresses for the stack")?;
    let mode = matching.jit.mode();
    if mode != jit::Mode::Off {
        jit::install(&mut vm, jit::build::Jets::library(), mode).context("cannot compile")?;
    }
    Ok(vm)
}

/// The folder in which things are kept between runs, if there is a place for it.
fn kept_folder(store: &Option<PathBuf>) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let store = store.clone().or_else(|| set("PALLAS_DIR"));
    store.or_else(|| set("HOME").map(|home| home.join(".pallas")))
}

/// Has compiled code kept there.
fn keep_code(store: &Option<PathBuf>) {
    if let Some(folder) = kept_folder(store) {
        jit::set_cache_directory(&folder);
    }
}

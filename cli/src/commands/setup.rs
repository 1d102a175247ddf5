//! Set-up of a command: the jet table, the runtime, the cache directory.

use crate::args::{EvaluationOptions, ExecutionOptions};
use crate::{config, terminal};
use anyhow::{Context, anyhow};
use plan::{Hash, Ref, Shape};
use runtime::RuntimeBuilder;
use show::PrintLimit;
use sire::LibraryImage;
use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use vm::Vm;
use vm::jet::{Jet, JetTable};

/// A runtime with all jets, and with the compiler unless the options turn it off.
pub(super) fn runtime(evaluation: EvaluationOptions) -> anyhow::Result<Vm> {
    let runtime = runtime_builder(evaluation).build();
    Ok(runtime.context("cannot set up the runtime")?.into())
}

/// The builder of the runtime that the options describe.
pub(super) fn runtime_builder(evaluation: EvaluationOptions) -> RuntimeBuilder {
    let EvaluationOptions { execution, memory } = evaluation;
    RuntimeBuilder::new()
        .heap(memory.heap())
        .jets(jet_table(execution))
        .compile(execution.compiler.mode())
}

/// The directory of the cache: the option, or the setting `cache`, or `~/.pallas`. None if no home
/// directory is known.
pub(super) fn cache_directory(option: &Option<PathBuf>) -> Option<PathBuf> {
    let setting = || config::current().value("cache").map(PathBuf::from);
    let home = || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    option.clone().or_else(setting).or_else(|| home().map(|home| home.join(".pallas")))
}

/// The states of the library's modules, which are built into the program.
#[cfg(feature = "library-image")]
pub(super) fn library_image() -> Option<&'static LibraryImage> {
    Some(&library_image::LIBRARY_IMAGE)
}

/// None: the program is built without the states of the library's modules.
#[cfg(not(feature = "library-image"))]
pub(super) fn library_image() -> Option<&'static LibraryImage> {
    None
}

/// Makes the compiler keep machine code in the cache directory.
pub(super) fn cache_code(option: &Option<PathBuf>) {
    if let Some(directory) = cache_directory(option) {
        jit::set_cache_directory(&directory);
    }
}

/// The table of all jets, with the reactions to mismatches and fallbacks that the options ask for.
pub(super) fn jet_table(execution: ExecutionOptions) -> Arc<JetTable> {
    let mut table = jets::table();
    if execution.jet_mismatch_crash {
        table.on_mismatch(checked_laws(), exit_on_mismatch);
    }
    if execution.law_fallback_crash {
        table.crash_on_fallback();
    } else if execution.law_fallback_warn {
        table.on_fallback(warn_of_fallback);
    }
    Arc::new(table)
}

/// Names and hashes of the laws that a law of the same name is compared with. A name that the
/// prototype has no jet for is left out: its programs may use it for another law.
pub(super) fn checked_laws() -> impl Iterator<Item = (&'static str, Hash)> {
    let all = jets::list();
    let of_prototype: HashSet<&str> = all
        .iter()
        .filter(|law| law.source == jets::LawSource::PrototypeJets)
        .map(|law| law.name)
        .collect();
    all.into_iter()
        .filter(move |law| of_prototype.contains(law.name))
        .map(|law| (law.name, law.hash))
}

/// Exits because a law has the name of a jet's law but not its hash. Nothing durable is lost: a
/// machine resumes from its log.
fn exit_on_mismatch(name: &str, hash: &Hash) {
    let why = format!("jet mismatch: the law {name} with hash {hash} is not the one that is known");
    terminal::fail(&anyhow!(why));
    std::process::exit(1);
}

/// Prints that a jet leaves a call to its law.
fn warn_of_fallback(jet: &Jet, args: &[Ref<'_>]) {
    let args: Vec<String> = args.iter().map(|arg| summary(*arg)).collect();
    let line =
        format!("pallas: jet fallback: {} runs as a law, with {}\n", jet.name, args.join(", "));
    // A closed standard error must not stop the evaluation.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// The printed name of a pin.
fn pin_name(pin: Ref<'_>) -> String {
    show::value_text(pin, PrintLimit::DEFAULT.for_messages()).trim_end().to_owned()
}

/// The kind and size of a value, or the number of a nat that fits in a word. Evaluates nothing.
fn summary(value: Ref<'_>) -> String {
    let with_length = |kind: &str, length: usize| format!("{kind} of {length}");
    match value.shape() {
        Shape::Nat(nat) => match nat.to_u64() {
            Some(nat) => nat.to_string(),
            None => format!("a nat of {} bits", nat.bits()),
        },
        Shape::Thunk => "something unevaluated".into(),
        Shape::Pin(_) => format!("the pin {}", pin_name(value)),
        Shape::Law(_) | Shape::Cow(_) => "a law".into(),
        Shape::App(_) => "an app".into(),
        Shape::Bar(bytes) => with_length("a bar", bytes.len()),
        Shape::Row(items) => with_length("a row", items.len()),
        Shape::Set(keys) => with_length("a set", keys.len()),
        Shape::Tab(keys, _) => with_length("a table", keys.len()),
    }
}

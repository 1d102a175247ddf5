//! `jets`: the native twins of laws that every runtime knows, their list, and how they do in a run.

use super::sire;
use crate::args::{Jets, Matching};
use crate::terminal;
use anyhow::{Context, anyhow};
use jets::KnownLaw;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use vm::jet::{Calls, Jet, JetTable};
use vm::{Hash, Options, Ref, Shape, Vm, show};

/// The jets, which do as was asked: a law that has only the name of one may end the process, and a
/// call that is left to a law may be told of or crash.
pub(super) fn table(matching: Matching) -> Arc<JetTable> {
    let mut table = jets::table();
    if matching.jet_mismatch_crash {
        table.on_mismatch(known(), end);
    }
    if matching.law_fallback_crash {
        table.crash_on_fallback();
    } else if matching.law_fallback_warn {
        table.on_fallback(warn);
    }
    Arc::new(table)
}

/// The laws that others are compared with: their names and hashes. A name that only our own library
/// has a jet for is free for everybody's laws, the prototype's among them.
fn known() -> impl Iterator<Item = (&'static str, Hash)> {
    let all = jets::list();
    let theirs: HashSet<&str> =
        all.iter().filter(|law| !law.project_only).map(|law| law.name).collect();
    all.into_iter().filter(move |law| theirs.contains(law.name)).map(|law| (law.name, law.hash))
}

/// Ends the process because of a law that is not the known one of its name.
///
/// Nothing durable is lost by that: a machine goes on where it was.
fn end(name: &str, hash: &Hash) {
    let why = format!("jet mismatch: the law {name} with hash {hash} is not the one that is known");
    terminal::fail(&anyhow!(why));
    std::process::exit(1);
}

/// Tells of a call that a jet leaves to its law.
fn warn(jet: &Jet, args: &[Ref<'_>]) {
    let args: Vec<String> = args.iter().map(|arg| in_short(*arg)).collect();
    let line =
        format!("pallas: jet fallback: {} runs as a law, with {}\n", jet.name, args.join(", "));
    // A warning that cannot be given is no reason to stop.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// What kind of value an argument is; a nat that fits a word in figures. Nothing is evaluated.
fn in_short(value: Ref<'_>) -> String {
    let count = |what: &str, len: usize| format!("{what} of {len}");
    match value.shape() {
        Shape::Nat(nat) => match nat.to_u64() {
            Some(nat) => nat.to_string(),
            None => format!("a nat of {} bits", nat.bits()),
        },
        Shape::Thunk => "something unevaluated".into(),
        Shape::Pin(_) => format!("the pin {}", show::value_text(value).trim_end()),
        Shape::Law(_) | Shape::Cow(_) => "a law".into(),
        Shape::App(_) => "an app".into(),
        Shape::Bar(bytes) => count("a bar", bytes.len()),
        Shape::Row(items) => count("a row", items.len()),
        Shape::Set(keys) => count("a set", keys.len()),
        Shape::Tab(keys, _) => count("a table", keys.len()),
    }
}

/// What a run showed of the jets.
struct Run {
    table: Arc<JetTable>,
    mismatches: HashMap<String, u64>,
}

impl Run {
    /// Loads modules and counts meanwhile.
    fn of(modules: &[String]) -> anyhow::Result<Run> {
        let mut table = jets::table();
        table.count_calls();
        let mismatches: Arc<Mutex<HashMap<String, u64>>> = Arc::default();
        let seen = Arc::clone(&mismatches);
        table.on_mismatch(known(), move |name, _| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen.entry(name.to_owned()).or_default() += 1;
        });
        let table = Arc::new(table);
        let vm = Vm::new(Options::default(), Arc::clone(&table));
        sire::load_anew(vm.context("cannot reserve addresses for the stack")?, modules)?;
        let mismatches = mismatches.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Run { table, mismatches })
    }

    fn calls(&self, law: &KnownLaw) -> Calls {
        let id = self.table.find(&law.hash);
        id.and_then(|id| self.table.calls(id)).unwrap_or_default()
    }

    fn mismatched(&self, law: &KnownLaw) -> u64 {
        self.mismatches.get(law.name).copied().unwrap_or(0)
    }
}

/// Prints the laws that are known by hash: whether a native twin takes the law's place, in whose
/// library it is, and, if modules are named, what loading them showed.
pub(crate) fn list(args: Jets) -> anyhow::Result<()> {
    let run = if args.modules.is_empty() { None } else { Some(Run::of(&args.modules)?) };
    let text = if args.json { as_json(run.as_ref()) } else { as_lines(run.as_ref()) };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

fn as_lines(run: Option<&Run>) -> String {
    let mut text = String::new();
    if run.is_some() {
        let (called, left, named) = ("called", "fell back", "mismatched");
        let law = format!("{:<44}  {:<22}  {:<6}  {:<9}", "hash", "name", "runs", "library");
        text.push_str(&format!("{law}  {called:>12}  {left:>12}  {named:>10}\n"));
    }
    for law in jets::list() {
        let (how, hash) = (if law.native { "native" } else { "law" }, law.hash.to_string());
        let line = format!("{hash:<44}  {:<22}  {how:<6}  {:<9}", law.name, library(&law));
        match run {
            Some(run) => {
                let (Calls { all, fell_back }, named) = (run.calls(&law), run.mismatched(&law));
                let _ = writeln!(text, "{line}  {all:>12}  {fell_back:>12}  {named:>10}");
            }
            None => {
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
    }
    text
}

/// Names and hashes are letters, figures and underscores: nothing in them has to be quoted.
fn as_json(run: Option<&Run>) -> String {
    let objects = jets::list().into_iter().map(|law| {
        let mut object = format!(
            r#"{{"name": "{}", "hash": "{}", "library": "{}", "native": {}"#,
            law.name,
            law.hash,
            library(&law),
            law.native
        );
        if let Some(run) = run {
            let (Calls { all, fell_back }, named) = (run.calls(&law), run.mismatched(&law));
            let _ = write!(
                object,
                r#", "calls": {all}, "fell_back": {fell_back}, "mismatched": {named}"#
            );
        }
        object + "}"
    });
    format!("[\n  {}\n]\n", objects.collect::<Vec<_>>().join(",\n  "))
}

/// In whose library a law is.
fn library(law: &KnownLaw) -> &'static str {
    if law.project_only { "pallas" } else { "prototype" }
}

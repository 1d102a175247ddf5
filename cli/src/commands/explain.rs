//! `explain`: what is known of a law, and how it is compiled.

use super::history::{OpenHistory, settings};
use super::sire::load_module;
use crate::args::{CacheOptions, ExplainArgs, PrintSize};
use crate::law_index::{IndexedLaw, LawIndex};
use crate::terminal::sire_error;
use anyhow::{Context, Result, bail};
use jit::{CALLS_BEFORE_COMPILING, CompilationReport, FunctionListing};
use plan::{Shape, Val};
use show::PrintLimit;
use sire::{NameInfo, Sire};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use vm::Vm;

/// The most laws in a list.
const LISTED_LAWS: usize = 40;

/// Prints what is known of the law.
pub(crate) fn explain(args: &ExplainArgs) -> Result<()> {
    let text = match &args.store {
        Some(store) => explain_in_store(args, store)?,
        None => explain_in_module(args)?,
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

fn explain_in_module(args: &ExplainArgs) -> Result<String> {
    let cache = CacheOptions { store: args.cache.modules.clone() };
    let mut sire = load_module(&cache, args.evaluation, &args.module)?;
    sire.begin_interactive().map_err(sire_error)?;
    let named = sire.named_values();
    let index = LawIndex::new(sire.vm(), &named);
    let Some(law) = index.find(&args.law)? else { bail!("{}", unknown(&sire, args)) };
    let info = law.names.iter().find_map(|name| sire.describe(name));
    describe(sire.vm(), &index, law, info.as_ref(), args.brief)
}

fn explain_in_store(args: &ExplainArgs, store: &Path) -> Result<String> {
    let settings = settings(args.evaluation, PrintSize::default())?;
    let mut opened = OpenHistory::open(store, settings)?;
    let mut replay = opened.history.replay_at(opened.history.last())?;
    let (vm, cog) = replay.runtime();
    let index = LawIndex::new(vm, &[("the cog".to_owned(), cog)]);
    let Some(law) = index.find(&args.law)? else {
        bail!("the machine in {} has no law with the name or hash {}", store.display(), args.law)
    };
    let text = describe(vm, &index, law, None, args.brief)?;
    drop(replay);
    opened.store.confirm()?;
    Ok(text)
}

/// The message for a name or hash that leads to no law.
fn unknown(sire: &Sire, args: &ExplainArgs) -> String {
    let ExplainArgs { law, module, .. } = args;
    if sire.describe(law).is_some() {
        return format!("`{law}` is not a law; `pallas doc {law}` describes it");
    }
    let similar: Vec<String> =
        sire.similar_names(law).iter().map(|name| format!("`{name}`")).collect();
    let hint = match similar.as_slice() {
        [] => String::new(),
        names => format!("; similar: {}", names.join(", ")),
    };
    format!("{module} has no law with the name or hash `{law}`{hint}")
}

/// All sections of the text.
fn describe(
    vm: &mut Vm,
    index: &LawIndex,
    law: &IndexedLaw,
    info: Option<&NameInfo>,
    is_brief: bool,
) -> Result<String> {
    let mut text = facts(vm, law, info);
    section(&mut text, "source", &source(vm, &law.value, info));
    let callees: Vec<String> = index.references(law).map(|law| reference(vm, law)).collect();
    section(&mut text, "refers to", &list(callees));
    let callers: Vec<String> = index.referrers(law).map(|law| reference(vm, law)).collect();
    section(&mut text, "referred to by", &list(callers));
    let report = jit::explain(vm, &law.value);
    let summary = match &report {
        Ok(report) => compiled_summary(report, jet_name(vm, &law.value).is_some()),
        Err(error) => format!("not compiled: {error}"),
    };
    section(&mut text, "compilation", &summary);
    if let (Ok(report), false) = (report, is_brief) {
        section(&mut text, "intermediate code before the passes", &report.before);
        section(&mut text, "intermediate code after the passes", &report.after);
        for (number, FunctionListing { law, bytes, text: code }) in
            report.functions.iter().enumerate()
        {
            let law = law.as_deref().unwrap_or("(no law)");
            section(&mut text, &format!("machine code of f{number}: {law}, {bytes} bytes"), code);
        }
    }
    Ok(text)
}

/// The first lines: name, place, arity, hash, jet.
fn facts(vm: &Vm, law: &IndexedLaw, info: Option<&NameInfo>) -> String {
    let mut text = format!("{}\n", law.title());
    let mut fact = |key: &str, value: &str| {
        let _ = writeln!(text, "  {key:<10}{value}");
    };
    if law.names.len() > 1 {
        fact("names", &law.names[..law.names.len().min(LISTED_LAWS)].join(", "));
    }
    match info.and_then(|info| info.source.as_ref()) {
        Some(source) => fact("defined", &format!("{}:{}", source.file, source.line)),
        None => {
            if let Some(info) = info.filter(|info| !info.module.is_empty()) {
                fact("defined", &format!("in the module {}", info.module));
            }
        }
    }
    if let Some(signature) = info.and_then(|info| info.source.as_ref()?.signature.as_ref()) {
        fact("type", &signature.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    fact("arity", &law.arity);
    match &law.hash {
        Some(hash) => fact("hash", &hash.to_string()),
        None => fact("hash", "none: the law is not pinned"),
    }
    match jet_name(vm, &law.value) {
        Some(jet) => fact("jet", &format!("{jet}: a native function runs in place of the law")),
        None => fact("jet", "none"),
    }
    text
}

fn jet_name(vm: &Vm, value: &Val) -> Option<&'static str> {
    match vm.look(value).shape() {
        Shape::Pin(pin) => vm.jet_of(pin).map(|jet| jet.name),
        _ => None,
    }
}

/// The definition, or the value as it is printed.
fn source(vm: &Vm, value: &Val, info: Option<&NameInfo>) -> String {
    match info.and_then(|info| info.source.as_ref()) {
        Some(source) => source.text.clone(),
        None => {
            let value = vm.look(value);
            let law = match value.shape() {
                Shape::Pin(pin) => pin.item(),
                _ => value,
            };
            show::value_text(law, PrintLimit::DEFAULT.for_messages())
        }
    }
}

fn reference(vm: &Vm, law: &IndexedLaw) -> String {
    let hash = law.hash.map(|hash| format!("  {hash}")).unwrap_or_default();
    let jet = jet_name(vm, &law.value).map_or("", |_| "  (jet)");
    format!("{}{hash}{jet}", law.title())
}

/// Lines in alphabetical order, up to a limit.
fn list(mut lines: Vec<String>) -> String {
    lines.sort();
    if lines.is_empty() {
        return "nothing that is pinned or named".to_owned();
    }
    let more = lines.len().saturating_sub(LISTED_LAWS);
    lines.truncate(LISTED_LAWS);
    if more > 0 {
        lines.push(format!("... {more} more ..."));
    }
    lines.join("\n")
}

/// When the law is compiled, and what of.
fn compiled_summary(report: &CompilationReport, is_jet: bool) -> String {
    let bytes: usize = report.functions.iter().map(|function| function.bytes).sum();
    let functions = report.functions.len();
    let when = if is_jet {
        "Calls run the jet. If it is often called as a value, this code calls it:".to_owned()
    } else {
        format!(
            "Compiled after {CALLS_BEFORE_COMPILING} calls, unless it is inlined before. The code for \
             calls with unknown\narguments:"
        )
    };
    format!("{when} functions {functions}, bytes {bytes}.")
}

/// Adds a section: a title, and indented lines.
fn section(text: &mut String, title: &str, body: &str) {
    let _ = writeln!(text, "\n{title}");
    for line in body.trim_end().lines() {
        let _ = writeln!(text, "{}", format!("  {line}").trim_end());
    }
}

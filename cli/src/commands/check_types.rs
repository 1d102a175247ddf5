//! `check-types`: checks the types of modules, and counts the names that have one.

use super::setup::{library_image, runtime};
use crate::args::CheckTypesArgs;
use crate::terminal::{self, ExitError};
use anyhow::{Context, Result};
use sire::{ModuleArgument, ModuleLibrary, Sire, SireOptions, SireOutput};
use sire::{TypeReport, TypeReportKind};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The numbers of names of a module.
#[derive(Default)]
struct TypeCounts {
    checked: usize,
    inferred: usize,
    trusted: usize,
    untyped: usize,
}

impl TypeCounts {
    fn count(&mut self, report: &TypeReport) {
        match report.kind {
            TypeReportKind::Checked => self.checked += 1,
            TypeReportKind::Inferred => self.inferred += 1,
            TypeReportKind::Trusted => self.trusted += 1,
            TypeReportKind::Failed(_) => self.untyped += 1,
        }
    }

    fn row(&self, module: &str) -> String {
        let TypeCounts { checked, inferred, trusted, untyped } = self;
        format!("{module:<20} {checked:>8} {inferred:>8} {trusted:>8} {untyped:>8}\n")
    }
}

/// Checks modules, and prints the counts of their names and the definitions that do not have their
/// declared types.
pub(crate) fn check_types(args: &CheckTypesArgs) -> Result<()> {
    let reports = survey(args)?;
    let mut text = String::new();
    if args.list {
        reports.iter().for_each(|report| text += &listed(report));
        text.push('\n');
    }
    text += &format!(
        "{:<20} {:>8} {:>8} {:>8} {:>8}\n",
        "module", "checked", "inferred", "trusted", "untyped"
    );
    let mut total = TypeCounts::default();
    let mut rows: Vec<(&str, TypeCounts)> = Vec::new();
    for report in &reports {
        if rows.last().is_none_or(|(module, _)| *module != report.module) {
            rows.push((&report.module, TypeCounts::default()));
        }
        if let Some((_, counts)) = rows.last_mut() {
            counts.count(report);
        }
        total.count(report);
    }
    rows.iter().for_each(|(module, counts)| text += &counts.row(module));
    if rows.len() != 1 {
        text += &total.row("total");
    }
    let wrong: Vec<String> = reports.iter().filter_map(wrong_declaration).collect();
    wrong.iter().for_each(|wrong| text += wrong);
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")?;
    if wrong.is_empty() { Ok(()) } else { Err(ExitError { code: 1, message: None }.into()) }
}

/// Loads the modules. The first time, a type error of a typed module is an error; the second time,
/// each definition is reported.
fn survey(args: &CheckTypesArgs) -> Result<Vec<TypeReport>> {
    let none = || SireOutput::new(io::sink(), terminal::colour(false));
    let options = SireOptions {
        library: ModuleLibrary::new("sire"),
        cache: None,
        output: none(),
        diagnostics: none(),
    };
    let vm = runtime(args.evaluation)?;
    let mut sire = Sire::new(vm, options).map_err(terminal::evaluation_error)?;
    sire.on_diagnostic(terminal::print_diagnostic);
    sire.load_quietly(|_, _, _| {});
    if let Some(image) = library_image().filter(|_| !args.all) {
        sire.start_from(image);
    }
    let mut reports = Vec::new();
    // Modules have the modules before them in common.
    let mut reported = BTreeSet::new();
    for module in &args.modules {
        let module = ModuleArgument::parse(module).map_err(terminal::sire_error)?;
        sire.load_argument(&module).map_err(terminal::sire_error)?;
        let mut found = sire.survey_types(&module).map_err(terminal::sire_error)?;
        if !args.all {
            let own = sire.module_name().unwrap_or_default().to_owned();
            found.retain(|report| report.module == own);
        }
        found.retain(|report| !reported.contains(&report.module));
        reported.extend(found.iter().map(|report| report.module.clone()));
        reports.append(&mut found);
    }
    Ok(reports)
}

fn listed(report: &TypeReport) -> String {
    let TypeReport { module, name, ty, kind } = report;
    match (ty, kind) {
        (_, TypeReportKind::Failed(reason)) => format!("{module}: {name} has no type: {reason}\n"),
        (Some(ty), _) => format!("{module}: {name} : {ty}\n"),
        (None, _) => String::new(),
    }
}

/// Returns the message about a definition that has not its declared type.
fn wrong_declaration(report: &TypeReport) -> Option<String> {
    match (&report.ty, &report.kind) {
        (Some(ty), TypeReportKind::Failed(reason)) => Some(format!(
            "{}: {} is declared as {ty}, but its definition has another type: {reason}\n",
            report.module, report.name
        )),
        _ => None,
    }
}

//! `du`: what holds how much of a store.

use crate::args::Du;
use anyhow::Context;
use persist::Inspection;
use persist::inspect::StoreUsage;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints what holds how much.
pub(crate) fn du(args: Du) -> anyhow::Result<()> {
    let inspection = Inspection::open(&args.store)?;
    let usage = inspection.usage().with_context(|| {
        format!("see `pallas check {}` for all that is damaged", args.store.display())
    })?;
    let text = if args.json { as_json(&usage) } else { as_lines(&usage) };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

fn as_lines(usage: &StoreUsage) -> String {
    let mut text = format!("{:<34}  {:>10}  {:>16}\n", "", "count", "bytes");
    let mut line = |what: &str, count: u64, bytes: u64| {
        let _ = writeln!(text, "{what:<34}  {count:>10}  {bytes:>16}");
    };
    line("log: files", usage.log_segments, usage.log_bytes);
    line("log: spare files", usage.spare_files, usage.spare_bytes);
    line("pins: files of bodies", usage.body_files, usage.body_bytes);
    line("pins: files of the catalogue", usage.catalogue_segments, usage.catalogue_bytes);
    line("pins: files of the index", usage.index_files, usage.index_bytes);
    line("pins", usage.pins, usage.pin_bytes);
    line("  shared by kept snapshots", usage.shared_pins, usage.shared_bytes);
    line("  garbage: reached by none", usage.garbage_pins, usage.garbage_bytes);
    for of in &usage.snapshots {
        let (generation, covers) = (of.snapshot.generation, of.snapshot.covers);
        line(&format!("snapshot {generation}, after event {covers}"), of.pins, of.bytes);
        line("  reached by no other", of.own_pins, of.own_bytes);
    }
    text
}

/// Numbers only, and hashes, which are letters and figures: nothing has to be quoted.
fn as_json(usage: &StoreUsage) -> String {
    let part = |name: &str, count: (&str, u64), bytes: u64| {
        format!(r#"  "{name}": {{"{}": {}, "bytes": {bytes}}}"#, count.0, count.1)
    };
    let mut parts = vec![
        part("log", ("files", usage.log_segments), usage.log_bytes),
        part("spare", ("files", usage.spare_files), usage.spare_bytes),
        format!(
            r#"  "pins": {{"files": {}, "file_bytes": {}, "count": {}, "bytes": {}}}"#,
            usage.body_files, usage.body_bytes, usage.pins, usage.pin_bytes
        ),
        part("catalogue", ("files", usage.catalogue_segments), usage.catalogue_bytes),
        part("index", ("files", usage.index_files), usage.index_bytes),
        part("shared", ("count", usage.shared_pins), usage.shared_bytes),
        part("garbage", ("count", usage.garbage_pins), usage.garbage_bytes),
    ];
    let snapshots = usage.snapshots.iter().map(|of| {
        format!(
            r#"    {{"generation": {}, "covers": {}, "root": "{}", "count": {}, "bytes": {}, "own_count": {}, "own_bytes": {}}}"#,
            of.snapshot.generation,
            of.snapshot.covers,
            vm::Hash(of.snapshot.root),
            of.pins,
            of.bytes,
            of.own_pins,
            of.own_bytes
        )
    });
    let snapshots: Vec<String> = snapshots.collect();
    parts.push(match snapshots.as_slice() {
        [] => r#"  "snapshots": []"#.into(),
        some => format!("  \"snapshots\": [\n{}\n  ]", some.join(",\n")),
    });
    format!("{{\n{}\n}}\n", parts.join(",\n"))
}

//! `jets`: the native twins of laws that every runtime knows, and their list.

use crate::args::Matching;
use crate::terminal;
use anyhow::{Context, anyhow};
use std::io::{self, Write};
use std::sync::Arc;
use vm::Hash;
use vm::jet::JetTable;

/// The jets. If it was asked for, a law that has only the name of one ends the process.
pub(super) fn table(matching: Matching) -> Arc<JetTable> {
    let mut table = jets::table();
    if matching.jet_mismatch_crash {
        table.on_mismatch(jets::list().into_iter().map(|law| (law.name, law.hash)), end);
    }
    Arc::new(table)
}

/// Ends the process because of a law that is not the known one of its name.
///
/// Nothing durable is lost by that: a machine goes on where it was.
fn end(name: &str, hash: &Hash) {
    let why = format!("jet mismatch: the law {name} with hash {hash} is not the one that is known");
    terminal::fail(&anyhow!(why));
    std::process::exit(1);
}

/// Prints the laws that are known by hash, a line each: the hash, the name, whether a native twin
/// takes the law's place, and in whose library it is.
pub(crate) fn list() -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for law in jets::list() {
        let how = if law.native { "native" } else { "law" };
        let whose = if law.ours { "pallas" } else { "prototype" };
        writeln!(out, "{:<44}  {:<22}  {how:<6}  {whose}", law.hash.to_string(), law.name)
            .context("cannot write the output")?;
    }
    out.flush().context("cannot write the output")
}

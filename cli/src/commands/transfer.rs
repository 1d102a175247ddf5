//! `export` and `import`: moves a machine as one file. `fork`: makes a second machine.

use crate::args::{ExportArgs, ForkArgs, ImportArgs};
use crate::progress;
use anyhow::Context;
use machine::GermCodec;
use machine::control::InspectedStore;
use persist::Seq;
use persist::transfer::{self, ForkReport};
use std::io::{self, Write as _};

/// Writes a machine to a file.
pub(crate) fn export(args: ExportArgs) -> anyhow::Result<()> {
    let mut store = InspectedStore::open(&args.store)?;
    let bar = progress::items("exporting");
    transfer::export(&store.inspection, &args.file, &mut germs()?, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    // The file has a checksum of what was read, so it must not outlive the view that it was read of.
    store.confirm().inspect_err(|_| drop(std::fs::remove_file(&args.file)))?;
    Ok(())
}

/// Creates a machine from an exported file.
pub(crate) fn import(args: ImportArgs) -> anyhow::Result<()> {
    let bar = progress::bytes("importing", 0);
    transfer::import(&args.file, &args.store, &mut germs()?, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(())
}

/// Creates a machine with the state of another.
pub(crate) fn fork(args: ForkArgs) -> anyhow::Result<()> {
    let mut store = InspectedStore::open(&args.store)?;
    let report = transfer::fork(&store.inspection, &args.new, args.at.map(Seq))?;
    // The copy is of what was read, so it must not outlive the view that it was read of.
    store.confirm().inspect_err(|_| drop(std::fs::remove_dir_all(&args.new)))?;
    let ForkReport { at, shared_bytes, copied_bytes } = report;
    let text = format!(
        "{}: a detached fork of the state after event {at}; shared bytes: {shared_bytes}, copied \
         bytes: {copied_bytes}\n",
        args.new.display()
    );
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

fn germs() -> anyhow::Result<GermCodec> {
    GermCodec::new().context("cannot reserve the stack")
}

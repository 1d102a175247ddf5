//! `export` and `import`: moves a machine as one file.

use super::inspected::InspectedStore;
use crate::args::{ExportArgs, ImportArgs};
use crate::progress;
use anyhow::Context;
use machine::GermCodec;
use persist::transfer;

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

fn germs() -> anyhow::Result<GermCodec> {
    GermCodec::new().context("cannot reserve the stack")
}

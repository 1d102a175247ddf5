//! `export` and `import`: machines as files.

use crate::args::{Export, Import};
use crate::progress;
use anyhow::Context;
use machine::GermCodec;
use persist::{Store, transfer};

/// Writes a machine to a file.
pub(crate) fn export(args: Export) -> anyhow::Result<()> {
    let store = Store::open(&args.store)?;
    let bar = progress::items("exporting");
    transfer::export(&store, &args.file, &mut germs()?, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(store.close()?)
}

/// Makes a machine of a file.
pub(crate) fn import(args: Import) -> anyhow::Result<()> {
    let bar = progress::bytes("importing", 0);
    transfer::import(&args.file, &args.store, &mut germs()?, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(())
}

fn germs() -> anyhow::Result<GermCodec> {
    GermCodec::new().context("cannot reserve addresses for the stack")
}

//! `gc`: removes the pins of a store that no kept snapshot needs.

use crate::args::GcArgs;
use crate::progress;
use anyhow::Context;
use persist::collect::{CollectPhase, CollectStats, collect};
use std::io::{self, Write as _};
use std::path::Path;

/// Collects a store's garbage, and prints the space that this freed.
pub(crate) fn gc(args: GcArgs) -> anyhow::Result<()> {
    let marking = progress::items("following edges");
    let freeing = progress::items("freeing space");
    let mut on_progress = |step, done, total| {
        let bar = if step == CollectPhase::Marking { &marking } else { &freeing };
        bar.set_length(total);
        bar.set_position(done);
    };
    let collected = collect(&args.store, args.dry_run, &mut on_progress);
    marking.finish_and_clear();
    freeing.finish_and_clear();
    let text = summary(&args.store, &collected?, args.dry_run);
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

fn summary(store: &Path, collected: &CollectStats, dry_run: bool) -> String {
    let CollectStats { kept_pins, kept_bytes, freed_pins, freed_bytes, gaps, gap_bytes, .. } =
        collected;
    let (disk_before, disk_after) = (collected.disk_before, collected.disk_after);
    let store = store.display();
    let (would, disk) = if dry_run {
        ("would free ", format!("on disk: {disk_before} bytes\n"))
    } else {
        ("freed ", format!("on disk: {disk_after} bytes, {disk_before} before\n"))
    };
    let mut text = format!(
        "{store}: {would}{freed_pins} pins of {freed_bytes} bytes; {kept_pins} of {kept_bytes} bytes \
         are needed\n{disk}gaps to be filled: {gaps}, of {gap_bytes} bytes\n"
    );
    if collected.no_holes {
        text.push_str(
            "this file system cannot give back the room of gaps; they are filled again\n",
        );
    }
    text
}

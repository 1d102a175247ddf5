//! `du`: shows how much of a store each snapshot uses.

use crate::args::DuArgs;
use crate::json;
use anyhow::Context;
use jiff::Timestamp;
use machine::SetAsideInput;
use machine::control::InspectedStore;
use persist::StoreInspection;
use persist::inspect::StoreUsage;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints the number and size of the parts of a store.
pub(crate) fn du(args: DuArgs) -> anyhow::Result<()> {
    let mut store = InspectedStore::open(&args.store)?;
    let usage = store
        .inspection
        .usage()
        .with_context(|| format!("run `pallas check {}` for all damage", args.store.display()))?;
    let inputs = set_aside_inputs(&store.inspection)?;
    store.confirm()?;
    let text = if args.json {
        json::text(&JsonUsage::of(&usage, &inputs))?
    } else {
        as_lines(&usage, &inputs)
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// The inputs that are set aside. Damaged ones are left out: `check` reports them.
fn set_aside_inputs(inspection: &StoreInspection) -> anyhow::Result<Vec<SetAsideInput>> {
    let records = inspection.set_aside_inputs()?.records;
    Ok(records.iter().filter_map(|it| SetAsideInput::decode(&it.payload).ok()).collect())
}

fn as_lines(usage: &StoreUsage, inputs: &[SetAsideInput]) -> String {
    let mut text = format!("{:<34}  {:>10}  {:>16}\n", "", "count", "bytes");
    let mut line = |part: &str, count: u64, bytes: u64| text += &as_line(part, count, bytes);
    line("log: files", usage.log_segments, usage.log_bytes);
    line("log: spare files", usage.spare_files, usage.spare_bytes);
    line("pins: files of bodies", usage.body_files, usage.body_bytes);
    line("pins: files of the catalogue", usage.catalogue_segments, usage.catalogue_bytes);
    line("pins: files of the index", usage.index_files, usage.index_bytes);
    line("pins", usage.pins, usage.pin_bytes);
    line("  shared by kept snapshots", usage.shared_pins, usage.shared_bytes);
    line("  garbage: reached by none", usage.garbage_pins, usage.garbage_bytes);
    for used in &usage.snapshots {
        let (generation, covers) = (used.snapshot.generation, used.snapshot.covers);
        line(&format!("snapshot {generation}, after event {covers}"), used.pins, used.bytes);
        line("  reached by no other", used.own_pins, used.own_bytes);
    }
    line("set aside: inputs", usage.set_aside_files, usage.set_aside_bytes);
    for SetAsideInput { slot, after, time, reason, .. } in inputs {
        let time = time_text(*time);
        let _ = writeln!(text, "  of driver {slot}, after event {after}, {time}: {reason}");
    }
    text
}

fn as_line(part: &str, count: u64, bytes: u64) -> String {
    format!("{part:<34}  {count:>10}  {bytes:>16}\n")
}

/// A time in nanoseconds since 1970, as text. The year is below 2600.
pub(super) fn time_text(time: u64) -> String {
    Timestamp::from_nanosecond(time.into()).map_or_else(|_| time.to_string(), |at| at.to_string())
}

/// [`StoreUsage`] with the keys of the JSON output.
#[derive(Serialize)]
struct JsonUsage {
    log: JsonFiles,
    spare: JsonFiles,
    pins: JsonPins,
    catalogue: JsonFiles,
    index: JsonFiles,
    shared: JsonCount,
    garbage: JsonCount,
    set_aside: Vec<JsonSetAside>,
    snapshots: Vec<JsonSnapshot>,
}

#[derive(Serialize)]
struct JsonFiles {
    files: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct JsonPins {
    files: u64,
    file_bytes: u64,
    count: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct JsonCount {
    count: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct JsonSetAside {
    driver: u64,
    after: u64,
    time: String,
    reason: String,
    bytes: usize,
}

#[derive(Serialize)]
struct JsonSnapshot {
    generation: u64,
    covers: u64,
    root: String,
    count: u64,
    bytes: u64,
    own_count: u64,
    own_bytes: u64,
}

impl JsonUsage {
    fn of(usage: &StoreUsage, inputs: &[SetAsideInput]) -> JsonUsage {
        let set_aside = inputs.iter().map(|input| JsonSetAside {
            driver: input.slot,
            after: input.after,
            time: time_text(input.time),
            reason: input.reason.to_string(),
            bytes: input.size(),
        });
        let snapshots = usage.snapshots.iter().map(|used| JsonSnapshot {
            generation: used.snapshot.generation,
            covers: used.snapshot.covers.0,
            root: plan::Hash(used.snapshot.root).to_string(),
            count: used.pins,
            bytes: used.bytes,
            own_count: used.own_pins,
            own_bytes: used.own_bytes,
        });
        JsonUsage {
            log: JsonFiles { files: usage.log_segments, bytes: usage.log_bytes },
            spare: JsonFiles { files: usage.spare_files, bytes: usage.spare_bytes },
            pins: JsonPins {
                files: usage.body_files,
                file_bytes: usage.body_bytes,
                count: usage.pins,
                bytes: usage.pin_bytes,
            },
            catalogue: JsonFiles { files: usage.catalogue_segments, bytes: usage.catalogue_bytes },
            index: JsonFiles { files: usage.index_files, bytes: usage.index_bytes },
            shared: JsonCount { count: usage.shared_pins, bytes: usage.shared_bytes },
            garbage: JsonCount { count: usage.garbage_pins, bytes: usage.garbage_bytes },
            set_aside: set_aside.collect(),
            snapshots: snapshots.collect(),
        }
    }
}

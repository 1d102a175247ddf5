//! `set-aside`: lists or removes the inputs that a machine has set aside.

use super::du::time_text;
use crate::args::SetAsideArgs;
use anyhow::{Context, ensure};
use machine::SetAsideInput;
use machine::control::{ControlClient, InspectedStore};
use persist::{OpenError, SetAsideId, SetAsideList};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

/// Lists the inputs, or removes those that the options name.
pub(crate) fn set_aside(args: SetAsideArgs) -> anyhow::Result<()> {
    let mut store = InspectedStore::open(&args.store)?;
    let list = store.inspection.set_aside_inputs()?;
    store.confirm()?;
    // The lock is released before the removal takes it.
    drop(store);
    let ids: Vec<SetAsideId> = list.records.iter().map(|record| record.id).collect();
    let text = if args.remove_all {
        removed_text(&args.store, remove(&args.store, &ids)?)
    } else if args.remove.is_empty() {
        list_text(&list)
    } else {
        for id in &args.remove {
            ensure!(ids.contains(id), "no input with the id {} is set aside", id_text(id));
        }
        removed_text(&args.store, remove(&args.store, &args.remove)?)
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// Removes inputs from a store, whether or not its machine is running.
fn remove(store: &Path, ids: &[SetAsideId]) -> anyhow::Result<usize> {
    match persist::remove_set_aside(store, ids) {
        Err(error @ OpenError::InUse { .. }) => {
            let Ok(mut client) = ControlClient::connect(store) else { return Err(error.into()) };
            Ok(client.discard(ids)?)
        }
        removed => Ok(removed?),
    }
}

fn removed_text(store: &Path, count: usize) -> String {
    format!("{}: inputs removed: {count}\n", store.display())
}

fn id_text(id: &SetAsideId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

fn list_text(list: &SetAsideList) -> String {
    let mut text = String::new();
    for record in &list.records {
        let id = id_text(&record.id);
        let _ = match SetAsideInput::decode(&record.payload) {
            Ok(input) => {
                let SetAsideInput { slot, after, time, reason, .. } = &input;
                let (time, bytes) = (time_text(*time), input.size());
                writeln!(
                    text,
                    "{id}  driver {slot}, after event {after}, {time}, {bytes} bytes: {reason}"
                )
            }
            Err(error) => writeln!(text, "{id}  {error}"),
        };
    }
    for damage in &list.damaged {
        let _ = writeln!(text, "damaged: {}: {}", damage.path.display(), damage.reason);
    }
    text
}

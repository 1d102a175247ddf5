//! Freeing disk space: empty files are removed, the others are truncated and get holes.

use super::plan::CollectPlan;
use super::types::{CollectError, CollectPhase, OnProgress};
use crate::context::StoreContext;
use crate::error::DiskError;
use crate::space::address_ranges::align_up;
use crate::space::body::{self, BodyFile, address};
use crate::space::layout::BODIES_DIR;
use crate::space::pin_files::PinTable;
use crate::space::running_collection::punch;

/// Returns the disk space that the body files of some slots take, in bytes.
pub(super) fn disk_space(context: &StoreContext, slots: &[usize]) -> Result<u64, DiskError> {
    let of_slot = |slot: &usize| {
        let name = body::file_name(*slot);
        let allocated = context.disk.open(&name).and_then(|file| file.allocated());
        allocated.map_err(|error| context.error(&name, "read", error))
    };
    slots.iter().map(of_slot).sum()
}

/// Frees the disk space of the plan's free addresses.
pub(super) fn free_space(
    table: &mut PinTable,
    plan: &mut CollectPlan,
    on_progress: OnProgress<'_>,
) -> Result<(), CollectError> {
    if plan.end.offset == 0 {
        return Ok(());
    }
    let context = table.context.clone();
    remove_empty(table, plan)?;
    let total = plan.free.as_slice().len() as u64;
    let mut done = 0;
    for body in &mut table.bodies {
        let (slot_start, slot_end) = (address(body.slot, 0), address(body.slot + 1, 0));
        let end = align_up(plan.end_in(body.slot));
        truncate_body(&context, body, end)?;
        let ranges = plan.free.as_slice();
        let from = ranges.partition_point(|range| range.0 < slot_start);
        for (from, to) in ranges[from..].iter().take_while(|range| range.0 < slot_end) {
            let (from, to) = (from - slot_start, (to - slot_start).min(end));
            let punched = punch(body.file.as_ref(), from, to);
            plan.stats.no_holes |=
                !punched.map_err(|error| context.error(&body.name, "punch", error))?;
            done += 1;
            on_progress(CollectPhase::Freeing, done, total);
        }
        context.flush(&body.name, body.file.as_ref())?;
    }
    Ok(())
}

/// Removes the files without live pins, except the one that is being filled.
fn remove_empty(table: &mut PinTable, plan: &CollectPlan) -> Result<(), DiskError> {
    let context = &table.context;
    let is_empty = |slot: usize| slot as u64 != plan.end.slot && !plan.ends.contains_key(&slot);
    let mut removed = false;
    for body in table.bodies.iter().filter(|body| is_empty(body.slot)) {
        context.remove(&body.name)?;
        removed = true;
    }
    if removed {
        context.sync_dir(BODIES_DIR)?;
    }
    table.bodies.retain(|body| !is_empty(body.slot));
    Ok(())
}

/// Truncates a file after its last live pin.
fn truncate_body(context: &StoreContext, body: &mut BodyFile, end: u64) -> Result<(), DiskError> {
    let length = body.file.len().map_err(|error| context.error(&body.name, "read", error))?;
    if length > end {
        let truncated = body.file.truncate(end);
        truncated.map_err(|error| context.error(&body.name, "truncate", error))?;
    }
    body.end = end;
    Ok(())
}

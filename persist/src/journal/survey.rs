//! A survey of a journal: finds its segments and its valid prefix without changing anything.

use std::path::PathBuf;
use std::sync::Arc;

use super::kind::JournalKind;
use super::scan::{ScanDepth, SegmentExtent, scan};
use super::segment::JournalSegment;
use crate::context::{StoreContext, TEMPORARY};
use crate::error::{DiskError, StoreDamage, StoreReadError};

/// The state of a journal on disk.
pub(crate) struct JournalSurvey {
    /// The first sequences of all segments, ascending; never empty.
    pub(crate) firsts: Vec<u64>,
    /// The scanned segments: from the one with the requested sequence on; never empty.
    pub(crate) segments: Vec<Arc<JournalSegment>>,
    /// The extent of the last segment.
    pub(crate) last: SegmentExtent,
    /// The temporary files of an interrupted creation.
    pub(super) leftovers: Vec<String>,
}

impl JournalSurvey {
    /// Scans all segments that hold the sequence `from` or later ones. The caller guarantees that
    /// all frames up to the sequence `proven` were durable.
    ///
    /// # Errors
    /// See [`StoreReadError`].
    pub(crate) fn scan(
        context: &StoreContext,
        kind: &JournalKind,
        from: u64,
        proven: u64,
        depth: ScanDepth,
    ) -> Result<Self, StoreReadError> {
        let (firsts, leftovers) = list_segments(context, kind)?;
        let dir = context.disk.path(kind.dir);
        let Some(&first) = firsts.first() else {
            return Err(no_segments(dir).into());
        };
        let start = firsts.partition_point(|first| *first <= from);
        let Some(start) = start.checked_sub(1) else {
            return Err(StoreReadError::Gap {
                path: dir,
                wanted: from.into(),
                first: first.into(),
            });
        };
        let mut segments = Vec::new();
        for first in &firsts[start..] {
            let segment = JournalSegment::open(context.disk.as_ref(), kind, context.store, *first)?;
            segments.push(Arc::new(segment));
        }
        let mut last = None;
        for (index, segment) in segments.iter().enumerate() {
            let successor = segments.get(index + 1).map(|next| next.header.first);
            last = Some(scan_segment(segment, successor, proven, depth)?);
        }
        let last = last.ok_or_else(|| no_segments(dir))?;
        Ok(Self { firsts, segments, last, leftovers })
    }
}

fn no_segments(path: PathBuf) -> StoreDamage {
    let reason = "the directory holds no segment".into();
    StoreDamage { path, offset: 0, reason, advice: "restore its files from a copy".into() }
}

/// Scans one segment and checks that its end meets the first sequence of its successor.
fn scan_segment(
    segment: &Arc<JournalSegment>,
    successor: Option<u64>,
    proven: u64,
    depth: ScanDepth,
) -> Result<SegmentExtent, StoreReadError> {
    let Some(successor) = successor else {
        let extent = scan(segment, depth, proven)?;
        if extent.sealed {
            let reason = format!("the segment that begins with {} is missing", extent.next);
            return Err(segment.damage(extent.end, reason).into());
        }
        return Ok(extent);
    };
    let extent = scan(segment, depth, successor - 1)?;
    if extent.next != successor {
        let reason = format!(
            "the segment ends with {}, but the next one begins with {successor}",
            extent.next - 1
        );
        return Err(segment.damage(extent.end, reason).into());
    }
    Ok(extent)
}

/// Returns the first sequences of a journal's segments, ascending, and the paths of its temporary
/// files.
pub(crate) fn list_segments(
    context: &StoreContext,
    kind: &JournalKind,
) -> Result<(Vec<u64>, Vec<String>), DiskError> {
    let names = context.list(kind.dir)?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| kind.first_sequence(name)).collect();
    firsts.sort_unstable();
    let leftovers = names.into_iter().filter(|name| name.ends_with(TEMPORARY));
    Ok((firsts, leftovers.map(|name| format!("{}/{name}", kind.dir)).collect()))
}

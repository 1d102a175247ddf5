//! Measures how long an entry of a session takes.

use crate::terminal::sire_error;
use anyhow::Result;
use sire::{EntryOutcome, Sire};
use std::time::{Duration, Instant};

/// The time for which an entry is executed again and again.
const TOTAL: Duration = Duration::from_secs(1);
const RUNS_MIN: usize = 3;
const RUNS_MAX: usize = 100_000;

/// The times of several runs of an entry.
pub(crate) struct RunTimes {
    /// The number of runs.
    pub(crate) runs: usize,
    /// The median time.
    pub(crate) median: Duration,
    /// The time of the fastest run.
    pub(crate) fastest: Duration,
}

/// Executes an entry for about a second, at least three times, and shows nothing but errors. Returns
/// none if it failed.
///
/// # Errors
/// If the output cannot be written, or the heap is damaged.
pub(crate) fn measure(sire: &mut Sire, entry: &str) -> Result<Option<RunTimes>> {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < RUNS_MIN || start.elapsed() < TOTAL && times.len() < RUNS_MAX {
        let start = Instant::now();
        if sire.enter_quietly(entry).map_err(sire_error)? == EntryOutcome::Failed {
            return Ok(None);
        }
        times.push(start.elapsed());
    }
    times.sort();
    let (runs, median, fastest) = (times.len(), times[times.len() / 2], times[0]);
    Ok(Some(RunTimes { runs, median, fastest }))
}

/// The text of a duration, with a unit that suits it.
pub(crate) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds if seconds >= 1e-3 => format!("{:.2} ms", seconds * 1e3),
        seconds => format!("{:.2} µs", seconds * 1e6),
    }
}

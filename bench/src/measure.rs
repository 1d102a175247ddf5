//! One run of one program, and the best of many.

use crate::program::Program;
use crate::system::System;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};
use wait4::Wait4;

/// What a run cost.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    /// The processor time of the thread that runs the program, from when it is loaded to when the
    /// result is printed.
    pub(crate) work: Duration,
    /// From the start of the process to its end.
    pub(crate) whole: Duration,
    /// The most memory that was resident, in bytes.
    pub(crate) memory: u64,
    /// What else `pallas` tells of itself, by name.
    pub(crate) counts: Vec<(String, u64)>,
}

impl Cost {
    /// A number that `pallas` told, if it did.
    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        self.counts.iter().find(|(known, _)| known == name).map(|(_, count)| *count)
    }

    /// The lesser of both times and of memory; the counts are those of the run with less work.
    fn least(self, other: Cost) -> Cost {
        let (whole, memory) = (self.whole.min(other.whole), self.memory.min(other.memory));
        let best = if other.work < self.work { other } else { self };
        Cost { whole, memory, ..best }
    }
}

/// The cost of a program in a system, by their indexes; none where it has no source for it.
pub(crate) type Costs = Vec<Vec<Option<Cost>>>;

/// Runs every program in every system, `rounds` times after one that only warms up.
///
/// # Errors
/// If a program cannot be made ready or run, does not end within `limit` seconds, or does not
/// print the same in all systems.
pub(crate) fn all(
    programs: &[Program],
    systems: &[System],
    rounds: u32,
    limit: u64,
) -> Result<Costs> {
    for program in programs {
        for system in systems {
            system.prepare(program)?;
        }
    }
    let mut costs: Costs = vec![vec![None; systems.len()]; programs.len()];
    for round in 0..=rounds {
        for (program, costs) in programs.iter().zip(&mut costs) {
            let mut printed: Option<(&str, String)> = None;
            for (system, best) in systems.iter().zip(costs) {
                let Some(command) = system.command(program)? else { continue };
                let what = || format!("{} in {}", program.name, system.name);
                let (cost, result) = run(command, limit).with_context(what)?;
                match &printed {
                    Some((other, expected)) if *expected != result => {
                        bail!("{} prints {result:?}, in {other} {expected:?}", what());
                    }
                    Some(_) => {}
                    None => printed = Some((&system.name, result)),
                }
                if round > 0 {
                    *best = Some(match best.take() {
                        Some(best) => best.least(cost),
                        None => cost,
                    });
                }
            }
        }
        eprintln!("round {round} of {rounds}");
    }
    Ok(costs)
}

/// Runs a command; says what it cost, and its result: the last line that it printed but for the times.
fn run(mut command: Command, limit: u64) -> Result<(Cost, String)> {
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().context("its output is not read")?;
    let mut stderr = child.stderr.take().context("its messages are not read")?;
    let output = std::thread::spawn(move || read(&mut stdout));
    let messages = std::thread::spawn(move || read(&mut stderr));
    let deadline = start + Duration::from_secs(limit);
    while !output.is_finished() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("does not end within {limit} seconds");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let usage = child.wait4()?;
    let whole = start.elapsed();
    let output = output.join().ok().context("its output could not be read")??;
    let messages = messages.join().ok().context("its messages could not be read")??;
    if !usage.status.success() {
        bail!("ends with {}: {}", usage.status, messages.trim_end());
    }
    let mut lines = output.lines().filter(|line| !line.trim().is_empty()).rev().peekable();
    let (work, counts) = match lines.next_if(|line| line.starts_with(TIME)) {
        Some(line) => (processor_time(line).context("it tells no time")?, Vec::new()),
        None => {
            let counts = counts(&messages);
            let thread = counts.iter().find(|(name, _)| name == "thread");
            (Duration::from_nanos(thread.context("it tells no time")?.1), counts)
        }
    };
    let result = lines.next().unwrap_or_default().trim().to_owned();
    Ok((Cost { work, whole, memory: usage.rusage.maxrss, counts }, result))
}

fn read(from: &mut impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the line begins with that tells of two times, both in nanoseconds: elapsed, and of the
/// processor. The programs' own clocks write it (`programs/timed.ss`, `Timed.hs`, `nat.h`).
const TIME: &str = "time:";

fn processor_time(line: &str) -> Option<Duration> {
    let nanoseconds = line.strip_prefix(TIME)?.split_whitespace().nth(1)?;
    Some(Duration::from_nanos(nanoseconds.parse().ok()?))
}

/// What `pallas` tells of a session: see `pallas help sire`.
fn counts(messages: &str) -> Vec<(String, u64)> {
    let told =
        messages.lines().filter_map(|line| line.strip_prefix("PALLAS_STATISTICS:")).next_back();
    let pair = |pair: &str| {
        let (name, count) = pair.split_once('=')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    told.unwrap_or_default().split_whitespace().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts_are_read() {
        assert_eq!(processor_time("time: 12 34"), Some(Duration::from_nanos(34)));
        assert_eq!(processor_time("time: 12"), None);
        let told = counts("something else\nPALLAS_STATISTICS: elapsed=7 thread=9 odd\n");
        assert_eq!(told, [("elapsed".to_owned(), 7), ("thread".to_owned(), 9)]);
        assert!(counts("").is_empty());
    }

    #[test]
    fn each_best_is_kept() {
        let cost = |work, whole, memory| Cost {
            work: Duration::from_millis(work),
            whole: Duration::from_millis(whole),
            memory,
            counts: vec![("laws".to_owned(), work)],
        };
        let best = cost(3, 9, 100).least(cost(2, 10, 90));
        assert_eq!(best.work, Duration::from_millis(2));
        assert_eq!(best.whole, Duration::from_millis(9));
        assert_eq!(best.memory, 90);
        assert_eq!(best.count("laws"), Some(2));
    }
}

//! Runs of programs, and the minimum of their costs.

use crate::program::Program;
use crate::system::System;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};
use wait4::Wait4;

/// The cost of a run.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    /// CPU time of the thread that runs the program, from the end of loading to the printed result.
    pub(crate) cpu_time: Duration,
    /// Elapsed time from the start of the process to its end.
    pub(crate) elapsed: Duration,
    /// Maximal resident memory, in bytes.
    pub(crate) memory: u64,
    /// The statistics that `pallas` prints, by name.
    pub(crate) statistics: Vec<(String, u64)>,
}

impl Cost {
    /// A number in the statistics, if they have it.
    pub(crate) fn statistic(&self, name: &str) -> Option<u64> {
        self.statistics.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    /// The minimum of both times and of memory. The statistics are those of the run with less CPU
    /// time.
    fn min(self, other: Cost) -> Cost {
        let (elapsed, memory) = (self.elapsed.min(other.elapsed), self.memory.min(other.memory));
        let best = if other.cpu_time < self.cpu_time { other } else { self };
        Cost { elapsed, memory, ..best }
    }
}

/// The cost of each program in each system, by index. None if the program has no source for the
/// system.
pub(crate) type Costs = Vec<Vec<Option<Cost>>>;

/// Runs every program in every system: once to warm up, then `rounds` times.
///
/// # Errors
/// If a program cannot be compiled or run, exceeds `limit` seconds, or does not print the same in
/// all systems.
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
                        Some(best) => best.min(cost),
                        None => cost,
                    });
                }
            }
        }
        eprintln!("round {round} of {rounds}");
    }
    Ok(costs)
}

/// Runs a command. Returns its cost and its result, which is the last line that it prints before
/// the times.
fn run(mut command: Command, limit: u64) -> Result<(Cost, String)> {
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().context("its output is no pipe")?;
    let mut stderr = child.stderr.take().context("its messages are no pipe")?;
    let output = std::thread::spawn(move || read(&mut stdout));
    let messages = std::thread::spawn(move || read(&mut stderr));
    let deadline = start + Duration::from_secs(limit);
    while !output.is_finished() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("exceeds the limit of {limit} seconds");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let usage = child.wait4()?;
    let elapsed = start.elapsed();
    let output = output.join().ok().context("its output could not be read")??;
    let messages = messages.join().ok().context("its messages could not be read")??;
    if !usage.status.success() {
        bail!("fails with {}: {}", usage.status, messages.trim_end());
    }
    let mut lines = output.lines().filter(|line| !line.trim().is_empty()).rev().peekable();
    let (cpu_time, statistics) = match lines.next_if(|line| line.starts_with(TIME)) {
        Some(line) => (clock_cpu_time(line).context("it prints no time")?, Vec::new()),
        None => {
            let statistics = statistics(&messages);
            let thread = statistics.iter().find(|(name, _)| name == "thread");
            (Duration::from_nanos(thread.context("it prints no time")?.1), statistics)
        }
    };
    let result = lines.next().unwrap_or_default().trim().to_owned();
    Ok((Cost { cpu_time, elapsed, memory: usage.rusage.maxrss, statistics }, result))
}

fn read(from: &mut impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The start of a line with two times in nanoseconds: elapsed time and CPU time. The clocks of the
/// programs print it (`programs/timed.ss`, `Timed.hs`, `nat.h`).
const TIME: &str = "time:";

/// The CPU time in a line of a program's clock.
fn clock_cpu_time(line: &str) -> Option<Duration> {
    let nanoseconds = line.strip_prefix(TIME)?.split_whitespace().nth(1)?;
    Some(Duration::from_nanos(nanoseconds.parse().ok()?))
}

/// The statistics that `pallas` prints (see `pallas sire --help`).
fn statistics(messages: &str) -> Vec<(String, u64)> {
    let line =
        messages.lines().filter_map(|line| line.strip_prefix("PALLAS_STATISTICS:")).next_back();
    let pair = |pair: &str| {
        let (name, number) = pair.split_once('=')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    line.unwrap_or_default().split_whitespace().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_statistics_are_parsed() {
        assert_eq!(clock_cpu_time("time: 12 34"), Some(Duration::from_nanos(34)));
        assert_eq!(clock_cpu_time("time: 12"), None);
        let parsed = statistics("something else\nPALLAS_STATISTICS: elapsed=7 thread=9 odd\n");
        assert_eq!(parsed, [("elapsed".to_owned(), 7), ("thread".to_owned(), 9)]);
        assert!(statistics("").is_empty());
    }

    #[test]
    fn the_minimum_is_taken_of_each_cost() {
        let cost = |cpu_time, elapsed, memory| Cost {
            cpu_time: Duration::from_millis(cpu_time),
            elapsed: Duration::from_millis(elapsed),
            memory,
            statistics: vec![("laws".to_owned(), cpu_time)],
        };
        let best = cost(3, 9, 100).min(cost(2, 10, 90));
        assert_eq!(best.cpu_time, Duration::from_millis(2));
        assert_eq!(best.elapsed, Duration::from_millis(9));
        assert_eq!(best.memory, 90);
        assert_eq!(best.statistic("laws"), Some(2));
    }
}

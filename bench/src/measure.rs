//! Runs of programs, and the minimum of their costs.

use crate::program::{NOTHING, Program};
use crate::system::System;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// The cost of a run.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    /// CPU time of the thread that runs the program, from the end of loading to the printed result.
    /// The prototype does not measure it: there it is the CPU time of the process, minus that of
    /// [`NOTHING`].
    pub(crate) cpu_time: Duration,
    /// Elapsed time from the start of the process to its end.
    pub(crate) elapsed: Duration,
    /// Maximal resident memory, in bytes.
    pub(crate) memory: u64,
    /// Whether the time limit ended the run. The cost is then that of the part before the limit,
    /// and `cpu_time` is that of the process.
    pub(crate) exceeds_limit: bool,
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

/// The measurement of a program in a system.
#[derive(Clone, Debug)]
pub(crate) enum Measurement {
    /// The program has no source for the system.
    NoSource,
    /// The minimum of all runs.
    Costs(Cost),
    /// The program failed, or printed another result than in other systems.
    Failed,
}

impl Measurement {
    pub(crate) fn cost(&self) -> Option<&Cost> {
        match self {
            Measurement::Costs(cost) => Some(cost),
            Measurement::NoSource | Measurement::Failed => None,
        }
    }

    pub(crate) fn is_failed(&self) -> bool {
        matches!(self, Measurement::Failed)
    }

    /// Whether another run can tell more.
    fn is_final(&self) -> bool {
        match self {
            Measurement::NoSource => false,
            Measurement::Costs(cost) => cost.exceeds_limit,
            Measurement::Failed => true,
        }
    }

    fn add(&mut self, cost: Cost) {
        *self = match std::mem::replace(self, Measurement::NoSource) {
            Measurement::Costs(best) => Measurement::Costs(best.min(cost)),
            Measurement::NoSource | Measurement::Failed => Measurement::Costs(cost),
        };
    }
}

/// The measurement of each program in each system, by index.
pub(crate) type Measurements = Vec<Vec<Measurement>>;

/// Runs every program in every system: once to warm up, then `rounds` times. A program that fails
/// or exceeds `limit` seconds of CPU time in a system does not run there again. Calls `record` with
/// the cost of each run that counts, and the indices of its program and system.
///
/// # Errors
/// If a program cannot be compiled or started, or does not print the same in all systems.
pub(crate) fn all(
    programs: &[Program],
    systems: &[System],
    rounds: u32,
    limit: u64,
    mut record: impl FnMut(usize, usize, &Cost),
) -> Result<Measurements> {
    for program in programs {
        for system in systems {
            system.prepare(program)?;
        }
    }
    let mut measurements: Measurements =
        vec![vec![Measurement::NoSource; systems.len()]; programs.len()];
    for round in 0..=rounds {
        for (index, (program, measurements)) in programs.iter().zip(&mut measurements).enumerate() {
            let mut record = |system, cost: &Cost| {
                if round > 0 {
                    record(index, system, cost);
                }
            };
            run_in_all(program, systems, measurements, round > 0, limit, &mut record)?;
        }
        eprintln!("round {round} of {rounds}");
    }
    subtract_start(programs, systems, &mut measurements);
    Ok(measurements)
}

/// Runs a program once in every system. `counts` is false for the run that warms up the caches.
fn run_in_all(
    program: &Program,
    systems: &[System],
    measurements: &mut [Measurement],
    counts: bool,
    limit: u64,
    record: &mut dyn FnMut(usize, &Cost),
) -> Result<()> {
    let mut printed: Option<(&str, String)> = None;
    for (index, (system, measurement)) in systems.iter().zip(measurements).enumerate() {
        if measurement.is_final() {
            continue;
        }
        let Some(command) = system.command(program)? else { continue };
        let what = || format!("{} in {}", program.name, system.name);
        let (cost, result) = match run(command, limit, !system.is_prototype()).with_context(what)? {
            Run::Completed { cost, result } => (cost, result),
            Run::ExceedsLimit(cost) => {
                eprintln!("{} exceeds the limit of {limit} seconds of CPU time", what());
                record(index, &cost);
                *measurement = Measurement::Costs(cost);
                continue;
            }
            Run::Failed(message) => {
                eprintln!("{} fails: {message}", what());
                *measurement = Measurement::Failed;
                continue;
            }
        };
        match &printed {
            Some((other, expected)) if *expected != result => {
                let message = format!("prints {result:?}, in {other} {expected:?}");
                if !system.is_prototype() {
                    bail!("{} {message}", what());
                }
                // The prototype has its own library, so this can be a difference of a function.
                eprintln!("{} {message}", what());
                *measurement = Measurement::Failed;
                continue;
            }
            Some(_) => {}
            None => printed = Some((&system.name, result)),
        }
        if counts {
            record(index, &cost);
            measurement.add(cost);
        }
    }
    Ok(())
}

/// Subtracts the start of the process from the prototype's CPU times.
fn subtract_start(programs: &[Program], systems: &[System], measurements: &mut Measurements) {
    let Some(nothing) = programs.iter().position(|program| program.name == NOTHING) else { return };
    for index in (0..systems.len()).filter(|&index| systems[index].is_prototype()) {
        let Some(start) = measurements[nothing][index].cost().map(|cost| cost.cpu_time) else {
            continue;
        };
        for measurement in measurements.iter_mut().map(|row| &mut row[index]) {
            if let Measurement::Costs(cost) = measurement {
                cost.cpu_time = cost.cpu_time.saturating_sub(start);
            }
        }
    }
}

/// The outcome of a run.
enum Run {
    /// The cost, and the last line that the program prints before its times.
    Completed {
        cost: Cost,
        result: String,
    },
    ExceedsLimit(Cost),
    Failed(String),
}

/// Runs a command. `prints_times` is false for the prototype, whose cost is that of the process.
fn run(mut command: Command, limit: u64, prints_times: bool) -> Result<Run> {
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().context("its output is no pipe")?;
    let mut stderr = child.stderr.take().context("its messages are no pipe")?;
    let output = std::thread::spawn(move || read(&mut stdout));
    let messages = std::thread::spawn(move || read(&mut stderr));
    limit_cpu_time(&child, limit)?;
    let deadline = start + Duration::from_secs(limit.saturating_mul(MAX_LOAD));
    while !output.is_finished() {
        if Instant::now() > deadline {
            child.kill()?;
            break;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let usage = child.wait4()?;
    let elapsed = start.elapsed();
    let output = output.join().ok().context("its output could not be read")??;
    let messages = messages.join().ok().context("its messages could not be read")??;
    let cpu_time = usage.rusage.utime + usage.rusage.stime;
    // Another cause of such a signal is a lack of memory.
    let exceeds_limit = usage.status.signal().is_some_and(|signal| LIMIT_SIGNALS.contains(&signal))
        && (cpu_time.as_secs() + 1 >= limit || start + elapsed >= deadline);
    let cost = Cost {
        cpu_time,
        elapsed,
        memory: usage.rusage.maxrss,
        exceeds_limit,
        statistics: Vec::new(),
    };
    if exceeds_limit {
        return Ok(Run::ExceedsLimit(cost));
    }
    if !usage.status.success() {
        return Ok(Run::Failed(format!("{}: {}", usage.status, messages.trim_end())));
    }
    let run = completed(cost, &output, &messages, prints_times);
    Ok(run.unwrap_or_else(|| Run::Failed(format!("it prints no time: {output}"))))
}

/// A run may take this many times the limit of CPU time, since other processes run too.
const MAX_LOAD: u64 = 20;

/// The signals that end a process at its limit: SIGKILL, from the kernel or from here, or SIGXCPU.
const LIMIT_SIGNALS: [i32; 2] = [9, 24];

/// Limits the CPU time of a process, of all its threads together.
#[cfg(target_os = "linux")]
fn limit_cpu_time(child: &Child, seconds: u64) -> Result<()> {
    use rustix::io::Errno;
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let limit = Rlimit { current: Some(seconds), maximum: Some(seconds) };
    match prlimit(Some(pid.context("it has no process id")?), Resource::Cpu, limit) {
        // The process can have ended already.
        Ok(_) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context("cannot limit its CPU time"),
    }
}

/// Sets no limit: only Linux limits a process that runs. The limit of elapsed time ends it later.
#[cfg(not(target_os = "linux"))]
fn limit_cpu_time(_: &Child, _: u64) -> Result<()> {
    Ok(())
}

/// Reads the result and the times that a program printed. None if it should print times, and does
/// not.
fn completed(mut cost: Cost, output: &str, messages: &str, prints_times: bool) -> Option<Run> {
    let mut lines = output.lines().filter(|line| !line.trim().is_empty()).rev().peekable();
    if let Some(line) = lines.next_if(|line| line.starts_with(TIME)) {
        cost.cpu_time = clock_cpu_time(line)?;
    } else if prints_times {
        cost.statistics = statistics(messages);
        cost.cpu_time = Duration::from_nanos(cost.statistic("thread")?);
    }
    let result = lines.next().unwrap_or_default().trim().to_owned();
    Some(Run::Completed { cost, result })
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
    let cpu_time = line.strip_prefix(TIME)?.split_whitespace().nth(1)?;
    Some(Duration::from_nanos(cpu_time.parse().ok()?))
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

    fn cost(cpu_time: u64, elapsed: u64, memory: u64) -> Cost {
        Cost {
            cpu_time: Duration::from_millis(cpu_time),
            elapsed: Duration::from_millis(elapsed),
            memory,
            exceeds_limit: false,
            statistics: vec![("laws".to_owned(), cpu_time)],
        }
    }

    #[test]
    fn the_minimum_is_taken_of_each_cost() {
        let best = cost(3, 9, 100).min(cost(2, 10, 90));
        assert_eq!(best.cpu_time, Duration::from_millis(2));
        assert_eq!(best.elapsed, Duration::from_millis(9));
        assert_eq!(best.memory, 90);
        assert_eq!(best.statistic("laws"), Some(2));
    }

    #[test]
    fn a_run_that_exceeds_the_limit_or_fails_ends_with_that_outcome() {
        let shell = |text: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", text]).stdout(std::process::Stdio::piped());
            command.stderr(std::process::Stdio::piped());
            command
        };
        assert!(matches!(run(shell("exec sleep 60"), 0, true).unwrap(), Run::ExceedsLimit(_)));
        let Run::Failed(message) = run(shell("echo why >&2; exit 3"), 60, true).unwrap() else {
            panic!("it does not fail")
        };
        assert!(message.ends_with("why"), "{message}");
        let Run::Completed { cost, result } =
            run(shell("echo 7; echo time: 1 5"), 60, true).unwrap()
        else {
            panic!("it does not complete")
        };
        assert_eq!((cost.cpu_time, result.as_str()), (Duration::from_nanos(5), "7"));
        assert!(matches!(run(shell("echo 7"), 60, true).unwrap(), Run::Failed(_)));
        assert!(matches!(run(shell("echo 7"), 60, false).unwrap(), Run::Completed { .. }));
    }
}

//! One run of one program, and the best of many.

use crate::program::Program;
use crate::system::System;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};
use wait4::Wait4;

/// What a run cost.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) time: Duration,
    /// The most memory that was resident, in bytes.
    pub(crate) memory: u64,
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
                let (cost, output) = run(command, limit).with_context(what)?;
                match &printed {
                    Some((other, expected)) if *expected != output => {
                        bail!("{} prints {output:?}, in {other} {expected:?}", what());
                    }
                    Some(_) => {}
                    None => printed = Some((&system.name, output)),
                }
                let faster = best.is_none_or(|best| cost.time < best.time);
                if round > 0 && faster {
                    *best = Some(cost);
                }
            }
        }
        eprintln!("round {round} of {rounds}");
    }
    Ok(costs)
}

/// Runs a command; says what it cost, and the last line that it printed.
fn run(mut command: Command, limit: u64) -> Result<(Cost, String)> {
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().context("its output is not read")?;
    let reader = std::thread::spawn(move || {
        let mut output = Vec::new();
        stdout.read_to_end(&mut output).map(|_| output)
    });
    let deadline = start + Duration::from_secs(limit);
    while !reader.is_finished() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("does not end within {limit} seconds");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let usage = child.wait4()?;
    let time = start.elapsed();
    if !usage.status.success() {
        bail!("ends with {}", usage.status);
    }
    let output = reader.join().ok().context("its output could not be read")??;
    let text = String::from_utf8_lossy(&output);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Ok((Cost { time, memory: usage.rusage.maxrss }, last.trim().to_owned()))
}

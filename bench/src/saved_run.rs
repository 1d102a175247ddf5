//! [`SavedRun`]: the raw figures of a comparison, as `compare --save` writes them and `draw` reads
//! them. Files are in `bench/runs`.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A comparison that was run.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct SavedRun {
    /// The day, as YEAR-MONTH-DAY.
    pub date: String,
    /// The commit of the working tree.
    pub commit: String,
    /// Where it ran.
    pub machine: MachineDescription,
    /// The systems that were compared.
    pub systems: Vec<SavedSystem>,
    /// The programs.
    pub programs: Vec<SavedProgram>,
}

/// The computer of a run.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct MachineDescription {
    /// The name of the processor.
    pub processor: String,
    /// How many processors a program may use.
    pub processors: usize,
    /// The memory in bytes.
    pub memory: u64,
    /// The name and version of the kernel.
    pub kernel: String,
    /// The load of the last 15 minutes when the run ended: how many threads wanted a processor.
    pub load: f64,
}

/// A system that ran programs.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct SavedSystem {
    /// Its name in tables.
    pub name: String,
    /// Whether it is `pallas`.
    pub is_pallas: bool,
    /// Whether ratios refer to it.
    pub is_reference: bool,
}

/// A program, and its runs.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct SavedProgram {
    /// Its name.
    pub name: String,
    /// Its runs in each system, in the order of [`SavedRun::systems`]. None if the system has no
    /// source of it, or it failed there.
    pub runs: Vec<Vec<SavedCost>>,
}

/// The cost of a run of a program.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub struct SavedCost {
    /// CPU time of the thread that runs the program, in nanoseconds.
    pub cpu_time: u64,
    /// Elapsed time of the process, in nanoseconds.
    pub elapsed: u64,
    /// Maximal resident memory of the process, in bytes.
    pub memory: u64,
    /// Whether the time limit ended the run. The figures are those up to then.
    pub exceeds_limit: bool,
}

impl SavedRun {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no run.
    pub fn read(path: &Path) -> Result<SavedRun> {
        let read = || format!("cannot read {}", path.display());
        serde_json::from_slice(&fs::read(path).with_context(read)?).with_context(read)
    }

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("cannot write JSON")? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl SavedProgram {
    /// The least CPU time in a system, by its index, in milliseconds. None if it has no run there
    /// that ended by itself.
    pub fn least_cpu_time(&self, system: usize) -> Option<f64> {
        let runs = self.runs.get(system)?.iter().filter(|cost| !cost.exceeds_limit);
        runs.map(|cost| cost.cpu_time).min().map(|nanoseconds| nanoseconds as f64 / 1e6)
    }
}

impl MachineDescription {
    /// Describes this computer. What cannot be found is `unknown` or 0.
    pub fn of_this() -> MachineDescription {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.and_then(|rest| Some(rest.split_once(':')?.1.trim().to_owned()));
        let uname = rustix::system::uname();
        let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
        MachineDescription {
            processor: model.unwrap_or_else(|| "unknown".into()),
            processors: std::thread::available_parallelism().map_or(0, Into::into),
            memory: memory().unwrap_or(0),
            kernel: format!("{} {}", text(uname.sysname()), text(uname.release())),
            load: load().unwrap_or(0.0),
        }
    }
}

/// The size of the memory in bytes, as Linux describes it.
fn memory() -> Option<u64> {
    let information = fs::read_to_string("/proc/meminfo").ok()?;
    let total = information.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(1024 * total.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}

/// The load over 15 minutes, as Linux describes it.
fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().nth(2)?.parse().ok()
}

/// The commit of the working tree; `unknown` without git.
pub fn current_commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let text = output.ok().filter(|output| output.status.success());
    let text = text.and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "unknown".into(), |text| text.trim().to_owned())
}

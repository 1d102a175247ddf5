//! [`RawRuns`]: the costs of all runs, as `--save` writes them.

use crate::measure::Cost;
use crate::program::{NOTHING, Program};
use crate::system::System;
use anyhow::Result;
use bench::{MachineDescription, SavedCost, SavedProgram, SavedRun, SavedSystem, current_commit};
use std::path::Path;
use std::time::Duration;

/// The costs of all runs of a comparison.
pub(crate) struct RawRuns {
    systems: Vec<SavedSystem>,
    programs: Vec<SavedProgram>,
}

impl RawRuns {
    /// No runs yet of these programs in these systems.
    pub(crate) fn new(programs: &[Program], systems: &[System]) -> RawRuns {
        let system = |system: &System| SavedSystem {
            name: system.name.clone(),
            is_pallas: system.is_pallas(),
            is_reference: system.is_reference(),
        };
        let runs = vec![Vec::new(); systems.len()];
        let program =
            |program: &Program| SavedProgram { name: program.name.clone(), runs: runs.clone() };
        RawRuns {
            systems: systems.iter().map(system).collect(),
            programs: programs.iter().map(program).collect(),
        }
    }

    /// Adds the cost of a run of the program and in the system with these indices.
    pub(crate) fn add(&mut self, program: usize, system: usize, cost: &Cost) {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.programs[program].runs[system].push(SavedCost {
            cpu_time: nanoseconds(cost.cpu_time),
            elapsed: nanoseconds(cost.elapsed),
            memory: cost.memory,
            exceeds_limit: cost.exceeds_limit,
        });
    }

    /// Writes the runs to a file, without those of the program that does nothing.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn save(self, path: &Path) -> Result<()> {
        let RawRuns { systems, mut programs } = self;
        programs.retain(|program| program.name != NOTHING);
        let run = SavedRun {
            date: jiff::Timestamp::now().strftime("%F").to_string(),
            commit: current_commit(),
            machine: MachineDescription::of_this(),
            systems,
            programs,
        };
        run.write(path)
    }
}

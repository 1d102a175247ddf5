//! The services under load: processes that listen on a port of the loopback address.

use anyhow::{Context, Result};
use bench::MachineProcess;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running service. Dropping it ends the process.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    process: ServiceProcess,
}

enum ServiceProcess {
    Machine(MachineProcess),
    Rival(Child),
}

impl Service {
    /// Boots and starts a machine.
    ///
    /// # Errors
    /// If it does not boot, or does not listen in time.
    pub(crate) fn pallas(binary: &Path, module: &Path, folder: &Path) -> Result<Service> {
        let mut machine = MachineProcess::boot(binary, module, &folder.join("machine"))?;
        let port = machine.start(Stdio::null(), Stdio::null())?;
        Ok(Service { name: "pallas", port, process: ServiceProcess::Machine(machine) })
    }

    /// Starts the service over SQLite.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) fn sqlite(binary: &Path, folder: &Path) -> Result<Service> {
        let mut process = Command::new(binary)
            .arg(folder.join("notes.db"))
            .arg("0")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not run", binary.display()))?;
        let mut line = String::new();
        let output = process.stdout.take().context("the output is a pipe")?;
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.with_context(|| format!("no port in {line:?}"))?;
        Ok(Service { name: "axum + SQLite", port, process: ServiceProcess::Rival(process) })
    }

    /// The CPU time that the service has used.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let process = match &self.process {
            ServiceProcess::Machine(machine) => machine.id().context("the machine runs")?,
            ServiceProcess::Rival(process) => process.id(),
        };
        bench::cpu_time(process)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let ServiceProcess::Rival(process) = &mut self.process {
            // A process that has ended needs no signal.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

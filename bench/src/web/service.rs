//! The services under load: processes that listen on a port of the loopback address.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a service may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running service. Dropping it ends the process.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    process: Child,
}

impl Service {
    /// Boots and starts a machine.
    ///
    /// # Errors
    /// If it does not boot, or does not listen in time.
    pub(crate) fn pallas(binary: &Path, module: &Path, folder: &Path) -> Result<Service> {
        let store = folder.join("machine");
        let booted = Command::new(binary)
            .arg("boot")
            .args([&store, module])
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("{} does not run", binary.display()))?;
        if !booted.success() {
            bail!("{} does not boot", module.display());
        }
        let process = Command::new(binary)
            .args(["start", "--listen", "127.0.0.1:0"])
            .arg(&store)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut service = Service { name: "pallas", port: 0, process };
        let begin = Instant::now();
        while service.port == 0 {
            if begin.elapsed() > START_LIMIT {
                bail!("the machine does not listen");
            }
            thread::sleep(Duration::from_millis(20));
            let ports = std::fs::read_to_string(store.join("tcp.port")).unwrap_or_default();
            service.port =
                ports.lines().next().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
        }
        Ok(service)
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
        Ok(Service { name: "axum + SQLite", port, process })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A process that has ended needs no signal.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

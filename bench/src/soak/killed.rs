//! [`KilledMachine`]: a machine that is killed and started again.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long the machine may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A machine that is killed and started again, on the same store and port.
pub(crate) struct KilledMachine {
    binary: PathBuf,
    store: PathBuf,
    output: File,
    process: Option<Child>,
}

impl KilledMachine {
    /// Boots a machine.
    ///
    /// # Errors
    /// If it does not boot.
    pub(crate) fn boot(binary: &Path, module: &Path, folder: &Path) -> Result<KilledMachine> {
        let store = folder.join("machine");
        let binary = &binary.canonicalize().with_context(|| binary.display().to_string())?;
        let root = module.parent().and_then(Path::parent).context("the module is in sire/")?;
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        let booted = Command::new(binary)
            .arg("boot")
            .arg(&store)
            .arg(module.file_name().context("the module has a name")?)
            // Modules are looked up in sire/ in the current directory.
            .current_dir(root)
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("{} does not run", binary.display()))?;
        if !booted.success() {
            bail!("{} does not boot", module.display());
        }
        let output = File::create(folder.join("output"))?;
        Ok(KilledMachine { binary: binary.into(), store, output, process: None })
    }

    /// Starts the machine, and returns the port when it accepts connections.
    ///
    /// # Errors
    /// If it does not listen in time.
    pub(crate) fn start(&mut self) -> Result<u16> {
        let process = Command::new(&self.binary)
            .arg("start")
            .arg(&self.store)
            .stdout(self.output.try_clone()?)
            .stderr(Stdio::inherit())
            .spawn()?;
        let process = self.process.insert(process);
        let begin = Instant::now();
        while begin.elapsed() < START_LIMIT {
            let ports = std::fs::read_to_string(self.store.join("tcp.port")).unwrap_or_default();
            let port = ports.lines().next().and_then(|line| line.trim().parse().ok());
            if let Some(port) = port
                && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            {
                return Ok(port);
            }
            if let Some(status) = process.try_wait()? {
                bail!("the machine ended by itself: {status}");
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("the machine does not listen")
    }

    /// Sends SIGKILL to the machine.
    ///
    /// # Errors
    /// If the machine has ended by itself before.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the machine runs")?;
        if let Some(status) = process.try_wait()? {
            bail!("the machine ended by itself: {status}");
        }
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Checks the store of the machine, which does not run.
    ///
    /// # Errors
    /// If `pallas check` finds damage.
    pub(crate) fn check(&self) -> Result<()> {
        let status = Command::new(&self.binary).arg("check").arg(&self.store).status()?;
        if !status.success() {
            bail!("the store is damaged");
        }
        Ok(())
    }
}

impl Drop for KilledMachine {
    fn drop(&mut self) {
        // After an error, the machine may still run. A process that has ended needs no signal.
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

//! [`MachineProcess`]: a machine that runs in a process of its own.

use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long the machine may take until it listens: it replays its log, also on a computer with much
/// other load.
const START_LIMIT: Duration = Duration::from_secs(300);
/// How often its port is looked for meanwhile.
const START_POLL: Duration = Duration::from_millis(5);

/// A machine in a store, which may be started, killed and started again. It keeps its port. Dropping
/// it ends the process.
pub struct MachineProcess {
    binary: PathBuf,
    store: PathBuf,
    process: Option<Child>,
}

impl MachineProcess {
    /// Boots a machine with the program of a module, which is in a folder `sire`. It is not started.
    ///
    /// # Errors
    /// If it does not boot.
    pub fn boot(binary: &Path, module: &Path, store: &Path) -> Result<MachineProcess> {
        let binary = &binary.canonicalize().with_context(|| binary.display().to_string())?;
        let root = module.parent().and_then(Path::parent).context("the module is in sire/")?;
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        let booted = Command::new(binary)
            .arg("boot")
            .arg(store)
            .arg(module.file_name().context("the module has a name")?)
            // Modules are looked up in sire/ in the current directory.
            .current_dir(root)
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("{} does not run", binary.display()))?;
        if !booted.success() {
            bail!("{} does not boot", module.display());
        }
        Ok(MachineProcess { binary: binary.into(), store: store.into(), process: None })
    }

    /// Starts the machine, and returns its port when it accepts connections.
    ///
    /// # Errors
    /// If it does not listen in time.
    pub fn start(&mut self, output: impl Into<Stdio>, errors: impl Into<Stdio>) -> Result<u16> {
        self.start_with(&[], output, errors)
    }

    /// Starts the machine as [`start`](MachineProcess::start) does, with further options of
    /// `pallas start`.
    ///
    /// # Errors
    /// If it does not listen in time.
    pub fn start_with(
        &mut self,
        options: &[&str],
        output: impl Into<Stdio>,
        errors: impl Into<Stdio>,
    ) -> Result<u16> {
        let process = Command::new(&self.binary)
            .arg("start")
            .args(options)
            .arg(&self.store)
            .stdout(output)
            .stderr(errors)
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
            thread::sleep(START_POLL);
        }
        bail!("the machine does not listen")
    }

    /// The number of the process, if it was started.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Sends SIGKILL to the machine.
    ///
    /// # Errors
    /// If the machine has ended by itself before.
    pub fn kill(&mut self) -> Result<()> {
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
    pub fn check(&self) -> Result<()> {
        let status = Command::new(&self.binary).arg("check").arg(&self.store).status()?;
        if !status.success() {
            bail!("the store is damaged");
        }
        Ok(())
    }
}

impl Drop for MachineProcess {
    fn drop(&mut self) {
        // After an error, the machine may still run. A process that has ended needs no signal.
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

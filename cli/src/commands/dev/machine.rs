//! [`DevMachine`]: the machine that `dev` upgrades. It runs in a process of its own, because a process
//! opens a store only once, and a rehearsal reads the store of the running machine.
//!
//! `dev` starts the process, unless somebody else has: `pallas start --supervised`, which shares the
//! standard input and output of `dev`, and which the system stops if `dev` is killed. Everything else
//! passes through the control socket.

use super::DevEvent;
use crate::args::{DevArgs, Verbosity};
use crate::commands::history::settings;
use crate::commands::machine::time_limits;
use crate::commands::upgrade::upgrade_store;
use crate::process::ChildHandle;
use crate::terminal;
use anyhow::{Context, Result, bail};
use machine::control::ControlClient;
use machine::{UpgradeCheck, UpgradeProgram, UpgradeReport};
use persist::{OpenError, StoreInspection};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the control socket of a machine that starts is tried.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long a process that ends may keep the store.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Where the machine runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MachineSite {
    /// It does not exist yet, or it has ended.
    Nowhere,
    /// In a process that `dev` started.
    Supervised,
    /// In a process that somebody else started.
    Elsewhere,
}

pub(super) struct DevMachine<'a> {
    args: &'a DevArgs,
    sender: Sender<DevEvent>,
    process: Option<SupervisedProcess>,
    is_elsewhere: bool,
}

/// A process that `dev` started.
struct SupervisedProcess {
    handle: Arc<ChildHandle>,
    /// Waits for its end.
    waiting: JoinHandle<()>,
}

impl DevMachine<'_> {
    pub(super) fn new(args: &DevArgs, sender: Sender<DevEvent>) -> DevMachine<'_> {
        DevMachine { args, sender, process: None, is_elsewhere: false }
    }

    pub(super) fn site(&self) -> MachineSite {
        match (&self.process, self.is_elsewhere) {
            (Some(_), _) => MachineSite::Supervised,
            (None, true) => MachineSite::Elsewhere,
            (None, false) => MachineSite::Nowhere,
        }
    }

    /// Starts the machine if it does not run, and waits until it can be asked.
    pub(super) fn start(&mut self) -> Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        self.is_elsewhere = ControlClient::connect(&self.args.store).is_ok();
        if self.is_elsewhere {
            return Ok(());
        }
        self.await_lock()?;
        let mut child = self.command()?.spawn().context("cannot start the machine")?;
        let handle = ChildHandle::new(&child).context("cannot start the machine")?;
        let handle = Arc::new(handle);
        while ControlClient::connect(&self.args.store).is_err() {
            if let Some(status) = child.try_wait().context("cannot wait for the machine")? {
                bail!("the machine did not start: {status}");
            }
            thread::sleep(POLL_INTERVAL);
        }
        let (sender, waiting) = (self.sender.clone(), Arc::clone(&handle));
        let wait = move || {
            // Without a receiver this process is ending.
            let _ = sender.send(DevEvent::Ended(waiting.wait(&mut child)));
        };
        let waiting = thread::Builder::new().name("machine".into()).spawn(wait);
        let waiting = waiting.context("cannot start a thread")?;
        self.process = Some(SupervisedProcess { handle, waiting });
        Ok(())
    }

    /// Waits while a process that ends has the store: one that was started by a `dev` that was killed
    /// writes a last snapshot.
    fn await_lock(&self) -> Result<()> {
        let deadline = Instant::now() + LOCK_PATIENCE;
        loop {
            match StoreInspection::open(&self.args.store) {
                Err(OpenError::InUse { .. }) if Instant::now() < deadline => {
                    thread::sleep(POLL_INTERVAL);
                }
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// The command that runs the machine with the options of this one.
    fn command(&self) -> Result<Command> {
        let DevArgs { evaluation, time, print, operation, store, .. } = self.args;
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let mut command = Command::new(program);
        command.args(["start", "--supervised"]);
        command.args(evaluation.arguments()).args(time.arguments());
        command.args(print.arguments()).args(operation.arguments());
        command.arg(match terminal::verbosity() {
            Verbosity::Quiet => "--quiet",
            // It says where it resumes and what it saved.
            Verbosity::Normal | Verbosity::Verbose => "--verbose",
        });
        command.arg("--").arg(store);
        Ok(command)
    }

    /// Upgrades the machine, and starts it if it does not run.
    pub(super) fn upgrade(
        &mut self,
        program: &UpgradeProgram,
        check: UpgradeCheck,
    ) -> Result<UpgradeReport> {
        let DevArgs { evaluation, time, print, store, .. } = self.args;
        let mut settings = settings(*evaluation, *print)?;
        settings.limits = time_limits(*time);
        let (report, _) = upgrade_store(store, program, check, settings)?;
        self.start()?;
        Ok(report)
    }

    /// Notes that the process has ended, and says how.
    pub(super) fn ended(&mut self, status: &std::io::Result<ExitStatus>) -> String {
        if let Some(process) = self.process.take() {
            // It has sent the status, so it ends now, and it cannot panic.
            let _ = process.waiting.join();
        }
        let code = status.as_ref().ok().and_then(ExitStatus::code);
        match (code.and_then(|code| u8::try_from(code).ok()), status) {
            (Some(0), _) => "the machine ended".into(),
            (Some(terminal::COG_CRASHED), _) => "the cog crashed".into(),
            (Some(terminal::STALLED), _) => "nothing can happen to the machine any more".into(),
            (Some(terminal::LIMIT_EXCEEDED), _) => "an event exceeded a limit".into(),
            (_, Ok(status)) => format!("the machine ended: {status}"),
            (_, Err(error)) => format!("the machine cannot be waited for: {error}"),
        }
    }

    /// Stops the machine, unless somebody else started it. It says what was saved.
    pub(super) fn stop(&mut self) {
        match self.process.take() {
            Some(SupervisedProcess { handle, waiting }) => {
                handle.terminate();
                // The thread cannot panic.
                let _ = waiting.join();
            }
            None if self.is_elsewhere => {
                eprintln!("pallas: the machine goes on in its own process")
            }
            None => eprintln!("pallas: no machine was running"),
        }
    }
}

//! Processes by POSIX.

use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, getppid, kill_process, waitid};
use std::io;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

/// How often a process looks whether its parent has ended.
const PARENT_INTERVAL: Duration = Duration::from_millis(200);

/// Refers to a child process, also after its end.
pub(crate) struct ChildHandle {
    pid: Pid,
    /// Whether the process has been waited for. Another process may have its number then.
    is_reaped: Mutex<bool>,
}

impl ChildHandle {
    /// Returns a handle of a process that has not been waited for.
    ///
    /// # Errors
    /// None on this system.
    pub(crate) fn new(child: &Child) -> io::Result<ChildHandle> {
        Ok(ChildHandle { pid: Pid::from_child(child), is_reaped: Mutex::new(false) })
    }

    /// Sends SIGTERM to the process, if it runs.
    pub(crate) fn terminate(&self) {
        let is_reaped = self.is_reaped.lock();
        if !*is_reaped {
            // A process that has ended ignores signals until it is waited for.
            let _ = kill_process(self.pid, Signal::TERM);
        }
    }

    /// Waits for the end of the process of this handle.
    ///
    /// # Errors
    /// As the system reports.
    pub(crate) fn wait(&self, child: &mut Child) -> io::Result<ExitStatus> {
        // Waits without reaping, so that `terminate` can go on meanwhile.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(self.pid), options), Err(Errno::INTR)) {}
        let mut is_reaped = self.is_reaped.lock();
        let status = child.wait();
        *is_reaped = true;
        status
    }
}

/// Starts a thread that sends SIGTERM to this process when its parent ends.
///
/// # Errors
/// If the system starts no thread.
pub(crate) fn stop_with_parent() -> io::Result<()> {
    let parent = getppid();
    let watch = move || {
        while getppid() == parent {
            thread::sleep(PARENT_INTERVAL);
        }
        // This process may send signals to itself.
        let _ = kill_process(getpid(), Signal::TERM);
    };
    thread::Builder::new().name("parent".into()).spawn(watch)?;
    Ok(())
}

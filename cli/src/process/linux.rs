//! Processes by Linux's own calls.

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io;
use std::process::{Child, ExitStatus};

/// Refers to a child process, also after its end.
pub(crate) struct ChildHandle(OwnedFd);

impl ChildHandle {
    /// Returns a handle of a process that has not been waited for.
    ///
    /// # Errors
    /// As the system reports.
    pub(crate) fn new(child: &Child) -> io::Result<ChildHandle> {
        Ok(ChildHandle(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?))
    }

    /// Sends SIGTERM to the process, if it runs.
    pub(crate) fn terminate(&self) {
        // A process that has ended cannot be stopped.
        let _ = pidfd_send_signal(&self.0, Signal::TERM);
    }

    /// Waits for the end of the process of this handle.
    ///
    /// # Errors
    /// As the system reports.
    pub(crate) fn wait(&self, child: &mut Child) -> io::Result<ExitStatus> {
        child.wait()
    }
}

/// Has the system send SIGTERM to this process when its parent ends.
///
/// # Errors
/// As the system reports.
pub(crate) fn stop_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?)
}

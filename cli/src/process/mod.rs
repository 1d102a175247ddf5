//! Processes that one command starts for another: how the first ends the second, and how the second
//! notices the end of the first.
//!
//! ```text
//! linux      a file descriptor for a process; the kernel sends a signal when the parent ends
//! portable   a process number that is used only until the process is reaped; the parent is polled
//! ```
//!
//! The feature `portable-platform` selects the portable functions on Linux too.

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
mod linux;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
mod portable;

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
use self::linux as system;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
use self::portable as system;

pub(crate) use self::system::{ChildHandle, stop_with_parent};

#[cfg(test)]
mod tests {
    use super::ChildHandle;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::sync::Arc;

    #[test]
    fn a_child_is_ended_while_another_thread_waits_for_it() {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("a process");
        let handle = Arc::new(ChildHandle::new(&child).expect("a handle"));
        let waiting = Arc::clone(&handle);
        let waiting = std::thread::spawn(move || waiting.wait(&mut child));
        handle.terminate();
        let status = waiting.join().expect("no panic").expect("a status");
        assert_eq!(status.signal(), Some(15));
        // Nothing gets the signal once the process has been waited for.
        handle.terminate();
    }
}

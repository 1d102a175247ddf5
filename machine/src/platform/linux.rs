//! The functions by Linux's own means.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The lowest priority of a thread.
const LOWEST_PRIORITY: i32 = 19;

/// Gives the calling thread the lowest priority.
pub(crate) fn lower_thread_priority() {
    // On Linux this concerns the calling thread alone. Without it, the work takes the same share of the
    // time at normal priority.
    let _ = rustix::process::setpriority_process(None, LOWEST_PRIORITY);
}

/// The greatest length of a path of a socket, without the byte that ends it.
const MAX_SOCKET_PATH: usize = 107;

/// A path by which a socket in a directory can be named, however long the directory's path is.
pub(crate) struct SocketPath {
    path: PathBuf,
    /// The directory, if the path names it by its file descriptor.
    _directory: Option<File>,
}

impl SocketPath {
    /// Returns a path that stays valid as long as the result.
    ///
    /// # Errors
    /// If the directory cannot be opened.
    pub(crate) fn new(directory: &Path, name: &str) -> io::Result<SocketPath> {
        let path = directory.join(name);
        if path.as_os_str().len() <= MAX_SOCKET_PATH {
            return Ok(SocketPath { path, _directory: None });
        }
        let opened = File::open(directory)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", opened.as_raw_fd()));
        Ok(SocketPath { path, _directory: Some(opened) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

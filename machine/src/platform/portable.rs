//! The functions by POSIX.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Does nothing: POSIX has priorities of processes only.
pub(crate) fn lower_thread_priority() {}

/// The greatest length of a path of a socket on macOS, without the byte that ends it. Other systems
/// allow more.
const MAX_SOCKET_PATH: usize = 103;

/// How many names are tried for a link. Links of processes that were killed may have the first ones.
const NAMES: u32 = 100;

/// A path by which a socket in a directory can be named, however long the directory's path is.
pub(crate) struct SocketPath {
    path: PathBuf,
    /// A symbolic link to the directory, if the path goes through one.
    link: Option<PathBuf>,
}

impl SocketPath {
    /// Returns a path that stays valid as long as the result.
    ///
    /// # Errors
    /// If no link to the directory can be made among the temporary files.
    pub(crate) fn new(directory: &Path, name: &str) -> io::Result<SocketPath> {
        let path = directory.join(name);
        if path.as_os_str().len() <= MAX_SOCKET_PATH {
            return Ok(SocketPath { path, link: None });
        }
        let link = link_to(&directory.canonicalize()?)?;
        Ok(SocketPath { path: link.join(name), link: Some(link) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            // A link that stays does no harm.
            let _ = std::fs::remove_file(link);
        }
    }
}

/// Makes a symbolic link to a directory among the temporary files.
fn link_to(directory: &Path) -> io::Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut outcome = Err(io::ErrorKind::AlreadyExists.into());
    for _ in 0..NAMES {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let link = std::env::temp_dir().join(format!("pallas-{}-{number}", std::process::id()));
        outcome = std::os::unix::fs::symlink(directory, &link).map(|()| link);
        match &outcome {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            _ => break,
        }
    }
    outcome
}

//! What differs between operating systems: the priority of a thread, and long paths of sockets.
//!
//! The feature `portable-platform` selects the portable functions on Linux too.

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
#[path = "linux.rs"]
mod system;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
#[path = "portable.rs"]
mod system;

pub(crate) use self::system::{SocketPath, lower_thread_priority};

//! What differs between operating systems: the priority of a thread, and long paths of sockets.
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

pub(crate) use self::system::{SocketPath, lower_thread_priority};

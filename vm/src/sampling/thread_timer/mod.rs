//! [`ThreadTimer`]: sends a signal to the thread that started it, again and again while that thread
//! computes.
//!
//! ```text
//! linux      a timer of the kernel that counts the CPU time of the thread
//! portable   a thread that sends the signal, also while the other thread waits
//! ```
//!
//! A sample has the weight of the CPU time since the one before, so a signal to a thread that waits
//! adds next to nothing to a profile.

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
mod linux;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
mod portable;

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
use self::linux as system;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
use self::portable as system;

pub(super) use self::system::ThreadTimer;

//! Sampling of CPU time on systems without the timers that it needs.

use super::Sampler;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// There is none.
pub(super) enum SamplingTimer {}

impl SamplingTimer {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub(super) fn start(_: &Rc<Sampler>, _: Duration) -> io::Result<SamplingTimer> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "CPU time is sampled on Linux only"))
    }
}

/// The CPU time is not needed.
pub(super) fn thread_cpu_time() -> u64 {
    0
}

/// The jet is not known.
pub(super) fn innermost_jet(_: &[(usize, u32)], _: usize) -> Option<u32> {
    None
}

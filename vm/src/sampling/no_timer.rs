//! Sampling of CPU time under Miri, which has no signals.

use super::raw_stack::MachineRegisters;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// What takes the samples.
pub(super) trait TimedSampler {
    /// Records a sample of the code with these registers.
    fn take_time_sample(&self, registers: &MachineRegisters);
}

/// There is none.
pub(super) enum SamplingTimer {}

impl SamplingTimer {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub(super) fn start(_: Rc<dyn TimedSampler>, _: Duration) -> io::Result<SamplingTimer> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "Miri has no signals to sample CPU time with",
        ))
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

//! A profile of the running machine: the cog's thread and the threads of drivers are sampled while a
//! client waits.

use crate::mailbox::Address;
use crate::message::{ControlMessage, ProfileRequest};
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use profile::SampledProfile;
use std::time::{Duration, Instant};
use vm::{SamplingOptions, Vm};

/// The longest profile, in seconds.
const SECONDS_MAX: u32 = 600;
/// How long the end of a profile may take. A driver's thread that computes sends its part late.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// The most threads whose profiles are awaited.
const THREADS_MAX: usize = 1 + 1024;

/// Has the machine take a profile for some seconds, and waits for it.
///
/// # Errors
/// Why there is no profile.
pub(crate) fn request_profile(
    control: &Address<ControlMessage>,
    seconds: u32,
    allocation_interval: Option<usize>,
) -> Result<SampledProfile, String> {
    if !(1..=SECONDS_MAX).contains(&seconds) {
        return Err(format!("a profile takes between 1 and {SECONDS_MAX} seconds"));
    }
    let options = match allocation_interval {
        Some(bytes) => SamplingOptions::Allocation(bytes),
        None => SamplingOptions::default(),
    };
    let stopping = || "the machine is stopping".to_owned();
    let (begun, has_begun) = bounded(1);
    let (profiles, taken) = bounded(THREADS_MAX);
    control.send(ControlMessage::BeginProfile(ProfileRequest { options, begun, profiles }));
    has_begun.recv().map_err(|_| stopping())??;
    // Nothing comes before the end, unless the machine stops.
    if taken.recv_timeout(Duration::from_secs(seconds.into()))
        == Err(RecvTimeoutError::Disconnected)
    {
        return Err(stopping());
    }
    control.send(ControlMessage::EndProfile);
    let mut profile: SampledProfile = taken.recv().map_err(|_| stopping())?;
    let deadline = Instant::now() + END_PATIENCE;
    // The channel ends when all threads have sent theirs.
    while let Ok(other) = taken.recv_deadline(deadline) {
        profile.merge(other);
    }
    Ok(profile)
}

/// Ends the profile of a runtime, and sends it as that of `part` of the machine.
pub(crate) fn send_profile(vm: &mut Vm, part: &str, profiles: &Sender<SampledProfile>) {
    if let Some(samples) = vm.stop_sampling() {
        let profile = samples.resolve(vm, |_, _| None).within(part);
        // The client may have gone.
        let _ = profiles.try_send(profile);
    }
}

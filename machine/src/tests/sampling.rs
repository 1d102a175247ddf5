//! Profiles by samples of running machines, whose workers compute without an end.

use super::harness::TestMachine;
use super::programs::{cog, cycle, endless, eval, exec, keep_inputs, when};
use super::terms::{arg, call, nat};
use crate::RunOutcome;
use crate::machine::SHUTDOWN_GRACE;
use profile::SampledProfile;

/// Whether the profile has a sample of a law within a part of the machine.
fn has_law_in(profile: &SampledProfile, part: &str) -> bool {
    profile.stacks.iter().any(|stack| {
        let [first, _, ..] = stack.frames[..] else { return false };
        stack.samples > 0 && profile.laws[first as usize].name == part
    })
}

#[test]
fn jobs_and_drivers_with_a_runtime_of_their_own_are_sampled_while_they_compute() {
    let driver = exec(cycle(vec![when(), call(endless(), [arg(2)])], &[]));
    let workers = [eval(endless(), [nat(0)]), driver];
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), workers));
    let machine = machine.with(|settings| settings.snapshots = None);
    let running = machine.start();
    let handle = running.handle.as_ref().expect("it runs");
    let mut missing = vec!["(jobs)", "(private drivers)"];
    // The evaluations begin before the first profile, or in it, and outlast all of them.
    while !missing.is_empty() {
        let profile = handle.sample(1, None).expect("a profile");
        missing.retain(|part| !has_law_in(&profile, part));
    }
    assert!(handle.sample(0, None).is_err());
    running.stop();
    machine.clock.advance(SHUTDOWN_GRACE);
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
}

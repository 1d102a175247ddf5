//! Evaluations that fail: what they end, and what they do not.

use super::plan::{P, arg, call, law, nat, row};
use super::programs::{brought, cog, cycle, endless, exec, keeping, read, when, writer};
use super::rig::{Heard, Rig};
use crate::{Abort, Notice, Outcome, Who};
use std::time::{Duration, Instant};

/// A cog that does that with whatever was written, and a driver that writes 5.
fn does(what: P) -> Rig {
    let function = law(4, call(what, [brought(arg(4))]));
    Rig::boot(&cog(function, nat(7), [exec(writer(nat(5)))]))
}

#[test]
fn a_crash_ends_the_cog_and_is_remembered() {
    let rig = does(law(1, call(nat(99), [arg(1)])));
    let run = rig.run(|_| false);
    let words = Heard::Text("the cog crashed: 99 5".into());
    assert_eq!(run.heard, std::slice::from_ref(&words));
    assert_eq!(run.outcome(), Outcome::Crashed);
    assert_eq!(rig.state(), "2 99 5 7");
    let again = rig.run(|_| false);
    assert_eq!(again.heard, [words]);
    assert_eq!(again.outcome(), Outcome::Crashed);
}

#[test]
fn what_takes_too_long_is_ended_and_the_log_says_so() {
    let rig = does(endless()).with(|settings| {
        settings.limit = Duration::from_millis(50);
        settings.snapshots = None;
    });
    let run = rig.run(|_| false);
    assert_eq!(run.heard, [Heard::Notice(Notice::TimedOut(Who::Cog))]);
    assert_eq!(run.outcome(), Outcome::TimedOut);
    // The replay takes the log's word, and does not wait for what has no end.
    assert_eq!(rig.open().expect("it opens").replayed(), 1);
    let state = rig.state();
    assert!(state.starts_with("3 ") && state.ends_with(" 7"), "{state}");
    assert_eq!(rig.run(|_| false).outcome(), Outcome::TimedOut);
}

#[test]
fn what_needs_too_much_stack_is_ended() {
    // f x = 3 (f x)
    let rig = does(law(1, call(nat(3), [call(arg(0), [arg(1)])])));
    let run = rig.run(|_| false);
    assert_eq!(run.heard, [Heard::Notice(Notice::Aborted(Who::Cog, Abort::Stack))]);
    assert_eq!(run.outcome(), Outcome::Aborted(Abort::Stack));
    assert_eq!(rig.state(), "4 1 7");
    assert_eq!(rig.run(|_| false).outcome(), Outcome::Aborted(Abort::Stack));
}

#[test]
fn what_needs_too_much_memory_is_ended() {
    // f x = f [x x], forced at each turn so that it grows on the heap and not the stack
    let grown = row([arg(1), arg(1)]);
    let rig = does(law(1, call(arg(0), [call(nat(4), [grown])]))).with(|settings| {
        settings.heap.max_heap = 1 << 20;
        settings.limit = Duration::from_secs(600);
    });
    let run = rig.run(|_| false);
    assert_eq!(run.heard, [Heard::Notice(Notice::Aborted(Who::Cog, Abort::Memory))]);
    assert_eq!(run.outcome(), Outcome::Aborted(Abort::Memory));
    assert_eq!(rig.state(), "4 2 7");
}

#[test]
fn a_stop_does_not_wait_for_an_evaluation_without_end() {
    let rig = does(endless()).with(|settings| settings.limit = Duration::from_secs(3600));
    let begun = Instant::now();
    let run = rig.run(|_| true);
    assert!(begun.elapsed() < Duration::from_secs(600));
    assert_eq!(run.heard, []);
    assert_eq!(run.outcome(), Outcome::Stopped);
    // The event has not happened.
    assert_eq!(rig.state(), "0 7");
}

#[test]
fn a_driver_that_crashes_begins_again() {
    let driver = cycle(vec![read(), call(nat(99), [arg(2)])], &[]);
    let rig = Rig::boot(&cog(keeping(), nat(7), [exec(driver)]));
    let run = rig.run(|heard| heard.len() == 3);
    let words = Heard::Text("driver 0 crashed: 99 7".into());
    assert!(run.heard.iter().all(|heard| *heard == words), "{:?}", run.heard);
    assert_eq!(run.outcome(), Outcome::Stopped);
}

#[test]
fn a_read_that_crashes_is_answered_0() {
    let reads = law(3, call(nat(99), [arg(2)]));
    let driver = cycle(vec![when(), read()], &[1]);
    let rig = Rig::boot(&call(keeping(), [nat(7), reads, row([exec(driver)])]));
    let run = rig.count(1);
    // The read is request 1, which is what its middle argument says.
    let words = Heard::Text("the read for driver 0 crashed: 99 1".into());
    assert_eq!(run.heard[..2], [words, Heard::Text("0".into())]);
}

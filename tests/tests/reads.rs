//! A machine beside a read that never ends: events and other reads go on.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use tests::{Pallas, stderr};

/// Runs the machine until it shows this state, and kills it. Returns the states that it showed.
fn states_until(pallas: &Pallas, options: &[&str], last: u64) -> Vec<u64> {
    let args = [&["start"], options, &["store"]].concat();
    let mut child = pallas.command(args).spawn().expect("pallas starts");
    let output = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let state = |line: String| -> Option<u64> {
        line.split_once("[%state ")?.1.split(']').next()?.parse().ok()
    };
    let mut states = Vec::new();
    for line in output.lines().map_while(Result::ok) {
        states.extend(state(line));
        if states.last().is_some_and(|state| *state >= last) {
            break;
        }
    }
    kill_process(Pid::from_child(&child), Signal::KILL).expect("the process exists");
    child.wait().expect("it ends");
    states
}

#[test]
fn an_endless_read_stops_neither_events_nor_other_reads() {
    let pallas = Pallas::new();
    let source = include_str!("../fixtures/endless_read.sire");
    pallas.write("sire/endless_read.sire", source);
    let output = pallas.run(["boot", "store", "endless_read"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    let mut first = 0;
    // Without a limit, the read would occupy the machine for ever if it had to end.
    let modes: [&[&str]; 3] = [
        &["--read-limit", "none", "--jit", "eager"],
        &["--read-limit", "none", "--no-jit"],
        &["--read-limit", "none", "--replay-all"],
    ];
    for mode in modes {
        let states = states_until(&pallas, mode, first + 20);
        assert!(states[0] >= first, "{mode:?}: {states:?} begins before {first}");
        assert!(states.windows(2).all(|pair| pair[1] == pair[0] + 1), "{mode:?}: {states:?}");
        first = *states.last().expect("states");
    }
}

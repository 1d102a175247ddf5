//! The counter of `sire/demo_count_up.sire`: a machine that prints the next number every second.

use std::io::{BufRead, BufReader};
use std::process::Command;

/// The number in a line that the counter prints: `++ [{counter is at} 7]`.
pub fn counter_value(line: &str) -> Option<u64> {
    line.strip_prefix("++ [{counter is at} ")?.strip_suffix("]")?.parse().ok()
}

/// Starts the counter, waits until it has printed `count` numbers, and kills it. Returns the
/// numbers.
///
/// # Panics
/// If it cannot be started, or exits before.
pub fn run_counter(mut command: Command, count: usize) -> Vec<u64> {
    let mut child = command.spawn().expect("pallas starts");
    let out = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let lines = out.lines().map_while(Result::ok);
    let numbers: Vec<u64> = lines.filter_map(|line| counter_value(&line)).take(count).collect();
    child.kill().expect("the process exists");
    child.wait().expect("the process has exited");
    assert_eq!(numbers.len(), count);
    numbers
}

//! The counter survives kills: it resumes where it was, whenever it is killed.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tests::{Pallas, counter_value, files_below, stderr, stdout};

const DEMO: &str = "sire/demo_count_up.sire";

/// If no line arrives within this time, the counter hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A directory with a new counter.
fn booted() -> Pallas {
    let pallas = Pallas::new();
    let output = pallas.run(["boot", "counter", DEMO], "");
    assert!(output.status.success(), "{}", stderr(&output));
    pallas
}

/// A running counter, and the lines that it prints.
struct RunningCounter {
    child: Child,
    lines: Receiver<String>,
}

impl RunningCounter {
    fn start(pallas: &Pallas) -> RunningCounter {
        let mut command = pallas.command(["start", "counter"]);
        command.stderr(Stdio::inherit());
        let mut child = command.spawn().expect("pallas starts");
        let out = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        RunningCounter { child, lines }
    }

    /// Waits for the next number. None if none arrives before the deadline.
    fn number_until(&self, deadline: Instant) -> Option<u64> {
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(number) = counter_value(&line) {
                        return Some(number);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn number(&self) -> u64 {
        self.number_until(Instant::now() + TIMEOUT).expect("the counter counts")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process exists");
    }

    /// Kills the process without a chance to clean up. Returns the numbers that it had printed and
    /// that were not read yet.
    fn kill(mut self) -> Vec<u64> {
        self.signal(Signal::KILL);
        self.child.wait().expect("the process has exited");
        self.lines.iter().filter_map(|line| counter_value(&line)).collect()
    }
}

/// Checks that the numbers of a run are consecutive and continue those of the run before. Returns
/// the last number.
fn check_continues(before: Option<u64>, numbers: &[u64]) -> Option<u64> {
    if let (Some(before), Some(&first)) = (before, numbers.first()) {
        assert!(first == before || first == before + 1, "{first} came after {before}");
    }
    for pair in numbers.windows(2) {
        assert_eq!(pair[1], pair[0] + 1, "in {numbers:?}");
    }
    numbers.last().copied().or(before)
}

/// Kills a counter `kills` times, each time at a random moment up to 2.5 seconds after its start.
fn kill_repeatedly(seed: u64, kills: usize) -> usize {
    let pallas = booted();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut last = None;
    for _ in 0..kills {
        let running = RunningCounter::start(&pallas);
        let deadline = Instant::now() + Duration::from_millis(random.u64(..2500));
        let mut numbers = Vec::new();
        while let Some(number) = running.number_until(deadline) {
            numbers.push(number);
        }
        numbers.extend(running.kill());
        last = check_continues(last, &numbers);
    }
    let running = RunningCounter::start(&pallas);
    let numbers = [running.number(), running.number()];
    check_continues(last, &numbers);
    running.kill();
    kills
}

#[test]
fn the_counter_survives_being_killed_fifty_times() {
    let counters = (1..=10).map(|seed| std::thread::spawn(move || kill_repeatedly(seed * 7919, 5)));
    let counters: Vec<_> = counters.collect();
    let kills: usize =
        counters.into_iter().map(|counter| counter.join().expect("the counter continues")).sum();
    assert_eq!(kills, 50);
}

#[test]
fn the_first_number_is_one_and_has_a_time() {
    let pallas = booted();
    let mut command = pallas.command(["start", "counter"]);
    command.stderr(Stdio::inherit());
    let running = RunningCounter::start(&pallas);
    let first = running.lines.recv_timeout(TIMEOUT).expect("a line");
    let first = if first.is_empty() { running.lines.recv().expect("a line") } else { first };
    let time = first.strip_prefix("++ [%trk {").and_then(|rest| rest.strip_suffix("Z}]"));
    let time = time.unwrap_or_else(|| panic!("{first}"));
    assert_eq!(time.len(), "2026-11-22T10:15:00.729241178".len(), "{time}");
    assert_eq!(running.lines.recv().expect("a line"), "++ [{counter is at} 1]");
    assert_eq!(running.number(), 2);
    running.kill();
}

#[test]
fn a_signal_stops_it_cleanly() {
    let pallas = booted();
    let mut last = None;
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = RunningCounter::start(&pallas);
        let numbers = [running.number(), running.number()];
        running.signal(signal);
        let status = running.child.wait().expect("the process has exited");
        assert_eq!(status.code(), Some(0), "{signal:?}");
        let rest: Vec<u64> = running.lines.iter().filter_map(|line| counter_value(&line)).collect();
        last = check_continues(last, &[&numbers[..], &rest].concat());
    }
}

#[test]
fn a_store_in_use_is_refused() {
    let pallas = booted();
    let running = RunningCounter::start(&pallas);
    running.number();
    let second = pallas.run(["start", "counter"], "");
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(
        stderr(&second).contains("counter") && stderr(&second).contains("in use"),
        "{second:?}"
    );
    running.number();
    running.kill();
}

#[test]
fn a_machine_is_never_booted_over_another() {
    let pallas = booted();
    let before = files_below(&pallas.path("counter"));
    let output = pallas.run(["boot", "counter", DEMO], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("counter"), "{output:?}");
    assert_eq!(files_below(&pallas.path("counter")), before);
}

#[test]
fn a_damaged_store_is_refused_and_left_as_it_is() {
    let pallas = booted();
    let running = RunningCounter::start(&pallas);
    running.number();
    running.kill();
    // A damaged index is rebuilt from the catalogue, so it is no error.
    let index = pallas.path("counter").join("index");
    for (path, bytes) in files_below(&pallas.path("counter")) {
        if path.starts_with(&index) {
            continue;
        }
        let Some(middle) = bytes.iter().position(|&byte| byte != 0) else { continue };
        let place = path.display();
        let mut damaged = bytes.clone();
        damaged[middle] ^= 0xff;
        std::fs::write(&path, &damaged).expect("the file can be written");
        let before = files_below(&pallas.path("counter"));
        let output = pallas.run(["start", "counter"], "");
        assert_eq!(output.status.code(), Some(1), "{place}: {output:?}");
        let message = stderr(&output);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(message.contains(&name), "{place}: {message}");
        assert!(stdout(&output).is_empty());
        assert_eq!(files_below(&pallas.path("counter")), before, "{place}");
        std::fs::write(&path, &bytes).expect("the file can be written");
    }
    let running = RunningCounter::start(&pallas);
    running.number();
    running.kill();
}

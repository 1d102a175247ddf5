//! The first program: it counts, is killed, and goes on counting.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tests::{Pallas, contents, counted, stderr, stdout};

const DEMO: &str = "sire/demo_count_up.sire";

/// No line for this long means that none will come.
const PATIENCE: Duration = Duration::from_secs(60);

fn booted() -> Pallas {
    let pallas = Pallas::new();
    let output = pallas.run(["boot", "counter", DEMO], "");
    assert!(output.status.success(), "{}", stderr(&output));
    pallas
}

/// A machine that is running, and the numbers it shows.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(pallas: &Pallas) -> Running {
        let mut command = pallas.command(["start", "counter"]);
        command.stderr(Stdio::inherit());
        let mut child = command.spawn().expect("pallas runs");
        let out = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Running { child, lines }
    }

    /// The next number, if it comes before that time.
    fn number_until(&self, end: Instant) -> Option<u64> {
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(number) = counted(&line) {
                        return Some(number);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn number(&self) -> u64 {
        self.number_until(Instant::now() + PATIENCE).expect("the counter counts")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
    }

    /// Kills it as pulling the plug would, and gives what it had shown by then.
    fn kill(mut self) -> Vec<u64> {
        self.signal(Signal::KILL);
        self.child.wait().expect("it has ended");
        self.lines.iter().filter_map(|line| counted(&line)).collect()
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Checks that a run goes on from the number before it, one by one; gives its last number.
fn follow(before: Option<u64>, shown: &[u64]) -> Option<u64> {
    if let (Some(before), Some(&first)) = (before, shown.first()) {
        assert!(first == before || first == before + 1, "{first} came after {before}");
    }
    for pair in shown.windows(2) {
        assert_eq!(pair[1], pair[0] + 1, "in {shown:?}");
    }
    shown.last().copied().or(before)
}

/// Kills a counter that many times, at moments up to two seconds and a half after its start.
fn kill_often(seed: u64, kills: usize) -> usize {
    let pallas = booted();
    let mut dice = Dice(seed);
    let mut last = None;
    for _ in 0..kills {
        let running = Running::start(&pallas);
        let end = Instant::now() + Duration::from_millis(dice.below(2500));
        let mut shown = Vec::new();
        while let Some(number) = running.number_until(end) {
            shown.push(number);
        }
        shown.extend(running.kill());
        last = follow(last, &shown);
    }
    let running = Running::start(&pallas);
    let shown = [running.number(), running.number()];
    follow(last, &shown);
    running.kill();
    kills
}

#[test]
fn the_counter_survives_being_killed_fifty_times() {
    let counters = (1..=10).map(|seed| std::thread::spawn(move || kill_often(seed * 7919, 5)));
    let counters: Vec<_> = counters.collect();
    let kills: usize =
        counters.into_iter().map(|counter| counter.join().expect("it went on")).sum();
    assert_eq!(kills, 50);
}

#[test]
fn it_begins_at_one_and_tells_the_time() {
    let pallas = booted();
    let mut command = pallas.command(["start", "counter"]);
    command.stderr(Stdio::inherit());
    let running = Running::start(&pallas);
    let first = running.lines.recv_timeout(PATIENCE).expect("a line");
    let first = if first.is_empty() { running.lines.recv().expect("a line") } else { first };
    let time = first.strip_prefix("++ [%trk {").and_then(|rest| rest.strip_suffix("Z}]"));
    let time = time.unwrap_or_else(|| panic!("{first}"));
    assert_eq!(time.len(), "2026-11-22T10:15:00.729241178".len(), "{time}");
    assert_eq!(running.lines.recv().expect("a line"), "++ [{counter is at} 1]");
    assert_eq!(running.number(), 2);
    running.kill();
}

#[test]
fn it_stops_cleanly_when_told_to() {
    let pallas = booted();
    let mut last = None;
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = Running::start(&pallas);
        let shown = [running.number(), running.number()];
        running.signal(signal);
        let status = running.child.wait().expect("it has ended");
        assert_eq!(status.code(), Some(0), "{signal:?}");
        let rest: Vec<u64> = running.lines.iter().filter_map(|line| counted(&line)).collect();
        last = follow(last, &[&shown[..], &rest].concat());
    }
}

#[test]
fn a_store_in_use_is_refused() {
    let pallas = booted();
    let running = Running::start(&pallas);
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
    let before = contents(&pallas.path("counter"));
    let output = pallas.run(["boot", "counter", DEMO], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("counter"), "{output:?}");
    assert_eq!(contents(&pallas.path("counter")), before);
}

#[test]
fn a_damaged_store_is_refused_and_left_as_it_is() {
    let pallas = booted();
    let running = Running::start(&pallas);
    running.number();
    running.kill();
    // The index is made from the catalogue again, so damage to it refuses nothing.
    let index = pallas.path("counter").join("index");
    for (path, bytes) in contents(&pallas.path("counter")) {
        if path.starts_with(&index) {
            continue;
        }
        let Some(middle) = bytes.iter().position(|&byte| byte != 0) else { continue };
        let place = path.display();
        let mut damaged = bytes.clone();
        damaged[middle] ^= 0xff;
        std::fs::write(&path, &damaged).expect("the file can be written");
        let before = contents(&pallas.path("counter"));
        let output = pallas.run(["start", "counter"], "");
        assert_eq!(output.status.code(), Some(1), "{place}: {output:?}");
        let told = stderr(&output);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(told.contains(&name), "{place}: {told}");
        assert!(stdout(&output).is_empty());
        assert_eq!(contents(&pallas.path("counter")), before, "{place}");
        std::fs::write(&path, &bytes).expect("the file can be written");
    }
    let running = Running::start(&pallas);
    running.number();
    running.kill();
}

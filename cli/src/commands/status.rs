//! The status line of a running machine: `--status`.

use crate::progress;
use anyhow::Context;
use indicatif::{HumanBytes, HumanCount, ProgressBar};
use machine::{MachineHandle, MachineMetrics};
use std::io::{self, IsTerminal};
use std::thread;
use std::time::{Duration, Instant};

/// How often the line changes.
const INTERVAL: Duration = Duration::from_secs(1);

/// The line, if it is asked for and standard error is a terminal.
pub(super) fn line(is_asked_for: bool) -> Option<ProgressBar> {
    (is_asked_for && io::stderr().is_terminal()).then(progress::line)
}

/// Shows the status of a machine on the line until the line is finished.
pub(super) fn follow(line: ProgressBar, handle: MachineHandle) -> anyhow::Result<()> {
    let follow = move || {
        let (mut before, mut at) = (handle.metrics(), Instant::now());
        while !line.is_finished() {
            thread::sleep(INTERVAL);
            let now = handle.metrics();
            line.set_message(text(&before, &now, at.elapsed()));
            (before, at) = (now, Instant::now());
        }
    };
    let thread = thread::Builder::new().name("status".into()).spawn(follow);
    thread.context("cannot start a thread").map(drop)
}

/// What happened between two reads of the metrics, and the totals of the second.
fn text(before: &MachineMetrics, now: &MachineMetrics, elapsed: Duration) -> String {
    let rate = (now.events - before.events) as f64 / elapsed.as_secs_f64().max(1e-9);
    let latency = now.latency_since(before, 0.99);
    let latency = latency.map_or_else(|| "-".into(), |latency| format!("{latency:.1?}"));
    let rate = HumanCount(rate.round() as u64);
    let (heap, log) = (HumanBytes(now.heap_bytes), HumanBytes(now.log_bytes));
    let (pins, pin_bytes) = (HumanCount(now.pins), HumanBytes(now.pin_bytes));
    format!("{rate} events/s, p99 {latency}, heap {heap}, pins +{pins} ({pin_bytes}), log +{log}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use machine::{Console, ConsoleNotice, Machine, MachineSettings, ReportOrigin};
    use std::sync::Arc;

    struct Silent;

    impl Console for Silent {
        fn trace_text(&self, _: plan::Ref<'_>, _: jiff::Timestamp) -> String {
            String::new()
        }

        fn crash_text(
            &self,
            _: ReportOrigin,
            _: plan::Ref<'_>,
            _: plan::Ref<'_>,
            _: jiff::Timestamp,
        ) -> String {
            String::new()
        }

        fn show(&self, _: &str) {}

        fn notice(&self, _: &ConsoleNotice) {}
    }

    #[test]
    fn the_line_has_the_rate_since_the_last_one_and_the_totals() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store");
        let mut vm = runtime::RuntimeBuilder::new().build().expect("room");
        let main = vm.nat(0);
        Machine::boot(&path, &mut vm, &main, Default::default()).expect("booted");
        drop((main, vm));
        let settings = MachineSettings::new(Arc::new(Silent));
        let machine = Machine::open(&path, settings).expect("it opens");
        let before = machine.handle().metrics();
        let mut now = before.clone();
        (now.events, now.heap_bytes, now.log_bytes) = (1500, 3 << 20, 2048);
        (now.pins, now.pin_bytes) = (12_000, 5 << 20);
        let expected = "750 events/s, p99 -, heap 3.00 MiB, pins +12,000 (5.00 MiB), log +2.00 KiB";
        assert_eq!(text(&before, &now, Duration::from_secs(2)), expected);
    }
}

//! Small programs that went wrong once, each with the value that it must have.
//!
//! What went wrong, and the tests that keep it right: those without a place are here.
//!
//! - `07-min`: a chain of 3,000,000 selectors, each of the row before, kept all rows.
//!   `sessions_end_with_these_values`; `constant_space`.
//! - `17-print-min`: printing a list of 16,000 items needed memory for the square of its length.
//!   `printing`: `a_list_of_16000_items_is_printed_whole_in_linear_space`.
//! - `23-min`: comparing a value of 24 doublings with itself looked at 2^24 leaves.
//!   `sessions_end_with_these_values`; `shared_values`.
//! - `hex_literal_quadratic`: a literal `x#..` of 64 KB needed 9 GB and 42 s.
//!   `sessions_end_with_these_values`.
//! - `unknown_device_flood`: 25,000 notices a second, and a processor that was never idle.
//!   `a_missing_device_is_reported_once`; in `machine`, the delays:
//!   `a_driver_that_repeats_an_unknown_call_is_reported_once_and_waits`.
//! - `crash_pause_resets`: after the longest pause, a driver that kept failing paused shortly.
//!   In `machine`: `a_driver_that_crashes_restarts_after_growing_pauses`.
//! - `job_result`: a program that expects tagged results of jobs got plain ones. `job_results`.
//! - `meme`: an event that ran out of memory ended its machine for good.
//!   `limits`: `an_input_that_needs_too_much_memory_is_kept_until_it_is_offered`.
//! - `slowev`: so did an event that took 30 s of wall time.
//!   `limits`: `an_event_has_the_cpu_time_of_its_setting`.
//! - `drivers_20000`: each driver had a thread, 6.2 GB of addresses and 7 mappings, so 20,000
//!   did not start. In `machine`: `a_hundred_thousand_drivers_start_are_answered_and_stop`.
//! - `job_gen_quadratic`: each collection scanned the whole of a large row that was remembered.
//!   In `plan`: `a_large_old_row_is_scanned_by_cards`.
//! - `slowread`: an endless read stopped its machine for 30 s.
//!   `reads`: `an_endless_read_stops_neither_events_nor_other_reads`.
//!
//! `drvheap` (32 MB of garbage for each driver before its first full collection) is a matter of
//! figures, and has no test. `st` has the parts that the other cases use.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use tests::{ExecutionMode, Pallas, in_every_mode, run_with_input, stderr, stdout};

in_every_mode! { sessions_end_with_these_values }

/// A program of a session on top of the library, the heap that it may use, and the last line of its
/// output.
struct SessionCase {
    heap: &'static str,
    program: String,
    line: &'static str,
}

fn session_cases() -> [SessionCase; 4] {
    let selectors_are_resolved = SessionCase {
        heap: "12M",
        program: "= (modes s n)\n| if (isZero n) (idx 0 s)\n\
                  | modes [(idx 1 s) (idx 0 s)] (dec n)\n\n(modes [1 2] 3000000)\n\n"
            .into(),
        line: "1",
    };
    let shared_parts_are_compared_once = SessionCase {
        heap: "12M",
        program: "= (dbl n x)\n| if (isZero n) x\n| dbl (dec n) [x x]\n\n\
                  ((x & eql x x) (dbl 24 1))\n\n"
            .into(),
        line: "1",
    };
    // A literal of 64,000 bytes, and the function behind it.
    let hex_literals_are_linear = SessionCase {
        heap: "64M",
        program: format!("barLen x#{}\n\n", "a7".repeat(64_000)),
        line: "64000",
    };
    let hex_digits_are_read_linearly = SessionCase {
        heap: "64M",
        program: "(barLen (barFromHex (implode (rep {a} 32000))))\n\n".into(),
        line: "16000",
    };
    [
        selectors_are_resolved,
        shared_parts_are_compared_once,
        hex_literals_are_linear,
        hex_digits_are_read_linearly,
    ]
}

fn sessions_end_with_these_values(mode: ExecutionMode) {
    let pallas = Pallas::new();
    let run = |mode: ExecutionMode, heap: &str, program: &str| {
        let mut command = pallas.command(["sire", "--max-heap", heap, "prelude"]);
        mode.apply_to(&mut command);
        let output = run_with_input(command, program);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    // The first load of the library needs more memory. Later loads use the cache.
    run(ExecutionMode::Interpreted, "1G", "");
    for SessionCase { heap, program, line } in session_cases() {
        let printed = run(mode, heap, &program);
        let last = printed.lines().rfind(|line| !line.is_empty());
        assert_eq!(last, Some(line), "{program:.200}");
    }
}

/// A driver that calls a missing device again and again, and one that shows each second.
const MISSING_DEVICE: &str = "\
#### missing <- prelude

:| prelude

= (caller requests key answer) (caller [[0 [%missing %hear]]])

= (clock requests key answer)
| if (eql key 0) (clock [[1 [%time %wait (inc answer)]]])
| trk %tick
| clock [[0 [%time %when]]]

= (cog state reads workers inputs) [(cog state reads workers) []]

main=(cog 0 0 [[1 (caller [[0 [%missing %hear]]])] [1 (clock [[0 [%time %when]]])]])
";

#[test]
fn a_missing_device_is_reported_once() {
    let pallas = Pallas::new();
    pallas.write("sire/missing.sire", MISSING_DEVICE);
    let output = pallas.run(["boot", "store", "missing"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    let mut child = pallas.command(["start", "store"]).spawn().expect("pallas starts");
    let shown = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let ticks = shown.lines().map_while(Result::ok).filter(|line| line.contains("%tick"));
    assert_eq!(ticks.take(3).count(), 3);
    kill_process(Pid::from_child(&child), Signal::TERM).expect("the process exists");
    assert_eq!(child.wait().expect("it exits").code(), Some(0));
    let mut notices = String::new();
    let mut stream = child.stderr.take().expect("standard error is a pipe");
    stream.read_to_string(&mut notices).expect("text");
    assert_eq!(notices.matches("missing").count(), 1, "{notices}");
}

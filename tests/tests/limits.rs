//! Machines whose events exceed a limit: inputs are set aside, listed and offered again; the
//! machine goes on; and a machine that an earlier version ended by a limit can be started.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use tests::{Pallas, stderr, stdout};

/// The machines of the fixtures were made by an earlier version, which ended them at their third
/// event: `start --max-heap 8M` with the program `limit_memory.sire`, and `start --no-jit` with
/// `limit_time.sire`, stopped by SIGSTOP for 32 s in that event. Those with `log` in their name ran
/// with `--disable-snapshots`, so the end is in the log and not in the snapshot.
const ENDED: [(&str, &[u8]); 4] = [
    ("memory", include_bytes!("../fixtures/ended_by_memory_limit.pallas")),
    ("memory in the log", include_bytes!("../fixtures/ended_by_memory_limit_log.pallas")),
    ("time", include_bytes!("../fixtures/ended_by_time_limit.pallas")),
    ("time in the log", include_bytes!("../fixtures/ended_by_time_limit_log.pallas")),
];

/// The exit code of a machine to which nothing can happen any more.
const NOTHING_CAN_HAPPEN: i32 = 5;

/// If no line arrives within this time, the machine hangs.
const TIMEOUT: Duration = Duration::from_secs(120);

fn read_lines(stream: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
}

/// Runs the command until it prints a line with `text`, to standard output or standard error, and
/// stops it. Returns the lines up to that one.
fn run_until(pallas: &Pallas, args: &[&str], text: &str) -> Vec<String> {
    let mut child = pallas.command(args).spawn().expect("pallas starts");
    let (sender, receiver) = channel();
    read_lines(child.stdout.take().expect("standard output is a pipe"), sender.clone());
    read_lines(child.stderr.take().expect("standard error is a pipe"), sender);
    let mut lines: Vec<String> = Vec::new();
    while !lines.last().is_some_and(|line| line.contains(text)) {
        let line = receiver.recv_timeout(TIMEOUT);
        lines.push(line.unwrap_or_else(|_| panic!("no {text}: {lines:?}")));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).expect("the process exists");
    let code = child.wait().expect("it exits").code();
    // A machine to which nothing can happen any more may have ended by itself before the signal.
    assert!(matches!(code, Some(0 | NOTHING_CAN_HAPPEN)), "{code:?}");
    lines
}

/// The numbers that a machine of the fixtures shows.
fn states(lines: &[String]) -> Vec<u64> {
    let number = |line: &String| line.split_once("[%state ")?.1.split(']').next()?.parse().ok();
    lines.iter().filter_map(number).collect()
}

/// A machine of a program in the fixtures.
fn booted(program: &str, source: &str) -> Pallas {
    let pallas = Pallas::new();
    pallas.write(&format!("sire/{program}.sire"), source);
    let output = pallas.run(["boot", "store", program], "");
    assert!(output.status.success(), "{}", stderr(&output));
    pallas
}

/// What `du` says of the inputs that are set aside: their count, and a line for each.
fn set_aside(pallas: &Pallas) -> (usize, Vec<String>) {
    let text = stdout(&pallas.run(["du", "store"], ""));
    let mut lines = text.lines().skip_while(|line| !line.starts_with("set aside: inputs"));
    let total = lines.next().expect("a section of set-aside inputs");
    let count = total.split_whitespace().nth(3).expect("a count").parse().expect("a number");
    (count, lines.map(str::to_owned).collect())
}

#[test]
fn a_machine_that_an_earlier_version_ended_goes_on_from_the_state_before() {
    for (name, file) in ENDED {
        let pallas = Pallas::new();
        pallas.write("file", file);
        let output = pallas.run(["import", "file", "store"], "");
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let shown = states(&run_until(&pallas, &["start", "store"], "%state 3]"));
        assert_eq!(shown, [2, 3], "{name}");
        let all = ["start", "--replay-all", "store"];
        let shown = states(&run_until(&pallas, &all, "%state"));
        assert!(shown[0] >= 2, "{name}: {shown:?}");
        assert_eq!(pallas.run(["check", "store"], "").status.code(), Some(0), "{name}");
    }
}

#[test]
fn an_input_that_needs_too_much_memory_is_kept_until_it_is_offered() {
    let pallas = booted("limit_memory", include_str!("../fixtures/limit_memory.sire"));
    let lines = run_until(&pallas, &["start", "--max-heap", "8M", "store"], "was set aside");
    assert_eq!(states(&lines)[..3], [0, 1, 2]);
    let reason = "it needs more memory than it may use";
    assert!(lines.last().is_some_and(|line| line.contains(reason)), "{lines:?}");
    let (count, inputs) = set_aside(&pallas);
    assert!(count >= 1 && inputs.len() == count, "{inputs:?}");
    let is_described = |line: &String| {
        line.starts_with("  of driver 0, after event 2, ") && line.ends_with(reason)
    };
    assert!(inputs.iter().all(is_described), "{inputs:?}");
    assert_eq!(pallas.run(["check", "store"], "").status.code(), Some(0));

    // With the default limit the machine goes on, and the inputs stay where they are.
    let shown = states(&run_until(&pallas, &["start", "store"], "%state 4]"));
    assert_eq!(shown, [2, 3, 4]);
    assert_eq!(set_aside(&pallas), (count, inputs));
    let output = pallas.run(["export", "store", "file"], "");
    assert!(output.status.success(), "{}", stderr(&output));

    run_until(&pallas, &["start", "--offer", "store"], "%state");
    assert_eq!(set_aside(&pallas), (0, Vec::new()));
    // A machine that is moved has its inputs with it.
    std::fs::remove_dir_all(pallas.path("store")).expect("the store can be removed");
    assert!(pallas.run(["import", "file", "store"], "").status.success());
    assert_eq!(set_aside(&pallas).0, count);
    let json = stdout(&pallas.run(["du", "--json", "store"], ""));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["set_aside"].as_array().map(Vec::len), Some(count));
    assert_eq!(json["set_aside"][0]["driver"], 0);
    assert_eq!(json["set_aside"][0]["after"], 2);
    assert_eq!(json["set_aside"][0]["reason"], reason);
}

#[test]
fn an_event_has_the_cpu_time_of_its_setting() {
    let pallas = booted("limit_time", include_str!("../fixtures/limit_time.sire"));
    let args = ["start", "--no-jit", "--event-limit", "50ms", "store"];
    let lines = run_until(&pallas, &args, "was set aside");
    assert_eq!(states(&lines)[..3], [0, 1, 2]);
    assert!(lines.last().is_some_and(|line| line.contains("CPU time")), "{lines:?}");
    let args = ["start", "--event-limit", "none", "store"];
    assert_eq!(states(&run_until(&pallas, &args, "%state 3]")), [2, 3]);
    // A replay has no limit.
    let args = ["start", "--no-jit", "--replay-all", "--event-limit", "50ms", "store"];
    let shown = states(&run_until(&pallas, &args, "%state"));
    assert!(shown[0] >= 3, "{shown:?}");
}

/// A machine whose ten drivers each make an event that needs about 40 MB.
const TEN: &str = "\
#### ten <- prelude

:| prelude

= (upto n m)
| if (gth n m) NIL
| CONS n (upto (inc n) m)

= (sumL acc l)
| listCase l acc
& (x xs)
@ a | add acc x
| seq a
| sumL a xs

= (heavy n)
@ l | upto 1 n
| add (sumL 0 l) (listLen l)

= (cog state reads workers inputs)
@ work | heavy 1000000
| seq work
| trk [%state (inc state)]
| [(cog (inc state) reads workers) []]

= (reads state key query) state

= (driver requests key answer) (driver [])

= worker [1 (driver [[0 [0 %write 0]]])]

= w worker

main=(cog 0 reads [w w w w w w w w w w])
";

#[test]
fn ten_inputs_in_a_row_stop_the_machine_with_an_exit_code_of_its_own() {
    let pallas = booted("ten", TEN);
    for total in [10, 20] {
        let output = pallas.run(["start", "--max-heap", "8M", "store"], "");
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        assert_eq!(stdout(&output), "");
        let message = stderr(&output);
        assert_eq!(
            message.lines().last(),
            Some(
                "pallas: the machine stopped: 10 inputs in a row were set aside, the last event \
                 because it needs more memory than it may use; the limit is --max-heap, 8.00 MiB. \
                 The next start continues from the state before, and with --offer tries the inputs \
                 again"
            )
        );
        assert_eq!(set_aside(&pallas).0, total);
    }
    run_until(&pallas, &["start", "store"], "%state 1]");
}

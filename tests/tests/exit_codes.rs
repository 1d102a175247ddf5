//! The exit codes of `pallas --help`: one test provokes each of them, and the help lists no others.
//! The code 101 of a panic is tested in the command itself (`cli/src/main.rs`), because no input is
//! known that leads to one.

use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;
use tests::{Pallas, stderr, stdout};

/// The codes in the help.
const CODES: [i32; 8] = [0, 1, 2, 3, 4, 5, 101, 130];

#[test]
fn the_help_lists_the_codes() {
    let help = stdout(&Pallas::new().run(["--help"], ""));
    let lines = help.lines().skip_while(|line| *line != "Exit codes:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // Further lines of an entry begin with more spaces.
    let codes = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()?.parse().ok());
    assert_eq!(codes.collect::<Vec<i32>>(), CODES);
}

/// A cog with ten drivers. Each of them causes an event, which is `EVENT`.
const PROGRAM: &str = "\
#### single <- prelude

:| prelude

= (spin x) | spin x

= (cog state reads workers inputs) | EVENT

= (reads state key query) state

= (driver requests key answer) | driver [[0 [0 %write 0]]]

= w [1 (driver [[0 [0 %write 0]]])]

main=(cog 0 reads [w w w w w w w w w w])
";

/// A machine whose first event is this expression.
fn machine(event: &str) -> Pallas {
    let pallas = Pallas::new();
    pallas.write("sire/single.sire", PROGRAM.replace("EVENT", event));
    assert_eq!(pallas.run(["boot", "store", "single"], "").status.code(), Some(0));
    pallas
}

fn code(pallas: &Pallas, args: &[&str]) -> Option<i32> {
    pallas.run(args, "").status.code()
}

#[test]
fn success_is_0() {
    assert_eq!(code(&Pallas::new(), &["--version"]), Some(0));
}

#[test]
fn an_input_that_cannot_be_used_is_1() {
    assert_eq!(code(&Pallas::new(), &["show", "nowhere.seed"]), Some(1));
}

#[test]
fn a_wrong_command_line_a_wrong_setting_and_a_wrong_sire_command_are_2() {
    let pallas = Pallas::new();
    assert_eq!(code(&pallas, &["nonsense"]), Some(2));
    assert_eq!(pallas.run(["sire"], "(3 nobody)\n").status.code(), Some(2));
    assert_eq!(code(&pallas, &["check", "nowhere"]), Some(2));
    pallas.write(".pallas.toml", "nonsense = 1\n");
    assert_eq!(code(&pallas, &["jets"]), Some(2));
}

#[test]
fn a_crashed_cog_is_3() {
    assert_eq!(code(&machine("die {on purpose}"), &["start", "store"]), Some(3));
}

#[test]
fn inputs_that_exceed_a_limit_are_4() {
    let pallas = machine("spin 1");
    assert_eq!(code(&pallas, &["start", "--event-limit", "1ms", "store"]), Some(4));
}

#[test]
fn a_machine_to_which_nothing_can_happen_any_more_is_5() {
    // The event succeeds, and the drivers make no other request.
    let pallas = machine("[(cog state reads workers) []]");
    let output = pallas.run(["start", "store"], "");
    assert_eq!(output.status.code(), Some(5));
    let text = stderr(&output);
    assert!(text.contains("nothing can happen to it any more"), "{text}");
    assert!(text.contains("\n  driver 0 has no open call\n"), "{text}");
}

#[test]
fn a_second_ctrl_c_is_130_and_a_second_sigterm_143() {
    for (signal, expected) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        // The machine ends by the first signal if that comes before its event, or if the second one
        // comes a second later. Both are possible on a busy computer, so this is tried again.
        let ended_by_second = || {
            let pallas = machine("spin 1");
            let mut start = pallas.command(["start", "--event-limit", "none", "store"]);
            let mut child = start.spawn().expect("pallas starts");
            while !pallas.path("store/control.sock").exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            // The event is under way then, and the machine waits for it for a second.
            std::thread::sleep(Duration::from_millis(200));
            loop {
                if let Some(status) = child.try_wait().expect("it can be waited for") {
                    return status.code() == Some(expected);
                }
                kill_process(Pid::from_child(&child), signal).expect("it has not been waited for");
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        assert!((0..20).any(|_| ended_by_second()), "{expected}");
    }
}

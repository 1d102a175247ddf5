//! `pallas start` and `dev` on a terminal: where the machine resumes and listens, what was saved, and
//! what crashed.

use rexpect::process::WaitStatus;
use rexpect::reader::ReadUntil;
use rexpect::session::{PtySession, spawn_command};
use tests::{Pallas, stderr, stdout};

/// The time after which a test stops waiting for what should be shown, in milliseconds.
const PATIENCE: u64 = 120_000;

/// Starts a command on a terminal, whose output has no colours.
fn start(pallas: &Pallas, args: &[&str]) -> PtySession {
    let mut command = std::process::Command::new(tests::binary());
    command.args(args).current_dir(pallas.folder.path());
    command.env("PALLAS_DIR", pallas.path("pallas-dir")).env("NO_COLOR", "1");
    command.env("TERM", "xterm").env_remove("PALLAS_GC_STRESS");
    spawn_command(command, Some(PATIENCE)).expect("the command starts")
}

/// Waits for the end of a command. Returns what it shows until then, and the exit code.
fn finish(mut terminal: PtySession) -> (String, i32) {
    let shown = terminal.exp_eof().expect("it ends");
    match terminal.process().wait().expect("it ends") {
        WaitStatus::Exited(_, code) => (shown, code),
        status => panic!("{status:?}"),
    }
}

/// A directory with a machine of this program in `store`.
fn with_machine(program: &str) -> Pallas {
    let pallas = Pallas::new();
    pallas
        .write("sire/program.sire", format!("#### program <- prelude\n\n:| prelude\n\n{program}"));
    let output = pallas.run(["boot", "store", "program"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    pallas
}

/// A cog that counts events. Its driver causes one after each one.
const COUNTING: &str = "\
= (cog state reads workers inputs)
| [(cog (inc state) reads workers) [[0 1 0]]]

= (reads state key query) state

= (driver requests key answer)
| if (eql answer 3)
    | trk {three} | driver [[5 [%time %when]]]
| ifz key
    | driver [[1 [0 %write 0]]]
| driver [[0 [0 %read 0]]]

main=(cog 0 reads [[1 (driver [[0 [0 %read 0]]])]])
";

#[test]
fn a_start_says_where_it_resumes_and_what_was_saved() {
    let pallas = with_machine(COUNTING);
    let mut terminal = start(&pallas, &["start", "store"]);
    let text = "resuming after event 0: the snapshot after event 0";
    terminal.exp_string(text).expect("it says where it resumes");
    terminal.exp_string("three").expect("it runs");
    terminal.send_control('c').expect("it reads");
    let (shown, code) = finish(terminal);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("the machine was stopped; saved: "), "{shown}");
    let mut terminal = start(&pallas, &["start", "store"]);
    terminal.exp_string("resuming after event ").expect("it says where it resumes");
    terminal.exp_string(" old, and ").expect("the snapshot has an age");
    terminal.send_control('c').expect("it reads");
    assert_eq!(finish(terminal).1, 0);
}

/// A cog that crashes at its third event. Its driver causes the events.
const CRASHING: &str = "\
= (check state)
| if (eql state 2) (die {third})
| inc state

= (cog state reads workers inputs)
| seq (check state)
| [(cog (inc state) reads workers) [[0 1 0]]]

= (reads state key query) state

= (driver requests key answer)
| ifz key
    | driver [[1 [0 %write 0]]]
| driver [[0 [0 %read 0]]]

main=(cog 0 reads [[1 (driver [[0 [0 %read 0]]])]])
";

#[test]
fn a_crash_of_the_cog_is_shown_with_its_calls_and_the_ways_on() {
    let pallas = with_machine(CRASHING);
    let (shown, code) = finish(start(&pallas, &["start", "store"]));
    assert_eq!(code, 3, "{shown}");
    let calls = "calls, innermost first:\r\n  check\r\n  cog\r\n";
    assert!(shown.contains(calls), "{shown}");
    let event = "its cog crashed in event 3, which has one input, of driver 0";
    // The terminal may wrap no line: its output is that of a pipe.
    assert!(shown.contains(event), "{shown}");
    // Off a terminal, there are no calls. A later start on a terminal has those of the log.
    let (later, code) = finish(start(&pallas, &["start", "store"]));
    assert_eq!(code, 3, "{later}");
    assert!(later.contains(calls), "{later}");
    let again = pallas.run(["start", "store"], "");
    assert_eq!(again.status.code(), Some(3));
    assert!(!String::from_utf8_lossy(&again.stdout).contains("calls"), "{again:?}");
    assert!(stderr(&again).contains(event), "{again:?}");
    for way in ["start --retry store", "upgrade store SIRE", "rollback --to 2 store"] {
        assert!(stderr(&again).contains(&format!("`pallas {way}`")), "{way}: {again:?}");
    }
    let back = pallas.run(["rollback", "--to", "2", "store"], "");
    assert!(back.status.success(), "{}", stderr(&back));
    let text = CRASHING.replace("(eql state 2)", "(eql state 9)");
    pallas.write("sire/better.sire", format!("#### better <- prelude\n\n:| prelude\n\n{text}"));
    let crashed = pallas.run(["start", "store"], "");
    assert_eq!(crashed.status.code(), Some(3), "{crashed:?}");
    let upgraded = pallas.run(["upgrade", "--force", "store", "better"], "");
    assert!(upgraded.status.success(), "{}", stderr(&upgraded));
    let later = pallas.run(["start", "store"], "");
    assert!(stderr(&later).contains("its cog crashed in event "), "{later:?}");
    assert!(!stderr(&later).contains("in event 3"), "{later:?}");
}

#[test]
fn the_calls_of_a_crash_are_kept_in_the_log() {
    let pallas = with_machine(CRASHING);
    assert_eq!(pallas.run(["start", "store"], "").status.code(), Some(3));
    let log = pallas.run(["log", "--event", "3", "store"], "");
    let calls = "\n  calls, innermost first:\n    check\n    cog\n";
    assert!(stdout(&log).contains(calls), "{log:?}");
    let log = pallas.run(["log", "--event", "3", "--json", "store"], "");
    assert!(stdout(&log).contains(r#""calls":["check","cog"]"#), "{log:?}");
    let check = pallas.run(["check", "store"], "");
    let text = "the cog crashed in event 3; calls, innermost first:\n  check\n  cog\n";
    assert!(stdout(&check).ends_with(text), "{check:?}");
    assert!(check.status.success());
}

/// A cog whose first event needs more than one of its limits. Its driver causes the event.
const SPINNING: &str = "\
= (spin x)
| seq (spin (inc x)) | 5

= (work state)
| add 1 (spin state)

= (cog state reads workers inputs)
| [(cog (work state) reads workers) []]

= (reads state key query) state

= (driver requests key answer)
| driver [[5 [%time %wait 9999999999]]]

main=(cog 0 reads [[1 (driver [[0 [0 %write 0]]])]])
";

#[test]
fn an_input_that_is_set_aside_is_shown_with_the_calls_of_its_event() {
    let pallas = with_machine(SPINNING);
    for limit in [["--event-limit", "50ms"], ["--max-stack", "4M"]] {
        let mut terminal = start(&pallas, &["start", limit[0], limit[1], "store"]);
        terminal.exp_string("was set aside: it needs more ").expect("the event is stopped");
        terminal.exp_string("calls, innermost first:\r\n  spin").expect("it has calls");
        terminal.exp_string("  work\r\n").expect("it has the outer calls");
        terminal.send_control('c').expect("it reads");
        terminal.send_control('c').expect("it reads");
        finish(terminal);
    }
}

/// A machine whose driver waits for connections.
const LISTENING: &str = "\
#### ears <- prelude

:| prelude

= (hear return)
: _ < syscall [%tcp %hear]
| hear return

= (counter return)
: _ < work (EXEC hear) (_ done & done ())
| return ()

main=(runCog 0 (state _ _ & state) counter)
";

#[test]
fn dev_says_where_the_machine_listens_and_serves_its_metrics_and_shows_its_status() {
    let pallas = Pallas::new();
    pallas.write("ears.sire", LISTENING);
    let options = ["--keep", "2", "--metrics", "127.0.0.1:0", "--status"];
    let mut terminal =
        start(&pallas, &[&["dev"][..], &options, &["./ears.sire", "store"]].concat());
    terminal.exp_string("watching ./ears.sire").expect("it watches");
    // The machine runs in a process of its own, so the order of the lines is not fixed.
    let mut missing = vec![
        "listening on 127.0.0.1:",
        "metrics at http://127.0.0.1:",
        "0 passed, 0 failed; created store in ",
        "events/s",
    ];
    while !missing.is_empty() {
        let (_, found) = terminal
            .exp_any(missing.iter().map(|part| ReadUntil::String((*part).to_owned())).collect())
            .unwrap_or_else(|error| panic!("{missing:?}: {error}"));
        missing.retain(|part| *part != found);
    }
    terminal.send_control('c').expect("it reads");
    let (shown, code) = finish(terminal);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("saved: "), "{shown}");
}

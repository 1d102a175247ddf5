//! Living machines are changed: the tutorial `docs/src/upgrade.md`, kills during an upgrade, and the
//! commands around it, with real processes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tests::{Pallas, assert_snapshot, files_below, run_counter, stderr, stdout};

const TUTORIAL: &str = include_str!("../../docs/src/upgrade.md");

/// A machine in which the counter had been upgraded while it ran, exported before the next snapshot:
/// the upgrade is an event of its log.
const UPGRADED: &[u8] = include_bytes!("../fixtures/upgraded.pallas");

/// If no line arrives within this time, the machine hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The contents of the blocks of the tutorial that are marked with this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let parts = TUTORIAL.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().expect("a block has an end")).collect()
}

/// A machine that runs, with pipes to its standard input and output.
struct RunningMachine {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl RunningMachine {
    fn start(mut command: Command) -> RunningMachine {
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("pallas starts");
        let output = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let input = child.stdin.take().expect("standard input is a pipe");
        RunningMachine { child, input, lines }
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }
}

fn succeed(pallas: &Pallas, args: &[&str]) -> String {
    let output = pallas.run(args, "");
    assert!(output.status.success(), "{args:?}: {output:?}");
    stdout(&output)
}

#[test]
fn the_tutorial_does_what_it_says() {
    let pallas = Pallas::new();
    let modules = blocks("sire");
    assert_eq!(modules.len(), 2);
    for module in modules {
        let name = module.strip_prefix("#### ").and_then(|rest| rest.split(' ').next());
        pallas.write(&format!("sire/{}.sire", name.expect("a header")), module);
    }
    succeed(&pallas, &["boot", "visits", "sire/visits.sire"]);
    let mut machine = RunningMachine::start(pallas.command(["start", "visits"]));
    let mut is_upgraded = false;
    for line in blocks("text")[0].lines() {
        if let Some(typed) = line.strip_prefix("> ") {
            writeln!(machine.input, "{typed}").expect("it reads");
        } else if let Some(command) = line.strip_prefix("$ pallas ") {
            let output = succeed(&pallas, &command.split(' ').collect::<Vec<_>>());
            if command.starts_with("upgrade") {
                assert!(output.contains("workers: kept 1, ended 0, started 0"), "{output}");
                is_upgraded = true;
            }
        } else {
            assert_eq!(machine.lines.recv_timeout(TIMEOUT).expect("an answer"), line);
        }
    }
    assert!(is_upgraded);
    let log = succeed(&pallas, &["log", "visits"]);
    assert!(log.contains("event 3 ") && log.contains("upgraded to the program "), "{log}");
    let diff = succeed(&pallas, &["diff", "visits", "2", "3"]);
    assert!(diff.contains("\nstate\n  - 2\n  + "), "{diff}");
    machine.kill();
    // The state is that of a replay from the beginning, and before the upgrade it was a number.
    let start = |args: &[&str]| succeed(&pallas, &[&["start"], args, &["visits"]].concat());
    assert!(start(&["--until", "6"]).contains("after event 6: state "));
    let report = succeed(&pallas, &["rollback", "visits", "--replay-inputs"]);
    assert!(report.contains("event 7 went back to the state after event 2"), "{report}");
    assert!(report.contains("applied 3, set aside 0, left out 0"), "{report}");
    let kept = std::fs::read_to_string(pallas.path("visits/rolled-back/7.jsonl"));
    assert_eq!(kept.expect("a file").lines().count(), 4);
    let diff = succeed(&pallas, &["diff", "visits", "2", "10"]);
    assert_eq!(diff, "state\n  - 2\n  + 5\n");
}

/// The counter, and the counter that counts by ten.
fn counters() -> Pallas {
    let pallas = Pallas::new();
    let source = include_str!("../../sire/demo_count_up.sire");
    let tens = source.replace("demo_count_up <-", "tens <-").replace("alter inc", "alter (add 10)");
    assert_ne!(tens, source);
    pallas.write("sire/tens.sire", tens);
    let crash = source.replace("demo_count_up <-", "crash <-").replace("alter inc", "alter die");
    pallas.write("sire/crash.sire", crash);
    succeed(&pallas, &["boot", "counter", "demo_count_up"]);
    pallas
}

#[test]
fn a_rehearsal_is_demanded_and_finds_a_program_that_crashes() {
    let pallas = counters();
    assert_eq!(run_counter(pallas.command(["start", "counter"]), 3), [1, 2, 3]);
    // This opens the store, which tidies up after the kill.
    let refused = pallas.run(["upgrade", "counter", "tens"], "");
    assert!(stderr(&refused).contains("no clean rehearsal"), "{refused:?}");
    let before = files_below(&pallas.path("counter"));
    let worse = pallas.run(["rehearse", "counter", "crash"], "");
    assert_eq!(worse.status.code(), Some(1), "{worse:?}");
    assert!(stdout(&worse).contains("event 1  worse"), "{worse:?}");
    assert!(stdout(&worse).contains("the cog crashed"), "{worse:?}");
    let json = pallas.run(["rehearse", "--json", "counter", "crash"], "");
    assert!(stdout(&json).contains("\"clean\": false"), "{json:?}");
    let after = files_below(&pallas.path("counter"));
    assert!(before.iter().all(|file| after.contains(file)));
    let report = succeed(&pallas, &["rehearse", "counter", "tens"]);
    let workers: Vec<&str> = report.lines().filter(|line| line.starts_with("workers")).collect();
    assert_snapshot("rehearse_workers.txt", &(workers.join("\n") + "\n"));
    succeed(&pallas, &["upgrade", "counter", "tens"]);
    let numbers = run_counter(pallas.command(["start", "counter"]), 3);
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 10), "{numbers:?}");
    // The rehearsal is too old for another upgrade.
    let args = ["upgrade", "--max-lag", "0", "counter", "tens"];
    assert!(stderr(&pallas.run(args, "")).contains("rehearse again"));
}

#[test]
fn the_log_of_a_running_machine_is_followed_until_it_stops() {
    let pallas = counters();
    let machine = RunningMachine::start(pallas.command(["start", "counter"]));
    while !pallas.path("counter/control.sock").exists() {
        machine.lines.recv_timeout(TIMEOUT).expect("it counts");
    }
    let mut following =
        RunningMachine::start(pallas.command(["log", "--follow", "--last", "1", "counter"]));
    let mut events = Vec::new();
    while events.len() < 3 {
        let line = following.lines.recv_timeout(TIMEOUT).expect("events happen");
        let number = line.strip_prefix("event ").and_then(|rest| rest.split(' ').next());
        events.extend(number.map(|number| number.parse::<u64>().expect("a number")));
    }
    assert!(events.windows(2).all(|pair| pair[1] == pair[0] + 1), "{events:?}");
    machine.kill();
    assert!(following.child.wait().expect("it ends with the machine").success());
}

#[test]
fn a_fork_goes_its_own_way() {
    let pallas = counters();
    assert_eq!(run_counter(pallas.command(["start", "counter"]), 4), [1, 2, 3, 4]);
    succeed(&pallas, &["fork", "counter", "fork", "--at", "1"]);
    let until = |store: &str| {
        let text = succeed(&pallas, &["start", "--until", "1", store]);
        text.split_once(": ").map(|(_, rest)| rest.to_owned())
    };
    assert_eq!(until("counter"), until("fork"));
    succeed(&pallas, &["check", "fork"]);
    assert!(pallas.path("fork/DETACHED").exists());
    let started = pallas.command(["start", "--attach", "fork"]);
    assert_eq!(run_counter(started, 2), [2, 3]);
    assert!(!pallas.path("fork/DETACHED").exists());
    let refused = pallas.run(["fork", "counter", "fork"], "");
    assert!(stderr(&refused).contains("already holds a store"), "{refused:?}");
    let refused = pallas.run(["fork", "counter", "other", "--at", "99"], "");
    assert!(stderr(&refused).contains("can be forked at the events"), "{refused:?}");
    assert!(!pallas.path("other").exists());
}

/// The last event in the log of a store, and how many upgrades the log has.
fn log_of(pallas: &Pallas, store: &str) -> (u64, usize) {
    let args = ["log", "--json", "--no-replay", "--last", "9999", store];
    let log = succeed(pallas, &args);
    let event = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        event["event"].as_u64().expect("a number")
    };
    let last = log.lines().last().map_or(0, event);
    (last, log.lines().filter(|line| line.contains("upgraded to the program")).count())
}

/// Kills `pallas upgrade` of a store at random moments. Returns how many upgrades have happened.
fn kill_upgrades(pallas: &Pallas, store: &Path, random: &mut fastrand::Rng) -> usize {
    let store = store.to_str().expect("UTF-8");
    let before = log_of(pallas, store).1;
    for (number, module) in ["tens", "demo_count_up"].into_iter().cycle().take(12).enumerate() {
        let mut upgrade = pallas.command(["upgrade", "--force", store, module]);
        let mut child = upgrade.stderr(Stdio::null()).spawn().expect("pallas starts");
        std::thread::sleep(Duration::from_millis(random.u64(..150)));
        child.kill().expect("it can be killed");
        child.wait().expect("it has ended");
        let (last, upgrades) = log_of(pallas, store);
        assert!((before..=before + number + 1).contains(&upgrades));
        // The replay compares the hash of the state before each event with the one in the log.
        succeed(pallas, &["start", "--until", &last.to_string(), store]);
    }
    log_of(pallas, store).1
}

#[test]
fn upgrades_that_are_killed_happen_whole_or_not_at_all() {
    let pallas = counters();
    run_counter(pallas.command(["start", "counter"]), 3);
    // The modules are in the cache afterwards, so that kills hit more than the compiler.
    for module in ["tens", "demo_count_up"] {
        succeed(&pallas, &["upgrade", "--force", "counter", module]);
    }
    let mut random = fastrand::Rng::with_seed(5);
    let stopped = kill_upgrades(&pallas, Path::new("counter"), &mut random);
    assert!(stopped >= 2);
    let machine = RunningMachine::start(pallas.command(["start", "counter"]));
    machine.lines.recv_timeout(TIMEOUT).expect("it counts");
    let running = kill_upgrades(&pallas, Path::new("counter"), &mut random);
    machine.kill();
    assert!(running >= stopped);
    succeed(&pallas, &["check", "counter"]);
    let (last, _) = log_of(&pallas, "counter");
    succeed(&pallas, &["start", "--until", &last.to_string(), "counter"]);
}

/// The hash of a store's state after an event.
fn state_at(pallas: &Pallas, store: &str, event: &str) -> String {
    let text = succeed(pallas, &["start", "--until", event, store]);
    let (_, hash) = text.split_once(": state ").expect("it shows the state");
    hash.to_owned()
}

/// Starts a command and kills it after at most this many milliseconds. Returns whether it had succeeded
/// before.
fn kill_within(mut command: Command, random: &mut fastrand::Rng, milliseconds: u64) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("pallas starts");
    std::thread::sleep(Duration::from_millis(random.u64(..milliseconds)));
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended").success()
}

#[test]
fn forks_that_are_killed_are_whole_or_no_store() {
    let pallas = counters();
    run_counter(pallas.command(["start", "counter"]), 50);
    let last = log_of(&pallas, "counter").0.to_string();
    let state = state_at(&pallas, "counter", &last);
    let mut random = fastrand::Rng::with_seed(6);
    let mut whole = 0;
    for _ in 0..8 {
        let fork = pallas.command(["fork", "counter", "fork", "--at", &last]);
        let has_ended = kill_within(fork, &mut random, 30);
        // What a killed fork leaves is in nobody's way.
        if pallas.path("fork").exists() {
            whole += 1;
        } else {
            assert!(!has_ended);
            succeed(&pallas, &["fork", "counter", "fork", "--at", &last]);
        }
        succeed(&pallas, &["check", "fork"]);
        assert_eq!(state_at(&pallas, "fork", &last), state);
        std::fs::rename(pallas.path("fork"), pallas.path("old")).expect("it can be moved");
        std::fs::remove_dir_all(pallas.path("old")).expect("it can be removed");
    }
    println!("{whole} of 8 forks were whole when they were killed");
    succeed(&pallas, &["check", "counter"]);
}

#[test]
fn rollbacks_that_are_killed_happen_whole_or_not_at_all() {
    let pallas = counters();
    run_counter(pallas.command(["start", "counter"]), 20);
    let state = |event: u64| state_at(&pallas, "counter", &event.to_string());
    let third = state(3);
    let mut random = fastrand::Rng::with_seed(7);
    let mut happened = 0;
    for _ in 0..8 {
        let before = log_of(&pallas, "counter").0;
        let newest = state(before);
        let rollback = pallas.command(["rollback", "counter", "--to", "3"]);
        let has_ended = kill_within(rollback, &mut random, 120);
        let after = log_of(&pallas, "counter").0;
        assert!(after == before && !has_ended || after == before + 1, "{before} to {after}");
        happened += after - before;
        // The replay compares the hash of the state before each event with the one in the log.
        assert_eq!(state(after), if after == before { newest } else { third.clone() });
        succeed(&pallas, &["check", "counter"]);
        // The machine goes on from there.
        run_counter(pallas.command(["start", "counter"]), 2);
    }
    println!("{happened} of 8 rollbacks had happened when they were killed");
    let files = std::fs::read_dir(pallas.path("counter/rolled-back")).map_or(0, Iterator::count);
    assert!(files as u64 >= happened, "the inputs since then are kept");
}

#[test]
fn a_log_with_an_upgrade_of_this_version_is_replayed() {
    let pallas = Pallas::new();
    pallas.write("upgraded.pallas", UPGRADED);
    succeed(&pallas, &["import", "upgraded.pallas", "counter"]);
    let (last, upgrades) = log_of(&pallas, "counter");
    assert_eq!(upgrades, 1);
    let numbers = run_counter(pallas.command(["start", "counter"]), 2);
    assert_eq!(numbers[1], numbers[0] + 10, "{numbers:?}");
    let log = succeed(&pallas, &["log", "--last", "99", "counter"]);
    assert!(log.contains("functions replaced"), "{log}");
    assert!(last > 0);
}

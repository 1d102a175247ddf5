//! Printing by the command is bounded: by a limit of what is shown of a value, by the memory of the
//! heap, and by an interrupt.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::process::Stdio;
use tests::{Pallas, run_with_input, stderr, stdout};

/// `[1 [2 ... [m 0]]]` and a value doubled `n` times, with prelude.
const DEFINITIONS: &str = "
= (upto n m)
| if (gth n m) 0
| [n (upto (inc n) m)]

= (dbl n x)
| if (eql 0 n) x
| dbl (dec n) [x x]
";

/// The end of the line that says what is missing.
const SETTINGS: &str = "(--full, or PALLAS_PRINT_LIMIT=SIZE, shows more)\n\n";

/// Runs a session with prelude. Returns what it prints after the definitions.
fn session(pallas: &Pallas, args: &[&str], limit: Option<&str>, input: &str) -> String {
    let mut command = pallas.command(["sire", "prelude"]);
    command.args(args);
    if let Some(limit) = limit {
        command.env("PALLAS_PRINT_LIMIT", limit);
    }
    let output = run_with_input(command, format!("{DEFINITIONS}\n{{start}}\n\n{input}\n"));
    let printed = stdout(&output);
    let code = if printed.contains("\n++ %crash\n") { 2 } else { 0 };
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    let (_, after) = printed.rsplit_once("%start\n\n").expect("the text is printed");
    after.to_owned()
}

#[test]
fn a_list_of_16000_items_is_printed_whole_in_linear_space() {
    let printed = session(&Pallas::new(), &["--max-heap", "300M"], None, "(upto 1 16000)\n");
    assert!(printed.starts_with("\n++ 1\n++  ++ 2\n    ++  ++ 3\n"), "{printed:.100}");
    assert!(printed.ends_with(&format!("[15999 [16000 0]]{}\n\n\n", "]".repeat(15_998 - 127))));
    assert!(printed.len() < 150_000, "{} bytes", printed.len());
}

#[test]
fn shared_values_definitions_and_traces_are_truncated() {
    let pallas = Pallas::new();
    for input in ["(dbl 40 7)\n", "d=(dbl 40 7)\n", "p=(PIN (dbl 40 7))\n"] {
        let printed = session(&pallas, &[], Some("20K"), &format!("{input}\n(inc 41)\n"));
        let (shown, rest) = printed.split_once(SETTINGS).expect(&printed);
        assert!(shown.len() < 21_000, "{input}: {} bytes", shown.len());
        assert!(shown.contains("\n... truncated: "), "{input}: {shown}");
        assert!(shown.contains(" of 2199023255551 parts are shown"), "{input}: {shown:.2000}");
        assert_eq!(rest, "42\n\n");
    }
    let printed = session(&pallas, &[], Some("20K"), "(trk (dbl 40 7) 42)\n");
    assert!(printed.len() < 21_000 && printed.ends_with(&format!("{SETTINGS}42\n\n")));
}

#[test]
fn crashes_are_cut_at_a_few_kilobytes() {
    let pallas = Pallas::new();
    let printed = session(&pallas, &[], None, "(die (dbl 40 7))\n");
    assert!(printed.len() < 20_000, "{} bytes", printed.len());
    assert!(printed.contains("... truncated: "), "{printed}");
    // A setting raises the limit.
    let printed = session(&pallas, &[], Some("100K"), "(die (dbl 40 7))\n");
    assert!(printed.len() > 50_000, "{} bytes", printed.len());
}

#[test]
fn without_a_limit_the_heap_bounds_what_is_printed() {
    let args = ["--full", "--max-heap", "32M"];
    let printed = session(&Pallas::new(), &args, None, "(dbl 40 7)\n");
    assert!(printed.ends_with(" parts are shown (a larger --max-heap shows more)\n\n"));
    assert!(printed.len() < 64 << 20, "{} bytes", printed.len());
}

#[test]
fn a_wrong_limit_is_an_error() {
    let pallas = Pallas::new();
    for (limit, message) in [("4x", "expected a number"), ("0", "the minimum is 1")] {
        let mut command = pallas.command(["sire"]);
        command.env("PALLAS_PRINT_LIMIT", limit);
        let output = run_with_input(command, "");
        assert_eq!(output.status.code(), Some(2));
        let expected = format!("pallas: PALLAS_PRINT_LIMIT={limit}: {message}");
        assert!(stderr(&output).starts_with(&expected), "{}", stderr(&output));
    }
}

#[test]
fn an_interrupt_ends_a_print_and_not_the_session() {
    let pallas = Pallas::new();
    let mut command = pallas.command(["sire", "prelude"]);
    command.env("PALLAS_PRINT_LIMIT", "1G");
    let mut child = command.stdin(Stdio::piped()).spawn().expect("pallas starts");
    let mut stdin = child.stdin.take().expect("it is a pipe");
    let input = format!("{DEFINITIONS}\n(dbl 20 7)\n\n(inc 41)\n");
    stdin.write_all(input.as_bytes()).expect("it reads its input");
    drop(stdin);
    let mut printed = child.stdout.take().expect("it is a pipe");
    // The value is being printed once two megabytes have been read, and the pipe is full after it.
    let mut start = vec![0; 2 << 20];
    printed.read_exact(&mut start).expect("it prints");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it exists");
    let mut rest = String::new();
    printed.read_to_string(&mut rest).expect("it prints text");
    assert!(child.wait().expect("it exits").success());
    assert!(rest.ends_with("\n... interrupted\n\n42\n\n"), "{rest:.1000}");
    // The whole value prints as 90 MB.
    assert!(rest.len() < 4 << 20, "{} bytes", rest.len());
}

/// A driver that traces a list of 60,000 items, then its length, then crashes with the list.
const NOISY: &str = "#### noisy <- prelude

:| prelude

= (upto n m)
| if (gth n m) 0
| [n (upto (inc n) m)]

= (noise return)
: now < syscall TIME_WHEN
| trk (upto (if now 1 1) 60000)
| trk {done}
| die (upto (if now 1 1) 60000)

= (look count _ _) count

= (setup return)
: _ < work (EXEC noise) (_ return)&(return ())
| return ()

main=(runCog (upto 1 60000) look setup)
";

#[test]
fn boot_and_the_traces_and_crashes_of_a_machine_are_bounded() {
    let pallas = Pallas::new();
    pallas.write("sire/noisy.sire", NOISY);
    let booted = pallas.run(["boot", "noisy", "noisy"], "");
    assert!(booted.status.success(), "{}", stderr(&booted));
    assert!(booted.stdout.len() < 2 << 20, "{} bytes", booted.stdout.len());
    let mut command = pallas.command(["start", "--max-heap", "300M", "noisy"]);
    let mut child = command.stdin(Stdio::null()).spawn().expect("pallas starts");
    let mut printed = child.stdout.take().expect("it is a pipe");
    let mut text = String::new();
    let mut buffer = [0; 4096];
    // The driver begins anew after its crash.
    while text.matches("crashed with").count() < 1 || !text.ends_with("\n\n") {
        let count = printed.read(&mut buffer).expect("it prints");
        assert!(count > 0, "it exited too early: {text}");
        text.push_str(std::str::from_utf8(&buffer[..count]).expect("ASCII text"));
    }
    child.kill().expect("it exists");
    child.wait().expect("it has exited");
    let (trace, rest) = text.split_once("%done").expect("the next trace follows");
    assert!(trace.len() < 9_000, "{} bytes", trace.len());
    assert!(trace.contains("++  ++ 2\n") && trace.contains("... truncated: "), "{trace}");
    let (_, crash) = rest.split_once("crashed with").expect("the crash follows");
    assert!(crash.len() < 20_000, "{} bytes", crash.len());
    assert!(crash.contains(" parts are shown (--full, or PALLAS_PRINT_LIMIT=SIZE,"), "{crash}");
}

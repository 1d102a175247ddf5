//! Sessions on a terminal: the line editor, the commands of a session, results and errors for
//! people. The terminal is a pseudo-terminal, and what it shows is compared as text.

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use tests::{Pallas, stderr, stdout};

/// The time after which a test stops waiting for what should be shown, in milliseconds. A loaded
/// machine loads the library in a few seconds.
const PATIENCE: u64 = 60_000;

/// A session on a terminal.
struct TerminalSession {
    terminal: PtySession,
}

impl TerminalSession {
    /// Starts a command, whose output has no colours.
    fn start(pallas: &Pallas, args: &[&str]) -> TerminalSession {
        let mut command = std::process::Command::new(tests::binary());
        command.args(args).current_dir(pallas.folder.path());
        command.env("PALLAS_DIR", pallas.path("pallas-dir")).env("NO_COLOR", "1");
        command.env("TERM", "xterm").env_remove("PALLAS_GC_STRESS");
        let terminal = spawn_command(command, Some(PATIENCE)).expect("the command starts");
        TerminalSession { terminal }
    }

    /// Types an entry and Enter.
    fn enter(&mut self, entry: &str) {
        self.terminal.send(entry).and_then(|_| self.terminal.send("\r")).expect("it reads");
        self.terminal.flush().expect("it reads");
    }

    fn control(&mut self, key: char) {
        self.terminal.send_control(key).expect("it reads");
    }

    /// Waits until a text is shown. Returns what is shown before it.
    fn expect(&mut self, text: &str) -> String {
        match self.terminal.exp_string(text) {
            Ok(before) => before,
            Err(error) => panic!("{text:?} is not shown: {error}"),
        }
    }

    /// Waits for the prompt.
    fn prompt(&mut self) {
        self.expect("sire> ");
    }

    /// Leaves the session by Ctrl-D, which ends it with success.
    fn leave(mut self) {
        self.control('d');
        assert_eq!(self.code(), 0);
    }

    /// Waits for the end. Returns the exit code.
    fn code(mut self) -> i32 {
        self.terminal.exp_eof().expect("it ends");
        match self.terminal.process().wait().expect("it ends") {
            WaitStatus::Exited(_, code) => code,
            status => panic!("{status:?}"),
        }
    }
}

/// A directory with a small module and one that fails.
fn with_modules() -> Pallas {
    let pallas = Pallas::new();
    let app = "#### app\n\n;; Adds three.\n\n= (three x)\n| 3 (3 (3 x))\n\n= main 7\n";
    pallas.write("app/app.sire", app);
    let typed = "#### signed <- rex\n\n:| rex\n\n> Nat > Nat\n= (three x) x\n";
    pallas.write("app/signed.sire", typed);
    pallas.write("sire/broken.sire", "#### broken\n\n= good 1\n\n= (f x)\n| 3 (3 nobody)\n");
    pallas
}

#[test]
fn a_session_reads_entries_and_shows_results_for_people() {
    let pallas = with_modules();
    let mut session = TerminalSession::start(&pallas, &["sire", "app/app.sire"]);
    session.expect(":help lists the commands");
    session.expect("app/app.sire is loaded");
    session.prompt();
    session.enter("(three 4)");
    session.expect("\r\n7\r\n");
    session.prompt();
    session.enter("{hello}");
    session.expect("\"hello\"");
    session.prompt();
    session.enter("(0 0 3 0 {b} {ok})");
    session.expect("[%ok 98]");
    session.prompt();
    session.enter("three");
    session.expect("<three, a function of 1 argument>");
    session.prompt();
    session.enter(":set raw");
    session.prompt();
    session.enter("(0 0 3 0 {b} {ok})");
    session.expect("[%ok %b]");
    session.prompt();
    session.leave();
}

#[test]
fn entries_of_several_lines_end_when_they_are_complete() {
    let pallas = with_modules();
    let mut session = TerminalSession::start(&pallas, &["sire"]);
    session.prompt();
    session.enter("= (f x)");
    session.enter("| 3 (3 x)");
    session.enter("");
    session.expect("f = <f, a function of 1 argument>");
    session.prompt();
    session.enter("(f");
    session.enter("40)");
    session.expect("\r\n42\r\n");
    session.prompt();
    session.leave();
}

#[test]
fn errors_point_at_the_form_and_the_session_goes_on() {
    let pallas = with_modules();
    let mut session = TerminalSession::start(&pallas, &["sire", "app/app.sire"]);
    session.prompt();
    session.enter("(3 thre)");
    session.expect("unresolved name: `thre` is not in scope");
    session.expect("--> REPL:1:4");
    session.expect("^^^^");
    session.expect("similar names are in scope: `three`");
    session.prompt();
    session.enter("(3 ))");
    session.expect("syntax error: ");
    session.prompt();
    session.enter("=?= 1 2");
    session.expect("assertion failed: the two sides differ");
    session.expect("the first difference is: 1 and 2");
    session.prompt();
    session.enter("(three 1)");
    session.expect("\r\n4\r\n");
    session.leave();
}

#[test]
fn a_module_with_errors_leaves_the_session_open_and_can_be_loaded_again() {
    let pallas = with_modules();
    let mut session = TerminalSession::start(&pallas, &["sire", "broken"]);
    session.expect("unresolved name: `nobody` is not in scope");
    session.expect("--> sire/broken.sire:6:8");
    session.expect("`:reload` tries broken again");
    session.prompt();
    pallas.write("sire/broken.sire", "#### broken\n\n= good 41\n");
    session.enter(":reload");
    session.expect("broken is loaded");
    session.prompt();
    session.enter("(3 good)");
    session.expect("\r\n42\r\n");
    session.leave();
}

#[test]
fn names_are_described_from_their_source() {
    let pallas = with_modules();
    let mut session = TerminalSession::start(&pallas, &["sire", "app/app"]);
    session.prompt();
    for (entry, shown) in [
        (":doc three", "Adds three."),
        (":type three", "`three` has no type: its module is untyped"),
        (":source three", "; app/app.sire:5"),
        (":info three", "three: function of 1 argument"),
        (":doc main", "`main` has no comment (app/app.sire:8)."),
        (":info nobody", "`nobody` is not in scope."),
        (":nosuch", "There is no command :nosuch"),
        (":help", "leave the session"),
        (":time (three 1)", "4\r\n"),
        (":bench (three 1)", " runs: median "),
        (":set", "Results are readable; the time limit is none.\r\n  :set raw  "),
        (":load app/signed.sire", "app/signed.sire is loaded"),
        (":type three", "> Nat > Nat"),
        (":load ./nowhere.sire", "./nowhere.sire: no such file"),
    ] {
        session.enter(entry);
        session.expect("\r\n");
        session.expect(shown);
        session.prompt();
    }
    session.enter(":quit");
    assert_eq!(session.code(), 0);
}

#[test]
fn ctrl_c_discards_an_entry_or_interrupts_an_evaluation() {
    let pallas = with_modules();
    let mut session = TerminalSession::start(&pallas, &["sire", "app/app.sire"]);
    session.prompt();
    session.terminal.send("(three ").expect("it reads");
    session.terminal.flush().expect("it reads");
    session.expect("(three ");
    session.control('c');
    session.prompt();
    session.control('c');
    session.expect("Ctrl-D or :quit leaves the session.");
    session.prompt();
    // In the raw form an assertion is printed before it is evaluated, and an interrupt after that is
    // not lost.
    session.enter(":set raw");
    session.prompt();
    session.enter("=?= 1 ((? (spin x) | spin x) 1)");
    session.expect("\r\n=?=");
    session.control('c');
    session.expect("interrupted: the evaluation was ended by Ctrl-C");
    session.prompt();
    session.enter("(three 1)");
    session.expect("\r\n4\r\n");
    session.leave();
}

#[test]
fn an_evaluation_may_have_a_time_limit() {
    let pallas = with_modules();
    let mut session = TerminalSession::start(&pallas, &["sire"]);
    session.prompt();
    session.enter(":set time-limit 100ms");
    session.prompt();
    session.enter("((? (spin x) | spin x) 1)");
    session.expect("time limit: the evaluation took too long");
    session.prompt();
    session.leave();
}

#[test]
fn names_are_completed_and_entries_are_remembered() {
    let pallas = with_modules();
    let mut session = TerminalSession::start(&pallas, &["sire", "app/app.sire"]);
    session.prompt();
    session.enter("(thr\t 10)");
    session.expect("\r\n13\r\n");
    session.prompt();
    session.leave();
    let mut session = TerminalSession::start(&pallas, &["sire", "app/app.sire"]);
    session.prompt();
    // The key Up fetches the last entry.
    session.enter("\x1b[A");
    session.expect("\r\n13\r\n");
    session.leave();
}

#[test]
fn loading_is_quiet_on_a_terminal_unless_it_is_to_be_verbose() {
    let pallas = with_modules();
    let mut quiet = TerminalSession::start(&pallas, &["save", "out.seed", "app/app.sire"]);
    let shown = quiet.terminal.exp_eof().expect("it ends");
    assert!(!shown.contains("main="), "{shown}");
    std::fs::remove_dir_all(pallas.path("pallas-dir/modules")).expect("the cache exists");
    let args = ["save", "--verbose", "out.seed", "app/app.sire"];
    let mut verbose = TerminalSession::start(&pallas, &args);
    verbose.expect("main=7");
    // Off a terminal, definitions are printed.
    std::fs::remove_dir_all(pallas.path("pallas-dir/modules")).expect("the cache exists");
    let output = pallas.run(["save", "out.seed", "app/app.sire"], "");
    assert!(stdout(&output).contains("main=7"), "{output:?}");
}

#[test]
fn a_crash_is_shown_with_the_calls_that_were_in_progress() {
    let pallas = with_modules();
    let text = "#### crash\n\n= (inner x)\n| {die} x\n\n= (outer x)\n| 3 | inner (3 x)\n";
    pallas.write("app/crash.sire", text);
    let mut session = TerminalSession::start(&pallas, &["sire", "app/crash.sire"]);
    session.prompt();
    session.enter("(outer 4)");
    session.expect("crash: ");
    session.expect("calls, innermost first:");
    session.expect("inner  (app/crash.sire:3)");
    session.expect("outer  (app/crash.sire:6)");
    session.prompt();
    session.leave();
    // Off a terminal the calls are shown only if the user asks for more.
    let silent = pallas.run(["sire", "app/crash.sire"], "(outer 4)\n");
    assert!(!stderr(&silent).contains("inner"), "{silent:?}");
    let verbose = pallas.run(["sire", "--verbose", "app/crash.sire"], "(outer 4)\n");
    assert_eq!(stdout(&verbose), stdout(&silent));
    let calls =
        "calls, innermost first:\n  inner  (app/crash.sire:3)\n  outer  (app/crash.sire:6)\n";
    assert_eq!(stderr(&verbose), calls);
}

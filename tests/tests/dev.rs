//! `pallas dev`: a real process watches a module that is edited, broken and repaired, while lines are
//! typed into the machine.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tests::{Pallas, stdout};

/// If no line arrives within this time, the process hangs.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The beginning of both programs: the driver that asks for lines and answers them.
const ASK: &str = "\
#### shop <- prelude

:| prelude

= (ask return)
: line  < syscall [%console %take]
| if (isZero (barLen line)) (return ())
: reply < tag_syscall (DB_WRITE line)
: _     < syscall [%console %give reply]
| ask return

";

/// A program that counts the lines of standard input and answers each with the count and a mark. The
/// parts in capitals are replaced.
const COUNTER: &str = "\
= (visit line return)
: _     < alter inc
: count < state
| return (barCat [(barShowDecimal count) b#{MARK} (barSing 10)])

= (look count _ _) count

= (counter return)
: _ < work (EXEC ask) visit
| return ()

=?= 5 | add 2 3

main=(runCog 0 look counter)
";

/// The program with counts per line, and the conversion of the state.
const TABLE: &str = "\
= (visit line return)
@ user   | barTakeWhile (neq 10) line
: _      < alter (tabInsWith (_ old & inc old) user 1)
: counts < state
@ count  | barShowDecimal (tabIdx user counts)
| return (barCat [user b#{MARK} count (barSing 10)])

= (look counts _ _) counts

= (counter return)
: _ < work (EXEC ask) visit
| return ()

= (migrate old)
| MIGRATE (runCog (tabSing b#{everyone} old) look counter)

main=(runCog #[] look counter)
";

fn counter(mark: &str) -> String {
    [ASK, &COUNTER.replace("MARK", mark)].concat()
}

fn table(mark: &str, migrate: &str) -> String {
    [ASK, &TABLE.replace("MARK", mark).replace("MIGRATE", migrate)].concat()
}

/// A process of `pallas dev`.
struct DevProcess {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    messages: Receiver<String>,
}

/// The lines of a pipe, read on a thread.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}

impl DevProcess {
    fn start(pallas: &Pallas) -> DevProcess {
        DevProcess::start_with(pallas, &["dev", "./shop.sire", "store"])
    }

    fn start_with(pallas: &Pallas, args: &[&str]) -> DevProcess {
        let mut command = pallas.command(args);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("pallas starts");
        let answers = lines_of(child.stdout.take().expect("standard output is a pipe"));
        let messages = lines_of(child.stderr.take().expect("standard error is a pipe"));
        let input = child.stdin.take().expect("standard input is a pipe");
        DevProcess { child, input, answers, messages }
    }

    /// Waits for a message that has this part.
    fn expect(&self, part: &str) -> String {
        let mut before = String::new();
        loop {
            let Ok(line) = self.messages.recv_timeout(TIMEOUT) else {
                panic!("{part:?} is not shown:\n{before}");
            };
            if line.contains(part) {
                return line;
            }
            before += &(line + "\n");
        }
    }

    /// Types a line, and returns the answer.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("it reads");
        self.answers.recv_timeout(TIMEOUT).expect("an answer")
    }

    /// Sends Ctrl-C, and waits until it has stopped.
    fn interrupt(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).expect("it runs");
        self.expect("saved: ");
        assert!(self.child.wait().expect("it ends").success());
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }
}

/// Replaces the module.
fn replace(pallas: &Pallas, text: &str) {
    replace_file(pallas, "shop.sire", text);
}

/// Replaces a file as an editor does that writes another one and renames it.
fn replace_file(pallas: &Pallas, file: &str, text: &str) {
    let new = pallas.write(&format!("{file}.new"), text);
    std::fs::rename(new, pallas.path(file)).expect("it can be renamed");
}

#[test]
fn a_module_is_edited_broken_and_repaired_while_its_machine_runs() {
    let pallas = Pallas::new();
    pallas.write("shop.sire", counter(""));
    let mut dev = DevProcess::start(&pallas);
    assert!(dev.expect("check 1: ").contains("1 passed, 0 failed; created store in "));
    assert_eq!(dev.ask("ann"), "1");
    replace(&pallas, &counter(" visits"));
    let message = dev.expect("check 2: ");
    assert!(message.contains("1 passed, 0 failed; upgraded in "), "{message}");
    assert!(message.contains("workers: 1 kept, 0 ended, 0 started"), "{message}");
    assert_eq!(dev.ask("ann"), "2 visits");
    // A syntax error, an unresolved name, a failed assertion: each is shown with its place.
    replace(&pallas, &(counter(" visits") + "\n= x (\n"));
    let message = dev.expect("check 3: ");
    assert!(message.contains("cannot be loaded; the old program goes on"), "{message}");
    dev.expect("shop.sire:27:5");
    replace(&pallas, &(counter(" visits") + "\n= x nobody\n"));
    dev.expect("unresolved name: `nobody`");
    replace(&pallas, &(counter(" visits") + "\n=?= 1 2\n"));
    assert!(dev.expect("check 5: ").contains("1 passed, 1 failed; the old program goes on"));
    dev.expect("shop.sire:27:1");
    assert_eq!(dev.ask("ann"), "3 visits");
    replace(&pallas, &counter(" visits"));
    assert!(dev.expect("check 6: ").ends_with("the program is the same"));
    replace(&pallas, &counter(" in all"));
    assert!(dev.expect("check 7: ").contains("upgraded in "));
    assert_eq!(dev.ask("ann"), "4 in all");
    dev.interrupt();
    let log = stdout(&pallas.run(["log", "store", "--no-replay"], ""));
    assert_eq!(log.matches("upgraded to the program").count(), 2, "{log}");
}

#[test]
fn a_killed_process_goes_on_where_it_was() {
    let pallas = Pallas::new();
    pallas.write("shop.sire", counter(""));
    let mut dev = DevProcess::start(&pallas);
    dev.expect("created store");
    assert_eq!(dev.ask("ann"), "1");
    dev.kill();
    let mut dev = DevProcess::start(&pallas);
    assert!(dev.expect("check 1: ").ends_with("the program is the same"));
    assert_eq!(dev.ask("ann"), "2");
    dev.kill();
    // A change while nothing watched is found at the start.
    replace(&pallas, &counter("!"));
    let mut dev = DevProcess::start(&pallas);
    assert!(dev.expect("check 1: ").contains("upgraded in "));
    assert_eq!(dev.ask("ann"), "3!");
    dev.interrupt();
}

#[test]
fn a_state_is_converted_once_and_a_refused_upgrade_leaves_the_old_program() {
    let pallas = Pallas::new();
    pallas.write("shop.sire", counter(""));
    let mut dev = DevProcess::start(&pallas);
    dev.expect("created store");
    assert_eq!(dev.ask("ann"), "1");
    replace(&pallas, &table(": ", "die"));
    let message = dev.expect("check 2: ");
    assert!(message.contains("1 passed") || message.contains("0 passed"), "{message}");
    assert!(message.contains("not upgraded: ") && message.contains("migrate"), "{message}");
    assert!(message.ends_with("the old program goes on"), "{message}");
    assert_eq!(dev.ask("ann"), "2");
    replace(&pallas, &table(": ", "id"));
    assert!(dev.expect("check 3: ").contains("upgraded in "));
    assert_eq!(dev.ask("ann"), "ann: 1");
    assert_eq!(dev.ask("everyone"), "everyone: 3");
    // `migrate` would put the whole table in the place of a count.
    replace(&pallas, &table(" = ", "id"));
    assert!(dev.expect("check 4: ").contains("upgraded in "));
    assert_eq!(dev.ask("ann"), "ann = 2");
    assert_eq!(dev.ask("everyone"), "everyone = 4");
    dev.kill();
    // Also after a restart.
    replace(&pallas, &table(" is ", "id"));
    let mut dev = DevProcess::start(&pallas);
    assert!(dev.expect("check 1: ").contains("upgraded in "));
    assert_eq!(dev.ask("ann"), "ann is 3");
    dev.interrupt();
}

#[test]
fn a_cog_that_crashes_is_repaired_by_the_next_change() {
    let pallas = Pallas::new();
    pallas.write("shop.sire", counter(""));
    let mut dev = DevProcess::start(&pallas);
    dev.expect("created store");
    assert_eq!(dev.ask("ann"), "1");
    // The rehearsal meets the crash, so the program is not even tried.
    let crashing = counter("").replace("alter inc", "alter die");
    replace(&pallas, &crashing);
    let message = dev.expect("check 2: ");
    assert!(
        message.contains("event 1 of the rehearsal crashes; the old program goes on"),
        "{message}"
    );
    dev.interrupt();
    let mut dev = DevProcess::start_with(&pallas, &["dev", "--force", "./shop.sire", "store"]);
    assert!(dev.expect("check 1: ").contains("upgraded in "));
    writeln!(dev.input, "bob").expect("it reads");
    dev.expect("the cog crashed");
    replace(&pallas, &counter("!"));
    let message = dev.expect("check 2: ");
    assert!(message.contains("upgraded in ") && message.contains("set aside: 1"), "{message}");
    // The report of the crash is on standard output too.
    let mut answer = dev.ask("ann");
    while answer != "2!" {
        answer = dev.answers.recv_timeout(TIMEOUT).expect("an answer");
    }
    dev.interrupt();
}

#[test]
fn imports_and_the_test_module_are_watched_too() {
    let pallas = Pallas::new();
    pallas.write("lib.sire", "#### lib <- prelude\n\n:| prelude\n\n= mark b#{?}\n");
    let shop = counter("").replace("<- prelude", "<- lib").replace("b#{}", "mark");
    let shop = shop.replace(":| prelude", ":| prelude\n:| lib");
    pallas.write("shop.sire", shop);
    let mut dev = DevProcess::start(&pallas);
    dev.expect("created store");
    assert_eq!(dev.ask("ann"), "1?");
    replace_file(&pallas, "lib.sire", "#### lib <- prelude\n\n:| prelude\n\n= mark b#{!}\n");
    assert!(dev.expect("check 2: ").contains("upgraded in "));
    assert_eq!(dev.ask("ann"), "2!");
    replace_file(&pallas, "shop_test.sire", "#### shop_test <- shop\n\n:| prelude\n\n=?= 1 2\n");
    assert!(dev.expect("check 3: ").contains("1 passed, 1 failed"));
    replace_file(&pallas, "shop_test.sire", "#### shop_test <- shop\n\n:| prelude\n\n=?= 2 2\n");
    assert!(dev.expect("check 4: ").contains("2 passed, 0 failed; the program is the same"));
    dev.interrupt();
}

#[test]
fn a_machine_of_another_process_is_upgraded_there() {
    let pallas = Pallas::new();
    pallas.write("shop.sire", counter(""));
    assert!(pallas.run(["boot", "store", "./shop.sire"], "").status.success());
    let mut machine = DevProcess::start_with(&pallas, &["start", "store"]);
    assert_eq!(machine.ask("ann"), "1");
    replace(&pallas, &counter("!"));
    let dev = DevProcess::start(&pallas);
    assert!(dev.expect("check 1: ").contains("upgraded in "));
    assert_eq!(machine.ask("ann"), "2!");
    let pid = Pid::from_child(&dev.child);
    kill_process(pid, Signal::INT).expect("it runs");
    dev.expect("the machine goes on in its own process");
    assert_eq!(machine.ask("ann"), "3!");
    machine.kill();
}

#[test]
fn an_assertion_without_an_end_is_interrupted_by_the_next_change_and_by_ctrl_c() {
    let pallas = Pallas::new();
    let endless = counter("") + "\n=?= 1 ((? (spin x) | spin x) 1)\n";
    pallas.write("shop.sire", &endless);
    let dev = DevProcess::start(&pallas);
    dev.expect("watching ./shop.sire");
    // The change may come before the assertion runs, and interrupts the load then.
    replace(&pallas, &counter(""));
    assert!(dev.expect("created store").contains("1 passed, 0 failed"));
    replace(&pallas, &endless);
    // Ctrl-C may come before the change is seen.
    dev.interrupt();
}

/// The test sees each state of the directory that a kill could leave.
#[test]
fn a_store_has_its_note_from_its_first_moment_on() {
    let pallas = Pallas::new();
    pallas.write("shop.sire", table(": ", "id"));
    // A directory that exists is replaced.
    std::fs::create_dir(pallas.path("store")).expect("a directory");
    let dev = DevProcess::start(&pallas);
    while !pallas.path("store/FORMAT").exists() {
        std::hint::spin_loop();
    }
    assert!(pallas.path("store/dev.json").exists());
    dev.kill();
    // `migrate` does not run on the fresh state, also if another program is adopted.
    pallas.write("shop.sire", table(" = ", "id"));
    let mut dev = DevProcess::start(&pallas);
    assert!(dev.expect("check 1: ").contains("upgraded in "));
    assert_eq!(dev.ask("ann"), "ann = 1");
    assert_eq!(dev.ask("everyone"), "everyone = 1");
    dev.interrupt();
    let is_temporary = |name: &std::ffi::OsStr| name.to_string_lossy().ends_with(".new");
    let entries = std::fs::read_dir(pallas.folder.path()).expect("readable");
    assert!(entries.flatten().all(|entry| !is_temporary(&entry.file_name())));
}

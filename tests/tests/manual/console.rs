//! Listings of commands in a shell, with a machine that runs meanwhile.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tests::Pallas;

/// If nothing is printed within this time, the machine hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The shell of a page.
pub(crate) struct Console<'p> {
    pallas: &'p Pallas,
    machine: Option<RunningMachine>,
}

/// A machine that runs, with pipes to its input and outputs.
struct RunningMachine {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    notices: Receiver<String>,
    port: Option<u16>,
}

/// A command or a line of input, and what is printed after it.
struct Step<'l> {
    line: &'l str,
    expected: Vec<&'l str>,
}

/// Splits a listing into its steps.
fn steps(listing: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in listing.lines() {
        match steps.last_mut() {
            Some(step) if !line.starts_with(['$', '>', '^']) => step.expected.push(line),
            _ => steps.push(Step { line, expected: Vec::new() }),
        }
    }
    steps
}

impl<'p> Console<'p> {
    /// Makes a shell in the directory of a page.
    pub(crate) fn new(pallas: &'p Pallas) -> Console<'p> {
        Console { pallas, machine: None }
    }

    /// Executes a listing. Returns it with what was printed.
    pub(crate) fn run(&mut self, listing: &str, place: &str) -> String {
        let mut text = String::new();
        for step in steps(listing) {
            let printed = self.step(&step, place);
            text += &format!("{}\n", step.line);
            let kept = if matches(&step.expected, &printed) {
                step.expected.iter().map(|line| format!("{line}\n")).collect::<String>()
            } else {
                printed.iter().map(|line| format!("{line}\n")).collect()
            };
            text += &kept;
        }
        text
    }

    fn step(&mut self, step: &Step<'_>, place: &str) -> Vec<String> {
        let Step { line, expected } = step;
        if let Some(typed) = line.strip_prefix("> ") {
            let machine = self.machine(place);
            writeln!(machine.input, "{typed}").expect("it reads");
            return machine.take_lines(expected.len());
        }
        if *line == "^C" {
            self.machine(place).interrupt();
            self.machine = None;
            return Vec::new();
        }
        let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("{place}: {line}"));
        if command.starts_with("kill -9 ") {
            self.machine(place).kill();
            self.machine = None;
            return Vec::new();
        }
        if let Some(arguments) = command.strip_prefix("curl ") {
            return self.machine(place).request(&split_words(arguments));
        }
        if command.starts_with("pallas start ") && !command.contains("--until") {
            let command = command.replace("127.0.0.1:8080", "127.0.0.1:0");
            let machine = RunningMachine::start(self.shell(&format!("exec {command}")));
            return self.machine.insert(machine).take_lines(expected.len());
        }
        let output = self.shell(command).output().expect("the shell runs");
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8(text).expect("UTF-8").trim_end().lines().map(str::to_owned).collect()
    }

    fn machine(&mut self, place: &str) -> &mut RunningMachine {
        self.machine.as_mut().unwrap_or_else(|| panic!("{place}: no machine runs"))
    }

    /// A command of the shell, in which `pallas` is the binary that is tested.
    fn shell(&self, command: &str) -> Command {
        let mut shell = self.pallas.command_of("sh".as_ref(), ["-c", command]);
        let folder = tests::binary().parent().expect("a folder").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        shell.env("PATH", format!("{folder}:{path}"));
        shell
    }
}

impl RunningMachine {
    fn start(mut command: Command) -> RunningMachine {
        command.stdin(Stdio::piped());
        let mut child = command.spawn().expect("the shell starts");
        let lines = lines_of(child.stdout.take().expect("a pipe"));
        let notices = lines_of(child.stderr.take().expect("a pipe"));
        let input = child.stdin.take().expect("a pipe");
        RunningMachine { child, input, lines, notices, port: None }
    }

    fn take_lines(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.lines.recv_timeout(TIMEOUT).expect("a line is printed")).collect()
    }

    /// Ends the machine as Ctrl-C does.
    fn interrupt(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it runs");
        assert!(self.child.wait().expect("it has ended").success());
    }

    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Sends a request as `curl` does. Returns the lines of the body; with `-i`, also the status.
    fn request(&mut self, words: &[String]) -> Vec<String> {
        let after = |option: &str| {
            let at = words.iter().position(|word| word == option)?;
            words.get(at + 1).map(String::as_str)
        };
        let body = after("-d").unwrap_or_default();
        let method = after("-X").unwrap_or(if body.is_empty() { "GET" } else { "POST" });
        let address = words.iter().find_map(|word| word.strip_prefix("http://localhost:8080"));
        let path = address.expect("an address of the machine");
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())).expect("it listens");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        let size = body.len();
        let fields = "Host: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded";
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{fields}\r\nContent-Length: {size}\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("UTF-8");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head");
        let status = words
            .iter()
            .any(|word| word == "-i")
            .then(|| head.lines().next().expect("a status").to_owned());
        status.into_iter().chain(body.lines().map(str::to_owned)).collect()
    }

    /// Waits until the machine listens. Returns the port.
    fn port(&mut self) -> u16 {
        while self.port.is_none() {
            let notice = self.notices.recv_timeout(TIMEOUT).expect("it listens");
            let port = notice.strip_prefix("pallas: listening on 127.0.0.1:");
            self.port = port.map(|port| port.parse().expect("a port"));
        }
        self.port.expect("the loop has found it")
    }
}

impl Drop for RunningMachine {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines on a thread, so that a full pipe does not stop the process.
fn lines_of(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        BufReader::new(source).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}

/// Splits the words of a command; a word may be in single quotes.
fn split_words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in command.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is a word").push(c),
        }
    }
    words
}

/// Returns whether lines are the expected ones; `...` stands for any lines.
fn matches(expected: &[&str], printed: &[String]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => (0..=printed.len()).any(|skip| matches(rest, &printed[skip..])),
        Some((line, rest)) => {
            printed.first().is_some_and(|found| found == line) && matches(rest, &printed[1..])
        }
    }
}

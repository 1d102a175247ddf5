//! The programs of a branch, and machines that run them.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tests::{Pallas, stderr};

/// If no line arrives within this time, the machine hangs.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The programs of a branch of the prototype, in a temporary folder.
pub(crate) struct BranchPrograms {
    pub(crate) pallas: Pallas,
}

impl BranchPrograms {
    /// Extracts folders of a branch. None if the reference has no such branch.
    pub(crate) fn extract(
        reference: &Path,
        branch: &str,
        folders: &[&str],
    ) -> Option<BranchPrograms> {
        let pallas = Pallas::new();
        let into = pallas.folder.path();
        let extract = |folder: &&str| tests::extract_branch(reference, branch, folder, into);
        folders.iter().all(extract).then_some(BranchPrograms { pallas })
    }

    /// Boots the machine of a program in the folder of its name. The assertions in the program's
    /// source hold then: one that fails would be an error.
    pub(crate) fn boot(&self, program: &str) {
        let output = self.pallas.run(["boot", program, &format!("sire/{program}.sire")], "");
        assert!(output.status.success(), "{program}: {}", stderr(&output));
    }

    /// Starts a booted machine, with these options of `pallas start`.
    pub(crate) fn start(&self, program: &str, options: &[&str]) -> RunningMachine {
        let args = [&["start"], options, &[program]].concat();
        let mut child = self.pallas.command(args).spawn().expect("pallas starts");
        let (sender, lines) = channel();
        read_lines(child.stdout.take().expect("standard output is a pipe"), sender.clone());
        read_lines(child.stderr.take().expect("standard error is a pipe"), sender);
        RunningMachine { child, lines }
    }

    /// Checks all bytes of a machine's store.
    pub(crate) fn check(&self, program: &str) {
        let output = self.pallas.run(["check", program], "");
        assert!(output.status.success(), "{program}: {}", stderr(&output));
    }

    /// The port that the machine keeps for its next start.
    fn kept_port(&self, program: &str) -> String {
        std::fs::read_to_string(self.pallas.path(program).join("tcp.port")).expect("a port file")
    }

    /// Checks a server in four runs: `change` talks to it in the first. After that, and after each
    /// restart, `observe` finds the same. The first two runs end by SIGKILL, the others by SIGTERM.
    /// The third begins with a replay of all events. Returns the number of these events.
    pub(crate) fn check_server(
        &self,
        program: &str,
        change: impl FnOnce(u16),
        observe: impl Fn(u16),
    ) -> u64 {
        self.boot(program);
        let machine = self.start(program, &[]);
        let port = machine.port();
        assert_eq!(self.kept_port(program), format!("{port}\n"));
        change(port);
        observe(port);
        machine.kill();
        let machine = self.start(program, &[]);
        assert_eq!(machine.port(), port, "{program}");
        observe(port);
        machine.kill();
        let machine = self.start(program, &["--replay-all"]);
        let replayed = machine.replayed();
        assert_eq!(machine.port(), port, "{program}");
        observe(port);
        machine.stop();
        self.check(program);
        let machine = self.start(program, &[]);
        assert_eq!(machine.port(), port, "{program}");
        observe(port);
        machine.stop();
        replayed
    }
}

/// A machine that runs. A test that fails leaves no process behind.
pub(crate) struct RunningMachine {
    child: Child,
    lines: Receiver<String>,
}

impl RunningMachine {
    /// Waits for a line with `text`, in the output or among the notices, and returns it.
    ///
    /// # Panics
    /// If none comes.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            let line = self.lines.recv_timeout(TIMEOUT);
            let line = line.unwrap_or_else(|_| panic!("no {text}: {seen:#?}"));
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
    }

    /// Waits until there was a line with each of these texts, in any order.
    ///
    /// # Panics
    /// If one does not come.
    pub(crate) fn wait_for_all(&self, texts: &[&str]) {
        let mut missing = texts.to_vec();
        while !missing.is_empty() {
            let line = self.lines.recv_timeout(TIMEOUT);
            let line = line.unwrap_or_else(|_| panic!("no {missing:?}"));
            missing.retain(|text| !line.contains(text));
        }
    }

    /// Waits until the machine listens, and returns the port.
    pub(crate) fn port(&self) -> u16 {
        let line = self.wait_for("listening on 127.0.0.1:");
        line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Waits until the machine has replayed all events, and returns their number.
    pub(crate) fn replayed(&self) -> u64 {
        let line = self.wait_for("pallas: replayed ");
        line.split(' ').nth(2).and_then(|count| count.parse().ok()).expect("a number")
    }

    /// Ends the machine by SIGKILL, unless it has just ended by itself, because nothing can happen to it
    /// any more.
    pub(crate) fn kill(self) {
        let code = self.end(Signal::KILL);
        assert!(matches!(code, None | Some(5)), "{code:?}");
    }

    /// Ends the machine by SIGTERM.
    pub(crate) fn stop(self) {
        assert_eq!(self.end(Signal::TERM), Some(0));
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).expect("the process exists");
        self.child.wait().expect("it exits").code()
    }
}

impl Drop for RunningMachine {
    fn drop(&mut self) {
        // A process that has exited cannot be killed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(stream: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
}

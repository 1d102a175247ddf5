//! [`Notepad`]: the machine of the notepad on a terminal, and clients that read and write it.

use rexpect::session::{PtySession, spawn_command};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tests::{Pallas, WebConnection, binary, stderr};

/// The store of the machine.
pub(crate) const STORE: &str = "demo_notepad";
/// After this time without the expected output, the run fails, in milliseconds.
const PATIENCE: u64 = 120_000;
/// How many clients read, and as many write.
const CLIENTS: usize = 3;
/// How long a client waits between two requests: the other tools run on the same computer.
const PAUSE: Duration = Duration::from_millis(1);

/// The running machine.
pub(crate) struct Notepad {
    terminal: PtySession,
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<()>>,
}

impl Notepad {
    /// Boots the machine, starts it with a status line, and with a trace in a folder, and starts the
    /// clients.
    pub(crate) fn start(pallas: &Pallas, folder: &Path) -> Notepad {
        pallas.write("sire/demo_notepad.sire", include_str!("../../../sire/demo_notepad.sire"));
        let booted = pallas.run(["boot", STORE, "sire/demo_notepad.sire"], "");
        assert!(booted.status.success(), "{}", stderr(&booted));
        let mut command = Command::new(binary());
        command.args(["start", "--status", "--listen", "127.0.0.1:0", "-p"]);
        command.arg(folder.join("trace.json")).arg(STORE);
        command.current_dir(pallas.folder.path()).env("PALLAS_DIR", pallas.path("pallas-dir"));
        command.env("TERM", "xterm").env("NO_COLOR", "1").env("COLUMNS", "120");
        let mut terminal = spawn_command(command, Some(PATIENCE)).expect("the machine starts");
        terminal.exp_string("listening on 127.0.0.1:").expect("it listens");
        let line = terminal.read_line().expect("the port follows");
        let digits: String = line.chars().take_while(char::is_ascii_digit).collect();
        let port = digits.parse().expect("a port");
        let (is_over, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let clients = (0..2 * CLIENTS).map(|number| {
            let (is_over, answered) = (Arc::clone(&is_over), Arc::clone(&answered));
            thread::spawn(move || run_client(number, port, &is_over, &answered))
        });
        let clients = clients.collect();
        Notepad { terminal, is_over, answered, clients }
    }

    /// Ends the clients and the machine. Returns the different texts of the status line, and how many
    /// requests were answered.
    pub(crate) fn stop(mut self) -> (String, u64) {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().expect("every request is answered");
        }
        self.terminal.send_control('c').expect("the machine runs");
        let shown = self.terminal.exp_eof().expect("it ends");
        // The terminal's bytes are characters.
        let bytes: Vec<u8> = shown.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        let shown = without_escapes(&String::from_utf8_lossy(&bytes));
        let mut lines: Vec<&str> = shown.split(['\r', '\n']).map(str::trim).collect();
        lines.retain(|line| line.contains("events/s"));
        lines.dedup();
        (lines.join("\n"), self.answered.load(Ordering::Relaxed))
    }
}

/// Sends requests on one connection until it is over: those of an even number write.
fn run_client(number: usize, port: u16, is_over: &AtomicBool, answered: &AtomicU64) {
    let mut connection = WebConnection::open(port);
    let mut count = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        count += 1;
        let text = format!("Client {number} wrote note {count}. ").repeat(10);
        let (method, body) =
            if number.is_multiple_of(2) { ("PUT", text.as_str()) } else { ("GET", "") };
        let size = body.len();
        let request = format!(
            "{method} /note HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n{body}"
        );
        connection.send(request.as_bytes());
        let response = connection.response(method).expect("a response");
        assert_eq!(response.status, 200, "{}", response.text());
        answered.fetch_add(1, Ordering::Relaxed);
        thread::sleep(PAUSE);
    }
}

/// A text without the sequences that control a terminal: an escape, a bracket, parameters, a letter.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        plain.push_str(&part[end..]);
    }
    plain
}

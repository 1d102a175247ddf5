//! [`LspClient`]: a client of the language server, for tests. It panics where the server does not answer,
//! or ends.

use crate::pallas::Pallas;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a test waits for a message before it fails.
const PATIENCE: Duration = Duration::from_secs(240);

/// A client with a running server. The server is killed when this value is dropped.
pub struct LspClient {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    next_id: i64,
    /// The notifications that no test has taken yet.
    pub notifications: Vec<Value>,
    /// The answer to `initialize`.
    pub initialized: Value,
}

impl LspClient {
    /// Starts a server for the project in the directory of `pallas`.
    pub fn start(pallas: &Pallas, args: &[&str]) -> LspClient {
        LspClient::start_with(pallas, args, json!({}), pallas.folder.path())
    }

    /// Starts a server for the project in a folder, for a client with these capabilities.
    pub fn start_with(
        pallas: &Pallas,
        args: &[&str],
        capabilities: Value,
        folder: &Path,
    ) -> LspClient {
        let mut command = pallas.command(["lsp"].iter().chain(args));
        command.stdin(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("pallas starts");
        let stdin = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read_message(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let (notifications, initialized) = (Vec::new(), Value::Null);
        let mut client =
            LspClient { child, stdin, messages, next_id: 0, notifications, initialized };
        let folders = json!([{ "uri": uri(folder), "name": "project" }]);
        let params =
            json!({ "processId": null, "capabilities": capabilities, "workspaceFolders": folders });
        client.initialized = client.request("initialize", params).expect("it is initialized");
        client.notify("initialized", json!({}));
        client
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request, and returns its number.
    pub fn begin(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// Sends a request, and returns its result.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.begin(method, params);
        self.answer(id)
    }

    /// Waits for the answer to a request. Notifications that come before it are kept.
    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        loop {
            let message = self.receive();
            if message.get("method").is_some() {
                self.notifications.push(message);
            } else if message["id"] == json!(id) {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
        }
    }

    /// Returns the next notification that has a property.
    pub fn notification(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.notifications.iter().position(&is_wanted) {
            return self.notifications.remove(at);
        }
        loop {
            let message = self.receive();
            if message.get("method").is_some() && is_wanted(&message) {
                return message;
            }
        }
    }

    /// Opens a text, and returns its first diagnostics.
    pub fn open(&mut self, path: &Path, text: &str) -> Vec<Value> {
        let item = json!({ "uri": uri(path), "languageId": "sire", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
        self.diagnostics(path, 1)
    }

    /// Opens a text, and returns its diagnostics after it has been executed.
    pub fn check(&mut self, path: &Path, text: &str) -> Vec<Value> {
        let first = self.open(path, text);
        self.settled(path, 1).unwrap_or(first)
    }

    /// Replaces an open text, and returns its diagnostics after it has been executed.
    pub fn change(&mut self, path: &Path, version: i64, text: &str) -> Vec<Value> {
        let document = json!({ "uri": uri(path), "version": version });
        let changes = json!([{ "text": text }]);
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", params);
        self.settled(path, version).expect("diagnostics of the new version")
    }

    /// Waits until a text has been executed, and returns the last diagnostics of a version. A request
    /// for highlights is answered when the analysis of the text is complete.
    pub fn settled(&mut self, path: &Path, version: i64) -> Option<Vec<Value>> {
        let params = at(path, 0, 0);
        // The text may have to be executed first, so an answer always comes.
        let answer = self.request("textDocument/documentHighlight", params);
        answer.expect("highlights");
        let mut last = None;
        let is_it = |message: &Value| is_diagnostics(message, path, version);
        while let Some(at) = self.notifications.iter().position(is_it) {
            last = Some(diagnostics_of(&self.notifications.remove(at)));
        }
        last
    }

    /// Returns the next diagnostics of a version of a text.
    pub fn diagnostics(&mut self, path: &Path, version: i64) -> Vec<Value> {
        let found = self.notification(|message| is_diagnostics(message, path, version));
        diagnostics_of(&found)
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let stdin = self.stdin.as_mut().expect("standard input is open");
        write!(stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("the server reads");
        stdin.flush().expect("the server reads");
    }

    fn receive(&mut self) -> Value {
        self.messages.recv_timeout(PATIENCE).expect("a message of the server")
    }

    /// Ends the server as the protocol has it, and returns its exit code.
    pub fn end(mut self) -> Option<i32> {
        let answer = self.request("shutdown", Value::Null);
        assert_eq!(answer, Ok(Value::Null));
        self.notify("exit", Value::Null);
        self.stdin = None;
        self.child.wait().expect("it ends").code()
    }

    /// Sends `exit`, or closes the input without it, and returns the exit code.
    pub fn end_without_shutdown(mut self, sends_exit: bool) -> Option<i32> {
        if sends_exit {
            self.notify("exit", Value::Null);
        }
        self.stdin = None;
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for LspClient {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_message(input: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some(("Content-Length", count)) => length = count.parse().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length?];
    input.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn is_diagnostics(message: &Value, path: &Path, version: i64) -> bool {
    message["method"] == "textDocument/publishDiagnostics"
        && message["params"]["uri"] == json!(uri(path))
        && message["params"]["version"] == json!(version)
}

fn diagnostics_of(message: &Value) -> Vec<Value> {
    message["params"]["diagnostics"].as_array().cloned().unwrap_or_default()
}

/// Returns the address of a path without special characters.
pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Returns the parameters of a request about a position.
pub fn at(path: &Path, line: u32, character: u32) -> Value {
    json!({
        "textDocument": { "uri": uri(path) },
        "position": { "line": line, "character": character },
    })
}

/// Returns each diagnostic as `line:column-column message`, with the first line of its message.
pub fn summaries(diagnostics: &[Value]) -> Vec<String> {
    let summary = |found: &Value| {
        let (start, end) = (&found["range"]["start"], &found["range"]["end"]);
        let message = found["message"].as_str().unwrap_or_default();
        let first = message.lines().next().unwrap_or_default();
        format!("{}:{}-{} {first}", start["line"], start["character"], end["character"])
    };
    diagnostics.iter().map(summary).collect()
}

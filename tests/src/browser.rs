//! [`Browser`]: headless Chromium, for tests of pages.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tungstenite::{Message, WebSocket};

/// If a page does not show what it should within this time, the test fails.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running browser, driven through its DevTools protocol. It is killed when this value is dropped.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    next_id: u64,
    /// The folder of its profile.
    _profile: tempfile::TempDir,
}

/// An open window: the session of the protocol that controls it.
pub struct Window(String);

/// The path of the browser, if there is one: `CHROMIUM`, or Chromium on the search path.
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser"].map(|name| folder.join(name)));
    named.into_iter().chain(found).find(|path| path.is_file())
}

impl Browser {
    /// Starts the browser without a window.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(program: &Path) -> Browser {
        let profile = tempfile::tempdir().expect("a temporary directory");
        let mut child = Command::new(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--no-proxy-server", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the browser starts");
        let mut lines = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
        let mut line = String::new();
        let url = loop {
            line.clear();
            let count = lines.read_line(&mut line).expect("standard error can be read");
            assert!(count > 0, "the browser exits");
            if let Some(url) = line.trim().strip_prefix("DevTools listening on ") {
                break url.to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let address = url.strip_prefix("ws://").and_then(|url| url.split('/').next());
        let stream = TcpStream::connect(address.expect("an address")).expect("it listens");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        let (socket, _) = tungstenite::client(url, stream).expect("an upgrade");
        Browser { child, socket, next_id: 0, _profile: profile }
    }

    /// Calls a method of the protocol, in the session of a window or of the browser.
    ///
    /// # Panics
    /// If the result is an error, or the browser has gone.
    pub fn call(&mut self, window: Option<&Window>, method: &str, params: Value) -> Value {
        let answer = self.answer(window, method, params);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// Calls a method, and returns its result or its error.
    fn answer(&mut self, window: Option<&Window>, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let mut call = json!({ "id": self.next_id, "method": method, "params": params });
        if let Some(Window(session)) = window {
            call["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(call.to_string())).expect("sent");
        loop {
            let message = self.socket.read().expect("the browser answers");
            let Message::Text(text) = message else { continue };
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["id"] == self.next_id {
                return answer;
            }
        }
    }

    /// Opens a window, and waits until it has loaded the page. Before that, it has an empty page,
    /// which is complete too.
    ///
    /// # Panics
    /// If the page is not loaded in time.
    pub fn open(&mut self, url: &str) -> Window {
        let target = self.call(None, "Target.createTarget", json!({ "url": url }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call(None, "Target.attachToTarget", target);
        let window = Window(session["sessionId"].as_str().expect("a session").to_owned());
        let state = "document.readyState + ' ' + location.href";
        self.wait_for(&window, state, &format!("complete {url}"));
        // Only one window has the focus; the others behave as if they had it too. This is set when
        // the page is loaded, since the process that loads it replaces that of the empty page.
        let focus = json!({ "enabled": true });
        self.call(Some(&window), "Emulation.setFocusEmulationEnabled", focus);
        window
    }

    /// Evaluates an expression in a page. Its value is dropped.
    ///
    /// # Panics
    /// If it throws.
    pub fn evaluate(&mut self, window: &Window, expression: &str) {
        let result =
            self.call(Some(window), "Runtime.evaluate", json!({ "expression": expression }));
        let exception = &result["exceptionDetails"];
        assert!(exception.is_null(), "{expression}: {exception}");
    }

    /// Waits until an expression has a value in the page. While a page is loading, it has none.
    ///
    /// # Panics
    /// If it does not have it in time.
    pub fn wait_for(&mut self, window: &Window, expression: &str, expected: &str) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let params = json!({ "expression": expression, "returnByValue": true });
            let answer = self.answer(Some(window), "Runtime.evaluate", params);
            let value = &answer["result"]["result"]["value"];
            if value == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{expression} is {value}, not {expected}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types text, as a keyboard does, into the element with this id. The window is brought to the
    /// front first: one in the background may drop what is typed.
    ///
    /// # Panics
    /// If the element does not get the focus.
    pub fn type_text(&mut self, window: &Window, id: &str, text: &str) {
        self.call(Some(window), "Page.bringToFront", json!({}));
        self.evaluate(window, &format!("document.getElementById('{id}').focus()"));
        let focused = "document.hasFocus() && document.activeElement.id";
        self.wait_for(window, focused, id);
        self.call(Some(window), "Input.insertText", json!({ "text": text }));
    }

    /// Writes a picture of a window into the folder of test artifacts.
    ///
    /// # Panics
    /// If the picture cannot be written.
    pub fn screenshot(&mut self, window: &Window, folder: &str, name: &str) {
        let picture = self.call(Some(window), "Page.captureScreenshot", json!({ "format": "png" }));
        let picture = picture["data"].as_str().expect("base64");
        let bytes = data_encoding::BASE64.decode(picture.as_bytes()).expect("base64");
        std::fs::write(Path::new(folder).join(name), bytes).expect("the picture can be written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

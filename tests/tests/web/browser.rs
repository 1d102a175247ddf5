//! The notepad in headless Chromium, driven through its DevTools protocol.
//!
//! The test is skipped where Chromium is missing. Set `CHROMIUM` to a path to use another browser.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tests::{Pallas, WebMachine, report};
use tungstenite::{Message, WebSocket};

/// If a page does not show what it should within this time, the test fails.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running browser. It is killed when this value is dropped.
struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    next_id: u64,
    /// The folder of its profile.
    _profile: tempfile::TempDir,
}

/// An open window: the session of the protocol that controls it.
struct Window(String);

/// The path of the browser, if there is one.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser"].map(|name| folder.join(name)));
    named.into_iter().chain(found).find(|path| path.is_file())
}

impl Browser {
    fn start(program: &Path) -> Browser {
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
    fn call(&mut self, window: Option<&Window>, method: &str, params: Value) -> Value {
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
    fn open(&mut self, url: &str) -> Window {
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

    /// Evaluates an expression in a page. It must not throw.
    fn evaluate(&mut self, window: &Window, expression: &str) {
        let result =
            self.call(Some(window), "Runtime.evaluate", json!({ "expression": expression }));
        let exception = &result["exceptionDetails"];
        assert!(exception.is_null(), "{expression}: {exception}");
    }

    /// Waits until an expression has a value in the page. While a page is loading, it has none.
    fn wait_for(&mut self, window: &Window, expression: &str, expected: &str) {
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
    fn type_text(&mut self, window: &Window, id: &str, text: &str) {
        self.call(Some(window), "Page.bringToFront", json!({}));
        self.evaluate(window, &format!("document.getElementById('{id}').focus()"));
        let focused = "document.hasFocus() && document.activeElement.id";
        self.wait_for(window, focused, id);
        self.call(Some(window), "Input.insertText", json!({ "text": text }));
    }

    /// Writes a picture of a window into the folder of test artifacts.
    fn screenshot(&mut self, window: &Window, name: &str) {
        let picture = self.call(Some(window), "Page.captureScreenshot", json!({ "format": "png" }));
        let picture = picture["data"].as_str().expect("base64");
        let bytes = data_encoding::BASE64.decode(picture.as_bytes()).expect("base64");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(folder.join(name), bytes).expect("the picture can be written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const TEXT: &str = "document.getElementById('pad').value";
const STATE: &str = "document.getElementById('state').textContent";

/// A user types in one window, sees the text in the other, and types there. The machine is killed
/// and started again; both windows reconnect by themselves, and a reload shows the text.
#[test]
fn the_notepad_lives_in_two_windows_and_survives_a_kill() {
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    let url = format!("http://127.0.0.1:{}/", machine.port);
    let mut browser = Browser::start(&program);
    let (one, two) = (browser.open(&url), browser.open(&url));
    browser.type_text(&one, "pad", "Hello from <one> \u{e9}\n");
    browser.wait_for(&two, TEXT, "Hello from <one> \u{e9}\n");
    browser.evaluate(&two, "pad.setSelectionRange(pad.value.length, pad.value.length)");
    browser.type_text(&two, "pad", "and from two");
    let text = "Hello from <one> \u{e9}\nand from two";
    browser.wait_for(&one, TEXT, text);
    browser.wait_for(&two, STATE, "Saved");
    browser.screenshot(&one, "notepad.png");
    machine.kill();
    let machine = WebMachine::start(&pallas, "demo_notepad");
    assert_eq!(machine.request("GET", "/note", b"").text(), text);
    browser.call(Some(&one), "Page.reload", json!({}));
    let shown = "document.readyState + document.getElementById('pad')?.value";
    browser.wait_for(&one, shown, &format!("complete{text}"));
    // The second window was not reloaded: its stream of events reconnects.
    assert_eq!(machine.request("PUT", "/note", b"after the kill").status, 200);
    browser.wait_for(&two, TEXT, "after the kill");
    browser.wait_for(&one, TEXT, "after the kill");
}

/// Changes of one text by two windows, and what both show afterwards.
const MERGES: [[&str; 4]; 17] = [
    ["", "", "", ""],
    ["one", "one", "one", "one"],
    ["one", "one two", "one", "one two"],
    ["one", "one", "", ""],
    ["one two", "1 two", "one 2", "1 2"],
    ["one two", "one 2", "1 two", "1 2"],
    ["one", "one, mine", "one, theirs", "one, theirs, mine"],
    ["", "mine", "theirs", "theirsmine"],
    ["one", "one two", "one two", "one two"],
    ["one", "one two", "one two three", "one two three"],
    ["one", "one two three", "one two", "one two three"],
    ["one two three", "one 2 three", "one three", "one 2 three"],
    ["one two three", "one three", "one 2 three", "one 2 three"],
    ["one two", "one and two", "on", "one and two"],
    ["ab", "axb", "aby", "axby"],
    ["\u{1f600}", "\u{1f601}", "\u{1f602}", "\u{1f602}\u{1f601}"],
    ["\u{10f600}", "\u{1f600}", "\u{10f600}!", "\u{1f600}!"],
];

#[test]
fn the_notepad_merges_what_two_windows_change() {
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    let mut browser = Browser::start(&program);
    let window = browser.open(&format!("http://127.0.0.1:{}/", machine.port));
    for [base, mine, theirs, merged] in MERGES {
        let call = format!("merge({}, {}, {})", json!(base), json!(mine), json!(theirs));
        browser.wait_for(&window, &call, merged);
    }
}

/// Both windows are typed in while no machine runs, and another client changes the text as well.
#[test]
fn the_notepad_keeps_what_is_typed_while_the_machine_is_down() {
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    assert_eq!(machine.request("PUT", "/note", b"first\nlast\n").status, 200);
    let url = format!("http://127.0.0.1:{}/", machine.port);
    let mut browser = Browser::start(&program);
    let (one, two) = (browser.open(&url), browser.open(&url));
    machine.kill();
    for (window, text, position) in [(&one, "one\n", 0), (&two, "two\n", 11)] {
        browser.evaluate(window, &format!("pad.setSelectionRange({position}, {position})"));
        browser.type_text(window, "pad", text);
        browser.wait_for(window, STATE, "Not saved");
    }
    let machine = WebMachine::start(&pallas, "demo_notepad");
    let text = "one\nfirst\nlast\ntwo\n";
    for window in [&one, &two] {
        browser.wait_for(window, TEXT, text);
        browser.wait_for(window, STATE, "Saved");
    }
    assert_eq!(machine.request("GET", "/note", b"").text(), text);
}

/// Both windows type at the same time, a word at a time.
#[test]
fn the_notepad_loses_nothing_of_two_who_type_at_once() {
    const WORDS: usize = 20;
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    assert_eq!(machine.request("PUT", "/note", b"\n\n").status, 200);
    let url = format!("http://127.0.0.1:{}/", machine.port);
    let mut browser = Browser::start(&program);
    let (one, two) = (browser.open(&url), browser.open(&url));
    // One types at the start, the other one at the end.
    let typing = "let word = 0, typing = setInterval(() => {
        if (++word === WORDS) clearInterval(typing);
        pad.setRangeText(NAME + word + ' ', AT, AT, 'preserve');
        pad.dispatchEvent(new Event('input'));
    }, 1)";
    for (window, name, position) in [(&one, "'a'", "0"), (&two, "'b'", "pad.value.length")] {
        let typing = typing.replace("NAME", name).replace("AT", position);
        browser.evaluate(window, &typing.replace("WORDS", &WORDS.to_string()));
    }
    let first: String = (1..=WORDS).rev().map(|word| format!("a{word} ")).collect();
    let last: String = (1..=WORDS).map(|word| format!("b{word} ")).collect();
    let text = format!("{first}\n\n{last}");
    for window in [&one, &two] {
        browser.wait_for(window, TEXT, &text);
        browser.wait_for(window, STATE, "Saved");
    }
    assert_eq!(machine.request("GET", "/note", b"").text(), text);
}

const LINES: &str = "[...document.querySelectorAll('#lines p')].map((p) => p.textContent).join()";

/// Lines reach both windows by WebSocket, and a window that is opened after a kill shows them.
#[test]
fn the_chat_room_shows_lines_in_two_windows() {
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_chat");
    let url = format!("http://127.0.0.1:{}/", machine.port);
    let mut browser = Browser::start(&program);
    let (one, two) = (browser.open(&url), browser.open(&url));
    for window in [&one, &two] {
        browser.wait_for(window, "String(socket.readyState)", "1");
    }
    for (window, line) in [(&one, "hello"), (&two, "who is <there>?")] {
        browser.type_text(window, "field", line);
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Enter", "windowsVirtualKeyCode": 13 });
            browser.call(Some(window), "Input.dispatchKeyEvent", key);
        }
        let shown = if line == "hello" { "hello" } else { "hello,who is <there>?" };
        browser.wait_for(&one, LINES, shown);
        browser.wait_for(&two, LINES, shown);
    }
    machine.kill();
    let _machine = WebMachine::start(&pallas, "demo_chat");
    let three = browser.open(&url);
    browser.wait_for(&three, LINES, "hello,who is <there>?");
}

//! `pallas inspect`: its pages by a plain client, and in headless Chromium, which is skipped where it
//! is missing.

use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use tests::{
    Browser, Pallas, WebConnection, WebMachine, WebResponse, chromium, report, run_counter, stderr,
};

/// A running `pallas inspect`. It is killed when this value is dropped.
struct Inspector {
    child: Child,
    port: u16,
    /// The path of the first page, with the token.
    root: String,
}

impl Inspector {
    fn start(pallas: &Pallas, store: &str) -> Inspector {
        let mut command = pallas.command(["inspect", store]);
        let mut child = command.stderr(Stdio::null()).spawn().expect("pallas starts");
        let mut url = String::new();
        let output = child.stdout.take().expect("standard output is a pipe");
        BufReader::new(output).read_line(&mut url).expect("it prints its address");
        let rest = url.trim().strip_prefix("http://127.0.0.1:").expect("an address");
        let (port, path) = rest.split_once('/').expect("a path");
        Inspector { child, port: port.parse().expect("a port"), root: format!("/{path}") }
    }

    fn request(&self, method: &str, host: &str, path: &str) -> WebResponse {
        let mut connection = WebConnection::open(self.port);
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
        connection.send(head.as_bytes());
        connection.response(method).expect("a response")
    }

    /// The text of a page, without its tags.
    fn page(&self, path: &str) -> (u16, String) {
        let host = format!("127.0.0.1:{}", self.port);
        let response = self.request("GET", &host, &format!("{}{path}", self.root));
        let html = response.text();
        let mut text = String::new();
        for part in html.split('<') {
            text.push(' ');
            text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        (response.status, words.join(" "))
    }
}

impl Drop for Inspector {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn counter() -> Pallas {
    let pallas = Pallas::new();
    let booted = pallas.run(["boot", "counter", "demo_count_up"], "");
    assert!(booted.status.success(), "{}", stderr(&booted));
    pallas
}

#[test]
fn the_pages_show_a_stopped_machine() {
    let pallas = counter();
    run_counter(pallas.command(["start", "counter"]), 3);
    let inspector = Inspector::start(&pallas, "counter");
    for (path, expected) in [
        ("", "stopped"),
        ("", "the cog takes events"),
        ("log", "driver 0 wrote"),
        ("event?number=1", "Changes of the state"),
        ("event?number=1", "state 1 2"),
        ("state?event=2", "After event 2 . machine Parts"),
        ("state?event=2", "state nat 1 parts 3"),
        ("state?event=2&path=2", "machine / workers"),
        ("workers", "0 driver"),
        ("set-aside", "No input is set aside."),
        ("disk", "Pins that several snapshots share"),
    ] {
        let (status, text) = inspector.page(path);
        assert_eq!(status, 200, "{path}: {text}");
        assert!(text.contains(expected), "{path}: {expected}\n{text}");
    }
    for path in ["event?number=999", "event?number=0", "state?event=999", "state?path=9.9", "other"]
    {
        assert_eq!(inspector.page(path).0, 404, "{path}");
    }
    for path in ["state?path=x", "event", "event?number=-1", "state?from=99999999999999999999"] {
        assert_eq!(inspector.page(path).0, 400, "{path}");
    }
    assert_eq!(inspector.page("state?path=2&from=18446744073709551615").0, 200);
    assert_eq!(inspector.page("metrics").0, 503);
    // The machine can be started while its page is served, and the page then shows it running.
    let machine = pallas.command(["start", "counter"]).stderr(Stdio::null()).spawn();
    let mut machine = machine.expect("pallas starts");
    let mut lines = BufReader::new(machine.stdout.take().expect("standard output is a pipe"));
    lines.read_line(&mut String::new()).expect("it counts");
    assert!(inspector.page("").1.contains("running"));
    // The counter waits for the time most of the time.
    while !inspector.page("workers").1.contains("time (") {
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(machine.try_wait().expect("a process").is_none(), "it runs");
    }
    machine.kill().expect("it runs");
    machine.wait().expect("it has exited");
}

#[test]
fn only_this_computer_reads_and_only_with_the_token() {
    let pallas = counter();
    let inspector = Inspector::start(&pallas, "counter");
    let host = format!("localhost:{}", inspector.port);
    let own = inspector.request("GET", &host, &inspector.root);
    assert_eq!(own.status, 200);
    assert!(own.field("content-security-policy").contains("default-src 'none'"));
    assert_eq!(own.field("referrer-policy"), "no-referrer");
    // A machine without events.
    for (path, expected) in [("log", "no events"), ("state", "After event 0"), ("disk", "Pins")] {
        let (status, text) = inspector.page(path);
        assert_eq!(status, 200, "{path}: {text}");
        assert!(text.contains(expected), "{path}: {text}");
    }
    let elsewhere = format!("evil.example:{}", inspector.port);
    assert_eq!(inspector.request("GET", &elsewhere, &inspector.root).status, 403);
    assert_eq!(inspector.request("POST", &host, &inspector.root).status, 405);
    for path in ["/", "/00000000000000000000000000000000/", "/style.css", "/metrics"] {
        assert_eq!(inspector.request("GET", &host, path).status, 404, "{path}");
    }
    let refused = pallas.run(["inspect", "--listen", "0.0.0.0:0", "counter"], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("can be reached from other computers"), "{refused:?}");
    let refused = pallas.run(["inspect", "nothing"], "");
    assert_eq!(refused.status.code(), Some(1));
}

/// The pages of the notepad while it is written, at the width of a phone.
#[test]
fn the_pages_of_a_running_machine_fit_on_a_phone_and_have_live_charts() {
    let Some(program) = chromium() else {
        return report("inspect: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    for number in 0..20 {
        let text = format!("a note <b>{number}</b> {}", "and more of it ".repeat(30));
        assert_eq!(machine.request("PUT", "/note", text.as_bytes()).status, 200);
    }
    let inspector = Inspector::start(&pallas, "demo_notepad");
    let url = |path: &str| format!("http://127.0.0.1:{}{}{path}", inspector.port, inspector.root);
    let mut browser = Browser::start(&program);
    let fits = "document.documentElement.scrollWidth <= window.innerWidth";
    for (name, path) in [
        ("overview", ""),
        ("state", "state?path=0"),
        ("log", "log"),
        ("event", "event?number=20"),
        ("workers", "workers"),
        ("disk", "disk"),
    ] {
        let window = browser.open(&url(path));
        let size = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
        browser.call(Some(&window), "Emulation.setDeviceMetricsOverride", size);
        browser.wait_for(&window, &format!("String({fits})"), "true");
        browser.wait_for(&window, "String(document.querySelectorAll('b').length)", "0");
        if name == "overview" {
            browser.wait_for(&window, "document.getElementById('charts').dataset.state", "live");
            let points = "String(document.querySelector('polyline').points.length > 1)";
            browser.wait_for(&window, points, "true");
        }
        browser.screenshot(&window, env!("CARGO_TARGET_TMPDIR"), &format!("inspect-{name}.png"));
    }
}

//! The demos of the library, with HTTP clients.

use std::path::Path;
use tests::{Pallas, WebMachine};

#[test]
fn the_first_web_program_greets() {
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_http_hello");
    assert_eq!(machine.request("GET", "/", b"").text(), "Hello, world!");
    assert_eq!(machine.request("GET", "/hello/a%20b", b"").text(), "Hello, a b!");
    assert_eq!(machine.request("GET", "/bye", b"").status, 404);
}

/// The module with this name among the listings of README.md.
fn readme_module(name: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    let start = format!("```text\n#### {name}\n");
    let (_, listing) = readme.split_once(&start).expect("the listing");
    let (listing, _) = listing.split_once("```").expect("its end");
    format!("#### {name}\n{listing}")
}

#[test]
fn the_listings_of_the_readme_run() {
    let pallas = Pallas::new();
    for name in ["hello_web", "note_web"] {
        pallas.write(&format!("sire/{name}.sire"), readme_module(name));
    }
    let hello = WebMachine::boot(&pallas, "hello_web");
    assert_eq!(hello.request("GET", "/", b"").text(), "Hello, world!");
    let machine = WebMachine::boot(&pallas, "note_web");
    assert_eq!(machine.request("GET", "/note", b"").text(), "nothing yet");
    assert_eq!(machine.request("PUT", "/note", b"kept").status, 204);
    machine.kill();
    let machine = WebMachine::start(&pallas, "note_web");
    assert_eq!(machine.request("GET", "/note", b"").text(), "kept");
}

/// What a client has been told is saved is there after SIGKILL, and the events say so.
#[test]
fn the_notepad_keeps_every_acknowledged_text() {
    let pallas = Pallas::new();
    let mut machine = WebMachine::boot(&pallas, "demo_notepad");
    for round in 0..5 {
        let text = format!("round {round} <b> \u{e9}\nline");
        let saved = machine.request("PUT", "/note", text.as_bytes());
        assert_eq!((saved.status, saved.text()), (200, (round + 1).to_string().as_str()));
        assert_eq!(machine.request("PUT", "/note", &[0xff]).status, 400);
        let port = machine.port;
        machine.kill();
        machine = WebMachine::start(&pallas, "demo_notepad");
        assert_eq!(machine.port, port);
        assert_eq!(machine.request("GET", "/note", b"").text(), text);
        let page = machine.request("GET", "/", b"");
        assert!(page.text().contains(&format!("round {round} &lt;b&gt; \u{e9}\nline</textarea>")));
    }
}

/// A text that names the number of an earlier one is refused, and the answer is the latest text.
#[test]
fn the_notepad_refuses_a_text_that_overwrites_an_unseen_one() {
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    let put = |condition: &str, text: &str| {
        let mut connection = machine.connect();
        let head = format!("PUT /note HTTP/1.1\r\nHost: x\r\nIf-Match: {condition}\r\n");
        let size = text.len();
        connection.send(format!("{head}Content-Length: {size}\r\n\r\n{text}").as_bytes());
        let response = connection.response("PUT").expect("a response");
        (response.status, response.text().to_owned())
    };
    assert_eq!(put("\"0\"", "one"), (200, "1".to_owned()));
    assert_eq!(put("\"0\"", "two"), (412, "1 one".to_owned()));
    assert_eq!(put("1", "two"), (412, "1 one".to_owned()));
    assert_eq!(machine.request("GET", "/note", b"").field("etag"), "\"1\"");
    assert_eq!(put("\"1\"", "a b\n"), (200, "2".to_owned()));
    assert_eq!(put("\"1\"", "two"), (412, "2 a%20b%0A".to_owned()));
    assert_eq!(machine.request("GET", "/note", b"").text(), "a b\n");
}

/// Sixteen clients write at once; after SIGKILL the text is one that was sent.
#[test]
fn concurrent_writes_are_durable() {
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    std::thread::scope(|scope| {
        for client in 0..16 {
            let machine = &machine;
            scope.spawn(move || {
                let mut connection = machine.connect();
                for turn in 0..50 {
                    let text = format!("{client:02} {turn:02}");
                    let head = "PUT /note HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
                    connection.send(format!("{head}{text}").as_bytes());
                    assert_eq!(connection.response("PUT").expect("a response").status, 200);
                }
            });
        }
    });
    let last = machine.request("GET", "/note", b"").text().to_owned();
    assert!(last.ends_with(" 49"), "{last}");
    machine.kill();
    let machine = WebMachine::start(&pallas, "demo_notepad");
    assert_eq!(machine.request("GET", "/note", b"").text(), last);
}

/// Uploads a file as a browser does. Returns the status.
fn upload(machine: &WebMachine, name: &str, content: &[u8]) -> u16 {
    let mut body = b"--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename=\"".to_vec();
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(b"\"\r\nContent-Type: application/x-test\r\n\r\n");
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--XyZ--\r\n");
    let mut connection = machine.connect();
    let size = body.len();
    let head = "POST /files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XyZ";
    connection.send(format!("{head}\r\nContent-Length: {size}\r\n\r\n").as_bytes());
    connection.send(&body);
    connection.response("POST").expect("a response").status
}

#[test]
fn the_filepad_keeps_files() {
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_filepad");
    let mut random = fastrand::Rng::with_seed(7);
    let large: Vec<u8> = (0..8_000_000).map(|_| random.u8(..)).collect();
    assert_eq!(upload(&machine, "large.bin", &large), 303);
    assert_eq!(upload(&machine, "folder/<a> & b", b"\r\n--Xy not the end"), 303);
    assert_eq!(upload(&machine, "gone", b""), 303);
    assert_eq!(machine.request("POST", "/files/gone/delete", b"").status, 303);
    machine.kill();
    let machine = WebMachine::start(&pallas, "demo_filepad");
    let response = machine.request("GET", "/files/large.bin", b"");
    assert_eq!(response.field("content-type"), "application/x-test");
    assert_eq!(response.field("content-disposition"), "attachment");
    assert!(response.body == large);
    let list = machine.request("GET", "/", b"");
    assert!(list.text().contains("<a href=\"/files/large.bin\">large.bin</a></td><td>8000000<"));
    assert!(list.text().contains("<a href=\"/files/%3Ca%3E%20%26%20b\">&lt;a&gt; &amp; b</a>"));
    assert!(!list.text().contains("gone"));
    assert_eq!(machine.request("GET", "/files/gone", b"").status, 404);
    let other = machine.request("GET", "/files/%3Ca%3E%20%26%20b", b"");
    assert_eq!(other.text(), "\r\n--Xy not the end");
}

#[test]
fn the_chat_room_keeps_its_lines() {
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_chat");
    let socket = |machine: &WebMachine| {
        let stream = std::net::TcpStream::connect(("127.0.0.1", machine.port)).expect("listens");
        let url = format!("ws://127.0.0.1:{}/socket", machine.port);
        tungstenite::client(url, stream).expect("an upgrade").0
    };
    let text = tungstenite::Message::text;
    let line_of = |socket: &mut _| crate::streams::next_message(socket).expect("a line");
    let (mut one, mut two) = (socket(&machine), socket(&machine));
    for line in ["hello", "who is <there>?"] {
        one.send(text(line)).expect("sent");
        assert_eq!(line_of(&mut one), text(line));
        assert_eq!(line_of(&mut two), text(line));
    }
    machine.kill();
    let machine = WebMachine::start(&pallas, "demo_chat");
    let mut one = socket(&machine);
    one.send(text("")).expect("sent");
    assert_eq!(line_of(&mut one), text("hello"));
    assert_eq!(line_of(&mut one), text("who is <there>?"));
}

//! Runs the table of [`cases`](crate::cases).

use crate::cases::{CASES, GENERATED_CASES};
use tests::{WebConnection, WebMachine};

/// How the bytes of a request are sent.
#[derive(Clone, Copy, Debug)]
enum Split {
    Whole,
    Halves,
    Bytes,
}

impl Split {
    fn send(self, connection: &mut WebConnection, bytes: &[u8]) {
        let size = match self {
            Split::Whole => bytes.len(),
            Split::Halves => bytes.len().div_ceil(2),
            Split::Bytes => 1,
        };
        bytes.chunks(size).for_each(|part| connection.send(part));
    }
}

/// Checks that the next response is the expected one: a status, and a body or a field.
fn check_response(connection: &mut WebConnection, expected: &str) -> Result<(), String> {
    let (method, expected) = match expected.strip_prefix("HEAD ") {
        Some(rest) => ("HEAD", rest),
        None => ("GET", expected),
    };
    let Some(response) = connection.response(method) else { return Err("no response".to_owned()) };
    let (status, detail) = expected.split_at(3);
    let matches = match detail.strip_prefix(" @").and_then(|field| field.split_once(": ")) {
        Some((name, value)) => response.field(name) == value,
        None => detail.strip_prefix(' ').is_none_or(|body| response.body == body.as_bytes()),
    };
    if response.status.to_string() == status && matches && response.is_complete {
        return Ok(());
    }
    Err(format!("expected {expected}, got {response:?}"))
}

/// Runs one case. The error says what differs.
fn run(machine: &WebMachine, bytes: &[u8], answers: &[&str], split: Split) -> Result<(), String> {
    let mut connection = machine.connect();
    split.send(&mut connection, bytes);
    let (end, responses) = answers.split_last().expect("a case has answers");
    for expected in responses {
        check_response(&mut connection, expected)?;
    }
    connection.send(b"GET /echo/next HTTP/1.1\r\nHost: x\r\n\r\n");
    connection.finish();
    if *end == "open" {
        return check_response(&mut connection, "200 next");
    }
    let rest = connection.take_rest();
    if rest.is_empty() { Ok(()) } else { Err(format!("more: {}", String::from_utf8_lossy(&rest))) }
}

#[test]
fn requests_are_answered_by_the_rules() {
    let (_pallas, machine) = crate::server();
    let mut failures = Vec::new();
    let mut check = |name: &str, bytes: &[u8], answers: &[&str], split: Split| {
        if let Err(error) = run(&machine, bytes, answers, split) {
            failures.push(format!("{name} ({split:?}): {error}"));
        }
    };
    for &(name, request, answers) in CASES {
        for split in [Split::Whole, Split::Halves, Split::Bytes] {
            check(name, request.as_bytes(), answers, split);
        }
    }
    for &(name, request, answers) in GENERATED_CASES {
        check(name, request().as_bytes(), answers, Split::Whole);
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(CASES.len() + GENERATED_CASES.len() > 140);
}

/// Bytes in fields are Latin-1 or UTF-8, as the client sent them; a client that waits for the
/// interim response gets it before it sends the body.
#[test]
fn a_client_that_expects_it_is_told_to_continue() {
    let (_pallas, machine) = crate::server();
    for framing in ["Content-Length: 3\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
        let mut connection = machine.connect();
        let head = "POST /body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
        connection.send(format!("{head}{framing}").as_bytes());
        assert_eq!(connection.response("POST").expect("a response").status, 100);
        let chunked: &[u8] = b"3\r\nabc\r\n0\r\n\r\n";
        connection.send(if framing.starts_with('C') { b"abc" } else { chunked });
        let response = connection.response("POST").expect("a response");
        assert_eq!((response.status, response.text()), (200, "abc"));
    }
}

/// A crash ends one connection; all others, and the state, go on.
#[test]
fn a_crash_costs_its_own_connection_only() {
    let (_pallas, machine) = crate::server();
    let mut other = machine.connect();
    other.send(b"GET / HT");
    assert_eq!(machine.request("PUT", "/state", b"kept").status, 200);
    assert_eq!(machine.request("GET", "/crash", b"").status, 500);
    assert_eq!(machine.request("PUT", "/state", b"x crashes the update").status, 500);
    assert_eq!(machine.request("GET", "/state", b"").text(), "kept");
    assert!(!machine.request("GET", "/stream-crash", b"").is_complete);
    other.send(b"TP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(other.response("GET").expect("a response").text(), "home");
}

/// A request that does not arrive in time gets an answer; an idle connection is just closed.
#[test]
fn a_request_that_takes_too_long_times_out() {
    let (_pallas, machine) = crate::server_with("tabIns %idle 3 (tabIns %start 2 defaultLimits)");
    let mut idle = machine.connect();
    idle.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(idle.response("GET").expect("a response").text(), "home");
    let mut connection = machine.connect();
    connection.send(b"GET / HTTP/1.1\r\n");
    let response = connection.response("GET").expect("a response");
    assert_eq!((response.status, response.field("connection")), (408, "close"));
    assert_eq!(connection.take_rest(), b"");
    assert_eq!(idle.take_rest(), b"");
}

#[test]
fn large_bodies_go_both_ways() {
    let (_pallas, machine) = crate::server();
    let body: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let response = machine.request("POST", "/body", &body);
    assert!(response.status == 200 && response.body == body);
    assert_eq!(machine.request("GET", "/large", b"").body, vec![b'x'; 300_000]);
    assert_eq!(machine.request("GET", "/pinned", b"").body, vec![b'p'; 100_000]);
    let mut chunked = Vec::new();
    for part in body.chunks(70_000) {
        chunked.extend(format!("{:x}\r\n", part.len()).into_bytes());
        chunked.extend_from_slice(part);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let mut connection = machine.connect();
    connection.send(b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.send(&chunked);
    let response = connection.response("POST").expect("a response");
    assert!(response.status == 200 && response.body == body);
}

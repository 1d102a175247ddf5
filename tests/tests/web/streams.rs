//! Responses that stay open: events and WebSocket.

use std::net::{Ipv4Addr, TcpStream};
use tests::{WebConnection, WebMachine};
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Error, Message, WebSocket};

/// A browser's stream of events.
struct Events(WebConnection);

impl Events {
    fn open(machine: &WebMachine, path: &str) -> Events {
        let mut connection = machine.connect();
        connection.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let head = connection.take_until(b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(head).expect("a head is text");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Type: text/event-stream\r\n"), "{head}");
        Events(connection)
    }

    fn next(&mut self) -> String {
        let event = self.0.take_until(b"\n\n").expect("an event");
        let event = String::from_utf8(event).expect("an event is text");
        event.strip_prefix("data: ").expect("data").replace("\ndata: ", "\n")
    }
}

#[test]
fn events_reach_all_browsers() {
    let (_pallas, machine) = crate::server();
    machine.request("PUT", "/state", b"before");
    let mut all: Vec<Events> = (0..10).map(|_| Events::open(&machine, "/events")).collect();
    all.iter_mut().for_each(|events| assert_eq!(events.next(), "before"));
    drop(all.split_off(8));
    for turn in 0..20 {
        let text = format!("change {turn}\nline");
        assert_eq!(machine.request("PUT", "/state", text.as_bytes()).status, 200);
        all.iter_mut().for_each(|events| assert_eq!(events.next(), text));
    }
    let mut connection = machine.connect();
    connection.send(b"HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(connection.response("HEAD").expect("a response").status, 200);
}

fn socket(machine: &WebMachine) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, machine.port)).expect("it listens");
    let url = format!("ws://127.0.0.1:{}/socket", machine.port);
    tungstenite::client(url, stream).expect("an upgrade").0
}

/// The next message that is not a ping: the server sends one now and then.
pub(crate) fn next_message(socket: &mut WebSocket<TcpStream>) -> Result<Message, Error> {
    loop {
        match socket.read() {
            Ok(Message::Ping(_)) => {}
            result => return result,
        }
    }
}

#[test]
fn messages_go_both_ways() {
    let (_pallas, machine) = crate::server();
    let (mut one, mut two) = (socket(&machine), socket(&machine));
    for size in [0, 1, 125, 126, 65_535, 65_536, 500_000] {
        let text = "\u{e9}".repeat(size / 2);
        one.send(Message::text(text.clone())).expect("sent");
        assert_eq!(next_message(&mut one).expect("a message"), Message::text(text));
        let bytes: Vec<u8> = (0..size).map(|i| (i % 255) as u8).collect();
        two.send(Message::binary(bytes.clone())).expect("sent");
        assert_eq!(next_message(&mut two).expect("a message"), Message::binary(bytes));
    }
    one.send(Message::text("all:hello")).expect("sent");
    for socket in [&mut one, &mut two] {
        assert_eq!(next_message(socket).expect("a message"), Message::text("all:hello"));
    }
    one.send(Message::Ping("still there?".into())).expect("sent");
    assert_eq!(next_message(&mut one).expect("a pong"), Message::Pong("still there?".into()));
    one.close(None).expect("a close is sent");
    assert!(matches!(next_message(&mut one), Ok(Message::Close(_))));
    assert!(matches!(next_message(&mut one), Err(Error::ConnectionClosed)));
    two.send(Message::text("all:again")).expect("sent");
    assert_eq!(next_message(&mut two).expect("a message"), Message::text("all:again"));
}

/// A message in parts, with a ping between them.
#[test]
fn fragments_are_one_message() {
    let (_pallas, machine) = crate::server();
    let mut socket = socket(&machine);
    let mut send = |mut frame: Frame| {
        frame.header_mut().mask = Some([1, 2, 3, 4]);
        socket.send(Message::Frame(frame)).expect("sent");
    };
    let part = |op, text: &'static str, is_last| Frame::message(text, OpCode::Data(op), is_last);
    send(part(Data::Text, "one ", false));
    send(part(Data::Continue, "two ", false));
    send(Frame::ping("p"));
    send(part(Data::Continue, "three", true));
    assert_eq!(next_message(&mut socket).expect("a pong"), Message::Pong("p".into()));
    assert_eq!(next_message(&mut socket).expect("a message"), Message::text("one two three"));
}

/// Sends these bytes after the upgrade, and returns the status code of the server's close frame.
fn close_code(machine: &WebMachine, bytes: &[u8]) -> u16 {
    let mut connection = upgraded(machine);
    connection.send(bytes);
    let frame = connection.take(4);
    assert_eq!(&frame[..2], [0x88, 2], "a close frame");
    let rest = connection.take_rest();
    assert!(rest.is_empty(), "{rest:?}");
    u16::from_be_bytes([frame[2], frame[3]])
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Asks for WebSocket at a path, with further fields. Returns the head of the response too.
fn upgrade(machine: &WebMachine, path: &str, fields: &str) -> (WebConnection, String) {
    let mut connection = machine.connect();
    let head = format!("GET {path} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    let key = format!("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n");
    connection.send(format!("{head}{key}{fields}\r\n").as_bytes());
    let head = connection.take_until(b"\r\n\r\n").expect("a head");
    (connection, String::from_utf8(head).expect("a head is text"))
}

fn upgraded(machine: &WebMachine) -> WebConnection {
    let (connection, head) = upgrade(machine, "/socket", "Host: x\r\n");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    connection
}

/// A frame of a client, with a key of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn malformed_frames_close_the_connection() {
    let (_pallas, machine) = crate::server();
    let long = |size: u64| [&[0x82, 0xff][..], &size.to_be_bytes(), &[0; 4]].concat();
    let mut unmasked = frame(0x81, b"a");
    unmasked[1] = 1;
    unmasked.drain(2..6);
    let parts = |second| [frame(0x01, b"a"), frame(second, b"b")].concat();
    for (name, bytes, code) in [
        ("a reserved bit", frame(0xc1, b"a"), 1002),
        ("an unknown operation", frame(0x83, b"a"), 1002),
        ("an unknown control operation", frame(0x8b, b"a"), 1002),
        ("no mask", unmasked, 1002),
        ("a ping in parts", frame(0x09, b"a"), 1002),
        ("a long ping", [&[0x89, 0xfe, 0, 126][..], &[0; 130]].concat(), 1002),
        ("a size with a byte too many", [&[0x82, 0xfe, 0, 9][..], &[0; 13]].concat(), 1002),
        ("a size with bytes too many", long(9), 1002),
        ("a negative size", long(1 << 63), 1009),
        ("a message that is too large", long(2_000_000), 1009),
        ("a part without a start", frame(0x80, b"a"), 1002),
        ("a start inside a message", parts(0x81), 1002),
        ("text that is not UTF-8", frame(0x81, &[0xc0, 0x80]), 1007),
        ("a close with half a code", frame(0x88, &[3]), 1002),
        ("a close with an invalid code", frame(0x88, &[3, 0xed]), 1002),
        ("a close with a text that is not UTF-8", frame(0x88, &[3, 0xe8, 0xff]), 1002),
        ("a close", frame(0x88, &[3, 0xe8]), 1000),
    ] {
        assert_eq!(close_code(&machine, &bytes), code, "{name}");
    }
}

#[test]
fn requests_that_are_no_upgrade_are_refused() {
    let (_pallas, machine) = crate::server();
    let upgrade = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
    for (fields, status) in [
        (String::new(), 426),
        ("Upgrade: websocket\r\n".to_owned(), 426),
        (upgrade.to_owned(), 426),
        (format!("{upgrade}Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: {KEY}\r\n"), 426),
        (format!("{upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n"), 400),
        (format!("{upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"), 101),
    ] {
        let mut connection = machine.connect();
        connection.send(format!("GET /socket HTTP/1.1\r\nHost: x\r\n{fields}\r\n").as_bytes());
        assert_eq!(connection.response("GET").expect("a response").status, status, "{fields}");
    }
}

/// Where a page may be from that connects: the path, the fields of the request, the status.
const ORIGINS: [(&str, &str, &str); 19] = [
    ("/socket", "Host: x\r\n", "101"),
    ("/socket", "Host: x\r\nOrigin: http://x\r\n", "101"),
    ("/socket", "Host: x\r\nOrigin: https://x\r\n", "101"),
    ("/socket", "Host: X\r\nOrigin: HTTP://x\r\n", "101"),
    ("/socket", "Host: x:8080\r\nOrigin: http://x:8080\r\n", "101"),
    ("/socket", "Host: [::1]:8080\r\nOrigin: http://[::1]:8080\r\n", "101"),
    ("/socket", "Host: x\r\nOrigin: http://y\r\n", "403"),
    ("/socket", "Host: x\r\nOrigin: http://x.y\r\n", "403"),
    ("/socket", "Host: x\r\nOrigin: http://y.x\r\n", "403"),
    ("/socket", "Host: x\r\nOrigin: http://x:8080\r\n", "403"),
    ("/socket", "Host: x:8080\r\nOrigin: http://x\r\n", "403"),
    ("/socket", "Host: x\r\nOrigin: ftp://x\r\n", "403"),
    ("/socket", "Host: x\r\nOrigin: x\r\n", "403"),
    ("/socket", "Host: x\r\nOrigin: null\r\n", "403"),
    ("/socket", "Host: x\r\nOrigin:\r\n", "403"),
    ("/socket", "Host: x\r\nOrigin: http://x\r\nOrigin: http://y\r\n", "403"),
    ("/socket-abroad", "Host: x\r\nOrigin: http://x\r\n", "101"),
    ("/socket-abroad", "Host: x\r\nOrigin: https://abroad.example\r\n", "101"),
    ("/socket-abroad", "Host: x\r\nOrigin: http://abroad.example\r\n", "403"),
];

#[test]
fn a_page_of_another_server_gets_no_socket() {
    let (_pallas, machine) = crate::server();
    for (path, fields, status) in ORIGINS {
        let (_connection, head) = upgrade(&machine, path, fields);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {fields:?}: {head}");
    }
}

//! A client of the programs' servers. They close each connection after one answer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// If no byte arrives within this time, the server hangs.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Sends a request, and returns everything that the server sends until it closes the connection.
pub(crate) fn exchange(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server listens");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time");
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request without a body. The server of `master` needs at least one header.
pub(crate) fn request(port: u16, method: &str, path: &str) -> String {
    exchange(port, &format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"))
}

/// A `POST` of a body, with further headers, each ended by `\r\n`.
pub(crate) fn post(port: u16, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    exchange(
        port,
        &format!("POST {path} HTTP/1.0\r\n{headers}Content-Length: {length}\r\n\r\n{body}"),
    )
}

/// The body of an answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// What the programs' servers send if an answer has no body. They end the last header without the
/// empty line, which the tests of the branches (`hexNoBod`) expect too.
pub(crate) fn empty_answer(status: &str) -> String {
    format!("HTTP/1.0 {status}\r\nServer: Pallas/0.1\r\nContent-Length: 0")
}

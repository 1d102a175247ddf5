//! The library's HTTP client, with servers that answer in every way.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use tests::WebMachine;

/// Lets the machine send a request to a server that answers with these bytes and closes. Returns
/// the request, and what the machine says of the response.
fn exchange(machine: &WebMachine, body: &[u8], answer: &'static str) -> (String, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let size = body.len();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        let is_complete = |request: &[u8]| {
            let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            head.is_some_and(|head| request.len() == head + 4 + size)
        };
        while !is_complete(&request) {
            let count = stream.read(&mut buffer).expect("bytes");
            request.extend_from_slice(&buffer[..count]);
        }
        for byte in answer.as_bytes() {
            stream.write_all(&[*byte]).expect("sent");
        }
        String::from_utf8(request).expect("text")
    });
    let method = if size == 0 { "GET" } else { "POST" };
    let path = format!("/fetch?port={port}&path=/a%2520b?c");
    let response = machine.request(method, &path, body);
    (server.join().expect("the server does not panic"), response.text().to_owned())
}

#[test]
fn responses_are_read_by_the_rules() {
    let (_pallas, machine) = crate::server();
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\nX-Test: a\r\nContent-Length: 3\r\n\r\nabc", "200 a abc"),
        (
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "404  abc",
        ),
        ("HTTP/1.0 200 OK\r\n\r\nabc up to the end", "200  abc up to the end"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n", "201  "),
        ("HTTP/1.1 204 No Content\r\n\r\n", "204  "),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "no response"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc", "no response"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "no response"),
        ("HTTP/2 200\r\n\r\n", "no response"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "no response"),
        ("", "no response"),
    ] {
        let (request, shown) = exchange(&machine, b"", answer);
        assert_eq!(shown, expected, "{answer}");
        assert!(request.starts_with("GET /a%20b?c HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
    }
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (request, shown) = exchange(&machine, b"a body", answer);
    assert_eq!(shown, "200  ");
    assert!(request.contains("\r\nContent-Length: 6\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\na body"), "{request}");
}

/// A machine is a client of itself, and a server that does not exist gives no response.
#[test]
fn a_machine_requests_from_itself() {
    let (_pallas, machine) = crate::server();
    let path = |port: u16, path: &str| format!("/fetch?port={port}&path={path}");
    let response = machine.request("GET", &path(machine.port, "/echo/self"), b"");
    assert_eq!(response.text(), "200  self");
    let response = machine.request("GET", &path(machine.port, "/stream"), b"");
    assert_eq!(response.text(), "200  onetwo");
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    assert_eq!(machine.request("GET", &path(port, "/"), b"").text(), "no response");
}

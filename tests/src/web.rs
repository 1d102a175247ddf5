//! Machines that serve the web, and a client that sends raw bytes.

use crate::pallas::{Pallas, stderr};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::process::Child;
use std::time::Duration;

/// A client that waits longer than this for bytes has found an error.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running machine that listens on a port of 127.0.0.1. It is killed when this value is dropped.
pub struct WebMachine {
    child: Child,
    /// The port.
    pub port: u16,
}

impl WebMachine {
    /// Boots a machine of a module in the store of the same name, and starts it.
    ///
    /// # Panics
    /// If it does not boot or start.
    pub fn boot(pallas: &Pallas, module: &str) -> WebMachine {
        let output = pallas.run(["boot", module, &format!("sire/{module}.sire")], "");
        assert!(output.status.success(), "{}", stderr(&output));
        WebMachine::start(pallas, module)
    }

    /// Starts the machine of a store, and waits until it listens.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(pallas: &Pallas, store: &str) -> WebMachine {
        let mut command = pallas.command(["start", store]);
        let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("pallas starts");
        let mut notices = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            let count = notices.read_line(&mut line).expect("standard error can be read");
            assert!(count > 0, "the machine does not listen");
            if let Some(port) = line.trim().strip_prefix("pallas: listening on 127.0.0.1:") {
                break port.parse().expect("a port");
            }
        };
        // Later notices are read and dropped, so that the pipe does not fill.
        std::thread::spawn(move || std::io::copy(&mut notices, &mut std::io::sink()));
        WebMachine { child, port }
    }

    /// Kills the process with SIGKILL, and waits until it has exited.
    ///
    /// # Panics
    /// If there is no such process.
    pub fn kill(mut self) {
        self.child.kill().expect("the process exists");
        self.child.wait().expect("the process has exited");
    }

    /// Connects to the machine.
    ///
    /// # Panics
    /// If it does not accept the connection.
    pub fn connect(&self) -> WebConnection {
        WebConnection::open(self.port)
    }

    /// Sends one request on a connection of its own, and returns the response.
    ///
    /// # Panics
    /// If there is no response.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> WebResponse {
        let mut connection = self.connect();
        let size = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n");
        connection.send(&[head.as_bytes(), body].concat());
        connection.response(method).expect("a response")
    }
}

impl Drop for WebMachine {
    fn drop(&mut self) {
        // It has exited already if the machine was killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection, and what has been received on it and not read.
pub struct WebConnection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebResponse {
    /// The status code.
    pub status: u16,
    /// The fields, by name in lower case.
    pub fields: HashMap<String, String>,
    /// The body, without its chunks.
    pub body: Vec<u8>,
    /// Whether the body was complete.
    pub is_complete: bool,
}

impl WebResponse {
    /// The value of a field, or an empty text.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is not valid UTF-8.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is text")
    }
}

impl WebConnection {
    /// Connects to a port of 127.0.0.1.
    ///
    /// # Panics
    /// If nothing accepts the connection.
    pub fn open(port: u16) -> WebConnection {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        stream.set_nodelay(true).expect("bytes can be sent at once");
        WebConnection { stream, received: Vec::new() }
    }

    /// Sends bytes. A server that refuses a request may have closed the connection, so an error is
    /// no failure here.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Ends the output: the server sees the end of its input.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Receives more bytes. Returns false at the end.
    fn receive(&mut self) -> bool {
        let mut buffer = [0; 65536];
        let count = match self.stream.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("no bytes arrive: {error}"),
        };
        self.received.extend_from_slice(&buffer[..count]);
        count > 0
    }

    /// Takes the bytes before the next occurrence of `mark`, and drops the mark. `None` at the end.
    pub fn take_until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.received.windows(mark.len()).position(|bytes| bytes == mark) {
                let taken = self.received.drain(..at).collect();
                self.received.drain(..mark.len());
                return Some(taken);
            }
            if !self.receive() {
                return None;
            }
        }
    }

    /// Takes `count` bytes, or fewer at the end.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count && self.receive() {}
        self.received.drain(..count.min(self.received.len())).collect()
    }

    /// Takes all bytes up to the end of the connection.
    pub fn take_rest(&mut self) -> Vec<u8> {
        while self.receive() {}
        std::mem::take(&mut self.received)
    }

    /// Reads the response to a request with this method. `None` at the end of the connection.
    ///
    /// # Panics
    /// If the bytes are no response.
    pub fn response(&mut self, method: &str) -> Option<WebResponse> {
        let head = String::from_utf8(self.take_until(b"\r\n\r\n")?).expect("a head is text");
        let mut lines = head.split("\r\n");
        let line = lines.next().expect("a first line");
        let status = line.strip_prefix("HTTP/1.1 ").expect("the version").split(' ').next();
        let status = status.and_then(|digits| digits.parse().ok()).expect("a status");
        let fields: HashMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no field: {line}")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut response = WebResponse { status, fields, body: Vec::new(), is_complete: true };
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Some(response);
        }
        if response.field("transfer-encoding") == "chunked" {
            response.is_complete = self.take_chunks(&mut response.body);
        } else if let Ok(count) = response.field("content-length").parse() {
            response.body = self.take(count);
            response.is_complete = response.body.len() == count;
        } else {
            response.body = self.take_rest();
        }
        Some(response)
    }

    /// Takes a body in chunks. Returns false if the connection ends before the last one.
    fn take_chunks(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            let Some(line) = self.take_until(b"\r\n") else { return false };
            let line = String::from_utf8(line).expect("the size is text");
            let size = usize::from_str_radix(&line, 16).expect("a size");
            let part = self.take(size + 2);
            if part.len() < size + 2 {
                return false;
            }
            let (part, end) = part.split_at(size);
            assert_eq!(end, b"\r\n", "the end of a chunk");
            body.extend_from_slice(part);
            if size == 0 {
                return true;
            }
        }
    }
}

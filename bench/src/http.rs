//! [`HttpConnection`]: requests over one connection, as simple as a test needs them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long an answer may take. An answer waits for the disk, and for a start of the machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// The status and body of an answer.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, which is text.
    pub body: String,
}

/// A connection that is kept alive from request to request.
pub struct HttpConnection(BufReader<TcpStream>);

impl HttpConnection {
    /// Connects to a port of the loopback address.
    ///
    /// # Errors
    /// No process listens on the port.
    pub fn open(port: u16) -> io::Result<HttpConnection> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(HttpConnection(BufReader::new(stream)))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().write_all(request.as_bytes())
    }

    /// Sends a request, and waits for its answer.
    ///
    /// # Errors
    /// The connection is closed, the answer is no answer of HTTP, or it does not come in time.
    pub fn request(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        self.send(method, path, body)?;
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status"))?;
        let mut length = 0;
        loop {
            let header = self.line()?.to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(Answer { status, body: String::from_utf8(body).map_err(io::Error::other)? })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

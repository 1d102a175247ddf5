//! Load by `wrk`, and what it measured.

use anyhow::{Context, Result, bail};
use std::fmt;
use std::path::Path;
use std::process::Command;

/// What the clients do.
#[derive(Clone, Copy)]
pub(crate) enum Method {
    /// They read the note.
    Read,
    /// They replace the note.
    Write,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Read => "`GET /note`",
            Method::Write => "`PUT /note`",
        })
    }
}

/// How many texts a run writes, one after the other.
const DIFFERENT_TEXTS: usize = 1000;

/// A measurement.
pub(crate) struct Load {
    pub(crate) method: Method,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    /// Bytes of the note that is written.
    pub(crate) size: usize,
}

/// What a run of `wrk` measured. Latencies are in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) requests: u64,
    /// Requests without an answer, or with a status other than 2xx and 3xx.
    pub(crate) failed: u64,
}

impl Measured {
    /// Reads the report that `wrk` prints.
    fn parse(report: &str) -> Option<Measured> {
        let field = |name: &str| {
            let line = report.lines().find(|line| line.trim_start().starts_with(name))?;
            line.trim_start().strip_prefix(name).map(str::trim)
        };
        let count = |line: &str| -> u64 {
            let numbers = line.split(|c: char| !c.is_ascii_digit());
            numbers.filter_map(|number| number.parse::<u64>().ok()).sum()
        };
        let field_before = |name: &str| -> Option<u64> {
            report.lines().find_map(|line| line.split_once(name)?.0.trim().parse().ok())
        };
        let failed = ["Non-2xx or 3xx responses:", "Socket errors:"];
        Some(Measured {
            per_second: field("Requests/sec:")?.parse().ok()?,
            p50: milliseconds(field("50%")?)?,
            p99: milliseconds(field("99%")?)?,
            requests: field_before(" requests in ")?,
            failed: failed.iter().filter_map(|name| field(name)).map(count).sum(),
        })
    }
}

/// Reads a time as `wrk` prints it.
fn milliseconds(text: &str) -> Option<f64> {
    let unit = text.find(|c: char| c.is_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let factor = match unit {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// The script of `wrk` for writes, which finds the numbers `SIZE` and `COUNT` at its start. Each
/// request replaces the note by another text: SQLite writes nothing to the disk for a row that is
/// replaced by an equal one, so it would not be measured. The requests are made before the
/// measurement, which costs `wrk` no time in it.
const WRITE_SCRIPT: &str = r#"
local requests, last = {}, 0
local headers = { ["Content-Type"] = "text/plain" }
function init()
  for i = 1, COUNT do
    local text = string.format("%08d", i) .. string.rep("n", SIZE)
    requests[i] = wrk.format("PUT", nil, headers, string.sub(text, 1, SIZE))
  end
end
function request()
  last = last % COUNT + 1
  return requests[last]
end
"#;

impl Load {
    /// Runs `wrk` against a service.
    ///
    /// # Errors
    /// If `wrk` is missing or fails.
    pub(crate) fn run(&self, port: u16, folder: &Path) -> Result<Measured> {
        let script = folder.join("request.lua");
        let text = match self.method {
            Method::Read => "wrk.method = \"GET\"\n".to_owned(),
            Method::Write => {
                format!("local SIZE, COUNT = {}, {DIFFERENT_TEXTS}{WRITE_SCRIPT}", self.size)
            }
        };
        std::fs::write(&script, text)?;
        let output = Command::new("wrk")
            .args(["--threads", "1", "--latency", "--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.seconds), "--script"])
            .arg(&script)
            .arg(format!("http://127.0.0.1:{port}/note"))
            .output()
            .context("wrk does not run (on Debian: apt-get install -y wrk)")?;
        let report = String::from_utf8_lossy(&output.stdout);
        match Measured::parse(&report) {
            Some(measured) if output.status.success() => Ok(measured),
            _ => bail!("wrk failed: {report}{}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_report() {
        let report = "Running 2s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n  \
                      Latency Distribution\n     50%  500.00us\n     75%    1.00ms\n     90%    2.00ms\n     \
                      99%    1.20s \n  8 requests in 2.00s, 1.00KB read\n  \
                      Socket errors: connect 0, read 1, write 0, timeout 2\n  \
                      Non-2xx or 3xx responses: 4\nRequests/sec:   4321.50\nTransfer/sec: 1.0KB\n";
        let measured = Measured::parse(report).expect("it is complete");
        assert_eq!(
            (measured.per_second, measured.p50, measured.p99, measured.requests, measured.failed),
            (4321.5, 0.5, 1200.0, 8, 7)
        );
    }
}

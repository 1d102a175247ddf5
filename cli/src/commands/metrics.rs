//! `metrics`, and `start --metrics`: the metrics of a running machine for Prometheus.

use crate::args::StoreArgs;
use anyhow::Context;
use machine::MachineHandle;
use machine::control::ControlClient;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// The longest request, in bytes. Clients of metrics send a few hundred.
const MAX_REQUEST: u64 = 16 << 10;

/// How long a client may take to send a request, or to read the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Prints the metrics of the machine that runs in a store.
pub(crate) fn metrics(args: StoreArgs) -> anyhow::Result<()> {
    let text = ControlClient::connect(&args.store)?.metrics()?;
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// Serves the metrics of a machine by HTTP, one client after the other, until the process ends.
pub(super) fn serve(address: SocketAddr, handle: MachineHandle) -> anyhow::Result<()> {
    let listener =
        TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    if let Ok(address) = listener.local_addr() {
        eprintln!("pallas: metrics at http://{address}/metrics");
    }
    let serve = move || {
        for client in listener.incoming().flatten() {
            // An error ends the service of this client, and nothing else.
            let _ = answer(client, &handle);
        }
    };
    let thread = thread::Builder::new().name("metrics".into()).spawn(serve);
    thread.context("cannot start a thread").map(drop)
}

/// Reads one request, and answers it.
fn answer(mut client: TcpStream, handle: &MachineHandle) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new(client.try_clone()?).take(MAX_REQUEST);
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut line = String::new();
    while request.read_line(&mut line)? > 0 && !line.trim().is_empty() {
        line.clear();
    }
    let is_metrics = first.starts_with("GET /metrics ") || first.starts_with("GET / ");
    let (status, body) = match is_metrics {
        true => ("200 OK", handle.metrics().to_prometheus()),
        false => ("404 Not Found", "the metrics are at /metrics\n".into()),
    };
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

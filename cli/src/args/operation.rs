//! How a running machine is operated: what it keeps, where it listens, and how it is observed.

use super::keep::KeepRule;
use clap::Args;
use std::net::SocketAddr;

/// The options of a running machine that `start` and `dev` share.
#[derive(Args, Debug)]
pub(crate) struct OperationOptions {
    /// Snapshots to keep, and with them the log since the oldest one: a number of snapshots, such as
    /// 3; an age, such as 12h or 7d (s, m, h, d, w); a size of log, such as 2G (K, M, G, T); or several
    /// with commas between. That number of newest snapshots is kept (if no number is given, 3);
    /// older ones are kept while they are within the age and the size that are given
    #[arg(long, alias = "keep-snapshots", value_name = "RULE", default_value = "3")]
    pub(crate) keep: KeepRule,
    /// Show a status line on a terminal: events a second, the time within which 99% of them became
    /// durable, the bytes of the cog's heap, and what was added to the pins and the log
    #[arg(long)]
    pub(crate) status: bool,
    /// Serve the metrics of the machine by HTTP on this loopback address, at /metrics, in the text
    /// format of Prometheus; `pallas metrics` prints them
    #[arg(long, value_name = "ADDR:PORT", value_parser = loopback_address)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Listen for TCP connections on this address, such as 127.0.0.1:8080 or [::1]:8080, from the
    /// start on; may be given several times. Port 0 stands for the port of the last run, or a free
    /// one. The addresses are printed, and the ports are written to STORE/tcp.port. Without this
    /// option, the machine listens on 127.0.0.1:0 when its program first asks for connections
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Vec<SocketAddr>,
}

impl OperationOptions {
    /// The options as arguments of another command.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let OperationOptions { keep, status, metrics, listen } = self;
        let mut arguments = vec!["--keep".to_owned(), keep.to_string()];
        arguments.extend(status.then(|| "--status".to_owned()));
        for (option, address) in metrics
            .iter()
            .map(|address| ("--metrics", address))
            .chain(listen.iter().map(|address| ("--listen", address)))
        {
            arguments.extend([option.to_owned(), address.to_string()]);
        }
        arguments
    }
}

/// Parses an address that only this computer can connect to.
fn loopback_address(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<SocketAddr>().map_err(|error| error.to_string())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("expected a loopback address, such as 127.0.0.1:9090".into())
    }
}

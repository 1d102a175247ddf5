//! The log of what the libraries do, for developers and operators: `PALLAS_LOG`, or the setting
//! `log`.
//!
//! The value is a filter of `tracing-subscriber`: a level, such as `info`, or levels of crates and
//! modules, such as `machine=debug,persist=info`. The log goes to standard error. Without the setting
//! there is no subscriber, and an event of the log costs the check of a flag.

use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// Checks a filter.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let checked = EnvFilter::builder().parse(text);
    checked.map(drop).map_err(|error| format!("expected a level or levels of crates: {error}"))
}

/// Starts the log, if a filter is given.
pub(crate) fn start(filter: Option<&str>) {
    let Some(filter) = filter.and_then(|filter| EnvFilter::builder().parse(filter).ok()) else {
        return;
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    // There is one call.
    let _ = log.try_init();
}

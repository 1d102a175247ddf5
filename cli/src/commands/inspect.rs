//! `inspect`: serves a page that shows a machine from inside.

use super::history;
use crate::args::{InspectArgs, PrintSize};
use anyhow::Context;
use inspect::{InspectServer, StoreReader};
use machine::control::InspectedStore;
use std::io::{self, Write};

/// Serves the page until the process ends.
pub(crate) fn inspect(args: InspectArgs) -> anyhow::Result<()> {
    let InspectArgs { evaluation, listen, store } = args;
    let settings = move || {
        history::settings(evaluation, PrintSize::default()).map_err(|error| format!("{error:#}"))
    };
    let reader = StoreReader::start(store.clone(), settings).context("cannot start a thread")?;
    let server = InspectServer::listen(listen, reader)?;
    // A directory that is no store is an error at once, and not on the page.
    drop(InspectedStore::open(&store)?);
    writeln!(io::stdout(), "{}", server.url()).context("cannot write the output")?;
    Ok(server.serve()?)
}

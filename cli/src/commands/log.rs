//! `log`: lists the events of a machine.

use super::event_text::ShownEvent;
use super::history::{OpenHistory, ValueRenderer, settings};
use crate::args::LogArgs;
use anyhow::{Context, ensure};
use machine::LoggedEvent;
use machine::control::ControlClient;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How often `--follow` asks for new events.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Prints the events.
pub(crate) fn log(args: LogArgs) -> anyhow::Result<()> {
    let mut output = EventOutput { values: ValueRenderer::new(args.print)?, json: args.json };
    let settings = settings(args.evaluation, args.print)?;
    let mut opened = OpenHistory::open(&args.store, settings)?;
    let history = &opened.history;
    let last = args.event.unwrap_or(history.last());
    let first = args.event.unwrap_or((last + 1).saturating_sub(args.last).max(history.first()));
    ensure!(
        (history.first()..=history.last()).contains(&first) || args.event.is_none(),
        "the log has the events from {} to {}, not event {first}",
        history.first(),
        history.last()
    );
    let is_reachable = first > history.first_state();
    if args.no_replay || args.follow || !is_reachable {
        for event in history.events(first, last)? {
            output.write(&ShownEvent::from(&event?))?;
        }
    } else if first <= last {
        let mut replay = history.replay_at(first - 1)?;
        let mut written = Ok(());
        replay.advance(last, |event| {
            if written.is_ok() {
                written = output.write(&ShownEvent::from(&event));
            }
        })?;
        written?;
    }
    let follow_from = history.last();
    opened.store.confirm()?;
    drop(opened);
    if args.follow { follow(&args.store, follow_from, &mut output) } else { Ok(()) }
}

/// Prints further events of a running machine until it stops.
fn follow(store: &Path, mut after: u64, output: &mut EventOutput) -> anyhow::Result<()> {
    let mut client = ControlClient::connect(store)?;
    loop {
        // The machine has stopped, so there are no further events.
        let Ok(events) = client.events(after) else { return Ok(()) };
        for (event, record) in &events {
            let logged = LoggedEvent::decode(*event, record).map_err(anyhow::Error::msg)?;
            output.write(&ShownEvent::from(&logged))?;
            after = *event;
        }
        if events.is_empty() {
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Where events are printed, and how.
struct EventOutput {
    values: ValueRenderer,
    json: bool,
}

impl EventOutput {
    fn write(&mut self, event: &ShownEvent<'_>) -> anyhow::Result<()> {
        let text = if self.json {
            let json = serde_json::to_string(&event.json(&mut self.values));
            json.context("cannot write JSON")? + "\n"
        } else {
            event.text(&mut self.values)
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write the output")
    }
}

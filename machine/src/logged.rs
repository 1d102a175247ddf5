//! [`LoggedEvent`]: an event of the log in the form that other crates read.

use crate::codec::SeedBytes;
use crate::error::AbortReason;
use crate::event::{EventInput, EventOutcome, EventRecord, InputPayload};
use persist::SetAsideId;
use plan::Hash;
use std::time::Duration;

/// An event of the log. Values are seeds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedEvent {
    /// The number of the event.
    pub event: u64,
    /// When it was logged, in nanoseconds since 1970.
    pub time: u64,
    /// The hash of the state before, if the log has it.
    pub before: Option<Hash>,
    /// How it ended.
    pub ending: LoggedEnding,
    /// The inputs, in their order.
    pub inputs: Vec<LoggedInput>,
    /// The size of its record, in bytes.
    pub size: usize,
}

/// How a logged event ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LoggedEnding {
    /// The cog returned a value.
    Succeeded,
    /// The cog called the nat `op` with `arg`. Both are seeds.
    Crashed {
        /// The operation.
        op: Vec<u8>,
        /// Its argument.
        arg: Vec<u8>,
        /// The calls that were in progress, as far as they are known, innermost first.
        calls: Vec<String>,
    },
    /// An earlier version stopped it after this time.
    TimedOut(Duration),
    /// An earlier version aborted it.
    Aborted(AbortReason),
    /// The cog, which had crashed, ran again from the state before.
    Retried,
    /// The program with this hash took over the state.
    Upgraded(Hash),
    /// The state was again the one after this event, which has this hash.
    RolledBack(u64, Hash),
}

impl LoggedEnding {
    /// How the event ended, as the end of a sentence about it. `render` renders a seed.
    pub fn text(&self, mut render: impl FnMut(&[u8]) -> String) -> String {
        match self {
            LoggedEnding::Succeeded => "succeeded".into(),
            LoggedEnding::Crashed { op, arg, .. } => {
                format!("crashed with {} {}", render(op), render(arg))
            }
            LoggedEnding::TimedOut(after) => format!("was stopped after {after:.2?}"),
            LoggedEnding::Aborted(reason) => format!("was stopped: {reason}"),
            LoggedEnding::Retried => "retried: the state is the one before the crash".into(),
            LoggedEnding::Upgraded(program) => format!("upgraded to the program {program}"),
            LoggedEnding::RolledBack(to, _) => {
                format!("rolled back to the state after event {to}")
            }
        }
    }

    /// The calls that were in progress when the event crashed, as far as they are known, innermost
    /// first.
    pub fn calls(&self) -> &[String] {
        match self {
            LoggedEnding::Crashed { calls, .. } => calls,
            _ => &[],
        }
    }
}

/// An input of a logged event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedInput {
    /// The slot of the worker that it is from.
    pub slot: u64,
    /// What kind of input it is.
    pub kind: LoggedInputKind,
    /// The value, a seed. None if the log does not have it.
    pub value: Option<Vec<u8>>,
}

/// The kind of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoggedInputKind {
    /// A driver wrote it.
    Written,
    /// A job has this result.
    JobResult,
    /// A job has a result with this hash, which is too large for the log.
    LargeJobResult(Hash),
    /// A driver wrote it, it was set aside under this id, and it was offered again.
    Offered(SetAsideId),
}

impl LoggedInput {
    /// Which worker the input is from, and how it came, as text.
    pub fn origin(&self) -> String {
        let slot = self.slot;
        match self.kind {
            LoggedInputKind::Written => format!("driver {slot} wrote"),
            LoggedInputKind::JobResult => format!("job {slot} returned"),
            LoggedInputKind::LargeJobResult(hash) => {
                format!("job {slot} returned a value with the hash {hash}")
            }
            LoggedInputKind::Offered(_) => format!("driver {slot} wrote, offered again"),
        }
    }
}

impl LoggedEvent {
    /// Decodes the record of an event.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn decode(event: u64, record: &[u8]) -> Result<LoggedEvent, String> {
        let decoded = EventRecord::decode(record).map_err(|error| error.to_string())?;
        Ok(LoggedEvent::of(event, decoded, record.len()))
    }

    pub(crate) fn of(event: u64, record: EventRecord, size: usize) -> LoggedEvent {
        let EventRecord { time, before, outcome, inputs } = record;
        let ending = match outcome {
            EventOutcome::Succeeded => LoggedEnding::Succeeded,
            EventOutcome::Crashed { op, arg, calls } => {
                LoggedEnding::Crashed { op: op.0, arg: arg.0, calls }
            }
            EventOutcome::TimedOut(after) => LoggedEnding::TimedOut(after),
            EventOutcome::Aborted(1) => LoggedEnding::Aborted(AbortReason::Stack),
            EventOutcome::Aborted(2) => LoggedEnding::Aborted(AbortReason::Memory),
            EventOutcome::Aborted(_) => LoggedEnding::Aborted(AbortReason::Loop),
            EventOutcome::Retried => LoggedEnding::Retried,
            EventOutcome::Upgraded(program) => LoggedEnding::Upgraded(program.hash),
            EventOutcome::RolledBack { to, root } => LoggedEnding::RolledBack(to, root),
        };
        let inputs = inputs.into_iter().map(LoggedInput::from).collect();
        LoggedEvent { event, time, before, ending, inputs, size }
    }
}

impl From<EventInput> for LoggedInput {
    fn from(input: EventInput) -> LoggedInput {
        let (kind, value) = match input.payload {
            InputPayload::Written(value) => (LoggedInputKind::Written, Some(value)),
            InputPayload::JobResult(value) => (LoggedInputKind::JobResult, Some(value)),
            InputPayload::JobResultHash(hash, value) => {
                (LoggedInputKind::LargeJobResult(hash), value)
            }
            InputPayload::Offered(id, value) => (LoggedInputKind::Offered(id), Some(value)),
        };
        LoggedInput { slot: input.slot, kind, value: value.map(|SeedBytes(bytes)| bytes) }
    }
}

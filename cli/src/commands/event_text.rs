//! The events of a log as text and as JSON.

use super::du::time_text;
use super::history::ValueRenderer;
use machine::{LoggedEvent, LoggedInput, LoggedInputKind, LoggedOutput, ReplayedEvent};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// An event, with what a replay adds to it.
pub(super) struct ShownEvent<'e> {
    logged: &'e LoggedEvent,
    replayed: Option<&'e ReplayedEvent>,
}

impl<'e> From<&'e LoggedEvent> for ShownEvent<'e> {
    fn from(logged: &'e LoggedEvent) -> ShownEvent<'e> {
        ShownEvent { logged, replayed: None }
    }
}

impl<'e> From<&'e ReplayedEvent> for ShownEvent<'e> {
    fn from(replayed: &'e ReplayedEvent) -> ShownEvent<'e> {
        ShownEvent { logged: &replayed.logged, replayed: Some(replayed) }
    }
}

impl ShownEvent<'_> {
    /// The event as lines: a head, then an indented line for each input and output.
    pub(super) fn text(&self, values: &mut ValueRenderer) -> String {
        let LoggedEvent { event, time, ending, inputs, before, .. } = self.logged;
        let mut text = format!(
            "event {event}  {}  {}",
            time_text(*time),
            ending.text(|seed| values.text(seed))
        );
        if let Some(ReplayedEvent { took, state, replaced_functions, .. }) = self.replayed {
            let _ = write!(text, "  in {}  state {state}", duration_text(*took));
            if *replaced_functions {
                text.push_str("  functions replaced");
            }
        } else if let Some(before) = before {
            let _ = write!(text, "  state before {before}");
        }
        text.push('\n');
        if !ending.calls().is_empty() {
            let _ = writeln!(text, "  calls, innermost first:");
            for call in ending.calls() {
                let _ = writeln!(text, "    {call}");
            }
        }
        for input in inputs {
            let from = input.origin();
            push_entry(&mut text, &from, input.value.as_deref(), values);
        }
        for LoggedOutput { slot, key, message } in self.outputs() {
            let to = format!("to driver {slot}, request {key}");
            push_entry(&mut text, &to, Some(message), values);
        }
        text
    }

    /// The event as an object.
    pub(super) fn json(&self, values: &mut ValueRenderer) -> JsonEvent {
        let LoggedEvent { event, time, ending, inputs, before, size } = self.logged;
        let outputs = self.replayed.map(|_| {
            let outputs = self.outputs().iter();
            outputs.map(|output| JsonOutput::of(output, values)).collect()
        });
        JsonEvent {
            event: *event,
            time: time_text(*time),
            ending: ending.text(|seed| values.text(seed)),
            calls: ending.calls().to_vec(),
            size: *size,
            before: before.map(|before| before.to_string()),
            inputs: inputs.iter().map(|input| JsonInput::of(input, values)).collect(),
            outputs,
            nanoseconds: self.replayed.map(|event| event.took.as_nanos() as u64),
            state: self.replayed.map(|event| event.state.to_string()),
            replaced_functions: self.replayed.map(|event| event.replaced_functions),
        }
    }

    fn outputs(&self) -> &[LoggedOutput] {
        self.replayed.map_or(&[], |event| &event.outputs)
    }
}

/// An event with the keys of the JSON output.
#[derive(Serialize)]
pub(super) struct JsonEvent {
    event: u64,
    time: String,
    ending: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<String>,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    inputs: Vec<JsonInput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<Vec<JsonOutput>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nanoseconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_functions: Option<bool>,
}

impl JsonEvent {
    /// Adds to each input its bytes as hexadecimal digits of a seed, from which it can be made again.
    pub(super) fn with_seeds(mut self, inputs: &[LoggedInput]) -> JsonEvent {
        for (json, input) in self.inputs.iter_mut().zip(inputs) {
            json.seed = input.value.as_deref().map(hex);
        }
        self
    }
}

#[derive(Serialize)]
struct JsonInput {
    slot: u64,
    kind: &'static str,
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
}

impl JsonInput {
    fn of(input: &LoggedInput, values: &mut ValueRenderer) -> JsonInput {
        let kind = match input.kind {
            LoggedInputKind::Written => "written",
            LoggedInputKind::JobResult => "job result",
            LoggedInputKind::LargeJobResult(_) => "large job result",
            LoggedInputKind::Offered(_) => "offered",
        };
        let value = input.value.as_deref().map(|value| values.text(value));
        JsonInput { slot: input.slot, kind, value, seed: None }
    }
}

/// A message of a cog with the keys of the JSON output.
#[derive(Serialize)]
pub(super) struct JsonOutput {
    slot: u64,
    key: u64,
    message: String,
}

impl JsonOutput {
    pub(super) fn of(output: &LoggedOutput, values: &mut ValueRenderer) -> JsonOutput {
        let LoggedOutput { slot, key, message } = output;
        JsonOutput { slot: *slot, key: *key, message: values.text(message) }
    }
}

/// Adds an indented line for a value, or several if the value has several.
pub(super) fn push_entry(
    text: &mut String,
    label: &str,
    value: Option<&[u8]>,
    values: &mut ValueRenderer,
) {
    let value = value.map_or_else(|| "(not in the log)".into(), |value| values.text(value));
    match value.split_once('\n') {
        None => {
            let _ = writeln!(text, "  {label}: {value}");
        }
        Some(_) => {
            let _ = writeln!(text, "  {label}:");
            for line in value.lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
}

/// A duration with three digits or so.
pub(super) fn duration_text(duration: Duration) -> String {
    format!("{duration:.2?}")
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

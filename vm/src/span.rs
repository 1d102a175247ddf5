//! [`SpanRecorder`]: the times of laws and traces in a profile.
//!
//! Without a profile, no law and no trace has an instruction or a frame for them.

use plan::{NatRef, Ref, Shape};
use profile::{ProfileDetail, ProfileTrack};
use std::time::{Duration, Instant};

/// The shortest execution of a law that is recorded. Shorter ones, by far the most, would make a
/// profile too large to look at. (prototype: `minDuration`, lib/Fan/Prof.hs)
const SHORTEST_LAW: Duration = Duration::from_micros(5);

/// Where a runtime records the times of traces, and perhaps of laws.
pub(crate) struct SpanRecorder {
    track: ProfileTrack,
    /// The time that the starts in frames are counted from.
    epoch: Instant,
}

impl SpanRecorder {
    pub(crate) fn new(track: ProfileTrack) -> SpanRecorder {
        SpanRecorder { track, epoch: Instant::now() }
    }

    /// Whether the times of laws are recorded.
    pub(crate) fn records_laws(&self) -> bool {
        self.track.detail() == ProfileDetail::Laws
    }

    /// The time since the epoch, in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// Records that the span of `subject`, a called function or the message of a trace, ends now.
    pub(crate) fn end(&self, subject: Ref<'_>, start: u64) {
        let start = self.epoch + Duration::from_nanos(start);
        let (category, name) = match called_law(subject) {
            Some(_) if start.elapsed() < SHORTEST_LAW => return,
            Some(name) => ("law", law_text(&name)),
            None => ("trk", trace_name(subject).unwrap_or_default()),
        };
        self.track.span(category, &name, start, Vec::new());
    }
}

/// The name of the law that a frame belongs to: the law, or its pin, was called.
pub(crate) fn called_law(function: Ref<'_>) -> Option<NatRef<'_>> {
    let law = match function.shape() {
        Shape::Pin(pin) => pin.item(),
        _ => function,
    };
    match law.shape() {
        Shape::Law(law) => Some(law.name()),
        _ => None,
    }
}

/// A law's name as text, or as the number that it is.
fn law_text(name: &NatRef<'_>) -> String {
    let text = name.text().filter(|text| !text.is_empty() && is_printable(text));
    text.unwrap_or_else(|| name.to_natural().to_string())
}

/// The name of a trace's span: the message, or its first item, if that is a text.
/// (prototype: `trkName`, lib/Fan/Eval.hs)
pub(crate) fn trace_name(message: Ref<'_>) -> Option<String> {
    let mut part = message;
    loop {
        let text = match part.shape() {
            Shape::Nat(nat) => nat.text()?,
            Shape::Bar(bytes) => String::from_utf8(bytes.to_vec()).ok()?,
            Shape::Row(items) => {
                part = items.iter().next()?;
                continue;
            }
            _ => return None,
        };
        return is_printable(&text).then_some(text);
    }
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

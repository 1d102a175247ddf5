//! What a machine prints: traces and crashes to standard output, each with the time it was made;
//! notices to standard error.

use crate::terminal;
use machine::{Console, Notice, Origin};
use rex::print::Colour;
use std::io::{self, Write};
use vm::{Ref, show};

/// A trace of more parts than this is not printed in full: shared parts print as often as they
/// occur.
const PARTS_MAX: usize = 1 << 20;

/// The terminal, or whatever standard output is.
pub(crate) struct Terminal {
    colour: Colour,
}

impl Terminal {
    pub(crate) fn new() -> Terminal {
        Terminal { colour: terminal::stdout_colour() }
    }

    fn stamped(&self, kind: &str, value: Ref<'_>, at: jiff::Timestamp) -> String {
        let time = format!("{at:.9}");
        if show::is_larger_than(value, PARTS_MAX) {
            return format!("\n++ [%{kind} {{{time}}}]\n++ {{a value too large to print}}\n\n");
        }
        show::stamped_text(kind, &time, value, self.colour)
    }
}

impl Console for Terminal {
    fn trace_text(&self, message: Ref<'_>, at: jiff::Timestamp) -> String {
        self.stamped("trk", message, at)
    }

    fn crash_text(&self, who: Origin, op: Ref<'_>, arg: Ref<'_>, at: jiff::Timestamp) -> String {
        let kind = format!("{who} crashed with {}", show::value_text(op).trim_end());
        self.stamped(&kind, arg, at)
    }

    fn show(&self, text: &str) {
        let mut out = io::stdout().lock();
        // A machine goes on when nobody listens any more.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn notice(&self, notice: &Notice) {
        let _ = writeln!(io::stderr(), "pallas: {notice}");
    }
}

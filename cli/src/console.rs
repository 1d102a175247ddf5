//! The output of a running machine: traces and crashes go to standard output, each with its time;
//! notices go to standard error.

use crate::terminal;
use machine::{Console, ConsoleNotice, ReportOrigin};
use plan::Ref;
use rex::print::Colour;
use std::io::{self, Write};

/// A value with more parts than this is not printed. A shared part counts as often as it occurs,
/// because it is printed as often.
const MAX_PARTS: usize = 1 << 20;

/// The console of a machine that this process runs.
pub(crate) struct StdioConsole {
    colour: Colour,
}

impl StdioConsole {
    pub(crate) fn new() -> StdioConsole {
        StdioConsole { colour: terminal::stdout_colour() }
    }

    fn stamped(&self, kind: &str, value: Ref<'_>, at: jiff::Timestamp) -> String {
        let time = format!("{at:.9}");
        if plan::is_larger_than(value, MAX_PARTS) {
            return format!("\n++ [%{kind} {{{time}}}]\n++ {{a value too large to print}}\n\n");
        }
        let text = show::stamped_text(kind, &time, value, self.colour);
        // A damaged pin reads as 0. The evaluation ends with a report of the damage.
        if value.check_damage().is_err() { String::new() } else { text }
    }
}

impl Console for StdioConsole {
    fn trace_text(&self, message: Ref<'_>, at: jiff::Timestamp) -> String {
        self.stamped("trk", message, at)
    }

    fn crash_text(
        &self,
        who: ReportOrigin,
        op: Ref<'_>,
        arg: Ref<'_>,
        at: jiff::Timestamp,
    ) -> String {
        let kind = format!("{who} crashed with {}", show::value_text(op).trim_end());
        self.stamped(&kind, arg, at)
    }

    fn show(&self, text: &str) {
        let mut out = io::stdout().lock();
        // A closed standard output must not stop the machine.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn notice(&self, notice: &ConsoleNotice) {
        let _ = writeln!(io::stderr(), "pallas: {notice}");
    }
}

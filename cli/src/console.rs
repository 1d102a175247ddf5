//! The output of a running machine: traces and crashes go to standard output, each with its time;
//! notices go to standard error.

use machine::{Console, ConsoleNotice, ReportOrigin};
use plan::Ref;
use show::PrintOptions;
use std::io::{self, Write};

/// The console of a machine that this process runs.
pub(crate) struct StdioConsole {
    options: PrintOptions,
}

impl StdioConsole {
    /// Makes a console whose texts have the limit for messages of `options`.
    pub(crate) fn new(options: PrintOptions) -> StdioConsole {
        let limit = options.limit.for_messages();
        StdioConsole { options: PrintOptions { limit, ..options } }
    }

    fn stamped(&self, kind: &str, value: Ref<'_>, at: jiff::Timestamp) -> String {
        let text = show::stamped_text(kind, &format!("{at:.9}"), value, self.options);
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
        let op = show::value_text(op, self.options.limit);
        let kind = format!("{who} crashed with {}", op.trim_end());
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

//! The output of a running machine: traces and crashes go to standard output, each with its time;
//! notices go to standard error.

use crate::progress;
use crate::terminal;
use indicatif::ProgressBar;
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
    /// Shows the progress of a replay, if it is to be shown.
    replay: Option<ProgressBar>,
    /// The line below the output that shows the status, if it is to be shown.
    status: Option<ProgressBar>,
}

impl StdioConsole {
    /// A console that shows a progress bar for the replay, or none, and has this status line.
    pub(crate) fn new(shows_replay: bool, status: Option<ProgressBar>) -> StdioConsole {
        let replay = shows_replay.then(|| progress::items_and_rate("replaying"));
        StdioConsole { colour: terminal::stdout_colour(), replay, status }
    }

    /// Writes while the status line is hidden.
    fn write(&self, write: impl FnOnce()) {
        match &self.status {
            Some(status) => status.suspend(write),
            None => write(),
        }
    }

    /// Removes the progress bar of the replay.
    pub(crate) fn end_replay(&self) {
        self.replay.iter().for_each(ProgressBar::finish_and_clear);
    }

    fn stamped(&self, kind: &str, value: Ref<'_>, at: jiff::Timestamp) -> String {
        let time = format!("{at:.9}");
        if plan::is_larger_than(value, MAX_PARTS) {
            return format!("\n++ [%{kind} {{{time}}}]\n++ {{a value too large to print}}\n\n");
        }
        show::stamped_text(kind, &time, value, self.colour)
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

    fn replay_progress(&self, done: u64, total: u64) {
        if let Some(bar) = &self.replay {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    fn show(&self, text: &str) {
        self.write(|| {
            let mut out = io::stdout().lock();
            // A closed standard output must not stop the machine.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
    }

    fn notice(&self, notice: &ConsoleNotice) {
        self.write(|| {
            let _ = writeln!(io::stderr(), "pallas: {notice}");
        });
    }
}

//! The output of a running machine: traces and crashes go to standard output, each with its time;
//! notices go to standard error.

use crate::args::Verbosity;
use crate::terminal;
use indicatif::ProgressBar;
use machine::{Console, ConsoleNotice, ReportOrigin};
use plan::Ref;
use show::PrintOptions;
use std::io::{self, Write};

/// The console of a machine that this process runs.
pub(crate) struct StdioConsole {
    options: PrintOptions,
    /// Shows the progress of a replay, if it is to be shown.
    replay: Option<ProgressBar>,
    /// The line below the output that shows the status, if it is to be shown.
    status: Option<ProgressBar>,
    /// Whether upgrades are left out, because the caller reports them.
    hides_upgrades: bool,
    /// Whether a crash is shown with the calls that were in progress.
    shows_call_chains: bool,
}

impl StdioConsole {
    /// Makes a console whose texts have the limit for messages of `options`, and which shares its
    /// terminal with these bars.
    pub(crate) fn new(
        options: PrintOptions,
        replay: Option<ProgressBar>,
        status: Option<ProgressBar>,
    ) -> StdioConsole {
        let limit = options.limit.for_messages();
        let shows_call_chains = terminal::shows_call_chains();
        let options = PrintOptions { limit, ..options };
        StdioConsole { options, replay, status, hides_upgrades: false, shows_call_chains }
    }

    /// Leaves out the notices of upgrades.
    pub(crate) fn hiding_upgrades(self) -> StdioConsole {
        StdioConsole { hides_upgrades: true, ..self }
    }

    /// Writes while the bars are hidden.
    fn write(&self, write: impl FnOnce()) {
        match self.replay.iter().chain(&self.status).find(|bar| !bar.is_finished()) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
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

    fn call_chain_text(&self, calls: &[String]) -> String {
        if self.shows_call_chains { terminal::call_chain_text(calls) } else { String::new() }
    }

    fn calls_of_notice(&self, calls: &[String]) {
        if self.shows_call_chains && !calls.is_empty() {
            let text = terminal::call_chain_text(calls);
            self.write(|| {
                let _ = io::stderr().write_all(text.as_bytes());
            });
        }
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
        let is_hidden = self.hides_upgrades && matches!(notice, ConsoleNotice::Upgraded(..));
        let is_quiet = terminal::verbosity() == Verbosity::Quiet;
        if is_hidden || is_quiet && is_information(notice) {
            return;
        }
        self.write(|| {
            let _ = writeln!(io::stderr(), "pallas: {notice}");
        });
    }
}

/// Whether a notice says that something happened as it should.
fn is_information(notice: &ConsoleNotice) -> bool {
    matches!(
        notice,
        ConsoleNotice::Detached
            | ConsoleNotice::Listening(_)
            | ConsoleNotice::Replaying { .. }
            | ConsoleNotice::Retried(_)
            | ConsoleNotice::Upgraded(..)
    )
}

//! Progress bars of long commands, drawn on standard error, and only if that is a terminal and
//! `-q` is not given.

use crate::args::Verbosity;
use crate::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts bytes. `finish_and_clear` removes it from the terminal.
pub(crate) fn bytes(task: &'static str, total: u64) -> ProgressBar {
    bar(task, total, "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} to go")
}

/// A bar that counts items. The caller sets its length when it knows the total.
pub(crate) fn items(task: &'static str) -> ProgressBar {
    bar(task, 0, "{msg} {wide_bar} {pos} of {len}, {eta} to go")
}

/// A bar that counts items, with their rate. The caller sets its length when it knows the total.
pub(crate) fn items_and_rate(task: &'static str) -> ProgressBar {
    bar(task, 0, "{msg} {wide_bar} {pos} of {len}, {per_sec}, {eta} to go")
}

/// A line of text that the caller sets again and again.
pub(crate) fn line() -> ProgressBar {
    bar("", 0, "{msg}")
}

fn bar(task: &'static str, total: u64, style: &str) -> ProgressBar {
    // indicatif draws nothing if standard error is not a terminal.
    let target = match terminal::verbosity() {
        Verbosity::Quiet => ProgressDrawTarget::hidden(),
        Verbosity::Normal | Verbosity::Verbose => ProgressDrawTarget::stderr(),
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(task);
    bar
}

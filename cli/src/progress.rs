//! A bar that shows how far a long command has come: on standard error, and only on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of so many bytes, which is gone when the command ends.
pub(crate) fn bytes(what: &'static str, total: u64) -> ProgressBar {
    bar(what, total, "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} to go")
}

/// The same of things that are counted, as soon as their number is known.
pub(crate) fn items(what: &'static str) -> ProgressBar {
    bar(what, 0, "{msg} {wide_bar} {pos} of {len}, {eta} to go")
}

fn bar(what: &'static str, total: u64, style: &str) -> ProgressBar {
    // Draws nothing where standard error is no terminal.
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

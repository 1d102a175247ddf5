//! Reports about evaluations: traces and failures, rendered to text immediately, on the thread of
//! the heap.
//!
//! Drivers and jobs see only durable data, so their reports are shown immediately. The reports of
//! the cog wait in a [`TraceBuffer`] until the event that they belong to is durable. Those of a
//! driver's call that may be abandoned and made again wait until the call has ended.

use crate::clock::Clock;
use crate::console::{Console, ConsoleNotice, ReportOrigin};
use crate::error::AbortReason;
use crate::settings::MachineSettings;
use plan::{EvalError, Val};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use vm::{CallChain, Vm};

/// The most text that a buffer holds, in bytes. Further texts are counted and dropped.
const BUFFER_LIMIT: usize = 64 << 20;

/// A report, ready to be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ConsoleMessage {
    /// The text of a trace or a crash.
    Text(String),
    /// Any other report.
    Notice(ConsoleNotice),
    /// A notice about an evaluation, and the calls that were in progress, innermost first.
    NoticeWithCalls(ConsoleNotice, Vec<String>),
}

impl ConsoleMessage {
    /// Reports that an evaluation ended without a value, with the calls that were in progress.
    pub(crate) fn of_failure(
        settings: &MachineSettings,
        vm: &Vm,
        chain: &CallChain,
        origin: ReportOrigin,
        stop: &EvalError,
    ) -> ConsoleMessage {
        let calls = call_lines(vm, chain);
        let notice = match (stop, AbortReason::of(stop)) {
            (EvalError::Crash { op, arg }, _) => {
                return ConsoleMessage::of_crash(settings, vm, &calls, origin, (op, arg));
            }
            (_, Some(reason)) => ConsoleNotice::Aborted(origin, reason),
            (_, None) => ConsoleNotice::Damaged(origin, stop.to_string()),
        };
        ConsoleMessage::of_notice(notice, calls)
    }

    /// Reports that an evaluation called the nat `op` with `arg` while these calls were in progress.
    pub(crate) fn of_crash(
        settings: &MachineSettings,
        vm: &Vm,
        calls: &[String],
        origin: ReportOrigin,
        (op, arg): (&Val, &Val),
    ) -> ConsoleMessage {
        let (op, arg) = (vm.look(op), vm.look(arg));
        let mut text = settings.console.crash_text(origin, op, arg, settings.clock.now());
        if !calls.is_empty() {
            text += &settings.console.call_chain_text(calls);
        }
        ConsoleMessage::Text(text)
    }

    /// A notice about an evaluation in which these calls were in progress, if they are known.
    pub(crate) fn of_notice(notice: ConsoleNotice, calls: Vec<String>) -> ConsoleMessage {
        if calls.is_empty() {
            return ConsoleMessage::Notice(notice);
        }
        ConsoleMessage::NoticeWithCalls(notice, calls)
    }

    /// Shows the report.
    pub(crate) fn show(&self, console: &dyn Console) {
        match self {
            ConsoleMessage::Text(text) => console.show(text),
            ConsoleMessage::Notice(notice) => console.notice(notice),
            ConsoleMessage::NoticeWithCalls(notice, calls) => {
                console.notice(notice);
                console.calls_of_notice(calls);
            }
        }
    }
}

/// The calls that were in progress when an evaluation failed, as texts, innermost first.
pub(crate) fn call_lines(vm: &Vm, chain: &CallChain) -> Vec<String> {
    chain.lines(vm, |_, _| None)
}

/// Shows the traces of a driver's or job's heap as they are made.
pub(crate) fn show_at_once(vm: &mut Vm, settings: &Arc<MachineSettings>) {
    let settings = Arc::clone(settings);
    vm.on_trace(move |message| {
        settings.console.show(&settings.console.trace_text(message, settings.clock.now()));
    });
}

#[derive(Default)]
struct Buffer {
    is_silent: bool,
    contents: BufferContents,
}

/// The reports of one evaluation.
#[derive(Default)]
pub(crate) struct BufferContents {
    messages: Vec<ConsoleMessage>,
    /// Size of the texts, in bytes.
    text_size: usize,
    dropped: u64,
}

/// The reports that a heap has made and that were not taken yet. Clones share one buffer.
#[derive(Clone, Default)]
pub(crate) struct TraceBuffer(Rc<RefCell<Buffer>>);

impl TraceBuffer {
    /// Collects the traces of a heap.
    pub(crate) fn attach(&self, vm: &mut Vm, console: &Arc<dyn Console>, clock: &Arc<dyn Clock>) {
        let (buffer, console, clock) = (self.clone(), Arc::clone(console), Arc::clone(clock));
        vm.on_trace(move |message| {
            if !buffer.0.borrow().is_silent {
                buffer.push(ConsoleMessage::Text(console.trace_text(message, clock.now())));
            }
        });
    }

    /// Sets whether traces are dropped without a notice, as they are during a replay. Returns whether
    /// they were.
    pub(crate) fn set_silent(&self, is_silent: bool) -> bool {
        std::mem::replace(&mut self.0.borrow_mut().is_silent, is_silent)
    }

    /// Exchanges the reports in the buffer, when another evaluation goes on.
    pub(crate) fn exchange(&self, other: &mut BufferContents) {
        std::mem::swap(&mut self.0.borrow_mut().contents, other);
    }

    /// Adds a report.
    pub(crate) fn push(&self, message: ConsoleMessage) {
        let buffer = &mut self.0.borrow_mut().contents;
        if let ConsoleMessage::Text(text) = &message {
            if buffer.text_size + text.len() > BUFFER_LIMIT {
                buffer.dropped += 1;
                return;
            }
            buffer.text_size += text.len();
        }
        buffer.messages.push(message);
    }

    /// Whether a text was dropped since the reports were taken.
    pub(crate) fn has_dropped(&self) -> bool {
        self.0.borrow().contents.dropped > 0
    }

    /// Removes and returns the reports, in the order in which they were made. If texts were
    /// dropped, the last report says how many.
    pub(crate) fn take(&self) -> Vec<ConsoleMessage> {
        let buffer = &mut self.0.borrow_mut().contents;
        buffer.text_size = 0;
        let mut messages = std::mem::take(&mut buffer.messages);
        if buffer.dropped > 0 {
            let dropped = std::mem::take(&mut buffer.dropped);
            messages.push(ConsoleMessage::Notice(ConsoleNotice::TracesDropped(dropped)));
        }
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(size: usize) -> ConsoleMessage {
        ConsoleMessage::Text("x".repeat(size))
    }

    #[test]
    fn texts_beyond_the_limit_are_counted_and_dropped() {
        let buffer = TraceBuffer::default();
        buffer.push(text(BUFFER_LIMIT - 1));
        buffer.push(text(2));
        buffer.push(ConsoleMessage::Notice(ConsoleNotice::TooLarge(ReportOrigin::Cog)));
        buffer.push(text(1));
        buffer.push(text(1));
        let expected = [
            text(BUFFER_LIMIT - 1),
            ConsoleMessage::Notice(ConsoleNotice::TooLarge(ReportOrigin::Cog)),
            text(1),
            ConsoleMessage::Notice(ConsoleNotice::TracesDropped(2)),
        ];
        // `assert_eq` would print 64 MiB.
        assert!(buffer.take() == expected);
        // The room and the count are those of one event.
        buffer.push(text(BUFFER_LIMIT));
        assert!(buffer.take() == [text(BUFFER_LIMIT)]);
        assert_eq!(buffer.take(), []);
    }
}

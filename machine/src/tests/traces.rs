//! Traces and crash reports: shown once, after what they depend on is durable, each with its origin
//! and the time at which it was made.

use super::harness::{START, TestMachine, render};
use super::programs::{cog, cycle, endless, eval, exec, first_input, keep_inputs, wait, writer};
use super::terms::{PlanExpr, arg, call, law, nat, row, trace};
use crate::clock::{Clock, ManualClock};
use crate::trace::ConsoleMessage;
use crate::{AbortReason, Console, ConsoleNotice, ReportOrigin, RunOutcome};
use crossbeam_channel::{Sender, unbounded};
use jiff::Timestamp;
use plan::Ref;
use std::sync::Arc;
use std::time::Duration;

fn text(text: &str) -> ConsoleMessage {
    ConsoleMessage::Text(text.into())
}

/// A machine whose cog evaluates `effect` around the result of its only event, which finishes it.
fn cog_with(effect: impl Fn(PlanExpr) -> PlanExpr) -> TestMachine {
    let next = call(arg(0), [first_input(arg(4)), arg(2), row([])]);
    let function = law(4, effect(row([next, row([])])));
    TestMachine::boot(&cog(function, nat(7), [exec(writer(nat(5)))]))
        .with(|settings| settings.snapshots = None)
}

#[test]
fn traces_of_the_cog_are_shown_once_in_order_and_not_replayed() {
    let machine = cog_with(|result| trace(nat(33), trace(row([nat(34)]), result)));
    let run = machine.run(|_| false);
    assert_eq!(run.messages, [text("33"), text("[34]")]);
    assert_eq!(run.outcome(), RunOutcome::Finished);
    let again = machine.run(|_| false);
    assert_eq!(again.messages, []);
    assert_eq!(again.outcome(), RunOutcome::Finished);
}

#[test]
fn traces_of_an_event_that_fails_come_before_the_report_of_its_failure() {
    let machine = cog_with(|_| trace(nat(33), call(nat(99), [nat(5)])));
    let run = machine.run(|_| false);
    assert_eq!(run.messages, [text("33"), text("the cog crashed: 99 5")]);
    assert!(matches!(run.outcome(), RunOutcome::Crashed(Some(_))));
    // The crash is part of the state and is reported again; the trace is not.
    assert_eq!(machine.run(|_| false).messages, [text("the cog crashed: 99 5")]);
}

#[test]
fn traces_of_an_event_that_has_not_happened_are_not_shown() {
    let machine = cog_with(|_| trace(nat(33), call(endless(), [nat(0)])));
    assert_eq!(machine.run_into_shutdown().messages, []);
    let set_aside = ConsoleMessage::Notice(ConsoleNotice::SetAside(0, AbortReason::Time));
    // Another clock: the timers of the first run are still set.
    let again = TestMachine::on(machine.disk);
    assert_eq!(again.run_into_limit().messages, [set_aside]);
}

#[test]
fn traces_of_a_driver_are_shown_once() {
    // The driver waits three times, and then makes no request that is answered.
    let mut driver = law(3, trace(arg(3), call(arg(0), [row([])])));
    for _ in 0..2 {
        let request = row([row([nat(0), wait(nat(0))])]);
        driver = law(3, trace(arg(3), call(driver, [request])));
    }
    let driver = call(driver, [row([row([nat(0), wait(nat(0))])])]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    let run = machine.run_until_shown(3);
    assert_eq!(run.messages, [text("0"), text("0"), text("0")]);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
}

/// A machine with a job in slot 1, whose result finishes the cog.
fn job_machine(function: PlanExpr, arguments: Vec<PlanExpr>) -> TestMachine {
    TestMachine::boot(&cog(keep_inputs(), nat(0), [nat(0), eval(function, arguments)]))
        .with(|settings| settings.snapshots = None)
}

#[test]
fn traces_and_crashes_of_a_job_are_shown_once() {
    let machine = job_machine(law(1, trace(arg(1), call(nat(99), [nat(5)]))), vec![nat(33)]);
    let run = machine.run(|_| false);
    assert_eq!(run.messages, [text("33"), text("job 1 crashed: 99 5")]);
    assert_eq!(run.outcome(), RunOutcome::Finished);
    assert_eq!(machine.run(|_| false).messages, []);
}

#[test]
fn a_job_that_a_replay_computes_again_shows_no_traces() {
    let machine =
        job_machine(law(1, trace(nat(33), arg(1))), vec![PlanExpr::Bar(vec![7; 2 << 20])]);
    assert_eq!(machine.run(|_| false).messages, [text("33")]);
    assert_eq!(machine.open().expect("it opens").replayed(), 1);
    assert_eq!(machine.run(|_| false).messages, []);
}

/// A console whose trace texts a function makes.
struct TraceConsole<F> {
    sender: Sender<ConsoleMessage>,
    render: F,
}

impl<F: Fn(Ref<'_>, Timestamp) -> String + Send + Sync> Console for TraceConsole<F> {
    fn trace_text(&self, message: Ref<'_>, at: Timestamp) -> String {
        (self.render)(message, at)
    }

    fn crash_text(&self, origin: ReportOrigin, _: Ref<'_>, _: Ref<'_>, at: Timestamp) -> String {
        format!("{origin} at {}", at.as_second() - START)
    }

    fn show(&self, text: &str) {
        let _ = self.sender.send(ConsoleMessage::Text(text.into()));
    }

    fn notice(&self, notice: &ConsoleNotice) {
        let _ = self.sender.send(ConsoleMessage::Notice(notice.clone()));
    }
}

/// Runs a machine until it ends, with trace texts made by `render`. Returns what it reports.
fn run_with_texts(
    machine: TestMachine,
    render: impl Fn(&ManualClock, Ref<'_>, Timestamp) -> String + Clone + Send + Sync + 'static,
) -> Vec<ConsoleMessage> {
    let (sender, reports) = unbounded();
    let clock = Arc::clone(&machine.clock);
    let machine = machine.with(move |settings| {
        let (render, clock) = (render.clone(), Arc::clone(&clock));
        let render = move |message: Ref<'_>, at: Timestamp| render(&clock, message, at);
        settings.console = Arc::new(TraceConsole { sender: sender.clone(), render });
        settings.snapshots = None;
    });
    machine.run(|_| false).result.expect("the machine ran");
    reports.try_iter().collect()
}

/// Each trace takes a second by the clock.
fn slow_text(clock: &ManualClock, message: Ref<'_>, at: Timestamp) -> String {
    assert_eq!(clock.now(), at);
    clock.advance(Duration::from_secs(1));
    format!("{} at {}", render(message), at.as_second() - START)
}

#[test]
fn reports_have_the_time_at_which_they_were_made() {
    // The three reports of the event are shown together, when it is durable.
    let machine = cog_with(|_| trace(nat(33), trace(nat(34), call(nat(99), [nat(5)]))));
    let expected = [text("33 at 0"), text("34 at 1"), text("the cog at 2")];
    assert_eq!(run_with_texts(machine, slow_text), expected);

    let crashing = law(1, trace(arg(1), call(nat(99), [nat(5)])));
    let reports = run_with_texts(job_machine(crashing, vec![nat(33)]), slow_text);
    assert_eq!(reports, [text("33 at 0"), text("job 1 at 1")]);
}

#[test]
fn traces_that_do_not_fit_the_buffer_are_counted() {
    let machine =
        cog_with(|result| trace(nat(40), trace(nat(41), trace(nat(1), trace(nat(42), result)))));
    // Three of the texts are larger than half of the buffer of 64 MiB.
    let reports = run_with_texts(machine, |_, message, _| {
        let number = render(message);
        if number == "1" { number } else { "0".repeat(33 << 20) + &number }
    });
    let summary: Vec<&str> = reports
        .iter()
        .map(|report| match report {
            ConsoleMessage::Text(text) => text.trim_start_matches('0'),
            ConsoleMessage::Notice(ConsoleNotice::TracesDropped(2)) => "2 dropped",
            _ => "another notice",
        })
        .collect();
    assert_eq!(summary, ["40", "1", "2 dropped"]);
}

#[test]
fn a_driver_reports_its_crash_with_its_slot() {
    let driver = cycle(vec![wait(nat(0)), call(nat(99), [nat(5)])], &[]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [nat(0), nat(0), exec(driver)]));
    let run = machine.run(|messages| !messages.is_empty());
    assert_eq!(run.messages[0], text("driver 2 crashed: 99 5"));
}

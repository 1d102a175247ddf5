//! Events, reads and jobs that exceed a limit: the event has not happened, its inputs are set
//! aside, and the machine goes on.

use super::harness::{LIMIT, MachineFailure, MachineRun, TestMachine, store_settings};
use super::programs::{
    calling, cog, cycle, deep, endless, eval, exec, first_input, harmless, input, keep_inputs,
    read, when, write, writer,
};
use super::terms::{PlanExpr, arg, call, case, first, law, nat, row, second, trace};
use crate::error::{LimitStop, LimitStopCause};
use crate::event::{EventOutcome, EventRecord};
use crate::machine::{MAX_SET_ASIDE, SHUTDOWN_GRACE};
use crate::protocol::CogParts;
use crate::set_aside::SetAsideInput;
use crate::trace::ConsoleMessage;
use crate::{AbortReason, ConsoleNotice, ReportOrigin, RunError, RunOutcome};
use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{Seq, Store};
use std::sync::Arc;
use std::time::Duration;
use vm::Vm;

/// A function whose call needs a few megabytes: it holds a row in a row, 50,000 deep.
fn large() -> PlanExpr {
    let step = law(3, call(arg(1), [arg(3), row([arg(2), arg(2)])]));
    let nest = law(2, case(arg(1), arg(2), call(step, [arg(0), arg(2)])));
    // The row is not a nat, so it counts as 0.
    law(1, case(call(nest, [nat(50_000), nat(0)]), nat(0), law(1, nat(0))))
}

/// A driver that writes this input once, and shows the state after the event.
fn reporter(input: PlanExpr) -> PlanExpr {
    let shows = law(3, trace(arg(3), call(arg(0), [row([])])));
    call(shows, [row([row([nat(0), write(input)]), row([nat(1), read()])])])
}

fn set_aside(slot: u64, reason: AbortReason) -> ConsoleMessage {
    ConsoleMessage::Notice(ConsoleNotice::SetAside(slot, reason))
}

fn aborted(origin: ReportOrigin, reason: AbortReason) -> ConsoleMessage {
    ConsoleMessage::Notice(ConsoleNotice::Aborted(origin, reason))
}

/// The same machine with a heap of one megabyte.
fn with_small_heap(machine: TestMachine) -> TestMachine {
    machine.with(|settings| settings.runtime.heap.max_heap = 1 << 20)
}

/// The same machine, which offers the inputs that were set aside.
fn offering(machine: &TestMachine) -> TestMachine {
    TestMachine::on(machine.disk.clone()).with(|settings| settings.offer_set_aside = true)
}

impl TestMachine {
    /// Runs the machine until it has reported this often.
    fn run_until_reported(&self, reports: usize) -> MachineRun {
        self.run(|messages| messages.len() >= reports)
    }

    /// The inputs that are set aside.
    pub(crate) fn set_aside(&self) -> Vec<SetAsideInput> {
        let disk = Arc::new(self.disk.clone());
        let store = Store::open_on(disk, store_settings()).expect("it opens");
        let list = store.set_aside_inputs().expect("readable");
        assert_eq!(list.damaged, []);
        let decoded = |record: persist::SetAsideRecord| SetAsideInput::decode(&record.payload);
        list.records.into_iter().map(|record| decoded(record).expect("ours")).collect()
    }
}

#[test]
fn an_event_that_needs_too_much_memory_happens_with_more() {
    let machine = TestMachine::boot(&calling([exec(reporter(input(large(), 5)))]));
    let machine = with_small_heap(machine);
    // The driver begins anew at once, and then pauses.
    let run = machine.run_until_reported(2);
    assert_eq!(run.messages, vec![set_aside(0, AbortReason::Memory); 2]);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    assert_eq!(machine.state(), "0 7");
    assert_eq!(machine.open().expect("it opens").replayed(), 0, "nothing was logged");
    let inputs = machine.set_aside();
    assert!(inputs.iter().all(|it| it.slot == 0 && it.reason == AbortReason::Memory.into()));
    assert!(inputs.iter().all(|it| it.after == 0 && it.time == 1_764_000_000_000_000_000));
    assert_eq!(inputs.len(), 2);

    // Without `offer_set_aside`, only the driver's new input is applied.
    let enough = TestMachine::on(machine.disk.crash(SurvivingWrites::Everything));
    let run = enough.run_until_reported(1);
    assert_eq!(run.messages, [ConsoleMessage::Text("[[[0 [_ 5]]] 7]".into())]);
    assert_eq!(enough.state(), "0 [[[0 [_ 5]]] 7]");
    assert_eq!(enough.set_aside().len(), 2);
}

#[test]
fn an_input_that_needs_too_much_stack_is_set_aside_and_the_others_are_applied() {
    let writers = [input(harmless(), 1), input(deep(), 2), input(harmless(), 3)];
    let machine = TestMachine::boot(&calling(writers.map(reporter).map(exec)));
    // The other drivers show the state, and the one that begins anew fails once more.
    let run = machine.run_until_reported(4);
    let bad = set_aside(1, AbortReason::Stack);
    assert_eq!(run.messages.iter().filter(|message| **message == bad).count(), 2);
    let state = machine.state();
    assert!(state.contains("[0 [_ 1]]") && state.contains("[2 [_ 3]]"), "{state}");
    assert!(!state.contains("[1 "), "{state}");
}

#[test]
fn an_event_that_exceeds_its_cpu_time_has_not_happened() {
    let machine = TestMachine::boot(&calling([exec(writer(input(endless(), 5)))]));
    let run = machine.run_into_limit();
    assert_eq!(run.messages, [set_aside(0, AbortReason::Time)]);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    assert_eq!(machine.state(), "0 7");
    assert_eq!(machine.open().expect("it opens").replayed(), 0, "nothing was logged");
    assert_eq!(machine.set_aside().len(), 1);
}

#[test]
fn a_process_that_is_stopped_uses_no_cpu_time() {
    let machine = TestMachine::boot(&calling([exec(writer(input(endless(), 5)))]));
    let running = machine.start();
    assert_eq!(machine.clock.wait_for_timer(LIMIT), LIMIT);
    machine.clock.advance(Duration::from_secs(10));
    for _ in 0..3 {
        // Stopped for longer than the limit. Afterwards, the evaluation still has 20 s.
        machine.clock.stop_for(Duration::from_secs(35));
        assert_eq!(machine.clock.wait_for_timer(LIMIT), Duration::from_secs(20));
    }
    assert!(running.reports.is_empty());
    machine.clock.advance(Duration::from_secs(20));
    assert_eq!(running.reports.recv(), Ok(set_aside(0, AbortReason::Time)));
    running.stop();
    machine.clock.advance(SHUTDOWN_GRACE);
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
}

#[test]
fn a_read_that_is_aborted_has_no_answer_and_its_driver_begins_anew() {
    let driver = cycle(vec![when(), read()], &[0, 1]);
    let time = ConsoleMessage::Text("1764000000".into());
    let reading = |function: PlanExpr| {
        let reads = law(3, call(function, [arg(1)]));
        TestMachine::boot(&call(keep_inputs(), [nat(7), reads, row([exec(driver.clone())])]))
    };
    let run = reading(deep()).run_until_reported(4);
    let failed = aborted(ReportOrigin::Read(0), AbortReason::Stack);
    assert_eq!(run.messages, [time.clone(), failed.clone(), time.clone(), failed]);

    // A limit of its own: calls of the driver set timers too.
    let limit = LIMIT / 3;
    let machine = reading(endless()).with(move |settings| settings.limits.read = Some(limit));
    let running = machine.start();
    machine.clock.wait_for_timer(limit);
    machine.clock.advance(limit);
    let reports: Vec<_> = running.reports.iter().take(3).collect();
    let after = ConsoleMessage::Text("1764000010".into());
    assert_eq!(reports, [time, aborted(ReportOrigin::Read(0), AbortReason::Time), after]);
    // The driver reads again.
    machine.clock.wait_for_timer(limit);
    running.stop();
    machine.clock.advance(SHUTDOWN_GRACE);
    let run = running.join(Vec::new());
    assert_eq!(run.messages, []);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    assert_eq!(machine.set_aside(), []);
}

#[test]
fn a_job_that_exceeds_its_cpu_time_gives_an_empty_row() {
    let workers = [nat(0), eval(endless(), [nat(0)])];
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), workers)).with(|settings| {
        settings.limits.job = Some(LIMIT);
        settings.snapshots = None;
    });
    let running = machine.start();
    machine.clock.wait_for_timer(LIMIT);
    machine.clock.advance(LIMIT);
    let run = running.join(Vec::new());
    assert_eq!(run.messages, [aborted(ReportOrigin::Job(1), AbortReason::Time)]);
    assert_eq!(run.outcome(), RunOutcome::Finished);
    // The result is in the log, so a replay has the same state and no limit.
    assert_eq!(machine.open().expect("it opens").replayed(), 1);
    assert_eq!(machine.state(), "1 [[1 []]]");
}

#[test]
fn a_machine_stops_after_ten_set_aside_inputs_in_a_row() {
    let writers = (0..12).map(|number| exec(writer(input(deep(), number))));
    let machine = TestMachine::boot(&calling(writers));
    for starts in 1..3 {
        let run = machine.run(|_| false);
        let (reason, cause) = (AbortReason::Stack, LimitStopCause::SetAsideInRow(MAX_SET_ASIDE));
        assert_eq!(run.messages.len(), 10);
        assert_eq!(run.outcome(), RunOutcome::LimitExceeded(LimitStop { reason, cause }));
        assert_eq!(machine.state(), "0 7");
        assert_eq!(machine.set_aside().len(), 10 * starts);
    }
}

#[test]
fn a_machine_stops_where_there_is_nothing_to_set_aside_and_the_next_start_tries_again() {
    // The result of the job is [[function 5]], an input like those of the drivers but in a row.
    let give = law(2, first(arg(2)));
    let unwrapped = law(1, call(first(first(first(arg(1)))), [nat(0)]));
    let value = |inputs: PlanExpr| second(first(inputs));
    let next = call(arg(0), [nat(8), arg(2), row([])]);
    let handler =
        law(4, case(call(unwrapped, [row([value(arg(4))])]), row([next, row([])]), law(1, nat(0))));
    let job = eval(give, [nat(0), row([input(large(), 5)])]);
    let machine = with_small_heap(TestMachine::boot(&cog(handler, nat(7), [nat(0), job])));
    for _ in 0..2 {
        let run = machine.run(|_| false);
        assert_eq!(run.messages, []);
        let (reason, cause) = (AbortReason::Memory, LimitStopCause::JobResult(1));
        assert_eq!(run.outcome(), RunOutcome::LimitExceeded(LimitStop { reason, cause }));
        assert_eq!(machine.state(), "0 7");
        assert_eq!(machine.set_aside(), []);
    }
    let enough = TestMachine::on(machine.disk);
    assert_eq!(enough.run(|_| false).outcome(), RunOutcome::Finished);
    assert_eq!(enough.state(), "1 8");
}

#[test]
fn inputs_that_were_set_aside_are_offered_on_request() {
    let workers = [exec(writer(input(large(), 5))), exec(writer(input(deep(), 6)))];
    let machine = with_small_heap(TestMachine::boot(&calling(workers)));
    machine.run_until_reported(4);
    assert_eq!(machine.set_aside().len(), 4);
    // Too much stack is too much again. Two inputs of the first driver are applied, and the one
    // that it writes now; its input of the second event is the same as that of the first.
    let offered = offering(&machine);
    let run = offered.run_until_reported(4);
    let not_applied = ConsoleNotice::NotApplied(1, AbortReason::Stack.to_string());
    assert_eq!(run.messages[..2], vec![ConsoleMessage::Notice(not_applied); 2]);
    assert_eq!(run.messages[2..], vec![set_aside(1, AbortReason::Stack); 2]);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    let state = offered.state();
    assert!(state.matches("[0 [_ 5]]").count() >= 2, "{state}");
    let left = offered.set_aside();
    assert_eq!(left.len(), 4, "two of before and two of this run");
    assert!(left.iter().all(|it| it.slot == 1));
    // A replay does not offer them again.
    let again = offering(&offered).with(|settings| settings.replay = crate::ReplayFrom::Earliest);
    assert_eq!(again.state(), state);
}

#[test]
fn an_input_whose_driver_is_gone_stays_set_aside() {
    // An event ends all workers. The last slot is not 0, so the cog goes on.
    let next = call(arg(0), [nat(8), arg(2), row([nat(0), nat(0), nat(1)])]);
    let function = first(first_input(arg(4)));
    let handler = law(4, case(call(function, [nat(0)]), row([next, row([])]), law(1, nat(0))));
    let last = exec(cycle(vec![when()], &[]));
    let bad = exec(writer(input(deep(), 6)));
    let machine = TestMachine::boot(&cog(handler, nat(7), [bad, nat(0), last]));
    machine.run_until_reported(2);
    assert_eq!(machine.set_aside().len(), 2);
    super::disk::append(&machine, &logged(EventOutcome::Succeeded, harmless()).encode());
    let run = offering(&machine).run_until_reported(2);
    let problem = "there is no driver in its slot".to_owned();
    assert_eq!(
        run.messages,
        vec![ConsoleMessage::Notice(ConsoleNotice::NotApplied(0, problem)); 2]
    );
    assert_eq!(machine.state(), "0 8");
    assert_eq!(machine.set_aside().len(), 2);
}

/// An event in which driver 0 wrote an input with this function.
fn logged(outcome: EventOutcome, function: PlanExpr) -> EventRecord {
    let mut vm = Vm::new(super::terms::options(), Default::default()).expect("a small heap");
    let value = input(function, 5).value(&mut vm);
    let value = crate::codec::serialize(&vm, &value).expect("small");
    let payload = crate::event::InputPayload::Written(value);
    let inputs = vec![crate::event::EventInput { slot: 0, payload }];
    EventRecord { time: 0, before: None, outcome, inputs }
}

/// The ends by a limit that earlier versions logged.
fn old_outcomes() -> Vec<EventOutcome> {
    let timed_out = EventOutcome::TimedOut(Duration::from_secs(30));
    [timed_out].into_iter().chain((1..=3).map(EventOutcome::Aborted)).collect()
}

#[test]
fn a_log_with_an_end_by_a_limit_is_replayed_to_the_state_before() {
    for outcome in old_outcomes() {
        let machine = TestMachine::boot(&calling([exec(reporter(input(harmless(), 5)))]));
        super::disk::append(&machine, &logged(EventOutcome::Succeeded, harmless()).encode());
        let before = machine.hash();
        super::disk::append(&machine, &logged(outcome, endless()).encode());
        assert_eq!(machine.open().expect("it opens").replayed(), 2);
        assert_eq!(machine.state(), "0 [[[0 [_ 5]]] 7]");
        assert_eq!(machine.hash(), before);
        machine.run_until_reported(1);
        assert_eq!(machine.state(), "0 [[[0 [_ 5]]] [[[0 [_ 5]]] 7]]");
        let all = machine.with(|settings| settings.replay = crate::ReplayFrom::Earliest);
        assert_eq!(all.open().expect("it opens").replayed(), 3);
    }
}

#[test]
fn a_snapshot_of_an_end_by_a_limit_is_started_in_the_state_before() {
    for status in [[3, 30_000_000_000], [4, 1], [4, 2], [4, 3]] {
        let disk = SimDisk::new();
        let store = Store::create_on(Arc::new(disk.clone()), store_settings()).expect("room");
        let mut vm = Vm::new(super::terms::options(), Default::default()).expect("a small heap");
        let cog = calling([exec(reporter(input(harmless(), 5)))]).value(&mut vm);
        assert!(CogParts::of(vm.look(&cog)).has_workers());
        let status = status.map(|number| vm.nat(number));
        let state = vm.row(&[status[0].clone(), status[1].clone(), cog]).expect("room");
        let root = vm.freeze(&state, store.space()).expect("room");
        store.write_snapshot(&root, Seq::START).expect("room");
        store.close().expect("room");
        drop((root, vm));
        let machine = TestMachine::on(disk);
        assert_eq!(machine.state(), "0 7");
        machine.run_until_reported(1);
        assert_eq!(machine.state(), "0 [[[0 [_ 5]]] 7]");
    }
}

/// A driver that shows 1 when it begins, and writes an input that exceeds a limit.
fn showing_writer(number: u64) -> PlanExpr {
    let shows = law(3, trace(nat(1), call(arg(0), [row([])])));
    let write = write(input(deep(), number));
    // The answer arrives before anything that the write causes.
    call(shows, [row([row([nat(1), when()]), row([nat(0), write])])])
}

fn is_log_failure(run: &MachineRun) -> bool {
    matches!(run.result, Err(MachineFailure::Run(RunError::Log(_) | RunError::State(_))))
        || matches!(run.result, Err(MachineFailure::Start(_)))
}

/// The power goes at each operation of the disk in turn.
#[test]
fn no_input_is_lost_when_the_power_goes_while_it_is_set_aside() {
    let writers = [showing_writer(1), showing_writer(2)].map(exec);
    let booted = TestMachine::boot(&calling(writers));
    let (mut failures, mut kept) = (0, 0);
    for step in 1..40 {
        let machine = TestMachine::on(booted.disk.crash(SurvivingWrites::Everything))
            .with(|settings| settings.runtime.heap.max_stack = 1 << 18);
        machine.disk.fail_at(machine.disk.steps() + step, InjectedFault::PowerOff);
        let run = machine
            .run(|messages| messages.iter().filter(|it| it.number() == Some(1)).count() >= 4);
        failures += usize::from(is_log_failure(&run));
        // Each driver shows a number when it begins. It begins anew after its input was set aside.
        let begun = run.numbers().len();
        for survives in
            [SurvivingWrites::Nothing, SurvivingWrites::Everything, SurvivingWrites::Anything(step)]
        {
            let after = TestMachine::on(machine.disk.crash(survives));
            let found = after.set_aside().len();
            assert!(found + 2 >= begun, "step {step}, {survives:?}: {found} of {begun}");
            assert_eq!(after.state(), "0 7");
            kept = kept.max(found);
        }
    }
    assert!(failures > 5 && kept >= 2, "{failures} {kept}");
}

#[test]
fn no_input_is_lost_or_applied_twice_when_the_power_goes_while_it_is_offered() {
    // The only driver writes nothing, and reads after the inputs were offered.
    let booted = TestMachine::boot(&calling([exec(cycle(vec![read()], &[0]))]));
    let value = match logged(EventOutcome::Succeeded, harmless()).inputs.remove(0).payload {
        crate::event::InputPayload::Written(value) => value,
        other => panic!("{other:?}"),
    };
    let disk = Arc::new(booted.disk.clone());
    let store = Store::open_on(disk, store_settings()).expect("it opens");
    for _ in 0..3 {
        let (value, reason) = (value.clone(), AbortReason::Time.into());
        let input = SetAsideInput { time: 0, after: 0, slot: 0, reason, value };
        store.set_aside(&input.encode()).expect("room");
    }
    store.close().expect("a disk that works");
    let (mut failures, mut applied) = (0, 0);
    for step in 1..60 {
        let machine = offering(&TestMachine::on(booted.disk.crash(SurvivingWrites::Everything)))
            .with(|settings| {
                settings.offer_set_aside = true;
                settings.snapshots =
                    Some(crate::SnapshotPolicy { events: 1, ..crate::SnapshotPolicy::default() });
            });
        machine.disk.fail_at(machine.disk.steps() + step, InjectedFault::PowerOff);
        failures += usize::from(is_log_failure(&machine.run_until_reported(1)));
        for survives in
            [SurvivingWrites::Nothing, SurvivingWrites::Everything, SurvivingWrites::Anything(step)]
        {
            let after = TestMachine::on(machine.disk.crash(survives));
            // A start removes the inputs that were applied before the crash.
            let state = after.state();
            let found = after.set_aside().len();
            let events = state.matches("[0 [_ 5]]").count();
            assert_eq!(found + events, 3, "step {step}, {survives:?}: {state}");
            applied = applied.max(events);
        }
    }
    assert!(failures > 5 && applied == 3, "{failures} {applied}");
}

#[test]
fn an_applied_input_is_removed_before_a_replay_writes_a_snapshot() {
    let booted = TestMachine::boot(&calling([exec(cycle(vec![read()], &[0]))]));
    let mut event = logged(EventOutcome::Succeeded, harmless());
    let value = match &event.inputs[0].payload {
        crate::event::InputPayload::Written(value) => value.clone(),
        other => panic!("{other:?}"),
    };
    let disk = Arc::new(booted.disk.clone());
    let store = Store::open_on(disk, store_settings()).expect("it opens");
    for _ in 0..3 {
        let (value, reason) = (value.clone(), AbortReason::Time.into());
        let input = SetAsideInput { time: 0, after: 0, slot: 0, reason, value: value.clone() };
        let id = store.set_aside(&input.encode()).expect("room");
        event.inputs[0].payload = crate::event::InputPayload::Offered(id, value);
        store.append(&event.encode()).expect("room");
    }
    store.close().expect("a disk that works");
    let mut failures = 0;
    for step in 1..30 {
        let machine = TestMachine::on(booted.disk.crash(SurvivingWrites::Everything));
        let machine = machine.with(|settings| {
            settings.snapshots =
                Some(crate::SnapshotPolicy { events: 1, ..crate::SnapshotPolicy::default() });
        });
        machine.disk.fail_at(machine.disk.steps() + step, InjectedFault::PowerOff);
        failures += usize::from(machine.open().is_err());
        for survives in
            [SurvivingWrites::Nothing, SurvivingWrites::Everything, SurvivingWrites::Anything(step)]
        {
            let after = TestMachine::on(machine.disk.crash(survives));
            let state = after.state();
            assert_eq!(state.matches("[0 [_ 5]]").count(), 3, "step {step}, {survives:?}");
            assert_eq!(after.set_aside(), [], "step {step}, {survives:?}: they are applied");
        }
    }
    assert!(failures > 5, "{failures}");
}

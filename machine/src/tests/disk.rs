//! Disks that are full or damaged, and stores that hold no machine or are in use.

use super::harness::{MachineFailure, TestMachine};
use super::programs::{cog, counter, cycle, exec, keep_inputs, read, writer};
use super::terms::{self, PlanExpr, arg, call, law, nat, row};
use crate::event::{EventInput, EventOutcome, EventRecord, InputPayload};
use crate::trace::ConsoleMessage;
use crate::{BootError, BootOptions, ConsoleNotice, Machine, RunError, StartError};
use crossbeam_channel::unbounded;
use persist::Store;
use plan::Hash;
use runtime::RuntimeBuilder;
use std::sync::Arc;

#[test]
fn a_full_disk_delays_the_counter_and_loses_nothing() {
    let machine = TestMachine::boot(&counter()).with(|settings| settings.snapshots = None);
    let used: usize = machine.disk.files().values().map(Vec::len).sum();
    machine.disk.set_capacity(Some(used + 2000));
    let disk = machine.disk.clone();
    let run = machine.run(|messages| {
        if matches!(messages.last(), Some(ConsoleMessage::Notice(ConsoleNotice::DiskFull(_)))) {
            disk.set_capacity(None);
        }
        messages.contains(&ConsoleMessage::Notice(ConsoleNotice::DiskHasRoom))
            && messages.last().is_some_and(|last| last.number().is_some())
    });
    let numbers = run.numbers();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert_eq!(run.outcome(), crate::RunOutcome::Stopped);
}

#[test]
fn damage_in_the_log_is_an_error_with_file_and_offset() {
    let machine = TestMachine::boot(&counter()).with(|settings| settings.snapshots = None);
    machine.run_until_shown(20);
    let files = machine.disk.files();
    let (name, contents) = files.iter().find(|(name, _)| name.starts_with("log/")).expect("a log");
    let middle = contents.len() / 2;
    let mut damaged = contents.clone();
    damaged[middle] ^= 1;
    machine.disk.overwrite(name, &damaged);
    let run = machine.run(|_| true);
    let Err(MachineFailure::Start(error)) = run.result else { panic!("it started") };
    let message = error.to_string();
    assert!(message.contains(name) && message.contains("byte"), "{message}");
}

/// The name and contents of the file that has a machine's pins, and the offset of each pin.
fn pins(machine: &TestMachine) -> (String, Vec<u8>, Vec<usize>) {
    let files = machine.disk.files();
    let bodies = files.into_iter().find(|(name, _)| name.starts_with("bodies/"));
    let (name, contents) = bodies.expect("a file of pins");
    let store =
        Store::open_on(Arc::new(machine.disk.clone()), Default::default()).expect("it opens");
    let mut offsets = Vec::new();
    let base = plan::pinspace::range::BASE;
    let visit = |entry: &persist::CatalogueEntry| {
        offsets.push((entry.address() as usize - base) % plan::pinspace::range::SLOT_SIZE);
    };
    store.each_pin(visit).expect("an undamaged catalogue");
    (name, contents, offsets)
}

/// Runs a machine with each of its pins damaged in turn: one bit of the pin is flipped. Checks that
/// the error of each run names the file and the offset, and returns the errors.
fn run_with_each_pin_damaged(
    machine: &TestMachine,
    mut run: impl FnMut() -> super::harness::MachineRun,
) -> Vec<MachineFailure> {
    let (name, contents, offsets) = pins(machine);
    assert!(offsets.len() >= 2, "the root refers to other pins");
    let mut failures = Vec::new();
    for offset in offsets {
        let mut damaged = contents.clone();
        damaged[offset + 66] ^= 1;
        machine.disk.overwrite(&name, &damaged);
        let failure = run().result.expect_err("a pin is damaged");
        let message = match &failure {
            MachineFailure::Start(error) => error.to_string(),
            MachineFailure::Run(error) => error.to_string(),
        };
        assert!(
            message.contains(&name) && message.contains(&format!("byte {offset}")),
            "{message}"
        );
        machine.disk.overwrite(&name, &contents);
        failures.push(failure);
    }
    failures
}

#[test]
fn a_damaged_pin_stops_the_machine_and_names_its_file() {
    let machine = TestMachine::boot(&counter());
    run_with_each_pin_damaged(&machine, || machine.run_until_shown(3));
    assert_eq!(machine.run_until_shown(3).outcome(), crate::RunOutcome::Stopped);
}

/// `(unpin x)`: the item of a pin.
fn unpin(x: PlanExpr) -> PlanExpr {
    let skip = |arity| law(arity, nat(0));
    call(nat(1), [law(1, arg(1)), skip(3), skip(2), skip(1), x])
}

#[test]
fn an_event_that_needs_a_damaged_pin_has_not_happened() {
    // The first event looks into the pin that is the state.
    let next = call(arg(0), [unpin(arg(1)), arg(2), row([])]);
    let function = law(4, row([next, row([])]));
    let state = PlanExpr::Pin(Box::new(row([nat(77), nat(78)])));
    let machine = TestMachine::boot(&cog(function, state, [exec(writer(nat(5)))]))
        .with(|settings| settings.snapshots = None);
    let failures = run_with_each_pin_damaged(&machine, || {
        let run = machine.run(|_| false);
        assert_eq!(run.messages, [], "nothing of the event is shown");
        run
    });
    let in_run = |failure: &&MachineFailure| {
        matches!(failure, MachineFailure::Run(RunError::Damaged { .. }))
    };
    assert!(failures.iter().filter(in_run).count() >= 1, "{failures:?}");
    assert_eq!(machine.open().expect("it opens").replayed(), 0, "no event was logged");
    assert_eq!(machine.run(|_| false).outcome(), crate::RunOutcome::Finished);
    assert_eq!(machine.state(), "1 [77 78]");
}

#[test]
fn a_read_that_needs_a_damaged_pin_is_not_answered() {
    let reads = law(3, unpin(arg(1)));
    let driver = exec(cycle(vec![read()], &[0]));
    let state = PlanExpr::Pin(Box::new(row([nat(77), nat(78)])));
    let machine = TestMachine::boot(&call(keep_inputs(), [state, reads, row([driver])]));
    let failures = run_with_each_pin_damaged(&machine, || {
        let run = machine.run(|_| false);
        assert_eq!(run.messages, [], "a read was answered");
        run
    });
    let in_run = |failure: &&MachineFailure| {
        matches!(failure, MachineFailure::Run(RunError::Damaged { .. }))
    };
    assert!(failures.iter().filter(in_run).count() >= 1, "{failures:?}");
    let run = machine.run(|messages| !messages.is_empty());
    assert_eq!(run.messages[0], ConsoleMessage::Text("[77 78]".into()));
}

/// Appends a record to a machine's log.
pub(super) fn append(machine: &TestMachine, payload: &[u8]) {
    let store =
        Store::open_on(Arc::new(machine.disk.clone()), Default::default()).expect("it opens");
    store.append(payload).expect("room");
    store.close().expect("a disk that works");
}

/// The inputs of an event in which driver 0 writes a nat.
fn written(value: u64) -> Vec<EventInput> {
    let mut vm = RuntimeBuilder::bare().heap(terms::options()).build().expect("a small heap");
    let value = vm.nat(value);
    let value = crate::codec::serialize(&vm, &value).expect("a nat");
    vec![EventInput { slot: 0, payload: InputPayload::Written(value) }]
}

#[test]
fn a_record_that_is_not_an_event_is_an_error() {
    let machine = TestMachine::boot(&counter());
    append(&machine, b"not an event");
    let error = machine.open().err().expect("it does not open");
    assert!(matches!(error, StartError::Record { .. }), "{error}");
}

#[test]
fn a_replay_that_diverges_is_an_error() {
    let machine = TestMachine::boot(&counter());
    let good = machine.hash();
    let event = |before| EventRecord {
        time: 0,
        before,
        outcome: EventOutcome::Succeeded,
        inputs: written(5),
    };
    append(&machine, &event(Some(good)).encode());
    machine.open().expect("the state is as recorded");
    append(&machine, &event(Some(good)).encode());
    let Err(StartError::Diverged { seq, expected, found, .. }) = machine.open() else {
        panic!("the count has changed, so the hash is another")
    };
    assert_eq!((seq.0, expected), (2, good));
    assert_ne!(found, good);
    assert_ne!(found, Hash([0; 32]));
}

#[test]
fn an_event_for_a_finished_cog_is_an_error() {
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(writer(nat(5)))]));
    let event =
        EventRecord { time: 0, before: None, outcome: EventOutcome::Succeeded, inputs: written(5) };
    // The first event finishes the cog.
    append(&machine, &event.encode());
    append(&machine, &event.encode());
    let error = machine.open().err().expect("it does not open");
    assert!(matches!(&error, StartError::ReplayFailed { seq, .. } if seq.0 == 2), "{error}");
}

#[test]
fn a_store_in_use_or_without_a_machine_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("machine");
    let other = TestMachine::boot(&counter());
    let settings = || other.settings(unbounded().0);
    let error = Machine::open(&path, settings()).err().expect("there is nothing");
    assert!(error.to_string().contains("machine"), "{error}");

    let mut vm = RuntimeBuilder::bare().heap(terms::options()).build().expect("a small heap");
    // A call that crashes when it is evaluated.
    let (op, argument) = (vm.nat(99), vm.nat(5));
    let main = vm.app(&op, &[argument]).expect("room");
    let error =
        Machine::boot(&path, &mut vm, &main, BootOptions::default()).expect_err("it has no value");
    assert!(matches!(error, BootError::Evaluation(_)), "{error}");
    assert!(!path.exists(), "nothing was created");

    let main = counter().value(&mut vm);
    assert_eq!(
        Machine::boot(&path, &mut vm, &main, BootOptions::default()).expect("booted").workers,
        1
    );
    // The heap may hold pins of the store, which keep it locked.
    drop((main, vm));
    let mut vm = RuntimeBuilder::bare().heap(terms::options()).build().expect("a small heap");
    let main = counter().value(&mut vm);
    let error = Machine::boot(&path, &mut vm, &main, BootOptions::default())
        .expect_err("it is there already");
    assert!(matches!(error, BootError::Exists { .. }), "{error}");
    let first = Machine::open(&path, settings()).expect("it opens");
    let error = Machine::open(&path, settings()).err().expect("it is in use");
    assert!(error.to_string().contains("in use"), "{error}");
    drop(first);
    Machine::open(&path, settings()).expect("it is not in use any more");
}

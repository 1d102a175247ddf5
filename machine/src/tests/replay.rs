//! A replay arrives at the states that the live machine had, one by one.
//!
//! The manual clock does not move during an evaluation, so hashing the state seems to cost nothing,
//! and the live machine logs the hash of its state with every event.

use super::harness::TestMachine;
use super::programs::{cog, counter, cycle, eval, exec, first_input, read, when, write, writer};
use super::terms::{PlanExpr, arg, call, law, nat, row, trace};
use super::tiers::TIERS;
use crate::cog::Cog;
use crate::event::{EventOutcome, EventRecord, InputPayload};
use crate::settings::MachineSettings;
use crate::status::MachineState;
use crate::watchdog::Watchdog;
use crate::{ReplayFrom, RunOutcome, SnapshotPolicy, StartError};
use crossbeam_channel::unbounded;
use persist::{LogRecord, Store};
use plan::Hash;
use std::sync::Arc;

/// A machine that writes a snapshot only when it is stopped, so that its log has all events.
fn machine(program: &PlanExpr) -> TestMachine {
    TestMachine::boot(program).with(only_last_snapshot)
}

fn only_last_snapshot(settings: &mut MachineSettings) {
    settings.snapshots = Some(SnapshotPolicy { events: u64::MAX, ..SnapshotPolicy::default() });
}

/// The log of a machine, and the hashes that the live run recorded in it.
struct History {
    events: Vec<EventRecord>,
    /// The hash of the state before each event and, from the last snapshot, after the last event.
    live: Vec<Hash>,
}

/// Calls `read` with the store and all records of its log.
fn with_log<T>(machine: &TestMachine, read: impl FnOnce(&Store, Vec<LogRecord>) -> T) -> T {
    let settings = machine.settings(unbounded().0);
    let store = Store::open_on(Arc::new(machine.disk.clone()), settings.store).expect("a store");
    let oldest = store.snapshots().pop().expect("a snapshot");
    assert_eq!(oldest.covers, persist::Seq::START);
    let records = store.recover_from(&oldest).expect("a log").records;
    let records = records.collect::<Result<_, _>>().expect("readable");
    read(&store, records)
}

impl History {
    fn of(machine: &TestMachine) -> History {
        with_log(machine, |store, records| {
            let events: Vec<EventRecord> = records
                .iter()
                .map(|record| EventRecord::decode(&record.payload).expect("an event"))
                .collect();
            let newest = store.snapshots().remove(0);
            assert_eq!(newest.covers, store.last(), "the snapshot covers all events");
            let before = events.iter().map(|event| event.before.expect("a hash with each event"));
            let live = before.chain([Hash(newest.root)]).collect();
            History { events, live }
        })
    }
}

/// The hash of the state before each event and after the last, by a replay from the first snapshot.
fn replayed_hashes(machine: &TestMachine) -> Vec<Hash> {
    let settings = Arc::new(machine.settings(unbounded().0));
    let watchdog = Arc::new(Watchdog::start(&settings.clock).expect("a thread"));
    with_log(machine, |store, records| {
        let first = store.snapshots().pop().expect("a snapshot");
        let cog = Cog::new(&settings, &watchdog, |vm| {
            let root = store.root(&first).expect("intact");
            MachineState::load(vm, store.path(), &root).map_err(StartError::from)
        });
        let mut cog = cog.expect("the first state");
        let mut hashes = vec![cog.hash().expect("room")];
        for record in records {
            let event = EventRecord::decode(&record.payload).expect("an event");
            cog.replay(&event.inputs, &event.outcome).expect("it applies");
            hashes.push(cog.hash().expect("room"));
        }
        hashes
    })
}

/// Checks that replays of a machine that has run have the states of the live machine, in every
/// tier.
fn assert_replays_agree(machine: TestMachine) -> History {
    let history = History::of(&machine);
    for tier in TIERS {
        let again = TestMachine::on(machine.disk.clone()).with(move |settings| {
            settings.runtime.mode = tier;
            // Collections at other times than in the live run.
            settings.runtime.heap.nursery = 1 << 14;
        });
        let replayed = replayed_hashes(&again);
        assert_eq!(replayed.len(), history.live.len());
        for (index, pair) in replayed.iter().zip(&history.live).enumerate() {
            assert_eq!(pair.0, pair.1, "before event {} in tier {tier:?}", index + 1);
        }
        let again = again.with(move |settings| {
            settings.runtime.mode = tier;
            settings.replay = ReplayFrom::Earliest;
        });
        assert_eq!(again.hash(), history.live[history.live.len() - 1]);
    }
    history
}

#[test]
fn a_replay_has_the_states_of_the_live_counter_in_any_tier() {
    for tier in TIERS {
        let machine = TestMachine::boot(&counter()).with(move |settings| {
            only_last_snapshot(settings);
            settings.runtime.mode = tier;
        });
        assert_eq!(machine.run_until_shown(20).outcome(), RunOutcome::Stopped);
        let history = assert_replays_agree(machine);
        assert!(history.events.len() >= 19);
        // Each event changes the count, so no two states are equal.
        let different: std::collections::HashSet<_> = history.live.iter().collect();
        assert_eq!(different.len(), history.live.len());
    }
}

#[test]
fn a_replay_has_the_states_of_events_with_many_inputs_traces_and_reads() {
    // The state is a list of all inputs of all events.
    let next = call(arg(0), [row([arg(4), arg(1)]), arg(2), arg(3)]);
    let collecting = law(4, trace(nat(1), row([next, row([row([nat(0), nat(0), arg(4)])])])));
    let echoes = cycle(vec![write(row([nat(5), arg(2)]))], &[]);
    let writes = (0..10).map(|number| exec(writer(nat(number))));
    let reads = cycle(vec![when(), read(), write(nat(1))], &[]);
    let workers = [exec(echoes)].into_iter().chain(writes).chain([exec(reads)]);
    let machine = machine(&cog(collecting, nat(0), workers));
    let outcome = machine.run_until_shown(10).outcome();
    assert_eq!(outcome, RunOutcome::Stopped);
    assert_replays_agree(machine);
}

#[test]
fn a_replay_has_the_states_of_jobs_whose_results_are_not_in_the_log() {
    // Each result becomes part of the state, and the next job returns a value that contains it.
    let large = PlanExpr::Bar(vec![7; 2 << 20]);
    let job = |item: PlanExpr| row([nat(0), law(1, arg(1)), row([item])]);
    let state = row([first_input(arg(4)), nat(3)]);
    let next = call(arg(0), [state, arg(2), row([job(row([arg(1), arg(4)]))])]);
    let law = law(4, trace(nat(1), row([next, row([])])));
    let machine = machine(&cog(law, nat(0), [eval(super::terms::law(1, arg(1)), [large])]));
    assert_eq!(machine.run_until_shown(4).outcome(), RunOutcome::Stopped);
    let history = assert_replays_agree(machine);
    let is_by_hash = |event: &EventRecord| {
        matches!(event.inputs[0].payload, InputPayload::JobResultHash(_, None))
    };
    assert!(history.events.len() >= 4 && history.events.iter().all(is_by_hash));
}

#[test]
fn a_replay_has_the_state_after_a_crash_and_after_a_time_limit() {
    let crash = law(1, call(nat(99), [arg(1)]));
    for (function, is_endless) in [(crash, false), (super::programs::endless(), true)] {
        let handler = law(4, call(function, [first_input(arg(4))]));
        let machine = machine(&cog(handler, nat(7), [exec(writer(nat(5)))]));
        let run = if is_endless { machine.run_into_limit() } else { machine.run(|_| false) };
        run.outcome();
        let history = assert_replays_agree(machine);
        assert!(matches!(
            (&history.events[..], is_endless),
            ([EventRecord { outcome: EventOutcome::Crashed { .. }, .. }], false) | ([], true)
        ));
    }
}

#[test]
fn snapshots_have_the_states_of_replays() {
    let machine = TestMachine::boot(&counter()).with(|settings| settings.snapshots = None);
    machine.run_until_shown(20).outcome();
    let all = machine.open().expect("it opens");
    assert!(all.replayed() >= 19);
    drop(all);
    let hash = machine.hash();
    assert_eq!(machine.hash(), hash);
    // The same with a last snapshot. The machine may count further before it stops.
    let machine = TestMachine::on(machine.disk).with(|settings| {
        settings.snapshots = Some(SnapshotPolicy { events: u64::MAX, ..SnapshotPolicy::default() });
    });
    machine.run(|_| true).outcome();
    let mut latest = machine.open().expect("it opens");
    assert_eq!(latest.replayed(), 0, "the last snapshot covers everything");
    let hash = latest.state_hash().expect("room");
    drop(latest);
    let machine = machine.with(|settings| settings.replay = ReplayFrom::Earliest);
    let mut all = machine.open().expect("it opens");
    assert!(all.replayed() >= 19);
    assert_eq!(all.state_hash().expect("room"), hash);
}

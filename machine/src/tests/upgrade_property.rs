//! Random programs and histories: whatever was done to a machine, and wherever the power went, a
//! replay from the beginning arrives at the state that the machine has, and a fork has the state
//! that it was made of.

use super::harness::TestMachine;
use super::programs::cog;
use super::terms::{PlanExpr, arg, call, inc, law, nat, row};
use super::upgrade::{idle, log_input, program, replayed};
use crate::program::UpgradeProgram;
use crate::upgrade_check::UpgradeCheck;
use crate::{Machine, MachineHistory, MachineSettings, SnapshotPolicy};
use crossbeam_channel::unbounded;
use fastrand::Rng;
use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{Retention, StoreInspection};
use persist::{Seq, transfer};
use plan::Hash;
use std::sync::Arc;

/// A random cog: what its state becomes at an event.
fn random_cog(random: &mut Rng) -> PlanExpr {
    let state = match random.u32(..4) {
        0 => inc(arg(1)),
        1 => row([arg(1), nat(random.u64(..100))]),
        2 => row([arg(4), arg(1)]),
        _ => row([PlanExpr::Pin(Box::new(nat(random.u64(..9)))), arg(1), arg(4)]),
    };
    let next = call(arg(0), [state, arg(2), arg(3)]);
    cog(law(4, row([next, row([])])), nat(random.u64(..9)), [idle()])
}

/// A random program: one that keeps the state, one that changes it, or one that fails.
fn random_program(random: &mut Rng) -> UpgradeProgram {
    let main = random_cog(random);
    let PlanExpr::Call(function, args) = main.clone() else { unreachable!("a call") };
    let [_, reads, workers] = args.try_into().unwrap_or_else(|_| unreachable!("three arguments"));
    let migrated = |state: PlanExpr| law(1, call(*function, [state, reads, workers]));
    match random.u32(..5) {
        0 | 1 => program(&main, None),
        2 => program(&main, Some(&migrated(row([nat(random.u64(..9)), arg(1)])))),
        3 => program(&main, Some(&migrated(nat(random.u64(..9))))),
        _ => program(&main, Some(&law(1, call(nat(99), [arg(1)])))),
    }
}

fn keep_all(settings: &mut MachineSettings) {
    settings.snapshots = Some(SnapshotPolicy { events: 5, ..SnapshotPolicy::default() });
    settings.store.retention = Retention { snapshots: 1000, ..Retention::default() };
}

fn machine_on(disk: SimDisk) -> TestMachine {
    TestMachine::on(disk).with(keep_all)
}

/// Does something to a machine while the power may go at a step. Returns whether it was done.
fn attempt(machine: &TestMachine, act: &dyn Fn(&mut Machine) -> bool) -> bool {
    machine.open().is_ok_and(|mut opened| {
        let is_done = act(&mut opened);
        // The power may go when the machine is closed.
        let _ = opened.close();
        is_done
    })
}

/// Does something to a machine, with a loss of power at a random operation of the disk, and checks
/// that it was done whole or not at all. Returns the machine after the crash.
fn with_power_loss(
    machine: &TestMachine,
    random: &mut Rng,
    act: &dyn Fn(&mut Machine) -> bool,
) -> TestMachine {
    let before = machine.hash();
    let whole = machine_on(machine.disk.crash(SurvivingWrites::Everything));
    attempt(&whole, act);
    let after = whole.hash();
    let tried = machine_on(machine.disk.crash(SurvivingWrites::Everything));
    let step = random.u64(1..40);
    tried.disk.fail_at(tried.disk.steps() + step, InjectedFault::PowerOff);
    let is_done = attempt(&tried, act);
    let survives = match random.u32(..3) {
        0 => SurvivingWrites::Nothing,
        1 => SurvivingWrites::Everything,
        _ => SurvivingWrites::Anything(random.u64(..)),
    };
    let crashed = machine_on(tried.disk.crash(survives));
    let found = crashed.hash();
    assert!(found == after || (found == before && !is_done), "step {step}, {survives:?}");
    crashed
}

/// The hash of the state after an event, by a replay.
fn state_at(machine: &TestMachine, event: u64) -> Hash {
    let inspection = StoreInspection::open_on(Arc::new(machine.disk.clone())).expect("a store");
    let history = MachineHistory::open(&inspection, machine.settings(unbounded().0));
    let history = history.expect("a machine");
    history.replay_at(event).expect("reachable").state_hash().expect("room")
}

/// Forks a machine at an event while the power may go, and checks the fork if there is one.
fn check_fork(machine: &TestMachine, event: u64, step: Option<u64>) -> bool {
    let expected = state_at(machine, event);
    let target = SimDisk::new();
    if let Some(step) = step {
        target.fail_at(step, InjectedFault::PowerOff);
    }
    {
        let inspection = StoreInspection::open_on(Arc::new(machine.disk.clone())).expect("a store");
        let forked = transfer::fork_on(&inspection, &target, Some(Seq(event)));
        assert!(forked.is_ok() || step.is_some(), "{forked:?}");
    }
    let target = target.crash(SurvivingWrites::Everything);
    if !target.files().contains_key("FORMAT") {
        return false;
    }
    let fork = machine_on(target);
    assert_eq!(fork.hash(), expected, "the fork at {event}");
    assert_eq!(replayed(&fork), expected, "the fork at {event}, replayed");
    log_input(&fork, 5);
    assert_eq!(replayed(&fork), fork.hash(), "the fork at {event} goes on");
    true
}

fn check_history(seed: u64) -> [usize; 3] {
    let mut random = Rng::with_seed(seed);
    let mut machine = machine_on(TestMachine::boot(&random_cog(&mut random)).disk);
    let mut counts = [0; 3];
    for _ in 0..10 {
        let last = machine.open().expect("it opens").last_event();
        match random.u32(..10) {
            0..4 => (0..random.u64(1..4)).for_each(|number| log_input(&machine, number)),
            4..7 => {
                let program = random_program(&mut random);
                machine = with_power_loss(&machine, &mut random, &|opened| {
                    opened.upgrade(&program, UpgradeCheck::Forced).is_ok()
                });
                counts[0] += 1;
            }
            7..9 if last > 0 => {
                let to = random.u64(..last);
                machine =
                    with_power_loss(&machine, &mut random, &|opened| opened.roll_back(to).is_ok());
                counts[1] += 1;
            }
            _ => {
                let step = random.bool().then(|| random.u64(1..60));
                counts[2] += usize::from(check_fork(&machine, random.u64(..=last), step));
            }
        }
        assert_eq!(replayed(&machine), machine.hash(), "seed {seed}");
    }
    counts
}

#[test]
fn a_replay_from_the_beginning_has_the_state_of_any_history() {
    let counts: Vec<[usize; 3]> = (0..12).map(check_history).collect();
    let sum = |index: usize| counts.iter().map(|count| count[index]).sum::<usize>();
    assert!(sum(0) > 10 && sum(1) > 5 && sum(2) > 5, "{} {} {}", sum(0), sum(1), sum(2));
}

//! A machine behaves the same whether its laws are compiled or not.

use super::harness::TestMachine;
use super::programs::{cog, counter, exec, first_input, writer};
use super::terms::{PlanExpr, arg, call, case, inc, law, nat};
use crate::{ReplayFrom, RunOutcome};
use persist::sim::SimDisk;
use runtime::CompileMode;

pub(super) const TIERS: [CompileMode; 3] =
    [CompileMode::Off, CompileMode::Eager, CompileMode::Tiered];

/// A law whose result is its argument, computed by as many calls.
fn count() -> PlanExpr {
    let again = law(2, inc(call(arg(1), [arg(2)])));
    law(1, case(arg(1), nat(0), call(again, [arg(0)])))
}

/// A law that evaluates two crashes in order, 98 first. It shows which crash comes first, unless
/// its argument is 0.
fn crashing() -> PlanExpr {
    let die = |op| law(1, case(arg(1), nat(0), law(1, call(nat(op), [arg(1)]))));
    // f x y = x, once y is evaluated
    let first = law(2, arg(1));
    let both = law(2, case(arg(2), arg(1), call(first, [arg(1)])));
    law(1, call(both, [call(die(99), [arg(1)]), call(die(98), [arg(1)])]))
}

fn in_tier(disk: SimDisk, mode: CompileMode) -> TestMachine {
    TestMachine::on(disk).with(move |settings| {
        settings.runtime.mode = mode;
        settings.replay = ReplayFrom::Earliest;
    })
}

#[test]
fn replays_in_all_tiers_agree() {
    for live in TIERS {
        let machine = in_tier(TestMachine::boot(&counter()).disk, live);
        assert_eq!(machine.run_until_shown(20).outcome(), RunOutcome::Stopped);
        let hashes = TIERS.map(|tier| in_tier(machine.disk.clone(), tier).hash());
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{live:?}: {hashes:?}");
    }
}

#[test]
fn a_crash_is_the_same_in_any_tier() {
    let mut states = Vec::new();
    for live in TIERS {
        let handler = law(4, call(crashing(), [call(count(), [first_input(arg(4))])]));
        let booted = TestMachine::boot(&cog(handler, nat(7), [exec(writer(nat(5)))]));
        let machine = in_tier(booted.disk, live);
        assert!(matches!(machine.run(|_| false).outcome(), RunOutcome::Crashed(Some(_))));
        for replayed in TIERS {
            let again = in_tier(machine.disk.clone(), replayed);
            states.push((again.state(), again.hash()));
        }
    }
    assert_eq!(states[0].0, "2 98 4 7");
    assert!(states.iter().all(|state| *state == states[0]), "{states:?}");
}

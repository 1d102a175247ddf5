//! Random operations, compared with a model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use persist::Store;
use persist::sim::{SimDisk, SurvivingWrites};
use proptest::prelude::*;
use support::{StoreAction, open_after_crash, run, small};

fn action() -> impl Strategy<Value = StoreAction> {
    prop_oneof![
        6 => (0usize..1200).prop_map(StoreAction::Append),
        3 => Just(StoreAction::Commit),
        5 => (0usize..1200, 0usize..5).prop_map(|(size, edges)| StoreAction::Put { size, edges }),
        1 => Just(StoreAction::CommitPins),
        2 => (0usize..6).prop_map(|back| StoreAction::Snapshot { back }),
        1 => Just(StoreAction::Prune),
        1 => Just(StoreAction::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_reopened_store_equals_its_model(actions in prop::collection::vec(action(), 0..80)) {
        let disk = SimDisk::new();
        let (mut model, done) = run(&disk, &actions);
        prop_assert!(done);
        // `run` drops the store at its end, which makes everything durable.
        model.certain_events = model.events.len();
        model.certain_pins = model.pins.len();
        model.check(&Store::open_on(Arc::new(disk), small()).unwrap());
    }

    #[test]
    fn a_prefix_survives_a_crash(
        actions in prop::collection::vec(action(), 0..80),
        power_off in 1u64..300,
        remains in any::<u64>(),
    ) {
        let disk = SimDisk::new();
        disk.fail_at(power_off, persist::sim::InjectedFault::PowerOff);
        let (mut model, _) = run(&disk, &actions);
        let image = disk.crash(SurvivingWrites::Anything(remains));
        model.check(&open_after_crash(&image, &model).unwrap());
    }
}

//! Operations that fail while the process continues. After an error of the disk, a store accepts no
//! more writes; a full disk stops it only while it is full.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::mpsc;

use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{LogError, PinError, Seq, SnapshotError, Store};
use support::{StoreAction, freeze, open_after_crash, run, small, workload};

fn steady(seed: u64) -> Vec<StoreAction> {
    let mut actions = workload(seed, 80);
    actions.retain(|action| !matches!(action, StoreAction::Reopen));
    actions
}

fn steps(actions: &[StoreAction]) -> u64 {
    let disk = SimDisk::new();
    assert!(run(&disk, actions).1);
    disk.steps()
}

#[test]
fn acknowledged_data_survives_an_error_of_the_disk() {
    let actions = steady(11);
    for step in 1..=steps(&actions) {
        for survives in
            [SurvivingWrites::Nothing, SurvivingWrites::Everything, SurvivingWrites::Anything(step)]
        {
            let disk = SimDisk::new();
            disk.fail_at(step, InjectedFault::Io);
            let (mut model, _) = run(&disk, &actions);
            model.check(&open_after_crash(&disk.crash(survives), &model).unwrap());
        }
    }
}

#[test]
fn a_failed_flush_stops_the_store_for_good() {
    let disk = SimDisk::new();
    let store = Store::create_on(Arc::new(disk.clone()), small()).unwrap();
    store.append(b"one").unwrap();
    store.commit().unwrap();
    let pin = freeze(&store, 1, 10, &[]).unwrap();
    store.append(b"two").unwrap();
    // A write, then the flush.
    disk.fail_at(disk.steps() + 2, InjectedFault::Io);
    let error = store.commit().unwrap_err();
    assert!(matches!(error, LogError::Failed(_)), "{error}");
    assert!(error.to_string().contains("log/00000000000000000001.log"), "{error}");

    assert!(matches!(store.commit(), Err(LogError::Failed(_))));
    assert!(matches!(store.append(b"three"), Err(LogError::Failed(_))));
    assert!(matches!(store.wait_durable(Seq(2)), Err(LogError::Failed(_))));
    assert!(freeze(&store, 2, 10, &[]).is_err());
    assert!(matches!(store.commit_pins(), Err(PinError::Failed(_))));
    let snapshot = store.write_snapshot(&pin, Seq(1));
    assert!(matches!(snapshot, Err(SnapshotError::Failed(_))));
    assert_eq!(store.durable(), Seq(1));
    assert!(store.wait_durable(Seq(1)).is_ok(), "durable events stay durable");
    assert!(store.close().is_err());
    drop(pin);

    // The second event can still be read although the disk does not have it. Only writing it again
    // makes it durable.
    let store = Store::open_on(Arc::new(disk.clone()), small()).unwrap();
    assert_eq!(store.recover().unwrap().records.count(), 2);
    let after = disk.crash(SurvivingWrites::Nothing);
    drop(store);
    let store = Store::open_on(Arc::new(after), small()).unwrap();
    assert_eq!(store.recover().unwrap().records.count(), 2);
}

#[test]
fn a_temporarily_full_disk_loses_nothing() {
    let actions = steady(12);
    let mut delayed = 0;
    for step in 1..=steps(&actions) {
        let disk = SimDisk::new();
        let Ok(store) = Store::create_on(Arc::new(disk.clone()), small()) else { continue };
        if disk.steps() >= step {
            continue;
        }
        disk.fail_at(step, InjectedFault::NoSpace);
        let mut model = support::StoreModel { created: true, ..support::StoreModel::default() };
        for action in &actions {
            if model.step(&store, action) {
                continue;
            }
            if matches!(store.commit(), Err(LogError::Failed(_))) {
                // A flush that finds the disk full is a failed flush.
                break;
            }
            delayed += 1;
            let again = matches!(action, StoreAction::Commit) || model.step(&store, action);
            assert!(again, "step {step}: {action:?} once there is room again");
        }
        drop(store);
        model.check(&open_after_crash(&disk.crash(SurvivingWrites::Nothing), &model).unwrap());
    }
    assert!(delayed > 50, "{delayed}");
}

#[test]
fn a_commit_succeeds_once_a_full_disk_has_room() {
    let disk = SimDisk::new();
    let store = Store::create_on(Arc::new(disk.clone()), small()).unwrap();
    disk.set_capacity(Some(600));
    for _ in 0..3 {
        store.append(&[7; 200]).unwrap();
    }
    let error = store.commit().unwrap_err();
    assert!(matches!(error, LogError::Full(_)), "{error}");
    assert!(matches!(store.wait_durable(Seq(3)), Err(LogError::Full(_))));
    assert_eq!(store.durable(), Seq::START);
    store.append(b"still accepted").unwrap();

    disk.set_capacity(None);
    assert_eq!(store.commit().unwrap(), Seq(4));
    drop(store);
    let store = Store::open_on(Arc::new(disk.crash(SurvivingWrites::Nothing)), small()).unwrap();
    assert_eq!(store.recover().unwrap().records.count(), 4);
}

#[test]
fn callbacks_wait_while_the_disk_is_full() {
    let disk = SimDisk::new();
    let store = Store::create_on(Arc::new(disk.clone()), small()).unwrap();
    let appender = store.appender().unwrap();
    disk.set_capacity(Some(600));
    let (send, receive) = mpsc::channel();
    for _ in 0..3 {
        let send = send.clone();
        appender.append(vec![1; 200], move |outcome| send.send(outcome).unwrap()).unwrap();
    }
    assert!(matches!(store.wait_durable(Seq(3)), Err(LogError::Full(_))));
    assert!(receive.try_recv().is_err(), "nothing is acknowledged");
    disk.set_capacity(None);
    for seq in 1..=3 {
        assert_eq!(receive.recv().unwrap().unwrap(), Seq(seq));
    }
}

#[test]
fn the_queue_stays_bounded_while_the_disk_is_full() {
    let disk = SimDisk::new();
    let settings = persist::StoreSettings { max_pending: 1000, ..small() };
    let store = Store::create_on(Arc::new(disk.clone()), settings).unwrap();
    disk.set_capacity(Some(300));
    let taken = (0..100).take_while(|_| store.append(&[0; 300]).is_ok()).count();
    assert!((3..20).contains(&taken), "{taken}");
    disk.set_capacity(None);
    assert_eq!(store.commit().unwrap(), Seq(taken as u64));
}

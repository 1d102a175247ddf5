//! What the disk can do to a machine, beyond losing power.

use super::plan::{self, nat};
use super::programs::{cog, counter, exec, keeping, writer};
use super::rig::{Failure, Heard, Rig};
use crate::record::{Event, Fate, Input, Payload};
use crate::{BootError, Machine, Notice, StartError};
use persist::Store;
use std::sync::Arc;
use vm::{Hash, Vm};

#[test]
fn a_full_disk_holds_the_counter_up_and_no_more() {
    let rig = Rig::boot(&counter()).with(|settings| settings.snapshots = None);
    let used: usize = rig.disk.files().values().map(Vec::len).sum();
    rig.disk.set_capacity(Some(used + 2000));
    let disk = rig.disk.clone();
    let run = rig.run(|heard| {
        if matches!(heard.last(), Some(Heard::Notice(Notice::DiskFull(_)))) {
            disk.set_capacity(None);
        }
        heard.contains(&Heard::Notice(Notice::DiskHasRoom))
            && heard.last().is_some_and(|last| last.number().is_some())
    });
    let numbers = run.numbers();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert_eq!(run.outcome(), crate::Outcome::Stopped);
}

#[test]
fn damage_in_the_log_is_an_error_that_says_where() {
    let rig = Rig::boot(&counter()).with(|settings| settings.snapshots = None);
    rig.count(20);
    let files = rig.disk.files();
    let (name, contents) = files.iter().find(|(name, _)| name.starts_with("log/")).expect("a log");
    let middle = contents.len() / 2;
    let mut damaged = contents.clone();
    damaged[middle] ^= 1;
    rig.disk.overwrite(name, &damaged);
    let run = rig.run(|_| true);
    let Err(Failure::Start(error)) = run.result else { panic!("it started") };
    let message = error.to_string();
    assert!(message.contains(name) && message.contains("byte"), "{message}");
}

/// A machine with a bit of each of its pins flipped, one at a time.
#[test]
fn a_damaged_pin_stops_the_machine_and_names_its_file() {
    let rig = Rig::boot(&counter());
    let files = rig.disk.files();
    let (name, contents) =
        files.iter().find(|(name, _)| name.starts_with("bodies/")).expect("pins");
    let store = Store::open_on(Arc::new(rig.disk.clone()), Default::default()).expect("it opens");
    let mut places = Vec::new();
    let base = vm::pinspace::range::BASE;
    let visit = |entry: &persist::CatalogueEntry| {
        places.push((entry.address as usize - base) % vm::pinspace::range::SLOT_SIZE);
    };
    store.each_pin(visit).expect("a whole catalogue");
    drop(store);
    assert!(places.len() >= 2, "the root refers to others");
    for place in places {
        let mut damaged = contents.clone();
        damaged[place + 66] ^= 1;
        rig.disk.overwrite(name, &damaged);
        let message = match rig.count(3).result {
            Err(Failure::Start(error)) => error.to_string(),
            Err(Failure::Run(error)) => error.to_string(),
            Ok(outcome) => panic!("{place}: {outcome:?}"),
        };
        assert!(message.contains(name) && message.contains(&format!("byte {place}")), "{message}");
        rig.disk.overwrite(name, contents);
    }
    assert_eq!(rig.count(3).outcome(), crate::Outcome::Stopped);
}

/// Appends an event to a machine's log.
fn append(rig: &Rig, payload: &[u8]) {
    let store = Store::open_on(Arc::new(rig.disk.clone()), Default::default()).expect("it opens");
    store.append(payload).expect("room");
    store.close().expect("a disk that works");
}

fn written(value: u64) -> Vec<Input> {
    let mut vm = Vm::new(plan::options(), Default::default()).expect("a small heap");
    let value = vm.nat(value);
    let value = crate::codec::pack(&vm, &value).expect("a nat");
    vec![Input { slot: 0, payload: Payload::Written(value) }]
}

#[test]
fn a_record_that_is_no_event_is_an_error() {
    let rig = Rig::boot(&counter());
    append(&rig, b"not an event");
    let error = rig.open().err().expect("it does not open");
    assert!(matches!(error, StartError::Record { .. }), "{error}");
}

#[test]
fn a_replay_that_goes_astray_is_noticed() {
    let rig = Rig::boot(&counter());
    let good = rig.hash();
    let event = |before| Event { time: 0, before, fate: Fate::Done, inputs: written(5) };
    append(&rig, &event(Some(good)).encode());
    rig.open().expect("the state is as recorded");
    append(&rig, &event(Some(good)).encode());
    let Err(StartError::Astray { seq, expected, found, .. }) = rig.open() else {
        panic!("the count has changed, and the hash with it")
    };
    assert_eq!((seq.0, expected), (2, good));
    assert_ne!(found, good);
    assert_ne!(found, Hash([0; 32]));
}

#[test]
fn a_replay_that_cannot_go_on_is_an_error() {
    let rig = Rig::boot(&cog(keeping(), nat(7), [exec(writer(nat(5)))]));
    let event = Event { time: 0, before: None, fate: Fate::Done, inputs: written(5) };
    // The first finishes the cog.
    append(&rig, &event.encode());
    append(&rig, &event.encode());
    let error = rig.open().err().expect("it does not open");
    assert!(matches!(&error, StartError::Stuck { seq, .. } if seq.0 == 2), "{error}");
}

#[test]
fn a_store_in_use_or_without_a_machine_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("machine");
    let settings = || {
        let rig = Rig::boot(&counter());
        let mut settings = None;
        // Any console will do.
        let console = rig.open().expect("it opens").settings.console.clone();
        settings.get_or_insert(crate::Settings::new(console)).clone()
    };
    let error = Machine::open(&path, settings()).err().expect("there is nothing");
    assert!(error.to_string().contains("machine"), "{error}");

    let mut vm = Vm::new(plan::options(), Default::default()).expect("a small heap");
    let crashing = plan::call(nat(99), [nat(5)]);
    let main = match crashing {
        plan::P::Call(f, args) => {
            let f = f.value(&mut vm);
            let args: Vec<_> = args.iter().map(|arg| arg.value(&mut vm)).collect();
            vm.app(&f, &args).expect("room")
        }
        _ => unreachable!("a call"),
    };
    let error = Machine::boot(&path, &mut vm, &main).expect_err("it has no value");
    assert!(matches!(error, BootError::Evaluation(_)), "{error}");
    assert!(!path.exists(), "nothing was created");

    let main = counter().value(&mut vm);
    assert_eq!(Machine::boot(&path, &mut vm, &main).expect("booted").workers, 1);
    // The heap that it was booted from may hold pins of the store.
    drop((main, vm));
    let mut vm = Vm::new(plan::options(), Default::default()).expect("a small heap");
    let main = counter().value(&mut vm);
    let error = Machine::boot(&path, &mut vm, &main).expect_err("it is there already");
    assert!(matches!(error, BootError::Exists { .. }), "{error}");
    let first = Machine::open(&path, settings()).expect("it opens");
    let error = Machine::open(&path, settings()).err().expect("it is in use");
    assert!(error.to_string().contains("in use"), "{error}");
    drop(first);
    Machine::open(&path, settings()).expect("it is free again");
}

//! Stores on the real file system: creation, opening, rejection and locks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;

use persist::{
    CreateError, LogError, OpenError, Retention, Seq, SnapshotError, Store, StoreSettings,
};
use support::{freeze, slot};

/// Returns default settings with a slot that no other test uses.
fn settings() -> StoreSettings {
    StoreSettings { slot: Some(slot()), ..StoreSettings::default() }
}

fn create(dir: impl AsRef<Path>) -> Result<Store, CreateError> {
    Store::create_with(dir, settings())
}

/// Returns names and contents of all files below a directory.
fn tree(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn a_reopened_store_has_its_events_and_pins() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("new/and/deep");
    let settings = StoreSettings { log_segment: 4096, ..settings() };
    let store = Store::create_with(&dir, settings.clone()).unwrap();
    let mut roots = Vec::new();
    for n in 0..200u32 {
        store.append(&n.to_le_bytes().repeat(30)).unwrap();
        roots.push(freeze(&store, n as usize % 150, 100, &[]).unwrap());
    }
    store.commit().unwrap();
    assert_eq!(roots[7].address(), roots[157].address(), "a pin is written once");
    store.write_snapshot(&roots[0], Seq(150)).unwrap();
    store.write_snapshot(&roots[0], Seq(160)).unwrap();
    assert!(store.prune().unwrap().segments > 1);
    let first = roots[0].hash();
    drop(roots);
    store.close().unwrap();

    let files = tree(&dir);
    let store = Store::open_with(&dir, settings).unwrap();
    let recovery = store.recover().unwrap();
    let seqs: Vec<u64> = recovery.records.map(|record| record.unwrap().seq.0).collect();
    assert_eq!(seqs, (161..=200).collect::<Vec<_>>());
    let found = store.space().find(&first).unwrap().unwrap();
    assert_eq!(found.address(), store.root(&recovery.snapshot.unwrap()).unwrap().address());
    assert!(store.space().find(&plan::Hash([9; 32])).unwrap().is_none());
    drop(found);
    store.close().unwrap();
    assert_eq!(tree(&dir), files, "opening and closing changes no file");
}

#[test]
fn a_second_store_on_the_same_directory_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let store = create(dir.path()).unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&dir.path().display().to_string()));
    assert!(matches!(create(dir.path()), Err(CreateError::InUse { .. })));
    drop(store);
    assert!(matches!(create(dir.path()), Err(CreateError::HoldsStore { .. })));
    Store::open(dir.path()).unwrap();
}

#[test]
fn no_store_is_created_among_foreign_files() {
    let foreign: [&[&str]; 5] =
        [&["notes.txt"], &["log/mine.log"], &["bodies/x.new"], &["snap/a"], &["log"]];
    for files in foreign {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "precious").unwrap();
        }
        let before = tree(dir.path());
        let error = create(dir.path()).err().unwrap();
        assert!(matches!(error, CreateError::Foreign { .. }), "{error}");
        assert!(error.to_string().contains(files[0]), "{error}");
        assert_eq!(tree(dir.path()), before);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(create(file.path()), Err(CreateError::Foreign { .. })));
}

#[test]
fn no_store_is_created_over_one_without_its_format_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = create(dir.path()).unwrap();
    store.append(b"precious").unwrap();
    store.close().unwrap();
    fs::remove_file(dir.path().join("FORMAT")).unwrap();
    let before = tree(dir.path());
    assert!(matches!(Store::open(dir.path()), Err(OpenError::NotAStore { .. })));
    assert!(matches!(create(dir.path()), Err(CreateError::Foreign { .. })));
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn errors_name_the_path_that_is_not_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    for path in [missing.as_path(), dir.path()] {
        let error = Store::open(path).err().unwrap();
        assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    let file = dir.path().join("file");
    fs::write(&file, "text").unwrap();
    assert!(matches!(Store::open(&file), Err(OpenError::NotAStore { .. })));
    fs::write(dir.path().join("FORMAT"), "something else altogether").unwrap();
    assert!(matches!(Store::open(dir.path()), Err(OpenError::NotAStore { .. })));
}

#[test]
fn a_store_of_another_version_is_rejected_with_its_number() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).unwrap().close().unwrap();
    let path = dir.path().join("FORMAT");
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 1;
    fs::write(&path, bytes).unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, OpenError::Version { found: 1, supported: 2, .. }), "{error}");
    assert!(error.to_string().contains("pallas export"), "{error}");
}

#[test]
fn files_of_another_version_are_rejected_with_their_number() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).unwrap().close().unwrap();
    for (dir_name, checked, message) in [
        ("bodies", 48, "its format is version 7, this program reads version 1; have the program"),
        ("catalogue", 112, "the segment is of version 7, not 1"),
        ("log", 112, "the segment is of version 7, not 1"),
    ] {
        let path = fs::read_dir(dir.path().join(dir_name)).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        bytes[8] = 7;
        let check = blake3::hash(&bytes[..checked]);
        bytes[checked..checked + 16].copy_from_slice(&check.as_bytes()[..16]);
        fs::write(&path, bytes).unwrap();
        let before = tree(dir.path());
        let error = Store::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains(message) && error.contains(path.to_str().unwrap()), "{error}");
        let collected = persist::collect::collect(dir.path(), false, &mut |_, _, _| {});
        assert!(collected.is_err(), "{dir_name}");
        assert_eq!(tree(dir.path()), before, "nothing was changed");
        fs::write(&path, whole).unwrap();
    }
    // The index can be rebuilt, so its version does not matter.
    let state = dir.path().join("index/state");
    fs::write(&state, [1; 128]).unwrap();
    Store::open(dir.path()).unwrap();
}

#[test]
fn invalid_events_and_snapshots_are_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let store = create(dir.path()).unwrap();
    let long = vec![0; persist::MAX_EVENT as usize + 1];
    assert!(matches!(store.append(&long), Err(LogError::TooLarge { .. })));
    assert_eq!(store.append(b"").unwrap(), Seq(1));
    assert!(matches!(store.wait_durable(Seq(2)), Err(LogError::NotAppended { .. })));
    let other = plan::pinspace::PinSpace::in_memory().unwrap();
    let mut heap = support::vm();
    let five = heap.nat(5);
    let foreign = heap.freeze(&five, &other).unwrap();
    let unknown = store.write_snapshot(&foreign, Seq(1));
    assert!(matches!(unknown, Err(SnapshotError::UnknownRoot { .. })));
    let root = freeze(&store, 1, 10, &[]).unwrap();
    let ahead = store.write_snapshot(&root, Seq(2));
    assert!(matches!(ahead, Err(SnapshotError::Log(LogError::NotAppended { .. }))));
    store.write_snapshot(&root, Seq(1)).unwrap();
    let back = store.write_snapshot(&root, Seq::START);
    assert!(matches!(back, Err(SnapshotError::Backwards { .. })));
}

#[test]
fn all_kept_snapshots_can_be_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let settings =
        StoreSettings { log_segment: 1000, retention: Retention::default(), ..settings() };
    let store = Store::create_with(dir.path(), settings).unwrap();
    let root = freeze(&store, 1, 10, &[]).unwrap();
    for n in 1..=10u64 {
        store.append(&[n as u8; 300]).unwrap();
        store.write_snapshot(&root, Seq(n)).unwrap();
        store.prune().unwrap();
    }
    let kept = store.snapshots();
    assert_eq!(kept.iter().map(|it| it.covers.0).collect::<Vec<_>>(), [10, 9, 8]);
    for snapshot in &kept {
        let records = store.recover_from(snapshot).unwrap().records;
        assert_eq!(
            records.map(|it| it.unwrap().seq.0).last(),
            Some(10).filter(|_| snapshot.covers.0 < 10)
        );
    }
    let mut gone = kept[2].clone();
    gone.covers = Seq(1);
    assert!(matches!(store.recover_from(&gone), Err(persist::StoreReadError::Gap { .. })));
}

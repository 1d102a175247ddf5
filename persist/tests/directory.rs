//! Stores in the real file system: creating, opening, refusing, locking.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;

use persist::{CreateError, LogError, OpenError, Seq, Settings, SnapshotError, Store};
use support::{freeze, slot};

/// The usual, but for a slot that no other test has.
fn settings() -> Settings {
    Settings { slot: Some(slot()), ..Settings::default() }
}

fn create(dir: impl AsRef<Path>) -> Result<Store, CreateError> {
    Store::create_with(dir, settings())
}

/// Names and contents of all files below a directory.
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
fn a_store_comes_back_from_the_real_disk() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("new/and/deep");
    let settings = Settings { log_segment: 4096, ..settings() };
    let store = Store::create_with(&dir, settings.clone()).unwrap();
    let mut roots = Vec::new();
    for n in 0..200u32 {
        store.append(&n.to_le_bytes().repeat(30)).unwrap();
        roots.push(freeze(&store, n as usize % 150, 100, &[]).unwrap());
    }
    store.commit().unwrap();
    assert_eq!(roots[7].address(), roots[157].address(), "each is written once");
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
    assert!(store.space().find(&vm::Hash([9; 32])).unwrap().is_none());
    drop(found);
    store.close().unwrap();
    assert_eq!(tree(&dir), files, "opening and closing leaves no trace");
}

#[test]
fn a_second_store_on_the_same_directory_is_refused() {
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
fn a_directory_with_foreign_files_is_left_alone() {
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
fn a_store_without_its_format_file_is_never_created_over() {
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
fn what_is_not_a_store_is_named() {
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
fn another_version_is_refused_by_number() {
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
fn parts_of_another_version_are_refused_by_number() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).unwrap().close().unwrap();
    for (part, checked, says) in [
        ("bodies", 48, "its format is version 7, this program reads version 1; have the program"),
        ("catalogue", 112, "the segment is of version 7, not 1"),
        ("log", 112, "the segment is of version 7, not 1"),
    ] {
        let path = fs::read_dir(dir.path().join(part)).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        bytes[8] = 7;
        let check = blake3::hash(&bytes[..checked]);
        bytes[checked..checked + 16].copy_from_slice(&check.as_bytes()[..16]);
        fs::write(&path, bytes).unwrap();
        let before = tree(dir.path());
        let error = Store::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains(says) && error.contains(path.to_str().unwrap()), "{error}");
        let told = persist::collect::collect(dir.path(), false, &mut |_, _, _| {});
        assert!(told.is_err(), "{part}");
        assert_eq!(tree(dir.path()), before, "nothing was changed");
        fs::write(&path, whole).unwrap();
    }
    // The index is another matter: it can be made again.
    let state = dir.path().join("index/state");
    fs::write(&state, [1; 128]).unwrap();
    Store::open(dir.path()).unwrap();
}

#[test]
fn limits_and_orders_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = create(dir.path()).unwrap();
    let long = vec![0; persist::MAX_EVENT as usize + 1];
    assert!(matches!(store.append(&long), Err(LogError::TooLarge { .. })));
    assert_eq!(store.append(b"").unwrap(), Seq(1));
    assert!(matches!(store.wait_durable(Seq(2)), Err(LogError::NotAppended { .. })));
    let other = vm::pinspace::PinSpace::in_memory().unwrap();
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
fn kept_snapshots_can_all_be_recovered_from() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { log_segment: 1000, keep_snapshots: 3, ..settings() };
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
    assert!(matches!(store.recover_from(&gone), Err(persist::ReadError::Gap { .. })));
}

//! Stores in the real file system: creating, opening, refusing, locking.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use persist::{CreateError, LogError, OpenError, PinError, Seq, Settings, SnapshotError, Store};

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
    let settings = Settings { log_segment: 4096, pin_segment: 4096, ..Settings::default() };
    let store = Store::create_with(&dir, settings.clone()).unwrap();
    for n in 0..200u32 {
        store.append(&n.to_le_bytes().repeat(30)).unwrap();
        let mut hash = [0; 32];
        hash[0] = n as u8;
        assert!(store.put(hash, &[], &[n as u8; 100]).unwrap());
        assert!(!store.put(hash, &[], b"ignored: there is one of this hash").unwrap());
    }
    store.commit().unwrap();
    store.write_snapshot([0; 32], Seq(150)).unwrap();
    store.write_snapshot([0; 32], Seq(160)).unwrap();
    assert!(store.prune().unwrap().segments > 1);
    store.close().unwrap();

    let files = tree(&dir);
    let store = Store::open_with(&dir, settings).unwrap();
    let recovery = store.recover().unwrap();
    let seqs: Vec<u64> = recovery.records.map(|record| record.unwrap().seq.0).collect();
    assert_eq!(seqs, (161..=200).collect::<Vec<_>>());
    assert_eq!(store.get(&[0; 32]).unwrap().unwrap().body, [0; 100]);
    assert_eq!(store.get(&[9; 32]).unwrap(), None);
    store.close().unwrap();
    assert_eq!(tree(&dir), files, "opening and closing leaves no trace");
}

#[test]
fn a_second_store_on_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&dir.path().display().to_string()));
    assert!(matches!(Store::create(dir.path()), Err(CreateError::InUse { .. })));
    drop(store);
    assert!(matches!(Store::create(dir.path()), Err(CreateError::HoldsStore { .. })));
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_directory_with_foreign_files_is_left_alone() {
    let foreign: [&[&str]; 5] =
        [&["notes.txt"], &["log/mine.log"], &["pins/x.new"], &["snap/a"], &["log"]];
    for files in foreign {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "precious").unwrap();
        }
        let before = tree(dir.path());
        let error = Store::create(dir.path()).err().unwrap();
        assert!(matches!(error, CreateError::Foreign { .. }), "{error}");
        assert!(error.to_string().contains(files[0]), "{error}");
        assert_eq!(tree(dir.path()), before);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(Store::create(file.path()), Err(CreateError::Foreign { .. })));
}

#[test]
fn a_store_without_its_format_file_is_never_created_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    store.append(b"precious").unwrap();
    store.close().unwrap();
    fs::remove_file(dir.path().join("FORMAT")).unwrap();
    let before = tree(dir.path());
    assert!(matches!(Store::open(dir.path()), Err(OpenError::NotAStore { .. })));
    assert!(matches!(Store::create(dir.path()), Err(CreateError::Foreign { .. })));
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
    Store::create(dir.path()).unwrap().close().unwrap();
    let path = dir.path().join("FORMAT");
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    fs::write(&path, bytes).unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, OpenError::Version { found: 2, supported: 1, .. }), "{error}");
}

#[test]
fn limits_and_orders_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    let long = vec![0; persist::MAX_EVENT as usize + 1];
    assert!(matches!(store.append(&long), Err(LogError::TooLarge { .. })));
    assert_eq!(store.append(b"").unwrap(), Seq(1));
    assert!(matches!(store.wait_durable(Seq(2)), Err(LogError::NotAppended { .. })));
    let put = store.put([1; 32], &[[2; 32]], b"");
    assert!(matches!(put, Err(PinError::MissingEdge { .. })));
    let unknown = store.write_snapshot([1; 32], Seq(1));
    assert!(matches!(unknown, Err(SnapshotError::UnknownRoot { .. })));
    assert!(store.put([1; 32], &[], b"").unwrap());
    let ahead = store.write_snapshot([1; 32], Seq(2));
    assert!(matches!(ahead, Err(SnapshotError::Log(LogError::NotAppended { .. }))));
    store.write_snapshot([1; 32], Seq(1)).unwrap();
    let back = store.write_snapshot([1; 32], Seq::START);
    assert!(matches!(back, Err(SnapshotError::Backwards { .. })));
}

#[test]
fn kept_snapshots_can_all_be_recovered_from() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { log_segment: 1000, keep_snapshots: 3, ..Settings::default() };
    let store = Store::create_with(dir.path(), settings).unwrap();
    store.put([1; 32], &[], b"state").unwrap();
    for n in 1..=10u64 {
        store.append(&[n as u8; 300]).unwrap();
        store.write_snapshot([1; 32], Seq(n)).unwrap();
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

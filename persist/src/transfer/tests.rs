use super::*;
use crate::{Seq, Store};

/// A store whose newest snapshot reaches three pins of five, and two events after it.
fn store(dir: &Path) -> Store {
    let store = Store::create(dir).unwrap();
    store.put([9; 32], &[], b"garbage").unwrap();
    store.put([1; 32], &[], b"one").unwrap();
    store.put([2; 32], &[[1; 32]], b"").unwrap();
    store.put([3; 32], &[[2; 32], [1; 32]], &[7; 100_000]).unwrap();
    store.put([8; 32], &[[3; 32]], b"garbage").unwrap();
    for event in 1..=4_u8 {
        store.append(&vec![event; usize::from(event) - 1]).unwrap();
    }
    store.commit().unwrap();
    store.write_snapshot([3; 32], Seq(2)).unwrap();
    store
}

fn exported(dir: &Path) -> PathBuf {
    let file = dir.join("file");
    let contents = export(&store(&dir.join("from")), &file, |_, _| {}).unwrap();
    assert_eq!(contents, Contents { pins: 3, events: 2, root: [3; 32] });
    file
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_was_exported_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = exported(dir.path());
    let to = dir.path().join("to");
    // What a killed import leaves is no obstacle, nor is an empty directory.
    fs::create_dir_all(dir.path().join(".to.importing/log")).unwrap();
    fs::create_dir(&to).unwrap();
    let mut last = (0, 0);
    import(&file, &to, |done, total| last = (done, total)).unwrap();
    assert_eq!(last.0, last.1);
    assert_eq!(names(dir.path()), ["file", "from", "to"]);
    let store = Store::open(&to).unwrap();
    let recovery = store.recover().unwrap();
    let snapshot = recovery.snapshot.unwrap();
    assert_eq!((snapshot.root, snapshot.covers, store.pin_count()), ([3; 32], Seq(0), 3));
    let events: Vec<Vec<u8>> = recovery.records.map(|record| record.unwrap().payload).collect();
    assert_eq!(events, [vec![3; 2], vec![4; 3]]);
    let pin = store.get(&[3; 32]).unwrap().unwrap();
    assert_eq!((pin.edges, pin.body), (vec![[2; 32], [1; 32]], vec![7; 100_000]));
}

#[test]
fn a_cut_or_flipped_file_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = exported(dir.path());
    let whole = fs::read(&file).unwrap();
    let to = dir.path().join("to");
    let cuts = (0..whole.len()).filter(|at| *at < 400 || at % 9973 == 0 || whole.len() - at < 200);
    let mut bad: Vec<Vec<u8>> = cuts.clone().map(|at| whole[..at].to_vec()).collect();
    bad.extend(cuts.map(|at| {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        flipped
    }));
    bad.push([&whole[..], b"x"].concat());
    for bytes in bad {
        fs::write(&file, &bytes).unwrap();
        let error = import(&file, &to, |_, _| {}).unwrap_err();
        assert!(matches!(error, ImportError::Unfit { .. }), "{error}");
        assert_eq!(names(dir.path()), ["file", "from"]);
    }
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let file = exported(dir.path());
    let from = dir.path().join("from");
    let store = Store::open(&from).unwrap();
    assert!(matches!(export(&store, &file, |_, _| {}), Err(ExportError::Exists { .. })));
    drop(store);
    let refused = import(&file, &from, |_, _| {});
    assert!(matches!(refused, Err(ImportError::Create(CreateError::HoldsStore { .. }))));
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::write(dir.path().join("full/other"), b"").unwrap();
    let refused = import(&file, &dir.path().join("full"), |_, _| {});
    assert!(matches!(refused, Err(ImportError::Create(CreateError::Foreign { .. }))));
    let refused = import(&file, &file, |_, _| {});
    assert!(matches!(refused, Err(ImportError::Create(CreateError::Foreign { .. }))));
}

#[test]
fn an_empty_store_is_not_exported() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path().join("from")).unwrap();
    let refused = export(&store, &dir.path().join("file"), |_, _| {});
    assert!(matches!(refused, Err(ExportError::Empty { .. })));
    assert_eq!(names(dir.path()), ["from"]);
}

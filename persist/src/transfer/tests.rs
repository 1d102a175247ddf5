use std::collections::HashMap;

use plan::{HeapOptions, Val};
use vm::Vm;

use super::*;
use crate::error::CreateError;
use crate::types::PinHash;
use crate::{Seq, Store, StoreInspection, StoreSettings};
use plan::pinspace::{FrozenPin, PinSpace};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// A codec with a simple body format. It looks up the edges of a pin by its hash.
struct TestCodec {
    edges: HashMap<PinHash, Vec<PinHash>>,
}

fn vm() -> Vm {
    Vm::new(HeapOptions::default(), Default::default()).unwrap()
}

/// Freezes a pin that holds some bytes and refers to other pins.
fn freeze(space: &Arc<PinSpace>, bytes: &[u8], edges: &[PinHash]) -> FrozenPin {
    let mut vm = vm();
    let mut items = vec![vm.bar(bytes).unwrap()];
    for edge in edges {
        let found = space.find(&plan::Hash(*edge)).unwrap().unwrap();
        items.push(vm.adopt(&found));
    }
    let row: Val = vm.row(&items).unwrap();
    vm.freeze(&row, space).unwrap()
}

impl PinCodec for TestCodec {
    fn encode(&mut self, pin: &FrozenPin) -> Result<(Vec<PinHash>, Vec<u8>), String> {
        let mut vm = vm();
        let pin = vm.adopt(pin);
        let plan::Shape::Pin(pin) = vm.look(&pin).shape() else { return Err("no pin".into()) };
        let bar = pin.item().as_row().and_then(|row| row.get(0)?.as_bar()).ok_or("no bar")?;
        let edges = &self.edges[pin.hash().unwrap().as_bytes()];
        Ok((edges.clone(), bar.to_vec()))
    }

    fn decode(
        &mut self,
        space: &Arc<PinSpace>,
        hash: &PinHash,
        edges: &[PinHash],
        body: &[u8],
    ) -> Result<FrozenPin, String> {
        let frozen = freeze(space, body, edges);
        if frozen.hash().as_bytes() == hash { Ok(frozen) } else { Err("it is another".into()) }
    }
}

fn settings() -> StoreSettings {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    thread_local!(static SLOT: usize = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    StoreSettings { slot: Some(SLOT.with(|slot| *slot)), ..StoreSettings::default() }
}

/// Creates a store whose newest snapshot reaches three of five pins, with two events after it.
fn store(dir: &Path) -> (Store, TestCodec) {
    let store = Store::create_with(dir, settings()).unwrap();
    let mut edges = HashMap::new();
    let mut put = |bytes: &[u8], of: &[PinHash]| {
        let frozen = freeze(store.space(), bytes, of);
        edges.insert(frozen.hash().into(), of.to_vec());
        frozen
    };
    put(b"garbage", &[]);
    let one: PinHash = put(b"one", &[]).hash().into();
    let two: PinHash = put(b"", &[one]).hash().into();
    let root = put(&[7; 100_000], &[two, one]);
    put(b"more garbage", &[root.hash().into()]);
    for event in 1..=4_u8 {
        store.append(&vec![event; usize::from(event) - 1]).unwrap();
    }
    store.commit().unwrap();
    store.write_snapshot(&root, Seq(2)).unwrap();
    (store, TestCodec { edges })
}

/// Returns an exported file and its codec.
fn exported(dir: &Path) -> (PathBuf, TestCodec) {
    let file = dir.join("file");
    let (store, mut codec) = store(&dir.join("from"));
    let root = store.snapshots()[0].root;
    store.close().unwrap();
    let before = contents_of(&dir.join("from"));
    let store = StoreInspection::open(dir.join("from")).unwrap();
    let contents = export(&store, &file, &mut codec, |_, _| {}).unwrap();
    assert!(contents_of(&dir.join("from")) == before, "an export changes nothing");
    assert_eq!(contents, ExportContents { pins: 3, events: 2, set_aside: 0, root });
    (file, codec)
}

/// Returns the contents and the times of change of all files of a store.
fn contents_of(dir: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents_of(&path));
        } else {
            let changed = fs::metadata(&path).unwrap().modified().unwrap();
            files.push((path.clone(), fs::read(&path).unwrap(), changed));
        }
    }
    files.sort();
    files
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_imported_store_equals_the_exported_one() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut codec) = exported(dir.path());
    let to = dir.path().join("to");
    // The remains of a killed import and an empty directory are not obstacles.
    fs::create_dir_all(dir.path().join(".to.importing/log")).unwrap();
    fs::create_dir(&to).unwrap();
    let mut last = (0, 0);
    import(&file, &to, &mut codec, |done, total| last = (done, total)).unwrap();
    assert_eq!(last.0, last.1);
    assert_eq!(names(dir.path()), ["file", "from", "to"]);
    let store = Store::open(&to).unwrap();
    let recovery = store.recover().unwrap();
    let snapshot = recovery.snapshot.unwrap();
    let mut pins = 0;
    store.each_pin(|_| pins += 1).unwrap();
    assert_eq!((snapshot.covers, pins), (Seq(0), 3));
    let events: Vec<Vec<u8>> = recovery.records.map(|record| record.unwrap().payload).collect();
    assert_eq!(events, [vec![3; 2], vec![4; 3]]);
    let (_, body) = codec.encode(&store.root(&snapshot).unwrap()).unwrap();
    assert_eq!(body, [7; 100_000]);
}

#[test]
fn inputs_that_are_set_aside_move_with_their_ids() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut codec) = store(&dir.path().join("from"));
    for payload in [&b"one"[..], b""] {
        store.set_aside(payload).unwrap();
    }
    let file = dir.path().join("file");
    let expected = store.set_aside_inputs().unwrap();
    store.close().unwrap();
    let store = StoreInspection::open(dir.path().join("from")).unwrap();
    let contents = export(&store, &file, &mut codec, |_, _| {}).unwrap();
    assert_eq!((contents.events, contents.set_aside), (2, 2));
    assert_eq!(fs::read(&file).unwrap()[8], 2, "the version");
    let to = dir.path().join("to");
    assert_eq!(import(&file, &to, &mut codec, |_, _| {}).unwrap(), contents);
    assert_eq!(Store::open(&to).unwrap().set_aside_inputs().unwrap(), expected);
    assert_eq!(expected.records.len(), 2);
}

#[test]
fn a_truncated_or_flipped_file_is_rejected_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut codec) = exported(dir.path());
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
        let error = import(&file, &to, &mut codec, |_, _| {}).unwrap_err();
        assert!(matches!(error, StoreImportError::InvalidExport { .. }), "{error}");
        assert_eq!(names(dir.path()), ["file", "from"]);
    }
}

#[test]
fn existing_files_are_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut codec) = exported(dir.path());
    let from = dir.path().join("from");
    let store = StoreInspection::open(&from).unwrap();
    assert!(matches!(
        export(&store, &file, &mut codec, |_, _| {}),
        Err(StoreExportError::Exists { .. })
    ));
    drop(store);
    let refused = import(&file, &from, &mut codec, |_, _| {});
    assert!(matches!(refused, Err(StoreImportError::Create(CreateError::HoldsStore { .. }))));
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::write(dir.path().join("full/other"), b"").unwrap();
    let refused = import(&file, &dir.path().join("full"), &mut codec, |_, _| {});
    assert!(matches!(refused, Err(StoreImportError::Create(CreateError::Foreign { .. }))));
    let refused = import(&file, &file, &mut codec, |_, _| {});
    assert!(matches!(refused, Err(StoreImportError::Create(CreateError::Foreign { .. }))));
}

#[test]
fn an_empty_store_is_not_exported() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create_with(dir.path().join("from"), settings()).unwrap();
    store.close().unwrap();
    let store = StoreInspection::open(dir.path().join("from")).unwrap();
    let mut codec = TestCodec { edges: HashMap::new() };
    let refused = export(&store, &dir.path().join("file"), &mut codec, |_, _| {});
    assert!(matches!(refused, Err(StoreExportError::Empty { .. })));
    assert_eq!(names(dir.path()), ["from"]);
}

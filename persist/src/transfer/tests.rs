use std::collections::HashMap;

use vm::{Options, Val, Vm};

use super::*;
use crate::{Seq, Settings, Store};

/// Knows pins by their hashes alone: edges and bodies are made up.
struct Made {
    edges: HashMap<Hash, Vec<Hash>>,
}

fn vm() -> Vm {
    Vm::new(Options::default(), Default::default()).unwrap()
}

/// A pin that holds so many bytes and refers to these pins.
fn freeze(space: &Arc<PinSpace>, bytes: &[u8], edges: &[Hash]) -> Frozen {
    let mut vm = vm();
    let mut items = vec![vm.bar(bytes).unwrap()];
    for edge in edges {
        let found = space.find(&vm::Hash(*edge)).unwrap().unwrap();
        items.push(vm.adopt(&found));
    }
    let row: Val = vm.row(&items).unwrap();
    vm.freeze(&row, space).unwrap()
}

impl Codec for Made {
    fn encode(&mut self, pin: &Frozen) -> Result<(Vec<Hash>, Vec<u8>), String> {
        let mut vm = vm();
        let pin = vm.adopt(pin);
        let vm::Shape::Pin(pin) = vm.look(&pin).shape() else { return Err("no pin".into()) };
        let bar = pin.item().as_row().and_then(|row| row.get(0)?.as_bar()).ok_or("no bar")?;
        let edges = &self.edges[pin.hash().unwrap().as_bytes()];
        Ok((edges.clone(), bar.to_vec()))
    }

    fn decode(
        &mut self,
        space: &Arc<PinSpace>,
        hash: &Hash,
        edges: &[Hash],
        body: &[u8],
    ) -> Result<Frozen, String> {
        let frozen = freeze(space, body, edges);
        if frozen.hash().as_bytes() == hash { Ok(frozen) } else { Err("it is another".into()) }
    }
}

fn settings() -> Settings {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    thread_local!(static SLOT: usize = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    Settings { slot: Some(SLOT.with(|slot| *slot)), ..Settings::default() }
}

/// A store whose newest snapshot reaches three pins of five, and two events after it.
fn store(dir: &Path) -> (Store, Made) {
    let store = Store::create_with(dir, settings()).unwrap();
    let mut edges = HashMap::new();
    let mut put = |bytes: &[u8], of: &[Hash]| {
        let frozen = freeze(store.space(), bytes, of);
        edges.insert(frozen.hash().into(), of.to_vec());
        frozen
    };
    put(b"garbage", &[]);
    let one: Hash = put(b"one", &[]).hash().into();
    let two: Hash = put(b"", &[one]).hash().into();
    let root = put(&[7; 100_000], &[two, one]);
    put(b"more garbage", &[root.hash().into()]);
    for event in 1..=4_u8 {
        store.append(&vec![event; usize::from(event) - 1]).unwrap();
    }
    store.commit().unwrap();
    store.write_snapshot(&root, Seq(2)).unwrap();
    (store, Made { edges })
}

/// An export, and what it takes to read it.
fn exported(dir: &Path) -> (PathBuf, Made) {
    let file = dir.join("file");
    let (store, mut made) = store(&dir.join("from"));
    let contents = export(&store, &file, &mut made, |_, _| {}).unwrap();
    let root = store.snapshots()[0].root;
    assert_eq!(contents, Contents { pins: 3, events: 2, root });
    (file, made)
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
    let (file, mut made) = exported(dir.path());
    let to = dir.path().join("to");
    // What a killed import leaves is no obstacle, nor is an empty directory.
    fs::create_dir_all(dir.path().join(".to.importing/log")).unwrap();
    fs::create_dir(&to).unwrap();
    let mut last = (0, 0);
    import(&file, &to, &mut made, |done, total| last = (done, total)).unwrap();
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
    let (_, body) = made.encode(&store.root(&snapshot).unwrap()).unwrap();
    assert_eq!(body, [7; 100_000]);
}

#[test]
fn a_cut_or_flipped_file_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut made) = exported(dir.path());
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
        let error = import(&file, &to, &mut made, |_, _| {}).unwrap_err();
        assert!(matches!(error, ImportError::Unfit { .. }), "{error}");
        assert_eq!(names(dir.path()), ["file", "from"]);
    }
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut made) = exported(dir.path());
    let from = dir.path().join("from");
    let store = Store::open(&from).unwrap();
    assert!(matches!(export(&store, &file, &mut made, |_, _| {}), Err(ExportError::Exists { .. })));
    drop(store);
    let refused = import(&file, &from, &mut made, |_, _| {});
    assert!(matches!(refused, Err(ImportError::Create(CreateError::HoldsStore { .. }))));
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::write(dir.path().join("full/other"), b"").unwrap();
    let refused = import(&file, &dir.path().join("full"), &mut made, |_, _| {});
    assert!(matches!(refused, Err(ImportError::Create(CreateError::Foreign { .. }))));
    let refused = import(&file, &file, &mut made, |_, _| {});
    assert!(matches!(refused, Err(ImportError::Create(CreateError::Foreign { .. }))));
}

#[test]
fn an_empty_store_is_not_exported() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create_with(dir.path().join("from"), settings()).unwrap();
    let mut made = Made { edges: HashMap::new() };
    let refused = export(&store, &dir.path().join("file"), &mut made, |_, _| {});
    assert!(matches!(refused, Err(ExportError::Empty { .. })));
    assert_eq!(names(dir.path()), ["from"]);
}

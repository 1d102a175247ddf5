//! The prototype's own modules: each must load, or fail, as it does there, and bind the same names
//! to values of the same hashes.
//!
//! Runs where `PALLAS_REFERENCE` names a checkout of the prototype.

mod common;

use common::Rig;
use sire::Library;
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{fs, io};

fn facts(file: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/corpus").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A folder of the prototype's modules, in which one can be replaced.
struct Folder {
    reference: PathBuf,
    copy: tempfile::TempDir,
}

impl Folder {
    fn new(reference: PathBuf) -> Folder {
        let copy = tempfile::tempdir().expect("a temporary folder");
        for entry in fs::read_dir(&reference).expect("the prototype's modules") {
            let path = entry.expect("a file").path();
            let name = path.file_name().expect("a file has a name");
            symlink(&path, copy.path().join(name)).expect("a link");
        }
        Folder { reference, copy }
    }

    /// Takes the commands out of a module that drop names from it, if it has any.
    fn unfilter(&self, module: &str) -> bool {
        let file = format!("{module}.sire");
        let text = fs::read_to_string(self.reference.join(&file)).expect("the module's text");
        let blocks: Vec<rex::Block> =
            rex::read_file(&text, module).collect::<Result<_, _>>().expect("it was loaded");
        let is_filter = |line: usize| {
            let begun = blocks.iter().rev().find(|block| block.line <= line);
            begun.is_some_and(|block| {
                matches!(&block.rex, rex::Rex::Node { rune, .. } if rune == "^-^")
            })
        };
        let lines = text.lines().enumerate().filter(|(index, _)| !is_filter(index + 1));
        let open: String = lines.flat_map(|(_, line)| [line, "\n"]).collect();
        self.put(&file, |path| fs::write(path, &open));
        open != text
    }

    /// Puts the module's own text back.
    fn restore(&self, module: &str) {
        let file = format!("{module}.sire");
        self.put(&file, |path| symlink(self.reference.join(&file), path));
    }

    fn put(&self, file: &str, make: impl FnOnce(&Path) -> io::Result<()>) {
        let path = self.copy.path().join(file);
        fs::remove_file(&path).and_then(|()| make(&path)).expect("the copy can be changed");
    }
}

#[test]
fn modules_load_and_bind_the_same() {
    let Some(reference) = std::env::var_os("PALLAS_REFERENCE") else {
        eprintln!("skipped: PALLAS_REFERENCE is not set");
        return;
    };
    let mut hashes: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in facts("bindings.tsv") {
        let [module, name, hash] = &row[..] else { panic!("three columns: {row:?}") };
        hashes.entry(module.clone()).or_default().insert(name.clone(), hash.clone());
    }
    let folder = Folder::new(PathBuf::from(reference).join("sire"));
    let mut rig = Rig::new(Library::only(folder.copy.path()), None);
    let mut wrong = Vec::new();
    let (mut loaded, mut compared) = (0, 0);
    for row in facts("modules.tsv") {
        let (module, loads) = (&row[0], row[2] == "ok");
        let start = std::time::Instant::now();
        let result = rig.sire.load(module);
        rig.out.take();
        eprintln!("{module} {:?} {:?}", start.elapsed(), result.as_ref().map_err(|e| e.to_string()));
        match (result, loads) {
            (Err(_), false) => {}
            (Ok(()), false) => wrong.push(format!("{module}: loads, but should not")),
            (Err(error), true) => wrong.push(format!("{module}: {error}")),
            (Ok(()), true) => {
                loaded += 1;
                let expected = hashes.remove(module).unwrap_or_default();
                compared += expected.len();
                if folder.unfilter(module) {
                    rig.sire.load(module).expect("it only keeps more names");
                }
                folder.restore(module);
                compare(&mut rig, module, expected, &mut wrong);
                eprintln!("   {compared} {}", wrong.join("\n"));
            }
        }
    }
    eprintln!("{loaded} modules, {compared} bindings, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Compares the bindings of the module that is loaded.
fn compare(
    rig: &mut Rig,
    module: &str,
    mut expected: BTreeMap<String, String>,
    wrong: &mut Vec<String>,
) {
    let bindings: Vec<_> = rig.sire.bindings().collect();
    for (name, value) in bindings {
        let hash = rig.sire.vm().hash(&value).to_string();
        match expected.remove(&name) {
            Some(found) if found == hash => {}
            Some(found) => wrong.push(format!("{module}.{name}: {hash}, should be {found}")),
            None => {}
        }
    }
    wrong.extend(expected.keys().map(|name| format!("{module}.{name}: missing")));
}

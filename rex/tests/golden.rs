//! Golden tests: source texts and the printed form of their trees.
//!
//! Each `golden/*.rex` has an `.out` file with the line, the layout and the one-line form of every
//! block, or its error. The layouts and one-line forms were compared with the prototype's when the
//! files were created. After an intended change, `REX_GOLDEN=write` rewrites the `.out` files.
//!
//! If `PALLAS_REFERENCE` names a checkout of the prototype, the tests also read its Rex texts.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use rex::print::{self, Colour};
use rex::{Rex, read_file};

/// Returns the content of an `.out` file.
fn report(text: &str, file: &str) -> String {
    read_file(text, file)
        .map(|block| match block {
            Ok(block) => format!(
                "{file}:{}\n{}    {}\n\n",
                block.line,
                print::block(&block.rex, Colour::None),
                print::line(&block.rex, Colour::None)
            ),
            Err(error) => format!("{error}\n\n"),
        })
        .collect()
}

fn compare(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let source = fs::read_to_string(folder.join(format!("{name}.rex"))).unwrap();
    let out = folder.join(format!("{name}.out"));
    let got = report(&source, name);
    if std::env::var("REX_GOLDEN").is_ok_and(|mode| mode == "write") {
        fs::write(&out, &got).unwrap();
    }
    let want = fs::read_to_string(&out).unwrap();
    for (got, want) in got.split("\n\n").zip(want.split("\n\n")) {
        assert_eq!(got, want);
    }
    assert_eq!(got, want);
}

#[test]
fn shapes() {
    compare("shapes");
}

#[test]
fn strings() {
    compare("strings");
}

#[test]
fn layout() {
    compare("layout");
}

#[test]
fn errors() {
    compare("errors");
}

/// Returns every file below `folder` with one of the `extensions`, sorted by path.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| extensions.iter().any(|e| end == *e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn trees(text: &str, file: &str) -> Result<Vec<Rex>, String> {
    read_file(text, file).map(|block| block.map(|b| b.rex).map_err(|e| e.to_string())).collect()
}

/// Returns whether the printed form of a tree reads back as the same tree.
fn reads_back(rex: &Rex) -> bool {
    trees(&print::block(rex, Colour::None), "printed").is_ok_and(|back| back == [rex.clone()])
}

#[test]
fn reference_library_reads_and_prints() {
    let Some(reference) = std::env::var_os("PALLAS_REFERENCE") else { return };
    let sources = files(&Path::new(&reference).join("sire"), &["sire"]);
    assert!(!sources.is_empty());
    let (mut blocks, mut lossy) = (0, 0);
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let trees = trees(&text, &path.display().to_string()).unwrap();
        blocks += trees.len();
        lossy += trees.iter().filter(|rex| !reads_back(rex)).count();
    }
    println!("{blocks} blocks, {lossy} with no notation that reads back");
    assert!(blocks > 3_000 && lossy * 100 < blocks);
}

/// Some test texts of the prototype predate its string syntax, and some expected outputs predate its
/// layout. Where both texts are readable, they have to give the same trees.
#[test]
fn reference_tests_read() {
    let Some(reference) = std::env::var_os("PALLAS_REFERENCE") else { return };
    let mut agreed = Vec::new();
    for path in files(&Path::new(&reference).join("tests"), &["rex"]) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let golden = fs::read_to_string(path.with_extension("rex.golden")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        if let (Ok(source), Ok(printed)) = (trees(&text, &name), trees(&golden, &name))
            && source == printed
        {
            agreed.push(name);
        }
    }
    for name in ["block", "multi-cont", "opt", "pretty", "stg", "wide-child", "wide-cont"] {
        assert!(agreed.iter().any(|a| a == name), "{name} is read differently: {agreed:?}");
    }
}

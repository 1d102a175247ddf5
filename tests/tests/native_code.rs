//! The cache of machine code that the command keeps between runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tests::{Pallas, stderr, stdout};

const INPUT: &str = "= (f x) | 3 | 3 x\n\n(f 5)\n\n(f (f 5))\n";

/// The files of the cache, with their contents.
fn cached_files(pallas: &Pallas) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let folders = entries(&pallas.path("pallas-dir/native"));
    let files = folders.iter().flat_map(|folder| entries(folder));
    files.map(|file| (file.clone(), fs::read(file).expect("a file"))).collect()
}

fn run(pallas: &Pallas, flag: &str) -> String {
    let output = pallas.run(["sire", flag], INPUT);
    assert!(output.status.success() && stderr(&output).is_empty(), "{output:?}");
    stdout(&output)
}

#[test]
fn code_is_cached_and_compiled_again_if_it_is_damaged() {
    let pallas = Pallas::new();
    let interpreted = run(&pallas, "--no-jit");
    assert!(cached_files(&pallas).is_empty(), "without the compiler nothing is cached");
    assert_eq!(run(&pallas, "--jit=eager"), interpreted);
    let first = cached_files(&pallas);
    assert!(!first.is_empty());
    assert_eq!(run(&pallas, "--jit=eager"), interpreted);
    assert_eq!(cached_files(&pallas), first);
    for (file, bytes) in &first {
        fs::write(file, &bytes[..bytes.len() / 2]).expect("the file can be written");
    }
    // `run` checks that no message is printed: nothing is lost.
    assert_eq!(run(&pallas, "--jit=eager"), interpreted);
    assert_eq!(cached_files(&pallas), first);
}

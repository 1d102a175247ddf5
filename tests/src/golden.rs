//! The outputs of the prototype (`tests/golden`), and the checkout of it for the long suites.

use std::path::{Path, PathBuf};

/// The path of a golden file.
pub fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(path)
}

/// The text of a golden file.
///
/// # Panics
/// If it cannot be read.
pub fn golden_text(path: &str) -> String {
    let path = golden(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The checkout of the prototype that `PALLAS_REFERENCE` names. None if it is not set.
pub fn reference_checkout() -> Option<PathBuf> {
    std::env::var_os("PALLAS_REFERENCE").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The module that the first line of a golden input names in backquotes.
///
/// # Panics
/// If it names none.
pub fn module_named_in(input: &str) -> &str {
    let first = input.lines().next().unwrap_or_default();
    first.split('`').nth(1).unwrap_or_else(|| panic!("no module is named in: {first}"))
}

/// The files below a folder with their contents, sorted by path.
///
/// # Panics
/// If one cannot be read.
pub fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}

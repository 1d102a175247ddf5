//! The outputs of the prototype (`tests/golden`), and the checkout of it for the long suites.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// Extracts a folder of a branch of the prototype into `into`. Returns whether it did: a checkout
/// may have the branch of its remote repository, or as a branch of its own, or not at all.
///
/// # Panics
/// If `git` or `tar` cannot be run, or fails with an archive that exists.
pub fn extract_branch(reference: &Path, branch: &str, folder: &str, into: &Path) -> bool {
    let archive = into.join("branch.tar");
    let is_archived = [format!("origin/{branch}"), branch.to_owned()].iter().any(|name| {
        let mut git = Command::new("git");
        git.arg("-C").arg(reference).args(["archive", "--output"]).arg(&archive);
        git.args([name, folder]).stderr(Stdio::null());
        git.status().expect("git runs").success()
    });
    if is_archived {
        let status = Command::new("tar").arg("xf").arg(&archive).current_dir(into).status();
        assert!(status.expect("tar runs").success(), "tar fails");
        std::fs::remove_file(archive).expect("the archive exists");
    }
    is_archived
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
            } else if path.is_file() {
                let bytes = std::fs::read(&path).expect("a file");
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}

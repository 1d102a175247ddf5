//! Snapshots: texts that the command printed before, in `tests/snapshots`.

use crate::transcript::difference;
use std::path::Path;

/// Checks that a text is the same as the snapshot with this name. With `SNAPSHOT_BLESS=1` the
/// snapshot is rewritten instead; the change then shows in the version control system.
///
/// # Panics
/// If the text differs, or the snapshot cannot be read or written.
pub fn assert_snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(name);
    if std::env::var_os("SNAPSHOT_BLESS").is_some() {
        let folder = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be created");
        std::fs::write(&path, text).expect("the snapshot can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if let Some(difference) = difference(&expected, text) {
        let path = path.display();
        panic!("{path}: {difference}\nTo accept the new text, run the test with SNAPSHOT_BLESS=1.");
    }
}

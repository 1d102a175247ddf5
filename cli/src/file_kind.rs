//! What a file is, for a command that cannot use it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The first bytes of an exported machine (`persist`, `transfer`).
const EXPORT_MAGIC: &[u8; 8] = b"PALLASEX";

/// Says that a file is an exported machine, and which command takes it. None for any other file.
pub(crate) fn export_hint(path: &Path) -> Option<String> {
    let mut start = [0; EXPORT_MAGIC.len()];
    let is_file = path.is_file();
    let mut file = File::open(path).ok().filter(|_| is_file)?;
    file.read_exact(&mut start).ok()?;
    (start == *EXPORT_MAGIC).then(|| {
        let file = path.display();
        format!("it is an exported machine; `pallas import {file} STORE` creates a machine from it")
    })
}

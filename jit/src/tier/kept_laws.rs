//! The laws whose code is kept, so that a run looks for their code early.
//!
//! Each law whose code is kept is noted by its [fingerprint](vm::native::LawFingerprint), which is
//! computed when it is decoded, with the start of the key of the code. So a run finds out which
//! laws to look for, and whether the code of the unit that it built is there, without a look at the
//! directory. Two laws with the same fingerprint cost a search for code that is not there.
//!
//! ```text
//! <directory>/native-laws/<program>      fingerprint and start of the key, 8 bytes each
//! ```
//!
//! Processes append to the file without a lock: a write of 16 bytes is not torn, and what the file
//! says only decides when code is looked for.

use super::cache::{CacheKey, program_name};
use super::cache_directory::cache_directory;
use super::options::DebugOptions;
use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use vm::native::LawFingerprint;

/// The bytes of a record.
const RECORD: usize = size_of::<KeptCode>();
/// The most bytes of the file that are read. A longer one begins anew.
const FILE_LIMIT: u64 = 1 << 17;
/// The most files, of as many programs.
const FILES_LIMIT: usize = 8;

/// A piece of kept code: the fingerprint of its law, and the start of its key.
type KeptCode = [u64; 2];

/// What the file of this program says.
struct KeptLaws {
    path: PathBuf,
    known: HashSet<KeptCode>,
    /// The fingerprints and the keys in `known`.
    laws: HashSet<u64>,
    keys: HashSet<u64>,
}

/// The kept code of this program; none if no code is kept.
static KEPT: OnceLock<Option<Mutex<KeptLaws>>> = OnceLock::new();

fn with_kept<R>(function: impl FnOnce(&mut KeptLaws) -> R) -> Option<R> {
    let open = || {
        let directory = cache_directory()?;
        // With passes left out, no code is loaded.
        let is_used = DebugOptions::from_environment().is_complete();
        let folder = is_used.then(|| directory.join("native-laws"))?;
        Some(Mutex::new(KeptLaws::open(&folder, &program_name()?)))
    };
    let kept = KEPT.get_or_init(open).as_ref()?;
    Some(function(&mut kept.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Whether an earlier run, or this one, kept code of a law with that fingerprint.
pub(super) fn is_perhaps_kept(code: LawFingerprint) -> bool {
    with_kept(|kept| kept.laws.contains(&code.0)).unwrap_or(false)
}

/// Whether an earlier run, or this one, kept the code with that key.
pub(super) fn is_kept(key: &CacheKey) -> bool {
    with_kept(|kept| kept.keys.contains(&key.prefix())).unwrap_or(false)
}

/// Notes that code is kept.
pub(super) fn note(code: LawFingerprint, key: &CacheKey) {
    // Nothing is noted if no code is kept.
    let _ = with_kept(|kept| kept.add([code.0, key.prefix()]));
}

impl KeptLaws {
    fn open(folder: &Path, program: &str) -> KeptLaws {
        let path = folder.join(program);
        let known = read(&path).unwrap_or_default();
        if known.is_empty() {
            make_room(folder);
        }
        let [laws, keys] = [0, 1].map(|part| known.iter().map(|code| code[part]).collect());
        KeptLaws { path, known, laws, keys }
    }

    /// Adds a piece of code. If it cannot be written, the next run looks for it later.
    fn add(&mut self, code: KeptCode) {
        self.laws.insert(code[0]);
        self.keys.insert(code[1]);
        if self.known.insert(code) {
            let _ = self.append(code);
        }
    }

    fn append(&self, code: KeptCode) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        options.open(&self.path)?.write_all(code.map(u64::to_le_bytes).as_flattened())
    }
}

/// Reads a file. One that is too long, or does not end with a whole record, is deleted.
fn read(path: &Path) -> io::Result<HashSet<KeptCode>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_LIMIT || !bytes.len().is_multiple_of(RECORD) {
        fs::remove_file(path)?;
        return Ok(HashSet::new());
    }
    let (words, _) = bytes.as_chunks();
    let words: Vec<u64> = words.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    Ok(words.as_chunks().0.iter().copied().collect())
}

/// Deletes the files of other programs if there are many.
fn make_room(folder: &Path) {
    let files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|it| Some(it.ok()?.path())).collect();
    if files.len() >= FILES_LIMIT {
        // A file that cannot be deleted stays.
        files.iter().for_each(|file| drop(fs::remove_file(file)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_found_in_the_next_run_of_the_same_program() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("native-laws");
        let mut laws = KeptLaws::open(&folder, "program");
        assert!(laws.known.is_empty());
        for code in [[7, 1], [9, 2], [7, 3], [7, 1]] {
            laws.add(code);
        }
        let again = KeptLaws::open(&folder, "program");
        assert_eq!(again.known, HashSet::from([[7, 1], [9, 2], [7, 3]]));
        assert_eq!(again.laws, HashSet::from([7, 9]));
        assert_eq!(fs::metadata(&again.path).expect("a file").len(), 48);
        assert!(KeptLaws::open(&folder, "another").known.is_empty());
    }

    #[test]
    fn a_damaged_or_long_file_is_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("program");
        for length in [RECORD + 12, FILE_LIMIT as usize + RECORD] {
            fs::write(&path, vec![1; length]).expect("written");
            assert!(KeptLaws::open(folder.path(), "program").known.is_empty());
            assert!(!path.exists());
        }
    }

    #[test]
    fn files_of_many_programs_are_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..FILES_LIMIT {
            KeptLaws::open(folder.path(), &number.to_string()).add([1, 1]);
        }
        KeptLaws::open(folder.path(), "new").add([1, 1]);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}

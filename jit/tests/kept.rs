//! Machine code is kept from run to run, and freed with the runtime that it was compiled for.
//!
//! The counters are those of the whole process, so there is only one test.

use jit::{CompileMode, install, statistics};
use plan::{HeapOptions, plain};
use spec::Term;
use std::fs;
use std::path::{Path, PathBuf};
use vm::Vm;

fn options() -> HeapOptions {
    HeapOptions { nursery: 1 << 16, max_heap: 1 << 28, max_stack: 1 << 24, stress: false }
}

/// `f n`: 0 for 0, else one more than `f` of the predecessor.
const DEEP: &str = "{'f' 1 (0 (0 (0 2 (2 0)) (0 {'g' 2 (0 3 (0 1 2))} 0)) 1)}";
/// `f k n`: 0 for 0, else `k` of an app of the predecessor, and `f k` of it.
const DEEP_ALLOCATING: &str = "{'f' 2 (0 (0 (0 (2 2) (2 0)) (0 (0 {'g' 3 (0 (0 1 (0 (0 (2 0) 3) \
    3)) (0 (0 2 1) 3))} 1) 0)) 2)}";
/// `k a n`: one more than `n`, if `a` is an app.
const COUNTING: &str =
    "{'k' 2 (0 (0 (0 (0 (0 (2 1) (2 0)) (2 0)) (0 {'n' 3 (0 (2 3) 1)} 2)) (2 0)) 1)}";

/// Runs both laws in a new runtime.
fn run() {
    let mut vm = Vm::new(options(), Default::default()).expect("a stack can be reserved");
    install(&mut vm, CompileMode::Eager).expect("the machine is known");
    let [deep, allocating, counting] = [DEEP, DEEP_ALLOCATING, COUNTING].map(|text| {
        let term = Term::parse(text).expect("a term");
        plain::from_term(&mut vm, &term).expect("room")
    });
    let count = vm.nat(3000);
    for (function, args) in [(deep, vec![count.clone()]), (allocating, vec![counting, count])] {
        let result = vm.apply(&function, &args).expect("a value");
        assert_eq!(vm.look(&result).as_u64(), Some(3000));
    }
}

/// The files of the cache without that of the stubs, which a process reads once.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let stubs = blake3::hash(b"stubs").to_hex();
    let (stubs, laws): (Vec<PathBuf>, Vec<PathBuf>) = entries(&folder.join("native"))
        .iter()
        .flat_map(|folder| entries(folder))
        .partition(|file| file.file_name().is_some_and(|name| name == stubs.as_str()));
    assert_eq!(stubs.len(), 1);
    laws
}

#[test]
fn code_is_kept_checked_and_freed() {
    let folder = tempfile::tempdir().expect("a folder");
    jit::set_cache_directory(folder.path());
    run();
    let first = statistics();
    assert!(first.compiled > 0 && first.loaded == 0 && first.rejected == 0, "{first:?}");
    let kept = files(folder.path());
    assert_eq!(kept.len(), first.compiled);

    // The second run finds all code in the cache.
    run();
    let second = statistics();
    assert_eq!((second.compiled, second.loaded), (first.compiled, first.compiled));
    // The code of the first run is freed.
    assert_eq!((second.freed, second.bytes), (first.compiled, first.bytes));

    // A file that is damaged, truncated or of another unit is rewritten.
    let whole: Vec<Vec<u8>> = kept.iter().map(|file| fs::read(file).expect("a file")).collect();
    let mut damaged = whole[0].clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 4;
    for damage in [damaged, whole[0][..middle].to_vec(), whole[1].clone()] {
        let before = statistics();
        fs::write(&kept[0], damage).expect("written");
        run();
        let after = statistics();
        assert_eq!((after.rejected, after.compiled), (before.rejected + 1, before.compiled + 1));
        assert_eq!(fs::read(&kept[0]).expect("a file"), whole[0]);
    }

    // Code for many more runtimes than the region can hold at once.
    let rounds = (80 << 20) / statistics().bytes;
    (0..rounds.min(3000)).for_each(|_| run());
    let last = statistics();
    assert_eq!(last.compiled, first.compiled + 3);
    assert!(last.bytes < 2 * first.bytes, "{last:?}");
}

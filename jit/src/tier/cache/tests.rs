use super::*;
use std::time::Duration;

fn functions(size: usize) -> Vec<CompiledFunction> {
    vec![CompiledFunction {
        code: vec![7; size],
        relocations: vec![],
        stack_maps: vec![],
        law: None,
        disassembly: None,
    }]
}

fn key(text: &str) -> CacheKey {
    CacheKey(blake3::hash(text.as_bytes()))
}

fn cache(folder: &Path) -> CodeCache {
    CodeCache::open(folder, "a machine").expect("the program can be read")
}

#[test]
fn code_is_found_by_its_key_and_its_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    cache(folder.path()).save(&key("a"), &functions(100));
    let found = cache(folder.path()).load(&key("a")).expect("it is in the cache");
    assert_eq!(found[0].code, [7; 100]);
    assert!(cache(folder.path()).load(&key("b")).is_none());
    let other = CodeCache::open(folder.path(), "another machine");
    assert!(other.expect("a folder").load(&key("a")).is_none());
}

#[test]
fn damaged_and_foreign_files_are_rewritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut cache = cache(folder.path());
    cache.save(&key("a"), &functions(100));
    let path = cache.path(&key("a"));
    let whole = fs::read(&path).expect("a file");
    let mut damages: Vec<Vec<u8>> = (0..whole.len())
        .map(|place| {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            bytes
        })
        .collect();
    damages.extend((0..whole.len()).map(|length| whole[..length].to_vec()));
    damages.push([whole.as_slice(), b"more"].concat());
    cache.save(&key("b"), &functions(100));
    damages.push(fs::read(cache.path(&key("b"))).expect("a file"));
    for damage in damages {
        fs::write(&path, &damage).expect("written");
        assert!(cache.load(&key("a")).is_none(), "{damage:?}");
    }
    cache.save(&key("a"), &functions(100));
    assert_eq!(fs::read(&path).expect("a file"), whole);
}

#[test]
fn files_that_others_could_have_written_are_ignored() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let mut cache = cache(folder.path());
    cache.save(&key("a"), &functions(100));
    let path = cache.path(&key("a"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("it is ours");
    assert!(cache.load(&key("a")).is_none());
}

#[test]
fn the_least_recently_used_files_are_deleted_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut cache = cache(folder.path());
    let name = |number: u64| key(&number.to_string());
    let count = LIMIT / (8 << 20) - 1;
    for number in 0..count {
        cache.save(&name(number), &functions(8 << 20));
        let file = File::options().write(true).open(cache.path(&name(number))).expect("a file");
        let then = SystemTime::now() - Duration::from_secs(10_000 - number);
        file.set_modified(then).expect("it is ours");
    }
    assert!(cache.load(&name(0)).is_some(), "it is used now");
    cache.save(&name(count), &functions(8 << 20));
    let is_there = |number: &u64| cache.path(&name(*number)).exists();
    let there: Vec<u64> = (0..=count).filter(is_there).collect();
    assert_eq!(there, [0, 4, 5, 6, 7]);
    let total: u64 = cache.files().iter().map(|(_, size, _)| size).sum();
    assert!(total <= LOW_WATER_MARK, "{total}");
}

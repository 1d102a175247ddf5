use super::*;
use std::time::Duration;

fn object(size: usize) -> Vec<Object> {
    vec![Object { code: vec![7; size], relocations: vec![], maps: vec![], text: None }]
}

fn key(text: &str) -> Key {
    Key(blake3::hash(text.as_bytes()))
}

fn kept(folder: &Path) -> KeptCode {
    KeptCode::open(folder, "a machine").expect("the program can be read")
}

#[test]
fn code_is_found_by_its_name_and_by_who_made_it() {
    let folder = tempfile::tempdir().expect("a folder");
    kept(folder.path()).save(&key("a"), &object(100));
    let found = kept(folder.path()).load(&key("a")).expect("it is kept");
    assert_eq!(found[0].code, [7; 100]);
    assert!(kept(folder.path()).load(&key("b")).is_none());
    let other = KeptCode::open(folder.path(), "another machine");
    assert!(other.expect("a folder").load(&key("a")).is_none());
}

#[test]
fn what_is_damaged_or_foreign_is_no_code_and_is_written_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut kept = kept(folder.path());
    kept.save(&key("a"), &object(100));
    let path = kept.path(&key("a"));
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
    kept.save(&key("b"), &object(100));
    damages.push(fs::read(kept.path(&key("b"))).expect("a file"));
    for damage in damages {
        fs::write(&path, &damage).expect("written");
        assert!(kept.load(&key("a")).is_none(), "{damage:?}");
    }
    kept.save(&key("a"), &object(100));
    assert_eq!(fs::read(&path).expect("a file"), whole);
}

#[test]
fn what_others_could_have_written_is_not_run() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let mut kept = kept(folder.path());
    kept.save(&key("a"), &object(100));
    let path = kept.path(&key("a"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("it is ours");
    assert!(kept.load(&key("a")).is_none());
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut kept = kept(folder.path());
    let name = |number: u64| key(&number.to_string());
    let count = LIMIT / (8 << 20) - 1;
    for number in 0..count {
        kept.save(&name(number), &object(8 << 20));
        let file = File::options().write(true).open(kept.path(&name(number))).expect("a file");
        let then = SystemTime::now() - Duration::from_secs(10_000 - number);
        file.set_modified(then).expect("it is ours");
    }
    assert!(kept.load(&name(0)).is_some(), "it is used now");
    kept.save(&name(count), &object(8 << 20));
    let is_there = |number: &u64| kept.path(&name(*number)).exists();
    let there: Vec<u64> = (0..=count).filter(is_there).collect();
    assert_eq!(there, [0, 4, 5, 6, 7]);
    let total: u64 = kept.files().iter().map(|(_, size, _)| size).sum();
    assert!(total <= LEFT, "{total}");
}

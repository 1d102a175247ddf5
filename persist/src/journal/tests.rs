use std::sync::Arc;

use super::spare::EXTENSION;
use super::{JournalKind, JournalSurvey, JournalWriter, ScanDepth};
use crate::context::StoreContext;
use crate::disk::Disk;
use crate::sim::SimDisk;

const LOG: JournalKind = JournalKind::LOG;
const FIRST: &str = "log/00000000000000000001.log";

fn context(disk: &SimDisk) -> StoreContext {
    StoreContext::new(Arc::new(disk.clone()), [5; 16])
}

fn journal(disk: &SimDisk, spares: usize) -> JournalWriter {
    let journal = JournalWriter::create(context(disk), LOG, 1000).expect("room");
    journal.with_preallocation(300, spares).expect("room")
}

fn write(journal: &mut JournalWriter, count: u8) {
    for payload in 0..count {
        journal.push(&[&[payload; 40]]).expect("room");
        journal.flush().expect("room");
    }
}

/// The spare file holds old frames where the new ones would follow, with the same sequences,
/// payloads and lengths.
#[test]
fn stale_frames_in_a_reused_file_are_not_read_as_new() {
    let disk = SimDisk::new();
    disk.make_dir(LOG.dir).expect("made");
    write(&mut journal(&disk, 0), 6);
    let stale = disk.files()[FIRST].clone();
    write(&mut journal(&disk, 0), 2);
    let mut forged = disk.files()[FIRST].clone();
    let frame = 64 + 48;
    let end = 128 + 2 * frame;
    assert!(stale[end..end + 4] == forged[128..132], "a frame begins there");
    forged.truncate(end);
    forged.extend(&stale[end..]);
    disk.overwrite(FIRST, &forged);
    let survey = JournalSurvey::scan(&context(&disk), &LOG, 1, 0, ScanDepth::AllPayloads);
    let survey = survey.expect("torn");
    assert_eq!((survey.last.next, survey.last.end), (3, end as u64));
    let mut journal = JournalWriter::resume(context(&disk), LOG, 1000, survey).expect("resumed");
    write(&mut journal, 1);
    assert_eq!(journal.last(), 3);
}

#[test]
fn dropped_files_are_reused_and_removed_when_the_disk_is_full() {
    let disk = SimDisk::new();
    disk.make_dir(LOG.dir).expect("made");
    let mut journal = journal(&disk, 1);
    let spares = || disk.files().keys().filter(|name| name.ends_with(EXTENSION)).count();
    write(&mut journal, 30);
    assert!(journal.firsts().len() > 3);
    journal.drop_before(journal.last()).expect("dropped");
    assert_eq!((spares(), journal.firsts().len()), (1, 1));
    let guard = journal.read_guard();
    write(&mut journal, 10);
    assert_eq!(spares(), 0);
    journal.drop_before(journal.last()).expect("dropped");
    assert_eq!(spares(), 0, "a reader may hold the file");
    drop(guard);
    write(&mut journal, 20);
    journal.drop_before(journal.last()).expect("dropped");
    assert_eq!(spares(), 1);
    let used = disk.files().values().map(Vec::len).sum::<usize>();
    disk.set_capacity(Some(used));
    let mut pushed = 0;
    while journal.push(&[&[7; 40]]).is_ok() && journal.flush().is_ok() {
        pushed += 1;
        assert!(pushed < 100);
    }
    assert_eq!(spares(), 0);
    disk.set_capacity(None);
    journal.flush().expect("there is room");
}

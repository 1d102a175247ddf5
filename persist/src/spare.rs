//! Files of a journal that were dropped, kept for its next segments.
//!
//! Writing over a file that has its room already spares the file system from finding room and
//! noting it at every flush. What a spare file held cannot be read as anything new: each use of a file
//! has a key of its own, with which every frame is checked, and a place of its own ([`crate::frame`]).

use std::sync::Arc;

use crate::disk::DiskFile;
use crate::error::DiskError;
use crate::health::WriteError;
use crate::journal::Home;
use crate::segment::Family;

/// The ending of a spare file.
const ENDING: &str = ".spare";

/// The spare files of a journal.
pub(crate) struct Spares {
    home: Home,
    dir: &'static str,
    names: Vec<String>,
    /// How many are kept.
    most: usize,
}

/// The spare files that a journal has.
pub(crate) fn names(home: &Home, family: &Family) -> Result<Vec<String>, DiskError> {
    let listed = home.disk.list(family.dir);
    let listed = listed.map_err(|error| home.error(family.dir, "list", error))?;
    let spare = listed.into_iter().filter(|name| name.ends_with(ENDING));
    Ok(spare.map(|name| format!("{}/{name}", family.dir)).collect())
}

impl Spares {
    /// Finds those that are there; those beyond the number to be kept go.
    pub(crate) fn find(home: &Home, family: &Family, most: usize) -> Result<Self, DiskError> {
        let names = names(home, family)?;
        let mut spares = Self { home: home.clone(), dir: family.dir, names, most };
        while spares.names.len() > most {
            spares.remove_one()?;
        }
        Ok(spares)
    }

    /// Keeps a file that is no longer needed under its name. False if there are enough.
    pub(crate) fn keep(&mut self, name: &str) -> Result<bool, DiskError> {
        if self.names.len() >= self.most {
            return Ok(false);
        }
        let spare = format!("{name}{ENDING}");
        let renamed = self.home.disk.rename(name, &spare);
        renamed.map_err(|error| self.home.error(name, "rename", error))?;
        self.names.push(spare);
        Ok(true)
    }

    /// Makes a spare file the one of that name, beginning with these bytes, durably and all at once. None
    /// if there is no spare file.
    pub(crate) fn publish(
        &mut self,
        name: &str,
        bytes: &[u8],
    ) -> Result<Option<Arc<dyn DiskFile>>, WriteError> {
        let Some(spare) = self.names.last() else { return Ok(None) };
        let home = &self.home;
        home.health.check()?;
        let judge = |action| move |error| home.health.judge(home.error(spare, action, error));
        let file = home.disk.open(spare).map_err(judge("open"))?;
        file.write_at(0, bytes).map_err(judge("write"))?;
        file.flush().map_err(judge("flush"))?;
        home.disk.rename(spare, name).map_err(judge("rename"))?;
        let synced = home.disk.sync_dir(self.dir);
        synced.map_err(|error| home.health.fail(home.error(self.dir, "flush", error)))?;
        self.names.pop();
        Ok(Some(file))
    }

    /// Removes all, to make room.
    pub(crate) fn clear(&mut self) -> Result<(), DiskError> {
        while !self.names.is_empty() {
            self.remove_one()?;
        }
        Ok(())
    }

    fn remove_one(&mut self) -> Result<(), DiskError> {
        let Some(name) = self.names.last() else { return Ok(()) };
        let removed = self.home.disk.remove(name);
        removed.map_err(|error| self.home.error(name, "remove", error))?;
        self.names.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::health::Health;
    use crate::journal::{Journal, Survey};
    use crate::log::LOG;
    use crate::segment::Depth;
    use crate::sim::SimDisk;

    const FIRST: &str = "log/00000000000000000001.log";

    fn home(disk: &SimDisk) -> Home {
        Home { disk: Arc::new(disk.clone()), store: [5; 16], health: Arc::new(Health::default()) }
    }

    fn journal(disk: &SimDisk, spares: usize) -> Journal {
        let journal = Journal::create(home(disk), LOG, 1000).expect("room");
        journal.take_ahead(300, spares).expect("room")
    }

    fn write(journal: &mut Journal, count: u8) {
        for payload in 0..count {
            journal.push(&[&[payload; 40]]).expect("room");
            journal.flush().expect("room");
        }
    }

    /// The frames of a former use stand where the next ones would, with the very sequences, payloads
    /// and lengths that these would have.
    #[test]
    fn frames_of_a_former_use_are_not_read_as_new() {
        let disk = SimDisk::new();
        disk.make_dir(LOG.dir).expect("made");
        write(&mut journal(&disk, 0), 6);
        let former = disk.files()[FIRST].clone();
        write(&mut journal(&disk, 0), 2);
        let mut forged = disk.files()[FIRST].clone();
        let frame = 64 + 48;
        let end = 128 + 2 * frame;
        assert!(former[end..end + 4] == forged[128..132], "a frame begins there");
        forged.truncate(end);
        forged.extend(&former[end..]);
        disk.overwrite(FIRST, &forged);
        let survey = Survey::make(&home(&disk), &LOG, 1, 0, Depth::Everything).expect("torn");
        assert_eq!((survey.last.next, survey.last.end), (3, end as u64));
        let mut journal = Journal::resume(home(&disk), LOG, 1000, survey).expect("resumed");
        write(&mut journal, 1);
        assert_eq!(journal.last(), 3);
    }

    #[test]
    fn dropped_files_are_used_again_and_given_up_when_there_is_no_room() {
        let disk = SimDisk::new();
        disk.make_dir(LOG.dir).expect("made");
        let mut journal = journal(&disk, 1);
        let spares = || disk.files().keys().filter(|name| name.ends_with(ENDING)).count();
        write(&mut journal, 30);
        assert!(journal.firsts().len() > 3);
        journal.drop_before(journal.last()).expect("dropped");
        assert_eq!((spares(), journal.firsts().len()), (1, 1));
        let reading = journal.reading();
        write(&mut journal, 10);
        assert_eq!(spares(), 0);
        journal.drop_before(journal.last()).expect("dropped");
        assert_eq!(spares(), 0, "somebody may be reading");
        drop(reading);
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
}

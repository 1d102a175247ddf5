//! Creating stores, and opening them: everything is looked at first, and only
//! when all of it is found good is anything repaired.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskLock};
use crate::error::{CreateError, Damage, DiskError, OpenError, ReadError};
use crate::format_file::{self, Unfit};
use crate::frame::SEGMENT_HEADER;
use crate::health::{Health, WriteError};
use crate::journal::{Home, Journal, Survey};
use crate::log::LOG;
use crate::segment::{Depth, Family, UNFINISHED};
use crate::snapshots::{self, Snapshots};
use crate::space::catalogue::CATALOGUE;
use crate::space::files::{self, PinSurvey};
use crate::space::mapped::MappedPins;
use crate::space::{BODIES_DIR, INDEX_DIR, body, index};
use crate::{Seq, Settings, Snapshot};

/// The parts of an open store.
pub(crate) struct Parts {
    pub(crate) home: Home,
    pub(crate) lock: Arc<dyn DiskLock>,
    pub(crate) log: Journal,
    pub(crate) pins: MappedPins,
    pub(crate) snapshots: Snapshots,
}

/// Creates a store in a directory that is empty, or holds no more than what an
/// interrupted creation leaves.
pub(crate) fn create(disk: Arc<dyn Disk>, settings: &Settings) -> Result<Parts, CreateError> {
    let failed = |name: &str, action| {
        let path = disk.path(name);
        move |error| CreateError::Disk(DiskError::new(path, action, error))
    };
    let lock = lock_new(disk.as_ref())?;
    for leftover in find_leftovers(disk.as_ref())? {
        disk.remove(&leftover).map_err(failed(&leftover, "remove"))?;
    }
    for dir in [LOG.dir, snapshots::DIR] {
        disk.make_dir(dir).map_err(failed(dir, "create"))?;
    }
    let random = disk.random().map_err(failed("", "find a random name for"))?;
    let store = crate::frame::array(&random, 0);
    let home = Home { disk: Arc::clone(&disk), store, health: Arc::new(Health::default()) };
    files::make_dirs(&home).map_err(CreateError::Disk)?;
    let log = Journal::create(home.clone(), LOG, settings.log_segment).map_err(not_created)?;
    let log = log.take_ahead(settings.log_ahead, settings.log_spares).map_err(CreateError::Disk)?;
    let pins = MappedPins::create(&home, settings.slot, Arc::clone(&lock))?;
    let snapshots = Snapshots::empty(home.clone(), settings.keep());
    home.publish("", format_file::NAME, &format_file::encode(store)).map_err(not_created)?;
    Ok(Parts { home, lock, log, pins, snapshots })
}

/// Locks a directory in which something is to be created.
pub(crate) fn lock_new(disk: &dyn Disk) -> Result<Arc<dyn DiskLock>, CreateError> {
    disk.lock().map(Arc::from).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => CreateError::InUse { path: disk.path("") },
        _ => CreateError::Disk(DiskError::new(disk.path(""), "lock", error)),
    })
}

pub(crate) fn not_created(error: WriteError) -> CreateError {
    match error {
        WriteError::Full(error) | WriteError::Failed(error) => CreateError::Disk(error),
    }
}

/// What an interrupted creation left. Nothing of it holds any data, and anything
/// else that is in the way is an error.
fn find_leftovers(disk: &dyn Disk) -> Result<Vec<String>, CreateError> {
    let foreign = |name: &str| CreateError::Foreign { path: disk.path(name) };
    let failed = |name: &str, error| DiskError::new(disk.path(name), "list", error);
    let names = disk.list("").map_err(|error| failed("", error))?;
    if names.iter().any(|name| name == format_file::NAME) {
        return Err(CreateError::HoldsStore { path: disk.path("") });
    }
    let mut leftovers = Vec::new();
    for name in names {
        if name == format!("{}{UNFINISHED}", format_file::NAME) {
            leftovers.push(name);
            continue;
        }
        let is_ours = match name.as_str() {
            dir if dir == LOG.dir => |disk: &dyn Disk, file: &str| is_segment(disk, &LOG, file),
            dir if dir == CATALOGUE.dir => {
                |disk: &dyn Disk, file: &str| is_segment(disk, &CATALOGUE, file)
            }
            BODIES_DIR => is_bodies,
            // It is derived.
            INDEX_DIR => |_: &dyn Disk, file: &str| is_index(file),
            snapshots::DIR => |_: &dyn Disk, _: &str| false,
            _ => return Err(foreign(&name)),
        };
        let inside = match disk.list(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(foreign(&name));
            }
            other => other.map_err(|error| failed(&name, error))?,
        };
        for file in inside {
            let file = format!("{name}/{file}");
            if !is_ours(disk, &file) {
                return Err(foreign(&file));
            }
            leftovers.push(file);
        }
    }
    Ok(leftovers)
}

/// Whether a file is a first segment without any frame, or an unfinished one.
fn is_segment(disk: &dyn Disk, family: &Family, file: &str) -> bool {
    let segment = family.name(1);
    if let Some(finished) = file.strip_suffix(UNFINISHED) {
        return finished == segment;
    }
    file == segment && is_bare(disk, file, SEGMENT_HEADER, family.magic)
}

/// Whether a file is one of bodies without any, or an unfinished one.
fn is_bodies(disk: &dyn Disk, file: &str) -> bool {
    let is_name = |file: &str| {
        file.strip_prefix(BODIES_DIR)
            .and_then(|file| file.strip_prefix('/'))
            .is_some_and(|file| body::slot_of(file).is_some())
    };
    match file.strip_suffix(UNFINISHED) {
        Some(finished) => is_name(finished),
        None => is_name(file) && is_bare(disk, file, body::BODY_HEADER as u64, body::BODY_MAGIC),
    }
}

fn is_index(file: &str) -> bool {
    let file = file.strip_suffix(UNFINISHED).unwrap_or(file);
    index::FILES.contains(&file)
}

/// Whether a file is a header and nothing more.
fn is_bare(disk: &dyn Disk, file: &str, header: u64, magic: [u8; 8]) -> bool {
    let mut found = [0; 8];
    let is_bare = disk.open(file).and_then(|file| {
        let length = file.len()?;
        file.read_at(0, &mut found)?;
        Ok(length == header)
    });
    is_bare.unwrap_or(false) && found == magic
}

/// Opens a store.
pub(crate) fn open(disk: Arc<dyn Disk>, settings: &Settings) -> Result<Parts, OpenError> {
    let lock = lock_existing(disk.as_ref())?;
    let store = read_format(disk.as_ref())?;
    let home = Home { disk, store, health: Arc::new(Health::default()) };

    let mut snapshots = Snapshots::survey(home.clone(), settings.keep())?;
    let pins = survey_pins(&home, &snapshots)?;
    let covers = snapshots.newest().map_or(Seq::START, |snapshot| snapshot.covers);
    let log = Survey::make(&home, &LOG, covers.next().0, covers.0, Depth::Everything)
        .map_err(|error| refuse(error, snapshots.list()))?;

    // The process that created the store may have ended before it could make the
    // directory durable.
    let synced = home.disk.sync_dir("");
    synced.map_err(|error| home.error("", "flush", error))?;
    snapshots.resume()?;
    let pins = MappedPins::resume(&home, pins, Arc::clone(&lock))?;
    let log = Journal::resume(home.clone(), LOG, settings.log_segment, log)?;
    let log = log.take_ahead(settings.log_ahead, settings.log_spares)?;
    Ok(Parts { home, lock, log, pins, snapshots })
}

/// Locks a directory in which something is to be opened.
pub(crate) fn lock_existing(disk: &dyn Disk) -> Result<Arc<dyn DiskLock>, OpenError> {
    let path = disk.path("");
    disk.lock().map(Arc::from).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::InUse { path },
        io::ErrorKind::NotFound => {
            OpenError::NotAStore { path, reason: "there is no such directory".into() }
        }
        _ => DiskError::new(path, "lock", error).into(),
    })
}

/// Reads the store's identity.
pub(crate) fn read_format(disk: &dyn Disk) -> Result<crate::frame::StoreId, OpenError> {
    let path = disk.path(format_file::NAME);
    let failed = |error| DiskError::new(path.clone(), "read", error);
    let file = match disk.open(format_file::NAME) {
        Ok(file) => file,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                let reason = format!("it holds no file {}", format_file::NAME);
                return Err(OpenError::NotAStore { path: disk.path(""), reason });
            }
            _ => return Err(failed(error).into()),
        },
    };
    // One byte more than is expected shows a file that is too long.
    let length = file.len().map_err(failed)?.min(format_file::LENGTH as u64 + 1);
    let mut bytes = vec![0; length as usize];
    file.read_at(0, &mut bytes).map_err(failed)?;
    format_file::decode(&bytes).map_err(|unfit| match unfit {
        Unfit::NotAStore => {
            OpenError::NotAStore { path: path.clone(), reason: "it is another program's".into() }
        }
        Unfit::Version(found) => {
            OpenError::Version { path: path.clone(), found, supported: crate::FORMAT_VERSION }
        }
        Unfit::Damaged => {
            let reason = "the file fails its check".into();
            let advice = "nothing was changed; restore this file from a copy".into();
            let damage = Damage { path: path.clone(), offset: 0, reason, advice };
            OpenError::Damaged { damage, usable: vec![] }
        }
    })
}

/// Finds the pins, all that the newest snapshot needs among them.
fn survey_pins(home: &Home, snapshots: &Snapshots) -> Result<PinSurvey, OpenError> {
    let proven = snapshots.newest().map_or(0, |snapshot| snapshot.groups);
    PinSurvey::make(home, proven).map_err(|error| match error {
        OpenError::Damaged { damage, .. } => {
            let intact = files::intact(home);
            let mut usable = snapshots.list();
            usable.retain(|snapshot| snapshot.groups <= intact);
            OpenError::Damaged { damage, usable }
        }
        other => other,
    })
}

fn refuse(error: ReadError, usable: Vec<Snapshot>) -> OpenError {
    let damage = match error {
        ReadError::Damaged(damage) => damage,
        ReadError::Disk(error) => return error.into(),
        ReadError::Gap { ref path, .. } => {
            let advice = "nothing was changed; restore the missing files from a copy".into();
            Damage { path: path.clone(), offset: 0, reason: error.to_string(), advice }
        }
    };
    OpenError::Damaged { damage, usable }
}

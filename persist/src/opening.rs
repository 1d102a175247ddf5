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
use crate::pins::{PINS, PinSurvey, Pins, intact};
use crate::segment::{Depth, Family, UNFINISHED};
use crate::snapshots::{self, Snapshots};
use crate::{Seq, Settings, Snapshot};

/// The parts of an open store.
pub(crate) struct Parts {
    pub(crate) home: Home,
    pub(crate) lock: Box<dyn DiskLock>,
    pub(crate) log: Journal,
    pub(crate) pins: Pins,
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
    let dirs = [LOG.dir, PINS.dir, snapshots::DIR];
    for dir in dirs {
        disk.make_dir(dir).map_err(failed(dir, "create"))?;
    }
    disk.sync_dir("").map_err(failed("", "flush"))?;
    let random = disk.random().map_err(failed("", "find a random name for"))?;
    let store = crate::frame::array(&random, 0);
    let home = Home { disk: Arc::clone(&disk), store, health: Arc::new(Health::default()) };
    let log = Journal::create(home.clone(), LOG, settings.log_segment).map_err(not_created)?;
    let log = log.take_ahead(settings.log_ahead, settings.log_spares).map_err(CreateError::Disk)?;
    let pins = Pins::create(home.clone(), settings.pin_segment).map_err(not_created)?;
    let snapshots = Snapshots::empty(home.clone(), settings.keep());
    home.publish("", format_file::NAME, &format_file::encode(format_file::STORE, store))
        .map_err(not_created)?;
    Ok(Parts { home, lock, log, pins, snapshots })
}

/// Locks a directory in which something is to be created.
pub(crate) fn lock_new(disk: &dyn Disk) -> Result<Box<dyn DiskLock>, CreateError> {
    disk.lock().map_err(|error| match error.kind() {
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
        let family = match name.as_str() {
            dir if dir == LOG.dir => Some(&LOG),
            dir if dir == PINS.dir => Some(&PINS),
            dir if dir == snapshots::DIR => None,
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
            if !family.is_some_and(|family| is_leftover(disk, family, &file)) {
                return Err(foreign(&file));
            }
            leftovers.push(file);
        }
    }
    Ok(leftovers)
}

/// Whether a file is a first segment without any frame, or an unfinished one.
fn is_leftover(disk: &dyn Disk, family: &Family, file: &str) -> bool {
    let segment = family.name(1);
    if let Some(finished) = file.strip_suffix(UNFINISHED) {
        return finished == segment;
    }
    let mut magic = [0; 8];
    let bare = |file: &dyn crate::disk::DiskFile| {
        Ok::<_, io::Error>(file.len()? == SEGMENT_HEADER && file.read_at(0, &mut magic).is_ok())
    };
    file == segment
        && disk.open(file).and_then(|file| { bare }(file.as_ref())).unwrap_or(false)
        && magic == family.magic
}

/// Opens a store.
pub(crate) fn open(disk: Arc<dyn Disk>, settings: &Settings) -> Result<Parts, OpenError> {
    let lock = lock_existing(disk.as_ref())?;
    let store = read_format(disk.as_ref(), format_file::STORE)?;
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
    let pins = pins.resume(home.clone(), settings.pin_segment)?;
    let log = Journal::resume(home.clone(), LOG, settings.log_segment, log)?;
    let log = log.take_ahead(settings.log_ahead, settings.log_spares)?;
    Ok(Parts { home, lock, log, pins, snapshots })
}

/// Locks a directory in which something is to be opened.
pub(crate) fn lock_existing(disk: &dyn Disk) -> Result<Box<dyn DiskLock>, OpenError> {
    let path = disk.path("");
    disk.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::InUse { path },
        io::ErrorKind::NotFound => {
            OpenError::NotAStore { path, reason: "there is no such directory".into() }
        }
        _ => DiskError::new(path, "lock", error).into(),
    })
}

/// Reads the store's identity.
pub(crate) fn read_format(
    disk: &dyn Disk,
    magic: [u8; 8],
) -> Result<crate::frame::StoreId, OpenError> {
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
    format_file::decode(magic, &bytes).map_err(|unfit| match unfit {
        Unfit::NotAStore => {
            OpenError::NotAStore { path: path.clone(), reason: "it is another program's".into() }
        }
        Unfit::Version(found) => {
            let supported = format_file::version(magic);
            OpenError::Version { path: path.clone(), found, supported }
        }
        Unfit::Damaged => {
            let reason = "the file fails its check".into();
            let advice = "nothing was changed; restore this file from a copy".into();
            let damage = Damage { path: path.clone(), offset: 0, reason, advice };
            OpenError::Damaged { damage, usable: vec![] }
        }
    })
}

/// Finds the pins, among which the newest snapshot's root must be.
fn survey_pins(home: &Home, snapshots: &Snapshots) -> Result<PinSurvey, OpenError> {
    let proven = snapshots.newest().map_or(0, |snapshot| snapshot.pins);
    let pins = PinSurvey::make(home, proven).map_err(|error| {
        let intact = intact(home);
        let mut usable = snapshots.list();
        usable.retain(|snapshot| snapshot.pins <= intact);
        refuse(error, usable)
    })?;
    match snapshots.newest() {
        Some(newest) if !pins.contains(&newest.root) => {
            let reason = format!("the root of snapshot {} is missing", newest.generation);
            let advice = "nothing was changed; restore the directory from a copy".into();
            let damage = Damage { path: home.disk.path(PINS.dir), offset: 0, reason, advice };
            let mut usable = snapshots.list();
            usable.retain(|snapshot| pins.contains(&snapshot.root));
            Err(OpenError::Damaged { damage, usable })
        }
        _ => Ok(pins),
    }
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

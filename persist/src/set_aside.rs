//! The inputs that a machine has set aside: one file each, kept until the input is applied.
//!
//! A file appears complete or not at all, and is removed as a whole. A file that fails its check
//! was therefore damaged later; the others stay readable. The payload is opaque here: the machine
//! encodes and decodes it.
//!
//! An id is random and never used again, so an event in the log can name an input without a danger
//! that a later input has the same name. The number in a file name only gives the order.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::context::{StoreContext, TEMPORARY};
use crate::disk::RealDisk;
use crate::encoding::{array, check, truncate_check, u32_at, u64_at};
use crate::error::{DiskError, OpenError, StoreDamage};
use crate::health::WriteError;

/// The directory of the inputs. It exists from the first input on.
pub(crate) const DIR: &str = "set-aside";
const EXTENSION: &str = ".input";
const MAGIC: [u8; 8] = *b"PALLASSI";
const VERSION: u32 = 1;
/// Length of the header with its check, in bytes.
const HEADER: usize = 80;
/// Length of the check of the payload, in bytes.
const CHECK: usize = 16;

/// The identity of an input that was set aside.
pub type SetAsideId = [u8; 16];

/// An input that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAsideRecord {
    /// The identity of the input.
    pub id: SetAsideId,
    /// The bytes that were passed to [`Store::set_aside`](crate::Store::set_aside).
    pub payload: Vec<u8>,
}

/// The inputs that were set aside and not removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAsideList {
    /// The intact records, oldest first.
    pub records: Vec<SetAsideRecord>,
    /// The damage of the other files.
    pub damaged: Vec<StoreDamage>,
}

/// Returns the path of the file with this number.
fn file_name(number: u64) -> String {
    format!("{DIR}/{number:020}{EXTENSION}")
}

/// Parses a file name (without directory) and returns its number.
fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION).filter(|digits| digits.len() == 20)?;
    // The limit ensures that counting on cannot overflow.
    digits.parse().ok().filter(|number| *number <= u64::MAX >> 1)
}

fn encode(context: &StoreContext, number: u64, id: &SetAsideId, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&context.store);
    bytes[32..40].copy_from_slice(&number.to_le_bytes());
    bytes[40..56].copy_from_slice(id);
    bytes[56..64].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    let header_check = check(&bytes[..64]);
    bytes[64..].copy_from_slice(&header_check);
    bytes.extend(payload);
    bytes.extend(payload_check(&header_check, payload));
    bytes
}

/// Computes the check of a payload, which includes the check of the header: the payload of another
/// file fails it.
fn payload_check(header_check: &[u8], payload: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header_check).update(payload);
    truncate_check(&hasher.finalize())
}

/// Decodes a file. An error has the offset of the damage and the reason.
fn decode(
    context: &StoreContext,
    number: u64,
    bytes: &[u8],
) -> Result<SetAsideRecord, (u64, &'static str)> {
    let header = bytes.get(..HEADER).ok_or((0, "the file ends in its header"))?;
    if header[64..] != check(&header[..64]) {
        return Err((0, "the header fails its check"));
    }
    if header[..8] != MAGIC || u32_at(header, 8) != VERSION {
        return Err((0, "the file is not a set-aside input of this version"));
    }
    if header[16..32] != context.store {
        return Err((16, "the input belongs to another store"));
    }
    if u64_at(header, 32) != number {
        return Err((32, "the number differs from the file name"));
    }
    let rest = &bytes[HEADER..];
    let length = usize::try_from(u64_at(header, 56)).ok();
    let payload = length.and_then(|length| rest.get(..length));
    let found = length.and_then(|length| rest.get(length..));
    let (Some(payload), Some(found)) = (payload, found) else {
        return Err((HEADER as u64, "the file ends in its payload"));
    };
    if found != payload_check(&header[64..], payload) {
        return Err((HEADER as u64, "the payload fails its check"));
    }
    Ok(SetAsideRecord { id: array(header, 40), payload: payload.to_vec() })
}

/// Removes the inputs with these ids from the closed store in a directory, and returns how many there
/// were.
///
/// # Errors
/// See [`OpenError`].
pub fn remove_set_aside(
    directory: impl AsRef<Path>,
    ids: &[SetAsideId],
) -> Result<usize, OpenError> {
    let disk = Arc::new(RealDisk::new(directory.as_ref()));
    let (context, _lock) = StoreContext::lock(disk)?;
    Ok(SetAsideFiles::survey(context)?.remove(ids)?)
}

/// The set-aside inputs of a store.
pub(crate) struct SetAsideFiles {
    context: StoreContext,
    /// Whether [`DIR`] exists durably.
    has_dir: bool,
    /// The numbers of the files, ascending.
    numbers: Vec<u64>,
    /// The temporary files of interrupted writes.
    leftovers: Vec<String>,
}

impl SetAsideFiles {
    /// Creates the empty list of a new store.
    pub(crate) fn empty(context: StoreContext) -> Self {
        Self { context, has_dir: false, numbers: vec![], leftovers: vec![] }
    }

    /// Lists the files. Reads and changes none.
    pub(crate) fn survey(context: StoreContext) -> Result<Self, DiskError> {
        let mut found = Self::empty(context);
        let names = match found.context.list(DIR) {
            Err(error) if error.error.kind() == io::ErrorKind::NotFound => return Ok(found),
            names => names?,
        };
        found.has_dir = true;
        for name in names {
            if name.ends_with(TEMPORARY) {
                found.leftovers.push(format!("{DIR}/{name}"));
            } else if let Some(number) = number_of(&name) {
                found.numbers.push(number);
            }
        }
        found.numbers.sort_unstable();
        Ok(found)
    }

    /// Removes temporary files, and makes durable what a crash of the process left pending. The
    /// caller has made the store's directory durable.
    pub(crate) fn resume(&mut self) -> Result<(), DiskError> {
        for name in std::mem::take(&mut self.leftovers) {
            self.context.remove(&name)?;
        }
        if self.has_dir { self.context.sync_dir(DIR) } else { Ok(()) }
    }

    /// Returns the number of files and their total length, in bytes.
    pub(crate) fn usage(&self) -> Result<(u64, u64), DiskError> {
        let mut bytes = 0;
        for number in &self.numbers {
            bytes += self.context.length(&file_name(*number))?;
        }
        Ok((self.numbers.len() as u64, bytes))
    }

    /// Reads all files.
    pub(crate) fn read(&self) -> Result<SetAsideList, DiskError> {
        let mut list = SetAsideList::default();
        for number in &self.numbers {
            match self.read_file(*number)? {
                Ok(record) => list.records.push(record),
                Err(damage) => list.damaged.push(damage),
            }
        }
        Ok(list)
    }

    fn read_file(&self, number: u64) -> Result<Result<SetAsideRecord, StoreDamage>, DiskError> {
        let name = file_name(number);
        let read = || {
            let file = self.context.disk.open(&name)?;
            let length = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
            let mut bytes = vec![0; length];
            file.read_at(0, &mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| self.context.error(&name, "read", error))?;
        Ok(decode(&self.context, number, &bytes).map_err(|(offset, reason)| StoreDamage {
            path: self.context.disk.path(&name),
            offset,
            reason: reason.into(),
            advice: "restore this file from a copy, or remove it: no state depends on it".into(),
        }))
    }

    /// Writes an input durably.
    pub(crate) fn add(&mut self, payload: &[u8]) -> Result<SetAsideId, WriteError> {
        let random = self.context.disk.random();
        let random = random.map_err(|error| {
            let error = self.context.error("", "choose a random id for", error);
            self.context.health.classify(error)
        })?;
        let id = array(&random, 0);
        self.write(&id, payload)?;
        Ok(id)
    }

    /// Writes an input of another store durably, under its id.
    pub(crate) fn restore(&mut self, record: &SetAsideRecord) -> Result<(), WriteError> {
        self.write(&record.id, &record.payload)
    }

    fn write(&mut self, id: &SetAsideId, payload: &[u8]) -> Result<(), WriteError> {
        let context = &self.context;
        let classify = |error| context.health.classify(error);
        if !self.has_dir {
            let made = context.disk.make_dir(DIR);
            made.map_err(|error| classify(context.error(DIR, "create", error)))?;
            context.sync_dir("").map_err(|error| context.health.fail(error))?;
            self.has_dir = true;
        }
        let number = self.numbers.last().map_or(1, |last| last + 1);
        let bytes = encode(context, number, id, payload);
        context.publish(DIR, &file_name(number), &bytes)?;
        self.numbers.push(number);
        Ok(())
    }

    /// Removes the inputs with these ids durably, and returns how many there were. Ids that have no
    /// input are ignored.
    pub(crate) fn remove(&mut self, ids: &[SetAsideId]) -> Result<usize, DiskError> {
        let mut removed = vec![];
        for number in &self.numbers {
            if self.read_file(*number)?.is_ok_and(|record| ids.contains(&record.id)) {
                self.context.remove(&file_name(*number))?;
                removed.push(*number);
            }
        }
        if removed.is_empty() {
            return Ok(0);
        }
        self.numbers.retain(|number| !removed.contains(number));
        self.context.sync_dir(DIR)?;
        Ok(removed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::sim::{InjectedFault, SimDisk, SurvivingWrites};

    fn context(disk: &SimDisk) -> StoreContext {
        StoreContext::new(Arc::new(disk.clone()), [3; 16])
    }

    fn opened(disk: &SimDisk) -> SetAsideFiles {
        let mut files = SetAsideFiles::survey(context(disk)).expect("a list of names");
        files.resume().expect("a disk that works");
        files
    }

    fn payloads(files: &SetAsideFiles) -> Vec<Vec<u8>> {
        let list = files.read().expect("readable");
        assert_eq!(list.damaged, []);
        list.records.into_iter().map(|record| record.payload).collect()
    }

    #[test]
    fn inputs_are_listed_in_order_until_they_are_removed() {
        let disk = SimDisk::new();
        let mut files = opened(&disk);
        assert!(payloads(&files).is_empty());
        let ids: Vec<SetAsideId> =
            [&b"one"[..], b"", b"three"].map(|it| files.add(it).expect("room")).to_vec();
        assert_eq!(payloads(&opened(&disk)), [&b"one"[..], b"", b"three"]);
        files.remove(&ids[1..2]).expect("a disk that works");
        files.remove(&[[9; 16]]).expect("an unknown id is ignored");
        assert_eq!(payloads(&files), [&b"one"[..], b"three"]);
        assert_eq!(payloads(&opened(&disk)), payloads(&files));
        files.remove(&ids).expect("a disk that works");
        // The number is used again, the id is not.
        let id = files.add(b"four").expect("room");
        assert!(!ids.contains(&id));
        assert_eq!(payloads(&opened(&disk)), [b"four"]);
    }

    #[test]
    fn an_input_survives_a_crash_at_any_operation_once_it_is_added() {
        for step in 1..30 {
            let disk = SimDisk::new();
            disk.fail_at(step, InjectedFault::PowerOff);
            let mut files = opened(&disk);
            let added = (0..4_u8).take_while(|byte| files.add(&[*byte; 40]).is_ok()).count();
            let remains = [
                SurvivingWrites::Nothing,
                SurvivingWrites::Everything,
                SurvivingWrites::LengthsOnly,
            ];
            for survives in remains.into_iter().chain((0..9).map(SurvivingWrites::Anything)) {
                let after = disk.crash(survives);
                after.make_dir(DIR).expect("a directory");
                let found = payloads(&opened(&after));
                assert!(found.len() >= added, "step {step}, {survives:?}");
                for (byte, payload) in found.iter().enumerate() {
                    assert_eq!(payload, &[byte as u8; 40], "step {step}, {survives:?}");
                }
            }
        }
    }

    #[test]
    fn every_flipped_or_missing_byte_is_damage_of_its_own_file_only() {
        let disk = SimDisk::new();
        let mut files = opened(&disk);
        files.add(b"first").expect("room");
        files.add(b"second").expect("room");
        let name = file_name(1);
        let whole = disk.files()[&name].clone();
        let flipped = (0..whole.len()).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            bytes
        });
        let truncated = (0..whole.len()).map(|length| whole[..length].to_vec());
        let extended = [[&whole[..], &[0]].concat()];
        for bytes in flipped.chain(truncated).chain(extended) {
            disk.overwrite(&name, &bytes);
            let list = files.read().expect("readable");
            assert_eq!(list.damaged.len(), 1, "{bytes:?}");
            assert!(list.damaged[0].path.ends_with(&name));
            assert_eq!(list.records.len(), 1);
            assert_eq!(list.records[0].payload, b"second");
        }
    }

    #[test]
    fn an_input_is_added_when_a_full_disk_has_room_again() {
        let disk = SimDisk::new();
        let mut files = opened(&disk);
        disk.set_capacity(Some(50));
        assert!(matches!(files.add(&[7; 40]), Err(WriteError::Full(_))));
        disk.set_capacity(None);
        files.add(&[7; 40]).expect("room");
        assert_eq!(payloads(&opened(&disk)), [[7; 40]]);
    }
}

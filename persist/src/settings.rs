//! The settings of an open store.

use std::time::Duration;

use plan::pinspace::range::SLOT_SIZE;

/// The settings of an open store. They are not recorded on disk: each opening of a store may
/// choose different ones.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The maximum size of a log segment, in bytes. An event that is larger gets a segment of its
    /// own. Default: 64 MiB.
    pub log_segment: u64,
    /// The slot of the pin range (`plan::pinspace::range`) in which a new store begins. Stores that
    /// are open in one process at the same time need different slots. Default: `None`, which
    /// chooses a free slot at random.
    pub slot: Option<usize>,
    /// The maximum size of a body file, in bytes. A pin that does not fit goes to a new file in
    /// another slot; a larger pin gets a file of its own. Default and maximum: the size of a slot,
    /// 64 GiB.
    pub body_file: u64,
    /// The number of bytes by which the log's file is preallocated. A flush is cheaper when it
    /// does not change the length of the file. Default: 1 MiB; 0 disables preallocation.
    pub log_preallocation: u64,
    /// The number of pruned log segments that are kept as spare files, to be overwritten by later
    /// segments. Default: 2.
    pub log_spare_files: usize,
    /// The maximum time that the background committer delays an event in order to flush it
    /// together with others. A thread that waits for the event ends the delay. Default: zero; then
    /// an event only waits for the flush in progress.
    pub commit_delay: Duration,
    /// A thread that appends an event with a callback commits it itself while commits take less than
    /// this, which is about what handing the event to another thread and back takes. Default: 200 us;
    /// zero: never.
    pub inline_commit: Duration,
    /// Which snapshots are kept, and with them the log since the oldest one. Default: three.
    pub retention: Retention,
    /// The maximum number of queued bytes before an append blocks until the disk catches up.
    /// Default: 64 MiB.
    pub max_pending: usize,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            log_segment: 64 << 20,
            slot: None,
            body_file: SLOT_SIZE as u64,
            log_preallocation: 1 << 20,
            log_spare_files: 2,
            commit_delay: Duration::ZERO,
            inline_commit: Duration::from_micros(200),
            retention: Retention::default(),
            max_pending: 64 << 20,
        }
    }
}

/// Which snapshots are kept.
///
/// The newest ones are kept in any case. Older ones are kept as long as they satisfy all bounds that
/// are set; without a bound, none is. Pins and log segments that no kept snapshot needs are freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The number of newest snapshots that are kept. Values below 2 count as 2, so that the loss of
    /// one is not fatal. Default: 3.
    pub snapshots: usize,
    /// The greatest age of an older snapshot.
    pub age: Option<Duration>,
    /// The greatest size of the log since an older snapshot, in bytes.
    pub log_bytes: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { snapshots: 3, age: None, log_bytes: None }
    }
}

impl Retention {
    /// Returns the number of snapshots that are kept in any case.
    pub(crate) fn count(&self) -> usize {
        self.snapshots.max(2)
    }

    /// Whether an older snapshot is kept, which was written `age` ago, and since which the log has
    /// this size.
    pub(crate) fn keeps_older(&self, age: Duration, log_bytes: u64) -> bool {
        let has_bound = self.age.is_some() || self.log_bytes.is_some();
        has_bound
            && self.age.is_none_or(|most| age <= most)
            && self.log_bytes.is_none_or(|most| log_bytes <= most)
    }
}

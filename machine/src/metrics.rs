//! What a running machine has done, counted while it runs: [`MachineHandle::metrics`] reads the
//! counts from another thread.
//!
//! [`MachineHandle::metrics`]: crate::MachineHandle::metrics

mod prometheus;

use persist::WrittenPins;
use plan::HeapStatistics;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Buckets for each power of two, so a percentile is at most an eighth too large.
const BUCKETS_PER_POWER: usize = 8;
/// The base-2 logarithm of [`BUCKETS_PER_POWER`].
const POWER: u32 = BUCKETS_PER_POWER.trailing_zeros();
/// Enough for all numbers of nanoseconds below 2^64.
const BUCKETS: usize = (64 - POWER as usize + 1) * BUCKETS_PER_POWER;

/// The bucket of a number of nanoseconds.
fn bucket(nanoseconds: u64) -> usize {
    let excess = (u64::BITS - nanoseconds.leading_zeros()).saturating_sub(POWER + 1);
    excess as usize * BUCKETS_PER_POWER + (nanoseconds >> excess) as usize
}

/// The largest number of nanoseconds in a bucket.
fn bucket_end(bucket: usize) -> u64 {
    let excess = (bucket / BUCKETS_PER_POWER).saturating_sub(1);
    let first = (bucket - excess * BUCKETS_PER_POWER) as u64;
    (first << excess) + ((1 << excess) - 1)
}

/// What a machine has done since it was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineMetrics {
    /// Durable events.
    pub events: u64,
    /// Bytes of these events in the log.
    pub log_bytes: u64,
    /// Bytes that the cog's heap used after the last event, dead objects included.
    pub heap_bytes: u64,
    /// Pins that were written to the store.
    pub pins: u64,
    /// Bytes of these pins.
    pub pin_bytes: u64,
    /// Snapshots that were written while the machine ran.
    pub snapshots: u64,
    /// Collections of the store's garbage.
    pub store_collections: u64,
    /// Pins that these collections freed.
    pub freed_pins: u64,
    /// Bytes of these pins.
    pub freed_bytes: u64,
    /// Collections of the nursery of the cog's heap.
    pub young_collections: u64,
    /// Full collections of the cog's heap.
    pub full_collections: u64,
    /// The time that these collections took together.
    pub pauses: Duration,
    /// The time that the longest of them took.
    pub longest_pause: Duration,
    /// Drivers and jobs that the cog has.
    pub workers: u64,
    /// Jobs that have ended.
    pub jobs_done: u64,
    /// Open TCP connections.
    pub connections: u64,
    /// The sum of the times that the events took until they were durable.
    pub latency_sum: Duration,
    /// Counts of events by the time from the start of their evaluation until they were durable.
    latencies: Vec<u64>,
}

impl MachineMetrics {
    /// The time within which this share of the events became durable that were made after
    /// `earlier`; at most an eighth too large. None without such an event.
    pub fn latency_since(&self, earlier: &MachineMetrics, share: f64) -> Option<Duration> {
        let counts = self.latencies.iter().zip(&earlier.latencies);
        let counts: Vec<u64> = counts.map(|(now, before)| now.saturating_sub(*before)).collect();
        let total: u64 = counts.iter().sum();
        let wanted = (total as f64 * share).ceil() as u64;
        let mut sum = 0;
        let found = counts.iter().position(|count| {
            sum += count;
            sum >= wanted
        });
        found.filter(|_| total > 0).map(|found| Duration::from_nanos(bucket_end(found)))
    }
}

/// Counts what a machine does. Any thread may count and read.
pub(crate) struct MetricsRecorder {
    events: AtomicU64,
    log_bytes: AtomicU64,
    heap_bytes: AtomicUsize,
    pins: Arc<WrittenPins>,
    snapshots: AtomicU64,
    store_collections: AtomicU64,
    freed_pins: AtomicU64,
    freed_bytes: AtomicU64,
    young_collections: AtomicU64,
    full_collections: AtomicU64,
    /// In nanoseconds.
    pauses: AtomicU64,
    longest_pause: AtomicU64,
    workers: AtomicUsize,
    jobs_done: AtomicU64,
    connections: Arc<AtomicUsize>,
    latency_sum: AtomicU64,
    latencies: Vec<AtomicU64>,
}

impl MetricsRecorder {
    /// A recorder that counts from now on, with the pins of the machine's store and the number of its
    /// open connections.
    pub(crate) fn new(pins: Arc<WrittenPins>, connections: Arc<AtomicUsize>) -> MetricsRecorder {
        MetricsRecorder {
            events: AtomicU64::new(0),
            log_bytes: AtomicU64::new(0),
            heap_bytes: AtomicUsize::new(0),
            pins,
            snapshots: AtomicU64::new(0),
            store_collections: AtomicU64::new(0),
            freed_pins: AtomicU64::new(0),
            freed_bytes: AtomicU64::new(0),
            young_collections: AtomicU64::new(0),
            full_collections: AtomicU64::new(0),
            pauses: AtomicU64::new(0),
            longest_pause: AtomicU64::new(0),
            workers: AtomicUsize::new(0),
            jobs_done: AtomicU64::new(0),
            connections,
            latency_sum: AtomicU64::new(0),
            latencies: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Counts an event that became durable this long after its evaluation began.
    pub(crate) fn count_event(&self, log_bytes: u64, latency: Duration) {
        self.events.fetch_add(1, Ordering::Relaxed);
        self.log_bytes.fetch_add(log_bytes, Ordering::Relaxed);
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency_sum.fetch_add(nanoseconds, Ordering::Relaxed);
        self.latencies[bucket(nanoseconds)].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a snapshot that was written.
    pub(crate) fn count_snapshot(&self) {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a collection of the store, and what it freed.
    pub(crate) fn count_collection(&self, pins: u64, bytes: u64) {
        self.store_collections.fetch_add(1, Ordering::Relaxed);
        self.freed_pins.fetch_add(pins, Ordering::Relaxed);
        self.freed_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes how many bytes the cog's heap uses, and how often it was collected.
    pub(crate) fn set_heap(&self, bytes: usize, statistics: HeapStatistics) {
        self.heap_bytes.store(bytes, Ordering::Relaxed);
        self.young_collections.store(statistics.minor, Ordering::Relaxed);
        self.full_collections.store(statistics.major, Ordering::Relaxed);
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.pauses.store(nanoseconds(statistics.pauses), Ordering::Relaxed);
        self.longest_pause.store(nanoseconds(statistics.longest_pause), Ordering::Relaxed);
    }

    /// Notes how many workers the cog has.
    pub(crate) fn set_workers(&self, workers: usize) {
        self.workers.store(workers, Ordering::Relaxed);
    }

    /// Counts a job that has ended.
    pub(crate) fn count_job(&self) {
        self.jobs_done.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads the counts.
    pub(crate) fn read(&self) -> MachineMetrics {
        MachineMetrics {
            events: self.events.load(Ordering::Relaxed),
            log_bytes: self.log_bytes.load(Ordering::Relaxed),
            heap_bytes: self.heap_bytes.load(Ordering::Relaxed) as u64,
            pins: self.pins.count(),
            pin_bytes: self.pins.bytes(),
            snapshots: self.snapshots.load(Ordering::Relaxed),
            store_collections: self.store_collections.load(Ordering::Relaxed),
            freed_pins: self.freed_pins.load(Ordering::Relaxed),
            freed_bytes: self.freed_bytes.load(Ordering::Relaxed),
            young_collections: self.young_collections.load(Ordering::Relaxed),
            full_collections: self.full_collections.load(Ordering::Relaxed),
            pauses: Duration::from_nanos(self.pauses.load(Ordering::Relaxed)),
            longest_pause: Duration::from_nanos(self.longest_pause.load(Ordering::Relaxed)),
            workers: self.workers.load(Ordering::Relaxed) as u64,
            jobs_done: self.jobs_done.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed) as u64,
            latency_sum: Duration::from_nanos(self.latency_sum.load(Ordering::Relaxed)),
            latencies: self.latencies.iter().map(|it| it.load(Ordering::Relaxed)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_numbers_up_to_an_eighth() {
        let powers = (0..64).map(|power| 1_u64 << power);
        let numbers = powers.flat_map(|power| [power - 1, power, power + power / 3, power | 1]);
        for number in numbers.chain([u64::MAX]) {
            let end = bucket_end(bucket(number));
            assert!(end >= number && end - number <= number / 8, "{number}: {end}");
            assert!(bucket(number) < BUCKETS);
        }
        let ends: Vec<u64> = (0..BUCKETS).map(bucket_end).collect();
        assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_percentile_is_that_of_the_events_between_two_reads() {
        let recorder = MetricsRecorder::new(Arc::default(), Arc::default());
        let start = recorder.read();
        assert_eq!((start.events, start.log_bytes), (0, 0));
        assert_eq!(start.latency_since(&start, 0.99), None);
        for milliseconds in 1..=100 {
            recorder.count_event(10, Duration::from_millis(milliseconds));
        }
        let middle = recorder.read();
        assert_eq!((middle.events, middle.log_bytes), (100, 1000));
        let is_about = |found: Option<Duration>, milliseconds: u64| {
            let expected = Duration::from_millis(milliseconds);
            found.is_some_and(|found| found >= expected && found <= expected * 9 / 8)
        };
        assert!(is_about(middle.latency_since(&start, 0.99), 99));
        assert!(is_about(middle.latency_since(&start, 0.5), 50));
        recorder.count_event(10, Duration::from_millis(7));
        let end = recorder.read();
        assert!(is_about(end.latency_since(&middle, 0.99), 7));
        assert_eq!(end.latency_since(&end, 0.99), None);
    }
}

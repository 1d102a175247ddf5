//! Durable appends: the event log against SQLite (WAL, `synchronous=FULL`) and LMDB.
//!
//! ```text
//! cargo bench --package bench --features rivals --bench log
//! ```
//!
//! An append is complete when it would survive a loss of power. So the time is mostly that of the
//! disk's flush: one per append with one thread, one per group of appends with several.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions};
use persist::Store;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The event that is appended.
const EVENT: [u8; 200] = [7; 200];

/// A log to which any number of threads append.
trait DurableLog: Sync {
    /// The state that each thread needs.
    type Connection;
    fn connect(&self) -> Self::Connection;
    /// Appends an event, and returns when it is durable.
    fn append(&self, connection: &mut Self::Connection);
}

struct PallasLog(Store);

impl DurableLog for PallasLog {
    type Connection = ();

    fn connect(&self) {}

    fn append(&self, (): &mut ()) {
        self.0.append(&EVENT).expect("it can be appended");
        self.0.commit().expect("it can be committed");
    }
}

struct Sqlite(PathBuf);

impl Sqlite {
    fn new(folder: &Path) -> Sqlite {
        let log = Sqlite(folder.join("sqlite.db"));
        let schema = "CREATE TABLE log (seq INTEGER PRIMARY KEY, event BLOB)";
        log.connect().execute(schema, []).expect("it can be created");
        log
    }
}

impl DurableLog for Sqlite {
    type Connection = rusqlite::Connection;

    fn connect(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(&self.0).expect("it can be opened");
        connection.busy_timeout(Duration::from_secs(60)).expect("it can be set");
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            .expect("it can be set");
        connection
    }

    fn append(&self, connection: &mut rusqlite::Connection) {
        let mut insert = connection
            .prepare_cached("INSERT INTO log (event) VALUES (?1)")
            .expect("the statement is valid");
        insert.execute([&EVENT[..]]).expect("it can be appended");
    }
}

struct Lmdb {
    env: Env,
    log: Database<Bytes, Bytes>,
    next: AtomicU64,
}

impl Lmdb {
    /// Creates the database of an environment.
    fn new(env: Env) -> Lmdb {
        let mut transaction = env.write_txn().expect("it can be started");
        let log = env.create_database(&mut transaction, None).expect("it can be created");
        transaction.commit().expect("it can be committed");
        Lmdb { env, log, next: AtomicU64::new(0) }
    }
}

impl DurableLog for Lmdb {
    type Connection = ();

    fn connect(&self) {}

    fn append(&self, (): &mut ()) {
        let mut transaction = self.env.write_txn().expect("it can be started");
        let seq = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        self.log.put(&mut transaction, &seq, &EVENT).expect("it can be written");
        transaction.commit().expect("it can be committed");
    }
}

/// The time until each of the threads has made `appends` appends, one after the other.
fn time<L: DurableLog>(log: &L, threads: u64, appends: u64) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut connection = log.connect();
                for _ in 0..appends {
                    log.append(&mut connection);
                }
            });
        }
    });
    start.elapsed()
}

fn compare<L: DurableLog>(c: &mut Criterion, name: &str, log: &L) {
    let mut group = c.benchmark_group("durable appends of 200 bytes");
    group.sample_size(10);
    for threads in [1, 8, 64] {
        group.throughput(Throughput::Elements(threads));
        group.bench_function(BenchmarkId::new(name, format!("{threads} threads")), |b| {
            b.iter_custom(|appends| time(log, threads, appends));
        });
    }
    group.finish();
}

fn logs(c: &mut Criterion) {
    // Not in /tmp, which may be in memory, where a flush costs nothing.
    let folder = TempDir::new_in(env!("CARGO_MANIFEST_DIR")).expect("it can be created");
    let store = Store::create(folder.path().join("store")).expect("it can be created");
    compare(c, "pallas", &PallasLog(store));
    compare(c, "sqlite", &Sqlite::new(folder.path()));
    let path = folder.path().join("lmdb");
    std::fs::create_dir(&path).expect("it can be created");
    let mut options = EnvOpenOptions::new();
    options.map_size(16 << 30);
    // SAFETY: the folder was just created under a random name, so no other environment or process
    // opens the file, and the mapped file changes only through this environment.
    let env = unsafe { options.open(&path) }.expect("it can be opened");
    compare(c, "lmdb", &Lmdb::new(env));
}

criterion_group!(benches, logs);
criterion_main!(benches);

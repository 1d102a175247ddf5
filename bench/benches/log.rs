//! Durable appends: the event log against SQLite (WAL, `synchronous=FULL`) and LMDB.
//!
//! ```text
//! cargo bench --package bench --features rivals --bench log
//! ```
//!
//! An append counts when it would survive a loss of power, so what is measured is mostly the
//! disk's flush: once an append where one thread appends, once a group where several do.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions};
use persist::Store;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Bytes of an event.
const EVENT: [u8; 200] = [7; 200];

/// Appends events durably, from any number of threads.
trait Log: Sync {
    /// What a thread needs of its own.
    type Hand;
    fn hand(&self) -> Self::Hand;
    fn append(&self, hand: &mut Self::Hand);
}

struct Ours(Store);

impl Log for Ours {
    type Hand = ();

    fn hand(&self) {}

    fn append(&self, (): &mut ()) {
        self.0.append(&EVENT).expect("it appends");
        self.0.commit().expect("it commits");
    }
}

struct Sqlite(PathBuf);

impl Sqlite {
    fn new(folder: &Path) -> Sqlite {
        let log = Sqlite(folder.join("sqlite.db"));
        let schema = "CREATE TABLE log (seq INTEGER PRIMARY KEY, event BLOB)";
        log.hand().execute(schema, []).expect("it creates");
        log
    }
}

impl Log for Sqlite {
    type Hand = Connection;

    fn hand(&self) -> Connection {
        let connection = Connection::open(&self.0).expect("it opens");
        connection.busy_timeout(Duration::from_secs(60)).expect("it is set");
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            .expect("it is set");
        connection
    }

    fn append(&self, connection: &mut Connection) {
        let mut insert = connection
            .prepare_cached("INSERT INTO log (event) VALUES (?1)")
            .expect("the statement is right");
        insert.execute([&EVENT[..]]).expect("it appends");
    }
}

struct Lmdb {
    env: Env,
    log: Database<Bytes, Bytes>,
    next: AtomicU64,
}

impl Lmdb {
    /// `env` must not be open anywhere else in this process.
    fn new(env: Env) -> Lmdb {
        let mut transaction = env.write_txn().expect("it begins");
        let log = env.create_database(&mut transaction, None).expect("it creates");
        transaction.commit().expect("it commits");
        Lmdb { env, log, next: AtomicU64::new(0) }
    }
}

impl Log for Lmdb {
    type Hand = ();

    fn hand(&self) {}

    fn append(&self, (): &mut ()) {
        let mut transaction = self.env.write_txn().expect("it begins");
        let seq = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        self.log.put(&mut transaction, &seq, &EVENT).expect("it puts");
        transaction.commit().expect("it commits");
    }
}

/// How long it takes until each of so many threads has made so many appends, one after the other.
fn time<L: Log>(log: &L, threads: u64, appends: u64) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut hand = log.hand();
                for _ in 0..appends {
                    log.append(&mut hand);
                }
            });
        }
    });
    start.elapsed()
}

fn compare<L: Log>(c: &mut Criterion, name: &str, log: &L) {
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
    // Not in /tmp, which may be memory, where a flush costs nothing.
    let folder = TempDir::new_in(env!("CARGO_MANIFEST_DIR")).expect("it is made");
    let store = Store::create(folder.path().join("store")).expect("it is made");
    compare(c, "pallas", &Ours(store));
    compare(c, "sqlite", &Sqlite::new(folder.path()));
    let place = folder.path().join("lmdb");
    std::fs::create_dir(&place).expect("it is made");
    let mut options = EnvOpenOptions::new();
    options.map_size(16 << 30);
    // SAFETY: the folder is new and known to nobody else, so the file under the mapping changes
    // only through this environment.
    let env = unsafe { options.open(&place) }.expect("it opens");
    compare(c, "lmdb", &Lmdb::new(env));
}

criterion_group!(benches, logs);
criterion_main!(benches);

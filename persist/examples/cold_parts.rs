//! Moves parts of a body file to an object store and fetches them back: `SCALE.md`, "Cold pins".
//!
//! ```text
//! cargo run --release -p persist --features cold-parts --example cold_parts -- DIR MB PART_MB STORE
//! ```
//!
//! `STORE` is a directory, or `s3:ENDPOINT/BUCKET` (with keys in `AWS_ACCESS_KEY_ID` and
//! `AWS_SECRET_ACCESS_KEY`), such as `s3:http://127.0.0.1:5000/cold`. The example creates a store
//! in `DIR` with pins of 4096 bytes that take `MB` megabytes. It copies the body file in parts of
//! `PART_MB` and punches it. Then it fetches one part, compares it with the check in its name, and
//! writes it back to its offset. After each step it reads all pins: exactly those in present parts
//! must be intact.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use persist::{CatalogueEntry, Store};
use plan::HeapOptions;
use plan::pinspace::range::{BASE, SLOT_SIZE};
use rustix::fs::{FallocateFlags, fallocate};
use vm::Vm;

/// The result of the example.
type MeasureResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The size of a pin, in bytes.
const PIN: usize = 4096;
/// The number of pins per commit.
const GROUP: usize = 4096;

fn main() -> MeasureResult {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, megabytes, part, target] = &args[..] else {
        return Err("usage: DIR MB PART_MB STORE".into());
    };
    let dir = Path::new(dir).join("cold-parts");
    let runtime = tokio::runtime::ValueBuilder::new_current_thread().enable_all().build()?;
    make(&dir, megabytes.parse::<usize>()? * 1_000_000 / PIN)?;
    let mut cold = Cold::open(&dir, part.parse::<u64>()? << 20, remote(target)?)?;
    let result = runtime.block_on(cold.run());
    fs::remove_dir_all(&dir)?;
    result
}

/// Opens the object store.
fn remote(target: &str) -> MeasureResult<Arc<dyn ObjectStore>> {
    let Some(server) = target.strip_prefix("s3:") else {
        fs::create_dir_all(target)?;
        return Ok(Arc::new(LocalFileSystem::new_with_prefix(target)?.with_fsync(true)));
    };
    let (endpoint, bucket) = server.rsplit_once('/').ok_or("s3:ENDPOINT/BUCKET")?;
    let builder = AmazonS3Builder::from_env().with_endpoint(endpoint).with_bucket_name(bucket);
    Ok(Arc::new(builder.with_region("us-east-1").with_allow_http(true).build()?))
}

/// Creates a store with some pins.
fn make(dir: &Path, pins: usize) -> MeasureResult {
    let store = Store::create(dir)?;
    let mut vm = Vm::new(HeapOptions::default(), Default::default())?;
    for number in 0..pins {
        let mut bytes = vec![0; PIN];
        blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
        let bar = vm.bar(&bytes)?;
        vm.freeze(&bar, store.space())?;
        if number % GROUP == GROUP - 1 {
            store.commit_pins()?;
        }
    }
    Ok(store.close()?)
}

/// A pin, with its offset in the body file.
struct Pin {
    offset: u64,
    entry: CatalogueEntry,
}

/// A part of a body file.
#[derive(Clone, Copy)]
struct BodyPart {
    offset: u64,
    bytes: u64,
}

impl BodyPart {
    fn overlaps(&self, pin: &Pin) -> bool {
        pin.offset < self.offset + self.bytes && self.offset < pin.offset + pin.entry.bytes()
    }
}

/// A store whose body file is moved in parts.
struct Cold {
    dir: PathBuf,
    body: PathBuf,
    slot: u64,
    pins: Vec<Pin>,
    parts: Vec<BodyPart>,
    remote: Arc<dyn ObjectStore>,
    /// The names of the copied parts.
    keys: Vec<Key>,
}

impl Cold {
    fn open(dir: &Path, part: u64, remote: Arc<dyn ObjectStore>) -> MeasureResult<Self> {
        let mut pins = Vec::new();
        Store::open(dir)?.each_pin(|entry| {
            let offset = (entry.address() - BASE as u64) % SLOT_SIZE as u64;
            pins.push(Pin { offset, entry: entry.clone() });
        })?;
        let first = pins.first().ok_or("no pins")?;
        let slot = (first.address - BASE as u64) / SLOT_SIZE as u64;
        let body = dir.join(format!("bodies/{slot:03}.body"));
        let length = fs::metadata(&body)?.len();
        let parts = (0..length.div_ceil(part)).map(|number| number * part);
        let parts =
            parts.map(|offset| BodyPart { offset, bytes: part.min(length - offset) }).collect();
        Ok(Self { dir: dir.into(), body, slot, pins, parts, remote, keys: vec![] })
    }

    async fn run(&mut self) -> MeasureResult {
        self.expect_intact("before", |_| true)?;
        self.copy_out().await?;
        self.punch()?;
        self.expect_intact("punched", |_| false)?;
        let chosen = self.parts.len() / 2;
        self.fetch(chosen).await?;
        let parts = self.parts.clone();
        let is_back = move |pin: &Pin| {
            parts.iter().enumerate().all(|(number, part)| number == chosen || !part.overlaps(pin))
        };
        self.expect_intact("one part fetched", is_back)?;
        for number in (0..self.parts.len()).filter(|number| *number != chosen) {
            self.fetch(number).await?;
        }
        self.expect_intact("all parts fetched", |_| true)?;
        for key in &self.keys {
            self.remote.delete(key).await?;
        }
        Ok(())
    }

    /// Copies all parts to the object store. Each name contains the part's check.
    async fn copy_out(&mut self) -> MeasureResult {
        let file = File::open(&self.body)?;
        let start = Instant::now();
        for (number, part) in self.parts.iter().enumerate() {
            let mut bytes = vec![0; part.bytes as usize];
            file.read_exact_at(&mut bytes, part.offset)?;
            let check = blake3::hash(&bytes).to_hex();
            let key = Key::from(format!("{:03}/{number:06}-{check}", self.slot));
            self.remote.put(&key, bytes.into()).await?;
            self.keys.push(key);
        }
        let length: u64 = self.parts.iter().map(|part| part.bytes).sum();
        println!("{} parts copied out: {}", self.parts.len(), rate(length, start.elapsed()));
        Ok(())
    }

    /// Punches all parts.
    fn punch(&self) -> MeasureResult {
        let file = File::options().write(true).open(&self.body)?;
        let before = file.metadata()?.blocks() * 512;
        for part in &self.parts {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // The header stays.
            let from = part.offset.max(4096);
            let end = (part.offset + part.bytes).next_multiple_of(4096);
            fallocate(&file, flags, from, end - from)?;
        }
        file.sync_all()?;
        let after = file.metadata()?.blocks() * 512;
        println!("punched: {:.1} MB on the disk, {:.1} before", mb(after), mb(before));
        Ok(())
    }

    /// Fetches a part, checks it, and writes it back to its offset.
    async fn fetch(&self, number: usize) -> MeasureResult {
        let (part, key) = (self.parts[number], &self.keys[number]);
        let start = Instant::now();
        let bytes = self.remote.get(key).await?.bytes().await?;
        let fetched = start.elapsed();
        let check = blake3::hash(&bytes).to_hex();
        if !key.as_ref().ends_with(check.as_str()) {
            return Err(format!("{key} is not what was put there").into());
        }
        let file = File::options().write(true).open(&self.body)?;
        file.write_all_at(&bytes, part.offset)?;
        file.sync_data()?;
        if number == self.parts.len() / 2 {
            let (fetched, all) = (rate(part.bytes, fetched), start.elapsed());
            println!("a part fetched: {fetched}; with its check and made durable {all:.1?}");
        }
        Ok(())
    }

    /// Reads all pins and checks that exactly those with `is_there` are intact.
    fn expect_intact(&self, when: &str, is_there: impl Fn(&Pin) -> bool) -> MeasureResult {
        let store = Store::open(&self.dir)?;
        let start = Instant::now();
        let mut intact = 0;
        for pin in &self.pins {
            let found = store.pin(&pin.entry);
            // The page with the header was not punched, so a pin in it may be intact.
            let is_beside_header = pin.offset < 4096;
            if found.is_ok() != is_there(pin) && !is_beside_header {
                return Err(
                    format!("{when}: the pin at byte {} is not as expected", pin.offset).into()
                );
            }
            intact += usize::from(found.is_ok());
        }
        let taken = start.elapsed() / self.pins.len() as u32;
        println!(
            "{when}: {intact} of {} pins are intact, {taken:.1?} to read one",
            self.pins.len()
        );
        Ok(())
    }
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn rate(bytes: u64, taken: Duration) -> String {
    format!("{:.1} MB in {taken:.1?}, {:.0} MB/s", mb(bytes), mb(bytes) / taken.as_secs_f64())
}

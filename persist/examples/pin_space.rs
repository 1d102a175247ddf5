//! Measures the pins of a store on disk.
//!
//! ```text
//! cargo run --release -p persist --example pin_space -- fill DIR PINS BYTES   freeze bars of BYTES bytes
//! cargo run --release -p persist --example pin_space -- open DIR              open and read 1000 pins
//! cargo run --release -p persist --example pin_space -- walk DIR              read the whole catalogue
//! cargo run --release -p persist --example pin_space -- gc DIR                keep half of the pins and collect
//! cargo run --release -p persist --example pin_space -- calls                 call frozen laws
//! ```

use persist::Store;
use plan::pinspace::PinSpace;
use plan::{Hash, HeapOptions, Val, plain};
use spec::Term;
use std::path::Path;
use std::time::Instant;
use vm::Vm;

/// The result of a measurement.
type MeasureResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> MeasureResult {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["fill", dir, pins, bytes] => fill(Path::new(dir), pins.parse()?, bytes.parse()?),
        ["open", dir] => open(Path::new(dir)),
        ["walk", dir] => walk(Path::new(dir)),
        ["gc", dir] => gc(Path::new(dir)),
        ["calls"] => calls(),
        _ => Err("fill DIR PINS BYTES, open DIR, walk DIR, gc DIR, or calls".into()),
    }
}

fn vm() -> MeasureResult<Vm> {
    Ok(Vm::new(HeapOptions::default(), Default::default())?)
}

/// Creates a pinned bar that contains a number.
fn bar(vm: &mut Vm, number: u64, bytes: usize) -> MeasureResult<Val> {
    let mut content = vec![0x55; bytes.max(8)];
    content[..8].copy_from_slice(&number.to_le_bytes());
    let bar = vm.bar(&content)?;
    Ok(vm.pin(&bar)?)
}

/// Freezes pins, a hundred per parent.
fn fill(dir: &Path, pins: u64, bytes: usize) -> MeasureResult {
    let files = Store::create(dir)?;
    let vm = &mut vm()?;
    let start = Instant::now();
    let mut parents = Vec::new();
    for parent in 0..pins.div_ceil(100) {
        let children = (100 * parent..pins.min(100 * parent + 100))
            .map(|number| bar(vm, number, bytes))
            .collect::<MeasureResult<Vec<Val>>>()?;
        let row = vm.row(&children)?;
        let pin = vm.pin(&row)?;
        let frozen = vm.freeze(&pin, files.space())?;
        parents.push(vm.adopt(&frozen));
    }
    let root = vm.row(&parents)?;
    let root = vm.freeze(&root, files.space())?;
    let frozen = start.elapsed();
    files.commit_pins()?;
    let committed = start.elapsed();
    std::fs::write(root_file(dir), root.hash().as_bytes())?;
    drop(root);
    files.close()?;
    println!(
        "{pins} pins of {bytes} bytes: frozen in {frozen:.2?} ({:.1} us per pin, {:.0} MB/s), \
         committed by {committed:.2?}, closed by {:.2?}",
        frozen.as_secs_f64() * 1e6 / pins as f64,
        (pins * bytes as u64) as f64 / 1e6 / frozen.as_secs_f64(),
        start.elapsed(),
    );
    Ok(())
}

/// Returns the path of the file with the root's hash, in the folder of the store.
fn root_file(dir: &Path) -> std::path::PathBuf {
    dir.with_extension("root")
}

/// Returns the resident memory, in MB.
fn resident() -> MeasureResult<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).ok_or("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kilobytes / 1e3)
}

fn open(dir: &Path) -> MeasureResult {
    let root: [u8; 32] = std::fs::read(root_file(dir))?.as_slice().try_into()?;
    let start = Instant::now();
    let files = Store::open(dir)?;
    let vm = &mut vm()?;
    let root =
        files.space().find(&Hash(root)).map_err(|error| error.to_string())?.ok_or("no root")?;
    let root = vm.adopt(&root);
    let opened = start.elapsed();
    let start = Instant::now();
    let parents = vm.look(&root);
    let items = |pin: plan::Ref<'_>| match pin.shape() {
        plan::Shape::Pin(pin) => pin.item().as_row().map_or(0, |row| row.len()),
        _ => 0,
    };
    let count = items(parents);
    let mut touched = 0;
    for step in 0..1000usize {
        let plan::Shape::Pin(pin) = vm.look(&root).shape() else { break };
        let row = pin.item().as_row().ok_or("not a row")?;
        let plan::Shape::Pin(parent) = row.get(step * 7919 % count).ok_or("none")?.shape() else {
            break;
        };
        let row = parent.item().as_row().ok_or("not a row")?;
        let child = row.get(step * 31 % row.len()).ok_or("none")?;
        let plan::Shape::Pin(child) = child.shape() else { break };
        touched += child.item().as_bar().map_or(0, |bar| bar.len());
    }
    let walked = start.elapsed();
    // Look up the hashes of pins that do not exist.
    let mut rng = fastrand::Rng::with_seed(1);
    let hashes: Vec<Hash> = (0..1000).map(|_| Hash(std::array::from_fn(|_| rng.u8(..)))).collect();
    let start = Instant::now();
    for hash in &hashes {
        if files.space().find(hash).map_err(|error| error.to_string())?.is_some() {
            return Err("found a pin that does not exist".into());
        }
    }
    let looked_up = start.elapsed();
    println!(
        "opened, root found in {opened:.2?}; 1000 pins read ({touched} bytes) in {walked:.2?}; \
         {:.2} us to look up the hash of a missing pin; {:.0} MB resident",
        looked_up.as_secs_f64() * 1e3,
        resident()?,
    );
    Ok(())
}

fn walk(dir: &Path) -> MeasureResult {
    let files = Store::open(dir)?;
    let start = Instant::now();
    let (mut pins, mut edges, mut bytes) = (0u64, 0, 0);
    files.each_pin(|entry| {
        pins += 1;
        edges += entry.edges().len();
        bytes += entry.bytes();
    })?;
    println!("{pins} pins, {edges} edges, {bytes} bytes of bodies: in {:.2?}", start.elapsed());
    Ok(())
}

/// Returns the pins in the row that a pin holds.
fn parents(vm: &mut Vm, root: &Val) -> MeasureResult<Vec<Val>> {
    let plan::Shape::Pin(pin) = vm.look(root).shape() else { return Err("not a pin".into()) };
    let row = pin.item().as_row().ok_or("not a row")?;
    let items = (0..row.len()).map(|at| row.get(at).map(|item| vm.hold(item)).ok_or("none"));
    Ok(items.collect::<Result<_, _>>()?)
}

/// Writes a snapshot of every second parent and collects the rest.
fn gc(dir: &Path) -> MeasureResult {
    let root: [u8; 32] = std::fs::read(root_file(dir))?.as_slice().try_into()?;
    {
        let files = Store::open(dir)?;
        let vm = &mut vm()?;
        let found = files.space().find(&Hash(root)).map_err(|error| error.to_string())?;
        let root = vm.adopt(&found.ok_or("no root")?);
        let half: Vec<Val> = parents(vm, &root)?.into_iter().step_by(2).collect();
        let half = vm.row(&half)?;
        let half = vm.freeze(&half, files.space())?;
        files.write_snapshot(&half, persist::Seq::START)?;
    }
    let read = |what: &str| -> MeasureResult<u64> {
        let io = std::fs::read_to_string("/proc/self/io")?;
        let line = io.lines().find_map(|line| line.strip_prefix(what)).ok_or("no figure")?;
        Ok(line.trim().parse()?)
    };
    let (before, start) = (read("rchar:")?, Instant::now());
    let mut marked = None;
    let done = persist::collect::collect(dir, false, &mut |phase, _, _| {
        if phase == persist::collect::CollectPhase::Freeing && marked.is_none() {
            marked = Some(start.elapsed());
        }
    })?;
    println!(
        "{} of {} pins freed, {} MB of {} MB on disk freed: marked and recorded in {:.2?}, all in \
         {:.2?}; {} kB read; {:.0} MB resident",
        done.freed_pins,
        done.freed_pins + done.kept_pins,
        (done.disk_before - done.disk_after) / 1_000_000,
        done.disk_before / 1_000_000,
        marked.unwrap_or_default(),
        start.elapsed(),
        (read("rchar:")? - before) / 1000,
        resident()?,
    );
    Ok(())
}

/// Measures a law that counts down through `inner`, which returns its argument: two calls per
/// round.
fn calls() -> MeasureResult {
    let vm = &mut vm()?;
    let space = PinSpace::in_memory()?;
    // (f n) = if n is 0 then 0 else inner (f (n - 1)).
    let text = "<{7 1 (0 (0 (0 2 (2 0)) 0) (0 (2 <{8 1 1}>) 1))}>";
    let term = Term::parse(text).map_err(|error| format!("{error:?}"))?;
    let plain = plain::from_term(vm, &term)?;
    let frozen = vm.freeze(&plain, &space)?;
    let frozen = vm.adopt(&frozen);
    let rounds = 2_000_000;
    let steps = vm.nat(rounds);
    let fresh = plain::from_term(vm, &term)?;
    for round in 0..5 {
        for (name, law) in [("heap", &fresh), ("frozen", &frozen)] {
            let start = Instant::now();
            let result = vm.apply(law, std::slice::from_ref(&steps))?;
            let taken = start.elapsed().as_secs_f64() * 1e9 / rounds as f64;
            let value = vm.look(&result).as_u64();
            println!("round {round}, {name}: {taken:.1} ns per round of two calls ({value:?})");
        }
    }
    Ok(())
}

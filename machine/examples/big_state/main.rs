//! Measures machines whose state is too large to be loaded at each start.
//!
//! ```text
//! cargo run --release -p machine --example big_state -- DIR GB...
//! ```
//!
//! For each size, the example makes a machine in `DIR` (which needs room for the largest), measures
//! it in separate processes, and removes it. The state is a tree of pins, 256 to a node, three
//! levels above leaves of 4096 bytes; an event replaces one leaf, chosen at random. Before a
//! measurement marked "cold", the files are dropped from the system's page cache. The second
//! process that handles events aborts, so that the next start finds a store that was not closed. At
//! the end, half of the state becomes garbage and is collected.

mod program;

#[path = "../../src/tests/terms.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests use the rest of it")]
mod terms;

use crossbeam_channel::{Receiver, Sender, unbounded};
use jiff::Timestamp;
use machine::{
    BootOptions, Console, ConsoleNotice, Machine, MachineSettings, ReportOrigin, SnapshotPolicy,
    UpgradeCheck, UpgradeProgram,
};
use persist::collect::collect;
use persist::{Seq, Store};
use plan::{Ref, Shape, Val};
use program::{FANOUT, Size};
use runtime::RuntimeBuilder;
use rustix::fs::{Advice, fadvise};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::Vm;

/// The result of a measurement.
type MeasureResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// How many events are measured.
const EVENTS: usize = 40;

fn main() -> MeasureResult {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["make", dir, gigabytes] => make(Path::new(dir), gigabytes.parse()?),
        ["start", dir] => start(Path::new(dir)),
        ["touch", dir] => touch(Path::new(dir)),
        ["events", dir] => events(Path::new(dir), false),
        ["abort", dir] => events(Path::new(dir), true),
        ["upgrade", dir, gigabytes] => upgrade(Path::new(dir), gigabytes.parse()?),
        ["flush", dir] => flush(Path::new(dir)),
        ["halve", dir] => halve(Path::new(dir)),
        ["collect", dir] => collect_half(Path::new(dir)),
        [dir, ref sizes @ ..] if !sizes.is_empty() => {
            sizes.iter().try_for_each(|size| measure(&Path::new(dir).join("big-state"), size))
        }
        _ => Err("give a directory and sizes in GB".into()),
    }
}

/// Makes, measures and removes a machine of this size.
fn measure(dir: &Path, gigabytes: &str) -> MeasureResult {
    let run = |what: &[&str]| -> MeasureResult {
        let status = Command::new(std::env::current_exe()?).args(what).status()?;
        if status.success() { Ok(()) } else { Err(format!("{what:?} failed").into()) }
    };
    let name = dir.to_str().ok_or("a directory with a plain name")?;
    println!("{gigabytes} GB:");
    let measured = run(&["make", name, gigabytes]).and_then(|()| {
        ["start", "start", "touch", "flush", "events"]
            .iter()
            .try_for_each(|it| run(&[it, name]))?;
        run(&["upgrade", name, gigabytes])?;
        // This process aborts itself.
        Command::new(std::env::current_exe()?).args(["abort", name]).status()?;
        ["start", "halve", "collect"].iter().try_for_each(|it| run(&[it, name]))
    });
    fs::remove_dir_all(dir)?;
    measured
}

fn make(dir: &Path, gigabytes: f64) -> MeasureResult {
    let start = Instant::now();
    let store = Store::create(dir)?;
    let mut vm = RuntimeBuilder::bare().jets(Arc::new(terms::jets())).build()?;
    let size = Size::of(gigabytes);
    let mut tops = Vec::new();
    for top in 0..size.tops() {
        let mut nodes = Vec::new();
        for node in 0..size.nodes_in(top) {
            nodes.push(make_node(&mut vm, &store, top * FANOUT + node)?);
        }
        tops.push(freeze_row(&mut vm, &store, &nodes)?);
        store.commit_pins()?;
    }
    let state = freeze_row(&mut vm, &store, &tops)?;
    let cog = program::cog(&mut vm, &size, &state, 1);
    Machine::boot_on(store, &mut vm, &cog, BootOptions::default())?;
    println!("  made in {:.1?}", start.elapsed());
    Ok(())
}

/// Makes a node of leaves.
fn make_node(vm: &mut Vm, store: &Store, number: usize) -> MeasureResult<Val> {
    let leaves = (0..FANOUT).map(|leaf| {
        let bar = vm.bar(&program::leaf((number * FANOUT + leaf) as u64))?;
        Ok(vm.pin(&bar)?)
    });
    let leaves = leaves.collect::<MeasureResult<Vec<Val>>>()?;
    freeze_row(vm, store, &leaves)
}

fn freeze_row(vm: &mut Vm, store: &Store, items: &[Val]) -> MeasureResult<Val> {
    let row = vm.row(items)?;
    let pin = vm.pin(&row)?;
    let frozen = vm.freeze(&pin, store.space())?;
    Ok(vm.adopt(&frozen))
}

/// Drops the store's files from the page cache.
fn evict(dir: &Path) -> MeasureResult {
    let mut paths = vec![dir.to_path_buf()];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(path)? {
                paths.push(entry?.path());
            }
        } else {
            let file = fs::File::open(path)?;
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// A console that sends the time at which something is shown.
struct TimingConsole(Sender<Instant>);

impl Console for TimingConsole {
    fn trace_text(&self, _: Ref<'_>, _: Timestamp) -> String {
        String::new()
    }

    fn crash_text(&self, who: ReportOrigin, _: Ref<'_>, _: Ref<'_>, _: Timestamp) -> String {
        eprintln!("{who} crashed");
        String::new()
    }

    fn show(&self, _: &str) {
        // The receiver may have ended.
        let _ = self.0.send(Instant::now());
    }

    fn notice(&self, notice: &ConsoleNotice) {
        eprintln!("{notice}");
    }
}

/// Opens the machine. The receiver gets the times at which its events become durable.
fn open(dir: &Path) -> MeasureResult<(Machine, Receiver<Instant>)> {
    let (sender, seen) = unbounded();
    let mut settings = MachineSettings::new(Arc::new(TimingConsole(sender)));
    settings.runtime.jets = Arc::new(terms::jets());
    settings.snapshots = Some(SnapshotPolicy {
        log_bytes: u64::MAX,
        pin_bytes: u64::MAX,
        replay_time: Duration::MAX,
        events: u64::MAX,
    });
    Ok((Machine::open(dir, settings)?, seen))
}

/// Measures a cold start up to the first durable event.
fn start(dir: &Path) -> MeasureResult {
    evict(dir)?;
    let start = Instant::now();
    let (machine, seen) = open(dir)?;
    let opened = start.elapsed();
    let handle = machine.handle();
    let first = std::thread::spawn(move || -> Result<_, String> {
        let first = seen.recv().map_err(|error| error.to_string())?;
        handle.stop();
        let written = proc_number("io", "wchar:").map_err(|error| error.to_string())?;
        Ok((first, written))
    });
    machine.run()?;
    let (first, before) = first.join().map_err(|_| "a thread panicked")??;
    println!(
        "  start, cold: opened in {opened:.1?}, first event durable after {:.1?}; the snapshot after \
         it wrote {:.0} KB",
        first.duration_since(start),
        (proc_number("io", "wchar:")? - before) / 1e3,
    );
    Ok(())
}

/// A number from a file of this process in /proc.
fn proc_number(file: &str, name: &str) -> MeasureResult<f64> {
    let text = fs::read_to_string(PathBuf::from("/proc/self").join(file))?;
    let line = text.lines().find(|line| line.starts_with(name)).ok_or("no such line")?;
    Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?)
}

/// An item of a pinned row. The index is taken modulo the length of the row.
fn item<'v>(pin: Ref<'v>, index: usize) -> MeasureResult<Ref<'v>> {
    let Shape::Pin(pin) = pin.shape() else { return Err("not a pin".into()) };
    let row = pin.item().as_row().ok_or("not a row")?;
    Ok(row.get(index % row.len()).ok_or("no such item")?)
}

/// The tree of pins in the root of a snapshot.
fn state_in(root: Ref<'_>) -> MeasureResult<Ref<'_>> {
    let Shape::Pin(pin) = root.shape() else { return Err("not a pin".into()) };
    let cog = pin.item().as_row().and_then(|row| row.get(1)).ok_or("no cog")?;
    let Shape::App(cog) = cog.shape() else { return Err("no closure".into()) };
    Ok(cog.args().next().ok_or("no state")?)
}

fn touch(dir: &Path) -> MeasureResult {
    for is_cold in [true, false] {
        if is_cold {
            evict(dir)?;
        }
        let store = Store::open(dir)?;
        let snapshot = store.snapshots().into_iter().next().ok_or("no snapshot")?;
        let mut vm = RuntimeBuilder::bare().build()?;
        let root = vm.adopt(&store.root(&snapshot)?);
        let state = state_in(vm.look(&root))?;
        let start = Instant::now();
        let mut random = fastrand::Rng::with_seed(dir.as_os_str().len() as u64);
        let mut bytes = 0;
        for _ in 0..1000 {
            let node = item(item(state, random.usize(..))?, random.usize(..))?;
            let Shape::Pin(leaf) = item(node, random.usize(..))?.shape() else { continue };
            bytes += leaf.item().as_bar().map_or(0, <[u8]>::len);
        }
        println!(
            "  1000 random leaves, {}: {:.1?} ({bytes} bytes), {:.0} MB resident",
            if is_cold { "cold" } else { "warm" },
            start.elapsed(),
            proc_number("status", "VmRSS:")? / 1e3,
        );
    }
    Ok(())
}

fn events(dir: &Path, aborts: bool) -> MeasureResult {
    let (machine, seen) = open(dir)?;
    let handle = machine.handle();
    let receiving = std::thread::spawn(move || -> Result<_, String> {
        let mut times = Vec::new();
        for _ in 0..=EVENTS {
            times.push(seen.recv().map_err(|error| error.to_string())?);
        }
        if aborts {
            std::process::abort();
        }
        handle.stop();
        drop(seen);
        let written = proc_number("io", "wchar:").map_err(|error| error.to_string())?;
        Ok((times, written))
    });
    machine.run()?;
    let (times, before) = receiving.join().map_err(|_| "a thread panicked")??;
    let mut took: Vec<Duration> =
        times.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
    took.sort_unstable();
    println!(
        "  an event that changes a leaf, durable: {:.2?} least, {:.2?} median, {:.2?} most; \
         the snapshot of them wrote {:.0} KB",
        took[0],
        took[took.len() / 2],
        took[took.len() - 1],
        (proc_number("io", "wchar:")? - before) / 1e3,
    );
    let store = Store::open(dir)?;
    let newest = store.snapshots().into_iter().next().ok_or("no snapshot")?;
    if newest.covers < Seq(EVENTS as u64) {
        return Err("the snapshot is missing".into());
    }
    Ok(())
}

/// Measures an upgrade that only changes functions, of a machine that does not run.
fn upgrade(dir: &Path, gigabytes: f64) -> MeasureResult {
    let mut vm = RuntimeBuilder::bare().jets(Arc::new(terms::jets())).build()?;
    let none = vm.nat(0);
    for shown in [2, 3] {
        let main = program::cog(&mut vm, &Size::of(gigabytes), &none, shown);
        let program = UpgradeProgram::new(&mut vm, &main, None)?;
        let is_cold = shown == 2;
        if is_cold {
            evict(dir)?;
        }
        let start = Instant::now();
        let (mut machine, _seen) = open(dir)?;
        let opened = start.elapsed();
        machine.upgrade(&program, UpgradeCheck::Forced)?;
        let upgraded = start.elapsed();
        machine.close()?;
        println!(
            "  upgrade of functions, {}: opened in {opened:.1?}, durable after {upgraded:.1?}, \
             closed with a snapshot after {:.1?}",
            if is_cold { "cold" } else { "warm" },
            start.elapsed(),
        );
    }
    Ok(())
}

/// Measures the shortest durable write of the disk: one block, written in place and flushed.
fn flush(dir: &Path) -> MeasureResult {
    let path = dir.join("flush");
    let file = fs::File::create(&path)?;
    file.write_all_at(&[1; 1 << 16], 0)?;
    file.sync_all()?;
    let mut took = Vec::new();
    for block in 0..EVENTS as u64 {
        let start = Instant::now();
        file.write_all_at(&[2; 4096], 4096 * (block % 16))?;
        file.sync_data()?;
        took.push(start.elapsed());
    }
    fs::remove_file(path)?;
    took.sort_unstable();
    println!("  a flush of the disk: {:.2?} least, {:.2?} median", took[0], took[took.len() / 2]);
    Ok(())
}

/// Writes snapshots of a state with half of the nodes, until the store has no other.
fn halve(dir: &Path) -> MeasureResult {
    let store = Store::open(dir)?;
    let mut vm = RuntimeBuilder::bare().build()?;
    let kept = {
        let snapshot = store.snapshots().into_iter().next().ok_or("no snapshot")?;
        let root = vm.adopt(&store.root(&snapshot)?);
        let state = state_in(vm.look(&root))?;
        let Shape::Pin(top) = state.shape() else { return Err("not a pin".into()) };
        let tops = top.item().as_row().ok_or("not a row")?;
        let mut kept = Vec::new();
        for index in 0..tops.len() {
            let Shape::Pin(nodes) = item(state, index)?.shape() else { continue };
            let nodes = nodes.item().as_row().ok_or("not a row")?;
            kept.extend(
                (0..nodes.len()).step_by(2).filter_map(|node| Some(vm.hold(nodes.get(node)?))),
            );
        }
        kept
    };
    let row = vm.row(&kept)?;
    let pin = vm.pin(&row)?;
    let root = vm.freeze(&pin, store.space())?;
    // Older snapshots are removed.
    for _ in 0..persist::StoreSettings::default().retention.snapshots {
        store.write_snapshot(&root, store.last())?;
    }
    Ok(store.close()?)
}

/// Collects the garbage that [`halve`] has made.
fn collect_half(dir: &Path) -> MeasureResult {
    evict(dir)?;
    let (called, loaded) = (proc_number("io", "rchar:")?, proc_number("io", "read_bytes:")?);
    let start = Instant::now();
    let done = collect(dir, false, &mut |_, _, _| {})?;
    println!(
        "  collected in {:.1?}: {} pins kept, {} freed, {:.2} GB given back; read {:.1} MB by calls, \
         {:.1} MB from the disk",
        start.elapsed(),
        done.kept_pins,
        done.freed_pins,
        (done.disk_before - done.disk_after) as f64 / 1e9,
        (proc_number("io", "rchar:")? - called) / 1e6,
        (proc_number("io", "read_bytes:")? - loaded) / 1e6,
    );
    Ok(())
}

//! The costs of compiling, linking and freeing units, and of starting with machine code from the
//! cache.
//!
//! `cargo run --profile quick -p bench --example publish` prints the medians of 15 rounds, each in
//! a process of its own. With the path of another build of this example as an argument, the rounds
//! of both alternate:
//!
//! ```text
//! cargo run --profile quick -p bench --example publish -- ../before/target/quick/examples/publish
//! ```
//!
//! The units are those of `jit/tests/filetests`; the cache is measured with laws of one small loop
//! each.

use jit::codegen::{Backend, CompiledFunction, ConstantFacts, Listing, UnitEnvironment, compile};
use jit::ir::{Constant, Unit, parse};
use jit::passes::optimise;
use jit::runtime::{CodeLinker, PublishedCode, UnitData};
use plan::{HeapOptions, plain};
use runtime::{CompileMode, RuntimeBuilder};
use spec::Term;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use vm::native::layout::top;

const ROUNDS: usize = 15;
/// How often every unit is compiled and linked in a round, and how often it is linked after that.
const COMPILED: usize = 4;
const LINKED: usize = 8;
/// The count of units that are freed together.
const BATCH: usize = 20;
/// The count of laws that a round runs with the cache.
const LAWS: u64 = 200;

const COLUMNS: [&str; 6] = [
    "compile and link, us/unit",
    "link, us/unit",
    "free, us/unit",
    "law from the cache, us",
    "bytes/unit",
    "mappings",
];

/// The units of the file tests, optimised.
fn units() -> Vec<Unit> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jit/tests/filetests");
    let entries = std::fs::read_dir(folder).expect("the folder of file tests");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let unit = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a file test");
        let (input, _) = text.split_once("\n--------\n").unwrap_or((&text, ""));
        let mut unit = parse(input).expect("a unit");
        optimise(&mut unit, &[], |_, _| {});
        unit
    };
    paths.iter().map(unit).collect()
}

/// An environment for a unit whose code is never run: every constant is a law with an entry cell.
fn environment(unit: &Unit, words: &[u64]) -> UnitEnvironment {
    let facts = |constant: &Constant| ConstantFacts {
        top: top::LAW as u8,
        entry: constant.entry.is_none().then(vm::native::EntryCell::default),
    };
    let constants = words.as_ptr().expose_provenance();
    UnitEnvironment { constants, facts: unit.constants.values().map(facts).collect() }
}

fn data(environment: &UnitEnvironment) -> UnitData {
    let address = vm::native::EntryCell::cell_address;
    let cells = environment.facts.iter().map(|facts| facts.entry.as_ref().map(address));
    let constant_count = environment.facts.len();
    UnitData {
        constants: environment.constants,
        constant_count,
        entry_cells: cells.collect(),
        names: Vec::new(),
    }
}

/// The processor time of this process so far. It does not depend on what else the machine does.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Microseconds for each of `count` things since `start`.
fn each(start: Duration, count: usize) -> f64 {
    (processor_time() - start).as_secs_f64() * 1e6 / count as f64
}

/// Compiling, linking and freeing: the first three columns, and the bytes of a unit.
fn link_and_free() -> [f64; 4] {
    let words = vec![0; 1000];
    let units = units();
    let environments: Vec<_> = units.iter().map(|unit| environment(unit, &words)).collect();
    let mut backend = Backend::new().expect("the machine is known");
    let mut linker = CodeLinker::new(Arc::default()).expect("a region");
    let mut units_compiled = |linker: &mut CodeLinker| -> Vec<_> {
        let compiled = units.iter().zip(&environments).map(|(unit, environment)| {
            let functions =
                compile(&mut backend, unit, environment, Listing::None).expect("it compiles");
            let unit = link(&mut backend, linker, &functions, &data(environment));
            (functions, data(environment), unit)
        });
        compiled.collect()
    };
    // The stubs are compiled and linked with the first units.
    let mut published: Vec<PublishedCode> =
        units_compiled(&mut linker).into_iter().map(|(.., code)| code).collect();
    let before = linker.used();
    let start = processor_time();
    let mut compiled = Vec::new();
    for _ in 0..COMPILED {
        for (functions, data, code) in units_compiled(&mut linker) {
            compiled.push((functions, data));
            published.push(code);
        }
    }
    let compile_time = each(start, compiled.len());
    let bytes = (linker.used() - before) as f64 / compiled.len() as f64;
    let start = processor_time();
    for _ in 0..LINKED {
        for (functions, data) in &compiled {
            published.push(link(&mut backend, &mut linker, functions, data));
        }
    }
    let link_time = each(start, LINKED * compiled.len());
    let count = published.len();
    let start = processor_time();
    while !published.is_empty() {
        let batch = published.split_off(published.len().saturating_sub(BATCH));
        // SAFETY: the code was never run.
        unsafe { linker.free(batch) };
    }
    [compile_time, link_time, each(start, count), bytes]
}

fn link(
    backend: &mut Backend,
    linker: &mut CodeLinker,
    functions: &[CompiledFunction],
    data: &UnitData,
) -> PublishedCode {
    let functions: Vec<&CompiledFunction> = functions.iter().collect();
    linker.link(backend, &functions, data).expect("room").code
}

/// Runs laws whose code is in the cache, if an earlier round put it there. Microseconds for each.
fn from_cache(directory: &Path) -> f64 {
    let options =
        HeapOptions { nursery: 1 << 16, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    let builder = RuntimeBuilder::bare().heap(options).compile(CompileMode::Eager);
    let builder = builder.keep_code_in(directory.to_owned());
    let mut runtime = builder.build().expect("the compiler supports this machine");
    let start = processor_time();
    for name in 1..=LAWS {
        // One more than itself of the predecessor, 0 for 0.
        let text = format!("{{{name} 1 (0 (0 (0 2 (2 0)) (0 {{'g' 2 (0 3 (0 1 2))}} 0)) 1)}}");
        let term = Term::parse(&text).expect("a term");
        let law = plain::from_term(&mut runtime, &term).expect("room");
        let depth = runtime.nat(10);
        runtime.apply(&law, &[depth]).expect("a value");
    }
    each(start, LAWS as usize)
}

/// One round: a line with a number for each column.
fn round(directory: &Path) {
    let [compile, link, free, bytes] = link_and_free();
    let cached = from_cache(directory);
    let mappings = std::fs::read_to_string("/proc/self/maps").expect("a list").lines().count();
    println!("{compile} {link} {free} {cached} {bytes} {mappings}");
}

/// Runs a round of a build, and reads its line.
fn measure(program: &Path, directory: &Path) -> Vec<f64> {
    let output = Command::new(program).arg("round").arg(directory).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("a line of numbers");
    let numbers: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    assert_eq!(numbers.len(), COLUMNS.len(), "{text}");
    numbers
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if let [command, directory] = &args[..]
        && command.as_os_str() == "round"
    {
        return round(directory);
    }
    let own = std::env::current_exe().expect("this program");
    let programs: Vec<PathBuf> = args.into_iter().chain([own]).collect();
    let directory = std::env::temp_dir().join(format!("pallas-publish-{}", std::process::id()));
    let mut results = vec![Vec::new(); programs.len()];
    for number in 0..=ROUNDS {
        for (program, results) in programs.iter().zip(&mut results) {
            let numbers = measure(program, &directory);
            // The first round fills the cache.
            if number > 0 {
                results.push(numbers);
            }
        }
    }
    println!("| | {} |", COLUMNS.join(" | "));
    println!("|---{}|", "|---".repeat(COLUMNS.len()));
    for (program, rounds) in programs.iter().zip(&results) {
        let column = |index: usize| median(rounds.iter().map(|round| round[index]).collect());
        let medians: Vec<String> =
            (0..COLUMNS.len()).map(|index| format!("{:.2}", column(index))).collect();
        println!("| {} | {} |", program.display(), medians.join(" | "));
    }
    // Only the cache of this run is in it.
    let _ = std::fs::remove_dir_all(&directory);
}

//! Benchmark of tables, sets, rows and bars: random inserts and look-ups against GHC's `Data.Map`,
//! and appending items one by one.
//!
//!     cargo run --release -p sire --example keyed
//!
//! Prints the time of 20,000 inserts into a table and of as many look-ups, next to the times of
//! `Keyed.hs` for the same work. The benchmark compiles `Keyed.hs` with `ghc -O2` in a temporary
//! folder and leaves it out if there is no `ghc`. It also prints the time per item of filling
//! tables, sets, rows and bars of several sizes. Times are the minimum of several rounds, in
//! microseconds.

use plan::Val;
use runtime::{CompileMode, RuntimeBuilder};
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use std::error::Error;
use std::process::Command;
use std::time::Instant;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const ENTRIES: u64 = 20_000;
const ROUNDS: usize = 15;

struct Bench {
    sire: Sire,
}

impl Bench {
    fn new() -> Result<Bench> {
        let output = SireOutput::new(std::io::sink(), Default::default());
        let errors = SireOutput::new(std::io::stderr(), Default::default());
        let options = SireOptions {
            library: ModuleLibrary::new("sire"),
            cache: None,
            output,
            diagnostics: errors,
        };
        let runtime = RuntimeBuilder::new().compile(CompileMode::Off).build()?;
        let mut sire = Sire::new(runtime.into(), options)?;
        sire.load("prelude")?;
        sire.repl(include_bytes!("keyed.sire").as_slice())?;
        Ok(Bench { sire })
    }

    fn run(&mut self, name: &str, args: &[u64], more: Option<&Val>) -> Result<Val> {
        let function = self.sire.binding(name)?;
        let vm = self.sire.vm();
        let mut args: Vec<Val> = args.iter().map(|&arg| vm.nat(arg)).collect();
        args.extend(more.cloned());
        Ok(vm.apply(&function, &args)?)
    }

    /// Returns the minimum time of a call, in microseconds.
    fn time(&mut self, name: &str, args: &[u64], more: Option<&Val>) -> Result<f64> {
        let mut least = f64::INFINITY;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            self.run(name, args, more)?;
            least = least.min(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(least)
    }
}

/// Runs `Keyed.hs`. Returns its times of the inserts and look-ups, and the sum of the values found.
fn haskell_baseline() -> Result<Option<[f64; 3]>> {
    if Command::new("ghc").arg("--version").output().is_err() {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("Keyed.hs");
    std::fs::write(&source, include_str!("Keyed.hs"))?;
    let built = Command::new("ghc").args(["-O2", "-v0"]).arg(&source).status()?;
    if !built.success() {
        return Err("ghc cannot compile Keyed.hs".into());
    }
    let output = Command::new(folder.path().join("Keyed")).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    Ok(Some(numbers.try_into().map_err(|_| "Keyed.hs prints three numbers")?))
}

fn main() -> Result<()> {
    let mut bench = Bench::new()?;
    let table = bench.run("timeFill", &[ENTRIES], None)?;
    let (fill, look) = (
        bench.time("timeFill", &[ENTRIES], None)?,
        bench.time("timeLook", &[ENTRIES], Some(&table))?,
    );
    let spin = bench.time("timeSpin", &[ENTRIES], None)?;
    println!("{ENTRIES} table inserts {fill:.0}, look-ups {look:.0} (the loop alone: {spin:.0})");
    if let Some([map_fill, map_look, sum]) = haskell_baseline()? {
        let ours = bench.run("timeLook", &[ENTRIES], Some(&table))?;
        let found = bench.sire.vm().look(&ours).as_u64().map(|sum| sum as f64);
        assert_eq!(found, Some(sum), "both sums agree");
        println!("Data.Map: {map_fill:.0}, {map_look:.0}");
        let all = (fill + look) / (map_fill + map_look);
        println!("ratio: {:.2} and {:.2}, both {all:.2}", fill / map_fill, look / map_look);
    }
    for name in ["timeFill", "timeSet", "timeSnoc", "timeCons", "timeBytes"] {
        let sizes = [2_000, 20_000, 200_000];
        let times = sizes.map(|size| bench.time(name, &[size], None));
        let each: Vec<String> = sizes
            .iter()
            .zip(times)
            .map(|(&size, time)| Ok(format!("{:.3}", time? / size as f64)))
            .collect::<Result<_>>()?;
        println!("{name}, each of {sizes:?}: {}", each.join(", "));
    }
    Ok(())
}

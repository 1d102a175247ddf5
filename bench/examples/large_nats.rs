//! Measures jets on large nats: `cargo run --release -p bench --example large_nats`.
//!
//! The example ties each jet to a law of its name, so that the evaluator calls the jet.

use plan::{EvalError, Natural, Val};
use runtime::{Runtime, RuntimeBuilder};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use vm::jet::JetTable;

/// A runtime with all jets, and the pinned laws that they implement here.
struct JetRunner {
    runtime: Runtime,
    pins: HashMap<&'static str, Val>,
}

fn law(runtime: &mut Runtime, name: &str, arity: usize) -> Result<Val, EvalError> {
    runtime.build(|b| {
        b.push_nat_bytes(name.as_bytes())?;
        b.push_nat(arity as u64)?;
        b.push_nat(0x1234)?;
        b.law()
    })
}

impl JetRunner {
    fn new() -> Result<JetRunner, Box<dyn std::error::Error>> {
        let mut scratch = RuntimeBuilder::bare().build()?;
        let mut table = JetTable::new();
        let mut names = Vec::new();
        for jet in jets::jets() {
            let law = law(&mut scratch, jet.name, jet.arity())?;
            names.push((jet.name, jet.arity()));
            let hash = scratch.hash(&law)?;
            table.add(jet, &[hash]);
        }
        let mut runtime = RuntimeBuilder::bare().jets(Arc::new(table)).build()?;
        let mut pins = HashMap::new();
        for (name, arity) in names {
            let law = law(&mut runtime, name, arity)?;
            pins.insert(name, runtime.pin(&law)?);
        }
        Ok(JetRunner { runtime, pins })
    }

    fn call(&mut self, jet: &str, args: &[Val]) -> Result<Val, EvalError> {
        let pin = self.pins[jet].clone();
        self.runtime.apply(&pin, args)
    }

    fn factorial(&mut self, n: u64) -> Result<Val, EvalError> {
        let mut product = self.runtime.nat(1);
        for factor in 1..=n {
            let factor = self.runtime.nat(factor);
            product = self.call("_Mul", &[product, factor])?;
        }
        Ok(product)
    }

    fn power(&mut self, base: u64, exponent: u64) -> Result<Val, EvalError> {
        let (base, exponent) = (self.runtime.nat(base), self.runtime.nat(exponent));
        self.call("_Pow", &[base, exponent])
    }

    fn fibonacci(&mut self, n: u64) -> Result<Val, EvalError> {
        let (mut a, mut b) = (self.runtime.nat(0), self.runtime.nat(1));
        for _ in 0..n {
            let sum = self.call("_Add", &[a, b.clone()])?;
            (a, b) = (b, sum);
        }
        Ok(a)
    }

    /// Converts a bar of 1 MiB to a nat and back, `times` times.
    fn conversions(&mut self, times: usize) -> Result<Val, EvalError> {
        let bytes: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 255 + 1) as u8).collect();
        let mut bar = self.runtime.bar(&bytes)?;
        for _ in 0..times {
            let nat = self.call("barNat", &[bar])?;
            bar = self.call("natBar", &[nat])?;
        }
        Ok(bar)
    }

    /// Shifts, masks and differences of numbers of 16,000 bits.
    fn bits(&mut self, times: usize) -> Result<Val, EvalError> {
        let ones = (Natural::from(1u32) << 16_000u64) - Natural::from(1u32);
        let mut value = self.runtime.natural(&ones)?;
        let ones = value.clone();
        let by = self.runtime.nat(13);
        for _ in 0..times {
            let left = self.call("_Lsh", &[value, by.clone()])?;
            let less = self.call("_Sub", &[left, ones.clone()])?;
            let mixed = self.call("_Mix", &[less, ones.clone()])?;
            value = self.call("_Con", &[mixed, ones.clone()])?;
        }
        Ok(value)
    }
}

fn time(
    runner: &mut JetRunner,
    what: &str,
    work: impl Fn(&mut JetRunner) -> Result<Val, EvalError>,
) -> Result<(), EvalError> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        work(runner)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{what:<42} {:>9.3} ms", best * 1e3);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut runner = JetRunner::new()?;
    let runner = &mut runner;
    time(runner, "factorial of 10,000", |runner| runner.factorial(10_000))?;
    time(runner, "3 to the power of 2,000,000", |runner| runner.power(3, 2_000_000))?;
    time(runner, "fibonacci 100,000 by addition", |runner| runner.fibonacci(100_000))?;
    time(runner, "100 times a bar of 1 MB to a nat and back", |runner| runner.conversions(100))?;
    time(runner, "10,000 times four bit operations, 16,000 b", |runner| runner.bits(10_000))?;
    Ok(())
}

//! Measures the time of a durable append, with and without preallocation.
//!
//! ```text
//! cargo run --release -p persist --example log_preallocation -- DIR APPENDS
//! ```
//!
//! Two logs alternate, so that both see the same load on the disk. `DIR` must be on a real disk.

use persist::{Store, StoreSettings};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, appends] = &args[..] else { return Err("DIR APPENDS".into()) };
    let appends: usize = appends.parse()?;
    let dir = tempfile::tempdir_in(dir)?;
    let mut logs = Vec::new();
    for (name, step) in [("no preallocation", 0), ("preallocation", 1 << 20)] {
        let settings = StoreSettings { log_preallocation: step, ..StoreSettings::default() };
        let store = Store::create_with(dir.path().join(step.to_string()), settings)?;
        logs.push((name, store, Vec::with_capacity(appends)));
    }
    for _ in 0..appends {
        for (_, store, times) in &mut logs {
            let start = Instant::now();
            store.append(&[7; 200])?;
            store.commit()?;
            times.push(start.elapsed());
        }
    }
    for (name, _, times) in &mut logs {
        times.sort();
        let sum: Duration = times.iter().sum();
        let at = |part: usize| times[times.len() * part / 100];
        println!(
            "{name}: mean {:.1?}, 10% {:.1?}, median {:.1?}, 90% {:.1?}, 99% {:.1?}",
            sum / times.len() as u32,
            at(10),
            at(50),
            at(90),
            at(99)
        );
    }
    Ok(())
}

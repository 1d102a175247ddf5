//! Measures what a durable append costs, with and without room taken ahead.
//!
//! ```text
//! cargo run --release -p persist --example log_ahead -- DIR APPENDS
//! ```
//!
//! Two logs take turns, so that both meet the same disk. `DIR` must not be in memory.

use persist::{Settings, Store};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, appends] = &args[..] else { return Err("DIR APPENDS".into()) };
    let appends: usize = appends.parse()?;
    let dir = tempfile::tempdir_in(dir)?;
    let mut logs = Vec::new();
    for (name, ahead) in [("grows by what is written", 0), ("room taken ahead", 1 << 20)] {
        let settings = Settings { log_ahead: ahead, ..Settings::default() };
        let store = Store::create_with(dir.path().join(ahead.to_string()), settings)?;
        logs.push((name, store, Vec::with_capacity(appends)));
    }
    for _ in 0..appends {
        for (_, store, times) in &mut logs {
            let begun = Instant::now();
            store.append(&[7; 200])?;
            store.commit()?;
            times.push(begun.elapsed());
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

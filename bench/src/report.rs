//! The tables in Markdown, with one row per program.

use crate::measure::{Cost, Costs};
use crate::program::{NOTHING, Program};
use crate::system::System;
use std::time::Duration;

/// The CPU time in each system, the ratio of `pallas` to the fastest reference system, and the
/// geometric mean of these ratios.
pub(crate) fn cpu_times(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let pallas: Vec<usize> = (0..systems.len()).filter(|&s| systems[s].is_pallas()).collect();
    let mut header = vec!["program".to_owned()];
    header.extend(systems.iter().map(|system| format!("{}, ms", system.name)));
    header.extend(pallas.iter().map(|&s| format!("{} x", systems[s].name)));
    let mut rows = Vec::new();
    let mut logarithms = vec![Vec::new(); systems.len()];
    for (program, costs) in programs.iter().zip(costs).filter(|(p, _)| p.name != NOTHING) {
        let times: Vec<Option<f64>> = costs
            .iter()
            .map(|cost| cost.as_ref().map(|cost| milliseconds(cost.cpu_time)))
            .collect();
        let references = (0..systems.len()).filter(|&s| systems[s].is_reference());
        let reference = references.filter_map(|s| times[s]).min_by(f64::total_cmp);
        let mut row = vec![program.name.clone()];
        row.extend(times.iter().map(|&time| cell(time)));
        for &s in &pallas {
            let ratio = times[s].zip(reference).map(|(time, best)| time / best);
            row.push(cell(ratio));
            logarithms[s].extend(ratio.map(f64::ln));
        }
        rows.push(row);
    }
    let mut means = vec!["geometric mean".to_owned()];
    means.resize(1 + systems.len(), String::new());
    means.extend(pallas.iter().map(|&s| cell(mean(&logarithms[s]))));
    rows.push(means);
    table(header, rows)
}

/// Elapsed time and memory of the whole process in each system.
pub(crate) fn processes(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let mut header = vec!["process".to_owned()];
    for system in systems {
        header.extend([format!("{}, ms", system.name), "MB".to_owned()]);
    }
    let rows = programs.iter().zip(costs).map(|(program, costs)| {
        let mut row = vec![program.name.clone()];
        for cost in costs {
            let cost = cost.as_ref();
            row.push(cell(cost.map(|cost| milliseconds(cost.elapsed))));
            row.push(cell(cost.map(|cost| cost.memory as f64 / 1e6)));
        }
        row
    });
    table(header, rows.collect())
}

/// The statistics of `pallas` in the table: title, unit, name.
const STATISTICS: [(&str, f64, &str); 10] = [
    ("allocated, MB", 1e6, "allocated"),
    ("copied, MB", 1e6, "copied"),
    ("minor", 1.0, "minor"),
    ("major", 1.0, "major"),
    ("laws compiled", 1.0, "laws"),
    ("from the cache", 1.0, "loaded"),
    ("building, ms", 1e6, "building"),
    ("compiling, ms", 1e6, "compiling"),
    ("code, kB", 1e3, "code"),
    ("elapsed, ms", 1e6, "elapsed"),
];

/// Allocation and compilation by `pallas`.
pub(crate) fn statistics(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let Some(pallas) = systems.iter().position(System::is_pallas) else { return String::new() };
    let mut header = vec![systems[pallas].name.clone()];
    header.extend(STATISTICS.iter().map(|(title, ..)| (*title).to_owned()));
    let rows = programs.iter().zip(costs).map(|(program, costs)| {
        let mut row = vec![program.name.clone()];
        row.extend(STATISTICS.iter().map(|(_, unit, name)| {
            let count = costs[pallas].as_ref().and_then(|cost: &Cost| cost.statistic(name));
            cell(count.map(|count| count as f64 / unit))
        }));
        row
    });
    table(header, rows.collect())
}

/// The ratio of the CPU time without each pass to that with all passes, the first system.
pub(crate) fn passes(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let pallas: Vec<usize> = (0..systems.len()).filter(|&s| systems[s].is_pallas()).collect();
    let [first, others @ ..] = &pallas[..] else { return String::new() };
    let mut header = vec!["without".to_owned()];
    header.extend(others.iter().map(|&s| systems[s].name.clone()));
    let named = programs.iter().zip(costs).filter(|(program, _)| program.name != NOTHING);
    let rows = named.map(|(program, costs)| {
        let time = |s: usize| costs[s].as_ref().map(|cost| milliseconds(cost.cpu_time));
        let mut row = vec![program.name.clone()];
        row.extend(others.iter().map(|&s| cell(time(s).zip(time(*first)).map(|(a, b)| a / b))));
        row
    });
    table(header, rows.collect())
}

fn table(header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let rule = vec!["---".to_owned(); header.len()];
    let lines = [header, rule].into_iter().chain(rows);
    lines.map(|row| format!("| {} |\n", row.join(" | "))).collect()
}

fn mean(logarithms: &[f64]) -> Option<f64> {
    let count = logarithms.len() as f64;
    (!logarithms.is_empty()).then(|| (logarithms.iter().sum::<f64>() / count).exp())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn cell(number: Option<f64>) -> String {
    match number {
        Some(number) if number >= 100.0 || number.fract() == 0.0 => format!("{number:.0}"),
        Some(number) => format!("{number:.2}"),
        None => String::new(),
    }
}

//! The tables, in Markdown: a row a program.

use crate::measure::{Cost, Costs};
use crate::program::{NOTHING, Program};
use crate::system::System;
use std::time::Duration;

/// The work in each system, and how many times as long ours takes as in the faster yardstick, with
/// the geometric mean of those ratios.
pub(crate) fn times(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let ours: Vec<usize> = (0..systems.len()).filter(|&s| systems[s].is_ours()).collect();
    let mut header = vec!["program".to_owned()];
    header.extend(systems.iter().map(|system| format!("{}, ms", system.name)));
    header.extend(ours.iter().map(|&s| format!("{} x", systems[s].name)));
    let mut rows = Vec::new();
    let mut logarithms = vec![Vec::new(); systems.len()];
    for (program, costs) in programs.iter().zip(costs).filter(|(p, _)| p.name != NOTHING) {
        let times: Vec<Option<f64>> =
            costs.iter().map(|cost| cost.as_ref().map(|cost| milliseconds(cost.work))).collect();
        let yardsticks = (0..systems.len()).filter(|&s| systems[s].is_yardstick());
        let yardstick = yardsticks.filter_map(|s| times[s]).min_by(f64::total_cmp);
        let mut row = vec![program.name.clone()];
        row.extend(times.iter().map(|&time| cell(time)));
        for &s in &ours {
            let ratio = times[s].zip(yardstick).map(|(time, best)| time / best);
            row.push(cell(ratio));
            logarithms[s].extend(ratio.map(f64::ln));
        }
        rows.push(row);
    }
    let mut means = vec!["geometric mean".to_owned()];
    means.resize(1 + systems.len(), String::new());
    means.extend(ours.iter().map(|&s| cell(mean(&logarithms[s]))));
    rows.push(means);
    table(header, rows)
}

/// What each system takes as a whole process: time, and memory.
pub(crate) fn processes(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let mut header = vec!["process".to_owned()];
    for system in systems {
        header.extend([format!("{}, ms", system.name), "MB".to_owned()]);
    }
    let rows = programs.iter().zip(costs).map(|(program, costs)| {
        let mut row = vec![program.name.clone()];
        for cost in costs {
            let cost = cost.as_ref();
            row.push(cell(cost.map(|cost| milliseconds(cost.whole))));
            row.push(cell(cost.map(|cost| cost.memory as f64 / 1e6)));
        }
        row
    });
    table(header, rows.collect())
}

/// What else our first system tells: how each is called, what it is divided by, and where it is told.
const COUNTS: [(&str, f64, &str); 10] = [
    ("allocated, MB", 1e6, "allocated"),
    ("copied, MB", 1e6, "copied"),
    ("minor", 1.0, "minor"),
    ("major", 1.0, "major"),
    ("laws compiled", 1.0, "laws"),
    ("kept from before", 1.0, "loaded"),
    ("building, ms", 1e6, "building"),
    ("compiling, ms", 1e6, "compiling"),
    ("code, kB", 1e3, "code"),
    ("elapsed, ms", 1e6, "elapsed"),
];

/// What our first system allocated and compiled.
pub(crate) fn counts(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let Some(ours) = systems.iter().position(System::is_ours) else { return String::new() };
    let mut header = vec![systems[ours].name.clone()];
    header.extend(COUNTS.iter().map(|(title, ..)| (*title).to_owned()));
    let rows = programs.iter().zip(costs).map(|(program, costs)| {
        let mut row = vec![program.name.clone()];
        row.extend(COUNTS.iter().map(|(_, unit, name)| {
            let count = costs[ours].as_ref().and_then(|cost: &Cost| cost.count(name));
            cell(count.map(|count| count as f64 / unit))
        }));
        row
    });
    table(header, rows.collect())
}

/// How many times as long the work takes in each other way to run `pallas` as in the first.
pub(crate) fn slowdowns(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let ours: Vec<usize> = (0..systems.len()).filter(|&s| systems[s].is_ours()).collect();
    let [first, others @ ..] = &ours[..] else { return String::new() };
    let mut header = vec!["without".to_owned()];
    header.extend(others.iter().map(|&s| systems[s].name.clone()));
    let named = programs.iter().zip(costs).filter(|(program, _)| program.name != NOTHING);
    let rows = named.map(|(program, costs)| {
        let time = |s: usize| costs[s].as_ref().map(|cost| milliseconds(cost.work));
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

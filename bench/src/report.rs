//! The table: times, and how many times as long ours are as the faster yardstick's.

use crate::measure::{Cost, Costs};
use crate::program::{NOTHING, Program};
use crate::system::System;

/// A table in Markdown, a row a program and a column a system. The `x` columns are ratios to the
/// faster yardstick, with their geometric mean in the last row.
pub(crate) fn table(programs: &[Program], systems: &[System], costs: &Costs) -> String {
    let ours: Vec<usize> = (0..systems.len()).filter(|&s| systems[s].is_ours()).collect();
    let mut header = vec!["program".to_owned()];
    header.extend(systems.iter().map(|system| format!("{}, ms", system.name)));
    header.extend(ours.iter().flat_map(|&s| [format!("{} x", systems[s].name), "MB".to_owned()]));

    let nothing = programs.iter().position(|program| program.name == NOTHING);
    let mut rows = vec![vec!["---".to_owned(); header.len()]];
    let mut logarithms = vec![Vec::new(); systems.len()];
    for (index, program) in programs.iter().enumerate() {
        let start = nothing.filter(|&nothing| nothing != index).map(|nothing| &costs[nothing]);
        let times: Vec<Option<f64>> = (0..systems.len())
            .map(|s| costs[index][s].map(|cost| beyond(cost, start.and_then(|start| start[s]))))
            .collect();
        let yardstick = (0..systems.len())
            .filter(|&s| systems[s].is_yardstick())
            .filter_map(|s| times[s])
            .min_by(f64::total_cmp);
        let mut row = vec![program.name.clone()];
        row.extend(times.iter().map(|&time| cell(time)));
        for &s in &ours {
            let ratio = times[s].zip(yardstick).map(|(time, best)| time / best);
            row.push(cell(ratio));
            row.push(cell(costs[index][s].map(|cost| cost.memory as f64 / 1e6)));
            logarithms[s].extend(ratio.filter(|_| start.is_some()).map(f64::ln));
        }
        rows.push(row);
    }
    rows.push(means(systems.len(), &ours, &logarithms));
    let lines = std::iter::once(header).chain(rows);
    lines.map(|row| format!("| {} |\n", row.join(" | "))).collect()
}

/// The last row: the geometric means of the ratios whose logarithms these are.
fn means(systems: usize, ours: &[usize], logarithms: &[Vec<f64>]) -> Vec<String> {
    let mut row = vec!["geometric mean".to_owned()];
    row.resize(1 + systems, String::new());
    for &s in ours {
        let logarithms = &logarithms[s];
        let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
        row.push(cell((!logarithms.is_empty()).then(|| mean.exp())));
        row.push(String::new());
    }
    row
}

/// Milliseconds beyond what starting takes, at least a tenth of one.
fn beyond(cost: Cost, start: Option<Cost>) -> f64 {
    let start = start.map(|start| start.time).unwrap_or_default();
    (cost.time.saturating_sub(start).as_secs_f64() * 1e3).max(0.1)
}

fn cell(number: Option<f64>) -> String {
    match number {
        Some(number) if number >= 100.0 => format!("{number:.0}"),
        Some(number) => format!("{number:.2}"),
        None => String::new(),
    }
}

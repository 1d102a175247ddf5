//! The tables in Markdown, with one row per program.

use crate::measure::{Cost, Measurement, Measurements};
use crate::program::{NOTHING, Program, ProgramGroup};
use crate::system::System;
use std::time::Duration;

/// The CPU time in each system, the ratio of `pallas` to the fastest reference system, the ratio of
/// the prototype to `pallas`, and geometric means of the ratios.
pub(crate) fn cpu_times(
    programs: &[Program],
    systems: &[System],
    measurements: &Measurements,
) -> String {
    let pallas = positions(systems, System::is_pallas);
    let prototype = systems.iter().position(System::is_prototype).zip(pallas.first().copied());
    let mut header = vec!["program".to_owned()];
    header.extend(systems.iter().map(|system| format!("{}, ms", system.name)));
    header.extend(pallas.iter().map(|&s| format!("{} x", systems[s].name)));
    header.extend(prototype.map(|_| "prototype / pallas".to_owned()));
    let mut rows = Vec::new();
    let mut ratios = Vec::new();
    for (program, measurements) in named(programs, measurements) {
        let reference = positions(systems, System::is_reference)
            .into_iter()
            .filter_map(|s| Bounded::of(&measurements[s]))
            .min_by(|a, b| a.value.total_cmp(&b.value));
        let mut row = vec![program.name.clone()];
        row.extend(measurements.iter().map(|m| time_cell(m, Bounded::of(m))));
        let ratio = |s: usize, base: Option<Bounded>| {
            Bounded::of(&measurements[s]).zip(base).map(|(time, base)| time.ratio(base))
        };
        let mut own: Vec<_> = pallas.iter().map(|&s| ratio(s, reference)).collect();
        own.extend(prototype.map(|(s, first)| ratio(s, Bounded::of(&measurements[first]))));
        row.extend(own.iter().map(|&ratio| bounded_cell(ratio)));
        rows.push(row);
        ratios.push((program, own));
    }
    rows.extend(ProgramGroup::EACH.into_iter().filter_map(|group| {
        let of_group: Vec<_> = ratios.iter().filter(|(p, _)| group.contains(p)).collect();
        let is_part = of_group.len() < ratios.len();
        if of_group.is_empty() || (group != ProgramGroup::All && !is_part) {
            return None;
        }
        let mut row = vec![format!("geometric mean, {} ({})", group.name(), of_group.len())];
        row.resize(1 + systems.len(), String::new());
        let columns = of_group[0].1.len();
        row.extend((0..columns).map(|column| {
            let ratios: Vec<Bounded> = of_group.iter().filter_map(|(_, own)| own[column]).collect();
            bounded_cell(mean(&ratios))
        }));
        Some(row)
    }));
    table(header, rows)
}

/// Elapsed time and memory of the whole process in each system.
pub(crate) fn processes(
    programs: &[Program],
    systems: &[System],
    measurements: &Measurements,
) -> String {
    let mut header = vec!["process".to_owned()];
    for system in systems {
        header.extend([format!("{}, ms", system.name), "MB".to_owned()]);
    }
    let rows = programs.iter().zip(measurements).map(|(program, measurements)| {
        let mut row = vec![program.name.clone()];
        for measurement in measurements {
            let cost = measurement.cost();
            let elapsed = cost.map(|cost| Bounded {
                value: milliseconds(cost.elapsed),
                is_lower_bound: cost.exceeds_limit,
            });
            row.push(time_cell(measurement, elapsed));
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
pub(crate) fn statistics(
    programs: &[Program],
    systems: &[System],
    measurements: &Measurements,
) -> String {
    let Some(pallas) = systems.iter().position(System::is_pallas) else { return String::new() };
    let mut header = vec![systems[pallas].name.clone()];
    header.extend(STATISTICS.iter().map(|(title, ..)| (*title).to_owned()));
    let rows = programs.iter().zip(measurements).map(|(program, measurements)| {
        let mut row = vec![program.name.clone()];
        row.extend(STATISTICS.iter().map(|(_, unit, name)| {
            let count = measurements[pallas].cost().and_then(|cost: &Cost| cost.statistic(name));
            cell(count.map(|count| count as f64 / unit))
        }));
        row
    });
    table(header, rows.collect())
}

/// The ratio of the CPU time without each pass to that with all passes, the first system.
pub(crate) fn passes(
    programs: &[Program],
    systems: &[System],
    measurements: &Measurements,
) -> String {
    let pallas = positions(systems, System::is_pallas);
    let [first, others @ ..] = &pallas[..] else { return String::new() };
    let mut header = vec!["without".to_owned()];
    header.extend(others.iter().map(|&s| systems[s].name.clone()));
    let rows = named(programs, measurements).map(|(program, measurements)| {
        let time = |s: usize| Bounded::of(&measurements[s]);
        let mut row = vec![program.name.clone()];
        row.extend(others.iter().map(|&s| {
            bounded_cell(time(s).zip(time(*first)).map(|(time, base)| time.ratio(base)))
        }));
        row
    });
    table(header, rows.collect())
}

/// A program counts as slower with the compiler if its CPU time is greater than without by more
/// than this factor, and by more than [`NOISE`].
const TOLERANCE: f64 = 1.05;

/// Milliseconds by which the CPU time of a run varies.
const NOISE: f64 = 2.0;

/// The CPU time of the last system, the interpreter, and the ratios of the others to it. Also
/// returns the names of the programs that are slower than in the interpreter in some other system,
/// or fail there.
pub(crate) fn compiler_check(
    programs: &[Program],
    systems: &[System],
    measurements: &Measurements,
) -> (String, Vec<String>) {
    let Some((interpreter, compiled)) = systems.split_last() else { return Default::default() };
    let mut header = vec!["program".to_owned(), format!("{}, ms", interpreter.name)];
    header.extend(compiled.iter().map(|system| format!("{} / {}", system.name, interpreter.name)));
    header.push("verdict".to_owned());
    let mut slower = Vec::new();
    let rows = named(programs, measurements).map(|(program, measurements)| {
        let (last, compiled) = measurements.split_last().unwrap_or((&Measurement::NoSource, &[]));
        let base = Bounded::of(last);
        let mut row = vec![program.name.clone(), time_cell(last, base)];
        let mut is_slower = false;
        for measurement in compiled {
            let time = Bounded::of(measurement);
            row.push(bounded_cell(time.zip(base).map(|(time, base)| time.ratio(base))));
            // If the interpreter exceeds the limit as well, nothing is known.
            let exceeds = time.zip(base).is_some_and(|(time, base)| {
                !base.is_lower_bound
                    && time.value > TOLERANCE * base.value
                    && time.value > base.value + NOISE
            });
            is_slower |= exceeds || measurement.is_failed();
        }
        row.push(if is_slower { "slower" } else { "" }.to_owned());
        if is_slower {
            slower.push(program.name.clone());
        }
        row
    });
    let rows = rows.collect();
    (table(header, rows), slower)
}

/// A CPU time in milliseconds, or a ratio of two. A lower bound if the time limit ended the run.
#[derive(Clone, Copy)]
struct Bounded {
    value: f64,
    is_lower_bound: bool,
}

impl Bounded {
    fn of(measurement: &Measurement) -> Option<Bounded> {
        let cost = measurement.cost()?;
        Some(Bounded { value: milliseconds(cost.cpu_time), is_lower_bound: cost.exceeds_limit })
    }

    fn ratio(self, base: Bounded) -> Bounded {
        Bounded { value: self.value / base.value, ..self }
    }
}

/// All programs but [`NOTHING`], with their measurements.
fn named<'a>(
    programs: &'a [Program],
    measurements: &'a Measurements,
) -> impl Iterator<Item = (&'a Program, &'a Vec<Measurement>)> {
    programs.iter().zip(measurements).filter(|(program, _)| program.name != NOTHING)
}

fn positions(systems: &[System], has: impl Fn(&System) -> bool) -> Vec<usize> {
    (0..systems.len()).filter(|&s| has(&systems[s])).collect()
}

fn table(header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let rule = vec!["---".to_owned(); header.len()];
    let lines = [header, rule].into_iter().chain(rows);
    lines.map(|row| format!("| {} |\n", row.join(" | "))).collect()
}

/// The geometric mean: a lower bound if one of the ratios is.
fn mean(ratios: &[Bounded]) -> Option<Bounded> {
    let logarithms: f64 = ratios.iter().map(|ratio| ratio.value.ln()).sum();
    let value = (logarithms / ratios.len() as f64).exp();
    let is_lower_bound = ratios.iter().any(|ratio| ratio.is_lower_bound);
    (!ratios.is_empty()).then_some(Bounded { value, is_lower_bound })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn time_cell(measurement: &Measurement, time: Option<Bounded>) -> String {
    if measurement.is_failed() { "fails".to_owned() } else { bounded_cell(time) }
}

fn bounded_cell(time: Option<Bounded>) -> String {
    let number = cell(time.map(|time| time.value));
    if time.is_some_and(|time| time.is_lower_bound) { format!("> {number}") } else { number }
}

fn cell(number: Option<f64>) -> String {
    match number {
        Some(number) if number >= 100.0 || number.fract() == 0.0 => format!("{number:.0}"),
        Some(number) => format!("{number:.2}"),
        None => String::new(),
    }
}

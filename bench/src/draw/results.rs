//! The part of the results that a run has: between two comments that name it.

use anyhow::{Result, bail};
use bench::{MachineDescription, SavedProgram, SavedRun};

/// The ratio of the least CPU time in `pallas` to that in the fastest system that ratios refer to.
pub(crate) fn ratio(run: &SavedRun, program: &SavedProgram) -> Option<f64> {
    let least = |is_counted: fn(&bench::SavedSystem) -> bool| {
        let systems = run.systems.iter().enumerate().filter(|(_, system)| is_counted(system));
        let times = systems.filter_map(|(index, _)| program.least_cpu_time(index));
        times.min_by(f64::total_cmp)
    };
    let reference = least(|system| system.is_reference)?;
    // The first system of pallas has its code in the cache from the run before.
    let pallas = run.systems.iter().position(|system| system.is_pallas)?;
    Some(program.least_cpu_time(pallas)? / reference)
}

/// The text with the part of a run, in place of the one that it has, or at its end.
///
/// # Errors
/// The text has the beginning of the part and not its end.
pub(crate) fn with_run(text: &str, name: &str, run: &SavedRun) -> Result<String> {
    let (begin, end) =
        (format!("<!-- begin of run {name} -->\n"), format!("<!-- end of run {name} -->\n"));
    let part = part(name, run);
    let Some((before, rest)) = text.split_once(&begin) else {
        return Ok(format!("{}\n\n## Run {name}\n\n{begin}{part}{end}", text.trim_end()));
    };
    let Some((_, after)) = rest.split_once(&end) else {
        bail!("the part of the run {name} has no end");
    };
    Ok(format!("{before}{begin}{part}{end}{after}"))
}

fn part(name: &str, run: &SavedRun) -> String {
    let MachineDescription { processor, processors, memory, kernel, load } = &run.machine;
    let rounds = run.programs.iter().flat_map(|program| &program.runs).map(Vec::len).max();
    let gigabytes = *memory as f64 / 1e9;
    let mut text = format!(
        "{}, commit {}, {processors} processors ({processor}), {gigabytes:.0} GB, {kernel}, load {load}; \
         least CPU time of {} rounds, in ms. The last column is the ratio of `pallas` to the fastest \
         reference.\n\n![ratios](runs/{name}.svg)\n\n",
        run.date,
        run.commit,
        rounds.unwrap_or(0),
    );
    let names = run.systems.iter().map(|system| system.name.as_str());
    let header: Vec<&str> = ["program"].into_iter().chain(names).chain(["ratio"]).collect();
    text += &row(&header);
    text += &row(&vec!["---"; header.len()]);
    let mut logarithms = Vec::new();
    for program in &run.programs {
        let ratio = ratio(run, program);
        logarithms.extend(ratio.map(f64::ln));
        let times = (0..run.systems.len()).map(|system| cell(program.least_cpu_time(system)));
        let cells: Vec<String> =
            [program.name.clone()].into_iter().chain(times).chain([cell(ratio)]).collect();
        text += &row(&cells);
    }
    if !logarithms.is_empty() {
        let mean = (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp();
        let mut cells = vec![String::new(); header.len()];
        cells[0] = format!("geometric mean ({})", logarithms.len());
        cells[header.len() - 1] = cell(Some(mean));
        text += &row(&cells);
    }
    text
}

fn row<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn cell(number: Option<f64>) -> String {
    match number {
        Some(number) if number >= 100.0 => format!("{number:.0}"),
        Some(number) => format!("{number:.2}"),
        None => String::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use bench::{SavedCost, SavedSystem};

    pub(crate) fn run() -> SavedRun {
        let system = |name: &str, is_pallas, is_reference| SavedSystem {
            name: name.into(),
            is_pallas,
            is_reference,
        };
        let cost = |milliseconds: u64| SavedCost {
            cpu_time: milliseconds * 1_000_000,
            elapsed: 0,
            memory: 0,
            exceeds_limit: milliseconds == 999,
        };
        let program = |name: &str, times: [&[u64]; 3]| SavedProgram {
            name: name.into(),
            runs: times.map(|times| times.iter().copied().map(cost).collect()).into(),
        };
        SavedRun {
            date: "2026-11-29".into(),
            commit: "abc".into(),
            machine: MachineDescription {
                processor: "a processor".into(),
                processors: 2,
                memory: 8_000_000_000,
                kernel: "Linux 6".into(),
                load: 1.5,
            },
            systems: vec![
                system("pallas", true, false),
                system("Chez", false, true),
                system("GHC", false, true),
            ],
            programs: vec![
                program("fib", [&[8, 6], &[5, 4], &[3, 7]]),
                program("tak", [&[4], &[8], &[]]),
                program("endless", [&[999], &[8], &[1]]),
            ],
        }
    }

    #[test]
    fn the_part_of_a_run_is_added_and_then_replaced() {
        let text = with_run("# Results\n", "first", &run()).expect("no part yet");
        let expected = "\
# Results

## Run first

<!-- begin of run first -->
2026-11-29, commit abc, 2 processors (a processor), 8 GB, Linux 6, load 1.5; least CPU time of 2 rounds, in ms. The last column is the ratio of `pallas` to the fastest reference.

![ratios](runs/first.svg)

| program | pallas | Chez | GHC | ratio |
| --- | --- | --- | --- | --- |
| fib | 6.00 | 4.00 | 3.00 | 2.00 |
| tak | 4.00 | 8.00 |  | 0.50 |
| endless |  | 8.00 | 1.00 |  |
| geometric mean (2) |  |  |  | 1.00 |
<!-- end of run first -->
";
        assert_eq!(text, expected);
        assert_eq!(with_run(&text, "first", &run()).expect("a part"), expected);
        let longer = format!("{text}\nMore.\n");
        let other = SavedRun { commit: "def".into(), ..run() };
        let replaced = with_run(&longer, "first", &other).expect("a part");
        assert_eq!(replaced, longer.replace("commit abc", "commit def"));
        let torn = text.replace("<!-- end of run first -->\n", "");
        assert!(with_run(&torn, "first", &run()).is_err());
    }
}

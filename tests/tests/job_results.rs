//! The forms of job results: chosen at boot, and recognised for the kernel of the prototype's branch
//! `port-fulltag`.

use tests::{Pallas, report, stderr, stdout};

/// A cog that shows the results of two jobs, one after the other. The second crashes.
const PROGRAM: &str = "\
#### jobs <- prelude

:| prelude

= (cog jobs reads workers inputs)
@ next | ifz jobs 0 [(idx 0 jobs)]
@ more | ifz jobs 0 (idx 1 jobs)
| trk [{input} (idx 0 inputs)]
| [(cog more reads next) []]

main=(cog [[0 die [{boom}]] 0] 0 [[0 add [3 4]]])
";

/// Boots a machine with these options and runs it to its end. Returns what it shows, without
/// blank lines and times.
fn shown(pallas: &Pallas, store: &str, module: &str, options: &[&str]) -> Vec<String> {
    let output = pallas.run([&["boot"], options, &[store, module]].concat(), "");
    assert!(output.status.success(), "{}", stderr(&output));
    let output = pallas.run(["start", store], "");
    assert!(output.status.success(), "{}", stderr(&output));
    // A replay from the boot gives the cog the same inputs.
    let again = pallas.run(["start", "--replay-all", store], "");
    assert!(again.status.success(), "{}", stderr(&again));
    let text = stdout(&output);
    let lines = text.lines().filter(|line| line.contains("[%"));
    let message = |line: &str| {
        let line = line.rsplit_once("}] ").map_or(line, |(_, message)| message);
        line.trim_start_matches("++ ").trim_end_matches("]").to_owned()
    };
    lines.map(message).filter(|line| !line.starts_with("[%trk")).collect()
}

#[test]
fn the_form_of_job_results_is_chosen_at_boot() {
    let pallas = Pallas::new();
    pallas.write("sire/jobs.sire", PROGRAM);
    let plain = ["[%input [0 [7", "[%input [0 [%die %boom"];
    assert_eq!(shown(&pallas, "default", "jobs", &[]), plain);
    assert_eq!(shown(&pallas, "plain", "jobs", &["--job-results", "plain"]), plain);
    let tagged = ["[%input [0 [1 7", "[%input [0 [0 [%die %boom"];
    assert_eq!(shown(&pallas, "tagged", "jobs", &["--job-results", "tagged"]), tagged);
}

/// A program for the kernel of the branch, which tells a value from a crash by the tag.
const KERNEL_PROGRAM: &str = "\
#### job_result <- kern

:| kern

= (cog return)
: r < work add [3 4]
| trk (eitherCase r (x & [{left} x]) (x & [{right} x]))
: s < work die [{boom}]
| trk (eitherCase s (x & [{left} x]) (x & [{right} x]))
| return ()

main=(runCog 0 cog)
";

#[test]
fn the_kernel_of_port_fulltag_gets_tagged_results() {
    let Some(reference) = tests::reference_checkout() else {
        return report("job_results: skipped, since PALLAS_REFERENCE is not set");
    };
    let pallas = Pallas::new();
    if !tests::extract_branch(&reference, "port-fulltag", "sire", pallas.folder.path()) {
        return report("job_results: skipped, since the reference has no branch port-fulltag");
    }
    pallas.write("sire/job_result.sire", KERNEL_PROGRAM);
    assert_eq!(shown(&pallas, "store", "job_result", &[]), ["[%right 7", "[%left [%die %boom"]);
}

//! Seeds: `save` writes and `show` prints what the prototype did, byte for byte.

use runtime::RuntimeBuilder;
use tests::{Pallas, difference, golden, golden_text, run_with_input, stderr, stdout};

const SEEDS: [&str; 8] = [
    "seed_big",
    "seed_data",
    "seed_law",
    "seed_letrec",
    "seed_nat",
    "seed_pins",
    "seed_shared",
    "seed_zero",
];

#[test]
fn save_writes_what_the_prototype_wrote() {
    for name in SEEDS {
        let pallas = Pallas::new();
        let source = golden_text(&format!("seeds/{name}.sire"));
        pallas.write(&format!("sire/{name}.sire"), source);
        let output = pallas.run(["save", "out.seed", name], "");
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let saved = std::fs::read(pallas.path("out.seed")).expect("a seed was written");
        let expected = std::fs::read(golden(&format!("seeds/{name}.seed"))).expect("golden");
        assert_eq!(saved, expected, "{name}");
    }
}

#[test]
fn show_prints_what_the_prototype_printed() {
    for name in SEEDS {
        let pallas = Pallas::new();
        let seed = golden(&format!("seeds/{name}.seed"));
        let output = pallas.run(["show".as_ref(), seed.as_os_str()], "");
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let expected = golden_text(&format!("seeds/{name}.show"));
        if let Some(difference) = difference(&expected, &stdout(&output)) {
            panic!("{name}: {difference}");
        }
    }
}

#[test]
fn a_truncated_seed_is_refused_by_name() {
    let pallas = Pallas::new();
    let mut bytes = std::fs::read(golden("seeds/seed_data.seed")).expect("golden");
    bytes.truncate(64);
    let path = pallas.write("cut.seed", bytes);
    let output = pallas.run(["show".as_ref(), path.as_os_str()], "");
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains("cut.seed") && message.contains("no seed"), "{message}");
    assert!(output.stdout.is_empty());
}

/// The seed of a pinned row of two equal rows, each of two equal rows, and so on, `depth` levels:
/// small, but with 2^`depth` parts.
fn nested_pairs(depth: usize) -> Vec<u8> {
    let mut runtime = RuntimeBuilder::bare().build().expect("the stack can be reserved");
    let mut value = runtime.nat(7);
    for _ in 0..depth {
        value = runtime.row(&[value.clone(), value]).expect("a small value");
    }
    let pin = runtime.pin(&value).expect("a small value");
    runtime.save(&pin).expect("a small value")
}

#[test]
fn a_small_seed_of_a_huge_value_is_shown_in_part() {
    let pallas = Pallas::new();
    let path = pallas.write("hostile.seed", nested_pairs(60));
    let show = |limit: &str, args: &[&str]| {
        let mut command = pallas.command(["show".as_ref(), path.as_os_str()]);
        command.args(args);
        if !limit.is_empty() {
            command.env("PALLAS_PRINT_LIMIT", limit);
        }
        let output = run_with_input(command, "");
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let text = show("", &[]);
    let (shown, notice) = text.split_at(16 << 20);
    assert!(shown.starts_with("*   = (| 0)\n   ++  ++  ++"), "{shown:.100}");
    let end =
        "of 2305843009213693951 parts are shown (--full, or PALLAS_PRINT_LIMIT=SIZE, shows more)";
    assert!(
        notice.starts_with("\n... truncated: ") && notice.trim_end().ends_with(end),
        "{notice}"
    );
    assert!(show("10k", &[]).len() < 10_500);
}

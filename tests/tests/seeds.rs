//! Seeds: what `save` writes and `show` prints, to the byte.

use tests::{Pallas, difference, golden, golden_text, stderr, stdout};

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
fn a_damaged_seed_is_refused_with_the_place() {
    let pallas = Pallas::new();
    let mut bytes = std::fs::read(golden("seeds/seed_data.seed")).expect("golden");
    bytes.truncate(64);
    let path = pallas.write("cut.seed", bytes);
    let output = pallas.run(["show".as_ref(), path.as_os_str()], "");
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("cut.seed") && told.contains("no seed"), "{told}");
    assert!(output.stdout.is_empty());
}

/// A row that holds twice a row that holds twice ... `times` deep, and a pin around it.
fn doubled(times: usize) -> Vec<u8> {
    let mut vm = vm::Vm::new(vm::Options::default(), Default::default()).expect("a stack");
    let mut value = vm.nat(7);
    for _ in 0..times {
        value = vm.row(&[value.clone(), value]).expect("a small value");
    }
    let pin = vm.pin(&value).expect("a small value");
    vm::seed::save(&vm, &pin).expect("a small value")
}

#[test]
fn a_small_seed_of_a_value_without_end_is_refused() {
    let pallas = Pallas::new();
    let path = pallas.write("hostile.seed", doubled(60));
    let output = pallas.run(["show".as_ref(), path.as_os_str()], "");
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("hostile.seed") && told.contains("too large"), "{told}");
    assert!(output.stdout.is_empty());
}

use super::*;
use crate::plain::{from_term, to_term};
use crate::spec::generate::Gen;
use crate::{Options, order};

macro_rules! golden {
    ($($name:literal),*) => {
        [$((
            $name,
            include_bytes!(concat!("../../../tests/golden/seeds/", $name, ".seed")).as_slice(),
        )),*]
    };
}

const GOLDEN: [(&str, &[u8]); 8] = golden![
    "seed_big",
    "seed_data",
    "seed_law",
    "seed_letrec",
    "seed_nat",
    "seed_pins",
    "seed_shared",
    "seed_zero"
];
const BINDINGS: &str = include_str!("../../../tests/golden/seeds/bindings.tsv");

fn vm(stress: bool) -> Vm {
    let options = Options { nursery: 1 << 15, stress, ..Options::default() };
    Vm::new(options, Default::default()).unwrap()
}

#[test]
fn golden_seeds_load_with_their_hash_and_save_as_they_were() {
    for (name, bytes) in GOLDEN {
        for stress in [false, true] {
            let mut vm = vm(stress);
            let value = load(&mut vm, bytes).unwrap();
            assert_eq!(save(&vm, &value).unwrap(), bytes, "{name}");
            let line = format!("{name}\tmain\t");
            let hash = BINDINGS.lines().find_map(|l| l.strip_prefix(&line)).unwrap();
            assert_eq!(vm.hash(&value).to_string(), hash, "{name}");
        }
    }
}

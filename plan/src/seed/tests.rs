use super::*;
use crate::Natural;
use crate::order;
use crate::plain::{from_term, to_term};
use crate::samples::{self, heap, terms};
use proptest::prelude::*;
use spec::Term;
use spec::generate::TermGenerator;

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

#[test]
fn golden_seeds_load_with_their_hash_and_save_as_they_were() {
    for (name, bytes) in GOLDEN {
        for stress in [false, true] {
            let mut heap = heap(stress);
            let value = load(&mut heap, bytes).unwrap();
            assert_eq!(save(&heap, &value).unwrap(), bytes, "{name}");
            let line = format!("{name}\tmain\t");
            let hash = BINDINGS.lines().find_map(|l| l.strip_prefix(&line)).unwrap();
            assert_eq!(heap.hash(&value).unwrap().to_string(), hash, "{name}");
        }
    }
}

#[test]
fn values_survive_saving() {
    for (seed, stress, random) in [(1, false, 600), (2, true, 80)] {
        let heap = &mut heap(stress);
        for term in terms(seed, random) {
            let value = from_term(heap, &term).unwrap();
            let bytes = save(heap, &value).unwrap();
            let loaded = load(heap, &bytes).unwrap();
            assert!(order::equal(heap.look(&value), heap.look(&loaded)), "{term}");
            assert_eq!(to_term(heap.look(&loaded)), term);
            assert_eq!(save(heap, &loaded).unwrap(), bytes, "{term}");
        }
    }
}

/// Big nats with the same number of limbs and the same highest limb: files have the smaller one
/// first, the laws the greater one.
#[test]
fn big_nats_are_in_the_order_of_files_or_of_laws() {
    let mut heap = heap(false);
    let nats = [[5, 1], [7, 1], [0, 2]].map(|limbs| Natural::from_limbs_asc(&limbs));
    let items = nats.map(|nat| heap.natural(&nat).unwrap());
    let row = heap.row(&items).unwrap();
    let (file, law) = (save(&heap, &row).unwrap(), save_as_law(&heap, &row).unwrap());
    let pin = samples::pin(&mut heap, &row).unwrap();
    let ((_, file_germ), (_, law_germ)) =
        (save_germ(&heap, &pin).unwrap(), save_germ_as_law(&heap, &pin).unwrap());
    // After five counts and three widths.
    let limbs =
        |bytes: &[u8]| -> Vec<u8> { bytes[8 * 8..14 * 8].iter().step_by(8).copied().collect() };
    for file in [&file, &file_germ] {
        assert_eq!(limbs(file), [0, 2, 5, 1, 7, 1]);
    }
    for law in [&law, &law_germ] {
        assert_eq!(limbs(law), [0, 2, 7, 1, 5, 1]);
    }
    for bytes in [file, law] {
        let loaded = load(&mut heap, &bytes).unwrap();
        assert!(order::equal(heap.look(&row), heap.look(&loaded)));
    }
}

#[test]
fn sharing_does_not_change_the_bytes() {
    let heap = &mut heap(false);
    for term in terms(3, 100) {
        let (one, two) = (from_term(heap, &term).unwrap(), from_term(heap, &term).unwrap());
        let shared = heap.row(&[one.clone(), one.clone()]).unwrap();
        let copied = heap.row(&[one, two]).unwrap();
        assert_eq!(save(heap, &shared).unwrap(), save(heap, &copied).unwrap(), "{term}");
    }
}

#[test]
fn pins_survive_saving_as_germs() {
    for (seed, stress, random) in [(4, false, 400), (5, true, 60)] {
        let heap = &mut heap(stress);
        for term in terms(seed, random) {
            let pin = from_term(heap, &term.clone().pin()).unwrap();
            let (hashes, bytes) = save_germ(heap, &pin).unwrap();
            let Shape::Pin(seen) = heap.look(&pin).shape() else { panic!("a pin") };
            let holes: Vec<Val> =
                edges(seen).unwrap().into_iter().map(|edge| heap.hold(edge.0)).collect();
            assert_eq!(hashes.len(), holes.len());
            assert!(holes.iter().zip(&hashes).all(|(hole, hash)| {
                matches!(heap.look(hole).shape(), Shape::Pin(pin) if pin.hash().unwrap() == *hash)
            }));
            let item = load_germ(heap, &holes, &bytes).unwrap();
            assert_eq!(to_term(heap.look(&item)), term);
        }
    }
}

#[test]
fn edges_are_listed_in_the_order_of_the_walk() {
    let heap = &mut heap(false);
    let text = "<({9 9 <1>} ({0 3 0} <2> <3>) ({1 2 ({0 2 0} <<4>>)} ({0 2 0} <5>)) <1>)>";
    let pin = from_term(heap, &Term::parse(text).unwrap()).unwrap();
    let Shape::Pin(seen) = heap.look(&pin).shape() else { panic!("a pin") };
    let items: Vec<String> =
        edges(seen).unwrap().into_iter().map(|pin| to_term(pin.item()).to_string()).collect();
    assert_eq!(items, ["1", "3", "2", "<4>", "5"]);
}

#[test]
fn only_normal_forms_are_saved() {
    let heap = &mut heap(false);
    let sum = from_term(heap, &Term::parse("({0 2 0} (3 4))").unwrap()).unwrap();
    assert_eq!(save(heap, &sum), Err(SaveError::NotNormal));
    let nat = heap.nat(3);
    assert_eq!(save_germ(heap, &nat), Err(SaveError::NotAPin));
}

/// A function that wraps a value once more.
type Wrap = fn(&mut Heap, Val) -> Result<Val, EvalError>;

const WRAPS: [(&str, Wrap); 5] = [
    ("first in a row", |heap, value| {
        let nat = heap.nat(7);
        heap.row(&[value, nat])
    }),
    ("last in a row", |heap, value| {
        let nat = heap.nat(7);
        heap.row(&[nat, value])
    }),
    ("an argument", |heap, value| {
        let zero = heap.nat(0);
        heap.app(&zero, &[value])
    }),
    ("a body", |heap, value| {
        heap.build(|b| {
            b.push_nat(7)?;
            b.push_nat(7)?;
            b.push(&value);
            b.law()
        })
    }),
    ("pinned", |heap, value| {
        heap.build(|b| {
            b.push(&value);
            b.pin()
        })
    }),
];

fn wrapped(heap: &mut Heap, depth: usize, wrap: Wrap) -> Val {
    let mut value = heap.nat(3);
    for _ in 0..depth {
        value = wrap(heap, value).unwrap();
    }
    value
}

#[test]
fn deep_values_are_hashed_compared_saved_and_loaded() {
    for (name, wrap) in WRAPS {
        let heap = &mut heap(false);
        let (one, two) = (wrapped(heap, 1_000_000, wrap), wrapped(heap, 1_000_000, wrap));
        assert!(order::compare(heap.look(&one), heap.look(&two)).is_eq(), "{name}");
        let bytes = save(heap, &one).unwrap();
        let loaded = load(heap, &bytes).unwrap();
        assert_eq!(heap.hash(&loaded).unwrap(), heap.hash(&two).unwrap(), "{name}");
        assert!(order::equal(heap.look(&one), heap.look(&loaded)), "{name}");
        let term = to_term(heap.look(&loaded));
        let again = from_term(heap, &term).unwrap();
        assert!(order::equal(heap.look(&again), heap.look(&two)), "{name}");
    }
}

#[test]
fn values_that_share_their_parts_stay_small() {
    let heap = &mut heap(false);
    let mut value = heap.nat(3);
    for _ in 0..1000 {
        value = heap.row(&[value.clone(), value]).unwrap();
    }
    let bytes = save(heap, &value).unwrap();
    assert!(bytes.len() < 5000);
    let loaded = load(heap, &bytes).unwrap();
    assert_eq!(save(heap, &loaded).unwrap(), bytes);
}

/// A bit, or a reference, of a fragment's tree.
enum Bit {
    /// A pair, whose function and argument follow.
    Pair,
    /// A reference.
    To(u64),
}

/// A seed with these small nats and fragments, valid or not.
fn craft(nats: &[u8], fragments: &[&[Bit]]) -> Vec<u8> {
    let counts = [0, 0, 0, nats.len() as u64, fragments.len() as u64];
    let mut bytes: Vec<u8> = counts.into_iter().flat_map(u64::to_le_bytes).collect();
    bytes.extend(nats);
    let mut writer = bits::BitWriter::after(bytes);
    for (index, fragment) in fragments.iter().enumerate() {
        let width = write::reference_bits(nats.len() + index);
        for bit in *fragment {
            match *bit {
                Bit::Pair => writer.put_ones(1),
                Bit::To(reference) => writer.put(reference << 1, 1 + width),
            }
        }
    }
    let mut bytes = writer.finish();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

#[test]
fn malformed_seeds_are_refused() {
    use Bit::{Pair, To};
    let heap = &mut heap(true);
    let mut problem = |nats: &[u8], fragments: &[&[Bit]]| {
        load(heap, &craft(nats, fragments)).unwrap_err().problem
    };
    // (3 0), (0 0 0 0), (0 0 1 1 2) and (((0 0) 1) (0 0) 0) with a law as its name
    assert!(matches!(problem(&[3, 0], &[&[To(0), To(1)]]), LoadProblem::NotNormal));
    let law = [Pair, Pair, To(0), To(0), To(0), To(0)];
    assert!(matches!(problem(&[0, 1], &[&law]), LoadProblem::NotALaw));
    let call = [Pair, Pair, Pair, To(0), To(0), To(1), To(1), To(2)];
    assert!(matches!(problem(&[0, 1, 2], &[&call]), LoadProblem::NotNormal));
    let named = [Pair, Pair, To(0), To(2), To(1), To(0)];
    assert!(matches!(problem(&[0, 1], &[&[To(0), To(0)], &named]), LoadProblem::NotALaw));
    let later = [To(0), To(3)];
    let expected = LoadProblem::BadReference { reference: 3, known: 3 };
    assert_eq!(problem(&[0, 1, 2], &[&later]).to_string(), expected.to_string());
    assert!(matches!(problem(&[], &[]), LoadProblem::Empty));
    let pin = [Pair, To(1), To(0), To(0)];
    assert!(matches!(problem(&[3, 4], &[&pin]), LoadProblem::NotNormal));
    // A function that is a reference to an app behaves like one that is written out.
    assert!(matches!(
        problem(&[1, 0], &[&[Pair, Pair, To(1), To(0), To(0), To(0)], &[To(2), To(0)]]),
        LoadProblem::NotNormal
    ));
}

#[test]
fn functions_may_be_references_to_apps() {
    use Bit::{Pair, To};
    let heap = &mut heap(true);
    let fragments: [&[Bit]; 4] =
        [&[To(0), To(0)], &[Pair, To(3), To(2), To(0)], &[To(4), To(1)], &[To(5), To(2)]];
    let value = load(heap, &craft(&[0, 9, 3], &fragments)).unwrap();
    assert_eq!(to_term(heap.look(&value)).to_string(), "({0 3 0} 9 3)");
    assert_eq!(heap.look(&value).as_row().map(crate::Items::len), Some(2));
}

/// The header of a seed with one nonzero count, and nothing behind it.
fn header(index: usize, count: u64) -> Vec<u8> {
    let mut counts = [0; 5];
    counts[index] = count;
    counts.into_iter().flat_map(u64::to_le_bytes).collect()
}

#[test]
fn counts_are_checked_before_they_are_used() {
    let heap = &mut heap(false);
    for count in [1, 100, 1 << 40, 1 << 61, u64::MAX] {
        let error = load(heap, &header(0, count)).unwrap_err();
        assert!(
            matches!(error.problem, LoadProblem::HoleCount { holes, given: 0 } if holes == count)
        );
        for index in 1..5 {
            let error = load(heap, &header(index, count)).unwrap_err();
            let empty = matches!(error.problem, LoadProblem::Empty);
            let truncated = matches!(error.problem, LoadProblem::Truncated(_));
            assert!(truncated || (empty && index == 4), "{index} {count}: {error}");
        }
        let mut big = header(1, 1);
        big.extend(count.to_le_bytes());
        big.extend([1; 8]);
        assert!(load(heap, &big).is_err());
    }
    for (limbs, good) in
        [(&[0u64, 1] as &[u64], true), (&[1, 0], false), (&[1], false), (&[], false)]
    {
        let mut big = header(1, 1);
        big.extend(
            std::iter::once(&(limbs.len() as u64)).chain(limbs).flat_map(|word| word.to_le_bytes()),
        );
        assert_eq!(load(heap, &big).is_ok(), good, "{limbs:?}");
    }
}

#[test]
fn errors_say_where_and_what() {
    let heap = &mut heap(false);
    let (_, seed) = GOLDEN[1];
    let error = |heap: &mut Heap, bytes: &[u8]| load(heap, bytes).unwrap_err().to_string();
    assert_eq!(
        error(heap, &seed[..seed.len() - 1]),
        format!(
            "not a seed, at byte {}: the input is not a whole number of 8-byte words",
            seed.len() - 1
        )
    );
    let longer = [seed, &[0; 8]].concat();
    let expected = "bytes follow the end of the value";
    assert!(error(heap, &longer).ends_with(expected), "{}", error(heap, &longer));
    assert!(error(heap, &seed[..16]).ends_with("at byte 16: the input ends within its header"));
    let pin = heap.nat(3);
    let hole = load_germ(heap, &[pin], &header(0, 1)).unwrap_err();
    assert!(matches!(hole.problem, LoadProblem::NotAPin(0)));
}

#[test]
fn apps_that_grow_by_references_are_chains_of_large_objects() {
    use Bit::{Pair, To};
    let heap = &mut heap(true);
    // A law of 250 arguments; each further fragment is the one before with an argument more.
    let law = [Pair, Pair, To(0), To(0), To(1), To(1)];
    let apps: Vec<[Bit; 2]> = (0..240).map(|index| [To(2 + index), To(0)]).collect();
    let fragments: Vec<&[Bit]> =
        std::iter::once(law.as_slice()).chain(apps.iter().map(<[Bit; 2]>::as_slice)).collect();
    let value = load(heap, &craft(&[0, 250], &fragments)).unwrap();
    let Shape::App(app) = heap.look(&value).shape() else { panic!("an app") };
    // A flat app would be copied for each argument.
    assert!(app.runs().count() <= 9, "{} objects", app.runs().count());
    assert_eq!(app.len(), 240);
    assert!(app.args().all(|arg| arg.as_u64() == Some(0)));
}

#[test]
fn a_value_larger_than_the_heap_is_an_error() {
    let options = crate::HeapOptions { max_heap: 8 << 20, ..Default::default() };
    let heap = &mut Heap::new(options).unwrap();
    let many = [header(2, 1 << 20), vec![0xff; 8 << 20]].concat();
    let error = load(heap, &many).unwrap_err();
    assert!(matches!(error.problem, LoadProblem::Eval(EvalError::OutOfMemory)), "{error}");
    samples::collect(heap);
    assert!(load(heap, GOLDEN[1].1).is_ok());
}

/// Loading any bytes ends without a panic, and the resulting value can be saved.
fn load_anything(heap: &mut Heap, bytes: &[u8]) {
    match load(heap, bytes) {
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
        Ok(value) => {
            let saved = save(heap, &value).unwrap();
            let again = load(heap, &saved).unwrap();
            assert!(order::equal(heap.look(&value), heap.look(&again)));
        }
    }
    assert_eq!(heap.0.stack.top(), 0);
}

#[test]
fn damaged_seeds_do_no_harm() {
    let heap = &mut heap(false);
    for (_, bytes) in GOLDEN {
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            load_anything(heap, &damaged);
        }
        for length in 0..bytes.len() {
            load_anything(heap, &bytes[..length]);
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_do_no_harm(
        counts in (0..3u64, 0..3u64, 0..9u64, 0..9u64),
        data in prop::collection::vec(prop_oneof![0..5u8, any::<u8>()], 0..150),
    ) {
        let heap = &mut heap(false);
        let counts = [0, counts.0, counts.1, counts.2, counts.3];
        let mut bytes: Vec<u8> = counts.into_iter().flat_map(u64::to_le_bytes).collect();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        load_anything(heap, &bytes);
    }

    #[test]
    fn any_damage_does_no_harm(
        seed: u64,
        size in 1..60usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let heap = &mut heap(false);
        let value = from_term(heap, &TermGenerator::new(seed).term(size)).unwrap();
        let mut bytes = save(heap, &value).unwrap();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        load_anything(heap, &bytes);
    }
}

use super::image::{self, ImageError};
use super::record::{self, LINE};
use super::{Frozen, NewPin, Owner, PinSpace, Slot, memory, range};
use crate::heap::object;
use crate::jet::{Answer, Call, Demand, Jet, JetTable};
use crate::plain::{from_term, to_term};
use crate::samples::{self, terms};
use crate::spec::Term;
use crate::{Hash, Options, Shape, Stop, Val, Vm, seed, show};
use std::sync::{Arc, Mutex};
use std::{fs, os::unix::fs::FileExt, thread};

fn space() -> Arc<PinSpace> {
    PinSpace::in_memory().expect("the range can be had")
}

fn value(vm: &mut Vm, text: &str) -> Val {
    let term = Term::parse(text).expect("a term");
    from_term(vm, &term).expect("a value")
}

fn freeze(vm: &mut Vm, value: &Val, space: &Arc<PinSpace>) -> Val {
    let frozen = vm.freeze(value, space).expect("room");
    vm.adopt(&frozen)
}

/// What is pinned.
fn item(vm: &Vm, pin: &Val) -> Val {
    match vm.look(pin).shape() {
        Shape::Pin(pin) => vm.hold(pin.item()),
        _ => panic!("not a pin"),
    }
}

#[test]
fn a_frozen_value_is_the_value() {
    for stress in [false, true] {
        let vm = &mut samples::vm(stress);
        let space = space();
        for term in terms(7, 200) {
            let plain = from_term(vm, &term).expect("a value");
            let pin = vm.pin(&plain).expect("room");
            let frozen = freeze(vm, &pin, &space);
            let inside = item(vm, &frozen);
            vm.collect();
            assert_eq!(to_term(vm.look(&inside)), term);
            assert!(vm.look(&frozen).is_equal(vm.look(&pin)), "{term}");
            assert_eq!(vm.hash(&frozen).expect("small"), vm.hash(&pin).expect("small"), "{term}");
            assert_eq!(vm.hash(&inside).expect("small"), vm.hash(&plain).expect("small"), "{term}");
            assert_eq!(vm.look(&frozen).arity(), vm.look(&pin).arity(), "{term}");
            let texts = [&frozen, &pin].map(|value| show::value_text(vm.look(value)));
            assert_eq!(texts[0], texts[1]);
            let seeds = [&frozen, &pin].map(|value| seed::save(vm, value).expect("a seed"));
            assert_eq!(seeds[0], seeds[1]);
            let germs = [&frozen, &pin].map(|value| seed::save_germ(vm, value).expect("a germ"));
            assert_eq!(germs[0], germs[1]);
        }
    }
}

#[test]
fn every_word_of_a_record_is_a_nat_or_frozen() {
    let vm = &mut samples::vm(false);
    let space = space();
    for term in terms(8, 200) {
        let plain = from_term(vm, &term).expect("a value");
        let frozen = vm.freeze(&plain, &space).expect("room");
        let words = record::read(frozen.address()).expect("a record");
        let mut at = 0;
        while at < words.len() {
            let header = object::Header::from_raw(words[at]);
            for index in header.layout().values(header.size()) {
                let word = object::word(words[at + 1 + index]);
                assert!(!word.is_thunk());
                let is_inside = |address| {
                    let end = frozen.address() + 8 * words.len();
                    (frozen.address() + 8 * LINE..end).contains(&address)
                };
                if word.has_object() && !is_inside(word.address()) {
                    assert_eq!(word.kind(), crate::word::Kind::Pin);
                    assert!(space.contains(word.address()));
                }
            }
            at += 1 + header.size();
        }
        assert_eq!(at, words.len());
    }
}

#[test]
fn what_is_there_is_not_written_again() {
    let vm = &mut samples::vm(false);
    let (first, second) = (space(), space());
    let small = value(vm, "({0 3 0} <7> <{5 6 (0 9)}>)");
    let once = vm.freeze(&small, &first).expect("room");
    assert_eq!(vm.freeze(&small, &first).expect("room").address(), once.address());
    let held = vm.adopt(&once);
    assert_eq!(vm.freeze(&held, &first).expect("room").address(), once.address());
    let copy = vm.freeze(&held, &second).expect("room");
    assert!(second.contains(copy.address()) && !first.contains(copy.address()));
    assert_eq!(copy.hash(), once.hash());
    let found = first.find(&once.hash()).expect("no trouble").expect("it is there");
    assert_eq!(found.address(), once.address());
    assert!(first.find(&Hash([9; 32])).expect("no trouble").is_none());
}

#[test]
fn a_collection_takes_the_frozen_twin() {
    let vm = &mut samples::vm(false);
    let space = space();
    let bar = vm.bar(&[7; 1000]).expect("room");
    let pin = vm.pin(&bar).expect("room");
    let row = vm.row(&[pin.clone(), pin.clone()]).expect("room");
    let frozen = vm.freeze(&pin, &space).expect("room");
    vm.collect();
    assert_eq!(vm.heap.word(&pin).address(), frozen.address());
    let row = vm.look(&row).as_row().expect("a row");
    assert!(row.iter().all(|item| item.word.address() == frozen.address()));
}

/// `n` times, `(f n) = if n is 0 then 0 else f (n - 1)`: the law calls itself through its own slot.
const COUNT_DOWN: &str = "<{7 1 (0 (0 (0 2 (2 0)) 0) 1)}>";

#[test]
fn frozen_laws_run_across_collections() {
    for stress in [false, true] {
        let vm = &mut samples::vm(stress);
        let space = space();
        let law = value(vm, COUNT_DOWN);
        let one = vm.nat(1);
        // It has run, and runs on, as a law of the heap.
        vm.apply(&law, std::slice::from_ref(&one)).expect("a value");
        let frozen = freeze(vm, &law, &space);
        let bare = item(vm, &frozen);
        let steps = vm.nat(if stress { 20 } else { 20_000 });
        for _ in 0..4 {
            for function in [&law, &frozen, &bare] {
                let result = vm.apply(function, std::slice::from_ref(&steps)).expect("a value");
                assert_eq!(vm.look(&result).as_u64(), Some(0));
            }
            vm.collect();
        }
    }
}

#[test]
fn code_of_frozen_laws_is_dropped_when_they_rest() {
    let vm = &mut samples::vm(false);
    let space = space();
    let law = value(vm, COUNT_DOWN);
    let frozen = vm.freeze(&law, &space).expect("room");
    let held = vm.adopt(&frozen);
    let one = vm.nat(1);
    vm.apply(&held, std::slice::from_ref(&one)).expect("a value");
    drop((held, law));
    let inside = vm.adopt(&frozen);
    let law = item(vm, &inside);
    drop(inside);
    let code = |vm: &Vm, law: &Val| vm.heap.pools.code_of_frozen(vm.heap.word(law)).is_some();
    assert!(code(vm, &law));
    vm.collect();
    vm.collect();
    assert!(code(vm, &law), "it is still referred to");
    let word = vm.heap.word(&law);
    drop(law);
    vm.collect();
    vm.collect();
    assert!(vm.heap.pools.code_of_frozen(word).is_none());
}

#[test]
fn jets_of_frozen_pins_are_found() {
    fn nine(call: &mut Call<'_>) -> Result<Answer, Stop> {
        call.push_small(9);
        Ok(Answer::Done)
    }
    let law = Term::parse(COUNT_DOWN).expect("a term");
    let mut probe = samples::vm(false);
    let pin = from_term(&mut probe, &law).expect("a value");
    let hash = probe.hash(&item(&probe, &pin)).expect("small");
    let mut jets = JetTable::new();
    jets.add(Jet::native("nine", &[Demand::Lazy], nine), &[hash]);
    let mut vm = Vm::new(Options::default(), Arc::new(jets)).expect("a heap");
    let pin = from_term(&mut vm, &law).expect("a value");
    let frozen = freeze(&mut vm, &pin, &space());
    let one = vm.nat(1);
    let result = vm.apply(&frozen, std::slice::from_ref(&one)).expect("a value");
    assert_eq!(vm.look(&result).as_u64(), Some(9));
}

#[test]
fn deep_and_doubled_values_freeze() {
    let vm = &mut samples::vm(false);
    let space = space();
    let mut chain = vm.nat(0);
    let mut list = vm.nat(0);
    for _ in 0..100_000 {
        let row = vm.row(std::slice::from_ref(&chain)).expect("room");
        chain = vm.pin(&row).expect("room");
        list = vm.row(&[list]).expect("room");
    }
    let frozen = freeze(vm, &chain, &space);
    assert!(vm.look(&frozen).is_equal(vm.look(&chain)));
    freeze(vm, &list, &space);
    // 2^16 leaves, 17 objects.
    let mut double = vm.nat(1);
    for _ in 0..16 {
        double = vm.row(&[double.clone(), double]).expect("room");
    }
    let frozen = vm.freeze(&double, &space).expect("room");
    assert_eq!(record::read(frozen.address()).expect("a record").len(), LINE + 16 * 3);
}

#[test]
fn threads_freeze_and_read_at_once() {
    let space = space();
    let made: Vec<Vec<Frozen>> = thread::scope(|scope| {
        let work = |seed: u64| {
            let space = &space;
            scope.spawn(move || {
                let vm = &mut samples::vm(false);
                let freeze = |term: &Term| {
                    let value = from_term(vm, term).expect("a value");
                    vm.freeze(&value, space).expect("room")
                };
                terms(seed % 2, 100).iter().map(freeze).collect()
            })
        };
        let threads: Vec<_> = (0..4).map(work).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let vm = &mut samples::vm(true);
    for (seed, frozen) in made.iter().enumerate() {
        for (term, frozen) in terms(seed as u64 % 2, 100).iter().zip(frozen) {
            let pin = vm.adopt(frozen);
            let is_pin = matches!(term, Term::Pin(_));
            let expected = if is_pin { term.clone() } else { term.clone().pin() };
            assert_eq!(to_term(vm.look(&pin)), expected);
        }
    }
    let addresses = |made: &[Frozen]| made.iter().map(Frozen::address).collect::<Vec<_>>();
    assert_eq!(addresses(&made[0]), addresses(&made[2]));
}

/// Keeps one record after another in a file that a test may damage.
struct Fragile {
    owner: Owner,
    slot: Slot,
    file: Arc<fs::File>,
    used: usize,
    places: Arc<Mutex<Vec<(Hash, usize)>>>,
}

// SAFETY: the file is mapped for as long as the slot is claimed. A test that damages it does so
// while nothing borrows from it.
unsafe impl super::Backing for Fragile {
    fn owner(&self) -> Owner {
        self.owner
    }

    fn find(&mut self, hash: &Hash) -> Result<Option<usize>, super::BackingError> {
        let places = self.places.lock().expect("no panic");
        Ok(places.iter().find(|(known, _)| known == hash).map(|(_, address)| *address))
    }

    fn place(&mut self, _: usize) -> Result<usize, super::BackingError> {
        Ok(self.slot.address() + self.used)
    }

    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), super::BackingError> {
        self.file.write_all_at(pin.record, self.used as u64)?;
        self.slot.set_end(self.used + pin.record.len());
        self.used = (self.used + pin.record.len()).next_multiple_of(range::ALIGNMENT);
        self.places.lock().expect("no panic").push((*pin.hash, pin.address));
        Ok(())
    }
}

#[test]
fn a_flipped_bit_is_found_before_the_data_is_used() {
    let file = Arc::new(tempfile());
    let places = Arc::new(Mutex::new(Vec::new()));
    let open = |used: usize| {
        let owner = Owner::new();
        let mut slot = Slot::claim(Some(500), owner).expect("free");
        // SAFETY: the test damages the file only while nothing borrows from it.
        unsafe { slot.map(&file) }.expect("mapped");
        slot.set_end(used);
        let (file, places) = (Arc::clone(&file), Arc::clone(&places));
        PinSpace::new(Fragile { owner, slot, file, used, places })
    };
    let (hash, length) = {
        let vm = &mut samples::vm(false);
        let row = value(vm, "({0 3 0} 7 {5 6 (0 9)})");
        let frozen = vm.freeze(&row, &open(0)).expect("room");
        (frozen.hash(), 8 * record::read(frozen.address()).expect("a record").len())
    };
    assert!(open(length).find(&hash).expect("no trouble").is_some());
    for offset in 0..length as u64 {
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset).expect("read");
        file.write_all_at(&[byte[0] ^ 1 << (offset % 8)], offset).expect("written");
        let space = open(length);
        assert!(space.find(&hash).expect("no trouble").is_none(), "byte {offset}");
        // Written anew, since what is there is of no use.
        let vm = &mut samples::vm(false);
        let row = value(vm, "({0 3 0} 7 {5 6 (0 9)})");
        places.lock().expect("no panic").truncate(1);
        assert_ne!(vm.freeze(&row, &space).expect("room").address(), 0);
        file.write_all_at(&byte, offset).expect("written");
        places.lock().expect("no panic").truncate(1);
    }
}

fn tempfile() -> fs::File {
    memory::nameless().expect("memory")
}

/// A pin where there is no record.
fn damaged(space: &Arc<PinSpace>) -> Frozen {
    let vm = &mut samples::vm(false);
    let law = value(vm, COUNT_DOWN);
    let frozen = vm.freeze(&law, space).expect("room");
    Frozen { space: Arc::clone(space), address: frozen.address() + 64 }
}

fn is_damage<T>(result: Result<T, Stop>, of: &Frozen) -> bool {
    let place = format!("{:#x}", of.address());
    matches!(result, Err(Stop::Damaged { place: told }) if told.contains(&place))
}

#[test]
fn a_damaged_pin_ends_the_evaluation_that_comes_upon_it() {
    let space = space();
    let damaged = damaged(&space);
    let vm = &mut samples::vm(false);
    let pin = vm.adopt(&damaged);
    vm.check_damage().expect("nobody has looked yet");
    let args: Vec<Val> = (1..4).map(|nat| vm.nat(nat)).collect();
    assert!(is_damage(vm.apply(&pin, &args), &damaged));
    // What the heap has computed meanwhile may be wrong, so nothing of it counts any more.
    let three = vm.nat(3);
    assert!(is_damage(vm.apply(&three, &args[..1]), &damaged));
    assert!(is_damage(vm.hash(&three), &damaged));
    // Other heaps are as they were.
    let vm = &mut samples::vm(false);
    let three = vm.nat(3);
    assert!(vm.apply(&three, &args[..1]).is_ok());
}

#[test]
fn damage_is_seen_wherever_a_pin_is_looked_at() {
    let space = space();
    let damaged = damaged(&space);
    let other = self::space();
    for look in [
        |vm: &mut Vm, pin: &Val, _: &Arc<PinSpace>| drop(item(vm, pin)),
        |vm: &mut Vm, pin: &Val, _: &Arc<PinSpace>| drop(vm.hash(pin)),
        |vm: &mut Vm, pin: &Val, _: &Arc<PinSpace>| drop(seed::save(vm, pin)),
        |vm: &mut Vm, pin: &Val, _: &Arc<PinSpace>| assert_eq!(vm.look(pin).arity(), Some(3)),
        |vm: &mut Vm, pin: &Val, other: &Arc<PinSpace>| {
            let row = vm.row(std::slice::from_ref(pin)).expect("room");
            vm.freeze(&row, other).expect_err("nothing with it in it is kept");
        },
    ] {
        let vm = &mut samples::vm(false);
        let pin = vm.adopt(&damaged);
        look(vm, &pin, &other);
        assert!(is_damage(vm.check_damage(), &damaged));
    }
}

#[test]
fn a_space_is_let_go_when_nothing_points_into_it() {
    let space = space();
    let vm = &mut samples::vm(false);
    let law = value(vm, COUNT_DOWN);
    let frozen = freeze(vm, &law, &space);
    let two = vm.nat(2);
    assert!(vm.apply(&frozen, std::slice::from_ref(&two)).is_ok());
    vm.collect();
    assert!(Arc::strong_count(&space) > 1, "the heap has it");
    let nested = vm.row(std::slice::from_ref(&frozen)).expect("room");
    drop((frozen, law));
    vm.collect();
    vm.collect();
    assert!(Arc::strong_count(&space) > 1, "a row has it");
    drop(nested);
    vm.collect();
    vm.collect();
    assert_eq!(Arc::strong_count(&space), 1);
}

#[test]
fn slots_are_claimed_once() {
    let owner = Owner::new();
    let slot = Slot::claim(Some(499), owner).expect("free");
    assert_eq!(slot.number(), 499);
    let again = Slot::claim(Some(499), owner);
    assert!(matches!(again, Err(super::RangeError::Taken(499))));
    drop(slot);
    assert!(Slot::claim(Some(499), owner).is_ok());
    assert!(matches!(
        Slot::claim(Some(range::SLOTS), owner),
        Err(super::RangeError::NoSuchSlot(_))
    ));
}

/// An image of a value with pins, one in another, and a big nat.
fn small_image(vm: &mut Vm, label: &[u8]) -> fs::File {
    let value = value(vm, "({0 3 0} <7> <{5 6 (0 9)}> <(0 <7> 1267650600228229401496703205376)>)");
    let file = tempfile();
    image::save(vm, &value, label, &file).expect("room");
    file
}

#[test]
fn an_image_is_what_was_saved() {
    for label in [&b""[..], b"seven b", &[9; 1000]] {
        let vm = &mut samples::vm(false);
        let terms = terms(9, 100);
        let values: Vec<Val> =
            terms.iter().map(|term| from_term(vm, term).expect("a value")).collect();
        let row = vm.row(&values).expect("room");
        let (file, again) = (tempfile(), tempfile());
        image::save(vm, &row, label, &file).expect("room");
        assert_eq!(image::label(&file).expect("an image"), label);
        // Its own slot is taken by the one who wrote it, so the first of these is a copy.
        for is_copy in [true, false] {
            let other = &mut samples::vm(is_copy);
            let root = image::open(&file).expect("an image");
            let pin = other.adopt(&root);
            let found = item(other, &pin);
            other.collect();
            let items = other.look(&found).as_row().expect("a row");
            assert!(items.iter().map(to_term).eq(terms.iter().cloned()));
            drop(root);
            if is_copy {
                *vm = samples::vm(false);
            }
        }
        let row = value(vm, "(0 7)");
        image::save(vm, &row, label, &again).expect("room");
        assert_ne!(
            image::open(&again).expect("one").hash(),
            image::open(&file).expect("one").hash()
        );
    }
}

#[test]
fn a_damaged_image_is_refused() {
    let vm = &mut samples::vm(false);
    let file = small_image(vm, b"damaged");
    let length = file.metadata().expect("a length").len();
    let is_refused = |file: &fs::File| match image::open(file) {
        Err(ImageError::Damaged | ImageError::Foreign | ImageError::Version(_)) => true,
        Err(other) => panic!("{other}"),
        Ok(_) => false,
    };
    // First of all copies, then mapped in its slot.
    for is_open in [true, false] {
        if !is_open {
            *vm = samples::vm(false);
        }
        for offset in 0..length {
            let mut byte = [0];
            file.read_exact_at(&mut byte, offset).expect("read");
            file.write_all_at(&[byte[0] ^ 1 << (offset % 8)], offset).expect("written");
            assert!(is_refused(&file), "byte {offset}");
            file.write_all_at(&byte, offset).expect("written");
        }
        assert!(!is_refused(&file));
        let copy = tempfile();
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, 0).expect("read");
        for cut in 0..bytes.len() {
            copy.set_len(0).expect("a length");
            copy.write_all_at(&bytes[..cut], 0).expect("written");
            assert!(is_refused(&copy), "cut at {cut}");
        }
    }
}

#[test]
fn a_finished_image_takes_no_pins() {
    let vm = &mut samples::vm(false);
    let file = small_image(vm, b"finished");
    let root = image::open(&file).expect("an image");
    let other = value(vm, "<{5 6 (0 9)}>");
    let refused = vm.freeze(&other, root.space()).expect_err("it is finished");
    assert!(refused.to_string().contains("takes no more pins"), "{refused}");
}

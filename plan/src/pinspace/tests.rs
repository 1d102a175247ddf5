//! Pin spaces, frozen pins and images, without an evaluator.

use super::record::{self, LINE_WORDS};
use super::{FrozenPin, NewPin, PinSpace, PinSpaceId, RangeSlot, SlotFile, nameless, range};
use crate::image::{self, EmbeddedImage, ImageError};
use crate::layout::ObjectHeader;
use crate::plain::{from_term, to_term};
use crate::samples::{self, terms};
use crate::word::{Word, WordKind};
use crate::{EvalError, FreezeError, Hash, Heap, Shape, Val, seed};
use spec::Term;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::{fs, os::unix::fs::FileExt, thread};

fn space() -> Arc<PinSpace> {
    PinSpace::in_memory().expect("the range can be reserved")
}

fn value(heap: &mut Heap, text: &str) -> Val {
    let term = Term::parse(text).expect("a term");
    samples::normal(heap, &term).expect("a value")
}

/// Freezes an evaluated value, so that it is in normal form.
fn freeze_normal(
    heap: &mut Heap,
    value: &Val,
    space: &Arc<PinSpace>,
) -> Result<FrozenPin, FreezeError> {
    samples::mark_normal(heap, value);
    heap.freeze(value, space)
}

#[test]
fn a_value_that_is_not_in_normal_form_is_not_frozen() {
    let heap = &mut samples::heap(false);
    let (increment, one) = (heap.nat(3), heap.nat(1));
    let thunk = heap.app(&increment, &[one]).expect("room");
    let row = heap.row(&[thunk]).expect("room");
    let refused = heap.freeze(&row, &space());
    assert!(matches!(refused, Err(FreezeError::NotNormal)));
}

fn freeze(heap: &mut Heap, value: &Val, space: &Arc<PinSpace>) -> Val {
    let frozen = freeze_normal(heap, value, space).expect("room");
    heap.adopt(&frozen)
}

/// The words of a frozen pin's record.
fn record_of(frozen: &FrozenPin) -> &[u64] {
    record::verify(frozen.address()).expect("a record");
    // SAFETY: the frozen pin keeps its slot claimed.
    let line = unsafe { range::words(frozen.address(), record::LINE_WORDS) };
    let count = record::size(line).expect("a record");
    // SAFETY: as above.
    unsafe { range::words(frozen.address(), count) }
}

/// Returns the item of a pin.
fn item(heap: &Heap, pin: &Val) -> Val {
    match heap.look(pin).shape() {
        Shape::Pin(pin) => heap.hold(pin.item()),
        _ => panic!("not a pin"),
    }
}

#[test]
fn every_word_of_a_record_is_a_nat_or_frozen() {
    let heap = &mut samples::heap(false);
    let space = space();
    for term in terms(8, 200) {
        let plain = from_term(heap, &term).expect("a value");
        let frozen = freeze_normal(heap, &plain, &space).expect("room");
        let words = record_of(&frozen);
        let mut at = 0;
        while at < words.len() {
            let header = ObjectHeader::from_raw(words[at]);
            for index in header.layout().values(header.size()) {
                let word = Word::from_bits(words[at + 1 + index]);
                assert!(!word.is_thunk());
                let is_inside = |address| {
                    let end = frozen.address() + 8 * words.len();
                    (frozen.address() + 8 * LINE_WORDS..end).contains(&address)
                };
                if word.has_object() && !is_inside(word.address()) {
                    assert_eq!(word.kind(), WordKind::Pin);
                    assert!(space.contains(word.address()));
                }
            }
            at += 1 + header.size();
        }
        assert_eq!(at, words.len());
    }
}

#[test]
fn a_pin_in_the_space_is_not_written_again() {
    let heap = &mut samples::heap(false);
    let (first, second) = (space(), space());
    let small = value(heap, "({0 3 0} <7> <{5 6 (0 9)}>)");
    let once = freeze_normal(heap, &small, &first).expect("room");
    assert_eq!(freeze_normal(heap, &small, &first).expect("room").address(), once.address());
    let held = heap.adopt(&once);
    assert_eq!(freeze_normal(heap, &held, &first).expect("room").address(), once.address());
    let copy = freeze_normal(heap, &held, &second).expect("room");
    assert!(second.contains(copy.address()) && !first.contains(copy.address()));
    assert_eq!(copy.hash(), once.hash());
    let found = first.find(&once.hash()).expect("no trouble").expect("it is there");
    assert_eq!(found.address(), once.address());
    assert!(first.find(&Hash([9; 32])).expect("no trouble").is_none());
}

#[test]
fn a_collection_replaces_a_pin_by_its_frozen_copy() {
    let heap = &mut samples::heap(false);
    let space = space();
    let bar = heap.bar(&[7; 1000]).expect("room");
    let pin = samples::pin(heap, &bar).expect("room");
    let row = heap.row(&[pin.clone(), pin.clone()]).expect("room");
    let frozen = freeze_normal(heap, &pin, &space).expect("room");
    samples::collect(heap);
    assert_eq!(heap.0.word(&pin).address(), frozen.address());
    let row = heap.look(&row).as_row().expect("a row");
    assert!(row.iter().all(|item| item.word.address() == frozen.address()));
}

/// `(f n) = if n is 0 then 0 else f (n - 1)`: the law calls itself through its own slot.
const COUNT_DOWN: &str = "<{7 1 (0 (0 (0 2 (2 0)) 0) 1)}>";

#[test]
fn deep_and_doubled_values_freeze() {
    let heap = &mut samples::heap(false);
    let space = space();
    let mut chain = heap.nat(0);
    let mut list = heap.nat(0);
    for _ in 0..100_000 {
        let row = heap.row(std::slice::from_ref(&chain)).expect("room");
        chain = samples::pin(heap, &row).expect("room");
        list = heap.row(&[list]).expect("room");
    }
    let frozen = freeze(heap, &chain, &space);
    assert!(heap.look(&frozen).is_equal(heap.look(&chain)));
    freeze(heap, &list, &space);
    // 2^16 leaves, 17 objects.
    let mut double = heap.nat(1);
    for _ in 0..16 {
        double = heap.row(&[double.clone(), double]).expect("room");
    }
    let frozen = freeze_normal(heap, &double, &space).expect("room");
    assert_eq!(record_of(&frozen).len(), LINE_WORDS + 16 * 3);
}

#[test]
fn threads_freeze_and_read_at_once() {
    let space = space();
    let made: Vec<Vec<FrozenPin>> = thread::scope(|scope| {
        let work = |seed: u64| {
            let space = &space;
            scope.spawn(move || {
                let heap = &mut samples::heap(false);
                let freeze = |term: &Term| {
                    let value = from_term(heap, term).expect("a value");
                    freeze_normal(heap, &value, space).expect("room")
                };
                terms(seed % 2, 100).iter().map(freeze).collect()
            })
        };
        let threads: Vec<_> = (0..4).map(work).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let heap = &mut samples::heap(true);
    for (seed, frozen) in made.iter().enumerate() {
        for (term, frozen) in terms(seed as u64 % 2, 100).iter().zip(frozen) {
            let pin = heap.adopt(frozen);
            let is_pin = matches!(term, Term::Pin(_));
            let expected = if is_pin { term.clone() } else { term.clone().pin() };
            assert_eq!(to_term(heap.look(&pin)), expected);
        }
    }
    let addresses = |made: &[FrozenPin]| made.iter().map(FrozenPin::address).collect::<Vec<_>>();
    assert_eq!(addresses(&made[0]), addresses(&made[2]));
}

/// Stores records back to back in a file that a test may damage.
struct FileBacking {
    owner: PinSpaceId,
    slot: RangeSlot,
    file: Arc<fs::File>,
    used: usize,
    addresses: Arc<Mutex<Vec<(Hash, usize)>>>,
}

// SAFETY: the file is mapped for as long as the slot is claimed. A test that damages it does so
// while nothing borrows from it.
unsafe impl super::PinSpaceBacking for FileBacking {
    fn owner(&self) -> PinSpaceId {
        self.owner
    }

    fn find(&mut self, hash: &Hash) -> Result<Option<usize>, super::BackingError> {
        let addresses = self.addresses.lock().expect("no panic");
        Ok(addresses.iter().find(|(known, _)| known == hash).map(|(_, address)| *address))
    }

    fn place(&mut self, _: usize) -> Result<usize, super::BackingError> {
        Ok(self.slot.address() + self.used)
    }

    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), super::BackingError> {
        self.file.write_all_at(pin.record, self.used as u64)?;
        // SAFETY: the record has just been written.
        unsafe { self.slot.set_end(self.used + pin.record.len()) };
        self.used = (self.used + pin.record.len()).next_multiple_of(range::ALIGNMENT);
        self.addresses.lock().expect("no panic").push((*pin.hash, pin.address));
        Ok(())
    }
}

#[test]
fn a_flipped_bit_is_found_before_the_data_is_used() {
    let file = Arc::new(tempfile());
    let addresses = Arc::new(Mutex::new(Vec::new()));
    let open = |used: usize| {
        let owner = PinSpaceId::new();
        let mut slot = RangeSlot::claim(Some(500), owner).expect("free");
        let contents = SlotFile { path: None, reader: file.clone() };
        // SAFETY: the test damages the file only while nothing borrows from it.
        unsafe { slot.map(&file, contents) }.expect("mapped");
        // SAFETY: the file has that many bytes from an earlier round.
        unsafe { slot.set_end(used) };
        let (file, addresses) = (Arc::clone(&file), Arc::clone(&addresses));
        PinSpace::new(FileBacking { owner, slot, file, used, addresses })
    };
    let (hash, length) = {
        let heap = &mut samples::heap(false);
        let row = value(heap, "({0 3 0} 7 {5 6 (0 9)})");
        let frozen = freeze_normal(heap, &row, &open(0)).expect("room");
        (frozen.hash(), 8 * record_of(&frozen).len())
    };
    assert!(open(length).find(&hash).expect("no trouble").is_some());
    for offset in 0..length as u64 {
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset).expect("read");
        file.write_all_at(&[byte[0] ^ 1 << (offset % 8)], offset).expect("written");
        let space = open(length);
        assert!(space.find(&hash).expect("no trouble").is_none(), "byte {offset}");
        // The record there is damaged, so the pin is written again.
        let heap = &mut samples::heap(false);
        let row = value(heap, "({0 3 0} 7 {5 6 (0 9)})");
        addresses.lock().expect("no panic").truncate(1);
        assert_ne!(freeze_normal(heap, &row, &space).expect("room").address(), 0);
        file.write_all_at(&byte, offset).expect("written");
        addresses.lock().expect("no panic").truncate(1);
    }
}

/// The path that messages give for an image.
fn path() -> &'static Path {
    Path::new("image")
}

fn tempfile() -> fs::File {
    nameless().expect("memory")
}

/// Returns a pin at an address without a record.
fn damaged(space: &Arc<PinSpace>) -> FrozenPin {
    let heap = &mut samples::heap(false);
    let law = value(heap, COUNT_DOWN);
    let frozen = freeze_normal(heap, &law, space).expect("room");
    // SAFETY: the law's record is longer than that.
    unsafe { space.at_unverified(frozen.address() + 64) }
}

fn is_damage<T>(result: Result<T, EvalError>, of: &FrozenPin) -> bool {
    let place = format!("{:#x}", of.address());
    matches!(result, Err(EvalError::Damaged(damage)) if damage.place.contains(&place))
}

#[test]
fn damage_is_seen_wherever_a_pin_is_looked_at() {
    let space = space();
    let damaged = damaged(&space);
    let other = self::space();
    for look in [
        |heap: &mut Heap, pin: &Val, _: &Arc<PinSpace>| drop(item(heap, pin)),
        |heap: &mut Heap, pin: &Val, _: &Arc<PinSpace>| drop(heap.hash(pin)),
        |heap: &mut Heap, pin: &Val, _: &Arc<PinSpace>| drop(seed::save(heap, pin)),
        |heap: &mut Heap, pin: &Val, _: &Arc<PinSpace>| assert_eq!(heap.look(pin).arity(), Some(3)),
        |heap: &mut Heap, pin: &Val, other: &Arc<PinSpace>| {
            let row = heap.row(std::slice::from_ref(pin)).expect("room");
            freeze_normal(heap, &row, other).expect_err("nothing with it in it is kept");
        },
    ] {
        let heap = &mut samples::heap(false);
        let pin = heap.adopt(&damaged);
        look(heap, &pin, &other);
        assert!(is_damage(heap.check_damage(), &damaged));
    }
}

#[test]
fn slots_are_claimed_once() {
    let owner = PinSpaceId::new();
    let slot = RangeSlot::claim(Some(499), owner).expect("free");
    assert_eq!(slot.number(), 499);
    let again = RangeSlot::claim(Some(499), owner);
    assert!(matches!(again, Err(super::RangeError::Taken(499))));
    drop(slot);
    assert!(RangeSlot::claim(Some(499), owner).is_ok());
    assert!(matches!(
        RangeSlot::claim(Some(range::SLOTS), owner),
        Err(super::RangeError::NoSuchSlot(_))
    ));
}

/// An image of a value with pins, nested ones among them, and a big nat.
fn small_image(heap: &mut Heap, label: &[u8]) -> fs::File {
    let value =
        value(heap, "({0 4 0} <7> <{5 6 (0 9)}> <(0 <7> 1267650600228229401496703205376)>)");
    let file = tempfile();
    // SAFETY: no other code has the file.
    unsafe { image::save(heap, &value, label, &file, path()) }.expect("room");
    file
}

#[test]
fn an_image_holds_the_saved_value() {
    for label in [&b""[..], b"seven b", &[9; 1000]] {
        let heap = &mut samples::heap(false);
        let terms = terms(9, 100);
        let values: Vec<Val> =
            terms.iter().map(|term| from_term(heap, term).expect("a value")).collect();
        let row = heap.row(&values).expect("room");
        let (file, again) = (tempfile(), tempfile());
        samples::mark_normal(heap, &row);
        // SAFETY: no other code has the file.
        unsafe { image::save(heap, &row, label, &file, path()) }.expect("room");
        assert_eq!(image::label(&file).expect("an image"), label);
        // The heap that wrote the image holds its slot, so the first open makes a copy.
        for is_copy in [true, false] {
            let other = &mut samples::heap(is_copy);
            // SAFETY: only `save` has written the file.
            let root = unsafe { image::open(&file, path()) }.expect("an image");
            let pin = other.adopt(&root);
            let found = item(other, &pin);
            samples::collect(other);
            let items = other.look(&found).as_row().expect("a row");
            assert!(items.iter().map(to_term).eq(terms.iter().cloned()));
            drop(root);
            if is_copy {
                *heap = samples::heap(false);
            }
        }
        let row = value(heap, "(0 7)");
        // SAFETY: as above.
        unsafe { image::save(heap, &row, label, &again, path()) }.expect("room");
        // SAFETY: only `save` has written the files.
        let hashes =
            [&again, &file].map(|file| unsafe { image::open(file, path()) }.expect("one").hash());
        assert_ne!(hashes[0], hashes[1]);
    }
}

#[test]
fn an_embedded_image_opens_any_number_of_times() {
    let heap = &mut samples::heap(false);
    let file = small_image(heap, b"embedded");
    let mut bytes = vec![0; file.metadata().expect("a length").len() as usize];
    file.read_exact_at(&mut bytes, 0).expect("read");
    // SAFETY: only `save` has written the file.
    let saved = unsafe { image::open(&file, path()) }.expect("an image");
    let bytes: &'static [u8] = bytes.leak();
    let embedded = EmbeddedImage::new(bytes).expect("an image");
    assert_eq!(embedded.label(), b"embedded");
    // The first slot is that of the image only when nothing else holds it.
    for is_held in [true, false] {
        if !is_held {
            *heap = samples::heap(false);
        }
        // SAFETY: as above.
        let roots = [(); 3].map(|()| unsafe { embedded.open() }.expect("an image"));
        for root in &roots {
            let other = &mut samples::heap(true);
            let pin = other.adopt(root);
            assert_eq!(root.hash(), saved.hash());
            let found = item(other, &pin);
            assert_eq!(other.hash(&found).expect("finite"), root.hash());
        }
    }
    for length in 0..bytes.len() {
        assert!(EmbeddedImage::new(&bytes[..length]).is_err(), "truncated to {length}");
    }
}

/// Whether the slot of a frozen pin maps a part of a file that others have, too, and not a copy.
fn is_mapped(frozen: &FrozenPin) -> bool {
    range::file(frozen.address()).expect("a file").path.is_some()
}

#[test]
fn an_embedded_image_is_mapped_from_a_file_that_has_it() {
    let heap = &mut samples::heap(false);
    let file = small_image(heap, b"in a program");
    let mut bytes = vec![0; file.metadata().expect("a length").len() as usize];
    file.read_exact_at(&mut bytes, 0).expect("read");
    *heap = samples::heap(false);
    let bytes: &'static [u8] = bytes.leak();
    let embedded = EmbeddedImage::new(bytes).expect("an image");
    let page = rustix::param::page_size();
    let program = |offset: usize, bytes: &[u8]| {
        let file = tempfile();
        file.write_all_at(&[7; 10], 0).expect("written");
        file.write_all_at(bytes, offset as u64).expect("written");
        file.write_all_at(&[8; 10], (offset + bytes.len()) as u64).expect("written");
        Some((file, offset as u64))
    };
    // A byte of the check.
    let mut other = bytes.to_vec();
    other[100] ^= 1;
    let cases = [
        (program(page, bytes), true),
        (program(3 * page, bytes), true),
        // Not at the start of a page; another image; no image; no file.
        (program(page + 64, bytes), false),
        (program(page, &other), false),
        (program(page, &bytes[..100]), false),
        (None, false),
    ];
    let mut hashes = Vec::new();
    for (index, (file, expected)) in cases.into_iter().enumerate() {
        // SAFETY: only `save` has written the image, and no other code has the file.
        let root = unsafe { embedded.open_from(file) }.expect("an image");
        assert_eq!(is_mapped(&root), expected, "case {index}");
        let reader = &mut samples::heap(true);
        let pin = reader.adopt(&root);
        let found = item(reader, &pin);
        assert_eq!(reader.hash(&found).expect("finite"), root.hash());
        // Records are read by calls when their bits are cleared, as after a lost page.
        range::clear_verified(root.address());
        record::verify(root.address()).expect("an intact record");
        hashes.push(root.hash());
    }
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
}

#[test]
fn all_addresses_of_a_part_of_a_slot_are_verified_together() {
    let slot = RangeSlot::claim(Some(498), PinSpaceId::new()).expect("free");
    let address = |index: usize| slot.address() + index * range::ALIGNMENT;
    for (first, end) in [(0, 1), (3, 3), (62, 66), (64, 128), (5, 700)] {
        range::set_all_verified(address(first), address(end));
        for index in 0..1000 {
            let expected = (first..end).contains(&index);
            assert_eq!(range::is_verified(address(index)), expected, "{first}..{end}: {index}");
            range::clear_verified(address(index));
        }
    }
}

#[test]
fn a_damaged_image_is_refused() {
    let heap = &mut samples::heap(false);
    let file = small_image(heap, b"damaged");
    let length = file.metadata().expect("a length").len();
    // SAFETY: the check does not match if bytes differ from those that `save` has written.
    let is_refused = |file: &fs::File| match unsafe { image::open(file, path()) } {
        Err(ImageError::Damaged | ImageError::Foreign | ImageError::Version(_)) => true,
        Err(other) => panic!("{other}"),
        Ok(_) => false,
    };
    // First through copies, then mapped in the image's own slot.
    for is_open in [true, false] {
        if !is_open {
            *heap = samples::heap(false);
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
        for length in 0..bytes.len() {
            copy.set_len(0).expect("a length");
            copy.write_all_at(&bytes[..length], 0).expect("written");
            assert!(is_refused(&copy), "truncated to {length}");
        }
    }
}

#[test]
fn a_finished_image_takes_no_pins() {
    let heap = &mut samples::heap(false);
    let file = small_image(heap, b"finished");
    // SAFETY: only `save` has written the file.
    let root = unsafe { image::open(&file, path()) }.expect("an image");
    let other = value(heap, "<{5 6 (0 8)}>");
    let refused = freeze_normal(heap, &other, root.space()).expect_err("it is finished");
    assert!(refused.to_string().contains("takes no more pins"), "{refused}");
}

#[test]
fn a_frozen_bar_is_appended_to_by_a_copy() {
    let heap = &mut *samples::heap(false);
    let text: Vec<u8> = (0..300).map(|n| n as u8).collect();
    let start = heap.bar(&text).expect("room");
    let part = samples::append_to_bar(heap, &start, b"abc");
    let space = space();
    let row = heap.row(&[part]).expect("room");
    let frozen = freeze(heap, &row, &space);
    let bytes = |heap: &Heap, bar: &Val| match heap.look(bar).shape() {
        Shape::Bar(bytes) => bytes.to_vec(),
        _ => unreachable!("a bar"),
    };
    let Shape::Pin(pin) = heap.look(&frozen).shape() else { unreachable!("a pin") };
    let Shape::Row(items) = pin.item().shape() else { unreachable!("a row") };
    let bar = heap.hold(items.get(0).expect("an item"));
    let longer = samples::append_to_bar(heap, &bar, b"d");
    assert_eq!(bytes(heap, &longer), [&text[..], b"abcd"].concat());
    assert_eq!(bytes(heap, &bar), [&text[..], b"abc"].concat());
}

#[test]
fn a_view_is_frozen_without_its_source_and_is_the_bar_of_its_bytes() {
    let heap = &mut *samples::heap(false);
    let text: Vec<u8> = (0..80_000).map(|n| (n / 3) as u8).collect();
    let whole = heap.bar(&text).expect("room");
    let view = samples::part_of_bar(heap, &whole, 1001..1201);
    let flat = heap.bar(&text[1001..1201]).expect("room");
    assert!(heap.look(&view).is_equal(heap.look(&flat)));
    assert_eq!(heap.hash(&view).expect("small"), heap.hash(&flat).expect("small"));
    let seeds = [&view, &flat].map(|bar| crate::seed::save(heap, bar).expect("small"));
    assert_eq!(seeds[0], seeds[1]);
    let pins = [&view, &flat].map(|bar| samples::pin(heap, bar).expect("room"));
    let lengths = pins.each_ref().map(|pin| {
        let memory = &heap.0.memory;
        crate::freeze::record_length(memory, memory.word(pin))
    });
    assert_eq!(lengths[0], lengths[1]);
    assert!(lengths[0] < 60, "{} words", lengths[0]);
    // A part of a frozen bar is a view of it, which keeps its bytes when everything is collected.
    let frozen = freeze(heap, &whole, &space());
    let Shape::Pin(pin) = heap.look(&frozen).shape() else { unreachable!("a pin") };
    let whole = heap.hold(pin.item());
    let part = samples::part_of_bar(heap, &whole, 70_000..70_300);
    drop((whole, frozen, pins));
    samples::collect(heap);
    let Shape::Bar(bytes) = heap.look(&part).shape() else { unreachable!("a bar") };
    assert_eq!(bytes, &text[70_000..70_300]);
}

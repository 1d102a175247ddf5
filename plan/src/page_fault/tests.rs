//! Lost pages: what every reader of a frozen pin sees, and what stays as it was.

use super::{MappedRange, REPLACEMENT_WORD, count};
use crate::image;
use crate::layout::{ObjectHeader, ObjectLayout};
use crate::pinspace::{FrozenPin, PinFault};
use crate::plain::from_term;
use crate::samples::{self, terms};
use crate::word::Word;
use crate::{EvalError, Heap, Ref, Shape, Val, seed};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Output};

const PATH: &str = "/cache/image";

/// An image of that many pins, each of a row of nats, some of which are big. A heap of its own
/// writes it, so the image's slot is free.
fn image_of_rows(label: &[u8], pins: usize) -> File {
    let heap = &mut samples::heap(false);
    let mut items = Vec::new();
    for pin in 0..pins {
        let row: Vec<Val> = (0..100).map(|item| heap.nat(1000 * pin as u64 + item)).collect();
        let row = heap.row(&row).expect("room");
        samples::mark_normal(heap, &row);
        items.push(heap.build(|b| {
            b.push(&row);
            b.pin()
        }));
    }
    let items: Result<Vec<Val>, EvalError> = items.into_iter().collect();
    save(heap, label, &items.expect("room"))
}

fn save(heap: &mut Heap, label: &[u8], items: &[Val]) -> File {
    let row = heap.row(items).expect("room");
    samples::mark_normal(heap, &row);
    let file = crate::pinspace::nameless().expect("memory");
    // SAFETY: no other code has the file.
    unsafe { image::save(heap, &row, label, &file, Path::new(PATH)) }.expect("room");
    file
}

fn open(file: &File) -> FrozenPin {
    // SAFETY: only `save` has written the file; the tests truncate it, and change no byte.
    unsafe { image::open(file, Path::new(PATH)) }.expect("an image")
}

/// The pins in the row that is the root of an image.
fn pins(heap: &mut Heap, root: &FrozenPin) -> Vec<Val> {
    let root = heap.adopt(root);
    let Shape::Pin(pin) = heap.look(&root).shape() else { panic!("no pin") };
    pin.item().as_row().expect("a row").iter().map(|item| heap.hold(item)).collect()
}

/// The sum of the items of a pinned row of nats.
fn sum(heap: &Heap, pin: &Val) -> u64 {
    let Shape::Pin(pin) = heap.look(pin).shape() else { panic!("no pin") };
    let items = pin.item().as_row().map(|row| row.iter().filter_map(|item| item.as_u64()));
    items.map_or(0, |items| items.fold(0, u64::wrapping_add))
}

/// Checks that the heap is damaged by a lost page of the image.
fn assert_lost(heap: &Heap) {
    match heap.check_damage() {
        Err(EvalError::Damaged(damage)) if matches!(damage.fault, PinFault::LostPage) => {
            let place = &damage.place;
            assert!(place.starts_with(PATH) && place.contains(", byte "), "{place}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_replacement_word_is_a_nat_an_address_and_a_header() {
    let word = Word::from_bits(REPLACEMENT_WORD);
    assert!(word.is_direct() && !word.has_object() && !word.is_thunk() && !word.is_native());
    assert!(REPLACEMENT_WORD.is_multiple_of(8));
    let header = ObjectHeader::from_raw(REPLACEMENT_WORD);
    assert_eq!((header.layout(), header.size(), header.extra()), (ObjectLayout::Set, 7, 1));
    assert!(header.is_normal() && !header.is_remembered());
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no signals")]
fn a_page_that_is_lost_after_its_pin_was_verified_is_damage() {
    let file = image_of_rows(b"lost", 40);
    let heap = &mut samples::heap(false);
    let root = open(&file);
    let pins = pins(heap, &root);
    let sums: Vec<u64> = pins.iter().map(|pin| sum(heap, pin)).collect();
    assert_eq!(sums[3], 100 * 3000 + 4950);
    heap.check_damage().expect("everything was read");

    let (before, flag) = (count(), heap.interrupt_flag());
    file.set_len(8192).expect("shorter");
    assert!(pins.iter().zip(&sums).any(|(pin, whole)| sum(heap, pin) != *whole));
    assert!(count() > before);
    assert!(flag.load(std::sync::atomic::Ordering::Relaxed), "the heap is interrupted");
    assert_lost(heap);
    assert!(!flag.load(std::sync::atomic::Ordering::Relaxed), "the next work is not");
    assert_lost(heap);
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no signals")]
fn other_heaps_of_the_pin_space_are_damaged_and_other_pin_spaces_are_not() {
    let (file, other_file) = (image_of_rows(b"shared", 40), image_of_rows(b"other", 2));
    let root = open(&file);
    let (one, two, other) =
        (&mut samples::heap(false), &mut samples::heap(false), &mut samples::heap(false));
    let (pins_of_one, pins_of_two) = (pins(one, &root), pins(two, &root));
    let pins_of_other = pins(other, &open(&other_file));
    pins_of_one.iter().for_each(|pin| assert_ne!(sum(one, pin), 1));
    pins_of_two.iter().for_each(|pin| assert_ne!(sum(two, pin), 1));
    let [first, last] =
        [0, 39].map(|pin: usize| one.freeze(&pins_of_one[pin], root.space()).expect("frozen"));
    file.set_len(8192).expect("shorter");
    pins_of_one.iter().for_each(|pin| assert_ne!(sum(one, pin), 1));
    assert_lost(one);
    assert_lost(two);
    assert_eq!(sum(other, &pins_of_other[1]), 100_000 + 4950);
    other.check_damage().expect("its pin space is whole");

    // A heap that comes later reads what is left, and finds the damage where it is.
    let later = &mut samples::heap(false);
    let (first, last) = (later.adopt(&first), later.adopt(&last));
    assert_eq!(sum(later, &first), 4950);
    later.check_damage().expect("the first pin is on a page that is left");
    assert_eq!(sum(later, &last), 0);
    assert!(matches!(later.check_damage(), Err(EvalError::Damaged { .. })));
}

/// Everything that looks at a value. A checked access may panic, which ends the work as well.
fn read_all(heap: &Heap, value: &Val, other: &Val) {
    let reads: [&dyn Fn(); 5] = [
        &|| drop(heap.hash(value)),
        &|| drop(seed::save(heap, value)),
        &|| drop(crate::raw::try_compare(heap.look(value), heap.look(other))),
        &|| drop(crate::raw::try_equal(heap.look(value), heap.look(other))),
        &|| look(heap.look(value), 4),
    ];
    for read in reads {
        let _ = catch_unwind(AssertUnwindSafe(read));
    }
}

/// Visits a value by its shapes.
fn look(value: Ref<'_>, depth: u32) {
    let parts: Vec<Ref<'_>> = match value.shape() {
        Shape::Pin(pin) => vec![pin.item()],
        Shape::Law(law) => vec![law.body()],
        Shape::Nat(nat) => return drop(nat.to_natural()),
        _ => value.as_row().map(|row| row.iter().take(50).collect()).unwrap_or_default(),
    };
    if depth > 0 {
        parts.into_iter().for_each(|part| look(part, depth - 1));
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no signals")]
fn no_reader_of_a_value_leaves_mapped_memory() {
    let heap = &mut samples::heap(false);
    let terms = terms(11, 300);
    let values: Vec<Val> = terms.iter().map(|term| from_term(heap, term).expect("room")).collect();
    let file = save(heap, b"readers", &values);
    let length = file.metadata().expect("a length").len();
    *heap = samples::heap(false);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for kept in [128, 4096, length / 8192 * 4096] {
        let copy = crate::pinspace::nameless().expect("memory");
        std::io::copy(&mut &file_bytes(&file)[..], &mut &copy).expect("room");
        let heap = &mut samples::heap(false);
        let root = open(&copy);
        let pin = heap.adopt(&root);
        let Shape::Pin(root) = heap.look(&pin).shape() else { panic!("no pin") };
        let items: Vec<Val> =
            root.item().as_row().expect("a row").iter().map(|item| heap.hold(item)).collect();
        copy.set_len(kept).expect("shorter");
        for pair in items.windows(2) {
            read_all(heap, &pair[0], &pair[1]);
        }
        assert_lost(heap);
    }
    std::panic::set_hook(hook);
}

fn file_bytes(file: &File) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0; file.metadata().expect("a length").len() as usize];
    file.read_exact_at(&mut bytes, 0).expect("read");
    bytes
}

/// Set in a process that a test starts to fault in it.
const CHILD: &str = "PALLAS_TEST_FAULT";

/// Runs the test with this name in another process, where [`CHILD`] is set.
fn run_child(name: &str) -> Output {
    let program = std::env::current_exe().expect("a program");
    let name = format!("page_fault::tests::{name}");
    let mut child = Command::new(program);
    child.args(["--exact", &name, "--nocapture"]).env(CHILD, "1").output().expect("a child")
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Maps three pages of an empty file, and returns their address.
fn map_nothing() -> usize {
    use rustix::mm::{MapFlags, ProtFlags, mmap};
    let file = crate::pinspace::nameless().expect("memory");
    let (access, flags) = (ProtFlags::READ, MapFlags::SHARED);
    // SAFETY: the mapping is new.
    let page = unsafe { mmap(std::ptr::null_mut(), 12288, access, flags, &file, 0) };
    page.expect("mapped").expose_provenance()
}

/// Reads a word, wherever it is.
fn read_word(address: usize) -> u64 {
    // SAFETY: the read faults, or reads memory that was mapped by the test.
    unsafe { std::ptr::with_exposed_provenance::<u64>(address).read_volatile() }
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no signals")]
fn a_fault_outside_of_the_registered_ranges_keeps_its_default_behaviour() {
    use std::os::unix::process::ExitStatusExt;
    if is_child() {
        super::handler::install();
        read_word(map_nothing());
        return;
    }
    let child = run_child("a_fault_outside_of_the_registered_ranges_keeps_its_default_behaviour");
    assert_eq!(child.status.signal(), Some(libc::SIGBUS));
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no signals")]
fn a_fault_that_follows_a_lost_page_ends_the_process_with_file_and_offset() {
    if is_child() {
        let start = map_nothing();
        let path = Path::new("/store/bodies/007.body");
        // SAFETY: the mapping stays, and `read_word` tolerates any word.
        let range = unsafe { MappedRange::register(start, 12288, path, 0, None) };
        let range = range.expect("room");
        assert_eq!(read_word(start + 8192 + 64), REPLACEMENT_WORD);
        assert!(range.has_lost_page());
        // What the word is an address of is mapped too.
        assert_eq!(read_word(REPLACEMENT_WORD as usize + 80_000), REPLACEMENT_WORD);
        read_word(16);
        return;
    }
    let child = run_child("a_fault_that_follows_a_lost_page_ends_the_process_with_file_and_offset");
    let message = String::from_utf8_lossy(&child.stderr).into_owned();
    assert_eq!(child.status.code(), Some(1), "{message}");
    let place = "pallas: /store/bodies/007.body, byte 8192: the page could not be read";
    assert!(message.contains(place), "{message}");
}

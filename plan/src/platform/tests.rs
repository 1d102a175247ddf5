//! The functions of the platform do what their callers rely on, by either implementation.

use super::{
    ThreadCpuClock, discard, nameless_file, physical_memory, program_file, reserve_addresses,
};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;

const SIZE: usize = 1 << 20;

/// Maps memory that can be read and written.
fn map() -> *mut u8 {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: the kernel chooses the address of a new mapping.
    unsafe { mmap_anonymous(null_mut(), SIZE, access, flags) }.expect("memory").cast()
}

fn unmap(start: *mut u8) {
    // SAFETY: the tests made the mapping with this size, and do not use it any more.
    unsafe { munmap(start.cast(), SIZE) }.expect("unmapped");
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such calls")]
fn addresses_are_reserved_once() {
    let start = map();
    let taken = reserve_addresses(start.cast(), SIZE);
    assert_eq!(taken, Err(rustix::io::Errno::EXIST));
    unmap(start);
    // Another thread may map something there between the two calls, but not where pins go.
    let slot = std::ptr::with_exposed_provenance_mut((1 << 45) - (1 << 36));
    reserve_addresses(slot, SIZE).expect("free addresses below the pin range");
    assert_eq!(reserve_addresses(slot, SIZE), Err(rustix::io::Errno::EXIST));
    unmap(slot.cast());
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such calls")]
fn discarded_pages_are_zero_and_their_neighbours_stay() {
    let start = map();
    let page = rustix::param::page_size();
    // SAFETY: the mapping can be read and written, and has more than three pages.
    unsafe {
        start.write_bytes(7, SIZE);
        discard(start.add(page).cast(), page).expect("discarded");
        let words = [0, page - 1, page, 2 * page - 1, 2 * page].map(|at| *start.add(at));
        assert_eq!(words, [7, 7, 0, 0, 7]);
        start.add(page).write(5);
        assert_eq!(*start.add(page), 5);
    }
    unmap(start);
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such calls")]
fn a_nameless_file_is_empty_and_can_be_written_and_read() {
    let mut file = nameless_file("pallas-test").expect("a file");
    assert_eq!(file.metadata().expect("metadata").len(), 0);
    file.write_all(b"contents").and_then(|()| file.rewind()).expect("written");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("read");
    assert_eq!(text, "contents");
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such calls")]
fn the_file_of_the_program_has_its_constants() {
    static BYTES: [u8; 32] = *b"the program's file has these too";
    let bytes = std::hint::black_box(&BYTES);
    let is_listed = cfg!(target_os = "linux") && cfg!(not(feature = "portable-platform"));
    let file = program_file(bytes);
    assert_eq!(file.is_some(), is_listed);
    if let Some((file, offset)) = file {
        let mut found = [0; BYTES.len()];
        file.read_exact_at(&mut found, offset).expect("read");
        assert_eq!(found, *bytes);
    }
    assert!(program_file(vec![7; 100].leak()).is_none());
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such calls")]
fn the_machine_has_memory() {
    assert!(physical_memory() > 1 << 26);
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such calls")]
fn the_clock_of_a_thread_is_read_by_others_until_it_ends() {
    let own = ThreadCpuClock::of_current_thread();
    let thread = std::thread::spawn(ThreadCpuClock::of_current_thread);
    let other = thread.join().expect("it ends");
    assert_ne!(own, other);
    assert!(own.now().is_some());
    // The system may keep the thread for a moment after `join`.
    while other.now().is_some() {
        std::thread::yield_now();
    }
}

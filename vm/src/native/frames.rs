//! The frames of compiled code, as the collector sees them.
//!
//! Compiled code keeps frame pointers, so a frame is found from the one it called. Where in it the
//! live values are says a map, found by the address at which the frame goes on when its callee
//! returns. A frame without a map at that address holds no value.
//!
//! Rust's frames in between are stepped over: each *activation* (a piece of stack between the
//! trampoline through which Rust entered compiled code, and the stub through which that called Rust
//! again) knows its two ends.
//!
//! ```text
//!   Rust | trampoline | frame | frame | stub | Rust | trampoline | frame | stub | Rust: collects
//!        '--- entry_frame              '-- last_frame '-- ...
//! ```
//!
//! # Safety
//!
//! The invariant: *while Rust runs, the newest activation's `last_frame` is the frame of the stub that
//! called it, and from there the frame pointers lead to `entry_frame`*; and for each activation
//! before it the same, in the state saved when the next one was entered. The maps say of every call
//! in compiled code which slots of its frame hold values.

use super::{Activation, Native};
use crate::word::Word;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock};

/// Which frames a collection looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Since {
    /// All of them.
    Ever,
    /// Those that may have changed since the last collection.
    LastCollection,
}

/// Code addresses differ in their middle bits.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only addresses are hashed")
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Where a frame's values are.
#[derive(Clone, Copy, Debug)]
struct FrameMap {
    /// From the frame pointer down to the stack pointer, in bytes.
    span: u32,
    first: u32,
    count: u32,
}

#[derive(Default)]
struct Table {
    maps: HashMap<usize, FrameMap, BuildHasherDefault<AddressHasher>>,
    offsets: Vec<u32>,
}

/// The maps of all compiled code of a runtime, by return address. The compiler adds to it from its
/// own thread, always before the code can be reached.
#[derive(Default)]
pub struct FrameTable(RwLock<Table>);

impl FrameTable {
    /// Adds the map of a call: the address after it, the bytes from the frame pointer down to the
    /// stack pointer, and the values' offsets from the stack pointer.
    pub fn add(&self, return_address: usize, span: u32, offsets: impl Iterator<Item = u32>) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let first = table.offsets.len() as u32;
        table.offsets.extend(offsets);
        let count = table.offsets.len() as u32 - first;
        table.maps.insert(return_address, FrameMap { span, first, count });
    }
}

impl Native {
    /// Lets `visit` rewrite the values in frames of compiled code.
    pub(crate) fn visit_frames(&mut self, since: Since, mut visit: impl FnMut(&mut Word)) {
        if self.now.entry_frame == 0 {
            return;
        }
        let _ = since;
        let frames = std::sync::Arc::clone(&self.frames);
        let table = frames.0.read().unwrap_or_else(PoisonError::into_inner);
        self.lowest = self.lowest.min(self.now.last_frame);
        let mut activation: *const Activation = &raw const self.now;
        while !activation.is_null() {
            // SAFETY: activations before the newest lie on the stack in functions that have not
            // returned.
            let Activation { last_frame, entry_frame, previous, .. } = unsafe { *activation };
            if entry_frame != 0 {
                visit_activation(&table, last_frame, entry_frame, &mut visit);
            }
            activation = previous;
        }
    }
}

fn visit_activation(
    table: &Table,
    last_frame: usize,
    entry_frame: usize,
    visit: &mut impl FnMut(&mut Word),
) {
    let mut frame = last_frame;
    loop {
        let caller = read(frame, 0);
        if caller == entry_frame {
            return;
        }
        if let Some(map) = table.maps.get(&read(frame, 1)) {
            let base = caller - map.span as usize;
            let offsets = &table.offsets[map.first as usize..][..map.count as usize];
            for offset in offsets {
                let slot = std::ptr::with_exposed_provenance_mut::<Word>(base + *offset as usize);
                // SAFETY: by the module's invariant the slot is one of a live frame, and holds a
                // value.
                visit(unsafe { &mut *slot });
            }
        }
        frame = caller;
    }
}

/// A word of a frame: 0 is the caller's frame pointer, 1 the return address.
fn read(frame: usize, index: usize) -> usize {
    // SAFETY: by the module's invariant `frame` is that of a live frame.
    unsafe { std::ptr::with_exposed_provenance::<usize>(frame + 8 * index).read() }
}

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
//! # The barrier
//!
//! A minor collection need not look at frames that have not run since the one before, if their values
//! were old by then. So each collection puts a *barrier* in the place of a return address some frames
//! from the newest, and beyond all with young values. A frame that returns to it lets it be put further down, and goes on where it
//! should have; the next collection looks at frames until it finds it. There is at most one on the
//! stack, known by its address, so that it does not matter if a tail call moves the return address.
//! When compiled code is cut off with the barrier in it, the next collection finds none, and looks
//! at everything.
//!
//! # Safety
//!
//! The invariant: *while Rust runs, the newest activation's `last_frame` is the frame of the stub that
//! called it, and from there the frame pointers lead to `entry_frame`*; and for each activation
//! before it the same, in the state saved when the next one was entered. The maps say of every call
//! in compiled code which slots of its frame hold values.

use crate::Vm;
use plan::raw::Word;
use super::{Activation, Native};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// Which frames a collection looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameScan {
    /// All of them.
    All,
    /// Those that may have changed since the last collection.
    Changed,
}

/// What a frame of compiled code holds.
pub(crate) enum FrameSlot<'f> {
    /// A value, to be rewritten if it moves.
    Value(&'f mut Word),
    /// The code that runs in the frame: an address in it.
    Code(usize),
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

    /// Forgets the maps of all calls in these pieces of code, which nobody runs any more.
    pub fn forget(&self, pieces: &[Range<usize>]) {
        let mut pieces = pieces.to_vec();
        pieces.sort_unstable_by_key(|piece| piece.start);
        // A return address may be the one after the last instruction.
        let is_in = |address: usize| {
            let after = pieces.partition_point(|piece| piece.start < address);
            after > 0 && address <= pieces[after - 1].end
        };
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Table { maps, offsets } = &mut *table;
        maps.retain(|address, _| !is_in(*address));
        let mut kept = Vec::with_capacity(offsets.len());
        for map in maps.values_mut() {
            let old = &offsets[map.first as usize..][..map.count as usize];
            map.first = kept.len() as u32;
            kept.extend_from_slice(old);
        }
        *offsets = kept;
    }

    /// How many maps there are.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).maps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A place on the stack where a return address lies, and how to get to the next older one.
#[derive(Clone, Copy)]
struct Cursor {
    /// The frame of whoever will return by it.
    frame: usize,
    entry_frame: usize,
    previous: *const Activation,
}

impl Cursor {
    /// The newest return address into compiled code; nothing, if none is under way.
    fn newest(now: &Activation) -> Option<Cursor> {
        let Activation { last_frame, entry_frame, previous, .. } = *now;
        Cursor { frame: last_frame, entry_frame, previous }.into_code()
    }

    /// Itself, if it is into compiled code proper; else the newest one of the activation before.
    fn into_code(mut self) -> Option<Cursor> {
        while self.entry_frame == 0 || self.caller() == self.entry_frame {
            if self.previous.is_null() {
                return None;
            }
            // SAFETY: activations before the newest lie on the stack in functions that have not
            // returned.
            let Activation { last_frame, entry_frame, previous, .. } = unsafe { *self.previous };
            self = Cursor { frame: last_frame, entry_frame, previous };
        }
        Some(self)
    }

    /// The next older one.
    fn older(self) -> Option<Cursor> {
        Cursor { frame: self.caller(), ..self }.into_code()
    }

    /// The frame that is returned to.
    fn caller(self) -> usize {
        read(self.frame, 0)
    }

    fn return_address(self) -> usize {
        read(self.frame, 1)
    }

    fn set_return_address(self, address: usize) {
        let slot = std::ptr::with_exposed_provenance_mut::<usize>(self.frame + 8);
        // SAFETY: by the module's invariant it is the slot of a live frame's return address; what
        // is written is an address that leads back to the same place.
        unsafe { slot.write(address) }
    }
}

/// How many frames from the newest, or from those with young values, a collection puts the barrier.
const NEAR: usize = 8;
/// How many frames further it goes when it has been met.
const STEP: usize = 64;

impl Native {
    /// Lets `visit` rewrite the values in frames of compiled code, and say which are young after that.
    pub(crate) fn visit_frames(&mut self, scan: FrameScan, mut visit: impl FnMut(FrameSlot<'_>) -> bool) {
        let Some(newest) = Cursor::newest(&self.now) else { return };
        self.lowest = self.lowest.min(newest.frame);
        let frames = Arc::clone(&self.frames);
        let table = frames.0.read().unwrap_or_else(PoisonError::into_inner);
        let barrier = super::switch::barrier_address();
        let mut cursor = Some(newest);
        // The next frame after those with young values.
        let mut behind_young = Some(newest);
        while let Some(at) = cursor {
            if at.return_address() == barrier {
                at.set_return_address(self.behind_barrier);
                if scan == FrameScan::Changed {
                    break;
                }
            }
            let mut has_young = visit(FrameSlot::Code(at.return_address()));
            table.visit(at, |held| has_young |= visit(held));
            cursor = at.older();
            if has_young {
                behind_young = cursor;
            }
        }
        self.put_barrier(behind_young, NEAR);
    }

    /// Puts the barrier so many frames on, if there are so many.
    fn put_barrier(&mut self, mut cursor: Option<Cursor>, frames: usize) {
        for _ in 0..frames {
            cursor = cursor.and_then(Cursor::older);
        }
        let Some(at) = cursor.filter(|_| self.has_barrier) else { return };
        self.behind_barrier = at.return_address();
        at.set_return_address(super::switch::barrier_address());
    }

    /// A frame has returned to the barrier, into the frame with that pointer: where to go on. The
    /// barrier is put further down.
    fn pass_barrier(&mut self, frame: usize) -> usize {
        let address = self.behind_barrier;
        let Activation { entry_frame, previous, .. } = self.now;
        let cursor = Cursor { frame, entry_frame, previous }.into_code();
        self.put_barrier(cursor, STEP);
        address
    }
}

/// What the barrier asks: see [`Native::pass_barrier`].
pub(super) extern "C" fn pass_barrier(vm: *mut Vm, frame: usize) -> usize {
    // SAFETY: the barrier is only returned to by compiled code, which has the runtime's address in
    // the context register; the borrow that entered it lies dormant.
    let vm = unsafe { &mut *vm };
    vm.heap.host.native.pass_barrier(frame)
}

impl Table {
    /// Visits the values of the frame that is returned to.
    fn visit(&self, at: Cursor, mut visit: impl FnMut(FrameSlot<'_>)) {
        let Some(map) = self.maps.get(&at.return_address()) else { return };
        let base = at.caller() - map.span as usize;
        for offset in &self.offsets[map.first as usize..][..map.count as usize] {
            let slot = std::ptr::with_exposed_provenance_mut::<Word>(base + *offset as usize);
            // SAFETY: by the module's invariant the slot is one of a live frame, and holds a value.
            visit(FrameSlot::Value(unsafe { &mut *slot }));
        }
    }
}

/// A word of a frame: 0 is the caller's frame pointer, 1 the return address.
fn read(frame: usize, index: usize) -> usize {
    // SAFETY: by the module's invariant `frame` is that of a live frame.
    unsafe { std::ptr::with_exposed_provenance::<usize>(frame + 8 * index).read() }
}

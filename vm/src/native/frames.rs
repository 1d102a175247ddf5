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

use super::frame_table::Table;
use super::state::{Activation, FrameScan, FrameSlot, NativeState};
use super::switch;
use plan::raw::Word;
use std::sync::{Arc, PoisonError};

/// A place on the stack where a return address lies, and how to get to the next older one.
#[derive(Clone, Copy)]
struct FrameCursor {
    /// The frame of whoever will return by it.
    frame: usize,
    entry_frame: usize,
    previous: *const Activation,
}

impl FrameCursor {
    /// The newest return address into compiled code; nothing, if none is under way.
    fn newest(now: &Activation) -> Option<FrameCursor> {
        let Activation { last_frame, entry_frame, previous, .. } = *now;
        FrameCursor { frame: last_frame, entry_frame, previous }.into_code()
    }

    /// Itself, if it is into compiled code proper; else the newest one of the activation before.
    fn into_code(mut self) -> Option<FrameCursor> {
        while self.entry_frame == 0 || self.caller() == self.entry_frame {
            if self.previous.is_null() {
                return None;
            }
            // SAFETY: activations before the newest lie on the stack in functions that have not
            // returned.
            let Activation { last_frame, entry_frame, previous, .. } = unsafe { *self.previous };
            self = FrameCursor { frame: last_frame, entry_frame, previous };
        }
        Some(self)
    }

    /// The next older one.
    fn older(self) -> Option<FrameCursor> {
        FrameCursor { frame: self.caller(), ..self }.into_code()
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

impl NativeState {
    /// Lets `visit` rewrite the values in frames of compiled code, and say which are young after that.
    pub(crate) fn visit_frames(
        &mut self,
        scan: FrameScan,
        mut visit: impl FnMut(FrameSlot<'_>) -> bool,
    ) {
        let Some(newest) = FrameCursor::newest(&self.activation) else { return };
        self.lowest_frame = self.lowest_frame.min(newest.frame);
        let frames = Arc::clone(&self.frames);
        let table = frames.0.read().unwrap_or_else(PoisonError::into_inner);
        let barrier = switch::barrier_address();
        let mut cursor = Some(newest);
        // The next frame after those with young values.
        let mut behind_young = Some(newest);
        while let Some(at) = cursor {
            if at.return_address() == barrier {
                at.set_return_address(self.barrier_return_address);
                if scan == FrameScan::Changed {
                    break;
                }
            }
            let mut has_young = visit(FrameSlot::Code(at.return_address()));
            visit_frame(&table, at, |slot| has_young |= visit(slot));
            cursor = at.older();
            if has_young {
                behind_young = cursor;
            }
        }
        self.put_barrier(behind_young, NEAR);
    }

    /// Puts the barrier so many frames on, if there are so many.
    fn put_barrier(&mut self, mut cursor: Option<FrameCursor>, frames: usize) {
        for _ in 0..frames {
            cursor = cursor.and_then(FrameCursor::older);
        }
        let Some(at) = cursor.filter(|_| self.has_barrier) else { return };
        self.barrier_return_address = at.return_address();
        at.set_return_address(switch::barrier_address());
    }

    /// A frame has returned to the barrier, into the frame with that pointer: where to go on. The
    /// barrier is put further down.
    pub(super) fn pass_barrier(&mut self, frame: usize) -> usize {
        let address = self.barrier_return_address;
        let Activation { entry_frame, previous, .. } = self.activation;
        let cursor = FrameCursor { frame, entry_frame, previous }.into_code();
        self.put_barrier(cursor, STEP);
        address
    }
}

/// A word of a frame: 0 is the caller's frame pointer, 1 the return address.
fn read(frame: usize, index: usize) -> usize {
    // SAFETY: by the module's invariant `frame` is that of a live frame.
    unsafe { std::ptr::with_exposed_provenance::<usize>(frame + 8 * index).read() }
}

/// Visits the values of the frame that is returned to.
fn visit_frame(table: &Table, at: FrameCursor, mut visit: impl FnMut(FrameSlot<'_>)) {
    let Some(map) = table.maps.get(&at.return_address()) else { return };
    let base = at.caller() - map.span as usize;
    for offset in &table.offsets[map.first as usize..][..map.count as usize] {
        let slot = std::ptr::with_exposed_provenance_mut::<Word>(base + *offset as usize);
        // SAFETY: by the module's invariant the slot is one of a live frame, and holds a value.
        visit(FrameSlot::Value(unsafe { &mut *slot }));
    }
}

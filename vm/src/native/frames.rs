//! Visiting the values in frames of compiled code, for the collector; and the functions that the
//! frames are of, for call chains.
//!
//! Compiled code maintains frame pointers, so each frame leads to its caller's. A stack map, found
//! by the frame's return address (the address at which it continues when its callee returns), gives
//! the positions of the live values in it. A frame without a map holds no value.
//!
//! Rust's frames in between are skipped: each *activation* (a section of stack from the trampoline
//! through which Rust entered compiled code to the stub through which that code called Rust)
//! records its two ends.
//!
//! ```text
//!   Rust | trampoline | frame | frame | stub | Rust | trampoline | frame | stub | Rust: collects
//!        '--- entry_frame              '-- last_frame '-- ...
//! ```
//!
//! # The barrier
//!
//! A minor collection can skip frames that have not run since the previous collection, if their
//! values were old by then. So each collection replaces one return address, some frames below the
//! newest and below all frames with young values, by that of the *barrier*. When a frame returns to
//! the barrier, the barrier is moved further down and the frame continues at its own return
//! address. The next collection visits frames until it finds the barrier. Each stack has at most
//! one barrier; it is recognised by its address, so a tail call may move the return address. If
//! compiled code is unwound past the barrier, the next collection finds none and visits everything.
//!
//! # Safety
//!
//! The invariant: *while Rust runs, the newest activation's `last_frame` is the frame of the stub
//! that called it, and from there the frame pointers lead to `entry_frame`*; and for each
//! activation before it the same holds of the state saved when the next one was entered. The stack
//! maps say for every call in compiled code which slots of its frame hold values.

use super::frame_table::FrameMaps;
use super::state::{Activation, FrameScan, FrameSlot, NativeContext, NativeState};
use super::switch;
use plan::raw::Word;
use std::sync::PoisonError;

/// A return address on the stack, and the way to the next older one.
#[derive(Clone, Copy)]
struct FrameCursor {
    /// The frame that will return to it.
    frame: usize,
    entry_frame: usize,
    previous: *const Activation,
}

impl FrameCursor {
    /// The newest return address into compiled code; `None` if no compiled code is active.
    fn newest(now: &Activation) -> Option<FrameCursor> {
        let Activation { last_frame, entry_frame, previous, .. } = *now;
        FrameCursor { frame: last_frame, entry_frame, previous }.into_code()
    }

    /// This return address if it is into compiled code; else, if it is the trampoline's, the newest
    /// one of the activation before.
    fn into_code(mut self) -> Option<FrameCursor> {
        while self.entry_frame == 0 || self.caller() == self.entry_frame {
            if self.previous.is_null() {
                return None;
            }
            // SAFETY: the activations before the newest are in frames of `enter` that have not
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
        // SAFETY: a cursor holds the frame pointer of a live frame (the module's invariant).
        unsafe { read(self.frame, 0) }
    }

    fn return_address(self) -> usize {
        // SAFETY: as in `caller`.
        unsafe { read(self.frame, 1) }
    }

    /// Replaces the return address.
    ///
    /// # Safety
    /// The address continues at the same point: it is the barrier's, or the one that the barrier
    /// replaced.
    unsafe fn set_return_address(self, address: usize) {
        let slot = std::ptr::with_exposed_provenance_mut::<usize>(self.frame + 8);
        // SAFETY: by the module's invariant it is the slot of a live frame's return address, and
        // the new address leads to the same point (this function's contract).
        unsafe { slot.write(address) }
    }
}

/// Consecutive frames of functions of one law.
#[derive(Clone, Copy)]
pub(crate) struct ActiveFunction {
    /// The law, or its pin.
    pub(crate) law: Word,
    /// The number of frames.
    pub(crate) calls: u64,
}

/// The number of frames between the newest, or the last one with young values, and the barrier that
/// a collection places.
const COLLECTION_DISTANCE: usize = 8;
/// The number of frames by which the barrier moves down when a frame returns to it.
const PASS_DISTANCE: usize = 64;

impl NativeState {
    /// Calls `visit` for the values in frames of compiled code, those of suspended evaluations
    /// included. It may rewrite a value, and returns whether the value is young afterwards. Then
    /// places a barrier on each stack.
    pub(crate) fn visit_frames(
        &mut self,
        scan: FrameScan,
        mut visit: impl FnMut(FrameSlot<'_>) -> bool,
    ) {
        let table = self.frames.maps.read().unwrap_or_else(PoisonError::into_inner);
        for context in std::iter::once(&mut self.context).chain(&mut self.other_contexts) {
            context.visit_frames(&table, self.has_barrier, scan, &mut visit);
        }
    }

    /// The functions of the frames of the newest activation, from the newest to the oldest, as far
    /// as their laws are known.
    pub(crate) fn active_functions(&self) -> Vec<ActiveFunction> {
        let table = self.frames.maps.read().unwrap_or_else(PoisonError::into_inner);
        let Activation { last_frame, entry_frame, .. } = self.context.activation;
        let barrier = switch::barrier_address();
        // The addresses of the last function found.
        let mut last = 0..=0;
        let mut functions: Vec<ActiveFunction> = Vec::new();
        let mut cursor =
            FrameCursor { frame: last_frame, entry_frame, previous: std::ptr::null() }.into_code();
        while let Some(at) = cursor {
            cursor = at.older();
            let mut address = at.return_address();
            if address == barrier {
                address = self.context.barrier_return_address;
            }
            if last.contains(&address)
                && let Some(function) = functions.last_mut()
            {
                function.calls += 1;
                continue;
            }
            let Some((start, facts)) = table.function_at(address) else {
                last = 0..=0;
                continue;
            };
            last = start + 1..=facts.end;
            let law = std::ptr::with_exposed_provenance::<Word>(facts.law);
            // SAFETY: a frame of the function exists, so the word is a value (`add_function`).
            functions.push(ActiveFunction { law: unsafe { law.read() }, calls: 1 });
        }
        functions
    }

    /// Handles the return to the barrier: moves it further down and returns the address at which
    /// the frame continues.
    ///
    /// # Safety
    /// A frame has just returned to the barrier, and `frame` is the frame pointer of the one that
    /// it returns to.
    pub(super) unsafe fn pass_barrier(&mut self, frame: usize) -> usize {
        let NativeContext { activation, barrier_return_address, .. } = self.context;
        let Activation { entry_frame, previous, .. } = activation;
        let cursor = FrameCursor { frame, entry_frame, previous }.into_code();
        if self.has_barrier {
            self.context.place_barrier(cursor, PASS_DISTANCE);
        }
        barrier_return_address
    }
}

impl NativeContext {
    /// [`NativeState::visit_frames`] for one stack.
    fn visit_frames(
        &mut self,
        table: &FrameMaps,
        has_barrier: bool,
        scan: FrameScan,
        visit: &mut impl FnMut(FrameSlot<'_>) -> bool,
    ) {
        let Some(newest) = FrameCursor::newest(&self.activation) else { return };
        self.lowest_frame = self.lowest_frame.min(newest.frame);
        let barrier = switch::barrier_address();
        let mut cursor = Some(newest);
        // The cursor below the last frame with young values.
        let mut below_young = Some(newest);
        while let Some(at) = cursor {
            if at.return_address() == barrier {
                // SAFETY: it is the address that the barrier replaced here.
                unsafe { at.set_return_address(self.barrier_return_address) };
                if scan == FrameScan::Changed {
                    break;
                }
            }
            let mut has_young = visit(FrameSlot::Code(at.return_address()));
            visit_frame(table, at, |slot| has_young |= visit(slot));
            cursor = at.older();
            if has_young {
                below_young = cursor;
            }
        }
        if has_barrier {
            self.place_barrier(below_young, COLLECTION_DISTANCE);
        }
    }

    /// Places the barrier `frames` frames below the cursor, if there are that many.
    fn place_barrier(&mut self, mut cursor: Option<FrameCursor>, frames: usize) {
        for _ in 0..frames {
            cursor = cursor.and_then(FrameCursor::older);
        }
        let Some(at) = cursor else { return };
        self.barrier_return_address = at.return_address();
        // SAFETY: the barrier continues at the address that was just saved.
        unsafe { at.set_return_address(switch::barrier_address()) };
    }
}

/// A word of a frame: 0 is the caller's frame pointer, 1 the return address.
///
/// # Safety
/// `frame` is the frame pointer of a live frame.
unsafe fn read(frame: usize, index: usize) -> usize {
    // SAFETY: by this function's contract.
    unsafe { std::ptr::with_exposed_provenance::<usize>(frame + 8 * index).read() }
}

/// Visits the values of the frame that continues at the cursor's return address.
fn visit_frame(table: &FrameMaps, at: FrameCursor, mut visit: impl FnMut(FrameSlot<'_>)) {
    let Some(map) = table.maps.get(&at.return_address()) else { return };
    let base = at.caller() - map.span as usize;
    for offset in &table.offsets[map.first as usize..][..map.count as usize] {
        let slot = std::ptr::with_exposed_provenance_mut::<Word>(base + *offset as usize);
        // SAFETY: by the module's invariant the slot belongs to a live frame and holds a value.
        visit(FrameSlot::Value(unsafe { &mut *slot }));
    }
}

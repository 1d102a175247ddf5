//! Laws that are hot by the work of what they call.
//!
//! A law that is called a few times, each time with a jet that applies a function to many items, is hot:
//! its compiled code has loops in place of such jets. So the applications that a jet makes count as
//! calls: of the law that calls the jet, and of the one that waits for the result, since a law of the library
//! may stand between them (`foreach`), or a thunk.
//!
//! So is a law that is called a few times and waits for compiled code that runs for long: what it passes as
//! thunks and owned rows, compiled code passes as values and in place. Each collection of the nursery
//! during such a run counts as half of the calls that make a law hot.

use super::frame::{self, FrameKind, is_decoded_code};
use crate::pool_id::PoolId;
use crate::vm::Vm;
use plan::raw::Word;

/// The least number of applications of a jet that count as calls.
const COUNTED_APPLICATIONS: u32 = 16;

/// The most frames between the jet and the law that waits for its result.
const FRAMES_LIMIT: usize = 8;

impl Vm {
    /// Counts the applications that a jet has made since there were `before`, for the law that called the
    /// jet, and the one that waits for the value of the frame at that stack index.
    #[inline(always)]
    pub(super) fn count_applications(&self, caller: PoolId, before: u32, base: usize) {
        let count = self.evaluator.jet_applications.wrapping_sub(before);
        if count >= COUNTED_APPLICATIONS {
            self.count_for(caller, count, base);
        }
    }

    /// Counts the collections since there were `before`, while compiled code ran, for the law that waits for the
    /// value of the frame at that stack index.
    #[inline(always)]
    pub(super) fn count_collections(&self, before: u64, base: usize) {
        let count = self.heap.young_collections() - before;
        if count > 0 {
            self.count_waiting(count, base);
        }
    }

    #[cold]
    fn count_waiting(&self, collections: u64, base: usize) {
        if let Some(pool) = self.waiting_law(base) {
            let each = self.heap.host.native.threshold.div_ceil(2);
            let count = u32::try_from(collections).unwrap_or(u32::MAX).saturating_mul(each);
            self.evaluator.count_calls(pool, count);
        }
    }

    #[cold]
    fn count_for(&self, caller: PoolId, count: u32, base: usize) {
        self.evaluator.count_calls(caller, count);
        if let Some(pool) = self.waiting_law(base).filter(|pool| *pool != caller) {
            self.evaluator.count_calls(pool, count);
        }
    }

    /// The pool of the law that waits for the value of the frame at that stack index, perhaps in order to
    /// use it for a thunk or a normal form.
    fn waiting_law(&self, mut base: usize) -> Option<PoolId> {
        let below = |base: usize, words: usize| -> Option<Word> {
            Some(self.heap.stack.get(base.checked_sub(words)?))
        };
        for _ in 0..FRAMES_LIMIT {
            let kind = below(base, 1)?;
            let size = if kind == frame_word(FrameKind::Return) {
                let code = below(base, frame::RETURN_SIZE).filter(|code| is_decoded_code(*code))?;
                return Some(PoolId(code.code_parts().0));
            } else if kind == frame_word(FrameKind::Update) {
                frame::UPDATE_SIZE
            } else if kind == frame_word(FrameKind::Force) {
                frame::FORCE_SIZE
            } else if kind == frame_word(FrameKind::Normal) {
                1
            } else {
                return None;
            };
            base = base.checked_sub(size)?;
        }
        None
    }
}

/// The top word of a frame of that kind.
fn frame_word(kind: FrameKind) -> Word {
    Word::direct(kind as u64)
}

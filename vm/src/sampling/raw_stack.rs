//! [`RawStack`]: the frames of a stack as words, which are resolved to laws later.

/// The most frames of a stack.
const FRAMES: usize = 160;

/// The registers of the code that a signal interrupted.
pub(crate) struct MachineRegisters {
    pub(super) program_counter: usize,
    pub(super) frame_pointer: usize,
    pub(super) stack_pointer: usize,
}

/// A frame, by the tag in the two highest bits of its word.
pub(super) mod tag {
    /// An address that compiled code returns to.
    pub(crate) const RETURN_ADDRESS: u64 = 0;
    /// The address of a decoded law.
    pub(crate) const DECODED_LAW: u64 = 1;
    /// The number of a pool.
    pub(crate) const POOL: u64 = 2;
    /// The number of a jet.
    pub(crate) const JET: u64 = 3;
    /// Where the tag is.
    pub(crate) const SHIFT: u32 = 62;
}

/// The words of a stack, innermost first. Equal neighbours are one.
pub(crate) struct RawStack {
    words: [u64; FRAMES],
    count: usize,
    is_truncated: bool,
}

impl RawStack {
    pub(super) fn new() -> RawStack {
        RawStack { words: [0; FRAMES], count: 0, is_truncated: false }
    }

    /// Adds a frame further out.
    pub(super) fn push(&mut self, tag: u64, word: u64) {
        let word = tag << tag::SHIFT | word & (u64::MAX >> 2);
        if self.count > 0 && self.words[self.count - 1] == word {
            return;
        }
        if self.count == FRAMES {
            self.is_truncated = true;
            return;
        }
        self.words[self.count] = word;
        self.count += 1;
    }

    /// Notes that outer frames are missing.
    pub(super) fn truncate(&mut self) {
        self.is_truncated = true;
    }

    pub(super) fn frames(&self) -> &[u64] {
        &self.words[..self.count]
    }

    pub(super) fn is_truncated(&self) -> bool {
        self.is_truncated
    }
}

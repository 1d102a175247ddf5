//! [`PrintLimit`], how much of a value is shown, and [`PrintBudget`], the rest of it during a print.
//!
//! The text of a value can be much larger than the value: a shared part is printed at each
//! occurrence, and an indented line costs its indentation. So two things are bounded:
//!
//! * the *parts* that are loaded, which bound the memory that printing takes. A part is a value
//!   within the value, or eight bytes of a nat, bar or name. Parts beyond the bound print as
//!   `(...)`.
//! * the *bytes* of text that are written. Further bytes are counted only.
//!
//! A print that exceeds either ends in a line that says what is missing, and which setting shows
//! more. Both bounds also hold for what is loaded before an interrupt is seen.

use plan::raw::hash_within_words;
use plan::{Hash, PinCounting, PinRef, Ref, Shape};
use std::cell::Cell;
use std::fmt;

/// How much of a value is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrintLimit {
    /// The greatest number of bytes of text; `u64::MAX` for no limit.
    pub bytes: u64,
    /// The limit for traces of a machine, and for values within messages, in bytes.
    pub message_bytes: u64,
    /// The setting that raises the limit, for the line that says what is missing.
    pub setting: &'static str,
    /// The setting that raises the limit of the heap, for the same line.
    pub heap_setting: &'static str,
}

impl PrintLimit {
    /// The limit for output that a program reads: 16 MiB; 8 KiB for messages.
    pub const DEFAULT: PrintLimit = PrintLimit {
        bytes: 16 << 20,
        message_bytes: 8 << 10,
        setting: "a larger print limit",
        heap_setting: "a larger heap",
    };

    /// No limit but the memory of the value's heap.
    pub const UNLIMITED: PrintLimit =
        PrintLimit { bytes: u64::MAX, message_bytes: u64::MAX, ..PrintLimit::DEFAULT };

    /// The limit for traces of a machine, and for values within messages.
    #[must_use]
    pub fn for_messages(self) -> PrintLimit {
        PrintLimit { bytes: self.message_bytes, ..self }
    }

    fn parts(self) -> u64 {
        if self.bytes == u64::MAX { u64::MAX } else { (self.bytes / BYTES_PER_PART).max(MIN_PARTS) }
    }
}

impl Default for PrintLimit {
    fn default() -> PrintLimit {
        PrintLimit::DEFAULT
    }
}

/// The number of bytes of text for which one part is loaded. Most parts print as fewer bytes, and
/// with the indentation of their line as more.
const BYTES_PER_PART: u64 = 8;

/// The number of parts that every print may load.
const MIN_PARTS: u64 = 64;

/// An upper estimate of the memory for one part, in words.
const WORDS_PER_PART: u64 = 32;

/// The divisor of the part of the heap limit that a limited print may use.
const HEAP_SHARE: u64 = 4;

/// The number of words that are hashed for each byte of text, and the greatest number. Pins of equal
/// values have one name; those that are not hashed have a name each.
const HASH_WORDS_PER_BYTE: u64 = 64;
const MAX_HASH_WORDS: u64 = 1 << 22;

/// The number of steps between two checks for an interrupt, a power of two.
const POLL_INTERVAL: u32 = 1 << 12;

/// The number of objects in a value up to which its parts are counted, for the line that says what
/// is missing.
const MAX_COUNTED_OBJECTS: usize = 1 << 20;

/// What one print may still load, and whether it has been interrupted. Loading, layout and writing
/// share it.
pub(super) struct PrintBudget<'h> {
    /// The printed value, for its size and for the interrupt flag of its heap.
    value: Ref<'h>,
    setting: &'static str,
    max_bytes: u64,
    parts_left: Cell<u64>,
    /// The number of words that may still be hashed to tell pins apart.
    hash_words: Cell<u64>,
    /// The number of parts that have been loaded, as [`Ref::written_size`] counts.
    loaded: Cell<u64>,
    steps: Cell<u32>,
    is_truncated: Cell<bool>,
    is_interrupted: Cell<bool>,
}

impl<'h> PrintBudget<'h> {
    pub(super) fn new(value: Ref<'h>, limit: PrintLimit) -> PrintBudget<'h> {
        let share = if limit.bytes == u64::MAX { 1 } else { HEAP_SHARE };
        let memory_parts = value.heap_limit() as u64 / (WORDS_PER_PART * share);
        let memory_parts = memory_parts.max(MIN_PARTS);
        let setting = if memory_parts < limit.parts() { limit.heap_setting } else { limit.setting };
        let most = if limit.bytes == u64::MAX { plan::raw::MAX_PARTS } else { MAX_HASH_WORDS };
        PrintBudget {
            value,
            setting,
            max_bytes: limit.bytes,
            parts_left: Cell::new(memory_parts.min(limit.parts())),
            hash_words: Cell::new(limit.bytes.saturating_mul(HASH_WORDS_PER_BYTE).min(most)),
            loaded: Cell::new(0),
            steps: Cell::new(0),
            is_truncated: Cell::new(false),
            is_interrupted: Cell::new(false),
        }
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Takes the budget for `parts` parts and for `other` units of text that are no parts of the
    /// value. Returns whether there was enough; if not, nothing more is loaded.
    pub(super) fn take(&self, parts: u64, other: u64) -> bool {
        match self.parts_left.get().checked_sub(parts.saturating_add(other)) {
            Some(left) if !self.poll() => {
                self.parts_left.set(left);
                self.loaded.set(self.loaded.get() + parts);
                true
            }
            _ => {
                self.parts_left.set(0);
                self.is_truncated.set(true);
                false
            }
        }
    }

    /// Takes what is left of the budget, for the start of a leaf that needs more.
    pub(super) fn take_rest(&self) {
        self.loaded.set(self.loaded.get() + self.parts_left.replace(0));
        self.is_truncated.set(true);
    }

    /// Notes that a part is not loaded although its budget was taken.
    pub(super) fn give_up_part(&self) {
        self.loaded.set(self.loaded.get().saturating_sub(1));
    }

    /// The hash of a pin, unless it takes too much work.
    pub(super) fn hash(&self, pin: PinRef<'_>) -> Option<Hash> {
        let mut words = self.hash_words.get();
        let hash = hash_within_words(pin, &mut words);
        self.hash_words.set(words);
        hash
    }

    /// The number of parts that may still be loaded.
    pub(super) fn parts_left(&self) -> u64 {
        self.parts_left.get()
    }

    /// Whether a part could not be loaded because the budget is used up. Nothing more is loaded then.
    pub(super) fn is_used_up(&self) -> bool {
        self.is_truncated.get() && self.parts_left.get() == 0
    }

    /// Notes that parts are not loaded although others are.
    pub(super) fn omit_parts(&self) {
        self.is_truncated.set(true);
    }

    /// Counts a step of work. Returns whether printing has been interrupted. The request to stop
    /// stays for the evaluation that the print is part of.
    pub(super) fn poll(&self) -> bool {
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if steps.is_multiple_of(POLL_INTERVAL) { self.poll_now() } else { self.is_interrupted() }
    }

    /// Returns whether printing has been interrupted, like [`PrintBudget::poll`], at once.
    pub(super) fn poll_now(&self) -> bool {
        if self.value.is_interrupted() {
            self.is_interrupted.set(true);
        }
        self.is_interrupted()
    }

    /// Whether printing has been interrupted.
    pub(super) fn is_interrupted(&self) -> bool {
        self.is_interrupted.get()
    }

    /// The line that says what is missing, if anything is. `missing` is the number of bytes that
    /// were laid out and not written.
    pub(super) fn notice(&self, missing: u64) -> Option<String> {
        if self.is_interrupted() {
            return Some("... interrupted".into());
        }
        let bytes = (missing > 0).then(|| format!("{missing} more bytes"));
        let parts = self
            .is_truncated
            .get()
            .then(|| LoadedParts { loaded: self.loaded.get(), all: self.size() });
        let what = match (bytes, parts) {
            (None, None) => return None,
            (Some(bytes), None) => bytes,
            (None, Some(parts)) => parts.to_string(),
            (Some(bytes), Some(parts)) => format!("{bytes}; {parts}"),
        };
        Some(format!("... truncated: {what} ({} shows more)", self.setting))
    }

    /// The number of parts of the printed value, in the count of its short form, unless the value
    /// has very many objects.
    fn size(&self) -> Option<u64> {
        let mut value = self.value;
        while let Shape::Pin(pin) = value.shape() {
            value = pin.item();
        }
        value.written_size_if_small(PinCounting::Opaque, MAX_COUNTED_OBJECTS)
    }
}

/// The number of parts that are shown of a value, and of all its parts.
struct LoadedParts {
    loaded: u64,
    all: Option<u64>,
}

impl fmt::Display for LoadedParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.all {
            Some(u64::MAX) => write!(f, "{} of at least 2^64 parts are shown", self.loaded),
            Some(all) if all > self.loaded => {
                write!(f, "{} of {all} parts are shown", self.loaded)
            }
            _ => write!(f, "{} parts are shown", self.loaded),
        }
    }
}

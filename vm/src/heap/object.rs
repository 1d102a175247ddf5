//! Objects: a header word and a payload of words, and the raw loads and stores on them.
//!
//! ```text
//!  63                     32 31           12 11  10   9    8   7          0
//! +-------------------------+---------------+------+----+----+-------------+
//! |  payload, in words      |     extra     |      | R  | N  |   layout    |
//! +-------------------------+---------------+------+----+----+-------------+
//! ```
//!
//! `N` says that the value is in normal form throughout, `R` that the object is in the remembered
//! set. While a collection runs, the header of an object that has moved is replaced by
//! `new address << 8 | Moved`.
//!
//! # Safety
//!
//! This module and its siblings `space` and `stack` are where the heap's memory is touched.
//! The invariant all of them keep: *a [`Word`] with an address points to an object of the layout
//! its kind says, in memory owned by the heap it came from, from the moment it was made until the
//! next collection of that heap*. Words are made only by the heap's allocator and read back only
//! from objects, the stack and root slots, all of which the collector rewrites; code that keeps one
//! in a Rust local across a call that may collect breaks the invariant, which is what running
//! with a collection at every allocation finds.

use crate::word::{Kind, Word};

/// How the payload of an object is laid out, and so what the collector looks at in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Layout {
    /// Limbs of a big nat, least first, the last not zero. At least one; if just one, >= 2^63.
    Big = 1,
    /// `[item, hash x 4, facts, twin]`: see [`crate::pin`]. `extra` is the arity, as for a law.
    Pin = 2,
    /// `[name, arity, body, code]`, code at [`LAW_CODE`]. `extra` is the arity too, or [`EXTRA_MAX`] if it is more.
    Law = 3,
    /// `[function, argument...]`. `extra` is how many more arguments it takes.
    App = 4,
    /// `[length in bytes, bytes...]`, the last word filled up with zero bytes.
    Bar = 5,
    /// The items, first to last.
    Row = 6,
    /// `[set of keys, row of values]`, values in the order of the keys.
    Tab = 7,
    /// The keys in ascending order, none of them a thunk.
    Set = 8,
    /// `[code word, captured...]`: an expression of a law, to be run. `extra` counts the captured.
    ThunkCode = 9,
    /// `[function, argument...]`: an application, to be made.
    ThunkApp = 10,
    /// `[value, unused...]`: a thunk that has its value, or the same one as another thunk.
    Indirection = 11,
    /// A thunk that is being evaluated. Its payload is not looked at.
    BlackHole = 12,
    /// A thunk whose evaluation ended in a crash: `[op, argument, unused...]`.
    Crashed = 13,
    /// A thunk whose evaluation was ended by something else: `[reason, unused...]`.
    Aborted = 14,
    /// A long row in parts: `[end..., part...]`. See [`crate::tree`].
    RowNode = 15,
    /// A long set in parts: `[end..., first key..., part...]`. See [`crate::tree`].
    SetNode = 16,
    /// A bar that shares its bytes: `[length in bytes, buffer]`. See [`crate::bar`].
    BarPart = 17,
    /// `[bytes in use, bytes..., room...]`: what such bars share. It is no value itself.
    Buffer = 18,
    /// The object has moved; the header holds its new address.
    Moved = 0xff,
}

impl Layout {
    #[inline(always)]
    fn of(byte: u8) -> Layout {
        match byte {
            1 => Layout::Big,
            2 => Layout::Pin,
            3 => Layout::Law,
            4 => Layout::App,
            5 => Layout::Bar,
            6 => Layout::Row,
            7 => Layout::Tab,
            8 => Layout::Set,
            9 => Layout::ThunkCode,
            10 => Layout::ThunkApp,
            11 => Layout::Indirection,
            12 => Layout::BlackHole,
            13 => Layout::Crashed,
            14 => Layout::Aborted,
            15 => Layout::RowNode,
            16 => Layout::SetNode,
            17 => Layout::BarPart,
            18 => Layout::Buffer,
            _ => Layout::Moved,
        }
    }

    /// The kind of the words that point to such objects.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Layout::Big => Kind::Big,
            Layout::Pin => Kind::Pin,
            Layout::Law => Kind::Law,
            Layout::App => Kind::App,
            Layout::Bar | Layout::BarPart | Layout::Buffer => Kind::Bar,
            Layout::Row | Layout::RowNode => Kind::Row,
            Layout::Tab => Kind::Tab,
            Layout::Set | Layout::SetNode => Kind::Set,
            _ => Kind::Thunk,
        }
    }

    /// Which words of a payload of `size` words are values.
    pub(crate) fn values(self, size: usize) -> std::ops::Range<usize> {
        match self {
            Layout::Big | Layout::Bar | Layout::Buffer => 0..0,
            Layout::BlackHole | Layout::Moved => 0..0,
            Layout::Pin | Layout::Indirection | Layout::Aborted => 0..1,
            Layout::Crashed => 0..2,
            _ => 0..size,
        }
    }
}

/// An object's header. See the module's overview.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Header(u64);

/// Where a law's decoded code is named, if it has been decoded on this heap.
pub(crate) const LAW_CODE: usize = 3;

const NORMAL: u64 = 1 << 8;
pub(crate) const REMEMBERED: u64 = 1 << 9;
pub(crate) const EXTRA_SHIFT: u32 = 12;
/// The largest number `extra` holds; for an app it means "ask the function".
pub(crate) const EXTRA_MAX: u64 = (1 << 20) - 1;
/// The largest payload, in words.
pub(crate) const PAYLOAD_MAX: usize = u32::MAX as usize;

impl Header {
    #[inline(always)]
    pub(crate) fn new(layout: Layout, extra: u64, size: usize) -> Header {
        debug_assert!(size <= PAYLOAD_MAX && extra <= EXTRA_MAX);
        Header(((size as u64) << 32) | (extra << EXTRA_SHIFT) | layout as u64)
    }

    /// The header as it lies in memory.
    pub(crate) fn raw(self) -> u64 {
        self.0
    }

    /// The header that lies in memory as this.
    pub(crate) fn from_raw(raw: u64) -> Header {
        Header(raw)
    }

    #[inline(always)]
    pub(crate) fn moved(address: usize) -> Header {
        Header(((address as u64) << 8) | Layout::Moved as u64)
    }

    /// Where the object went, if it has moved.
    #[inline(always)]
    pub(crate) fn new_address(self) -> Option<usize> {
        (self.layout() == Layout::Moved).then_some((self.0 >> 8) as usize)
    }

    #[inline(always)]
    pub(crate) fn layout(self) -> Layout {
        Layout::of(self.0 as u8)
    }

    #[inline(always)]
    pub(crate) fn size(self) -> usize {
        (self.0 >> 32) as usize
    }

    #[inline(always)]
    pub(crate) fn extra(self) -> u64 {
        (self.0 >> EXTRA_SHIFT) & EXTRA_MAX
    }

    #[inline(always)]
    pub(crate) fn is_normal(self) -> bool {
        self.0 & NORMAL != 0
    }

    #[inline(always)]
    pub(crate) fn is_remembered(self) -> bool {
        self.0 & REMEMBERED != 0
    }

    /// The header as it lies in memory.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn with_normal(self) -> Header {
        Header(self.0 | NORMAL)
    }

    pub(crate) fn with_remembered(self, yes: bool) -> Header {
        Header(if yes { self.0 | REMEMBERED } else { self.0 & !REMEMBERED })
    }

    /// The same object with a smaller payload.
    pub(crate) fn with_size(self, size: usize) -> Header {
        debug_assert!(size <= self.size());
        Header((self.0 & 0xffff_ffff) | ((size as u64) << 32))
    }

    /// The same object, laid out anew (a thunk that is entered, updated or crashed).
    pub(crate) fn with_layout(self, layout: Layout) -> Header {
        Header((self.0 & !0xff) | layout as u64)
    }
}

#[inline(always)]
fn cell(address: usize, index: usize) -> *mut u64 {
    std::ptr::with_exposed_provenance_mut::<u64>(address + 8 * index)
}

/// Reads an object's header.
#[inline(always)]
pub(crate) fn header(address: usize) -> Header {
    // SAFETY: by the module's invariant the address is that of a live object, whose first
    // word is its header.
    Header(unsafe { cell(address, 0).read() })
}

/// Overwrites an object's header.
#[inline(always)]
pub(crate) fn set_header(address: usize, header: Header) {
    // SAFETY: as for `header`; the heap is only ever touched by the thread that owns it.
    unsafe { cell(address, 0).write(header.0) }
}

/// Reads a payload word as it is.
#[inline(always)]
pub(crate) fn load_raw(address: usize, index: usize) -> u64 {
    debug_assert!(index < header(address).size(), "object read out of bounds");
    // SAFETY: by the module's invariant the object is live, and the index is below its size
    // (callers take it from the layout; checked in debug builds).
    unsafe { cell(address, 1 + index).read() }
}

/// Reads a payload word of an object that may have moved in the collection that is going on.
pub(crate) fn load_moved(address: usize, index: usize) -> u64 {
    // SAFETY: a collection replaces the header of an object that moves, and frees nothing before
    // it is over; so the payload is as it was. The index is below the size of every such object.
    unsafe { cell(address, 1 + index).read() }
}

/// Writes a payload word as it is.
#[inline(always)]
pub(crate) fn store_raw(address: usize, index: usize, bits: u64) {
    debug_assert!(index < header(address).size(), "object written out of bounds");
    // SAFETY: as for `load_raw`.
    unsafe { cell(address, 1 + index).write(bits) }
}

/// Reads a payload word that is a value.
#[inline(always)]
pub(crate) fn load(address: usize, index: usize) -> Word {
    word(load_raw(address, index))
}

/// The value that a payload word is.
#[inline(always)]
pub(crate) fn word(raw: u64) -> Word {
    // SAFETY: `Word` is a transparent u64, and value words are written as words only.
    unsafe { std::mem::transmute::<u64, Word>(raw) }
}

/// Copies `words` payload words from one object to another.
pub(crate) fn copy(from: usize, from_index: usize, to: usize, to_index: usize, words: usize) {
    debug_assert!(from_index + words <= header(from).size());
    debug_assert!(to_index + words <= header(to).size());
    // SAFETY: both ranges lie in live objects (checked in debug builds); the two objects may be
    // the same, for which `copy` allows.
    unsafe {
        std::ptr::copy(cell(from, 1 + from_index), cell(to, 1 + to_index), words);
    }
}

/// Writes bytes into a payload range, from the byte `offset` after the word `from` on.
pub(crate) fn store_bytes(address: usize, from: usize, offset: usize, bytes: &[u8]) {
    debug_assert!(8 * from + offset + bytes.len() <= 8 * header(address).size());
    // SAFETY: the range lies within a live object (checked in debug builds), and `bytes`, which the
    // caller owns, does not overlap it.
    unsafe {
        let target = cell(address, 1 + from).cast::<u8>().add(offset);
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
    }
}

/// Copies a whole object, header included, to memory that does not overlap it.
pub(crate) fn relocate(from: usize, to: usize, size: usize) {
    // SAFETY: `from` is a live object of `size` payload words; `to` was just handed out by the
    // allocator for one word more than that.
    unsafe { copy_few(cell(from, 0), cell(to, 0), 1 + size) }
}

/// Copies words, of which there are mostly few: a call of what copies many would take longer.
///
/// # Safety
/// So many may be read and written, and the two ranges do not overlap.
#[inline(always)]
pub(super) unsafe fn copy_few<T: Copy>(from: *const T, to: *mut T, count: usize) {
    /// The first `N` and the last `N`, which may be some of the same.
    #[inline(always)]
    unsafe fn ends<T: Copy, const N: usize>(from: *const T, to: *mut T, count: usize) {
        let last = count - N;
        // SAFETY: there are at least `N`, by the calls below.
        unsafe {
            let (first, rest) = (from.cast::<[T; N]>(), from.add(last).cast::<[T; N]>());
            let words = (first.read(), rest.read());
            to.cast::<[T; N]>().write(words.0);
            to.add(last).cast::<[T; N]>().write(words.1);
        }
    }
    // SAFETY: the caller's.
    unsafe {
        match count {
            0 => {}
            1 => to.write(from.read()),
            2..=4 => ends::<T, 2>(from, to, count),
            5..=8 => ends::<T, 4>(from, to, count),
            _ => std::ptr::copy_nonoverlapping(from, to, count),
        }
    }
}

/// A payload range as raw words, for limbs.
#[inline]
pub(crate) fn raw_words<'a>(address: usize, from: usize, words: usize) -> &'a [u64] {
    debug_assert!(from + words <= header(address).size());
    // SAFETY: the range lies within a live object. The lifetime is the caller's: every caller ties
    // it to a borrow of the heap, which a collection needs exclusively.
    unsafe { std::slice::from_raw_parts(cell(address, 1 + from), words) }
}

/// A payload range to be written to.
///
/// The object must be one that nobody else has an address of yet: allocated, and not yet finished.
#[inline]
pub(crate) fn raw_words_mut<'a>(address: usize, from: usize, words: usize) -> &'a mut [u64] {
    debug_assert!(from + words <= header(address).size());
    // SAFETY: the range lies within an object whose memory is initialised (blocks are, from the
    // start), and which only the caller knows of, who finishes it before anything is allocated.
    unsafe { std::slice::from_raw_parts_mut(cell(address, 1 + from), words) }
}

/// The first `length` bytes of a payload range to be written to, as for [`raw_words_mut`].
#[inline]
pub(crate) fn bytes_mut<'a>(address: usize, from: usize, length: usize) -> &'a mut [u8] {
    let raw = raw_words_mut::<'a>(address, from, length.div_ceil(8));
    // SAFETY: the words just borrowed hold at least `length` bytes, and any bytes make words.
    unsafe { std::slice::from_raw_parts_mut(raw.as_mut_ptr().cast::<u8>(), length) }
}

/// A payload range as value words.
#[inline]
pub(crate) fn words<'a>(address: usize, from: usize, words: usize) -> &'a [Word] {
    let raw = raw_words::<'a>(address, from, words);
    // SAFETY: `Word` is a transparent u64.
    unsafe { std::slice::from_raw_parts(raw.as_ptr().cast::<Word>(), raw.len()) }
}

/// The first `length` bytes of a payload range, in memory order (both targets are little-endian,
/// so the first byte is the least significant one of the first word).
#[inline]
pub(crate) fn bytes<'a>(address: usize, from: usize, length: usize) -> &'a [u8] {
    let raw = raw_words::<'a>(address, from, length.div_ceil(8));
    // SAFETY: the words just borrowed hold at least `length` bytes.
    unsafe { std::slice::from_raw_parts(raw.as_ptr().cast::<u8>(), length) }
}

#[cfg(not(target_endian = "little"))]
compile_error!("bars and big nats are read as little-endian bytes in place");

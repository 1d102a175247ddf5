//! How objects are laid out: the header word, and what a payload holds.
//!
//! An object is a header word and a payload of words.
//!
//! ```text
//!  63                     32 31           12 11  10   9    8   7          0
//! +-------------------------+---------------+------+----+----+-------------+
//! |  payload, in words      |     extra     |      | R  | N  |   layout    |
//! +-------------------------+---------------+------+----+----+-------------+
//! ```
//!
//! `N` says that the value is in normal form throughout, `R` that the object is in the remembered
//! set. During a collection the header of an object that has moved is replaced by
//! `new address << 8 | Moved`.
//!
//! This module is pure arithmetic on headers; [`crate::heap`] and the pin space read and write them.

use crate::word::Kind;

/// How the payload of an object is laid out, and so what the collector looks at in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Layout {
    /// Limbs of a big nat, least first, the last not zero. At least one; if just one, >= 2^63.
    Big = 1,
    /// `[item, hash x 4, facts, frozen copy]`: see [`crate::pin`]. `extra` is the arity, as for a law.
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
    pub fn kind(self) -> Kind {
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
    pub fn values(self, size: usize) -> std::ops::Range<usize> {
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
pub struct Header(u64);

/// Where a law's decoded code is named, if it has been decoded on this heap.
pub const LAW_CODE: usize = 3;

const NORMAL: u64 = 1 << 8;
pub const REMEMBERED: u64 = 1 << 9;
pub const EXTRA_SHIFT: u32 = 12;
/// The largest number `extra` holds; for an app it means "ask the function".
pub const EXTRA_MAX: u64 = (1 << 20) - 1;
/// The largest payload, in words.
pub const PAYLOAD_MAX: usize = u32::MAX as usize;

impl Header {
    #[inline(always)]
    pub fn new(layout: Layout, extra: u64, size: usize) -> Header {
        debug_assert!(size <= PAYLOAD_MAX && extra <= EXTRA_MAX);
        Header(((size as u64) << 32) | (extra << EXTRA_SHIFT) | layout as u64)
    }

    /// The header as it lies in memory.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The header that lies in memory as this.
    pub fn from_raw(raw: u64) -> Header {
        Header(raw)
    }

    #[inline(always)]
    pub fn moved(address: usize) -> Header {
        Header(((address as u64) << 8) | Layout::Moved as u64)
    }

    /// Where the object went, if it has moved.
    #[inline(always)]
    pub fn new_address(self) -> Option<usize> {
        (self.layout() == Layout::Moved).then_some((self.0 >> 8) as usize)
    }

    #[inline(always)]
    pub fn layout(self) -> Layout {
        Layout::of(self.0 as u8)
    }

    #[inline(always)]
    pub fn size(self) -> usize {
        (self.0 >> 32) as usize
    }

    #[inline(always)]
    pub fn extra(self) -> u64 {
        (self.0 >> EXTRA_SHIFT) & EXTRA_MAX
    }

    #[inline(always)]
    pub fn is_normal(self) -> bool {
        self.0 & NORMAL != 0
    }

    #[inline(always)]
    pub fn is_remembered(self) -> bool {
        self.0 & REMEMBERED != 0
    }

    pub fn with_normal(self) -> Header {
        Header(self.0 | NORMAL)
    }

    pub fn with_remembered(self, remembered: bool) -> Header {
        Header(if remembered { self.0 | REMEMBERED } else { self.0 & !REMEMBERED })
    }

    /// The same object with a smaller payload.
    pub fn with_size(self, size: usize) -> Header {
        debug_assert!(size <= self.size());
        Header((self.0 & 0xffff_ffff) | ((size as u64) << 32))
    }

    /// The same object, laid out anew (a thunk that is entered, updated or crashed).
    pub fn with_layout(self, layout: Layout) -> Header {
        Header((self.0 & !0xff) | layout as u64)
    }
}

/// The number of payload words of a pin.
pub const PIN_SIZE: usize = 7;
/// Where a pin's facts are: see [`crate::pin`].
pub const PIN_FACTS: usize = 5;
/// Where the address of a pin's frozen copy is; 0 if there is none.
pub const PIN_FROZEN: usize = 6;

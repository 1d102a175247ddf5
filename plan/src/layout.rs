//! The layout of objects: the header word and the contents of a payload.
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
//! `extra` of a table, row, set or node of one is the mark of the loop that owns it: see
//! `heap/ownership.rs`.
//!
//! `N` marks a value that is in normal form throughout, `R` an object in the remembered set. While
//! a collection runs, the header of an object that has moved is `new address << 8 | Moved`.
//!
//! This module only does arithmetic on headers; [`crate::heap`] and the pin space read and write
//! them.

use crate::word::WordKind;

/// The layout of an object's payload, which tells the collector where the values in it are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ObjectLayout {
    /// Limbs of a big nat, least significant first, the last not zero. There is at least one limb;
    /// a single limb is at least 2^63.
    Big = 1,
    /// `[item, hash x 4, facts, frozen copy]`: see [`pin`](crate::raw::pin). `extra` is the arity,
    /// as for a law.
    Pin = 2,
    /// `[name, arity, body, code]`, with the code word at [`LAW_CODE`]. `extra` is the arity, or
    /// [`EXTRA_MAX`] if the arity is larger.
    Law = 3,
    /// `[function, argument...]`. `extra` is the number of missing arguments, or [`EXTRA_MAX`] if
    /// the function must be asked.
    App = 4,
    /// `[length in bytes, bytes...]`; zero bytes fill the last word.
    Bar = 5,
    /// The items, first to last.
    Row = 6,
    /// `[set of keys, row of values]`, values in the order of the keys.
    Tab = 7,
    /// The keys in ascending order, none of them a thunk.
    Set = 8,
    /// `[code word, captured...]`: an expression of a law that has not run yet. `extra` is the
    /// number of captured values; compiled code adds a flag.
    ThunkCode = 9,
    /// `[function, argument...]`: an application that has not been evaluated. `extra` is 0, or the flag of compiled
    /// code.
    ThunkApp = 10,
    /// `[value, unused...]`: a thunk that has its value, or whose value is that of another thunk.
    Indirection = 11,
    /// A thunk under evaluation. Its payload is not read.
    BlackHole = 12,
    /// A thunk whose evaluation crashed: `[op, argument, unused...]`.
    Crashed = 13,
    /// A thunk whose evaluation was aborted for another reason: `[reason, unused...]`.
    Aborted = 14,
    /// A node of a long row: `[end..., part...]`. See [`tree`](crate::raw::tree).
    RowNode = 15,
    /// A node of a long set: `[end..., first key..., part...]`. See [`tree`](crate::raw::tree).
    SetNode = 16,
    /// `[length in bytes, buffer]`: a view from offset 0. Nothing makes it any more; pin spaces of
    /// earlier versions have it.
    BarPart = 17,
    /// `[bytes in use, bytes..., capacity...]`: the bytes of views. It is not a value.
    Buffer = 18,
    /// `[code word, row]`: a thunk whose value is the item `extra` of the row. The code evaluates
    /// the row and returns the item; if the row is evaluated already, a collection replaces the
    /// thunk by the item.
    Selector = 19,
    /// A bar that shares its bytes: `[length in bytes, source, offset]`. The source is a flat bar or
    /// a buffer. See [`bar`](crate::raw::bar).
    BarView = 20,
    /// The object has moved; the header holds its new address.
    Moved = 0xff,
}

impl ObjectLayout {
    #[inline(always)]
    fn of(byte: u8) -> ObjectLayout {
        match byte {
            1 => ObjectLayout::Big,
            2 => ObjectLayout::Pin,
            3 => ObjectLayout::Law,
            4 => ObjectLayout::App,
            5 => ObjectLayout::Bar,
            6 => ObjectLayout::Row,
            7 => ObjectLayout::Tab,
            8 => ObjectLayout::Set,
            9 => ObjectLayout::ThunkCode,
            10 => ObjectLayout::ThunkApp,
            11 => ObjectLayout::Indirection,
            12 => ObjectLayout::BlackHole,
            13 => ObjectLayout::Crashed,
            14 => ObjectLayout::Aborted,
            15 => ObjectLayout::RowNode,
            16 => ObjectLayout::SetNode,
            17 => ObjectLayout::BarPart,
            18 => ObjectLayout::Buffer,
            19 => ObjectLayout::Selector,
            20 => ObjectLayout::BarView,
            _ => ObjectLayout::Moved,
        }
    }

    /// Returns the kind of the words that point to such an object.
    #[inline]
    pub fn kind(self) -> WordKind {
        match self {
            ObjectLayout::Big => WordKind::Big,
            ObjectLayout::Pin => WordKind::Pin,
            ObjectLayout::Law => WordKind::Law,
            ObjectLayout::App => WordKind::App,
            ObjectLayout::Bar
            | ObjectLayout::BarPart
            | ObjectLayout::BarView
            | ObjectLayout::Buffer => WordKind::Bar,
            ObjectLayout::Row | ObjectLayout::RowNode => WordKind::Row,
            ObjectLayout::Tab => WordKind::Tab,
            ObjectLayout::Set | ObjectLayout::SetNode => WordKind::Set,
            _ => WordKind::Thunk,
        }
    }

    /// Whether it is the layout of a thunk that will get its value.
    #[inline(always)]
    pub(crate) fn is_pending(self) -> bool {
        matches!(
            self,
            ObjectLayout::ThunkCode
                | ObjectLayout::ThunkApp
                | ObjectLayout::Selector
                | ObjectLayout::BlackHole
        )
    }

    /// Whether it is the layout of a row or set without nodes.
    #[inline(always)]
    pub fn is_flat(self) -> bool {
        matches!(self, ObjectLayout::Row | ObjectLayout::Set)
    }

    /// Whether `extra` is the mark of an owner.
    #[inline(always)]
    fn may_have_mark(self) -> bool {
        matches!(self, ObjectLayout::Tab | ObjectLayout::RowNode | ObjectLayout::SetNode)
            || self.is_flat()
    }

    /// Returns the range of payload indices that hold values, in a payload of `size` words.
    #[inline]
    pub fn values(self, size: usize) -> std::ops::Range<usize> {
        match self {
            ObjectLayout::Big | ObjectLayout::Bar | ObjectLayout::Buffer => 0..0,
            ObjectLayout::BlackHole | ObjectLayout::Moved => 0..0,
            ObjectLayout::Pin | ObjectLayout::Indirection | ObjectLayout::Aborted => 0..1,
            ObjectLayout::Crashed => 0..2,
            ObjectLayout::BarPart | ObjectLayout::BarView => BAR_VIEW_SOURCE..BAR_VIEW_SOURCE + 1,
            _ => 0..size,
        }
    }
}

/// The header of an object. See the module documentation.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct ObjectHeader(u64);

/// The payload index of a law's code word: its decoded code on this heap, or 0.
pub const LAW_CODE: usize = 3;

/// The header bit of an object in normal form.
pub const NORMAL: u64 = 1 << 8;
/// The header bit of an object in the remembered set.
pub const REMEMBERED: u64 = 1 << 9;
/// The lowest bit of `extra` in a header.
pub const EXTRA_SHIFT: u32 = 12;
/// The largest number that `extra` holds. It means "this much or more"; for an app, "ask the
/// function".
pub const EXTRA_MAX: u64 = (1 << 20) - 1;
/// The largest payload, in words.
pub const PAYLOAD_MAX: usize = u32::MAX as usize;

impl ObjectHeader {
    /// Returns the header of an object with a payload of `size` words.
    #[inline(always)]
    pub fn new(layout: ObjectLayout, extra: u64, size: usize) -> ObjectHeader {
        debug_assert!(size <= PAYLOAD_MAX && extra <= EXTRA_MAX);
        ObjectHeader(((size as u64) << 32) | (extra << EXTRA_SHIFT) | layout as u64)
    }

    /// Returns the header's bits, as memory holds them.
    #[inline]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// Returns the header with these bits.
    #[inline(always)]
    pub fn from_raw(raw: u64) -> ObjectHeader {
        ObjectHeader(raw)
    }

    /// Returns the header of an object that has moved to `address`.
    #[inline(always)]
    pub fn moved(address: usize) -> ObjectHeader {
        ObjectHeader(((address as u64) << 8) | ObjectLayout::Moved as u64)
    }

    /// Returns the object's new address, if it has moved.
    #[inline(always)]
    pub fn new_address(self) -> Option<usize> {
        (self.layout() == ObjectLayout::Moved).then_some((self.0 >> 8) as usize)
    }

    /// Returns the object's layout.
    #[inline(always)]
    pub fn layout(self) -> ObjectLayout {
        ObjectLayout::of(self.0 as u8)
    }

    /// Returns the number of payload words.
    #[inline(always)]
    pub fn size(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// Returns the number beside the layout; its meaning depends on the [`ObjectLayout`].
    #[inline(always)]
    pub fn extra(self) -> u64 {
        (self.0 >> EXTRA_SHIFT) & EXTRA_MAX
    }

    /// Whether the object is marked as a value in normal form.
    #[inline(always)]
    pub fn is_normal(self) -> bool {
        self.0 & NORMAL != 0
    }

    /// Whether the object is in the remembered set.
    #[inline(always)]
    pub fn is_remembered(self) -> bool {
        self.0 & REMEMBERED != 0
    }

    /// Returns the header, marked as that of a value in normal form.
    #[inline]
    pub fn with_normal(self) -> ObjectHeader {
        ObjectHeader(self.0 | NORMAL)
    }

    /// Returns the header, marked as in the remembered set or not.
    #[inline]
    pub fn with_remembered(self, remembered: bool) -> ObjectHeader {
        ObjectHeader(if remembered { self.0 | REMEMBERED } else { self.0 & !REMEMBERED })
    }

    /// Returns the header, not marked as that of a value in normal form.
    pub fn without_normal(self) -> ObjectHeader {
        ObjectHeader(self.0 & !NORMAL)
    }

    /// Returns the header of the same object with that number beside the layout: the mark of its
    /// owner (see `heap/ownership.rs`).
    pub fn with_mark(self, mark: u64) -> ObjectHeader {
        debug_assert!(mark <= EXTRA_MAX);
        ObjectHeader((self.0 & !(EXTRA_MAX << EXTRA_SHIFT)) | (mark << EXTRA_SHIFT))
    }

    /// Whether it is the header of a table, row, set or node of one, with the mark of an owner.
    #[inline(always)]
    pub fn has_mark(self) -> bool {
        self.0 & (EXTRA_MAX << EXTRA_SHIFT) != 0 && self.layout().may_have_mark()
    }

    /// Returns the header of the same object without the mark of an owner. In headers of other
    /// objects than tables, rows and sets, the number beside the layout is no mark and stays.
    pub fn without_mark(self) -> ObjectHeader {
        if self.layout().may_have_mark() { self.with_mark(0) } else { self }
    }

    /// Returns the header of the same object with one payload word more, and one spare word less.
    pub fn with_spare_item(self) -> ObjectHeader {
        debug_assert!(self.extra() > 1);
        ObjectHeader(self.0 + (1 << 32) - (1 << EXTRA_SHIFT))
    }

    /// Returns the header of the same object with one payload word less, and one spare word more.
    pub fn without_last_item(self) -> ObjectHeader {
        debug_assert!(self.size() > 0 && (1..EXTRA_MAX).contains(&self.extra()));
        ObjectHeader(self.0 - (1 << 32) + (1 << EXTRA_SHIFT))
    }

    /// Returns the header of the same object with a smaller payload.
    #[inline]
    pub fn with_size(self, size: usize) -> ObjectHeader {
        debug_assert!(size <= self.size());
        ObjectHeader((self.0 & 0xffff_ffff) | ((size as u64) << 32))
    }

    /// Returns the header of the same object with another layout: a thunk changes its layout when
    /// it is entered, updated or crashed.
    #[inline]
    pub fn with_layout(self, layout: ObjectLayout) -> ObjectHeader {
        ObjectHeader((self.0 & !0xff) | layout as u64)
    }
}

/// The payload index of a bar view's source.
pub const BAR_VIEW_SOURCE: usize = 1;
/// The payload index of a bar view's offset in its source, in bytes.
pub const BAR_VIEW_OFFSET: usize = 2;
/// The number of payload words of a pin.
pub const PIN_SIZE: usize = 7;
/// The payload index of a pin's facts word: see [`pin`](crate::raw::pin).
pub const PIN_FACTS: usize = 5;
/// The payload index of the address of a pin's frozen copy; the word is 0 if there is none.
pub const PIN_FROZEN: usize = 6;

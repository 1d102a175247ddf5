//! Objects and words as machine code sees them.

use plan::raw::layout::EXTRA_MAX;
use plan::raw::{Header, Kind, Layout, Word};

/// The objects that compiled code makes and looks into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// The limbs of a nat of 2^63 or more, least first.
    Big,
    /// `[function, argument...]`; the header's extra number is how many more it takes.
    App,
    /// The items, first to last.
    Row,
    /// `[length, byte...]`: bytes, eight to a word.
    Bar,
    /// `[code word, captured...]`; the extra number counts the captured, and there are at least two
    /// words.
    ThunkCode,
    /// `[function, argument...]`: an application, to be made.
    ThunkApp,
    /// `[value, unused...]`: what a thunk becomes that has its value.
    Indirection,
    /// What a thunk is while it is evaluated.
    BlackHole,
}

impl ObjectKind {
    fn layout(self) -> Layout {
        match self {
            ObjectKind::Big => Layout::Big,
            ObjectKind::App => Layout::App,
            ObjectKind::Row => Layout::Row,
            ObjectKind::Bar => Layout::Bar,
            ObjectKind::ThunkCode => Layout::ThunkCode,
            ObjectKind::ThunkApp => Layout::ThunkApp,
            ObjectKind::Indirection => Layout::Indirection,
            ObjectKind::BlackHole => Layout::BlackHole,
        }
    }

    /// The header of such an object with `size` payload words.
    pub fn header(self, extra: u64, size: usize) -> u64 {
        Header::new(self.layout(), extra, size).bits()
    }

    /// What the low byte of its header is.
    pub fn code(self) -> u64 {
        self.layout() as u64
    }

    /// The bits above the address in a word that points to it.
    pub fn tag(self) -> u64 {
        Word::object(self.layout().kind(), 0).raw()
    }
}

/// The bits of a word that are the address of its object.
pub const ADDRESS_MASK: u64 = (1 << 48) - 1;
/// The least bits that are no nat by themselves.
pub const DIRECT_LIMIT: u64 = plan::raw::DIRECT_LIMIT;
/// Above this, a header's extra number does not fit.
pub const EXTRA_LIMIT: u64 = EXTRA_MAX;
/// Where the payload begins, in bytes from an object's address.
pub const PAYLOAD: i32 = 8;
/// The bit of a header that says that the object is in the remembered set.
pub const REMEMBERED: u64 = plan::raw::layout::REMEMBERED;
/// By how much a header's extra number is shifted, and how wide it is.
pub const EXTRA: (u32, u32) = (plan::raw::layout::EXTRA_SHIFT, 20);
/// The mark of a thunk under evaluation is the thunk, 0, the distance to the mark before it, and
/// this.
pub const UPDATE: u64 = crate::eval::state::UPDATE;
/// The index of the code word in a law's payload.
pub const LAW_CODE: i32 = 3;
/// The index of the facts in a pin's payload; above the low half is the jet's number, plus one.
pub const PIN_FACTS: i32 = 5;

/// An object lies in the pin space if its address, shifted right by so much, is 1. It is not to be
/// looked into without a check.
pub const FROZEN_SHIFT: u32 = plan::pinspace::range::RANGE_SHIFT;

/// How many places the table at [`FROZEN`](super::offset::FROZEN) has, as a power of two, each the word
/// that is called and the address of its code; and by how much its address is shifted, to be combined
/// by exclusive or, for the low bits to be the number of its place.
pub const FROZEN_TABLE: (u32, [u32; 2]) = (super::frozen::TABLE_LOG2, super::frozen::SHIFTS);

/// The top byte of a word of each kind.
pub mod top {
    use super::Kind;
    /// A big nat.
    pub const BIG: u64 = Kind::Big as u64;
    /// A pin.
    pub const PIN: u64 = Kind::Pin as u64;
    /// A law.
    pub const LAW: u64 = Kind::Law as u64;
    /// An app.
    pub const APP: u64 = Kind::App as u64;
    /// A bar: `[length, byte...]`, or `[length, what has the bytes at the same place]`.
    pub const BAR: u64 = Kind::Bar as u64;
    /// A row.
    pub const ROW: u64 = Kind::Row as u64;
    /// A thunk.
    pub const THUNK: u64 = Kind::Thunk as u64;
    /// Compiled code of a thunk, or of a law that refers to itself as it is.
    pub const NATIVE: u64 = plan::raw::NATIVE_TAG;
    /// Compiled code of a law that refers to itself as the pin around it.
    pub const PINNED: u64 = plan::raw::PINNED_TAG;
}

/// The bits above the address in the code word of a thunk whose code is compiled.
pub const NATIVE_TAG: u64 = Word::native(0, false).raw();

/// The constructor of rows of that width, which is at least 1.
pub fn cow(width: u64) -> u64 {
    Word::cow(width).raw()
}

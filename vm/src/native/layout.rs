//! Objects and words as machine code sees them.
//!
//! Everything here is derived from `plan`'s layout of objects ([`plan::raw::layout`]) and words.

use plan::raw::{COW_LIMIT, ObjectHeader, ObjectLayout, Word, WordKind, layout};

/// The kinds of objects that compiled code allocates and reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// The limbs of a nat of 2^63 or more, least significant first.
    Big,
    /// `[function, argument...]`; the header's extra number is the arity that is left.
    App,
    /// The items, first to last.
    Row,
    /// `[set of keys, row of values]`.
    Tab,
    /// The keys of a set of few, ascending.
    Set,
    /// `[end..., first key..., part...]`: a set of more keys than fit in one object; the last `end` is
    /// the number of keys.
    SetNode,
    /// `[length, byte...]`: bytes, eight in a word.
    Bar,
    /// `[length, source, offset]`: a bar whose bytes are those of the source from the offset on. The
    /// source has the layout of a bar.
    BarView,
    /// `[code word, captured...]`; the extra number is the number of captured values. The payload
    /// has at least two words.
    ThunkCode,
    /// `[code word, row]`: a thunk of the row's item with the extra number.
    Selector,
    /// `[function, argument...]`: an application that is not evaluated.
    ThunkApp,
    /// `[value, unused...]`: a thunk that has been evaluated.
    Indirection,
    /// A thunk under evaluation.
    BlackHole,
}

impl ObjectKind {
    fn layout(self) -> ObjectLayout {
        match self {
            ObjectKind::Big => ObjectLayout::Big,
            ObjectKind::App => ObjectLayout::App,
            ObjectKind::Row => ObjectLayout::Row,
            ObjectKind::Tab => ObjectLayout::Tab,
            ObjectKind::Set => ObjectLayout::Set,
            ObjectKind::SetNode => ObjectLayout::SetNode,
            ObjectKind::Bar => ObjectLayout::Bar,
            ObjectKind::BarView => ObjectLayout::BarView,
            ObjectKind::ThunkCode => ObjectLayout::ThunkCode,
            ObjectKind::Selector => ObjectLayout::Selector,
            ObjectKind::ThunkApp => ObjectLayout::ThunkApp,
            ObjectKind::Indirection => ObjectLayout::Indirection,
            ObjectKind::BlackHole => ObjectLayout::BlackHole,
        }
    }

    /// The header of an object of this kind with `size` payload words.
    pub fn header(self, extra: u64, size: usize) -> u64 {
        ObjectHeader::new(self.layout(), extra, size).raw()
    }

    /// The low byte of its header.
    pub fn code(self) -> u64 {
        self.layout() as u64
    }

    /// The bits above the address in a word that refers to it.
    pub fn tag(self) -> u64 {
        Word::object(self.layout().kind(), 0).raw()
    }
}

/// The bits of a word that hold its object's address.
pub const ADDRESS_MASK: u64 = COW_LIMIT - 1;
/// A word below this is a direct nat.
pub const DIRECT_LIMIT: u64 = plan::raw::DIRECT_LIMIT;
/// An evaluated word below this is a nat: no kind is between that of nats on the heap and that of pins.
pub const NAT_LIMIT: u64 = top::PIN << 56;
const _: () = assert!(top::BIG + 1 == top::PIN && top::BIG == (DIRECT_LIMIT >> 56) + 1);
/// The number of arguments that an optional value, the app of 0 to a value, still takes: 0 takes three.
pub const OPTIONAL_ARITY: u64 = 2;
/// The largest extra number of a header.
pub const EXTRA_LIMIT: u64 = layout::EXTRA_MAX;
/// The offset of the payload from an object's address, in bytes.
pub const PAYLOAD: i32 = size_of::<ObjectHeader>() as i32;
/// The bit of a header that is set while the object is in the remembered set.
pub const REMEMBERED: u64 = layout::REMEMBERED;
/// The bit of an object's header that says that the value is in normal form.
pub const NORMAL: u64 = layout::NORMAL;
/// The shift and the width of a header's extra number, in bits.
pub const EXTRA: (u32, u32) = (layout::EXTRA_SHIFT, layout::EXTRA_MAX.count_ones());
/// The bit of the extra number of a thunk that compiled code has made, beside the number of captured values, that says
/// that its code takes a short time and does not crash if all captured values are nats below 2^63, or that it is an
/// application.
pub const CHEAP_THUNK: u64 = 1 << (EXTRA.1 - 1);
/// The frame kind of a thunk under evaluation. Its frame is the thunk, 0, the distance to the mark
/// before it, and this.
pub const UPDATE: u64 = crate::eval::state::UPDATE;
/// The indices of the source and of the offset in a bar view's payload.
pub const BAR_VIEW: (usize, usize) = (layout::BAR_VIEW_SOURCE, layout::BAR_VIEW_OFFSET);
/// A part of a bar has its bytes in a view if it has at least this many.
pub const MIN_VIEW_BYTES: usize = plan::raw::bar::MIN_VIEW_BYTES;
/// The index of the code word in a law's payload.
pub const LAW_CODE: i32 = layout::LAW_CODE as i32;
/// The index of the facts in a pin's payload; their upper half is the jet's number plus one.
pub const PIN_FACTS: i32 = layout::PIN_FACTS as i32;

/// An object is in the pin space if its address shifted right by this is 1. Compiled code must
/// not read such an object without a check for damage.
pub const FROZEN_SHIFT: u32 = plan::pinspace::range::RANGE_SHIFT;

/// The shape of the table at [`FROZEN`](super::offset::FROZEN): the logarithm of the number of
/// slots that hold the word that is called and the address of its code; and the two
/// shifts of a law's address whose exclusive or has the slot's number in its low bits.
pub const FROZEN_TABLE: (u32, [u32; 2]) = (super::frozen::TABLE_LOG2, super::frozen::SHIFTS);

/// The number of words of the table at [`JETS`](super::offset::JETS): the address of the code of
/// each jet, by the jet's number plus one.
pub const JET_TABLE_SIZE: usize = super::jet_entries::TABLE_SIZE;

/// The top byte of a word of each kind.
pub mod top {
    use super::WordKind;
    /// A big nat.
    pub const BIG: u64 = WordKind::Big as u64;
    /// A pin.
    pub const PIN: u64 = WordKind::Pin as u64;
    /// A law.
    pub const LAW: u64 = WordKind::Law as u64;
    /// An app.
    pub const APP: u64 = WordKind::App as u64;
    /// A bar: `[length, byte...]`, or `[length, object with the bytes at the same offset]`.
    pub const BAR: u64 = WordKind::Bar as u64;
    /// A row.
    pub const ROW: u64 = WordKind::Row as u64;
    /// A set.
    pub const SET: u64 = WordKind::Set as u64;
    /// A table.
    pub const TAB: u64 = WordKind::Tab as u64;
    /// A thunk.
    pub const THUNK: u64 = WordKind::Thunk as u64;
    /// Compiled code of a thunk, or of a law that is called as itself.
    pub const NATIVE: u64 = plan::raw::NATIVE_TAG;
    /// Compiled code of a law that is called through its pin.
    pub const PINNED: u64 = plan::raw::PINNED_TAG;
}

/// The bits above the address in the code word of a thunk whose code is compiled.
pub const NATIVE_TAG: u64 = Word::native(0, false).raw();

/// The constructor of rows of that width, which must be at least 1.
pub fn cow(width: u64) -> u64 {
    Word::cow(width).raw()
}

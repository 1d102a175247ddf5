//! The value word: how the machine represents a PLAN value in 64 bits.
//!
//! ```text
//!  63 62      56 55        48 47                                            0
//! +--+----------+------------+-----------------------------------------------+
//! | 0|                      a nat below 2^63                                 |
//! +--+----------+------------+-----------------------------------------------+
//! | 1| T |  kind             |     address of the object (8-byte aligned)    |
//! +--+----------+------------+-----------------------------------------------+
//! ```
//!
//! * A nat that fits in 63 bits is the word itself: nothing to strip before adding, and
//!   `(a | b | a + b) >> 63 == 0` says that the sum fits too.
//! * Everything else has bit 63 set. `T` (bit 62) is set on a thunk, so whether a word is evaluated
//!   is known without touching memory; the kind is read from the word as well.
//! * Bit 61 is set on the kinds that have no object: a row constructor (`Cow`) carries its width in
//!   the low 48 bits, a code word the place of an instruction, of decoded or of compiled code.
//!
//! A word with an address is valid until the next collection; see [`crate::heap`] for the code that
//! may keep one across a collection.

use std::fmt;

/// The kind of a word. The discriminants are the top bytes of the words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum WordKind {
    /// A nat below 2^63, held in the word.
    Nat = 0x00,
    /// A nat of 2^63 or more, on the heap.
    Big = 0x81,
    /// A pin.
    Pin = 0x82,
    /// A law that has no data-jet shape.
    Law = 0x83,
    /// A function applied to fewer arguments than it takes.
    App = 0x84,
    /// Bytes: the law `{1 1 n}` whose body encodes them.
    Bar = 0x85,
    /// A row: the app of a row constructor to its items, last item first.
    Row = 0x86,
    /// A table: the app of a set to a row of as many values.
    Tab = 0x87,
    /// A set: the law `{1 2 keys}` with strictly ascending keys.
    Set = 0x88,
    /// A row constructor: the law `{0 n+1 0}`, for `n` of at least 1.
    Cow = 0xA1,
    /// Not a value: a code word, which names an instruction or compiled code. It occurs in a frame,
    /// in a thunk and in the code slot of a law.
    Code = 0xA2,
    /// A thunk: not evaluated yet, or evaluated and not yet replaced by its value by the collector.
    Thunk = 0xC0,
}

/// A machine word that represents a PLAN value. See the module documentation.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Word(u64);

const ADDRESS_BITS: u32 = 48;
const ADDRESS_MASK: u64 = (1 << ADDRESS_BITS) - 1;
const TAG_SHIFT: u32 = 56;
const THUNK_BIT: u64 = 1 << 62;
const IMMEDIATE_BIT: u64 = 1 << 61;
/// The top byte of a code word that holds the address of compiled code.
pub const NATIVE_TAG: u64 = 0xA3;
/// The top byte of a code word for compiled code of a law whose self-reference is the pin around
/// it.
pub const PINNED_TAG: u64 = 0xA4;
/// The low bits of a code word are the instruction index, the others the pool number.
const PC_BITS: u32 = 24;

/// The least nat that needs an object of its own.
pub const DIRECT_LIMIT: u64 = 1 << 63;
/// A row constructor of this width or more stays a plain law. Shape, hash and order of the value do
/// not show the difference.
pub const COW_LIMIT: u64 = 1 << ADDRESS_BITS;

impl Word {
    /// The nat zero.
    pub const ZERO: Word = Word(0);

    /// A nat below 2^63.
    #[inline(always)]
    pub const fn direct(nat: u64) -> Word {
        debug_assert!(nat < DIRECT_LIMIT);
        Word(nat)
    }

    /// The nat 1 for true, 0 for false.
    #[inline(always)]
    pub const fn bit(b: bool) -> Word {
        Word(b as u64)
    }

    /// Returns the constructor of rows of `width` items; `width` is at least 1 and below
    /// [`COW_LIMIT`].
    #[inline(always)]
    pub const fn cow(width: u64) -> Word {
        debug_assert!(width > 0 && width < COW_LIMIT);
        Word(((WordKind::Cow as u64) << TAG_SHIFT) | width)
    }

    /// Returns the code word of an instruction: the pool of its decoded law, and its index in
    /// there.
    #[inline(always)]
    pub const fn code(pool: u32, pc: u32) -> Word {
        debug_assert!(pool < 1 << (ADDRESS_BITS - PC_BITS) && pc < 1 << PC_BITS);
        Word(((WordKind::Code as u64) << TAG_SHIFT) | ((pool as u64) << PC_BITS) | pc as u64)
    }

    /// Returns the pool number and the instruction index of a code word.
    #[inline(always)]
    pub const fn code_parts(self) -> (u32, u32) {
        let place = self.0 & ADDRESS_MASK;
        ((place >> PC_BITS) as u32, (place & ((1 << PC_BITS) - 1)) as u32)
    }

    /// Returns the code word of compiled code that starts at `address`. `pinned` says that the code
    /// belongs to a law whose self-reference is the pin around it.
    #[inline(always)]
    pub const fn native(address: usize, pinned: bool) -> Word {
        debug_assert!(address as u64 & !ADDRESS_MASK == 0);
        let tag = if pinned { PINNED_TAG } else { NATIVE_TAG };
        Word((tag << TAG_SHIFT) | address as u64)
    }

    /// Whether this code word names compiled code.
    #[inline(always)]
    pub const fn is_native(self) -> bool {
        matches!(self.0 >> TAG_SHIFT, NATIVE_TAG | PINNED_TAG)
    }

    /// Whether this code word names compiled code of a law whose self-reference is the pin around
    /// it.
    #[inline(always)]
    pub const fn is_native_of_pin(self) -> bool {
        self.0 >> TAG_SHIFT == PINNED_TAG
    }

    /// Returns the word with these bits, as compiled code and the evaluation stack hold it.
    ///
    /// The bits must come from a word: a heap trusts the address in a word that it is given.
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Word {
        Word(bits)
    }

    /// Returns the word for the object of that kind at that address.
    #[inline(always)]
    pub const fn object(kind: WordKind, address: usize) -> Word {
        debug_assert!(address as u64 & !ADDRESS_MASK == 0 && address & 7 == 0);
        Word(((kind as u64) << TAG_SHIFT) | address as u64)
    }

    /// Returns a word of the same kind for the object's new address.
    #[inline(always)]
    pub const fn moved_to(self, address: usize) -> Word {
        Word((self.0 & !ADDRESS_MASK) | address as u64)
    }

    /// Whether this is a nat below 2^63, held in the word.
    #[inline(always)]
    pub const fn is_direct(self) -> bool {
        self.0 < DIRECT_LIMIT
    }

    /// Whether this is a thunk, evaluated or not.
    #[inline(always)]
    pub const fn is_thunk(self) -> bool {
        self.0 & (DIRECT_LIMIT | THUNK_BIT) == DIRECT_LIMIT | THUNK_BIT
    }

    /// Whether the word has an object. [`Word::address`] is then its address.
    #[inline(always)]
    pub const fn has_object(self) -> bool {
        self.0 & (DIRECT_LIMIT | IMMEDIATE_BIT) == DIRECT_LIMIT
    }

    /// Returns the nat, if this is a direct one.
    #[inline(always)]
    pub const fn as_direct(self) -> Option<u64> {
        if self.is_direct() { Some(self.0) } else { None }
    }

    /// Returns the bits of the word.
    #[inline(always)]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// Returns the address of the word's object. The word must have one.
    #[inline(always)]
    pub const fn address(self) -> usize {
        (self.0 & ADDRESS_MASK) as usize
    }

    /// Returns the width of a row constructor. The word must be one.
    #[inline(always)]
    pub const fn cow_width(self) -> u64 {
        self.0 & ADDRESS_MASK
    }

    /// Returns the kind, from the word alone: no memory is read.
    #[inline(always)]
    pub const fn kind(self) -> WordKind {
        if self.is_direct() {
            return WordKind::Nat;
        }
        match (self.0 >> TAG_SHIFT) as u8 {
            0x81 => WordKind::Big,
            0x82 => WordKind::Pin,
            0x83 => WordKind::Law,
            0x84 => WordKind::App,
            0x85 => WordKind::Bar,
            0x86 => WordKind::Row,
            0x87 => WordKind::Tab,
            0x88 => WordKind::Set,
            0xA1 => WordKind::Cow,
            0xA2..=0xA4 => WordKind::Code,
            _ => WordKind::Thunk,
        }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            WordKind::Nat => write!(f, "{}", self.0),
            WordKind::Cow => write!(f, "Cow({})", self.cow_width()),
            WordKind::Code => write!(f, "Code{:?}", self.code_parts()),
            kind => write!(f, "{kind:?}@{:x}", self.address()),
        }
    }
}

const _: () = assert!(std::mem::size_of::<Word>() == 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direct_nats_are_themselves() {
        assert_eq!(Word::direct(7).raw(), 7);
        assert_eq!(Word::direct(DIRECT_LIMIT - 1).as_direct(), Some(DIRECT_LIMIT - 1));
        assert_eq!(Word::direct(7).kind(), WordKind::Nat);
        assert!(!Word::direct(7).is_thunk());
    }

    #[test]
    fn kind_is_read_from_the_word() {
        for kind in [
            WordKind::Big,
            WordKind::Pin,
            WordKind::Law,
            WordKind::App,
            WordKind::Bar,
            WordKind::Row,
            WordKind::Tab,
        ] {
            let word = Word::object(kind, 0x7fff_1234_5678);
            assert_eq!(word.kind(), kind);
            assert_eq!(word.address(), 0x7fff_1234_5678);
            assert!(!word.is_thunk() && word.has_object());
        }
        assert!(Word::object(WordKind::Thunk, 8).is_thunk());
        assert_eq!(Word::cow(9).cow_width(), 9);
        assert!(!Word::cow(9).has_object() && !Word::cow(9).is_thunk());
        let code = Word::code(5, 77);
        assert_eq!((code.kind(), code.code_parts()), (WordKind::Code, (5, 77)));
        assert!(!code.has_object() && !code.is_thunk());
        for pinned in [false, true] {
            let native = Word::native(0x7f12_3456_7891, pinned);
            assert_eq!((native.kind(), native.address()), (WordKind::Code, 0x7f12_3456_7891));
            assert!(native.is_native() && native.is_native_of_pin() == pinned);
            assert!(!native.has_object() && !native.is_thunk() && !code.is_native());
        }
    }

    #[test]
    fn moving_keeps_the_kind() {
        assert_eq!(Word::object(WordKind::Row, 64).moved_to(128), Word::object(WordKind::Row, 128));
    }
}

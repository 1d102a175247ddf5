//! A set that helpers of compiled code remember until the next collection, and the position of a key in it.

/// The position of a key in a set, or the position where it would be.
pub(super) type KeyPosition = Result<usize, usize>;

/// A set, as it is compared with those of slots: its word, the number of its keys, and the number of times
/// that a key may have been removed from it. A set that an owner changes in place gets other numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RememberedSet {
    pub(super) word: u64,
    pub(super) count: u32,
    pub(super) removals: u32,
}

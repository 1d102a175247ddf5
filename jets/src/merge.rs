//! Merging two ascending lists of keys.

use std::cmp::Ordering;
use vm::Items;

/// Where a key of the merged list comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// Only the first list has it, at this index.
    Left(usize),
    /// Only the second list has it, at this index.
    Right(usize),
    /// Both have it.
    Both(usize, usize),
}

/// The keys of both lists, in ascending order.
pub(crate) fn merge(left: Items<'_>, right: Items<'_>) -> Vec<Source> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut l, mut r) = (0, 0);
    while let (Some(a), Some(b)) = (left.get(l), right.get(r)) {
        let order = a.compare(b);
        merged.push(match order {
            Ordering::Less => Source::Left(l),
            Ordering::Equal => Source::Both(l, r),
            Ordering::Greater => Source::Right(r),
        });
        l += usize::from(order.is_le());
        r += usize::from(order.is_ge());
    }
    merged.extend((l..left.len()).map(Source::Left));
    merged.extend((r..right.len()).map(Source::Right));
    merged
}

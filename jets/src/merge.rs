//! Merging ascending lists of keys, and sorting by merging. Both go on only until somebody asks for an
//! evaluation to stop, which the standard library's sorting could not.

use plan::{EvalError, Items};
use std::cmp::Ordering;
use vm::jet::Call;

/// Where a key of the merged list comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MergedKey {
    /// Only the first list has it, at this index.
    Left(usize),
    /// Only the second list has it, at this index.
    Right(usize),
    /// Both have it.
    Both(usize, usize),
}

/// The keys of both lists, in ascending order.
///
/// # Errors
/// [`EvalError::OutOfMemory`] if what is merged could not be held, and [`EvalError::Interrupted`].
pub(crate) fn merge(
    call: &Call<'_>,
    left: Items<'_>,
    right: Items<'_>,
) -> Result<Vec<MergedKey>, EvalError> {
    call.afford(left.len().max(right.len()) as u64)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut l, mut r) = (0, 0);
    while let (Some(a), Some(b)) = (left.get(l), right.get(r)) {
        call.check()?;
        let order = a.try_compare(b)?;
        merged.push(match order {
            Ordering::Less => MergedKey::Left(l),
            Ordering::Equal => MergedKey::Both(l, r),
            Ordering::Greater => MergedKey::Right(r),
        });
        l += usize::from(order.is_le());
        r += usize::from(order.is_ge());
    }
    merged.extend((l..left.len()).map(MergedKey::Left));
    merged.extend((r..right.len()).map(MergedKey::Right));
    Ok(merged)
}

/// The numbers below `count`, sorted by an order that may fail; of equal ones the last.
///
/// # Errors
/// How `compare` failed.
pub(crate) fn merge_sort(
    count: usize,
    mut compare: impl FnMut(usize, usize) -> Result<Ordering, EvalError>,
) -> Result<Vec<usize>, EvalError> {
    let mut runs: Vec<Vec<usize>> = (0..count).map(|number| vec![number]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut old = runs.into_iter();
        while let Some(left) = old.next() {
            merged.push(match old.next() {
                Some(right) => merge_runs(&left, &right, &mut compare)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

/// Two sorted lists as one; of equal numbers those of the second.
fn merge_runs(
    left: &[usize],
    right: &[usize],
    compare: &mut impl FnMut(usize, usize) -> Result<Ordering, EvalError>,
) -> Result<Vec<usize>, EvalError> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut l, mut r) = (0, 0);
    while let (Some(&a), Some(&b)) = (left.get(l), right.get(r)) {
        let order = compare(a, b)?;
        merged.push(if order.is_lt() { a } else { b });
        l += usize::from(order.is_le());
        r += usize::from(order.is_ge());
    }
    merged.extend_from_slice(&left[l..]);
    merged.extend_from_slice(&right[r..]);
    Ok(merged)
}

//! Merging of ascending key lists, and merge sort.
//!
//! Both check for an interrupt and may fail in the middle; the sort of the standard library cannot.

use plan::{EvalError, Items};
use std::cmp::Ordering;
use vm::jet::JetCall;

/// The origin of a key of the merged list, with its index there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MergedKey {
    /// Only the left list has the key.
    Left(usize),
    /// Only the right list has the key.
    Right(usize),
    /// Both lists have the key.
    Both(usize, usize),
}

/// Merges two ascending key lists.
///
/// # Errors
/// [`EvalError::OutOfMemory`] if the heap could not hold the larger list, and
/// [`EvalError::Interrupted`].
pub(crate) fn merge(
    call: &JetCall<'_>,
    left: Items<'_>,
    right: Items<'_>,
) -> Result<Vec<MergedKey>, EvalError> {
    call.check_result_words(left.len().max(right.len()) as u64)?;
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

/// Sorts the indices below `count` by `compare`; of equal ones, only the last is kept.
///
/// # Errors
/// The error that `compare` returns.
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

/// Merges two sorted runs of indices; of equal ones, that of the right run is kept.
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

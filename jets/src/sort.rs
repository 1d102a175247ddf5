//! The jet that sorts a list.
//!
//! The law is a lazy merge sort. When its result is evaluated, it has evaluated the spine of the list,
//! and has found the least item by a tournament: neighbours are compared, then the winners. All other
//! comparisons are made when the rest of the result is demanded. This implementation makes the same
//! comparisons first, in the same order. After them each item is evaluated, and mostly no further
//! comparison evaluates anything; then it sorts all items at once, which cannot be observed. If one
//! would, the law runs.

use crate::args::{Suspendable, evaluate, ready};
use crate::declare::{Jet, JetResult, native};
use crate::order::compare;
use plan::{EvalError, Ref, Shape};
use std::cmp::Ordering;
use vm::jet::ArgDemand::Head;
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[native("listSort", &[Head], sort)];

/// The most items of a row that is sorted by words.
const WORDS_MAX: usize = 4;

/// The most items that are sorted by words, which is not interrupted.
const SORTED_BY_WORDS_MAX: usize = 1 << 20;

/// The number of comparisons between two looks for an interrupt.
const COMPARISONS_PER_CHECK: usize = 1 << 10;

/// Words whose order is that of the values: first 0 for a nat and 1 plus the number of items for a
/// row, then the nat, or the items from the last to the first.
type ValueWords = [u64; 1 + WORDS_MAX];

fn sort(call: &mut JetCall<'_>) -> JetResult {
    // In a nested evaluation, each item would begin the work again.
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let first = call.height() + 1;
    let Some(count) = push_items(call)? else { return Ok(JetAnswer::Law) };
    if count == 0 {
        call.push_small(0);
        return Ok(JetAnswer::Done);
    }
    call.room_for(16)?;
    ready!(find_least(call, first, count));
    let sorted = match sorted_by_words(call, first, count) {
        Some(sorted) => sorted,
        None => match sorted_by_comparison(call, first, count)? {
            Some(sorted) => sorted,
            None => return Ok(JetAnswer::Law),
        },
    };
    call.check_result_words(3 * count as u64)?;
    call.push_small(0);
    for item in sorted.into_iter().rev() {
        call.push_at(first + item as usize);
        call.reverse(2);
        call.row(2)?;
    }
    Ok(JetAnswer::Done)
}

/// Pushes the rest of the list, which is 0 in the end, and above it the items; returns their number. `None`
/// if there are too many for the stack.
fn push_items(call: &mut JetCall<'_>) -> Result<Option<usize>, EvalError> {
    let rest = call.height();
    call.push_at(0);
    for count in 0..u32::MAX as usize {
        call.check()?;
        if evaluate(call, rest)?.is_none() || call.room_for(16).is_err() {
            return Ok(None);
        }
        if call.nat(rest).is_some() {
            return Ok(Some(count));
        }
        call.push_cell(rest)?;
    }
    Ok(None)
}

/// Makes the comparisons of the tournament for the least of the items from index `first` on.
fn find_least(call: &mut JetCall<'_>, first: usize, count: usize) -> Suspendable<usize> {
    // The number of rounds until one is left.
    let rounds = count.next_power_of_two().trailing_zeros();
    winner(call, (first, count), rounds, 0)
}

/// The index of the winner of a match after that number of rounds.
fn winner(
    call: &mut JetCall<'_>,
    (first, count): (usize, usize),
    rounds: u32,
    number: usize,
) -> Suspendable<usize> {
    let Some(before) = rounds.checked_sub(1) else { return Ok(Some(first + number)) };
    let Some(left) = winner(call, (first, count), before, 2 * number)? else { return Ok(None) };
    if (2 * number + 1) << before >= count {
        return Ok(Some(left));
    }
    let Some(right) = winner(call, (first, count), before, 2 * number + 1)? else {
        return Ok(None);
    };
    call.check()?;
    // The law of the comparison evaluates its second argument first.
    if evaluate(call, right)?.is_none() || evaluate(call, left)?.is_none() {
        return Ok(None);
    }
    let order = compare(call, left, right)?;
    Ok(order.map(|order| if order.is_lt() { left } else { right }))
}

/// The indices of the items in ascending order, if all are nats or short rows of nats below 2^64.
fn sorted_by_words(call: &JetCall<'_>, first: usize, count: usize) -> Option<Vec<u32>> {
    if count > SORTED_BY_WORDS_MAX {
        return None;
    }
    let numbered = |item: u32| Some((words_of(call.at(first + item as usize))?, item));
    let mut items = (0..count as u32).map(numbered).collect::<Option<Vec<(ValueWords, u32)>>>()?;
    items.sort_unstable();
    Some(items.into_iter().map(|(_, item)| item).collect())
}

fn words_of(value: Ref<'_>) -> Option<ValueWords> {
    let mut words = [0; 1 + WORDS_MAX];
    match value.shape() {
        Shape::Nat(nat) => words[1] = nat.to_u64()?,
        Shape::Row(items) if (1..=WORDS_MAX).contains(&items.len()) => {
            words[0] = 1 + items.len() as u64;
            for (word, item) in words[1..].iter_mut().zip(items.iter().rev()) {
                *word = item.as_u64()?;
            }
        }
        _ => return None,
    }
    Some(words)
}

/// The indices of the items in ascending order, if no comparison evaluates anything.
///
/// # Errors
/// [`EvalError::Interrupted`].
fn sorted_by_comparison(
    call: &JetCall<'_>,
    first: usize,
    count: usize,
) -> Result<Option<Vec<u32>>, EvalError> {
    let mut sorted: Vec<u32> = (0..count as u32).collect();
    let mut merged = Vec::with_capacity(count);
    let mut comparisons = 0;
    let mut width = 1;
    while width < count {
        merged.clear();
        for runs in sorted.chunks(2 * width) {
            let (mut left, mut right) = runs.split_at(width.min(runs.len()));
            while let (&[a, ref after_a @ ..], &[b, ref after_b @ ..]) = (left, right) {
                comparisons += 1;
                if comparisons % COMPARISONS_PER_CHECK == 0 {
                    call.check()?;
                }
                let [x, y] = [a, b].map(|item| call.at(first + item as usize));
                match x.compare_evaluated(y) {
                    Err(_) => return Ok(None),
                    Ok(Ordering::Greater) => {
                        merged.push(b);
                        right = after_b;
                    }
                    Ok(_) => {
                        merged.push(a);
                        left = after_a;
                    }
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut sorted, &mut merged);
        width *= 2;
    }
    Ok(Some(sorted))
}

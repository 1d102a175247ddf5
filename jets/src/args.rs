//! Functions that native implementations share: reading arguments, evaluating them, returning
//! results.
//!
//! An *index* is a height on the call's stack: arguments come first, then the values pushed later.
//!
//! **Suspension.** An implementation that needs a value to be evaluated may be too deep on the
//! native stack to evaluate it. It then *suspends*: it leaves the value on top of the call's stack
//! and answers [`JetAnswer::Again`]; the evaluator evaluates the value and calls the implementation
//! again with the same arguments. A function that may suspend returns a [`Suspendable`], and its
//! caller passes the suspension on with [`ready!`].

use crate::declare::JetResult;
use plan::{EvalError, Natural, Ref, Shape};
use vm::jet::{JetAnswer, JetCall};

/// The result of a step that may suspend: `None` means that the value on top of the stack must be
/// evaluated before the step can run.
pub(crate) type Suspendable<T> = Result<Option<T>, EvalError>;

/// Continues if the argument, which is demanded lazily, is evaluated; suspends otherwise.
macro_rules! evaluate_arg {
    ($call:expr, $index:expr) => {
        if !$call.is_evaluated_at($index) {
            $call.push_at($index);
            return Ok(vm::jet::JetAnswer::Again);
        }
    };
}
pub(crate) use evaluate_arg;

/// The value of a [`Suspendable`] step; returns from the implementation if the step suspended or
/// failed.
macro_rules! ready {
    ($step:expr) => {
        match $step? {
            Some(value) => value,
            None => return Ok(vm::jet::JetAnswer::Again),
        }
    };
}
pub(crate) use ready;

/// The argument as a nat, 0 for anything else.
pub(crate) fn natural(call: &JetCall<'_>, index: usize) -> Natural {
    call.cast(index).to_natural()
}

/// Whether a value counts as true: it is a nat other than 0.
pub(crate) fn is_true(value: Ref<'_>) -> bool {
    value.as_nat().is_some_and(|nat| !nat.is_zero())
}

/// How many of `count` items the first argument says to take: all if it is not a nat.
pub(crate) fn take_count(call: &JetCall<'_>, count: usize) -> usize {
    match call.nat(0) {
        Some(nat) => nat.saturating_u64().min(count as u64) as usize,
        None => count,
    }
}

/// How many of `count` items the first argument says to drop: none if it is not a nat.
pub(crate) fn drop_count(call: &JetCall<'_>, count: usize) -> usize {
    call.cast(0).saturating_u64().min(count as u64) as usize
}

/// Returns a nat below 2^63.
pub(crate) fn return_small(call: &mut JetCall<'_>, nat: u64) -> JetResult {
    call.push_small(nat);
    Ok(JetAnswer::Done)
}

/// Returns a nat below 2^64.
pub(crate) fn return_u64(call: &mut JetCall<'_>, nat: u64) -> JetResult {
    call.push_u64(nat)?;
    Ok(JetAnswer::Done)
}

/// Returns a nat of any size.
pub(crate) fn return_natural(call: &mut JetCall<'_>, nat: &Natural) -> JetResult {
    call.push_natural(nat)?;
    Ok(JetAnswer::Done)
}

/// Returns 1 or 0.
pub(crate) fn return_bit(call: &mut JetCall<'_>, bit: bool) -> JetResult {
    call.push_bit(bit);
    Ok(JetAnswer::Done)
}

/// Returns the value at that index, which is evaluated.
pub(crate) fn return_value(call: &mut JetCall<'_>, index: usize) -> JetResult {
    call.push_at(index);
    Ok(JetAnswer::Done)
}

/// Returns the value at that index, which the evaluator evaluates if necessary.
pub(crate) fn return_lazy(call: &mut JetCall<'_>, index: usize) -> JetResult {
    call.push_at(index);
    Ok(JetAnswer::Eval)
}

/// The number of items of the row at that index; `None` if the value is not a row.
pub(crate) fn row_len(call: &JetCall<'_>, index: usize) -> Option<usize> {
    call.at(index).as_row().map(|items| items.len())
}

/// The number of keys of the set at that index; `None` if the value is not a set.
pub(crate) fn set_len(call: &JetCall<'_>, index: usize) -> Option<usize> {
    match call.at(index).shape() {
        Shape::Set(keys) => Some(keys.len()),
        _ => None,
    }
}

/// Pushes the law constructor 0 with a name and an arity; a body pushed next completes the call
/// `0 name arity body`, which makes a law.
pub(crate) fn push_law_header(call: &mut JetCall<'_>, name: u64, arity: u64) {
    call.push_small(0);
    call.push_small(name);
    call.push_small(arity);
}

/// Words on the heap of a thunk that applies a function to `args` arguments.
pub(crate) const fn thunk_words(args: u64) -> u64 {
    3 + args
}

/// If one of two collections has this many times fewer entries than the other, inserting them one
/// by one into the other is cheaper than merging: the result shares most of the larger collection.
pub(crate) const INSERTION_RATIO: usize = 16;

/// Evaluates the value at that index to its outermost shape.
pub(crate) fn evaluate(call: &mut JetCall<'_>, index: usize) -> Suspendable<()> {
    if call.is_evaluated_at(index) {
        return Ok(Some(()));
    }
    call.push_at(index);
    if !call.may_nest() {
        return Ok(None);
    }
    call.head()?;
    call.put(index);
    Ok(Some(()))
}

/// Evaluates item `item` of the row at index `row` to its outermost shape.
pub(crate) fn evaluate_item(call: &mut JetCall<'_>, row: usize, item: usize) -> Suspendable<()> {
    let evaluated =
        |r: Ref<'_>| r.as_row().and_then(|items| items.get(item)).map(Ref::is_evaluated);
    if evaluated(call.at(row)) == Some(true) {
        return Ok(Some(()));
    }
    let height = call.height();
    call.push_item(row, item);
    let done = evaluate(call, height)?;
    if done.is_some() {
        call.drop_to(height);
    }
    Ok(done)
}

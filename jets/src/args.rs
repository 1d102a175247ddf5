//! What the families share: looking at arguments, and ending with a result.

use crate::declare::Outcome;
use plan::{EvalError, Natural, Ref, Shape};
use vm::jet::{Answer, Call};

/// Goes on only once an argument that is demanded lazily is evaluated; asks for that otherwise.
macro_rules! need {
    ($call:expr, $index:expr) => {
        if !$call.settle($index) {
            $call.push_at($index);
            return Ok(vm::jet::Answer::Again);
        }
    };
}
pub(crate) use need;

/// Goes on only if a step that may have to wait for an evaluation gave something; the value to be
/// evaluated is on top then.
macro_rules! ready {
    ($step:expr) => {
        match $step? {
            Some(value) => value,
            None => return Ok(vm::jet::Answer::Again),
        }
    };
}
pub(crate) use ready;

/// The argument as a nat, 0 for anything else.
pub(crate) fn natural(call: &Call<'_>, index: usize) -> Natural {
    call.cast(index).to_natural()
}

/// Whether a value counts as true: it is a nat, and not 0.
pub(crate) fn is_true(value: Ref<'_>) -> bool {
    value.as_nat().is_some_and(|nat| !nat.is_zero())
}

/// Ends with a nat below 2^63.
pub(crate) fn small(call: &mut Call<'_>, nat: u64) -> Outcome {
    call.push_small(nat);
    Ok(Answer::Done)
}

/// Ends with a nat below 2^64.
pub(crate) fn word(call: &mut Call<'_>, nat: u64) -> Outcome {
    call.push_u64(nat)?;
    Ok(Answer::Done)
}

/// Ends with a nat of any size.
pub(crate) fn number(call: &mut Call<'_>, nat: &Natural) -> Outcome {
    call.push_natural(nat)?;
    Ok(Answer::Done)
}

/// Ends with 1 or 0.
pub(crate) fn bit(call: &mut Call<'_>, bit: bool) -> Outcome {
    call.push_bit(bit);
    Ok(Answer::Done)
}

/// Ends with a value that is on the stack, evaluated.
pub(crate) fn same(call: &mut Call<'_>, index: usize) -> Outcome {
    call.push_at(index);
    Ok(Answer::Done)
}

/// Ends with a value that is on the stack, which need not be evaluated.
pub(crate) fn lazy(call: &mut Call<'_>, index: usize) -> Outcome {
    call.push_at(index);
    Ok(Answer::Eval)
}

/// How many items the row at that height has; nothing if it is no row.
pub(crate) fn row_len(call: &Call<'_>, index: usize) -> Option<usize> {
    call.at(index).as_row().map(|items| items.len())
}

/// How many keys the set at that height has; nothing if it is no set.
pub(crate) fn set_len(call: &Call<'_>, index: usize) -> Option<usize> {
    match call.at(index).shape() {
        Shape::Set(keys) => Some(keys.len()),
        _ => None,
    }
}

/// Evaluates the value at that height to its outermost shape, if that can be done from here. Says
/// no otherwise, and leaves the value on top: see [`ready`].
pub(crate) fn evaluate(call: &mut Call<'_>, index: usize) -> Result<Option<()>, EvalError> {
    if call.settle(index) {
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

/// Evaluates an item of the row at that height, likewise.
pub(crate) fn evaluate_item(
    call: &mut Call<'_>,
    row: usize,
    item: usize,
) -> Result<Option<()>, EvalError> {
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

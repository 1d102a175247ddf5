//! Lists: chains of pairs of an item and the rest, ended by a nat.
//!
//! The laws take whatever is not a nat for a pair: its first two items, 0 for those that are not
//! there.

use crate::args::{evaluate, ready, row_len};
use crate::declare::{Declaration, Outcome, native};
use vm::Stop;
use vm::jet::Demand::{Head, Lazy};
use vm::jet::Gives::Row;
use vm::jet::{Answer, Call};

pub(crate) const JETS: &[Declaration] = &[
    native("_SizedListToRow", &[Head, Lazy], to_row).gives(Row),
    native("_SizedListToRowRev", &[Head, Lazy], to_row_reversed).gives(Row),
    native("unfoldr", &[Lazy, Lazy], unfold).gives(Row),
];

/// Pushes the first items of a list, as many as the first argument says; zeroes for those that it
/// lacks. Gives their number; nothing, if a part of the list must be evaluated first.
fn push_listed(call: &mut Call<'_>) -> Result<Option<usize>, Stop> {
    let count = usize::try_from(call.cast(0).saturating_u64()).unwrap_or(usize::MAX);
    // A copy of the argument becomes the rest of the list: the argument itself must stay, for the
    // jet to begin with when it is called again.
    let rest = call.height();
    call.push_at(1);
    for pushed in 0..count {
        call.check()?;
        if evaluate(call, rest)?.is_none() {
            return Ok(None);
        }
        if call.nat(rest).is_some() {
            // Only now it is known that no part of the list crashes before memory runs out.
            call.afford((count as u64).saturating_add(1))?;
            call.room_for(count - pushed)?;
            (pushed..count).for_each(|_| call.push_small(0));
            break;
        }
        call.room_for(8)?;
        push_field(call, rest, 0)?;
        push_field(call, rest, 1)?;
        call.put(rest);
    }
    Ok(Some(count))
}

/// Pushes an item of what is taken for a pair.
pub(crate) fn push_field(call: &mut Call<'_>, pair: usize, field: usize) -> Result<(), Stop> {
    let given = call.given(pair);
    if field >= given {
        call.push_small(0);
        return Ok(());
    }
    if row_len(call, pair).is_some() {
        call.push_item(pair, field);
        return Ok(());
    }
    call.push_arg(pair, given - 1 - field)
}

fn to_row(call: &mut Call<'_>) -> Outcome {
    let count = ready!(push_listed(call));
    call.row(count)?;
    Ok(Answer::Done)
}

/// `unfoldr f x`: the row of the items that a function gives, one after the other: of what it is
/// given it makes `(0 pair)`, of an item and of what to go on with, or a nat at the end. The law does
/// not look at the pairs before the function does: where one is not evaluated it is left to the law,
/// which makes thunks that will.
fn unfold(call: &mut Call<'_>) -> Outcome {
    if !call.may_nest() {
        return Ok(Answer::Law);
    }
    let next = call.height();
    call.push_at(1);
    for count in 0.. {
        call.check()?;
        call.room_for(8)?;
        let result = call.height();
        call.push_at(0);
        call.push_at(next);
        call.run(1)?;
        if call.nat(result).is_some() {
            call.drop_to(result);
            call.row(count)?;
            return Ok(Answer::Done);
        }
        let given = call.given(result);
        if given == 0 {
            return Ok(Answer::Law);
        }
        call.push_arg(result, given - 1)?;
        let pair = result + 1;
        if !call.settle(pair) {
            return Ok(Answer::Law);
        }
        push_field(call, pair, 1)?;
        call.put(next);
        push_field(call, pair, 0)?;
        call.put(result);
        call.drop_to(result + 1);
    }
    unreachable!("counting does not end")
}

fn to_row_reversed(call: &mut Call<'_>) -> Outcome {
    let count = ready!(push_listed(call));
    call.reverse(count);
    call.row(count)?;
    Ok(Answer::Done)
}

//! Comparing values that may not be evaluated throughout, as the law `_Cmp` does: outermost first,
//! then part by part in PLAN's order, and no further than the first difference. What lies behind
//! that is never evaluated.
//!
//! Comparing works on the call's stack, where what it has to evaluate stays in sight of the
//! collector; a list of open apps takes the place of recursion.

use crate::args::{evaluate, ready};
use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, Ref};
use std::cmp::Ordering;
use vm::jet::Cheap::OnNats;
use vm::jet::Demand::Head;
use vm::jet::Operation;
use vm::jet::ResultShape::{Any, Bit, Small};
use vm::jet::{Answer, Call};

pub(crate) const JETS: &[Jet] = &[
    native("_Cmp", &[Head, Head], cmp).on_nats(Operation::Compare, Small).cheap(OnNats),
    native("_Eql", &[Head, Head], eql).on_nats(Operation::Equal, Bit).cheap(OnNats),
    native("_Neq", &[Head, Head], neq).on_nats(Operation::NotEqual, Bit).cheap(OnNats),
    native("_Lth", &[Head, Head], lth).on_nats(Operation::Less, Bit).cheap(OnNats),
    native("_Lte", &[Head, Head], lte).on_nats(Operation::LessOrEqual, Bit).cheap(OnNats),
    native("_Gth", &[Head, Head], gth).on_nats(Operation::Greater, Bit).cheap(OnNats),
    native("_Gte", &[Head, Head], gte).on_nats(Operation::GreaterOrEqual, Bit).cheap(OnNats),
    native("_Min", &[Head, Head], min).on_nats(Operation::Least, Any).cheap(OnNats),
    native("_Max", &[Head, Head], max).on_nats(Operation::Greatest, Any).cheap(OnNats),
];

/// What a comparison is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CompareMode {
    Order,
    /// Only whether the values are equal matters: any difference is reported as `Less`.
    Equality,
}

/// Two apps whose arguments are being compared: they lie at `at` and above it.
struct ComparedApps {
    at: usize,
    next: usize,
    count: usize,
}

/// What looking at two evaluated values says.
enum ShallowComparison {
    Known(Ordering),
    /// They are apps of equal functions to so many arguments.
    Arguments(usize),
}

/// The order of the values at these heights. Nothing, if a value must be evaluated first that
/// cannot be from here: it is on top then.
pub(crate) fn compare(
    call: &mut Call<'_>,
    left: usize,
    right: usize,
) -> Result<Option<Ordering>, EvalError> {
    compare_in_mode(call, left, right, CompareMode::Order)
}

/// Whether the values at these heights are equal; nothing as for [`compare`].
pub(crate) fn equal(
    call: &mut Call<'_>,
    left: usize,
    right: usize,
) -> Result<Option<bool>, EvalError> {
    let order = compare_in_mode(call, left, right, CompareMode::Equality)?;
    Ok(order.map(|order| order == Ordering::Equal))
}

fn compare_in_mode(
    call: &mut Call<'_>,
    left: usize,
    right: usize,
    mode: CompareMode,
) -> Result<Option<Ordering>, EvalError> {
    if let (Some(left), Some(right)) = (call.small(left), call.small(right)) {
        return Ok(Some(left.cmp(&right)));
    }
    let floor = call.height();
    call.push_at(left);
    call.push_at(right);
    let mut open: Vec<ComparedApps> = Vec::new();
    loop {
        call.check()?;
        // The pair to look at is on top.
        let at = call.height() - 2;
        if evaluate(call, at)?.is_none() || evaluate(call, at + 1)?.is_none() {
            return Ok(None);
        }
        match compare_shallow(call, at, mode)? {
            ShallowComparison::Known(Ordering::Equal) => call.drop_to(at),
            ShallowComparison::Known(order) => {
                call.drop_to(floor);
                return Ok(Some(order));
            }
            ShallowComparison::Arguments(count) => open.push(ComparedApps { at, next: 0, count }),
        }
        if !push_next_pair(call, &mut open)? {
            call.drop_to(floor);
            return Ok(Some(Ordering::Equal));
        }
    }
}

/// Pushes the next arguments to be compared. Says no if there are none left.
fn push_next_pair(call: &mut Call<'_>, open: &mut Vec<ComparedApps>) -> Result<bool, EvalError> {
    while let Some(last) = open.last_mut() {
        if last.next == last.count {
            call.drop_to(last.at);
            open.pop();
            continue;
        }
        call.room_for(8)?;
        call.push_arg(last.at, last.next)?;
        call.push_arg(last.at + 1, last.next)?;
        last.next += 1;
        return Ok(true);
    }
    Ok(false)
}

/// Compares the evaluated values at `at` and above it as far as that can be said at once.
fn compare_shallow(
    call: &mut Call<'_>,
    at: usize,
    mode: CompareMode,
) -> Result<ShallowComparison, EvalError> {
    let (left, right) = (call.at(at), call.at(at + 1));
    let given = call.given(at);
    if left.is_normal() && right.is_normal() || given == 0 && call.given(at + 1) == 0 {
        return Ok(ShallowComparison::Known(compare_normal(left, right, mode)?));
    }
    // One of them is an app, since all else is in normal form. An app is greater than what is none,
    // and one with more arguments greater than one with fewer.
    let order = given.cmp(&call.given(at + 1));
    if order != Ordering::Equal {
        return Ok(ShallowComparison::Known(order));
    }
    let height = call.height();
    call.push_function(at);
    call.push_function(at + 1);
    let order = compare_normal(call.at(height), call.at(height + 1), mode)?;
    call.drop_to(height);
    Ok(if order == Ordering::Equal {
        ShallowComparison::Arguments(given)
    } else {
        ShallowComparison::Known(order)
    })
}

/// Compares values in normal form.
fn compare_normal(left: Ref<'_>, right: Ref<'_>, mode: CompareMode) -> Result<Ordering, EvalError> {
    match mode {
        CompareMode::Order => left.try_compare(right),
        CompareMode::Equality if left.try_equal(right)? => Ok(Ordering::Equal),
        CompareMode::Equality => Ok(Ordering::Less),
    }
}

/// Ends with whether the order of the arguments is as wanted.
fn return_whether(call: &mut Call<'_>, wanted: fn(Ordering) -> bool) -> JetResult {
    let order = ready!(compare(call, 0, 1));
    call.push_bit(wanted(order));
    Ok(Answer::Done)
}

fn cmp(call: &mut Call<'_>) -> JetResult {
    let order = ready!(compare(call, 0, 1));
    call.push_small(match order {
        Ordering::Less => 0,
        Ordering::Equal => 1,
        Ordering::Greater => 2,
    });
    Ok(Answer::Done)
}

fn eql(call: &mut Call<'_>) -> JetResult {
    let equal = ready!(equal(call, 0, 1));
    call.push_bit(equal);
    Ok(Answer::Done)
}

fn neq(call: &mut Call<'_>) -> JetResult {
    let equal = ready!(equal(call, 0, 1));
    call.push_bit(!equal);
    Ok(Answer::Done)
}

fn lth(call: &mut Call<'_>) -> JetResult {
    return_whether(call, Ordering::is_lt)
}

fn lte(call: &mut Call<'_>) -> JetResult {
    return_whether(call, Ordering::is_le)
}

fn gth(call: &mut Call<'_>) -> JetResult {
    return_whether(call, Ordering::is_gt)
}

fn gte(call: &mut Call<'_>) -> JetResult {
    return_whether(call, Ordering::is_ge)
}

fn min(call: &mut Call<'_>) -> JetResult {
    let order = ready!(compare(call, 0, 1));
    call.push_at(usize::from(order.is_gt()));
    Ok(Answer::Done)
}

fn max(call: &mut Call<'_>) -> JetResult {
    let order = ready!(compare(call, 0, 1));
    call.push_at(usize::from(order.is_lt()));
    Ok(Answer::Done)
}

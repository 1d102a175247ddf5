//! Comparison of values whose parts may be unevaluated, as the law `_Cmp` does it: the outermost
//! shape first, then part by part in PLAN's order, up to the first difference. Parts after the
//! first difference are never evaluated.
//!
//! The values being compared are on the call's stack, where the collector finds them. An explicit
//! stack of [`ComparedApps`] replaces recursion. Pairs that were found equal are remembered, so
//! that values that share their parts are compared in linear time.

use crate::args::{Suspendable, evaluate, ready};
use crate::declare::{Jet, JetResult, native};
use plan::{EqualPairs, EvalError, Ref};
use std::cmp::Ordering;
use vm::jet::ArgDemand::Head;
use vm::jet::CheapCondition::OnNats;
use vm::jet::JetOperation;
use vm::jet::ResultShape::{Any, Bit, Small};
use vm::jet::{JetAnswer, JetCall, PartialComparison};

pub(crate) const JETS: &[Jet] = &[
    native("_Cmp", &[Head, Head], cmp).on_nats(JetOperation::Compare, Small).cheap(OnNats),
    native("_Eql", &[Head, Head], eql).on_nats(JetOperation::Equal, Bit).cheap(OnNats),
    native("_Neq", &[Head, Head], neq).on_nats(JetOperation::NotEqual, Bit).cheap(OnNats),
    native("_Lth", &[Head, Head], lth).on_nats(JetOperation::Less, Bit).cheap(OnNats),
    native("_Lte", &[Head, Head], lte).on_nats(JetOperation::LessOrEqual, Bit).cheap(OnNats),
    native("_Gth", &[Head, Head], gth).on_nats(JetOperation::Greater, Bit).cheap(OnNats),
    native("_Gte", &[Head, Head], gte).on_nats(JetOperation::GreaterOrEqual, Bit).cheap(OnNats),
    native("_Min", &[Head, Head], min).on_nats(JetOperation::Least, Any).cheap(OnNats),
    native("_Max", &[Head, Head], max).on_nats(JetOperation::Greatest, Any).cheap(OnNats),
];

/// The number of unevaluated parts that are evaluated one by one, each by a comparison that starts
/// again. Values with more are compared with the help of the stack.
pub(crate) const EVALUATED_PARTS: usize = 8;

/// The question that a caller of a comparison asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CompareMode {
    /// The order of the values.
    Order,
    /// Whether the values are equal; any difference is reported as `Less`.
    Equality,
}

/// Two apps, at indices `at` and `at + 1`, whose arguments are being compared: `next` is the next
/// of `count` arguments.
struct ComparedApps {
    at: usize,
    next: usize,
    count: usize,
}

/// The result of comparing two values that are evaluated to their outermost shape.
enum ShallowComparison {
    /// The order is known.
    Known(Ordering),
    /// The values are apps of equal functions to this many arguments, which remain to be compared.
    Arguments(usize),
}

/// Compares the values at two indices in PLAN's order.
pub(crate) fn compare(call: &mut JetCall<'_>, left: usize, right: usize) -> Suspendable<Ordering> {
    compare_in_mode(call, left, right, CompareMode::Order)
}

/// Whether the values at two indices are equal.
pub(crate) fn equal(call: &mut JetCall<'_>, left: usize, right: usize) -> Suspendable<bool> {
    let order = compare_in_mode(call, left, right, CompareMode::Equality)?;
    Ok(order.map(|order| order == Ordering::Equal))
}

fn compare_in_mode(
    call: &mut JetCall<'_>,
    left: usize,
    right: usize,
    mode: CompareMode,
) -> Suspendable<Ordering> {
    if let (Some(left), Some(right)) = (call.small(left), call.small(right)) {
        return Ok(Some(left.cmp(&right)));
    }
    for _ in 0..EVALUATED_PARTS {
        let height = call.height();
        match call.compare_evaluated(left, right)? {
            PartialComparison::Known(order) => return Ok(Some(order)),
            PartialComparison::Unsupported => break,
            PartialComparison::Unevaluated if evaluate(call, height)?.is_none() => return Ok(None),
            PartialComparison::Unevaluated => call.drop_to(height),
        }
    }
    let floor = call.height();
    call.push_at(left);
    call.push_at(right);
    let mut open: Vec<ComparedApps> = Vec::new();
    let mut equal_pairs = EqualPairs::new();
    loop {
        call.check()?;
        // The next pair to compare is on top of the stack.
        let at = call.height() - 2;
        if evaluate(call, at)?.is_none() || evaluate(call, at + 1)?.is_none() {
            return Ok(None);
        }
        match compare_shallow(call, at, mode, &mut equal_pairs)? {
            ShallowComparison::Known(Ordering::Equal) => call.drop_to(at),
            ShallowComparison::Known(order) => {
                call.drop_to(floor);
                return Ok(Some(order));
            }
            ShallowComparison::Arguments(count) => open.push(ComparedApps { at, next: 0, count }),
        }
        if !push_next_pair(call, &mut open, &mut equal_pairs)? {
            call.drop_to(floor);
            return Ok(Some(Ordering::Equal));
        }
    }
}

/// Pushes the next pair of arguments to compare; returns `false` if none is left.
fn push_next_pair(
    call: &mut JetCall<'_>,
    open: &mut Vec<ComparedApps>,
    equal_pairs: &mut EqualPairs,
) -> Result<bool, EvalError> {
    while let Some(last) = open.last_mut() {
        if last.next == last.count {
            equal_pairs.insert(call.at(last.at), call.at(last.at + 1));
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

/// Compares the evaluated values at `at` and `at + 1` without evaluating any part of them.
fn compare_shallow(
    call: &mut JetCall<'_>,
    at: usize,
    mode: CompareMode,
    equal_pairs: &mut EqualPairs,
) -> Result<ShallowComparison, EvalError> {
    let (left, right) = (call.at(at), call.at(at + 1));
    let arg_count = call.arg_count(at);
    if left.is_normal() && right.is_normal() || arg_count == 0 && call.arg_count(at + 1) == 0 {
        return Ok(ShallowComparison::Known(compare_normal(left, right, mode, equal_pairs)?));
    }
    // At least one value is an app, because all other evaluated values are in normal form. An app
    // is greater than any other value, and greater than an app with fewer arguments.
    let order = arg_count.cmp(&call.arg_count(at + 1));
    if order != Ordering::Equal {
        return Ok(ShallowComparison::Known(order));
    }
    if equal_pairs.contains(left, right) {
        return Ok(ShallowComparison::Known(Ordering::Equal));
    }
    let height = call.height();
    call.push_function(at);
    call.push_function(at + 1);
    let order = compare_normal(call.at(height), call.at(height + 1), mode, equal_pairs)?;
    call.drop_to(height);
    Ok(if order == Ordering::Equal {
        ShallowComparison::Arguments(arg_count)
    } else {
        ShallowComparison::Known(order)
    })
}

/// Compares two values in normal form.
fn compare_normal(
    left: Ref<'_>,
    right: Ref<'_>,
    mode: CompareMode,
    equal_pairs: &mut EqualPairs,
) -> Result<Ordering, EvalError> {
    match mode {
        CompareMode::Order => left.try_compare_with(right, equal_pairs),
        CompareMode::Equality if left.try_equal_with(right, equal_pairs)? => Ok(Ordering::Equal),
        CompareMode::Equality => Ok(Ordering::Less),
    }
}

/// Returns whether the order of the arguments satisfies `wanted`.
fn return_whether(call: &mut JetCall<'_>, wanted: fn(Ordering) -> bool) -> JetResult {
    let order = ready!(compare(call, 0, 1));
    call.push_bit(wanted(order));
    Ok(JetAnswer::Done)
}

fn cmp(call: &mut JetCall<'_>) -> JetResult {
    let order = ready!(compare(call, 0, 1));
    call.push_small(match order {
        Ordering::Less => 0,
        Ordering::Equal => 1,
        Ordering::Greater => 2,
    });
    Ok(JetAnswer::Done)
}

fn eql(call: &mut JetCall<'_>) -> JetResult {
    let equal = ready!(equal(call, 0, 1));
    call.push_bit(equal);
    Ok(JetAnswer::Done)
}

fn neq(call: &mut JetCall<'_>) -> JetResult {
    let equal = ready!(equal(call, 0, 1));
    call.push_bit(!equal);
    Ok(JetAnswer::Done)
}

fn lth(call: &mut JetCall<'_>) -> JetResult {
    return_whether(call, Ordering::is_lt)
}

fn lte(call: &mut JetCall<'_>) -> JetResult {
    return_whether(call, Ordering::is_le)
}

fn gth(call: &mut JetCall<'_>) -> JetResult {
    return_whether(call, Ordering::is_gt)
}

fn gte(call: &mut JetCall<'_>) -> JetResult {
    return_whether(call, Ordering::is_ge)
}

fn min(call: &mut JetCall<'_>) -> JetResult {
    let order = ready!(compare(call, 0, 1));
    call.push_at(usize::from(order.is_gt()));
    Ok(JetAnswer::Done)
}

fn max(call: &mut JetCall<'_>) -> JetResult {
    let order = ready!(compare(call, 0, 1));
    call.push_at(usize::from(order.is_lt()));
    Ok(JetAnswer::Done)
}

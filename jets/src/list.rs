//! Jets on lists. A list is a pair of an item and the rest of the list, or a nat at the end.
//!
//! The laws treat every value that is not a nat as a pair of its first two items; a missing item
//! counts as 0.

use crate::args::{Suspendable, evaluate, ready};
use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, Heap, Val};
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::ResultShape::Row;
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("_SizedListToRow", &[Head, Lazy], to_row).returns(Row),
    native("_SizedListToRowRev", &[Head, Lazy], to_row_reversed).returns(Row),
    native("unfoldr", &[Lazy, Lazy], unfold).returns(Row),
];

/// Pushes as many items of a list as the first argument says, padded with zeroes, and returns their
/// number.
fn push_list_items(call: &mut JetCall<'_>) -> Suspendable<usize> {
    let count = usize::try_from(call.cast(0).saturating_u64()).unwrap_or(usize::MAX);
    // The cursor is a copy of the argument: if the jet suspends, it starts again from the argument.
    let rest = call.height();
    call.push_at(1);
    for pushed in 0..count {
        call.check()?;
        if evaluate(call, rest)?.is_none() {
            return Ok(None);
        }
        if call.nat(rest).is_some() {
            // This check comes late because the law evaluates the list, which may crash, before it
            // runs out of memory.
            call.check_result_words((count as u64).saturating_add(1))?;
            call.room_for(count - pushed)?;
            (pushed..count).for_each(|_| call.push_small(0));
            break;
        }
        call.room_for(8)?;
        call.push_cell(rest)?;
    }
    Ok(Some(count))
}

fn to_row(call: &mut JetCall<'_>) -> JetResult {
    let count = ready!(push_list_items(call));
    call.row(count)?;
    Ok(JetAnswer::Done)
}

/// `unfoldr f x`: the row of the items that `f` generates from the state `x`. `f state` is an app
/// whose last argument is the pair of an item and the next state, or a nat at the end. The law does
/// not evaluate a pair before one of its parts is needed.
fn unfold(call: &mut JetCall<'_>) -> JetResult {
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let mut fields = None;
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
            return Ok(JetAnswer::Done);
        }
        let arg_count = call.arg_count(result);
        if arg_count == 0 {
            // For a pin or law the law takes its item or body as the pair.
            return Ok(JetAnswer::Law);
        }
        let pair = result + 1;
        call.push_arg(result, arg_count - 1)?;
        if call.is_evaluated_at(pair) {
            call.push_field(pair, 1)?;
            call.put(next);
            call.push_field(pair, 0)?;
        } else {
            let [first, second] = match &fields {
                Some(made) => made,
                None => fields.insert(field_laws(call.heap())?),
            };
            push_applied(call, second, pair)?;
            call.put(next);
            push_applied(call, first, pair)?;
        }
        call.put(result);
        call.drop_to(result + 1);
    }
    unreachable!("the range has no end")
}

/// Pushes the unevaluated application of a function to the value at index `value`.
fn push_applied(call: &mut JetCall<'_>, function: &Val, value: usize) -> Result<(), EvalError> {
    call.push(function);
    call.push_at(value);
    call.app(1)
}

/// Two laws that return field 0 and field 1 of a value, as [`JetCall::push_field`] defines them.
fn field_laws(heap: &mut Heap) -> Result<[Val; 2], EvalError> {
    let (zero, last) = (heap.nat(0), heap.nat(2));
    let zero_body = constant(heap, &zero)?;
    let none = [law(heap, 1, &zero_body)?, law(heap, 3, &zero_body)?];
    // {0 2 2} returns its second argument: the last argument of the app that is split.
    let argument = law(heap, 2, &last)?;
    let first = by_kind_law(heap, &none, &argument)?;
    let (first_constant, function) = (constant(heap, &first)?, heap.nat(1));
    // {0 2 (first 1)}: the second field is the first field of the app without its last argument.
    let body = heap.app(&zero, &[first_constant, function])?;
    let first_of_function = law(heap, 2, &body)?;
    let second = by_kind_law(heap, &none, &first_of_function)?;
    Ok([first, second])
}

/// The law `x -> 1 one three app one x`, where the operation 1 selects by the kind of `x`: `app`
/// gets an app's function and last argument; `one` (for pins and nats) and `three` (for laws)
/// return 0.
fn by_kind_law(heap: &mut Heap, [one, three]: &[Val; 2], app: &Val) -> Result<Val, EvalError> {
    let (zero, operation, argument) = (heap.nat(0), heap.nat(1), heap.nat(1));
    let mut body = constant(heap, &operation)?;
    for case in [one, three, app, one] {
        let case = constant(heap, case)?;
        body = heap.app(&zero, &[body, case])?;
    }
    let body = heap.app(&zero, &[body, argument])?;
    law(heap, 1, &body)
}

/// A constant in a law's body.
fn constant(heap: &mut Heap, value: &Val) -> Result<Val, EvalError> {
    let two = heap.nat(2);
    heap.app(&two, std::slice::from_ref(value))
}

/// A law without a name.
fn law(heap: &mut Heap, arity: u64, body: &Val) -> Result<Val, EvalError> {
    heap.build(|builder| {
        builder.push_nat(0)?;
        builder.push_nat(arity)?;
        builder.push(body);
        builder.law()
    })
}

fn to_row_reversed(call: &mut JetCall<'_>) -> JetResult {
    let count = ready!(push_list_items(call));
    call.reverse(count);
    call.row(count)?;
    Ok(JetAnswer::Done)
}

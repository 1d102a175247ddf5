//! Lists: chains of pairs of an item and the rest, ended by a nat.
//!
//! The laws take whatever is not a nat for a pair: its first two items, 0 for those that are not
//! there.

use crate::args::{evaluate, ready};
use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, Val};
use vm::Vm;
use vm::jet::Demand::{Head, Lazy};
use vm::jet::ResultShape::Row;
use vm::jet::{Answer, Call};

pub(crate) const JETS: &[Jet] = &[
    native("_SizedListToRow", &[Head, Lazy], to_row).gives(Row),
    native("_SizedListToRowRev", &[Head, Lazy], to_row_reversed).gives(Row),
    native("unfoldr", &[Lazy, Lazy], unfold).gives(Row),
];

/// Pushes the first items of a list, as many as the first argument says; zeroes for those that it
/// lacks. Gives their number; nothing, if a part of the list must be evaluated first.
fn push_list_items(call: &mut Call<'_>) -> Result<Option<usize>, EvalError> {
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
        call.push_field(rest, 0)?;
        call.push_field(rest, 1)?;
        call.put(rest);
    }
    Ok(Some(count))
}

fn to_row(call: &mut Call<'_>) -> JetResult {
    let count = ready!(push_list_items(call));
    call.row(count)?;
    Ok(Answer::Done)
}

/// `unfoldr f x`: the row of the items that a function gives, one after the other: of what it is
/// given it makes `(0 pair)`, of an item and of what to go on with, or a nat at the end. A pair is not
/// looked at before its parts are.
fn unfold(call: &mut Call<'_>) -> JetResult {
    if !call.may_nest() {
        return Ok(Answer::Law);
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
            return Ok(Answer::Done);
        }
        let given = call.given(result);
        if given == 0 {
            // A pin or law: its item or body is the pair.
            return Ok(Answer::Law);
        }
        let pair = result + 1;
        call.push_arg(result, given - 1)?;
        if call.settle(pair) {
            call.push_field(pair, 1)?;
            call.put(next);
            call.push_field(pair, 0)?;
        } else {
            let [first, second] = match &fields {
                Some(made) => made,
                None => fields.insert(field_laws(call.vm())?),
            };
            push_applied(call, second, pair)?;
            call.put(next);
            push_applied(call, first, pair)?;
        }
        call.put(result);
        call.drop_to(result + 1);
    }
    unreachable!("counting does not end")
}

/// Pushes a function applied to the value at that height, unevaluated.
fn push_applied(call: &mut Call<'_>, function: &Val, value: usize) -> Result<(), EvalError> {
    call.push(function);
    call.push_at(value);
    call.app(1)
}

/// The laws of what [`Call::push_field`] pushes of a value, for fields 0 and 1.
fn field_laws(vm: &mut Vm) -> Result<[Val; 2], EvalError> {
    let (zero, last) = (vm.nat(0), vm.nat(2));
    let nothing = constant(vm, &zero)?;
    let none = [law(vm, 1, &nothing)?, law(vm, 3, &nothing)?];
    // {0 2 2}: the last argument of an app, which comes after the function.
    let argument = law(vm, 2, &last)?;
    let first = by_kind_law(vm, &none, &argument)?;
    let (quoted_first, function) = (constant(vm, &first)?, vm.nat(1));
    let within = vm.app(&zero, &[quoted_first, function])?;
    let within = law(vm, 2, &within)?;
    let second = by_kind_law(vm, &none, &within)?;
    Ok([first, second])
}

/// The law of what is made of an app's function and last argument, and 0 of anything else: of pins
/// and nats by the first of two functions, of laws by the second.
fn by_kind_law(vm: &mut Vm, [one, three]: &[Val; 2], app: &Val) -> Result<Val, EvalError> {
    let (zero, operation, argument) = (vm.nat(0), vm.nat(1), vm.nat(1));
    let mut body = constant(vm, &operation)?;
    for case in [one, three, app, one] {
        let case = constant(vm, case)?;
        body = vm.app(&zero, &[body, case])?;
    }
    let body = vm.app(&zero, &[body, argument])?;
    law(vm, 1, &body)
}

/// In a law's body, a constant.
fn constant(vm: &mut Vm, value: &Val) -> Result<Val, EvalError> {
    let two = vm.nat(2);
    vm.app(&two, std::slice::from_ref(value))
}

/// A law without a name.
fn law(vm: &mut Vm, arity: u64, body: &Val) -> Result<Val, EvalError> {
    vm.build(|builder| {
        builder.push_nat(0)?;
        builder.push_nat(arity)?;
        builder.push(body);
        builder.law()
    })
}

fn to_row_reversed(call: &mut Call<'_>) -> JetResult {
    let count = ready!(push_list_items(call));
    call.reverse(count);
    call.row(count)?;
    Ok(Answer::Done)
}

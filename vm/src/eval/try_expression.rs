//! `_TryExp`: a `try` of an expression, which is nested calls encoded as data.
//!
//! `["VALUE" v]` is the value `v`. `["APPLY" [f x y ...]]` is the application of the first item's
//! expression to those of the others; without items it is 0. Everything is read as a row, as the
//! law reads it: an app's arguments are items, the last one first, and a missing item is 0. A value
//! with another tag, or with an invalid expression in it, is not an expression.

use super::next_step::NextStep;
use super::try_catch::InputForm;
use crate::jet::JetCall;
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::Word;

/// The tags, as nats that spell them.
const VALUE: u64 = u64::from_le_bytes(*b"VALUE\0\0\0");
const APPLY: u64 = u64::from_le_bytes(*b"APPLY\0\0\0");

/// An application under construction has four values: the row of its items, and, at these distances
/// above it, the number of the next item, the application so far, and the item being converted.
const NEXT: usize = 1;
const CALL: usize = 2;
const ITEM: usize = 3;

/// The number of stack words that one step of the conversion needs.
const ROOM: usize = 32;

impl Vm {
    /// Begins a `try` of the expression on top, which is in normal form, and pops it. Returns 0 if
    /// it is not an expression.
    pub(super) fn try_expression(&mut self, in_law_order: bool) -> Result<NextStep, EvalError> {
        let base = self.heap.stack.top() - 1;
        let mut call = JetCall { vm: self, base };
        if !push_call(&mut call)? {
            self.heap.stack.truncate(base);
            return Ok(NextStep::Return(Word::ZERO));
        }
        let converted = self.heap.stack.pop();
        let expression = self.heap.stack.pop();
        self.push_catch(expression, InputForm::Expression, in_law_order);
        Ok(NextStep::Eval(converted))
    }
}

/// The replacement by [`expand`] of the expression on top.
enum Expanded {
    /// A value.
    Value,
    /// The first expression inside it.
    Expression,
    /// Nothing: it is not an expression.
    Invalid,
}

/// Pushes the call that the expression at index 0 encodes, not evaluated. Returns false if it is
/// not an expression.
fn push_call(call: &mut JetCall<'_>) -> Result<bool, EvalError> {
    call.push_at(0);
    let done = call.height();
    loop {
        call.check()?;
        call.room_for(ROOM)?;
        match expand(call)? {
            Expanded::Value if finish_item(call, done)? => return Ok(true),
            Expanded::Value | Expanded::Expression => {}
            Expanded::Invalid => return Ok(false),
        }
    }
}

/// Replaces the expression on top by its value, or by the first expression inside it.
fn expand(call: &mut JetCall<'_>) -> Result<Expanded, EvalError> {
    let at = call.height() - 1;
    let tag = tag(call, at)?;
    call.push_field(at, 1)?;
    call.resolve_at(at + 1);
    call.put(at);
    match (tag, call.arg_count(at)) {
        (Some(VALUE), _) => Ok(Expanded::Value),
        (Some(APPLY), 0) => {
            call.drop_to(at);
            call.push_small(0);
            Ok(Expanded::Value)
        }
        (Some(APPLY), 1) => {
            call.push_field(at, 0)?;
            call.resolve_at(at + 1);
            call.put(at);
            Ok(Expanded::Expression)
        }
        (Some(APPLY), _) => {
            call.push_small(0);
            call.push_small(0);
            push_next(call, at)?;
            Ok(Expanded::Expression)
        }
        _ => Ok(Expanded::Invalid),
    }
}

/// The tag of the value at that index: the nat itself, or its first item.
fn tag(call: &mut JetCall<'_>, at: usize) -> Result<Option<u64>, EvalError> {
    if let Some(nat) = call.nat(at) {
        return Ok(nat.to_u64());
    }
    call.push_field(at, 0)?;
    call.resolve_at(at + 1);
    let tag = call.nat(at + 1).and_then(|nat| nat.to_u64());
    call.drop_to(at + 1);
    Ok(tag)
}

/// Pushes the next item of the application at that index.
fn push_next(call: &mut JetCall<'_>, at: usize) -> Result<(), EvalError> {
    let next = call.cast(at + NEXT).saturating_u64();
    call.push_small(next + 1);
    call.put(at + NEXT);
    call.push_field(at, next as usize)?;
    call.resolve_at(at + ITEM);
    Ok(())
}

/// Adds the value on top, a converted item, to the application below it. If the application is
/// complete, it is an item of the one below it in turn. Ends when an application needs its next
/// item, which is pushed, or all applications above the height `done` are complete: then returns
/// true.
fn finish_item(call: &mut JetCall<'_>, done: usize) -> Result<bool, EvalError> {
    while call.height() > done {
        call.check()?;
        let at = call.height() - 1 - ITEM;
        let count = call.cast(at + NEXT).saturating_u64();
        if count == 1 {
            call.put(at + CALL);
        } else {
            call.app(1)?;
        }
        if count < call.arg_count(at) as u64 {
            push_next(call, at)?;
            return Ok(false);
        }
        call.put(at);
        call.drop_to(at + 1);
    }
    Ok(true)
}

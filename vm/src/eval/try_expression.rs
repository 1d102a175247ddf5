//! Expressions: applications spelled as data, which `_TryExp` attempts.
//!
//! `["VALUE" v]` is the value `v`. `["APPLY" [f x y ...]]` is the application of what the first item
//! spells to what the others do; of no items it is 0. Everything is taken for a row, as the law takes
//! it: an app's arguments are items, the last one first, and what is not there is 0. What has another
//! tag, or spells such a thing somewhere, is no expression.

use super::next_step::NextStep;
use super::try_catch::TryInput;
use crate::jet::Call;
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::Word;

/// Tags, as nats of their letters.
const VALUE: u64 = u64::from_le_bytes(*b"VALUE\0\0\0");
const APPLY: u64 = u64::from_le_bytes(*b"APPLY\0\0\0");

/// Places of an application that is being made, above that of its row.
const NEXT: usize = 1;
const MADE: usize = 2;
const ITEM: usize = 3;

/// Stack words that an attempt at an expression needs at once.
const ROOM: usize = 32;

impl Vm {
    /// Begins an attempt at the expression on top, in normal input, in whose place the result will be:
    /// 0 if it is none.
    pub(super) fn try_expression(&mut self, in_law_order: bool) -> Result<NextStep, EvalError> {
        let base = self.heap.stack.top() - 1;
        let mut call = Call { vm: self, base };
        if !spell_out(&mut call)? {
            self.heap.stack.truncate(base);
            return Ok(NextStep::Return(Word::ZERO));
        }
        let spelled = self.heap.stack.pop();
        let expression = self.heap.stack.pop();
        self.push_catch(expression, TryInput::Expression, in_law_order);
        Ok(NextStep::Eval(spelled))
    }
}

/// What an expression is.
enum Opened {
    /// The value on top, in its place.
    Value,
    /// What the expression on top is.
    Expression,
    /// None.
    Nothing,
}

/// Pushes what the expression at height 0 spells, not evaluated. Says no if it spells nothing.
fn spell_out(call: &mut Call<'_>) -> Result<bool, EvalError> {
    call.push_at(0);
    let done = call.height();
    loop {
        call.check()?;
        call.room_for(ROOM)?;
        match open(call)? {
            Opened::Value if close(call, done)? => return Ok(true),
            Opened::Value | Opened::Expression => {}
            Opened::Nothing => return Ok(false),
        }
    }
}

/// Replaces the expression on top by what it begins with.
fn open(call: &mut Call<'_>) -> Result<Opened, EvalError> {
    let at = call.height() - 1;
    let tag = tag(call, at)?;
    call.push_field(at, 1)?;
    call.is_evaluated_at(at + 1);
    call.put(at);
    match (tag, call.arg_count(at)) {
        (Some(VALUE), _) => Ok(Opened::Value),
        (Some(APPLY), 0) => {
            call.drop_to(at);
            call.push_small(0);
            Ok(Opened::Value)
        }
        (Some(APPLY), 1) => {
            call.push_field(at, 0)?;
            call.is_evaluated_at(at + 1);
            call.put(at);
            Ok(Opened::Expression)
        }
        (Some(APPLY), _) => {
            call.push_small(0);
            call.push_small(0);
            push_next(call, at)?;
            Ok(Opened::Expression)
        }
        _ => Ok(Opened::Nothing),
    }
}

/// The tag of the value at that height: the nat itself, or its first item.
fn tag(call: &mut Call<'_>, at: usize) -> Result<Option<u64>, EvalError> {
    if let Some(nat) = call.nat(at) {
        return Ok(nat.to_u64());
    }
    call.push_field(at, 0)?;
    call.is_evaluated_at(at + 1);
    let tag = call.nat(at + 1).and_then(|nat| nat.to_u64());
    call.drop_to(at + 1);
    Ok(tag)
}

/// Pushes the next item of the application at that height.
fn push_next(call: &mut Call<'_>, at: usize) -> Result<(), EvalError> {
    let next = call.cast(at + NEXT).saturating_u64();
    call.push_small(next + 1);
    call.put(at + NEXT);
    call.push_field(at, next as usize)?;
    call.is_evaluated_at(at + ITEM);
    Ok(())
}

/// Hands the value on top to the applications that wait for it, until one asks for its next item,
/// which is pushed, or all of them are made, down to that height.
fn close(call: &mut Call<'_>, done: usize) -> Result<bool, EvalError> {
    while call.height() > done {
        call.check()?;
        let at = call.height() - 1 - ITEM;
        let taken = call.cast(at + NEXT).saturating_u64();
        if taken == 1 {
            call.put(at + MADE);
        } else {
            call.app(1)?;
        }
        if taken < call.arg_count(at) as u64 {
            push_next(call, at)?;
            return Ok(false);
        }
        call.put(at);
        call.drop_to(at + 1);
    }
    Ok(true)
}

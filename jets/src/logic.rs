//! Jets on truth values. 0 and all values that are not nats are false.
//!
//! A connective evaluates its second argument only if the first does not decide the result.

use crate::args::{evaluate_arg, is_true, return_bit};
use crate::declare::{Jet, JetResult, native};
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::CheapCondition::Always;
use vm::jet::JetCall;
use vm::jet::JetOperation;
use vm::jet::ResultShape::Bit;

pub(crate) const JETS: &[Jet] = &[
    native("_Not", &[Head], not).primitive(JetOperation::Not, Bit).cheap(Always),
    native("_Bit", &[Head], truth).primitive(JetOperation::Truth, Bit).cheap(Always),
    native("_Eqz", &[Head], is_zero).primitive(JetOperation::IsZero, Bit).cheap(Always),
    native("_And", &[Head, Lazy], and).primitive(JetOperation::And, Bit).cheap(Always),
    native("_Or", &[Head, Lazy], or).primitive(JetOperation::Or, Bit).cheap(Always),
    native("_Nand", &[Head, Lazy], nand).primitive(JetOperation::NotAnd, Bit).cheap(Always),
    native("_Nor", &[Head, Lazy], nor).primitive(JetOperation::NotOr, Bit).cheap(Always),
    native("_Xor", &[Head, Head], xor).primitive(JetOperation::Xor, Bit).cheap(Always),
    native("_Xnor", &[Head, Head], xnor).primitive(JetOperation::NotXor, Bit).cheap(Always),
];

fn not(call: &mut JetCall<'_>) -> JetResult {
    let truth = is_true(call.arg(0));
    return_bit(call, !truth)
}

fn truth(call: &mut JetCall<'_>) -> JetResult {
    let truth = is_true(call.arg(0));
    return_bit(call, truth)
}

/// Unlike [`not`], returns 0 for a value that is not a nat.
fn is_zero(call: &mut JetCall<'_>) -> JetResult {
    let zero = call.small(0) == Some(0);
    return_bit(call, zero)
}

/// Returns whether the truth of the second argument equals `wanted`.
fn second_is(call: &mut JetCall<'_>, wanted: bool) -> JetResult {
    evaluate_arg!(call, 1);
    let truth = is_true(call.arg(1));
    return_bit(call, truth == wanted)
}

fn and(call: &mut JetCall<'_>) -> JetResult {
    if is_true(call.arg(0)) { second_is(call, true) } else { return_bit(call, false) }
}

fn or(call: &mut JetCall<'_>) -> JetResult {
    if is_true(call.arg(0)) { return_bit(call, true) } else { second_is(call, true) }
}

fn nand(call: &mut JetCall<'_>) -> JetResult {
    if is_true(call.arg(0)) { second_is(call, false) } else { return_bit(call, true) }
}

fn nor(call: &mut JetCall<'_>) -> JetResult {
    if is_true(call.arg(0)) { return_bit(call, false) } else { second_is(call, false) }
}

fn xor(call: &mut JetCall<'_>) -> JetResult {
    let differ = is_true(call.arg(0)) != is_true(call.arg(1));
    return_bit(call, differ)
}

fn xnor(call: &mut JetCall<'_>) -> JetResult {
    let agree = is_true(call.arg(0)) == is_true(call.arg(1));
    return_bit(call, agree)
}

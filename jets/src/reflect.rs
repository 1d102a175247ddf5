//! Reflection: the kind of a value, and its parts.
//!
//! PLAN sees rows, tables, sets and bars as the apps and laws that they represent.

use crate::args::{is_true, natural, return_bit, return_small, return_value};
use crate::declare::{Jet, JetResult, native};
use plan::{Ref, Shape};
use vm::jet::ArgDemand::Head;
use vm::jet::CheapCondition::Always;
use vm::jet::JetOperation;
use vm::jet::ResultShape::{Any, Bit, Nat, Small};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("_IsPin", &[Head], is_pin).primitive(JetOperation::IsPin, Bit).cheap(Always),
    native("_IsLaw", &[Head], is_law).primitive(JetOperation::IsLaw, Bit).cheap(Always),
    native("_IsApp", &[Head], is_app).primitive(JetOperation::IsApp, Bit).cheap(Always),
    native("_IsNat", &[Head], is_nat).primitive(JetOperation::IsNat, Bit).cheap(Always),
    native("_PlanTag", &[Head], plan_tag).total(Small).cheap(Always),
    native("_TypeTag", &[Head], type_tag).returns(Small).cheap(Always),
    native("_DataTag", &[Head], data_tag).operation(JetOperation::DataTag).cheap(Always),
    native("_PinItem", &[Head], pin_item).total(Any).cheap(Always),
    native("_LawName", &[Head], law_name).total(Nat),
    native("_LawArgs", &[Head], law_args).total(Nat),
    native("_LawBody", &[Head], law_body).total(Any),
    native("_Car", &[Head], car).total(Any),
    native("_Cdr", &[Head], cdr).operation(JetOperation::Cdr),
    native("_Null", &[Head], null).total(Bit),
    native("_Head", &[Head], head).total(Any),
    native("_Arity", &[Head], arity).total(Nat),
    native("_Cow", &[Head], cow).total(Any),
    native("_CowSize", &[Head], cow_size).total(Nat),
    native("_IsCow", &[Head], is_cow).total(Bit).cheap(Always),
    native("_IsRow", &[Head], is_row).total(Bit).cheap(Always),
];

/// The four kinds of PLAN values, numbered as `_PlanTag` numbers them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PlanTag {
    Pin = 0,
    Law = 1,
    App = 2,
    Nat = 3,
}

fn plan_tag_of(value: Ref<'_>) -> PlanTag {
    match value.shape() {
        Shape::Pin(_) => PlanTag::Pin,
        Shape::Nat(_) => PlanTag::Nat,
        Shape::Row(items) if items.is_empty() => PlanTag::Law,
        Shape::Law(_) | Shape::Bar(_) | Shape::Set(_) | Shape::Cow(_) => PlanTag::Law,
        Shape::App(_) | Shape::Row(_) | Shape::Tab(..) => PlanTag::App,
        Shape::Thunk => unreachable!("the argument is evaluated"),
    }
}

fn has_tag(call: &mut JetCall<'_>, wanted: PlanTag) -> JetResult {
    let answer = plan_tag_of(call.arg(0)) == wanted;
    return_bit(call, answer)
}

fn is_pin(call: &mut JetCall<'_>) -> JetResult {
    has_tag(call, PlanTag::Pin)
}

fn is_law(call: &mut JetCall<'_>) -> JetResult {
    has_tag(call, PlanTag::Law)
}

fn is_app(call: &mut JetCall<'_>) -> JetResult {
    has_tag(call, PlanTag::App)
}

fn is_nat(call: &mut JetCall<'_>) -> JetResult {
    has_tag(call, PlanTag::Nat)
}

fn plan_tag(call: &mut JetCall<'_>) -> JetResult {
    let tag = plan_tag_of(call.arg(0)) as u64;
    return_small(call, tag)
}

/// Like [`plan_tag`], but bars, rows, tables, constructors and sets have tags of their own.
fn type_tag(call: &mut JetCall<'_>) -> JetResult {
    let value = call.arg(0);
    let tag = match value.shape() {
        Shape::Bar(_) => 4,
        Shape::Row(_) => 5,
        Shape::Tab(..) => 6,
        Shape::Set(_) => 8,
        _ if is_constructor(value) => 7,
        // The app may be a table whose row of values is not evaluated yet.
        Shape::App(app) if matches!(app.head().shape(), Shape::Set(_)) => {
            return Ok(JetAnswer::Law);
        }
        _ => plan_tag_of(value) as u64,
    };
    return_small(call, tag)
}

/// Returns a nat itself, the last argument of an app, and 0 for any other value.
fn data_tag(call: &mut JetCall<'_>) -> JetResult {
    if is_true(call.arg(0)) {
        return return_value(call, 0);
    }
    match call.arg_count(0) {
        0 => return_small(call, 0),
        arg_count => {
            call.push_arg(0, arg_count - 1)?;
            Ok(JetAnswer::Eval)
        }
    }
}

fn pin_item(call: &mut JetCall<'_>) -> JetResult {
    if plan_tag_of(call.arg(0)) != PlanTag::Pin {
        return return_small(call, 0);
    }
    call.push_item(0, 0);
    Ok(JetAnswer::Done)
}

fn law_name(call: &mut JetCall<'_>) -> JetResult {
    match call.arg(0).shape() {
        Shape::Law(_) => call.push_item(0, 0),
        Shape::Bar(_) | Shape::Set(_) => call.push_small(1),
        _ => call.push_small(0),
    }
    Ok(JetAnswer::Done)
}

/// Pushes the arity of a law; 0 for any other value.
fn push_law_args(call: &mut JetCall<'_>) {
    match call.arg(0).shape() {
        Shape::Law(_) => call.push_item(0, 1),
        Shape::Set(_) => call.push_small(2),
        Shape::Bar(_) => call.push_small(1),
        Shape::Row(items) if items.is_empty() => call.push_small(1),
        Shape::Cow(width) => call.push_small(width + 1),
        _ => call.push_small(0),
    }
}

fn law_args(call: &mut JetCall<'_>) -> JetResult {
    push_law_args(call);
    Ok(JetAnswer::Done)
}

/// Pushes the body of a law; 0 for any other value.
fn push_law_body(call: &mut JetCall<'_>) -> Result<(), plan::EvalError> {
    match call.arg(0).shape() {
        Shape::Law(_) => call.push_item(0, 2),
        Shape::Set(_) => call.push_keys(0)?,
        Shape::Bar(bytes) => {
            let mut with_terminator = bytes.to_vec();
            with_terminator.push(1);
            call.push_bytes(&with_terminator)?;
        }
        _ => call.push_small(0),
    }
    Ok(())
}

fn law_body(call: &mut JetCall<'_>) -> JetResult {
    push_law_body(call)?;
    Ok(JetAnswer::Done)
}

/// Returns an app without its last argument, the constructor of a pin (4), or the constructor of a
/// law applied to its name and arity. The result applied to [`cdr`] of the value gives the value
/// again.
fn car(call: &mut JetCall<'_>) -> JetResult {
    match plan_tag_of(call.arg(0)) {
        PlanTag::Nat => call.push_small(0),
        PlanTag::Pin => call.push_small(4),
        PlanTag::Law => {
            call.push_small(0);
            law_name(call)?;
            push_law_args(call);
            call.app(2)?;
        }
        PlanTag::App => {
            call.push_at(0);
            call.split()?;
            let function = call.height() - 2;
            call.drop_to(function + 1);
        }
    }
    Ok(JetAnswer::Done)
}

/// Returns the last argument of an app, the item of a pin, or the body of a law.
fn cdr(call: &mut JetCall<'_>) -> JetResult {
    match plan_tag_of(call.arg(0)) {
        PlanTag::Nat => call.push_small(0),
        PlanTag::Pin => call.push_item(0, 0),
        PlanTag::Law => push_law_body(call)?,
        PlanTag::App => {
            let last = call.arg_count(0) - 1;
            call.push_arg(0, last)?;
            return Ok(JetAnswer::Eval);
        }
    }
    Ok(JetAnswer::Done)
}

fn null(call: &mut JetCall<'_>) -> JetResult {
    let none = plan_tag_of(call.arg(0)) != PlanTag::App;
    return_bit(call, none)
}

/// Returns the function of an app without any arguments, and any other value unchanged.
fn head(call: &mut JetCall<'_>) -> JetResult {
    if plan_tag_of(call.arg(0)) != PlanTag::App {
        return return_value(call, 0);
    }
    call.push_function(0);
    Ok(JetAnswer::Done)
}

/// Returns the number of arguments that the value needs before a call runs.
fn arity(call: &mut JetCall<'_>) -> JetResult {
    match call.arity(0) {
        Some(arity) => return_small(call, arity),
        None => Ok(JetAnswer::Law),
    }
}

/// Returns the constructor of rows of a given width: the law `{0 width+1 0}`.
fn cow(call: &mut JetCall<'_>) -> JetResult {
    let width = natural(call, 0);
    call.push_small(0);
    call.push_small(0);
    call.push_natural(&(width + plan::Natural::from(1u32)))?;
    call.push_small(0);
    Ok(JetAnswer::Call(3))
}

/// Returns the arity of a law minus one.
fn cow_size(call: &mut JetCall<'_>) -> JetResult {
    if let Shape::Law(_) = call.arg(0).shape() {
        return Ok(JetAnswer::Law);
    }
    push_law_args(call);
    let args = call.small(call.height() - 1).unwrap_or(0);
    return_small(call, args.saturating_sub(1))
}

fn is_constructor(value: Ref<'_>) -> bool {
    match value.shape() {
        Shape::Cow(_) => true,
        Shape::Row(items) => items.is_empty(),
        Shape::Law(law) => {
            law.name().is_zero() && law.body().as_nat().is_some_and(|body| body.is_zero())
        }
        _ => false,
    }
}

fn is_cow(call: &mut JetCall<'_>) -> JetResult {
    let answer = is_constructor(call.arg(0));
    return_bit(call, answer)
}

fn is_row(call: &mut JetCall<'_>) -> JetResult {
    let answer = call.arg(0).as_row().is_some();
    return_bit(call, answer)
}

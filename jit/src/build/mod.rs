//! Builds the [`Unit`] of a law: from the law's body to unoptimised IR.
//!
//! The builder starts from the [analysed law](vm::law), as the interpreter's decoder does. The IR
//! says step by step what the interpreter would do. The outermost expression of the body is lowered
//! *strictly*, to be evaluated now; arguments are lowered *lazily*, to be passed on:
//! references and constants as they are, applications that lack arguments as values, other
//! applications as thunks. Where the function is a constant that is known to evaluate an argument
//! (an operation, a jet), that argument is lowered strictly. Laws that are called with as many
//! arguments as their arity become part of the unit, up to limits of number and size.
//!
//! ```text
//! build_for ─► UnitBuilder (unit)          constants, the queue of laws
//!                 └─► LawLowering (law)    one law: scopes, lets, applications
//!                        ├─ strict         expressions to be evaluated now: calls, branches
//!                        ├─ jet_calls      calls of jets
//!                        ├─ replacements   replacements of items of rows
//!                        ├─ switches       choices between the items of a row or table
//!                        └─ lazy           expressions to be passed on: values, thunks
//! jets          what the compiler knows of jets
//! entry_guards  guards for the arguments that the law was seen with
//! ```
//!
//! Bodies come from outside and may be deep. Loops walk applications and lets; thunks are lowered
//! one after the other from a work list; strict expressions that nest deeper than a limit are
//! lowered lazily. So the recursion of this module is bounded.

mod entry_guards;
mod error;
mod jet_calls;
mod jets;
mod law;
mod lazy;
mod replacements;
mod strict;
mod switches;
mod unit;

pub(crate) use entry_guards::{ExpectedCallee, add_entry_guards};
pub use error::BuildError;
pub(crate) use unit::ARITY_LIMIT;

use crate::ir::{FunctionRole, Unit};
use plan::{Ref, Shape, Val};
use unit::{LAW_SIZE_LIMIT, UnitBuilder, law_of};
use vm::Vm;

/// A unit and the values of its constants.
pub struct BuiltUnit {
    /// The unit.
    pub unit: Unit,
    /// The values of the constants, in the order of the unit's constants.
    pub values: Vec<Val>,
    /// The functions among the law's arguments that the law calls.
    pub(crate) expected: Vec<ExpectedCallee>,
}

/// Builds the unit of a law of that runtime, or of a pin of a law. The jets are those of the runtime.
///
/// # Errors
/// See [`BuildError`].
pub fn build(vm: &Vm, law: Ref<'_>) -> Result<BuiltUnit, BuildError> {
    build_for(vm, law, &[])
}

/// Builds the unit of a law that was called with these arguments.
///
/// # Errors
/// See [`BuildError`].
pub(crate) fn build_for<'h>(
    vm: &'h Vm,
    law: Ref<'h>,
    args: &[Ref<'h>],
) -> Result<BuiltUnit, BuildError> {
    let mut builder = UnitBuilder::new(vm);
    let root = builder.constant_id(law);
    if builder.unit.constants[root].arity > ARITY_LIMIT {
        return Err(BuildError::TooLarge);
    }
    builder.include_law(root, LAW_SIZE_LIMIT).ok_or_else(|| match law_of(law) {
        Some(_) => BuildError::TooLarge,
        None => BuildError::NotALaw,
    })?;
    lower_queued(&mut builder)?;
    let expected = builder.expected_callees(args);
    lower_queued(&mut builder)?;
    builder.unit.row_size = vector_size([args, &builder.values].concat());
    Ok(finish(vm, builder, expected))
}

/// Lowers the laws of the unit, and the jets that they pass on. The code of a jet passes nothing on but its
/// parameters.
fn lower_queued(builder: &mut UnitBuilder<'_>) -> Result<(), BuildError> {
    law::lower_queued_laws(builder)?;
    builder.include_passed_jets();
    while let Some((jet, entry, declared)) = builder.jets.pop() {
        jet_calls::lower_jet(builder, jet, entry, declared)?;
    }
    Ok(())
}

/// The most values that are examined for vectors.
const EXAMINED_LIMIT: usize = 100;
/// The numbers of items of vectors.
const VECTOR_SIZES: std::ops::RangeInclusive<usize> = 2..=4;

/// The number of items that most vectors among the arguments and constants of a law have: short rows of
/// nats or thunks of them.
fn vector_size(mut examined: Vec<Ref<'_>>) -> Option<u64> {
    let mut counts = [0; *VECTOR_SIZES.end() + 1];
    let mut next = 0;
    while let Some(value) = examined.get(next).copied().filter(|_| next < EXAMINED_LIMIT) {
        next += 1;
        let Some(items) = value.as_row() else { continue };
        let shapes = || items.iter().map(|item| item.shape());
        if VECTOR_SIZES.contains(&items.len())
            && shapes().all(|shape| matches!(shape, Shape::Nat(_) | Shape::Thunk))
            && shapes().any(|shape| matches!(shape, Shape::Nat(_)))
        {
            counts[items.len()] += 1;
        }
        let room = EXAMINED_LIMIT.saturating_sub(examined.len());
        examined.extend(items.iter().take(room));
    }
    let (size, count) = counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
    (*count > 0).then_some(size as u64)
}

/// Builds the unit of one call of a jet, whose arguments are those of the unit's entry.
///
/// # Errors
/// [`BuildError::NotALaw`] if the value is not the pin of a jet.
pub(crate) fn build_jet<'h>(vm: &'h Vm, pin: Ref<'h>) -> Result<BuiltUnit, BuildError> {
    let Shape::Pin(view) = pin.shape() else { return Err(BuildError::NotALaw) };
    let jet = *vm.jet_of(view).ok_or(BuildError::NotALaw)?;
    let mut builder = UnitBuilder::new(vm);
    let root = builder.constant_id(pin);
    let entry = builder.new_function(FunctionRole::General);
    jet_calls::lower_jet(&mut builder, root, entry, jet)?;
    law::lower_queued_laws(&mut builder)?;
    Ok(finish(vm, builder, Vec::new()))
}

fn finish(vm: &Vm, builder: UnitBuilder<'_>, expected: Vec<ExpectedCallee>) -> BuiltUnit {
    let values = builder.values.iter().map(|value| vm.hold(*value)).collect();
    BuiltUnit { unit: builder.unit, values, expected }
}

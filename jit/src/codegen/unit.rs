//! Translating the functions of a unit, one by one.

use super::backend::{Backend, Listing};
use super::emitter::tail_signature;
use super::environment::Environment;
use super::error::CompileError;
use super::function::CompiledFunction;
use super::translator::FunctionTranslator;
use crate::ir::{Function, FunctionId, FunctionRole, Unit};
use cranelift_codegen::ir::Signature;
use vm::native::PARAMETERS_MAX;

/// Compiles all functions of a unit, in order.
///
/// # Errors
/// If a function has a shape that is not supported, or Cranelift fails.
pub fn compile(
    backend: &mut Backend,
    unit: &Unit,
    environment: &Environment,
    listing: Listing,
) -> Result<Vec<CompiledFunction>, CompileError> {
    check(unit)?;
    let compile = |function: &Function| {
        backend.compile(signature(function), listing, |emitter, params| {
            FunctionTranslator::new(emitter, unit, function, environment).translate(params)
        })
    };
    unit.functions.values().map(compile).collect()
}

/// Translates all functions of a unit to Cranelift's IR, in order, and returns that as text. For tests
/// and for readers.
///
/// # Errors
/// If a function has a shape that is not supported.
pub fn print_clif(
    backend: &mut Backend,
    unit: &Unit,
    environment: &Environment,
) -> Result<Vec<String>, CompileError> {
    check(unit)?;
    let translate = |function: &Function| {
        let clif = backend.build(signature(function), |emitter, params| {
            FunctionTranslator::new(emitter, unit, function, environment).translate(params)
        })?;
        Ok(clif.display().to_string())
    };
    unit.functions.values().map(translate).collect()
}

/// Refuses a unit that has no entry, or one that the trampolines cannot call.
fn check(unit: &Unit) -> Result<(), CompileError> {
    match unit.functions.get(FunctionId::ROOT) {
        None => Err(CompileError::Shape("the unit has no functions")),
        Some(entry) if entry.params.len() > PARAMETERS_MAX => {
            Err(CompileError::Shape("the law takes too many arguments"))
        }
        Some(_) => Ok(()),
    }
}

/// The signature of a function. The code of a thunk takes the thunk, and reads its captures from it.
fn signature(function: &Function) -> Signature {
    let params = if function.role == FunctionRole::Thunk { 1 } else { function.params.len() };
    tail_signature(params, function.results.len())
}

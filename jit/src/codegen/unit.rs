//! Translating the functions of a unit, one by one.

use super::backend::{Backend, Listing};
use super::emitter::tail_signature;
use super::environment::UnitEnvironment;
use super::error::CompileError;
use super::function::CompiledFunction;
use super::translator::{FunctionTranslator, UnitCode};
use crate::ir::{Function, FunctionId, FunctionRole, Unit};
use cranelift_codegen::ir::{self as clif, Signature};
use vm::native::PARAMETERS_MAX;

/// Compiles all functions of a unit, in order.
///
/// # Errors
/// If a function has a shape that is not supported, or Cranelift fails.
pub fn compile(
    backend: &mut Backend,
    unit: &Unit,
    environment: &UnitEnvironment,
    listing: Listing,
) -> Result<Vec<CompiledFunction>, CompileError> {
    check(unit)?;
    let code = UnitCode::of(unit, environment);
    let compile = |id: FunctionId| {
        let function = code.function(id);
        let mut compiled = backend.compile(signature(function), listing, |emitter, params| {
            FunctionTranslator::new(emitter, &code, id).translate(params)
        })?;
        compiled.law = function.law.map(|law| law.as_u32());
        Ok(compiled)
    };
    unit.functions.keys().map(compile).collect()
}

/// Translates all functions of a unit to Cranelift's IR, in order, and returns that as text. For
/// tests and for readers.
///
/// # Errors
/// If a function has a shape that is not supported.
pub fn print_clif(
    backend: &mut Backend,
    unit: &Unit,
    environment: &UnitEnvironment,
) -> Result<Vec<String>, CompileError> {
    check(unit)?;
    let code = UnitCode::of(unit, environment);
    let translate = |id: FunctionId| {
        let clif = backend.build(signature(code.function(id)), |emitter, params| {
            FunctionTranslator::new(emitter, &code, id).translate(params)
        })?;
        Ok(print(clif))
    };
    unit.functions.keys().map(translate).collect()
}

/// The text of a function. Symbols are printed by name (`u2:0`), which Cranelift does only for
/// functions.
fn print(clif: &clif::Function) -> String {
    let mut text = clif.display().to_string();
    // From the last to the first, because the number of one may begin with that of another.
    for (id, name) in clif.params.user_named_funcs().iter().rev() {
        text = text.replace(&id.to_string(), &format!("u{}:{}", name.namespace, name.index));
    }
    text
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

/// The signature of a function. The code of a thunk takes the thunk, and reads its captures from
/// it.
fn signature(function: &Function) -> Signature {
    let params = if function.role == FunctionRole::Thunk { 1 } else { function.params.len() };
    tail_signature(params, function.results.len())
}

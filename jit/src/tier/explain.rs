//! [`explain`]: the compilation of one law, step by step, for a reader.

use super::constant_facts;
use crate::build::{self, BuildError};
use crate::codegen::{self, Backend, CompileError, Listing, UnitEnvironment};
use crate::ir::ConstantId;
use crate::passes::optimise;
use plan::{Shape, Val};
use vm::Vm;

/// The compilation of a law.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompilationReport {
    /// The unit of IR before the passes.
    pub before: String,
    /// The unit after all passes.
    pub after: String,
    /// The functions of the unit.
    pub functions: Vec<FunctionListing>,
}

/// A compiled function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionListing {
    /// The name of the law that it is part of, if it is known.
    pub law: Option<String>,
    /// The size of its machine code in bytes.
    pub bytes: usize,
    /// The machine code as Cranelift prints it.
    pub text: String,
}

/// Why a law is not compiled.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExplainError {
    /// The unit cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The unit cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// Compiles a law, or the pin of one, as it is compiled when it has been called often; the pin of a
/// jet as a call of the jet. The entry has no guards, since no arguments have been seen. Nothing is
/// published.
///
/// # Errors
/// See [`ExplainError`].
pub fn explain(vm: &mut Vm, function: &Val) -> Result<CompilationReport, ExplainError> {
    let is_jet = match vm.look(function).shape() {
        Shape::Pin(pin) => vm.jet_of(pin).is_some(),
        _ => false,
    };
    let built = if is_jet {
        build::build_jet(vm, vm.look(function))?
    } else {
        build::build(vm, vm.look(function))?
    };
    // The address of the constants is linked later, so any does.
    let environment = UnitEnvironment { constants: 0, facts: constant_facts(vm, &built) };
    let mut unit = built.unit;
    let before = unit.to_string();
    optimise(&mut unit, &[], |_, _| {});
    let after = unit.to_string();
    let mut backend = Backend::new()?;
    let compiled = codegen::compile(&mut backend, &unit, &environment, Listing::Disassembly)?;
    let functions = compiled.into_iter().map(|function| FunctionListing {
        law: function.law.and_then(|law| {
            let constant = unit.constants.get(ConstantId::from_u32(law))?;
            Some(constant.name.clone())
        }),
        bytes: function.code.len(),
        text: function.disassembly.unwrap_or_default(),
    });
    let functions = functions.collect();
    Ok(CompilationReport { before, after, functions })
}

//! From expressions to values.
//!
//! ```text
//! expression --inline--> expression --LawCompiler--> LawCode --emit_law--> law --> value
//! ```
//!
//! * [`inline`] replaces calls of functions that are marked for inlining by the functions' bodies.
//! * [`law_compiler`] resolves variables, folds constants and makes each lambda a function of
//!   [`law_code`].
//! * [`emit_law`] lifts the free variables of a function into arguments and emits its law.
//!
//! These steps determine which law a definition becomes, and so its hash. They follow the prototype
//! exactly (lib/Sire/Backend.hs, doc/legacy/sire/SIRE_INLINE.md, doc/legacy/sire/SIRE_CODEGEN.md).

mod emit_law;
mod inline;
mod law_code;
mod law_compiler;

use crate::command_error::CommandError;
use crate::expr::{BindingCache, SireExpr};
use plan::Val;
use vm::Vm;

/// Evaluates a closed expression to normal form. `zero` is the nat 0.
pub(crate) fn evaluate(
    vm: &mut Vm,
    bindings: &BindingCache,
    zero: &Val,
    expr: &SireExpr,
) -> Result<Val, CommandError> {
    let inlined = inline::inline(vm, bindings, zero.clone(), expr)?;
    law_compiler::evaluate(vm, &inlined)
}

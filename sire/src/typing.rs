//! Types of Sire's definitions.
//!
//! A module that imports `typed` is a *typed module*: each of its definitions and expressions has a
//! type, declared above it or inferred. The crate `types` infers; this module says which terms an
//! expression means, and which types the global names have. Types never reach the compiler: the
//! same code has the same hash, with types or without.
//!
//! * [`places`]: the source of each expression, and the literals and macros that it comes from;
//! * [`declared`]: the types of the library's names, from the tables in `sire/types`;
//! * [`globals`]: the types of global names and of constants;
//! * [`terms`], [`datacase`]: expressions as terms;
//! * [`checker`]: [`TypeChecker`], which a session owns.

mod checker;
mod datacase;
mod declared;
mod globals;
mod places;
mod terms;

/// The module whose import makes a module typed.
pub(crate) const TYPED_MODULE: &str = "typed";

pub(crate) use checker::{
    CheckContext, CheckMode, SurveyedName, TypeChecker, TypeFailure, TypeOrigin, TypePlace,
};

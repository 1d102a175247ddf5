//! Expressions of Sire, and the global bindings that they refer to.
//!
//! * [`node`]: the expression graph, with its bindings;
//! * [`mod@shift`]: moving an expression under more binders;
//! * [`binding_cache`]: decodes each binding once;
//! * [`codec`]: expressions as PLAN values;
//! * [`definition`]: new bindings, and the code of old ones.

mod binding_cache;
mod codec;
mod definition;
mod node;
mod shift;

pub(crate) use binding_cache::BindingCache;
pub(crate) use definition::{Definition, code_of, new_binding};
pub(crate) use node::{
    BINDERS_MAX, Binding, CallArg, ExprKind, ExprNode, Lambda, PartialCall, SireExpr, app,
    constant, global, globals_of, inline, lambda, let_in, let_rec, var,
};
pub(crate) use shift::{refers_to, shift};

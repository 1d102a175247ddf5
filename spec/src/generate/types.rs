//! The types of generated expressions, and the scope of variables of these types.

use super::super::Term;

/// The type that an expression is meant to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermType {
    /// A nat.
    Nat,
    /// A function that takes that many nats, at least one, and then returns a nat.
    Function(u64),
    /// A row.
    Row,
    /// A bar.
    Bar,
    /// A set.
    Set,
    /// A table.
    Tab,
    /// A list: 0, or a row of its first item and the rest.
    List,
    /// Any value.
    Any,
}

/// The variables that may be mentioned, and their expected types.
#[derive(Clone, Debug, Default)]
pub(super) struct TypedScope {
    pub(super) variables: Vec<(u64, TermType)>,
}

/// A function that programs may call, for instance a law that has a jet.
#[derive(Clone, Debug)]
pub struct KnownFunction {
    /// The function.
    pub function: Term,
    /// The types of its parameters, at least one.
    pub parameters: Vec<TermType>,
    /// The type of its result.
    pub result: TermType,
}

//! Analyses of units. They change nothing; [`build`](crate::build) and [`passes`](crate::passes)
//! use their results.
//!
//! ```text
//! call_graph     which functions a function refers to
//! summary        size, uses and recursion of one function
//! demand         demand (strictness) analysis: what is certain to be evaluated
//! called_params  which parameters a function calls
//! cheap_code     whether the code of a thunk is cheap for some types
//! collections    which jets edit tables, sets and rows, and which only read them
//! ```

pub(crate) mod call_graph;
pub(crate) mod called_params;
pub(crate) mod cheap_code;
pub(crate) mod collections;
pub(crate) mod demand;
pub(crate) mod summary;

//! The error of decoding a value that a macro or a cache file supplies.

/// A value is not the part of Sire's state that it should be. The field names the part and the rule
/// that the value breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed {0}")]
pub(crate) struct MalformedValue(pub(crate) &'static str);

//! The options that distinguish the passes that the simplifier implements.

/// The rewrites that the simplifier does besides the ones that are always profitable.
#[derive(Clone, Copy, Default)]
pub(in crate::passes) struct SimplifyOptions {
    /// Inline small functions.
    pub(in crate::passes) inline: bool,
    /// Inline functions that only one loop calls, too. Before, a loop may get other parameters, and its
    /// rows may be unpacked.
    pub(in crate::passes) into_loops: bool,
    /// Evaluate eagerly the thunks that are certain to be evaluated.
    pub(in crate::passes) strict: bool,
    /// Evaluate eagerly the thunks that are as cheap as their allocation.
    pub(in crate::passes) eager: bool,
    /// Evaluate eagerly the thunks that are cheap if some values are small nats, after a test.
    pub(in crate::passes) speculate: bool,
    /// Write code twice where it generates a row: for the number of items that vectors have, and for
    /// others.
    pub(in crate::passes) version: bool,
}

//! [`PoolId`]: the number by which laws, thunks and frames refer to code.

/// The number of a pool, and so of the decoded code that it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PoolId(pub(crate) u32);

impl PoolId {
    /// The number of no pool.
    pub(crate) const NONE: PoolId = PoolId(u32::MAX);
}

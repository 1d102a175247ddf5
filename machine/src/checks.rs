//! In which events the hash of the state is logged, for replays to compare.

use crate::cog::Cog;
use std::time::{Duration, Instant};
use vm::Hash;

/// The hash is logged as often as computing it takes at most one part in this of the time.
const SHARE: u32 = 32;

/// Decides when to compute the hash of a state. In which events it is has no meaning, so the
/// decision may depend on the time.
#[derive(Default)]
pub(crate) struct Checks {
    cost: Duration,
    last: Option<Instant>,
}

impl Checks {
    /// The hash, if it is cheap enough to compute it now.
    pub(crate) fn hash(&mut self, cog: &mut Cog) -> Option<Hash> {
        let begun = Instant::now();
        if self.last.is_some_and(|last| begun.duration_since(last) < self.cost * SHARE) {
            return None;
        }
        let hash = cog.hash().ok();
        let done = Instant::now();
        (self.cost, self.last) = (done - begun, Some(done));
        hash
    }
}

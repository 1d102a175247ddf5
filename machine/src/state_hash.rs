//! When to log the hash of the state, which a replay compares with its own.

use crate::clock::Clock;
use crate::cog::{Cog, CogError};
use plan::{EvalError, Hash};
use std::time::{Duration, Instant};

/// The hash is computed so often that it takes at most this fraction (1/32) of the time.
const SHARE: u32 = 32;

/// Decides before which events the hash of the state is computed. The choice has no effect on the
/// state, so it may depend on the time.
#[derive(Default)]
pub(crate) struct StateHashSchedule {
    /// How long the last computation took.
    cost: Duration,
    /// When the last computation ended.
    last: Option<Instant>,
}

impl StateHashSchedule {
    /// Computes the hash of the cog's state if that is cheap enough now and the heap has room for
    /// it.
    ///
    /// # Errors
    /// [`CogError::Damaged`].
    pub(crate) fn hash(
        &mut self,
        cog: &mut Cog,
        clock: &dyn Clock,
    ) -> Result<Option<Hash>, CogError> {
        let start = clock.instant();
        if self.last.is_some_and(|last| start.duration_since(last) < self.cost * SHARE) {
            return Ok(None);
        }
        let hash = match cog.hash() {
            Ok(hash) => Some(hash),
            Err(damaged @ EvalError::Damaged { .. }) => return Err(CogError::Damaged(damaged)),
            Err(_) => None,
        };
        let end = clock.instant();
        (self.cost, self.last) = (end - start, Some(end));
        Ok(hash)
    }
}

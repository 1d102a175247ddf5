//! Appending events from other threads, committed in the background.

use std::sync::Arc;

use super::group_commit::GroupCommit;
use crate::error::LogError;
use crate::types::Seq;

/// A handle that appends events from any thread. The committer commits them in the background.
///
/// Clones are cheap. After the store is closed, appending fails.
#[derive(Clone)]
pub struct LogAppender {
    shared: Arc<GroupCommit>,
}

impl LogAppender {
    pub(super) fn new(shared: Arc<GroupCommit>) -> Self {
        Self { shared }
    }

    /// Appends an event.
    ///
    /// The committer's thread, or an appending thread before it returns from here, calls `on_durable`
    /// with the event's sequence once the event is durable, in the order of sequences; or with the
    /// error once it is certain that the event will never be acknowledged. While the disk is full, the
    /// call is delayed.
    ///
    /// An appending thread commits while commits are fast
    /// ([`StoreSettings::inline_commit`](crate::StoreSettings::inline_commit)). Otherwise this returns
    /// without waiting for the disk.
    ///
    /// A callback delays all later ones, so it should be short, such as sending a message. It may
    /// append, commit and wait for events, but must not wait for another thread.
    ///
    /// # Errors
    /// Like [`crate::Store::append`]; then `on_durable` is dropped without a call.
    pub fn append(
        &self,
        payload: Vec<u8>,
        on_durable: impl FnOnce(Result<Seq, LogError>) + Send + 'static,
    ) -> Result<Seq, LogError> {
        self.shared.append(payload.len(), || payload, Some(Box::new(on_durable)))
    }

    /// Appends an event and returns a ticket to wait for its durability.
    ///
    /// # Errors
    /// Like [`crate::Store::append`].
    pub fn submit(&self, payload: Vec<u8>) -> Result<CommitTicket, LogError> {
        let seq = self.shared.append(payload.len(), || payload, None)?;
        Ok(CommitTicket { shared: Arc::clone(&self.shared), seq })
    }
}

/// A ticket for an appended event.
pub struct CommitTicket {
    shared: Arc<GroupCommit>,
    seq: Seq,
}

impl CommitTicket {
    /// Returns the event's sequence.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Waits until the event is durable.
    ///
    /// # Errors
    /// Like [`crate::Store::wait_durable`].
    pub fn wait(&self) -> Result<(), LogError> {
        self.shared.wait_durable(self.seq)
    }
}

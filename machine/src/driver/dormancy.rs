//! [`Dormancy`]: how the event loop learns that no driver can do anything any more.
//!
//! A thread of drivers is *dormant* if it has handled its messages, and none of its drivers waits for
//! anything but a message of the cog: neither for a turn, a timer, room in the event loop's queue or a
//! private runtime, nor for the answer to a call that may be answered. Only a message of the event
//! loop can make such a thread do something.
//!
//! The thread publishes how many messages of the event loop it had handled when it became dormant.
//! If that is the number of messages that the loop has sent, the thread is dormant now, and stays so
//! until the loop sends it another one. All requests that its drivers made before are in the loop's
//! inbox by then.

use std::sync::atomic::{AtomicU64, Ordering};

/// When a thread of drivers was dormant last. It begins dormant: it has no driver.
#[derive(Default)]
pub(super) struct Dormancy(
    /// The number of messages of the event loop that the thread had handled.
    AtomicU64,
);

impl Dormancy {
    /// Notes that the thread is dormant after this many messages of the event loop. Returns whether
    /// that is new.
    pub(super) fn publish(&self, handled: u64) -> bool {
        // Only this thread writes, and the requests before are published with the number.
        self.0.swap(handled, Ordering::Release) != handled
    }

    /// Whether the thread is dormant after this many messages, which are all that were sent to it.
    pub(super) fn is_dormant_after(&self, sent: u64) -> bool {
        self.0.load(Ordering::Acquire) == sent
    }
}

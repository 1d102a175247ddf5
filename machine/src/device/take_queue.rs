//! [`TakeQueue`]: calls of `take` that wait for data.
//!
//! A call may be answered, and then cancelled before its driver gets the answer. The answer then
//! goes back to the queue, and the next call gets it. So no data is lost, and none changes its order.

use super::{DeviceAnswer, DeviceReply};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The answer of a call, once it has one that can go back.
pub(super) type AnswerReceipt = Arc<OnceLock<DeviceAnswer>>;

/// The calls of `take` of one input. The numbers of calls give their order.
#[derive(Default)]
pub(super) struct TakeQueue {
    waiting: BTreeMap<u64, (DeviceReply, AnswerReceipt)>,
    /// The answers that no driver got, by the numbers of their calls. Empty while a call waits.
    returned: BTreeMap<u64, DeviceAnswer>,
}

impl TakeQueue {
    /// Whether no call waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a call. It is answered at once if an answer has gone back.
    pub(super) fn add(&mut self, number: u64, reply: DeviceReply) -> AnswerReceipt {
        let receipt = AnswerReceipt::default();
        self.waiting.insert(number, (reply, Arc::clone(&receipt)));
        self.answer_with_returned();
        receipt
    }

    /// Answers the call that has waited longest.
    ///
    /// # Errors
    /// The answer, if no call waits.
    pub(super) fn answer(&mut self, answer: DeviceAnswer) -> Result<(), DeviceAnswer> {
        let Some((_, (reply, receipt))) = self.waiting.pop_first() else { return Err(answer) };
        // A call is answered once, and its receipt is set once, here.
        reply.send(receipt.get_or_init(|| answer).clone());
        Ok(())
    }

    /// Removes a call that waits, or takes its answer back.
    pub(super) fn cancel(&mut self, number: u64, receipt: &AnswerReceipt) {
        if self.waiting.remove(&number).is_none()
            && let Some(answer) = receipt.get()
        {
            self.returned.insert(number, answer.clone());
            self.answer_with_returned();
        }
    }

    /// Ends the queue: answers all calls with `answer`, and drops what has gone back.
    pub(super) fn end(&mut self, answer: &DeviceAnswer) {
        self.returned.clear();
        for (reply, _) in std::mem::take(&mut self.waiting).into_values() {
            reply.send(answer.clone());
        }
    }

    fn answer_with_returned(&mut self) {
        while !self.waiting.is_empty()
            && let Some((_, answer)) = self.returned.pop_first()
        {
            // A call waits, so the answer does not come back.
            let _ = self.answer(answer);
        }
    }
}

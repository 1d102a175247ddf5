//! Evaluations of the cog that run to their end on this thread, within the limits of live ones: a
//! rehearsal has nothing to do beside them.

use super::{AppliedEvent, Cog, CogError, EventProgress, ReadProgress, WHOLE_SLICE};
use crate::codec::SeedBytes;
use crate::event::EventInput;
use crate::packed::PackedMessage;
use plan::EvalError;

impl Cog {
    /// Applies an event with these inputs.
    ///
    /// # Errors
    /// See [`CogError`]. The state is as it was.
    pub(crate) fn apply(&mut self, inputs: &[EventInput]) -> Result<AppliedEvent, CogError> {
        let mut run = self.begin_event(inputs, &[], WHOLE_SLICE)?;
        loop {
            match self.resume_event(run, WHOLE_SLICE) {
                EventProgress::Suspended(suspended) => run = suspended,
                EventProgress::Ended(result) => return result,
            }
        }
    }

    /// Answers a query of the driver in slot 0, under key 0. A read that crashes is answered 0.
    ///
    /// # Errors
    /// See [`CogError`].
    pub(crate) fn read(&mut self, query: &SeedBytes) -> Result<SeedBytes, CogError> {
        let mut run = self.begin_read(0, 0, &PackedMessage::Seed(query.clone()));
        let answer = loop {
            match self.resume_read(run, WHOLE_SLICE) {
                ReadProgress::Suspended(suspended) => run = suspended,
                ReadProgress::Ended(ended) => break ended.answer?,
            }
        };
        self.message_seed(answer).map_err(CogError::Damaged)
    }

    /// Serializes a message that this cog has packed.
    ///
    /// # Errors
    /// There is no room for it, or a pin is damaged.
    pub(crate) fn message_seed(&mut self, message: PackedMessage) -> Result<SeedBytes, EvalError> {
        message.into_seed(&mut self.pins, &mut self.vm)
    }
}

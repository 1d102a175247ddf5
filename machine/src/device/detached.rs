//! [`DetachedDevice`]: a device without effects, in place of one of a fork that is not attached.
//!
//! Its calls wait for ever, as those of a device whose other side is silent: a driver keeps what it
//! was doing, and goes on with a start that attaches the machine.

use super::{CallerId, CancelCall, Device, DeviceReply};
use plan::Ref;

/// A device that answers no call.
pub(crate) struct DetachedDevice(pub(crate) String);

impl Device for DetachedDevice {
    fn name(&self) -> &str {
        &self.0
    }

    fn call(&self, _: CallerId, _: &[Ref<'_>], _: DeviceReply) -> Option<CancelCall> {
        None
    }
}

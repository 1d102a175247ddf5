//! Devices: what drivers can call besides the cog. `[%time %when]` calls the device named `time`.
//!
//! A device answers each call at most once, at any time and from any thread. Only drivers call
//! devices, and everything that a driver knows is durable, so a device need not consider the log.

mod address;
mod detached;
mod handles;
pub(crate) mod reactor;
mod stdio;
mod take_queue;
pub(crate) mod tcp;
mod time;
pub(crate) mod udp;
mod unknown;

pub(crate) use detached::DetachedDevice;
pub use stdio::ConsoleDevice;
pub use time::TimeDevice;
pub(crate) use unknown::{DelayedCall, UnknownDevices};

use crate::protocol;
use plan::{EvalError, Map, NatRef, Natural, Ref, Val, ValueBuilder};
use std::sync::Arc;
use vm::Vm;

/// The answer of a device to a call. It belongs to no heap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeviceAnswer {
    /// A nat.
    Nat(Natural),
    /// A bar.
    Bytes(Vec<u8>),
    /// A row.
    Row(Vec<DeviceAnswer>),
    /// `(0 x)`: the Maybe that holds x. The one that holds nothing is 0.
    Just(Box<DeviceAnswer>),
}

impl DeviceAnswer {
    /// 0: the call is done, or it is malformed.
    pub const ZERO: DeviceAnswer = DeviceAnswer::Nat(Natural::const_from(0));

    /// The answer `(0 x)`.
    pub fn just(item: impl Into<DeviceAnswer>) -> DeviceAnswer {
        DeviceAnswer::Just(Box::new(item.into()))
    }

    /// The size in bytes, about.
    pub(crate) fn size(&self) -> usize {
        match self {
            DeviceAnswer::Nat(nat) => 8 * nat.limb_count() as usize,
            DeviceAnswer::Bytes(bytes) => bytes.len(),
            DeviceAnswer::Row(items) => items.iter().map(DeviceAnswer::size).sum(),
            DeviceAnswer::Just(item) => item.size(),
        }
    }

    /// Builds the answer in the heap of `vm`. Recurses once per level: devices nest answers one or
    /// two levels deep.
    pub(crate) fn build(&self, vm: &mut Vm) -> Result<Val, EvalError> {
        vm.build(|builder| self.push(builder))
    }

    fn push(&self, builder: &mut ValueBuilder<'_>) -> Result<(), EvalError> {
        match self {
            DeviceAnswer::Nat(nat) => builder.push_natural(nat),
            DeviceAnswer::Bytes(bytes) => builder.push_bar(bytes),
            DeviceAnswer::Row(items) => {
                builder.room_for(items.len())?;
                items.iter().try_for_each(|item| item.push(builder))?;
                builder.row(items.len())
            }
            DeviceAnswer::Just(item) => {
                builder.push_nat(0)?;
                item.push(builder)?;
                builder.app(1)
            }
        }
    }
}

impl From<u64> for DeviceAnswer {
    fn from(nat: u64) -> DeviceAnswer {
        DeviceAnswer::Nat(Natural::from(nat))
    }
}

/// The means to answer one call.
pub struct DeviceReply(Box<dyn FnOnce(Option<DeviceAnswer>) + Send>);

impl DeviceReply {
    /// A reply that passes the answer to `deliver`.
    pub fn new(deliver: impl FnOnce(DeviceAnswer) + Send + 'static) -> DeviceReply {
        DeviceReply::noting_never(|answer| {
            if let Some(answer) = answer {
                deliver(answer);
            }
        })
    }

    /// A reply that passes the answer to `deliver`; none if the call will never be answered.
    pub(crate) fn noting_never(
        deliver: impl FnOnce(Option<DeviceAnswer>) + Send + 'static,
    ) -> DeviceReply {
        DeviceReply(Box::new(deliver))
    }

    /// Answers the call. Has no effect if the driver has cancelled the call or ended.
    pub fn send(self, answer: DeviceAnswer) {
        (self.0)(Some(answer));
    }

    /// Leaves the call unanswered forever. A machine ends if no call can be answered and nothing else
    /// can happen ([`RunOutcome::Stalled`](crate::RunOutcome::Stalled)).
    pub fn never(self) {
        (self.0)(None);
    }
}

/// Cancels a call: the device releases what the call was waiting for. The call may have been
/// answered, but its driver has not got the answer and never will.
pub type CancelCall = Box<dyn FnOnce() + Send>;

/// A driver, as devices know it. No other driver of the machine has the same number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CallerId(pub u64);

/// A part of the outside world that drivers call by name.
pub trait Device: Send + Sync {
    /// The device's name in the calls.
    fn name(&self) -> &str;

    /// Begins a call of `caller` and returns without waiting. `args` are the items of the call after the name.
    /// Returns how to cancel the call, if there is something to cancel.
    ///
    /// The device answers a malformed call with [`DeviceAnswer::ZERO`]. It says with
    /// [`DeviceReply::never`] that it will not answer a call: as long as an answer may come, the
    /// machine goes on.
    fn call(&self, caller: CallerId, args: &[Ref<'_>], reply: DeviceReply) -> Option<CancelCall>;

    /// Releases what only `caller` uses: the driver ends, or begins anew. Its calls have been
    /// answered or cancelled before.
    fn release(&self, caller: CallerId) {
        let _ = caller;
    }
}

/// The devices of a machine, by name.
#[derive(Clone, Default)]
pub(crate) struct DeviceRegistry(
    /// By the limbs of the nat of the name.
    Map<Vec<u64>, Arc<dyn Device>>,
);

impl DeviceRegistry {
    /// A registry of these devices. Of two with one name, the later counts.
    pub(crate) fn new(devices: impl IntoIterator<Item = Arc<dyn Device>>) -> DeviceRegistry {
        let named = |device: Arc<dyn Device>| {
            let limbs = device.name().as_bytes().chunks(8).map(protocol::short_name);
            (limbs.collect::<Vec<u64>>(), device)
        };
        DeviceRegistry(devices.into_iter().map(named).collect())
    }

    /// The device with this name.
    pub(crate) fn find(&self, name: NatRef<'_>) -> Option<&Arc<dyn Device>> {
        self.0.get(name.limbs())
    }

    /// Notifies all devices that a driver ends or begins anew ([`Device::release`]).
    pub(crate) fn release(&self, caller: CallerId) {
        self.0.values().for_each(|device| device.release(caller));
    }
}

#[cfg(test)]
mod tests;

//! Devices: what drivers can call, beyond the cog. `[%time %when]` calls the device named `time`.
//!
//! A device answers each call at most once, at any time and from any thread. Calls come only from
//! drivers, and what drivers know is durable, so a device needs no care for the log.

mod time;

pub use time::Time;

use crate::driver::ToDriver;
use crossbeam_channel::Sender;
use std::collections::HashMap;
use std::sync::Arc;
use vm::{Builder, Natural, Ref, Stop, Val, Vm};

/// What a driver gets from a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A nat.
    Nat(Natural),
    /// A bar.
    Bytes(Vec<u8>),
    /// A row.
    Row(Vec<Answer>),
}

impl Answer {
    /// 0: "done", and the answer to a call that makes no sense.
    pub const NOTHING: Answer = Answer::Nat(Natural::const_from(0));

    /// The answer as a value. Devices nest rows a level or two, so recursion is no danger here.
    pub(crate) fn build(&self, vm: &mut Vm) -> Result<Val, Stop> {
        vm.build(|builder| self.push(builder))
    }

    fn push(&self, builder: &mut Builder<'_>) -> Result<(), Stop> {
        match self {
            Answer::Nat(nat) => builder.push_natural(nat),
            Answer::Bytes(bytes) => builder.push_bar(bytes),
            Answer::Row(items) => {
                builder.room_for(items.len())?;
                items.iter().try_for_each(|item| item.push(builder))?;
                builder.row(items.len())
            }
        }
    }
}

impl From<u64> for Answer {
    fn from(nat: u64) -> Answer {
        Answer::Nat(Natural::from(nat))
    }
}

/// The way back from a device to the call it answers.
pub struct Reply {
    pub(crate) driver: Sender<ToDriver>,
    pub(crate) key: u64,
    pub(crate) serial: u64,
}

impl Reply {
    /// Answers the call. If the driver has given it up, nothing happens.
    pub fn send(self, answer: Answer) {
        let Reply { driver, key, serial } = self;
        // A driver that is gone needs no answer.
        let _ = driver.send(ToDriver::Answer { key, serial, answer });
    }
}

/// Gives a call up: whatever it was waiting for is let go.
pub type Cancel = Box<dyn FnOnce() + Send>;

/// Something outside that drivers can call by its name.
pub trait Device: Send + Sync {
    /// The name, as it stands in the calls.
    fn name(&self) -> &str;

    /// Begins a call with these arguments (those after the name), without waiting, and says how it
    /// is given up. One that makes no sense is answered with [`Answer::NOTHING`]; one that is never
    /// to be answered is kept, or its reply dropped.
    fn call(&self, args: &[Ref<'_>], reply: Reply) -> Option<Cancel>;
}

/// The devices of a machine, by name.
#[derive(Clone, Default)]
pub(crate) struct Devices(HashMap<Vec<u8>, Arc<dyn Device>>);

impl Devices {
    pub(crate) fn new(devices: impl IntoIterator<Item = Arc<dyn Device>>) -> Devices {
        let named = |device: Arc<dyn Device>| (device.name().as_bytes().to_vec(), device);
        Devices(devices.into_iter().map(named).collect())
    }

    /// The device whose name has these bytes.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Arc<dyn Device>> {
        self.0.get(name)
    }
}

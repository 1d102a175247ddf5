//! Driver values and messages, in the heap of the shared runtime or in none.

use crate::codec::SeedBytes;
use crate::device::DeviceAnswer;
use crate::packed::{PackedMessage, PinLoader};
use plan::{EvalError, Val};
use std::sync::Arc;
use vm::{Evaluation, Vm};

/// A value of a driver.
#[derive(Clone)]
pub(super) enum DriverValue {
    /// In the heap of the thread's shared runtime.
    Loaded(Val),
    /// In no heap: it is too large for the shared runtime.
    Serialized(Arc<SeedBytes>),
}

/// The value of a message to a driver, in no heap.
pub(super) enum MessageValue {
    Packed(PackedMessage),
    Answer(DeviceAnswer),
}

impl MessageValue {
    /// The size in bytes, about.
    pub(super) fn size(&self) -> usize {
        match self {
            MessageValue::Packed(message) => message.size(),
            MessageValue::Answer(answer) => answer.size(),
        }
    }

    /// Builds the value in the heap of `vm`, for which `pins` loads pins.
    pub(super) fn build(&self, pins: &mut PinLoader, vm: &mut Vm) -> Result<Val, EvalError> {
        match self {
            MessageValue::Packed(message) => message.load(pins, vm),
            MessageValue::Answer(answer) => answer.build(vm),
        }
    }
}

/// Calls a driver with a message. The result, in normal form, is the driver's next value.
pub(super) fn call_driver(
    (vm, pins): (&mut Vm, &mut PinLoader),
    driver: &Val,
    key: u64,
    message: &MessageValue,
) -> Result<Val, EvalError> {
    let message = message.build(pins, vm)?;
    let key = vm.nat(key);
    let call = vm.app(driver, &[key, message])?;
    vm.force(&call)
}

/// Begins a call of a driver with a message, which can be suspended. The result, in normal form, is the
/// driver's next value.
pub(super) fn begin_driver_call(
    (vm, pins): (&mut Vm, &mut PinLoader),
    driver: &Val,
    key: u64,
    message: &MessageValue,
) -> Result<Evaluation, EvalError> {
    let message = message.build(pins, vm)?;
    let key = vm.nat(key);
    vm.begin_call(driver, &[key, message])
}

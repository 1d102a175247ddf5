//! Values as they cross from one heap to another, and into the log: the bytes of a seed.
//!
//! This is the only place that knows; when frozen pins are shared between heaps, only this changes.

use vm::seed::{self, LoadError, LoadProblem, SaveError};
use vm::{Stop, Val, Vm};

/// A value outside any heap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Portable(pub(crate) Vec<u8>);

impl Portable {
    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Takes a value, which must be in normal form, out of its heap.
pub(crate) fn pack(vm: &Vm, value: &Val) -> Result<Portable, SaveError> {
    seed::save(vm, value).map(Portable)
}

/// Puts a value into a heap.
pub(crate) fn unpack(vm: &mut Vm, value: &Portable) -> Result<Val, LoadError> {
    seed::load(vm, &value.0)
}

/// The reason, if the bytes were good and the value only did not fit.
pub(crate) fn out_of_room(error: &LoadError) -> Option<Stop> {
    match &error.problem {
        LoadProblem::Stop(stop) => Some(stop.clone()),
        _ => None,
    }
}

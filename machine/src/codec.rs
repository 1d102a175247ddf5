//! Serialization of values that cross from one heap to another, or into the log.
//!
//! Values cross as seeds. Only this module knows the format: sharing frozen pins between heaps
//! instead of copying them would change nothing elsewhere.

use plan::seed::{self, LoadError, LoadProblem, SaveError};
use plan::{EvalError, Val};
use vm::Vm;

/// A serialized value: the bytes of a seed. It belongs to no heap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SeedBytes(pub(crate) Vec<u8>);

impl SeedBytes {
    /// The size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Serializes a value, which must be in normal form.
pub(crate) fn serialize(vm: &Vm, value: &Val) -> Result<SeedBytes, SaveError> {
    seed::save(vm, value).map(SeedBytes)
}

/// Builds the value in the heap of `vm`.
pub(crate) fn deserialize(vm: &mut Vm, value: &SeedBytes) -> Result<Val, LoadError> {
    seed::load(vm, &value.0)
}

/// Returns the evaluation error if the bytes were valid and building the value failed.
pub(crate) fn evaluation_error(error: &LoadError) -> Option<EvalError> {
    match &error.problem {
        LoadProblem::Eval(stop) => Some(stop.clone()),
        _ => None,
    }
}

/// Like [`deserialize`], for bytes that this process has serialized itself: an error in the bytes
/// is reported as [`EvalError::OutOfMemory`].
pub(crate) fn deserialize_own(vm: &mut Vm, value: &SeedBytes) -> Result<Val, EvalError> {
    deserialize(vm, value)
        .map_err(|error| evaluation_error(&error).unwrap_or(EvalError::OutOfMemory))
}

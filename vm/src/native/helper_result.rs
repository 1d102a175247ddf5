//! [`HelperResult`]: what the helpers of compiled code return.

use plan::EvalError;
use plan::raw::HeapFull;

/// What a helper returns: two registers. With the error itself in it, it was written to memory in parts and
/// read as a whole, which stalled the processor at each call that is not inlined.
pub(super) type HelperResult = Result<u64, HelperError>;

/// Why a helper has no result.
pub(super) struct HelperError(pub(super) Box<EvalError>);

impl From<EvalError> for HelperError {
    #[cold]
    fn from(error: EvalError) -> HelperError {
        HelperError(Box::new(error))
    }
}

impl From<HeapFull> for HelperError {
    #[cold]
    fn from(full: HeapFull) -> HelperError {
        EvalError::from(full).into()
    }
}

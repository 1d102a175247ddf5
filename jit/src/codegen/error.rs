//! The error of the code generator and of everything after it.

/// Why a unit gets no machine code.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CompileError {
    /// The processor or the operating system lacks something that the compiler needs.
    #[error("{0}")]
    Platform(String),
    /// Cranelift reported an error.
    #[error("Cranelift: {0}")]
    Cranelift(String),
    /// The code region has no room for the unit.
    #[error("the code region is full")]
    CodeRegionFull,
    /// The lazy entry of the law would always make a thunk.
    #[error("no case of the law is cheap")]
    NoCheapCase,
    /// The unit has no functions.
    #[error("the unit has no functions")]
    EmptyUnit,
    /// The unit has a shape that the code generator does not support.
    #[error("{0}")]
    Shape(&'static str),
}

//! Why a law is not compiled.

/// The reason why a law is not compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The value is no law with code, nor a pin of one.
    #[error("not a law with code")]
    NotALaw,
    /// The law has too many parameters, or its body is too large or too deep.
    #[error("the law is too large to be compiled")]
    TooLarge,
}

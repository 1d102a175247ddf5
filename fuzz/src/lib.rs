//! The checks of the fuzz targets, as functions of bytes: each module of a target has a function
//! `check`.
//!
//! A target in `fuzz_targets/` passes the fuzzer's bytes to the `check` of the module with its
//! name. A check panics if it finds a fault, and has no other effect. So a failing input can be
//! reproduced by calling the function, also with a stable compiler.
//!
//! ```text
//! rex_reader  seed_loader  agreement  compiled  jets  sire_session  log_recovery   the targets
//!  printing        |            \         |    /  |\  signatures
//!                  |             \    outcome /  library   |     outcomes of evaluations; our laws
//!                  |              \       |  /             |
//!                  |                   terms               |     PLAN expressions from bytes
//!                   \_______________     |    ____________/
//!                                     bounds                     small runtimes, time limits
//! ```

#![forbid(unsafe_code)]

pub mod agreement;
mod bounds;
pub mod compiled;
pub mod jets;
mod library;
pub mod log_recovery;
mod outcome;
pub mod printing;
pub mod rex_reader;
pub mod seed_loader;
pub mod signatures;
pub mod sire_session;
mod terms;

#[cfg(test)]
mod tests;

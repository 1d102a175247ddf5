//! What the fuzz targets check, as plain functions of bytes.
//!
//! A target in `fuzz_targets/` hands the fuzzer's bytes to the `check` of the module of its name. A
//! check panics where it finds something wrong, and does nothing else that can be seen: so a
//! failing input fails again, on any compiler, with nothing but these functions.
//!
//! ```text
//! rex_reader  seed_loader  agreement  compiled  jets  sire_session  log_recovery   one a target
//!                  |            \         |    /  |        |
//!                  |             \      ends  /  library   |     how evaluations end; our laws
//!                  |              \       |  /             |
//!                  |                   terms               |     PLAN expressions from bytes
//!                   \_______________     |    ____________/
//!                                     bounds                     small runtimes that come to an end
//! ```

#![forbid(unsafe_code)]

pub mod agreement;
mod bounds;
pub mod compiled;
mod ends;
pub mod jets;
mod library;
pub mod log_recovery;
pub mod rex_reader;
pub mod seed_loader;
pub mod sire_session;
mod terms;

#[cfg(test)]
mod tests;

//! The runtime of compiled code: memory, linking, and the stubs through which it calls Rust.
//!
//! ```text
//! region    memory for machine code, never writable and executable at one address
//! relocate  writing addresses into machine code
//! module    Cranelift's module layer for one unit
//! stubs     code between compiled code and Rust
//! shared    stubs and trampolines, compiled once for all runtimes
//! linker    from compiled functions to published code
//! perf_file the files in `/tmp` that `perf` looks for
//! perf_map  the names of compiled functions for Linux's `perf`
//! jit_dump  their names and code for `perf inject`
//! ```

#[allow(unsafe_code, reason = "maps memory for machine code")]
mod code_memory;
#[allow(unsafe_code, reason = "maps a file, by which `perf` finds it")]
mod jit_dump;
mod linker;
mod module;
mod perf_file;
mod perf_map;
mod region;
mod relocate;
mod shared;
mod stubs;

pub use self::jit_dump::enable_jit_dump;
pub use self::linker::{CodeLinker, LinkedUnit, UnitData};
pub use self::perf_map::enable_perf_map;
pub use self::region::PublishedCode;

pub(crate) use self::shared::{compile_shared, restore_shared, shared_functions};

/// Whether functions are to be named for `perf`.
pub(crate) fn are_names_wanted() -> bool {
    perf_map::PERF_MAP.is_wanted() || jit_dump::JIT_DUMP.is_wanted()
}

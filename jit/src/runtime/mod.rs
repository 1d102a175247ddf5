//! What compiled code stands on: memory for it, and the stubs through which it calls Rust.
//!
//! ```text
//! memory  a region of machine code
//! link    giving compiled functions a place
//! stubs   calls between compiled code and Rust
//! force   forcing a thunk without leaving compiled code
//! apply   calling a function that is known at run time only
//! ```

mod apply;
mod force;
mod link;
mod memory;
mod stubs;

pub use self::link::{Linked, Linker, Places, common, make_common, take_common};
pub use self::memory::CodeMemory;
pub use self::stubs::{Stub, trampoline};

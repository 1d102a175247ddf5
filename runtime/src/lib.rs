//! The runtime as one thing. The central type is [`Runtime`]: [`RuntimeBuilder`] wires a heap, the
//! interpreter, the jets and the compiler, and a [`Runtime`] makes, evaluates, prints and stores
//! values.
//!
//! This program makes a law, evaluates a call of it, and keeps the law in a store, from which
//! another runtime takes it:
//!
//! ```
//! use runtime::{RuntimeError, RuntimeBuilder, Store};
//!
//! fn main() -> Result<(), RuntimeError> {
//!     let mut runtime = RuntimeBuilder::new().build()?;
//!
//!     // addTwo x = 3 (3 x), where 3 is PLAN's increment: {addTwo 1 (0 (2 3) (0 (2 3) 1))}
//!     let add_two = runtime.build(|b| {
//!         b.push_nat_bytes(b"addTwo")?;
//!         b.push_nat(1)?; // takes one argument
//!         for _ in 0..2 {
//!             b.push_nat(0)?; // apply
//!             b.push_nat(2)?; // quote
//!             b.push_nat(3)?;
//!             b.app(1)?;
//!         }
//!         b.push_nat(1)?; // the argument
//!         b.app(2)?;
//!         b.app(2)?;
//!         b.law()
//!     })?;
//!     let forty = runtime.nat(40);
//!     let answer = runtime.apply(&add_two, &[forty])?;
//!     assert_eq!(runtime.print(&answer)?, "42\n");
//!
//!     let directory = tempfile::tempdir()?;
//!     let store = Store::create(directory.path().join("store"))?;
//!     let kept = runtime.keep(&add_two, &store)?; // durable from here on
//!
//!     let mut other = RuntimeBuilder::new().build()?;
//!     let law = other.adopt(&kept); // mapped, not copied
//!     let eight = other.nat(8);
//!     let answer = other.apply(&law, &[eight])?;
//!     assert_eq!(other.look(&answer).as_u64(), Some(10));
//!     Ok(())
//! }
//! ```

#![forbid(unsafe_code)]

mod builder;
mod error;

pub use builder::RuntimeBuilder;
pub use error::{RuntimeError, SetupError};
pub use jit::CompileMode;
pub use persist::Store;
pub use plan::{EvalError, HeapOptions, Val};

use plan::pinspace::FrozenPin;
use plan::seed;
use std::ops::{Deref, DerefMut};
use vm::Vm;

/// A running runtime. It dereferences to its [`Vm`], and through that to its [`Heap`](plan::Heap).
pub struct Runtime {
    vm: Vm,
}

impl Deref for Runtime {
    type Target = Vm;

    fn deref(&self) -> &Vm {
        &self.vm
    }
}

impl DerefMut for Runtime {
    fn deref_mut(&mut self) -> &mut Vm {
        &mut self.vm
    }
}

impl From<Runtime> for Vm {
    fn from(runtime: Runtime) -> Vm {
        runtime.vm
    }
}

impl Runtime {
    /// Loads a value from a seed.
    ///
    /// # Errors
    /// [`RuntimeError::Load`] if the bytes are not a seed, or the value does not fit into the heap.
    pub fn load(&mut self, seed: &[u8]) -> Result<Val, RuntimeError> {
        Ok(seed::load(&mut self.vm, seed)?)
    }

    /// Normalises a value and saves it as a seed.
    ///
    /// # Errors
    /// [`RuntimeError::Eval`] if the value has no normal form; [`RuntimeError::Save`].
    pub fn save(&mut self, value: &Val) -> Result<Vec<u8>, RuntimeError> {
        let value = self.vm.force(value)?;
        Ok(seed::save(&self.vm, &value)?)
    }

    /// Normalises a value and prints it as the REPL does, ending in a line feed. A text of more than
    /// 16 MiB is truncated, and a last line says so.
    ///
    /// # Errors
    /// [`RuntimeError::Eval`] if the value has no normal form.
    pub fn print(&mut self, value: &Val) -> Result<String, RuntimeError> {
        let value = self.vm.force(value)?;
        Ok(show::value_text(self.vm.look(&value), show::PrintLimit::DEFAULT))
    }

    /// Normalises a value, pins it if it is no pin, and keeps it in a store. It is durable when
    /// this returns.
    ///
    /// # Errors
    /// [`RuntimeError::Eval`] if the value has no normal form; [`RuntimeError::Freeze`] and
    /// [`RuntimeError::Log`] if the store cannot keep it.
    pub fn keep(&mut self, value: &Val, store: &Store) -> Result<FrozenPin, RuntimeError> {
        let kept = self.vm.freeze(value, store.space())?;
        store.commit()?;
        Ok(kept)
    }
}

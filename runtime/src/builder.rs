//! [`RuntimeBuilder`]: what a runtime is made of.

use crate::{Error, Runtime};
use jit::Mode;
use plan::Options;
use std::path::PathBuf;
use std::sync::Arc;
use vm::Vm;
use vm::jet::JetTable;

/// Chooses what a runtime is made of. It can be used for any number of runtimes.
#[derive(Clone)]
pub struct RuntimeBuilder {
    heap: Options,
    jets: Arc<JetTable>,
    mode: Mode,
    code: Option<PathBuf>,
}

impl Default for RuntimeBuilder {
    fn default() -> RuntimeBuilder {
        RuntimeBuilder::new()
    }
}

impl RuntimeBuilder {
    /// The usual: a heap of up to a quarter of the machine's memory, all jets, hot laws compiled in the
    /// background, and no code kept between runs.
    pub fn new() -> RuntimeBuilder {
        RuntimeBuilder {
            heap: Options::default(),
            jets: Arc::new(jets::table()),
            mode: Mode::default(),
            code: None,
        }
    }

    /// How the heap is sized.
    #[must_use]
    pub fn heap(self, heap: Options) -> RuntimeBuilder {
        RuntimeBuilder { heap, ..self }
    }

    /// Which native implementations of laws there are.
    #[must_use]
    pub fn jets(self, jets: Arc<JetTable>) -> RuntimeBuilder {
        RuntimeBuilder { jets, ..self }
    }

    /// When laws are compiled. Results do not depend on it.
    #[must_use]
    pub fn compile(self, mode: Mode) -> RuntimeBuilder {
        RuntimeBuilder { mode, ..self }
    }

    /// Keeps machine code in a directory, which need not exist, from run to run. The code of a process
    /// is kept in one place: only the first directory that is set in a process counts, and only
    /// before the first law is compiled.
    #[must_use]
    pub fn keep_code_in(self, directory: PathBuf) -> RuntimeBuilder {
        RuntimeBuilder { code: Some(directory), ..self }
    }

    /// Makes a runtime.
    ///
    /// # Errors
    /// [`Error::System`] if the system does not grant the addresses of the stacks; [`Error::Compiler`]
    /// if there is no compiler for this processor.
    pub fn build(&self) -> Result<Runtime, Error> {
        let mut vm = Vm::new(self.heap.clone(), Arc::clone(&self.jets))?;
        if self.mode != Mode::Off {
            if let Some(directory) = &self.code {
                jit::keep_code_in(directory);
            }
            let jets = jit::build::Jets::of(Arc::clone(&self.jets));
            jit::plug_in(&mut vm, jets, self.mode)
                .map_err(|error| Error::Compiler(error.to_string()))?;
        }
        Ok(Runtime { vm })
    }
}

//! [`RuntimeBuilder`]: the parts of a runtime.

use crate::{Runtime, SetupError};
use jit::CompileMode;
use plan::HeapOptions;
use std::path::PathBuf;
use std::sync::Arc;
use vm::Vm;
use vm::jet::JetTable;

/// Chooses the parts of a runtime. One builder can make any number of runtimes.
#[derive(Clone)]
pub struct RuntimeBuilder {
    /// How the heap is sized.
    pub heap: HeapOptions,
    /// The native implementations of laws.
    pub jets: Arc<JetTable>,
    /// When laws are compiled. Results do not depend on it.
    pub mode: CompileMode,
    /// Where machine code is kept from run to run, if it is: see [`RuntimeBuilder::keep_code_in`].
    pub code: Option<PathBuf>,
}

impl Default for RuntimeBuilder {
    fn default() -> RuntimeBuilder {
        RuntimeBuilder::new()
    }
}

impl RuntimeBuilder {
    /// The usual parts: a heap of up to a quarter of the machine's memory, all jets, hot laws
    /// compiled in the background, and no code kept between runs.
    pub fn new() -> RuntimeBuilder {
        RuntimeBuilder {
            heap: HeapOptions::default(),
            jets: Arc::new(jets::table()),
            mode: CompileMode::default(),
            code: None,
        }
    }

    /// The interpreter alone: no jets, and no law is compiled.
    pub fn bare() -> RuntimeBuilder {
        RuntimeBuilder {
            heap: HeapOptions::default(),
            jets: Arc::default(),
            mode: CompileMode::Off,
            code: None,
        }
    }

    /// Sizes the heap.
    #[must_use]
    pub fn heap(self, heap: HeapOptions) -> RuntimeBuilder {
        RuntimeBuilder { heap, ..self }
    }

    /// Chooses the native implementations of laws.
    #[must_use]
    pub fn jets(self, jets: Arc<JetTable>) -> RuntimeBuilder {
        RuntimeBuilder { jets, ..self }
    }

    /// Chooses when laws are compiled.
    #[must_use]
    pub fn compile(self, mode: CompileMode) -> RuntimeBuilder {
        RuntimeBuilder { mode, ..self }
    }

    /// Keeps machine code in a directory, which need not exist, from run to run. The code of a
    /// process is kept in one place: only the first directory that is set in a process counts, and
    /// only before the first law is compiled.
    #[must_use]
    pub fn keep_code_in(self, directory: PathBuf) -> RuntimeBuilder {
        RuntimeBuilder { code: Some(directory), ..self }
    }

    /// Makes a runtime.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn build(&self) -> Result<Runtime, SetupError> {
        let mut vm =
            Vm::new(self.heap.clone(), Arc::clone(&self.jets)).map_err(SetupError::Stack)?;
        if self.mode != CompileMode::Off {
            if let Some(directory) = &self.code {
                jit::set_cache_directory(directory);
            }
            jit::install(&mut vm, self.mode)?;
        }
        Ok(Runtime { vm })
    }
}

//! The middle of the pipeline: from a unit to functions, with neither addresses nor a cache.
//!
//! A [`UnitCompiler`] is all that the compiling thread has. What it makes goes back to the linking thread.

use super::options::DebugOptions;
use super::request::{CompileRequest, EntryKind};
use super::statistics::{self, JitCounter};
use crate::build::{ExpectedCallee, add_entry_guards};
use crate::codegen::{self, Backend, CompileError, CompiledFunction, Listing};
use crate::ir::Unit;
use crate::passes::{make_lazy_entry, optimise};
use std::time::Instant;

/// A request whose unit is not in the cache.
pub(super) struct CompileJob {
    pub(super) request: CompileRequest,
    /// Whether the code is to be kept for later runs.
    pub(super) is_to_be_kept: bool,
    /// Whether the unit and its code are printed.
    pub(super) prints: bool,
}

/// A request whose unit went through the compiler.
pub(super) struct CompiledUnit {
    pub(super) job: CompileJob,
    pub(super) result: Result<Vec<CompiledFunction>, CompileError>,
    /// When the compiler began.
    pub(super) start: Instant,
}

/// Compiles units, one at a time.
pub(super) struct UnitCompiler {
    options: DebugOptions,
    backend: Backend,
}

impl UnitCompiler {
    /// Sets up Cranelift.
    ///
    /// # Errors
    /// If Cranelift does not support this machine.
    pub(super) fn new(options: DebugOptions) -> Result<UnitCompiler, CompileError> {
        Ok(UnitCompiler { options, backend: Backend::new()? })
    }

    /// Compiles the unit of a job.
    pub(super) fn serve(&mut self, mut job: CompileJob) -> CompiledUnit {
        let (start, used) = (Instant::now(), statistics::thread_time());
        JitCounter::Compiled.add(1);
        let result = self.compile(&mut job);
        statistics::note_compiling(used);
        CompiledUnit { job, result, start }
    }

    fn compile(&mut self, job: &mut CompileJob) -> Result<Vec<CompiledFunction>, CompileError> {
        let CompileRequest { unit, expected, environment, kind, .. } = &mut job.request;
        self.optimise(unit, expected);
        if *kind == EntryKind::Lazy && !(self.options.optimises() && make_lazy_entry(unit)) {
            return Err(CompileError::NoCheapCase);
        }
        if !job.prints {
            return codegen::compile(&mut self.backend, unit, environment, Listing::None);
        }
        eprintln!("{unit}");
        let listing = Listing::Disassembly;
        let functions = codegen::compile(&mut self.backend, unit, environment, listing)?;
        for (number, function) in functions.iter().enumerate() {
            eprintln!("f{number}:\n{}", function.disassembly.as_deref().unwrap_or_default());
        }
        Ok(functions)
    }

    /// Runs the passes that are not left out.
    fn optimise(&self, unit: &mut Unit, expected: &[ExpectedCallee]) {
        if self.options.optimises() {
            if self.options.guards_entry() {
                add_entry_guards(unit, expected);
            }
            optimise(unit, &self.options.skipped(), |_, _| {});
        }
    }
}

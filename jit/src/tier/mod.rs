//! When laws are compiled, and how their code is published.
//!
//! The interpreter reports a law that has been called often. The evaluating thread builds its unit
//! at once, because only that thread may look into its heap. From there on everything is plain
//! data, and threads in the background turn it into code, for all runtimes of the process and in one
//! region. The queue between them is bounded; a law that finds it full is reported
//! again later. When the code is in place and the collector knows its frames, its address is stored
//! in the law's entry cell, where the interpreter looks for it, and the code of other laws that
//! call the law.
//!
//! ```text
//! statistics   counters of what all this costs
//! reclaim      notices of code that is dead
//! request      a unit to be compiled
//! object_file  compiled functions as bytes
//! cache        machine code that is kept from run to run
//! cache_directory  where it is kept
//! kept_laws    the laws whose code is requested early, because it is kept
//! options      settings for people who work on the compiler
//! published    the units whose code is published
//! explain      the compilation of one law, for a reader
//! compiler     from a unit to functions
//! pipeline     from a request to published code
//! schedule     the order in which units are compiled
//! thread       the linking and the compiling threads
//! ```

mod cache;
mod cache_directory;
mod compiler;
mod explain;
mod kept_laws;
mod object_file;
mod options;
mod pipeline;
mod published;
mod reclaim;
mod request;
mod running_program;
mod schedule;
mod statistics;
mod thread;

pub use self::cache_directory::set_cache_directory;
pub use self::explain::{CompilationReport, ExplainError, FunctionListing, explain};
pub use self::statistics::{JitStatistics, UnitReport, on_unit, statistics};
pub use self::thread::finish_pending;

use self::cache::CacheKey;
use self::reclaim::RuntimeToken;
use self::request::{CompileRequest, EntryKind, PendingTicket};
use self::thread::Message;
use crate::build::{self, ARITY_LIMIT, BuildError, BuiltUnit};
use crate::codegen::{CompileError, ConstantFacts, UnitEnvironment};
use plan::Val;
use std::sync::Arc;
use std::sync::mpsc::{TrySendError, sync_channel};
use vm::Vm;
use vm::native::{Compiler, CompilerSetup, EntryCell, HotCall, LawFingerprint};

/// When laws are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CompileMode {
    /// Never.
    Off,
    /// When they are first called, before they run. For tests.
    Eager,
    /// When they have been called that many times. The evaluation waits for the code. For tests.
    After(u32),
    /// When they have been called often, in the background.
    #[default]
    Tiered,
}

/// The count of calls after which a law is compiled in [`CompileMode::Tiered`].
pub const CALLS_BEFORE_COMPILING: u32 = 2000;

/// Installs the compiler in a runtime.
///
/// # Errors
/// If the system refuses the addresses of a native stack.
pub fn install(vm: &mut Vm, mode: CompileMode) -> Result<(), CompileError> {
    let (threshold, waits) = match mode {
        CompileMode::Off => return Ok(()),
        CompileMode::Eager => (1, true),
        CompileMode::After(calls) => (calls, true),
        CompileMode::Tiered => (CALLS_BEFORE_COMPILING, false),
    };
    let (frames, trampolines) = thread::shared();
    let compiler = Box::new(TieredCompiler { waits, token: Arc::default() });
    let setup = CompilerSetup { compiler, threshold, trampolines, frames };
    #[allow(unsafe_code, reason = "installs the compiler")]
    // SAFETY: the trampolines are those that `codegen` makes for this convention, and are set
    // before the first code is published; the frame table has the stack maps of all code that is
    // published.
    let installed = unsafe { vm.install_compiler(setup) };
    installed.map_err(|error| CompileError::Platform(error.to_string()))
}

/// The compiler of one runtime, as the runtime sees it.
struct TieredCompiler {
    /// Whether the evaluation waits for the code.
    waits: bool,
    token: Arc<RuntimeToken>,
}

#[allow(unsafe_code, reason = "vouches for the code that it publishes")]
// SAFETY: the code of a unit means what its law means: passes and code generation keep to that, and
// are compared with the specification by the tests. `reclaim` frees it when the law, or the
// runtime, is gone.
unsafe impl Compiler for TieredCompiler {
    fn compile(&mut self, vm: &mut Vm, call: HotCall<'_>, entry: EntryCell) -> bool {
        self.submit(vm, entry, Wanted::of(call, false), |vm| build_law(vm, call))
    }

    fn is_perhaps_kept(&mut self, code: LawFingerprint) -> bool {
        !self.waits && kept_laws::is_perhaps_kept(code)
    }

    fn load_kept(&mut self, vm: &mut Vm, call: HotCall<'_>, entry: EntryCell) -> bool {
        self.submit(vm, entry, Wanted::of(call, true), |vm| build_law(vm, call))
    }

    fn compile_jet(&mut self, vm: &mut Vm, pin: &Val, entry: EntryCell) -> bool {
        let wanted = Wanted { kind: EntryKind::Call, code: None, only_kept: false };
        self.submit(vm, entry, wanted, |vm| build::build_jet(vm, vm.look(pin)))
    }

    fn forget(&mut self, entries: Vec<EntryCell>) {
        reclaim::note_dead_laws(entries);
    }
}

/// Builds the unit of a law that was called.
fn build_law(vm: &Vm, call: HotCall<'_>) -> Result<BuiltUnit, BuildError> {
    let args: Vec<_> = call.args.iter().map(|arg| vm.look(arg)).collect();
    build::build_for(vm, vm.look(call.function), &args)
}

/// What is wanted of a unit.
#[derive(Clone, Copy)]
struct Wanted {
    kind: EntryKind,
    /// What the code is known by in later runs, if it is to be looked for early there.
    code: Option<LawFingerprint>,
    /// Whether the unit is wanted only if its code is kept.
    only_kept: bool,
}

impl Wanted {
    fn of(call: HotCall<'_>, only_kept: bool) -> Wanted {
        let kind = if call.is_lazy { EntryKind::Lazy } else { EntryKind::Call };
        Wanted { kind, code: Some(call.code), only_kept }
    }
}

impl TieredCompiler {
    /// Builds a unit, and sends it to the linking thread. Returns false if there is no room for it
    /// now, or if it is wanted only if its code is kept, and it is not.
    fn submit(
        &self,
        vm: &mut Vm,
        entry: EntryCell,
        wanted: Wanted,
        build: impl FnOnce(&Vm) -> Result<BuiltUnit, BuildError>,
    ) -> bool {
        let Some(messages) = thread::messages() else { return true };
        if reclaim::is_full() || !self.waits && !request::queue_has_room() {
            return false;
        }
        let start = statistics::thread_time();
        // A law that cannot be compiled is not asked for again.
        let built = build(vm);
        let request = built.map(|built| self.request(vm, built, entry, wanted));
        statistics::note_build(start);
        let mut request = match request {
            Ok(Some(request)) => request,
            Ok(None) => return false,
            Err(_) => return true,
        };
        if !self.waits {
            let sent = messages.try_send(Message::Request(request));
            return !matches!(sent, Err(TrySendError::Full(_)));
        }
        let (done, is_done) = sync_channel(0);
        request.done = Some(done);
        if messages.send(Message::Request(request)).is_ok() {
            // Nothing is sent: the sender is dropped with the request, with code or without.
            let _ = is_done.recv();
        }
        true
    }

    /// The request for a unit, with all that the threads in the background need. None if the unit is
    /// not wanted.
    fn request(
        &self,
        vm: &mut Vm,
        built: BuiltUnit,
        entry: EntryCell,
        wanted: Wanted,
    ) -> Option<CompileRequest> {
        debug_assert_eq!(crate::ir::verify(&built.unit), Ok(()));
        let facts = constant_facts(vm, &built);
        let key = CacheKey::of(&built.unit, &built.expected, &facts, wanted.kind);
        if wanted.only_kept && !kept_laws::is_kept(&key) {
            return None;
        }
        let parts = laws_of_unit(vm, &built).filter(|part| !part.is_same(&entry)).collect();
        let constants = vm.add_code_constants(&built.values);
        Some(CompileRequest {
            unit: built.unit,
            expected: built.expected,
            environment: UnitEnvironment { constants, facts },
            kind: wanted.kind,
            key,
            code: wanted.code,
            entry,
            parts,
            runtime: Arc::downgrade(&self.token),
            done: None,
            _ticket: PendingTicket::take(),
        })
    }
}

/// The facts about the constants of a unit.
fn constant_facts(vm: &mut Vm, built: &BuiltUnit) -> Vec<ConstantFacts> {
    let facts = built.unit.constants.values().zip(&built.values).map(|(constant, value)| {
        // Asking for the entry cell decodes the law. A law that is never compiled is not asked for:
        // a program may hold one of a billion parameters, and never call it.
        let is_elsewhere =
            constant.entry.is_none() && constant.jet.is_none() && constant.arity <= ARITY_LIMIT;
        let entry = if is_elsewhere { vm.code_entry(value) } else { None };
        ConstantFacts { top: vm.top_byte(value), entry }
    });
    facts.collect()
}

/// The entry cells of the laws that are part of a unit.
fn laws_of_unit(vm: &mut Vm, built: &BuiltUnit) -> impl Iterator<Item = EntryCell> {
    let constants = built.unit.constants.values().zip(&built.values);
    let laws = constants.filter(|(constant, _)| constant.entry.is_some());
    laws.filter_map(|(_, value)| vm.code_entry(value))
}

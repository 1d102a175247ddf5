//! Stubs and trampolines: code that all runtimes of the process share.
//!
//! Each is compiled once in a process, when it is first needed or ahead of that by a helper thread, and
//! then linked like any other code.

use super::stubs::{apply_to_items, compile_stub, compile_trampoline, list_items};
use crate::codegen::{Backend, CompileError, CompiledFunction, Stub};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use vm::native::{HELD_ARGUMENTS_MAX, PARAMETERS_MAX};

/// Compiled when it is first used.
type Lazy = OnceLock<Result<CompiledFunction, CompileError>>;

/// Stubs, by number.
static STUBS: [Lazy; Stub::COUNT] = [const { Lazy::new() }; Stub::COUNT];
/// Trampolines, by count of parameters.
static TRAMPOLINES: [Lazy; PARAMETERS_MAX + 1] = [const { Lazy::new() }; PARAMETERS_MAX + 1];
/// The function that evaluates the items of a list.
static LIST_ITEMS: Lazy = Lazy::new();
/// The functions that apply a function to many items, by count of the arguments that it holds.
static APPLY_TO_ITEMS: [Lazy; HELD_ARGUMENTS_MAX + 1] =
    [const { Lazy::new() }; HELD_ARGUMENTS_MAX + 1];

/// A function that all runtimes share.
#[derive(Clone, Copy)]
pub(super) enum SharedFunction {
    Stub(Stub),
    /// The trampoline for that count of parameters.
    Trampoline(usize),
    /// The function that evaluates the items of a list.
    ListItems,
    /// The function that applies a function that holds that many arguments to many items.
    ApplyToItems(usize),
}

impl SharedFunction {
    /// The functions that nearly every program needs, those that take longest to compile first.
    fn common() -> impl Iterator<Item = SharedFunction> {
        let fixed = [Stub::Force, Stub::Apply(2), Stub::Apply(1), Stub::Nat, Stub::Limit];
        let later = [Stub::ForceSlowly, Stub::Store, Stub::Room, Stub::Jet(2), Stub::Jet(1)];
        let tables = [
            Stub::TableInsert,
            Stub::TableInsertSlowly,
            Stub::LookUp,
            Stub::LookUpSlowly,
            Stub::OptionalItem,
            Stub::OptionalItemSlowly,
            Stub::SetInsert,
            Stub::SetInsertSlowly,
            Stub::HasKey,
            Stub::HasKeySlowly,
        ];
        let items = (0..=3).map(Stub::ItemAt).chain([Stub::Item]);
        let applied = (3..=5).map(Stub::Apply);
        let called = (1..=5).map(Stub::Call);
        let stubs =
            fixed.into_iter().chain(applied).chain(called).chain(later).chain(tables).chain(items);
        stubs.map(SharedFunction::Stub).chain(SharedFunction::entry_points())
    }

    /// The functions that Rust calls, in the order of
    /// [`CompilerSetup::trampolines`](vm::native::CompilerSetup::trampolines).
    pub(super) fn entry_points() -> impl Iterator<Item = SharedFunction> {
        let trampolines = (0..=PARAMETERS_MAX).map(SharedFunction::Trampoline);
        let loops = (0..=HELD_ARGUMENTS_MAX).map(SharedFunction::ApplyToItems);
        trampolines.chain([SharedFunction::ListItems]).chain(loops)
    }

    fn lazy(self) -> &'static Lazy {
        match self {
            SharedFunction::Stub(stub) => &STUBS[stub.number() as usize],
            SharedFunction::Trampoline(count) => &TRAMPOLINES[count],
            SharedFunction::ListItems => &LIST_ITEMS,
            SharedFunction::ApplyToItems(held) => &APPLY_TO_ITEMS[held],
        }
    }

    /// The function, compiled now if it was not before.
    pub(super) fn get(
        self,
        backend: &mut Backend,
    ) -> Result<&'static CompiledFunction, CompileError> {
        let compiled = self.lazy().get_or_init(|| match self {
            SharedFunction::Stub(stub) => compile_stub(backend, stub),
            SharedFunction::Trampoline(count) => compile_trampoline(backend, count),
            SharedFunction::ListItems => list_items::compile(backend),
            SharedFunction::ApplyToItems(held) => apply_to_items::compile(backend, held),
        });
        compiled.as_ref().map_err(CompileError::clone)
    }
}

/// Compiles the common stubs and all trampolines. Threads that do so at the same time share the work.
pub(crate) fn compile_shared() {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let Ok(mut backend) = Backend::new() else { return };
    while let Some(shared) = SharedFunction::common().nth(NEXT.fetch_add(1, Ordering::Relaxed)) {
        // The error is kept, and reported to the thread that needs the function.
        let _ = shared.get(&mut backend);
    }
}

/// The functions that [`compile_shared`] compiles, to be kept on disk. None if one of them fails.
pub(crate) fn shared_functions() -> Option<Vec<&'static CompiledFunction>> {
    compile_shared();
    let mut backend = Backend::new().ok()?;
    SharedFunction::common().map(|shared| shared.get(&mut backend).ok()).collect()
}

/// Uses functions that were kept on disk instead of compiling them. Returns whether the count is right;
/// nothing changes if not.
///
/// # Safety
/// The functions are what [`shared_functions`] returned in a run of this very program on this processor:
/// all runtimes of the process will run them.
#[allow(unsafe_code, reason = "the functions are run")]
pub(crate) unsafe fn restore_shared(functions: Vec<CompiledFunction>) -> bool {
    let fits = functions.len() == SharedFunction::common().count();
    if fits {
        for (shared, function) in SharedFunction::common().zip(functions) {
            // One that was compiled meanwhile is the same.
            let _ = shared.lazy().set(Ok(function));
        }
    }
    fits
}

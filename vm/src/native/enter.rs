//! Entering compiled code, and what a compiler asks of a runtime.

use super::compiler::CompilerSetup;
use super::entry::CodeEntry;
use super::stack::{self, NativeStack};
use super::state::ExitReason;
use super::{UNWOUND, switch};
use crate::vm::Vm;
use plan::raw::{Kind, pin};
use plan::{EvalError, Val};
use std::rc::Rc;

/// Enters compiled code with so many arguments, which are read before anything else happens.
fn enter(vm: &mut Vm, entry: usize, args: *const u64, count: usize) -> u64 {
    let before = vm.heap.host.native.activation;
    let trampoline = vm.heap.host.native.trampolines.wait()[count];
    vm.heap.host.native.activation.previous = &raw const before;
    let context: *mut Vm = vm;
    // SAFETY: `entry` is compiled code of this runtime for so many arguments, which lie at
    // `args`; the evaluation runs on the native stack; and the state that `switch` and `frames`
    // ask for is restored below, on the only way out.
    let bits = unsafe {
        let unwind_stack_pointer =
            &raw mut (*context).heap.host.native.activation.unwind_stack_pointer;
        switch::enter(context.cast(), trampoline, entry, args, unwind_stack_pointer)
    };
    vm.heap.host.native.activation = before;
    bits
}

impl Vm {
    /// Installs a compiler, for good.
    ///
    /// # Safety
    /// The trampolines and frame maps of the setup are what [`CompilerSetup`] says.
    ///
    /// # Errors
    /// If the system does not grant the native stack's address range.
    pub unsafe fn install_compiler(&mut self, setup: CompilerSetup) -> std::io::Result<()> {
        let interrupt = self.heap.interrupt.flag().as_ptr();
        let native = &mut self.heap.host.native;
        let stack = NativeStack::new(self.heap.memory.options().max_stack)?;
        native.limit = stack.limit();
        native.stack = Some(Rc::new(stack));
        native.interrupt = interrupt;
        native.trampolines = setup.trampolines;
        native.compare = ["_Cmp", "_Eql"].map(|name| self.jets.named(name));
        native.frames = setup.frames;
        native.threshold = setup.threshold;
        self.compiler = Some(setup.compiler);
        Ok(())
    }

    /// Has every collection look at all frames of compiled code: for measuring what that would cost.
    pub fn disable_stack_barrier(&mut self) {
        self.heap.host.native.has_barrier = false;
    }

    /// Keeps the constants of the law that the compiler has been asked to compile outside the heap, where the
    /// collector updates them as long as the law may run. Returns the address of the first word.
    pub fn add_code_constants(&mut self, values: &[Val]) -> usize {
        let words = values.iter().map(|value| self.heap.word(value)).collect();
        self.heap.host.pools.add_untied(words).expose_provenance()
    }

    /// The top byte of a value's word: see [`layout::top`].
    pub fn top_byte(&self, value: &Val) -> u8 {
        (self.heap.word(value).raw() >> 56) as u8
    }

    /// Where the address of a value's code appears when it has some, if it is a law or the pin of
    /// one. A pin's jet is not asked for.
    pub fn code_entry(&mut self, value: &Val) -> Option<CodeEntry> {
        let word = self.heap.word(value);
        let law = if word.kind() == Kind::Pin { pin::item(&self.heap, word) } else { word };
        if law.kind() != Kind::Law {
            return None;
        }
        self.law_entry(law, law != word)
    }

    /// Asks the compiler to compile a law. False if it is to be asked again later.
    pub(crate) fn request_code(&mut self, function: &Val, args: &[Val], entry: CodeEntry) -> bool {
        let Some(mut compiler) = self.compiler.take() else { return true };
        let accepted = compiler.compile(self, function, args, entry);
        self.compiler = Some(compiler);
        accepted
    }

    /// Enters compiled code: its result's bits, or [`PENDING`].
    pub(crate) fn enter_native(
        &mut self,
        entry: usize,
        args: *const u64,
        count: usize,
    ) -> Result<u64, EvalError> {
        self.evaluator.compiled_runs += 1;
        let bits = enter(self, entry, args, count);
        if bits != UNWOUND {
            return Ok(bits);
        }
        match self.heap.host.native.exit_reason.take() {
            Some(ExitReason::Error(error)) => Err(error),
            Some(ExitReason::Panic(panic)) => std::panic::resume_unwind(panic),
            None => unreachable!("code that unwinds has said why"),
        }
    }

    /// Runs part of an evaluation on the native stack, if there is a compiler.
    #[inline(always)]
    pub(crate) fn on_native_stack<R>(
        &mut self,
        run: impl FnOnce(&mut Vm) -> Result<R, EvalError>,
    ) -> Result<R, EvalError> {
        let Some(stack) = &self.heap.host.native.stack else { return run(self) };
        if !stack.is_current() {
            return self.switch_stack(run);
        }
        if self.native_stack_is_full() {
            return Err(EvalError::StackOverflow);
        }
        run(self)
    }

    /// Whether the stack pointer is beyond the native stack's limit.
    pub(crate) fn native_stack_is_full(&self) -> bool {
        stack::stack_pointer() < self.heap.host.native.limit
    }

    #[inline(never)]
    fn switch_stack<R>(
        &mut self,
        run: impl FnOnce(&mut Vm) -> Result<R, EvalError>,
    ) -> Result<R, EvalError> {
        let Some(stack) = self.heap.host.native.stack.clone() else { return run(self) };
        let result = stack.run(|| run(self));
        stack.release(std::mem::replace(&mut self.heap.host.native.lowest_frame, usize::MAX));
        result
    }

    /// Whether the native stack, not a count, bounds how deeply evaluations are nested.
    pub(crate) fn has_native_stack(&self) -> bool {
        self.heap.host.native.stack.is_some()
    }
}

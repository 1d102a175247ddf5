//! Entering compiled code, and the operations that a compiler needs of a runtime.
//!
//! # Safety
//!
//! The invariant that [`enter`] relies on: *an address that reached the interpreter (in a
//! [`EntryCell`], a law's code slot or a thunk's code word) is that of live code of this runtime*.
//! A [`Compiler`](super::Compiler) promises this for the code that it publishes, and the collector
//! clears an entry before the compiler frees the code.

use super::compiler::CompilerSetup;
use super::entry_cell::EntryCell;
use super::stack::{self, NativeStack};
use super::state::{ExitReason, NativeContext};
use super::{APPLY_TO_ITEMS, HELD_ARGUMENTS_MAX, LIST_ITEMS, UNWOUND, switch};
use crate::vm::{HotCall, Vm};
use plan::raw::{WordKind, pin};
use plan::{EvalError, Val};
use std::ops::Range;
use std::rc::Rc;

/// Enters compiled code through the trampoline of that index. It reads the arguments before it does anything
/// else.
///
/// # Safety
/// At `args` are the arguments that the trampoline takes, the evaluation runs on the native stack, and if the
/// trampoline is that for a number of arguments, `entry` is the address of live code of this runtime for
/// these.
unsafe fn enter(vm: &mut Vm, trampoline: usize, entry: usize, args: *const u64) -> u64 {
    let before = vm.heap.host.native.context.activation;
    let trampolines = &vm.heap.host.native.trampolines;
    // They are set before the first code is published; `get` is the shorter way to them.
    let trampoline = trampolines.get().unwrap_or_else(|| trampolines.wait())[trampoline];
    vm.heap.host.native.context.activation.previous = &raw const before;
    let context: *mut Vm = vm;
    // SAFETY: by this function's contract; and the activation that `switch` and `frames` rely on is
    // restored below, on the only way out.
    let bits = unsafe {
        let unwind_stack_pointer =
            &raw mut (*context).heap.host.native.context.activation.unwind_stack_pointer;
        switch::enter(context.cast(), trampoline, entry, args, unwind_stack_pointer)
    };
    vm.heap.host.native.context.activation = before;
    bits
}

impl Vm {
    /// Installs a compiler, which stays installed as long as the runtime exists.
    ///
    /// # Safety
    /// The trampolines and stack maps of the setup are as [`CompilerSetup`] describes them.
    ///
    /// # Panics
    /// If an [evaluation](crate::Evaluation) has begun in this runtime.
    ///
    /// # Errors
    /// If the system does not grant the native stack's address range.
    pub unsafe fn install_compiler(&mut self, setup: CompilerSetup) -> std::io::Result<()> {
        assert!(self.evaluations.is_empty(), "the compiler comes before the evaluations");
        let interrupt = self.heap.interrupt.flag().as_ptr();
        let native = &mut self.heap.host.native;
        let stack = NativeStack::new(self.heap.memory.options().max_stack)?;
        native.context = NativeContext::new(Some(Rc::new(stack)));
        native.interrupt = interrupt;
        native.trampolines = setup.trampolines;
        native.compare = ["_Cmp", "_Eql"].map(|name| self.jets.named(name));
        native.frames = setup.frames;
        native.threshold = setup.threshold;
        self.compiler = Some(setup.compiler);
        Ok(())
    }

    /// Makes every collection visit all frames of compiled code, for measuring the barrier's
    /// benefit.
    pub fn disable_stack_barrier(&mut self) {
        self.heap.host.native.has_barrier = false;
    }

    /// Stores the constants of the law that the compiler was asked to compile outside the heap,
    /// where the collector updates them as long as the law can run. Returns the address of the
    /// first word, which is valid as long.
    pub fn add_code_constants(&mut self, values: &[Val]) -> usize {
        let words = values.iter().map(|value| self.heap.word(value)).collect();
        self.heap.host.pools.add_untied(words).expose_provenance()
    }

    /// The top byte of a value's word: see [`layout::top`](super::layout::top).
    pub fn top_byte(&self, value: &Val) -> u8 {
        (self.heap.word(value).raw() >> 56) as u8
    }

    /// The entry in which the code address of a law, or of the pin of one, is published. `None` for
    /// other values and for laws that cannot be decoded. Jets are ignored.
    pub fn code_entry(&mut self, value: &Val) -> Option<EntryCell> {
        let word = self.heap.word(value);
        let law = if word.kind() == WordKind::Pin { pin::item(&self.heap, word) } else { word };
        if law.kind() != WordKind::Law {
            return None;
        }
        self.law_entry(law, law != word)
    }

    /// Asks the compiler to compile a law or its lazy entry, or with `only_kept` for code that an
    /// earlier run kept. Returns false if the request should be repeated later.
    pub(crate) fn request_code(
        &mut self,
        call: HotCall<'_>,
        only_kept: bool,
        entry: EntryCell,
    ) -> bool {
        let Some(mut compiler) = self.compiler.take() else { return true };
        let accepted = match only_kept {
            true => compiler.load_kept(self, call, entry),
            false => compiler.compile(self, call, entry),
        };
        self.compiler = Some(compiler);
        accepted
    }

    /// Asks the compiler to compile a jet. Returns false if the request should be repeated later.
    pub(crate) fn request_code_of_jet(&mut self, pin: &Val, entry: EntryCell) -> bool {
        let Some(mut compiler) = self.compiler.take() else { return true };
        let accepted = compiler.compile_jet(self, pin, entry);
        self.compiler = Some(compiler);
        accepted
    }

    /// Enters compiled code with `count` arguments. Returns the bits of its result, or
    /// [`PENDING`](super::PENDING).
    ///
    /// # Safety
    /// That of [`enter`].
    pub(crate) unsafe fn enter_native(
        &mut self,
        entry: usize,
        args: *const u64,
        count: usize,
    ) -> Result<u64, EvalError> {
        // SAFETY: by this function's contract.
        unsafe { self.enter_through(count, entry, args) }
    }

    /// Replaces the list at a stack index by the rest of the list, and pushes the items before that,
    /// evaluated: at most `limit`, perhaps fewer, and none if the evaluator has to go on.
    pub(crate) fn push_evaluated_items(
        &mut self,
        list: usize,
        limit: usize,
    ) -> Result<usize, EvalError> {
        let is_possible = self.heap.host.native.trampolines.get().is_some()
            && self.is_on_native_stack()
            && !self.native_stack_is_full();
        if !is_possible {
            return Ok(0);
        }
        let args = [list as u64, limit as u64];
        // SAFETY: these are the arguments of that function, which calls no other entry.
        let count = unsafe { self.enter_through(LIST_ITEMS, 0, args.as_ptr()) }?;
        Ok(count as usize)
    }

    /// Replaces the evaluated words between two stack indices, from the first on, by the application to them
    /// of the function at stack index `function`, which holds `held` arguments and lacks one. Returns the index
    /// of the first word that is left: the end, or that of an unevaluated one, or any if an interrupt is
    /// requested.
    ///
    /// # Safety
    /// That of [`enter`] for the lazy entry of the function's law.
    ///
    /// # Panics
    /// If the function holds more than [`HELD_ARGUMENTS_MAX`] arguments, is an indirection, or there is no word,
    /// or the first is not evaluated.
    pub(crate) unsafe fn apply_to_evaluated(
        &mut self,
        entry: usize,
        function: usize,
        held: usize,
        items: Range<usize>,
    ) -> Result<usize, EvalError> {
        let stack = &self.heap.stack;
        assert!(held <= HELD_ARGUMENTS_MAX && !items.is_empty() && items.end <= stack.top());
        assert!(!stack.get(function).is_thunk() && !stack.get(items.start).is_thunk());
        let args = [function, items.start, items.end].map(|index| index as u64);
        // SAFETY: by this function's contract, and these are the arguments of that function.
        let left = unsafe { self.enter_through(APPLY_TO_ITEMS + held, entry, args.as_ptr()) }?;
        Ok(left as usize)
    }

    /// Enters compiled code through the trampoline of that index.
    ///
    /// # Safety
    /// That of [`enter`].
    unsafe fn enter_through(
        &mut self,
        trampoline: usize,
        entry: usize,
        args: *const u64,
    ) -> Result<u64, EvalError> {
        self.evaluator.compiled_runs += 1;
        // SAFETY: by this function's contract.
        let bits = unsafe { enter(self, trampoline, entry, args) };
        if bits != UNWOUND {
            return Ok(bits);
        }
        match self.heap.host.native.exit_reason.take() {
            Some(ExitReason::Error(error)) => Err(error),
            Some(ExitReason::Panic(panic)) => std::panic::resume_unwind(panic),
            None => unreachable!("a helper records the reason before code unwinds"),
        }
    }

    /// Runs part of an evaluation on the native stack if a compiler is installed, else on the
    /// current one.
    #[inline(always)]
    pub(crate) fn on_native_stack<R>(
        &mut self,
        run: impl FnOnce(&mut Vm) -> Result<R, EvalError>,
    ) -> Result<R, EvalError> {
        let Some(stack) = &self.heap.host.native.context.stack else { return run(self) };
        if !stack.is_current() {
            return self.switch_stack(run);
        }
        if self.native_stack_is_full() {
            return Err(EvalError::StackOverflow);
        }
        run(self)
    }

    /// Whether this runs on the native stack.
    #[inline(always)]
    pub(crate) fn is_on_native_stack(&self) -> bool {
        self.heap.host.native.context.stack.as_ref().is_some_and(|stack| stack.is_current())
    }

    /// Whether the stack pointer is beyond the native stack's limit.
    pub(crate) fn native_stack_is_full(&self) -> bool {
        stack::stack_pointer() < self.heap.host.native.context.limit
    }

    #[inline(never)]
    fn switch_stack<R>(
        &mut self,
        run: impl FnOnce(&mut Vm) -> Result<R, EvalError>,
    ) -> Result<R, EvalError> {
        let Some(stack) = self.heap.host.native.context.stack.clone() else { return run(self) };
        // SAFETY: the caller's frame is not on this stack. Only evaluations of this runtime run on
        // it, and they borrow the runtime exclusively: one that is suspended on it would be
        // suspended below this frame, and then this frame would be on it too.
        let result = unsafe { stack.run(|| run(self)) };
        let lowest_frame =
            std::mem::replace(&mut self.heap.host.native.context.lowest_frame, usize::MAX);
        // SAFETY: the evaluation on the stack has returned.
        unsafe { stack.release(lowest_frame) };
        result
    }

    /// Adds a context for evaluations, on that native stack.
    pub(crate) fn add_native_context(&mut self, stack: Option<Rc<NativeStack>>) {
        self.heap.host.native.other_contexts.push(NativeContext::new(stack));
    }

    /// Makes the context with that number, whose evaluation has ended, that of one that has not
    /// begun, and returns the memory of its stack to the system.
    pub(crate) fn reset_native_context(&mut self, number: usize) {
        let context = &mut self.heap.host.native.other_contexts[number];
        let lowest_frame = context.lowest_frame;
        let stack = context.stack.take();
        if let Some(stack) = &stack {
            // SAFETY: the evaluation on the stack has ended, and another has not begun.
            unsafe { stack.release(lowest_frame) };
        }
        *context = NativeContext::new(stack);
    }

    /// Whether the native stack, instead of a count, limits the nesting of evaluations.
    pub(crate) fn has_native_stack(&self) -> bool {
        self.heap.host.native.context.stack.is_some()
    }
}

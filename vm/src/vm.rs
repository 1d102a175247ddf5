//! [`Vm`]: the runtime of one thread: a heap, its evaluator, its jets and its compiler. Also the
//! two interfaces whose implementations get the runtime: [`JetCall`], for jets, and [`Compiler`].
//!
//! # Safety
//!
//! [`Vm::new`] makes the crate's only raw heap and so promises the heap's
//! [contract](plan::raw::RawHeap#contract) for all code of this crate.

use crate::eval::state::Evaluator;
use crate::evaluations::Evaluations;
use crate::host::CodeHost;
use crate::jet::declare::{JetAnswer, JetDeclaration};
use crate::jet::table::GenericJetTable;
use crate::native::{EntryCell, LawFingerprint};
use crate::sampling::sampler::ActiveSampling;
use plan::pinspace::{FrozenPin, HeapReferences, PinSpace};
use plan::raw::{RawHeap, Word, is_frozen, pin};
use plan::{EvalError, FreezeError, Heap, HeapOptions, PinRef, Ref, Val};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread::JoinHandle;

/// The native function of a jet.
pub type NativeJet = fn(&mut JetCall<'_>) -> Result<JetAnswer, EvalError>;

/// A jet's call: its arguments on the stack, and the operations that make the result.
///
/// Values that the jet pushes are above the arguments. When it answers [`JetAnswer::Done`], its
/// result is on top and the evaluator drops everything else.
pub struct JetCall<'v> {
    pub(crate) vm: &'v mut Vm,
    pub(crate) base: usize,
}

/// A compiler of laws.
///
/// # Safety
/// The code that it [publishes](EntryCell::publish) follows the
/// [convention](crate::native#the-convention-of-compiled-code), computes what the law says, and
/// stays in memory until the entry is passed to [`Compiler::forget`].
pub unsafe trait Compiler {
    /// Accepts a request to compile a law that has been called often, or its lazy entry. The compiler
    /// publishes the address of the code in `entry` when it is ready. Returns false if the request
    /// should be repeated later.
    ///
    /// The lazy entry is for a law that was applied lazily to many values: code that takes the law's
    /// arguments, evaluated or not, and returns the application, evaluated if that takes a short,
    /// bounded time, evaluates no thunk and cannot crash, and as a thunk otherwise. The compiler
    /// publishes nothing if the law has no case in which this pays off.
    fn compile(&mut self, vm: &mut Vm, call: HotCall<'_>, entry: EntryCell) -> bool;

    /// Whether an earlier run kept code of a law with that fingerprint, so that it is worth while to
    /// look for it after few calls.
    fn is_perhaps_kept(&mut self, law: LawFingerprint) -> bool;

    /// Accepts a request to publish code that an earlier run kept, which [`compile`](Compiler::compile)
    /// would make now. Returns false, and publishes nothing, if no such code is kept.
    fn load_kept(&mut self, vm: &mut Vm, call: HotCall<'_>, entry: EntryCell) -> bool;

    /// Accepts a request to compile a call of a jet with all its arguments: `pin` is the pin of the
    /// jet's law, which was called often as a value. Returns and publishes as
    /// [`compile`](Compiler::compile) does.
    fn compile_jet(&mut self, vm: &mut Vm, pin: &Val, entry: EntryCell) -> bool;

    /// Frees the code of dead laws: the code that was, or would have been, published in these
    /// entries. Nothing runs it any more.
    fn forget(&mut self, entries: Vec<EntryCell>);
}

/// A call, or an application, of a law that has been called often.
#[derive(Clone, Copy)]
pub struct HotCall<'c> {
    /// The law, or its pin, that was called.
    pub function: &'c Val,
    /// The arguments of the last call.
    pub args: &'c [Val],
    /// What the code is known by in later runs.
    pub code: LawFingerprint,
    /// Whether the code is that of the law's lazy entry.
    pub is_lazy: bool,
}

/// Gets the message of a `trk`, in normal form.
pub(crate) type TraceHook = Box<dyn FnMut(Ref<'_>)>;

/// A heap and its evaluator: the runtime of one thread. It dereferences to the [heap](plan::Heap),
/// whose methods make values and look at them.
///
/// ```
/// use plan::HeapOptions;
/// use vm::Vm;
/// let mut vm = Vm::new(HeapOptions::default(), Default::default())?;
/// let three = vm.nat(3);
/// let forty_one = vm.nat(41);
/// let sum = vm.apply(&three, &[forty_one])?;
/// assert_eq!(vm.look(&sum).as_u64(), Some(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Vm {
    pub(crate) heap: RawHeap<CodeHost>,
    pub(crate) evaluator: Evaluator,
    pub(crate) jets: Arc<GenericJetTable<NativeJet>>,
    pub(crate) trace: Option<TraceHook>,
    pub(crate) deep_trace: Option<TraceHook>,
    /// `None` without a compiler, and while the compiler handles a request.
    pub(crate) compiler: Option<Box<dyn Compiler>>,
    /// The evaluations that can be suspended.
    pub(crate) evaluations: Evaluations<Vm>,
    /// The samples that are taken, if a profile is.
    pub(crate) sampling: Option<ActiveSampling<Vm>>,
}

impl Deref for Vm {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        Heap::from_raw(&self.heap)
    }
}

impl DerefMut for Vm {
    fn deref_mut(&mut self) -> &mut Heap {
        Heap::from_raw_mut(&mut self.heap)
    }
}

impl Vm {
    /// A new, empty runtime with these jets.
    ///
    /// # Errors
    /// If the system does not grant the stack's address range.
    pub fn new(options: HeapOptions, jets: Arc<GenericJetTable<NativeJet>>) -> std::io::Result<Vm> {
        let host = CodeHost::new(jets.clone());
        // SAFETY: only this crate has access to the raw heap. The interpreter holds no word across
        // an operation that may collect, asks for room before it pushes, and takes indices from
        // layouts. Helpers of compiled code push the words that they get before they collect. The
        // methods of `JetCall` check every index that a jet passes.
        let heap = unsafe { RawHeap::new(options, host) }?;
        let evaluator = Evaluator::new();
        Ok(Vm {
            heap,
            evaluator,
            jets,
            trace: None,
            deep_trace: None,
            compiler: None,
            evaluations: Evaluations::default(),
            sampling: None,
        })
    }

    /// The jets of this runtime.
    pub fn jets(&self) -> &Arc<GenericJetTable<NativeJet>> {
        &self.jets
    }

    /// The jet of a pinned law of this runtime, if it has one.
    ///
    /// # Panics
    /// It may panic if the pin is of another heap.
    pub fn jet_of(&self, pin: PinRef<'_>) -> Option<&JetDeclaration<NativeJet>> {
        let pin = pin.value();
        self.jets.of_pin(pin.memory(), pin.word()).map(|jet| self.jets.get(jet))
    }

    /// The number of the jet of a pin of this heap. A pin of the heap holds it as its label; that of
    /// a frozen pin is cached.
    #[inline(always)]
    pub(crate) fn jet_of_pin(&self, pin: Word) -> Option<u32> {
        if !is_frozen(pin.address()) {
            return pin::label(&self.heap, pin);
        }
        match self.heap.host.frozen_jets.get(pin.address()) {
            Some(jet) => jet,
            None => self.look_up_jet(pin),
        }
    }

    #[cold]
    fn look_up_jet(&self, pin: Word) -> Option<u32> {
        // A damaged pin has no jet, and stays out of the cache.
        let hash = pin::hash_words(&self.heap, pin)?;
        let jet = self.jets.find_key(hash);
        self.heap.host.frozen_jets.set(pin.address(), jet);
        jet
    }

    /// Sets the hook that gets the messages of `trk`. Without a hook they are dropped.
    pub fn on_trace(&mut self, hook: impl FnMut(Ref<'_>) + 'static) {
        self.trace = Some(Box::new(hook));
    }

    /// Sets the hook that gets the messages of `deepTrace`, which are to be printed with all their
    /// pins. Without it they go to the hook of `trk`.
    pub fn on_deep_trace(&mut self, hook: impl FnMut(Ref<'_>) + 'static) {
        self.deep_trace = Some(Box::new(hook));
    }

    /// Normalises a value and makes a pin around it.
    ///
    /// # Errors
    /// Those of [`Vm::force`].
    pub fn pin(&mut self, item: &Val) -> Result<Val, EvalError> {
        let item = self.force(item)?;
        self.build(|b| {
            b.push(&item);
            b.pin()
        })
    }

    /// Freezes a pin and all pins that it refers to, those first. Any other value is normalised and
    /// pinned first. See [`Heap::freeze`].
    ///
    /// # Errors
    /// See [`FreezeError`].
    pub fn freeze(&mut self, value: &Val, space: &Arc<PinSpace>) -> Result<FrozenPin, FreezeError> {
        let value = self.force(value)?;
        Heap::freeze(self, &value, space)
    }

    /// Normalises a value, and freezes it on another thread, which calls `then` with the result. See
    /// [`Heap::freeze_in_background`].
    ///
    /// # Errors
    /// Those of [`Vm::force`], and [`FreezeError::Thread`]. `then` is not called.
    pub fn freeze_in_background(
        &mut self,
        value: &Val,
        space: &Arc<PinSpace>,
        then: impl FnOnce(Result<FrozenPin, FreezeError>) + Send + 'static,
    ) -> Result<JoinHandle<()>, FreezeError> {
        let value = self.force(value)?;
        Heap::freeze_in_background(self, &value, space, then)
    }

    /// Runs a full collection, and releases pin spaces that nothing refers to. Code of a frozen law
    /// that ran since the previous full collection survives one collection; the next one frees it.
    pub fn collect(&mut self) {
        self.heap.collect_all();
        self.forget_dead_code();
        self.heap.spaces.detach_unreferenced();
    }

    /// Reports, for a survey of a pin space, which of its pins this runtime refers to. Runs a full
    /// collection; see [`Vm::collect`].
    pub fn survey_references(&mut self, space: &Arc<PinSpace>) -> HeapReferences {
        let references = self.heap.survey_references(space);
        self.forget_dead_code();
        references
    }

    /// Drops the decoded code of laws that the collector found dead, and has the compiler free
    /// their machine code.
    pub(crate) fn forget_dead_code(&mut self) {
        let host = &mut self.heap.host;
        self.evaluator.forget_dead(&mut host.dead_pools);
        if let Some(compiler) = self.compiler.as_mut().filter(|_| !host.dead_entries.is_empty()) {
            compiler.forget(std::mem::take(&mut host.dead_entries));
        }
    }

    /// The result of an evaluation, or an error if the evaluation read a damaged pin. A damaged pin
    /// counts as 0 while an evaluation runs, so every value that this heap has computed since may
    /// be wrong: all later evaluations fail too.
    pub(crate) fn unless_damaged<T>(&self, result: Result<T, EvalError>) -> Result<T, EvalError> {
        self.check_damage()?;
        result
    }
}

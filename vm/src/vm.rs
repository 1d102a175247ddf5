//! [`Vm`]: a heap, its evaluator and what is installed into it, as one running thing.

use crate::eval::state::Evaluator;
use crate::host::CodeHost;
use crate::jet::declare::Answer;
use crate::jet::table::GenericJetTable;
use crate::native::compiler::Compiler;
use plan::pinspace::{Frozen, PinSpace};
use plan::raw::RawHeap;
use plan::{EvalError, FreezeError, Heap, Options, Ref, Val};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The native function of a jet.
pub type NativeJet = fn(&mut Call<'_>) -> Result<Answer, EvalError>;

/// A jet's call: its arguments on the stack, and the means to make the result.
///
/// What is pushed lies above the arguments. A jet that answers [`Answer::Done`] has its result on
/// top; the evaluator drops the rest.
pub struct Call<'v> {
    pub(crate) vm: &'v mut Vm,
    pub(crate) base: usize,
}

/// What happens to the message of a `trk`, which has been normalised.
pub(crate) type TraceHook = Box<dyn FnMut(Ref<'_>)>;

/// A heap and its evaluator: the runtime of one running thing. It dereferences to the
/// [heap](plan::Heap), whose methods make values and look at them.
///
/// ```
/// use plan::Options;
/// use vm::Vm;
/// let mut vm = Vm::new(Options::default(), Default::default())?;
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
    /// Taken out while it is asked.
    pub(crate) compiler: Option<Box<dyn Compiler>>,
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
    pub fn new(options: Options, jets: Arc<GenericJetTable<NativeJet>>) -> std::io::Result<Vm> {
        let host = CodeHost::new(jets.clone());
        // SAFETY: only this crate has access to the raw heap. The interpreter holds no word across
        // anything that may collect, counts what it pushes, and takes indices from layouts; the helpers
        // of compiled code push the words that they are handed before they collect.
        let heap = unsafe { RawHeap::new(options, host) }?;
        let evaluator = Evaluator::new();
        Ok(Vm { heap, evaluator, jets, trace: None, deep_trace: None, compiler: None })
    }

    /// The jets that it was made with.
    pub fn jets(&self) -> &Arc<GenericJetTable<NativeJet>> {
        &self.jets
    }

    /// Says what happens to the messages of `trk`. Without a hook they are dropped.
    pub fn on_trace(&mut self, hook: impl FnMut(Ref<'_>) + 'static) {
        self.trace = Some(Box::new(hook));
    }

    /// Says what happens to the messages of `deepTrace`, which ask to be shown with all their pins.
    /// Without a hook of their own they go where those of `trk` go.
    pub fn on_deep_trace(&mut self, hook: impl FnMut(Ref<'_>) + 'static) {
        self.deep_trace = Some(Box::new(hook));
    }

    /// A pin around a value, which is normalised first.
    ///
    /// # Errors
    /// As for [`Vm::force`].
    pub fn pin(&mut self, item: &Val) -> Result<Val, EvalError> {
        let item = self.force(item)?;
        self.build(|b| {
            b.push(&item);
            b.pin()
        })
    }

    /// Freezes a pin, and first of all the pins that it refers to. Anything else is normalised and
    /// pinned first. See [`Heap::freeze`].
    ///
    /// # Errors
    /// See [`FreezeError`].
    pub fn freeze(&mut self, value: &Val, space: &Arc<PinSpace>) -> Result<Frozen, FreezeError> {
        let value = self.force(value)?;
        Heap::freeze(self, &value, space)
    }

    /// Collects everything that is not reachable, and lets go of pin spaces that nothing points into.
    /// The code of a law that ran before is kept once, so that takes a second time.
    pub fn collect(&mut self) {
        self.heap.collect_all();
        self.forget_dead_code();
        self.heap.spaces.release_unseen();
    }

    /// Drops what is kept of laws that the collector found dead: their decoded code, and, by way of the
    /// compiler, their machine code.
    pub(crate) fn forget_dead_code(&mut self) {
        let host = &mut self.heap.host;
        self.evaluator.forget_dead(&mut host.dead_pools);
        if let Some(compiler) = self.compiler.as_mut().filter(|_| !host.dead_entries.is_empty()) {
            compiler.forget(std::mem::take(&mut host.dead_entries));
        }
    }

    /// The result of an evaluation, unless it came upon a damaged pin. From then on nothing that this
    /// heap computes counts, since what it has computed meanwhile may be wrong.
    pub(crate) fn unless_damaged<T>(&self, result: Result<T, EvalError>) -> Result<T, EvalError> {
        self.check_damage()?;
        result
    }
}

//! [`Vm`]: a heap, its evaluator and what is plugged into them, as one running thing.

use crate::build::Builder;
use crate::eval::Evaluator;
use crate::heap::{Heap, HeapFull, Options, Statistics, Val};
use crate::jet::JetTable;
use crate::pinspace::PinSpace;
use crate::view::Ref;
use crate::word::{DIRECT_LIMIT, Word};
use crate::{Hash, Natural};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Why an evaluation ended without a value.
///
/// Only a crash is PLAN's own and can be caught by PLAN; the others end the evaluation.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Stop {
    /// The law called a nat that is not an operation, with this argument (in normal form).
    #[error("the evaluation crashed")]
    Crash {
        /// The nat that was called.
        op: Val,
        /// What it was called with.
        arg: Val,
    },
    /// A value was needed to compute itself.
    #[error("the evaluation loops: a value is needed to compute itself")]
    Loop,
    /// The evaluation went deeper than the stack may grow.
    #[error("the evaluation needs more stack than it may use")]
    StackFull,
    /// The evaluation's live data outgrew the heap.
    #[error("the evaluation needs more memory than it may use")]
    HeapFull,
    /// A value was to be written out, to be hashed or printed, that shares its parts so much that
    /// it would never end.
    #[error("the value is too large: written out, it has more than {parts} parts")]
    TooLarge {
        /// How many parts it may have.
        parts: u64,
    },
    /// Somebody asked for it to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<HeapFull> for Stop {
    fn from(_: HeapFull) -> Stop {
        Stop::HeapFull
    }
}

/// What a `trk` does with its message: it is called with the evaluated, normalised value.
pub(crate) type TraceHook = Box<dyn FnMut(Ref<'_>)>;

/// A heap with a collector and an evaluator: the runtime of one running thing.
///
/// ```
/// use vm::{Options, Vm};
/// let mut vm = Vm::new(Options::default(), Default::default())?;
/// let three = vm.nat(3);
/// let forty_one = vm.nat(41);
/// let sum = vm.apply(&three, &[forty_one])?;
/// assert_eq!(vm.look(&sum).as_u64(), Some(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Vm {
    pub(crate) heap: Heap,
    pub(crate) evaluator: Evaluator,
    pub(crate) jets: Arc<JetTable>,
    pub(crate) trace: Option<TraceHook>,
    pub(crate) deep_trace: Option<TraceHook>,
    /// Those that the heap may point into. After the heap, so that they are let go later.
    pub(crate) spaces: Vec<Arc<PinSpace>>,
}

impl Vm {
    /// A new, empty runtime with these native laws.
    ///
    /// # Errors
    /// If the system does not grant the stack's address range.
    pub fn new(options: Options, jets: Arc<JetTable>) -> std::io::Result<Vm> {
        let heap = Heap::new(options)?;
        let evaluator = Evaluator::new();
        Ok(Vm { heap, evaluator, jets, trace: None, deep_trace: None, spaces: Vec::new() })
    }

    /// The native laws it was made with.
    pub fn jets(&self) -> &Arc<JetTable> {
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

    /// A flag that another thread sets to stop the running evaluation with
    /// [`Stop::Interrupted`]. The evaluation that stops clears it.
    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        self.heap.interrupt.flag()
    }

    /// Looks at a value.
    pub fn look(&self, val: &Val) -> Ref<'_> {
        Ref::new(self.heap.word(val), &self.heap)
    }

    /// Keeps a value that was looked at.
    pub fn hold(&self, value: Ref<'_>) -> Val {
        self.heap.root(value.word)
    }

    /// A nat.
    pub fn nat(&mut self, nat: u64) -> Val {
        if nat < DIRECT_LIMIT {
            return Val::direct(Word::direct(nat));
        }
        // Two words never fail to fit: the nursery alone is larger, and is emptied for them.
        self.build(|b| b.push_nat(nat)).unwrap_or_else(|_| Val::direct(Word::ZERO))
    }

    /// A nat of any size.
    ///
    /// # Errors
    /// [`Stop::HeapFull`], as for everything that makes values.
    pub fn natural(&mut self, nat: &Natural) -> Result<Val, Stop> {
        self.build(|b| b.push_natural(nat))
    }

    /// The nat whose bytes spell the text, first byte least.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn text(&mut self, text: &str) -> Result<Val, Stop> {
        self.build(|b| b.push_nat_bytes(text.as_bytes()))
    }

    /// A bar.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn bar(&mut self, bytes: &[u8]) -> Result<Val, Stop> {
        self.build(|b| b.push_bar(bytes))
    }

    /// A row of these items.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn row(&mut self, items: &[Val]) -> Result<Val, Stop> {
        self.build(|b| {
            items.iter().for_each(|item| b.push(item));
            b.row(items.len())
        })
    }

    /// A function applied to arguments, not evaluated if there are enough of them to run it.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn app(&mut self, function: &Val, args: &[Val]) -> Result<Val, Stop> {
        self.build(|b| {
            b.push(function);
            args.iter().for_each(|arg| b.push(arg));
            b.app(args.len())
        })
    }

    /// A pin around a value, which is normalised first.
    ///
    /// # Errors
    /// As for [`Vm::force`].
    pub fn pin(&mut self, item: &Val) -> Result<Val, Stop> {
        let item = self.force(item)?;
        self.build(|b| {
            b.push(&item);
            b.pin()
        })
    }

    /// A pin that stands for another one: it has that pin's hash, takes more arguments than there
    /// ever are, and nothing else of it is true. With such pins in its holes a germ can be loaded and
    /// hashed without what it refers to, where no set has pins among its keys (those are compared).
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn stand_in(&mut self, hash: Hash) -> Result<Val, Stop> {
        self.build(|b| {
            // A law of a name that no data jet has.
            for part in [2, u64::MAX, 0] {
                b.push_nat(part)?;
            }
            b.law()?;
            b.stand_in(hash)
        })
    }

    /// Makes a value with a builder; the top of what was pushed is the result.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn build(
        &mut self,
        make: impl FnOnce(&mut Builder<'_>) -> Result<(), Stop>,
    ) -> Result<Val, Stop> {
        let mut builder = Builder::new(self);
        make(&mut builder)?;
        Ok(builder.finish())
    }

    /// The hash of a value in normal form.
    ///
    /// # Panics
    /// If the value is not in normal form: [`Vm::force`] it first.
    ///
    /// # Errors
    /// [`Stop::TooLarge`] and [`Stop::Interrupted`].
    pub fn hash(&self, val: &Val) -> Result<Hash, Stop> {
        crate::hash::hash(self.look(val))
    }

    /// What was allocated and collected so far.
    pub fn statistics(&self) -> Statistics {
        self.heap.statistics()
    }

    /// Bytes of memory that the heap uses, dead objects included.
    pub fn used_bytes(&self) -> usize {
        self.heap.used_bytes()
    }

    /// Collects everything that is not reachable.
    pub fn collect(&mut self) {
        self.heap.collect_all();
        self.evaluator.forget_dead(&mut self.heap);
    }
}

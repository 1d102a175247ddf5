//! [`Heap`]: values held, looked at and built, from outside.
//!
//! Everything here is safe: a value is held as a [`Val`], seen as a [`Ref`] that borrows the heap, and
//! made by a [`Builder`]. What works on the words themselves is in [`crate::raw`].

use crate::build::Builder;
use crate::digest::Hash;
use crate::error::EvalError;
use crate::freeze::{self, FreezeError};
use crate::heap::{Host, NoHost, Options, RawHeap, Statistics, Val};
use crate::nat::Natural;
use crate::pinspace::{Frozen, PinSpace};
use crate::view::{PinRef, Ref};
use crate::word::{DIRECT_LIMIT, Kind, Word};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A heap of values. An evaluator's runtime dereferences to one.
///
/// ```
/// use plan::{Heap, Options, Shape};
/// let mut heap = Heap::new(Options::default())?;
/// let items = [heap.nat(3), heap.text("three")?];
/// let row = heap.row(&items)?;
/// let Shape::Row(items) = heap.look(&row).shape() else { unreachable!() };
/// assert_eq!(items.get(0).and_then(|item| item.as_u64()), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(transparent)]
pub struct Heap<H: Host + ?Sized = dyn Host>(pub(crate) RawHeap<H>);

impl Heap<NoHost> {
    /// An empty heap of its own, without an evaluator.
    ///
    /// # Errors
    /// If the system does not grant the stack's address range.
    pub fn new(options: Options) -> std::io::Result<Box<Heap>> {
        // SAFETY: the words are only reached through the methods below, which keep to the contract.
        let raw = unsafe { RawHeap::new(options, NoHost) }?;
        Ok(Box::new(Heap(raw)))
    }
}

impl Heap {
    /// A heap whose words the caller has within reach.
    #[inline(always)]
    pub fn from_raw(raw: &RawHeap) -> &Heap {
        let pointer: *const RawHeap = raw;
        // SAFETY: `Heap` is a transparent wrapper, and the lifetime stays the same.
        unsafe { &*(pointer as *const Heap) }
    }

    /// Likewise, exclusively.
    #[inline(always)]
    pub fn from_raw_mut(raw: &mut RawHeap) -> &mut Heap {
        let pointer: *mut RawHeap = raw;
        // SAFETY: `Heap` is a transparent wrapper, and the lifetime stays the same.
        unsafe { &mut *(pointer as *mut Heap) }
    }

    /// The words of the heap.
    ///
    /// # Safety
    /// Whoever has access to it keeps to the [contract](RawHeap#contract), and leaves the stack as it was.
    pub unsafe fn raw_mut(&mut self) -> &mut RawHeap {
        &mut self.0
    }

    /// The words of the heap, to be read.
    ///
    /// # Safety
    /// Whoever has access to it keeps to the [contract](RawHeap#contract).
    pub unsafe fn raw(&self) -> &RawHeap {
        &self.0
    }

    /// A flag that another thread sets to stop the running work with [`EvalError::Interrupted`]. The
    /// work that stops clears it.
    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        self.0.interrupt.flag()
    }

    /// Looks at a value.
    ///
    /// # Panics
    /// If the value belongs to another heap; likewise for every method that takes a [`Val`].
    pub fn look(&self, val: &Val) -> Ref<'_> {
        Ref::new(self.0.word(val), &self.0)
    }

    /// Keeps a value that was looked at.
    ///
    /// # Panics
    /// If the value belongs to another heap.
    pub fn hold(&self, value: Ref<'_>) -> Val {
        assert!(std::ptr::eq(value.heap, &self.0.memory), "a value of another heap");
        self.0.handle(value.word)
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
    /// [`EvalError::OutOfMemory`], as for everything that makes values.
    pub fn natural(&mut self, nat: &Natural) -> Result<Val, EvalError> {
        self.build(|b| b.push_natural(nat))
    }

    /// The nat whose bytes spell the text, first byte least.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn text(&mut self, text: &str) -> Result<Val, EvalError> {
        self.build(|b| b.push_nat_bytes(text.as_bytes()))
    }

    /// A bar.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn bar(&mut self, bytes: &[u8]) -> Result<Val, EvalError> {
        self.build(|b| b.push_bar(bytes))
    }

    /// A row of these items.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn row(&mut self, items: &[Val]) -> Result<Val, EvalError> {
        self.build(|b| {
            items.iter().for_each(|item| b.push(item));
            b.row(items.len())
        })
    }

    /// A function applied to arguments, not evaluated if there are enough of them to run it.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn app(&mut self, function: &Val, args: &[Val]) -> Result<Val, EvalError> {
        self.build(|b| {
            b.push(function);
            args.iter().for_each(|arg| b.push(arg));
            b.app(args.len())
        })
    }

    /// A pin with a hash that is claimed: it has that hash, takes more arguments than there
    /// ever are, and nothing else of it is true. With such pins in its holes a germ can be loaded and
    /// hashed without what it refers to, where no set has pins among its keys (those are compared).
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn stand_in(&mut self, hash: Hash) -> Result<Val, EvalError> {
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
        make: impl FnOnce(&mut Builder<'_>) -> Result<(), EvalError>,
    ) -> Result<Val, EvalError> {
        let mut builder = Builder::new(&mut self.0);
        make(&mut builder)?;
        Ok(builder.finish())
    }

    /// A builder, for a value that is made step by step.
    pub fn builder(&mut self) -> Builder<'_> {
        Builder::new(&mut self.0)
    }

    /// The hash of a value in normal form.
    ///
    /// # Panics
    /// If the value is not in normal form.
    ///
    /// # Errors
    /// [`EvalError::TooLarge`], [`EvalError::Interrupted`] and [`EvalError::Damaged`].
    pub fn hash(&self, val: &Val) -> Result<Hash, EvalError> {
        let hash = crate::hash::hash(self.look(val));
        self.check_damage()?;
        hash
    }

    /// What was allocated and collected so far.
    pub fn statistics(&self) -> Statistics {
        self.0.statistics()
    }

    /// Bytes of memory that the heap uses, dead objects included.
    pub fn used_bytes(&self) -> usize {
        self.0.used_bytes()
    }

    /// A frozen pin as a value of this heap. Nothing is copied.
    pub fn adopt(&mut self, pin: &Frozen) -> Val {
        self.0.spaces.attach(pin.space());
        self.0.handle(Word::object(Kind::Pin, pin.address()))
    }

    /// Freezes a pin in normal form, and first of all the pins that it refers to. Anything else in
    /// normal form is pinned first.
    ///
    /// Pins that are in the space already are not written again, and what is below them is not
    /// looked at. After an error, those that were kept stay.
    ///
    /// # Panics
    /// If the value is not in normal form.
    ///
    /// # Errors
    /// See [`FreezeError`].
    pub fn freeze(&mut self, value: &Val, space: &Arc<PinSpace>) -> Result<Frozen, FreezeError> {
        let word = self.0.resolve(self.0.word(value));
        assert!(self.0.is_normal(word), "only a value in normal form is frozen");
        self.0.spaces.attach(space);
        let pin = if word.kind() == Kind::Pin {
            self.0.handle(word)
        } else {
            self.build(|b| {
                b.push(value);
                b.pin()
            })?
        };
        let address = freeze::freeze(PinRef(self.look(&pin)), space);
        self.check_damage()?;
        // SAFETY: the space has just kept the pin at that address, or had it there.
        Ok(unsafe { space.at_unverified(address?) })
    }

    /// Fails if the heap has come upon a damaged pin: nothing that it holds may be used then.
    ///
    /// # Errors
    /// [`EvalError::Damaged`].
    pub fn check_damage(&self) -> Result<(), EvalError> {
        Ok(self.0.spaces.check(&self.0.interrupt)?)
    }
}

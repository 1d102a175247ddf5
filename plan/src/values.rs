//! [`Heap`]: the safe interface to build, hold and read values.
//!
//! A [`Val`] holds a value, a [`Ref`] reads it while it borrows the heap, and a [`ValueBuilder`]
//! makes it. The functions that work on words are in [`crate::raw`].

use crate::background;
use crate::build::ValueBuilder;
use crate::digest::Hash;
use crate::error::EvalError;
use crate::freeze::{self, FreezeError};
use crate::heap::ReferenceRecording;
use crate::heap::{CollectionReport, HeapHost, HeapOptions, HeapStatistics, NoHost, RawHeap, Val};
use crate::interrupt::InterruptHandle;
use crate::nat::Natural;
use crate::pinspace::{FrozenPin, HeapReferences, PinSpace};
use crate::value_ref::Ref;
use crate::view::PinRef;
use crate::word::{DIRECT_LIMIT, Word, WordKind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

/// A heap of values. An evaluator's runtime dereferences to a heap.
///
/// ```
/// use plan::{Heap, HeapOptions, Shape};
/// let mut heap = Heap::new(HeapOptions::default())?;
/// let items = [heap.nat(3), heap.text("three")?];
/// let row = heap.row(&items)?;
/// let Shape::Row(items) = heap.look(&row).shape() else { unreachable!() };
/// assert_eq!(items.get(0).and_then(|item| item.as_u64()), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(transparent)]
pub struct Heap<H: HeapHost + ?Sized = dyn HeapHost>(pub(crate) RawHeap<H>);

impl Heap<NoHost> {
    /// Creates an empty heap without an evaluator.
    ///
    /// # Errors
    /// If the system cannot reserve the stack's address range.
    pub fn new(options: HeapOptions) -> std::io::Result<Box<Heap>> {
        // SAFETY: `Heap` keeps the heap private, and its methods keep to the contract.
        let raw = unsafe { RawHeap::new(options, NoHost) }?;
        Ok(Box::new(Heap(raw)))
    }
}

impl Heap {
    /// Returns the safe interface to a raw heap.
    #[inline(always)]
    pub fn from_raw(raw: &RawHeap) -> &Heap {
        let pointer: *const RawHeap = raw;
        // SAFETY: `Heap` is a transparent wrapper, and the lifetime stays the same.
        unsafe { &*(pointer as *const Heap) }
    }

    /// Returns the safe interface to a raw heap, for changes.
    #[inline(always)]
    pub fn from_raw_mut(raw: &mut RawHeap) -> &mut Heap {
        let pointer: *mut RawHeap = raw;
        // SAFETY: `Heap` is a transparent wrapper, and the lifetime stays the same.
        unsafe { &mut *(pointer as *mut Heap) }
    }

    /// Returns the raw heap.
    ///
    /// # Safety
    /// All code that gets the reference keeps to the [contract](RawHeap#contract), and leaves the
    /// stack as it was.
    pub unsafe fn raw_mut(&mut self) -> &mut RawHeap {
        &mut self.0
    }

    /// Returns the raw heap, for reading.
    ///
    /// # Safety
    /// All code that gets the reference keeps to the [contract](RawHeap#contract).
    pub unsafe fn raw(&self) -> &RawHeap {
        &self.0
    }

    /// Returns the flag that another thread sets to stop the running work with
    /// [`EvalError::Interrupted`]. The work that stops clears it.
    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        self.0.interrupt.flag()
    }

    /// Returns a handle that requests from any thread that the running evaluation stops or is
    /// suspended.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.0.interrupt.request_handle()
    }

    /// Returns the value of a handle, for reading.
    ///
    /// # Panics
    /// If the handle belongs to another heap. This holds for every method that takes a [`Val`].
    pub fn look(&self, val: &Val) -> Ref<'_> {
        Ref::new(self.0.word(val), &self.0)
    }

    /// Returns a handle that keeps the value alive.
    ///
    /// # Panics
    /// If the value belongs to another heap.
    pub fn hold(&self, value: Ref<'_>) -> Val {
        assert!(std::ptr::eq(value.heap, &self.0.memory), "a value of another heap");
        self.0.handle(value.word)
    }

    /// Returns a nat.
    pub fn nat(&mut self, nat: u64) -> Val {
        if nat < DIRECT_LIMIT {
            return Val::direct(Word::direct(nat));
        }
        // Two words always fit: the nursery is larger, and a collection empties it if need be.
        self.build(|b| b.push_nat(nat)).unwrap_or_else(|_| Val::direct(Word::ZERO))
    }

    /// Makes a nat of any size.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn natural(&mut self, nat: &Natural) -> Result<Val, EvalError> {
        self.build(|b| b.push_natural(nat))
    }

    /// Makes the nat whose bytes are the text, first byte least significant.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn text(&mut self, text: &str) -> Result<Val, EvalError> {
        self.build(|b| b.push_nat_bytes(text.as_bytes()))
    }

    /// Makes a bar.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn bar(&mut self, bytes: &[u8]) -> Result<Val, EvalError> {
        self.build(|b| b.push_bar(bytes))
    }

    /// Makes a row of these items.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn row(&mut self, items: &[Val]) -> Result<Val, EvalError> {
        self.build(|b| {
            items.iter().for_each(|item| b.push(item));
            b.row(items.len())
        })
    }

    /// Makes the application of a function to arguments: an app (or its data jet) if the function
    /// takes more arguments, otherwise a thunk.
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

    /// Makes a placeholder for the pin with that hash, which is not checked. The placeholder takes
    /// 2^64 - 1 arguments and otherwise differs from the pin that it represents. A germ can be
    /// loaded with placeholders in its holes and then hashed, without the pins that it refers to.
    /// It must not contain a set with pins among its keys, because loading compares those.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn stand_in(&mut self, hash: Hash) -> Result<Val, EvalError> {
        self.build(|b| {
            // No data jet has a law of this name.
            for part in [2, u64::MAX, 0] {
                b.push_nat(part)?;
            }
            b.law()?;
            b.stand_in(hash)
        })
    }

    /// Makes a value with a builder. The result is the value on top when `make` returns.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn build(
        &mut self,
        make: impl FnOnce(&mut ValueBuilder<'_>) -> Result<(), EvalError>,
    ) -> Result<Val, EvalError> {
        let mut builder = ValueBuilder::new(&mut self.0);
        make(&mut builder)?;
        Ok(builder.finish())
    }

    /// Returns a builder, for a value that is made step by step.
    pub fn builder(&mut self) -> ValueBuilder<'_> {
        ValueBuilder::new(&mut self.0)
    }

    /// Returns the hash of a value in normal form.
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

    /// Returns the collector's counters.
    pub fn statistics(&self) -> HeapStatistics {
        self.0.statistics()
    }

    /// Changes [`HeapOptions::max_heap`], for a heap that many evaluations share: a limit for each.
    pub fn set_max_heap(&mut self, bytes: usize) {
        self.0.set_max_heap(bytes);
    }

    /// Sets the hook that is called after each collection. It must not use the heap.
    pub fn on_collection(&mut self, hook: impl FnMut(&CollectionReport) + 'static) {
        self.0.set_collection_hook(Box::new(hook));
    }

    /// Calls `hook` about once for every `bytes` bytes that are allocated, with the number of bytes
    /// since it was last called. It must not use the heap.
    pub fn on_allocation(&mut self, bytes: usize, hook: impl FnMut(u64) + 'static) {
        self.0.memory.set_allocation_hook(bytes, hook);
    }

    /// Ends the calls of the hook of [`Heap::on_allocation`], and drops it.
    pub fn remove_allocation_hook(&mut self) {
        self.0.memory.remove_allocation_hook();
    }

    /// Returns the bytes that the heap uses, dead objects included.
    pub fn used_bytes(&self) -> usize {
        self.0.used_bytes()
    }

    /// Returns a frozen pin as a value of this heap. Nothing is copied, and the heap keeps the pin
    /// space alive.
    pub fn adopt(&mut self, pin: &FrozenPin) -> Val {
        self.0.attach(pin.space());
        self.0.handle(Word::object(WordKind::Pin, pin.address()))
    }

    /// Reports, for a survey of a pin space, what this heap refers to in it. Runs a full collection,
    /// and detaches the pin spaces that the heap does not refer to.
    pub fn survey_references(&mut self, space: &Arc<PinSpace>) -> HeapReferences {
        self.0.survey_references(space)
    }

    /// Begins to record, for a survey of a pin space, what this heap refers to in it: at the heap's
    /// next full collection, which need not be made for that.
    pub fn record_references(&mut self, space: &Arc<PinSpace>) -> ReferenceRecording {
        self.0.record_references(space)
    }

    /// Ends a recording, if a full collection has run since it began, and returns the references.
    pub fn recorded_references(
        &mut self,
        space: &Arc<PinSpace>,
        recording: &ReferenceRecording,
    ) -> Option<HeapReferences> {
        self.0.recorded_references(space, recording)
    }

    /// Freezes a pin in normal form and the pins that it refers to, those first. Any other value in
    /// normal form is pinned before.
    ///
    /// A pin that is in the space already is not written again, and the pins below it are not
    /// visited. After an error, the pins that were already written stay in the space.
    ///
    /// # Errors
    /// See [`FreezeError`].
    pub fn freeze(&mut self, value: &Val, space: &Arc<PinSpace>) -> Result<FrozenPin, FreezeError> {
        let word = self.0.resolve(self.0.word(value));
        if !self.0.is_normal(word) {
            return Err(FreezeError::NotNormal);
        }
        self.0.attach(space);
        let pin = self.pin_unless_pin(word)?;
        let address = freeze::freeze(PinRef(self.look(&pin)), space);
        self.check_damage()?;
        // SAFETY: `freeze` returns the address of a pin that the space has just stored, or already
        // had.
        Ok(unsafe { space.at_unverified(address?) })
    }

    /// Does the work of [`Heap::freeze`] on another thread, which calls `then` with the result.
    ///
    /// The call itself takes about as long as a young collection that finds everything alive. The
    /// heap can be used meanwhile; only full collections wait for the other thread, if they must
    /// not be postponed because the heap is at its limit. So does the end of the heap, and a
    /// further call of this method.
    ///
    /// # Errors
    /// As for [`Heap::freeze`]: [`FreezeError::NotNormal`], and those of making a pin; and
    /// [`FreezeError::Thread`]. `then` is not called.
    pub fn freeze_in_background(
        &mut self,
        value: &Val,
        space: &Arc<PinSpace>,
        then: impl FnOnce(Result<FrozenPin, FreezeError>) + Send + 'static,
    ) -> Result<JoinHandle<()>, FreezeError> {
        let word = self.0.resolve(self.0.word(value));
        if !self.0.is_normal(word) {
            return Err(FreezeError::NotNormal);
        }
        self.check_damage()?;
        self.0.attach(space);
        let pin = self.pin_unless_pin(word)?;
        background::start(&mut self.0, &pin, space, then)
    }

    /// Returns the pin of a word's value in normal form, or the value itself if it is a pin.
    fn pin_unless_pin(&mut self, word: Word) -> Result<Val, EvalError> {
        let value = self.0.handle(word);
        if word.kind() == WordKind::Pin {
            return Ok(value);
        }
        self.build(|b| {
            b.push(&value);
            b.pin()
        })
    }

    /// Fails if the heap has read a damaged pin. No value of the heap may be used then.
    ///
    /// # Errors
    /// [`EvalError::Damaged`].
    pub fn check_damage(&self) -> Result<(), EvalError> {
        Ok(self.0.spaces.check(&self.0.interrupt)?)
    }
}

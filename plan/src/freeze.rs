//! Freezing: copies pins from a heap into a pin space.
//!
//! The pins in a pin are frozen before it. Its body is copied breadth first, as a collector would,
//! every object once; the layout of an object says how. Meanwhile, words of objects hold offsets
//! from the start of the record, and words of pins hold indices into a list of pins. Both become
//! addresses once the pins in it and the record itself have theirs.
//!
//! A pin that is in the space already is not copied, and nothing below it is visited. The original
//! stays on its heap until the next full collection, which replaces it by the frozen copy
//! ([`crate::pin::frozen_copy`]).

use crate::digest::Hash;
use crate::error::EvalError;
use crate::heap::HeapMemory;
use crate::layout::{EXTRA_MAX, LAW_CODE, ObjectHeader, ObjectLayout};
use crate::map::Map;
use crate::pinspace::record::{self, LINE_WORDS};
use crate::pinspace::{BackingError, DamagedPin, NewPin, PinSpace, range, space};
use crate::value_ref::Ref;
use crate::view::PinRef;
use crate::word::{Word, WordKind};
use crate::{bar, pin, shape};
use std::sync::Arc;

/// Why a value was not frozen. It can be sent to another thread, which an [`EvalError`] cannot.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// The value is not in normal form.
    #[error("the value cannot be frozen: it is not in normal form")]
    NotNormal,
    /// A pin in it is damaged. The heap must not be used any more.
    #[error("{0}")]
    Damaged(Arc<DamagedPin>),
    /// It cannot be hashed or pinned, because of a limit or an interrupt; the text says which.
    #[error("{0}")]
    Limit(String),
    /// The pin space did not store a pin.
    #[error("a pin was not stored: {0}")]
    Space(#[from] BackingError),
    /// The system refused what a freeze in the background needs.
    #[error("no thread can be started to freeze a value: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<EvalError> for FreezeError {
    fn from(error: EvalError) -> FreezeError {
        match error {
            EvalError::Damaged(damaged) => FreezeError::Damaged(damaged),
            other => FreezeError::Limit(other.to_string()),
        }
    }
}

/// Freezes a pin and the pins that it refers to, those first. Returns its address in the space.
///
/// # Errors
/// See [`FreezeError`].
pub(crate) fn freeze(pin: PinRef<'_>, space: &PinSpace) -> Result<usize, FreezeError> {
    // This also computes the hashes of the pins below it.
    pin.hash()?;
    Freezer::new(pin.0.heap, space).run(pin.0.word)
}

/// Returns the number of words of the record of a pin in normal form.
#[cfg(test)]
pub(crate) fn record_length(heap: &HeapMemory, pin: Word) -> usize {
    RecordDraft::build(heap, pin).words.len()
}

/// Freezes one pin and those below it. Nothing on the heap moves meanwhile.
struct Freezer<'h> {
    heap: &'h HeapMemory,
    space: &'h PinSpace,
    /// The addresses of frozen copies, by the addresses of their originals.
    frozen: Map<usize, usize>,
    /// Pins whose own pins are not all frozen; each waits for the one above it.
    pending: Vec<RecordDraft>,
}

impl<'h> Freezer<'h> {
    fn new(heap: &'h HeapMemory, space: &'h PinSpace) -> Freezer<'h> {
        Freezer { heap, space, frozen: Map::default(), pending: Vec::new() }
    }

    /// Freezes the pin, and returns the address of the copy.
    fn run(mut self, pin: Word) -> Result<usize, FreezeError> {
        self.enter(pin)?;
        while let Some(body) = self.pending.last_mut() {
            match body.pins.get(body.next) {
                Some(&within) => {
                    body.next += 1;
                    self.enter(within)?;
                }
                None => self.leave()?,
            }
        }
        Ok(self.frozen[&pin.address()])
    }

    /// Copies a pin into a draft, unless the space has it.
    fn enter(&mut self, pin: Word) -> Result<(), FreezeError> {
        let address = pin.address();
        if self.frozen.contains_key(&address) {
            return Ok(());
        }
        let found = match pin::frozen_copy(self.heap, pin).filter(|copy| self.space.contains(*copy))
        {
            Some(copy) => Some(copy),
            None => {
                let hash = PinRef(Ref::new(pin, self.heap)).hash()?;
                space::find_intact(&mut **self.space.backing(), &hash)
            }
        };
        match found {
            Some(found) => self.finish(pin, found),
            None => self.pending.push(RecordDraft::build(self.heap, pin)),
        }
        Ok(())
    }

    /// Stores the draft on top of the stack, all pins in which are frozen.
    fn leave(&mut self) -> Result<(), FreezeError> {
        let Some(body) = self.pending.pop() else { return Ok(()) };
        let addresses: Vec<usize> =
            body.pins.iter().map(|pin| self.frozen[&pin.address()]).collect();
        let pin = body.pin;
        let address = self.keep(body, &addresses)?;
        self.finish(pin, address);
        Ok(())
    }

    fn finish(&mut self, pin: Word, address: usize) {
        self.frozen.insert(pin.address(), address);
        pin::set_frozen_copy(self.heap, pin, address);
    }

    fn keep(&self, mut body: RecordDraft, addresses: &[usize]) -> Result<usize, FreezeError> {
        // A record with data of a damaged pin would not match its hash.
        if self.heap.spaces.has_damage() {
            return Err(EvalError::Interrupted.into());
        }
        let hash = PinRef(Ref::new(body.pin, self.heap)).hash()?;
        let backing = &mut **self.space.backing();
        // Another thread may have stored it meanwhile.
        if let Some(address) = space::find_intact(backing, &hash) {
            return Ok(address);
        }
        let address = backing.place(8 * body.words.len())?;
        body.relocate(address, addresses);
        body.write_header_line(self.heap, &hash);
        record::seal(address, &mut body.words);
        let mut edges = addresses.to_vec();
        edges.sort_unstable();
        edges.dedup();
        let record = range::bytes_of(&body.words);
        backing.keep(NewPin { hash: &hash, address, record, edges: &edges })?;
        record::accept(address, record.len())
            .map_err(|fault| EvalError::Damaged(Arc::new(DamagedPin::at(address, fault))))?;
        Ok(address)
    }
}

/// A record that is being built.
struct RecordDraft {
    pin: Word,
    /// The record. Before [`RecordDraft::relocate`], a word with an object holds the object's
    /// offset in bytes from the start of the record, and a word of a pin holds eight times the
    /// pin's index in `pins`.
    words: Vec<u64>,
    /// The pins in it, each once.
    pins: Vec<Word>,
    /// The index of the next pin to freeze.
    next: usize,
}

/// The state while a record is built.
struct RecordBuilder<'h> {
    heap: &'h HeapMemory,
    words: Vec<u64>,
    pins: Vec<Word>,
    /// The words in the record of the objects and pins that have been met, by their address on the
    /// heap.
    known: Map<usize, Word>,
}

impl RecordDraft {
    fn build(heap: &HeapMemory, pin: Word) -> RecordDraft {
        let mut builder = RecordBuilder {
            heap,
            words: vec![0; LINE_WORDS],
            pins: Vec::new(),
            known: Map::default(),
        };
        let item = PinRef(Ref::new(pin, heap)).item().word;
        builder.words[1] = builder.follow(item).raw();
        let mut at = LINE_WORDS;
        while at < builder.words.len() {
            at = builder.scan(at);
        }
        RecordDraft { pin, words: builder.words, pins: builder.pins, next: 0 }
    }

    /// Replaces offsets and indices by addresses.
    fn relocate(&mut self, base: usize, addresses: &[usize]) {
        let place = |raw: u64| {
            let word = Word::from_bits(raw);
            match word.kind() {
                _ if !word.has_object() => raw,
                WordKind::Pin => word.moved_to(addresses[word.address() / 8]).raw(),
                _ => word.moved_to(base + word.address()).raw(),
            }
        };
        record::replace_values(&mut self.words, place);
    }

    /// Writes the first line.
    fn write_header_line(&mut self, heap: &HeapMemory, hash: &Hash) {
        let item = PinRef(Ref::new(self.pin, heap)).item().word;
        let arity = shape::arity(heap, item).min(EXTRA_MAX);
        let line = record::line(self.words[1], hash, arity, self.words.len());
        self.words[..LINE_WORDS].copy_from_slice(&line);
    }
}

impl RecordBuilder<'_> {
    /// Returns the word in the record for a word of the heap. Copies its object if that has not
    /// been done.
    fn follow(&mut self, word: Word) -> Word {
        let word = self.heap.resolve(word);
        if !word.has_object() {
            assert!(word.kind() != WordKind::Code, "no value has code in it");
            return word;
        }
        let address = word.address();
        if let Some(&known) = self.known.get(&address) {
            return known;
        }
        assert!(!word.is_thunk(), "a value in normal form has no thunks");
        let place = match word.kind() {
            WordKind::Pin => {
                self.pins.push(word);
                8 * (self.pins.len() - 1)
            }
            _ => self.copy(word),
        };
        let known = word.moved_to(place);
        self.known.insert(address, known);
        known
    }

    /// Appends a copy of an object, and returns its offset in bytes. Reads no word that the heap's
    /// thread may write meanwhile (see [`crate::heap`]'s loans): the code of a law and the end of a
    /// buffer.
    fn copy(&mut self, word: Word) -> usize {
        let object = self.heap.object(word);
        let header = object.header();
        let place = 8 * self.words.len();
        match header.layout() {
            ObjectLayout::BarPart | ObjectLayout::BarView => {
                self.push_flat_bar(bar::bytes(self.heap, word))
            }
            ObjectLayout::Law => {
                self.words.push(header.with_remembered(false).with_normal().raw());
                self.words.extend_from_slice(object.raw_words(0, LAW_CODE));
                self.words.push(0);
            }
            _ => {
                let header = header.with_remembered(false).without_mark();
                self.words.push(header.with_normal().raw());
                self.words.extend_from_slice(object.raw_words(0, header.size()));
            }
        }
        place
    }

    /// Appends a flat bar. A view is frozen in this form: the record would have all bytes of its
    /// source otherwise, and nothing can be appended to a frozen buffer.
    fn push_flat_bar(&mut self, bytes: &[u8]) {
        let words = bytes.len().div_ceil(8);
        self.words.push(ObjectHeader::new(ObjectLayout::Bar, 0, 1 + words).with_normal().raw());
        self.words.push(bytes.len() as u64);
        let (whole, rest) = bytes.as_chunks::<8>();
        self.words.extend(whole.iter().map(|chunk| u64::from_le_bytes(*chunk)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.words.push(u64::from_le_bytes(last));
        }
    }

    /// Translates the words of the copied object at that index, and returns the index of the next
    /// object.
    fn scan(&mut self, at: usize) -> usize {
        let header = ObjectHeader::from_raw(self.words[at]);
        for index in header.layout().values(header.size()) {
            let word = Word::from_bits(self.words[at + 1 + index]);
            self.words[at + 1 + index] = self.follow(word).raw();
        }
        at + 1 + header.size()
    }
}

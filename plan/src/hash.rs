//! The hash of a value: BLAKE3 over a tagged walk.
//!
//! A value in normal form is written from the outside in, left to right, and the bytes are hashed.
//! A pin contributes its own hash, so a large value that consists of pins is hashed without
//! visiting those.
//!
//! | value            | what is written                                             |
//! |------------------|-------------------------------------------------------------|
//! | pin              | byte 0, the hash of its item                                |
//! | law              | byte 1, name and arity as numbers, the body                 |
//! | app              | byte 2, count of arguments, the function, the arguments     |
//! | nat              | byte 3, the number                                          |
//! | bar              | byte 4, count of bytes, the bytes                           |
//! | row constructor  | byte 5, its width as a number                               |
//! | row              | byte 6, count of items, the items                           |
//! | set              | byte 7, count of keys, the keys                             |
//! | table            | byte 8, count of keys, the keys, the values                 |
//!
//! A count is 8 bytes, least significant first; a number is the count of its 64-bit limbs followed
//! by them, least significant first. The empty row is the row of 0 items. (prototype:
//! lib/Fan/Hash.hs)

use crate::digest::Hash;
use crate::error::EvalError;
use crate::heap::HeapMemory;
use crate::nat::limbs;
use crate::pin;
use crate::pinspace::record;
use crate::value_ref::Ref;
use crate::view::{LawRef, PinRef, Shape};
use crate::walk::{self, PinCounting, Walk, is_larger_than};
use crate::word::{Word, WordKind};

/// Returns the hash of a value in normal form. Pins in it are hashed first if need be.
///
/// # Panics
/// If a part of it is not evaluated.
///
/// # Errors
/// [`EvalError::TooLarge`] and [`EvalError::Interrupted`].
pub(crate) fn hash(value: Ref<'_>) -> Result<Hash, EvalError> {
    if let Some(hash) = hash_unless_unhashed_pin(value)? {
        return Ok(hash);
    }
    for pin in unhashed_pins(value)? {
        hash_pins(PinRef(Ref::new(pin, value.heap)))?;
    }
    Ok(hash_unless_unhashed_pin(value)?.expect("the pins in it have just been hashed"))
}

/// Returns the hash of a value in normal form; `None` if it has more than `limit` words, counted
/// each time they occur, or a pin in it is too large to be hashed. The time needed is that for
/// `limit` words, and that for hashing the pins in it.
///
/// # Panics
/// As for [`hash`].
///
/// # Errors
/// [`EvalError::Interrupted`].
pub(crate) fn hash_within(value: Ref<'_>, limit: usize) -> Result<Option<Hash>, EvalError> {
    match digest(value, limit) {
        Ok(hash) => Ok(Some(hash)),
        Err(DigestError::UnhashedPin) if !is_larger_than(value, limit) => match hash(value) {
            Ok(hash) => Ok(Some(hash)),
            Err(EvalError::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error),
        },
        Err(DigestError::UnhashedPin | DigestError::TooLong) => Ok(None),
        Err(DigestError::Eval(error)) => Err(error),
    }
}

impl Ref<'_> {
    /// Returns the hash of a value in normal form.
    ///
    /// # Panics
    /// If the value is not in normal form.
    ///
    /// # Errors
    /// [`EvalError::TooLarge`] and [`EvalError::Interrupted`].
    pub fn hash(self) -> Result<Hash, EvalError> {
        hash(self)
    }
}

impl PinRef<'_> {
    /// Returns the pin's hash, if it has been computed.
    pub fn known_hash(self) -> Option<Hash> {
        pin::known_hash(self.0.heap, self.0.word)
    }

    /// Returns the pin's hash, which is that of its item. It is computed on first use and then
    /// stored.
    ///
    /// # Errors
    /// [`EvalError::TooLarge`] and [`EvalError::Interrupted`], if it has to be computed.
    pub fn hash(self) -> Result<Hash, EvalError> {
        match pin::known_hash(self.0.heap, self.0.word) {
            Some(hash) => Ok(hash),
            None => hash_pins(self),
        }
    }
}

/// Returns the pin's hash, if it can be computed. An interrupt during the computation is requested
/// again, for the code that can report it.
pub(crate) fn hash_if_small(pin: PinRef<'_>) -> Option<Hash> {
    let interrupted = |error: &EvalError| {
        if matches!(error, EvalError::Interrupted) {
            pin.0.heap.interrupt.set();
        }
    };
    pin.hash().inspect_err(interrupted).ok()
}

/// Returns the pin's hash if it is known, or if it can be computed by hashing at most `words` words,
/// which are then subtracted; they are 0 afterwards if it cannot. A request to stop ends the
/// computation, and stays for the code that can report it.
pub fn hash_within_words(pin: PinRef<'_>, words: &mut u64) -> Option<Hash> {
    let found = hash_pins_if(pin, |item| {
        let left = std::mem::take(words);
        let max_objects = usize::try_from(left).unwrap_or(usize::MAX);
        let size = item.written_size_if_small(PinCounting::Opaque, max_objects);
        let left = size.and_then(|size| left.checked_sub(size));
        *words = left.unwrap_or(0);
        left.is_some()
    });
    found.unwrap_or_else(|_| {
        // No item is too large, because its size is known.
        *words = 0;
        pin.0.heap.interrupt.set();
        None
    })
}

/// Computes the hash of a pin that has none. Those below it are hashed first, the innermost before
/// all.
///
/// # Errors
/// [`EvalError::TooLarge`] and [`EvalError::Interrupted`].
pub(crate) fn hash_pins(pin: PinRef<'_>) -> Result<Hash, EvalError> {
    Ok(hash_pins_if(pin, |_| true)?.expect("no item is refused"))
}

/// Like [`hash_pins`], but asks before the item of each pin is hashed, and returns none if the
/// answer is no.
fn hash_pins_if(
    pin: PinRef<'_>,
    mut accepts: impl FnMut(Ref<'_>) -> bool,
) -> Result<Option<Hash>, EvalError> {
    let heap = pin.0.heap;
    let mut pending = vec![pin.0.word];
    while let Some(&top) = pending.last() {
        if pin::known_hash(heap, top).is_some() {
            pending.pop();
            continue;
        }
        let item = item_of(top, heap);
        if !accepts(item) {
            return Ok(None);
        }
        match hash_unless_unhashed_pin(item)? {
            Some(hash) => pin::set_hash(heap, top, &hash),
            None => pending.append(&mut unhashed_pins(item)?),
        }
    }
    Ok(pin::known_hash(heap, pin.0.word))
}

fn item_of(pin: Word, heap: &HeapMemory) -> Ref<'_> {
    PinRef(Ref::new(pin, heap)).item()
}

/// Returns the pins in a value that have no hash yet.
fn unhashed_pins(value: Ref<'_>) -> Result<Vec<Word>, EvalError> {
    let mut walk = Walk::distinct(value);
    let mut pins = Vec::new();
    while let Some(part) = walk.next()? {
        if part.word.kind() == WordKind::Pin && pin::known_hash(part.heap, part.word).is_none() {
            pins.push(part.word);
        }
    }
    pins.sort_unstable_by_key(|pin| pin.address());
    pins.dedup();
    Ok(pins)
}

/// Why a value was not hashed.
enum DigestError {
    /// A pin in it has no hash.
    UnhashedPin,
    /// It has more words than allowed.
    TooLong,
    /// The walk over it failed.
    Eval(EvalError),
}

/// Returns the hash of a value; `None` if a pin in it has no hash.
fn hash_unless_unhashed_pin(value: Ref<'_>) -> Result<Option<Hash>, EvalError> {
    match digest(value, usize::MAX) {
        Ok(hash) => Ok(Some(hash)),
        Err(DigestError::Eval(error)) => Err(error),
        Err(DigestError::UnhashedPin | DigestError::TooLong) => Ok(None),
    }
}

/// Returns the hash of a value of at most about `limit` words.
fn digest(value: Ref<'_>, limit: usize) -> Result<Hash, DigestError> {
    let mut writer = HashWriter::new();
    let mut walk = Walk::new(value);
    while let Some(part) = walk.next().map_err(DigestError::Eval)? {
        write_node(&mut writer, part).ok_or(DigestError::UnhashedPin)?;
        if writer.written() / 8 > limit {
            return Err(DigestError::TooLong);
        }
    }
    Ok(writer.finish())
}

/// Writes a value without its parts. Returns `None` for a pin without a hash.
fn write_node(writer: &mut HashWriter, value: Ref<'_>) -> Option<()> {
    match value.shape() {
        Shape::Pin(pin) => {
            let hash = pin::known_hash(pin.0.heap, pin.0.word)?;
            writer.byte(0);
            writer.bytes(&hash.0);
        }
        Shape::Law(law) => write_law(writer, law),
        Shape::App(app) => {
            writer.byte(2);
            writer.word(app.len() as u64);
        }
        Shape::Nat(nat) => {
            writer.byte(3);
            writer.limbs(nat.limbs());
        }
        Shape::Bar(bytes) => {
            writer.byte(4);
            writer.word(bytes.len() as u64);
            writer.bytes(bytes);
        }
        Shape::Cow(width) => {
            writer.byte(5);
            writer.limbs(&[width]);
        }
        Shape::Row(items) => {
            record::read_ahead(items.iter().map(|item| item.word));
            writer.byte(6);
            writer.word(items.len() as u64);
        }
        Shape::Set(keys) => {
            writer.byte(7);
            writer.word(keys.len() as u64);
        }
        Shape::Tab(keys, _) => {
            writer.byte(8);
            writer.word(keys.len() as u64);
        }
        Shape::Thunk => unreachable!("only values in normal form are hashed"),
    }
    Some(())
}

/// Writes a law without its body. A row constructor that is too wide for a shape of its own is
/// written as one here.
fn write_law(writer: &mut HashWriter, law: LawRef<'_>) {
    if walk::is_wide_constructor(law) {
        writer.byte(5);
        let arity = law.arity();
        let mut width = vec![0; arity.limbs().len()];
        limbs::decrement(&mut width, arity.limbs());
        writer.limbs(limbs::trimmed(&width));
        return;
    }
    writer.byte(1);
    writer.limbs(law.name().limbs());
    writer.limbs(law.arity().limbs());
}

/// BLAKE3, with a buffer that is large enough for it to process many blocks in parallel.
struct HashWriter {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

/// The number of bytes that are buffered before they are hashed.
const BUFFER_SIZE: usize = 1 << 14;
/// The initial capacity of the buffer: most values need less.
const INITIAL_CAPACITY: usize = 1 << 10;

impl HashWriter {
    fn new() -> HashWriter {
        HashWriter { hasher: blake3::Hasher::new(), buffer: Vec::with_capacity(INITIAL_CAPACITY) }
    }

    /// Returns the number of bytes written.
    fn written(&self) -> usize {
        self.hasher.count() as usize + self.buffer.len()
    }

    fn byte(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    fn word(&mut self, word: u64) {
        self.bytes(&word.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > BUFFER_SIZE {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
            if bytes.len() > BUFFER_SIZE {
                self.hasher.update(bytes);
                return;
            }
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn limbs(&mut self, limbs: &[u64]) {
        self.word(limbs.len() as u64);
        limbs.iter().for_each(|&limb| self.word(limb));
    }

    fn finish(mut self) -> Hash {
        self.hasher.update(&self.buffer);
        Hash(self.hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests;

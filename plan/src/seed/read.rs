//! Reads values from bytes.
//!
//! The references are on the evaluation stack in the order of their numbers, and the tree of the
//! current fragment is built above them. All input is checked before use: counts are compared with
//! the input's length before anything is allocated for them, and every pair is made by the rules
//! for shapes, after a check that it needs no evaluation.

use super::bits::BitReader;
use super::write::reference_bits;
use super::{LoadError, LoadProblem};
use crate::error::EvalError;
use crate::heap::{RawHeap, Val};
use crate::value_ref::Ref;
use crate::word::{Word, WordKind};
use crate::{build, law, nat, shape};

/// Reads a value, with these pins in its holes.
pub(super) fn read(heap: &mut RawHeap, holes: &[Val], bytes: &[u8]) -> Result<Val, LoadError> {
    let base = heap.stack.top();
    let mut reader = SeedReader { heap, bytes, at: 0, base };
    let result = reader.read(holes).map_err(|problem| LoadError { offset: reader.at, problem });
    let value = result.map(|()| {
        let top = reader.heap.stack.peek(0);
        reader.heap.handle(top)
    });
    heap.stack.truncate(base);
    value
}

struct SeedReader<'v, 'b> {
    heap: &'v mut RawHeap,
    bytes: &'b [u8],
    /// The position of the reader: a multiple of 8 up to the small nats, any byte after that.
    at: usize,
    /// The stack index of the first reference.
    base: usize,
}

/// The counts in the header of a seed.
struct SeedCounts {
    bigs: usize,
    words: usize,
    bytes: usize,
    fragments: usize,
}

/// A function on the stack with some of its arguments above it.
struct PendingPair {
    arguments: usize,
    missing: usize,
}

impl SeedReader<'_, '_> {
    /// Reads the value, and leaves it on top of the stack.
    fn read(&mut self, holes: &[Val]) -> Result<(), LoadProblem> {
        let counts = self.read_counts(holes.len())?;
        for (index, hole) in holes.iter().enumerate() {
            let pin = self.heap.resolve(self.heap.word(hole));
            if pin.kind() != WordKind::Pin {
                return Err(LoadProblem::NotAPin(index));
            }
            self.push(pin)?;
        }
        self.read_nats(&counts)?;
        if self.known() == 0 {
            return Err(LoadProblem::Empty);
        }
        self.read_fragments(counts.fragments)
    }

    fn read_counts(&mut self, given: usize) -> Result<SeedCounts, LoadProblem> {
        if !self.bytes.len().is_multiple_of(8) {
            self.at = self.bytes.len();
            return Err(LoadProblem::NotWholeWords);
        }
        let holes = self.read_word("header")?;
        if holes != given as u64 {
            self.at = 0;
            return Err(LoadProblem::HoleCount { holes, given });
        }
        Ok(SeedCounts {
            bigs: self.read_count("table of big nats", 64)?,
            words: self.read_count("words", 64)?,
            bytes: self.read_count("small nats", 8)?,
            // A fragment has at least two references, of at least one bit each.
            fragments: self.read_count("fragments", 2)?,
        })
    }

    /// Reads a count of entries of at least `bits` bits each.
    fn read_count(&mut self, what: &'static str, bits: u64) -> Result<usize, LoadProblem> {
        let at = self.at;
        let count = self.read_word("header")?;
        if count > 8 * self.bytes.len() as u64 / bits {
            self.at = at;
            return Err(LoadProblem::Truncated(what));
        }
        Ok(count as usize)
    }

    fn read_bytes(&mut self, what: &'static str, count: usize) -> Result<&[u8], LoadProblem> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        let bytes = bytes.ok_or(LoadProblem::Truncated(what))?;
        self.at += count;
        Ok(bytes)
    }

    fn read_word(&mut self, what: &'static str) -> Result<u64, LoadProblem> {
        let mut word = [0; 8];
        word.copy_from_slice(self.read_bytes(what, 8)?);
        Ok(u64::from_le_bytes(word))
    }

    fn push(&mut self, word: Word) -> Result<(), LoadProblem> {
        if !self.heap.stack.has_room(1) {
            return Err(EvalError::StackOverflow.into());
        }
        self.heap.stack.push_checked(word);
        Ok(())
    }

    fn push_nat(&mut self, limbs: &[u64]) -> Result<(), LoadProblem> {
        let word = nat::from_limbs(self.heap, limbs)?;
        self.push(word)
    }

    /// Returns the number of references, if nothing is above them.
    fn known(&self) -> usize {
        self.heap.stack.top() - self.base
    }

    fn read_nats(&mut self, counts: &SeedCounts) -> Result<(), LoadProblem> {
        let widths = self.at;
        self.read_bytes("table of big nats", 8 * counts.bigs)?;
        let mut limbs = Vec::new();
        for index in 0..counts.bigs {
            let data = std::mem::replace(&mut self.at, widths + 8 * index);
            let width = self.read_word("table of big nats")?;
            self.at = data;
            self.read_big(width, &mut limbs)?;
        }
        for _ in 0..counts.words {
            let word = self.read_word("words")?;
            self.push_nat(&[word])?;
        }
        for _ in 0..counts.bytes {
            let byte = self.read_bytes("small nats", 1)?[0];
            self.push(Word::direct(byte.into()))?;
        }
        Ok(())
    }

    /// Reads a nat of `width` limbs; `limbs` is scratch memory.
    fn read_big(&mut self, width: u64, limbs: &mut Vec<u64>) -> Result<(), LoadProblem> {
        let at = self.at;
        let bytes = usize::try_from(width).ok().and_then(|width| width.checked_mul(8));
        let bytes = bytes.ok_or(LoadProblem::Truncated("big nats"))?;
        limbs.clear();
        let words = self.read_bytes("big nats", bytes)?.chunks_exact(8);
        limbs.extend(words.map(|word| word.iter().rev().fold(0, |n, &b| (n << 8) | u64::from(b))));
        if limbs.len() < 2 || limbs.last() == Some(&0) {
            self.at = at;
            return Err(LoadProblem::NotBig);
        }
        self.push_nat(limbs)
    }

    fn read_fragments(&mut self, count: usize) -> Result<(), LoadProblem> {
        let mut bits = BitReader::new(self.bytes, self.at);
        let mut pending = Vec::new();
        for _ in 0..count {
            self.read_fragment(&mut bits, &mut pending)?;
        }
        self.at = bits.byte_offset();
        if bits.only_padding_follows() { Ok(()) } else { Err(LoadProblem::TrailingData) }
    }

    /// Reads a fragment, which becomes the next reference.
    fn read_fragment(
        &mut self,
        bits: &mut BitReader<'_>,
        pending: &mut Vec<PendingPair>,
    ) -> Result<(), LoadProblem> {
        let known = self.known();
        let width = reference_bits(known);
        let mut implied = 1;
        loop {
            self.at = bits.byte_offset();
            let ones = bits.get_ones().ok_or(LoadProblem::Truncated("fragments"))?;
            let reference = bits.get(width).ok_or(LoadProblem::Truncated("fragments"))?;
            if reference >= known as u64 {
                return Err(LoadProblem::BadReference { reference, known });
            }
            let word = self.heap.stack.get_checked(self.base + reference as usize);
            self.push(word)?;
            let arguments = ones + std::mem::take(&mut implied);
            pending.push(PendingPair { arguments, missing: 1 + arguments });
            // The value just read is the function of the pair that was just pushed, or all of it.
            while let Some(last) = pending.last_mut() {
                last.missing -= 1;
                if last.missing > 0 {
                    break;
                }
                let arguments = last.arguments;
                pending.pop();
                self.apply(arguments)?;
            }
            if pending.is_empty() {
                return Ok(());
            }
        }
    }

    /// Replaces a function and the arguments above it on the stack by their application, which must
    /// not need evaluation.
    fn apply(&mut self, mut count: usize) -> Result<(), LoadProblem> {
        while count > 0 {
            let at = self.heap.stack.top() - 1 - count;
            let function = self.heap.stack.get_checked(at);
            match function.kind() {
                WordKind::App if shape::arity(self.heap, function) <= count as u64 => {
                    let (_, given) = shape::spine(self.heap, function);
                    if !self.heap.stack.has_room(given) {
                        return Err(EvalError::StackOverflow.into());
                    }
                    shape::expand(self.heap, count);
                    count += given;
                }
                WordKind::Nat if function == Word::direct(0) && count >= 3 => {
                    self.make_law(at)?;
                    count -= 3;
                }
                WordKind::Nat if function == Word::direct(4) => {
                    self.make_pin(at)?;
                    count -= 1;
                }
                _ if let arity = shape::arity(self.heap, function)
                    && arity > count as u64 =>
                {
                    shape::make_partial(self.heap, count, arity)?;
                    let made = self.heap.stack.peek(0);
                    if matches!(made.kind(), WordKind::App | WordKind::Row | WordKind::Tab) {
                        self.heap.mark_normal(made);
                    }
                    return Ok(());
                }
                _ => return Err(LoadProblem::NotNormal),
            }
        }
        Ok(())
    }

    /// Replaces 0, at stack index `at`, and three arguments by the law.
    fn make_law(&mut self, at: usize) -> Result<(), LoadProblem> {
        let arguments = [1, 2, 3].map(|index| self.heap.stack.get_checked(at + index));
        let nats = arguments[..2].iter().all(|&word| {
            let value = Ref::new(word, self.heap);
            value.as_nat().is_some()
        });
        if !nats || arguments[1] == Word::ZERO {
            return Err(LoadProblem::NotALaw);
        }
        for word in arguments {
            self.push(word)?;
        }
        law::make_law(self.heap)?;
        self.replace(at, 3);
        Ok(())
    }

    /// Replaces 4, at stack index `at`, and one argument by the pin.
    fn make_pin(&mut self, at: usize) -> Result<(), LoadProblem> {
        let item = self.heap.stack.get_checked(at + 1);
        self.push(item)?;
        build::make_pin(self.heap)?;
        self.replace(at, 1);
        Ok(())
    }

    /// Moves the top of the stack to index `at`, replacing the word there and `count` words above
    /// it.
    fn replace(&mut self, at: usize, count: usize) {
        let made = self.heap.stack.pop();
        self.heap.stack.set(at, made);
        self.heap.stack.slide(at + 1, at + 1 + count);
    }
}

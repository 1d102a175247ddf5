//! Random PLAN values and programs, for comparing evaluators.
//!
//! Programs are generated with an idea of types (a nat, a function of so many nats to a nat,
//! anything), so that most of them end in a value worth comparing. They are not *well* typed: what
//! ill-typed parts mean is as well defined in PLAN, and so it is tested. Everything is a function of
//! the seed, or of the bytes that a fuzzer result instead of one.
//!
//! ```text
//! TermGenerator::program ─▶ expression.rs   typed expressions over the five operations, laws, data
//!                  ├▶ calls.rs    calls of laws: recursive ones, known ones, with arguments left over
//!                  └▶ law.rs      laws: arguments, lets in any order, quoting
//! TermGenerator::term ───▶ value.rs         normal forms: partial apps, data shapes, forms that mean
//!                                 something in a law's body
//! ```

mod calls;
mod expression;
mod law;
mod source;
mod value;

use malachite_base::num::arithmetic::traits::PowerOf2;
use malachite_base::num::basic::traits::One;
use malachite_nz::natural::Natural;

use super::Term;
pub use calls::KnownFunction;
use expression::Scope;
pub use expression::TermType;
use source::Source;
use std::sync::Arc;

/// A source of random terms, determined by its seed or bytes.
#[derive(Clone, Debug)]
pub struct TermGenerator {
    source: Source,
    known: Arc<[KnownFunction]>,
}

impl TermGenerator {
    /// A generator; every seed result another sequence.
    pub fn new(seed: u64) -> TermGenerator {
        TermGenerator { source: Source::from_seed(seed), known: Arc::default() }
    }

    /// A generator whose choices are spelled by bytes, one for most of them. After the last byte each
    /// choice is the first, so that terms end soon.
    pub fn from_bytes(bytes: &[u8]) -> TermGenerator {
        TermGenerator { source: Source::from_bytes(bytes), known: Arc::default() }
    }

    /// A generator whose programs also use these functions.
    #[must_use]
    pub fn with_known(self, known: Arc<[KnownFunction]>) -> TermGenerator {
        TermGenerator { known, ..self }
    }

    /// A random value: [`Term::is_normal`] holds. `size` is a rough count of what it is made of; laws
    /// have several nodes for each operation in them.
    pub fn term(&mut self, size: usize) -> Term {
        self.value(size)
    }

    /// A random well-formed expression to be evaluated, of roughly `size` operations.
    ///
    /// Few are values already, and most end in one within some thousand steps.
    pub fn program(&mut self, size: usize) -> Term {
        let mut program = self.any_program(size);
        for _ in 0..3 {
            if !program.is_normal() {
                break;
            }
            program = self.any_program(size);
        }
        program
    }

    fn any_program(&mut self, size: usize) -> Term {
        if self.chance(1, 12) {
            return self.wild(size);
        }
        let ty = match self.below(24) {
            0..10 => TermType::Nat,
            10..17 => TermType::Any,
            17..20 => TermType::Function(1 + self.below(3)),
            _ => self.data_type(),
        };
        self.expression(ty, &Scope::default(), size).into_program()
    }

    /// A random nat: mostly small, at times around the edges of machine words.
    pub fn nat(&mut self) -> Natural {
        match self.below(16) {
            0..8 => Natural::from(self.below(6)),
            8..11 => Natural::from(self.below(256)),
            11..13 => {
                let edge = Natural::power_of_2([31, 32, 62, 63, 64, 65, 127, 128][self.index(8)]);
                match self.below(3) {
                    0 => edge - Natural::ONE,
                    1 => edge,
                    _ => edge + Natural::from(self.below(3)),
                }
            }
            13 => Natural::from(self.next()),
            14 => (Natural::from(self.next()) << 64u32) + Natural::from(self.next()),
            _ => self.name(),
        }
    }

    /// A nat as it is found in names.
    fn name(&mut self) -> Natural {
        match *self.pick(&["", "a", "f", "die", "sum", "longerThanAWord"]).as_bytes() {
            [] => Natural::from(self.below(3)),
            ref bytes => super::nat_from_bytes(bytes),
        }
    }

    /// Random values applied to one another, without a thought.
    fn wild(&mut self, size: usize) -> Term {
        if size < 4 {
            return self.value(size);
        }
        let count = 1 + self.index(5);
        let head = self.wild(size / (count + 1));
        let arguments: Vec<Term> = (0..count).map(|_| self.wild(size / (count + 1))).collect();
        head.apps(arguments)
    }

    fn next(&mut self) -> u64 {
        self.source.next()
    }

    /// A number below `n`, which is positive and small.
    fn below(&mut self, n: u64) -> u64 {
        self.source.below(n)
    }

    fn index(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }

    fn chance(&mut self, of: u64, among: u64) -> bool {
        self.below(among) < of
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }
}

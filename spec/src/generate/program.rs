//! Whole programs and values.

use super::super::Term;
use super::generator::TermGenerator;
use super::types::{TermType, TypedScope};

impl TermGenerator {
    /// Returns a random value: [`Term::is_normal`] holds. `size` is the approximate number of its
    /// parts; a law has several nodes for each operation in it.
    pub fn term(&mut self, size: usize) -> Term {
        self.value(size)
    }

    /// Returns a random well-formed expression of roughly `size` operations.
    ///
    /// Few of them are values already, and most have a value after some thousand steps.
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
            return self.untyped_program(size);
        }
        let ty = match self.below(24) {
            0..10 => TermType::Nat,
            10..17 => TermType::Any,
            17..20 => TermType::Function(1 + self.below(3)),
            _ => self.data_type(),
        };
        self.expression(ty, &TypedScope::default(), size).into_program()
    }

    /// Returns random values applied to one another, regardless of type.
    fn untyped_program(&mut self, size: usize) -> Term {
        if size < 4 {
            return self.value(size);
        }
        let count = 1 + self.index(5);
        let head = self.untyped_program(size / (count + 1));
        let arguments: Vec<Term> =
            (0..count).map(|_| self.untyped_program(size / (count + 1))).collect();
        head.apps(arguments)
    }
}

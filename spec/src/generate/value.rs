//! Random values.

use malachite_base::num::basic::traits::One;
use malachite_nz::natural::Natural;

use super::super::{Term, shapes};
use super::TermGenerator;

impl TermGenerator {
    /// Returns a value of about `size` nodes.
    pub(super) fn value(&mut self, size: usize) -> Term {
        if size <= 1 {
            return Term::Nat(self.nat());
        }
        match self.below(20) {
            0..4 => Term::Nat(self.nat()),
            4..7 => {
                let arity = 1 + self.below(3);
                self.law(arity, size)
            }
            7..9 => self.value(size - 1).pin(),
            9..12 => self.partial_app(size),
            12..15 => {
                let elements = self.values(size);
                shapes::row(elements)
            }
            15 => self.bar(),
            16 => {
                let count = self.index(4);
                shapes::set(self.keys(count))
            }
            17 => self.tab(size),
            18 => self.near_data_law(size),
            _ => self.body_form(size),
        }
    }

    pub(super) fn bar(&mut self) -> Term {
        let bytes: Vec<u8> = (0..self.below(12)).map(|_| self.below(256) as u8).collect();
        shapes::bar(&bytes)
    }

    pub(super) fn tab(&mut self, size: usize) -> Term {
        let values = self.values(size);
        shapes::tab(self.keys(values.len()).into_iter().zip(values))
    }

    /// Returns a few values that share `size`.
    pub(super) fn values(&mut self, size: usize) -> Vec<Term> {
        let count = self.index(4);
        (0..count).map(|_| self.value(size / (count + 1))).collect()
    }

    /// Returns keys for a set: mostly strictly ascending, at times unordered or with duplicates.
    pub(super) fn keys(&mut self, count: usize) -> Vec<Term> {
        let mut keys: Vec<Term> = Vec::new();
        for _ in 0..count {
            let key = if self.chance(2, 3) { Term::Nat(self.nat()) } else { self.value(4) };
            keys.push(key);
        }
        if self.chance(3, 4) {
            keys.sort();
            keys.dedup();
        }
        keys
    }

    /// Returns a function with fewer arguments than it takes.
    fn partial_app(&mut self, size: usize) -> Term {
        let head = match self.below(8) {
            0 => Term::from(0),
            1 => Term::from(1),
            2 => Term::from(2),
            3 => Term::from(self.below(3)).pin(),
            4 => {
                let item = self.partial_app(size / 2);
                item.pin()
            }
            n => {
                let arity = 2 + self.below(3);
                let law = self.law(arity, size / 2);
                if n == 5 { law.pin() } else { law }
            }
        };
        let room = head.arity() - Natural::ONE;
        let room = usize::try_from(&room).unwrap_or(usize::MAX).min(3);
        if room == 0 {
            return head;
        }
        let count = 1 + self.index(room);
        let arguments: Vec<Term> = (0..count).map(|_| self.value(size / (2 * count))).collect();
        head.apps(arguments)
    }

    /// Returns a law whose fields are close to those of data, or extreme.
    fn near_data_law(&mut self, size: usize) -> Term {
        let arity = match self.below(4) {
            0 => self.nat() + Natural::ONE,
            _ => Natural::from(1 + self.below(2)),
        };
        let name = Natural::from(self.below(2));
        let body = match self.below(4) {
            0 => Term::Nat(self.nat()),
            1 => {
                let elements = self.values(size);
                shapes::row(elements)
            }
            2 => Term::from(self.below(3)),
            _ => self.value(size / 2),
        };
        Term::Law { name, arity, body: body.into() }
    }

    /// Returns a value made of the forms that have a meaning in a law's body, and of near misses.
    pub(super) fn body_form(&mut self, size: usize) -> Term {
        if size <= 1 {
            return Term::from(self.below(6));
        }
        let (head, count) = match self.below(16) {
            0..6 => (0, 2),
            6..8 => (2, 1),
            8..11 => (1, 2),
            11 => (0, 1),
            12 => (1, 1 + self.index(4)),
            13 => (2, 2),
            14 => return Term::from(self.below(6)),
            _ => return self.value(size - 1),
        };
        let parts: Vec<Term> = (0..count).map(|_| self.body_form(size / (count + 1))).collect();
        Term::from(head).apps(parts)
    }
}

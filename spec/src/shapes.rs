//! The plain laws and apps that the runtime represents as bars, rows, sets and tables.
//!
//! The rules do not depend on shapes. These constructors serve tests and the generator, and make
//! the values as PLAN programs see them.

use malachite_base::num::basic::traits::One;
use malachite_nz::natural::Natural;

use super::{Term, nat_from_bytes};

/// Returns the constructor of rows of `n` elements: the law `{0 n+1 0}`, which returns itself when
/// it runs.
pub fn cow(n: u64) -> Term {
    Term::Law {
        name: Natural::from(0u8),
        arity: Natural::from(n) + Natural::ONE,
        body: Term::zero().into(),
    }
}

/// Returns a row: its elements, last first, applied to the constructor of its length.
pub fn row(elements: impl IntoIterator<Item = Term, IntoIter: DoubleEndedIterator>) -> Term {
    let reversed: Vec<Term> = elements.into_iter().rev().collect();
    cow(reversed.len() as u64).apps(reversed)
}

/// Returns a bar: `{1 1 n}`, where the bytes of `n` are those of the bar followed by a 1.
pub fn bar(bytes: &[u8]) -> Term {
    let mut marked = bytes.to_vec();
    marked.push(1);
    Term::law(1, 1, nat_from_bytes(&marked))
}

/// Returns a set: `{1 2 row}`. The runtime treats it as a set only if the keys are strictly
/// ascending, which is not checked.
pub fn set(keys: impl IntoIterator<Item = Term, IntoIter: DoubleEndedIterator>) -> Term {
    Term::law(1, 2, row(keys))
}

/// Returns a table: the set of its keys applied to the row of its values.
pub fn tab(entries: impl IntoIterator<Item = (Term, Term)>) -> Term {
    let (keys, values): (Vec<Term>, Vec<Term>) = entries.into_iter().unzip();
    set(keys).app(row(values))
}

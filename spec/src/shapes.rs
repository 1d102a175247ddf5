//! The plain laws and apps that the real runtime represents as bars, rows, sets and tables.
//!
//! The specification knows nothing of them; they are here so that tests and the generator can build
//! them, and are made the way PLAN programs see them.

use malachite_base::num::basic::traits::One;
use malachite_nz::natural::Natural;

use super::{Term, nat_from_bytes};

/// The law that makes a row of `n` elements: `{0 n+1 0}`, which gives itself if it is ever run.
pub fn cow(n: u64) -> Term {
    Term::Law {
        name: Natural::from(0u8),
        arity: Natural::from(n) + Natural::ONE,
        body: Term::zero().into(),
    }
}

/// A row: its elements, last first, applied to the constructor of its length.
pub fn row(elements: impl IntoIterator<Item = Term, IntoIter: DoubleEndedIterator>) -> Term {
    let reversed: Vec<Term> = elements.into_iter().rev().collect();
    cow(reversed.len() as u64).apps(reversed)
}

/// A bar: `{1 1 n}` where the bytes of `n` are those of the bar and a 1 on top.
pub fn bar(bytes: &[u8]) -> Term {
    let mut marked = bytes.to_vec();
    marked.push(1);
    Term::law(1, 1, nat_from_bytes(&marked))
}

/// A set: `{1 2 row}`. It is shown as one only if the keys ascend strictly, which is not checked.
pub fn set(keys: impl IntoIterator<Item = Term, IntoIter: DoubleEndedIterator>) -> Term {
    Term::law(1, 2, row(keys))
}

/// A table: the set of its keys applied to the row of its values.
pub fn tab(entries: impl IntoIterator<Item = (Term, Term)>) -> Term {
    let (keys, values): (Vec<Term>, Vec<Term>) = entries.into_iter().unzip();
    set(keys).app(row(values))
}

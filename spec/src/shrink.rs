//! Reduction of a failing term.

use std::sync::Arc;

use malachite_base::num::basic::traits::{One, Zero};
use malachite_nz::natural::Natural;

use super::Term;

/// Returns the terms that are one step simpler than this well-formed one, smallest first: a subtree
/// is replaced by a part of itself or by 0, or a number by a smaller one.
///
/// All are well formed. Every step makes the term smaller in a well-founded order, so repetition
/// ends.
pub fn shrink(term: &Term) -> Vec<Term> {
    let mut found: Vec<Term> = Vec::new();
    let mut positions = vec![(term, None)];
    let mut at = 0;
    while let Some(&(here, _)) = positions.get(at) {
        for simpler in simplify(here) {
            found.push(replace(&positions, at, simpler));
        }
        positions.extend(here.children().enumerate().map(|(i, child)| (&**child, Some((at, i)))));
        at += 1;
    }
    found.retain(Term::is_well_formed);
    found.sort_by_cached_key(|term| (term.size(), term.clone()));
    found.dedup();
    found
}

/// Returns the simplest term that shrinking reaches from `term` by steps that all still fail.
pub fn minimise(term: Term, mut fails: impl FnMut(&Term) -> bool) -> Term {
    let mut smallest = term;
    while let Some(smaller) = shrink(&smallest).into_iter().find(&mut fails) {
        smallest = smaller;
    }
    smallest
}

/// A subtree, and its position: the index of its parent, and which child of it.
type SubtermPosition<'a> = (&'a Term, Option<(usize, usize)>);

/// Returns the whole term with the subtree at a position replaced.
fn replace(positions: &[SubtermPosition<'_>], at: usize, new: Term) -> Term {
    let (mut at, mut new) = (at, new);
    while let (_, Some((parent, child))) = positions[at] {
        let inner = Arc::new(new);
        new = match (positions[parent].0, child) {
            (Term::App(_, x), 0) => Term::App(inner, Arc::clone(x)),
            (Term::App(f, _), _) => Term::App(Arc::clone(f), inner),
            (Term::Law { name, arity, .. }, _) => {
                Term::Law { name: name.clone(), arity: arity.clone(), body: inner }
            }
            (Term::Pin(_), _) => Term::Pin(inner),
            (Term::Nat(_), _) => unreachable!("a nat has no children"),
        };
        at = parent;
    }
    new
}

/// Returns the replacements to try for a subtree.
fn simplify(term: &Term) -> Vec<Term> {
    let mut simpler: Vec<Term> = term.children().map(|child| Term::clone(child)).collect();
    match term {
        Term::Nat(n) => simpler.extend(smaller(n).into_iter().map(Term::Nat)),
        Term::Law { name, arity, body } => {
            simpler.push(Term::zero());
            simpler.extend(smaller(name).into_iter().map(|name| Term::Law {
                name,
                arity: arity.clone(),
                body: Arc::clone(body),
            }));
            simpler.extend(smaller(arity).into_iter().map(|arity| Term::Law {
                name: name.clone(),
                arity,
                body: Arc::clone(body),
            }));
        }
        Term::App(..) | Term::Pin(_) => simpler.push(Term::zero()),
    }
    simpler
}

/// Returns the numbers to try in place of `n`, all smaller.
fn smaller(n: &Natural) -> Vec<Natural> {
    if *n == 0u8 {
        return Vec::new();
    }
    let mut numbers = vec![Natural::ZERO, n >> 1u32, n - Natural::ONE];
    numbers.dedup();
    numbers
}

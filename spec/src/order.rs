//! PLAN's total order of values.
//!
//! Nats come before pins, pins before laws, laws before apps. Two of a kind compare field by field
//! from the left: nats by magnitude, pins by item, laws by name, arity, body, apps by function, then
//! argument. Since the function of an app is compared first, and a shorter spine ends in something
//! that is no app, this puts apps with fewer arguments first, then compares heads, then arguments in
//! the order of application.
//!
//! This is what the library's law `cmp` says, and what the prototype's `Ord` computes for normalised
//! values in one piece. There it has a case for every shape, and each comes to the same thing:
//!
//! - two bars: by length, then from the last byte down, which is the magnitude of the nats that
//!   their laws `{1 1 nat}` hold, the top byte 1 of each marking the length;
//! - a row: by length, then from the last element down, since a row is its elements applied
//!   backwards to a constructor law `{0 length+1 0}`, the same for equal lengths;
//! - a set: as the law `{1 2 row}`; a table: as an app with one argument, so before every longer
//!   row, by its set of keys, then by its row of values; against a row of one element its head
//!   (name 1) is the greater.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Term;

impl Ord for Term {
    fn cmp(&self, other: &Term) -> Ordering {
        let mut pending = vec![(self, other)];
        while let Some((x, y)) = pending.pop() {
            let here = match (x, y) {
                (Term::Nat(x), Term::Nat(y)) => x.cmp(y),
                (Term::Pin(x), Term::Pin(y)) => defer(&mut pending, x, y),
                (
                    Term::Law { name: xn, arity: xa, body: xb },
                    Term::Law { name: yn, arity: ya, body: yb },
                ) => xn.cmp(yn).then_with(|| xa.cmp(ya)).then_with(|| defer(&mut pending, xb, yb)),
                (Term::App(xf, xx), Term::App(yf, yx)) => {
                    defer(&mut pending, xx, yx);
                    defer(&mut pending, xf, yf)
                }
                _ => rank(x).cmp(&rank(y)),
            };
            if here != Ordering::Equal {
                return here;
            }
        }
        Ordering::Equal
    }
}

/// Leaves a pair of subtrees to be compared next, unless they are one and the same.
fn defer<'a>(
    pending: &mut Vec<(&'a Term, &'a Term)>,
    x: &'a Arc<Term>,
    y: &'a Arc<Term>,
) -> Ordering {
    if !Arc::ptr_eq(x, y) {
        pending.push((x, y));
    }
    Ordering::Equal
}

/// The place of a term's kind in the order of kinds.
fn rank(term: &Term) -> u8 {
    match term {
        Term::Nat(_) => 0,
        Term::Pin(_) => 1,
        Term::Law { .. } => 2,
        Term::App(..) => 3,
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Term) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Term) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Term {}

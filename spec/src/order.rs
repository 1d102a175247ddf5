//! PLAN's total order of values.
//!
//! Nats come before pins, pins before laws, laws before apps. Two values of one kind compare field
//! by field from the left: nats by magnitude, pins by item, laws by name, arity and body, apps by
//! function and argument. The function of an app is compared first, and a shorter spine ends in a
//! function that is not an app. So apps with fewer arguments come first, then heads are compared,
//! then arguments in the order of application.
//!
//! The library's law `cmp` computes this order, and so does the prototype's `Ord` for normalised
//! values. The prototype has a case for each shape; the cases agree with this order:
//!
//! - two bars: by length, then from the last byte down, which is the magnitude of the nats in their
//!   laws `{1 1 nat}`, whose top byte 1 marks the length;
//! - a row: by length, then from the last element down, since a row is its elements applied in
//!   reverse to a constructor law `{0 length+1 0}`, the same for equal lengths;
//! - a set: as the law `{1 2 row}`; a table: as an app with one argument, so before every longer
//!   row, by its set of keys, then by its row of values; compared with a row of one element, its
//!   head (name 1) is greater.

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

/// Defers the comparison of a pair of subtrees, unless they are the same object.
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

/// Returns the rank of a term's kind.
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

//! Arity, and the check that a tree is a PLAN value or expression.

use malachite_base::num::basic::traits::Zero;
use malachite_nz::natural::Natural;

use super::Term;

impl Term {
    /// Returns the number of arguments that this value still takes before it runs.
    ///
    /// The result is 0 for an app that has all its arguments, which is not a value.
    pub fn arity(&self) -> Natural {
        let mut given = Natural::ZERO;
        let mut term = self;
        loop {
            let taken = match term {
                Term::App(f, _) => {
                    given += Natural::from(1u8);
                    term = f;
                    continue;
                }
                Term::Pin(item) => {
                    term = item;
                    continue;
                }
                Term::Law { arity, .. } => arity.clone(),
                Term::Nat(n) => Natural::from(nat_arity(n)),
            };
            return if taken > given { taken - given } else { Natural::ZERO };
        }
    }

    /// Whether this is a value: no part of it can be evaluated further.
    pub fn is_normal(&self) -> bool {
        check(self, TermForm::Value)
    }

    /// Whether this is an expression that PLAN can represent: laws take at least one argument, and
    /// laws and pins contain values. Other apps may have any number of arguments.
    pub fn is_well_formed(&self) -> bool {
        check(self, TermForm::Expression)
    }
}

/// Returns the arity of a nat: that of the five operations, and 1 for every other nat, which
/// crashes when called.
pub(super) fn nat_arity(n: &Natural) -> u8 {
    match u64::try_from(n) {
        Ok(0 | 2) => 3,
        Ok(1) => 5,
        _ => 1,
    }
}

/// The form that a subtree must have.
#[derive(Clone, Copy, PartialEq)]
enum TermForm {
    Expression,
    Value,
}

fn check(root: &Term, part: TermForm) -> bool {
    let mut pending = vec![(root, part)];
    while let Some((term, part)) = pending.pop() {
        match term {
            Term::Nat(_) => {}
            Term::Pin(item) => pending.push((item, TermForm::Value)),
            Term::Law { arity, body, .. } => {
                if *arity == 0u8 {
                    return false;
                }
                pending.push((body, TermForm::Value));
            }
            Term::App(..) => {
                if part == TermForm::Value && term.arity() == 0u8 {
                    return false;
                }
                // If a spine lacks an argument, so do its prefixes.
                let (head, arguments) = term.spine();
                pending.push((head, part));
                pending.extend(arguments.into_iter().map(|x| (x, part)));
            }
        }
    }
    true
}

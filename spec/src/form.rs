//! Arity, and which trees are PLAN values.

use malachite_base::num::basic::traits::Zero;
use malachite_nz::natural::Natural;

use super::Term;

impl Term {
    /// How many more arguments this value takes before it runs.
    ///
    /// 0 for an app that has all it needs, which no value is.
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

    /// Whether this is a value: nothing in it is left to evaluate.
    pub fn is_normal(&self) -> bool {
        check(self, TermForm::Value)
    }

    /// Whether this is an expression that PLAN can hold: laws take at least one argument, and laws
    /// and pins hold values. Apps elsewhere may have as many arguments as they like.
    pub fn is_well_formed(&self) -> bool {
        check(self, TermForm::Expression)
    }
}

/// The number of arguments the nat takes as a function: of the five operations their own, of every
/// other nat one, with which it crashes.
pub(super) fn nat_arity(n: &Natural) -> u8 {
    match u64::try_from(n) {
        Ok(0 | 2) => 3,
        Ok(1) => 5,
        _ => 1,
    }
}

/// What a subtree has to be.
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
                // The prefixes of a spine that lacks an argument lack one too.
                let (head, arguments) = term.spine();
                pending.push((head, part));
                pending.extend(arguments.into_iter().map(|x| (x, part)));
            }
        }
    }
    true
}

//! The plain tree form of a PLAN value or expression.
//!
//! A [`Term`] is immutable and freely shared. It is a *value* if every app in it lacks an argument
//! ([`Term::is_normal`]) and an *expression* otherwise; either way what a law or a pin holds is a
//! value ([`Term::is_well_formed`]), since PLAN cannot make another.
//!
//! Trees may be deep: dropping, comparing, printing and reading them never recurses natively.

use std::mem;
use std::sync::{Arc, LazyLock};

use malachite_base::num::basic::traits::Zero;
use malachite_nz::natural::Natural;

/// A PLAN value or expression as a plain tree.
///
/// Equality is structural and agrees with `Ord`, which is PLAN's total order of values (see
/// `order.rs`). `Display` and [`Term::parse`] use the notation described in `text.rs`.
#[derive(Clone)]
pub enum Term {
    /// A natural number.
    Nat(Natural),
    /// A function applied to one argument. `(f x y)` is `App(App(f, x), y)`.
    App(Arc<Term>, Arc<Term>),
    /// A law.
    Law {
        /// Its name, which evaluation ignores. May be 0.
        name: Natural,
        /// The number of arguments it takes, at least 1.
        arity: Natural,
        /// Its body, a value.
        body: Arc<Term>,
    },
    /// A pinned value.
    Pin(Arc<Term>),
}

impl Term {
    /// The nat 0.
    pub fn zero() -> Term {
        Term::Nat(Natural::ZERO)
    }

    /// This term applied to `argument`: `Term::from(3).app(4)` is `(3 4)`.
    #[must_use]
    pub fn app(self, argument: impl Into<Term>) -> Term {
        Term::App(Arc::new(self), Arc::new(argument.into()))
    }

    /// This term applied to each of `arguments` in turn.
    #[must_use]
    pub fn apps(self, arguments: impl IntoIterator<Item = Term>) -> Term {
        arguments.into_iter().fold(self, Term::app)
    }

    /// The law `{name arity body}`; a name that is no nat counts as 0, as it does for operation 0.
    pub fn law(name: impl Into<Term>, arity: u64, body: impl Into<Term>) -> Term {
        let name = match name.into() {
            Term::Nat(ref name) => name.clone(),
            _ => Natural::ZERO,
        };
        Term::Law { name, arity: Natural::from(arity), body: Arc::new(body.into()) }
    }

    /// This term pinned.
    #[must_use]
    pub fn pin(self) -> Term {
        Term::Pin(Arc::new(self))
    }

    /// The nat this is, if it is one.
    pub fn as_nat(&self) -> Option<&Natural> {
        match self {
            Term::Nat(n) => Some(n),
            _ => None,
        }
    }

    /// What the leftmost app of this term applies, and its arguments in order: `(f x y)` gives `f`
    /// and `x`, `y`. A term that is no app has no arguments.
    pub fn spine(&self) -> (&Term, Vec<&Term>) {
        let mut head = self;
        let mut arguments = Vec::new();
        while let Term::App(f, x) = head {
            arguments.push(&**x);
            head = f;
        }
        arguments.reverse();
        (head, arguments)
    }

    /// The number of nodes in the tree; a shared subtree counts each time it occurs.
    pub fn size(&self) -> usize {
        let mut count = 0;
        let mut pending = vec![self];
        while let Some(term) = pending.pop() {
            count += 1;
            pending.extend(term.children().map(|child| &**child));
        }
        count
    }

    /// The subtrees directly below this node, left to right.
    pub(super) fn children(&self) -> impl Iterator<Item = &Arc<Term>> {
        let (first, second) = match self {
            Term::Nat(_) => (None, None),
            Term::App(f, x) => (Some(f), Some(x)),
            Term::Law { body, .. } => (Some(body), None),
            Term::Pin(item) => (Some(item), None),
        };
        first.into_iter().chain(second)
    }

    /// Moves the subtrees that have subtrees themselves out, leaving nats in their place.
    fn take_inner_children(&mut self, into: &mut Vec<Arc<Term>>) {
        let mut take = |child: &mut Arc<Term>| {
            if !matches!(**child, Term::Nat(_)) {
                into.push(mem::replace(child, Arc::clone(&PLACEHOLDER)));
            }
        };
        match self {
            Term::Nat(_) => {}
            Term::App(f, x) => {
                take(f);
                take(x);
            }
            Term::Law { body, .. } => take(body),
            Term::Pin(item) => take(item),
        }
    }
}

/// What stands for a child that [`Drop`] has moved out.
static PLACEHOLDER: LazyLock<Arc<Term>> = LazyLock::new(|| Arc::new(Term::zero()));

impl Drop for Term {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.take_inner_children(&mut pending);
        while let Some(child) = pending.pop() {
            if let Some(mut term) = Arc::into_inner(child) {
                term.take_inner_children(&mut pending);
            }
        }
    }
}

/// The nat whose little-endian bytes these are, which is how PLAN writes text in a nat.
pub fn nat_from_bytes(bytes: &[u8]) -> Natural {
    bytes.iter().rev().fold(Natural::ZERO, |n, &byte| (n << 8u32) + Natural::from(byte))
}

impl From<u64> for Term {
    fn from(n: u64) -> Term {
        Term::Nat(Natural::from(n))
    }
}

impl From<Natural> for Term {
    fn from(n: Natural) -> Term {
        Term::Nat(n)
    }
}

/// The nat that holds the text: `"die".into()`.
impl From<&str> for Term {
    fn from(text: &str) -> Term {
        Term::Nat(nat_from_bytes(text.as_bytes()))
    }
}

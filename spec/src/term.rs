//! [`Term`]: a PLAN value or expression as a plain tree.
//!
//! A term is immutable and freely shared. It is a *value* if every app in it lacks an argument
//! ([`Term::is_normal`]), and an *expression* otherwise. In both, laws and pins contain values
//! ([`Term::is_well_formed`]): PLAN cannot make other ones.
//!
//! Trees may be deep: dropping, comparing, printing and parsing them does not recurse.

use std::mem;
use std::sync::{Arc, LazyLock};

use malachite_base::num::basic::traits::Zero;
use malachite_nz::natural::Natural;

/// A PLAN value or expression as a plain tree.
///
/// Equality is structural and agrees with `Ord`, PLAN's total order of values (see `order.rs`).
/// `Display` and [`Term::parse`] use the notation described in `text.rs`.
#[derive(Clone)]
pub enum Term {
    /// A natural number.
    Nat(Natural),
    /// A function applied to one argument. `(f x y)` is `App(App(f, x), y)`.
    App(Arc<Term>, Arc<Term>),
    /// A law.
    Law {
        /// The law's name, which evaluation ignores. It may be 0.
        name: Natural,
        /// The number of arguments that it takes, at least 1.
        arity: Natural,
        /// The law's body, a value.
        body: Arc<Term>,
    },
    /// A pinned value.
    Pin(Arc<Term>),
}

impl Term {
    /// Returns the nat 0.
    pub fn zero() -> Term {
        Term::Nat(Natural::ZERO)
    }

    /// Returns this term applied to `argument`: `Term::from(3).app(4)` is `(3 4)`.
    #[must_use]
    pub fn app(self, argument: impl Into<Term>) -> Term {
        Term::App(Arc::new(self), Arc::new(argument.into()))
    }

    /// Returns this term applied to each of `arguments` in turn.
    #[must_use]
    pub fn apps(self, arguments: impl IntoIterator<Item = Term>) -> Term {
        arguments.into_iter().fold(self, Term::app)
    }

    /// Returns the law `{name arity body}`. A name that is not a nat counts as 0, as in operation
    /// 0.
    pub fn law(name: impl Into<Term>, arity: u64, body: impl Into<Term>) -> Term {
        let name = match name.into() {
            Term::Nat(ref name) => name.clone(),
            _ => Natural::ZERO,
        };
        Term::Law { name, arity: Natural::from(arity), body: Arc::new(body.into()) }
    }

    /// Returns the pin of this term.
    #[must_use]
    pub fn pin(self) -> Term {
        Term::Pin(Arc::new(self))
    }

    /// Returns the nat, if the term is one.
    pub fn as_nat(&self) -> Option<&Natural> {
        match self {
            Term::Nat(n) => Some(n),
            _ => None,
        }
    }

    /// Returns the head of this term and its arguments in order: `(f x y)` gives `f` and `x`, `y`.
    /// A term that is not an app is its own head and has no arguments.
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

    /// Returns the number of nodes in the tree; a shared subtree counts each time it occurs.
    pub fn size(&self) -> usize {
        let mut count = 0;
        let mut pending = vec![self];
        while let Some(term) = pending.pop() {
            count += 1;
            pending.extend(term.children().map(|child| &**child));
        }
        count
    }

    /// Returns the subtrees directly below this node, left to right.
    pub(super) fn children(&self) -> impl Iterator<Item = &Arc<Term>> {
        let (first, second) = match self {
            Term::Nat(_) => (None, None),
            Term::App(f, x) => (Some(f), Some(x)),
            Term::Law { body, .. } => (Some(body), None),
            Term::Pin(item) => (Some(item), None),
        };
        first.into_iter().chain(second)
    }

    /// Moves the subtrees that have subtrees themselves out, and leaves nats in their place.
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

/// Replaces a child that [`Drop`] has moved out.
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

/// Returns the nat with these bytes, least significant first. PLAN stores text like this.
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

/// Converts text to a nat: `"die".into()`.
impl From<&str> for Term {
    fn from(text: &str) -> Term {
        Term::Nat(nat_from_bytes(text.as_bytes()))
    }
}

//! Conversion between values and PLAN's view of them: pins, laws, apps and nats, and no other
//! shapes.
//!
//! [`to_term`] unfolds the machine's values into the specification's plain trees, and [`from_term`]
//! makes values of those. So tests can compare the machine with the specification.

use crate::bar;
use crate::build::ValueBuilder;
use crate::error::EvalError;
use crate::heap::Val;
use crate::nat::{NatRef, Natural};
use crate::tree::Items;
use crate::value_ref::Ref;
use crate::values::Heap;
use crate::view::Shape;
use spec::{Term, shapes};
use std::sync::Arc;

/// Returns the term that a value is for PLAN.
///
/// # Panics
/// If a part of it is not evaluated.
pub fn to_term(value: Ref<'_>) -> Term {
    let mut unfolding = TermUnfolder { pending: vec![UnfoldStep::Value(value)], made: Vec::new() };
    while let Some(step) = unfolding.pending.pop() {
        unfolding.step(step);
    }
    unfolding.pop()
}

/// A step of the conversion of a value to a term.
enum UnfoldStep<'h> {
    /// Make a value's term.
    Value(Ref<'h>),
    /// Make the term of the row of these items.
    Row(Items<'h>),
    /// Apply the term below the last `n` results to those.
    Apply(usize),
    /// Make a law with the last result as its body.
    Law(Natural, Natural),
    /// Make a pin of the last result.
    Pin,
}

struct TermUnfolder<'h> {
    /// The steps to do, the last first.
    pending: Vec<UnfoldStep<'h>>,
    made: Vec<Term>,
}

impl<'h> TermUnfolder<'h> {
    fn pop(&mut self) -> Term {
        self.made.pop().expect("earlier steps have pushed the operands")
    }

    fn step(&mut self, step: UnfoldStep<'h>) {
        let made = match step {
            UnfoldStep::Value(value) => return self.enter(value),
            UnfoldStep::Row(items) => return self.enter_row(items),
            UnfoldStep::Apply(count) => {
                let arguments = self.made.split_off(self.made.len() - count);
                self.pop().apps(arguments)
            }
            UnfoldStep::Law(name, arity) => Term::Law { name, arity, body: Arc::new(self.pop()) },
            UnfoldStep::Pin => self.pop().pin(),
        };
        self.made.push(made);
    }

    fn enter(&mut self, value: Ref<'h>) {
        let made = match value.shape() {
            Shape::Nat(nat) => Term::Nat(nat.to_natural()),
            Shape::Cow(width) => shapes::cow(width),
            Shape::Bar(bytes) => {
                let body = NatRef::Limbs(&bar::bar_body_limbs(bytes)).to_natural();
                Term::law(1, 1, body)
            }
            Shape::Pin(pin) => {
                self.pending.extend([UnfoldStep::Pin, UnfoldStep::Value(pin.item())]);
                return;
            }
            Shape::Law(law) => {
                let outside = UnfoldStep::Law(law.name().to_natural(), law.arity().to_natural());
                self.pending.extend([outside, UnfoldStep::Value(law.body())]);
                return;
            }
            Shape::App(app) => {
                let arguments: Vec<Ref<'h>> = app.args().collect();
                self.pending.push(UnfoldStep::Apply(arguments.len()));
                self.pending.extend(arguments.into_iter().rev().map(UnfoldStep::Value));
                self.pending.push(UnfoldStep::Value(app.head()));
                return;
            }
            Shape::Row(items) => return self.enter_row(items),
            Shape::Set(keys) => return self.enter_set(keys),
            Shape::Tab(keys, values) => {
                self.pending.extend([UnfoldStep::Apply(1), UnfoldStep::Row(values)]);
                return self.enter_set(keys);
            }
            Shape::Thunk => unreachable!("only values in normal form are unfolded"),
        };
        self.made.push(made);
    }

    fn enter_row(&mut self, items: Items<'h>) {
        self.made.push(shapes::cow(items.len() as u64));
        self.pending.push(UnfoldStep::Apply(items.len()));
        self.pending.extend(items.iter().map(UnfoldStep::Value));
    }

    fn enter_set(&mut self, keys: Items<'h>) {
        self.pending.push(UnfoldStep::Law(Natural::from(1u8), Natural::from(2u8)));
        self.pending.push(UnfoldStep::Row(keys));
    }
}

/// Makes the value of a term. An app that has all its arguments becomes a thunk.
///
/// # Panics
/// If the term is not [well formed](Term::is_well_formed).
///
/// # Errors
/// [`EvalError::OutOfMemory`] and [`EvalError::StackOverflow`].
pub fn from_term(heap: &mut Heap, term: &Term) -> Result<Val, EvalError> {
    from_term_with(heap, term, |_| None)
}

/// Makes the value of a term like [`from_term`], using existing values for the subterms that
/// `value_of` returns one for.
///
/// # Panics
/// As for [`from_term`].
///
/// # Errors
/// Those of [`from_term`].
pub fn from_term_with<'v>(
    heap: &mut Heap,
    term: &Term,
    value_of: impl Fn(&Term) -> Option<&'v Val>,
) -> Result<Val, EvalError> {
    assert!(term.is_well_formed(), "a law or pin must hold a value");
    heap.build(|builder| {
        let mut pending = vec![BuildStep::Term(term)];
        while let Some(step) = pending.pop() {
            builder.room_for(3)?;
            match step {
                BuildStep::Term(term) if let Some(value) = value_of(term) => builder.push(value),
                step => build_step(builder, &mut pending, step)?,
            }
        }
        Ok(())
    })
}

/// A step of the conversion of a term to a value.
enum BuildStep<'t> {
    /// Push the value of the term.
    Term(&'t Term),
    /// Apply the value below that many others to those.
    Apply(usize),
    /// Make a law of the name, arity and body on top.
    Law,
    /// Make a pin of the value on top.
    Pin,
}

fn build_step<'t>(
    builder: &mut ValueBuilder<'_>,
    pending: &mut Vec<BuildStep<'t>>,
    step: BuildStep<'t>,
) -> Result<(), EvalError> {
    match step {
        BuildStep::Apply(count) => builder.app(count),
        BuildStep::Law => builder.law(),
        BuildStep::Pin => builder.pin(),
        BuildStep::Term(Term::Nat(nat)) => builder.push_natural(nat),
        BuildStep::Term(Term::Pin(item)) => {
            pending.extend([BuildStep::Pin, BuildStep::Term(item)]);
            Ok(())
        }
        BuildStep::Term(Term::Law { name, arity, body }) => {
            builder.push_natural(name)?;
            builder.push_natural(arity)?;
            pending.extend([BuildStep::Law, BuildStep::Term(body)]);
            Ok(())
        }
        BuildStep::Term(app @ Term::App(..)) => {
            let (function, arguments) = app.spine();
            pending.push(BuildStep::Apply(arguments.len()));
            pending.extend(arguments.into_iter().rev().map(BuildStep::Term));
            pending.push(BuildStep::Term(function));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{heap, terms};

    #[test]
    fn terms_round_trip() {
        for (seed, stress, random) in [(1, false, 400), (2, true, 80)] {
            let heap = &mut heap(stress);
            for term in terms(seed, random) {
                let value = from_term(heap, &term).unwrap();
                assert_eq!(to_term(heap.look(&value)), term);
            }
        }
    }

    #[test]
    fn apps_with_all_arguments_are_thunks() {
        let heap = &mut heap(false);
        let sum = from_term(heap, &Term::parse("(3 (3 4))").unwrap()).unwrap();
        assert!(!heap.look(&sum).is_evaluated());
        let row = from_term(heap, &Term::parse("({0 2 0} (3 4))").unwrap()).unwrap();
        let item = heap.look(&row).as_row().and_then(|items| items.get(0));
        assert!(item.is_some_and(|item| !item.is_evaluated()));
    }
}

//! [`Application`]: how an application of a known function reduces, from the number of its
//! arguments.

use super::body::{AnalysedLaw, BodyNode};
use crate::jet::table::GenericJetTable;
use plan::raw::{WordKind, shape};
use plan::{Ref, Shape};

/// The most arguments of a thunk that applies a function to references and constants. An
/// application of more arguments becomes a thunk with code of its own.
pub const DELAYED_ARGS_LIMIT: usize = 63;

/// An application as its innermost function and all its arguments, first to last. `E` is the
/// client's type of expressions. Any other expression is the head of a spine without arguments.
pub struct Spine<E> {
    /// The function, which is no application.
    pub head: E,
    /// The arguments.
    pub args: Vec<E>,
}

/// An app with this many arguments or more at the head of an application is not unfolded.
const UNFOLDED_ARGS_LIMIT: usize = 32;

/// Returns the law or pin that an app applies, and its arguments, unless they are many.
pub fn applied_function(value: Ref<'_>) -> Option<(Ref<'_>, Vec<Ref<'_>>)> {
    let (function, args) = unfolded(value)?;
    matches!(function.shape(), Shape::Law(_) | Shape::Pin(_)).then_some((function, args))
}

/// Returns the law, pin or constructor of rows that an app applies, and its arguments, unless they
/// are many.
fn unfolded(value: Ref<'_>) -> Option<(Ref<'_>, Vec<Ref<'_>>)> {
    let Shape::App(app) = value.shape() else { return None };
    if app.is_longer_than(UNFOLDED_ARGS_LIMIT - 1) {
        return None;
    }
    let is_function = matches!(app.head().shape(), Shape::Law(_) | Shape::Pin(_) | Shape::Cow(_));
    is_function.then(|| (app.head(), app.args().collect()))
}

impl<E> Spine<E> {
    /// Makes the spine of an expression that is no application.
    pub fn of_atom(head: E) -> Spine<E> {
        Spine { head, args: Vec::new() }
    }
}

impl<'h, E> Spine<E> {
    /// Replaces the head, whose value is this constant, by the function that it applies, if it is an
    /// app of a law, pin or constructor of rows: that function's arity decides what the application
    /// does, and a jet behind the app is found, or a row whose last items are constants. `constant`
    /// makes the expression of a constant.
    #[inline]
    pub fn unfold(&mut self, head: Ref<'h>, constant: impl Fn(Ref<'h>) -> E) {
        if head.word().kind() == WordKind::App
            && let Some((function, given)) = unfolded(head)
        {
            self.head = constant(function);
            self.args.splice(0..0, given.into_iter().map(constant));
        }
    }
}

impl<'h> AnalysedLaw<'h> {
    /// Returns the innermost function and the arguments of an expression of the body.
    #[inline]
    pub fn spine<E: From<Ref<'h>>>(&self, expression: Ref<'h>) -> Spine<E> {
        let mut head = expression;
        let mut args = Vec::new();
        while let BodyNode::Application(f, x) = self.node(head) {
            args.push(E::from(x));
            head = f;
        }
        args.reverse();
        Spine { head: E::from(head), args }
    }
}

/// How an application of a known function reduces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Application {
    /// The function lacks arguments: the application is a value, an app.
    Partial,
    /// The function is the constructor of rows of that width: the application is a row, whose items
    /// are the arguments, last to first.
    Row,
    /// The function gets as many arguments as its arity.
    Saturated(SaturatedCall),
    /// The function gets more arguments than its arity. The first `arity` arguments saturate it;
    /// the result is applied to the others.
    Oversaturated {
        /// The arity of the function, at least 1.
        arity: usize,
    },
}

/// What evaluates a call with as many arguments as the function's arity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SaturatedCall {
    /// Operation 1, `1 p l a n x`: evaluates `x`, and applies `p` to the item of a pin, `l` to the
    /// name, arity and body of a law, `a` to the function and last argument of an app, or `n` to a
    /// nat.
    Reflect,
    /// Operation 2, `2 z p x`: evaluates `x`, and returns `z` if it is 0 or no nat, else `p` applied
    /// to its predecessor.
    Predecessor,
    /// Operation 3, `3 x`: one more than `x`, or 1 if that is no nat.
    Increment,
    /// The jet with that number. [`JetEvaluation`](super::JetEvaluation) says how it evaluates its
    /// arguments.
    Jet(u32),
    /// A call that evaluates none of its arguments beforehand: of a law without a jet, another
    /// operation, or other data.
    General,
}

impl Application {
    /// Classifies the application of an evaluated function to `given` arguments.
    /// `jets` is the table that labels the function's heap.
    #[inline]
    pub fn of<F: Copy>(function: Ref<'_>, given: usize, jets: &GenericJetTable<F>) -> Application {
        let word = function.word();
        if word.kind() == WordKind::Cow && word.cow_width() == given as u64 {
            return Application::Row;
        }
        let arity = shape::arity(function.memory(), word);
        Application::of_arity(arity, given, || SaturatedCall::of(function, jets))
    }

    /// Classifies the application of a nat below 2^63 to `given` arguments.
    pub fn of_nat(nat: u64, given: usize) -> Application {
        Application::of_arity(shape::nat_arity(nat), given, || SaturatedCall::of_nat(nat))
    }

    #[inline]
    fn of_arity(arity: u64, given: usize, call: impl FnOnce() -> SaturatedCall) -> Application {
        let count = given as u64;
        if arity > count {
            Application::Partial
        } else if arity == count {
            Application::Saturated(call())
        } else {
            Application::Oversaturated { arity: arity as usize }
        }
    }
}

impl SaturatedCall {
    /// Classifies a call of a function that is given as many arguments as its arity. `jets` is the
    /// table that labels the function's heap.
    #[inline]
    pub fn of<F: Copy>(function: Ref<'_>, jets: &GenericJetTable<F>) -> SaturatedCall {
        let word = function.word();
        match word.kind() {
            WordKind::Nat => SaturatedCall::of_nat(word.raw()),
            WordKind::Pin => jets
                .of_pin(function.memory(), word)
                .map_or(SaturatedCall::General, SaturatedCall::Jet),
            _ => SaturatedCall::General,
        }
    }

    /// Classifies a call of a nat below 2^63 that is given as many arguments as its arity.
    #[inline]
    pub fn of_nat(nat: u64) -> SaturatedCall {
        match nat {
            1 => SaturatedCall::Reflect,
            2 => SaturatedCall::Predecessor,
            3 => SaturatedCall::Increment,
            _ => SaturatedCall::General,
        }
    }
}

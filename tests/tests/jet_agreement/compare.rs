//! Comparison of two outcomes: the values must be equal, and equally lazy.
//!
//! Unevaluated parts of the two results are evaluated one by one on both sides, and each pair must
//! have the same outcome. So a crash in one item does not hide another item, and a jet that
//! evaluates more or less than its law is found.

use crate::summary::summary;
use crate::time_limit::TimeLimit;
use crate::trial::JET_TIME;
use plan::{EvalError, Ref, Shape, Val};
use std::time::Duration;
use vm::Vm;

/// The outcome of an evaluation.
pub(crate) enum JetOutcome {
    Value(Val),
    /// The operation and the argument of the crash.
    Crash(Val, Val),
    /// The value depends on itself.
    Loop,
    /// The evaluation ran out of time, stack or memory.
    OutOfResources(EvalError),
}

impl From<Result<Val, EvalError>> for JetOutcome {
    fn from(result: Result<Val, EvalError>) -> JetOutcome {
        match result {
            Ok(value) => JetOutcome::Value(value),
            Err(EvalError::Crash { op, arg }) => JetOutcome::Crash(op, arg),
            Err(EvalError::Loop) => JetOutcome::Loop,
            Err(stop) => JetOutcome::OutOfResources(stop),
        }
    }
}

/// The result of a comparison.
pub(crate) enum JetComparison {
    Equal,
    /// The outcomes differ, as the text describes.
    Different(String),
    /// A part of the law's result takes too long to evaluate; the other parts are equal.
    TooSlow,
}

/// Number of parts of a result that are compared; further parts are not.
const MAX_PARTS: usize = 4000;

/// Compares the outcomes of a jet and its law. Each part of the law's result may take `time`; a
/// part that takes longer is skipped.
pub(crate) fn outcomes(
    vm: &mut Vm,
    limit: &TimeLimit,
    jet: JetOutcome,
    law: JetOutcome,
    time: Duration,
) -> JetComparison {
    let mut pending = vec![(jet, law)];
    let mut slow = false;
    for _ in 0..MAX_PARTS {
        let Some((jet, law)) = pending.pop() else { break };
        let same = match (&jet, &law) {
            (JetOutcome::Value(jet), JetOutcome::Value(law)) => {
                let (left, right) = (vm.look(jet), vm.look(law));
                if left.is_normal() && right.is_normal() {
                    left.is_equal(right) && vm.hash(jet).ok() == vm.hash(law).ok()
                } else {
                    if let Some(values) = values_of_unfinished_table(left, right) {
                        // A set applied to a row becomes a table when the row is evaluated.
                        let values = vm.hold(values);
                        let outcome: JetOutcome = limit.run(time, || vm.eval(&values)).into();
                        if let JetOutcome::OutOfResources(_) = outcome {
                            return JetComparison::TooSlow;
                        }
                    }
                    match paired_parts(vm, vm.look(jet), vm.look(law)) {
                        Some(parts) => {
                            for (left, right) in parts {
                                let law: JetOutcome = limit.run(time, || vm.eval(&right)).into();
                                if let JetOutcome::OutOfResources(_) = law {
                                    slow = true;
                                    continue;
                                }
                                let jet = limit.run(JET_TIME, || vm.eval(&left));
                                pending.push((jet.into(), law));
                            }
                            true
                        }
                        None => false,
                    }
                }
            }
            (JetOutcome::Crash(op, arg), JetOutcome::Crash(law_op, law_arg)) => {
                let same = |a, b| vm.look(a).is_equal(vm.look(b));
                same(op, law_op) && same(arg, law_arg)
            }
            (JetOutcome::Loop, JetOutcome::Loop) => true,
            _ => false,
        };
        if !same {
            let [jet, law] = [&jet, &law].map(|outcome| outcome_text(vm, outcome));
            return JetComparison::Different(format!("jet {jet}\n  law {law}"));
        }
    }
    if slow { JetComparison::TooSlow } else { JetComparison::Equal }
}

/// If one side is a table and the other may become one: the values of the other.
fn values_of_unfinished_table<'v>(left: Ref<'v>, right: Ref<'v>) -> Option<Ref<'v>> {
    match (left.shape(), right.shape()) {
        (Shape::Tab(..), Shape::App(app)) | (Shape::App(app), Shape::Tab(..)) => app.args().next(),
        _ => None,
    }
}

/// The parts of two values that are not in normal form, in pairs. None if the values have different
/// numbers of parts.
fn paired_parts(vm: &Vm, left: Ref<'_>, right: Ref<'_>) -> Option<Vec<(Val, Val)>> {
    let (left, right) = (parts_of(left), parts_of(right));
    let same = left.len() == right.len();
    let pairs = left.into_iter().zip(right);
    same.then(|| pairs.map(|(left, right)| (vm.hold(left), vm.hold(right))).collect())
}

/// The parts of a value in PLAN's order: the items of a row, last item first; the function and
/// arguments of an app; the keys and values of a table. Any other value is its only part.
fn parts_of(value: Ref<'_>) -> Vec<Ref<'_>> {
    match value.shape() {
        Shape::Row(items) => items.iter().rev().collect(),
        Shape::App(app) => match (app.head().shape(), app.args().next().map(Ref::shape)) {
            (Shape::Set(keys), Some(Shape::Row(values))) if keys.len() == values.len() => {
                keys.iter().chain(values.iter().rev()).collect()
            }
            _ => std::iter::once(app.head()).chain(app.args()).collect(),
        },
        Shape::Tab(keys, values) => keys.iter().chain(values.iter().rev()).collect(),
        _ => vec![value],
    }
}

/// An outcome in a few words, for the report of a failure.
pub(crate) fn outcome_text(vm: &Vm, outcome: &JetOutcome) -> String {
    match outcome {
        JetOutcome::Value(value) => summary(vm.look(value), 6),
        JetOutcome::Crash(op, arg) => {
            format!("crashes with {} {}", summary(vm.look(op), 2), summary(vm.look(arg), 2))
        }
        JetOutcome::Loop => EvalError::Loop.to_string(),
        JetOutcome::OutOfResources(stop) => stop.to_string(),
    }
}

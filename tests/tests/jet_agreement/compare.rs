//! Whether two evaluations came to the same: not only in value, but as lazily.
//!
//! What the results hold unevaluated is evaluated piece by piece, on both sides, and each piece must
//! come to the same: so a crash in one item does not hide another item, and a result that has
//! evaluated less or more than the law's is noticed.

use crate::sketch::sketch;
use crate::trial::JET_TIME;
use crate::watch::Watch;
use std::time::Duration;
use vm::{Ref, Shape, Stop, Val, Vm};

/// What an evaluation came to.
pub(crate) enum End {
    Value(Val),
    /// The operation and the argument of the crash.
    Crash(Val, Val),
    /// It needs its own value.
    Loop,
    /// Out of time, stack or memory.
    Cut(Stop),
}

impl From<Result<Val, Stop>> for End {
    fn from(result: Result<Val, Stop>) -> End {
        match result {
            Ok(value) => End::Value(value),
            Err(Stop::Crash { op, arg }) => End::Crash(op, arg),
            Err(Stop::Loop) => End::Loop,
            Err(stop) => End::Cut(stop),
        }
    }
}

/// What is to be said of two ends.
pub(crate) enum Verdict {
    Agree,
    Differ(String),
    /// A part of the law's result takes too long; the others agree.
    TooSlow,
}

/// So many parts of a result are compared.
const PARTS: usize = 4000;

/// Compares what jet and law came to, with so much time for each part of the law's result. A part
/// that takes longer is passed over; the others are compared all the same.
pub(crate) fn ends(vm: &mut Vm, watch: &Watch, jet: End, law: End, time: Duration) -> Verdict {
    let mut pending = vec![(jet, law)];
    let mut slow = false;
    for _ in 0..PARTS {
        let Some((jet, law)) = pending.pop() else { break };
        let same = match (&jet, &law) {
            (End::Value(jet), End::Value(law)) => {
                let (left, right) = (vm.look(jet), vm.look(law));
                if left.is_normal() && right.is_normal() {
                    left.equals(right) && vm.hash(jet).ok() == vm.hash(law).ok()
                } else {
                    if let Some(values) = values_of_late_table(left, right) {
                        // A set applied to a row is a table as soon as the row is evaluated.
                        let values = vm.hold(values);
                        let end: End = watch.limit(time, || vm.eval(&values)).into();
                        if let End::Cut(_) = end {
                            return Verdict::TooSlow;
                        }
                    }
                    match parts(vm, vm.look(jet), vm.look(law)) {
                        Some(parts) => {
                            for (left, right) in parts {
                                let law: End = watch.limit(time, || vm.eval(&right)).into();
                                if let End::Cut(_) = law {
                                    slow = true;
                                    continue;
                                }
                                let jet = watch.limit(JET_TIME, || vm.eval(&left));
                                pending.push((jet.into(), law));
                            }
                            true
                        }
                        None => false,
                    }
                }
            }
            (End::Crash(op, arg), End::Crash(law_op, law_arg)) => {
                let same = |a, b| vm.look(a).equals(vm.look(b));
                same(op, law_op) && same(arg, law_arg)
            }
            (End::Loop, End::Loop) => true,
            _ => false,
        };
        if !same {
            let [jet, law] = [&jet, &law].map(|end| sketch_end(vm, end));
            return Verdict::Differ(format!("jet {jet}\n  law {law}"));
        }
    }
    if slow { Verdict::TooSlow } else { Verdict::Agree }
}

/// The values of what may yet become a table, if only one side has become one.
fn values_of_late_table<'v>(left: Ref<'v>, right: Ref<'v>) -> Option<Ref<'v>> {
    match (left.shape(), right.shape()) {
        (Shape::Tab(..), Shape::App(app)) | (Shape::App(app), Shape::Tab(..)) => app.args().next(),
        _ => None,
    }
}

/// The parts of two values that are not in normal form, side by side; nothing if they differ on
/// their outside.
fn parts(vm: &Vm, left: Ref<'_>, right: Ref<'_>) -> Option<Vec<(Val, Val)>> {
    let (left, right) = (taken_apart(left), taken_apart(right));
    let same = left.len() == right.len();
    let pairs = left.into_iter().zip(right);
    same.then(|| pairs.map(|(left, right)| (vm.hold(left), vm.hold(right))).collect())
}

/// A row's items and an app's function and arguments, as PLAN has them: last item first. What can
/// be taken apart no further is its own only part.
fn taken_apart(value: Ref<'_>) -> Vec<Ref<'_>> {
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

pub(crate) fn sketch_end(vm: &Vm, end: &End) -> String {
    match end {
        End::Value(value) => sketch(vm.look(value), 6),
        End::Crash(op, arg) => {
            format!("crashes with {} {}", sketch(vm.look(op), 2), sketch(vm.look(arg), 2))
        }
        End::Loop => Stop::Loop.to_string(),
        End::Cut(stop) => stop.to_string(),
    }
}

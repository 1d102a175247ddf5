//! Control forms: conditionals, order of evaluation, traces, and catching crashes.

use crate::args::return_lazy;
use crate::declare::{Jet, JetResult, control, native};
use vm::jet::ArgDemand::{Head, Lazy, Normal};
use vm::jet::ControlForm::{DeepTrace, Force, If, IfZero, Seq, Trace, Try, TryExpression};
use vm::jet::JetCall;

pub(crate) const JETS: &[Jet] = &[
    control("_If", &[Head, Lazy, Lazy], If),
    control("_Ifz", &[Head, Lazy, Lazy], IfZero),
    control("_Force", &[Normal], Force),
    control("_Seq", &[Head, Lazy], Seq),
    control("_Trace", &[Normal, Lazy], Trace),
    control("_DeepTrace", &[Normal, Lazy], DeepTrace),
    control("_Try", &[Normal], Try),
    control("_TryExp", &[Normal], TryExpression),
    native("par", &[Lazy, Lazy], second),
    control("pseq", &[Head, Lazy], Seq),
];

/// `par a b`: returns `b`. `a` may be evaluated in parallel, but need not be.
fn second(call: &mut JetCall<'_>) -> JetResult {
    return_lazy(call, 1)
}

//! How a jet is declared: once, as a line of its module's table `JETS`.
//!
//! Everything else is derived from these lines: the table that the evaluator gets, what the
//! compiler knows about a jet, the list that `pallas jets` prints, and what the test suites run.

use plan::EvalError;
use vm::jet::{ArgDemand, ControlForm, JetAnswer, JetCall};

pub(crate) use vm::jet::Jet;

/// The result of a native implementation.
pub(crate) type JetResult = Result<JetAnswer, EvalError>;

/// A jet with a native implementation in this crate.
pub(crate) const fn native(
    name: &'static str,
    demands: &'static [ArgDemand],
    code: fn(&mut JetCall<'_>) -> JetResult,
) -> Jet {
    Jet::native(name, demands, code)
}

/// A jet that the evaluator implements as a control form.
pub(crate) const fn control(
    name: &'static str,
    demands: &'static [ArgDemand],
    form: ControlForm,
) -> Jet {
    Jet::control(name, demands, form)
}

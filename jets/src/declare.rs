//! How a jet is declared: once, as a line of its module's table `JETS`.
//!
//! Everything else is derived from these lines: the table that the evaluator gets, what the
//! compiler knows about a jet, the list that `pallas jets` prints, and what the test suites run.

use plan::EvalError;
use vm::jet::{Answer, Call, Control, Demand};

pub(crate) use vm::jet::Jet;

/// The result of a native implementation.
pub(crate) type JetResult = Result<Answer, EvalError>;

/// A jet with a native implementation in this crate.
pub(crate) const fn native(
    name: &'static str,
    demands: &'static [Demand],
    code: fn(&mut Call<'_>) -> JetResult,
) -> Jet {
    Jet::native(name, demands, code)
}

/// A jet that the evaluator implements as a control form.
pub(crate) const fn control(name: &'static str, demands: &'static [Demand], form: Control) -> Jet {
    Jet::control(name, demands, form)
}

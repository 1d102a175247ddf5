//! How a jet is declared: once, as a line of its family's table. Everything else is derived from
//! these lines: the table that the evaluator is given, what a compiler knows of jets, the list that
//! `pallas jets` prints, and what the suites try.

use plan::EvalError;
use vm::jet::{Answer, Call, Control, Demand, Jet};

/// What a jet's code returns.
pub(crate) type Outcome = Result<Answer, EvalError>;

/// A line of a family's table.
pub(crate) type Declaration = Jet;

/// A jet with code of its own.
pub(crate) const fn native(
    name: &'static str,
    demands: &'static [Demand],
    code: fn(&mut Call<'_>) -> Outcome,
) -> Declaration {
    Jet::native(name, demands, code)
}

/// A jet that the evaluator knows as a form of control.
pub(crate) const fn control(
    name: &'static str,
    demands: &'static [Demand],
    form: Control,
) -> Declaration {
    Jet::control(name, demands, form)
}

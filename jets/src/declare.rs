//! How a jet is declared: once, as a line of its family's table. Everything else (the table that
//! the evaluator is given, the list that `pallas jets` prints) is derived from these lines.

use vm::Stop;
use vm::jet::{Answer, Call, Code, Control, Demand};

/// What a jet's code returns.
pub(crate) type Outcome = Result<Answer, Stop>;

/// A jet: the name of its law, what it needs of each argument, and what it does. The law's arity is
/// the number of demands.
pub(crate) struct Declaration {
    pub(crate) name: &'static str,
    pub(crate) demands: &'static [Demand],
    pub(crate) code: Code,
}

/// A jet with code of its own.
pub(crate) const fn native(
    name: &'static str,
    demands: &'static [Demand],
    code: fn(&mut Call<'_>) -> Outcome,
) -> Declaration {
    Declaration { name, demands, code: Code::Native(code) }
}

/// A jet that the evaluator knows as a form of control.
pub(crate) const fn control(
    name: &'static str,
    demands: &'static [Demand],
    form: Control,
) -> Declaration {
    Declaration { name, demands, code: Code::Control(form) }
}

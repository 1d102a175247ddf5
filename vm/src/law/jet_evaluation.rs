//! [`JetEvaluation`]: what a call of a jet with all its arguments evaluates, in which order, and
//! where it branches.

use super::switch::Switch;
use crate::jet::declare::{ArgDemand, ControlForm, JetCode, JetDeclaration, JetOperation};

/// How a call of a jet with as many arguments as its arity is evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JetEvaluation {
    /// The arguments are evaluated as the jet demands, in its
    /// [order](JetDeclaration::evaluation_order). Then its native code runs.
    Native,
    /// A short-circuit connective. Its native code computes the same, with a second argument that
    /// may be unevaluated.
    Connective(Connective),
    /// The result is that of one of several cases. If the body does not make the cases in place
    /// ([`SwitchCases`](super::SwitchCases)), it is as `Native`.
    Switch(Switch),
    /// Argument 0 is evaluated. The result is that of one of two other arguments.
    Choice(Choice),
    /// Argument 0 is evaluated as far as demanded. The result is that of argument 1.
    Sequence(ArgDemand),
    /// Argument 0 is normalised, and is the result.
    Normalise,
    /// The evaluator makes the call, as it calls a law.
    General,
}

/// A choice between two arguments by a test of argument 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The test.
    pub test: ChoiceTest,
    /// The index of the argument that is chosen if the test holds.
    pub holds: usize,
    /// The index of the argument that is chosen otherwise.
    pub fails: usize,
}

/// The test of a [`Choice`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChoiceTest {
    /// Whether the value is a nat other than 0.
    Truth,
    /// Whether the value is the nat 0.
    IsZero,
}

/// A logical connective of two arguments that evaluates the second only if the first does not
/// decide the result. 0 and everything that is not a nat is false.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connective {
    /// The truth of the first argument that decides the result.
    pub decided_by: bool,
    /// The result if the first argument decides it.
    pub decided: bool,
    /// Whether the result is otherwise the negation of the second argument's truth, instead of its
    /// truth.
    pub negates: bool,
}

impl JetEvaluation {
    /// Returns how calls of a jet are evaluated.
    #[inline]
    pub fn of<F>(jet: &JetDeclaration<F>) -> JetEvaluation {
        match &jet.code {
            JetCode::Control(control) => JetEvaluation::of_control(*control),
            JetCode::Native(_) => {
                jet.operation.map_or(JetEvaluation::Native, JetEvaluation::of_operation)
            }
        }
    }

    fn of_operation(operation: JetOperation) -> JetEvaluation {
        let connective = || Connective::of(operation).map(JetEvaluation::Connective);
        let switch = || Switch::of(operation).map(JetEvaluation::Switch);
        connective().or_else(switch).unwrap_or(JetEvaluation::Native)
    }

    fn of_control(control: ControlForm) -> JetEvaluation {
        let choice = |test, holds, fails| JetEvaluation::Choice(Choice { test, holds, fails });
        match control {
            ControlForm::If => choice(ChoiceTest::Truth, 1, 2),
            ControlForm::IfNot => choice(ChoiceTest::Truth, 2, 1),
            ControlForm::IfZero => choice(ChoiceTest::IsZero, 1, 2),
            ControlForm::Seq => JetEvaluation::Sequence(ArgDemand::Head),
            ControlForm::DeepSeq => JetEvaluation::Sequence(ArgDemand::Normal),
            ControlForm::Force => JetEvaluation::Normalise,
            ControlForm::Trace
            | ControlForm::DeepTrace
            | ControlForm::Try
            | ControlForm::TryExpression => JetEvaluation::General,
        }
    }
}

impl Connective {
    fn of(operation: JetOperation) -> Option<Connective> {
        let (decided_by, decided, negates) = match operation {
            JetOperation::And => (false, false, false),
            JetOperation::Or => (true, true, false),
            JetOperation::NotAnd => (false, true, true),
            JetOperation::NotOr => (true, false, true),
            _ => return None,
        };
        Some(Connective { decided_by, decided, negates })
    }
}

//! A function being walked: the one that is rewritten, or one that is inlined into it.

use crate::ir::{Function, FunctionId, JoinId, Operand, Unit, Var, side_table};
use cranelift_entity::SecondaryMap;

/// Where the results of a walked function go.
#[derive(Clone, Copy)]
pub(super) enum ResultTarget {
    /// They are the results of the function being written.
    Return,
    /// They are the arguments of a join point of that function.
    Jump(JoinId),
}

/// The decision of the simplifier about a join point of a walked function.
#[derive(Clone, Default)]
pub(super) enum JoinPlan {
    /// Moves or copies the code to the jumps.
    #[default]
    Inline,
    /// Keeps it, as this join point of the function being written.
    Keep(JoinId),
    /// Copies the code up to its branch to the jumps. The two sides of the branch become join
    /// points; their parameters are those of the old one and the variables that the copied code
    /// defines.
    InlineUpToBranch([JoinId; 2]),
}

/// A walked function and the substitution from its entities to those of the function being written.
pub(super) struct SourceFrame<'u> {
    pub(super) id: FunctionId,
    pub(super) function: &'u Function,
    pub(super) vars: SecondaryMap<Var, Operand>,
    pub(super) joins: SecondaryMap<JoinId, JoinPlan>,
    /// The size of the code that replaces a jump to a join point that is inlined.
    pub(super) costs: SecondaryMap<JoinId, usize>,
    pub(super) results: ResultTarget,
}

impl<'u> SourceFrame<'u> {
    pub(super) fn new(
        unit: &'u Unit,
        id: FunctionId,
        args: &[Operand],
        results: ResultTarget,
    ) -> SourceFrame<'u> {
        let function = &unit.functions[id];
        let mut vars = SecondaryMap::with_default(Operand::Small(0));
        vars.resize(function.vars.len());
        let mut frame = SourceFrame {
            id,
            function,
            vars,
            joins: side_table(function.joins.len()),
            costs: side_table(function.joins.len()),
            results,
        };
        frame.bind_all(&function.params, args);
        frame
    }

    pub(super) fn bind(&mut self, var: Var, operand: Operand) {
        self.vars[var] = operand;
    }

    pub(super) fn bind_all(&mut self, vars: &[Var], operands: &[Operand]) {
        vars.iter().zip(operands).for_each(|(var, operand)| self.bind(*var, *operand));
    }
}

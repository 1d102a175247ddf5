//! Code that dispatches: a switch with a few cases that are cheap, and others that leave.
//!
//! The code of a thunk in an interpreter switches to the cases of a term. Names and constants have cheap
//! cases; the others call the interpreter, which leaves: see [`attempt`](crate::passes).

use super::{LazyEntryWriter, SIZE_LIMIT, SourceCode};
use crate::ir::{Block, BlockId, Function, FunctionId, Op, Operand, Terminator, Unit};

/// The least number of cases of a switch that are cheap, if others leave.
const CHEAP_CASES: usize = 2;

/// The function that returns the value of a thunk where tests show that it is cheap, and the thunk
/// elsewhere, if the code of the thunk dispatches: it switches to cases of which some are cheap and others
/// call. `entry` is the function that the thunk calls, and `thunk` makes the operation that makes it.
pub(in crate::passes) fn write_dispatch(
    unit: &Unit,
    entry: FunctionId,
    thunk: impl FnOnce(Vec<Operand>) -> Op,
) -> Option<Function> {
    let writer = LazyEntryWriter::write_as(unit, entry, thunk, true)?;
    let is_cheap = writer.dispatches && !writer.leaves_always && writer.size <= SIZE_LIMIT;
    is_cheap.then_some(writer.out)
}

impl<'u> LazyEntryWriter<'u> {
    /// The cases of a switch, and its default case. If a switch may have cases that leave, those do so at
    /// once.
    pub(super) fn cases(
        &mut self,
        code: &SourceCode<'u>,
        cases: &[(u64, BlockId)],
        default: BlockId,
    ) -> (Vec<(u64, BlockId)>, BlockId) {
        let before = (self.has_value, self.leaves_always);
        let mut cheap = 0;
        let mut case = |source: BlockId| {
            self.has_value = false;
            let block = self.branch(code.clone(), source);
            cheap += usize::from(self.has_value);
            if self.may_dispatch && !self.has_value {
                let leave = Terminator::Jump(code.exits.otherwise, Vec::new());
                self.out.blocks[block] = Block { stmts: Vec::new(), terminator: leave };
            }
            block
        };
        let cases: Vec<_> = cases.iter().map(|(nat, block)| (*nat, case(*block))).collect();
        let default = case(default);
        self.has_value = before.0 || cheap > 0;
        if self.may_dispatch && (CHEAP_CASES..=cases.len()).contains(&cheap) {
            self.leaves_always = before.1;
            self.dispatches = true;
        }
        (cases, default)
    }
}

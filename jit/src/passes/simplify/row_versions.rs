//! Versions of code for short rows: points and vectors whose number of items is only known when the
//! code runs.
//!
//! ```text
//! before  v3 = generate f1(v1, v2); ..
//! after   v4 = eq v1, 3
//!         if v4 { v5 = thunk f1(v2, 0); v6 = thunk f1(v2, 1); v7 = thunk f1(v2, 2)
//!                 v3 = row(v7, v6, v5); .. }
//!         else { v3 = generate f1(v1, v2); .. }
//! ```
//!
//! Where a row is generated whose number of items is not known, the code behind it is written twice: once
//! for the number that the vectors among the law's arguments and constants have ([`Unit::row_size`]), and once for all
//! others. In the first version the items are variables, loops over them are unrolled, and those that
//! something evaluates become numbers in registers. (Function versioning on type feedback; scalar
//! replacement of aggregates.)
//!
//! [`Unit::row_size`]: crate::ir::Unit::row_size

use super::source::SourceFrame;
use super::walker::Simplifier;
use crate::ir::{BlockId, DEPTH_LIMIT, FunctionId, Op, Operand, Prim, Stmt, Type, Var};

/// The most items of a row that is made of variables in a version.
const ITEMS_LIMIT: u64 = 4;
/// The most items of a row of a known number that is made of variables.
const KNOWN_ITEMS_LIMIT: u64 = 8;
/// The most rows of a function for which it has versions.
const VERSIONS_LIMIT: usize = 3;
/// Functions of more than this size have no versions.
const SIZE_LIMIT: usize = 120;
/// There are no more versions of a function whose code has grown to this size.
const WRITTEN_LIMIT: usize = 400;

/// A generated row for which there are to be two versions of the code.
pub(super) struct VersionedRow {
    row: Var,
    op: Op,
    count: Operand,
    size: u64,
}

impl<'u> Simplifier<'u> {
    /// The row that a statement generates, if the code behind it is to be written in two versions.
    pub(super) fn versioned_row(
        &self,
        frame: &SourceFrame<'u>,
        stmt: &Stmt,
    ) -> Option<VersionedRow> {
        let size = self.unit.row_size.filter(|_| self.options.version)?;
        let Stmt::Let(vars, op @ Op::Generate(..)) = stmt else { return None };
        let op = self.substituted(frame, op);
        let Op::Generate(_, operands) = &op else { return None };
        let count = operands[0];
        let summary = &self.summaries[frame.id];
        let fits = frame.id == self.id
            && self.inlining.is_empty()
            && self.versions < VERSIONS_LIMIT
            && summary.size <= SIZE_LIMIT
            && self.written <= WRITTEN_LIMIT
            && summary.size < self.budget
            && self.depth + 2 * summary.depth + 2 < DEPTH_LIMIT
            && (1..=ITEMS_LIMIT).contains(&size)
            && matches!(count, Operand::Var(_));
        fits.then_some(VersionedRow { row: vars[0], op, count, size })
    }

    /// Writes the code from behind the statement of a row to the end of its block in two versions.
    pub(super) fn write_versions(
        &mut self,
        frame: &mut SourceFrame<'u>,
        (block, next): (BlockId, usize),
        versioned: &VersionedRow,
    ) {
        let &VersionedRow { row, ref op, count, size } = versioned;
        self.versions += 1;
        self.budget = self.budget.saturating_sub(self.summaries[self.id].size);
        let is_short = self.prim(Prim::Eq, &[count, Operand::Small(size)]);
        self.branch_on(is_short, |this, is_short| {
            let versions = this.versions;
            let value = if is_short {
                this.facts.equate(count, Operand::Small(size));
                let items = this.generated_items(op, size);
                this.emit(Type::Whnf, items)
            } else {
                this.versions = VERSIONS_LIMIT;
                this.emit(Type::Whnf, op.clone())
            };
            frame.bind(row, value);
            this.walk_from(frame, block, next);
            this.versions = versions;
        });
    }

    /// The row that a generated row of a few items is.
    pub(super) fn row_of_variables(&mut self, op: &Op) -> Option<Op> {
        match op {
            Op::Generate(_, operands) => match operands[0] {
                Operand::Small(size @ 1..=KNOWN_ITEMS_LIMIT) => {
                    Some(self.generated_items(op, size))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Writes the thunks of a generated row's items; returns the operation that makes the row.
    fn generated_items(&mut self, op: &Op, size: u64) -> Op {
        let (code, captures): (FunctionId, &[Operand]) = match op {
            Op::Generate(code, operands) => (*code, &operands[1..]),
            _ => return op.clone(),
        };
        let items = (0..size).map(|index| {
            let captures = [captures, &[Operand::Small(index)]].concat();
            self.emit(Type::Any, Op::Thunk(code, captures))
        });
        Op::Row(items.collect())
    }
}

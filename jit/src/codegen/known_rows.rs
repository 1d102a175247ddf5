//! Headers of rows that were read before, so that a row is tested once for several reads.
//!
//! A read of an item tests that the value is a row, that the row is one object, and that it has the item.
//! Code on data reads an item in front of a switch, and others in its cases. For each variable that is read,
//! one of Cranelift's variables has the header of the row, or 0 where the variable is found to be no row of
//! one object. A later read tests only the number of items in that header.
//!
//! What is known holds on a path ([`PathFacts`](super::translator::PathFacts)): behind a read, behind the
//! outcome that the value is a nat, and at a join point that is jumped to only where it is known. It ends
//! at a call that is likely, since the header would have to be kept for it; calls on rare paths
//! [save](super::saved) it. The header stays right though a collection moves the row: of its
//! number of items and its layout only in-place edits change anything, and behind them nobody reads the
//! row.

use super::translator::FunctionTranslator;
use crate::ir::{JoinId, Op, Operand, Prim, Stmt, Var};
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, Value};
use cranelift_frontend::Variable;

/// The most rows that are known at once. The oldest are forgotten.
const KNOWN_MAX: usize = 6;

/// The variables whose headers are known on a path, the latest last.
#[derive(Clone, Default)]
pub(super) struct KnownRows(Vec<Var>);

impl KnownRows {
    pub(super) fn has(&self, var: Var) -> bool {
        self.0.contains(&var)
    }

    pub(super) fn add(&mut self, var: Var) {
        if !self.has(var) {
            if self.0.len() == KNOWN_MAX {
                self.0.remove(0);
            }
            self.0.push(var);
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }

    fn keep_common(&mut self, other: &KnownRows) {
        self.0.retain(|var| other.has(*var));
    }
}

impl FunctionTranslator<'_, '_> {
    /// The address and the header of a row that is read. Continues only if the row is one object. The header
    /// is known behind the statement, which the caller [notes](Self::note_row).
    pub(super) fn read_row(
        &mut self,
        row: Operand,
        word: Value,
        otherwise: Block,
    ) -> (Value, Value) {
        let Operand::Var(var) = row else { return self.flat_row(word, otherwise) };
        let variable = self.header_of(var);
        if self.path.rows.has(var) {
            return (self.emit.address(word), self.emit.b.use_var(variable));
        }
        self.set_no_row(variable);
        let (address, header) = self.flat_row(word, otherwise);
        self.emit.b.def_var(variable, header);
        (address, header)
    }

    /// Notes that a row was read, where all ways of the read have joined.
    pub(super) fn note_row(&mut self, row: Operand) {
        if let Operand::Var(var) = row {
            self.path.rows.add(var);
        }
    }

    /// Sets on the rare path of a read that the value is no row of one object, unless more is known from
    /// before: so the header needs no register during the call on that path.
    pub(super) fn forget_row_slowly(&mut self, row: Operand) {
        if let Operand::Var(var) = row
            && !self.path.rows.has(var)
        {
            let header = self.header_of(var);
            self.set_no_row(header);
        }
    }

    /// The variable with the header of a row.
    fn header_of(&mut self, row: Var) -> Variable {
        let header = &mut self.headers[row.index()];
        *header.get_or_insert_with(|| self.emit.b.declare_var(I64))
    }

    fn set_no_row(&mut self, header: Variable) {
        let zero = self.emit.constant(0);
        self.emit.b.def_var(header, zero);
    }

    /// The value that a block branches on whether it is a nat. A nat is known to be no row: sets that for the
    /// branch that it is one.
    pub(super) fn nat_tested_by(&mut self, stmts: &[Stmt], condition: Operand) -> Option<Var> {
        let Operand::Var(wanted) = condition else { return None };
        let tested = stmts.iter().rev().find_map(|stmt| match stmt {
            Stmt::Let(vars, Op::Prim(Prim::IsNat, operands)) if vars[..] == [wanted] => {
                Some(operands[0])
            }
            _ => None,
        });
        let Some(Operand::Var(var)) = tested else { return None };
        if !self.path.rows.has(var) {
            let header = self.header_of(var);
            self.set_no_row(header);
        }
        Some(var)
    }

    /// Adds what is known at a jump to what is known at the join point.
    pub(super) fn note_rows_at_jump(&mut self, join: JoinId) {
        match &mut self.joined_rows[join.index()] {
            Some(known) => known.keep_common(&self.path.rows),
            unknown => *unknown = Some(self.path.rows.clone()),
        }
    }

    /// The header of a variable, if it is known.
    pub(super) fn known_header(&self, var: Var) -> Option<Variable> {
        self.headers[var.index()].filter(|_| self.path.rows.has(var))
    }
}

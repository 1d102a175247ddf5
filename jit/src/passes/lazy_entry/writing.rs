//! Tests of values, and the code that is written.

use super::{LazyEntryWriter, SourceCode};
use crate::ir::{BlockId, JoinId, Op, Operand, Prim, Stmt, Terminator, Type};

impl<'u> LazyEntryWriter<'u> {
    // Tests.

    /// The value of an operand, behind a test that it is evaluated.
    pub(super) fn evaluated(
        &mut self,
        code: &mut SourceCode<'u>,
        operand: Operand,
    ) -> Option<Operand> {
        let value = self.test_evaluated(code.operand(operand), code.exits.otherwise);
        code.refine(operand, value);
        Some(value)
    }

    pub(super) fn test_evaluated(&mut self, operand: Operand, otherwise: JoinId) -> Operand {
        if self.type_of(operand).is(Type::Whnf) {
            return operand;
        }
        let is_evaluated = self.emit(Type::Bit, Op::Prim(Prim::Evaluated, vec![operand]));
        let (yes, no) = self.test_blocks(otherwise);
        self.terminate(Terminator::If(is_evaluated, yes, no));
        self.continue_in(yes);
        self.emit(Type::Whnf, Op::Force(operand))
    }

    /// The value of an operand, behind a test that it is a nat below 2^63.
    pub(super) fn small(&mut self, code: &mut SourceCode<'u>, operand: Operand) -> Option<Operand> {
        let tested = code.operand(operand);
        if self.type_of(tested).is(Type::Small) {
            return Some(tested);
        }
        if !matches!(tested, Operand::Var(_)) {
            return None;
        }
        let small = self.out.new_var(Type::Small);
        let (yes, no) = self.test_blocks(code.exits.otherwise);
        self.terminate(Terminator::Direct(tested, small, yes, no));
        self.continue_in(yes);
        code.refine(operand, small.into());
        Some(small.into())
    }

    /// Two to the power of an operand, behind a test that it is a word.
    pub(super) fn power_of_two(
        &mut self,
        code: &mut SourceCode<'u>,
        by: Operand,
    ) -> Option<Operand> {
        let operands = vec![Operand::Small(1), self.small(code, by)?];
        let limits = vec![operands[1], Operand::Small(u64::from(u64::BITS))];
        let is_word = self.emit(Type::Bit, Op::Prim(Prim::Lt, limits));
        let (yes, no) = self.test_blocks(code.exits.otherwise);
        self.terminate(Terminator::If(is_word, yes, no));
        self.continue_in(yes);
        let types = self.unit.types_of(&self.out, &operands);
        let ty = Prim::Lsh64.result_of(&operands, &types);
        Some(self.emit(ty, Op::Prim(Prim::Lsh64, operands)))
    }

    /// The blocks behind a test: the next one, and one that leaves.
    pub(super) fn test_blocks(&mut self, otherwise: JoinId) -> (BlockId, BlockId) {
        let no = self.out.new_block(Terminator::Jump(otherwise, Vec::new()));
        (self.new_block(), no)
    }

    pub(super) fn continue_in(&mut self, block: BlockId) {
        self.block = block;
        self.depth += 1;
    }

    // Writing.

    pub(super) fn type_of(&self, operand: Operand) -> Type {
        self.unit.type_of(&self.out, operand).unwrap_or(Type::Any)
    }

    pub(super) fn new_block(&mut self) -> BlockId {
        self.size += 1;
        self.out.new_block(Terminator::Return(vec![Operand::Small(0)]))
    }

    pub(super) fn push(&mut self, stmt: Stmt) {
        self.size += 1;
        self.out.blocks[self.block].stmts.push(stmt);
    }

    pub(super) fn emit(&mut self, ty: Type, op: Op) -> Operand {
        let var = self.out.new_var(ty);
        self.push(Stmt::Let(vec![var], op));
        var.into()
    }

    pub(super) fn terminate(&mut self, terminator: Terminator) {
        self.out.blocks[self.block].terminator = terminator;
    }
}

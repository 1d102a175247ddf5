//! Translating terminators: returns, tail calls, jumps and branches.

use super::collection_edit::EditTarget;
use super::error::CompileError;
use super::symbol::{LinkSymbol, Stub};
use super::translator::FunctionTranslator;
use crate::ir::{Arm, Block, BlockId, Call, Callee, ConstantKind, Operand, Terminator, Type, Var};
use cranelift_codegen::ir::{self as clif, InstBuilder, Value};
use cranelift_frontend::Switch;
use vm::native::offset;

impl FunctionTranslator<'_, '_> {
    /// Translates the terminator of a block.
    pub(super) fn terminator(
        &mut self,
        id: BlockId,
        terminator: &Terminator,
    ) -> Result<(), CompileError> {
        if matches!(
            terminator,
            Terminator::Enter(_)
                | Terminator::Tail(_)
                | Terminator::Reflect(..)
                | Terminator::Crash(..)
        ) {
            self.check_limit_once(&[], terminator);
        }
        match terminator {
            Terminator::Return(results) => {
                self.disown_results(results);
                let results = self.words(results);
                self.emit.b.ins().return_(&results);
            }
            Terminator::Enter(a) => self.enter(*a),
            Terminator::Tail(call) if self.always_crashes(call) => self.crash(call)?,
            Terminator::Tail(call) => self.tail_call(call)?,
            Terminator::Jump(join, args) => {
                let Some(blocks) = self.joins[join.index()] else {
                    unreachable!("{join} is in scope")
                };
                self.disown_args(self.id, &self.function.joins[*join].params, args);
                self.note_rows_at_jump(*join);
                if self.back_edges.contains(&id) {
                    self.jump_back(*join, blocks, args);
                } else {
                    let args = self.words(args);
                    self.emit.jump(blocks.entry, &args);
                }
            }
            Terminator::If(condition, yes, no) => {
                let condition = self.word(*condition);
                let (yes, no) = self.branches(id, *yes, *no);
                self.emit.branch(condition, yes, no);
            }
            Terminator::Switch(on, cases, other) => {
                let on = self.word(*on);
                let mut switch = Switch::new();
                for (nat, block) in cases {
                    let block = self.deferred(*block);
                    switch.set_entry(u128::from(*nat), block);
                }
                let other = self.deferred(*other);
                switch.emit(&mut self.emit.b, on, other);
            }
            Terminator::Reflect(on, arms) => self.reflect(*on, arms),
            Terminator::Direct(on, nat, yes, no) if self.function.vars[*nat] == Type::U64 => {
                let word = self.word(*on);
                let (body, number) = self.emit.block_with_param();
                self.defer(body, *yes, vec![(*nat, number)]);
                let no = self.deferred(*no);
                self.branch_on_u64(word, body, no);
            }
            Terminator::Direct(on, nat, yes, no) => self.branch_on_small(*on, *nat, *yes, *no),
            Terminator::Closure(on, k, arm, other) => self.closure(*on, *k, arm, *other),
            Terminator::Crash(operation, arg) => {
                let call = Call { callee: Callee::Unknown(*operation), args: vec![*arg] };
                self.crash(&call)?;
            }
        }
        Ok(())
    }

    /// Whether a call is that of a nat that is no operation.
    fn always_crashes(&self, call: &Call) -> bool {
        match call.callee {
            Callee::Unknown(Operand::Small(nat)) => nat > 4,
            Callee::Unknown(Operand::Constant(k)) => {
                self.unit.constants[k].kind == ConstantKind::Nat
            }
            _ => false,
        }
    }

    /// Translates a call that is certain to crash, in place of this function. It is no tail call, so
    /// that the frame of this function is in the call chain of the crash.
    fn crash(&mut self, call: &Call) -> Result<(), CompileError> {
        let never = self.call(call, EditTarget::Other)?[0];
        self.emit.b.ins().return_(&vec![never; self.function.results.len()]);
        Ok(())
    }

    /// The blocks for both branches of a block. In each, the outcome of the condition is known.
    pub(super) fn branches(
        &mut self,
        id: BlockId,
        yes: BlockId,
        no: BlockId,
    ) -> (clif::Block, clif::Block) {
        let Block { stmts, terminator } = &self.function.blocks[id];
        let Terminator::If(condition, ..) = terminator else {
            return (self.deferred(yes), self.deferred(no));
        };
        let tested = self.nat_tested_by(stmts, *condition);
        let here = self.path.clone();
        let [yes, no] = [(yes, true), (no, false)].map(|(block, holds)| {
            let is_direct = |operand| self.type_of(operand).is(Type::Small);
            self.path.bounds = here.bounds.after(stmts, *condition, holds, is_direct);
            self.path.rows = here.rows.clone();
            if let Some(nat) = tested.filter(|_| holds) {
                self.path.rows.add(nat);
            }
            self.deferred(block)
        });
        self.path = here;
        (yes, no)
    }

    /// Evaluates a value in place of this function.
    fn enter(&mut self, a: Operand) {
        let word = self.word(a);
        if !self.type_of(a).is(Type::Whnf) {
            let (slowly, done) = (self.emit.block(), self.emit.block());
            let thunk = self.emit.is_thunk(word);
            self.emit.branch(thunk, slowly, done);
            self.emit.switch_to(slowly);
            self.emit.tail_call(LinkSymbol::Stub(Stub::Force), &[word], 1);
            self.emit.switch_to(done);
        }
        self.emit.b.ins().return_(&[word]);
    }

    /// Branches on whether a value is a nat below 2^63, or a thunk that was evaluated to one or is cheap: a loop
    /// variable that was a thunk in some turn is a number from the turn after its evaluation on.
    fn branch_on_small(&mut self, on: Operand, nat: Var, yes: BlockId, no: BlockId) {
        let word = self.word(on);
        let (body, number) = self.emit.block_with_param();
        self.defer(body, yes, vec![(nat, number)]);
        let no = self.deferred(no);
        let not_direct = self.emit.is_not_direct(word);
        if self.type_of(on).is(Type::Whnf) {
            self.emit.b.ins().brif(not_direct, no, &[], body, &[word.into()]);
            return;
        }
        let other = self.emit.cold_block();
        self.emit.b.ins().brif(not_direct, other, &[], body, &[word.into()]);
        self.emit.switch_to(other);
        let value = self.value_if_cheap(on);
        let not_direct = self.emit.is_not_direct(value);
        self.emit.b.ins().brif(not_direct, no, &[], body, &[value.into()]);
    }

    /// Branches on the kind of a value, and defines its parts.
    fn reflect(&mut self, on: Operand, arms: &[Arm; 4]) {
        let word = self.word(on);
        let (nat, other) = (self.emit.block(), self.emit.block());
        let not_direct = self.emit.is_not_direct(word);
        self.emit.branch(not_direct, other, nat);
        let nat_arm = &arms[3];
        let (nat_body, nat_word) = self.emit.block_with_param();
        self.defer(nat_body, nat_arm.block, vec![(nat_arm.params[0], nat_word)]);
        self.emit.switch_to(nat);
        self.emit.jump(nat_body, &[word]);

        self.emit.switch_to(other);
        let branch = self.emit.call_stub(Stub::Parts, &[word]);
        let mut switch = Switch::new();
        let blocks: Vec<clif::Block> = arms.iter().map(|_| self.emit.block()).collect();
        for (index, block) in blocks[..3].iter().enumerate() {
            switch.set_entry(index as u128, *block);
        }
        switch.emit(&mut self.emit.b, branch, blocks[3]);
        for (arm, block) in arms.iter().zip(&blocks) {
            self.emit.switch_to(*block);
            let parts: Vec<Value> = (0..arm.params.len())
                .map(|index| self.emit.load_context(offset::PARTS + 8 * index))
                .collect();
            if arm.params == nat_arm.params {
                self.emit.jump(nat_body, &parts);
                continue;
            }
            for (var, part) in arm.params.iter().zip(parts) {
                self.define(*var, part);
            }
            let body = self.deferred(arm.block);
            self.emit.jump(body, &[]);
        }
    }
}

//! Thunks whose code is the call of one jet, made at once where that takes a short time and evaluates
//! nothing: look-ups in tables, and edits of short rows and of tables.
//!
//! Such a thunk keeps its table or row alive. Programs often make one to change an entry of the same table,
//! or pass a state of several tables from turn to turn, one thunk on top of the other. The call is made only
//! if everything that the thunk's code evaluates is evaluated already.

use super::collection_edit::{CollectionEdit, EditTarget};
use super::delayed::DelayedCall;
use super::error::CompileError;
use super::key_search::{KeyEvaluation, KeySearch};
use super::row_edit::RowEdit;
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::{Op, Operand, Type, Var};
use cranelift_codegen::ir::{Block, InstBuilder, Value};

impl FunctionTranslator<'_, '_> {
    /// The call of a jet that an operation delays, if it can be made at once.
    pub(super) fn delayed_call(&self, op: &Op) -> Option<DelayedCall> {
        DelayedCall::of(self.unit, op)
    }

    /// Defines a variable as the result of a call, or as a thunk of the call.
    pub(super) fn call_or_allocate(
        &mut self,
        delayed: &DelayedCall,
        var: Var,
        op: &Op,
    ) -> Result<(), CompileError> {
        let at_once = |this: &mut Self, otherwise| this.made_at_once(delayed, var, otherwise);
        self.define_or_allocate(var, op, at_once, |this| this.disown_captures(op))
    }

    /// The word of an operand. A variable that is a thunk with a value is set to the value, which is
    /// disowned: a loop variable would otherwise remain such a thunk, and a thunk be made in each turn.
    fn value_of_var(&mut self, operand: Operand) -> Value {
        let word = self.word(operand);
        let Operand::Var(var) = operand else { return word };
        let (waiting, (done, value)) = (self.emit.cold_block(), self.emit.block_with_param());
        let thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(thunk, waiting, &[], done, &[word.into()]);
        self.emit.switch_to(waiting);
        let found = self.value_if_done(word);
        if self.is_owned(operand) {
            self.call_rarely_before_use(Stub::Disown, &[found]);
        }
        self.emit.jump(done, &[found]);
        self.emit.switch_to(done);
        self.define(var, value);
        value
    }

    /// The result of a delayed call, to which a variable is set. Continues only if nothing has to be
    /// evaluated for it.
    fn made_at_once(&mut self, delayed: &DelayedCall, var: Var, otherwise: Block) -> Value {
        for operand in &delayed.evaluated {
            if !self.type_of(*operand).is(Type::Whnf) {
                let word = self.value_of_var(*operand);
                let is_thunk = self.emit.is_thunk(word);
                let evaluated = self.emit.block();
                self.emit.branch(is_thunk, otherwise, evaluated);
                self.emit.switch_to(evaluated);
            }
        }
        for operand in &delayed.normalised {
            if !self.type_of(*operand).is(Type::Nat) {
                let word = self.word(*operand);
                let is_object = self.emit.is_not_direct(word);
                let direct = self.emit.block();
                self.emit.branch(is_object, otherwise, direct);
                self.emit.switch_to(direct);
            }
        }
        let args = &delayed.args;
        if let Some(search) = KeySearch::of(delayed.operation, args) {
            return self.found(search, KeyEvaluation::Never, otherwise);
        }
        if let Some(edit) = RowEdit::of(delayed.operation, args) {
            return self.edited_short_row(edit, otherwise);
        }
        let Some(edit) = CollectionEdit::of(delayed.operation, args) else {
            unreachable!("a delayed call is a search or an edit")
        };
        let mode = self.edit_mode_of(edit, EditTarget::Var(var));
        self.edited_collection(edit, mode, KeyEvaluation::Never, otherwise)
    }
}

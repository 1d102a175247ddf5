//! Insertion into tables and sets, and deletion from them: by the runtime directly, without the call of
//! the jet, if the table or set is a data jet and the search for the key needs few comparisons.
//!
//! An edit of a collection that nothing else refers to changes it in place: see
//! [`ownership`](super::ownership), whose results this module turns into code.

use super::error::CompileError;
use super::key_search::KeyEvaluation;
use super::symbol::Stub;
use super::translator::{FunctionTranslator, variadic};
use crate::analysis::collections::Collection;
use crate::ir::{BlockId, ConstantId, FunctionId, JetOperation, Op, Operand, Stmt, Type, Var};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use std::collections::BTreeSet;
use vm::jet::EditMode;
use vm::native::layout::{self, top};

/// An insertion into a table or set, or a deletion from it.
#[derive(Clone, Copy)]
pub(super) struct CollectionEdit<'a> {
    stub: Stub,
    /// The operand that is edited.
    collection: Operand,
    /// The other operands, in the order of the stub's parameters.
    rest: &'a [Operand],
}

impl<'a> CollectionEdit<'a> {
    /// The edit that a jet with that operation makes, if it makes one.
    pub(super) fn of(operation: JetOperation, args: &'a [Operand]) -> Option<CollectionEdit<'a>> {
        let stub = match operation {
            JetOperation::TableInsert => Stub::TableInsert,
            JetOperation::TableInsertWith => Stub::TableInsertWith,
            JetOperation::SetInsert => Stub::SetInsert,
            JetOperation::TableDelete => Stub::TableDelete,
            JetOperation::SetDelete => Stub::SetDelete,
            _ => return None,
        };
        let (collection, rest) = args.split_last()?;
        Some(CollectionEdit { stub, collection: *collection, rest })
    }

    fn kind(self) -> Collection {
        match self.stub {
            Stub::SetInsert | Stub::SetDelete => Collection::Set,
            _ => Collection::Table,
        }
    }
}

/// The place that the result of a call goes to.
#[derive(Clone, Copy)]
pub(super) enum EditTarget {
    /// A variable.
    Var(Var),
    /// The result of the function.
    Result,
    /// No variable.
    Other,
}

impl FunctionTranslator<'_, '_> {
    /// The result of a jet that edits an evaluated table or set.
    pub(super) fn edit_collection(
        &mut self,
        edit: CollectionEdit<'_>,
        jet: ConstantId,
        args: &[Operand],
        target: EditTarget,
    ) -> Result<Value, CompileError> {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let mode = self.edit_mode_of(edit, target);
        let edited = self.edited_collection(edit, mode, KeyEvaluation::IfNeeded, slowly);
        self.emit.jump(done, &[edited]);
        self.call_edit_in(slowly, done, jet, args, target)?;
        Ok(result)
    }

    /// The result of an edit in that mode. Continues only if the collection is an evaluated table or set,
    /// and the stub decides.
    pub(super) fn edited_collection(
        &mut self,
        edit: CollectionEdit<'_>,
        mode: EditMode,
        evaluation: KeyEvaluation,
        otherwise: Block,
    ) -> Value {
        let tag = if edit.kind() == Collection::Set { top::SET } else { top::TAB };
        let words = match (edit.stub, edit.rest) {
            // The key of an insertion is in normal form.
            (Stub::TableDelete | Stub::SetDelete, &[key]) => {
                let key = self.key_in((edit.collection, tag), key, evaluation, otherwise);
                vec![self.word(edit.collection), key]
            }
            _ => self.words(&[&[edit.collection], edit.rest].concat()),
        };
        self.edited(tag, edit.stub, words, mode, otherwise)
    }

    /// The result of a stub for the collection `words[0]`, other words and a mode. Continues only if the
    /// collection has that tag, and the stub decides.
    pub(super) fn edited(
        &mut self,
        tag: u64,
        stub: Stub,
        mut words: Vec<Value>,
        mode: EditMode,
        otherwise: Block,
    ) -> Value {
        let is_collection = self.emit.is_top(words[0], tag);
        self.emit.guard(is_collection, otherwise);
        words.push(self.emit.constant(mode as u64));
        let edited = self.emit.call_stub(stub, &words);
        self.guard_decided(edited, otherwise);
        edited
    }

    /// The mode of an edit of a table or set, whose result goes to that place.
    pub(super) fn edit_mode_of(&self, edit: CollectionEdit<'_>, target: EditTarget) -> EditMode {
        self.edit_mode(edit.kind(), edit.collection, target)
    }

    /// The mode of an edit of that operand, whose result goes to that place.
    pub(super) fn edit_mode(
        &self,
        kind: Collection,
        operand: Operand,
        target: EditTarget,
    ) -> EditMode {
        if self.ownership.owns(kind, self.id, operand) {
            EditMode::Reuse
        } else if self.owns_target(target, |kinds| kinds == kind) {
            EditMode::Own
        } else {
            EditMode::Copy
        }
    }

    /// Whether the place of a result is owned, as a collection of some kinds.
    fn owns_target(&self, target: EditTarget, kinds: impl Fn(Collection) -> bool) -> bool {
        Collection::ALL.into_iter().filter(|kind| kinds(*kind)).any(|kind| match target {
            EditTarget::Var(var) => self.ownership.owns(kind, self.id, Operand::Var(var)),
            EditTarget::Result => self.ownership.owns_result(kind, self.id, 0),
            EditTarget::Other => false,
        })
    }

    /// Fills the block `slowly` as [`FunctionTranslator::call_jet_in`] does, with an edit. Its result
    /// may be kept by others.
    pub(super) fn call_edit_in(
        &mut self,
        slowly: Block,
        done: Block,
        jet: ConstantId,
        args: &[Operand],
        target: EditTarget,
    ) -> Result<(), CompileError> {
        if !self.owns_target(target, |_| true) {
            return self.call_jet_in(slowly, done, jet, args);
        }
        self.emit.switch_to(slowly);
        let words = self.words(&[&[Operand::Constant(jet)], args].concat());
        let value = self.emit.call_stub(Stub::Jet(variadic(args.len())?), &words);
        self.emit.b.declare_value_needs_stack_map(value);
        self.emit.call_stub(Stub::Disown, &[value]);
        self.emit.jump(done, &[value]);
        self.emit.switch_to(done);
        Ok(())
    }

    // Values from elsewhere.

    /// Disowns what is passed to owned parameters of a join point or function from elsewhere.
    pub(super) fn disown_args(&mut self, target: FunctionId, params: &[Var], args: &[Operand]) {
        for (param, arg) in params.iter().zip(args) {
            if self.ownership.is_foreign_to((self.id, *arg), (target, *param)) {
                self.disown(*arg);
            }
        }
    }

    /// Disowns what is returned as an owned result from elsewhere.
    pub(super) fn disown_results(&mut self, results: &[Operand]) {
        for (index, result) in results.iter().enumerate() {
            if self.ownership.is_foreign_to_result(self.id, *result, index) {
                self.disown(*result);
            }
        }
    }

    /// Disowns owned operands of a jet, which may keep them.
    pub(super) fn disown_kept(&mut self, args: &[Operand]) {
        for arg in args {
            if self.is_owned(*arg) {
                let word = self.word(*arg);
                self.emit.call_stub(Stub::Disown, &[word]);
            }
        }
    }

    /// Disowns the owned values that a thunk captures, before it is made on a rare path.
    pub(super) fn disown_captures(&mut self, op: &Op) {
        for captured in op.operands() {
            if self.is_owned(captured) {
                let word = self.word(captured);
                self.call_rarely_before_use(Stub::Disown, &[word]);
            }
        }
    }

    /// Whether an operand is owned, as a collection of some kind.
    pub(super) fn is_owned(&self, operand: Operand) -> bool {
        Collection::ALL.into_iter().any(|kind| self.ownership.owns(kind, self.id, operand))
    }

    /// The value of an owned word, which is owned. That of a thunk is disowned.
    pub(super) fn force_owned(&mut self, word: Value) -> Value {
        let (waiting, (done, value)) = (self.emit.cold_block(), self.emit.block_with_param());
        let thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(thunk, waiting, &[], done, &[word.into()]);
        self.emit.switch_to(waiting);
        let forced = self.call_rarely(Stub::Force, &[word]);
        self.call_rarely(Stub::Disown, &[forced]);
        self.emit.jump(done, &[forced]);
        self.emit.switch_to(done);
        value
    }

    /// Disowns the variables that the statement at an index, and allocations that directly follow it,
    /// keep, if they are used later.
    pub(super) fn disown_shared(&mut self, block: BlockId, at: usize, stmts: &[Stmt]) {
        let allocates = |stmt: &&Stmt| matches!(stmt, Stmt::Let(_, op) if self.is_allocation(op));
        let count = stmts.iter().take_while(allocates).count().max(1);
        let shared: BTreeSet<Var> =
            self.ownership.shared_at((self.id, block), at..at + count).collect();
        for var in shared {
            self.disown(var.into());
        }
    }

    /// Disowns a value, which is mostly no table, row or set, or has no mark.
    fn disown(&mut self, operand: Operand) {
        if self.type_of(operand).is(Type::Nat) {
            return;
        }
        let word = self.word(operand);
        let (marked, done) = (self.emit.cold_block(), self.emit.block());
        let byte = self.emit.top_byte(word);
        let offset = self.emit.b.ins().iadd_imm_s(byte, -(top::ROW as i64));
        let kinds = (top::SET - top::ROW) as i64;
        let is_collection =
            self.emit.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, offset, kinds);
        self.emit.guard(is_collection, done);
        let address = self.emit.address(word);
        let header = self.emit.load(address, 0);
        let (shift, width) = layout::EXTRA;
        let mark = self.emit.b.ins().band_imm_s(header, ((1_i64 << width) - 1) << shift);
        self.emit.branch(mark, marked, done);
        self.emit.switch_to(marked);
        self.emit.call_stub(Stub::Disown, &[word]);
        self.emit.jump(done, &[]);
        self.emit.switch_to(done);
    }
}

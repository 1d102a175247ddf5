//! Translating blocks: statements, operations, join points and loops.
//!
//! The IR's blocks form a tree. Translating a block's terminator makes a pending block for each of
//! its successors, with the facts that hold there. Pending blocks are translated until none is
//! left.

use super::collection_edit::EditTarget;
use super::error::CompileError;
use super::symbol::Stub;
use super::translator::{FunctionTranslator, JoinBlocks, PendingBlock, variadic};
use crate::ir::{
    Block, BlockId, FunctionRole, JoinId, Op, Operand, Prim, Stmt, Terminator, Type, Var,
};
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{self as clif, Value};

impl FunctionTranslator<'_, '_> {
    /// Translates the function, given the parameters of its signature.
    pub(super) fn translate(&mut self, params: &[Value]) -> Result<(), CompileError> {
        let function = self.function;
        if function.role == FunctionRole::Thunk {
            let address = self.emit.address(params[0]);
            for (index, var) in function.params.iter().enumerate() {
                let value = self.emit.payload(address, 1 + index);
                self.define(*var, value);
            }
        } else {
            for (var, value) in function.params.iter().zip(params) {
                self.define(*var, *value);
            }
        }
        self.block(function.entry)?;
        while let Some(PendingBlock { block, id, params, loop_entry, join, path }) =
            self.pending.pop()
        {
            match loop_entry {
                Some(entry) => self.begin_loop(entry, block, params.len()),
                None => self.emit.switch_to(block),
            }
            for (var, value) in params {
                self.define(var, value);
            }
            self.path = path;
            if let Some(join) = join {
                // All jumps to it are translated by now.
                self.path.rows = self.joined_rows[join.index()].take().unwrap_or_default();
            }
            self.block(id)?;
        }
        Ok(())
    }

    /// Translates one block of the IR into the current block.
    fn block(&mut self, id: BlockId) -> Result<(), CompileError> {
        let Block { stmts, terminator } = &self.function.blocks[id];
        self.enter_block(id);
        let mut rest = &stmts[..];
        while let Some((stmt, after)) = rest.split_first() {
            self.set_place(stmts.len() - rest.len(), 1);
            let items = self.items(rest);
            if items > 0 {
                rest = &rest[items..];
                continue;
            }
            let from_here = std::mem::replace(&mut rest, after);
            if let (Some((prim, operands)), Terminator::If(_, yes, no)) =
                (self.fused_comparison(stmt, terminator), terminator)
                && after.is_empty()
            {
                let (yes, no) = self.branches(id, *yes, *no);
                self.branch_on(prim, operands, yes, no);
                return Ok(());
            }
            if let Stmt::Let(_, op) = stmt
                && self.may_call(op)
            {
                self.check_limit_once(from_here, terminator);
            }
            self.disown_shared(id, stmts.len() - from_here.len(), from_here);
            if self.evaluated_number(from_here) {
                rest = &after[1..];
                continue;
            }
            match stmt {
                Stmt::Join(join) => {
                    if self.function.joins[*join].is_loop {
                        // The check is made once, before the loop. A turn needs no more stack.
                        self.check_limit_once(from_here, terminator);
                    }
                    self.join(*join);
                }
                Stmt::Rec(group) => self.allocate(group)?,
                Stmt::Let(vars, op) if self.is_allocation(op) => {
                    // One check of the nursery serves all neighbours.
                    let mut group = vec![(vars[0], op.clone())];
                    while let Some((Stmt::Let(vars, op), after)) = rest.split_first()
                        && self.is_allocation(op)
                    {
                        group.push((vars[0], op.clone()));
                        rest = after;
                    }
                    self.set_place_count(group.len());
                    self.allocate(&group)?;
                }
                Stmt::Let(vars, op) => {
                    match self.delayed_call(op) {
                        Some(call) => self.call_or_allocate(&call, vars[0], op)?,
                        None => self.operation(vars, op)?,
                    }
                    if matches!(op, Op::Call(_) | Op::Thunk(..) | Op::Delay(..)) {
                        self.path.rows.forget_all();
                    }
                }
            }
        }
        self.set_place(stmts.len(), 1);
        self.terminator(id, terminator)
    }

    /// The comparison of a statement whose result only the block's terminator uses, to branch on.
    fn fused_comparison<'s>(
        &self,
        stmt: &'s Stmt,
        terminator: &Terminator,
    ) -> Option<(Prim, &'s [Operand])> {
        let Stmt::Let(vars, Op::Prim(prim, operands)) = stmt else { return None };
        let Terminator::If(Operand::Var(condition), ..) = terminator else { return None };
        let alone = vars[0] == *condition && self.uses.is_used_once(*condition);
        (alone && prim.compares() && *prim != Prim::Cmp).then_some((*prim, operands))
    }

    /// Declares a join point. Its body is translated later.
    fn join(&mut self, id: JoinId) {
        let join = &self.function.joins[id];
        let header = self.emit.block();
        let params: Vec<(Var, Value)> = join
            .params
            .iter()
            .map(|var| (*var, self.emit.b.append_block_param(header, I64)))
            .collect();
        let entry = if join.is_loop { self.emit.block() } else { header };
        self.joins[id.index()] = Some(JoinBlocks { entry, header });
        self.defer(header, join.body, params);
        if join.is_loop {
            self.mark_back_edges(id, join.body);
        }
        let Some(body) = self.pending.last_mut() else { return };
        if join.is_loop {
            body.loop_entry = Some(entry);
            body.path.limit_is_checked = true;
            body.path.rows.forget_all();
        } else {
            body.join = Some(id);
        }
    }

    /// Begins the translation of a loop: its entry jumps to the header. Code that was suspended in
    /// the loop goes on at the entry, so both blocks are jumped to by later code.
    fn begin_loop(&mut self, entry: clif::Block, header: clif::Block, params: usize) {
        let words: Vec<Value> =
            (0..params).map(|_| self.emit.b.append_block_param(entry, I64)).collect();
        self.emit.switch_to_loop(entry);
        self.emit.jump(header, &words);
        self.emit.switch_to_loop(header);
    }

    /// Collects the blocks of a loop's body that jump back to the loop.
    fn mark_back_edges(&mut self, id: JoinId, body: BlockId) {
        let mut todo = vec![body];
        while let Some(number) = todo.pop() {
            let block = &self.function.blocks[number];
            if matches!(block.terminator, Terminator::Jump(join, _) if join == id) {
                self.back_edges.insert(number);
            }
            todo.extend(block.terminator.blocks());
            todo.extend(block.stmts.iter().filter_map(|stmt| match stmt {
                Stmt::Join(join) => Some(self.function.joins[*join].body),
                _ => None,
            }));
        }
    }

    /// Translates the leading statements if they evaluate a value and take its low 64 bits.
    fn evaluated_number(&mut self, stmts: &[Stmt]) -> bool {
        let [Stmt::Let(value, Op::Force(a)), Stmt::Let(number, Op::Prim(Prim::Low64, taken)), ..] =
            stmts
        else {
            return false;
        };
        if taken[..] != [Operand::Var(value[0])] || self.type_of(*a).is(Type::Whnf) {
            return false;
        }
        self.set_place_count(2);
        let word = self.word(*a);
        let value = Some(value[0]).filter(|value| !self.uses.is_used_once(*value));
        let low = self.force_number(word, value);
        self.define(number[0], low);
        true
    }

    /// Translates an operation that allocates nothing in place, and defines its results.
    fn operation(&mut self, vars: &[Var], op: &Op) -> Result<(), CompileError> {
        let result = match op {
            Op::Force(a) => {
                let word = self.word(*a);
                match self.type_of(*a).is(Type::Whnf) {
                    true => word,
                    false if self.is_owned(vars[0].into()) => self.force_owned(word),
                    false => self.force(word),
                }
            }
            Op::Normalise(a) => {
                let word = self.word(*a);
                match self.type_of(*a).is(Type::Nat) {
                    true => word,
                    false => self.normalise(word),
                }
            }
            Op::Prim(prim, operands) => self.prim(*prim, operands, self.function.vars[vars[0]]),
            Op::Partial(k, args) => {
                let words = self.words(&[&[Operand::Constant(*k)], &args[..]].concat());
                self.emit.call_stub(Stub::Delay(variadic(words.len() - 1)?), &words)
            }
            Op::Call(call) => {
                let results = self.call(call, EditTarget::Var(vars[0]))?;
                for (var, value) in vars.iter().zip(results) {
                    self.define(*var, value);
                }
                return Ok(());
            }
            Op::Row(items) => self.long_row(items)?,
            Op::Delay(function, args) => {
                let words = self.words(&[&[*function], &args[..]].concat());
                self.emit.call_stub(Stub::Delay(variadic(args.len())?), &words)
            }
            Op::ZeroRow(count) => self.zero_row(*count),
            Op::SetItem(operands) => self.set_item(operands)?,
            Op::Generate(..) => return Err(CompileError::Shape("a row is left to be filled")),
            Op::Thunk(..) => unreachable!("thunks are allocated in place"),
        };
        self.define(vars[0], result);
        Ok(())
    }

    /// Whether an operation may run code that calls other code.
    fn may_call(&self, op: &Op) -> bool {
        match op {
            Op::Call(_) | Op::Normalise(_) => true,
            Op::Force(a) => !self.type_of(*a).is(Type::Whnf),
            _ => false,
        }
    }
}

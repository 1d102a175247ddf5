//! Functions of a unit: their blocks, and how those end.

use super::bounds::Bounds;
use super::emit::{Emit, Object, Target, tail_signature};
use super::words::takes_words;
use super::{Backend, GiveUp};
use crate::ir::{
    Arm, Block, BlockId, Call, Callee, ConstantId, Function, FunctionId, FunctionRole, JoinId, Op,
    Operand, Prim, Stmt, Terminator, Type, Unit, Var,
};
use crate::runtime::Stub;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{self as clif, InstBuilder, Value};
use cranelift_frontend::Switch;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use vm::native::{PARAMETERS_MAX, offset};

/// What is known of the value of a constant.
#[derive(Clone, Debug)]
pub struct ConstantFacts {
    /// The top byte of its word.
    pub top: u8,
    /// Where the address of its code appears, if it is a law, or the pin of one without a jet, that
    /// is not part of the unit.
    pub entry: Option<Arc<AtomicUsize>>,
}

/// What a unit is compiled for.
#[derive(Debug)]
pub struct Environment {
    /// The address of the constants' words.
    pub constants: usize,
    /// What is known of them.
    pub facts: Vec<ConstantFacts>,
}

/// Compiles all functions of a unit; in `print` what they became is written, if that is wanted.
///
/// # Errors
/// Why it cannot be compiled.
pub fn compile(
    backend: &mut Backend,
    unit: &Unit,
    environment: &Environment,
    print: bool,
) -> Result<Vec<Object>, GiveUp> {
    if unit.functions.get(FunctionId::ROOT).is_some_and(|law| law.params.len() > PARAMETERS_MAX) {
        return Err(GiveUp::Shape("the law takes too many arguments"));
    }
    let compile = |function: &Function| {
        let params = if function.role == FunctionRole::Thunk { 1 } else { function.params.len() };
        let signature = tail_signature(params, function.results.len());
        backend.define(signature, print, |emit, params| {
            let values = vec![None; function.vars.len()];
            let joins = vec![None; function.joins.len()];
            let mut lower = Lower {
                emit,
                unit,
                function,
                environment,
                values,
                words: vec![None; function.vars.len()],
                joins,
                pending: Vec::new(),
                turns: HashSet::new(),
                uses: Uses::of(function),
                known: Known::default(),
            };
            lower.function(params)
        })
    };
    unit.functions.values().map(compile).collect()
}

/// How often each variable of a function is used.
pub(super) struct Uses {
    all: Vec<u32>,
    /// As a word of 64 bits.
    as_words: Vec<u32>,
}

impl Uses {
    fn of(function: &Function) -> Uses {
        let none = vec![0; function.vars.len()];
        let mut uses = Uses { all: none.clone(), as_words: none };
        for block in function.blocks.values() {
            for stmt in &block.stmts {
                match stmt {
                    Stmt::Let(_, op) => uses.count_in(op),
                    Stmt::Rec(group) => group.iter().for_each(|(_, op)| uses.count_in(op)),
                    Stmt::Join(_) => {}
                }
            }
            let operands = block.terminator.operands().into_iter();
            operands.for_each(|operand| count(&mut uses.all, operand));
        }
        uses
    }

    fn count_in(&mut self, op: &Op) {
        let as_words = matches!(op, Op::Prim(prim, _) if takes_words(*prim));
        for operand in op.operands() {
            count(&mut self.all, operand);
            if as_words {
                count(&mut self.as_words, operand);
            }
        }
    }

    /// Whether a variable is used otherwise than as a word.
    pub(super) fn is_value(&self, var: Var) -> bool {
        self.all[var.index()] > self.as_words[var.index()]
    }
}

fn count(counts: &mut [u32], operand: Operand) {
    if let Operand::Var(var) = operand {
        counts[var.index()] += 1;
    }
}

/// A function being lowered.
pub(super) struct Lower<'e, 'f> {
    pub(super) emit: &'e mut Emit<'f>,
    pub(super) unit: &'e Unit,
    pub(super) function: &'e Function,
    pub(super) environment: &'e Environment,
    values: Vec<Option<Value>>,
    /// Variables as words of 64 bits: those that operations on such have made.
    pub(super) words: Vec<Option<Value>>,
    joins: Vec<Option<clif::Block>>,
    /// Blocks that something jumps to and that are still to be written, with what is known there.
    pending: Vec<(clif::Block, BlockId, Known)>,
    /// Blocks that end with a jump to a loop that they are in.
    turns: HashSet<BlockId>,
    pub(super) uses: Uses,
    /// What is known where something is written now.
    pub(super) known: Known,
}

/// What is known at a place, from the way there.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// Whether it has been checked that the function may go on. Only what calls something need ask:
    /// nothing runs for ever, or needs ever more stack, but by calling.
    is_checked: bool,
    /// What branches have said of nats.
    pub(super) bounds: Bounds,
}

impl Lower<'_, '_> {
    fn function(&mut self, params: &[Value]) -> Result<(), GiveUp> {
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
        while let Some((block, id, known)) = self.pending.pop() {
            self.emit.go_on_in(block);
            self.known = known;
            self.block(id)?;
        }
        Ok(())
    }

    // Variables.

    /// Says what a variable is.
    pub(super) fn define(&mut self, var: Var, value: Value) {
        if self.function.vars[var] >= Type::Nat {
            self.emit.b.declare_value_needs_stack_map(value);
        }
        self.values[var.index()] = Some(value);
    }

    /// The word of an operand.
    pub(super) fn word(&mut self, operand: Operand) -> Value {
        match operand {
            Operand::Var(var) => match self.values[var.index()] {
                Some(value) => value,
                None => unreachable!("{var} is in scope"),
            },
            Operand::Small(nat) => self.emit.constant(nat),
            Operand::Constant(k) => {
                let address = self.emit.data_address(Target::Constants, 8 * k.index());
                let value = self.emit.load(address, 0);
                self.emit.b.declare_value_needs_stack_map(value);
                value
            }
        }
    }

    pub(super) fn words(&mut self, operands: &[Operand]) -> Vec<Value> {
        operands.iter().map(|operand| self.word(*operand)).collect()
    }

    /// What is known of an operand.
    pub(super) fn type_of(&self, operand: Operand) -> Type {
        self.unit.type_of(self.function, operand).unwrap_or(Type::Any)
    }

    pub(super) fn facts(&self, k: ConstantId) -> &ConstantFacts {
        &self.environment.facts[k.index()]
    }

    // Blocks.

    fn block(&mut self, id: BlockId) -> Result<(), GiveUp> {
        let Block { stmts, terminator: end } = &self.function.blocks[id];
        let mut rest = &stmts[..];
        while let Some((stmt, after)) = rest.split_first() {
            let items = self.items(rest);
            if items > 0 {
                rest = &rest[items..];
                continue;
            }
            rest = after;
            if let (Some((prim, operands)), Terminator::If(_, yes, no)) =
                (self.decides(stmt, end), end)
                && after.is_empty()
            {
                let (yes, no) = self.branches(id, *yes, *no);
                self.branch_on(prim, operands, yes, no);
                return Ok(());
            }
            if let Stmt::Let(_, op) = stmt
                && self.may_call(op)
            {
                self.check();
            }
            match stmt {
                Stmt::Join(join) => self.join(*join),
                Stmt::Rec(group) => self.allocate(group)?,
                Stmt::Let(vars, op) if self.is_allocation(op) => {
                    // Neighbours are allocated together.
                    let mut group = vec![(vars[0], op.clone())];
                    while let Some((Stmt::Let(vars, op), after)) = rest.split_first()
                        && self.is_allocation(op)
                    {
                        group.push((vars[0], op.clone()));
                        rest = after;
                    }
                    self.allocate(&group)?;
                }
                Stmt::Let(vars, op) => self.operation(vars, op)?,
            }
        }
        if self.turns.contains(&id) {
            // Each turn of a loop passes a place where it can be interrupted.
            self.emit.check_interrupt(self.function.results.len());
        }
        self.end(id, end)
    }

    /// The comparison that a statement makes, if it is made only for the block's end to branch on.
    fn decides<'s>(&self, stmt: &'s Stmt, end: &Terminator) -> Option<(Prim, &'s [Operand])> {
        let Stmt::Let(vars, Op::Prim(prim, operands)) = stmt else { return None };
        let Terminator::If(Operand::Var(condition), ..) = end else { return None };
        let alone = vars[0] == *condition && self.uses.all[condition.index()] == 1;
        (alone && prim.compares() && *prim != Prim::Cmp).then_some((*prim, operands))
    }

    fn join(&mut self, id: JoinId) {
        let join = &self.function.joins[id];
        let mut known = self.known.clone();
        if join.is_loop {
            // Once for all turns: the stack pointer would be kept through the loop.
            self.check();
            known.is_checked = true;
            self.mark_turns(id, join.body);
        }
        let block = self.emit.block();
        for var in &join.params {
            let value = self.emit.b.append_block_param(block, I64);
            self.define(*var, value);
        }
        self.joins[id.index()] = Some(block);
        self.pending.push((block, join.body, known));
    }

    /// Notes the blocks from which a jump to a loop begins another turn of it.
    fn mark_turns(&mut self, id: JoinId, body: BlockId) {
        let mut todo = vec![body];
        while let Some(number) = todo.pop() {
            let block = &self.function.blocks[number];
            if matches!(block.terminator, Terminator::Jump(join, _) if join == id) {
                self.turns.insert(number);
            }
            todo.extend(block.terminator.blocks());
            todo.extend(block.stmts.iter().filter_map(|stmt| match stmt {
                Stmt::Join(join) => Some(self.function.joins[*join].body),
                _ => None,
            }));
        }
    }

    fn operation(&mut self, vars: &[Var], op: &Op) -> Result<(), GiveUp> {
        let result = match op {
            Op::Force(a) => {
                let word = self.word(*a);
                if self.type_of(*a).is(Type::Whnf) { word } else { self.force(word) }
            }
            Op::Normalise(a) => {
                let word = self.word(*a);
                match self.type_of(*a).is(Type::Nat) {
                    true => word,
                    false => self.emit.call_stub(Stub::Normalise, &[word]),
                }
            }
            Op::Prim(prim, operands) if prim.is_word64() => {
                self.of_words(vars[0], *prim, operands);
                return Ok(());
            }
            Op::Prim(prim, operands) => self.prim(*prim, operands),
            Op::Partial(k, args) => {
                let words = self.words(&[&[Operand::Constant(*k)], &args[..]].concat());
                self.emit.call_stub(Stub::Delay(block_size(words.len() - 1)?), &words)
            }
            Op::Call(call) => {
                let results = self.call(call)?;
                for (var, value) in vars.iter().zip(results) {
                    self.define(*var, value);
                }
                return Ok(());
            }
            Op::Row(items) => self.long_row(items)?,
            Op::Delay(function, args) => {
                let words = self.words(&[&[*function], &args[..]].concat());
                self.emit.call_stub(Stub::Delay(block_size(args.len())?), &words)
            }
            Op::Thunk(..) => unreachable!("a thunk is made in place"),
        };
        self.define(vars[0], result);
        Ok(())
    }

    /// The value of a word that may be a thunk.
    pub(super) fn force(&mut self, word: Value) -> Value {
        let (slowly, (done, value)) = (self.emit.block(), self.emit.block_of_word());
        let thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(thunk, slowly, &[], done, &[word.into()]);
        self.emit.go_on_in(slowly);
        let forced = self.emit.call_stub(Stub::Force, &[word]);
        self.emit.jump(done, &[forced]);
        self.emit.go_on_in(done);
        value
    }

    /// Whether an operation may run something that calls in turn.
    fn may_call(&self, op: &Op) -> bool {
        match op {
            Op::Call(_) | Op::Normalise(_) => true,
            Op::Force(a) => !self.type_of(*a).is(Type::Whnf),
            _ => false,
        }
    }

    /// Checks that the function may go on, unless that has been done on the way here.
    fn check(&mut self) {
        if !std::mem::replace(&mut self.known.is_checked, true) {
            self.emit.check_limit(self.function.results.len());
        }
    }

    // Ends.

    fn end(&mut self, id: BlockId, end: &Terminator) -> Result<(), GiveUp> {
        if matches!(
            end,
            Terminator::Enter(_)
                | Terminator::Tail(_)
                | Terminator::Reflect(..)
                | Terminator::Crash(..)
        ) {
            self.check();
        }
        match end {
            Terminator::Return(results) => {
                let results = self.words(results);
                self.emit.b.ins().return_(&results);
            }
            Terminator::Enter(a) => self.enter(*a),
            Terminator::Tail(call) => self.tail_call(call)?,
            Terminator::Jump(join, args) => {
                let Some(block) = self.joins[join.index()] else {
                    unreachable!("{join} is in scope")
                };
                let args = self.words(args);
                self.emit.jump(block, &args);
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
                    let block = self.later(*block);
                    switch.set_entry(u128::from(*nat), block);
                }
                let other = self.later(*other);
                switch.emit(&mut self.emit.b, on, other);
            }
            Terminator::Reflect(on, arms) => self.reflect(*on, arms),
            Terminator::Direct(on, nat, yes, no) => {
                let word = self.word(*on);
                self.define(*nat, word);
                let (yes, no) = (self.later(*yes), self.later(*no));
                let not_direct = self.emit.is_not_direct(word);
                self.emit.branch(not_direct, no, yes);
            }
            Terminator::Closure(on, k, arm, other) => self.closure(*on, *k, arm, *other),
            Terminator::Crash(operation, arg) => {
                let call = Call { callee: Callee::Unknown(*operation), args: vec![*arg] };
                self.tail_call(&call)?;
            }
        }
        Ok(())
    }

    /// A block for one of the IR's, to be written later.
    pub(super) fn later(&mut self, id: BlockId) -> clif::Block {
        let block = self.emit.block();
        self.pending.push((block, id, self.known.clone()));
        block
    }

    /// Blocks for the branches of a block, which know what it branches on.
    fn branches(&mut self, id: BlockId, yes: BlockId, no: BlockId) -> (clif::Block, clif::Block) {
        let Block { stmts, terminator: end } = &self.function.blocks[id];
        let Terminator::If(condition, ..) = end else { return (self.later(yes), self.later(no)) };
        let here = self.known.bounds.clone();
        let [yes, no] = [(yes, true), (no, false)].map(|(block, holds)| {
            self.known.bounds = here.after(stmts, *condition, holds);
            self.later(block)
        });
        self.known.bounds = here;
        (yes, no)
    }

    fn enter(&mut self, a: Operand) {
        let word = self.word(a);
        if !self.type_of(a).is(Type::Whnf) {
            let (slowly, done) = (self.emit.block(), self.emit.block());
            let thunk = self.emit.is_thunk(word);
            self.emit.branch(thunk, slowly, done);
            self.emit.go_on_in(slowly);
            self.emit.tail_call(Target::Stub(Stub::Force), &[word], 1);
            self.emit.go_on_in(done);
        }
        self.emit.b.ins().return_(&[word]);
    }

    fn reflect(&mut self, on: Operand, arms: &[Arm; 4]) {
        let word = self.word(on);
        let (nat, other) = (self.emit.block(), self.emit.block());
        let not_direct = self.emit.is_not_direct(word);
        self.emit.branch(not_direct, other, nat);
        let nat_arm = &arms[3];
        let (nat_body, nat_word) = self.emit.block_of_word();
        self.define(nat_arm.params[0], nat_word);
        self.pending.push((nat_body, nat_arm.block, self.known.clone()));
        self.emit.go_on_in(nat);
        self.emit.jump(nat_body, &[word]);

        self.emit.go_on_in(other);
        let branch = self.emit.call_stub(Stub::Parts, &[word]);
        let mut switch = Switch::new();
        let blocks: Vec<clif::Block> = arms.iter().map(|_| self.emit.block()).collect();
        for (index, block) in blocks[..3].iter().enumerate() {
            switch.set_entry(index as u128, *block);
        }
        switch.emit(&mut self.emit.b, branch, blocks[3]);
        for (arm, block) in arms.iter().zip(&blocks) {
            self.emit.go_on_in(*block);
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
            let body = self.later(arm.block);
            self.emit.jump(body, &[]);
        }
    }
}

/// The number of words after the first that a stub takes, if it can take so many.
pub(super) fn block_size(count: usize) -> Result<u32, GiveUp> {
    if count < PARAMETERS_MAX { Ok(count as u32) } else { Err(GiveUp::Shape("too many arguments")) }
}

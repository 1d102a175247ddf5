//! The walk over a function: blocks, statements, operations.

use super::facts::{LoopNumber, ScopedFacts};
use super::options::SimplifyOptions;
use super::source::{ResultTarget, SourceFrame};
use crate::analysis::demand::DemandAnalysis;
use crate::analysis::summary::FunctionSummary;
use crate::ir::{
    Block, BlockId, DEPTH_LIMIT, Function, FunctionId, Op, Operand, Prim, Stmt, Terminator, Type,
    Unit, Var,
};
use crate::passes::fold::{Folded, fold};
use cranelift_entity::PrimaryMap;
use std::rc::Rc;

/// Inlining stops when a unit has this size, except for wrappers and thunks that are used once.
pub(super) const INLINE_BUDGET: usize = 2000;
/// A function does not grow beyond this many statements by inlining.
pub(super) const GROWTH_LIMIT: usize = 4000;
/// A function whose output is larger keeps its old code. (The body of a law has at most half as
/// many nodes.)
const WRITTEN_LIMIT: usize = 50_000;
/// So does a function whose walk nests deeper than this.
const WALK_DEPTH_LIMIT: usize = 3 * DEPTH_LIMIT;

/// Rewrites one function.
pub(super) struct Simplifier<'u> {
    pub(super) unit: &'u Unit,
    pub(super) summaries: &'u PrimaryMap<FunctionId, FunctionSummary>,
    demands: Option<&'u DemandAnalysis>,
    pub(super) options: SimplifyOptions,
    pub(super) id: FunctionId,
    /// The function being written.
    pub(super) out: Function,
    /// The block to which statements are appended.
    pub(super) block: BlockId,
    /// The depth of that block in the block tree.
    pub(super) depth: usize,
    /// The innermost loop around it.
    pub(super) in_loop: LoopNumber,
    pub(super) loops: LoopNumber,
    pub(super) facts: ScopedFacts,
    /// The functions being inlined, innermost last.
    pub(super) inlining: Vec<FunctionId>,
    /// The number of statements and blocks written.
    pub(super) written: usize,
    /// The number of rows with versions of the code behind them.
    pub(super) versions: usize,
    /// The size of the code that may still be inlined in the unit.
    pub(super) budget: usize,
    /// The nesting depth of [`walk`](Simplifier::walk).
    walk_depth: usize,
    is_too_large: bool,
}

impl<'u> Simplifier<'u> {
    pub(super) fn new(
        unit: &'u Unit,
        summaries: &'u PrimaryMap<FunctionId, FunctionSummary>,
        demands: Option<&'u DemandAnalysis>,
        options: SimplifyOptions,
        id: FunctionId,
    ) -> Simplifier<'u> {
        let source = &unit.functions[id];
        let mut out = Function::with_params(source.role, source.param_types()).of_law(source.law);
        out.results = source.results.clone();
        Simplifier {
            unit,
            summaries,
            demands,
            options,
            id,
            out,
            block: BlockId::FIRST,
            depth: 0,
            in_loop: 0,
            loops: 0,
            facts: ScopedFacts::default(),
            inlining: Vec::new(),
            written: 0,
            versions: 0,
            budget: INLINE_BUDGET,
            walk_depth: 0,
            is_too_large: false,
        }
    }

    /// Returns the rewritten function, or `None` if it gets too large; and the remaining budget.
    pub(super) fn rewrite(mut self) -> (Option<Function>, usize) {
        let params = self.out.param_operands();
        let mut frame = SourceFrame::new(self.unit, self.id, &params, ResultTarget::Return);
        let entry = frame.function.entry;
        self.walk(&mut frame, entry);
        if self.is_too_large {
            return (None, self.budget);
        }
        crate::passes::sweep::sweep_function(self.unit, &mut self.out);
        (Some(self.out), self.budget)
    }

    /// Writes a block of a function to the end of the current block.
    pub(super) fn walk(&mut self, frame: &mut SourceFrame<'u>, block: BlockId) {
        self.written += 1;
        self.is_too_large |= self.depth > DEPTH_LIMIT
            || self.walk_depth > WALK_DEPTH_LIMIT
            || self.written > WRITTEN_LIMIT;
        if self.is_too_large {
            return;
        }
        self.walk_depth += 1;
        self.walk_from(frame, block, 0);
        self.walk_depth -= 1;
    }

    /// Writes a block from a statement on.
    pub(super) fn walk_from(&mut self, frame: &mut SourceFrame<'u>, block: BlockId, first: usize) {
        let Block { stmts, terminator } = &frame.function.blocks[block];
        for (index, stmt) in stmts.iter().enumerate().skip(first) {
            if let Some(row) = self.versioned_row(frame, stmt) {
                return self.write_versions(frame, (block, index + 1), &row);
            }
            self.statement(frame, stmt);
        }
        self.terminator(frame, terminator);
    }

    pub(super) fn statement(&mut self, frame: &mut SourceFrame<'u>, stmt: &'u Stmt) {
        match stmt {
            Stmt::Let(vars, op) => {
                let results = self.operation(frame, vars, op);
                frame.bind_all(vars, &results);
            }
            Stmt::Rec(group) => self.recursive_group(frame, group),
            Stmt::Join(join) => self.join(frame, *join),
        }
    }

    fn recursive_group(&mut self, frame: &mut SourceFrame<'u>, group: &'u [(Var, Op)]) {
        let new_vars: Vec<Var> =
            group.iter().map(|(var, _)| self.out.new_var(frame.function.vars[*var])).collect();
        for ((var, _), new) in group.iter().zip(&new_vars) {
            frame.bind(*var, (*new).into());
        }
        let ops = group.iter().map(|(_, op)| self.substituted(frame, op));
        let members: Vec<(Var, Op)> = new_vars.into_iter().zip(ops).collect();
        for (var, op) in &members {
            self.facts.set_definition(*var, Rc::new(op.clone()), self.in_loop);
        }
        self.push(Stmt::Rec(members));
    }

    // Operands.

    pub(super) fn operand(&self, frame: &SourceFrame<'u>, operand: Operand) -> Operand {
        match operand {
            Operand::Var(var) => self.facts.resolve(frame.vars[var]),
            other => other,
        }
    }

    pub(super) fn operands(&self, frame: &SourceFrame<'u>, operands: &[Operand]) -> Vec<Operand> {
        operands.iter().map(|operand| self.operand(frame, *operand)).collect()
    }

    /// An operation with its operands replaced by those of the function being written.
    pub(super) fn substituted(&self, frame: &SourceFrame<'u>, op: &Op) -> Op {
        let mut op = op.clone();
        for operand in op.operands_mut() {
            *operand = self.operand(frame, *operand);
        }
        op
    }

    pub(super) fn type_of(&self, operand: Operand) -> Type {
        self.unit.type_of(&self.out, operand).unwrap_or(Type::Any)
    }

    // Writing.

    pub(super) fn push(&mut self, stmt: Stmt) {
        self.written += 1;
        if stmt.ops().any(|op| matches!(op, Op::Force(_) | Op::Normalise(_) | Op::Call(_))) {
            self.facts.note_evaluation();
        }
        self.out.blocks[self.block].stmts.push(stmt);
    }

    /// Sets the terminator of the current block.
    pub(super) fn terminate(&mut self, terminator: Terminator) {
        self.out.blocks[self.block].terminator = terminator;
    }

    pub(super) fn new_block(&mut self) -> BlockId {
        self.out.new_block(Terminator::Return(vec![Operand::Small(0)]))
    }

    /// Writes an operation with one result, or finds the result of an earlier one like it.
    pub(super) fn emit(&mut self, ty: Type, op: Op) -> Operand {
        let is_repeatable = matches!(
            op,
            Op::Prim(..) | Op::Force(_) | Op::Normalise(_) | Op::Partial(..) | Op::Row(_)
        );
        if is_repeatable && let Some(result) = self.facts.result(&op) {
            return self.facts.resolve(result);
        }
        let var = self.out.new_var(ty);
        let is_definition = !matches!(op, Op::Call(_) | Op::Force(_) | Op::Normalise(_));
        if is_definition || is_repeatable {
            let fact = Rc::new(op.clone());
            if is_definition {
                self.facts.set_definition(var, fact.clone(), self.in_loop);
            }
            if is_repeatable {
                self.facts.set_result(fact, var.into());
            }
        }
        self.push(Stmt::Let(vec![var], op));
        var.into()
    }

    // Operations.

    /// Writes the simplified form of an operation and returns its results.
    fn operation(&mut self, frame: &SourceFrame<'u>, vars: &[Var], op: &Op) -> Vec<Operand> {
        if let (Op::Force(Operand::Var(var)), Some(thunk)) = (op, self.single_use_thunk(frame, op))
        {
            return vec![self.evaluate_single_use(frame.vars[*var], thunk)];
        }
        let is_demanded = || {
            let is_demanded_var = |var| self.demands.is_some_and(|d| d.is_demanded(frame.id, var));
            vars.first().is_some_and(|var| is_demanded_var(*var))
        };
        let substituted = self.substituted(frame, op);
        let value = match substituted {
            Op::Thunk(entry, ref captures) => {
                if is_demanded() && self.may_inline_thunk(entry) {
                    return self.inline(entry, captures);
                }
                let eager = self.evaluate_eagerly(entry, captures);
                let eager = eager.or_else(|| self.make_next_state(frame, vars, (entry, captures)));
                let cheap = eager.or_else(|| self.speculate(entry, captures));
                let cheap = cheap.or_else(|| {
                    let keeps_edited = self.keeps_edited(frame, op);
                    self.speculate_in_branches(entry, captures, &substituted, keeps_edited)
                });
                match cheap {
                    Some(value) => value,
                    None => self.emit(Type::Any, substituted),
                }
            }
            Op::Delay(function, ref args) => {
                if is_demanded() {
                    let call = self.application(function, args.clone());
                    return self.write_reduced(call);
                }
                let cheap = self.saturated_entry(function, args).and_then(|(entry, args)| {
                    let eager = self.evaluate_eagerly(entry, &args);
                    eager.or_else(|| {
                        let keeps_edited = self.keeps_edited(frame, op);
                        self.speculate_in_branches(entry, &args, &substituted, keeps_edited)
                    })
                });
                match cheap {
                    Some(value) => value,
                    None => self.emit(Type::Any, substituted),
                }
            }
            Op::Partial(..) | Op::Row(_) => self.emit(Type::Whnf, substituted),
            Op::Generate(..) | Op::ZeroRow(_) | Op::SetItem(_) => {
                let row = self.row_of_variables(&substituted);
                self.emit(Type::Whnf, row.unwrap_or(substituted))
            }
            Op::Force(a) => self.force(a),
            Op::Normalise(a) if self.type_of(a).is(Type::Nat) => a,
            Op::Normalise(_) => self.emit(Type::Whnf, substituted),
            Op::Prim(prim, ref operands) => self.prim(prim, operands),
            Op::Call(call) => {
                let reduced = self.reduce_call(call);
                return self.write_reduced(reduced);
            }
        };
        vec![value]
    }

    pub(super) fn prim(&mut self, prim: Prim, operands: &[Operand]) -> Operand {
        if let Some(value) = self.prim_of_known(prim, operands) {
            return value;
        }
        match self.word_operation(prim, operands) {
            Some((prim, operands)) => self.folded_prim(prim, &operands),
            None => self.folded_prim(prim, operands),
        }
    }

    /// Writes a primitive operation as the rules of [`fold`] simplify it.
    pub(super) fn folded_prim(&mut self, prim: Prim, operands: &[Operand]) -> Operand {
        let types = self.unit.types_of(&self.out, operands);
        match fold(prim, operands, &types) {
            Some(Folded::Value(value)) => value,
            Some(Folded::Prim(prim, operands)) => self.prim(prim, &operands),
            None => self.emit(prim.result_of(operands, &types), Op::Prim(prim, operands.to_vec())),
        }
    }

    /// Applies a primitive operation to a row or partial application made here, or to a constant.
    fn prim_of_known(&self, prim: Prim, operands: &[Operand]) -> Option<Operand> {
        match (prim, operands) {
            (Prim::Item, &[Operand::Constant(k), Operand::Small(index)]) => {
                let items = self.unit.constants[k].items.as_ref()?;
                let item = usize::try_from(index).ok().and_then(|index| items.get(index));
                Some(Operand::Small(item.copied().unwrap_or(0)))
            }
            (Prim::Item, &[row, Operand::Small(index)]) => {
                let index = usize::try_from(index).ok();
                match self.facts.definition(row)? {
                    Op::Row(items) => {
                        let item = index.and_then(|index| items.get(index));
                        Some(item.copied().unwrap_or(Operand::Small(0)))
                    }
                    // The last argument of an app comes first. The function may have others.
                    Op::Partial(_, args) => args.iter().rev().nth(index?).copied(),
                    _ => None,
                }
            }
            (Prim::IsApp, &[a]) => match self.facts.definition(a)? {
                Op::Row(_) | Op::Partial(..) => Some(Operand::Small(1)),
                _ => None,
            },
            (Prim::IsNat, &[Operand::Constant(k)]) => {
                let is_nat = self.unit.constants[k].kind == crate::ir::ConstantKind::Nat;
                Some(Operand::Small(u64::from(is_nat)))
            }
            (Prim::Length, &[Operand::Constant(k)]) => {
                self.unit.constants[k].length.map(Operand::Small)
            }
            (Prim::Length, &[row]) => match self.facts.definition(row)? {
                Op::Row(items) => Some(Operand::Small(items.len() as u64)),
                Op::Generate(_, operands) => operands.first().copied(),
                _ => None,
            },
            (Prim::IsRow, &[row, Operand::Small(count)]) => match self.facts.definition(row)? {
                Op::Row(items) => Some(Operand::Small(u64::from(items.len() as u64 == count))),
                _ => None,
            },
            (Prim::IsNat, &[a]) => {
                let is_no_nat = matches!(
                    self.facts.definition(a)?,
                    Op::Row(_) | Op::Partial(..) | Op::Generate(..)
                );
                is_no_nat.then_some(Operand::Small(0))
            }
            _ => None,
        }
    }
}

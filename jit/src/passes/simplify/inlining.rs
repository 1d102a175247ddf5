//! The inliner: writes the code of a callee in place of the call.

use super::source::{ResultTarget, SourceFrame};
use super::walker::{GROWTH_LIMIT, Simplifier};
use crate::analysis::summary::UNROLLED_SIZE;
use crate::ir::{
    Call, Callee, ConstantKind, DEPTH_LIMIT, FunctionId, JoinId, Op, Operand, Stmt, Terminator,
};

/// Functions of at most this size are inlined at every call.
const SMALL_SIZE: usize = 9;
/// Functions of at most this size are inlined at calls that pass a known function, or a new row whose
/// items they read.
const MEDIUM_SIZE: usize = 60;
/// Functions of at most this size are inlined at their only call.
const ONLY_CALL_SIZE: usize = 120;
/// Inlining nests at most this deep.
const NESTING_LIMIT: usize = 6;
/// Loops of at most this number of turns are unrolled, if a turn has at most [`UNROLLED_SIZE`].
const UNROLLED_TURNS: u64 = 4;

impl<'u> Simplifier<'u> {
    /// Whether the limits allow the inlining of a function.
    pub(super) fn may_inline(&self, callee: FunctionId) -> bool {
        let summary = &self.summaries[callee];
        self.inlining.len() < NESTING_LIMIT
            && !self.inlining.contains(&callee)
            && callee != self.id
            && self.written + summary.size < GROWTH_LIMIT
            && self.depth + summary.depth + 2 < DEPTH_LIMIT
    }

    /// The callee of a call, if it is allowed and profitable to inline it.
    pub(super) fn callee_to_inline(&self, call: &Call) -> Option<FunctionId> {
        let Callee::Local(callee) = call.callee else { return None };
        if self.options.inline && self.is_unrolled(callee, &call.args) {
            return Some(callee);
        }
        if !self.options.inline || !self.may_inline(callee) {
            return None;
        }
        let summary = &self.summaries[callee];
        let size = summary.size;
        let is_profitable = summary.is_wrapper
            || !summary.is_recursive
                && size < self.budget
                && (size <= SMALL_SIZE
                    || !summary.is_header
                        && (size <= ONLY_CALL_SIZE && summary.references == 1
                            || size <= MEDIUM_SIZE
                                && (self.passes_known_function(&call.args)
                                    || self.passes_row_that_is_read(callee, &call.args))));
        is_profitable.then_some(callee)
    }

    /// Whether the code of a thunk that is certain to be evaluated may be written in place.
    pub(super) fn may_inline_thunk(&self, entry: FunctionId) -> bool {
        let summary = &self.summaries[entry];
        self.may_inline(entry)
            && !summary.is_thunk_loop
            && (!summary.is_header || summary.size <= SMALL_SIZE)
    }

    /// Whether a call is that of a small loop whose counters are known and small.
    fn is_unrolled(&self, callee: FunctionId, args: &[Operand]) -> bool {
        let summary = &self.summaries[callee];
        let is_few = |place: &usize| matches!(args[*place], Operand::Small(0..=UNROLLED_TURNS));
        !summary.counters.is_empty()
            && summary.counters.iter().all(is_few)
            && summary.size <= UNROLLED_SIZE
            && summary.size < self.budget
            && self.inlining.len() < NESTING_LIMIT + UNROLLED_TURNS as usize
            && callee != self.id
            && self.written + summary.size < GROWTH_LIMIT
            && self.depth + summary.depth + 2 < DEPTH_LIMIT
    }

    fn passes_known_function(&self, args: &[Operand]) -> bool {
        args.iter().any(|arg| match arg {
            Operand::Constant(k) => {
                matches!(self.unit.constants[*k].kind, ConstantKind::Law | ConstantKind::Pin)
            }
            _ => matches!(self.facts.definition(*arg), Some(Op::Partial(..))),
        })
    }

    /// Whether an argument is a new row, and the callee reads its items.
    fn passes_row_that_is_read(&self, callee: FunctionId, args: &[Operand]) -> bool {
        let read_rows = &self.summaries[callee].read_rows;
        self.unit.functions[callee].params.iter().zip(args).any(|(param, arg)| {
            read_rows.contains(*param) && matches!(self.facts.definition(*arg), Some(Op::Row(_)))
        })
    }

    /// Notes that a function is being inlined, until `inlining` is popped.
    pub(super) fn begin_inlining(&mut self, callee: FunctionId) {
        self.inlining.push(callee);
        self.budget = self.budget.saturating_sub(self.summaries[callee].size);
    }

    /// Writes a function's code here and returns its results.
    pub(super) fn inline(&mut self, callee: FunctionId, args: &[Operand]) -> Vec<Operand> {
        self.begin_inlining(callee);
        let results = if self.summaries[callee].is_straight_line {
            self.inline_straight_line(callee, args)
        } else {
            let types = self.unit.functions[callee].results.clone();
            let vars: Vec<_> = types.iter().map(|ty| self.out.new_var(*ty)).collect();
            let after = self.new_block();
            let join = self.out.new_join(vars.clone(), after, false);
            self.inline_with_join(callee, args, join);
            self.block = after;
            self.depth += 1;
            vars.into_iter().map(Operand::Var).collect()
        };
        self.inlining.pop();
        results
    }

    fn inline_straight_line(&mut self, callee: FunctionId, args: &[Operand]) -> Vec<Operand> {
        let mut frame = SourceFrame::new(self.unit, callee, args, ResultTarget::Return);
        let block = &frame.function.blocks[frame.function.entry];
        for stmt in &block.stmts {
            self.statement(&mut frame, stmt);
        }
        match &block.terminator {
            Terminator::Enter(a) => {
                let value = self.operand(&frame, *a);
                vec![self.force(value)]
            }
            Terminator::Tail(call) => {
                let call = self.substituted_call(&frame, call);
                let reduced = self.reduce_call(call);
                self.write_reduced(reduced)
            }
            terminator => self.operands(&frame, &terminator.operands()),
        }
    }

    /// Writes the code of a cheap thunk here and returns its value, which may be a thunk if the
    /// code ends by entering one.
    pub(super) fn inline_lazily(&mut self, entry: FunctionId, captures: &[Operand]) -> Operand {
        self.begin_inlining(entry);
        let mut frame = SourceFrame::new(self.unit, entry, captures, ResultTarget::Return);
        let block = &frame.function.blocks[frame.function.entry];
        for stmt in &block.stmts {
            self.statement(&mut frame, stmt);
        }
        let results = self.operands(&frame, &block.terminator.operands());
        self.inlining.pop();
        results.first().copied().unwrap_or(Operand::Small(0))
    }

    fn inline_with_join(&mut self, callee: FunctionId, args: &[Operand], join: JoinId) {
        self.push(Stmt::Join(join));
        let (depth, scope) = (self.depth, self.facts.enter());
        let mut frame = SourceFrame::new(self.unit, callee, args, ResultTarget::Jump(join));
        let entry = frame.function.entry;
        self.walk(&mut frame, entry);
        self.facts.leave(scope);
        self.depth = depth;
    }
}

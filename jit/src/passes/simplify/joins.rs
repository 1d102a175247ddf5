//! Join points and jumps.
//!
//! The code of a join point that is small, or has one jump, moves to its jumps. Of a join point
//! that branches on what some jumps decide, the code up to the branch moves to the jumps, where the
//! branch folds away; its two sides become join points. (Case of case: "Compiling without
//! Continuations", PLDI 2017.)

use super::source::{JoinPlan, SourceFrame};
use super::walker::Simplifier;
use crate::ir::{BlockId, DEPTH_LIMIT, JoinId, Op, Operand, Prim, Stmt, Terminator, Var};

/// The largest code that is copied to several jumps.
const COPIED_SIZE: usize = 4;
/// The largest code that is copied to a jump that passes a new thunk, which the code evaluates on some
/// way: the thunk need not be made on that way.
const COPIED_FOR_THUNK_SIZE: usize = 12;
/// The largest code that is copied to a jump that passes a new row whose items, or kind, the code reads
/// first: most of it is decided by the row, which need not be made then.
const COPIED_FOR_ROW_SIZE: usize = 20;
/// The most statements before the branch of a join point that is inlined up to its branch.
const COPIED_STATEMENTS: usize = 3;

impl<'u> Simplifier<'u> {
    /// Decides whether a join point is kept, and writes it if so.
    pub(super) fn join(&mut self, frame: &mut SourceFrame<'u>, id: JoinId) {
        let join = &frame.function.joins[id];
        let jumps = self.summaries[frame.id].jumps[id];
        if join.is_loop {
            return self.keep_join(frame, id);
        }
        let body = &frame.function.blocks[join.body];
        let cost = Self::inlined_size(frame, join.body);
        frame.costs[id] = cost;
        let depth = self.depth + frame.function.depth_under(join.body) + 8;
        let fits = depth < DEPTH_LIMIT;
        if fits && (jumps <= 1 || cost <= COPIED_SIZE) {
            frame.joins[id] = JoinPlan::Inline;
            return;
        }
        // Only where a jump decides the branch: else each run of the pass would do it again.
        let is_copied_to_branch = self.summaries[frame.id].passed_literal.contains(id)
            && body.stmts.len() <= COPIED_STATEMENTS
            && body.stmts.iter().all(|stmt| matches!(stmt, Stmt::Let(_, Op::Prim(..))));
        match &body.terminator {
            Terminator::If(condition, yes, no)
                if fits && is_copied_to_branch && self.is_own(frame, id, *condition) =>
            {
                let sides = [*yes, *no].map(|block| self.side_join(frame, id, block));
                frame.joins[id] = JoinPlan::InlineUpToBranch(sides);
            }
            _ => self.keep_join(frame, id),
        }
    }

    /// The size of the code of a join point, with the code of the join points inlined into it.
    fn inlined_size(frame: &SourceFrame<'u>, body: BlockId) -> usize {
        let jump_target = |block: &BlockId| match frame.function.blocks[*block].terminator {
            Terminator::Jump(join, _) => Some(join),
            _ => None,
        };
        let blocks = frame.function.blocks_under(body);
        let is_inlined = |join: &JoinId| matches!(frame.joins[*join], JoinPlan::Inline);
        let inlined = blocks.iter().filter_map(jump_target).filter(is_inlined);
        let cost = inlined.fold(0, |sum: usize, join| sum.saturating_add(frame.costs[join]));
        frame.function.size_under(body).saturating_add(cost)
    }

    /// Whether a condition is a join point's parameter or defined by its first block.
    fn is_own(&self, frame: &SourceFrame<'u>, id: JoinId, condition: Operand) -> bool {
        let Operand::Var(var) = condition else { return false };
        Self::own_vars(frame, id).contains(&var)
    }

    /// A join point's parameters and the variables that its first block defines.
    fn own_vars(frame: &SourceFrame<'u>, id: JoinId) -> Vec<Var> {
        let join = &frame.function.joins[id];
        let mut vars = join.params.clone();
        for stmt in &frame.function.blocks[join.body].stmts {
            if let Stmt::Let(defined, _) = stmt {
                vars.extend(defined);
            }
        }
        vars
    }

    /// Writes one side of a join point's branch as a join point with the parameters
    /// [`own_vars`](Simplifier::own_vars).
    fn side_join(&mut self, frame: &mut SourceFrame<'u>, id: JoinId, side: BlockId) -> JoinId {
        let vars = Self::own_vars(frame, id);
        self.write_join(frame, &vars, side, false)
    }

    fn keep_join(&mut self, frame: &mut SourceFrame<'u>, id: JoinId) {
        let join = &frame.function.joins[id];
        let params = join.params.clone();
        // Set before the body is written, which jumps to it if it is a loop.
        frame.joins[id] = JoinPlan::Keep(self.out.joins.next_key());
        self.write_join(frame, &params, join.body, join.is_loop);
    }

    /// Writes a join point whose parameters are copies of these variables.
    fn write_join(
        &mut self,
        frame: &mut SourceFrame<'u>,
        vars: &[Var],
        body: BlockId,
        is_loop: bool,
    ) -> JoinId {
        let params: Vec<Var> =
            vars.iter().map(|var| self.out.new_var(frame.function.vars[*var])).collect();
        let operands: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
        frame.bind_all(vars, &operands);
        let id = self.out.new_join(params, BlockId::FIRST, is_loop);
        let in_loop = self.in_loop;
        if is_loop {
            self.loops += 1;
            self.in_loop = self.loops;
            self.facts.note_evaluation();
        }
        let body = self.branch(|simplifier| simplifier.walk(frame, body));
        self.in_loop = in_loop;
        self.out.joins[id].body = body;
        self.push(Stmt::Join(id));
        id
    }

    pub(super) fn jump(&mut self, frame: &mut SourceFrame<'u>, id: JoinId, args: &[Operand]) {
        let join = &frame.function.joins[id];
        match frame.joins[id] {
            JoinPlan::Keep(_)
                if self.is_copied_for_thunk(frame, id, args)
                    || self.is_copied_for_row(frame, id, args) =>
            {
                frame.bind_all(&join.params, args);
                self.walk(frame, join.body);
            }
            JoinPlan::Keep(written) => self.terminate(Terminator::Jump(written, args.to_vec())),
            JoinPlan::Inline => {
                frame.bind_all(&join.params, args);
                self.walk(frame, join.body);
            }
            JoinPlan::InlineUpToBranch(sides) => {
                frame.bind_all(&join.params, args);
                let body = &frame.function.blocks[join.body];
                body.stmts.iter().for_each(|stmt| self.statement(frame, stmt));
                let Terminator::If(condition, ..) = body.terminator else {
                    unreachable!("a join point that is inlined up to its branch has one")
                };
                let condition = self.operand(frame, condition);
                let vars: Vec<Operand> =
                    Self::own_vars(frame, id).into_iter().map(Operand::Var).collect();
                let values = self.operands(frame, &vars);
                self.branch_on(condition, |simplifier, is_yes| {
                    let side = sides[usize::from(!is_yes)];
                    simplifier.terminate(Terminator::Jump(side, values.clone()));
                });
            }
        }
    }

    /// Whether a jump passes a new row to a join point with little code that begins with a read of it.
    fn is_copied_for_row(&self, frame: &SourceFrame<'u>, id: JoinId, args: &[Operand]) -> bool {
        let join = &frame.function.joins[id];
        let is_row = |arg: &Operand| matches!(self.facts.definition(*arg), Some(Op::Row(_)));
        let is_candidate = !join.is_loop
            && args.iter().any(is_row)
            && frame.costs[id] <= COPIED_FOR_ROW_SIZE
            && self.depth + frame.function.depth_under(join.body) + 8 < DEPTH_LIMIT;
        if !is_candidate {
            return false;
        }
        let stmts = &frame.function.blocks[join.body].stmts;
        let reads = |param: Operand| {
            stmts.iter().flat_map(Stmt::ops).any(|op| match op {
                Op::Prim(Prim::Item | Prim::IsNat, operands) => operands[0] == param,
                _ => false,
            })
        };
        let mut passed = join.params.iter().zip(args);
        passed.any(|(param, arg)| is_row(arg) && reads((*param).into()))
    }

    /// Whether a jump passes a new thunk to a join point with little code that evaluates it.
    fn is_copied_for_thunk(&self, frame: &SourceFrame<'u>, id: JoinId, args: &[Operand]) -> bool {
        let join = &frame.function.joins[id];
        let is_thunk = |arg: &Operand| {
            matches!(self.facts.definition(*arg), Some(Op::Thunk(..) | Op::Delay(..)))
        };
        let is_candidate = (self.options.inline || self.options.eager)
            && !join.is_loop
            && args.iter().any(is_thunk)
            && frame.costs[id] <= COPIED_FOR_THUNK_SIZE
            && self.depth + frame.function.depth_under(join.body) + 8 < DEPTH_LIMIT;
        if !is_candidate {
            return false;
        }
        let blocks = frame.function.blocks_under(join.body);
        let forced: Vec<Operand> = blocks
            .iter()
            .flat_map(|block| frame.function.blocks[*block].stmts.iter().flat_map(Stmt::ops))
            .filter_map(|op| if let Op::Force(operand) = op { Some(*operand) } else { None })
            .collect();
        join.params
            .iter()
            .zip(args)
            .any(|(param, arg)| is_thunk(arg) && forced.contains(&Operand::Var(*param)))
    }
}

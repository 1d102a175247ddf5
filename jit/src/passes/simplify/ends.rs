//! Ends of blocks, and join points.

use super::calls::Made;
use super::{Frame, Results, Target, Walker};
use crate::ir::{Arm, BlockId, Call, ConstantId, End, JoinId, Op, Operand, Prim, Stmt, Type, Var};
use crate::passes::info;

/// The code of a join point of at most this size is put where the jumps are.
const SMALL: usize = 4;
/// The start of one, before it branches, has at most so many statements to be.
const START: usize = 3;

impl<'u> Walker<'u> {
    pub(super) fn end(&mut self, frame: &mut Frame<'u>, end: &'u End) {
        match end {
            End::Return(list) => {
                let results = self.operands(frame, list);
                self.give(frame, results);
            }
            End::Enter(a) => self.enter(frame, *a),
            End::Tail(call) => {
                let call = self.resolved_call(frame, call);
                let made = self.simpler(call);
                self.tail(frame, made);
            }
            End::Jump(join, list) => {
                let args = self.operands(frame, list);
                self.jump(frame, *join, &args);
            }
            End::If(condition, yes, no) => {
                let condition = self.operand(frame, *condition);
                self.choose(frame, condition, *yes, *no);
            }
            End::Switch(on, cases, other) => {
                let on = self.operand(frame, *on);
                self.switch(frame, on, cases, *other);
            }
            End::Reflect(on, arms) => {
                let on = self.operand(frame, *on);
                self.reflect(frame, on, arms);
            }
            End::Direct(on, nat, yes, no) => {
                let on = self.operand(frame, *on);
                self.direct(frame, on, *nat, [*yes, *no]);
            }
            End::Closure(on, k, arm, other) => {
                let on = self.operand(frame, *on);
                self.closure(frame, on, *k, arm, *other);
            }
            End::Crash(operation, arg) => {
                let (operation, arg) = (self.operand(frame, *operation), self.operand(frame, *arg));
                self.end_with(End::Crash(operation, arg));
            }
        }
    }

    /// Gives results to where they go.
    fn give(&mut self, frame: &Frame<'u>, results: Vec<Operand>) {
        let end = match frame.results {
            Results::Return => match self.take_call(&results) {
                Some(call) => End::Tail(call),
                None => End::Return(results),
            },
            Results::Jump(join) => End::Jump(join, results),
        };
        self.end_with(end);
    }

    /// Takes away the call that was just written, if these are its results.
    fn take_call(&mut self, results: &[Operand]) -> Option<Call> {
        let stmts = &mut self.out.blocks[self.block.index()].stmts;
        let Some(Stmt::Let(vars, Op::Call(_))) = stmts.last() else { return None };
        let same = vars.iter().map(|var| Operand::Var(*var)).eq(results.iter().copied());
        match same.then(|| stmts.pop())?? {
            Stmt::Let(_, Op::Call(call)) => Some(call),
            _ => None,
        }
    }

    fn enter(&mut self, frame: &mut Frame<'u>, a: Operand) {
        if let (Operand::Var(var), Some(once)) = (a, self.once(frame, &Op::Force(a))) {
            let value = match once {
                super::calls::Once::Application(function, args) => {
                    let made = self.application(function, args);
                    return self.tail(frame, made);
                }
                entry => self.evaluate_once(frame.vars[var.index()], entry),
            };
            return self.give(frame, vec![value]);
        }
        let value = self.operand(frame, a);
        self.enter_value(frame, value);
    }

    fn enter_value(&mut self, frame: &Frame<'u>, value: Operand) {
        if self.type_of(value).is(Type::Whnf) {
            return self.give(frame, vec![value]);
        }
        match frame.results {
            Results::Return => self.end_with(End::Enter(value)),
            Results::Jump(_) => {
                let value = self.force(value);
                self.give(frame, vec![value]);
            }
        }
    }

    fn tail(&mut self, frame: &Frame<'u>, made: Made) {
        let call = match made {
            Made::Value(value) => return self.give(frame, vec![value]),
            Made::Lazy(value) => return self.enter_value(frame, value),
            Made::Call(call) => call,
        };
        if matches!(frame.results, Results::Jump(_)) {
            let results = self.made(Made::Call(call));
            return self.give(frame, results);
        }
        match self.to_inline(&call) {
            Some(callee) => {
                self.begin(callee);
                let mut inlined = Frame::new(self.unit, callee, &call.args, Results::Return);
                let entry = inlined.source.entry;
                self.walk(&mut inlined, entry);
                self.inlining.pop();
            }
            None => self.end_with(End::Tail(call)),
        }
    }

    // Branches.

    /// Walks a branch into a block of its own.
    pub(super) fn branch(&mut self, write: impl FnOnce(&mut Self)) -> BlockId {
        let (block, depth, scope) = (self.block, self.depth, self.facts.enter());
        let own = self.new_block();
        self.block = own;
        self.depth += 1;
        write(self);
        self.facts.leave(scope);
        (self.block, self.depth) = (block, depth);
        own
    }

    fn choose(&mut self, frame: &mut Frame<'u>, condition: Operand, yes: BlockId, no: BlockId) {
        self.decide(condition, |walker, is_yes| walker.walk(frame, if is_yes { yes } else { no }));
    }

    /// Branches by a bit, if it is not known.
    fn decide(&mut self, mut condition: Operand, mut write: impl FnMut(&mut Self, bool)) {
        let mut negated = false;
        while let Some(Op::Prim(Prim::IsZero, operands)) = self.facts.maker(condition)
            && let [a] = operands[..]
            && self.type_of(a) == Type::Bit
        {
            condition = self.facts.best(a);
            negated = !negated;
        }
        if let Operand::Small(bit) = condition {
            return write(self, (bit != 0) != negated);
        }
        let [yes, no] = [true, false].map(|is_set| {
            self.branch(|walker| {
                walker.learn(condition, is_set);
                write(walker, is_set != negated);
            })
        });
        if !self.unguarded(condition, yes, no) {
            self.end_with(End::If(condition, yes, no));
        }
    }

    /// Replaces a branch by the operation in it, if that would be 0 in the other branch as well:
    /// what is left of a product whose second factor is not to be looked at if the first is 0.
    fn unguarded(&mut self, condition: Operand, yes: BlockId, no: BlockId) -> bool {
        let [yes, no] = [yes, no].map(|id| &self.out.blocks[id.index()]);
        let Some(Op::Prim(Prim::Truth, tested)) = self.facts.maker(condition) else { return false };
        let [Stmt::Let(vars, op @ Op::Prim(Prim::Mul | Prim::Lsh, factors))] = &yes.stmts[..]
        else {
            return false;
        };
        let is_zero_too = match op {
            Op::Prim(Prim::Lsh, _) => factors.first() == tested.first(),
            _ => tested.iter().all(|tested| factors.contains(tested)),
        };
        let mut other = no.end.clone();
        let results = vars.iter().map(|var| Operand::Var(*var));
        for (operand, result) in other.operands_mut().into_iter().zip(results) {
            if *operand == Operand::Small(0) {
                *operand = result;
            }
        }
        if !is_zero_too || !no.stmts.is_empty() || other != yes.end {
            return false;
        }
        let stmts = yes.stmts.clone();
        self.out.blocks[self.block.index()].stmts.extend(stmts);
        self.end_with(other);
        true
    }

    /// Notes what the outcome of a test says of what was tested.
    fn learn(&mut self, condition: Operand, holds: bool) {
        self.facts.equate(condition, Operand::Small(u64::from(holds)));
        let Some(Op::Prim(prim, operands)) = self.facts.maker(condition) else { return };
        let known = match (prim, holds, &operands[..]) {
            (Prim::IsZero, true, [a]) => (*a, Operand::Small(0)),
            (Prim::Truth, false, [a]) if self.type_of(*a).is(Type::Nat) => (*a, Operand::Small(0)),
            (Prim::Eq, true, [a, small @ Operand::Small(_)])
            | (Prim::Eq, true, [small @ Operand::Small(_), a])
            | (Prim::Ne, false, [a, small @ Operand::Small(_)])
            | (Prim::Ne, false, [small @ Operand::Small(_), a]) => (*a, *small),
            _ => return,
        };
        self.facts.equate(known.0, known.1);
    }

    fn switch(
        &mut self,
        frame: &mut Frame<'u>,
        on: Operand,
        cases: &[(u64, BlockId)],
        other: BlockId,
    ) {
        if let Operand::Small(nat) = on {
            let case = cases.iter().find(|(case, _)| *case == nat);
            return self.walk(frame, case.map_or(other, |(_, block)| *block));
        }
        let written: Vec<(u64, BlockId)> = cases
            .iter()
            .map(|&(nat, block)| {
                let written = self.branch(|walker| {
                    walker.facts.equate(on, Operand::Small(nat));
                    walker.walk(frame, block);
                });
                (nat, written)
            })
            .collect();
        let other = self.branch(|walker| walker.walk(frame, other));
        self.end_with(End::Switch(on, written, other));
    }

    fn reflect(&mut self, frame: &mut Frame<'u>, on: Operand, arms: &[Arm; 4]) {
        if self.type_of(on).is(Type::Nat) {
            let [.., nat] = arms;
            frame.bind_all(&nat.params, &[on]);
            return self.walk(frame, nat.block);
        }
        let written = arms.clone().map(|arm| {
            let params: Vec<Var> =
                arm.params.iter().map(|var| self.out.var(frame.source.vars[var.index()])).collect();
            let operands: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
            frame.bind_all(&arm.params, &operands);
            let block = self.branch(|walker| walker.walk(frame, arm.block));
            Arm { params, block }
        });
        self.end_with(End::Reflect(on, Box::new(written)));
    }

    fn direct(&mut self, frame: &mut Frame<'u>, on: Operand, nat: Var, [yes, no]: [BlockId; 2]) {
        let ty = self.type_of(on);
        if ty.is(Type::Small) {
            frame.bind(nat, on);
            return self.walk(frame, yes);
        }
        if self.facts.is_not_direct(on) {
            return self.walk(frame, no);
        }
        let known = self.out.var(Type::Small);
        let yes = self.branch(|walker| {
            frame.bind(nat, known.into());
            walker.facts.equate(on, known.into());
            walker.walk(frame, yes);
        });
        let no = self.branch(|walker| {
            walker.facts.not_direct(on);
            walker.walk(frame, no);
        });
        self.end_with(End::Direct(on, known, yes, no));
    }

    fn closure(
        &mut self,
        frame: &mut Frame<'u>,
        on: Operand,
        k: ConstantId,
        arm: &Arm,
        other: BlockId,
    ) {
        let params: Vec<Var> = arm.params.iter().map(|_| self.out.var(Type::Any)).collect();
        let captures: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
        frame.bind_all(&arm.params, &captures);
        let block = self.branch(|walker| walker.walk(frame, arm.block));
        let other = self.branch(|walker| walker.walk(frame, other));
        self.end_with(End::Closure(on, k, Box::new(Arm { params, block }), other));
    }

    // Join points.

    /// Decides what becomes of a join point, and writes what stays.
    pub(super) fn join(&mut self, frame: &mut Frame<'u>, id: JoinId) {
        let join = &frame.source.joins[id.index()];
        let jumps = self.infos[frame.id.index()].jumps[id.index()];
        if join.is_loop {
            return self.kept_join(frame, id);
        }
        let body = &frame.source.blocks[join.body.index()];
        let cost = Self::cost(frame, join.body);
        frame.costs[id.index()] = cost;
        let fits = self.depth + info::depth(frame.source, join.body) + 8 < crate::ir::DEPTH_LIMIT;
        if fits && (jumps <= 1 || cost <= SMALL) {
            frame.joins[id.index()] = Target::Here;
            return;
        }
        // Only where it decides something: else every round of the pass would do it again.
        let is_start = self.infos[frame.id.index()].given_nat[id.index()]
            && body.stmts.len() <= START
            && body.stmts.iter().all(|stmt| matches!(stmt, Stmt::Let(_, Op::Prim(..))));
        match &body.end {
            End::If(condition, yes, no)
                if fits && is_start && self.is_own(frame, id, *condition) =>
            {
                let [yes, no] = [*yes, *no].map(|block| self.continuation(frame, id, block));
                frame.joins[id.index()] = Target::Start(vec![yes, no]);
            }
            _ => self.kept_join(frame, id),
        }
    }

    /// How much is written for a join point's code, with that of those it jumps to if it is put there.
    fn cost(frame: &Frame<'u>, body: BlockId) -> usize {
        let blocks = info::blocks(frame.source, body);
        let jumps =
            blocks.iter().filter_map(|block| match frame.source.blocks[block.index()].end {
                End::Jump(join, _) => Some(join),
                _ => None,
            });
        let put_here = jumps.filter(|join| matches!(frame.joins[join.index()], Target::Here));
        let more =
            put_here.fold(0, |sum: usize, join| sum.saturating_add(frame.costs[join.index()]));
        info::size(frame.source, body).saturating_add(more)
    }

    /// Whether a condition is a join point's parameter, or made by its own start.
    fn is_own(&self, frame: &Frame<'u>, id: JoinId, condition: Operand) -> bool {
        let Operand::Var(var) = condition else { return false };
        Self::own_vars(frame, id).contains(&var)
    }

    /// A join point's parameters and what its start defines.
    fn own_vars(frame: &Frame<'u>, id: JoinId) -> Vec<Var> {
        let join = &frame.source.joins[id.index()];
        let mut vars = join.params.clone();
        for stmt in &frame.source.blocks[join.body.index()].stmts {
            if let Stmt::Let(defined, _) = stmt {
                vars.extend(defined);
            }
        }
        vars
    }

    /// What a join point branches to, as a join point that takes what it has defined.
    fn continuation(&mut self, frame: &mut Frame<'u>, id: JoinId, block: BlockId) -> JoinId {
        let vars = Self::own_vars(frame, id);
        self.write_join(frame, &vars, block, false)
    }

    fn kept_join(&mut self, frame: &mut Frame<'u>, id: JoinId) {
        let join = &frame.source.joins[id.index()];
        let params = join.params.clone();
        // A loop's body must find it.
        let next = JoinId(self.out.joins.len() as u32);
        frame.joins[id.index()] = Target::Join(next);
        self.write_join(frame, &params, join.body, join.is_loop);
    }

    /// Writes a join point with parameters like these variables, and this body.
    fn write_join(
        &mut self,
        frame: &mut Frame<'u>,
        vars: &[Var],
        body: BlockId,
        is_loop: bool,
    ) -> JoinId {
        let params: Vec<Var> =
            vars.iter().map(|var| self.out.var(frame.source.vars[var.index()])).collect();
        let operands: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
        frame.bind_all(vars, &operands);
        let id = self.out.join(params, BlockId(0), is_loop);
        let in_loop = self.in_loop;
        if is_loop {
            self.loops += 1;
            self.in_loop = self.loops;
        }
        let body = self.branch(|walker| walker.walk(frame, body));
        self.in_loop = in_loop;
        self.out.joins[id.index()].body = body;
        self.push(Stmt::Join(id));
        id
    }

    fn jump(&mut self, frame: &mut Frame<'u>, id: JoinId, args: &[Operand]) {
        let join = &frame.source.joins[id.index()];
        match frame.joins[id.index()].clone() {
            Target::Join(written) => self.end_with(End::Jump(written, args.to_vec())),
            Target::Here => {
                frame.bind_all(&join.params, args);
                self.walk(frame, join.body);
            }
            Target::Start(branches) => {
                frame.bind_all(&join.params, args);
                let body = &frame.source.blocks[join.body.index()];
                body.stmts.iter().for_each(|stmt| self.statement(frame, stmt));
                let End::If(condition, ..) = body.end else {
                    unreachable!("only the start of a branch is put elsewhere")
                };
                let condition = self.operand(frame, condition);
                let vars: Vec<Operand> =
                    Self::own_vars(frame, id).into_iter().map(Operand::Var).collect();
                let given = self.operands(frame, &vars);
                self.decide(condition, |walker, is_yes| {
                    let branch = branches[usize::from(!is_yes)];
                    walker.end_with(End::Jump(branch, given.clone()));
                });
            }
        }
    }
}

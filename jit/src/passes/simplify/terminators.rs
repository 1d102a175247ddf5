//! Terminators: results, tail calls, branches and the facts that hold in each branch.

use super::calls::{Reduced, SingleUseThunk};
use super::source::{ResultTarget, SourceFrame};
use super::walker::Simplifier;
use crate::ir::{Arm, BlockId, Call, ConstantId, Op, Operand, Prim, Stmt, Terminator, Type, Var};
use crate::passes::fold::{Folded, fold};

impl<'u> Simplifier<'u> {
    pub(super) fn terminator(&mut self, frame: &mut SourceFrame<'u>, terminator: &'u Terminator) {
        match terminator {
            Terminator::Return(list) => {
                let results = self.operands(frame, list);
                self.deliver(frame, results);
            }
            Terminator::Enter(a) => self.enter(frame, *a),
            Terminator::Tail(call) => {
                let call = self.substituted_call(frame, call);
                let reduced = self.reduce_call(call);
                self.tail(frame, reduced);
            }
            Terminator::Jump(join, list) => {
                let args = self.operands(frame, list);
                self.jump(frame, *join, &args);
            }
            Terminator::If(condition, yes, no) => {
                let condition = self.operand(frame, *condition);
                self.branch_on(condition, |simplifier, is_yes| {
                    simplifier.walk(frame, if is_yes { *yes } else { *no });
                });
            }
            Terminator::Switch(on, cases, default) => {
                let on = self.operand(frame, *on);
                self.switch(frame, on, cases, *default);
            }
            Terminator::Reflect(on, arms) => {
                let on = self.operand(frame, *on);
                self.reflect(frame, on, arms);
            }
            Terminator::Direct(on, nat, yes, no) => {
                let on = self.operand(frame, *on);
                self.direct(frame, on, *nat, [*yes, *no]);
            }
            Terminator::Closure(on, k, arm, other) => {
                let on = self.operand(frame, *on);
                self.closure(frame, on, *k, arm, *other);
            }
            Terminator::Crash(operation, arg) => {
                let (operation, arg) = (self.operand(frame, *operation), self.operand(frame, *arg));
                self.terminate(Terminator::Crash(operation, arg));
            }
        }
    }

    /// Returns results from the walked function: from the function being written, or to a join
    /// point of it.
    fn deliver(&mut self, frame: &SourceFrame<'u>, results: Vec<Operand>) {
        let terminator = match frame.results {
            ResultTarget::Return => match self.take_tail_call(&results) {
                Some(call) => Terminator::Tail(call),
                None => Terminator::Return(results),
            },
            ResultTarget::Jump(join) => Terminator::Jump(join, results),
        };
        self.terminate(terminator);
    }

    /// Removes the call that was written last, if these are its results: it becomes a tail call.
    fn take_tail_call(&mut self, results: &[Operand]) -> Option<Call> {
        let stmts = &mut self.out.blocks[self.block].stmts;
        let Some(Stmt::Let(vars, Op::Call(_))) = stmts.last() else { return None };
        let is_same = vars.iter().map(|var| Operand::Var(*var)).eq(results.iter().copied());
        match is_same.then(|| stmts.pop())?? {
            Stmt::Let(_, Op::Call(call)) => Some(call),
            _ => None,
        }
    }

    fn enter(&mut self, frame: &mut SourceFrame<'u>, a: Operand) {
        if let (Operand::Var(var), Some(thunk)) = (a, self.single_use_thunk(frame, &Op::Force(a))) {
            let value = match thunk {
                SingleUseThunk::Application(function, args) => {
                    let reduced = self.application(function, args);
                    return self.tail(frame, reduced);
                }
                code => self.evaluate_single_use(frame.vars[var], code),
            };
            return self.deliver(frame, vec![value]);
        }
        let value = self.operand(frame, a);
        self.enter_value(frame, value);
    }

    fn enter_value(&mut self, frame: &SourceFrame<'u>, value: Operand) {
        if self.type_of(value).is(Type::Whnf) {
            return self.deliver(frame, vec![value]);
        }
        match frame.results {
            ResultTarget::Return => self.terminate(Terminator::Enter(value)),
            ResultTarget::Jump(_) => {
                let value = self.force(value);
                self.deliver(frame, vec![value]);
            }
        }
    }

    fn tail(&mut self, frame: &SourceFrame<'u>, reduced: Reduced) {
        let call = match reduced {
            Reduced::Value(value) => return self.deliver(frame, vec![value]),
            Reduced::Lazy(value) => return self.enter_value(frame, value),
            Reduced::Call(call) => call,
        };
        if matches!(frame.results, ResultTarget::Jump(_)) {
            let results = self.write_reduced(Reduced::Call(call));
            return self.deliver(frame, results);
        }
        match self.callee_to_inline(&call) {
            Some(callee) => {
                self.begin_inlining(callee);
                let mut inlined =
                    SourceFrame::new(self.unit, callee, &call.args, ResultTarget::Return);
                let entry = inlined.function.entry;
                self.walk(&mut inlined, entry);
                self.inlining.pop();
            }
            None => self.terminate(Terminator::Tail(call)),
        }
    }

    // Branches.

    /// Writes a branch into a new block. Facts recorded there end with it.
    pub(super) fn branch(&mut self, write: impl FnOnce(&mut Self)) -> BlockId {
        let (block, depth, scope) = (self.block, self.depth, self.facts.enter());
        let branch = self.new_block();
        self.block = branch;
        self.depth += 1;
        write(self);
        self.facts.leave(scope);
        (self.block, self.depth) = (block, depth);
        branch
    }

    /// Branches on a bit. `write` writes the side for which it gets `true` or `false`; one side
    /// only if the bit is known.
    pub(super) fn branch_on(
        &mut self,
        mut condition: Operand,
        mut write: impl FnMut(&mut Self, bool),
    ) {
        let mut is_negated = false;
        while let Some(Op::Prim(Prim::IsZero, operands)) = self.facts.definition(condition)
            && let [a] = operands[..]
            && self.type_of(a) == Type::Bit
        {
            condition = self.facts.resolve(a);
            is_negated = !is_negated;
        }
        if let Operand::Small(bit) = condition {
            return write(self, (bit != 0) != is_negated);
        }
        let [yes, no] = [true, false].map(|is_set| {
            self.branch(|simplifier| {
                simplifier.learn(condition, is_set);
                write(simplifier, is_set != is_negated);
            })
        });
        if !self.merge_zero_guard(condition, yes, no) {
            self.terminate(Terminator::If(condition, yes, no));
        }
    }

    /// Replaces a branch by the operations on its yes side, if the first gives 0 in the other case
    /// as well: a product, say, whose second factor was not to be evaluated if the first is 0, and is
    /// evaluated now.
    fn merge_zero_guard(&mut self, condition: Operand, yes: BlockId, no: BlockId) -> bool {
        let [yes, no] = [yes, no].map(|id| &self.out.blocks[id]);
        let Some(Op::Prim(Prim::Truth, tested)) = self.facts.definition(condition) else {
            return false;
        };
        if !no.stmts.is_empty() {
            return false;
        }
        let [Stmt::Let(vars, Op::Prim(prim, factors)), rest @ ..] = &yes.stmts[..] else {
            return false;
        };
        let is_zero_too = match prim {
            Prim::Lsh | Prim::Lsh32 | Prim::Lsh64 => factors.first() == tested.first(),
            Prim::Mul | Prim::Mul32 | Prim::Mul64 => {
                tested.iter().all(|tested| factors.contains(tested))
            }
            _ => false,
        };
        let Some(values) = self.values_for_zero(vars[0], rest).filter(|_| is_zero_too) else {
            return false;
        };
        let mut with_zero = yes.terminator.clone();
        for operand in with_zero.operands_mut() {
            if let Operand::Var(var) = *operand
                && let Some((_, value)) = values.iter().find(|(known, _)| *known == var)
            {
                *operand = *value;
            }
        }
        if with_zero != no.terminator {
            return false;
        }
        let (stmts, terminator) = (yes.stmts.clone(), yes.terminator.clone());
        self.out.blocks[self.block].stmts.extend(stmts);
        self.terminate(terminator);
        true
    }

    /// The values of the variables that statements define, if a variable is 0 and the statements
    /// are operations that fold to values then.
    fn values_for_zero(&self, zero: Var, stmts: &[Stmt]) -> Option<Vec<(Var, Operand)>> {
        let mut values = vec![(zero, Operand::Small(0))];
        for stmt in stmts {
            let Stmt::Let(vars, Op::Prim(prim, operands)) = stmt else { return None };
            let value_of = |operand: &Operand| {
                let known = values.iter().find(|(var, _)| Operand::Var(*var) == *operand);
                known.map_or(*operand, |(_, value)| *value)
            };
            let mut operation = (*prim, operands.iter().map(value_of).collect::<Vec<_>>());
            let value = loop {
                let types = self.unit.types_of(&self.out, &operation.1);
                match fold(operation.0, &operation.1, &types)? {
                    Folded::Value(value) => break value,
                    Folded::Prim(prim, operands) => operation = (prim, operands),
                }
            };
            values.push((vars[0], value));
        }
        Some(values)
    }

    /// Records the facts about its operands that follow from the outcome of a test.
    fn learn(&mut self, condition: Operand, holds: bool) {
        self.facts.equate(condition, Operand::Small(u64::from(holds)));
        let Some(Op::Prim(prim, operands)) = self.facts.definition(condition) else { return };
        let (operand, value) = match (prim, holds, &operands[..]) {
            (Prim::IsZero, true, [a]) => (*a, Operand::Small(0)),
            (Prim::Truth, false, [a]) if self.type_of(*a).is(Type::Nat) => (*a, Operand::Small(0)),
            (Prim::Eq, true, [a, small @ Operand::Small(_)])
            | (Prim::Eq, true, [small @ Operand::Small(_), a])
            | (Prim::Ne, false, [a, small @ Operand::Small(_)])
            | (Prim::Ne, false, [small @ Operand::Small(_), a]) => (*a, *small),
            _ => return,
        };
        self.facts.equate(operand, value);
    }

    fn switch(
        &mut self,
        frame: &mut SourceFrame<'u>,
        on: Operand,
        cases: &[(u64, BlockId)],
        default: BlockId,
    ) {
        if let Operand::Small(nat) = on {
            let case = cases.iter().find(|(case, _)| *case == nat);
            return self.walk(frame, case.map_or(default, |(_, block)| *block));
        }
        let written: Vec<(u64, BlockId)> = cases
            .iter()
            .map(|&(nat, block)| {
                let written = self.branch(|simplifier| {
                    simplifier.facts.equate(on, Operand::Small(nat));
                    simplifier.walk(frame, block);
                });
                (nat, written)
            })
            .collect();
        let default = self.branch(|simplifier| simplifier.walk(frame, default));
        self.terminate(Terminator::Switch(on, written, default));
    }

    fn reflect(&mut self, frame: &mut SourceFrame<'u>, on: Operand, arms: &[Arm; 4]) {
        if self.type_of(on).is(Type::Nat) {
            let [.., nat] = arms;
            frame.bind_all(&nat.params, &[on]);
            return self.walk(frame, nat.block);
        }
        let written = arms.clone().map(|arm| {
            let types = arm.params.iter().map(|var| frame.function.vars[*var]);
            let params: Vec<Var> = types.map(|ty| self.out.new_var(ty)).collect();
            let operands: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
            frame.bind_all(&arm.params, &operands);
            let block = self.branch(|simplifier| simplifier.walk(frame, arm.block));
            Arm { params, block }
        });
        self.terminate(Terminator::Reflect(on, Box::new(written)));
    }

    fn direct(
        &mut self,
        frame: &mut SourceFrame<'u>,
        on: Operand,
        nat: Var,
        [yes, no]: [BlockId; 2],
    ) {
        let ty = frame.function.vars[nat];
        if self.type_of(on).is(ty) {
            frame.bind(nat, on);
            return self.walk(frame, yes);
        }
        if ty == Type::Small && self.facts.is_not_direct(on) {
            return self.walk(frame, no);
        }
        let bound = self.out.new_var(ty);
        let yes = self.branch(|simplifier| {
            frame.bind(nat, bound.into());
            simplifier.facts.equate(on, bound.into());
            simplifier.walk(frame, yes);
        });
        let no = self.branch(|simplifier| {
            simplifier.facts.set_not_direct(on);
            simplifier.walk(frame, no);
        });
        self.terminate(Terminator::Direct(on, bound, yes, no));
    }

    fn closure(
        &mut self,
        frame: &mut SourceFrame<'u>,
        on: Operand,
        k: ConstantId,
        arm: &Arm,
        other: BlockId,
    ) {
        let params: Vec<Var> = arm.params.iter().map(|_| self.out.new_var(Type::Any)).collect();
        let captures: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
        frame.bind_all(&arm.params, &captures);
        let block = self.branch(|simplifier| simplifier.walk(frame, arm.block));
        let other = self.branch(|simplifier| simplifier.walk(frame, other));
        self.terminate(Terminator::Closure(on, k, Box::new(Arm { params, block }), other));
    }
}

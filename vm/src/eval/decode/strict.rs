//! Strict emission: code that evaluates an expression.

use super::super::code::{Op, ReflectTargets, SwitchKeys, SwitchTargets};
use super::super::frame::RETURN_SIZE;
use super::{Binding, Decoder, Operand, STRICT_LIMIT};
use crate::jet::{ArgDemand, Jet};
use crate::law::{
    Application, BodyNode, Choice, ChoiceTest, Connective, JetEvaluation, SaturatedCall, Spine,
    Switch, SwitchCases, always_crashes,
};
use plan::raw::Word;
use plan::{Ref, Shape};

/// The use of an expression's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResultUse {
    /// It is returned from the frame.
    Return,
    /// It stays on top of the stack, evaluated.
    Keep,
}

impl<'a> Decoder<'a> {
    /// Emits an expression as the frame's result.
    pub(super) fn tail(&mut self, node: Ref<'a>) {
        let spine = self.spine(Operand::Expression(node));
        self.evaluate(spine, ResultUse::Return);
    }

    /// Pushes the value of an operand.
    fn strict(&mut self, operand: Operand<'a>) {
        if self.nesting >= STRICT_LIMIT {
            self.lazy(operand);
            return self.emit(Op::Eval);
        }
        self.nesting += 1;
        let spine = self.spine(operand);
        self.evaluate(spine, ResultUse::Keep);
        self.nesting -= 1;
    }

    /// Emits the evaluation of an application.
    fn evaluate(&mut self, spine: Spine<Operand<'a>>, then: ResultUse) {
        if spine.args.is_empty() {
            return self.evaluate_atom(spine.head, then);
        }
        let Some((function, application)) = self.classify(&spine) else {
            return self.call(&spine, then);
        };
        match application {
            Application::Partial | Application::Row => {
                self.value(application, &spine);
                self.finish(then);
            }
            Application::Saturated(call) if self.nesting < STRICT_LIMIT => {
                self.saturated(function, call, &spine, then);
            }
            Application::Saturated(_) | Application::Oversaturated { .. } => {
                self.call(&spine, then);
            }
        }
    }

    /// Emits a call with as many arguments as the function's arity.
    fn saturated(
        &mut self,
        function: Ref<'a>,
        call: SaturatedCall,
        spine: &Spine<Operand<'a>>,
        then: ResultUse,
    ) {
        match call {
            SaturatedCall::Reflect => self.reflect(&spine.args, then),
            SaturatedCall::Predecessor => self.predecessor(&spine.args, then),
            SaturatedCall::Increment => {
                self.strict(spine.args[0]);
                self.emit(Op::Increment);
                self.finish(then);
            }
            SaturatedCall::Jet(jet) => self.jet(function, jet, spine, then),
            SaturatedCall::General => self.call(spine, then),
        }
    }

    /// Emits the use of an evaluated value on top.
    fn finish(&mut self, then: ResultUse) {
        if then == ResultUse::Return {
            self.emit(Op::Return);
        }
    }

    fn evaluate_atom(&mut self, operand: Operand<'a>, then: ResultUse) {
        let slot = match operand {
            Operand::Slot(slot) => Some(slot),
            Operand::Constant(k) => {
                self.push_constant(k.word());
                None
            }
            Operand::Expression(node) => match self.law.node(node) {
                BodyNode::Reference(r) => match self.scope.get(r) {
                    Binding::Slot(slot) => Some(slot),
                    Binding::Constant(k) => {
                        self.push_constant(k.word());
                        None
                    }
                },
                BodyNode::Constant(k) => {
                    self.push_constant(k.word());
                    None
                }
                BodyNode::Application(..) => unreachable!("an atom is no application"),
            },
        };
        match (slot, then) {
            (Some(slot), ResultUse::Return) => self.emit(Op::ReturnSlot(slot)),
            (Some(slot), ResultUse::Keep) => self.push(Op::EvalSlot(slot)),
            (None, then) => self.finish(then),
        }
    }

    /// Emits a general call: a tail call, or one that returns its value to this frame. A call that
    /// is certain to crash is no tail call, so that the law's frame is in the call chain.
    fn call(&mut self, spine: &Spine<Operand<'a>>, then: ResultUse) {
        let before = self.depth;
        let returns = then == ResultUse::Keep
            || self.constant_operand(spine.head).is_some_and(always_crashes);
        let frame = returns.then(|| {
            let frame = self.jump(Op::Frame);
            self.grow(RETURN_SIZE as u32);
            frame
        });
        self.lazy(spine.head);
        for arg in &spine.args {
            self.lazy(*arg);
        }
        let count = spine.args.len() as u32;
        self.emit(if frame.is_some() { Op::Call(count) } else { Op::TailCall(count) });
        if let Some(frame) = frame {
            self.patch_jump(frame);
            self.depth = before;
            self.grow(1);
            self.finish(then);
        }
    }

    /// `2 z p x`: `z`, or `p` of the predecessor.
    fn predecessor(&mut self, args: &[Operand<'a>], then: ResultUse) {
        let before = self.depth;
        self.strict(args[2]);
        self.depth = before;
        let zero = self.jump(Op::Predecessor);
        self.grow(1);
        self.branch_call(args[1], 1, then);
        let end = self.end_branch(before, then);
        self.patch_jump(zero);
        self.depth = before;
        self.branch(args[0], then);
        self.join(before, end, then);
    }

    /// `1 p l a n x`: the function for the kind of `x`, applied to the parts of `x`.
    fn reflect(&mut self, args: &[Operand<'a>], then: ResultUse) {
        let before = self.depth;
        self.strict(args[4]);
        let number = self.branches.len();
        self.branches.push(ReflectTargets::default());
        self.emit(Op::Reflect(number as u32));
        let mut ends = Vec::new();
        for (index, parts) in [(0, 1), (1, 3), (2, 2), (3, 1)] {
            self.depth = before;
            self.grow(parts);
            let here = self.jump_target();
            let branches = &mut self.branches[number];
            match index {
                0 => branches.pin = here,
                1 => branches.law = here,
                2 => branches.app = here,
                _ => branches.nat = here,
            }
            self.branch_call(args[index], parts, then);
            ends.extend(self.end_branch(before, then));
        }
        ends.into_iter().for_each(|end| self.patch_jump(end));
        self.depth = before;
        self.grow(u32::from(then == ResultUse::Keep));
    }

    /// Emits a branch that calls a function with the top `count` slots.
    fn branch_call(&mut self, function: Operand<'a>, count: u32, then: ResultUse) {
        let mut spine = self.spine(function);
        let first = self.depth - count;
        spine.args.extend((first..first + count).map(Operand::Slot));
        self.nested(|d| d.evaluate(spine, then));
    }

    fn branch(&mut self, operand: Operand<'a>, then: ResultUse) {
        let spine = self.spine(operand);
        self.nested(|d| d.evaluate(spine, then));
    }

    fn nested(&mut self, emit: impl FnOnce(&mut Self)) {
        self.nesting += 1;
        emit(self);
        self.nesting -= 1;
    }

    /// Ends a branch that is not the last: slides its value down to the depth `before`, and jumps.
    fn end_branch(&mut self, before: u32, then: ResultUse) -> Option<usize> {
        if then == ResultUse::Return {
            return None;
        }
        self.slide_result(before);
        Some(self.jump(Op::Jump))
    }

    /// Slides the top value down to the depth `before`.
    fn slide_result(&mut self, before: u32) {
        if self.depth > before + 1 {
            self.emit(Op::Slide(self.depth - before - 1));
        }
        self.depth = before + 1;
    }

    /// Ends the last branch, and sets the target of the jump of the other one.
    fn join(&mut self, before: u32, end: Option<usize>, then: ResultUse) {
        if then == ResultUse::Keep {
            self.slide_result(before);
        }
        if let Some(end) = end {
            self.patch_jump(end);
        }
    }

    // Jets.

    fn jet(&mut self, function: Ref<'a>, number: u32, spine: &Spine<Operand<'a>>, then: ResultUse) {
        let jet = self.jets.get(number);
        let evaluation = JetEvaluation::of(jet);
        // A general call counts when it is made.
        if evaluation != JetEvaluation::General && self.jets.counts_calls() {
            self.emit(Op::CountJet(number));
        }
        let args = &spine.args;
        match evaluation {
            JetEvaluation::Connective(connective) if !connective.negates => {
                self.connective(connective, args, then);
            }
            JetEvaluation::Connective(_) | JetEvaluation::Native => {
                self.native(function, jet, args, then);
            }
            JetEvaluation::Choice(choice) => self.choose(choice, args, then),
            JetEvaluation::Switch(switch) => {
                let cases = SwitchCases::of(self, args[switch.cases]);
                match cases.and_then(|cases| Some((self.switch_keys(&cases)?, cases.cases))) {
                    Some((keys, cases)) => self.switch(switch, keys, &cases, args, then),
                    None => self.native(function, jet, args, then),
                }
            }
            JetEvaluation::Sequence(demand) => {
                self.argument(demand, args[0]);
                self.emit(Op::Drop);
                self.depth -= 1;
                self.branch(args[1], then);
            }
            JetEvaluation::Normalise => {
                self.argument(ArgDemand::Normal, args[0]);
                self.finish(then);
            }
            JetEvaluation::General => self.call(spine, then),
        }
    }

    /// Emits a call of a jet's native code.
    fn native(&mut self, function: Ref<'a>, jet: &Jet, args: &[Operand<'a>], then: ResultUse) {
        let before = self.depth;
        self.arguments(jet, args);
        let pin = self.constant(function.word());
        self.emit(Op::Native { pin, count: args.len() as u16 });
        self.grow(RETURN_SIZE as u32 + 1);
        self.depth = before;
        self.grow(1);
        self.finish(then);
    }

    /// Pushes a jet's arguments, evaluated as it demands and in its order, and exchanges them so
    /// that each ends at its own index.
    fn arguments(&mut self, jet: &Jet, args: &[Operand<'a>]) {
        // Arguments in ascending order need no exchange. Constants and lazy arguments cannot crash,
        // so their position in the order does not matter.
        let is_evaluated = |index: &usize| self.constant_operand(args[*index]).is_none();
        let is_ascending = jet.evaluation_order().filter(is_evaluated).is_sorted();
        let mut pushed: Vec<usize> =
            if is_ascending { Vec::new() } else { jet.evaluation_order().collect() };
        for index in 0..args.len() {
            if is_ascending || !pushed.contains(&index) {
                pushed.push(index);
            }
        }
        for &index in &pushed {
            self.argument(jet.demands[index], args[index]);
        }
        let top = pushed.len() - 1;
        while let Some(wrong) = (0..top).find(|at| pushed[*at] != *at) {
            let target = if pushed[top] == top { wrong } else { pushed[top] };
            pushed.swap(target, top);
            self.emit(Op::Exchange((top - target) as u32));
        }
    }

    fn argument(&mut self, demand: ArgDemand, arg: Operand<'a>) {
        match demand {
            ArgDemand::Lazy => self.lazy(arg),
            ArgDemand::Head => self.strict(arg),
            ArgDemand::Normal => {
                self.strict(arg);
                self.emit(Op::Normalise);
            }
        }
    }

    /// Emits a connective that does not negate.
    fn connective(&mut self, connective: Connective, args: &[Operand<'a>], then: ResultUse) {
        let before = self.depth;
        self.strict(args[0]);
        self.depth = before;
        let to_false = self.jump(Op::JumpIfFalse);
        self.connective_branch(connective, true, args[1], then);
        let end = self.end_branch(before, then);
        self.patch_jump(to_false);
        self.depth = before;
        self.connective_branch(connective, false, args[1], then);
        self.join(before, end, then);
    }

    /// Emits the branch of a connective for one truth of its first argument.
    fn connective_branch(
        &mut self,
        connective: Connective,
        first: bool,
        second: Operand<'a>,
        then: ResultUse,
    ) {
        if first == connective.decided_by {
            self.push_constant(Word::bit(connective.decided));
        } else {
            self.nested(|decoder| decoder.strict(second));
            self.emit(Op::Truth);
        }
        self.finish(then);
    }

    /// The keys of a switch in the body; the outer `None` if comparing a value with one of them may
    /// evaluate a part of the value.
    #[allow(clippy::option_option, reason = "the inner one is that of `SwitchTargets`")]
    fn switch_keys(&mut self, cases: &SwitchCases<'a, Operand<'a>>) -> Option<Option<SwitchKeys>> {
        let Some(keys) = &cases.keys else { return Some(None) };
        let split = keys.partition_point(|key| key.word().is_direct());
        let (nats, others) = keys.split_at(split);
        let is_app = |key: &Ref<'a>| match key.shape() {
            Shape::App(_) | Shape::Tab(..) => true,
            Shape::Row(items) => !items.is_empty(),
            _ => false,
        };
        if others.iter().any(is_app) {
            return None;
        }
        Some(Some(SwitchKeys {
            nats: nats.iter().filter_map(|key| key.word().as_direct()).collect(),
            others: others.iter().map(|key| self.constant(key.word())).collect(),
        }))
    }

    /// Emits a choice between the cases that the body makes in place.
    fn switch(
        &mut self,
        switch: Switch,
        keys: Option<SwitchKeys>,
        cases: &[Operand<'a>],
        args: &[Operand<'a>],
        then: ResultUse,
    ) {
        let zero = Operand::Constant(Ref::new(Word::ZERO, self.law.result().memory()));
        let default = switch.default.map_or(zero, |index| args[index]);
        if keys.is_some() && cases.is_empty() {
            return self.branch(default, then);
        }
        let before = self.depth;
        self.strict(args[switch.selector]);
        let number = self.switches.len();
        let targets = vec![0; cases.len()].into();
        self.switches.push(SwitchTargets { keys, cases: targets, default: 0 });
        self.emit(Op::Switch(number as u32));
        let mut ends = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            self.depth = before;
            self.switches[number].cases[index] = self.jump_target();
            self.branch(*case, then);
            ends.extend(self.end_branch(before, then));
        }
        self.depth = before;
        self.switches[number].default = self.jump_target();
        self.branch(default, then);
        self.join(before, None, then);
        ends.into_iter().for_each(|end| self.patch_jump(end));
    }

    /// Emits a choice between two arguments.
    fn choose(&mut self, choice: Choice, args: &[Operand<'a>], then: ResultUse) {
        let before = self.depth;
        self.strict(args[0]);
        self.depth = before;
        let to_other = self.jump(match choice.test {
            ChoiceTest::Truth => Op::JumpIfFalse,
            ChoiceTest::IsZero => Op::JumpUnlessZero,
        });
        self.branch(args[choice.holds], then);
        let end = self.end_branch(before, then);
        self.patch_jump(to_other);
        self.depth = before;
        self.branch(args[choice.fails], then);
        self.join(before, end, then);
    }
}

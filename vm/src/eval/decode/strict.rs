//! Strict emission: code that evaluates an expression.

use super::super::code::{Op, ReflectTargets};
use super::super::frame::RETURN_SIZE;
use super::{AppSpine, Binding, Decoder, Operand, STRICT_LIMIT};
use crate::jet::{ArgDemand, Connective, ControlForm, Jet, JetCode};
use crate::law::BodyNode;
use plan::Ref;
use plan::raw::{Word, WordKind, shape};

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
    fn evaluate(&mut self, spine: AppSpine<'a>, then: ResultUse) {
        if spine.args.is_empty() {
            return self.evaluate_atom(spine.head, then);
        }
        let Some(function) = self.constant_head(&spine) else {
            return self.call(&spine, then);
        };
        let arity = shape::arity(self.heap, function);
        if arity > spine.args.len() as u64 {
            self.partial(function, &spine);
            return self.finish(then);
        }
        if arity < spine.args.len() as u64 || self.nesting >= STRICT_LIMIT {
            return self.call(&spine, then);
        }
        match function.as_direct() {
            Some(1) => self.reflect(&spine.args, then),
            Some(2) => self.predecessor(&spine.args, then),
            Some(3) => {
                self.strict(spine.args[0]);
                self.emit(Op::Increment);
                self.finish(then);
            }
            _ => match self.jet_of(function) {
                Some(jet) => self.jet(function, jet, &spine, then),
                None => self.call(&spine, then),
            },
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
            Operand::Expression(node) => match self.law.node(node) {
                BodyNode::Reference(r) => match self.scope.get(r) {
                    Binding::Slot(slot) => Some(slot),
                    Binding::Constant(k) => {
                        self.push_constant(k);
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

    /// Emits a general call: a tail call, or one that returns its value to this frame.
    fn call(&mut self, spine: &AppSpine<'a>, then: ResultUse) {
        let before = self.depth;
        let frame = (then == ResultUse::Keep).then(|| {
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

    pub(super) fn jet_of(&self, function: Word) -> Option<u32> {
        if function.kind() == WordKind::Pin { self.jets.of_pin(self.heap, function) } else { None }
    }

    fn jet(&mut self, function: Word, number: u32, spine: &AppSpine<'a>, then: ResultUse) {
        let jet = self.jets.get(number);
        // A general call counts when it is made.
        let in_place = !matches!(jet.code, JetCode::Control(control) if control.is_called());
        if in_place && self.jets.counts_calls() {
            self.emit(Op::CountJet(number));
        }
        if let Some(connective) = self.jets.connective(number) {
            return self.connective(connective, &spine.args, then);
        }
        match jet.code {
            JetCode::Control(control) => self.control(control, spine, then),
            JetCode::Native(_) => {
                let before = self.depth;
                self.arguments(jet, &spine.args);
                let pin = self.constant(function);
                self.emit(Op::Native { pin, count: spine.args.len() as u16 });
                self.grow(RETURN_SIZE as u32 + 1);
                self.depth = before;
                self.grow(1);
                self.finish(then);
            }
        }
    }

    /// Pushes a jet's arguments, evaluated as it demands and in its order, and exchanges them so
    /// that each ends at its own index.
    fn arguments(&mut self, jet: &Jet, args: &[Operand<'a>]) {
        let is_evaluated = |index: &&usize| self.constant_operand(args[**index]).is_none();
        // If at most one has to be evaluated, every order gives the same result.
        let first = if jet.order.iter().filter(is_evaluated).count() > 1 { jet.order } else { &[] };
        let mut pushed = first.to_vec();
        pushed.extend((0..args.len()).filter(|index| !first.contains(index)));
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

    fn control(&mut self, control: ControlForm, spine: &AppSpine<'a>, then: ResultUse) {
        let args = &spine.args;
        match control {
            ControlForm::If => self.choose(args[0], Op::JumpIfFalse, args[1], args[2], then),
            ControlForm::IfNot => self.choose(args[0], Op::JumpIfFalse, args[2], args[1], then),
            ControlForm::IfZero => self.choose(args[0], Op::JumpUnlessZero, args[1], args[2], then),
            ControlForm::Seq | ControlForm::DeepSeq => {
                self.strict(args[0]);
                if control == ControlForm::DeepSeq {
                    self.emit(Op::Normalise);
                }
                self.emit(Op::Drop);
                self.depth -= 1;
                self.branch(args[1], then);
            }
            ControlForm::Force => {
                self.strict(args[0]);
                self.emit(Op::Normalise);
                self.finish(then);
            }
            ControlForm::Trace
            | ControlForm::DeepTrace
            | ControlForm::Try
            | ControlForm::TryExpression => {
                self.call(spine, then);
            }
        }
    }

    /// Emits a connective. The second operand is evaluated only if the first does not decide.
    fn connective(&mut self, connective: Connective, args: &[Operand<'a>], then: ResultUse) {
        let before = self.depth;
        self.strict(args[0]);
        self.depth = before;
        let to_false = self.jump(Op::JumpIfFalse);
        let decided = |d: &mut Self, truth| {
            d.push_constant(Word::bit(truth));
            d.finish(then);
        };
        let second = |d: &mut Self| {
            d.strict(args[1]);
            d.emit(Op::Truth);
            d.finish(then);
        };
        match connective {
            Connective::And => self.nested(second),
            Connective::Or => decided(self, true),
        }
        let end = self.end_branch(before, then);
        self.patch_jump(to_false);
        self.depth = before;
        match connective {
            Connective::And => decided(self, false),
            Connective::Or => self.nested(second),
        }
        self.join(before, end, then);
    }

    /// Emits a conditional: `yes`, or `no` if the jump is taken.
    fn choose(
        &mut self,
        test: Operand<'a>,
        jump: fn(u32) -> Op,
        yes: Operand<'a>,
        no: Operand<'a>,
        then: ResultUse,
    ) {
        let before = self.depth;
        self.strict(test);
        self.depth = before;
        let to_no = self.jump(jump);
        self.branch(yes, then);
        let end = self.end_branch(before, then);
        self.patch_jump(to_no);
        self.depth = before;
        self.branch(no, then);
        self.join(before, end, then);
    }
}

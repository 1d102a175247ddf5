//! Strict lowering: what is evaluated now.

use super::arithmetic::{Arithmetic, Rotation, difference32};
use super::body::Form;
use super::known::{Meaning, meaning};
use super::{Expr, Lower, STRICT_LIMIT, Spine};
use crate::ir::{Arm, BlockId, Call, Callee, End, JoinId, Op, Operand, Prim, Stmt, Type, Var};
use vm::Ref;
use vm::jet::{Control, Demand, Jet};

/// What becomes of an expression's value.
#[derive(Clone, Copy)]
enum Then {
    /// It is the function's result.
    Return,
    /// It is given to a join point.
    Jump(JoinId),
    /// What follows needs it.
    Keep,
}

impl<'h> Lower<'_, 'h> {
    /// Lowers an expression as the function's result.
    pub(super) fn tail(&mut self, node: Ref<'h>) {
        let spine = self.spine(Expr::Node(node));
        self.evaluate(&spine, Then::Return);
    }

    /// The value of an expression, evaluated.
    fn strict(&mut self, expr: Expr<'h>) -> Operand {
        if self.nesting >= STRICT_LIMIT {
            let lazy = self.lazy(expr);
            return self.force(lazy);
        }
        self.nesting += 1;
        let spine = self.spine(expr);
        let value = self.evaluate(&spine, Then::Keep);
        self.nesting -= 1;
        value.unwrap_or(Operand::Small(0))
    }

    fn force(&mut self, operand: Operand) -> Operand {
        if self.type_of(operand).is(Type::Whnf) {
            return operand;
        }
        self.emit(Type::Whnf, Op::Force(operand))
    }

    fn prim(&mut self, prim: Prim, operands: &[Operand]) -> Operand {
        let types: Vec<Type> = operands.iter().map(|operand| self.type_of(*operand)).collect();
        self.emit(prim.result_of(operands, &types), Op::Prim(prim, operands.to_vec()))
    }

    /// Does with a value what is to become of it; it is there only if it is kept.
    fn finish(&mut self, value: Operand, then: Then) -> Option<Operand> {
        match then {
            Then::Return => self.end(End::Return(vec![value])),
            Then::Jump(join) => self.end(End::Jump(join, vec![value])),
            Then::Keep => return Some(value),
        }
        None
    }

    /// Lowers an application, or what is none.
    fn evaluate(&mut self, spine: &Spine<'h>, then: Then) -> Option<Operand> {
        if spine.args.is_empty() {
            return self.evaluate_atom(spine.head, then);
        }
        let given = spine.args.len() as u64;
        let Some((function, arity)) = self.constant_head(spine) else {
            let head = self.lazy(spine.head);
            return self.call(Callee::Unknown(head), &spine.args, then);
        };
        if arity > given {
            let (ty, op) = self.partial(function, spine);
            let value = self.emit(ty, op);
            let value = self.force(value);
            return self.finish(value, then);
        }
        let args = &spine.args[..arity as usize];
        if arity < given {
            let head = self.saturated(function, args, Then::Keep).unwrap_or(Operand::Small(0));
            return self.call(Callee::Unknown(head), &spine.args[arity as usize..], then);
        }
        self.saturated(function, args, then)
    }

    fn evaluate_atom(&mut self, expr: Expr<'h>, then: Then) -> Option<Operand> {
        let value = self.lazy(expr);
        if matches!(then, Then::Return) && !self.type_of(value).is(Type::Whnf) {
            self.end(End::Enter(value));
            return None;
        }
        let value = self.force(value);
        self.finish(value, then)
    }

    /// Lowers a call of a constant with as many arguments as it takes.
    fn saturated(&mut self, function: Operand, args: &[Expr<'h>], then: Then) -> Option<Operand> {
        if self.nesting >= STRICT_LIMIT {
            let callee = self.callee(function);
            return self.call(callee, args, then);
        }
        match function {
            Operand::Small(1) => self.reflect(args, then),
            Operand::Small(2) => self.predecessor(args, then),
            Operand::Small(3) => {
                let value = self.strict(args[0]);
                let value = self.prim(Prim::Inc, &[value]);
                self.finish(value, then)
            }
            _ => match self.meaning_of(function) {
                Some((meaning, jet)) => self.jet(function, meaning, jet, args, then),
                None => {
                    let callee = self.callee(function);
                    self.call(callee, args, then)
                }
            },
        }
    }

    /// A call in general.
    fn call(&mut self, callee: Callee, args: &[Expr<'h>], then: Then) -> Option<Operand> {
        let args = args.iter().map(|arg| self.lazy(*arg)).collect();
        self.call_with(Call { callee, args }, then)
    }

    fn call_with(&mut self, call: Call, then: Then) -> Option<Operand> {
        if matches!(then, Then::Return) {
            self.end(End::Tail(call));
            return None;
        }
        let value = self.emit(Type::Whnf, Op::Call(call));
        self.finish(value, then)
    }

    // Branches.

    /// Lowers what ends in several branches: `branches` is told what becomes of each one's value.
    fn branching(&mut self, then: Then, branches: impl FnOnce(&mut Self, Then)) -> Option<Operand> {
        if !matches!(then, Then::Keep) {
            branches(self, then);
            return None;
        }
        let value = self.function.var(Type::Whnf);
        let after = self.new_block();
        let join = self.function.join(vec![value], after, false);
        self.stmt(Stmt::Join(join));
        let depth = self.depth;
        branches(self, Then::Jump(join));
        self.block = after;
        self.depth = depth + 1;
        self.deepest = self.deepest.max(self.depth);
        Some(value.into())
    }

    fn new_block(&mut self) -> BlockId {
        self.function.block(End::Return(vec![Operand::Small(0)]))
    }

    /// Lowers a branch into a block.
    fn branch(&mut self, block: BlockId, lower: impl FnOnce(&mut Self)) {
        let depth = self.depth;
        self.block = block;
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        self.nesting += 1;
        lower(self);
        self.nesting -= 1;
        self.depth = depth;
    }

    /// A branch that is an expression, applied to values that are there.
    fn branch_to(&mut self, block: BlockId, expr: Expr<'h>, values: &[Var], then: Then) {
        self.branch(block, |lower| {
            let mut spine = lower.spine(expr);
            spine.args.extend(values.iter().map(|var| Expr::Done((*var).into())));
            lower.evaluate(&spine, then);
        });
    }

    fn choose(
        &mut self,
        condition: Operand,
        yes: Expr<'h>,
        no: Expr<'h>,
        then: Then,
    ) -> Option<Operand> {
        self.branching(then, |lower, then| {
            let (yes_block, no_block) = (lower.new_block(), lower.new_block());
            lower.end(End::If(condition, yes_block, no_block));
            lower.branch_to(yes_block, yes, &[], then);
            lower.branch_to(no_block, no, &[], then);
        })
    }

    /// `2 z p x`: `z`, or `p` of the predecessor.
    fn predecessor(&mut self, args: &[Expr<'h>], then: Then) -> Option<Operand> {
        let value = self.strict(args[2]);
        let positive = self.prim(Prim::Truth, &[value]);
        let (zero, next) = (args[0], args[1]);
        self.branching(then, |lower, then| {
            let (yes, no) = (lower.new_block(), lower.new_block());
            lower.end(End::If(positive, yes, no));
            lower.block = yes;
            if let Operand::Var(less) = lower.prim(Prim::Dec, &[value]) {
                lower.branch_to(yes, next, &[less], then);
            }
            lower.branch_to(no, zero, &[], then);
        })
    }

    /// `1 p l a n x`: the function for the kind that `x` is, of its parts.
    fn reflect(&mut self, args: &[Expr<'h>], then: Then) -> Option<Operand> {
        let value = self.strict(args[4]);
        self.branching(then, |lower, then| {
            let arms = End::PARTS.map(|parts| Arm {
                params: parts.iter().map(|ty| lower.function.var(*ty)).collect(),
                block: lower.new_block(),
            });
            lower.end(End::Reflect(value, Box::new(arms.clone())));
            for (arm, expr) in arms.iter().zip(args) {
                lower.branch_to(arm.block, *expr, &arm.params, then);
            }
        })
    }

    // Jets.

    fn meaning_of(&self, function: Operand) -> Option<(Meaning, Jet)> {
        let Operand::Constant(k) = function else { return None };
        match self.linker.refs[k.index()].shape() {
            vm::Shape::Pin(pin) => {
                let jet = self.linker.jets.find(pin)?;
                Some((meaning(jet), *jet))
            }
            _ => None,
        }
    }

    fn jet(
        &mut self,
        function: Operand,
        meaning: Meaning,
        jet: Jet,
        args: &[Expr<'h>],
        then: Then,
    ) -> Option<Operand> {
        match meaning {
            Meaning::Arithmetic(arithmetic) => {
                let operands = self.operands(jet, args);
                let value = self.arithmetic(arithmetic, &operands);
                self.finish(value, then)
            }
            Meaning::Guarded(arithmetic, guard) => self.guarded(arithmetic, guard, args, then),
            Meaning::Rotation(operation) => {
                let operands = self.operands(jet, args);
                match Rotation::of(operation, operands[1]) {
                    Some(rotation) => {
                        let emit = |prim, operands: &[Operand]| self.prim(prim, operands);
                        let value = rotation.write(operands[0], emit);
                        self.finish(value, then)
                    }
                    None => self.native_with(function, operands, then),
                }
            }
            Meaning::Difference32 => {
                let operands = self.operands(jet, args);
                self.difference32(function, &operands, then)
            }
            Meaning::Choice(prim) => {
                let operands = self.operands(jet, args);
                let first = self.prim(prim, &operands);
                self.choose(first, Expr::Done(operands[0]), Expr::Done(operands[1]), then)
            }
            Meaning::Connective { on, decided, negate } => {
                self.connective(on, decided, negate, args, then)
            }
            Meaning::Switch => match self.table(args[2]) {
                Some(table) => self.switch(args, &table, then),
                None => self.native(function, jet, args, then),
            },
            Meaning::Control(control) => self.control(function, control, args, then),
            Meaning::Native => self.native(function, jet, args, then),
        }
    }

    fn native(
        &mut self,
        function: Operand,
        jet: Jet,
        args: &[Expr<'h>],
        then: Then,
    ) -> Option<Operand> {
        let args = self.operands(jet, args);
        self.native_with(function, args, then)
    }

    fn native_with(
        &mut self,
        function: Operand,
        args: Vec<Operand>,
        then: Then,
    ) -> Option<Operand> {
        let Operand::Constant(k) = function else { unreachable!("a nat has no jet") };
        let call = Call { callee: Callee::Jet(k), args };
        let result = self.linker.unit.results_of(&call)[0];
        if matches!(then, Then::Return) {
            return self.call_with(call, then);
        }
        let value = self.emit(result, Op::Call(call));
        self.finish(value, then)
    }

    /// The difference of words of 32 bits, where both operands are that; else the jet's answer.
    fn difference32(
        &mut self,
        function: Operand,
        operands: &[Operand],
        then: Then,
    ) -> Option<Operand> {
        let bits = self.prim(Prim::Or, operands);
        let are_words = self.prim(Prim::Le, &[bits, Operand::Small(u64::from(u32::MAX))]);
        self.branching(then, |lower, then| {
            let (yes, no) = (lower.new_block(), lower.new_block());
            lower.end(End::If(are_words, yes, no));
            lower.branch(yes, |lower| {
                let emit = |prim, operands: &[Operand]| lower.prim(prim, operands);
                let value = difference32(operands, emit);
                lower.finish(value, then);
            });
            lower.branch(no, |lower| {
                lower.native_with(function, operands.to_vec(), then);
            });
        })
    }

    /// The arguments of a jet, evaluated as it demands, in the order that it demands.
    fn operands(&mut self, jet: Jet, args: &[Expr<'h>]) -> Vec<Operand> {
        let mut operands = vec![None; args.len()];
        for index in (0..args.len()).map(|step| jet.nth(step)) {
            if operands[index].is_none() {
                operands[index] = match jet.demands[index] {
                    Demand::Lazy => None,
                    Demand::Head => Some(self.strict(args[index])),
                    Demand::Normal => Some(self.normal(args[index])),
                };
            }
        }
        let lazily = |(operand, arg): (Option<Operand>, &Expr<'h>)| match operand {
            Some(operand) => operand,
            None => self.lazy(*arg),
        };
        operands.into_iter().zip(args).map(lazily).collect()
    }

    fn normal(&mut self, arg: Expr<'h>) -> Operand {
        let value = self.strict(arg);
        if self.type_of(value).is(Type::Nat) {
            return value;
        }
        self.emit(Type::Whnf, Op::Normalise(value))
    }

    fn arithmetic(&mut self, arithmetic: Arithmetic, operands: &[Operand]) -> Operand {
        arithmetic.write(operands, |prim, operands| self.prim(prim, operands))
    }

    fn guarded(
        &mut self,
        arithmetic: Arithmetic,
        guard: usize,
        args: &[Expr<'h>],
        then: Then,
    ) -> Option<Operand> {
        let first = self.strict(args[guard]);
        let is_same = self.is_same(args[0], args[1]);
        if is_same || self.is_evaluated(args[1 - guard]) {
            return self.guarded_rest(arithmetic, guard, first, args, then);
        }
        let tested = arithmetic.guard(first, |prim, operands| self.prim(prim, operands));
        if matches!(tested, Operand::Small(1..)) {
            return self.guarded_rest(arithmetic, guard, first, args, then);
        }
        let positive = self.prim(Prim::Truth, &[tested]);
        self.branching(then, |lower, then| {
            let (yes, no) = (lower.new_block(), lower.new_block());
            lower.end(End::If(positive, yes, no));
            lower.branch(yes, |lower| {
                lower.guarded_rest(arithmetic, guard, first, args, then);
            });
            lower.branch(no, |lower| {
                lower.finish(Operand::Small(0), then);
            });
        })
    }

    /// Whether two expressions are the same reference.
    fn is_same(&self, a: Expr<'h>, b: Expr<'h>) -> bool {
        let reference = |expr: Expr<'h>| match expr {
            Expr::Node(node) => match self.form(node) {
                Form::Reference(reference) => Some(reference),
                _ => None,
            },
            _ => None,
        };
        reference(a).is_some_and(|a| reference(b) == Some(a))
    }

    /// Whether an expression is a value that needs no evaluation.
    fn is_evaluated(&mut self, expr: Expr<'h>) -> bool {
        self.atom(expr).is_some_and(|atom| self.type_of(atom).is(Type::Whnf))
    }

    fn guarded_rest(
        &mut self,
        arithmetic: Arithmetic,
        guard: usize,
        first: Operand,
        args: &[Expr<'h>],
        then: Then,
    ) -> Option<Operand> {
        let second = self.strict(args[1 - guard]);
        let operands = if guard == 0 { [first, second] } else { [second, first] };
        let value = self.arithmetic(arithmetic, &operands);
        self.finish(value, then)
    }

    fn connective(
        &mut self,
        on: bool,
        decided: u64,
        negate: bool,
        args: &[Expr<'h>],
        then: Then,
    ) -> Option<Operand> {
        let first = self.strict(args[0]);
        let first = self.prim(Prim::Truth, &[first]);
        self.branching(then, |lower, then| {
            let (short, long) = (lower.new_block(), lower.new_block());
            let (yes, no) = if on { (short, long) } else { (long, short) };
            lower.end(End::If(first, yes, no));
            lower.branch(short, |lower| {
                lower.finish(Operand::Small(decided), then);
            });
            lower.branch(long, |lower| {
                let second = lower.strict(args[1]);
                let truth = lower.prim(if negate { Prim::Not } else { Prim::Truth }, &[second]);
                lower.finish(truth, then);
            });
        })
    }

    /// The items of a row written out in place, first to last.
    fn table(&mut self, expr: Expr<'h>) -> Option<Vec<Expr<'h>>> {
        let mut spine = self.spine(expr);
        let (Operand::Constant(k), _) = self.constant_head(&spine)? else { return None };
        match self.linker.refs[k.index()].shape() {
            vm::Shape::Cow(width) if width == spine.args.len() as u64 => {
                spine.args.reverse();
                Some(spine.args)
            }
            _ => None,
        }
    }

    fn switch(&mut self, args: &[Expr<'h>], table: &[Expr<'h>], then: Then) -> Option<Operand> {
        let value = self.strict(args[0]);
        self.branching(then, |lower, then| {
            let cases: Vec<(u64, BlockId)> =
                (0..table.len() as u64).map(|nat| (nat, lower.new_block())).collect();
            let other = lower.new_block();
            lower.end(End::Switch(value, cases.clone(), other));
            for ((_, block), item) in cases.iter().zip(table) {
                lower.branch_to(*block, *item, &[], then);
            }
            lower.branch_to(other, args[1], &[], then);
        })
    }

    fn control(
        &mut self,
        function: Operand,
        control: Control,
        args: &[Expr<'h>],
        then: Then,
    ) -> Option<Operand> {
        match control {
            Control::If | Control::IfNot | Control::IfZero => {
                let value = self.strict(args[0]);
                let (prim, yes, no) = match control {
                    Control::If => (Prim::Truth, args[1], args[2]),
                    Control::IfNot => (Prim::Truth, args[2], args[1]),
                    _ => (Prim::IsZero, args[1], args[2]),
                };
                let condition = self.prim(prim, &[value]);
                self.choose(condition, yes, no, then)
            }
            Control::Seq | Control::DeepSeq => {
                if control == Control::Seq {
                    self.strict(args[0]);
                } else {
                    self.normal(args[0]);
                }
                let spine = self.spine(args[1]);
                self.nesting += 1;
                let value = self.evaluate(&spine, then);
                self.nesting -= 1;
                value
            }
            Control::Force => {
                let value = self.normal(args[0]);
                self.finish(value, then)
            }
            Control::Trace | Control::DeepTrace | Control::Try | Control::TryExpression => {
                let Operand::Constant(k) = function else { unreachable!("a nat has no jet") };
                self.call(Callee::Known(k), args, then)
            }
        }
    }
}

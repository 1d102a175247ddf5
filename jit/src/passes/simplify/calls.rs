//! Calls, forcing and inlining.

use super::{Frame, GROWTH_LIMIT, Results, Walker};
use crate::build::Arithmetic;
use crate::ir::{
    Call, Callee, ConstantId, DEPTH_LIMIT, End, FunctionId, JoinId, Kind, Op, Operand, Operation,
    Prim, Stmt, Type,
};

/// Functions of at most this size are inlined wherever they are called.
const SMALL: usize = 9;
/// Those up to this size are where they are given a function that is known.
const MEDIUM: usize = 60;
/// Functions are inlined into what is inlined no deeper than this.
const NESTING: usize = 6;

/// What an application comes to.
pub(super) enum Made {
    Value(Operand),
    /// The value of this, which is still to be evaluated.
    Lazy(Operand),
    Call(Call),
}

/// A thunk that is evaluated in the one place where it is used.
pub(super) enum Once {
    Entry(FunctionId, Vec<Operand>),
    Application(Operand, Vec<Operand>),
}

impl<'u> Walker<'u> {
    // Forcing.

    pub(super) fn force(&mut self, operand: Operand) -> Operand {
        let ty = self.type_of(operand);
        if ty.is(Type::Whnf) { operand } else { self.emit(Type::Whnf, Op::Force(operand)) }
    }

    /// The thunk that an operation evaluates, if that is the only use there is of it.
    pub(super) fn once(&self, frame: &Frame<'u>, op: &Op) -> Option<Once> {
        let Op::Force(Operand::Var(var)) = *op else { return None };
        let is_own = frame.id == self.id && self.inlining.is_empty();
        let info = &self.infos[frame.id.index()];
        if !is_own || !info.thunks[var.index()] || info.uses[var.index()] != 1 {
            return None;
        }
        let thunk = frame.vars[var.index()];
        let Operand::Var(made) = thunk else { return None };
        // A loop would evaluate it at every turn.
        if !self.facts.is_made_in(made, self.in_loop) {
            return None;
        }
        match self.facts.maker(thunk)? {
            Op::Thunk(entry, captures)
                if self.may_inline(*entry) && !self.infos[entry.index()].repeats =>
            {
                Some(Once::Entry(*entry, captures.clone()))
            }
            Op::Delay(function, args) => Some(Once::Application(*function, args.clone())),
            _ => None,
        }
    }

    pub(super) fn evaluate_once(&mut self, thunk: Operand, once: Once) -> Operand {
        let results = match once {
            Once::Entry(entry, captures) => self.inline(entry, &captures),
            Once::Application(function, args) => {
                let call = self.application(function, args);
                self.made(call)
            }
        };
        results.first().copied().unwrap_or(thunk)
    }

    // Calls.

    /// What a call comes to.
    pub(super) fn simpler(&mut self, call: Call) -> Made {
        match call.callee {
            Callee::Unknown(function) => self.application(function, call.args),
            Callee::Jet(k) => match self.item(k, &call.args) {
                Some(item) => Made::Lazy(item),
                None => Made::Call(call),
            },
            _ => Made::Call(call),
        }
    }

    /// The constant that a function is, and what it has been given, if that is known.
    fn spine(&self, function: Operand) -> Option<(ConstantId, Vec<Operand>)> {
        match (function, self.facts.maker(function)) {
            (Operand::Constant(k), _) => match &self.unit.constants[k.index()].of {
                Some((function, given)) => Some((*function, given.clone())),
                None => Some((k, Vec::new())),
            },
            (_, Some(Op::Partial(k, given))) => Some((*k, given.clone())),
            _ => None,
        }
    }

    /// The entry of the unit that an application is a call of, if it is one, and the arguments.
    pub(super) fn known(
        &self,
        function: Operand,
        args: &[Operand],
    ) -> Option<(FunctionId, Vec<Operand>)> {
        let (k, mut all) = self.spine(function)?;
        all.extend(args);
        let constant = &self.unit.constants[k.index()];
        let fits = constant.arity == all.len() as u64 && constant.jet.is_none();
        Some((constant.entry.filter(|_| fits)?, all))
    }

    /// What an application comes to.
    pub(super) fn application(&mut self, function: Operand, mut args: Vec<Operand>) -> Made {
        let Some((k, given)) = self.spine(function) else {
            return Made::Call(Call { callee: Callee::Unknown(function), args });
        };
        args.splice(0..0, given);
        let constant = &self.unit.constants[k.index()];
        let taken = usize::try_from(constant.arity).unwrap_or(usize::MAX);
        if constant.kind == Kind::Nat || args.len() > taken && taken == 0 {
            return Made::Call(Call { callee: Callee::Unknown(function), args });
        }
        if args.len() < taken {
            return Made::Value(self.emit(Type::Whnf, Op::Partial(k, args)));
        }
        let rest = args.split_off(taken);
        let made = self.saturated(k, args);
        if rest.is_empty() {
            return made;
        }
        match self.made(made).first() {
            Some(&function) => self.application(function, rest),
            None => Made::Value(Operand::Small(0)),
        }
    }

    /// A call of a constant with as many arguments as it takes.
    fn saturated(&mut self, k: ConstantId, args: Vec<Operand>) -> Made {
        let constant = &self.unit.constants[k.index()];
        let operation = constant.jet.as_ref().and_then(|jet| jet.operation);
        if let Some(arithmetic) = operation.and_then(Arithmetic::of) {
            let args: Vec<Operand> = args.into_iter().map(|arg| self.force(arg)).collect();
            return Made::Value(
                arithmetic.write(&args, |prim, operands| self.prim(prim, operands)),
            );
        }
        let callee = match (constant.entry, constant.kind) {
            (Some(entry), _) => Callee::Local(entry),
            (None, Kind::Pin | Kind::Law) => Callee::Known(k),
            (None, _) => Callee::Unknown(Operand::Constant(k)),
        };
        Made::Call(Call { callee, args })
    }

    /// The item that a jet takes out of a row, if the jet is one that does and its number is evaluated.
    fn item(&mut self, k: ConstantId, args: &[Operand]) -> Option<Operand> {
        let operation = self.unit.constants[k.index()].jet.as_ref()?.operation;
        let (index, row) = match (operation, args) {
            (Some(Operation::Index), &[index, row]) => (index, row),
            (Some(Operation::Get), &[row, index]) => (index, row),
            _ => return None,
        };
        self.type_of(index).is(Type::Whnf).then(|| self.prim(Prim::Item, &[row, index]))
    }

    /// What an operation comes to that takes apart what was made here, or is a constant.
    pub(super) fn of_known(&self, prim: Prim, operands: &[Operand]) -> Option<Operand> {
        match (prim, operands) {
            (Prim::Item, &[row, Operand::Small(index)]) => {
                let Op::Row(items) = self.facts.maker(row)? else { return None };
                let item = usize::try_from(index).ok().and_then(|index| items.get(index));
                Some(item.copied().unwrap_or(Operand::Small(0)))
            }
            (Prim::IsNat, &[Operand::Constant(k)]) => {
                let is_nat = self.unit.constants[k.index()].kind == Kind::Nat;
                Some(Operand::Small(u64::from(is_nat)))
            }
            (Prim::IsNat, &[a]) => {
                let is_no_nat = matches!(self.facts.maker(a)?, Op::Row(_) | Op::Partial(..));
                is_no_nat.then_some(Operand::Small(0))
            }
            _ => None,
        }
    }

    /// Writes what a call came to; its results.
    pub(super) fn made(&mut self, made: Made) -> Vec<Operand> {
        let call = match made {
            Made::Value(value) => return vec![value],
            Made::Lazy(value) => return vec![self.force(value)],
            Made::Call(call) => call,
        };
        if let Some(callee) = self.to_inline(&call) {
            return self.inline(callee, &call.args);
        }
        let types = self.unit.results_of(&call);
        let vars: Vec<_> = types.iter().map(|ty| self.out.var(*ty)).collect();
        self.push(Stmt::Let(vars.clone(), Op::Call(call)));
        vars.into_iter().map(Operand::Var).collect()
    }

    // Inlining.

    /// Whether a function can be written here.
    pub(super) fn may_inline(&self, callee: FunctionId) -> bool {
        self.inlining.len() < NESTING
            && !self.inlining.contains(&callee)
            && callee != self.id
            && self.written + self.infos[callee.index()].size < GROWTH_LIMIT
            && self.depth + self.infos[callee.index()].depth + 2 < DEPTH_LIMIT
    }

    /// The function that a call is of, if it is to be written here.
    pub(super) fn to_inline(&self, call: &Call) -> Option<FunctionId> {
        let Callee::Local(callee) = call.callee else { return None };
        if !self.rules.inline || !self.may_inline(callee) {
            return None;
        }
        let info = &self.infos[callee.index()];
        let wanted = info.is_wrapper
            || !info.calls_itself
                && info.size < self.room
                && (info.size <= SMALL || info.size <= MEDIUM && self.takes_function(&call.args));
        wanted.then_some(callee)
    }

    /// Whether one of the arguments is a function that is known.
    fn takes_function(&self, args: &[Operand]) -> bool {
        args.iter().any(|arg| match arg {
            Operand::Constant(k) => {
                matches!(self.unit.constants[k.index()].kind, Kind::Law | Kind::Pin)
            }
            _ => matches!(self.facts.maker(*arg), Some(Op::Partial(..))),
        })
    }

    /// Notes that a function is written here until `inlining` is popped.
    pub(super) fn begin(&mut self, callee: FunctionId) {
        self.inlining.push(callee);
        self.room = self.room.saturating_sub(self.infos[callee.index()].size);
    }

    /// Writes a function's body here; its results.
    pub(super) fn inline(&mut self, callee: FunctionId, args: &[Operand]) -> Vec<Operand> {
        self.begin(callee);
        let results = if self.infos[callee.index()].is_straight {
            self.inline_straight(callee, args)
        } else {
            let source = &self.unit.functions[callee.index()];
            let types = source.results.clone();
            let vars: Vec<_> = types.iter().map(|ty| self.out.var(*ty)).collect();
            let after = self.new_block();
            let join = self.out.join(vars.clone(), after, false);
            self.inline_to(callee, args, join);
            self.block = after;
            self.depth += 1;
            vars.into_iter().map(Operand::Var).collect()
        };
        self.inlining.pop();
        results
    }

    fn inline_straight(&mut self, callee: FunctionId, args: &[Operand]) -> Vec<Operand> {
        let mut frame = Frame::new(self.unit, callee, args, Results::Return);
        let block = &frame.source.blocks[frame.source.entry.index()];
        for stmt in &block.stmts {
            self.statement(&mut frame, stmt);
        }
        match &block.end {
            End::Enter(a) => {
                let value = self.operand(&frame, *a);
                vec![self.force(value)]
            }
            End::Tail(call) => {
                let call = self.resolved_call(&frame, call);
                let call = self.simpler(call);
                self.made(call)
            }
            end => self.operands(&frame, &end.operands()),
        }
    }

    /// Writes the code of a thunk that is cheap here; its value, not evaluated if it ends with that of
    /// another.
    pub(super) fn inline_lazily(&mut self, entry: FunctionId, captures: &[Operand]) -> Operand {
        self.begin(entry);
        let mut frame = Frame::new(self.unit, entry, captures, Results::Return);
        let block = &frame.source.blocks[frame.source.entry.index()];
        for stmt in &block.stmts {
            self.statement(&mut frame, stmt);
        }
        let results = self.operands(&frame, &block.end.operands());
        self.inlining.pop();
        results.first().copied().unwrap_or(Operand::Small(0))
    }

    fn inline_to(&mut self, callee: FunctionId, args: &[Operand], join: JoinId) {
        self.push(Stmt::Join(join));
        let (depth, scope) = (self.depth, self.facts.enter());
        let mut frame = Frame::new(self.unit, callee, args, Results::Jump(join));
        let entry = frame.source.entry;
        self.walk(&mut frame, entry);
        self.facts.leave(scope);
        self.depth = depth;
    }

    pub(super) fn resolved_call(&self, frame: &Frame<'u>, call: &Call) -> Call {
        let callee = match call.callee {
            Callee::Unknown(function) => Callee::Unknown(self.operand(frame, function)),
            known => known,
        };
        Call { callee, args: self.operands(frame, &call.args) }
    }
}

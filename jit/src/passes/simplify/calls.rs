//! Applications and forcing: what a call reduces to when the function is known.

use super::source::SourceFrame;
use super::walker::Simplifier;
use crate::ir::{
    Call, Callee, ConstantId, ConstantKind, DEPTH_LIMIT, FunctionId, JetOperation, NatOperation,
    Op, Operand, Prim, Stmt, Terminator, Type,
};
use crate::passes::records::replacement;
use crate::passes::specialise::INCREMENT;

/// The form that an application reduces to.
pub(super) enum Reduced {
    /// An evaluated value.
    Value(Operand),
    /// A value that may still be a thunk.
    Lazy(Operand),
    /// A call.
    Call(Call),
}

/// A thunk whose only use is the operation that forces it.
pub(super) enum SingleUseThunk {
    /// The thunk of a function with captures.
    Code(FunctionId, Vec<Operand>),
    /// The thunk of an application.
    Application(Operand, Vec<Operand>),
}

impl<'u> Simplifier<'u> {
    // Forcing.

    pub(super) fn force(&mut self, operand: Operand) -> Operand {
        let ty = self.type_of(operand);
        if ty.is(Type::Whnf) { operand } else { self.emit(Type::Whnf, Op::Force(operand)) }
    }

    /// The thunk that a force evaluates, if the force is its only use and may run its code in
    /// place.
    pub(super) fn single_use_thunk(
        &self,
        frame: &SourceFrame<'u>,
        op: &Op,
    ) -> Option<SingleUseThunk> {
        let Op::Force(Operand::Var(var)) = *op else { return None };
        let is_own_code = frame.id == self.id && self.inlining.is_empty();
        let summary = &self.summaries[frame.id];
        if !is_own_code || !summary.thunks.contains(var) || summary.uses[var] != 1 {
            return None;
        }
        let thunk = frame.vars[var];
        let Operand::Var(defined) = thunk else { return None };
        // In a loop that does not contain the definition, the code would run at every iteration.
        if !self.facts.is_defined_in(defined, self.in_loop) {
            return None;
        }
        match self.facts.definition(thunk)? {
            Op::Thunk(entry, captures) if self.may_inline_thunk(*entry) => {
                Some(SingleUseThunk::Code(*entry, captures.clone()))
            }
            Op::Delay(function, args) => Some(SingleUseThunk::Application(*function, args.clone())),
            _ => None,
        }
    }

    /// Evaluates a single-use thunk in place and returns its value.
    pub(super) fn evaluate_single_use(&mut self, var: Operand, thunk: SingleUseThunk) -> Operand {
        let results = match thunk {
            SingleUseThunk::Code(entry, captures) => self.inline(entry, &captures),
            SingleUseThunk::Application(function, args) => {
                let call = self.application(function, args);
                self.write_reduced(call)
            }
        };
        results.first().copied().unwrap_or(var)
    }

    // Calls.

    /// Reduces a call whose operands are those of the function being written.
    pub(super) fn reduce_call(&mut self, call: Call) -> Reduced {
        match call.callee {
            Callee::Unknown(function) => self.application(function, call.args),
            Callee::Jet(k) => match (self.item_read_by_jet(k, &call.args), &call.args[..]) {
                (Some(item), _) => Reduced::Lazy(item),
                (None, &[row]) if self.jet_operation(k) == Some(JetOperation::Length) => {
                    Reduced::Value(self.prim(Prim::Length, &[row]))
                }
                _ if let Some(row) = self.replaced_row(&call) => {
                    Reduced::Value(self.emit(Type::Whnf, row))
                }
                _ => Reduced::Call(call),
            },
            _ => Reduced::Call(call),
        }
    }

    /// The constant that a function applies, and the arguments it already has, if they are known.
    fn known_function(&self, function: Operand) -> Option<(ConstantId, Vec<Operand>)> {
        match (function, self.facts.definition(function)) {
            (Operand::Constant(k), _) => match &self.unit.constants[k].of {
                Some((function, given)) => Some((*function, given.clone())),
                None => Some((k, Vec::new())),
            },
            (_, Some(Op::Partial(k, given))) => Some((*k, given.clone())),
            _ => None,
        }
    }

    /// The entry that an application calls, and all its arguments, if the function is a law of the
    /// unit that is applied to as many arguments as its arity.
    pub(super) fn saturated_entry(
        &self,
        function: Operand,
        args: &[Operand],
    ) -> Option<(FunctionId, Vec<Operand>)> {
        let (k, mut all) = self.known_function(function)?;
        all.extend(args);
        let constant = &self.unit.constants[k];
        let fits = constant.arity == all.len() as u64 && constant.jet.is_none();
        Some((constant.entry.filter(|_| fits)?, all))
    }

    /// Reduces an application: a partial application, a call, or a call of the result of a call.
    pub(super) fn application(&mut self, function: Operand, mut args: Vec<Operand>) -> Reduced {
        if let (Operand::Small(INCREMENT), &[nat]) = (function, &args[..]) {
            let nat = self.force(nat);
            return Reduced::Value(self.prim(Prim::Inc, &[nat]));
        }
        let Some((k, given)) = self.known_function(function) else {
            return Reduced::Call(Call { callee: Callee::Unknown(function), args });
        };
        let constant = &self.unit.constants[k];
        let arity = usize::try_from(constant.arity).unwrap_or(usize::MAX);
        let is_operation = constant.kind == ConstantKind::Nat && given.len() + args.len() >= arity;
        if is_operation || arity == 0 {
            return Reduced::Call(Call { callee: Callee::Unknown(function), args });
        }
        args.splice(0..0, given);
        if args.len() < arity {
            return Reduced::Value(self.emit(Type::Whnf, Op::Partial(k, args)));
        }
        let rest = args.split_off(arity);
        let reduced = self.saturated_call(k, args);
        if rest.is_empty() {
            return reduced;
        }
        match self.write_reduced(reduced).first() {
            Some(&function) => self.application(function, rest),
            None => Reduced::Value(Operand::Small(0)),
        }
    }

    /// Reduces a call of a constant with as many arguments as its arity.
    fn saturated_call(&mut self, k: ConstantId, args: Vec<Operand>) -> Reduced {
        let constant = &self.unit.constants[k];
        let operation = constant.jet.as_ref().and_then(|jet| jet.operation);
        if let Some(operation) = operation.and_then(NatOperation::of) {
            let args: Vec<Operand> = args.into_iter().map(|arg| self.force(arg)).collect();
            let emit = |prim, operands: &[Operand]| self.prim(prim, operands);
            return Reduced::Value(operation.emit_with(&args, emit));
        }
        if let Some(value) = operation.and_then(|operation| self.branching_jet(operation, &args)) {
            return Reduced::Value(value);
        }
        let callee = match (constant.entry, constant.kind) {
            (Some(entry), _) => Callee::Local(entry),
            (None, ConstantKind::Pin | ConstantKind::Law) => Callee::Known(k),
            (None, _) => Callee::Unknown(Operand::Constant(k)),
        };
        Reduced::Call(Call { callee, args })
    }

    /// Writes a call of a jet that evaluates one operand only if another is not 0, or that returns
    /// the lesser or greater operand; returns the value. `None` for other jets.
    fn branching_jet(&mut self, operation: JetOperation, args: &[Operand]) -> Option<Operand> {
        if self.depth + 4 > DEPTH_LIMIT {
            return None;
        }
        if let Some((operation, guard)) = NatOperation::zero_guarded(operation) {
            let first = self.force(args[guard]);
            let tested = operation.guard(first, |prim, operands| self.prim(prim, operands));
            let needs_second = self.prim(Prim::Truth, &[tested]);
            let value = self.choose(Type::Nat, needs_second, |this, needs_second| {
                if !needs_second {
                    return Operand::Small(0);
                }
                let second = this.force(args[1 - guard]);
                let operands = if guard == 0 { [first, second] } else { [second, first] };
                operation.emit_with(&operands, |prim, operands| this.prim(prim, operands))
            });
            return Some(value);
        }
        let is_first = match operation {
            JetOperation::Least => Prim::Le,
            JetOperation::Greatest => Prim::Ge,
            _ => return None,
        };
        let operands = [self.force(args[0]), self.force(args[1])];
        let ty = self.type_of(operands[0]).max(self.type_of(operands[1]));
        if ty.is(Type::Small) {
            let prim = if is_first == Prim::Le { Prim::Min } else { Prim::Max };
            return Some(self.prim(prim, &operands));
        }
        let is_first = self.prim(is_first, &operands);
        Some(self.choose(ty, is_first, |_, is_first| operands[usize::from(!is_first)]))
    }

    /// Writes a branch on a bit to two values; returns the value of the side taken.
    fn choose(
        &mut self,
        ty: Type,
        condition: Operand,
        mut write: impl FnMut(&mut Self, bool) -> Operand,
    ) -> Operand {
        if let Operand::Small(bit) = condition {
            return write(self, bit != 0);
        }
        let value = self.out.new_var(ty);
        let after = self.new_block();
        let join = self.out.new_join(vec![value], after, false);
        self.push(Stmt::Join(join));
        // What either side defines is not in scope behind the join point.
        let scope = self.facts.enter();
        self.branch_on(condition, |this, holds| {
            let value = write(this, holds);
            this.terminate(Terminator::Jump(join, vec![value]));
        });
        self.facts.leave(scope);
        self.block = after;
        self.depth += 1;
        value.into()
    }

    /// The row that a replacement of an item makes of a row that is made here.
    fn replaced_row(&self, call: &Call) -> Option<Op> {
        let (row, index, value) = replacement(self.unit, call)?;
        let Op::Row(items) = self.facts.definition(row)? else { return None };
        let mut items = items.clone();
        *items.get_mut(index)? = value;
        Some(Op::Row(items))
    }

    fn jet_operation(&self, k: ConstantId) -> Option<JetOperation> {
        self.unit.constants[k].jet.as_ref()?.operation
    }

    /// The item that a jet reads from a row, if it is a jet that does. The jet evaluates the index
    /// only if the row has items: an app has.
    fn item_read_by_jet(&mut self, k: ConstantId, args: &[Operand]) -> Option<Operand> {
        let (index, row) = match (self.jet_operation(k)?, args) {
            (JetOperation::Index, &[index, row]) => (index, row),
            (JetOperation::Get, &[row, index]) => (index, row),
            _ => return None,
        };
        if self.type_of(index).is(Type::Whnf) {
            return Some(self.prim(Prim::Item, &[row, index]));
        }
        let has_items = match row {
            Operand::Constant(k) if self.unit.constants[k].kind == ConstantKind::App => {
                Operand::Small(1)
            }
            // Earlier passes may still find that the index is evaluated.
            _ if !self.options.speculate || self.depth + 4 > DEPTH_LIMIT => return None,
            _ => self.prim(Prim::IsApp, &[row]),
        };
        Some(self.choose(Type::Any, has_items, |this, has_items| {
            if !has_items {
                return Operand::Small(0);
            }
            let index = this.force(index);
            this.prim(Prim::Item, &[row, index])
        }))
    }

    /// Writes what an application reduced to, inlined if that is profitable; returns the results.
    pub(super) fn write_reduced(&mut self, reduced: Reduced) -> Vec<Operand> {
        let call = match reduced {
            Reduced::Value(value) => return vec![value],
            Reduced::Lazy(value) => return vec![self.force(value)],
            Reduced::Call(call) => call,
        };
        if let Some(callee) = self.callee_to_inline(&call) {
            return self.inline(callee, &call.args);
        }
        let types = self.unit.results_of(&call);
        let vars: Vec<_> = types.iter().map(|ty| self.out.new_var(*ty)).collect();
        self.push(Stmt::Let(vars.clone(), Op::Call(call)));
        vars.into_iter().map(Operand::Var).collect()
    }

    /// A call with its operands replaced by those of the function being written.
    pub(super) fn substituted_call(&self, frame: &SourceFrame<'u>, call: &Call) -> Call {
        let callee = match call.callee {
            Callee::Unknown(function) => Callee::Unknown(self.operand(frame, function)),
            known => known,
        };
        Call { callee, args: self.operands(frame, &call.args) }
    }
}

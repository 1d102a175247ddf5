//! The parameters that a function calls: specialising it for their values is profitable.
//!
//! A parameter counts as called if the function applies it, before or after it forces it; if the
//! function delays an application of it; or if the function passes it to a function, thunk or
//! partial application of the unit that calls it. This is a least fixpoint over the unit.

use crate::ir::{
    BlockId, Call, Callee, ConstantId, Function, FunctionId, Op, Operand, Stmt, Terminator, Unit,
    Var,
};
use cranelift_entity::{EntitySet, PrimaryMap};

/// Closures with more captured values than this are not worth knowing: no copy of a function is
/// specialised to them.
pub(crate) const CAPTURES_LIMIT: usize = 4;

/// The result of the analysis.
#[derive(Default)]
pub(crate) struct CalledParams {
    params: PrimaryMap<FunctionId, Vec<bool>>,
}

impl CalledParams {
    /// Analyses a unit.
    pub(crate) fn of(unit: &Unit) -> CalledParams {
        let mut called = CalledParams::default();
        called.extend(unit);
        called
    }

    /// Analyses the functions added to the unit since the last call. The results for older
    /// functions stay as they are.
    pub(crate) fn extend(&mut self, unit: &Unit) {
        let added: Vec<FunctionId> = unit.functions.keys().skip(self.params.len()).collect();
        for id in &added {
            self.params.push(vec![false; unit.functions[*id].params.len()]);
        }
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for &id in &added {
                let found = CalledWalk::of(unit, self, &unit.functions[id]);
                changed |= found != self.params[id];
                self.params[id] = found;
            }
        }
    }

    /// For each parameter of a function, whether the function calls it.
    pub(crate) fn params(&self, id: FunctionId) -> &[bool] {
        &self.params[id]
    }
}

/// The backward walk over one function.
struct CalledWalk<'a> {
    unit: &'a Unit,
    called: &'a CalledParams,
    vars: EntitySet<Var>,
    changed: bool,
}

impl CalledWalk<'_> {
    fn of(unit: &Unit, called: &CalledParams, function: &Function) -> Vec<bool> {
        let vars = EntitySet::with_capacity(function.vars.len());
        let mut walk = CalledWalk { unit, called, vars, changed: true };
        let blocks = function.live_blocks();
        while std::mem::take(&mut walk.changed) {
            // Backwards, since uses follow definitions.
            for block in blocks.iter().rev() {
                walk.block(function, *block);
            }
        }
        function.params.iter().map(|param| walk.vars.contains(*param)).collect()
    }

    fn block(&mut self, function: &Function, id: BlockId) {
        let block = &function.blocks[id];
        self.terminator(function, &block.terminator);
        block.stmts.iter().rev().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&mut self, stmt: &Stmt) {
        for op in stmt.ops() {
            match op {
                Op::Call(call) => self.call(call),
                Op::Delay(function, args) => {
                    self.note(*function);
                    self.constant(*function, args);
                }
                Op::Partial(k, captures) => self.constant(Operand::Constant(*k), captures),
                Op::Thunk(entry, captures) => self.passed(*entry, captures),
                Op::Generate(entry, operands) => self.passed(*entry, &operands[1..]),
                Op::Force(a) => {
                    if let Stmt::Let(results, _) = stmt
                        && results.iter().any(|result| self.vars.contains(*result))
                    {
                        self.note(*a);
                    }
                }
                _ => {}
            }
        }
    }

    fn terminator(&mut self, function: &Function, terminator: &Terminator) {
        match terminator {
            Terminator::Tail(call) => self.call(call),
            Terminator::Jump(join, args) => {
                let params: &[Var] = &function.joins[*join].params;
                for (param, arg) in params.iter().zip(args) {
                    if self.vars.contains(*param) {
                        self.note(*arg);
                    }
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        match call.callee {
            Callee::Unknown(function) => {
                self.note(function);
                self.constant(function, &call.args);
            }
            Callee::Local(callee) => self.passed(callee, &call.args),
            Callee::Known(k) => self.constant(Operand::Constant(k), &call.args),
            Callee::Worker(_) | Callee::Jet(_) => {}
        }
    }

    /// Notes the arguments that a constant calls, if its code is part of the unit.
    fn constant(&mut self, function: Operand, args: &[Operand]) {
        let entry_of = |k: ConstantId| self.unit.constants[k].entry;
        if let Operand::Constant(k) = function
            && let Some(entry) = entry_of(k)
        {
            self.passed(entry, args);
        }
    }

    fn passed(&mut self, callee: FunctionId, args: &[Operand]) {
        let called = self.called;
        for (arg, is_called) in args.iter().zip(called.params(callee)) {
            if *is_called {
                self.note(*arg);
            }
        }
    }

    fn note(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand {
            self.changed |= self.vars.insert(var);
        }
    }
}

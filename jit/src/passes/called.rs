//! Which parameters functions call: those for which it is worth knowing what they are.
//!
//! A parameter counts as called if it is called where it stands, once it is evaluated, in what is
//! delayed, or by a function, thunk or partial application of the unit that it is passed on to; that
//! is a least fixpoint over the unit.

use super::info;
use crate::ir::{
    Call, Callee, ConstantId, End, Function, FunctionId, Op, Operand, Stmt, Unit, Var,
};

/// The result of the analysis.
#[derive(Default)]
pub(super) struct Called {
    params: Vec<Vec<bool>>,
}

impl Called {
    pub(super) fn of(unit: &Unit) -> Called {
        let mut called = Called::default();
        called.extend(unit);
        called
    }

    /// Looks at functions that have been added to the unit. Those before are not looked at again.
    pub(super) fn extend(&mut self, unit: &Unit) {
        let known = self.params.len();
        let added = &unit.functions[known..];
        self.params.extend(added.iter().map(|function| vec![false; function.params.len()]));
        loop {
            let mut changed = false;
            for index in known..self.params.len() {
                let found = Walk::of(unit, self, &unit.functions[index]);
                changed |= found != self.params[index];
                self.params[index] = found;
            }
            if !changed {
                return;
            }
        }
    }

    /// Of each parameter of a function whether it is called.
    pub(super) fn params(&self, id: FunctionId) -> &[bool] {
        &self.params[id.index()]
    }
}

struct Walk<'a> {
    unit: &'a Unit,
    called: &'a Called,
    vars: Vec<bool>,
}

impl Walk<'_> {
    fn of(unit: &Unit, called: &Called, function: &Function) -> Vec<bool> {
        let mut walk = Walk { unit, called, vars: vec![false; function.vars.len()] };
        let blocks = info::blocks(function, function.entry);
        loop {
            let before = walk.vars.clone();
            // Backwards, since what is made of a variable comes after it.
            for block in blocks.iter().rev() {
                let block = &function.blocks[block.index()];
                walk.end(function, &block.end);
                block.stmts.iter().rev().for_each(|stmt| walk.stmt(stmt));
            }
            if walk.vars == before {
                return function.params.iter().map(|param| walk.vars[param.index()]).collect();
            }
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        for op in info::ops(stmt) {
            match op {
                Op::Call(call) => self.call(call),
                Op::Delay(function, args) => {
                    self.note(*function);
                    self.constant(*function, args);
                }
                Op::Partial(k, captures) => self.constant(Operand::Constant(*k), captures),
                Op::Thunk(entry, captures) => self.passed(*entry, captures),
                Op::Force(a) => {
                    if let Stmt::Let(results, _) = stmt
                        && results.iter().any(|result| self.vars[result.index()])
                    {
                        self.note(*a);
                    }
                }
                _ => {}
            }
        }
    }

    fn end(&mut self, function: &Function, end: &End) {
        match end {
            End::Tail(call) => self.call(call),
            End::Jump(join, args) => {
                let params: &[Var] = &function.joins[join.index()].params;
                for (param, arg) in params.iter().zip(args) {
                    if self.vars[param.index()] {
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

    /// Notes what the law of the unit that a constant is calls of what it is given.
    fn constant(&mut self, function: Operand, args: &[Operand]) {
        let entry_of = |k: ConstantId| self.unit.constants[k.index()].entry;
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
            self.vars[var.index()] = true;
        }
    }
}

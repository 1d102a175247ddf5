//! Induction variables: a variable of a loop that starts at a nat and whose next value is cheap to
//! compute from it is a nat in every turn, though the law passes a thunk of its next value.
//!
//! ```text
//! before  worker f1(v0: any, v1: nat) { .. v2 = thunk f2(v0); tail call f1(v2, v1) }      f1(0, v)
//! after   worker f1(v0: nat, v1: nat) { .. v2 = inc v0; tail call f1(v2, v1) }
//! ```
//!
//! Cheap eagerness alone does not see this: the thunk is cheap if the variable is a nat, and the
//! variable is a nat if the thunk is evaluated. So the [type inference](super::narrow) assumes that a
//! thunk whose code is cheap for the types of its captures is its value, and starts at the least
//! types; when nothing changes, the assumption has proved itself, and these thunks are evaluated.
//! (Optimistic data-flow analysis, as in sparse conditional constant propagation: Wegman, Zadeck,
//! TOPLAS 1991.)

use super::narrow::infer;
use crate::ir::{
    Function, FunctionId, FunctionRole, Op, Operand, Stmt, Terminator, Type, Unit, Var,
};

/// The most statements in the code of a thunk that is evaluated.
const CHEAP_SIZE: usize = 4;

pub(super) fn evaluate_cheap_thunks(unit: &mut Unit) {
    infer(unit, &|unit, function, entry, captures| {
        CheapCode::of(unit, function, entry, captures).map_or(Type::Any, |code| code.ty)
    });
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let mut function = unit.functions[id].clone();
        for block in function.live_blocks() {
            let stmts = std::mem::take(&mut function.blocks[block].stmts);
            let mut written = Vec::with_capacity(stmts.len());
            for stmt in stmts {
                match &stmt {
                    Stmt::Let(vars, Op::Thunk(entry, captures)) => {
                        match CheapCode::of(unit, &function, *entry, captures) {
                            Some(code) => {
                                code.write(&mut function, vars[0], captures, &mut written)
                            }
                            None => written.push(stmt),
                        }
                    }
                    _ => written.push(stmt),
                }
            }
            function.blocks[block].stmts = written;
        }
        unit.functions[id] = function;
    }
}

/// The code of a thunk that computes a nat by few cheap total operations.
struct CheapCode<'u> {
    code: &'u Function,
    /// The code's variables with the types that they have for these captures.
    typed: Function,
    result: Operand,
    ty: Type,
}

impl<'u> CheapCode<'u> {
    fn of(
        unit: &'u Unit,
        function: &Function,
        entry: FunctionId,
        captures: &[Operand],
    ) -> Option<CheapCode<'u>> {
        let code = &unit.functions[entry];
        let block = &code.blocks[code.entry];
        let result = match &block.terminator {
            Terminator::Return(results) => *results.first()?,
            Terminator::Enter(value) => *value,
            _ => return None,
        };
        if block.stmts.len() > CHEAP_SIZE {
            return None;
        }
        let mut typed = Function::new(FunctionRole::Thunk);
        typed.vars = code.vars.clone();
        for (param, ty) in code.params.iter().zip(unit.types_of(function, captures)) {
            typed.vars[*param] = ty;
        }
        for stmt in &block.stmts {
            let Stmt::Let(vars, op) = stmt else { return None };
            let ty = unit.cheap_result(&typed, op)?;
            vars.iter().for_each(|var| typed.vars[*var] = ty);
        }
        let ty = unit.types_of(&typed, &[result])[0];
        ty.is(Type::Nat).then_some(CheapCode { code, typed, result, ty })
    }

    /// Writes the code for these captures, with the result in `var`.
    fn write(
        &self,
        function: &mut Function,
        var: Var,
        captures: &[Operand],
        written: &mut Vec<Stmt>,
    ) {
        let mut values: Vec<(Operand, Operand)> =
            self.code.params.iter().map(|param| (*param).into()).zip(captures.to_vec()).collect();
        let value = |values: &[(Operand, Operand)], of: Operand| {
            values.iter().find(|(inner, _)| *inner == of).map_or(of, |(_, outer)| *outer)
        };
        for stmt in &self.code.blocks[self.code.entry].stmts {
            let Stmt::Let(vars, op) = stmt else { continue };
            let mut op = op.clone();
            op.operands_mut().for_each(|operand| *operand = value(&values, *operand));
            let new: Vec<Var> =
                vars.iter().map(|var| function.new_var(self.typed.vars[*var])).collect();
            let pairs =
                vars.iter().zip(&new).map(|(inner, outer)| ((*inner).into(), (*outer).into()));
            values.extend(pairs);
            written.push(Stmt::Let(new, op));
        }
        function.vars[var] = self.ty;
        written.push(Stmt::Let(vec![var], Op::Force(value(&values, self.result))));
    }
}

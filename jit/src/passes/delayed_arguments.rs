//! Arguments of delayed edits: a thunk of an edit captures the objects that are the edit's arguments, in
//! place of making them.
//!
//! ```text
//! v1 = thunk f1(x, table)                v2 = thunk f2(x)
//!                                        v1 = thunk f1(v2, table)
//! f1(x, t): tabIns(1, thunk f2(x), t)    f1(v, t): tabIns(1, v, t)
//! ```
//!
//! Code generation makes an edit at once in place of a thunk of it, if the code of the thunk does nothing
//! else (`codegen::delayed`). And the new item is often cheap where its thunk is made.

use super::captures::captured_values;
use crate::analysis::collections::{edited, is_short, jet_operation};
use crate::ir::{
    Block, BlockId, Function, FunctionId, Op, Operand, Stmt, Terminator, Type, Unit, Var,
};
use cranelift_entity::SecondaryMap;

/// The most arguments of one edit that are moved.
const ARGUMENTS_LIMIT: usize = 2;

/// An argument that moves to the makers of a thunk.
#[derive(Clone)]
struct MovedArgument {
    ty: Type,
    op: Op,
    /// The parameters of the thunk's code before the move.
    params: Vec<Var>,
}

type MovedArguments = SecondaryMap<FunctionId, Vec<MovedArgument>>;

pub(super) fn capture_arguments(unit: &mut Unit) {
    let captured = captured_values(unit);
    let mut moved = MovedArguments::default();
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids.iter().copied().filter(|id| captured[*id].is_some()) {
        if let Some(results) = arguments_of_edit(unit, &unit.functions[id]) {
            moved[id] = take(&mut unit.functions[id], &results);
        }
    }
    for id in ids {
        for block in unit.functions[id].live_blocks() {
            make(&mut unit.functions[id], block, &moved);
        }
    }
}

/// The variables that are objects which a thunk's code makes of its parameters, if there are some, and the
/// code besides only evaluates values and makes a short edit.
fn arguments_of_edit(unit: &Unit, function: &Function) -> Option<Vec<Var>> {
    let Block { stmts, terminator } = &function.blocks[function.entry];
    let Terminator::Tail(call) = terminator else { return None };
    let operation = jet_operation(unit, call)?;
    if !is_short(operation) || edited(operation, &call.args).is_none() {
        return None;
    }
    let is_param =
        |operand: Operand| operand.var().is_none_or(|var| function.params.contains(&var));
    let mut arguments = Vec::new();
    for stmt in stmts {
        let Stmt::Let(results, op) = stmt else { return None };
        match op {
            Op::Force(_) | Op::Normalise(_) => {}
            Op::Thunk(..) | Op::Delay(..) | Op::Row(_) | Op::Partial(..)
                if op.operands().all(is_param) =>
            {
                arguments.extend(results);
            }
            _ => return None,
        }
    }
    (1..=ARGUMENTS_LIMIT).contains(&arguments.len()).then_some(arguments)
}

/// Makes parameters of variables of a function; returns what they were.
fn take(function: &mut Function, results: &[Var]) -> Vec<MovedArgument> {
    let params = function.params.clone();
    let mut moved = Vec::new();
    let entry = function.entry;
    function.blocks[entry].stmts.retain(|stmt| match stmt {
        Stmt::Let(vars, op) if results.contains(&vars[0]) => {
            let ty = function.vars[vars[0]];
            moved.push(MovedArgument { ty, op: op.clone(), params: params.clone() });
            false
        }
        _ => true,
    });
    function.params.extend(results);
    moved
}

/// Makes the moved arguments of the thunks that a block makes.
fn make(function: &mut Function, block: BlockId, moved: &MovedArguments) {
    let mut written = Vec::with_capacity(function.blocks[block].stmts.len());
    for mut stmt in std::mem::take(&mut function.blocks[block].stmts) {
        if let Stmt::Let(_, Op::Thunk(entry, passed)) = &mut stmt {
            let before = passed.clone();
            for MovedArgument { ty, op, params } in &moved[*entry] {
                let mut op = op.clone();
                for operand in op.operands_mut() {
                    if let Some(place) = params.iter().position(|param| *operand == (*param).into())
                    {
                        *operand = before[place];
                    }
                }
                let made = function.vars.push(*ty);
                written.push(Stmt::Let(vec![made], op));
                passed.push(made.into());
            }
        }
        written.push(stmt);
    }
    function.blocks[block].stmts = written;
}

//! Thunks whose code dispatches are attempted: it is run at once where it comes to a cheap case.
//!
//! ```text
//! v1 = thunk f1(env, term)      v1 = call f2(env, term)
//!
//! f2: switch term { number, name: the value; others: thunk f1(env, term) }
//! ```
//!
//! An interpreter passes the values of two subterms to an operation that may not need them. Most subterms
//! are names and constants, whose evaluation is cheaper than a thunk; others call the interpreter. Which it
//! is, is known only at run time. The tests of the [lazy entry](super::lazy_entry) find it out: here they are
//! a function of their own, shared by all such thunks, since they are too much code to be written at
//! each of them. (Optimistic evaluation, as far as it needs no abortion: Ennals, Peyton Jones, ICFP 2003.)
//!
//! Nothing is attempted where only an `if` separates a base case from the rest: the rest of a list would be
//! tested at each cell, for a base case that comes once.

use super::lazy_entry::dispatch::write_dispatch;
use super::simplify::{SimplifyOptions, simplify};
use crate::ir::{Call, Callee, Function, FunctionId, FunctionRole, Op, Stmt, Unit};
use cranelift_entity::SecondaryMap;

/// The most functions that are made for a unit.
const FUNCTIONS_LIMIT: usize = 8;

pub(super) fn attempt(unit: &mut Unit) {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    let mut attempts: SecondaryMap<FunctionId, Option<FunctionId>> = SecondaryMap::new();
    let mut made = 0;
    for entry in thunk_entries(unit) {
        if made < FUNCTIONS_LIMIT
            && let Some(function) =
                write_dispatch(unit, entry, |captures| Op::Thunk(entry, captures))
        {
            attempts[entry] = Some(unit.functions.push(function));
            made += 1;
        }
    }
    if made == 0 {
        return;
    }
    for id in ids {
        call_attempts(&mut unit.functions[id], &attempts);
    }
    // The second run removes join points of which the first one has left one jump.
    simplify(unit, SimplifyOptions::default());
    simplify(unit, SimplifyOptions::default());
}

/// The codes of the thunks of a unit, in order of appearance.
fn thunk_entries(unit: &Unit) -> Vec<FunctionId> {
    let mut entries = Vec::new();
    for function in unit.functions.values().filter(|it| it.role != FunctionRole::Lazy) {
        for stmt in function.live_blocks().iter().flat_map(|id| &function.blocks[*id].stmts) {
            if let Stmt::Let(_, Op::Thunk(entry, _)) = stmt
                && !entries.contains(entry)
            {
                entries.push(*entry);
            }
        }
    }
    entries
}

/// Replaces thunks by calls of the functions that attempt their code.
fn call_attempts(function: &mut Function, attempts: &SecondaryMap<FunctionId, Option<FunctionId>>) {
    for block in function.blocks.values_mut() {
        for stmt in &mut block.stmts {
            if let Stmt::Let(_, op) = stmt
                && let Op::Thunk(entry, captures) = op
                && let Some(attempt) = attempts[*entry]
            {
                let args = std::mem::take(captures);
                *op = Op::Call(Call { callee: Callee::Local(attempt), args });
            }
        }
    }
}

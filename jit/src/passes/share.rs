//! Shared work: what the function of a generated row computes from the values to which it is already
//! applied is the same for all items. The thunks of such work are made once, before the row, and the
//! items capture them: `map (x & over x (length a)) a` computes the length once.
//!
//! ```text
//! before  v2 = partial k1(v0); v3 = call jet map(v2, v0)
//!         f1(v0, v1) { v2 = thunk f4(v0); tail call f2(v1, v2) }
//! after   v4 = thunk f4(v0); v3 = generate f5(v1, v0, v4)
//!         f6(v0, v2, v1) { tail call f2(v1, v2) }
//! ```
//!
//! This is full laziness (Peyton Jones, Lester, "A modular fully-lazy lambda lifter in Haskell", SPE
//! 1991) where the function is certain to be applied to several items, and what is shared lives no
//! longer than they do. It happens before inlining, which hides the thunks in the code around them.

use crate::ir::{
    Call, Callee, ConstantId, Function, FunctionId, FunctionRole, Op, Operand, Stmt, Terminator,
    Type, Unit, Var,
};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The most thunks of work that the items of a row share.
const SHARED_LIMIT: usize = 4;

/// Work that all items of a row have in common.
pub(super) struct SharedWork {
    /// The function without that work: before its last parameter it takes the thunks of it.
    pub(super) entry: FunctionId,
    pub(super) thunks: Vec<Operand>,
}

impl SharedWork {
    /// The work that the function `k` does for each item although it depends only on `given`, the
    /// values to which it is already applied. `written` gets the statements that make the thunks.
    pub(super) fn of(
        unit: &mut Unit,
        function: &mut Function,
        k: ConstantId,
        given: &[Operand],
        written: &mut Vec<Stmt>,
    ) -> Option<SharedWork> {
        let constant = &unit.constants[k];
        let entry = constant.entry.filter(|_| constant.jet.is_none())?;
        let mut code = unit.functions[entry].clone();
        let (item, known) = code.params.split_last()?;
        let mut values: HashMap<Var, Operand, FixedState> =
            known.iter().copied().zip(given.iter().copied()).collect();
        let item = *item;
        let stmts = std::mem::take(&mut code.blocks[code.entry].stmts);
        let (mut kept, mut moved, mut thunks) = (Vec::new(), Vec::new(), Vec::new());
        for stmt in stmts {
            let shared = thunk_of(&stmt, &values)
                .filter(|(_, thunk)| moved.len() < SHARED_LIMIT && calls_a_law(unit, thunk));
            let Some((var, thunk)) = shared else {
                kept.push(stmt);
                continue;
            };
            let made = function.new_var(Type::Any);
            written.push(Stmt::Let(vec![made], thunk));
            values.insert(var, made.into());
            moved.push(var);
            thunks.push(Operand::Var(made));
        }
        if moved.is_empty() {
            return None;
        }
        code.blocks[code.entry].stmts = kept;
        code.role = FunctionRole::Worker;
        code.params.pop();
        code.params.extend(moved);
        code.params.push(item);
        Some(SharedWork { entry: unit.functions.push(code), thunks })
    }
}

/// The thunk that a statement makes of known values alone, as the maker of the row makes it; and the
/// variable that the statement defines.
fn thunk_of(stmt: &Stmt, values: &HashMap<Var, Operand, FixedState>) -> Option<(Var, Op)> {
    let Stmt::Let(vars, op @ (Op::Thunk(..) | Op::Delay(..))) = stmt else { return None };
    let mut thunk = op.clone();
    for operand in thunk.operands_mut() {
        if let Operand::Var(var) = operand {
            *operand = *values.get(var)?;
        }
    }
    Some((*vars.first()?, thunk))
}

/// Whether a thunk's code calls a law, so that it may take longer than its allocation.
fn calls_a_law(unit: &Unit, thunk: &Op) -> bool {
    let calls = |call: &Call| !matches!(call.callee, Callee::Jet(_));
    match thunk {
        Op::Thunk(entry, _) => {
            let code = &unit.functions[*entry];
            let tail = code.live_blocks().into_iter().any(|block| {
                matches!(&code.blocks[block].terminator, Terminator::Tail(call) if calls(call))
            });
            tail || code.live_ops().any(|op| matches!(op, Op::Call(call) if calls(call)))
        }
        _ => true,
    }
}

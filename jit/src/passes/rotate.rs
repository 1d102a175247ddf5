//! Loop inversion: a loop whose state is a row, which it returns in the end, tests for its end before it
//! starts another turn.
//!
//! ```text
//! before  f1(v0: whnf, v1: whnf) { v2 = isnat v1; if v2 { return v0 } else { .. v5 = call f2(v0, v3); tail call f1(v5, v4) } }
//! after   f1(v0: whnf, v1: whnf) { v2 = isnat v1; if v2 { return v0 } else { tail call f3(v0, v1) } }
//!         f3(v0: whnf, v1: whnf) { .. v5 = call f2(v0, v3); v6 = isnat v4; if v6 { return v5 } else { tail call f3(v5, v4) } }
//! ```
//!
//! The code of a turn, `f3`, never returns the row that it gets, only the one that it makes. So it may take
//! the items in place of the row ([`unpack`](super::unpack)), whatever row the first turn gets, and items
//! that each turn evaluates are evaluated before the next turn, if there is one, starts. (Loop
//! inversion: Muchnick, "Advanced Compiler Design and Implementation", 1997, section 18.5.)
//!
//! This pass splits the function. The inliner then writes the test into the turn.

use super::results::{ReadParams, read_params};
use crate::ir::{
    Block, BlockId, Call, Callee, Function, FunctionId, FunctionRole, Op, Operand, Stmt,
    Terminator, Type, Unit, Var,
};

/// The most statements before the test, and at the end of the loop: both are written twice.
const STATEMENTS_LIMIT: usize = 3;

/// Splits the loops; returns whether there were some.
pub(super) fn rotate(unit: &mut Unit) -> bool {
    // A loop over a generated row is recognised by its first test.
    let generates = |function: &Function| {
        function.live_ops().any(|op| matches!(op, Op::Generate(..) | Op::ZeroRow(_)))
    };
    if unit.functions.values().any(generates) {
        return false;
    }
    let (read, mut has_rotated) = (read_params(unit), false);
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let Some(turn) = turn_of(&unit.functions[id], id, &read) else { continue };
        let code = turn_code(&unit.functions[id], &turn);
        let args: Vec<Operand> = code.params.iter().map(|param| (*param).into()).collect();
        let code = unit.functions.push(code);
        let function = &mut unit.functions[id];
        let start = function.new_block(Terminator::Tail(Call::local(code, args)));
        let Terminator::If(_, yes, no) = &mut function.blocks[function.entry].terminator else {
            continue;
        };
        let branch = if *yes == turn.block { yes } else { no };
        *branch = start;
        has_rotated = true;
    }
    has_rotated
}

/// The turn of a loop.
struct Turn {
    /// The branch of the first test that is the turn.
    block: BlockId,
    /// What is computed before the test and used in the turn.
    computed: Vec<Var>,
}

/// The turn of a function that is a loop of that form.
fn turn_of(function: &Function, id: FunctionId, read: &ReadParams) -> Option<Turn> {
    if function.role != FunctionRole::Worker {
        return None;
    }
    let Block { stmts, terminator } = &function.blocks[function.entry];
    let &Terminator::If(_, yes, no) = terminator else { return None };
    let is_let = |stmt: &Stmt| matches!(stmt, Stmt::Let(..));
    if stmts.len() > STATEMENTS_LIMIT || !stmts.iter().all(is_let) {
        return None;
    }
    let (block, state) = match (returned_param(function, yes), returned_param(function, no)) {
        (Some(state), None) => (no, state),
        (None, Some(state)) => (yes, state),
        _ => return None,
    };
    let is_row = read.contains(&(id, state)) && changes_state(function, id, block, state);
    is_row.then(|| {
        let defined = stmts.iter().flat_map(|stmt| match stmt {
            Stmt::Let(vars, _) => vars.clone(),
            Stmt::Rec(_) | Stmt::Join(_) => Vec::new(),
        });
        let used = used_in(function, block);
        Turn { block, computed: defined.filter(|var| used.contains(&(*var).into())).collect() }
    })
}

/// The place of the evaluated parameter that a block only returns.
fn returned_param(function: &Function, block: BlockId) -> Option<usize> {
    let Block { stmts, terminator: Terminator::Return(results) } = &function.blocks[block] else {
        return None;
    };
    let [Operand::Var(result)] = results[..] else { return None };
    let place = function.params.iter().position(|param| *param == result)?;
    (stmts.is_empty() && function.vars[result] == Type::Whnf).then_some(place)
}

/// Whether the code under a block calls the function itself only at its end, each time with another
/// state.
fn changes_state(function: &Function, id: FunctionId, block: BlockId, state: usize) -> bool {
    let row = Operand::Var(function.params[state]);
    let mut turns = 0;
    for block in function.blocks_under(block) {
        let Block { stmts, terminator } = &function.blocks[block];
        let calls_itself =
            |op: &Op| matches!(op, Op::Call(call) if call.callee == Callee::Local(id));
        if stmts.iter().flat_map(Stmt::ops).any(calls_itself) {
            return false;
        }
        match terminator {
            Terminator::Tail(call) if call.callee == Callee::Local(id) => {
                if call.args[state] == row {
                    return false;
                }
                turns += 1;
            }
            _ => {}
        }
    }
    turns > 0
}

/// The operands of the code under a block.
fn used_in(function: &Function, block: BlockId) -> Vec<Operand> {
    let mut used = Vec::new();
    for block in function.blocks_under(block) {
        let Block { stmts, terminator } = &function.blocks[block];
        used.extend(stmts.iter().flat_map(Stmt::ops).flat_map(Op::operands));
        used.extend(terminator.operands());
    }
    used
}

/// The code of a turn as a function, which ends its turns by calls of the loop.
fn turn_code(function: &Function, turn: &Turn) -> Function {
    let mut code = function.clone();
    code.entry = turn.block;
    code.params.extend(&turn.computed);
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;

    #[test]
    fn a_unit_without_such_loops_stays_the_same() {
        let text =
            "k0 = law \"f\" arity 1 entry f0\n\ngeneral f0(v0: any) -> whnf {\n  enter v0\n}\n";
        let mut unit = parse(text).expect("it is the text of a unit");
        let before = unit.clone();
        assert!(!rotate(&mut unit));
        assert!(unit.functions == before.functions);
    }
}

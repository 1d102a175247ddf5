//! Float-in: a definition that only one branch uses moves into that branch, so that the other
//! branches do not pay for it. (GHC's `FloatIn`; Peyton Jones, Partain, Santos, "Let-floating:
//! moving bindings to give faster programs", ICFP 1996.)
//!
//! Only total operations move: allocations and primitive operations that neither crash nor
//! evaluate. If several branches use a thunk, and nothing else does, each of them gets a copy: one
//! branch runs, so the thunk is made once at most, and where a branch evaluates it, a later pass may
//! find it unnecessary. (An argument of a function that was inlined, with a switch between
//! operations, is such a thunk.) So does each of several branches that use a row of parameters, if the row is not used on
//! every way through them. If one of several branches only enters a thunk, the thunk is
//! duplicated for that branch. A definition may move into the code of a join point, which runs at most
//! once, but not into a loop.

use crate::ir::{
    Block, BlockId, Function, FunctionId, Op, Operand, Prim, Stmt, Terminator, Type, Unit, Var,
};
use cranelift_entity::EntitySet;

pub(super) fn float_in(unit: &mut Unit) {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let mut function = unit.functions[id].clone();
        for block in function.live_blocks() {
            float_out_of_block(unit, &mut function, block);
        }
        unit.functions[id] = function;
    }
}

/// A region of the code after a statement: the rest of its block, or the tree under one successor.
struct UseRegion {
    /// The first block of the region, if a definition may move there.
    target: Option<BlockId>,
    /// The variables that the region uses.
    used: EntitySet<Var>,
}

impl UseRegion {
    fn empty(function: &Function) -> UseRegion {
        UseRegion { target: None, used: EntitySet::with_capacity(function.vars.len()) }
    }

    fn tree(function: &Function, root: BlockId, may_move: bool) -> UseRegion {
        let mut region = UseRegion::empty(function);
        region.target = may_move.then_some(root);
        for block in function.blocks_under(root) {
            let Block { stmts, terminator } = &function.blocks[block];
            stmts.iter().flat_map(Stmt::ops).for_each(|op| region.note(op.operands()));
            region.note(terminator.operands());
        }
        region
    }

    fn note(&mut self, operands: impl IntoIterator<Item = Operand>) {
        for operand in operands {
            if let Operand::Var(var) = operand {
                self.used.insert(var);
            }
        }
    }
}

/// Moves definitions of a block into the blocks under it.
fn float_out_of_block(unit: &Unit, function: &mut Function, id: BlockId) {
    let branches = function.blocks[id].terminator.blocks();
    let has_joins = function.blocks[id].stmts.iter().any(|stmt| matches!(stmt, Stmt::Join(_)));
    if branches.is_empty() && !has_joins {
        return;
    }
    let stmts = std::mem::take(&mut function.blocks[id].stmts);
    stmts.iter().for_each(|stmt| duplicate_entered_thunk(function, &branches, stmt));
    // Region 0 is the rest of this block itself.
    let branch_count = branches.len();
    let mut regions = vec![UseRegion::empty(function)];
    regions[0].note(function.blocks[id].terminator.operands());
    regions.extend(branches.into_iter().map(|block| UseRegion::tree(function, block, true)));
    let mut kept = Vec::with_capacity(stmts.len());
    for stmt in stmts.into_iter().rev() {
        if let Some((index, block)) = target(unit, function, &regions, &stmt) {
            stmt.ops().for_each(|op| regions[index].note(op.operands()));
            function.blocks[block].stmts.insert(0, stmt);
            continue;
        }
        if let Some(users) = branches_that_share(function, &regions, branch_count, &stmt) {
            for index in users {
                copy_to_branch(function, &mut regions[index], &stmt);
            }
            continue;
        }
        match &stmt {
            Stmt::Join(join) => {
                let join = &function.joins[*join];
                regions.push(UseRegion::tree(function, join.body, !join.is_loop));
            }
            _ => stmt.ops().for_each(|op| regions[0].note(op.operands())),
        }
        kept.push(stmt);
    }
    kept.reverse();
    function.blocks[id].stmts = kept;
}

/// Gives the branch whose terminator enters a thunk its own copy of that thunk, if another
/// branch uses it as well.
fn duplicate_entered_thunk(function: &mut Function, branches: &[BlockId], stmt: &Stmt) {
    let Stmt::Let(vars, op @ (Op::Thunk(..) | Op::Delay(..))) = stmt else { return };
    let [thunk] = vars[..] else { return };
    let enters =
        |branch: &&BlockId| function.blocks[**branch].terminator == Terminator::Enter(thunk.into());
    let Some(&entering) = branches.iter().find(enters) else { return };
    let is_used =
        |branch: &&BlockId| UseRegion::tree(function, **branch, false).used.contains(thunk);
    if branches.iter().filter(is_used).count() < 2 {
        return;
    }
    let copy = function.new_var(Type::Any);
    let block = &mut function.blocks[entering];
    block.terminator = Terminator::Enter(copy.into());
    block.stmts.push(Stmt::Let(vec![copy], op.clone()));
}

/// The only region that uses a definition, with its target block, if the definition may move there.
fn target(
    unit: &Unit,
    function: &Function,
    regions: &[UseRegion],
    stmt: &Stmt,
) -> Option<(usize, BlockId)> {
    let Stmt::Let(vars, op) = stmt else { return None };
    // Items are read early, so that their row becomes garbage early.
    if matches!(op, Op::Force(_) | Op::Prim(Prim::Item, _)) || !unit.is_total(function, op) {
        return None;
    }
    let is_used = |region: &UseRegion| vars.iter().any(|var| region.used.contains(*var));
    let mut users = (0..regions.len()).filter(|&index| is_used(&regions[index]));
    match (users.next(), users.next()) {
        (Some(only), None) => regions[only].target.map(|block| (only, block)),
        _ => None,
    }
}

/// The branches that use a thunk or row, if nothing else does, and copies are of use: some branch does not use
/// it, or some branch evaluates it, or it is a row and may not be used. The regions of the branches are those from 1 to `branch_count`.
fn branches_that_share(
    function: &Function,
    regions: &[UseRegion],
    branch_count: usize,
    stmt: &Stmt,
) -> Option<Vec<usize>> {
    let Stmt::Let(vars, op @ (Op::Thunk(..) | Op::Delay(..) | Op::Row(_))) = stmt else {
        return None;
    };
    let &[thunk] = &vars[..] else { return None };
    if matches!(op, Op::Row(_)) && !is_made_of_params(function, op) {
        return None;
    }
    // Where a branch evaluates what the thunk captures (a row, to read an item, say), a later pass
    // may find the thunk cheap.
    let captured = op.operands().filter_map(|operand| match operand {
        Operand::Var(var) if function.vars[var] == Type::Any => Some(var),
        _ => None,
    });
    let values: Vec<Var> = captured.chain([thunk]).collect();
    let users = (0..regions.len()).filter(|index| regions[*index].used.contains(thunk));
    let users: Vec<usize> = users.collect();
    let are_branches = users.len() > 1 && users.iter().all(|at| (1..=branch_count).contains(at));
    let is_evaluated = |index: &usize| {
        regions[*index].target.is_some_and(|branch| evaluates(function, branch, &values))
    };
    let is_always_used = |index: &usize| {
        regions[*index].target.is_some_and(|branch| uses_always(function, branch, thunk))
    };
    let is_of_use = || {
        users.len() < branch_count
            || match op {
                Op::Row(_) => !users.iter().all(is_always_used),
                _ => users.iter().any(is_evaluated),
            }
    };
    (are_branches && is_of_use()).then_some(users)
}

/// Whether the operands of an operation are parameters of the function or of a loop: a row of these is one that a
/// loop takes the items of.
fn is_made_of_params(function: &Function, op: &Op) -> bool {
    let is_param = |operand: Operand| match operand {
        Operand::Var(var) => {
            let mut loops = function.joins.values().filter(|join| join.is_loop);
            function.params.contains(&var) || loops.any(|join| join.params.contains(&var))
        }
        _ => false,
    };
    op.operands().all(is_param)
}

/// Whether each way through the blocks under a block uses a variable, as far as can be seen before a join
/// point.
fn uses_always(function: &Function, root: BlockId, var: Var) -> bool {
    let Block { stmts, terminator } = &function.blocks[root];
    let is_var = |operand: Operand| operand == var.into();
    if stmts.iter().flat_map(Stmt::ops).flat_map(Op::operands).any(is_var)
        || terminator.operands().into_iter().any(is_var)
    {
        return true;
    }
    let below = terminator.blocks();
    !below.is_empty() && below.iter().all(|block| uses_always(function, *block, var))
}

/// Whether code under a block evaluates one of some values, or a thunk that captures one.
fn evaluates(function: &Function, root: BlockId, values: &[Var]) -> bool {
    let is_one = |operand: Operand| values.iter().any(|value| operand == (*value).into());
    let blocks = function.blocks_under(root);
    let made = blocks.iter().flat_map(|id| &function.blocks[*id].stmts);
    let capturing = made.filter_map(|stmt| match stmt {
        Stmt::Let(vars, op @ (Op::Thunk(..) | Op::Delay(..))) if op.operands().any(is_one) => {
            vars.first().map(|var| Operand::Var(*var))
        }
        _ => None,
    });
    let capturing: Vec<Operand> = capturing.collect();
    let is_evaluated = |operand: Operand| is_one(operand) || capturing.contains(&operand);
    blocks.iter().any(|id| {
        let Block { stmts, terminator } = &function.blocks[*id];
        let forces = |op: &Op| matches!(op, Op::Force(operand) if is_evaluated(*operand));
        stmts.iter().flat_map(Stmt::ops).any(forces)
            || matches!(terminator, Terminator::Enter(operand) if is_evaluated(*operand))
    })
}

/// Writes a copy of the thunk or row that a statement makes at the start of a branch that uses it.
fn copy_to_branch(function: &mut Function, region: &mut UseRegion, stmt: &Stmt) {
    let (Stmt::Let(vars, op), Some(branch)) = (stmt, region.target) else { return };
    let copy = function.new_var(function.vars[vars[0]]);
    for id in function.blocks_under(branch) {
        let Block { stmts, terminator } = &mut function.blocks[id];
        let in_stmts = stmts.iter_mut().flat_map(Stmt::ops_mut).flat_map(Op::operands_mut);
        for operand in in_stmts.chain(terminator.operands_mut()) {
            if *operand == Operand::Var(vars[0]) {
                *operand = copy.into();
            }
        }
    }
    function.blocks[branch].stmts.insert(0, Stmt::Let(vec![copy], op.clone()));
    region.note(op.operands());
}

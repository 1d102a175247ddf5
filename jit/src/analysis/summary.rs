//! The summary of a function that the simplifier consults before it walks or inlines the function.

use super::call_graph::{referenced_functions, tail_calls};
use crate::ir::{
    Block, BlockId, Call, Callee, Function, FunctionId, JoinId, Op, Operand, Prim, Stmt,
    Terminator, Unit, Var, side_table,
};
use cranelift_entity::{EntitySet, PrimaryMap, SecondaryMap};

/// Loops with turns of at most this size are unrolled, if they take a few turns.
pub(crate) const UNROLLED_SIZE: usize = 24;
/// The count for all counts from two on.
const SEVERAL: u32 = 2;

/// The most wrappers between a call and the function that is called in the end.
const WRAPPERS_LIMIT: usize = 4;

/// Facts about one function as it was before the pass.
pub(crate) struct FunctionSummary {
    /// The number of statements and terminators.
    pub(crate) size: usize,
    /// The depth of the block tree.
    pub(crate) depth: usize,
    /// See [`is_wrapper`].
    pub(crate) is_wrapper: bool,
    /// Whether it calls itself, directly or through a wrapper or a base-case front (see
    /// `passes::peel`). Other mutual recursion does not count: such functions may be inlined into
    /// each other.
    pub(crate) is_recursive: bool,
    /// Whether a cycle of calls and thunks comes back to it, and the code from the root reaches it first
    /// of the cycle. (A loop breaker.) If others of the cycle had its code inlined, and it theirs, the
    /// loop would be unrolled in each pass, the next time by code that is unrolled already.
    pub(crate) is_header: bool,
    /// The parameters that it compares first, and passes unchanged or counts up or down in all its calls
    /// of itself, by their indices.
    pub(crate) counters: Vec<usize>,
    /// Whether it may end by entering a new thunk of its own code, which the `loop` pass turns into
    /// a loop.
    pub(crate) is_thunk_loop: bool,
    /// Whether it has one exit and no join points, so that it is inlined without a join point.
    pub(crate) is_straight_line: bool,
    /// The number of its calls and thunks in the code that the root reaches, at most [`SEVERAL`]; one
    /// more for the root. Those in a function that has several count as several.
    pub(crate) references: u32,
    /// The parameters whose items or length it reads.
    pub(crate) read_rows: EntitySet<Var>,
    /// The number of uses of each variable.
    pub(crate) uses: SecondaryMap<Var, u32>,
    /// The variables that a statement of its own defines as a thunk.
    pub(crate) thunks: EntitySet<Var>,
    /// The number of jumps to each join point.
    pub(crate) jumps: SecondaryMap<JoinId, u32>,
    /// The join points to which some jump passes a nat literal.
    pub(crate) passed_literal: EntitySet<JoinId>,
}

impl FunctionSummary {
    /// Summarises all functions of a unit. With `loops_once`, the calls of a function by itself do not
    /// count, unless it may be unrolled.
    pub(crate) fn of_unit(
        unit: &Unit,
        loops_once: bool,
    ) -> PrimaryMap<FunctionId, FunctionSummary> {
        let ids = unit.functions.keys();
        let mut summaries: PrimaryMap<_, _> = ids.map(|id| FunctionSummary::of(unit, id)).collect();
        // Callers outside of the unit call the root. The code of a function that is referenced twice
        // may be copied, and a cycle may be unrolled, so both count as two for what they reference.
        summaries[FunctionId::ROOT].references = 1;
        let mut todo = vec![(FunctionId::ROOT, 1)];
        while let Some((id, added)) = todo.pop() {
            for callee in referenced_functions(&unit.functions[id]) {
                let is_unrolled =
                    !summaries[id].counters.is_empty() && summaries[id].size <= UNROLLED_SIZE;
                if loops_once && callee == id && !is_unrolled {
                    continue;
                }
                let references = &mut summaries[callee].references;
                let new = (*references + added).min(SEVERAL);
                if new > *references {
                    todo.push((callee, new - *references));
                    *references = new;
                }
            }
        }
        for header in loop_headers(unit).iter() {
            summaries[header].is_header = true;
        }
        summaries
    }

    fn of(unit: &Unit, id: FunctionId) -> FunctionSummary {
        let function = &unit.functions[id];
        let mut summary = FunctionSummary {
            size: function.size(),
            depth: function.depth_under(function.entry),
            is_wrapper: is_wrapper(function),
            is_recursive: is_recursive(unit, id),
            is_header: false,
            counters: counters(function, id),
            is_thunk_loop: is_thunk_loop(function, id),
            is_straight_line: false,
            references: 0,
            read_rows: EntitySet::new(),
            uses: side_table(function.vars.len()),
            thunks: EntitySet::with_capacity(function.vars.len()),
            jumps: side_table(function.joins.len()),
            passed_literal: EntitySet::new(),
        };
        let mut has_joins = false;
        for block in function.live_blocks() {
            let block = &function.blocks[block];
            for stmt in &block.stmts {
                has_joins |= matches!(stmt, Stmt::Join(_));
                if let Stmt::Let(vars, Op::Thunk(..) | Op::Delay(..)) = stmt {
                    summary.thunks.extend(vars.iter().copied());
                }
                for op in stmt.ops() {
                    if let Op::Prim(Prim::Item | Prim::Length, operands) = op
                        && let Operand::Var(row) = operands[0]
                        && function.params.contains(&row)
                    {
                        summary.read_rows.insert(row);
                    }
                    op.operands().for_each(|operand| summary.count_use(operand));
                }
            }
            block.terminator.operands().into_iter().for_each(|operand| summary.count_use(operand));
            if let Terminator::Jump(join, args) = &block.terminator {
                summary.jumps[*join] += 1;
                if args.iter().any(|arg| matches!(arg, Operand::Small(_))) {
                    summary.passed_literal.insert(*join);
                }
            }
        }
        let first_exit = &function.blocks[function.entry].terminator;
        summary.is_straight_line = !has_joins
            && matches!(
                first_exit,
                Terminator::Return(_) | Terminator::Enter(_) | Terminator::Tail(_)
            );
        summary
    }

    fn count_use(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand {
            self.uses[var] += 1;
        }
    }
}

/// The targets of the back edges of a depth-first walk from the root over calls and thunks. A wrapper
/// counts as the function that it calls.
pub(crate) fn loop_headers(unit: &Unit) -> EntitySet<FunctionId> {
    let behind_wrappers = |mut id: FunctionId| {
        // Wrappers that call each other do not end.
        for _ in 0..WRAPPERS_LIMIT {
            match referenced_functions(&unit.functions[id])[..] {
                [callee] if is_wrapper(&unit.functions[id]) => id = callee,
                _ => break,
            }
        }
        id
    };
    let callees = |id: FunctionId| {
        let mut callees = referenced_functions(&unit.functions[id]);
        callees.reverse();
        callees.iter_mut().for_each(|callee| *callee = behind_wrappers(*callee));
        callees
    };
    let mut headers = EntitySet::with_capacity(unit.functions.len());
    let (mut seen, mut open) = (headers.clone(), headers.clone());
    let root = behind_wrappers(FunctionId::ROOT);
    seen.insert(root);
    open.insert(root);
    let mut path = vec![(root, callees(root))];
    while let Some((id, left)) = path.last_mut() {
        let Some(callee) = left.pop() else {
            open.remove(*id);
            path.pop();
            continue;
        };
        if open.contains(callee) {
            headers.insert(callee);
        } else if seen.insert(callee) {
            open.insert(callee);
            path.push((callee, callees(callee)));
        }
    }
    headers
}

fn is_recursive(unit: &Unit, id: FunctionId) -> bool {
    referenced_functions(&unit.functions[id]).into_iter().any(|callee| {
        let function = &unit.functions[callee];
        callee == id
            || is_wrapper(function) && referenced_functions(function).contains(&id)
            || is_base_case_front(function, id)
    })
}

/// The parameters that a function compares first, if it passes each unchanged, or one more or less, in
/// all its calls of itself.
fn counters(function: &Function, id: FunctionId) -> Vec<usize> {
    let entry = &function.blocks[function.entry];
    let Terminator::If(Operand::Var(condition), ..) = entry.terminator else { return Vec::new() };
    let tested = entry.stmts.iter().find_map(|stmt| match stmt {
        Stmt::Let(vars, Op::Prim(prim, of)) if vars[0] == condition => {
            let is_test = prim.compares() || matches!(prim, Prim::Truth | Prim::IsZero);
            is_test.then_some(of)
        }
        _ => None,
    });
    let tested = tested.into_iter().flatten().filter(|of| matches!(of, Operand::Var(_)));
    let place = |of: &Operand| function.params.iter().position(|param| *of == (*param).into());
    let Some(places) = tested.map(place).collect::<Option<Vec<usize>>>() else {
        return Vec::new();
    };
    let blocks = function.live_blocks();
    let stmts = || blocks.iter().flat_map(|block| &function.blocks[*block].stmts);
    let is_next = |arg: Operand, param: Operand| {
        let steps = |stmt: &Stmt| match stmt {
            Stmt::Let(vars, Op::Prim(Prim::Inc | Prim::Dec, of)) => {
                arg == Operand::Var(vars[0]) && of[0] == param
            }
            _ => false,
        };
        arg == param || stmts().any(steps)
    };
    let called = stmts().flat_map(Stmt::ops).filter_map(|op| match op {
        Op::Call(call) => Some(call),
        _ => None,
    });
    let calls = called.chain(tail_calls(function));
    let mut own = calls.filter(|call| call.callee == Callee::Local(id)).peekable();
    let is_loop = own.peek().is_some()
        && own.all(|call| {
            places.iter().all(|place| is_next(call.args[*place], function.params[*place].into()))
        });
    if is_loop { places } else { Vec::new() }
}

fn is_thunk_loop(function: &Function, id: FunctionId) -> bool {
    let blocks = function.live_blocks();
    let code = || blocks.iter().map(|block| &function.blocks[*block]);
    let entered =
        |var: &Var| code().any(|block| block.terminator == Terminator::Enter((*var).into()));
    code().flat_map(|block| &block.stmts).any(|stmt| match stmt {
        Stmt::Let(vars, Op::Thunk(entry, _)) => *entry == id && vars.iter().any(entered),
        _ => false,
    })
}

/// Whether a function tests for the base case of another function, and tail calls that function
/// with its own parameters otherwise.
fn is_base_case_front(function: &Function, id: FunctionId) -> bool {
    let Terminator::If(_, yes, no) = function.blocks[function.entry].terminator else {
        return false;
    };
    let forwards = |branch: BlockId| {
        let Block { stmts, terminator } = &function.blocks[branch];
        let params = function.params.iter().map(|param| Operand::Var(*param));
        let is_same_call = |call: &Call| {
            call.callee == Callee::Local(id) && call.args.iter().copied().eq(params.clone())
        };
        stmts.is_empty() && matches!(terminator, Terminator::Tail(call) if is_same_call(call))
    };
    forwards(yes) || forwards(no)
}

/// Whether a function only forces some of its parameters and tail calls a function of the unit.
pub(crate) fn is_wrapper(function: &Function) -> bool {
    let block = &function.blocks[function.entry];
    let only_forces = block.stmts.iter().all(|stmt| matches!(stmt, Stmt::Let(_, Op::Force(_))));
    let is_local = |call: &Call| matches!(call.callee, Callee::Local(_));
    only_forces && matches!(&block.terminator, Terminator::Tail(call) if is_local(call))
}

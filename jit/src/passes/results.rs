//! Result rows: a worker that ends by making a row returns the items of the row instead.
//!
//! Its callers get the items, and allocate the row only where it is used as a row. (GHC's
//! constructed product result analysis: Baker-Finch, Glynn, Peyton Jones, "Constructed product
//! result analysis for Haskell", JFP 2004.)
//!
//! ```text
//! before  worker f1(..) -> whnf { .. v5 = row(v3, v4); return v5 }
//!         v1 = call f1(..)
//! after   worker f1(..) -> any, any { .. return v3, v4 }
//!         v2, v3 = call f1(..); v1 = row(v2, v3)
//! ```
//!
//! Every exit of the worker must be such a row, of one size, or a tail call of a worker for which
//! the same holds. Where another function tail calls such a worker, the call becomes one that
//! returns and the function makes the row. That does not let the stack grow: a cycle of tail calls
//! through that function would have made it such a worker itself.

use crate::analysis::call_graph::tail_calls;
use crate::ir::{
    Block, BlockId, Call, Callee, Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt,
    Terminator, Type, Unit, Var,
};
use cranelift_entity::{EntitySet, PrimaryMap};
use foldhash::fast::FixedState;
use std::collections::HashSet;

/// The numbers of items that are returned in registers.
const ITEMS: std::ops::RangeInclusive<usize> = 2..=4;

/// For each function, the number of items it returns, if it returns items.
type ItemCounts = PrimaryMap<FunctionId, Option<usize>>;

pub(super) fn return_items(unit: &mut Unit) {
    let counts = chosen_functions(unit);
    if counts.values().all(Option::is_none) {
        return;
    }
    for (id, function) in unit.functions.iter_mut() {
        for block in function.live_blocks() {
            rewrite_block(function, id, block, &counts);
        }
        if let Some(count) = counts[id] {
            function.results = vec![Type::Any; count];
        }
    }
}

fn rewrite_block(function: &mut Function, id: FunctionId, block: BlockId, counts: &ItemCounts) {
    let Block { stmts, terminator } = std::mem::replace(
        &mut function.blocks[block],
        Block { stmts: Vec::new(), terminator: Terminator::Return(Vec::new()) },
    );
    let mut written = Vec::with_capacity(stmts.len());
    for stmt in stmts {
        match stmt {
            Stmt::Let(vars, Op::Call(call)) if count_of(counts, &call).is_some() => {
                make_row(function, counts, call, vars[0], &mut written);
            }
            stmt => written.push(stmt),
        }
    }
    let returns_items = counts[id].is_some();
    let terminator = match terminator {
        Terminator::Return(list) if returns_items => {
            Terminator::Return(row_of(&written, &list).map_or(list.clone(), <[Operand]>::to_vec))
        }
        Terminator::Tail(call) if !returns_items && count_of(counts, &call).is_some() => {
            let row = function.new_var(Type::Whnf);
            make_row(function, counts, call, row, &mut written);
            Terminator::Return(vec![row.into()])
        }
        terminator => terminator,
    };
    function.blocks[block] = Block { stmts: written, terminator };
}

/// Writes a call of a worker that returns items, and the row of them.
fn make_row(
    function: &mut Function,
    counts: &ItemCounts,
    call: Call,
    row: Var,
    written: &mut Vec<Stmt>,
) {
    let count = count_of(counts, &call).unwrap_or(0);
    let items: Vec<Var> = (0..count).map(|_| function.new_var(Type::Any)).collect();
    let operands = items.iter().map(|item| (*item).into()).collect();
    written.push(Stmt::Let(items, Op::Call(call)));
    written.push(Stmt::Let(vec![row], Op::Row(operands)));
}

/// The number of items that a call returns, if it returns items.
fn count_of(counts: &ItemCounts, call: &Call) -> Option<usize> {
    match call.callee {
        Callee::Local(function) => counts[function],
        _ => None,
    }
}

/// The functions that are to return items: those that can, and whose row some caller takes apart,
/// directly or through tail calls.
fn chosen_functions(unit: &Unit) -> ItemCounts {
    let mut counts: ItemCounts = unit.functions.values().map(row_size).collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (id, function) in &unit.functions {
            let agrees = |call: &Call| count_of(&counts, call) == counts[id];
            if counts[id].is_some() && !tail_calls(function).all(agrees) {
                counts[id] = None;
                changed = true;
            }
        }
    }
    let mut wanted = EntitySet::with_capacity(unit.functions.len());
    let read = read_params(unit);
    unit.functions.values().for_each(|function| note_taken_apart(function, &read, &mut wanted));
    let mut todo: Vec<FunctionId> = wanted.iter().collect();
    while let Some(id) = todo.pop() {
        // A function that returns items must get items from its tail calls.
        for call in tail_calls(&unit.functions[id]) {
            if let Callee::Local(callee) = call.callee
                && counts[id].is_some()
                && wanted.insert(callee)
            {
                todo.push(callee);
            }
        }
    }
    counts.into_iter().map(|(id, count)| count.filter(|_| wanted.contains(id))).collect()
}

/// The number of items of the rows that a worker returns, if all its exits other than tail calls
/// return rows of one size.
fn row_size(function: &Function) -> Option<usize> {
    if function.role != FunctionRole::Worker || function.results != [Type::Whnf] {
        return None;
    }
    let mut size = None;
    for block in function.live_blocks() {
        let Block { stmts, terminator } = &function.blocks[block];
        match terminator {
            Terminator::Return(list) => {
                let count = row_of(stmts, list)?.len();
                if *size.get_or_insert(count) != count {
                    return None;
                }
            }
            Terminator::Enter(_) => return None,
            _ => {}
        }
    }
    size.filter(|size| ITEMS.contains(size))
}

/// The items of the row that is returned, if the same block makes it.
fn row_of<'s>(stmts: &'s [Stmt], returned: &[Operand]) -> Option<&'s [Operand]> {
    let [Operand::Var(row)] = returned else { return None };
    stmts.iter().find_map(|stmt| match stmt {
        Stmt::Let(vars, Op::Row(items)) if vars == &[*row] => Some(&items[..]),
        _ => None,
    })
}

/// Parameters of functions, by their places.
pub(super) type ReadParams = HashSet<(FunctionId, usize), FixedState>;

/// The parameters whose items a function reads, or that it passes on to such a parameter.
pub(super) fn read_params(unit: &Unit) -> ReadParams {
    let mut read = ReadParams::default();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (id, function) in &unit.functions {
            let rows = read_rows(function, &read);
            for (place, param) in function.params.iter().enumerate() {
                changed |= rows.contains(*param) && read.insert((id, place));
            }
        }
    }
    read
}

/// The variables whose items a function reads, or that it passes for a parameter that is read.
fn read_rows(function: &Function, read: &ReadParams) -> EntitySet<Var> {
    let mut rows = EntitySet::with_capacity(function.vars.len());
    let mut note_call = |call: &Call| {
        let Callee::Local(callee) = call.callee else { return };
        for (place, arg) in call.args.iter().enumerate() {
            if let Operand::Var(var) = arg
                && read.contains(&(callee, place))
            {
                rows.insert(*var);
            }
        }
    };
    tail_calls(function).for_each(&mut note_call);
    for op in function.live_ops() {
        if let Op::Call(call) = op {
            note_call(call);
        }
    }
    for op in function.live_ops() {
        if let Op::Prim(Prim::Item, operands) = op
            && let [Operand::Var(row), _] = operands[..]
        {
            rows.insert(row);
        }
    }
    rows
}

/// Adds the functions of the unit from whose result a function reads an item, by itself or by a function
/// that it passes the result to.
fn note_taken_apart(function: &Function, read: &ReadParams, wanted: &mut EntitySet<FunctionId>) {
    let rows = read_rows(function, read);
    for block in function.live_blocks() {
        for stmt in &function.blocks[block].stmts {
            if let Stmt::Let(vars, Op::Call(Call { callee: Callee::Local(callee), .. })) = stmt
                && let [result] = vars[..]
                && rows.contains(result)
            {
                wanted.insert(*callee);
            }
        }
    }
}

//! Result rows: a worker that ends with making a row returns the items instead.
//!
//! Who calls it has the items at hand, and makes the row if it is wanted as one. One that is only taken
//! apart is never made.
//!
//! ```text
//! worker f1(..) -> whnf { .. v5 = row(v3, v4); return v5 }    worker f1(..) -> any, any { return v3, v4 }
//! v1 = call f1(..)                                            v2, v3 = call f1(..); v1 = row(v2, v3)
//! ```
//!
//! All its ways out must be such rows of one size, or calls of workers of which the same is true. A
//! call in place of another function's own return becomes one that returns here; that function cannot be
//! met again on the way, or it would be such a worker itself, so no stack grows by it.

use super::info;
use crate::ir::{
    Block, Call, Callee, End, Function, Op, Operand, Prim, Role, Stmt, Type, Unit, Var,
};

/// Results that there are registers for.
const ITEMS: std::ops::RangeInclusive<usize> = 2..=4;

pub(super) fn split(unit: &mut Unit) {
    let sizes = chosen(unit);
    if sizes.iter().all(Option::is_none) {
        return;
    }
    for (function, size) in unit.functions.iter_mut().zip(&sizes) {
        for block in info::blocks(function, function.entry) {
            let Block { stmts, end } = std::mem::replace(
                &mut function.blocks[block.index()],
                Block { stmts: Vec::new(), end: End::Return(Vec::new()) },
            );
            let mut written = Vec::with_capacity(stmts.len());
            for stmt in stmts {
                match stmt {
                    Stmt::Let(vars, Op::Call(call)) if size_of(&sizes, &call).is_some() => {
                        make_row(function, &sizes, call, vars[0], &mut written);
                    }
                    stmt => written.push(stmt),
                }
            }
            let end = match end {
                End::Return(list) if size.is_some() => {
                    End::Return(row_of(&written, &list).map_or(list.clone(), <[Operand]>::to_vec))
                }
                End::Tail(call) if size.is_none() && size_of(&sizes, &call).is_some() => {
                    let row = function.var(Type::Whnf);
                    make_row(function, &sizes, call, row, &mut written);
                    End::Return(vec![row.into()])
                }
                end => end,
            };
            function.blocks[block.index()] = Block { stmts: written, end };
        }
        if let Some(size) = size {
            function.results = vec![Type::Any; *size];
        }
    }
}

/// Calls a worker that returns items, and makes the row of them.
fn make_row(
    function: &mut Function,
    sizes: &[Option<usize>],
    call: Call,
    row: Var,
    written: &mut Vec<Stmt>,
) {
    let count = size_of(sizes, &call).unwrap_or(0);
    let items: Vec<Var> = (0..count).map(|_| function.var(Type::Any)).collect();
    let operands = items.iter().map(|item| (*item).into()).collect();
    written.push(Stmt::Let(items, Op::Call(call)));
    written.push(Stmt::Let(vec![row], Op::Row(operands)));
}

/// How many items a call returns, if it does.
fn size_of(sizes: &[Option<usize>], call: &Call) -> Option<usize> {
    match call.callee {
        Callee::Local(function) => sizes[function.index()],
        _ => None,
    }
}

/// The functions that are to return items, with how many.
fn chosen(unit: &Unit) -> Vec<Option<usize>> {
    let mut sizes: Vec<Option<usize>> = unit.functions.iter().map(size_of_rows).collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (index, function) in unit.functions.iter().enumerate() {
            let fits = |call: &Call| size_of(&sizes, call) == sizes[index];
            if sizes[index].is_some() && !tail_calls(function).all(fits) {
                sizes[index] = None;
                changed = true;
            }
        }
    }
    let mut wanted = vec![false; sizes.len()];
    unit.functions.iter().for_each(|function| note_taken_apart(function, &mut wanted));
    let mut todo: Vec<usize> = (0..wanted.len()).filter(|index| wanted[*index]).collect();
    while let Some(index) = todo.pop() {
        // What one returns, those must that it ends with.
        for call in tail_calls(&unit.functions[index]) {
            if let Callee::Local(callee) = call.callee
                && sizes[index].is_some()
                && !std::mem::replace(&mut wanted[callee.index()], true)
            {
                todo.push(callee.index());
            }
        }
    }
    sizes.into_iter().zip(wanted).map(|(size, wanted)| size.filter(|_| wanted)).collect()
}

/// How many items the rows have with which a worker ends, but for its tail calls.
fn size_of_rows(function: &Function) -> Option<usize> {
    if function.role != Role::Worker || function.results != [Type::Whnf] {
        return None;
    }
    let mut size = None;
    for block in info::blocks(function, function.entry) {
        let Block { stmts, end } = &function.blocks[block.index()];
        match end {
            End::Return(list) => {
                let count = row_of(stmts, list)?.len();
                if *size.get_or_insert(count) != count {
                    return None;
                }
            }
            End::Enter(_) => return None,
            _ => {}
        }
    }
    size.filter(|size| ITEMS.contains(size))
}

/// The items of the row that is returned, if it is made in the same block.
fn row_of<'s>(stmts: &'s [Stmt], returned: &[Operand]) -> Option<&'s [Operand]> {
    let [Operand::Var(row)] = returned else { return None };
    stmts.iter().find_map(|stmt| match stmt {
        Stmt::Let(vars, Op::Row(items)) if vars == &[*row] => Some(&items[..]),
        _ => None,
    })
}

fn tail_calls(function: &Function) -> impl Iterator<Item = &Call> {
    info::blocks(function, function.entry).into_iter().filter_map(|block| {
        match &function.blocks[block.index()].end {
            End::Tail(call) => Some(call),
            _ => None,
        }
    })
}

/// Notes the functions of the unit from whose result a function takes an item.
fn note_taken_apart(function: &Function, wanted: &mut [bool]) {
    let blocks = info::blocks(function, function.entry);
    let ops = || {
        let stmts = blocks.iter().flat_map(|block| &function.blocks[block.index()].stmts);
        stmts.filter_map(|stmt| match stmt {
            Stmt::Let(vars, op) => Some((vars, op)),
            _ => None,
        })
    };
    let mut apart = vec![false; function.vars.len()];
    for (_, op) in ops() {
        if let Op::Prim(Prim::Item, operands) = op
            && let [Operand::Var(row), _] = operands[..]
        {
            apart[row.index()] = true;
        }
    }
    for (vars, op) in ops() {
        if let Op::Call(Call { callee: Callee::Local(callee), .. }) = op
            && let [result] = vars[..]
            && apart[result.index()]
        {
            wanted[callee.index()] = true;
        }
    }
}

//! Captures of items: a thunk that only reads items of an evaluated row captures these items in
//! place of the row.
//!
//! A thunk that waits for long would keep the row, and with it all that the other items refer to. A
//! fold over a record with a counter that is read in the end only would keep every record before.
//! (Scalar replacement of the free variables of a closure.)

use crate::ir::{Block, Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Type, Unit, Var};
use cranelift_entity::{EntitySet, SecondaryMap};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The most items that are captured in place of one row.
const ITEMS_LIMIT: usize = 2;
/// Thunks in the code of thunks nest at most this deep where they read items of one row.
const ROUNDS: usize = 3;

/// For each parameter of a thunk's code, the indices of the items that are captured in its place.
type Captures = Vec<Option<Vec<u64>>>;

pub(super) fn capture_items(unit: &mut Unit) {
    for _ in 0..ROUNDS {
        let captures = captures_of(unit);
        if captures.values().all(Option::is_none) {
            return;
        }
        for id in unit.functions.keys().collect::<Vec<_>>() {
            if let Some(captures) = &captures[id] {
                take_items(&mut unit.functions[id], captures);
            }
            for block in unit.functions[id].live_blocks() {
                pass_items(&mut unit.functions[id], block, &captures);
            }
        }
    }
}

/// Finds the functions whose captures change.
fn captures_of(unit: &Unit) -> SecondaryMap<FunctionId, Option<Captures>> {
    let pinned = otherwise_used(unit);
    let mut found = SecondaryMap::default();
    for (id, function) in &unit.functions {
        if function.role != FunctionRole::Thunk || pinned.contains(id) {
            continue;
        }
        let reads = items_read(function);
        let captures: Captures = function.params.iter().map(|p| reads.get(p).cloned()).collect();
        if captures.iter().any(Option::is_some) {
            found[id] = Some(captures);
        }
    }
    found
}

/// The functions that something else than a thunk that is made in order refers to.
fn otherwise_used(unit: &Unit) -> EntitySet<FunctionId> {
    let mut used = EntitySet::new();
    for function in unit.functions.values() {
        for block in function.live_blocks() {
            for stmt in &function.blocks[block].stmts {
                let is_group = matches!(stmt, Stmt::Rec(_));
                for op in stmt.ops() {
                    match op {
                        Op::Thunk(entry, _) if is_group => drop(used.insert(*entry)),
                        Op::Generate(entry, _) => drop(used.insert(*entry)),
                        _ => {}
                    }
                }
            }
        }
    }
    used
}

/// The evaluated parameters of which a function only reads items, with the indices.
fn items_read(function: &Function) -> HashMap<Var, Vec<u64>, FixedState> {
    let is_row = |var: &Var| {
        let ty = function.vars[*var];
        ty.is(Type::Whnf) && !ty.is(Type::Nat)
    };
    let rows = function.params.iter().filter(|var| is_row(var));
    let mut reads: HashMap<Var, Vec<u64>, FixedState> = rows.map(|var| (*var, Vec::new())).collect();
    for block in function.live_blocks() {
        let Block { stmts, terminator } = &function.blocks[block];
        for stmt in stmts {
            if let Some((row, index, item)) = item_read(stmt) {
                let Some(indices) = reads.get_mut(&row) else { continue };
                if function.vars[item] == Type::Any {
                    if !indices.contains(&index) {
                        indices.push(index);
                    }
                    continue;
                }
            }
            for operand in stmt.ops().flat_map(Op::operands) {
                forget(&mut reads, operand);
            }
        }
        terminator.operands().into_iter().for_each(|operand| forget(&mut reads, operand));
    }
    reads.retain(|_, indices| (1..=ITEMS_LIMIT).contains(&indices.len()));
    reads
}

fn forget(reads: &mut HashMap<Var, Vec<u64>, FixedState>, operand: Operand) {
    if let Operand::Var(var) = operand {
        reads.remove(&var);
    }
}

/// The row, the index and the result, of a statement that reads an item at a literal index.
fn item_read(stmt: &Stmt) -> Option<(Var, u64, Var)> {
    let Stmt::Let(vars, Op::Prim(Prim::Item, operands)) = stmt else { return None };
    match operands[..] {
        [Operand::Var(row), Operand::Small(index)] => Some((row, index, vars[0])),
        _ => None,
    }
}

/// Replaces rows among the parameters of a thunk's code by their items.
fn take_items(function: &mut Function, captures: &Captures) {
    let mut items: HashMap<(Var, u64), Var, FixedState> = HashMap::default();
    let mut params = Vec::new();
    for (param, indices) in std::mem::take(&mut function.params).into_iter().zip(captures) {
        let Some(indices) = indices else {
            params.push(param);
            continue;
        };
        for index in indices {
            let item = function.new_var(Type::Any);
            params.push(item);
            items.insert((param, *index), item);
        }
    }
    function.params = params;
    let mut values: HashMap<Var, Var, FixedState> = HashMap::default();
    for block in function.live_blocks() {
        function.blocks[block].stmts.retain(|stmt| {
            let read = item_read(stmt).and_then(|(row, index, result)| {
                Some((result, *items.get(&(row, index))?))
            });
            read.is_none_or(|(result, item)| {
                values.insert(result, item);
                false
            })
        });
    }
    function.for_each_operand_mut(|operand| {
        if let Operand::Var(var) = operand
            && let Some(item) = values.get(var)
        {
            *operand = Operand::Var(*item);
        }
    });
}

/// Makes the thunks of a block with items in place of rows.
fn pass_items(
    function: &mut Function,
    block: crate::ir::BlockId,
    captures: &SecondaryMap<FunctionId, Option<Captures>>,
) {
    let stmts = std::mem::take(&mut function.blocks[block].stmts);
    let mut written = Vec::with_capacity(stmts.len());
    for mut stmt in stmts {
        if let Stmt::Let(_, Op::Thunk(entry, passed)) = &mut stmt
            && let Some(captures) = &captures[*entry]
        {
            let mut items = Vec::with_capacity(passed.len());
            for (operand, indices) in passed.iter().zip(captures) {
                let Some(indices) = indices else {
                    items.push(*operand);
                    continue;
                };
                for index in indices {
                    let item = function.vars.push(Type::Any);
                    let read = Op::Prim(Prim::Item, vec![*operand, Operand::Small(*index)]);
                    written.push(Stmt::Let(vec![item], read));
                    items.push(item.into());
                }
            }
            *passed = items;
        }
        written.push(stmt);
    }
    function.blocks[block].stmts = written;
}

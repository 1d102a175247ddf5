//! Captures of items: a thunk that only reads items of an evaluated row captures these items in
//! place of the row.
//!
//! A thunk that waits for long would keep the row, and with it all that the other items refer to. A
//! fold over a record with a counter that is read in the end only would keep every record before.
//! (Scalar replacement of the free variables of a closure.)

use crate::ir::{Block, BlockId, Function, FunctionId, Op, Operand, Prim, Stmt, Type, Unit, Var};
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
    let passed = passed_types(unit);
    let mut found = SecondaryMap::default();
    for (id, function) in &unit.functions {
        let Some(types) = &passed[id] else { continue };
        let reads = ItemReads::of(function, types);
        let captures: Captures = function.params.iter().map(|p| reads.indices(*p)).collect();
        if captures.iter().any(Option::is_some) {
            found[id] = Some(captures);
        }
    }
    found
}

/// The types of the values that each thunk's code is made with. `None` for code that no thunk is made of,
/// and for code that is used otherwise than in a thunk that is made in order.
fn passed_types(unit: &Unit) -> SecondaryMap<FunctionId, Option<Vec<Type>>> {
    let mut passed: SecondaryMap<FunctionId, Option<Vec<Type>>> = SecondaryMap::default();
    let mut otherwise = EntitySet::new();
    for function in unit.functions.values() {
        for block in function.live_blocks() {
            for stmt in &function.blocks[block].stmts {
                let is_group = matches!(stmt, Stmt::Rec(_));
                for op in stmt.ops() {
                    match op {
                        Op::Thunk(entry, _) if is_group => drop(otherwise.insert(*entry)),
                        Op::Generate(entry, _) => drop(otherwise.insert(*entry)),
                        Op::Thunk(entry, captures) => {
                            let types = unit.types_of(function, captures);
                            match &mut passed[*entry] {
                                Some(known) => {
                                    let join =
                                        |(known, ty): (&mut Type, Type)| *known = ty.max(*known);
                                    known.iter_mut().zip(types).for_each(join);
                                }
                                none => *none = Some(types),
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    for id in unit.functions.keys().filter(|id| otherwise.contains(*id)) {
        passed[id] = None;
    }
    passed
}

/// The evaluated parameters that a function only reads items of.
struct ItemReads {
    /// For each such parameter, the indices.
    indices: HashMap<Var, Vec<u64>, FixedState>,
    /// For each variable that is one of these parameters, or such a parameter after it was forced, the parameter.
    rows: HashMap<Var, Var, FixedState>,
}

impl ItemReads {
    /// `types` are those of the values that are passed for the parameters.
    fn of(function: &Function, types: &[Type]) -> ItemReads {
        let is_row = |ty: &Type| ty.is(Type::Whnf) && !ty.is(Type::Nat);
        let rows = function.params.iter().zip(types).filter(|(_, ty)| is_row(ty));
        let rows: Vec<Var> = rows.map(|(var, _)| *var).collect();
        let mut reads = ItemReads {
            indices: rows.iter().map(|row| (*row, Vec::new())).collect(),
            rows: rows.iter().map(|row| (*row, *row)).collect(),
        };
        for block in function.live_blocks() {
            let Block { stmts, terminator } = &function.blocks[block];
            for stmt in stmts {
                if !reads.note(function, stmt) {
                    stmt.ops().flat_map(Op::operands).for_each(|operand| reads.forget(operand));
                }
            }
            terminator.operands().into_iter().for_each(|operand| reads.forget(operand));
        }
        reads.indices.retain(|_, indices| (1..=ITEMS_LIMIT).contains(&indices.len()));
        reads
    }

    fn indices(&self, param: Var) -> Option<Vec<u64>> {
        self.indices.get(&param).cloned()
    }

    /// Notes a statement that forces a row or reads an item of one; returns whether it does.
    fn note(&mut self, function: &Function, stmt: &Stmt) -> bool {
        if let Some((row, forced)) = forced_row(stmt)
            && let Some(param) = self.rows.get(&row).copied()
        {
            self.rows.insert(forced, param);
            return true;
        }
        let Some((row, index, item)) = item_read(stmt) else { return false };
        let param = self.rows.get(&row).filter(|_| function.vars[item] == Type::Any);
        let Some(indices) = param.and_then(|param| self.indices.get_mut(param)) else {
            return false;
        };
        if !indices.contains(&index) {
            indices.push(index);
        }
        true
    }

    fn forget(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand
            && let Some(param) = self.rows.get(&var)
        {
            self.indices.remove(param);
        }
    }
}

/// The operand and the result of a statement that forces a variable.
fn forced_row(stmt: &Stmt) -> Option<(Var, Var)> {
    match stmt {
        Stmt::Let(vars, Op::Force(Operand::Var(row))) => Some((*row, vars[0])),
        _ => None,
    }
}

/// The row, the index and the result of a statement that reads an item at a literal index.
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
    let mut rows: HashMap<Var, Var, FixedState> = HashMap::default();
    let mut params = Vec::new();
    for (param, indices) in std::mem::take(&mut function.params).into_iter().zip(captures) {
        let Some(indices) = indices else {
            params.push(param);
            continue;
        };
        rows.insert(param, param);
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
            if let Some((row, forced)) = forced_row(stmt)
                && let Some(param) = rows.get(&row).copied()
            {
                rows.insert(forced, param);
                return false;
            }
            let read = item_read(stmt).and_then(|(row, index, result)| {
                Some((result, *items.get(&(*rows.get(&row)?, index))?))
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
    block: BlockId,
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

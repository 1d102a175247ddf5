//! Captures of items: a thunk that only reads items of an evaluated row captures these items in
//! place of the row.
//!
//! A thunk that waits for long would keep the row, and with it all that the other items refer to. A
//! fold over a record with a counter that is read in the end only would keep every record before, and
//! an item that depends on two others of a row would keep that version of the row.
//! (Scalar replacement of the free variables of a closure.)
//!
//! A thunk does not capture what its code does not use, such as an index that only its maker needs now.
//!
//! The index of an item is a literal. If the maker edits the row, so that the thunk would keep a version
//! that nothing else refers to, the index may also be a captured value that is evaluated, or a few cheap
//! operations on such values, which the maker does.

use super::sweep::{sweep_function, used_by};
use crate::analysis::collections::edited_values;
use crate::ir::{Block, BlockId, Function, FunctionId, Op, Operand, Prim, Stmt, Type, Unit, Var};
use cranelift_entity::{EntitySet, SecondaryMap};
use foldhash::fast::FixedState;
use std::collections::{HashMap, HashSet};

/// The most items that are captured in place of one row.
const ITEMS_LIMIT: usize = 2;
/// Thunks in the code of thunks nest at most this deep where they read items of one row.
const ROUNDS: usize = 3;
/// The most operations that compute an index.
const OPERATIONS_LIMIT: usize = 2;

/// The index of an item, as the maker of a thunk computes it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum ItemIndex {
    Literal(u64),
    /// The capture at that place, which is evaluated.
    Capture(usize),
    Computed(Prim, Vec<ItemIndex>),
}

impl ItemIndex {
    fn operations(&self) -> usize {
        match self {
            ItemIndex::Literal(_) | ItemIndex::Capture(_) => 0,
            ItemIndex::Computed(_, operands) => {
                1 + operands.iter().map(ItemIndex::operations).sum::<usize>()
            }
        }
    }
}

/// For each parameter of a thunk's code, the indices of the items that are captured in its place.
type Captures = Vec<Option<Vec<ItemIndex>>>;

pub(super) fn capture_items(unit: &mut Unit) {
    for _ in 0..ROUNDS {
        let captures = captures_of(unit);
        if captures.values().all(Option::is_none) {
            break;
        }
        for id in unit.functions.keys().collect::<Vec<_>>() {
            if let Some((captures, values)) = &captures[id] {
                take_items(&mut unit.functions[id], captures, values);
            }
            for block in unit.functions[id].live_blocks() {
                pass_items(unit, (id, block), &captures);
            }
        }
    }
    drop_unused(unit);
}

/// Drops the parameters of thunks' code that the code does not use.
pub(super) fn drop_unused(unit: &mut Unit) {
    let passed = captured_values(unit);
    let mut kept: SecondaryMap<FunctionId, Option<Vec<bool>>> = SecondaryMap::default();
    for id in unit.functions.keys().filter(|id| passed[*id].is_some()).collect::<Vec<_>>() {
        let used = used_by(unit, &unit.functions[id]);
        let is_used: Vec<bool> =
            unit.functions[id].params.iter().map(|param| used.contains(*param)).collect();
        if is_used.contains(&false) {
            let mut function = unit.functions[id].clone();
            // What is computed from the parameters is unused as well.
            sweep_function(unit, &mut function);
            let mut keeps = is_used.iter().copied();
            function.params.retain(|_| keeps.next().unwrap_or(true));
            unit.functions[id] = function;
            kept[id] = Some(is_used);
        }
    }
    for function in unit.functions.values_mut() {
        for block in function.live_blocks() {
            for op in function.blocks[block].stmts.iter_mut().flat_map(Stmt::ops_mut) {
                if let Op::Thunk(entry, passed) = op
                    && let Some(kept) = &kept[*entry]
                {
                    let mut kept = kept.iter().copied();
                    passed.retain(|_| kept.next().unwrap_or(true));
                }
            }
        }
    }
}

/// The functions whose captures change, and the values that are captured before.
type ChangedCaptures = SecondaryMap<FunctionId, Option<(Captures, Vec<CapturedValue>)>>;

fn captures_of(unit: &Unit) -> ChangedCaptures {
    let captured = captured_values(unit);
    let mut found = SecondaryMap::default();
    for (id, function) in &unit.functions {
        let Some(values) = &captured[id] else { continue };
        let reads = ItemReads::of(function, values);
        let captures: Captures = function.params.iter().map(|p| reads.indices(*p)).collect();
        if captures.iter().any(Option::is_some) {
            found[id] = Some((captures, values.clone()));
        }
    }
    found
}

/// What is known of a value that thunks of some code capture.
#[derive(Clone, Copy)]
pub(super) struct CapturedValue {
    pub(super) ty: Type,
    /// Whether each maker edits it: what it passes is about to be an old version.
    pub(super) is_edited: bool,
}

/// The values that each thunk's code is made with. `None` for code that no thunk is made of, and for
/// code that is used otherwise than in a thunk that is made in order.
pub(super) fn captured_values(unit: &Unit) -> SecondaryMap<FunctionId, Option<Vec<CapturedValue>>> {
    let mut captured: SecondaryMap<FunctionId, Option<Vec<CapturedValue>>> =
        SecondaryMap::default();
    let mut otherwise = EntitySet::new();
    for function in unit.functions.values() {
        let edited = edited_values(unit, function);
        for block in function.live_blocks() {
            for stmt in &function.blocks[block].stmts {
                let is_group = matches!(stmt, Stmt::Rec(_));
                for op in stmt.ops() {
                    match op {
                        Op::Thunk(entry, _) if is_group => drop(otherwise.insert(*entry)),
                        Op::Generate(entry, _) => drop(otherwise.insert(*entry)),
                        Op::Thunk(entry, operands) => {
                            let types = unit.types_of(function, operands);
                            let values = operands.iter().zip(types).map(|(operand, ty)| {
                                CapturedValue { ty, is_edited: edited.contains(operand) }
                            });
                            join_values(&mut captured[*entry], values);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    for id in unit.functions.keys().filter(|id| otherwise.contains(*id)) {
        captured[id] = None;
    }
    captured
}

fn join_values(
    known: &mut Option<Vec<CapturedValue>>,
    values: impl Iterator<Item = CapturedValue>,
) {
    match known {
        None => *known = Some(values.collect()),
        Some(known) => {
            for (known, value) in known.iter_mut().zip(values) {
                known.ty = value.ty.max(known.ty);
                known.is_edited &= value.is_edited;
            }
        }
    }
}

/// The values in a thunk's code that its maker can compute.
struct KnownIndices {
    indices: HashMap<Var, (ItemIndex, Type), FixedState>,
}

impl KnownIndices {
    /// The values are those that are passed for the parameters.
    fn of(function: &Function, values: &[CapturedValue]) -> KnownIndices {
        let params = function.params.iter().zip(values).enumerate();
        let evaluated = params.filter(|(_, (_, value))| value.ty.is(Type::Whnf));
        let index = |(place, (var, value)): (usize, (&Var, &CapturedValue))| {
            (*var, (ItemIndex::Capture(place), value.ty))
        };
        KnownIndices { indices: evaluated.map(index).collect() }
    }

    fn get(&self, operand: Operand) -> Option<(ItemIndex, Type)> {
        match operand {
            Operand::Small(nat) => {
                let ty = Type::of_bits(u64::BITS - nat.leading_zeros());
                Some((ItemIndex::Literal(nat), ty))
            }
            Operand::Var(var) => self.indices.get(&var).cloned(),
            Operand::Constant(_) => None,
        }
    }

    /// Notes the value of a statement, if the maker can compute it.
    fn note(&mut self, stmt: &Stmt) {
        let Stmt::Let(vars, op) = stmt else { return };
        let known = match op {
            Op::Force(operand) => self.get(*operand),
            Op::Prim(prim, operands) => self.computed(*prim, operands),
            _ => None,
        };
        if let Some(known) = known {
            self.indices.insert(vars[0], known);
        }
    }

    fn computed(&self, prim: Prim, operands: &[Operand]) -> Option<(ItemIndex, Type)> {
        if prim == Prim::Item {
            return None;
        }
        let known: Option<Vec<(ItemIndex, Type)>> =
            operands.iter().map(|operand| self.get(*operand)).collect();
        let (indices, types): (Vec<ItemIndex>, Vec<Type>) = known?.into_iter().unzip();
        let index = ItemIndex::Computed(prim, indices);
        let is_cheap = prim.is_cheap(&types) && index.operations() <= OPERATIONS_LIMIT;
        is_cheap.then(|| (index, prim.result_of(operands, &types)))
    }
}

/// The evaluated parameters that a function only reads items of.
struct ItemReads {
    /// For each such parameter, the indices.
    indices: HashMap<Var, Vec<ItemIndex>, FixedState>,
    /// For each variable that is one of these parameters, or such a parameter after it was forced, the parameter.
    rows: HashMap<Var, Var, FixedState>,
    /// The parameters whose makers edit them.
    edited: HashSet<Var, FixedState>,
    known: KnownIndices,
}

impl ItemReads {
    /// The values are those that are passed for the parameters.
    fn of(function: &Function, values: &[CapturedValue]) -> ItemReads {
        let is_row = |value: &CapturedValue| value.ty.is(Type::Whnf) && !value.ty.is(Type::Nat);
        let params = function.params.iter().copied().zip(values);
        let edited = params.clone().filter(|(_, value)| value.is_edited).map(|(var, _)| var);
        let rows: Vec<Var> =
            params.clone().filter(|(_, value)| is_row(value)).map(|(var, _)| var).collect();
        let mut reads = ItemReads {
            indices: rows.iter().map(|row| (*row, Vec::new())).collect(),
            rows: rows.iter().map(|row| (*row, *row)).collect(),
            edited: edited.collect(),
            known: KnownIndices::of(function, values),
        };
        // A block comes before the blocks under it.
        for block in function.live_blocks() {
            let Block { stmts, terminator } = &function.blocks[block];
            for stmt in stmts {
                reads.known.note(stmt);
                if !reads.note(function, stmt) {
                    stmt.ops().flat_map(Op::operands).for_each(|operand| reads.forget(operand));
                }
            }
            terminator.operands().into_iter().for_each(|operand| reads.forget(operand));
        }
        reads.indices.retain(|_, indices| (1..=ITEMS_LIMIT).contains(&indices.len()));
        reads
    }

    fn indices(&self, param: Var) -> Option<Vec<ItemIndex>> {
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
        // A parameter that is an index as well stays a parameter.
        let Some(param) = self.rows.get(&row).copied() else { return false };
        if let Operand::Var(var) = index
            && self.rows.contains_key(&var)
        {
            self.forget(index);
        }
        let Some((index, _)) = self.known.get(index) else { return false };
        let is_taken = matches!(index, ItemIndex::Literal(_)) || self.edited.contains(&param);
        if !is_taken || function.vars[item] != Type::Any {
            return false;
        }
        let Some(indices) = self.indices.get_mut(&param) else { return false };
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

/// The row, the index and the result of a statement that reads an item.
fn item_read(stmt: &Stmt) -> Option<(Var, Operand, Var)> {
    let Stmt::Let(vars, Op::Prim(Prim::Item, operands)) = stmt else { return None };
    match operands[..] {
        [Operand::Var(row), index] => Some((row, index, vars[0])),
        _ => None,
    }
}

/// Replaces rows among the parameters of a thunk's code by their items. The values are those that were
/// passed for the parameters.
fn take_items(function: &mut Function, captures: &Captures, values: &[CapturedValue]) {
    let mut known = KnownIndices::of(function, values);
    let mut items: HashMap<Var, Vec<(ItemIndex, Var)>, FixedState> = HashMap::default();
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
            items.entry(param).or_default().push((index.clone(), item));
        }
    }
    function.params = params;
    let mut taken: HashMap<Var, Var, FixedState> = HashMap::default();
    for block in function.live_blocks() {
        function.blocks[block].stmts.retain(|stmt| {
            known.note(stmt);
            if let Some((row, forced)) = forced_row(stmt)
                && let Some(param) = rows.get(&row).copied()
            {
                rows.insert(forced, param);
                return false;
            }
            let read = item_read(stmt).and_then(|(row, index, result)| {
                let (index, _) = known.get(index)?;
                let (_, item) = items.get(rows.get(&row)?)?.iter().find(|(at, _)| *at == index)?;
                Some((result, *item))
            });
            read.is_none_or(|(result, item)| {
                taken.insert(result, item);
                false
            })
        });
    }
    function.for_each_operand_mut(|operand| {
        if let Operand::Var(var) = operand
            && let Some(item) = taken.get(var)
        {
            *operand = Operand::Var(*item);
        }
    });
}

/// Makes the thunks of a block with items in place of rows.
fn pass_items(unit: &mut Unit, (id, block): (FunctionId, BlockId), captures: &ChangedCaptures) {
    let stmts = std::mem::take(&mut unit.functions[id].blocks[block].stmts);
    let mut written = Vec::with_capacity(stmts.len());
    for mut stmt in stmts {
        if let Stmt::Let(_, Op::Thunk(entry, passed)) = &mut stmt
            && let Some((captures, _)) = &captures[*entry]
        {
            let mut maker = ItemMaker { unit, id, passed, written: &mut written };
            let mut items = Vec::with_capacity(passed.len());
            for (operand, indices) in passed.iter().zip(captures) {
                match indices {
                    None => items.push(*operand),
                    Some(indices) => {
                        items.extend(indices.iter().map(|index| maker.item(*operand, index)));
                    }
                }
            }
            *passed = items;
        }
        written.push(stmt);
    }
    unit.functions[id].blocks[block].stmts = written;
}

/// Writes the statements that read the items of rows for a thunk that was made with the values
/// `passed`.
struct ItemMaker<'a> {
    unit: &'a mut Unit,
    id: FunctionId,
    passed: &'a [Operand],
    written: &'a mut Vec<Stmt>,
}

impl ItemMaker<'_> {
    fn item(&mut self, row: Operand, index: &ItemIndex) -> Operand {
        let index = self.index(index);
        self.operation(Type::Any, Prim::Item, vec![row, index])
    }

    fn index(&mut self, index: &ItemIndex) -> Operand {
        match index {
            ItemIndex::Literal(nat) => Operand::Small(*nat),
            ItemIndex::Capture(place) => self.passed[*place],
            ItemIndex::Computed(prim, operands) => {
                let operands: Vec<Operand> = operands.iter().map(|it| self.index(it)).collect();
                let types = self.unit.types_of(&self.unit.functions[self.id], &operands);
                self.operation(prim.result_of(&operands, &types), *prim, operands)
            }
        }
    }

    fn operation(&mut self, ty: Type, prim: Prim, operands: Vec<Operand>) -> Operand {
        let value = self.unit.functions[self.id].vars.push(ty);
        self.written.push(Stmt::Let(vec![value], Op::Prim(prim, operands)));
        value.into()
    }
}

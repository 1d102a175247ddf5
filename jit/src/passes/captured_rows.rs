//! Captured rows: a thunk whose code only takes apart a row that is made where the thunk is made
//! captures the items.
//!
//! ```text
//! before  v3 = row(v1, v2); v4 = thunk f1(v0, v3, 1)
//!         thunk f1(v0, v1, v2) { v3 = item v1, v2; .. }
//! after   v3 = row(v1, v2); v4 = thunk f2(v0, v2)
//!         thunk f2(v0, v3) { .. }
//! ```
//!
//! Often nothing else needs the row then. Thunks that are made only on a rare path, for a value that is
//! not evaluated, had made the row on all paths. (The worker/wrapper split for products, for captures:
//! closures that unpack what they capture.)

use crate::ir::{Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Type, Unit, Var};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The largest code of a thunk that is copied.
const SIZE_LIMIT: usize = 60;
/// The most copies for a unit.
const COPIES_LIMIT: usize = 24;
/// The most items of one row that a thunk captures.
const ITEMS_LIMIT: usize = 3;

/// The items of the rows that a function makes.
type Rows = HashMap<Var, Vec<Operand>, FixedState>;

pub(super) fn capture_items(unit: &mut Unit) {
    let mut copies: HashMap<Function, FunctionId, FixedState> = HashMap::default();
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let rows = rows_of(&unit.functions[id]);
        if rows.is_empty() {
            continue;
        }
        for block in unit.functions[id].live_blocks() {
            for index in 0..unit.functions[id].blocks[block].stmts.len() {
                let stmt = &unit.functions[id].blocks[block].stmts[index];
                let Stmt::Let(vars, Op::Thunk(entry, captures)) = stmt else { continue };
                let vars = vars.clone();
                if *entry == id || copies.len() == COPIES_LIMIT {
                    continue;
                }
                let Some((code, captures)) = unpacked(unit, id, *entry, captures, &rows) else {
                    continue;
                };
                let entry = match copies.get(&code) {
                    Some(entry) => *entry,
                    None => {
                        let entry = unit.functions.push(code.clone());
                        copies.insert(code, entry);
                        entry
                    }
                };
                let made = Stmt::Let(vars, Op::Thunk(entry, captures));
                unit.functions[id].blocks[block].stmts[index] = made;
            }
        }
    }
}

fn rows_of(function: &Function) -> Rows {
    let blocks = function.live_blocks();
    let stmts = blocks.iter().flat_map(|block| &function.blocks[*block].stmts);
    stmts
        .filter_map(|stmt| match stmt {
            Stmt::Let(vars, Op::Row(items)) => Some((vars[0], items.clone())),
            _ => None,
        })
        .collect()
}

/// A copy of a thunk's code that captures items of rows, and the values that it captures. `None` if the
/// code captures no row that it only takes apart.
fn unpacked(
    unit: &Unit,
    maker: FunctionId,
    entry: FunctionId,
    captures: &[Operand],
    rows: &Rows,
) -> Option<(Function, Vec<Operand>)> {
    let row_of = |capture: &Operand| match capture {
        Operand::Var(var) => rows.get(var),
        _ => None,
    };
    if !captures.iter().any(|capture| row_of(capture).is_some()) {
        return None;
    }
    let code = &unit.functions[entry];
    if code.role != FunctionRole::Thunk || code.size() > SIZE_LIMIT {
        return None;
    }
    let mut copy = UnpackedCode { code: code.clone(), captures: captures.to_vec() };
    let mut is_changed = false;
    for (param, capture) in code.params.iter().zip(captures) {
        let Some(items) = row_of(capture) else { continue };
        let types: Vec<Type> = {
            let maker = &unit.functions[maker];
            unit.types_of(maker, items).into_iter().map(Type::boxed).collect()
        };
        is_changed |= copy.unpack(*param, items, &types);
    }
    is_changed.then(|| {
        copy.drop_unused();
        (copy.code, copy.captures)
    })
}

/// A copy of a thunk's code, and what its parameters are.
struct UnpackedCode {
    code: Function,
    captures: Vec<Operand>,
}

impl UnpackedCode {
    /// Replaces a parameter by items of the row that it is. Returns whether the code only takes the row
    /// apart; if not, changes nothing.
    fn unpack(&mut self, row: Var, items: &[Operand], types: &[Type]) -> bool {
        let blocks = self.code.live_blocks();
        let stmts = || blocks.iter().flat_map(|block| &self.code.blocks[*block].stmts);
        let forced = stmts().filter_map(|stmt| match stmt {
            Stmt::Let(vars, Op::Force(of)) if *of == Operand::Var(row) => Some(vars[0]),
            _ => None,
        });
        let names: Vec<Operand> = forced.chain([row]).map(Operand::Var).collect();
        let is_row = |operand: &Operand| names.contains(operand);
        // What each statement that reads the row defines, by its variable.
        let mut read: Vec<(Var, Option<usize>)> = Vec::new();
        for stmt in stmts() {
            if !stmt.ops().flat_map(Op::operands).any(|operand| is_row(&operand)) {
                continue;
            }
            let Stmt::Let(vars, op) = stmt else { return false };
            match op {
                Op::Force(_) => {}
                Op::Prim(Prim::Length, _) => read.push((vars[0], None)),
                Op::Prim(Prim::Item, operands) if !is_row(&operands[1]) => {
                    let index = self.known_index(operands[1]);
                    let Some(index) = index.filter(|index| *index < items.len()) else {
                        return false;
                    };
                    read.push((vars[0], Some(index)));
                }
                _ => return false,
            }
        }
        let in_terminators = blocks
            .iter()
            .flat_map(|block| self.code.blocks[*block].terminator.operands())
            .any(|operand| is_row(&operand));
        let mut indices: Vec<usize> = read.iter().filter_map(|(_, index)| *index).collect();
        indices.sort_unstable();
        indices.dedup();
        if in_terminators || indices.len() > ITEMS_LIMIT {
            return false;
        }
        let params: Vec<(usize, Var)> =
            indices.iter().map(|index| (*index, self.code.new_var(types[*index]))).collect();
        for (index, param) in &params {
            self.code.params.push(*param);
            self.captures.push(items[*index]);
        }
        let value_of = |index: Option<usize>| match index {
            None => Operand::Small(items.len() as u64),
            Some(index) => {
                let found = params.iter().find(|(other, _)| *other == index);
                found.map_or(Operand::Small(0), |(_, param)| Operand::Var(*param))
            }
        };
        let replaced: HashMap<Var, Operand, FixedState> =
            read.iter().map(|(var, index)| (*var, value_of(*index))).collect();
        for block in blocks {
            self.code.blocks[block].stmts.retain(|stmt| match stmt {
                Stmt::Let(vars, Op::Force(of)) => !is_row(of) || !names.contains(&vars[0].into()),
                Stmt::Let(vars, Op::Prim(..)) => !replaced.contains_key(&vars[0]),
                _ => true,
            });
        }
        self.code.for_each_operand_mut(|operand| {
            if let Operand::Var(var) = operand
                && let Some(value) = replaced.get(var)
            {
                *operand = *value;
            }
        });
        true
    }

    /// The number that an operand of the code is, if it is a literal or a parameter for one.
    fn known_index(&self, operand: Operand) -> Option<usize> {
        let nat = match operand {
            Operand::Small(nat) => nat,
            Operand::Var(var) => {
                let place = self.code.params.iter().position(|param| *param == var)?;
                match self.captures[place] {
                    Operand::Small(nat) => nat,
                    _ => return None,
                }
            }
            Operand::Constant(_) => return None,
        };
        usize::try_from(nat).ok()
    }

    /// Drops the parameters that the code does not use.
    fn drop_unused(&mut self) {
        let mut used = Vec::new();
        for block in self.code.live_blocks() {
            let block = &self.code.blocks[block];
            used.extend(block.stmts.iter().flat_map(Stmt::ops).flat_map(Op::operands));
            used.extend(block.terminator.operands());
        }
        let params = std::mem::take(&mut self.code.params);
        let captures = std::mem::take(&mut self.captures);
        for (param, capture) in params.into_iter().zip(captures) {
            if used.contains(&Operand::Var(param)) {
                self.code.params.push(param);
                self.captures.push(capture);
            }
        }
    }
}

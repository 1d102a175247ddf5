//! Normal results: a value that is normalised where it is made is made in normal form.
//!
//! ```text
//! before  v3 = generate f1(v1, v2); v4 = normalise v3
//! after   v5 = zerorow v1; v3 = call f7(v2, v1, v5)
//!         f7 fills the row with results of f6, a copy of f1 that normalises what it returns
//! ```
//!
//! Without this, the row has a thunk for each item, which the runtime evaluates one by one, and so on
//! for the rows in them. Programs normalise the state of each step of a simulation (`force next`), so
//! that no thunk refers to the step before. (Coutts, "Stream fusion", and Peyton Jones, Launchbury: a
//! constructor whose fields are all demanded is built with evaluated fields; here the demand is deep.)
//!
//! A thunk or call whose result is normalised becomes a call of a *normal variant*: a copy of the function
//! in which each returned value is normalised, to which the same applies. A variant's tail calls are
//! those of variants, so it takes no more stack than the function. Other calls of variants are made only
//! where the callee does not lead back to the caller: the recursion of a list's tail is left to the
//! runtime, which needs no stack for it.
//!
//! The rows that are made are in normal form, but not marked as such in their headers. A jet relies on that
//! mark, so an argument of a jet is normalised as before.

use super::fill::flattened_captures;
use crate::analysis::call_graph::{referenced_functions, tail_calls};
use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Terminator,
    Type, Unit, Var,
};
use foldhash::fast::FixedState;
use std::collections::{HashMap, HashSet};

/// The largest function that gets a normal variant.
const SIZE_LIMIT: usize = 300;
/// The most statements of all variants of a unit.
const WRITTEN_LIMIT: usize = 1500;
/// The most items of a row that is made in place.
const ITEMS_LIMIT: usize = 16;

pub(super) fn make_normal(unit: &mut Unit) {
    let normalises = |function: &Function| {
        function.live_ops().any(|op| matches!(op, Op::Normalise(Operand::Var(_))))
    };
    if !unit.functions.values().any(normalises) {
        return;
    }
    let mut variants = NormalVariants::default();
    // Variants are added meanwhile.
    let mut next = 0;
    while next < unit.functions.len() {
        let id = FunctionId::from_u32(next as u32);
        if normalises(&unit.functions[id]) {
            variants.rewrite(unit, id);
        }
        next += 1;
    }
}

type FunctionMap<T> = HashMap<FunctionId, T, FixedState>;

/// The normal variants of a unit's functions.
#[derive(Default)]
struct NormalVariants {
    /// The variant of each function that has one.
    of: FunctionMap<FunctionId>,
    /// The function that each variant is a copy of.
    originals: FunctionMap<FunctionId>,
    /// The loops that fill rows, by the variant that returns the items.
    loops: FunctionMap<FunctionId>,
    /// The functions that each function leads to, itself included.
    reached: FunctionMap<HashSet<FunctionId, FixedState>>,
    /// The number of statements of all variants.
    written: usize,
}

impl NormalVariants {
    fn rewrite(&mut self, unit: &mut Unit, id: FunctionId) {
        let mut function = unit.functions[id].clone();
        for block in function.live_blocks() {
            let mut index = 0;
            while index < function.blocks[block].stmts.len() {
                // The new statements may normalise the parts of the value.
                index = self.expand(unit, id, &mut function, (block, index)).unwrap_or(index + 1);
            }
        }
        unit.functions[id] = function;
    }

    /// Replaces the statement at an index of a block, and the one that makes the value which that
    /// normalises, if there is one. Returns the index of the first new statement.
    fn expand(
        &mut self,
        unit: &mut Unit,
        id: FunctionId,
        function: &mut Function,
        (block, index): (BlockId, usize),
    ) -> Option<usize> {
        let stmts = &function.blocks[block].stmts;
        let Stmt::Let(results, Op::Normalise(Operand::Var(value))) = stmts[index].clone() else {
            return None;
        };
        let made = stmts[..index]
            .iter()
            .position(|stmt| matches!(stmt, Stmt::Let(vars, _) if vars[..] == [value]))?;
        if is_used_between(function, block, made..index, value)
            || is_jet_argument(function, results[0])
        {
            return None;
        }
        let Stmt::Let(_, op) = stmts[made].clone() else { return None };
        let (written, result) = self.made_normal(unit, id, function, op)?;
        let stmts = &mut function.blocks[block].stmts;
        stmts.splice(index..=index, written);
        stmts.remove(made);
        let replaced = [value, results[0]].map(Operand::Var);
        function.for_each_operand_mut(|operand| {
            if replaced.contains(operand) {
                *operand = result.into();
            }
        });
        Some(index - 1)
    }

    /// The statements that make the value of an operation in normal form, and that value.
    fn made_normal(
        &mut self,
        unit: &mut Unit,
        id: FunctionId,
        function: &mut Function,
        op: Op,
    ) -> Option<(Vec<Stmt>, Var)> {
        match op {
            Op::Row(items) if items.len() <= ITEMS_LIMIT => {
                Some(normal_row(unit, function, &items))
            }
            Op::Thunk(callee, args) | Op::Call(Call { callee: Callee::Local(callee), args }) => {
                let variant = self.variant_for(unit, id, callee)?;
                let result = function.new_var(unit.functions[variant].results[0]);
                let call = Op::Call(Call::local(variant, args));
                Some((vec![Stmt::Let(vec![result], call)], result))
            }
            Op::Generate(code, mut operands) => {
                let index = *unit.functions[code].params.last()?;
                if !Type::Small.is(unit.functions[code].vars[index]) {
                    return None;
                }
                let variant = self.variant_for(unit, id, code)?;
                let filling = match self.loops.get(&variant) {
                    Some(filling) => *filling,
                    None => {
                        let filling = filling_loop(unit, variant);
                        self.loops.insert(variant, filling);
                        filling
                    }
                };
                let mut written = flattened_captures(unit, function, code, &mut operands);
                let [count, captures @ ..] = &operands[..] else { return None };
                let [zeros, result] = [Type::Whnf; 2].map(|ty| function.new_var(ty));
                let args = [captures, &[*count, zeros.into()]].concat();
                written.extend([
                    Stmt::Let(vec![zeros], Op::ZeroRow(*count)),
                    Stmt::Let(vec![result], Op::Call(Call::local(filling, args))),
                ]);
                Some((written, result))
            }
            _ => None,
        }
    }

    /// The variant of a function for a call in another one, not in tail position.
    fn variant_for(
        &mut self,
        unit: &mut Unit,
        caller: FunctionId,
        callee: FunctionId,
    ) -> Option<FunctionId> {
        let [caller, callee] = [caller, callee].map(|id| *self.originals.get(&id).unwrap_or(&id));
        let reached = self.reached.entry(callee).or_insert_with(|| reached_from(unit, callee));
        if reached.contains(&caller) {
            return None;
        }
        self.variant(unit, callee)
    }

    /// The variant of a function, which is no variant itself.
    fn variant(&mut self, unit: &mut Unit, original: FunctionId) -> Option<FunctionId> {
        if let Some(variant) = self.of.get(&original) {
            return Some(*variant);
        }
        let function = &unit.functions[original];
        let size = function.size();
        let fits = size <= SIZE_LIMIT && self.written + size <= WRITTEN_LIMIT;
        if !fits || function.results.len() != 1 || function.role == FunctionRole::Lazy {
            return None;
        }
        self.written += size;
        let mut function = Function { role: FunctionRole::Worker, ..function.clone() };
        let variant = unit.functions.push(function.clone());
        self.of.insert(original, variant);
        self.originals.insert(variant, original);
        for block in function.live_blocks() {
            self.normalise_result(unit, &mut function, block);
        }
        unit.functions[variant] = function;
        Some(variant)
    }

    /// Makes a block of a variant that ends the function return a normal form.
    fn normalise_result(&mut self, unit: &mut Unit, function: &mut Function, block: BlockId) {
        let value = match function.blocks[block].terminator.clone() {
            Terminator::Return(values) => values[0],
            Terminator::Enter(value) => value,
            Terminator::Tail(call) => {
                if let Callee::Local(callee) = call.callee {
                    let callee = *self.originals.get(&callee).unwrap_or(&callee);
                    if let Some(variant) = self.variant(unit, callee) {
                        function.blocks[block].terminator =
                            Terminator::Tail(Call::local(variant, call.args));
                        return;
                    }
                }
                let ty = unit.results_of(&call)[0];
                let value = function.new_var(ty);
                function.blocks[block].stmts.push(Stmt::Let(vec![value], Op::Call(call)));
                value.into()
            }
            _ => return,
        };
        let result = match is_normal(unit, function, value) {
            true => value,
            false => {
                let normal = function.new_var(Type::Whnf);
                let normalise = Stmt::Let(vec![normal], Op::Normalise(value));
                function.blocks[block].stmts.push(normalise);
                normal.into()
            }
        };
        function.blocks[block].terminator = Terminator::Return(vec![result]);
    }
}

/// Whether a value is certain to be in normal form. A constant is a part of a law, and so it is.
fn is_normal(unit: &Unit, function: &Function, value: Operand) -> bool {
    match value {
        Operand::Var(_) => unit.type_of(function, value).is_some_and(|ty| ty.is(Type::Nat)),
        Operand::Small(_) | Operand::Constant(_) => true,
    }
}

/// The statements that make a row of these items in normal form, the last one first, as the runtime
/// normalises it; and the row.
fn normal_row(unit: &Unit, function: &mut Function, items: &[Operand]) -> (Vec<Stmt>, Var) {
    let mut written = Vec::new();
    let mut normal: Vec<Operand> = items.to_vec();
    for index in (0..items.len()).rev() {
        let before = normal[index];
        // An item that occurs several times has been normalised.
        if before != items[index] || is_normal(unit, function, before) {
            continue;
        }
        let item = function.new_var(Type::Whnf);
        written.push(Stmt::Let(vec![item], Op::Normalise(before)));
        for other in normal.iter_mut().filter(|other| **other == before) {
            *other = item.into();
        }
    }
    let row = function.new_var(Type::Whnf);
    written.push(Stmt::Let(vec![row], Op::Row(normal)));
    (written, row)
}

/// Whether a value is used between the statement of a block that makes it and another one, or in a join
/// point that is defined there.
fn is_used_between(
    function: &Function,
    block: BlockId,
    range: std::ops::Range<usize>,
    value: Var,
) -> bool {
    let is_value = |operand: Operand| operand == Operand::Var(value);
    let uses = |stmt: &Stmt| stmt.ops().flat_map(Op::operands).any(is_value);
    let in_block = |id: &BlockId| {
        let block = &function.blocks[*id];
        block.stmts.iter().any(uses) || block.terminator.operands().into_iter().any(is_value)
    };
    function.blocks[block].stmts[range].iter().any(|stmt| match stmt {
        Stmt::Join(join) => function.blocks_under(function.joins[*join].body).iter().any(in_block),
        _ => uses(stmt),
    })
}

/// Whether a value is an argument of a jet.
fn is_jet_argument(function: &Function, value: Var) -> bool {
    let takes = |call: &Call| {
        matches!(call.callee, Callee::Jet(_)) && call.args.contains(&Operand::Var(value))
    };
    tail_calls(function).any(takes)
        || function.live_ops().any(|op| matches!(op, Op::Call(call) if takes(call)))
}

/// The functions that a function leads to, itself included.
fn reached_from(unit: &Unit, from: FunctionId) -> HashSet<FunctionId, FixedState> {
    let mut reached: HashSet<FunctionId, FixedState> = HashSet::default();
    let mut waiting = vec![from];
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            waiting.extend(referenced_functions(&unit.functions[id]));
        }
    }
    reached
}

/// Adds the function that fills a row with the results of a function. Its parameters are the captures
/// of the items, the number of items that are left, and the row.
fn filling_loop(unit: &mut Unit, item: FunctionId) -> FunctionId {
    let mut types = unit.functions[item].param_types();
    let captured = types.len() - 1;
    types.truncate(captured);
    types.extend([Type::Small, Type::Whnf]);
    let mut fill =
        Function::with_params(FunctionRole::Worker, types).of_law(unit.functions[item].law);
    let given = fill.param_operands();
    let (left, row) = (given[captured], given[captured + 1]);
    let [is_done, index] = [Type::Bit, Type::Small].map(|ty| fill.new_var(ty));
    let value = fill.new_var(unit.functions[item].results[0]);
    let changed = fill.new_var(Type::Whnf);
    let done = fill.new_block(Terminator::Return(vec![row]));
    let next = {
        let args = [&given[..captured], &[index.into(), changed.into()]].concat();
        fill.new_block(Terminator::Tail(Call::local(unit.functions.next_key(), args)))
    };
    let first = &mut fill.blocks[BlockId::FIRST];
    first.stmts.push(Stmt::Let(vec![is_done], Op::Prim(Prim::IsZero, vec![left])));
    first.terminator = Terminator::If(is_done.into(), done, next);
    let args = [&given[..captured], &[index.into()]].concat();
    fill.blocks[next].stmts = vec![
        Stmt::Let(vec![index], Op::Prim(Prim::Dec, vec![left])),
        Stmt::Let(vec![value], Op::Call(Call::local(item, args))),
        Stmt::Let(vec![changed], Op::SetItem(vec![row, index.into(), value.into()])),
    ];
    unit.functions.push(fill)
}

//! Filling: each generated row becomes a row of zeros and a call of a function that writes the
//! items, in a loop without calls.
//!
//! ```text
//! before  v3 = generate f2(v1, v0)
//! after   v4 = zerorow v1; v3 = call f5(v0, v1, v4)
//! ```
//!
//! A long row in parts that the items are read from becomes one object first: each turn reads in place.
//!
//! A row with one more item before or behind a generated row, which nothing else uses, is filled in
//! place of the generated row. A slice that is left is made by its jet.
//!
//! An item is evaluated where tests show that this is cheap, as in a [lazy entry](super::lazy_entry);
//! elsewhere it is a thunk. What its code reads from evaluated rows is read before the thunk is made,
//! so a thunk keeps an item alive and not the row. The order in which the items are written cannot be
//! observed; the last one is written first.

use super::lazy_entry::{INLINED_LIMIT, WrittenFunction, write_cheap_thunk};
use super::slice::{Slice, definition};
use super::sweep::sweep_function;
use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, FunctionRole, JetOperation, Op, Operand, Prim,
    Stmt, Terminator, Type, Unit, Var,
};
use cranelift_entity::EntityRef;
use foldhash::fast::FixedState;
use std::collections::HashMap;

pub(super) fn fill(unit: &mut Unit) {
    let mut filling = HashMap::default();
    // Functions are added meanwhile: copies of items' code, which may generate rows too.
    let mut next = 0;
    while next < unit.functions.len() {
        fill_rows_of(unit, FunctionId::new(next), &mut filling);
        next += 1;
    }
}

/// The functions that fill rows, by the code of an item and where the first item is. A recursive
/// function whose items are its own results generates rows of one code at each depth, so each code has
/// one such function.
type FillingFunctions = HashMap<(FunctionId, FirstItem), FunctionId, FixedState>;

/// Where the first generated item of a row is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum FirstItem {
    AtStart,
    AfterOther,
}

/// Replaces the generated rows of a function.
fn fill_rows_of(unit: &mut Unit, id: FunctionId, filling: &mut FillingFunctions) {
    let generates = |stmt: &Stmt| matches!(stmt, Stmt::Let(_, Op::Generate(..)));
    let blocks = unit.functions[id].live_blocks();
    if !blocks.iter().any(|block| unit.functions[id].blocks[*block].stmts.iter().any(generates)) {
        return;
    }
    let mut function = unit.functions[id].clone();
    for block in blocks {
        return_extended_row(unit, &mut function, block);
        let mut index = 0;
        while let Some(stmt) = function.blocks[block].stmts.get(index) {
            let Stmt::Let(vars, Op::Generate(code, operands)) = stmt else {
                index += 1;
                continue;
            };
            let mut row = GeneratedRow { var: vars[0], code: *code, operands: operands.clone() };
            let flattened = flattened_captures(unit, &mut function, row.code, &mut row.operands);
            let made = index;
            index += flattened.len();
            function.blocks[block].stmts.splice(made..made, flattened);
            if let Some(extended) = row.extension(unit, &function, block) {
                row.write_extended(unit, &mut function, block, &extended, filling);
                function.blocks[block].stmts.remove(index);
            } else {
                let stmts = row.made(unit, &mut function, filling);
                function.blocks[block].stmts.splice(index..=index, stmts);
            }
        }
    }
    unit.functions[id] = function;
}

/// The row and the other item of a call that makes a row with one more item, and where the first item
/// of the given row is then.
fn extends(unit: &Unit, call: &Call) -> Option<(Operand, Operand, FirstItem)> {
    let Callee::Jet(k) = call.callee else { return None };
    match (unit.constants[k].jet.as_ref()?.operation?, &call.args[..]) {
        (JetOperation::Cons, &[other, row]) => Some((row, other, FirstItem::AfterOther)),
        (JetOperation::Snoc, &[row, other]) => Some((row, other, FirstItem::AtStart)),
        _ => None,
    }
}

/// Turns a tail call that adds an item to a generated row of the same block into a call that returns.
fn return_extended_row(unit: &Unit, function: &mut Function, block: BlockId) {
    let Terminator::Tail(call) = &function.blocks[block].terminator else { return };
    let Some((Operand::Var(row), ..)) = extends(unit, call) else { return };
    let makes_row =
        |stmt: &Stmt| matches!(stmt, Stmt::Let(vars, Op::Generate(..)) if vars[0] == row);
    if function.blocks[block].stmts.iter().any(makes_row) {
        let made = Op::Call(call.clone());
        let result = function.new_var(Type::Whnf);
        let block = &mut function.blocks[block];
        block.stmts.push(Stmt::Let(vec![result], made));
        block.terminator = Terminator::Return(vec![result.into()]);
    }
}

/// A generated row.
struct GeneratedRow {
    var: Var,
    code: FunctionId,
    operands: Vec<Operand>,
}

/// A row with one more item than a generated row.
struct ExtendedRow {
    var: Var,
    /// The index of the statement that makes it.
    index: usize,
    other: Operand,
    first: FirstItem,
}

/// Replaces a captured row with as many items as a generated row, which its filling loop reads item by
/// item, by [`Prim::Flat`] of it; returns the statements that define these. (Of a longer row, the
/// loop might read a few items only.) The first operand is the number of items.
pub(super) fn flattened_captures(
    unit: &Unit,
    function: &mut Function,
    code: FunctionId,
    operands: &mut [Operand],
) -> Vec<Stmt> {
    let code = &unit.functions[code];
    if Slice::of(code).is_some() {
        return Vec::new();
    }
    let index = code.params.last().map(|index| Operand::Var(*index));
    let is_read = |param: Var| {
        let read = |op: &Op| match op {
            Op::Prim(Prim::Item, operands) => {
                operands[0] == param.into() && Some(operands[1]) == index
            }
            _ => false,
        };
        code.vars[param] == Type::Whnf && code.live_ops().any(read)
    };
    let count = definition(function, operands[0]).cloned();
    let is_as_long = |row: Operand| count == Some(Op::Prim(Prim::Length, vec![row]));
    let mut stmts = Vec::new();
    for (capture, param) in operands[1..].iter_mut().zip(&code.params) {
        if is_as_long(*capture) && is_read(*param) {
            let flat = function.new_var(Type::Whnf);
            stmts.push(Stmt::Let(vec![flat], Op::Prim(Prim::Flat, vec![*capture])));
            *capture = flat.into();
        }
    }
    stmts
}

impl GeneratedRow {
    /// The row with one more item, if nothing else uses this row.
    fn extension(&self, unit: &Unit, function: &Function, block: BlockId) -> Option<ExtendedRow> {
        let row = Operand::Var(self.var);
        let blocks = function.live_blocks();
        let uses = blocks.iter().flat_map(|block| {
            let block = &function.blocks[*block];
            let operands = block.stmts.iter().flat_map(Stmt::ops).flat_map(Op::operands);
            operands.chain(block.terminator.operands()).filter(|operand| *operand == row)
        });
        if uses.count() != 1 {
            return None;
        }
        let stmts = function.blocks[block].stmts.iter().enumerate();
        stmts.into_iter().find_map(|(index, stmt)| match stmt {
            Stmt::Let(vars, Op::Call(call)) => {
                let (of, other, first) = extends(unit, call)?;
                (of == row).then_some(ExtendedRow { var: vars[0], index, other, first })
            }
            _ => None,
        })
    }

    /// The statements that make the row: by its jet if it is a slice, else filled.
    fn made(
        &self,
        unit: &mut Unit,
        function: &mut Function,
        filling: &mut FillingFunctions,
    ) -> Vec<Stmt> {
        let slice = Slice::of(&unit.functions[self.code]);
        let call = slice
            .and_then(|slice| slice.jet_call(unit, function, self.operands[0], self.operands[1]));
        if let Some(call) = call {
            return vec![Stmt::Let(vec![self.var], Op::Call(call))];
        }
        let zeros = function.new_var(Type::Whnf);
        let filled = self.filled(unit, filling, FirstItem::AtStart, zeros);
        vec![
            Stmt::Let(vec![zeros], Op::ZeroRow(self.operands[0])),
            Stmt::Let(vec![self.var], filled),
        ]
    }

    /// Replaces the statement that makes a row with one more item by those that fill that row.
    fn write_extended(
        &self,
        unit: &mut Unit,
        function: &mut Function,
        block: BlockId,
        extended: &ExtendedRow,
        filling: &mut FillingFunctions,
    ) {
        let count = self.operands[0];
        let at = match extended.first {
            FirstItem::AtStart => count,
            FirstItem::AfterOther => Operand::Small(0),
        };
        // The greatest count stays as it is: no heap has room for a row of that length.
        let [next, small, longer] =
            [Type::Nat, Type::Small, Type::Small].map(|ty| function.new_var(ty));
        let [zeros, filled] = [Type::Whnf; 2].map(|ty| function.new_var(ty));
        let fill = self.filled(unit, filling, extended.first, zeros);
        let stmts = [
            (next, Op::Prim(Prim::Inc, vec![count])),
            (small, Op::Prim(Prim::Small, vec![next.into()])),
            (longer, Op::Prim(Prim::Max, vec![small.into(), count])),
            (zeros, Op::ZeroRow(longer.into())),
            (filled, fill),
            (extended.var, Op::SetItem(vec![filled.into(), at, extended.other])),
        ];
        let stmts = stmts.map(|(var, op)| Stmt::Let(vec![var], op));
        function.blocks[block].stmts.splice(extended.index..=extended.index, stmts);
    }

    /// The call that fills a row of zeros.
    fn filled(
        &self,
        unit: &mut Unit,
        filling: &mut FillingFunctions,
        first: FirstItem,
        zeros: Var,
    ) -> Op {
        let fill = match filling.get(&(self.code, first)) {
            Some(fill) => *fill,
            None => {
                let fill = filling_function(unit, self.code, first);
                filling.insert((self.code, first), fill);
                fill
            }
        };
        let [count, captures @ ..] = &self.operands[..] else { unreachable!("a row has a count") };
        Op::Call(Call::local(fill, [captures, &[*count, zeros.into()]].concat()))
    }
}

/// Adds the function that fills a row of items with this code. Its parameters are the captures of
/// the items, the number of items that are left, and the row.
fn filling_function(unit: &mut Unit, code: FunctionId, first_item: FirstItem) -> FunctionId {
    let (item, reads) = split_reads(&unit.functions[code]);
    let captures: Vec<Type> = {
        let mut types = unit.functions[code].param_types();
        types.pop();
        types
    };
    let params: Vec<Var> = item.params.clone();
    let item_params = unit.functions[code].params.clone();
    let mut item = item;
    sweep_function(unit, &mut item);
    let item = unit.functions.push(item);

    let types = captures.iter().copied().chain([Type::Small, Type::Whnf]);
    let mut fill = Function::with_params(FunctionRole::Worker, types);
    let given = fill.param_operands();
    let (left, row) = (given[captures.len()], given[captures.len() + 1]);
    let is_done = fill.new_var(Type::Bit);
    let index = fill.new_var(Type::Small);
    let done = fill.new_block(Terminator::Return(vec![row]));
    let next = fill.new_block(Terminator::Return(vec![row]));
    let first = &mut fill.blocks[BlockId::FIRST];
    first.stmts.push(Stmt::Let(vec![is_done], Op::Prim(Prim::IsZero, vec![left])));
    first.terminator = Terminator::If(is_done.into(), done, next);
    fill.blocks[next].stmts.push(Stmt::Let(vec![index], Op::Prim(Prim::Dec, vec![left])));

    // What each parameter of the item's code is here.
    let value_of = |var: Var| match item_params.iter().position(|param| *param == var) {
        Some(place) if place < captures.len() => Some(given[place]),
        Some(_) => Some(Operand::Var(index)),
        None => None,
    };
    let mut items = Vec::new();
    for HoistedRead { var, ty, prim, operands } in reads {
        let read = fill.new_var(ty);
        let operands = operands.into_iter().map(|operand| match operand {
            Operand::Var(var) => {
                let hoisted = items.iter().find(|(item, _)| *item == var).map(|(_, read)| *read);
                hoisted.or_else(|| value_of(var)).unwrap_or(operand)
            }
            _ => operand,
        });
        let read_item = Op::Prim(prim, operands.collect());
        fill.blocks[next].stmts.push(Stmt::Let(vec![read], read_item));
        items.push((var, Operand::Var(read)));
    }
    let arg = |var: &Var| {
        let read = items.iter().find(|(item, _)| item == var).map(|(_, read)| *read);
        read.or_else(|| value_of(*var)).unwrap_or(Operand::Small(0))
    };
    let args: Vec<Operand> = params.iter().map(arg).collect();

    let thunk = Op::Thunk(item, args.clone());
    let mut written = WrittenFunction { function: fill, block: next };
    let value = match write_cheap_thunk(unit, &mut written, (item, &args), &thunk, INLINED_LIMIT) {
        Some((_, value)) => value,
        None => {
            let value = written.function.new_var(Type::Any);
            written.function.blocks[written.block].stmts.push(Stmt::Let(vec![value], thunk));
            value.into()
        }
    };
    let WrittenFunction { function: mut fill, block } = written;
    let changed = fill.new_var(Type::Whnf);
    let at = match first_item {
        FirstItem::AtStart => index.into(),
        FirstItem::AfterOther => left,
    };
    let write = Op::SetItem(vec![row, at, value]);
    fill.blocks[block].stmts.push(Stmt::Let(vec![changed], write));
    let id = unit.functions.next_key();
    let args = [&given[..captures.len()], &[index.into(), changed.into()]].concat();
    fill.blocks[block].terminator = Terminator::Tail(Call::local(id, args));
    unit.functions.push(fill)
}

/// An operation of an item's code that the filling function does before it makes a thunk: the read of
/// an item of a captured row, or the computation of the index.
struct HoistedRead {
    var: Var,
    ty: Type,
    prim: Prim,
    operands: Vec<Operand>,
}

/// A copy of an item's code in which the items of captured rows that it reads are parameters, without
/// the parameters that it does not use then; and these reads.
fn split_reads(code: &Function) -> (Function, Vec<HoistedRead>) {
    let mut item = code.clone();
    let mut reads: Vec<HoistedRead> = Vec::new();
    for block in item.live_blocks() {
        item.blocks[block].stmts.retain(|stmt| {
            let Stmt::Let(vars, Op::Prim(prim, operands)) = stmt else { return true };
            let limit = match prim {
                Prim::Item => Type::Whnf,
                Prim::Inc | Prim::Add => Type::Small,
                _ => return true,
            };
            let is_known = |operand: &Operand| match operand {
                Operand::Var(var) => {
                    let is_hoisted = reads.iter().any(|read| read.var == *var);
                    (is_hoisted || code.params.contains(var)) && code.vars[*var].is(limit)
                }
                Operand::Small(_) => true,
                Operand::Constant(_) => false,
            };
            if !operands.iter().all(is_known) {
                return true;
            }
            let (prim, operands) = (*prim, operands.clone());
            reads.push(HoistedRead { var: vars[0], ty: code.vars[vars[0]], prim, operands });
            false
        });
    }
    let used_in = |item: &Function| {
        let mut used = Vec::new();
        for block in item.live_blocks() {
            let block = &item.blocks[block];
            let operands = block.stmts.iter().flat_map(Stmt::ops).flat_map(Op::operands);
            used.extend(operands.chain(block.terminator.operands()));
        }
        used
    };
    let used = used_in(&item);
    // A word cannot be captured, so the code computes it again.
    let is_computed = |read: &&HoistedRead| {
        !read.ty.boxed().is(read.ty) && used.contains(&Operand::Var(read.var))
    };
    let entry = item.entry;
    let again =
        reads.iter().filter(is_computed).map(|HoistedRead { var, prim, operands, .. }| {
            Stmt::Let(vec![*var], Op::Prim(*prim, operands.clone()))
        });
    item.blocks[entry].stmts.splice(0..0, again);
    let captured = reads.iter().filter(|read| !is_computed(read)).map(|read| read.var);
    item.params.extend(captured);
    let used = used_in(&item);
    item.params.retain(|param| used.contains(&Operand::Var(*param)));
    (item, reads)
}

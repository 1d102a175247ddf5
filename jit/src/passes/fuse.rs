//! Fusion: a generated row that one loop reads, item by item, is not made. (Deforestation: Wadler,
//! 1990; the stream fusion of Coutts, Leshchinskiy and Stewart, 2007, has the same condition on the
//! consumer.)
//!
//! ```text
//! before  v3 = generate f2(v1, v0); v4 = call f1(v3, v1, 0, 0)      f1 reads item v0, v3
//! after   v4 = call f5(v0, v1, 0, 0)                                 f5 makes thunk f6(v0, v1, v3)
//! ```
//!
//! The consumer is a copy of a function in which the row's captures are parameters. Each read
//! becomes the item's thunk, which later passes evaluate in place where the consumer is strict. So
//! the laziness of the items stays the same. No work is repeated, because no item is read twice: the
//! row has one use, the consumer reads at an index that is one of its parameters, and calls itself
//! with the next index; or counts a parameter down, and reads at the index that it passes on. A generated row that reads another one at its own index, as `map` does, is
//! such a consumer too. The sum of a generated row is a loop that makes no row. A read of a slice
//! becomes a read of the row that it is a part of, without a thunk.

use super::counted_loop::{index_from_end, turns_left};
use super::slice::{Slice, definition};
use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, FunctionRole, JetOperation, Op, Operand, Prim,
    Stmt, Terminator, Type, Unit, Var,
};

/// The most rows that are removed from a unit.
const ROWS_LIMIT: usize = 24;
/// Consumers of more than this size are not copied.
const SIZE_LIMIT: usize = 200;

pub(super) fn fuse(unit: &mut Unit) {
    let mut removed = 0;
    let mut next = FunctionId::ROOT;
    // The loop reaches the copies that it appends: a row may be read by a row that is read.
    while unit.functions.is_valid(next) {
        while removed < ROWS_LIMIT && remove_row(unit, next) {
            removed += 1;
        }
        next = FunctionId::from_u32(next.as_u32() + 1);
    }
}

/// A generated row with one use.
struct SingleUseRow {
    row: Var,
    code: FunctionId,
    count: Operand,
    captures: Vec<Operand>,
}

/// Where the row is used.
#[derive(Clone, Copy)]
enum UsePlace {
    Stmt(BlockId, usize),
    Terminator(BlockId),
}

/// Removes one generated row of a function, if it has one that can be removed.
fn remove_row(unit: &mut Unit, id: FunctionId) -> bool {
    let rows = single_use_rows(&unit.functions[id]);
    rows.into_iter().any(|(row, place)| {
        let function = &unit.functions[id];
        match place {
            UsePlace::Terminator(block) => {
                let Terminator::Tail(call) = function.blocks[block].terminator.clone() else {
                    return false;
                };
                let Some(call) = consume_by_call(unit, id, &row, call) else { return false };
                unit.functions[id].blocks[block].terminator = Terminator::Tail(call);
                true
            }
            UsePlace::Stmt(block, index) => {
                let Stmt::Let(vars, op) = function.blocks[block].stmts[index].clone() else {
                    return false;
                };
                let op = match op {
                    Op::Call(call) => consume_by_call(unit, id, &row, call).map(Op::Call),
                    Op::Generate(code, operands) => consume_by_row(unit, id, &row, code, &operands),
                    _ => None,
                };
                let Some(op) = op else { return false };
                unit.functions[id].blocks[block].stmts[index] = Stmt::Let(vars, op);
                true
            }
        }
    })
}

/// The generated rows of a function that have one use, and the use.
fn single_use_rows(function: &Function) -> Vec<(SingleUseRow, UsePlace)> {
    let blocks = function.live_blocks();
    let mut rows: Vec<(SingleUseRow, Vec<UsePlace>)> = Vec::new();
    for stmt in blocks.iter().flat_map(|block| &function.blocks[*block].stmts) {
        if let Stmt::Let(vars, Op::Generate(code, operands)) = stmt
            && let (&[row], Some((count, captures))) = (&vars[..], operands.split_first())
        {
            let (code, count, captures) = (*code, *count, captures.to_vec());
            rows.push((SingleUseRow { row, code, count, captures }, Vec::new()));
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let mut note = |operand: Operand, place: UsePlace| {
        for (row, uses) in &mut rows {
            if operand == Operand::Var(row.row) {
                uses.push(place);
            }
        }
    };
    for block in blocks {
        let code = &function.blocks[block];
        for (index, stmt) in code.stmts.iter().enumerate() {
            let operands = stmt.ops().flat_map(Op::operands);
            operands.for_each(|operand| note(operand, UsePlace::Stmt(block, index)));
        }
        let operands = code.terminator.operands();
        operands.into_iter().for_each(|operand| note(operand, UsePlace::Terminator(block)));
    }
    let single = |(row, uses): (SingleUseRow, Vec<UsePlace>)| match uses[..] {
        [place] => Some((row, place)),
        _ => None,
    };
    rows.into_iter().filter_map(single).collect()
}

/// The call of a copy of the callee that computes the items of the row, or of a loop that adds them.
fn consume_by_call(
    unit: &mut Unit,
    caller: FunctionId,
    row: &SingleUseRow,
    call: Call,
) -> Option<Call> {
    match call.callee {
        Callee::Jet(k) => {
            let jet = unit.constants[k].jet.as_ref()?;
            let adds = jet.operation == Some(JetOperation::Sum);
            adds.then(|| {
                Call::local(sum_of_items(unit, row.code), sum_args(&row.captures, row.count))
            })
        }
        Callee::Local(callee) => consume_by_loop(unit, caller, row, callee, &call.args),
        _ => None,
    }
}

// Sums.

/// The arguments of the function that [`sum_of_items`] adds.
pub(super) fn sum_args(captures: &[Operand], count: Operand) -> Vec<Operand> {
    [captures, &[count, Operand::Small(0)]].concat()
}

/// Adds the function that returns the sum of items with this code, from the last to the first. Its
/// parameters are the captures of the items, the number of items that are left, and the sum so far.
pub(super) fn sum_of_items(unit: &mut Unit, code: FunctionId) -> FunctionId {
    let mut types = unit.functions[code].param_types();
    types.pop();
    let captures = types.len();
    types.extend([Type::Small, Type::Nat]);
    let mut sum = Function::with_params(FunctionRole::Worker, types);
    sum.results = vec![Type::Nat];
    let params = sum.param_operands();
    let (left, so_far) = (params[captures], params[captures + 1]);
    let is_done = sum.new_var(Type::Bit);
    let (index, item) = (sum.new_var(Type::Small), sum.new_var(Type::Any));
    let (value, total) = (sum.new_var(Type::Whnf), sum.new_var(Type::Nat));
    let done = sum.new_block(Terminator::Return(vec![so_far]));
    let next_args = [&params[..captures], &[index.into(), total.into()]].concat();
    let id = unit.functions.next_key();
    let next = sum.new_block(Terminator::Tail(Call::local(id, next_args)));
    let item_captures = [&params[..captures], &[index.into()]].concat();
    sum.blocks[next].stmts = vec![
        Stmt::Let(vec![index], Op::Prim(Prim::Dec, vec![left])),
        Stmt::Let(vec![item], Op::Thunk(code, item_captures)),
        Stmt::Let(vec![value], Op::Force(item.into())),
        Stmt::Let(vec![total], Op::Prim(Prim::Add, vec![so_far, value.into()])),
    ];
    let first = &mut sum.blocks[BlockId::FIRST];
    first.stmts.push(Stmt::Let(vec![is_done], Op::Prim(Prim::IsZero, vec![left])));
    first.terminator = Terminator::If(is_done.into(), done, next);
    unit.functions.push(sum)
}

// Rows that read rows.

/// The row that computes the items of `row` in its own items' code instead of reading them.
fn consume_by_row(
    unit: &mut Unit,
    id: FunctionId,
    row: &SingleUseRow,
    code: FunctionId,
    operands: &[Operand],
) -> Option<Op> {
    let (count, captures) = operands.split_first()?;
    if !is_at_most(&unit.functions[id], *count, row.count) {
        return None;
    }
    let place = captures.iter().position(|operand| *operand == Operand::Var(row.row))?;
    let consumer = &unit.functions[code];
    let (param, index) = (*consumer.params.get(place)?, *consumer.params.last()?);
    if RowReads::of(consumer, None, param)? != (RowReads { index: Some(index) })
        || consumer.size() > SIZE_LIMIT
    {
        return None;
    }
    let mut copy = consumer.clone();
    let types = unit.functions[row.code].param_types();
    let added: Vec<Var> = types[..row.captures.len()].iter().map(|ty| copy.new_var(*ty)).collect();
    copy.params.remove(place);
    let at = copy.params.len() - 1;
    copy.params.splice(at..at, added.iter().copied());
    let item = added.into_iter().map(Operand::Var).chain([Operand::Var(index)]).collect();
    replace_reads(&mut copy, param, &ItemSource::of(&unit.functions[row.code], row.code, item));
    let copy = unit.functions.push(copy);
    let mut operands = operands.to_vec();
    operands.remove(1 + place);
    operands.extend(&row.captures);
    Some(Op::Generate(copy, operands))
}

/// Whether a number of items is another one, or the lesser of that and a third.
fn is_at_most(function: &Function, count: Operand, most: Operand) -> bool {
    let is_lesser = || match definition(function, count) {
        Some(Op::Prim(Prim::Min, counts)) => counts.contains(&most),
        _ => false,
    };
    count == most || is_lesser()
}

/// What takes the place of a read of an item.
enum ItemSource {
    /// A thunk of the item's code.
    Thunk(Op),
    /// A read of the row in this operand. The consumed row is a slice of it.
    Slice(Slice, Operand),
}

impl ItemSource {
    /// `captures` are those of a thunk of the code.
    fn of(code: &Function, id: FunctionId, captures: Vec<Operand>) -> ItemSource {
        match Slice::of(code) {
            Some(slice) => ItemSource::Slice(slice, captures[0]),
            None => ItemSource::Thunk(Op::Thunk(id, captures)),
        }
    }
}

/// Replaces the reads of the row in a parameter.
fn replace_reads(function: &mut Function, row: Var, source: &ItemSource) {
    for block in function.live_blocks() {
        let stmts = std::mem::take(&mut function.blocks[block].stmts);
        let mut written = Vec::with_capacity(stmts.len());
        for mut stmt in stmts {
            let index = stmt.ops().find_map(|op| reads_item_of(op, row));
            match (&mut stmt, index, source) {
                (Stmt::Let(_, op), Some(_), ItemSource::Thunk(thunk)) => *op = thunk.clone(),
                (Stmt::Let(_, op), Some(index), ItemSource::Slice(slice, of)) => {
                    let (mut reads, _) = slice.read(function, *of, index);
                    if let Some(Stmt::Let(_, read)) = reads.pop() {
                        *op = read;
                    }
                    written.append(&mut reads);
                }
                _ => {}
            }
            written.push(stmt);
        }
        function.blocks[block].stmts = written;
    }
}

/// The index at which an operation reads a row.
fn reads_item_of(op: &Op, row: Var) -> Option<Operand> {
    match op {
        Op::Prim(Prim::Item, operands) if operands[0] == Operand::Var(row) => Some(operands[1]),
        _ => None,
    }
}

// Loops.

/// How a function reads the row in one of its parameters, if it does nothing else with the row than
/// to pass it to itself.
#[derive(Clone, Copy, PartialEq, Eq)]
struct RowReads {
    /// The index of all reads: a parameter, or one less than a parameter; `None` without any.
    index: Option<Var>,
}

impl RowReads {
    /// `id` is the function, if it may call itself.
    fn of(function: &Function, id: Option<FunctionId>, row: Var) -> Option<RowReads> {
        let mut reads = RowReads { index: None };
        let place = function.params.iter().position(|param| *param == row)?;
        let row = Operand::Var(row);
        for block in function.live_blocks() {
            let block = &function.blocks[block];
            for op in block.stmts.iter().flat_map(Stmt::ops) {
                match op {
                    Op::Prim(Prim::Item, operands) if operands[0] == row => {
                        let Operand::Var(index) = operands[1] else { return None };
                        let is_same = reads.index.is_none_or(|other| other == index);
                        let is_of_param = function.params.contains(&index)
                            || counted_down(function, index).is_some();
                        if !is_of_param || !is_same || operands[1] == row {
                            return None;
                        }
                        reads.index = Some(index);
                    }
                    Op::Call(call) if is_self_call(call, id) => passes_on(call, place, row)?,
                    op if op.operands().any(|operand| operand == row) => return None,
                    _ => {}
                }
            }
            match &block.terminator {
                Terminator::Tail(call) if is_self_call(call, id) => passes_on(call, place, row)?,
                terminator if terminator.operands().contains(&row) => return None,
                _ => {}
            }
        }
        Some(reads)
    }
}

fn is_self_call(call: &Call, id: Option<FunctionId>) -> bool {
    id.is_some_and(|id| call.callee == Callee::Local(id))
}

/// Whether a call passes the row in its place and nowhere else.
fn passes_on(call: &Call, place: usize, row: Operand) -> Option<()> {
    let is_right = |(index, arg): (usize, &Operand)| (index == place) == (*arg == row);
    call.args.iter().enumerate().all(is_right).then_some(())
}

/// The calls of a function to itself.
fn self_calls(function: &Function, id: FunctionId) -> Vec<Call> {
    let mut calls = Vec::new();
    for block in function.live_blocks() {
        let block = &function.blocks[block];
        let ops = block.stmts.iter().flat_map(Stmt::ops);
        calls.extend(ops.filter_map(|op| match op {
            Op::Call(call) if is_self_call(call, Some(id)) => Some(call.clone()),
            _ => None,
        }));
        if let Terminator::Tail(call) = &block.terminator
            && is_self_call(call, Some(id))
        {
            calls.push(call.clone());
        }
    }
    calls
}

/// The place of the parameter that an index is one less than.
fn counted_down(function: &Function, index: Var) -> Option<usize> {
    match definition(function, index.into())? {
        Op::Prim(Prim::Dec, operands) => {
            function.params.iter().position(|param| operands[0] == Operand::Var(*param))
        }
        _ => None,
    }
}

/// Whether every call of a function to itself passes the successor of a parameter in its place.
fn counts_up(function: &Function, calls: &[Call], index: Var) -> bool {
    let blocks = function.live_blocks();
    let index_operand = Operand::Var(index);
    let is_successor = |operand: Operand| {
        let mut stmts = blocks.iter().flat_map(|block| &function.blocks[*block].stmts);
        stmts.any(|stmt| match stmt {
            Stmt::Let(vars, Op::Prim(prim, operands)) if operand == Operand::Var(vars[0]) => {
                match (prim, &operands[..]) {
                    (Prim::Inc, [a]) => *a == index_operand,
                    (Prim::Add, [a, Operand::Small(1)] | [Operand::Small(1), a]) => {
                        *a == index_operand
                    }
                    _ => false,
                }
            }
            _ => false,
        })
    };
    let place = function.params.iter().position(|param| *param == index);
    place.is_some_and(|place| calls.iter().all(|call| is_successor(call.args[place])))
}

/// The call of a copy of a loop that computes the items of a row instead of reading them.
fn consume_by_loop(
    unit: &mut Unit,
    caller: FunctionId,
    row: &SingleUseRow,
    callee: FunctionId,
    args: &[Operand],
) -> Option<Call> {
    let consumer = &unit.functions[callee];
    let place = args.iter().position(|arg| *arg == Operand::Var(row.row))?;
    let param = *consumer.params.get(place)?;
    let index = RowReads::of(consumer, Some(callee), param)?.index?;
    let calls = self_calls(consumer, callee);
    // Such an index is below the number of items, or 0.
    let counts_down = counted_down(consumer, index).is_some_and(|left| {
        let passes_index = |call: &Call| call.args[left] == Operand::Var(index);
        args[left] == row.count
            && consumer.vars[index].is(Type::Small)
            && calls.iter().all(passes_index)
    });
    let is_loop = callee != caller
        && consumer.role != FunctionRole::Thunk
        && consumer.size() <= SIZE_LIMIT
        && consumer.vars[index].is(Type::Nat)
        && (counts_down || counts_up(consumer, &calls, index));
    if !is_loop {
        return None;
    }
    // A parameter that is the number of items in every turn.
    let is_invariant = |&at: &usize| {
        let param = Operand::Var(consumer.params[at]);
        args[at] == row.count && calls.iter().all(|call| call.args[at] == param)
    };
    let bound = (0..args.len()).find(is_invariant).map(|at| consumer.params[at]);
    let bound = bound.filter(|bound| consumer.vars[*bound].is(Type::Small));

    let mut copy = consumer.clone();
    if copy.role == FunctionRole::General {
        copy.role = FunctionRole::Worker;
    }
    let types = unit.functions[row.code].param_types();
    let added: Vec<Var> = types[..row.captures.len()].iter().map(|ty| copy.new_var(*ty)).collect();
    let own_bound = bound.is_none().then(|| copy.new_var(Type::Small));
    let new_params: Vec<Var> = added.iter().copied().chain(own_bound).collect();
    copy.params.remove(place);
    copy.params.extend(&new_params);
    let bound = Operand::Var(bound.or(own_bound)?);
    let captures = added.iter().map(|var| Operand::Var(*var));
    let turns_left = turns_left(consumer, &calls, (args, row.count), (param, index));
    let from_end = turns_left.map(|left| index_from_end(&mut copy, param, bound, left));
    let source = match (Slice::of(&unit.functions[row.code]), from_end) {
        (Some(slice), _) => ItemSource::Slice(slice, added[0].into()),
        (None, Some(index)) => {
            ItemSource::Thunk(Op::Thunk(row.code, captures.chain([index]).collect()))
        }
        (None, None) => {
            let index_type = copy.vars[index].boxed();
            let code = checked_item_code(&unit.functions[row.code], index_type);
            let item = captures.chain([bound, Operand::Var(index)]).collect();
            ItemSource::Thunk(Op::Thunk(unit.functions.push(code), item))
        }
    };
    replace_reads(&mut copy, param, &source);

    let id = unit.functions.next_key();
    let passed: Vec<Operand> = new_params.into_iter().map(Operand::Var).collect();
    change_self_calls(&mut copy, callee, |call| {
        call.callee = Callee::Local(id);
        call.args.remove(place);
        call.args.extend(&passed);
    });
    unit.functions.push(copy);
    let mut args = args.to_vec();
    args.remove(place);
    args.extend(&row.captures);
    args.extend(own_bound.map(|_| row.count));
    Some(Call::local(id, args))
}

/// Changes each call of `callee` in a copy of it.
fn change_self_calls(copy: &mut Function, callee: FunctionId, mut change: impl FnMut(&mut Call)) {
    for block in copy.live_blocks() {
        let block = &mut copy.blocks[block];
        let ops = block.stmts.iter_mut().flat_map(Stmt::ops_mut);
        let in_ops = ops.filter_map(|op| match op {
            Op::Call(call) => Some(call),
            _ => None,
        });
        let last = match &mut block.terminator {
            Terminator::Tail(call) => Some(call),
            _ => None,
        };
        in_ops.chain(last).filter(|call| is_self_call(call, Some(callee))).for_each(&mut change);
    }
}

/// The code of an item behind a test that the index is below the number of items; 0 if it is not.
/// The parameters are the captures, the number of items, and the index, of that type.
fn checked_item_code(code: &Function, index_type: Type) -> Function {
    let mut checked = code.clone();
    let small_index = checked.params.pop();
    let (count, index) = (checked.new_var(Type::Small), checked.new_var(index_type));
    checked.params.extend([count, index]);
    let (is_outside, body) = (checked.new_var(Type::Bit), checked.entry);
    if let Some(small_index) = small_index {
        checked.vars[small_index] = Type::Small;
        let narrow = Stmt::Let(vec![small_index], Op::Prim(Prim::Small, vec![index.into()]));
        checked.blocks[body].stmts.insert(0, narrow);
    }
    let outside = checked.new_block(Terminator::Return(vec![Operand::Small(0)]));
    checked.entry = checked.new_block(Terminator::If(is_outside.into(), outside, body));
    let test = Op::Prim(Prim::Ge, vec![index.into(), count.into()]);
    let entry = checked.entry;
    checked.blocks[entry].stmts.push(Stmt::Let(vec![is_outside], test));
    checked
}

//! Filling: each generated row becomes a row of zeros and a call of a function that writes the
//! items, in a loop without calls.
//!
//! ```text
//! before  v3 = generate f2(v1, v0)
//! after   v4 = zerorow v1; v3 = call f5(v0, v1, v4)
//! ```
//!
//! An item is evaluated where tests show that this is cheap, as in a [lazy entry](super::lazy_entry);
//! elsewhere it is a thunk. What its code reads from evaluated rows is read before the thunk is made,
//! so a thunk keeps an item alive and not the row. The order in which the items are written cannot be
//! observed; the last one is written first.

use super::lazy_entry::{WrittenFunction, write_cheap_thunk};
use super::sweep::sweep_function;
use crate::ir::{
    BlockId, Call, Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Terminator, Type,
    Unit, Var,
};

pub(super) fn fill(unit: &mut Unit) {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let mut function = unit.functions[id].clone();
        for block in function.live_blocks() {
            let stmts = std::mem::take(&mut function.blocks[block].stmts);
            let mut written = Vec::with_capacity(stmts.len());
            for stmt in stmts {
                let Stmt::Let(vars, Op::Generate(code, operands)) = stmt else {
                    written.push(stmt);
                    continue;
                };
                let fill = filling_function(unit, code);
                let zeros = function.new_var(Type::Whnf);
                written.push(Stmt::Let(vec![zeros], Op::ZeroRow(operands[0])));
                let args = [&operands[1..], &[operands[0], zeros.into()]].concat();
                written.push(Stmt::Let(vars, Op::Call(Call::local(fill, args))));
            }
            function.blocks[block].stmts = written;
        }
        unit.functions[id] = function;
    }
}

/// Adds the function that fills a row of items with this code. Its parameters are the captures of
/// the items, the number of items that are left, and the row.
fn filling_function(unit: &mut Unit, code: FunctionId) -> FunctionId {
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
    for (var, operands) in reads {
        let read = fill.new_var(Type::Any);
        let operands = operands.into_iter().map(|operand| match operand {
            Operand::Var(var) => value_of(var).unwrap_or(operand),
            _ => operand,
        });
        let read_item = Op::Prim(Prim::Item, operands.collect());
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
    let value = match write_cheap_thunk(unit, &mut written, item, &args, &thunk) {
        Some((_, value)) => value,
        None => {
            let value = written.function.new_var(Type::Any);
            written.function.blocks[written.block].stmts.push(Stmt::Let(vec![value], thunk));
            value.into()
        }
    };
    let WrittenFunction { function: mut fill, block } = written;
    let changed = fill.new_var(Type::Whnf);
    let write = Op::SetItem(vec![row, index.into(), value]);
    fill.blocks[block].stmts.push(Stmt::Let(vec![changed], write));
    let id = unit.functions.next_key();
    let args = [&given[..captures.len()], &[index.into(), changed.into()]].concat();
    fill.blocks[block].terminator = Terminator::Tail(Call::local(id, args));
    unit.functions.push(fill)
}

/// A copy of an item's code in which the items of captured rows that it reads are parameters, without the parameters that it does not use then; and these reads.
fn split_reads(code: &Function) -> (Function, Vec<(Var, Vec<Operand>)>) {
    let mut item = code.clone();
    let mut reads = Vec::new();
    let is_param = |operand: &Operand| match operand {
        Operand::Var(var) => code.params.contains(var) && code.vars[*var].is(Type::Whnf),
        Operand::Small(_) => true,
        Operand::Constant(_) => false,
    };
    for block in item.live_blocks() {
        item.blocks[block].stmts.retain(|stmt| match stmt {
            Stmt::Let(vars, Op::Prim(Prim::Item, operands)) if operands.iter().all(is_param) => {
                reads.extend(vars.iter().map(|var| (*var, operands.clone())));
                false
            }
            _ => true,
        });
    }
    item.params.extend(reads.iter().map(|(var, _)| *var));
    let mut used = Vec::new();
    for block in item.live_blocks() {
        let block = &item.blocks[block];
        let operands = block.stmts.iter().flat_map(Stmt::ops).flat_map(Op::operands);
        used.extend(operands.chain(block.terminator.operands()));
    }
    item.params.retain(|param| used.contains(&Operand::Var(*param)));
    (item, reads)
}

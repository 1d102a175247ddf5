//! Generated rows: a call of a jet that makes a row of a known function's results becomes an
//! operation, so that the function is compiled together with its use.
//!
//! ```text
//! before  v2 = partial k1(v0); v3 = call jet gen(v1, v2)
//! after   v3 = generate f2(v1, v0)             thunk f2(v0, v1) { tail call f3(v0, v1) }
//! ```
//!
//! The items are thunks, as in the law. The passes that follow evaluate those that are certain to be
//! evaluated (`fuse`, `strict`), or cheap (`fill`).
//!
//! A row without its first items (`drop`) and the pairs of two rows (`zip`) are generated rows too, so
//! that what reads them can read the rows they are made of. `fill` makes a slice by the jet again if
//! nothing has read it item by item ([`slice`](super::slice)). The sum of a known function's results
//! (`sumOf`) is a loop that makes no row.

use super::fuse::{sum_args, sum_of_items};
use super::share::SharedWork;
use super::slice;
use super::specialise::INCREMENT;
use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, FunctionRole, JetOperation, Op, Operand, Prim,
    Stmt, Terminator, Type, Unit, Var,
};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The most rows generated in a unit.
const ROWS_LIMIT: usize = 32;

/// Known functions among the values that a known function captures are built in up to this depth.
const NESTING_LIMIT: usize = 3;

/// A known function: a constant or the increment, and the values to which it is already applied.
type KnownFunction = (Operand, Vec<Operand>);

pub(super) fn generate(unit: &mut Unit) {
    generate_rows(unit, false);
}

/// Does the same only where the items of a row have [work in common](SharedWork).
pub(super) fn share(unit: &mut Unit) {
    generate_rows(unit, true);
}

fn generate_rows(unit: &mut Unit, only_shared: bool) {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    let mut generated = 0;
    for id in ids {
        let mut function = unit.functions[id].clone();
        let closures = partial_applications(&function);
        for block in function.live_blocks() {
            return_jet_results(unit, &mut function, block);
            let mut stmts = std::mem::take(&mut function.blocks[block].stmts);
            let mut written = Vec::with_capacity(stmts.len());
            for stmt in stmts.drain(..) {
                let row = match &stmt {
                    Stmt::Let(vars, Op::Call(call)) if generated < ROWS_LIMIT => {
                        let mut maker = RowMaker { unit, function: &mut function, only_shared };
                        let row = maker.row(&closures, call, &mut written);
                        row.zip(vars.first().copied())
                    }
                    _ => None,
                };
                match row {
                    Some((op, var)) => {
                        generated += 1;
                        written.push(Stmt::Let(vec![var], op));
                    }
                    None => written.push(stmt),
                }
            }
            function.blocks[block].stmts = written;
        }
        unit.functions[id] = function;
    }
}

fn partial_applications(function: &Function) -> HashMap<Var, KnownFunction, FixedState> {
    let blocks = function.live_blocks();
    let stmts = blocks.iter().flat_map(|block| &function.blocks[*block].stmts);
    let closure = |stmt: &Stmt| match stmt {
        Stmt::Let(vars, Op::Partial(k, given)) => {
            Some((*vars.first()?, (Operand::Constant(*k), given.clone())))
        }
        _ => None,
    };
    stmts.filter_map(closure).collect()
}

fn operation_of(unit: &Unit, call: &Call) -> Option<JetOperation> {
    match call.callee {
        Callee::Jet(k) => unit.constants[k].jet.as_ref()?.operation,
        _ => None,
    }
}

/// Turns a tail call of a jet that makes a row, or adds its items, into a call that returns.
fn return_jet_results(unit: &Unit, function: &mut Function, block: BlockId) {
    let Terminator::Tail(call) = &function.blocks[block].terminator else { return };
    let call = call.clone();
    let operation = operation_of(unit, &call);
    let ty = match operation {
        Some(
            JetOperation::Generate | JetOperation::Map | JetOperation::Zip | JetOperation::Drop,
        ) => Type::Whnf,
        Some(JetOperation::Sum | JetOperation::SumOf) => Type::Nat,
        _ => return,
    };
    let result = function.new_var(ty);
    let block = &mut function.blocks[block];
    block.stmts.push(Stmt::Let(vec![result], Op::Call(call)));
    block.terminator = Terminator::Return(vec![result.into()]);
}

/// Makes the operations that generate rows in a function.
struct RowMaker<'m> {
    unit: &'m mut Unit,
    function: &'m mut Function,
    /// Whether rows are left alone whose items share no work.
    only_shared: bool,
}

impl RowMaker<'_> {
    /// What takes the place of a jet that makes a row, or adds the results of a known function:
    /// `written` gets the statements that compute the number of items and what they share.
    fn row(
        &mut self,
        closures: &HashMap<Var, KnownFunction, FixedState>,
        call: &Call,
        written: &mut Vec<Stmt>,
    ) -> Option<Op> {
        let operation = operation_of(self.unit, call)?;
        let (item, count, source) = match (operation, &call.args[..]) {
            (JetOperation::Generate, &[count, item]) => (item, count, None),
            (JetOperation::Map | JetOperation::SumOf, &[item, row]) => (item, row, Some(row)),
            _ if self.only_shared => return None,
            (JetOperation::Zip, &[left, right]) => {
                return Some(zipped_row(self.unit, self.function, [left, right], written));
            }
            (JetOperation::Drop, &[Operand::Small(from @ 1..), row]) => {
                return slice::generate(self.unit, self.function, from, row, written);
            }
            _ => return None,
        };
        let (function, given) = known_function(self.unit, closures, item)?;
        let count_type = self.unit.type_of(self.function, count)?;
        let is_counted =
            count_type.is(Type::Small) || count_type.is(Type::Nat) && !count_type.is(Type::U64);
        if source.is_none() && !is_counted {
            return None;
        }
        let shared = match function {
            Operand::Constant(k) => SharedWork::of(self.unit, self.function, k, &given, written),
            _ => None,
        };
        if self.only_shared && shared.is_none() {
            return None;
        }
        let count = match source {
            None if count_type.is(Type::Small) => count,
            None => small_count(self.function, count, written),
            Some(row) => slice::length_of(self.function, row, written),
        };
        let (code, captures) =
            ItemCode::write(self.unit, closures, (function, given), shared, source);
        let code = self.unit.functions.push(code);
        Some(match operation {
            JetOperation::SumOf => {
                let sum = sum_of_items(self.unit, code);
                Op::Call(Call::local(sum, sum_args(&captures, count)))
            }
            _ => Op::Generate(code, [&[count], &captures[..]].concat()),
        })
    }
}

/// A number of items that is a nat, as one below 2^63. No heap has room for as many items as take the place of
/// a larger number.
fn small_count(function: &mut Function, count: Operand, written: &mut Vec<Stmt>) -> Operand {
    let mut emit = |ty, prim, operands: Vec<Operand>| {
        let result = function.new_var(ty);
        written.push(Stmt::Let(vec![result], Op::Prim(prim, operands)));
        Operand::Var(result)
    };
    let is_small = emit(Type::Bit, Prim::IsSmall, vec![count]);
    let is_large = emit(Type::Bit, Prim::IsZero, vec![is_small]);
    let large = emit(Type::Nat, Prim::Mul, vec![is_large, Operand::Small(1 << 62)]);
    let large = emit(Type::Small, Prim::Small, vec![large]);
    let small = emit(Type::Small, Prim::Small, vec![count]);
    emit(Type::Small, Prim::Max, vec![small, large])
}

/// The row of pairs of the items of two rows.
fn zipped_row(
    unit: &mut Unit,
    function: &mut Function,
    rows: [Operand; 2],
    written: &mut Vec<Stmt>,
) -> Op {
    let lengths = rows.map(|row| slice::length_of(function, row, written));
    let count = function.new_var(Type::Small);
    written.push(Stmt::Let(vec![count], Op::Prim(Prim::Min, lengths.to_vec())));
    let types = [Type::Whnf, Type::Whnf, Type::Small];
    let mut code = Function::with_params(FunctionRole::Thunk, types);
    let params = code.param_operands();
    let pair = code.new_var(Type::Whnf);
    let items = [code.new_var(Type::Any), code.new_var(Type::Any)];
    let read = |(item, row): (&Var, &Operand)| {
        Stmt::Let(vec![*item], Op::Prim(Prim::Item, vec![*row, params[2]]))
    };
    let mut stmts: Vec<Stmt> = items.iter().zip(&params).map(read).collect();
    stmts.push(Stmt::Let(vec![pair], Op::Row(items.map(Operand::Var).to_vec())));
    let first = &mut code.blocks[BlockId::FIRST];
    first.stmts = stmts;
    first.terminator = Terminator::Return(vec![pair.into()]);
    let code = unit.functions.push(code);
    Op::Generate(code, [&[count.into()], &rows[..]].concat())
}

/// The function that an operand is known to be, if it lacks one argument.
fn known_function(
    unit: &Unit,
    closures: &HashMap<Var, KnownFunction, FixedState>,
    function: Operand,
) -> Option<KnownFunction> {
    let (k, given) = match function {
        Operand::Constant(k) => match &unit.constants[k].of {
            Some((k, given)) => (*k, given.clone()),
            None => (k, Vec::new()),
        },
        Operand::Var(var) => match closures.get(&var)? {
            (Operand::Constant(k), given) => (*k, given.clone()),
            _ => return None,
        },
        Operand::Small(INCREMENT) => return Some((function, Vec::new())),
        Operand::Small(_) => return None,
    };
    let lacks_one = unit.constants[k].arity == given.len() as u64 + 1;
    lacks_one.then_some((Operand::Constant(k), given))
}

/// The code of an item while it is written.
struct ItemCode<'c> {
    closures: &'c HashMap<Var, KnownFunction, FixedState>,
    code: Function,
    stmts: Vec<Stmt>,
    /// What the code captures; the parameters in the same order.
    captures: Vec<Operand>,
}

impl ItemCode<'_> {
    /// The code of an item, and its captures: the application of a function to the item's index, or
    /// to the item of another row at the index. Constants and known functions among the values to
    /// which the function is already applied are built in. The work that the items share is captured.
    fn write(
        unit: &Unit,
        closures: &HashMap<Var, KnownFunction, FixedState>,
        (function, given): KnownFunction,
        shared: Option<SharedWork>,
        other_row: Option<Operand>,
    ) -> (Function, Vec<Operand>) {
        let code = Function::new(FunctionRole::Thunk);
        let mut item = ItemCode { closures, code, stmts: Vec::new(), captures: Vec::new() };
        let index = item.code.new_var(Type::Small);
        let mut args = item.values(&given, NESTING_LIMIT);
        let thunks = shared.iter().flat_map(|shared| &shared.thunks);
        args.extend(thunks.map(|thunk| item.capture(*thunk, Type::Any)));
        let arg = match other_row {
            None => index,
            Some(row) => {
                let row = item.capture(row, Type::Whnf);
                let found = item.code.new_var(Type::Any);
                let read = Op::Prim(Prim::Item, vec![row, index.into()]);
                item.stmts.push(Stmt::Let(vec![found], read));
                found
            }
        };
        let entry = match function {
            Operand::Constant(k) => {
                let constant = &unit.constants[k];
                constant.entry.filter(|_| constant.jet.is_none())
            }
            _ => None,
        };
        let call = match (shared.map(|shared| shared.entry).or(entry), function) {
            (Some(entry), _) => {
                args.push(arg.into());
                Call::local(entry, args)
            }
            (None, Operand::Constant(k)) if !args.is_empty() => {
                let closure = item.emit(Op::Partial(k, args));
                Call { callee: Callee::Unknown(closure), args: vec![arg.into()] }
            }
            (None, _) => Call { callee: Callee::Unknown(function), args: vec![arg.into()] },
        };
        item.code.params.push(index);
        item.code.blocks[BlockId::FIRST].stmts = item.stmts;
        item.code.blocks[BlockId::FIRST].terminator = Terminator::Tail(call);
        (item.code, item.captures)
    }

    fn values(&mut self, operands: &[Operand], depth: usize) -> Vec<Operand> {
        operands.iter().map(|operand| self.value(*operand, depth)).collect()
    }

    /// An operand of the function that makes the row, as an operand of the code.
    fn value(&mut self, operand: Operand, depth: usize) -> Operand {
        let Operand::Var(var) = operand else { return operand };
        match self.closures.get(&var).filter(|_| depth > 0) {
            Some((Operand::Constant(k), given)) => {
                let args = self.values(given, depth - 1);
                self.emit(Op::Partial(*k, args))
            }
            _ => self.capture(operand, Type::Any),
        }
    }

    fn capture(&mut self, operand: Operand, ty: Type) -> Operand {
        if let Operand::Constant(_) | Operand::Small(_) = operand {
            return operand;
        }
        let captured = self.captures.iter().position(|other| *other == operand);
        let param = match captured {
            Some(index) => self.code.params[index],
            None => {
                let param = self.code.new_var(ty);
                self.code.params.push(param);
                self.captures.push(operand);
                param
            }
        };
        self.code.vars[param] = ty.min(self.code.vars[param]);
        param.into()
    }

    fn emit(&mut self, op: Op) -> Operand {
        let var = self.code.new_var(Type::Whnf);
        self.stmts.push(Stmt::Let(vec![var], op));
        var.into()
    }
}

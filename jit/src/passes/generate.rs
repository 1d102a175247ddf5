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
//! What the function computes from the values to which it is already applied is the same for all
//! items. [`share`] makes the thunks of such work once, before the row, and the items capture them:
//! `map (x & over x (length a)) a` computes the length once. (Full laziness: Peyton Jones, Lester,
//! "A modular fully-lazy lambda lifter in Haskell", SPE 1991. Here a function is certain to be
//! applied to several items, and what is shared lives no longer than they do.) It runs before
//! inlining, which hides the thunks in the code around them.
//!
//! ```text
//! before  v2 = partial k1(v0); v3 = call jet map(v2, v0)
//!         f1(v0, v1) { v2 = thunk f4(v0); tail call f2(v1, v2) }
//! after   v4 = thunk f4(v0); v3 = generate f5(v1, v0, v4)
//!         f6(v0, v2, v1) { tail call f2(v1, v2) }
//! ```

use crate::ir::{
    BlockId, Call, Callee, ConstantId, Function, FunctionId, FunctionRole, JetOperation, Op,
    Operand, Prim, Stmt, Terminator, Type, Unit, Var,
};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The most rows generated in a unit.
const ROWS_LIMIT: usize = 32;

/// The most thunks of work that the items of a row share.
const SHARED_LIMIT: usize = 4;

/// Known functions among the values that a known function captures are built in up to this depth.
const NESTING_LIMIT: usize = 3;

/// A known function: a constant, and the values to which it is already applied.
type KnownFunction = (ConstantId, Vec<Operand>);

/// Turns calls of jets with known functions into operations.
pub(super) fn generate(unit: &mut Unit) {
    generate_rows(unit, false);
}

/// Does the same only where the items have work in common, which is then done once.
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
        Stmt::Let(vars, Op::Partial(k, given)) => Some((*vars.first()?, (*k, given.clone()))),
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
    if !matches!(operation, Some(JetOperation::Generate | JetOperation::Map | JetOperation::Sum)) {
        return;
    }
    let result =
        function.new_var(if operation == Some(JetOperation::Sum) { Type::Nat } else { Type::Whnf });
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
    /// The row that a jet makes of a known function's results. `written` gets the statements that
    /// compute the number of items and what they share.
    fn row(
        &mut self,
        closures: &HashMap<Var, KnownFunction, FixedState>,
        call: &Call,
        written: &mut Vec<Stmt>,
    ) -> Option<Op> {
        let (item, count, source) = match (operation_of(self.unit, call)?, &call.args[..]) {
            (JetOperation::Generate, &[count, item]) => (item, count, None),
            (JetOperation::Map, &[item, row]) => (item, row, Some(row)),
            _ => return None,
        };
        let (k, given) = known_function(self.unit, closures, item)?;
        if source.is_none() && !self.unit.type_of(self.function, count)?.is(Type::Small) {
            return None;
        }
        let shared = self.shared_work(k, &given, written);
        if self.only_shared && shared.is_none() {
            return None;
        }
        let count = match source {
            None => count,
            Some(row) => {
                let length = self.function.new_var(Type::Small);
                written.push(Stmt::Let(vec![length], Op::Prim(Prim::Length, vec![row])));
                length.into()
            }
        };
        let (code, captures) = ItemCode::write(self.unit, closures, (k, given), shared, source);
        let code = self.unit.functions.push(code);
        Some(Op::Generate(code, [&[count], &captures[..]].concat()))
    }

    /// The work that a function does for each item although it depends only on the values to which
    /// the function is already applied: the thunks of it, which `written` gets.
    fn shared_work(
        &mut self,
        k: ConstantId,
        given: &[Operand],
        written: &mut Vec<Stmt>,
    ) -> Option<SharedWork> {
        let constant = &self.unit.constants[k];
        let entry = constant.entry.filter(|_| constant.jet.is_none())?;
        let mut code = self.unit.functions[entry].clone();
        let (item, known) = code.params.split_last()?;
        let mut values: HashMap<Var, Operand, FixedState> =
            known.iter().copied().zip(given.iter().copied()).collect();
        let item = *item;
        let stmts = std::mem::take(&mut code.blocks[code.entry].stmts);
        let (mut kept, mut moved, mut thunks) = (Vec::new(), Vec::new(), Vec::new());
        for stmt in stmts {
            let Some((var, thunk)) = thunk_of(&stmt, &values)
                .filter(|(_, thunk)| moved.len() < SHARED_LIMIT && calls_a_law(self.unit, thunk))
            else {
                kept.push(stmt);
                continue;
            };
            let made = self.function.new_var(Type::Any);
            written.push(Stmt::Let(vec![made], thunk));
            values.insert(var, made.into());
            moved.push(var);
            thunks.push(Operand::Var(made));
        }
        if moved.is_empty() {
            return None;
        }
        code.blocks[code.entry].stmts = kept;
        code.role = FunctionRole::Worker;
        code.params.pop();
        code.params.extend(moved);
        code.params.push(item);
        Some(SharedWork { entry: self.unit.functions.push(code), thunks })
    }
}

/// Work that all items of a row have in common.
struct SharedWork {
    /// The function without that work: before its last parameter it takes the thunks of it.
    entry: FunctionId,
    thunks: Vec<Operand>,
}

/// The thunk that a statement makes of known values alone, as the maker of the row makes it; and the
/// variable that the statement defines.
fn thunk_of(stmt: &Stmt, values: &HashMap<Var, Operand, FixedState>) -> Option<(Var, Op)> {
    let Stmt::Let(vars, Op::Thunk(..) | Op::Delay(..)) = stmt else { return None };
    let mut thunk = stmt.ops().next()?.clone();
    for operand in thunk.operands_mut() {
        if let Operand::Var(var) = operand {
            *operand = *values.get(var)?;
        }
    }
    Some((*vars.first()?, thunk))
}

/// Whether a thunk's code calls a law, so that it may take longer than its allocation.
fn calls_a_law(unit: &Unit, thunk: &Op) -> bool {
    let calls = |call: &Call| !matches!(call.callee, Callee::Jet(_));
    match thunk {
        Op::Thunk(entry, _) => {
            let code = &unit.functions[*entry];
            let tail = code.live_blocks().into_iter().any(|block| {
                matches!(&code.blocks[block].terminator, Terminator::Tail(call) if calls(call))
            });
            tail || code.live_ops().any(|op| matches!(op, Op::Call(call) if calls(call)))
        }
        _ => true,
    }
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
        Operand::Var(var) => closures.get(&var)?.clone(),
        Operand::Small(_) => return None,
    };
    (unit.constants[k].arity == given.len() as u64 + 1).then_some((k, given))
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
    /// which the function is already applied are built in.
    fn write(
        unit: &Unit,
        closures: &HashMap<Var, KnownFunction, FixedState>,
        (k, given): KnownFunction,
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
        let constant = &unit.constants[k];
        let entry = constant.entry.filter(|_| constant.jet.is_none());
        let call = match shared.map(|shared| shared.entry).or(entry) {
            Some(entry) => {
                args.push(arg.into());
                Call::local(entry, args)
            }
            None if args.is_empty() => {
                Call { callee: Callee::Unknown(Operand::Constant(k)), args: vec![arg.into()] }
            }
            None => {
                let closure = item.emit(Op::Partial(k, args));
                Call { callee: Callee::Unknown(closure), args: vec![arg.into()] }
            }
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
            Some((k, given)) => {
                let args = self.values(given, depth - 1);
                self.emit(Op::Partial(*k, args))
            }
            None => self.capture(operand, Type::Any),
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

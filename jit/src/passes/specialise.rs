//! Specialisation: a function or thunk that is given a known function gets a copy with that
//! function built in.
//!
//! The self calls of the copy with the same argument call the copy, so a recursive function over a
//! known function has no unknown call left. A delayed application of a known function becomes a
//! thunk that calls it. (Function cloning for higher-order arguments, as GHC's `SpecConstr` does
//! for function arguments.)

use crate::analysis::called_params::{CAPTURES_LIMIT, CalledParams};
use crate::ir::{
    BlockId, Call, Callee, ConstantId, ConstantKind, Function, FunctionId, FunctionRole,
    NatOperation, Op, Operand, Prim, Stmt, Terminator, Type, Unit, Var,
};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The most copies in a unit.
const COPIES_LIMIT: usize = 24;
/// Functions of more than this size are not copied.
const SIZE_LIMIT: usize = 400;
/// The most statements and terminators copied in a unit.
const COPIED_LIMIT: usize = 1500;
/// The nat that is the increment as a function.
pub(super) const INCREMENT: u64 = 3;
/// Closures that closures capture are built in up to this depth.
const NESTING_LIMIT: usize = 3;

/// The function built in for a parameter, if any: a constant or the nat of an operation, and the number of
/// values it is applied to.
type BuiltIn = Option<(Operand, usize)>;
/// A function and the value that is built in for each of its parameters.
type CopyKey = (FunctionId, Vec<BuiltIn>);
/// The partial applications that a function makes: the constant and the captured values.
type KnownClosures = HashMap<Var, (ConstantId, Vec<Operand>), FixedState>;

pub(super) fn specialise(unit: &mut Unit) {
    let mut specialiser = Specialiser {
        called: CalledParams::of(unit),
        copies: HashMap::default(),
        thunks: HashMap::default(),
        operations: HashMap::default(),
        budget: COPIED_LIMIT,
    };
    let mut next = FunctionId::ROOT;
    // The loop reaches the copies that it appends.
    while unit.functions.is_valid(next) {
        let mut function = unit.functions[next].clone();
        let blocks = function.live_blocks();
        let closures = known_closures(&function, &blocks);
        for block in blocks {
            let block = &mut function.blocks[block];
            for op in block.stmts.iter_mut().flat_map(Stmt::ops_mut) {
                specialiser.op(unit, &closures, op);
            }
            if let Terminator::Tail(call) = &mut block.terminator {
                specialiser.call(unit, &closures, call);
            }
        }
        unit.functions[next] = function;
        next = FunctionId::from_u32(next.as_u32() + 1);
    }
}

fn known_closures(function: &Function, blocks: &[BlockId]) -> KnownClosures {
    let stmts = blocks.iter().flat_map(|block| &function.blocks[*block].stmts);
    let closure = |stmt: &Stmt| match stmt {
        Stmt::Let(vars, Op::Partial(k, captures)) if captures.len() <= CAPTURES_LIMIT => {
            Some((*vars.first()?, (*k, captures.clone())))
        }
        _ => None,
    };
    stmts.filter_map(closure).collect()
}

/// The entry that a delayed application calls, and all its arguments, if the function is a law of
/// the unit that is applied to as many arguments as its arity.
fn saturated(
    unit: &Unit,
    closures: &KnownClosures,
    function: Operand,
    args: &[Operand],
) -> Option<(FunctionId, Vec<Operand>)> {
    let (k, given) = match function {
        Operand::Constant(k) => match &unit.constants[k].of {
            Some((k, given)) => (*k, &given[..]),
            None => (k, &[][..]),
        },
        Operand::Var(var) => closures.get(&var).map(|(k, captures)| (*k, &captures[..]))?,
        Operand::Small(_) => return None,
    };
    let constant = &unit.constants[k];
    let fits = constant.arity == (given.len() + args.len()) as u64 && constant.jet.is_none();
    Some((constant.entry.filter(|_| fits)?, [given, args].concat()))
}

/// Whether a function applied to `count` arguments is an operation on nats.
fn is_nat_operation(unit: &Unit, function: Operand, count: usize) -> bool {
    let Operand::Constant(k) = function else {
        return function == Operand::Small(INCREMENT) && count == 1;
    };
    let (k, given) = unit.constants[k].of.as_ref().map_or((k, 0), |(k, given)| (*k, given.len()));
    let constant = &unit.constants[k];
    let operation = constant.jet.as_ref().and_then(|jet| jet.operation);
    constant.arity == (given + count) as u64 && operation.and_then(NatOperation::of).is_some()
}

/// The copies made so far, and what limits further ones.
struct Specialiser {
    called: CalledParams,
    copies: HashMap<CopyKey, FunctionId, FixedState>,
    /// For each function, the code of a thunk that calls it.
    thunks: HashMap<FunctionId, FunctionId, FixedState>,
    /// For each operation on nats, the code of a thunk that applies it.
    operations: HashMap<Operand, FunctionId, FixedState>,
    /// The statements and terminators that may still be copied.
    budget: usize,
}

impl Specialiser {
    fn op(&mut self, unit: &mut Unit, closures: &KnownClosures, op: &mut Op) {
        if let Op::Delay(function, args) = op {
            if let Some((entry, args)) = saturated(unit, closures, *function, args) {
                *op = Op::Thunk(self.thunk_code(unit, entry), args);
            } else if is_nat_operation(unit, *function, args.len()) {
                *op = Op::Thunk(self.operation_code(unit, *function, args.len()), args.clone());
            }
        }
        match op {
            Op::Call(call) => self.call(unit, closures, call),
            Op::Thunk(entry, captures) => self.redirect(unit, closures, entry, captures),
            _ => {}
        }
    }

    /// The code of a thunk that calls a function of the unit.
    fn thunk_code(&mut self, unit: &mut Unit, callee: FunctionId) -> FunctionId {
        if let Some(thunk) = self.thunks.get(&callee) {
            return *thunk;
        }
        let types = unit.functions[callee].param_types();
        let captures = types.iter().map(|ty| ty.boxed());
        let law = unit.functions[callee].law;
        let mut code = Function::with_params(FunctionRole::Thunk, captures).of_law(law);
        let mut args = code.param_operands();
        for (arg, _) in args.iter_mut().zip(&types).filter(|(_, ty)| **ty == Type::U64) {
            let number = code.new_var(Type::U64);
            let unbox = Stmt::Let(vec![number], Op::Prim(Prim::Low64, vec![*arg]));
            code.blocks[BlockId::FIRST].stmts.push(unbox);
            *arg = number.into();
        }
        code.blocks[BlockId::FIRST].terminator = Terminator::Tail(Call::local(callee, args));
        let thunk = unit.functions.push(code);
        self.called.extend(unit);
        self.thunks.insert(callee, thunk);
        thunk
    }

    /// The code of a thunk that applies an operation on nats, which passes may evaluate early.
    fn operation_code(&mut self, unit: &mut Unit, operation: Operand, count: usize) -> FunctionId {
        if let Some(thunk) = self.operations.get(&operation) {
            return *thunk;
        }
        let mut code = Function::with_params(FunctionRole::Thunk, (0..count).map(|_| Type::Any));
        let args = code.param_operands();
        let call = Call { callee: Callee::Unknown(operation), args };
        code.blocks[BlockId::FIRST].terminator = Terminator::Tail(call);
        let thunk = unit.functions.push(code);
        self.called.extend(unit);
        self.operations.insert(operation, thunk);
        thunk
    }

    fn call(&mut self, unit: &mut Unit, closures: &KnownClosures, call: &mut Call) {
        if let Callee::Local(callee) = &mut call.callee {
            self.redirect(unit, closures, callee, &mut call.args);
        }
    }

    /// Redirects a call or thunk with known functions among its arguments to a copy; if those
    /// functions capture known functions, to a copy with these built in as well.
    fn redirect(
        &mut self,
        unit: &mut Unit,
        closures: &KnownClosures,
        callee: &mut FunctionId,
        args: &mut Vec<Operand>,
    ) {
        for _ in 0..NESTING_LIMIT {
            let Some(built_in) = self.built_in(unit, closures, *callee, args) else { return };
            let Some(copy) = self.copy(unit, (*callee, built_in.clone())) else { return };
            *callee = copy;
            let passed =
                args.iter().zip(&built_in).flat_map(|(arg, built_in)| match (arg, built_in) {
                    (Operand::Var(var), Some(_)) => closures[var].1.clone(),
                    (_, Some(_)) => Vec::new(),
                    (arg, None) => vec![*arg],
                });
            *args = passed.collect();
        }
    }

    /// The functions that can be built in for the arguments of a callee, if there are any.
    fn built_in(
        &self,
        unit: &Unit,
        closures: &KnownClosures,
        callee: FunctionId,
        args: &[Operand],
    ) -> Option<Vec<BuiltIn>> {
        let known = |(arg, is_called): (&Operand, &bool)| match arg {
            _ if !*is_called => None,
            Operand::Constant(k) => {
                let constant = &unit.constants[*k];
                let is_function = matches!(constant.kind, ConstantKind::Law | ConstantKind::Pin);
                (is_function || constant.of.is_some()).then_some((*arg, 0))
            }
            Operand::Small(INCREMENT) => Some((*arg, 0)),
            Operand::Small(_) => None,
            Operand::Var(var) => {
                closures.get(var).map(|(k, captures)| (Operand::Constant(*k), captures.len()))
            }
        };
        let built_in: Vec<BuiltIn> =
            args.iter().zip(self.called.params(callee)).map(known).collect();
        built_in.iter().any(Option::is_some).then_some(built_in)
    }

    /// Finds or makes the copy for a key, within the limits.
    fn copy(&mut self, unit: &mut Unit, key: CopyKey) -> Option<FunctionId> {
        if let Some(copy) = self.copies.get(&key) {
            return Some(*copy);
        }
        let function = &unit.functions[key.0];
        let size = function.size();
        if self.copies.len() >= COPIES_LIMIT || size > SIZE_LIMIT.min(self.budget) {
            return None;
        }
        self.budget -= size;
        let copy = specialised(function, &key.1);
        let copy = unit.functions.push(copy);
        self.called.extend(unit);
        self.copies.insert(key, copy);
        Some(copy)
    }
}

/// A copy of a function with functions built in for some parameters; the values that these capture
/// are parameters of the copy instead.
fn specialised(function: &Function, built_in: &[BuiltIn]) -> Function {
    let mut copy = function.clone();
    if copy.role == FunctionRole::General {
        copy.role = FunctionRole::Worker;
    }
    copy.params.clear();
    let mut values: HashMap<Var, Operand, FixedState> = HashMap::default();
    let mut closures = Vec::new();
    for (param, built_in) in function.params.iter().zip(built_in) {
        match *built_in {
            None => copy.params.push(*param),
            Some((Operand::Constant(k), count @ 1..)) => {
                let captures: Vec<Var> = (0..count).map(|_| copy.new_var(Type::Any)).collect();
                copy.params.extend(&captures);
                // A new variable, since its type is narrower than the parameter's.
                let closure = copy.new_var(Type::Whnf);
                let captures = captures.into_iter().map(Operand::Var).collect();
                closures.push(Stmt::Let(vec![closure], Op::Partial(k, captures)));
                values.insert(*param, closure.into());
            }
            Some((function, _)) => drop(values.insert(*param, function)),
        }
    }
    copy.for_each_operand_mut(|operand| {
        if let Operand::Var(var) = operand
            && let Some(value) = values.get(var)
        {
            *operand = *value;
        }
    });
    copy.blocks[copy.entry].stmts.splice(0..0, closures);
    copy
}

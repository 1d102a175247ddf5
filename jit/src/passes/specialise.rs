//! Specialisation: a function, or thunk, that is given a known function gets a copy that has it built in.
//!
//! The copy's calls of itself with the same argument find the copy, so a recursive function over a
//! known one has no unknown call left. An application of a known function that is put off becomes a
//! thunk that calls it.
//!
//! A law that became hot while nobody calls it whose code is compiled (a fold's loop, say, that runs
//! for long) has no such calls. So the functions that it was seen with are *expected*: its entry asks
//! whether it is given them again, and calls itself with what is known then.

use super::called::Called;
use super::info;
use crate::ir::{
    Arm, BlockId, Call, Callee, ConstantId, End, Function, FunctionId, Kind, Op, Operand, Role,
    Stmt, Type, Unit, Var,
};
use std::collections::HashMap;

/// No more copies than this are made in a unit.
const COPIES: usize = 24;
/// No function of more than this size is copied.
const SIZE: usize = 400;
/// Nor are more operations than this in all.
const COPIED: usize = 1500;
/// No closure with more captured values than this is built in.
pub(crate) const CAPTURES: usize = 4;
/// Nor are closures in closures deeper than this.
const NESTING: usize = 3;

/// What is built in for a parameter: a constant, applied to so many captured values.
type BuiltIn = Option<(ConstantId, usize)>;
/// A function and what is built in for its parameters.
type Key = (FunctionId, Vec<BuiltIn>);
/// The partial applications that a function makes: constants and what they capture.
type Closures = HashMap<Var, (ConstantId, Vec<Operand>)>;

/// A parameter, and the function that it is expected to be: a constant applied to so many values.
pub(crate) type Expected = (usize, ConstantId, usize);

/// Parameters that the law of a unit calls, so that it is worth knowing what they are.
pub(crate) fn called_by_law(unit: &Unit) -> Vec<bool> {
    Called::of(unit).params(FunctionId(0)).to_vec()
}

/// Has the law's entry ask whether parameters are what they are expected to be. Callers in the unit,
/// who may know better, call the code itself.
pub(crate) fn expect(unit: &mut Unit, expected: &[Expected]) {
    let Some(law) = unit.constants.first_mut().filter(|_| !expected.is_empty()) else { return };
    let code = FunctionId(unit.functions.len() as u32);
    law.entry = Some(code);
    let mut entry = Function::new(Role::General);
    for _ in 0..law.arity {
        let param = entry.var(Type::Any);
        entry.params.push(param);
    }
    let written = std::mem::replace(&mut unit.functions[0], Function::new(Role::General));
    unit.functions.push(written);
    for function in &mut unit.functions {
        for block in &mut function.blocks {
            super::each_function_named(block, |id| {
                if *id == FunctionId(0) {
                    *id = code;
                }
            });
        }
    }
    let mut args: Vec<Operand> = entry.params.iter().map(|param| (*param).into()).collect();
    let call =
        |args: &[Operand]| End::Tail(Call { callee: Callee::Local(code), args: args.to_vec() });
    let unknown = call(&args);
    let mut here = entry.entry;
    for (param, k, count) in expected {
        let params: Vec<Var> = (0..*count).map(|_| entry.var(Type::Any)).collect();
        let [block, other] = [(); 2].map(|()| entry.block(unknown.clone()));
        let captures: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
        let on = std::mem::replace(&mut args[*param], Operand::Constant(*k));
        if *count > 0 {
            let closure = entry.var(Type::Whnf);
            let made = Stmt::Let(vec![closure], Op::Partial(*k, captures));
            entry.blocks[block.index()].stmts.push(made);
            args[*param] = closure.into();
        }
        let arm = Box::new(Arm { params, block });
        entry.blocks[here.index()].end = End::Closure(on, *k, arm, other);
        here = block;
    }
    entry.blocks[here.index()].end = call(&args);
    unit.functions[0] = entry;
}

pub(super) fn specialise(unit: &mut Unit) {
    let mut copies = Copies {
        called: Called::of(unit),
        made: HashMap::new(),
        thunks: HashMap::new(),
        room: COPIED,
    };
    let mut index = 0;
    // Copies are looked through as well when it is their turn.
    while index < unit.functions.len() {
        let mut function = unit.functions[index].clone();
        let blocks = info::blocks(&function, function.entry);
        let closures = closures(&function, &blocks);
        for block in blocks {
            let block = &mut function.blocks[block.index()];
            for stmt in &mut block.stmts {
                copies.in_stmt(unit, &closures, stmt);
            }
            if let End::Tail(call) = &mut block.end {
                copies.in_call(unit, &closures, call);
            }
        }
        unit.functions[index] = function;
        index += 1;
    }
}

fn closures(function: &Function, blocks: &[BlockId]) -> Closures {
    let stmts = blocks.iter().flat_map(|block| &function.blocks[block.index()].stmts);
    let closure = |stmt: &Stmt| match stmt {
        Stmt::Let(vars, Op::Partial(k, captures)) if captures.len() <= CAPTURES => {
            Some((*vars.first()?, (*k, captures.clone())))
        }
        _ => None,
    };
    stmts.filter_map(closure).collect()
}

/// What an application that is put off calls, if that is an entry of the unit and it is given as many
/// arguments as it takes; and those.
fn saturated(
    unit: &Unit,
    closures: &Closures,
    function: Operand,
    args: &[Operand],
) -> Option<(FunctionId, Vec<Operand>)> {
    let (k, given) = match function {
        Operand::Constant(k) => match &unit.constants[k.index()].of {
            Some((k, given)) => (*k, &given[..]),
            None => (k, &[][..]),
        },
        Operand::Var(var) => closures.get(&var).map(|(k, captures)| (*k, &captures[..]))?,
        Operand::Small(_) => return None,
    };
    let constant = &unit.constants[k.index()];
    let fits = constant.arity == (given.len() + args.len()) as u64 && constant.jet.is_none();
    Some((constant.entry.filter(|_| fits)?, [given, args].concat()))
}

/// The copies made so far.
struct Copies {
    called: Called,
    made: HashMap<Key, FunctionId>,
    /// The code of thunks that call general entries.
    thunks: HashMap<FunctionId, FunctionId>,
    /// How many more operations may be copied.
    room: usize,
}

impl Copies {
    fn in_stmt(&mut self, unit: &mut Unit, closures: &Closures, stmt: &mut Stmt) {
        match stmt {
            Stmt::Let(_, op) => self.in_op(unit, closures, op),
            Stmt::Rec(group) => {
                group.iter_mut().for_each(|(_, op)| self.in_op(unit, closures, op));
            }
            Stmt::Join(_) => {}
        }
    }

    fn in_op(&mut self, unit: &mut Unit, closures: &Closures, op: &mut Op) {
        if let Op::Delay(function, args) = op
            && let Some((entry, args)) = saturated(unit, closures, *function, args)
        {
            *op = Op::Thunk(self.thunk(unit, entry), args);
        }
        match op {
            Op::Call(call) => self.in_call(unit, closures, call),
            Op::Thunk(entry, captures) => self.redirect(unit, closures, entry, captures),
            _ => {}
        }
    }

    /// The code of a thunk that calls a function.
    fn thunk(&mut self, unit: &mut Unit, callee: FunctionId) -> FunctionId {
        if let Some(thunk) = self.thunks.get(&callee) {
            return *thunk;
        }
        let mut function = Function::new(Role::Thunk);
        for ty in unit.functions[callee.index()].param_types() {
            let param = function.var(ty);
            function.params.push(param);
        }
        let args = function.params.iter().map(|param| Operand::Var(*param)).collect();
        function.blocks[0].end = End::Tail(Call { callee: Callee::Local(callee), args });
        let thunk = FunctionId(unit.functions.len() as u32);
        unit.functions.push(function);
        self.called.extend(unit);
        self.thunks.insert(callee, thunk);
        thunk
    }

    fn in_call(&mut self, unit: &mut Unit, closures: &Closures, call: &mut Call) {
        if let Callee::Local(callee) = &mut call.callee {
            self.redirect(unit, closures, callee, &mut call.args);
        }
    }

    /// Has a call, or the making of a thunk, with known functions among its arguments name a copy;
    /// and if those have captured known functions, a copy with these built in as well.
    fn redirect(
        &mut self,
        unit: &mut Unit,
        closures: &Closures,
        callee: &mut FunctionId,
        args: &mut Vec<Operand>,
    ) {
        for _ in 0..NESTING {
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

    /// What can be built in for the arguments of a function, if there is anything.
    fn built_in(
        &self,
        unit: &Unit,
        closures: &Closures,
        callee: FunctionId,
        args: &[Operand],
    ) -> Option<Vec<BuiltIn>> {
        let known = |(arg, called): (&Operand, &bool)| match arg {
            Operand::Constant(k) if *called => {
                let constant = &unit.constants[k.index()];
                let is_function = matches!(constant.kind, Kind::Law | Kind::Pin);
                (is_function || constant.of.is_some()).then_some((*k, 0))
            }
            Operand::Var(var) if *called => {
                closures.get(var).map(|(k, captures)| (*k, captures.len()))
            }
            _ => None,
        };
        let built_in: Vec<BuiltIn> =
            args.iter().zip(self.called.params(callee)).map(known).collect();
        built_in.iter().any(Option::is_some).then_some(built_in)
    }

    /// The copy of a function with this built in, if there can be one.
    fn copy(&mut self, unit: &mut Unit, key: Key) -> Option<FunctionId> {
        if let Some(copy) = self.made.get(&key) {
            return Some(*copy);
        }
        let function = &unit.functions[key.0.index()];
        let size = info::size(function, function.entry);
        if self.made.len() >= COPIES || size > SIZE.min(self.room) {
            return None;
        }
        self.room -= size;
        let copy = FunctionId(unit.functions.len() as u32);
        let written = built(function, &key.1);
        unit.functions.push(written);
        self.called.extend(unit);
        self.made.insert(key, copy);
        Some(copy)
    }
}

/// A copy of a function with some of its parameters built in; what those capture it takes instead.
fn built(function: &Function, built_in: &[BuiltIn]) -> Function {
    let mut copy = function.clone();
    if copy.role == Role::General {
        copy.role = Role::Worker;
    }
    copy.params.clear();
    let mut values: HashMap<Var, Operand> = HashMap::new();
    let mut made = Vec::new();
    for (param, built_in) in function.params.iter().zip(built_in) {
        match *built_in {
            None => copy.params.push(*param),
            Some((k, 0)) => drop(values.insert(*param, Operand::Constant(k))),
            Some((k, count)) => {
                let captures: Vec<Var> = (0..count).map(|_| copy.var(Type::Any)).collect();
                copy.params.extend(&captures);
                // A name of its own: its type is more than the parameter's.
                let closure = copy.var(Type::Whnf);
                let captures = captures.into_iter().map(Operand::Var).collect();
                made.push(Stmt::Let(vec![closure], Op::Partial(k, captures)));
                values.insert(*param, closure.into());
            }
        }
    }
    super::each_operand(&mut copy, |operand| {
        if let Operand::Var(var) = operand
            && let Some(value) = values.get(var)
        {
            *operand = *value;
        }
    });
    copy.blocks[copy.entry.index()].stmts.splice(0..0, made);
    copy
}

//! The oracle: a plain, slow evaluator of IR, to compare what passes make of a unit with what
//! PLAN's specification says. It shares no code with the code generator. Laws outside the unit run
//! by PLAN's rules ([`law`]); operations on evaluated values are in [`operations`].

mod law;
mod operations;

use jit::ir::{BlockId, Call, Callee, FunctionId, Op, Operand, Stmt, Terminator, Type, Unit, Var};
use plan::Natural;
use spec::Term;
use std::cell::RefCell;
use std::rc::Rc;

/// A shared, updatable value or thunk.
pub(crate) type OracleValue = Rc<RefCell<ValueState>>;

/// The state of a value.
#[derive(Clone)]
pub(crate) enum ValueState {
    Nat(Natural),
    /// A pin, with its entry in the unit if it has one.
    Pin(OracleValue, Option<FunctionId>),
    Law {
        name: Natural,
        arity: Natural,
        body: OracleValue,
        entry: Option<FunctionId>,
    },
    App(OracleValue, OracleValue),
    Thunk(FunctionId, Vec<OracleValue>),
    /// An indirection.
    Same(OracleValue),
    /// Under evaluation: a black hole.
    Hole,
}

/// The reason why a run has no value.
#[derive(Debug, PartialEq)]
pub(crate) enum OracleFailure {
    Crash,
    Loop,
    OutOfFuel,
}

pub(crate) type OracleRun<T> = Result<T, OracleFailure>;

pub(crate) fn new(node: ValueState) -> OracleValue {
    Rc::new(RefCell::new(node))
}

fn nat(n: u64) -> OracleValue {
    new(ValueState::Nat(Natural::from(n)))
}

/// The value of a term.
fn load(term: &Term) -> OracleValue {
    new(match term {
        Term::Nat(n) => ValueState::Nat(n.clone()),
        Term::App(f, x) => ValueState::App(load(f), load(x)),
        Term::Pin(item) => ValueState::Pin(load(item), None),
        Term::Law { name, arity, body } => ValueState::Law {
            name: name.clone(),
            arity: arity.clone(),
            body: load(body),
            entry: None,
        },
    })
}

/// The evaluator of one unit.
pub(crate) struct OracleMachine<'u> {
    unit: &'u Unit,
    constants: Vec<OracleValue>,
    fuel: u64,
    depth: u32,
}

/// The values of a function's variables.
type Vars = Vec<Option<OracleValue>>;

/// How a block ends.
enum BlockExit {
    /// With the function's results.
    Done(Vec<OracleValue>),
    /// With a tail call of a function of the unit.
    Tail(FunctionId, Vec<OracleValue>),
}

impl<'u> OracleMachine<'u> {
    /// A machine for a unit with these constants.
    pub(crate) fn new(unit: &'u Unit, constants: &[Term], fuel: u64) -> OracleMachine<'u> {
        let mut values: Vec<OracleValue> = constants.iter().map(load).collect();
        for (value, constant) in values.iter_mut().zip(unit.constants.values()) {
            match &mut *value.borrow_mut() {
                ValueState::Pin(_, entry) | ValueState::Law { entry, .. } => {
                    *entry = constant.entry
                }
                _ => {}
            }
        }
        OracleMachine { unit, constants: values, fuel, depth: 0 }
    }

    /// The normal form of the unit's law applied to arguments.
    pub(crate) fn run(&mut self, args: &[Term]) -> OracleRun<Term> {
        let args = args.iter().map(load).collect();
        let mut results = self.function(FunctionId::ROOT, args)?;
        let value = results.pop().expect("a general entry has one result");
        self.normal(&value)?;
        Ok(self.read(&value))
    }

    fn read(&self, value: &OracleValue) -> Term {
        match &*value.borrow() {
            ValueState::Nat(n) => Term::Nat(n.clone()),
            ValueState::Pin(item, _) => self.read(item).pin(),
            ValueState::Law { name, arity, body, .. } => Term::Law {
                name: name.clone(),
                arity: arity.clone(),
                body: std::sync::Arc::new(self.read(body)),
            },
            ValueState::App(f, x) => self.read(f).app(self.read(x)),
            ValueState::Same(other) => self.read(other),
            ValueState::Thunk(..) | ValueState::Hole => {
                unreachable!("a normal form holds no thunk")
            }
        }
    }

    fn step(&mut self) -> OracleRun<()> {
        self.fuel = self.fuel.checked_sub(1).ok_or(OracleFailure::OutOfFuel)?;
        Ok(())
    }

    /// Runs a computation one level deeper.
    fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> OracleRun<T>) -> OracleRun<T> {
        if self.depth > 20_000 {
            return Err(OracleFailure::OutOfFuel);
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    // Evaluation.

    /// Evaluates to weak head normal form and returns the value.
    fn whnf(&mut self, value: &OracleValue) -> OracleRun<OracleValue> {
        self.step()?;
        let node = value.borrow().clone();
        let result = match node {
            ValueState::Same(other) => return self.whnf(&other),
            ValueState::Hole => return Err(OracleFailure::Loop),
            ValueState::Thunk(entry, captures) => {
                *value.borrow_mut() = ValueState::Hole;
                self.nested(|m| m.function(entry, captures))?.remove(0)
            }
            ValueState::App(f, x) => {
                *value.borrow_mut() = ValueState::Hole;
                let f = self.nested(|m| m.whnf(&f))?;
                if self.arity(&f) != 1u32 {
                    *value.borrow_mut() = ValueState::App(f, x);
                    return Ok(value.clone());
                }
                self.nested(|m| m.enter(&f, x))?
            }
            _ => return Ok(value.clone()),
        };
        let result = self.nested(|m| m.whnf(&result))?;
        *value.borrow_mut() = ValueState::Same(result.clone());
        Ok(result)
    }

    fn normal(&mut self, value: &OracleValue) -> OracleRun<()> {
        let mut todo = vec![value.clone()];
        while let Some(value) = todo.pop() {
            let value = self.whnf(&value)?;
            if let ValueState::App(f, x) = &*value.borrow() {
                todo.extend([x.clone(), f.clone()]);
            }
        }
        Ok(())
    }

    // Blocks.

    fn function(
        &mut self,
        mut id: FunctionId,
        mut args: Vec<OracleValue>,
    ) -> OracleRun<Vec<OracleValue>> {
        loop {
            self.step()?;
            let function = &self.unit.functions[id];
            let mut vars: Vars = vec![None; function.vars.len()];
            bind(&mut vars, &function.params, &args);
            match self.block(id, &mut vars, function.entry)? {
                BlockExit::Done(results) => return Ok(results),
                BlockExit::Tail(next, given) => (id, args) = (next, given),
            }
        }
    }

    fn operand(&self, vars: &Vars, operand: Operand) -> OracleValue {
        match operand {
            Operand::Var(var) => vars[var.index()].clone().expect("the variable is in scope"),
            Operand::Small(n) => nat(n),
            Operand::Constant(k) => self.constants[k.index()].clone(),
        }
    }

    fn operands(&self, vars: &Vars, operands: &[Operand]) -> Vec<OracleValue> {
        operands.iter().map(|operand| self.operand(vars, *operand)).collect()
    }

    fn block(
        &mut self,
        id: FunctionId,
        vars: &mut Vars,
        mut block: BlockId,
    ) -> OracleRun<BlockExit> {
        let function = &self.unit.functions[id];
        loop {
            self.step()?;
            let code = &function.blocks[block];
            for stmt in &code.stmts {
                match stmt {
                    Stmt::Let(defined, op) => {
                        let results = self.op(vars, op)?;
                        bind(vars, defined, &results);
                    }
                    Stmt::Rec(group) => self.recursive_group(vars, group)?,
                    Stmt::Join(_) => {}
                }
            }
            block = match &code.terminator {
                Terminator::Return(list) => return Ok(BlockExit::Done(self.operands(vars, list))),
                Terminator::Enter(a) => {
                    let value = self.operand(vars, *a);
                    return Ok(BlockExit::Done(vec![self.nested(|m| m.whnf(&value))?]));
                }
                Terminator::Tail(Call { callee: Callee::Local(next), args }) => {
                    return Ok(BlockExit::Tail(*next, self.operands(vars, args)));
                }
                Terminator::Tail(call) => {
                    return Ok(BlockExit::Done(self.nested(|m| m.call(vars, call))?));
                }
                Terminator::Jump(join, args) => {
                    let args = self.operands(vars, args);
                    let join = &function.joins[*join];
                    bind(vars, &join.params, &args);
                    join.body
                }
                Terminator::If(condition, yes, no) => {
                    let bit = self.nat_of(&self.operand(vars, *condition));
                    assert!(bit <= 1u32, "a bit is 0 or 1");
                    if bit == 1u32 { *yes } else { *no }
                }
                Terminator::Switch(on, cases, other) => {
                    let value = self.operand(vars, *on);
                    let is_case = |case: &&(u64, BlockId)| matches!(&*value.borrow(), ValueState::Nat(n) if *n == case.0);
                    cases.iter().find(is_case).map_or(*other, |(_, block)| *block)
                }
                Terminator::Reflect(on, arms) => {
                    let value = self.operand(vars, *on);
                    let (arm, parts) = reflected(&self.whnf(&value)?);
                    bind(vars, &arms[arm].params, &parts);
                    arms[arm].block
                }
                Terminator::Direct(on, nat, yes, no) => {
                    let value = self.operand(vars, *on);
                    let limit = match function.vars[*nat] {
                        Type::U64 => u64::MAX,
                        _ => (1 << 63) - 1,
                    };
                    match self.is_at_most(&value, limit) {
                        true => {
                            bind(vars, &[*nat], &[value]);
                            *yes
                        }
                        false => *no,
                    }
                }
                Terminator::Closure(on, k, arm, other) => {
                    let on = self.operand(vars, *on);
                    let captured = self.captured(&on, &self.constants[k.index()], arm.params.len());
                    captured.map_or(*other, |captured| {
                        bind(vars, &arm.params, &captured);
                        arm.block
                    })
                }
                Terminator::Crash(_, arg) => {
                    let arg = self.operand(vars, *arg);
                    self.normal(&arg)?;
                    return Err(OracleFailure::Crash);
                }
            };
        }
    }

    /// The arguments of a value, if it is this very function applied to `count` values.
    fn captured(
        &self,
        value: &OracleValue,
        function: &OracleValue,
        count: usize,
    ) -> Option<Vec<OracleValue>> {
        let mut captured = Vec::new();
        let mut rest = value.clone();
        while captured.len() < count || !Rc::ptr_eq(&rest, function) {
            let next = match &*rest.borrow() {
                ValueState::Same(other) => other.clone(),
                ValueState::App(f, x) if captured.len() < count => {
                    captured.push(x.clone());
                    f.clone()
                }
                _ => return None,
            };
            rest = next;
        }
        captured.reverse();
        Some(captured)
    }

    fn recursive_group(&mut self, vars: &mut Vars, group: &[(Var, Op)]) -> OracleRun<()> {
        for (var, _) in group {
            vars[var.index()] = Some(new(ValueState::Hole));
        }
        for (var, op) in group {
            let made = self.op(vars, op)?.remove(0);
            let hole = self.operand(vars, (*var).into());
            let node = made.borrow().clone();
            *hole.borrow_mut() = node;
        }
        Ok(())
    }

    fn op(&mut self, vars: &Vars, op: &Op) -> OracleRun<Vec<OracleValue>> {
        let value = match op {
            Op::Thunk(entry, captures) => {
                new(ValueState::Thunk(*entry, self.operands(vars, captures)))
            }
            Op::Delay(function, args) => {
                let function = self.operand(vars, *function);
                apply(function, self.operands(vars, args))
            }
            Op::Partial(k, args) => {
                apply(self.constants[k.index()].clone(), self.operands(vars, args))
            }
            Op::Row(items) => row(self.operands(vars, items)),
            Op::Generate(entry, operands) => {
                let operands = self.operands(vars, operands);
                let count = self.small_nat(&operands[0]);
                let item = |index| {
                    let captures = operands[1..].iter().cloned().chain([nat(index)]);
                    new(ValueState::Thunk(*entry, captures.collect()))
                };
                row((0..count).map(item).collect())
            }
            Op::ZeroRow(count) => {
                let count = self.small_nat(&self.operand(vars, *count));
                row((0..count).map(|_| nat(0)).collect())
            }
            Op::SetItem(operands) => {
                let operands = self.operands(vars, operands);
                let index = self.small_nat(&operands[1]);
                let mut items = self.items(&operands[0]);
                items[usize::try_from(index).expect("a row fits memory")] = operands[2].clone();
                row(items)
            }
            Op::Force(a) => {
                let value = self.operand(vars, *a);
                self.nested(|m| m.whnf(&value))?
            }
            Op::Normalise(a) => {
                let value = self.operand(vars, *a);
                self.normal(&value)?;
                value
            }
            Op::Prim(prim, operands) => {
                let operands = self.operands(vars, operands);
                self.prim(*prim, &operands)?
            }
            Op::Call(call) => return self.nested(|m| m.call(vars, call)),
        };
        Ok(vec![value])
    }

    fn call(&mut self, vars: &Vars, call: &Call) -> OracleRun<Vec<OracleValue>> {
        let args = self.operands(vars, &call.args);
        let function = match call.callee {
            Callee::Local(callee) => return self.function(callee, args),
            Callee::Known(k) | Callee::Jet(k) | Callee::Worker(k) => {
                self.constants[k.index()].clone()
            }
            Callee::Unknown(function) => self.operand(vars, function),
        };
        Ok(vec![self.whnf(&apply(function, args))?])
    }
}

fn bind(vars: &mut Vars, names: &[Var], values: &[OracleValue]) {
    assert_eq!(names.len(), values.len());
    for (name, value) in names.iter().zip(values) {
        vars[name.index()] = Some(value.clone());
    }
}

/// The thunk of an application.
/// The row of these items.
fn row(mut items: Vec<OracleValue>) -> OracleValue {
    items.reverse();
    let arity = Natural::from(items.len() as u64 + 1);
    let cow = ValueState::Law { name: Natural::from(0u32), arity, body: nat(0), entry: None };
    apply(new(cow), items)
}

fn apply(function: OracleValue, args: Vec<OracleValue>) -> OracleValue {
    args.into_iter().fold(function, |f, x| new(ValueState::App(f, x)))
}

/// The index of the arm that `reflect` takes for an evaluated value, and the parts that the arm
/// binds.
fn reflected(value: &OracleValue) -> (usize, Vec<OracleValue>) {
    match &*value.borrow() {
        ValueState::Pin(item, _) => (0, vec![item.clone()]),
        ValueState::Law { name, arity, body, .. } => {
            let [name, arity] = [name, arity].map(|n| new(ValueState::Nat(n.clone())));
            (1, vec![name, arity, body.clone()])
        }
        ValueState::App(f, x) => (2, vec![f.clone(), x.clone()]),
        _ => (3, vec![value.clone()]),
    }
}

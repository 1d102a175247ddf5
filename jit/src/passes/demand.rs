//! Demand analysis: which parameters a function is sure to evaluate, and which thunks are sure to be
//! evaluated where they are made.
//!
//! Backwards through each body: what is evaluated in every branch is demanded before the branch. Calls
//! within the unit demand what the callee does of its parameters; that is a greatest fixpoint over
//! the unit, so recursion is seen through. Code that crashes demands nothing more than it does before.

use super::info;
use crate::ir::{
    BlockId, Call, Callee, End, Function, FunctionId, Op, Operand, Stmt, Type, Unit, Var,
};

/// The result of the analysis.
pub(super) struct Demands {
    params: Vec<Vec<bool>>,
    vars: Vec<Vec<bool>>,
}

impl Demands {
    pub(super) fn of(unit: &Unit) -> Demands {
        let mut demands = Demands {
            params: unit.functions.iter().map(|f| vec![true; f.params.len()]).collect(),
            vars: unit.functions.iter().map(|f| vec![false; f.vars.len()]).collect(),
        };
        let callers = callers(unit);
        let mut is_due = vec![true; unit.functions.len()];
        while is_due.contains(&true) {
            for (index, function) in unit.functions.iter().enumerate() {
                if std::mem::take(&mut is_due[index]) && demands.look_at(unit, index, function) {
                    callers[index].iter().for_each(|caller| is_due[caller.index()] = true);
                }
            }
        }
        demands
    }

    /// Notes what a function demands; whether that changed what it demands of its parameters.
    fn look_at(&mut self, unit: &Unit, index: usize, function: &Function) -> bool {
        let mut walk = Walk {
            unit,
            function,
            params: &self.params,
            vars: vec![false; function.vars.len()],
            joins: vec![Set::Everything; function.joins.len()],
        };
        let found = walk.block(function.entry);
        let (vars, is_sure) = (walk.vars, !matches!(found, Set::Everything));
        let params: Vec<bool> =
            function.params.iter().map(|param| is_sure && found.has(*param)).collect();
        let changed = params != self.params[index];
        self.params[index] = params;
        self.vars[index] = vars;
        changed
    }

    /// Whether a thunk is sure to be evaluated after it is made.
    pub(super) fn is_demanded(&self, function: FunctionId, var: Var) -> bool {
        self.vars[function.index()][var.index()]
    }

    /// The parameters of type `any` that a function is sure to evaluate.
    pub(super) fn strict(&self, unit: &Unit, id: FunctionId) -> Vec<bool> {
        let types = unit.functions[id.index()].param_types();
        let demanded = &self.params[id.index()];
        types.iter().zip(demanded).map(|(ty, demanded)| *demanded && *ty == Type::Any).collect()
    }
}

/// Of each function those that what is known of it is used for: they call it, make thunks of it, or
/// put off applications of a law whose entry it is.
fn callers(unit: &Unit) -> Vec<Vec<FunctionId>> {
    let mut callers = vec![Vec::new(); unit.functions.len()];
    for (index, function) in unit.functions.iter().enumerate() {
        let caller = FunctionId(index as u32);
        let delayed = info::delayed(unit, function);
        for callee in info::called(function).into_iter().chain(delayed) {
            let known: &mut Vec<FunctionId> = &mut callers[callee.index()];
            if known.last() != Some(&caller) {
                known.push(caller);
            }
        }
    }
    callers
}

/// A set of variables.
#[derive(Clone, PartialEq)]
enum Set {
    /// All there are: what code demands that never ends.
    Everything,
    Some(Vec<u64>),
}

impl Set {
    fn has(&self, var: Var) -> bool {
        match self {
            Set::Everything => true,
            Set::Some(words) => {
                words.get(var.index() / 64).is_some_and(|word| word >> (var.index() % 64) & 1 == 1)
            }
        }
    }

    fn add(&mut self, operand: Operand) {
        if let (Set::Some(words), Operand::Var(var)) = (self, operand) {
            let at = var.index() / 64;
            words.resize(words.len().max(at + 1), 0);
            words[at] |= 1 << (var.index() % 64);
        }
    }

    /// What is in both.
    fn and(self, other: Set) -> Set {
        match (self, other) {
            (Set::Everything, set) | (set, Set::Everything) => set,
            (Set::Some(a), Set::Some(b)) => {
                let mut both: Vec<u64> = a.iter().zip(&b).map(|(a, b)| a & b).collect();
                // Equal sets look the same.
                while both.last() == Some(&0) {
                    both.pop();
                }
                Set::Some(both)
            }
        }
    }
}

struct Walk<'a> {
    unit: &'a Unit,
    function: &'a Function,
    params: &'a [Vec<bool>],
    /// What was found of the thunks made.
    vars: Vec<bool>,
    /// What the join points' code demands.
    joins: Vec<Set>,
}

impl Walk<'_> {
    /// What is sure to be evaluated when a block runs.
    fn block(&mut self, id: BlockId) -> Set {
        let block = &self.function.blocks[id.index()];
        for stmt in &block.stmts {
            let Stmt::Join(id) = stmt else { continue };
            let join = &self.function.joins[id.index()];
            self.joins[id.index()] = Set::Everything;
            loop {
                let found = self.block(join.body);
                let stable = found == self.joins[id.index()];
                self.joins[id.index()] = found;
                if stable || !join.is_loop {
                    break;
                }
            }
        }
        let mut set = self.end(&block.end);
        for stmt in block.stmts.iter().rev() {
            self.stmt(stmt, &mut set);
        }
        set
    }

    fn end(&mut self, end: &End) -> Set {
        let mut set = Set::Some(Vec::new());
        match end {
            End::Return(_) | End::Crash(..) => {}
            End::Enter(a) => set.add(*a),
            End::Tail(call) => self.call(call, &mut set),
            End::Jump(join, args) => {
                set = self.joins[join.index()].clone();
                for (param, arg) in self.function.joins[join.index()].params.iter().zip(args) {
                    if set.has(*param) {
                        set.add(*arg);
                    }
                }
            }
            End::If(..)
            | End::Switch(..)
            | End::Reflect(..)
            | End::Direct(..)
            | End::Closure(..) => {
                let branches = end.blocks().into_iter();
                set = branches.fold(Set::Everything, |set, block| set.and(self.block(block)));
            }
        }
        set
    }

    fn stmt(&mut self, stmt: &Stmt, set: &mut Set) {
        if let Stmt::Let(vars, op) = stmt {
            let is_demanded = vars.iter().any(|var| set.has(*var));
            for var in vars {
                self.vars[var.index()] = is_demanded;
            }
            self.op(op, is_demanded, set);
            return;
        }
        // A knot is evaluated as such, but what it demands is known all the same.
        for op in info::ops(stmt) {
            if let (Stmt::Rec(group), Op::Thunk(..)) = (stmt, op) {
                let var = group.iter().find(|(_, other)| std::ptr::eq(other, op));
                let is_demanded = var.is_some_and(|(var, _)| set.has(*var));
                self.op(op, is_demanded, set);
            }
        }
    }

    fn op(&self, op: &Op, is_demanded: bool, set: &mut Set) {
        match op {
            Op::Force(a) | Op::Normalise(a) => set.add(*a),
            Op::Call(call) => self.call(call, set),
            Op::Thunk(entry, captures) if is_demanded => self.passed(*entry, captures, set),
            Op::Delay(function, args) if is_demanded => {
                set.add(*function);
                if let Some(entry) = self.entry(*function, args.len()) {
                    self.passed(entry, args, set);
                }
            }
            _ => {}
        }
    }

    /// The entry of a law of this unit that is given as many arguments as it takes.
    fn entry(&self, function: Operand, given: usize) -> Option<FunctionId> {
        let Operand::Constant(k) = function else { return None };
        let constant = &self.unit.constants[k.index()];
        constant.entry.filter(|_| constant.arity == given as u64)
    }

    fn call(&self, call: &Call, set: &mut Set) {
        match call.callee {
            Callee::Unknown(function) => set.add(function),
            Callee::Local(callee) => self.passed(callee, &call.args, set),
            _ => {}
        }
    }

    /// Adds what a function demands of what it is given.
    fn passed(&self, callee: FunctionId, args: &[Operand], set: &mut Set) {
        for (arg, demanded) in args.iter().zip(&self.params[callee.index()]) {
            if *demanded {
                set.add(*arg);
            }
        }
    }
}

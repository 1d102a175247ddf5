//! Demand analysis: which parameters a function is certain to evaluate, and which thunks are
//! certain to be evaluated after they are made.
//!
//! A backward analysis of each body: a variable that every branch evaluates is demanded before the
//! branch. A call within the unit demands the arguments that its callee demands; this is a greatest
//! fixpoint over the unit, so it sees through recursion. Code that diverges demands everything;
//! code that crashes demands only what it evaluates before the crash.
//!
//! A jet that is certain to evaluate all items of a row demands those of a row that is made before it
//! (`barCat [(natBar s) x]`), also where the row passes through a join point.
//!
//! This is the strictness half of GHC's demand analyser, with head demands only (Sergey, Vytiniotis,
//! Peyton Jones, Breitner, "Modular, higher order cardinality analysis in theory and practice", JFP
//! 2017).

use super::call_graph::{delayed_entries, referenced_functions};
use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, JetOperation, JoinId, Op, Operand, Stmt,
    Terminator, Type, Unit, Var, side_table,
};
use cranelift_entity::{EntityRef, EntitySet, SecondaryMap};

/// The result of the analysis.
pub(crate) struct DemandAnalysis {
    /// For each parameter of each function, whether it is certain to be evaluated.
    params: SecondaryMap<FunctionId, Vec<bool>>,
    /// For each function, the variables whose values are demanded after their definitions.
    vars: SecondaryMap<FunctionId, EntitySet<Var>>,
}

impl DemandAnalysis {
    /// Analyses a unit.
    pub(crate) fn of(unit: &Unit) -> DemandAnalysis {
        let mut analysis = DemandAnalysis {
            params: side_table(unit.functions.len()),
            vars: side_table(unit.functions.len()),
        };
        for (id, function) in &unit.functions {
            analysis.params[id] = vec![true; function.params.len()];
        }
        let dependents = dependents(unit);
        let mut stale: EntitySet<FunctionId> = EntitySet::new();
        stale.extend(unit.functions.keys());
        while !stale.is_empty() {
            for (id, function) in &unit.functions {
                if stale.remove(id) && analysis.update(unit, id, function) {
                    stale.extend(dependents[id].iter().copied());
                }
            }
        }
        analysis
    }

    /// Analyses one function again; returns whether the demands on its parameters changed.
    fn update(&mut self, unit: &Unit, id: FunctionId, function: &Function) -> bool {
        let mut joins = SecondaryMap::with_default(VarSet::All);
        joins.resize(function.joins.len());
        let vars = EntitySet::with_capacity(function.vars.len());
        let mut walk = DemandWalk { unit, function, params: &self.params, vars, joins };
        let demanded = walk.block(function.entry);
        let (vars, terminates) = (walk.vars, !matches!(demanded, VarSet::All));
        let params: Vec<bool> =
            function.params.iter().map(|param| terminates && demanded.contains(*param)).collect();
        let changed = params != self.params[id];
        self.params[id] = params;
        self.vars[id] = vars;
        changed
    }

    /// Whether the value of a variable is certain to be evaluated after its definition.
    pub(crate) fn is_demanded(&self, function: FunctionId, var: Var) -> bool {
        self.vars[function].contains(var)
    }

    /// For each parameter of a function, whether it has the type `any` and is certain to be
    /// evaluated.
    pub(crate) fn strict_params(&self, unit: &Unit, id: FunctionId) -> Vec<bool> {
        let types = unit.functions[id].param_types();
        let demanded = &self.params[id];
        types.iter().zip(demanded).map(|(ty, demanded)| *demanded && *ty == Type::Any).collect()
    }
}

/// For each function, the functions whose analysis depends on its result: they call it, make thunks
/// of it, or delay applications of a law whose entry it is.
fn dependents(unit: &Unit) -> SecondaryMap<FunctionId, Vec<FunctionId>> {
    let mut dependents: SecondaryMap<FunctionId, Vec<FunctionId>> =
        side_table(unit.functions.len());
    for (caller, function) in &unit.functions {
        let delayed = delayed_entries(unit, function);
        for callee in referenced_functions(function).into_iter().chain(delayed) {
            let known = &mut dependents[callee];
            if known.last() != Some(&caller) {
                known.push(caller);
            }
        }
    }
    dependents
}

/// A set of variables with intersection. Equal sets have equal representations.
#[derive(Clone, PartialEq)]
enum VarSet {
    /// All variables: what code demands that diverges.
    All,
    /// A bit for each variable, without trailing zero words.
    Bits(Vec<u64>),
}

impl VarSet {
    fn contains(&self, var: Var) -> bool {
        match self {
            VarSet::All => true,
            VarSet::Bits(words) => {
                words.get(var.index() / 64).is_some_and(|word| word >> (var.index() % 64) & 1 == 1)
            }
        }
    }

    /// Adds an operand, if it is a variable.
    fn add(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand {
            self.add_var(var);
        }
    }

    fn add_var(&mut self, var: Var) {
        if let VarSet::Bits(words) = self {
            let word = var.index() / 64;
            words.resize(words.len().max(word + 1), 0);
            words[word] |= 1 << (var.index() % 64);
        }
    }

    fn intersection(self, other: VarSet) -> VarSet {
        match (self, other) {
            (VarSet::All, set) | (set, VarSet::All) => set,
            (VarSet::Bits(a), VarSet::Bits(b)) => {
                let mut both: Vec<u64> = a.iter().zip(&b).map(|(a, b)| a & b).collect();
                while both.last() == Some(&0) {
                    both.pop();
                }
                VarSet::Bits(both)
            }
        }
    }
}

/// The backward walk over one function.
struct DemandWalk<'a> {
    unit: &'a Unit,
    function: &'a Function,
    params: &'a SecondaryMap<FunctionId, Vec<bool>>,
    /// The variables that are demanded after their definitions.
    vars: EntitySet<Var>,
    /// The demands of the code of each join point.
    joins: SecondaryMap<JoinId, VarSet>,
}

impl DemandWalk<'_> {
    /// What a set has in place of a row all of whose items are demanded.
    fn items_of(&self, row: Var) -> Var {
        Var::new(self.function.vars.len() + row.index())
    }

    /// The variables that are certain to be evaluated when a block runs.
    fn block(&mut self, id: BlockId) -> VarSet {
        let block = &self.function.blocks[id];
        for stmt in &block.stmts {
            let Stmt::Join(id) = *stmt else { continue };
            let join = &self.function.joins[id];
            self.joins[id] = VarSet::All;
            loop {
                let found = self.block(join.body);
                let is_stable = found == self.joins[id];
                self.joins[id] = found;
                if is_stable || !join.is_loop {
                    break;
                }
            }
        }
        let mut demanded = self.terminator(&block.terminator);
        for stmt in block.stmts.iter().rev() {
            self.stmt(stmt, &mut demanded);
        }
        demanded
    }

    fn terminator(&mut self, terminator: &Terminator) -> VarSet {
        let mut demanded = VarSet::Bits(Vec::new());
        match terminator {
            Terminator::Return(_) | Terminator::Crash(..) => {}
            Terminator::Enter(a) => demanded.add(*a),
            Terminator::Tail(call) => self.call(call, &mut demanded),
            Terminator::Jump(join, args) => {
                demanded = self.joins[*join].clone();
                for (param, arg) in self.function.joins[*join].params.iter().zip(args) {
                    if demanded.contains(*param) {
                        demanded.add(*arg);
                    }
                    if let Operand::Var(row) = arg
                        && demanded.contains(self.items_of(*param))
                    {
                        demanded.add_var(self.items_of(*row));
                    }
                }
            }
            Terminator::If(..)
            | Terminator::Switch(..)
            | Terminator::Reflect(..)
            | Terminator::Direct(..)
            | Terminator::Closure(..) => {
                demanded = VarSet::All;
                for block in terminator.blocks() {
                    demanded = demanded.intersection(self.block(block));
                }
            }
        }
        demanded
    }

    fn stmt(&mut self, stmt: &Stmt, demanded: &mut VarSet) {
        match stmt {
            Stmt::Let(vars, op) => {
                for var in vars {
                    if demanded.contains(*var) {
                        self.vars.insert(*var);
                    } else {
                        self.vars.remove(*var);
                    }
                }
                let is_demanded = vars.iter().any(|var| demanded.contains(*var));
                self.op(op, is_demanded, demanded);
                if let (Op::Row(items), [row]) = (op, &vars[..])
                    && demanded.contains(self.items_of(*row))
                {
                    items.iter().for_each(|item| demanded.add(*item));
                }
            }
            // Members of a recursive group stay thunks, but their demands are known all the same.
            Stmt::Rec(group) => {
                for (var, op) in group {
                    if let Op::Thunk(..) = op {
                        let is_demanded = demanded.contains(*var);
                        self.op(op, is_demanded, demanded);
                    }
                }
            }
            Stmt::Join(_) => {}
        }
    }

    fn op(&self, op: &Op, is_demanded: bool, demanded: &mut VarSet) {
        match op {
            Op::Force(a) => demanded.add(*a),
            Op::Normalise(a) => {
                demanded.add(*a);
                if let Operand::Var(row) = a {
                    demanded.add_var(self.items_of(*row));
                }
            }
            Op::Call(call) => self.call(call, demanded),
            Op::Thunk(entry, captures) if is_demanded => self.passed(*entry, captures, demanded),
            Op::Delay(function, args) if is_demanded => {
                demanded.add(*function);
                if let Some(entry) = self.saturated_entry(*function, args.len()) {
                    self.passed(entry, args, demanded);
                }
            }
            _ => {}
        }
    }

    /// The entry of a law of this unit, if it is applied to as many arguments as its arity.
    fn saturated_entry(&self, function: Operand, given: usize) -> Option<FunctionId> {
        let Operand::Constant(k) = function else { return None };
        let constant = &self.unit.constants[k];
        constant.entry.filter(|_| constant.arity == given as u64)
    }

    fn call(&self, call: &Call, demanded: &mut VarSet) {
        match call.callee {
            Callee::Unknown(function) => demanded.add(function),
            Callee::Local(callee) => self.passed(callee, &call.args, demanded),
            Callee::Jet(k) => {
                let operation = self.unit.constants[k].jet.as_ref().and_then(|jet| jet.operation);
                if operation.is_some_and(JetOperation::evaluates_items)
                    && let [Operand::Var(row)] = call.args[..]
                {
                    demanded.add_var(self.items_of(row));
                }
            }
            Callee::Known(_) | Callee::Worker(_) => {}
        }
    }

    /// Adds the arguments that a function demands.
    fn passed(&self, callee: FunctionId, args: &[Operand], demanded: &mut VarSet) {
        for (arg, is_demanded) in args.iter().zip(&self.params[callee]) {
            if *is_demanded {
                demanded.add(*arg);
            }
        }
    }
}

//! The verifier: checks the invariants that the overview of [`ir`](super) states. Tests run it
//! after every pass.

use super::entities::side_table;
use super::{
    ArgDemand, Arm, BlockId, Call, Callee, Constant, ConstantId, ConstantKind, DEPTH_LIMIT,
    Function, FunctionId, FunctionRole, JetSignature, JoinId, Op, Operand, Prim, Stmt, Terminator,
    Type, Unit, Var, WorkerSignature,
};
use cranelift_entity::{EntitySet, SecondaryMap};

/// A broken invariant and the function in which it was found.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{function}: {what}")]
pub struct VerifyError {
    /// The function.
    pub function: FunctionId,
    /// The broken invariant.
    pub what: String,
}

type Check<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            return Err(format!($($what)*));
        }
    };
}

/// Checks a unit: each variable and join point has one definition and is used only in scope, blocks
/// form trees of bounded depth, and the numbers and types of operands, results and parameters
/// agree.
///
/// # Errors
/// The first broken invariant.
pub fn verify(unit: &Unit) -> Result<(), VerifyError> {
    for (id, constant) in &unit.constants {
        let exists = |operand: &Operand| match operand {
            Operand::Constant(k) => unit.constants.is_valid(*k),
            Operand::Small(_) => true,
            Operand::Var(_) => false,
        };
        if let Some((function, args)) = &constant.of
            && !(exists(&Operand::Constant(*function)) && args.iter().all(exists))
        {
            let what = format!("{id} applies a constant that does not exist");
            return Err(VerifyError { function: FunctionId::ROOT, what });
        }
        if constant
            .number
            .is_some_and(|number| constant.kind != ConstantKind::Nat || number < 1 << 63)
        {
            let what = format!("{id} is no nat from 2^63 up to 2^64");
            return Err(VerifyError { function: FunctionId::ROOT, what });
        }
        if constant.limbs.as_ref().is_some_and(|limbs| {
            constant.kind != ConstantKind::Nat || limbs.len() < 2 || limbs.last() == Some(&0)
        }) {
            let what = format!("{id} is no nat from 2^64");
            return Err(VerifyError { function: FunctionId::ROOT, what });
        }
        if constant.items.as_ref().is_some_and(|items| {
            constant.kind != ConstantKind::App || items.iter().any(|nat| *nat >= 1 << 63)
        }) {
            let what = format!("{id} is no row of nats below 2^63");
            return Err(VerifyError { function: FunctionId::ROOT, what });
        }
        if constant.jet.as_ref().is_some_and(|jet| jet.result == Type::U64) {
            let what = format!("the jet of {id} returns an unboxed number");
            return Err(VerifyError { function: FunctionId::ROOT, what });
        }
        let Some(entry) = constant.entry else { continue };
        let is_general = |function: &Function| function.role == FunctionRole::General;
        if !unit.functions.get(entry).is_some_and(is_general) {
            let what = format!("{id} names it as its entry, but it is no general function");
            return Err(VerifyError { function: entry, what });
        }
    }
    for (id, function) in &unit.functions {
        let mut checker = Checker {
            unit,
            function,
            vars: side_table(function.vars.len()),
            joins: side_table(function.joins.len()),
            blocks: EntitySet::with_capacity(function.blocks.len()),
            scope: Vec::new(),
        };
        checker.function(id).map_err(|what| VerifyError { function: id, what })?;
    }
    Ok(())
}

/// The state of a variable or join point during the walk.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum VarDefinition {
    #[default]
    Undefined,
    InScope,
    OutOfScope,
}

/// A definition that goes out of scope at the end of a block.
enum Scoped {
    Var(Var),
    Join(JoinId),
}

struct Checker<'u> {
    unit: &'u Unit,
    function: &'u Function,
    vars: SecondaryMap<Var, VarDefinition>,
    joins: SecondaryMap<JoinId, VarDefinition>,
    /// The blocks that have a parent.
    blocks: EntitySet<BlockId>,
    /// The definitions in scope, innermost last.
    scope: Vec<Scoped>,
}

impl Checker<'_> {
    fn function(&mut self, id: FunctionId) -> Check {
        let function = self.function;
        match function.role {
            FunctionRole::Worker => {
                ensure!(!function.results.is_empty(), "no results");
                ensure!(function.results != [Type::Any], "a single result is `any`");
            }
            FunctionRole::Lazy => {
                ensure!(function.results == [Type::Any], "the result of a lazy entry is not `any`");
                let params = function.param_types();
                let is_entry = id == FunctionId::ROOT;
                ensure!(
                    !is_entry || params.iter().all(|ty| *ty == Type::Any),
                    "a parameter is not `any`"
                );
            }
            FunctionRole::General | FunctionRole::Thunk => ensure!(
                function.results == [Type::Whnf],
                "only a worker has results of other types than one `whnf`"
            ),
        }
        if function.role == FunctionRole::General {
            self.general(id)?;
        }
        if function.role == FunctionRole::Thunk {
            ensure!(!function.param_types().contains(&Type::U64), "a capture is unboxed");
        }
        self.define(&function.params)?;
        self.block(function.entry, 0)
    }

    fn general(&self, id: FunctionId) -> Check {
        let mut laws = self.unit.constants.values();
        let law = match id {
            FunctionId::ROOT => laws.next(),
            _ => laws.find(|constant| constant.entry == Some(id)),
        };
        let Some(law) = law else { return Err("no law has it as its entry".to_owned()) };
        let params = self.function.param_types();
        ensure!(law.arity == params.len() as u64, "the number of parameters is not the arity");
        ensure!(params.iter().all(|ty| *ty == Type::Any), "a parameter of an entry is not `any`");
        Ok(())
    }

    // Scopes.

    fn define(&mut self, vars: &[Var]) -> Check {
        for &var in vars {
            ensure!(self.function.vars.is_valid(var), "{var} has no type");
            ensure!(self.vars[var] == VarDefinition::Undefined, "{var} is defined twice");
            self.vars[var] = VarDefinition::InScope;
            self.scope.push(Scoped::Var(var));
        }
        Ok(())
    }

    fn leave(&mut self, height: usize) {
        for scoped in self.scope.drain(height..) {
            match scoped {
                Scoped::Var(var) => self.vars[var] = VarDefinition::OutOfScope,
                Scoped::Join(join) => self.joins[join] = VarDefinition::OutOfScope,
            }
        }
    }

    fn block(&mut self, id: BlockId, depth: usize) -> Check {
        ensure!(depth <= DEPTH_LIMIT, "blocks are nested deeper than {DEPTH_LIMIT}");
        let Some(block) = self.function.blocks.get(id) else {
            return Err(format!("there is no {id}"));
        };
        ensure!(self.blocks.insert(id), "{id} has two parents");
        let height = self.scope.len();
        for stmt in &block.stmts {
            match stmt {
                Stmt::Let(vars, op) => {
                    self.op(op, vars).map_err(|what| format!("{op}: {what}"))?;
                    self.define(vars)?;
                }
                Stmt::Rec(group) => self.group(group)?,
                Stmt::Join(join) => self.join(*join, depth)?,
            }
        }
        self.terminator(&block.terminator, depth)?;
        self.leave(height);
        Ok(())
    }

    fn group(&mut self, group: &[(Var, Op)]) -> Check {
        let vars: Vec<Var> = group.iter().map(|(var, _)| *var).collect();
        self.define(&vars)?;
        for (var, op) in group {
            let storable =
                matches!(op, Op::Thunk(..) | Op::Delay(..) | Op::Partial(..) | Op::Row(_));
            ensure!(storable, "{op}: not allowed in a rec");
            self.op(op, &[*var]).map_err(|what| format!("{op}: {what}"))?;
        }
        Ok(())
    }

    fn join(&mut self, id: JoinId, depth: usize) -> Check {
        let Some(join) = self.function.joins.get(id) else {
            return Err(format!("there is no {id}"));
        };
        ensure!(self.joins[id] == VarDefinition::Undefined, "{id} is defined twice");
        let height = self.scope.len();
        self.joins[id] =
            if join.is_loop { VarDefinition::InScope } else { VarDefinition::OutOfScope };
        self.define(&join.params)?;
        self.block(join.body, depth + 1)?;
        self.leave(height);
        self.joins[id] = VarDefinition::InScope;
        self.scope.push(Scoped::Join(id));
        Ok(())
    }

    // Types.

    fn type_of(&self, operand: Operand) -> Check<Type> {
        if let Operand::Var(var) = operand {
            ensure!(self.vars[var] == VarDefinition::InScope, "{var} is not in scope");
        }
        match self.unit.type_of(self.function, operand) {
            Some(ty) => Ok(ty),
            None => Err(format!("there is no {operand}")),
        }
    }

    fn fit(&self, operand: Operand, expected: Type) -> Check {
        let ty = self.type_of(operand)?;
        ensure!(ty.is(expected), "{operand} is {ty}, not {expected}");
        Ok(())
    }

    fn fit_all(&self, operands: &[Operand], expected: &[Type]) -> Check {
        let (found, count) = (operands.len(), expected.len());
        ensure!(found == count, "{found} operands, expected {count}");
        operands.iter().zip(expected).try_for_each(|(operand, ty)| self.fit(*operand, *ty))
    }

    /// Checks that operands exist and are in scope.
    fn any(&self, operands: &[Operand]) -> Check {
        operands.iter().try_for_each(|operand| self.type_of(*operand).map(drop))
    }

    fn constant(&self, id: ConstantId) -> Check<&Constant> {
        self.unit.constants.get(id).ok_or_else(|| format!("there is no {id}"))
    }

    fn local(&self, id: FunctionId) -> Check<&Function> {
        self.unit.functions.get(id).ok_or_else(|| format!("there is no {id}"))
    }

    /// Checks an operation's operands, and that its results fit the variables it defines.
    fn op(&self, op: &Op, vars: &[Var]) -> Check {
        let results = match op {
            Op::Thunk(entry, captures) => {
                let entry = self.local(*entry)?;
                ensure!(entry.role == FunctionRole::Thunk, "not the code of a thunk");
                self.fit_all(captures, &entry.param_types())?;
                vec![Type::Any]
            }
            Op::Delay(function, args) => {
                ensure!(!args.is_empty(), "no arguments");
                self.any(&[*function])?;
                self.any(args)?;
                vec![Type::Any]
            }
            Op::Partial(k, args) => {
                let arity = self.constant(*k)?.arity;
                ensure!(
                    !args.is_empty() && (args.len() as u64) < arity,
                    "too many or no arguments"
                );
                self.any(args)?;
                vec![Type::Whnf]
            }
            Op::Row(items) => {
                ensure!(!items.is_empty(), "no items");
                self.any(items)?;
                vec![Type::Whnf]
            }
            Op::Generate(entry, operands) => {
                let entry = self.local(*entry)?;
                ensure!(entry.role == FunctionRole::Thunk, "not the code of a thunk");
                let Some((count, captures)) = operands.split_first() else {
                    return Err("no count".to_owned());
                };
                self.fit(*count, Type::Small)?;
                let mut types = entry.param_types();
                let index = types.pop();
                ensure!(
                    index.is_some_and(|ty| Type::Small.is(ty)),
                    "the index is not any small nat"
                );
                self.fit_all(captures, &types)?;
                vec![Type::Whnf]
            }
            Op::ZeroRow(count) => {
                self.fit(*count, Type::Small)?;
                vec![Type::Whnf]
            }
            Op::SetItem(operands) => {
                self.fit_all(operands, &[Type::Whnf, Type::Small, Type::Any])?;
                vec![Type::Whnf]
            }
            Op::Force(a) | Op::Normalise(a) => {
                let ty = self.type_of(*a)?;
                vec![ty.min(Type::Whnf)]
            }
            Op::Prim(prim, operands) => vec![self.prim(*prim, operands)?],
            Op::Call(call) => self.call(call)?,
        };
        ensure!(results.len() == vars.len(), "{} results, {} variables", results.len(), vars.len());
        for (var, ty) in vars.iter().zip(results) {
            let Some(&expected) = self.function.vars.get(*var) else { continue };
            ensure!(ty.is(expected), "{var} is {expected}, the result {ty}");
        }
        Ok(())
    }

    fn prim(&self, prim: Prim, operands: &[Operand]) -> Check<Type> {
        self.fit_all(operands, prim.params())?;
        let types: Check<Vec<Type>> = operands.iter().map(|a| self.type_of(*a)).collect();
        Ok(prim.result_of(operands, &types?))
    }

    /// Checks a call and returns the types of its results.
    fn call(&self, call: &Call) -> Check<Vec<Type>> {
        let args = &call.args;
        match call.callee {
            Callee::Known(k) => {
                let arity = self.constant(k)?.arity;
                ensure!(args.len() as u64 == arity, "expected {arity} arguments");
                self.any(args)?;
            }
            Callee::Unknown(function) => {
                ensure!(!args.is_empty(), "no arguments");
                self.any(&[function])?;
                self.any(args)?;
            }
            Callee::Jet(k) => {
                let Some(JetSignature { demands, .. }) = &self.constant(k)?.jet else {
                    return Err(format!("{k} has no jet"));
                };
                let type_for = |demand: &ArgDemand| match demand {
                    ArgDemand::Lazy => Type::Any,
                    ArgDemand::Head | ArgDemand::Normal => Type::Whnf,
                };
                let expected: Vec<Type> = demands.iter().map(type_for).collect();
                self.fit_all(args, &expected)?;
            }
            Callee::Worker(k) => {
                let Some(WorkerSignature { params, .. }) = &self.constant(k)?.worker else {
                    return Err(format!("{k} has no worker"));
                };
                self.fit_all(args, params)?;
            }
            Callee::Local(function) => {
                let function = self.local(function)?;
                ensure!(function.role != FunctionRole::Thunk, "the code of a thunk is not called");
                self.fit_all(args, &function.param_types())?;
            }
        }
        Ok(self.unit.results_of(call))
    }

    fn terminator(&mut self, terminator: &Terminator, depth: usize) -> Check {
        let function = self.function;
        match terminator {
            Terminator::Return(list) => self.fit_all(list, &function.results)?,
            Terminator::Enter(a) => {
                self.type_of(*a)?;
                ensure!(
                    function.results == [Type::Whnf],
                    "enter: the function has other results than one `whnf`"
                );
            }
            Terminator::Tail(call) => {
                let results = self.call(call).map_err(|what| format!("tail {call}: {what}"))?;
                let fits = results.len() == function.results.len()
                    && results.iter().zip(&function.results).all(|(ty, expected)| ty.is(*expected));
                ensure!(fits, "tail {call}: the results do not fit those of the function");
            }
            Terminator::Jump(id, args) => {
                ensure!(self.joins[*id] == VarDefinition::InScope, "{id} is not in scope");
                let params = &function.joins[*id].params;
                let expected: Vec<Type> = params.iter().map(|var| function.vars[*var]).collect();
                self.fit_all(args, &expected).map_err(|what| format!("jump {id}: {what}"))?;
            }
            Terminator::If(condition, ..) => self.fit(*condition, Type::Bit)?,
            Terminator::Switch(on, cases, _) => {
                self.fit(*on, Type::Whnf)?;
                ensure!(cases.is_sorted_by(|a, b| a.0 < b.0), "switch: cases out of order");
            }
            Terminator::Reflect(on, _) => self.fit(*on, Type::Whnf)?,
            Terminator::Direct(on, nat, yes, no) => {
                self.type_of(*on)?;
                let height = self.scope.len();
                self.define(&[*nat])?;
                let ty = function.vars[*nat];
                ensure!(matches!(ty, Type::Small | Type::U64), "direct: {nat} is {ty}");
                self.block(*yes, depth + 1)?;
                self.leave(height);
                return self.block(*no, depth + 1);
            }
            Terminator::Closure(on, k, arm, other) => {
                self.type_of(*on)?;
                let arity = self.constant(*k)?.arity;
                ensure!((arm.params.len() as u64) < arity, "closure: more values than {k} lacks");
                let height = self.scope.len();
                self.define(&arm.params)?;
                let any = |var: &Var| self.function.vars[*var] == Type::Any;
                ensure!(arm.params.iter().all(any), "closure: a captured value is not `any`");
                self.block(arm.block, depth + 1)?;
                self.leave(height);
                return self.block(*other, depth + 1);
            }
            Terminator::Crash(operation, arg) => {
                self.fit(*operation, Type::Nat)?;
                self.type_of(*arg)?;
            }
        }
        if let Terminator::Reflect(_, arms) = terminator {
            return self.reflect_arms(arms, depth);
        }
        terminator.blocks().into_iter().try_for_each(|block| self.block(block, depth + 1))
    }

    fn reflect_arms(&mut self, arms: &[Arm; 4], depth: usize) -> Check {
        for (arm, parts) in arms.iter().zip(Terminator::REFLECT_PARTS) {
            let height = self.scope.len();
            self.define(&arm.params)?;
            ensure!(
                arm.params.len() == parts.len(),
                "reflect: an arm binds the wrong number of parts"
            );
            for (var, part) in arm.params.iter().zip(parts) {
                ensure!(part.is(self.function.vars[*var]), "reflect: {var} is {part}");
            }
            self.block(arm.block, depth + 1)?;
            self.leave(height);
        }
        Ok(())
    }
}

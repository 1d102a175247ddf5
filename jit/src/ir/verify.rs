//! The verifier: whether a unit keeps what the module's overview promises.

use super::{
    BlockId, Call, Callee, Constant, ConstantId, DEPTH_LIMIT, Demand, End, Function, FunctionId,
    JoinId, Op, Operand, Prim, Role, Signature, Stmt, Twin, Type, Unit, Var,
};

/// What is wrong, and in which function.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("f{function}: {what}")]
pub struct VerifyError {
    /// The function's number.
    pub function: usize,
    /// What is wrong with it.
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

/// Checks a unit: every variable and join point is defined once and used only in scope, blocks form
/// trees that are not too deep, and numbers and types of operands, results and parameters fit.
///
/// # Errors
/// The first thing found wrong.
pub fn verify(unit: &Unit) -> Result<(), VerifyError> {
    for (number, constant) in unit.constants.iter().enumerate() {
        let exists = |operand: &Operand| match operand {
            Operand::Constant(k) => k.index() < unit.constants.len(),
            Operand::Small(_) => true,
            Operand::Var(_) => false,
        };
        if let Some((function, args)) = &constant.of
            && !(exists(&Operand::Constant(*function)) && args.iter().all(exists))
        {
            let what = format!("k{number} is of what there is not");
            return Err(VerifyError { function: 0, what });
        }
        let Some(entry) = constant.entry else { continue };
        let is_general = |function: &Function| function.role == Role::General;
        if !unit.functions.get(entry.index()).is_some_and(is_general) {
            let what = format!("k{number} has it for an entry, which it is not");
            return Err(VerifyError { function: entry.index(), what });
        }
    }
    for (number, function) in unit.functions.iter().enumerate() {
        let mut checker = Checker {
            unit,
            function,
            vars: vec![Seen::Not; function.vars.len()],
            joins: vec![Seen::Not; function.joins.len()],
            blocks: vec![false; function.blocks.len()],
            scope: Vec::new(),
        };
        checker.function(number).map_err(|what| VerifyError { function: number, what })?;
    }
    Ok(())
}

/// Whether something has been defined, and still is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    InScope,
    OutOfScope,
}

/// Something that goes out of scope at the end of a block.
enum Scoped {
    Var(Var),
    Join(JoinId),
}

struct Checker<'u> {
    unit: &'u Unit,
    function: &'u Function,
    vars: Vec<Seen>,
    joins: Vec<Seen>,
    blocks: Vec<bool>,
    /// What has come into scope, innermost last.
    scope: Vec<Scoped>,
}

impl Checker<'_> {
    fn function(&mut self, number: usize) -> Check {
        let function = self.function;
        if function.role != Role::Worker {
            ensure!(function.results == [Type::Whnf], "only a worker chooses its results");
        }
        ensure!(!function.results.is_empty(), "no results");
        ensure!(
            function.results.iter().all(|ty| function.results.len() > 1 || *ty != Type::Any),
            "a single result is evaluated"
        );
        if function.role == Role::General {
            self.general(number)?;
        }
        self.define(&function.params)?;
        self.block(function.entry, 0)
    }

    fn general(&self, number: usize) -> Check {
        let entry = Some(FunctionId(number as u32));
        let mut laws = self.unit.constants.iter();
        let law = match number {
            0 => laws.next(),
            _ => laws.find(|constant| constant.entry == entry),
        };
        let Some(law) = law else { return Err("the entry of no law".to_owned()) };
        let params = self.function.param_types();
        ensure!(law.arity == params.len() as u64, "parameters are not as many as the arity");
        ensure!(params.iter().all(|ty| *ty == Type::Any), "a general entry takes anything");
        Ok(())
    }

    // Scopes.

    fn define(&mut self, vars: &[Var]) -> Check {
        for &var in vars {
            let Some(seen) = self.vars.get_mut(var.index()) else {
                return Err(format!("{var} has no type"));
            };
            ensure!(*seen == Seen::Not, "{var} is defined twice");
            *seen = Seen::InScope;
            self.scope.push(Scoped::Var(var));
        }
        Ok(())
    }

    fn leave(&mut self, height: usize) {
        for scoped in self.scope.drain(height..) {
            match scoped {
                Scoped::Var(var) => self.vars[var.index()] = Seen::OutOfScope,
                Scoped::Join(join) => self.joins[join.index()] = Seen::OutOfScope,
            }
        }
    }

    fn block(&mut self, id: BlockId, depth: usize) -> Check {
        ensure!(depth <= DEPTH_LIMIT, "blocks are nested deeper than {DEPTH_LIMIT}");
        let Some(used) = self.blocks.get_mut(id.index()) else {
            return Err(format!("there is no block {}", id.0));
        };
        ensure!(!std::mem::replace(used, true), "block {} hangs in two places", id.0);
        let height = self.scope.len();
        let block = &self.function.blocks[id.index()];
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
        self.end(&block.end, depth)?;
        self.leave(height);
        Ok(())
    }

    fn group(&mut self, group: &[(Var, Op)]) -> Check {
        let vars: Vec<Var> = group.iter().map(|(var, _)| *var).collect();
        self.define(&vars)?;
        for (var, op) in group {
            let storable =
                matches!(op, Op::Thunk(..) | Op::Delay(..) | Op::Partial(..) | Op::Row(_));
            ensure!(storable, "{op}: not in a rec");
            self.op(op, &[*var]).map_err(|what| format!("{op}: {what}"))?;
        }
        Ok(())
    }

    fn join(&mut self, id: JoinId, depth: usize) -> Check {
        let Some(join) = self.function.joins.get(id.index()) else {
            return Err(format!("there is no {id}"));
        };
        ensure!(self.joins[id.index()] == Seen::Not, "{id} is defined twice");
        let height = self.scope.len();
        self.joins[id.index()] = if join.is_loop { Seen::InScope } else { Seen::OutOfScope };
        self.define(&join.params)?;
        self.block(join.body, depth + 1)?;
        self.leave(height);
        self.joins[id.index()] = Seen::InScope;
        self.scope.push(Scoped::Join(id));
        Ok(())
    }

    // Types.

    fn type_of(&self, operand: Operand) -> Check<Type> {
        if let Operand::Var(var) = operand {
            let seen = self.vars.get(var.index());
            ensure!(seen == Some(&Seen::InScope), "{var} is not in scope");
        }
        match self.unit.type_of(self.function, operand) {
            Some(ty) => Ok(ty),
            None => Err(format!("there is no {operand}")),
        }
    }

    fn fit(&self, operand: Operand, wanted: Type) -> Check {
        let ty = self.type_of(operand)?;
        ensure!(ty.is(wanted), "{operand} is {ty}, not {wanted}");
        Ok(())
    }

    fn fit_all(&self, operands: &[Operand], wanted: &[Type]) -> Check {
        let (given, taken) = (operands.len(), wanted.len());
        ensure!(given == taken, "{given} operands where {taken} are taken");
        operands.iter().zip(wanted).try_for_each(|(operand, ty)| self.fit(*operand, *ty))
    }

    fn any(&self, operands: &[Operand]) -> Check {
        operands.iter().try_for_each(|operand| self.type_of(*operand).map(drop))
    }

    fn constant(&self, id: ConstantId) -> Check<&Constant> {
        self.unit.constants.get(id.index()).ok_or_else(|| format!("there is no {id}"))
    }

    fn local(&self, id: FunctionId) -> Check<&Function> {
        self.unit.functions.get(id.index()).ok_or_else(|| format!("there is no {id}"))
    }

    /// Checks an operation's operands, and that its results fit the variables.
    fn op(&self, op: &Op, vars: &[Var]) -> Check {
        let results = match op {
            Op::Thunk(entry, captures) => {
                let entry = self.local(*entry)?;
                ensure!(entry.role == Role::Thunk, "not a thunk's function");
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
                let taken = self.constant(*k)?.arity;
                ensure!(
                    !args.is_empty() && (args.len() as u64) < taken,
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
            Op::Force(a) | Op::Normalise(a) => {
                let ty = self.type_of(*a)?;
                vec![ty.min(Type::Whnf)]
            }
            Op::Prim(prim, operands) => vec![self.prim(*prim, operands)?],
            Op::Call(call) => self.call(call)?,
        };
        ensure!(results.len() == vars.len(), "{} results, {} variables", results.len(), vars.len());
        for (var, ty) in vars.iter().zip(results) {
            let Some(&wanted) = self.function.vars.get(var.index()) else { continue };
            ensure!(ty.is(wanted), "{var} is {wanted}, the result {ty}");
        }
        Ok(())
    }

    fn prim(&self, prim: Prim, operands: &[Operand]) -> Check<Type> {
        self.fit_all(operands, prim.params())?;
        let types: Check<Vec<Type>> = operands.iter().map(|a| self.type_of(*a)).collect();
        Ok(prim.result_of(operands, &types?))
    }

    /// Checks a call; its results' types.
    fn call(&self, call: &Call) -> Check<Vec<Type>> {
        let args = &call.args;
        match call.callee {
            Callee::Known(k) => {
                let taken = self.constant(k)?.arity;
                ensure!(args.len() as u64 == taken, "{taken} arguments are taken");
                self.any(args)?;
            }
            Callee::Unknown(function) => {
                ensure!(!args.is_empty(), "no arguments");
                self.any(&[function])?;
                self.any(args)?;
            }
            Callee::Jet(k) => {
                let Some(Twin { demands, .. }) = &self.constant(k)?.jet else {
                    return Err(format!("{k} has no jet"));
                };
                let needed = |demand: &Demand| match demand {
                    Demand::Lazy => Type::Any,
                    Demand::Head | Demand::Normal => Type::Whnf,
                };
                let wanted: Vec<Type> = demands.iter().map(needed).collect();
                self.fit_all(args, &wanted)?;
            }
            Callee::Worker(k) => {
                let Some(Signature { params, .. }) = &self.constant(k)?.worker else {
                    return Err(format!("{k} has no worker"));
                };
                self.fit_all(args, params)?;
            }
            Callee::Local(function) => {
                let function = self.local(function)?;
                ensure!(function.role != Role::Thunk, "a thunk's function is not called");
                self.fit_all(args, &function.param_types())?;
            }
        }
        Ok(self.unit.results_of(call))
    }

    fn end(&mut self, end: &End, depth: usize) -> Check {
        let function = self.function;
        match end {
            End::Return(list) => self.fit_all(list, &function.results)?,
            End::Enter(a) => {
                self.type_of(*a)?;
                ensure!(function.results == [Type::Whnf], "enter: not the one result `whnf`");
            }
            End::Tail(call) => {
                let results = self.call(call).map_err(|what| format!("tail {call}: {what}"))?;
                let fits = results.len() == function.results.len()
                    && results.iter().zip(&function.results).all(|(ty, wanted)| ty.is(*wanted));
                ensure!(fits, "tail {call}: the results are not those of the function");
            }
            End::Jump(id, args) => {
                let seen = self.joins.get(id.index());
                ensure!(seen == Some(&Seen::InScope), "{id} is not in scope");
                let params = &function.joins[id.index()].params;
                let wanted: Vec<Type> =
                    params.iter().map(|var| function.vars[var.index()]).collect();
                self.fit_all(args, &wanted).map_err(|what| format!("jump {id}: {what}"))?;
            }
            End::If(condition, ..) => self.fit(*condition, Type::Bit)?,
            End::Switch(on, cases, _) => {
                self.fit(*on, Type::Whnf)?;
                ensure!(cases.is_sorted_by(|a, b| a.0 < b.0), "switch: cases out of order");
            }
            End::Reflect(on, _) => self.fit(*on, Type::Whnf)?,
            End::Direct(on, nat, yes, no) => {
                self.type_of(*on)?;
                let height = self.scope.len();
                self.define(&[*nat])?;
                let ty = function.vars[nat.index()];
                ensure!(Type::Small.is(ty), "direct: {nat} is {ty}");
                self.block(*yes, depth + 1)?;
                self.leave(height);
                return self.block(*no, depth + 1);
            }
            End::Closure(on, k, arm, other) => {
                self.type_of(*on)?;
                let taken = self.constant(*k)?.arity;
                ensure!((arm.params.len() as u64) < taken, "closure: {k} takes no more than that");
                let any = |var: &Var| self.function.vars[var.index()] == Type::Any;
                ensure!(arm.params.iter().all(any), "closure: what it captured is `any`");
                let height = self.scope.len();
                self.define(&arm.params)?;
                self.block(arm.block, depth + 1)?;
                self.leave(height);
                return self.block(*other, depth + 1);
            }
            End::Crash(operation, arg) => {
                self.fit(*operation, Type::Nat)?;
                self.type_of(*arg)?;
            }
        }
        if let End::Reflect(_, arms) = end {
            return self.arms(arms, depth);
        }
        end.blocks().into_iter().try_for_each(|block| self.block(block, depth + 1))
    }

    fn arms(&mut self, arms: &[super::Arm; 4], depth: usize) -> Check {
        for (arm, parts) in arms.iter().zip(End::PARTS) {
            let height = self.scope.len();
            self.define(&arm.params)?;
            ensure!(arm.params.len() == parts.len(), "reflect: a branch takes other parts");
            for (var, part) in arm.params.iter().zip(parts) {
                ensure!(part.is(self.function.vars[var.index()]), "reflect: {var} is {part}");
            }
            self.block(arm.block, depth + 1)?;
            self.leave(height);
        }
        Ok(())
    }
}

//! Compiles expressions to [`LawArena`], and lambdas to laws.
//!
//! The compiler resolves variables and makes a law of each lambda as soon as the lambda's body is
//! complete. Two rules of the prototype affect which law results:
//!
//! * A let of anything but an application is replaced by its value.
//! * An application of constants is carried out if the function then still lacks arguments.

use super::emit_law::{emit_law, void_crash};
use super::law_code::{FunctionId, LawArena, LawExpr, LawExprId, LawFunction, LawVar, Quoting};
use crate::command_error::CommandError;
use crate::expr::{ExprKind, Lambda, SireExpr};
use cranelift_entity::EntityRef;
use plan::{EvalError, Val};
use vm::Vm;

/// Work that is still to be done.
enum CompileTask<'e> {
    Compile(&'e SireExpr),
    /// Apply the last result but one to the last.
    Apply,
    /// Compile the body of a let; the last result is the let's value.
    LetBody(&'e SireExpr),
    /// Define this variable; the last result is its value.
    Define(LawVar),
    /// Take the innermost variables out of scope.
    Unbind(usize),
    /// Make the law of this lambda; the last result is its body.
    FinishLambda {
        lambda: &'e Lambda,
        id: FunctionId,
        this: LawVar,
        args: Vec<LawVar>,
        outer: FunctionId,
    },
}

struct LawCompiler<'e, 'v> {
    vm: &'v mut Vm,
    code: LawArena,
    tasks: Vec<CompileTask<'e>>,
    /// The results that no task has taken yet.
    done: Vec<LawExprId>,
    /// The meanings of the variables in scope, outermost first.
    env: Vec<LawExprId>,
    /// The function whose body is being compiled.
    current: FunctionId,
    /// The number of functions so far.
    functions: usize,
}

/// Evaluates a closed expression to normal form. The inliner has to be done with it.
pub(super) fn evaluate(vm: &mut Vm, expr: &SireExpr) -> Result<Val, CommandError> {
    let root = FunctionId::new(0);
    let mut compiler = LawCompiler {
        vm,
        code: LawArena::default(),
        tasks: vec![CompileTask::Compile(expr)],
        done: Vec::new(),
        env: Vec::new(),
        current: root,
        functions: 1,
    };
    while let Some(task) = compiler.tasks.pop() {
        compiler.run(task)?;
    }
    let body = compiler.pop();
    let LawCompiler { vm, mut code, .. } = compiler;
    if let LawExpr::Value(value, _) = &code.exprs[body] {
        return Ok(value.clone());
    }
    // The value is that of a law of one unused argument.
    let function = LawFunction {
        id: root,
        pinned: false,
        tag: 0u8.into(),
        this: code.var(root),
        args: vec![code.var(root)],
        body,
    };
    let (law, _) = emit_law(vm, &mut code, function)?;
    let law = law.ok_or_else(|| void_crash(vm))?;
    let unused = vm.nat(0);
    let value = vm.apply(&law, &[unused])?;
    Ok(vm.force(&value)?)
}

impl<'e> LawCompiler<'e, '_> {
    fn run(&mut self, task: CompileTask<'e>) -> Result<(), CommandError> {
        match task {
            CompileTask::Compile(expr) => self.compile(expr),
            CompileTask::Apply => {
                let arg = self.pop();
                let function = self.pop();
                let expr = self.apply(function, arg)?;
                self.done.push(expr);
            }
            CompileTask::LetBody(body) => {
                let mut value = self.pop();
                if matches!(self.code.exprs[value], LawExpr::App(..)) {
                    let var = self.code.var(self.current);
                    self.code.vars[var].definition = Some(value);
                    value = self.code.exprs.push(LawExpr::Var(var));
                }
                self.env.push(value);
                self.tasks.extend([CompileTask::Unbind(1), CompileTask::Compile(body)]);
            }
            CompileTask::Define(var) => {
                let value = self.pop();
                self.code.vars[var].definition = Some(value);
            }
            CompileTask::Unbind(count) => self.env.truncate(self.env.len() - count),
            CompileTask::FinishLambda { lambda, id, this, args, outer } => {
                let body = self.pop();
                self.env.truncate(self.env.len() - lambda.binders() as usize);
                self.current = outer;
                let (pinned, tag) = (lambda.pinned, lambda.tag.clone());
                let function = LawFunction { id, pinned, tag, this, args, body };
                let (law, free) = emit_law(self.vm, &mut self.code, function)?;
                let law = match law {
                    Some(law) => self.value(law),
                    None => self.code.exprs.push(LawExpr::Void),
                };
                let expr = self.code.apply_to_vars(law, &free);
                self.done.push(expr);
            }
        }
        Ok(())
    }

    fn pop(&mut self) -> LawExprId {
        self.done.pop().expect("earlier tasks leave the operands of this one")
    }

    /// Adds a value in normal form.
    fn value(&mut self, value: Val) -> LawExprId {
        let quoting = Quoting::of(self.vm.look(&value));
        self.code.exprs.push(LawExpr::Value(value, quoting))
    }

    fn compile(&mut self, expr: &'e SireExpr) {
        match &expr.kind {
            ExprKind::Var(index) => {
                self.done.push(self.env[self.env.len() - 1 - *index as usize]);
            }
            ExprKind::Const(value) => {
                let expr = self.value(value.clone());
                self.done.push(expr);
            }
            ExprKind::Global(binding) => {
                let expr = self.value(binding.value.clone());
                self.done.push(expr);
            }
            ExprKind::Inline(inner) => self.tasks.push(CompileTask::Compile(inner)),
            ExprKind::App(function, arg) => self.tasks.extend([
                CompileTask::Apply,
                CompileTask::Compile(arg),
                CompileTask::Compile(function),
            ]),
            ExprKind::Let(value, body) => {
                self.tasks.extend([CompileTask::LetBody(body), CompileTask::Compile(value)]);
            }
            ExprKind::LetRec(values, body) => self.compile_letrec(values, body),
            ExprKind::Lambda(lambda) => self.compile_lambda(lambda),
        }
    }

    fn compile_letrec(&mut self, values: &'e [SireExpr], body: &'e SireExpr) {
        let vars: Vec<LawVar> = values.iter().map(|_| self.code.var(self.current)).collect();
        for &var in vars.iter().rev() {
            let expr = self.code.exprs.push(LawExpr::Var(var));
            self.env.push(expr);
        }
        self.tasks.extend([CompileTask::Unbind(vars.len()), CompileTask::Compile(body)]);
        for (&var, value) in vars.iter().zip(values).rev() {
            self.tasks.extend([CompileTask::Define(var), CompileTask::Compile(value)]);
        }
    }

    fn compile_lambda(&mut self, lambda: &'e Lambda) {
        let id = FunctionId::new(self.functions);
        self.functions += 1;
        let outer = std::mem::replace(&mut self.current, id);
        let this = self.code.var(id);
        let args: Vec<LawVar> = (0..lambda.arity).map(|_| self.code.var(id)).collect();
        for &var in std::iter::once(&this).chain(&args) {
            let expr = self.code.exprs.push(LawExpr::Var(var));
            self.env.push(expr);
        }
        let finish = CompileTask::FinishLambda { lambda, id, this, args, outer };
        self.tasks.extend([finish, CompileTask::Compile(&lambda.body)]);
    }

    /// Makes an application. If both operands are constants and the result is still a partial
    /// application, the result is a constant.
    fn apply(&mut self, function: LawExprId, arg: LawExprId) -> Result<LawExprId, EvalError> {
        let exprs = &self.code.exprs;
        let partial = match (&exprs[function], &exprs[arg]) {
            (LawExpr::Void, LawExpr::Value(..) | LawExpr::Void) => {
                return Err(void_crash(self.vm));
            }
            (LawExpr::Value(callee, _), arg) if self.stays_partial(callee) => match arg {
                LawExpr::Value(arg, _) => Some(self.vm.app(callee, std::slice::from_ref(arg))?),
                LawExpr::Void => return Ok(self.code.exprs.push(LawExpr::Void)),
                _ => None,
            },
            _ => None,
        };
        Ok(match partial {
            Some(partial) => self.value(partial),
            None => self.code.exprs.push(LawExpr::App(function, arg)),
        })
    }

    /// Returns whether the function still lacks arguments after one more.
    fn stays_partial(&self, function: &Val) -> bool {
        self.vm.look(function).arity().is_some_and(|arity| arity > 1)
    }
}

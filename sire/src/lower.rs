//! From expressions to functions without nesting: [`Lowering`] names variables, folds constants,
//! and turns each lambda into a law as soon as its body is there.
//!
//! A function is a body and definitions of variables, both made of [`Exp`]s. Its variables are its
//! own (self, arguments, definitions) or those of the functions around it. `emit` makes a law of
//! it; for each variable of others that it uses the law gets an argument more.
//!
//! What is done here decides what law comes out, and so its hash (prototype:
//! lib/Sire/Backend.hs, doc/legacy/sire/SIRE_CODEGEN.md): a let of anything but an application is
//! replaced by its value, an application of constants is carried out if it needs further arguments.

use crate::ast::{Expr, Kind, Lam};
use crate::emit::{self, Function};
use crate::error::Fault;
use vm::{Ref, Shape, Stop, Val, Vm};

/// A variable, by its place in [`Code::vars`].
pub(crate) type Var = u32;

/// An expression, by its place in [`Code::exps`].
pub(crate) type ExpId = u32;

/// An expression of a function.
pub(crate) enum Exp {
    /// A value in normal form.
    Value(Val, Quoting),
    /// What crashes as soon as it is used: a law of no arguments.
    Void,
    Var(Var),
    App(ExpId, ExpId),
}

/// Whether a constant must be quoted in a law's body, since it would be taken for code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    Always,
    Never,
    /// If the law has so many variables or more, itself not counted.
    AsVariable(u64),
}

impl Quoting {
    fn of(value: Ref<'_>) -> Quoting {
        match value.shape() {
            Shape::Nat(nat) => nat.to_u64().map_or(Quoting::Never, Quoting::AsVariable),
            Shape::App(app) => match (app.head().as_u64(), app.len()) {
                (Some(0 | 1), 2) | (Some(2), 1) => Quoting::Always,
                _ => Quoting::Never,
            },
            _ => Quoting::Never,
        }
    }
}

/// What is known about a variable.
pub(crate) struct VarInfo {
    /// The function it belongs to.
    pub(crate) owner: u32,
    /// What it stands for, if it is neither an argument nor the function itself.
    pub(crate) definition: Option<ExpId>,
    /// For the count under way: its number, and how often the variable was seen in it.
    pub(crate) counted: u32,
    pub(crate) count: u32,
    /// The variable's index in the law that is being emitted.
    pub(crate) slot: u64,
}

/// The expressions and variables of a function and all those inside it.
#[derive(Default)]
pub(crate) struct Code {
    pub(crate) exps: Vec<Exp>,
    pub(crate) vars: Vec<VarInfo>,
    /// How many counts there were.
    pub(crate) counts: u32,
}

impl Code {
    pub(crate) fn exp(&mut self, exp: Exp) -> ExpId {
        self.exps.push(exp);
        self.exps.len() as ExpId - 1
    }

    /// A new variable of that function.
    pub(crate) fn var(&mut self, owner: u32) -> Var {
        let info = VarInfo { owner, definition: None, counted: 0, count: 0, slot: 0 };
        self.vars.push(info);
        self.vars.len() as Var - 1
    }

    pub(crate) fn info(&mut self, var: Var) -> &mut VarInfo {
        &mut self.vars[var as usize]
    }

    /// An application to variables.
    pub(crate) fn apply_to_vars(&mut self, function: ExpId, args: &[Var]) -> ExpId {
        args.iter().fold(function, |function, &arg| {
            let arg = self.exp(Exp::Var(arg));
            self.exp(Exp::App(function, arg))
        })
    }
}

/// What is left to do.
enum Step<'e> {
    Lower(&'e Expr),
    /// Apply the last result but one to the last.
    Apply,
    /// The last result is the value of a let with this body.
    Let(&'e Expr),
    /// The last result is the value of this variable.
    Define(Var),
    /// So many variables go out of scope.
    Unbind(usize),
    /// The last result is the body of this lambda.
    Close {
        lam: &'e Lam,
        function: Function,
        outer: u32,
    },
}

struct Lowering<'e, 'v> {
    vm: &'v mut Vm,
    code: Code,
    steps: Vec<Step<'e>>,
    done: Vec<ExpId>,
    /// What the variables in scope stand for, outermost first.
    env: Vec<ExpId>,
    /// The function whose body is being lowered, and how many there were.
    current: u32,
    functions: u32,
}

/// The value of a closed expression in which everything has been inlined: in normal form.
pub(crate) fn evaluate(vm: &mut Vm, expr: &Expr) -> Result<Val, Fault> {
    let code = Code::default();
    let (steps, done, env) = (vec![Step::Lower(expr)], Vec::new(), Vec::new());
    let mut lowering = Lowering { vm, code, steps, done, env, current: 0, functions: 1 };
    while let Some(step) = lowering.steps.pop() {
        lowering.step(step)?;
    }
    let Lowering { vm, mut code, mut done, .. } = lowering;
    let body = done.pop().expect("a step for the root leaves it");
    if let Exp::Value(value, _) = &code.exps[body as usize] {
        return Ok(value.clone());
    }
    let function = Function {
        id: 0,
        pinned: false,
        tag: 0u8.into(),
        this: code.var(0),
        args: vec![code.var(0)],
        body,
    };
    let (law, _) = emit::law(vm, &mut code, function)?;
    let law = law.ok_or_else(|| emit::void(vm))?;
    let unused = vm.nat(0);
    let value = vm.apply(&law, &[unused])?;
    Ok(vm.force(&value)?)
}

impl<'e> Lowering<'e, '_> {
    fn step(&mut self, step: Step<'e>) -> Result<(), Fault> {
        match step {
            Step::Lower(expr) => self.lower(expr),
            Step::Apply => {
                let arg = self.pop();
                let function = self.pop();
                let exp = self.apply(function, arg)?;
                self.done.push(exp);
            }
            Step::Let(body) => {
                let mut value = self.pop();
                if matches!(self.code.exps[value as usize], Exp::App(..)) {
                    let var = self.code.var(self.current);
                    self.code.info(var).definition = Some(value);
                    value = self.code.exp(Exp::Var(var));
                }
                self.env.push(value);
                self.steps.extend([Step::Unbind(1), Step::Lower(body)]);
            }
            Step::Define(var) => {
                let value = self.pop();
                self.code.info(var).definition = Some(value);
            }
            Step::Unbind(count) => self.env.truncate(self.env.len() - count),
            Step::Close { lam, mut function, outer } => {
                function.body = self.pop();
                self.env.truncate(self.env.len() - lam.binds() as usize);
                self.current = outer;
                let (law, free) = emit::law(self.vm, &mut self.code, function)?;
                let law = match law {
                    Some(law) => self.value(law),
                    None => self.code.exp(Exp::Void),
                };
                let exp = self.code.apply_to_vars(law, &free);
                self.done.push(exp);
            }
        }
        Ok(())
    }

    fn pop(&mut self) -> ExpId {
        self.done.pop().expect("the steps before leave what this one takes")
    }

    /// A value, which must be in normal form.
    fn value(&mut self, value: Val) -> ExpId {
        let quoting = Quoting::of(self.vm.look(&value));
        self.code.exp(Exp::Value(value, quoting))
    }

    fn lower(&mut self, expr: &'e Expr) {
        match &expr.kind {
            Kind::Var(index) => self.done.push(self.env[self.env.len() - 1 - *index as usize]),
            Kind::Const(value) => {
                let exp = self.value(value.clone());
                self.done.push(exp);
            }
            Kind::Global(bind) => {
                let exp = self.value(bind.value.clone());
                self.done.push(exp);
            }
            Kind::Inline(inner) => self.steps.push(Step::Lower(inner)),
            Kind::App(function, arg) => {
                self.steps.extend([Step::Apply, Step::Lower(arg), Step::Lower(function)]);
            }
            Kind::Let(value, body) => {
                self.steps.extend([Step::Let(body), Step::Lower(value)]);
            }
            Kind::LetRec(values, body) => self.lower_letrec(values, body),
            Kind::Lam(lam) => self.lower_lambda(lam),
        }
    }

    fn lower_letrec(&mut self, values: &'e [Expr], body: &'e Expr) {
        let vars: Vec<Var> = values.iter().map(|_| self.code.var(self.current)).collect();
        for &var in vars.iter().rev() {
            let exp = self.code.exp(Exp::Var(var));
            self.env.push(exp);
        }
        self.steps.extend([Step::Unbind(vars.len()), Step::Lower(body)]);
        for (&var, value) in vars.iter().zip(values).rev() {
            self.steps.extend([Step::Define(var), Step::Lower(value)]);
        }
    }

    fn lower_lambda(&mut self, lam: &'e Lam) {
        let outer = std::mem::replace(&mut self.current, self.functions);
        self.functions += 1;
        let id = self.current;
        let this = self.code.var(id);
        let args: Vec<Var> = (0..lam.arity).map(|_| self.code.var(id)).collect();
        for &var in std::iter::once(&this).chain(&args) {
            let exp = self.code.exp(Exp::Var(var));
            self.env.push(exp);
        }
        // The body is not known yet.
        let body = ExpId::MAX;
        let tag = lam.tag.clone();
        let function = Function { id, pinned: lam.pinned, tag, this, args, body };
        self.steps.extend([Step::Close { lam, function, outer }, Step::Lower(&lam.body)]);
    }

    /// An application, carried out if both sides are constants and it would not run anything.
    fn apply(&mut self, function: ExpId, arg: ExpId) -> Result<ExpId, Stop> {
        let exps = &self.code.exps;
        let partial = match (&exps[function as usize], &exps[arg as usize]) {
            (Exp::Void, Exp::Value(..) | Exp::Void) => return Err(emit::void(self.vm)),
            (Exp::Value(callee, _), arg) if self.takes_more(callee) => match arg {
                Exp::Value(arg, _) => Some(self.vm.app(callee, std::slice::from_ref(arg))?),
                Exp::Void => return Ok(self.code.exp(Exp::Void)),
                _ => None,
            },
            _ => None,
        };
        Ok(match partial {
            Some(partial) => self.value(partial),
            None => self.code.exp(Exp::App(function, arg)),
        })
    }

    /// Whether the function can take an argument and still not run.
    fn takes_more(&self, function: &Val) -> bool {
        self.vm.look(function).arity().is_some_and(|arity| arity > 1)
    }
}

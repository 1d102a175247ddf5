//! Inlining: marked functions are replaced by their bodies where they get all their arguments.
//!
//! What is inlined decides what law comes out, and so its hash; the rules below are therefore exact
//! (prototype: lib/Sire/Backend.hs, doc/legacy/sire/SIRE_INLINE.md).
//!
//! While an expression is walked, what is known about it is kept beside it: its [`Pot`], if it is a
//! lambda with some of its arguments. A pot comes from a lambda, from the code of a global, or from
//! the let that bound a variable; it gains an argument in each application; it is marked if the
//! lambda says so or the expression stands in `**`. A marked pot with all its arguments is replaced
//! by a chain of lets, one for the lambda itself (bound to 0: recursive lambdas have no pots), then
//! one an argument, around the lambda's body; and that is walked again.
//!
//! Arguments are walked before the function they are for, and go inward with it: below the lets that
//! the function turns into.
//!
//! # The machine
//!
//! The walk is a loop over explicit stacks. `frames` says what happens with a result; `env` has the
//! pots of the variables in scope, outermost first; `params` has the arguments that functions being
//! walked wait for, and those of the innermost one begin at `base`.

use crate::ast::{self, Expr, Kind, Lam, shift};
use crate::bind::Binds;
use crate::error::Fault;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vm::{Stop, Val, Vm};

/// The most binders that inlining may nest: inlining need not end, and this ends it.
const DEPTH_MAX: usize = 1 << 20;

/// A lambda and the arguments it got so far.
#[derive(Clone)]
pub(crate) struct Pot {
    /// A [`Kind::Lam`].
    lam: Expr,
    marked: bool,
    /// How many binders the lambda stands under.
    depth: usize,
    /// How many arguments are missing.
    need: u32,
    args: Vec<Arg>,
}

/// An argument, already inlined.
#[derive(Clone)]
struct Arg {
    /// How many binders it stands under.
    depth: usize,
    expr: Expr,
}

impl Pot {
    /// The pot of a lambda that stands under so many binders.
    fn of(lam: &Expr, parts: &Lam, marked: bool, depth: usize) -> Option<Rc<Pot>> {
        let pot = || {
            let lam = Rc::clone(lam);
            Rc::new(Pot { lam, marked, depth, need: parts.arity, args: Vec::new() })
        };
        (!parts.recursive).then(pot)
    }

    fn is_ready(&self, available: usize) -> bool {
        self.marked && self.need as usize <= available
    }

    /// The expressions it holds on to.
    pub(crate) fn into_exprs(self) -> impl Iterator<Item = Expr> {
        std::iter::once(self.lam).chain(self.args.into_iter().map(|arg| arg.expr))
    }
}

/// What an expression comes to.
struct Outcome {
    expr: Expr,
    pot: Option<Rc<Pot>>,
}

enum Next {
    Walk(Expr),
    Done(Outcome),
}

/// What happens with an outcome. Those with a `base` were waiting for an expression without
/// arguments, and restore it.
enum Frame {
    /// It is an argument of this function.
    Argument { function: Expr, base: usize },
    /// It was in `**`.
    Mark { base: usize },
    /// It is the body of this lambda.
    Body { lam: Expr, pot: Option<Rc<Pot>>, base: usize },
    /// It is the value of this let.
    LetValue { expr: Expr, base: usize },
    /// It is the body of a let with this value.
    LetBody { value: Expr },
    /// It is the next value of this letrec.
    LetRecValue { expr: Expr, values: Vec<Expr>, base: usize },
    /// It is the body of a letrec with these values.
    LetRecBody { values: Vec<Expr> },
    /// Its pot is that of this global.
    Global { expr: Expr, base: usize },
}

struct Inliner<'a> {
    vm: &'a Vm,
    binds: &'a Binds,
    zero: Val,
    interrupt: Arc<AtomicBool>,
    env: Vec<Option<Rc<Pot>>>,
    params: Vec<Arg>,
    base: usize,
    frames: Vec<Frame>,
}

/// The closed expression with everything inlined that is to be. `zero` is the nat 0.
pub(crate) fn inline(vm: &Vm, binds: &Binds, zero: Val, expr: &Expr) -> Result<Expr, Fault> {
    let interrupt = vm.interrupt_flag();
    let (env, params, frames) = (Vec::new(), Vec::new(), Vec::new());
    let mut inliner = Inliner { vm, binds, zero, interrupt, env, params, base: 0, frames };
    let mut next = Next::Walk(Rc::clone(expr));
    loop {
        next = match next {
            Next::Walk(expr) => inliner.walk(expr)?,
            Next::Done(outcome) => match inliner.frames.pop() {
                Some(frame) => inliner.resume(frame, outcome)?,
                None => return Ok(outcome.expr),
            },
        }
    }
}

impl Inliner<'_> {
    fn walk(&mut self, expr: Expr) -> Result<Next, Fault> {
        Ok(match &expr.kind {
            Kind::Const(_) => self.apply(Outcome { expr, pot: None })?,
            Kind::Var(index) => {
                let pot = self.env[self.env.len() - 1 - *index as usize].clone();
                self.apply(Outcome { expr, pot })?
            }
            Kind::Global(_) => self.walk_global(expr)?,
            Kind::Inline(inner) => match &inner.kind {
                // The same as below, but without walking the body in vain.
                Kind::Lam(lam) if lam.arity > 0 => self.walk_lambda(inner, lam, true)?,
                _ => {
                    let base = self.enter();
                    self.frames.push(Frame::Mark { base });
                    Next::Walk(Rc::clone(inner))
                }
            },
            Kind::Lam(lam) => self.walk_lambda(&expr, lam, lam.inline)?,
            Kind::App(function, arg) => {
                let base = self.enter();
                self.frames.push(Frame::Argument { function: Rc::clone(function), base });
                Next::Walk(Rc::clone(arg))
            }
            Kind::Let(value, _) => {
                let value = Rc::clone(value);
                let base = self.enter();
                self.frames.push(Frame::LetValue { expr, base });
                Next::Walk(value)
            }
            Kind::LetRec(values, _) => {
                self.bind(values.len())?;
                let base = self.enter();
                self.next_of_letrec(expr, Vec::new(), base)
            }
        })
    }

    /// Begins an expression without arguments; the result is the base to restore.
    fn enter(&mut self) -> usize {
        std::mem::replace(&mut self.base, self.params.len())
    }

    /// Adds variables of which nothing is known.
    fn bind(&mut self, count: usize) -> Result<(), Fault> {
        if self.env.len() + count > DEPTH_MAX {
            return Err(Fault::InliningTooDeep);
        }
        self.env.resize(self.env.len() + count, None);
        Ok(())
    }

    fn unbind(&mut self, count: usize) {
        self.env.truncate(self.env.len() - count);
    }

    fn walk_lambda(&mut self, expr: &Expr, lam: &Lam, marked: bool) -> Result<Next, Fault> {
        let pot = Pot::of(expr, lam, marked, self.env.len());
        if pot.as_ref().is_some_and(|pot| pot.is_ready(self.params.len() - self.base)) {
            return self.apply(Outcome { expr: Rc::clone(expr), pot });
        }
        let base = self.enter();
        self.frames.push(Frame::Body { lam: Rc::clone(expr), pot, base });
        self.bind(lam.binds() as usize)?;
        Ok(Next::Walk(Rc::clone(&lam.body)))
    }

    fn walk_global(&mut self, expr: Expr) -> Result<Next, Fault> {
        let Kind::Global(bind) = &expr.kind else { unreachable!("the caller looked") };
        if let Some(pot) = bind.pot() {
            let pot = pot.clone();
            return self.apply(Outcome { expr, pot });
        }
        let code = bind.code(self.vm, self.binds)?;
        let pot = match &code.kind {
            Kind::Const(_) | Kind::Let(..) | Kind::LetRec(..) => None,
            Kind::Lam(lam) if lam.arity > 0 => Pot::of(code, lam, lam.inline, 0),
            _ => {
                let code = Rc::clone(code);
                let base = self.enter();
                self.frames.push(Frame::Global { expr, base });
                return Ok(Next::Walk(code));
            }
        };
        bind.set_pot(pot.clone());
        self.apply(Outcome { expr, pot })
    }

    /// Gives an outcome the arguments that wait for it, and inlines it if those are enough.
    fn apply(&mut self, outcome: Outcome) -> Result<Next, Fault> {
        let Outcome { mut expr, mut pot } = outcome;
        let available = self.params.len() - self.base;
        if let Some(ready) = pot.as_mut().filter(|pot| pot.is_ready(available)) {
            let pot = Rc::make_mut(ready);
            while pot.need > 0 {
                pot.need -= 1;
                pot.args.extend(self.params.pop());
            }
            return Ok(Next::Walk(self.expand(pot)?));
        }
        let depth = self.env.len();
        pot = pot.filter(|pot| available <= pot.need as usize);
        while self.params.len() > self.base {
            let Some(arg) = self.params.pop() else { break };
            expr = ast::app(expr, shift(&arg.expr, (depth - arg.depth) as u32, 0));
            if let Some(pot) = &mut pot {
                let pot = Rc::make_mut(pot);
                pot.need -= 1;
                pot.args.push(arg);
            }
        }
        Ok(Next::Done(Outcome { expr, pot }))
    }

    /// The lets that a lambda with all its arguments comes to.
    fn expand(&self, pot: &Pot) -> Result<Expr, Fault> {
        if self.interrupt.swap(false, Ordering::Relaxed) {
            return Err(Stop::Interrupted.into());
        }
        let Kind::Lam(lam) = &pot.lam.kind else { unreachable!("a pot holds a lambda") };
        let depth = self.env.len();
        let mut expr = shift(&lam.body, (depth - pot.depth) as u32, lam.binds());
        for (index, arg) in pot.args.iter().enumerate().rev() {
            let inward = depth + 1 + index - arg.depth;
            expr = ast::let_in(shift(&arg.expr, inward as u32, 0), expr);
        }
        Ok(ast::let_in(ast::constant(self.zero.clone()), expr))
    }

    fn resume(&mut self, frame: Frame, outcome: Outcome) -> Result<Next, Fault> {
        match frame {
            Frame::Argument { function, base } => {
                self.base = base;
                self.params.push(Arg { depth: self.env.len(), expr: outcome.expr });
                Ok(Next::Walk(function))
            }
            Frame::Mark { base } => {
                self.base = base;
                let Outcome { expr, mut pot } = outcome;
                if let Some(pot) = &mut pot {
                    Rc::make_mut(pot).marked = true;
                }
                self.apply(Outcome { expr, pot })
            }
            Frame::Body { lam, pot, base } => {
                self.base = base;
                let Kind::Lam(parts) = &lam.kind else { unreachable!("the caller looked") };
                self.unbind(parts.binds() as usize);
                let tag = parts.tag.clone();
                let expr = ast::lambda(Lam { tag, body: outcome.expr, ..*parts });
                self.apply(Outcome { expr, pot })
            }
            Frame::LetValue { expr, base } => {
                self.base = base;
                let Kind::Let(_, body) = &expr.kind else { unreachable!("the caller looked") };
                self.bind(1)?;
                let innermost = self.env.len() - 1;
                self.env[innermost] = outcome.pot;
                self.frames.push(Frame::LetBody { value: outcome.expr });
                Ok(Next::Walk(Rc::clone(body)))
            }
            Frame::LetBody { value } => {
                self.unbind(1);
                let expr = ast::let_in(value, outcome.expr);
                Ok(Next::Done(Outcome { expr, pot: None }))
            }
            Frame::LetRecValue { expr, mut values, base } => {
                values.push(outcome.expr);
                Ok(self.next_of_letrec(expr, values, base))
            }
            Frame::LetRecBody { values } => {
                self.unbind(values.len());
                let expr = ast::let_rec(values, outcome.expr);
                Ok(Next::Done(Outcome { expr, pot: None }))
            }
            Frame::Global { expr, base } => {
                self.base = base;
                Ok(self.finish_global(expr, outcome.pot)?)
            }
        }
    }

    /// Walks the letrec's next value, or its body.
    fn next_of_letrec(&mut self, expr: Expr, values: Vec<Expr>, base: usize) -> Next {
        let Kind::LetRec(all, body) = &expr.kind else { unreachable!("the caller looked") };
        if let Some(value) = all.get(values.len()) {
            let value = Rc::clone(value);
            self.frames.push(Frame::LetRecValue { expr, values, base });
            return Next::Walk(value);
        }
        self.base = base;
        self.frames.push(Frame::LetRecBody { values });
        Next::Walk(Rc::clone(body))
    }

    /// Remembers a global's pot. Nothing in it has free variables, so it may be kept as if it had
    /// been found under no binders.
    fn finish_global(&mut self, expr: Expr, mut pot: Option<Rc<Pot>>) -> Result<Next, Fault> {
        let Kind::Global(bind) = &expr.kind else { unreachable!("the caller looked") };
        if let Some(pot) = &mut pot {
            let pot = Rc::make_mut(pot);
            pot.depth = 0;
            pot.args.iter_mut().for_each(|arg| arg.depth = 0);
        }
        bind.set_pot(pot.clone());
        self.apply(Outcome { expr, pot })
    }
}

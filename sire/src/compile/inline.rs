//! The inliner: replaces calls of marked functions by the functions' bodies.
//!
//! Inlining determines which law a definition becomes, and so its hash, so these rules follow the
//! prototype exactly (lib/Sire/Backend.hs, doc/legacy/sire/SIRE_INLINE.md).
//!
//! The inliner tracks for each expression whether it is a [`PartialCall`]: a lambda and some of its
//! arguments. A partial call comes from a lambda, from the code of a global, or from the let that
//! bound a variable. Each application adds an argument. The call is marked for inlining if the
//! lambda says so, or if the expression is inside `**`. A marked call with all its arguments is
//! replaced by nested lets around the lambda's body: one let for the lambda itself, which is bound
//! to 0 (recursive lambdas are never inlined), then one for each argument. The inliner then walks
//! the result again.
//!
//! The inliner walks an argument before its function. The argument then moves inward with the
//! function, below the lets that the function turns into.
//!
//! # The walk
//!
//! The walk is a loop over explicit stacks. `frames` holds what to do with a result. `env` holds
//! the partial calls of the variables in scope, outermost first. `waiting` holds the arguments of
//! the functions that are being walked; the arguments of the innermost function begin at `base`.

use crate::command_error::CommandError;
use crate::expr::{
    self, BindingCache, CallArg, ExprKind, Lambda, PartialCall, SireExpr, code_of, shift,
};
use plan::{EvalError, Val};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vm::Vm;

/// The maximum depth of binders. Inlining need not terminate; this limit ends it.
const DEPTH_MAX: usize = 1 << 20;

/// Makes the partial call of a lambda without arguments under `depth` binders. A recursive lambda
/// has none.
fn call_of(
    expr: &SireExpr,
    lambda: &Lambda,
    inline: bool,
    depth: usize,
) -> Option<Rc<PartialCall>> {
    (!lambda.recursive).then(|| {
        let missing = lambda.arity;
        Rc::new(PartialCall { lambda: Rc::clone(expr), inline, depth, missing, args: Vec::new() })
    })
}

/// Returns whether a call is inlined when `available` further arguments are known.
fn is_ready(call: &PartialCall, available: usize) -> bool {
    call.inline && call.missing as usize <= available
}

/// An expression after inlining.
struct Inlined {
    expr: SireExpr,
    call: Option<Rc<PartialCall>>,
}

enum InlineStep {
    Walk(SireExpr),
    Return(Inlined),
}

/// The continuation of an inlined expression. A frame with a `base` belongs to an expression
/// without arguments of its own, and restores the base of the expression around it.
enum InlineFrame {
    /// The result is an argument of this function.
    Argument { function: SireExpr, base: usize },
    /// The result was inside `**`.
    Mark { base: usize },
    /// The result is the body of this lambda.
    Body { lambda: SireExpr, call: Option<Rc<PartialCall>>, base: usize },
    /// The result is the value of this let.
    LetValue { expr: SireExpr, base: usize },
    /// The result is the body of a let with this value.
    LetBody { value: SireExpr },
    /// The result is the next value of this letrec.
    LetRecValue { expr: SireExpr, values: Vec<SireExpr>, base: usize },
    /// The result is the body of a letrec with these values.
    LetRecBody { values: Vec<SireExpr> },
    /// The partial call of the result is that of this global.
    Global { expr: SireExpr, base: usize },
}

struct Inliner<'a> {
    vm: &'a Vm,
    bindings: &'a BindingCache,
    zero: Val,
    interrupt: Arc<AtomicBool>,
    env: Vec<Option<Rc<PartialCall>>>,
    waiting: Vec<CallArg>,
    base: usize,
    frames: Vec<InlineFrame>,
}

/// Inlines calls in a closed expression. `zero` is the nat 0.
pub(super) fn inline(
    vm: &Vm,
    bindings: &BindingCache,
    zero: Val,
    expr: &SireExpr,
) -> Result<SireExpr, CommandError> {
    let interrupt = vm.interrupt_flag();
    let (env, waiting, frames) = (Vec::new(), Vec::new(), Vec::new());
    let mut inliner = Inliner { vm, bindings, zero, interrupt, env, waiting, base: 0, frames };
    let mut action = InlineStep::Walk(Rc::clone(expr));
    loop {
        action = match action {
            InlineStep::Walk(expr) => inliner.walk(expr)?,
            InlineStep::Return(inlined) => match inliner.frames.pop() {
                Some(frame) => inliner.resume(frame, inlined)?,
                None => return Ok(inlined.expr),
            },
        }
    }
}

impl Inliner<'_> {
    fn walk(&mut self, expr: SireExpr) -> Result<InlineStep, CommandError> {
        Ok(match &expr.kind {
            ExprKind::Const(_) => self.apply(Inlined { expr, call: None })?,
            ExprKind::Var(index) => {
                let call = self.env[self.env.len() - 1 - *index as usize].clone();
                self.apply(Inlined { expr, call })?
            }
            ExprKind::Global(_) => self.walk_global(expr)?,
            ExprKind::Inline(inner) => match &inner.kind {
                // Equivalent to the general case, but does not walk a body that is not used.
                ExprKind::Lambda(lambda) if lambda.arity > 0 => {
                    self.walk_lambda(inner, lambda, true)?
                }
                _ => {
                    let base = self.enter();
                    self.frames.push(InlineFrame::Mark { base });
                    InlineStep::Walk(Rc::clone(inner))
                }
            },
            ExprKind::Lambda(lambda) => self.walk_lambda(&expr, lambda, lambda.inline)?,
            ExprKind::App(function, arg) => {
                let base = self.enter();
                self.frames.push(InlineFrame::Argument { function: Rc::clone(function), base });
                InlineStep::Walk(Rc::clone(arg))
            }
            ExprKind::Let(value, _) => {
                let value = Rc::clone(value);
                let base = self.enter();
                self.frames.push(InlineFrame::LetValue { expr, base });
                InlineStep::Walk(value)
            }
            ExprKind::LetRec(values, _) => {
                self.bind(values.len())?;
                let base = self.enter();
                self.walk_letrec(expr, Vec::new(), base)
            }
        })
    }

    /// Enters an expression without arguments, and returns the base to restore.
    fn enter(&mut self) -> usize {
        std::mem::replace(&mut self.base, self.waiting.len())
    }

    /// Brings variables into scope that are no partial calls.
    fn bind(&mut self, count: usize) -> Result<(), CommandError> {
        if self.env.len() + count > DEPTH_MAX {
            return Err(CommandError::InliningTooDeep);
        }
        self.env.resize(self.env.len() + count, None);
        Ok(())
    }

    fn unbind(&mut self, count: usize) {
        self.env.truncate(self.env.len() - count);
    }

    fn walk_lambda(
        &mut self,
        expr: &SireExpr,
        lambda: &Lambda,
        inline: bool,
    ) -> Result<InlineStep, CommandError> {
        let call = call_of(expr, lambda, inline, self.env.len());
        if call.as_ref().is_some_and(|call| is_ready(call, self.waiting.len() - self.base)) {
            return self.apply(Inlined { expr: Rc::clone(expr), call });
        }
        let base = self.enter();
        self.frames.push(InlineFrame::Body { lambda: Rc::clone(expr), call, base });
        self.bind(lambda.binders() as usize)?;
        Ok(InlineStep::Walk(Rc::clone(&lambda.body)))
    }

    fn walk_global(&mut self, expr: SireExpr) -> Result<InlineStep, CommandError> {
        let ExprKind::Global(binding) = &expr.kind else { unreachable!("the caller matched it") };
        if let Some(call) = binding.call() {
            let call = call.clone();
            return self.apply(Inlined { expr, call });
        }
        let code = code_of(self.vm, self.bindings, binding)?;
        let call = match &code.kind {
            ExprKind::Const(_) | ExprKind::Let(..) | ExprKind::LetRec(..) => None,
            ExprKind::Lambda(lambda) if lambda.arity > 0 => call_of(code, lambda, lambda.inline, 0),
            _ => {
                let code = Rc::clone(code);
                let base = self.enter();
                self.frames.push(InlineFrame::Global { expr, base });
                return Ok(InlineStep::Walk(code));
            }
        };
        binding.set_call(call.clone());
        self.apply(Inlined { expr, call })
    }

    /// Applies an expression to the arguments that wait for it. A marked call that has all its
    /// arguments is expanded.
    fn apply(&mut self, inlined: Inlined) -> Result<InlineStep, CommandError> {
        let Inlined { mut expr, mut call } = inlined;
        let available = self.waiting.len() - self.base;
        if let Some(ready) = call.as_mut().filter(|call| is_ready(call, available)) {
            let call = Rc::make_mut(ready);
            while call.missing > 0 {
                call.missing -= 1;
                call.args.extend(self.waiting.pop());
            }
            return Ok(InlineStep::Walk(self.expand(call)?));
        }
        let depth = self.env.len();
        call = call.filter(|call| available <= call.missing as usize);
        while self.waiting.len() > self.base {
            let Some(arg) = self.waiting.pop() else { break };
            expr = expr::app(expr, shift(&arg.expr, (depth - arg.depth) as u32, 0));
            if let Some(call) = &mut call {
                let call = Rc::make_mut(call);
                call.missing -= 1;
                call.args.push(arg);
            }
        }
        Ok(InlineStep::Return(Inlined { expr, call }))
    }

    /// Expands a lambda with all its arguments to nested lets around its body.
    fn expand(&self, call: &PartialCall) -> Result<SireExpr, CommandError> {
        if self.interrupt.swap(false, Ordering::Relaxed) {
            return Err(EvalError::Interrupted.into());
        }
        let ExprKind::Lambda(lambda) = &call.lambda.kind else {
            unreachable!("a partial call holds a lambda")
        };
        let depth = self.env.len();
        let mut expr = shift(&lambda.body, (depth - call.depth) as u32, lambda.binders());
        for (index, arg) in call.args.iter().enumerate().rev() {
            let inward = depth + 1 + index - arg.depth;
            expr = expr::let_in(shift(&arg.expr, inward as u32, 0), expr);
        }
        Ok(expr::let_in(expr::constant(self.zero.clone()), expr))
    }

    fn resume(&mut self, frame: InlineFrame, inlined: Inlined) -> Result<InlineStep, CommandError> {
        match frame {
            InlineFrame::Argument { function, base } => {
                self.base = base;
                self.waiting.push(CallArg { depth: self.env.len(), expr: inlined.expr });
                Ok(InlineStep::Walk(function))
            }
            InlineFrame::Mark { base } => {
                self.base = base;
                let Inlined { expr, mut call } = inlined;
                if let Some(call) = &mut call {
                    Rc::make_mut(call).inline = true;
                }
                self.apply(Inlined { expr, call })
            }
            InlineFrame::Body { lambda, call, base } => {
                self.base = base;
                let ExprKind::Lambda(old) = &lambda.kind else {
                    unreachable!("walk_lambda pushed a lambda")
                };
                self.unbind(old.binders() as usize);
                let tag = old.tag.clone();
                let expr = expr::lambda(Lambda { tag, body: inlined.expr, ..*old });
                self.apply(Inlined { expr, call })
            }
            InlineFrame::LetValue { expr, base } => {
                self.base = base;
                let ExprKind::Let(_, body) = &expr.kind else { unreachable!("walk pushed a let") };
                self.bind(1)?;
                let innermost = self.env.len() - 1;
                self.env[innermost] = inlined.call;
                self.frames.push(InlineFrame::LetBody { value: inlined.expr });
                Ok(InlineStep::Walk(Rc::clone(body)))
            }
            InlineFrame::LetBody { value } => {
                self.unbind(1);
                let expr = expr::let_in(value, inlined.expr);
                Ok(InlineStep::Return(Inlined { expr, call: None }))
            }
            InlineFrame::LetRecValue { expr, mut values, base } => {
                values.push(inlined.expr);
                Ok(self.walk_letrec(expr, values, base))
            }
            InlineFrame::LetRecBody { values } => {
                self.unbind(values.len());
                let expr = expr::let_rec(values, inlined.expr);
                Ok(InlineStep::Return(Inlined { expr, call: None }))
            }
            InlineFrame::Global { expr, base } => {
                self.base = base;
                Ok(self.finish_global(expr, inlined.call)?)
            }
        }
    }

    /// Walks the next value of a letrec, or its body after the last value.
    fn walk_letrec(&mut self, expr: SireExpr, values: Vec<SireExpr>, base: usize) -> InlineStep {
        let ExprKind::LetRec(all, body) = &expr.kind else {
            unreachable!("the callers pass a letrec")
        };
        if let Some(value) = all.get(values.len()) {
            let value = Rc::clone(value);
            self.frames.push(InlineFrame::LetRecValue { expr, values, base });
            return InlineStep::Walk(value);
        }
        self.base = base;
        self.frames.push(InlineFrame::LetRecBody { values });
        InlineStep::Walk(Rc::clone(body))
    }

    /// Records the partial call of a global. It has no free variables, so its depth is irrelevant
    /// and 0 is right for every use.
    fn finish_global(
        &mut self,
        expr: SireExpr,
        mut call: Option<Rc<PartialCall>>,
    ) -> Result<InlineStep, CommandError> {
        let ExprKind::Global(binding) = &expr.kind else {
            unreachable!("walk_global pushed a global")
        };
        if let Some(call) = &mut call {
            let call = Rc::make_mut(call);
            call.depth = 0;
            call.args.iter_mut().for_each(|arg| arg.depth = 0);
        }
        binding.set_call(call.clone());
        self.apply(Inlined { expr, call })
    }
}

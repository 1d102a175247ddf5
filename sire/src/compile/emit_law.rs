//! Emits the law of a function.
//!
//! A law numbers its variables: the law itself is 0, then come its arguments, then the definitions
//! that are used more than once. The definitions are in the order in which a walk of the body
//! finishes their first uses; the walk enters a definition at its first use. A definition with one
//! use is emitted in place.
//!
//! Variables of outer functions become arguments, in front of the function's own (lambda lifting).
//! In the body, the function's name then means the law applied to these arguments.

use super::law_code::{FunctionId, LawArena, LawExpr, LawExprId, LawFunction, LawVar, Quoting};
use plan::{EvalError, Val, ValueBuilder};
use vm::Vm;

/// Emits the law of a function, pinned if the function is. Returns it with the variables of outer
/// functions that it has to be applied to. A function of no arguments has no law.
pub(super) fn emit_law(
    vm: &mut Vm,
    code: &mut LawArena,
    mut function: LawFunction,
) -> Result<(Option<Val>, Vec<LawVar>), EvalError> {
    let mut used = count_uses(vm, code, &function)?;
    let id = function.id;
    let free: Vec<LawVar> =
        used.iter().copied().filter(|&var| code.vars[var].owner != id).collect();
    if !free.is_empty() {
        let lifted = code.var(id);
        let this = code.exprs.push(LawExpr::Var(lifted));
        let closure = code.apply_to_vars(this, &free);
        code.vars[function.this].definition = Some(closure);
        function.this = lifted;
        function.args.splice(0..0, free.iter().copied());
        used = count_uses(vm, code, &function)?;
    }
    if function.args.is_empty() {
        return Ok((None, free));
    }
    // The definitions that get a variable of the law.
    let is_shared = |&var: &LawVar| {
        let data = &code.vars[var];
        data.owner == id && data.definition.is_some() && data.uses > 1
    };
    let shared: Vec<LawVar> = used.into_iter().filter(is_shared).collect();
    let slots = std::iter::once(&function.this).chain(&function.args).chain(&shared);
    for (slot, &var) in slots.enumerate() {
        code.vars[var].slot = slot as u64;
    }
    let law = build_law(vm, code, &function, &shared)?;
    Ok((Some(law), free))
}

/// Counts the uses of variables in a function. Returns the variables in the order in which their
/// first uses are finished.
fn count_uses(
    vm: &mut Vm,
    code: &mut LawArena,
    function: &LawFunction,
) -> Result<Vec<LawVar>, EvalError> {
    enum CountTask {
        Visit(LawExprId),
        Count(LawVar),
    }
    code.epoch += 1;
    let epoch = code.epoch;
    let mut used = Vec::new();
    let mut tasks = vec![CountTask::Visit(function.body)];
    while let Some(task) = tasks.pop() {
        match task {
            CountTask::Visit(expr) => match code.exprs[expr] {
                LawExpr::Value(..) => {}
                LawExpr::Void => return Err(void_crash(vm)),
                LawExpr::App(callee, arg) => {
                    tasks.extend([CountTask::Visit(arg), CountTask::Visit(callee)]);
                }
                LawExpr::Var(var) => {
                    tasks.push(CountTask::Count(var));
                    let data = &mut code.vars[var];
                    if data.epoch != epoch {
                        data.epoch = epoch;
                        data.uses = 0;
                        let own_definition = data.definition.filter(|_| data.owner == function.id);
                        tasks.extend(own_definition.map(CountTask::Visit));
                    }
                }
            },
            CountTask::Count(var) => {
                let data = &mut code.vars[var];
                if data.uses == 0 {
                    used.push(var);
                }
                data.uses += 1;
            }
        }
    }
    Ok(used)
}

/// Returns the crash of making a law of no arguments.
pub(super) fn void_crash(vm: &mut Vm) -> EvalError {
    EvalError::Crash { op: vm.nat(0), arg: vm.nat(0) }
}

fn build_law(
    vm: &mut Vm,
    code: &LawArena,
    function: &LawFunction,
    shared: &[LawVar],
) -> Result<Val, EvalError> {
    let arity = function.args.len();
    let body = LawBodyEmitter { code, id: function.id, variables: (arity + shared.len()) as u64 };
    vm.build(|b| {
        b.push_natural(&function.tag)?;
        b.push_nat(arity as u64)?;
        for &var in shared {
            let definition = code.vars[var].definition;
            b.push_nat(1)?;
            body.push(b, definition.expect("a shared variable has a definition"))?;
        }
        body.push(b, function.body)?;
        shared.iter().try_for_each(|_| b.app(2))?;
        b.law()?;
        if function.pinned { b.pin() } else { Ok(()) }
    })
}

/// Pushes expressions as PLAN code.
struct LawBodyEmitter<'c> {
    code: &'c LawArena,
    id: FunctionId,
    /// The number of the law's variables, without the law itself.
    variables: u64,
}

impl LawBodyEmitter<'_> {
    fn push(&self, b: &mut ValueBuilder<'_>, expr: LawExprId) -> Result<(), EvalError> {
        enum EmitTask {
            Visit(LawExprId),
            Apply,
        }
        let mut tasks = vec![EmitTask::Visit(expr)];
        while let Some(task) = tasks.pop() {
            let expr = match task {
                EmitTask::Visit(expr) => &self.code.exprs[expr],
                EmitTask::Apply => {
                    b.app(2)?;
                    continue;
                }
            };
            b.room_for(4)?;
            match expr {
                LawExpr::Value(value, quoting) => self.push_value(b, value, *quoting)?,
                LawExpr::Void => unreachable!("count_uses reports every use"),
                LawExpr::App(callee, arg) => {
                    b.push_nat(0)?;
                    tasks.extend([
                        EmitTask::Apply,
                        EmitTask::Visit(*arg),
                        EmitTask::Visit(*callee),
                    ]);
                }
                LawExpr::Var(var) => {
                    let data = &self.code.vars[*var];
                    match data.definition {
                        Some(definition) if data.owner == self.id && data.uses == 1 => {
                            tasks.push(EmitTask::Visit(definition));
                        }
                        _ => b.push_nat(data.slot)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn push_value(
        &self,
        b: &mut ValueBuilder<'_>,
        value: &Val,
        quoting: Quoting,
    ) -> Result<(), EvalError> {
        let quoted = match quoting {
            Quoting::Always => true,
            Quoting::Never => false,
            Quoting::AsVariable(nat) => nat <= self.variables,
        };
        if !quoted {
            b.push(value);
            return Ok(());
        }
        b.push_nat(2)?;
        b.push(value);
        b.app(1)
    }
}

//! From a function to its law.
//!
//! Variables are numbered: the law itself, its arguments, then the definitions that are used more
//! than once, in the order in which their first uses end when the body is walked, uses inside
//! definitions first. Definitions that are used once stand where they are used. Variables of outer
//! functions become arguments before the function's own; in the body its name then stands for the
//! law applied to them.

use crate::error::Fault;
use crate::lower::{Code, Exp, ExpId, Quoting, Var};
use vm::{Builder, Natural, Stop, Val, Vm};

/// A function whose body is known.
pub(crate) struct Function {
    /// Who owns its variables.
    pub(crate) id: u32,
    /// Whether its law is pinned.
    pub(crate) pinned: bool,
    /// The name of the law.
    pub(crate) tag: Natural,
    /// The variable that is the function itself.
    pub(crate) this: Var,
    pub(crate) args: Vec<Var>,
    pub(crate) body: ExpId,
}

/// The function's law (or the pin around it), and the variables of outer functions that it has to
/// be applied to. There is no law of no arguments.
pub(crate) fn law(
    vm: &mut Vm,
    code: &mut Code,
    mut function: Function,
) -> Result<(Option<Val>, Vec<Var>), Fault> {
    let mut used = count_uses(vm, code, &function)?;
    let id = function.id;
    let free: Vec<Var> =
        used.iter().copied().filter(|&var| code.vars[var as usize].owner != id).collect();
    if !free.is_empty() {
        let lifted = code.var(id);
        let this = code.exp(Exp::Var(lifted));
        let closure = code.apply_to_vars(this, &free);
        code.info(function.this).definition = Some(closure);
        function.this = lifted;
        function.args.splice(0..0, free.iter().copied());
        used = count_uses(vm, code, &function)?;
    }
    if function.args.is_empty() {
        return Ok((None, free));
    }
    let is_kept = |&var: &Var| {
        let info = &code.vars[var as usize];
        info.owner == id && info.definition.is_some() && info.count > 1
    };
    let kept: Vec<Var> = used.into_iter().filter(is_kept).collect();
    let slots = std::iter::once(&function.this).chain(&function.args).chain(&kept);
    for (slot, &var) in slots.enumerate() {
        code.vars[var as usize].slot = slot as u64;
    }
    let law = emit(vm, code, &function, &kept)?;
    Ok((Some(law), free))
}

/// The variables that the function uses, in the order in which their first uses end, with their
/// counts in `code`.
fn count_uses(vm: &mut Vm, code: &mut Code, function: &Function) -> Result<Vec<Var>, Stop> {
    enum Step {
        Visit(ExpId),
        Count(Var),
    }
    code.counts += 1;
    let now = code.counts;
    let mut used = Vec::new();
    let mut steps = vec![Step::Visit(function.body)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Visit(exp) => match code.exps[exp as usize] {
                Exp::Value(..) => {}
                Exp::Void => return Err(void(vm)),
                Exp::App(callee, arg) => steps.extend([Step::Visit(arg), Step::Visit(callee)]),
                Exp::Var(var) => {
                    steps.push(Step::Count(var));
                    let info = code.info(var);
                    if info.counted != now {
                        info.counted = now;
                        info.count = 0;
                        let inside = info.definition.filter(|_| info.owner == function.id);
                        steps.extend(inside.map(Step::Visit));
                    }
                }
            },
            Step::Count(var) => {
                let info = code.info(var);
                if info.count == 0 {
                    used.push(var);
                }
                info.count += 1;
            }
        }
    }
    Ok(used)
}

/// What making a law of no arguments ends in.
pub(crate) fn void(vm: &mut Vm) -> Stop {
    Stop::Crash { op: vm.nat(0), arg: vm.nat(0) }
}

/// Builds the law.
fn emit(vm: &mut Vm, code: &Code, function: &Function, kept: &[Var]) -> Result<Val, Stop> {
    let arity = function.args.len();
    let body = Body { code, id: function.id, variables: (arity + kept.len()) as u64 };
    vm.build(|b| {
        b.push_natural(&function.tag)?;
        b.push_nat(arity as u64)?;
        for &var in kept {
            let definition = code.vars[var as usize].definition;
            b.push_nat(1)?;
            body.push(b, definition.expect("only definitions are kept"))?;
        }
        body.push(b, function.body)?;
        kept.iter().try_for_each(|_| b.app(2))?;
        b.law()?;
        if function.pinned { b.pin() } else { Ok(()) }
    })
}

/// Where expressions become code.
struct Body<'c> {
    code: &'c Code,
    id: u32,
    /// How many variables the law has, itself not counted.
    variables: u64,
}

impl Body<'_> {
    fn push(&self, b: &mut Builder<'_>, exp: ExpId) -> Result<(), Stop> {
        enum Step {
            Visit(ExpId),
            Apply,
        }
        let mut steps = vec![Step::Visit(exp)];
        while let Some(step) = steps.pop() {
            let exp = match step {
                Step::Visit(exp) => &self.code.exps[exp as usize],
                Step::Apply => {
                    b.app(2)?;
                    continue;
                }
            };
            b.room_for(4)?;
            match exp {
                Exp::Value(value, quoting) => self.push_value(b, value, *quoting)?,
                Exp::Void => unreachable!("uses of it were counted"),
                Exp::App(callee, arg) => {
                    b.push_nat(0)?;
                    steps.extend([Step::Apply, Step::Visit(*arg), Step::Visit(*callee)]);
                }
                Exp::Var(var) => {
                    let info = &self.code.vars[*var as usize];
                    match info.definition {
                        Some(inside) if info.owner == self.id && info.count == 1 => {
                            steps.push(Step::Visit(inside));
                        }
                        _ => b.push_nat(info.slot)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn push_value(&self, b: &mut Builder<'_>, value: &Val, quoting: Quoting) -> Result<(), Stop> {
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

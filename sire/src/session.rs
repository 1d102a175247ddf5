//! A session: the state, the runtime, and what a command needs of both.

use crate::ast::Expr;
use crate::bind::{Binds, Definition};
use crate::error::Fault;
use crate::expr::{MALFORMED_REX, reject};
use crate::inline::inline;
use crate::lower;
use crate::output::{self, Output};
use crate::state::State;
use crate::syntax::{Form, Syntax};
use vm::{Natural, Stop, Val, Vm};

/// A running Sire: everything but where modules come from.
pub(crate) struct Session {
    pub(crate) vm: Vm,
    pub(crate) syntax: Syntax,
    pub(crate) binds: Binds,
    pub(crate) state: State,
    pub(crate) out: Output,
    /// Where syntax errors go.
    pub(crate) diagnostics: Output,
    /// What the current module, or block of the session, has defined.
    pub(crate) defined: Vec<(Natural, Val)>,
    /// The nat 0.
    pub(crate) zero: Val,
    /// What a macro calls with a complaint: it makes the row `[message rex 0]`.
    fail: Val,
    /// What a macro calls with its result: it makes the row `[rex state 1]`.
    succeed: Val,
}

impl Session {
    pub(crate) fn new(mut vm: Vm, out: Output, diagnostics: Output) -> Result<Session, Stop> {
        let syntax = Syntax::new(&mut vm)?;
        let zero = vm.nat(0);
        let one = vm.nat(1);
        // The constructor of rows of three, the last item given first.
        let row = vm.build(|b| {
            b.push_nat(0)?;
            b.push_nat(4)?;
            b.push_nat(0)?;
            b.law()
        })?;
        let fail = vm.app(&row, std::slice::from_ref(&zero))?;
        let succeed = vm.app(&row, &[one])?;
        let (binds, state, defined) = (Binds::default(), State::new(), Vec::new());
        Ok(Session { vm, syntax, binds, state, out, diagnostics, defined, zero, fail, succeed })
    }

    /// Whether a name is bound, and to what.
    pub(crate) fn lookup(&self, name: &Natural) -> Option<Val> {
        self.state.lookup(name).map(|bind| bind.value.clone())
    }

    /// What a macro makes of a rex noun; the state becomes the one it returns.
    ///
    /// The macro's result is normalised, so a crash anywhere in it fails the expansion.
    pub(crate) fn expand(&mut self, macro_value: &Val, input: &Val) -> Result<Val, Fault> {
        let state = self.state.noun(&mut self.vm)?;
        let args = [state, input.clone(), self.fail.clone(), self.succeed.clone()];
        let result = self.vm.apply(macro_value, &args)?;
        let result = self.vm.force(&result)?;
        let row = self.vm.look(&result).as_row();
        let items: Option<Vec<_>> = row.map(|row| row.iter().take(4).collect());
        let bad = match items.as_deref() {
            Some([one, two, tag]) => match (tag.as_nat().map(|tag| tag.to_u64()), one.as_nat()) {
                (Some(Some(0)), Some(message)) => {
                    let reason = output::key(&message.to_natural());
                    return Err(Fault::Macro { trouble: self.vm.hold(*two), reason });
                }
                (Some(Some(1)), _) => {
                    let (rex, state) = (self.vm.hold(*one), self.vm.hold(*two));
                    if !Form::is_tree(*one) {
                        return reject(&rex, MALFORMED_REX);
                    }
                    self.state.adopt(&self.vm, &self.binds, &state)?;
                    return Ok(rex);
                }
                (Some(_), _) => "bad rex",
                (None, _) => "bad tag",
            },
            Some(_) => "not arity = 3",
            None => "not row",
        };
        let text = output::text(self.vm.look(&result));
        let reason = format!("Invalid macro expansion result({bad})\n{text}");
        Err(Fault::Reject { problem: input.clone(), reason })
    }

    /// The value of a closed expression.
    pub(crate) fn evaluate(&mut self, expr: &Expr) -> Result<Val, Fault> {
        let expr = inline(&self.vm, &self.binds, self.zero.clone(), expr)?;
        lower::evaluate(&mut self.vm, &expr)
    }

    /// Binds a name in the current module.
    pub(crate) fn define(&mut self, definition: Definition<'_>) -> Result<(), Fault> {
        self.defined.push((definition.name.clone(), definition.value.clone()));
        Ok(self.state.define(&mut self.vm, &self.binds, definition)?)
    }
}

//! A session: the runtime, the state, and the operations that commands consist of.

use crate::command_error::{CommandError, MALFORMED_REX, reject};
use crate::compile;
use crate::expr::{BindingCache, Definition, SireExpr};
use crate::output::{self, SireOutput};
use crate::rex_value::{RexConstructors, RexView};
use crate::state::SireState;
use plan::{EvalError, Natural, Val};
use vm::Vm;

/// A session: everything that a command needs.
pub(crate) struct Session {
    pub(crate) vm: Vm,
    pub(crate) constructors: RexConstructors,
    pub(crate) bindings: BindingCache,
    pub(crate) state: SireState,
    /// Receives values and definitions.
    pub(crate) output: SireOutput,
    /// Receives syntax errors.
    pub(crate) diagnostics: SireOutput,
    /// The definitions of the current module, or of the current block of the REPL.
    pub(crate) defined: Vec<(Natural, Val)>,
    /// The nat 0.
    pub(crate) zero: Val,
    /// A macro's `err`, which takes a Rex value and a message and returns `[message rex 0]`.
    err: Val,
    /// A macro's `ok`, which takes a state and a Rex value and returns `[rex state 1]`.
    ok: Val,
}

impl Session {
    pub(crate) fn new(
        mut vm: Vm,
        output: SireOutput,
        diagnostics: SireOutput,
    ) -> Result<Session, EvalError> {
        let constructors = RexConstructors::new(&mut vm)?;
        let zero = vm.nat(0);
        let one = vm.nat(1);
        // The constructor of rows of three takes the last item first.
        let row = vm.build(|b| {
            b.push_nat(0)?;
            b.push_nat(4)?;
            b.push_nat(0)?;
            b.law()
        })?;
        let err = vm.app(&row, std::slice::from_ref(&zero))?;
        let ok = vm.app(&row, &[one])?;
        Ok(Session {
            vm,
            constructors,
            bindings: BindingCache::default(),
            state: SireState::new(),
            output,
            diagnostics,
            defined: Vec::new(),
            zero,
            err,
            ok,
        })
    }

    /// Returns the value of a name in the current scope.
    pub(crate) fn lookup(&self, name: &Natural) -> Option<Val> {
        self.state.lookup(name).map(|binding| binding.value.clone())
    }

    /// Expands a macro: returns the Rex value that it makes of `input`, and updates the state to
    /// the one that the macro returns.
    ///
    /// The macro's result is normalised, so a crash anywhere in it is an error of the expansion.
    pub(crate) fn expand(&mut self, macro_value: &Val, input: &Val) -> Result<Val, CommandError> {
        let state = self.state.encode(&mut self.vm)?;
        let args = [state, input.clone(), self.err.clone(), self.ok.clone()];
        let result = self.vm.apply(macro_value, &args)?;
        let result = self.vm.force(&result)?;
        let row = self.vm.look(&result).as_row();
        let items: Option<Vec<_>> = row.map(|row| row.iter().take(4).collect());
        let bad = match items.as_deref() {
            Some([one, two, tag]) => match (tag.as_nat().map(|tag| tag.to_u64()), one.as_nat()) {
                (Some(Some(0)), Some(message)) => {
                    let reason = output::key_text(&message.to_natural());
                    return Err(CommandError::Macro { part: self.vm.hold(*two), reason });
                }
                (Some(Some(1)), _) => {
                    let (rex, state) = (self.vm.hold(*one), self.vm.hold(*two));
                    if !RexView::is_tree(*one) {
                        return reject(&rex, MALFORMED_REX);
                    }
                    self.state.update(&self.vm, &self.bindings, &state)?;
                    return Ok(rex);
                }
                (Some(_), _) => "bad rex",
                (None, _) => "bad tag",
            },
            Some(_) => "not arity = 3",
            None => "not row",
        };
        let limit = self.output.limit().for_messages();
        let text = show::value_text(self.vm.look(&result), limit);
        reject(input, format!("Invalid macro expansion result({bad})\n{text}"))
    }

    /// Returns the value of a closed expression, in normal form.
    pub(crate) fn evaluate(&mut self, expr: &SireExpr) -> Result<Val, CommandError> {
        compile::evaluate(&mut self.vm, &self.bindings, &self.zero, expr)
    }

    /// Binds a name in the current module.
    pub(crate) fn define(&mut self, definition: Definition<'_>) -> Result<(), CommandError> {
        self.defined.push((definition.name.clone(), definition.value.clone()));
        Ok(self.state.define(&mut self.vm, &self.bindings, definition)?)
    }
}

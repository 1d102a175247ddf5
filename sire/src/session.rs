//! A session: the runtime, the state, and the operations that commands consist of.

use crate::assertions::{AssertionReport, CheckedAssertion};
use crate::command_error::{CommandError, MALFORMED_REX, reject};
use crate::compile;
use crate::diagnostic::Diagnostic;
use crate::expr::ExprKind;
use crate::expr::{BindingCache, Definition, SireExpr};
use crate::modules::{ModuleForm, ModuleLibrary};
use crate::name_use::NameRecorder;
use crate::output::{self, SireOutput};
use crate::readable::readable_text;
use crate::rex_value::{RexConstructors, RexView};
use crate::state::SireState;
use crate::typing::{CheckContext, CheckMode, TypeChecker};
use plan::{EvalError, Natural, Shape, Val};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vm::Vm;
use vm::jet::ResultShape;

/// The name of the module and of the input of a session.
pub(crate) const SESSION_NAME: &str = "REPL";

/// A call that gives a known function more arguments than it can use: its result is no function.
pub(crate) struct SurplusArguments {
    /// The call, as a Rex value.
    pub(crate) part: Val,
    /// The inputs of the macros around it, outermost first.
    pub(crate) expansions: Vec<Val>,
    /// The number of arguments that it takes.
    pub(crate) takes: usize,
    /// The number of arguments that the call has.
    pub(crate) given: usize,
}

/// How results are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ResultForm {
    /// As the prototype prints them.
    #[default]
    Raw,
    /// As text for people.
    Readable,
}

/// Gets the errors and warnings of commands.
pub(crate) type DiagnosticReceiver = Box<dyn FnMut(&Diagnostic)>;

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
    /// Receives errors and warnings in place of the outputs, if it is set.
    pub(crate) on_diagnostic: Option<DiagnosticReceiver>,
    /// The results of the current command's assertions, if failed ones do not end the command.
    pub(crate) checked_assertions: Option<Vec<CheckedAssertion>>,
    /// The reports of all assertions that were checked.
    pub(crate) assertion_reports: Vec<AssertionReport>,
    /// How results are shown.
    pub(crate) result_form: ResultForm,
    /// Whether the report of an evaluation that failed has its call chain.
    pub(crate) shows_call_chains: bool,
    /// Whether values, definitions and assertions are not shown.
    pub(crate) is_quiet: bool,
    /// The source of modules.
    pub(crate) library: ModuleLibrary,
    /// Whether the next command may be the header of a file, whose dependencies have been loaded.
    pub(crate) is_file_header: bool,
    /// The form of the current module.
    pub(crate) module_form: ModuleForm,
    /// The inputs of the macros whose results are being read or executed, outermost first.
    pub(crate) expansions: Vec<Val>,
    /// The calls of the current command that give a function more arguments than it can use.
    pub(crate) surplus_arguments: Vec<SurplusArguments>,
    /// Records what names refer to, for editors.
    pub(crate) names: NameRecorder,
    /// Checks the types of typed modules.
    pub(crate) types: TypeChecker,
    /// Whether the interrupt of the current evaluation came from the time limit.
    pub(crate) timed_out: Arc<AtomicBool>,
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
    /// Takes back an interrupt that is not meant for the next block of a session: it arrived while nothing
    /// was running, or ended the print of a value. (In a module it is meant for the rest.)
    pub(crate) fn ignore_earlier_interrupts(&self) {
        self.vm.interrupt_flag().store(false, Ordering::Relaxed);
    }

    pub(crate) fn new(
        mut vm: Vm,
        output: SireOutput,
        diagnostics: SireOutput,
        library: ModuleLibrary,
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
            on_diagnostic: None,
            checked_assertions: None,
            assertion_reports: Vec::new(),
            result_form: ResultForm::Raw,
            shows_call_chains: false,
            is_quiet: false,
            library,
            is_file_header: false,
            module_form: ModuleForm::Chained,
            expansions: Vec::new(),
            surplus_arguments: Vec::new(),
            names: NameRecorder::default(),
            types: TypeChecker::default(),
            timed_out: Arc::default(),
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

    /// Shows the value of an expression.
    pub(crate) fn show_value(&self, value: &Val) -> io::Result<()> {
        let value = self.vm.look(value);
        match self.result_form {
            _ if self.is_quiet => Ok(()),
            ResultForm::Raw => self.output.value(value),
            ResultForm::Readable => {
                self.output.write(&format!("{}\n", readable_text(value, self.output.limit())))
            }
        }
    }

    /// Shows the definition of a name.
    pub(crate) fn show_definition(&self, name: &Natural, value: &Val) -> io::Result<()> {
        let value = self.vm.look(value);
        match self.result_form {
            _ if self.is_quiet => Ok(()),
            ResultForm::Raw => self.output.definition(name, value),
            ResultForm::Readable => {
                let text = readable_text(value, self.output.limit().for_messages());
                self.output.write(&format!("{} = {text}\n", output::key_text(name)))
            }
        }
    }

    /// Shows an assertion that is about to be checked.
    pub(crate) fn show_assertion(&self, assertion: &Val) -> io::Result<()> {
        match self.result_form {
            ResultForm::Raw if !self.is_quiet => self.output.value(self.vm.look(assertion)),
            _ => Ok(()),
        }
    }

    /// Gives a diagnostic to its receiver.
    pub(crate) fn show_diagnostic(&mut self, diagnostic: &Diagnostic) {
        if let Some(receiver) = &mut self.on_diagnostic {
            receiver(diagnostic);
        }
    }

    /// Records that a part of the source defines a name of the current module.
    pub(crate) fn note_definition(&mut self, part: &Val, name: &Natural) {
        let Session { names, state, .. } = self;
        names.definition(part, state.context(), name);
    }

    /// Records that a part of the source refers to a name in scope.
    pub(crate) fn note_name(&mut self, part: &Val, name: &Natural) {
        let Session { names, state, .. } = self;
        if let Some(binding) = state.lookup(name) {
            names.global(part, binding);
        }
    }

    /// Records a call of a function with `given` arguments, if the function takes fewer and returns
    /// no function. Only functions with jets are known well enough.
    pub(crate) fn note_surplus_arguments(&mut self, function: &SireExpr, given: usize, rex: Val) {
        let ExprKind::Global(binding) = &function.kind else { return };
        let Shape::Pin(pin) = self.vm.look(&binding.value).shape() else { return };
        let (Shape::Law(law), Some(jet)) = (pin.item().shape(), self.vm.jet_of(pin)) else {
            return;
        };
        let Some(takes) = law.arity().to_u64().map(|arity| arity as usize) else { return };
        if given <= takes || jet.result == ResultShape::Any {
            return;
        }
        let expansions = self.expansions.clone();
        self.surplus_arguments.push(SurplusArguments { part: rex, expansions, takes, given });
    }

    /// Checks the type of a definition in a typed module.
    pub(crate) fn check_definition(
        &mut self,
        name: &Natural,
        code: &SireExpr,
    ) -> Result<(), CommandError> {
        if !self.types.is_active() {
            return Ok(());
        }
        let Session { vm, bindings, state, types, .. } = self;
        let context = CheckContext { vm, bindings, state };
        types.check_definition(&context, name, code)?.map_err(CommandError::Type)
    }

    /// Checks the type of an expression in a typed module.
    pub(crate) fn check_expr(&mut self, expr: &SireExpr) -> Result<(), CommandError> {
        if self.types.mode() != CheckMode::Enforce {
            return Ok(());
        }
        let Session { vm, bindings, state, types, .. } = self;
        let context = CheckContext { vm, bindings, state };
        types.check_expr(&context, expr)?.map(drop).map_err(CommandError::Type)
    }

    /// Returns the type of an expression. The types of names of untyped modules are inferred.
    pub(crate) fn type_of_expr(&mut self, expr: &SireExpr) -> Result<String, CommandError> {
        let Session { vm, bindings, state, types, .. } = self;
        let context = CheckContext { vm, bindings, state };
        types.infer_untyped(&context, expr)?;
        types.check_expr(&context, expr)?.map_err(CommandError::Type)
    }

    /// Checks that both sides of an assertion in a typed module have one type.
    pub(crate) fn check_assertion(
        &mut self,
        left: &SireExpr,
        right: &SireExpr,
    ) -> Result<(), CommandError> {
        if self.types.mode() != CheckMode::Enforce {
            return Ok(());
        }
        let Session { vm, bindings, state, types, .. } = self;
        let context = CheckContext { vm, bindings, state };
        types.check_assertion(&context, left, right)?.map_err(CommandError::Type)
    }

    /// Binds a name in the current module.
    pub(crate) fn define(&mut self, definition: Definition<'_>) -> Result<(), CommandError> {
        self.defined.push((definition.name.clone(), definition.value.clone()));
        Ok(self.state.define(&mut self.vm, &self.bindings, definition)?)
    }
}

//! [`TypeChecker`]: checks the definitions and expressions of a session.

use super::globals::{GlobalName, GlobalTypes, global_name};
use super::places::ExprPlaces;
use super::terms::{BuiltTerms, TermBuilder};
use crate::expr::{self, Binding, BindingCache, SireExpr};
use crate::malformed::MalformedValue;
use crate::nat_text;
use crate::state::SireState;
use foldhash::{HashMap, HashSet};
use plan::{Natural, Val};
use rex::{Rex, SourceSpan};
use std::rc::Rc;
use types::{Scheme, TypeError, TypeSyntaxError};
use vm::Vm;

/// What is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum CheckMode {
    /// Nothing: the module is untyped.
    #[default]
    Off,
    /// All definitions and expressions. The first wrong one is an error.
    Enforce,
    /// All definitions. A wrong one has no type, which is only recorded.
    Survey,
}

/// The place of a type error.
#[derive(Clone, Debug)]
pub(crate) enum TypePlace {
    /// A range of the block.
    Span(SourceSpan),
    /// A part of the command, as a Rex value, with the inputs of the macros around it.
    Part(Val, Rc<[Val]>),
    /// The command.
    Command,
}

/// A type error.
#[derive(Clone, Debug)]
pub(crate) struct TypeFailure {
    pub(crate) place: TypePlace,
    pub(crate) message: String,
    pub(crate) notes: Vec<String>,
    pub(crate) help: Vec<String>,
}

/// How a definition has got its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypeOrigin {
    /// It was checked against the declared type.
    Checked,
    /// It was inferred.
    Inferred,
    /// The declared type is trusted.
    Trusted,
    /// It has none, for this reason.
    Failed(String),
}

/// The outcome of a survey for a definition.
#[derive(Clone, Debug)]
pub(crate) struct SurveyedName {
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) ty: Option<String>,
    pub(crate) origin: TypeOrigin,
}

/// The parts of a session that a check reads.
pub(crate) struct CheckContext<'s> {
    pub(crate) vm: &'s Vm,
    pub(crate) bindings: &'s BindingCache,
    pub(crate) state: &'s SireState,
}

/// Checks the types of definitions and expressions.
#[derive(Default)]
pub(crate) struct TypeChecker {
    mode: CheckMode,
    /// The modules whose text is not that of the library.
    replaced: HashSet<String>,
    /// The types of global names, once something has been checked.
    globals: Option<GlobalTypes>,
    pub(crate) places: ExprPlaces,
    /// The type that is declared above the definition of the current block.
    annotation: Option<Rc<Scheme>>,
    /// The types of the names that the current block's declaration of a type defines.
    generated: HashMap<String, Rc<Scheme>>,
    surveyed: Vec<SurveyedName>,
}

impl TypeChecker {
    /// Returns whether anything is checked.
    pub(crate) fn is_active(&self) -> bool {
        self.mode != CheckMode::Off
    }

    pub(crate) fn mode(&self) -> CheckMode {
        self.mode
    }

    /// Changes what is checked.
    pub(crate) fn set_mode(&mut self, mode: CheckMode) {
        self.mode = mode;
    }

    /// Sets the modules whose text is not that of the library. The types of all names that were
    /// checked before are forgotten.
    pub(crate) fn reset(&mut self, replaced: HashSet<String>) {
        *self = TypeChecker { replaced, ..TypeChecker::default() };
    }

    /// Begins a module, which is untyped until it imports `typed`. `is_built_in` says whether it is
    /// the library's own of that name. Returns the mode of the module that goes on afterwards.
    pub(crate) fn begin_module(&mut self, name: &str, is_built_in: bool) -> CheckMode {
        let outer = self.mode;
        if outer == CheckMode::Enforce {
            self.mode = CheckMode::Off;
        }
        if !is_built_in {
            self.replaced.insert(name.to_owned());
            if let Some(globals) = &mut self.globals {
                globals.replaced.insert(name.to_owned());
            }
        }
        outer
    }

    /// Ends a module. `mode` is that of the module that goes on. A module of the library can declare a
    /// type by the name of a built-in one for itself only: the tables mean the built-in one.
    pub(crate) fn end_module(&mut self, mode: CheckMode, is_built_in: bool) {
        self.mode = mode;
        if is_built_in && let Some(globals) = &mut self.globals {
            globals.names.restore_built_in();
        }
    }

    /// Returns a copy without what belongs to the current block.
    pub(crate) fn copy(&self) -> TypeChecker {
        TypeChecker {
            mode: self.mode,
            replaced: self.replaced.clone(),
            globals: self.globals.clone(),
            ..TypeChecker::default()
        }
    }

    /// Returns the text of the type of a binding, if it is declared or has been inferred.
    pub(crate) fn type_text(&mut self, vm: &Vm, binding: &Binding) -> Option<String> {
        let name = global_name(vm, binding)?;
        let globals = self.globals();
        Some(globals.scheme(&name)?.text(&globals.names))
    }

    /// Returns the outcomes of the survey since the last call.
    pub(crate) fn take_surveyed(&mut self) -> Vec<SurveyedName> {
        std::mem::take(&mut self.surveyed)
    }

    fn globals(&mut self) -> &mut GlobalTypes {
        let replaced = &self.replaced;
        self.globals.get_or_insert_with(|| GlobalTypes::new(replaced.clone()))
    }

    /// Returns the lines of the library's type tables that cannot be read.
    pub(crate) fn table_errors(&mut self) -> Vec<String> {
        self.globals().errors.clone()
    }

    /// Returns the names that the library's type tables have a type for, each with its module.
    pub(crate) fn table_names(&mut self) -> Vec<(&'static str, String)> {
        self.globals().table_names()
    }

    /// Returns the type that the library's tables declare for a name of a module.
    pub(crate) fn declared_type(&mut self, module: &str, name: &str) -> Option<String> {
        let name = GlobalName { module: module.to_owned(), name: name.to_owned() };
        let globals = self.globals();
        globals.declared(&name).map(|declared| declared.scheme.text(&globals.names))
    }

    /// Begins a block: reads the type above a definition, and the declaration of a type.
    ///
    /// # Errors
    ///
    /// If a type cannot be read.
    pub(crate) fn begin_block(&mut self, rex: &Rex) -> Result<(), Box<TypeFailure>> {
        self.places.clear();
        self.annotation = None;
        self.generated.clear();
        if self.mode == CheckMode::Off {
            return Ok(());
        }
        if matches!(rex, Rex::Node { rune, .. } if rune == ">") {
            let scheme = types::read_annotation(&self.globals().names, rex);
            self.annotation = Some(Rc::new(scheme.map_err(syntax_failure)?));
            return Ok(());
        }
        let declared = types::read_type_command(&mut self.globals().names, rex);
        for (name, scheme) in declared.map_err(syntax_failure)?.into_iter().flatten() {
            self.generated.insert(name, Rc::new(scheme));
        }
        Ok(())
    }

    /// Checks the definition of a name, and records its type.
    ///
    /// # Errors
    ///
    /// The outer error: a binding is malformed. The inner one: the definition has no type, or not
    /// the declared one.
    pub(crate) fn check_definition(
        &mut self,
        context: &CheckContext<'_>,
        name: &Natural,
        code: &SireExpr,
    ) -> Result<Result<(), Box<TypeFailure>>, MalformedValue> {
        let module = nat_text::to_text(context.state.context());
        let global = GlobalName { module, name: nat_text::to_text(name) };
        let declared = self.globals().declared(&global).cloned();
        let is_trusted = declared.as_ref().is_some_and(|declared| declared.is_trusted);
        let scheme = self.annotation.take().or(declared.map(|declared| declared.scheme));
        if let Some(scheme) = self.generated.get(&global.name).cloned() {
            self.record(global, Some(scheme), TypeOrigin::Checked);
            return Ok(Ok(()));
        }
        if let (true, Some(scheme)) = (is_trusted, &scheme) {
            self.record(global, Some(Rc::clone(scheme)), TypeOrigin::Trusted);
            return Ok(Ok(()));
        }
        let result = self.infer(context, |builder| builder.build(code), scheme.as_ref())?;
        match result {
            Ok(found) => {
                let origin = match scheme {
                    Some(_) => TypeOrigin::Checked,
                    None => TypeOrigin::Inferred,
                };
                self.record(global, Some(Rc::new(found)), origin);
                Ok(Ok(()))
            }
            Err(failure) if self.mode == CheckMode::Survey => {
                let origin = TypeOrigin::Failed(failure.in_one_line());
                self.record(global, scheme, origin);
                Ok(Ok(()))
            }
            Err(failure) => Ok(Err(failure)),
        }
    }

    fn record(&mut self, global: GlobalName, scheme: Option<Rc<Scheme>>, origin: TypeOrigin) {
        if self.mode == CheckMode::Survey {
            let names = &self.globals().names;
            let ty = scheme.as_ref().map(|scheme| scheme.text(names));
            let GlobalName { module, name } = global.clone();
            self.surveyed.push(SurveyedName { module, name, ty, origin });
        }
        self.globals().record(global, scheme);
    }

    /// Returns the type of a closed expression.
    ///
    /// # Errors
    ///
    /// Those of [`TypeChecker::check_definition`].
    pub(crate) fn check_expr(
        &mut self,
        context: &CheckContext<'_>,
        expr: &SireExpr,
    ) -> Result<Result<String, Box<TypeFailure>>, MalformedValue> {
        let result = self.infer(context, |builder| builder.build(expr), None)?;
        Ok(result.map(|scheme| scheme.text(&self.globals().names)))
    }

    /// Checks that both sides of an assertion have the same type.
    ///
    /// # Errors
    ///
    /// Those of [`TypeChecker::check_definition`].
    pub(crate) fn check_assertion(
        &mut self,
        context: &CheckContext<'_>,
        left: &SireExpr,
        right: &SireExpr,
    ) -> Result<Result<(), Box<TypeFailure>>, MalformedValue> {
        let result = self.infer(context, |builder| builder.build_equal(left, right), None)?;
        Ok(result.map(drop))
    }

    /// Infers the types of the untyped names that an expression refers to, directly or by way of
    /// others, from their code. A name that has no type stays without one.
    ///
    /// # Errors
    ///
    /// If a binding is malformed.
    pub(crate) fn infer_untyped(
        &mut self,
        context: &CheckContext<'_>,
        expr: &SireExpr,
    ) -> Result<(), MalformedValue> {
        let mut pending: Vec<Rc<Binding>> = expr::globals_of(expr);
        // A binding is visited twice: before and after the names that it refers to.
        let mut visited = HashSet::default();
        while let Some(binding) = pending.last().cloned() {
            let name = global_name(context.vm, &binding);
            let mut is_known = |name: &GlobalName| self.globals().scheme(name).is_some();
            let Some(name) = name.filter(|name| !is_known(name)) else {
                pending.pop();
                continue;
            };
            let code = expr::code_of(context.vm, context.bindings, &binding)?;
            if visited.insert(name.clone()) {
                pending.extend(expr::globals_of(code));
                continue;
            }
            pending.pop();
            if !self.globals().is_checked(&name) {
                let code = Rc::clone(code);
                let result = self.infer(context, |builder| builder.build(&code), None)?;
                self.globals().record(name, result.ok().map(Rc::new));
            }
        }
        Ok(())
    }

    fn infer(
        &mut self,
        context: &CheckContext<'_>,
        build: impl FnOnce(&mut TermBuilder<'_>) -> types::TermId,
        declared: Option<&Rc<Scheme>>,
    ) -> Result<Result<Scheme, Box<TypeFailure>>, MalformedValue> {
        let CheckContext { vm, bindings, state } = *context;
        self.globals().index_laws(vm, bindings, state)?;
        let TypeChecker { globals: Some(globals), places, .. } = &*self else {
            unreachable!("the globals were just made")
        };
        let mut builder = TermBuilder::new(vm, globals, places);
        let root = build(&mut builder);
        let built = builder.finish(root);
        if let Some(case) = &built.incomplete {
            let missing: Vec<String> =
                case.missing.iter().map(|name| format!("`{name}`")).collect();
            let failure = TypeFailure {
                place: self.place_of(&case.source),
                message: format!("this case does not cover {}", missing.join(", ")),
                notes: Vec::new(),
                help: vec!["add a line for each of them, or `* _` for all others".into()],
            };
            return Ok(Err(Box::new(failure)));
        }
        let result = types::infer(&globals.names, &built.terms, built.root, declared);
        Ok(result.map_err(|error| self.failure(&built, *error)))
    }

    fn failure(&self, built: &BuiltTerms, error: TypeError) -> Box<TypeFailure> {
        let TypeError { term, message, notes, help } = error;
        let place = self.place_of(&built.sources[term.as_u32() as usize]);
        Box::new(TypeFailure { place, message, notes, help })
    }

    fn place_of(&self, source: &SireExpr) -> TypePlace {
        match self.places.get(source) {
            Some(place) => TypePlace::Part(place.part.clone(), Rc::clone(&place.expansions)),
            None => TypePlace::Command,
        }
    }
}

impl TypeFailure {
    /// Returns the message and the notes as one line.
    pub(crate) fn in_one_line(&self) -> String {
        let parts = [&self.message].into_iter().chain(&self.notes);
        parts.map(String::as_str).collect::<Vec<_>>().join("; ")
    }
}

fn syntax_failure(error: TypeSyntaxError) -> Box<TypeFailure> {
    let TypeSyntaxError { span, message } = error;
    let place = TypePlace::Span(span);
    Box::new(TypeFailure { place, message, notes: Vec::new(), help: Vec::new() })
}

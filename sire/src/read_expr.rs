//! Reads expressions: from Rex values to [`SireExpr`].
//!
//! Any part of an expression can be a macro call, and a macro sees the state and may change it, so
//! the order matters. The reader visits the parts of an expression in the order of the prototype
//! (lib/Sire.hs). This is the order of the text, except for `^`, whose last part comes first.

use crate::command_error::{CommandError, MALFORMED_REX, UnresolvedName, reject};
use crate::expr::{self, BINDERS_MAX, ExprKind, Lambda, SireExpr};
use crate::name_use::VariableNumber;
use crate::nat_text;
use crate::primitive::{Primitive, PrimitiveForm};
use crate::rex_value::{Literal, RexView};
use crate::session::Session;
use plan::{Natural, Val};
use rex::{LeafKind, NodeShape};
use std::rc::Rc;

/// Work that is still to be done.
enum ReadTask {
    /// Read an expression from this Rex value.
    Read(Val),
    /// Bring a variable into scope. Nothing can refer to a variable without a name.
    Bind(Option<BoundName>),
    /// Take the innermost variables out of scope.
    Unbind(usize),
    /// Build an expression from the last results.
    Build(PendingForm),
    /// The result of the innermost macro has been read.
    LeaveExpansion,
    /// Note that the last result was read from this Rex value.
    NotePlace(Val),
}

/// An expression whose parts are read first.
enum PendingForm {
    /// The application of one part to others.
    Apply(PendingApplication),
    Let,
    LetRec(usize),
    Inline,
    Lambda(LambdaShape),
}

/// An application whose parts are read first.
struct PendingApplication {
    /// The number of arguments.
    count: usize,
    /// The application, as a Rex value.
    rex: Val,
}

/// A name that binds a variable.
pub(crate) struct BoundName {
    pub(crate) name: Natural,
    /// The part of the source that spells the name, as a Rex value.
    pub(crate) part: Val,
}

/// A variable in scope.
struct ScopeVariable {
    name: Option<Natural>,
    number: VariableNumber,
}

/// A lambda without its body.
pub(crate) struct LambdaSignature {
    pub(crate) pinned: bool,
    pub(crate) inline: bool,
    pub(crate) tag: Natural,
    /// The name of the lambda in its own body; none for an anonymous function.
    pub(crate) this: Option<BoundName>,
    pub(crate) args: Vec<BoundName>,
}

/// What a lambda is, except its body and the names of its variables.
struct LambdaShape {
    pinned: bool,
    inline: bool,
    tag: Natural,
    /// Whether the lambda has a name in its own body.
    is_named: bool,
    arity: u32,
}

impl LambdaShape {
    fn with_body(self, body: SireExpr) -> SireExpr {
        let LambdaShape { pinned, inline, tag, is_named, arity } = self;
        let recursive = is_named && expr::refers_to(&body, arity);
        expr::lambda(Lambda { pinned, inline, recursive, tag, arity, body })
    }
}

struct ExprReader<'s> {
    session: &'s mut Session,
    tasks: Vec<ReadTask>,
    /// The results that no task has taken yet.
    done: Vec<SireExpr>,
    /// The variables in scope, outermost first.
    env: Vec<ScopeVariable>,
}

/// Reads a closed expression.
pub(crate) fn read_expr(session: &mut Session, rex: &Val) -> Result<SireExpr, CommandError> {
    let (tasks, done, env) = (vec![ReadTask::Read(rex.clone())], Vec::new(), Vec::new());
    ExprReader { session, tasks, done, env }.run()
}

/// Reads the body of a lambda, and returns the lambda.
pub(crate) fn read_lambda(
    session: &mut Session,
    signature: LambdaSignature,
    body: &Val,
) -> Result<SireExpr, CommandError> {
    let mut reader = ExprReader { session, tasks: Vec::new(), done: Vec::new(), env: Vec::new() };
    reader.schedule_lambda(signature, body.clone());
    reader.run()
}

/// Reads a key that binds a variable.
pub(crate) fn read_bound_name(session: &Session, rex: &Val) -> Result<BoundName, CommandError> {
    Ok(BoundName { name: read_key(session, rex)?, part: rex.clone() })
}

/// Reads a key: a number, a word or a text.
pub(crate) fn read_key(session: &Session, rex: &Val) -> Result<Natural, CommandError> {
    match RexView::of(&session.vm, rex).key() {
        Some(key) => Ok(key),
        None => reject(rex, "Bad key: expected something like: 234, foo, 'foo'"),
    }
}

impl ExprReader<'_> {
    fn run(mut self) -> Result<SireExpr, CommandError> {
        while let Some(task) = self.tasks.pop() {
            match task {
                ReadTask::Read(rex) => {
                    if self.session.types.is_active() {
                        self.tasks.push(ReadTask::NotePlace(rex.clone()));
                    }
                    self.read(rex)?;
                }
                ReadTask::NotePlace(rex) => self.note_place(&rex),
                ReadTask::Bind(name) => {
                    if self.env.len() >= BINDERS_MAX as usize {
                        return Err(CommandError::TooManyBinders);
                    }
                    let number = self.session.names.binder(name.as_ref().map(|name| &name.part));
                    self.env.push(ScopeVariable { name: name.map(|name| name.name), number });
                }
                ReadTask::Unbind(count) => self.env.truncate(self.env.len() - count),
                ReadTask::Build(form) => self.build(form),
                ReadTask::LeaveExpansion => drop(self.session.expansions.pop()),
            }
        }
        Ok(self.pop())
    }

    fn note_place(&mut self, rex: &Val) {
        let Session { vm, types, expansions, .. } = &mut *self.session;
        if let Some(expr) = self.done.last() {
            types.places.note(vm, expr, rex, expansions);
        }
    }

    fn pop(&mut self) -> SireExpr {
        self.done.pop().expect("earlier tasks leave the parts of this one")
    }

    fn build(&mut self, form: PendingForm) {
        let built = match form {
            PendingForm::Apply(application) => {
                let args = self.done.split_off(self.done.len() - application.count);
                let function = self.pop();
                if self.session.on_diagnostic.is_some() {
                    self.session.note_surplus_arguments(
                        &function,
                        application.count,
                        application.rex,
                    );
                }
                args.into_iter().fold(function, expr::app)
            }
            PendingForm::Let => {
                let body = self.pop();
                expr::let_in(self.pop(), body)
            }
            PendingForm::LetRec(count) => {
                let body = self.pop();
                let values = self.done.split_off(self.done.len() - count);
                expr::let_rec(values, body)
            }
            PendingForm::Inline => expr::inline(self.pop()),
            PendingForm::Lambda(signature) => {
                let body = self.pop();
                signature.with_body(body)
            }
        };
        self.done.push(built);
    }

    /// Schedules tasks, in the order given.
    fn schedule(&mut self, tasks: impl IntoIterator<Item = ReadTask>) {
        let first = self.tasks.len();
        self.tasks.extend(tasks);
        self.tasks[first..].reverse();
    }

    fn schedule_lambda(&mut self, signature: LambdaSignature, body: Val) {
        let LambdaSignature { pinned, inline, tag, this, args } = signature;
        let signature =
            LambdaShape { pinned, inline, tag, is_named: this.is_some(), arity: args.len() as u32 };
        let variables = std::iter::once(this).chain(args.into_iter().map(Some)).map(ReadTask::Bind);
        let mut tasks: Vec<ReadTask> = variables.collect();
        let count = tasks.len();
        tasks.push(ReadTask::Read(body));
        tasks.push(ReadTask::Unbind(count));
        tasks.push(ReadTask::Build(PendingForm::Lambda(signature)));
        self.schedule(tasks);
    }

    fn read(&mut self, rex: Val) -> Result<(), CommandError> {
        match RexView::of(&self.session.vm, &rex) {
            RexView::Malformed => reject(&rex, MALFORMED_REX),
            RexView::Embed(value) => {
                self.done.push(expr::constant(value));
                Ok(())
            }
            RexView::Leaf { leaf: LeafKind::Line, text, heir } => self.read_lines(text, heir),
            view @ RexView::Leaf { .. } => self.read_leaf(rex, &view),
            RexView::Node { rune, sons, heir, .. } => {
                if let Some(macro_value) = self.session.lookup(&rune) {
                    return self.read_expanded(&macro_value, &rex);
                }
                let Some(Primitive::Expression(form)) = Primitive::of(&rune) else {
                    return reject(&rex, format!("Undefined rune: {}", nat_text::to_text(&rune)));
                };
                let mut kids = sons;
                kids.extend(heir);
                self.read_form(rex, form, kids)
            }
        }
    }

    /// Expands a macro call, and schedules reading the result.
    fn read_expanded(&mut self, macro_value: &Val, input: &Val) -> Result<(), CommandError> {
        let rex = self.session.expand(macro_value, input)?;
        self.session.expansions.push(input.clone());
        self.tasks.extend([ReadTask::LeaveExpansion, ReadTask::Read(rex)]);
        Ok(())
    }

    /// Reads a line string, whose heirs are its further lines.
    fn read_lines(&mut self, mut text: String, mut heir: Option<Val>) -> Result<(), CommandError> {
        while let Some(rex) = heir {
            match RexView::of(&self.session.vm, &rex) {
                RexView::Leaf { leaf: LeafKind::Line, text: line, heir: next } => {
                    text.push('\n');
                    text.push_str(&line);
                    heir = next;
                }
                _ => return reject(&rex, "Mis-matched node in text block"),
            }
        }
        let value = self.session.vm.text(&text)?;
        self.done.push(expr::constant(value));
        Ok(())
    }

    /// Reads a word or text. The macro `#` gets each leaf without a primitive meaning, which
    /// includes every leaf with an heir.
    fn read_leaf(&mut self, rex: Val, view: &RexView) -> Result<(), CommandError> {
        let RexView::Leaf { leaf, text, heir } = view else {
            unreachable!("the caller matched a leaf")
        };
        let vm = &mut self.session.vm;
        let value = match view.literal() {
            Some(Literal::Name(name)) => {
                let expr = self.resolve(&rex, &nat_text::from_text(name))?;
                self.done.push(expr);
                return Ok(());
            }
            Some(Literal::Number(number)) => vm.natural(&number)?,
            Some(Literal::Text(text)) => vm.text(text)?,
            None => {
                let reason = match heir {
                    Some(_) => "leaf-juxtaposition, but no # macro",
                    None => "don't know how to parse this leaf",
                };
                let hash = Natural::from(nat_text::from_short("#"));
                let Some(macro_value) = self.session.lookup(&hash) else {
                    return reject(&rex, reason);
                };
                let Session { vm, constructors, .. } = &mut *self.session;
                let input = match heir {
                    Some(heir) => {
                        let bare = constructors.leaf(vm, *leaf, text, None)?;
                        constructors.node(vm, NodeShape::Infix, "#", &[bare, heir.clone()], None)?
                    }
                    None => constructors.node(vm, NodeShape::Prefix, "#", &[rex], None)?,
                };
                return self.read_expanded(&macro_value, &input);
            }
        };
        self.done.push(expr::constant(value));
        Ok(())
    }

    /// Resolves a name to the innermost variable or the global of that name.
    fn resolve(&mut self, rex: &Val, name: &Natural) -> Result<SireExpr, CommandError> {
        let has_name = |variable: &ScopeVariable| variable.name.as_ref() == Some(name);
        if let Some(index) = self.env.iter().rev().position(has_name) {
            let variable = &self.env[self.env.len() - 1 - index];
            self.session.names.variable(rex, variable.number);
            return Ok(expr::var(index as u32));
        }
        match self.session.state.lookup(name) {
            Some(binding) => {
                self.session.names.global(rex, binding);
                Ok(expr::global(Rc::clone(binding)))
            }
            None => Err(CommandError::Unresolved(UnresolvedName {
                part: rex.clone(),
                name: name.clone(),
                module: None,
                locals: self.env.iter().filter_map(|variable| variable.name.clone()).collect(),
            })),
        }
    }

    /// Resolves a name in a completed module, which is given by its name or by an alias.
    fn resolve_in(
        &mut self,
        rex: &Val,
        module: &Natural,
        name: &Natural,
    ) -> Result<SireExpr, CommandError> {
        let Session { vm, bindings, state, names, .. } = &mut *self.session;
        let module = state.qualified_module(module);
        match state.lookup_in(vm, bindings, module, name)? {
            Some(binding) => {
                names.global(rex, &binding);
                Ok(expr::global(binding))
            }
            None => Err(CommandError::Unresolved(UnresolvedName {
                part: rex.clone(),
                name: name.clone(),
                module: Some(module.clone()),
                locals: Vec::new(),
            })),
        }
    }

    /// Records that a part of a qualified name refers to a global, if the expression is one.
    fn note_global(&mut self, part: &Val, expr: &SireExpr) {
        if let ExprKind::Global(binding) = &expr.kind {
            self.session.names.global(part, binding);
        }
    }

    fn key(&self, rex: &Val) -> Result<Natural, CommandError> {
        read_key(self.session, rex)
    }

    fn bound_name(&self, rex: &Val) -> Result<BoundName, CommandError> {
        read_bound_name(self.session, rex)
    }

    fn bound_names(&self, rexes: &[Val]) -> Result<Vec<BoundName>, CommandError> {
        rexes.iter().map(|rex| self.bound_name(rex)).collect()
    }

    fn read_form(
        &mut self,
        rex: Val,
        form: PrimitiveForm,
        kids: Vec<Val>,
    ) -> Result<(), CommandError> {
        match form {
            PrimitiveForm::Apply => {
                if kids.is_empty() {
                    return reject(&rex, "empty application");
                }
                let count = kids.len() - 1;
                let reads = kids.into_iter().map(ReadTask::Read);
                let application = PendingForm::Apply(PendingApplication { count, rex });
                self.schedule(reads.chain([ReadTask::Build(application)]));
            }
            PrimitiveForm::Inline => {
                let [inner] = exactly(&rex, kids, "This needs to have only one parameter")?;
                self.schedule([ReadTask::Read(inner), ReadTask::Build(PendingForm::Inline)]);
            }
            PrimitiveForm::Let => {
                let [name, value, body] = exactly(&rex, kids, "Three paramaters are required")?;
                let name = self.bound_name(&name)?;
                self.schedule([
                    ReadTask::Read(value),
                    ReadTask::Bind(Some(name)),
                    ReadTask::Read(body),
                    ReadTask::Unbind(1),
                    ReadTask::Build(PendingForm::Let),
                ]);
            }
            PrimitiveForm::LetRec => return self.read_letrec(rex, kids),
            PrimitiveForm::Ket => return self.read_ket(rex, kids),
            PrimitiveForm::Anonymous => return self.read_anonymous(rex, kids),
            PrimitiveForm::Lambda => return self.read_lambda(rex, kids, false),
            PrimitiveForm::PinnedLambda => return self.read_lambda(rex, kids, true),
            PrimitiveForm::Reference => {
                let expr = match &kids[..] {
                    [part] => {
                        let name = self.key(part)?;
                        let expr = self.resolve(&rex, &name)?;
                        self.note_global(part, &expr);
                        expr
                    }
                    [module, part] => {
                        let (module, name) = (self.key(module)?, self.key(part)?);
                        let expr = self.resolve_in(&rex, &module, &name)?;
                        self.note_global(part, &expr);
                        expr
                    }
                    _ => return reject(&rex, "Needs one or two parameters"),
                };
                self.done.push(expr);
            }
        }
        Ok(())
    }

    /// Reads `@@`: a chain of `=` nodes, each with a name and a value, and the body.
    fn read_letrec(&mut self, rex: Val, kids: Vec<Val>) -> Result<(), CommandError> {
        let [bindings, body] = exactly(&rex, kids, "Two paramaters are required")?;
        let (mut names, mut values) = (Vec::new(), Vec::new());
        let mut next = Some(bindings);
        while let Some(binding) = next {
            let RexView::Node { rune, sons, heir, .. } = RexView::of(&self.session.vm, &binding)
            else {
                return reject(&rex, "Invalid (=) bind-seq");
            };
            if rune != nat_text::from_short("=") {
                return reject(&rex, "Invalid (=) bind-seq");
            }
            let [name, value] = exactly(&rex, sons, "Invalid (=) bind-seq")?;
            names.push(self.bound_name(&name)?);
            values.push(value);
            next = heir;
        }
        let count = names.len();
        let variables = names.into_iter().rev().map(|name| ReadTask::Bind(Some(name)));
        let mut tasks: Vec<ReadTask> = variables.collect();
        tasks.extend(values.into_iter().chain([body]).map(ReadTask::Read));
        tasks.push(ReadTask::Unbind(count));
        tasks.push(ReadTask::Build(PendingForm::LetRec(count)));
        self.schedule(tasks);
        Ok(())
    }

    /// Reads `^`: the application of all kids but the last, in which `_` is the last kid.
    fn read_ket(&mut self, rex: Val, mut kids: Vec<Val>) -> Result<(), CommandError> {
        if kids.len() < 2 {
            return reject(&rex, "Needs at least two paramaters");
        }
        let value = kids.split_off(kids.len() - 1);
        let count = kids.len() - 1;
        let name = Natural::from(nat_text::from_short("_"));
        let variable = ReadTask::Bind(Some(BoundName { name, part: rex.clone() }));
        let mut tasks: Vec<ReadTask> = value.into_iter().map(ReadTask::Read).collect();
        tasks.push(variable);
        tasks.extend(kids.into_iter().map(ReadTask::Read));
        let application = PendingApplication { count, rex };
        tasks.push(ReadTask::Build(PendingForm::Apply(application)));
        tasks.push(ReadTask::Unbind(1));
        tasks.push(ReadTask::Build(PendingForm::Let));
        self.schedule(tasks);
        Ok(())
    }

    /// Reads `&`: a tag or none, the arguments, and the body.
    fn read_anonymous(&mut self, rex: Val, mut kids: Vec<Val>) -> Result<(), CommandError> {
        let tag = self.optional_tag(&rex, &mut kids)?.unwrap_or_default();
        let [args, body] = exactly(&rex, kids, "Expected two or three parameters")?;
        let bar = Natural::from(nat_text::from_short("|"));
        let args = match RexView::of(&self.session.vm, &args) {
            RexView::Leaf { .. } => vec![self.bound_name(&args)?],
            view => match view.kids() {
                Some((rune, kids)) if rune == bar => self.bound_names(&kids)?,
                _ => return reject(&args, "Expected something like: (x y z)"),
            },
        };
        let signature = LambdaSignature { pinned: false, inline: false, tag, this: None, args };
        self.schedule_lambda(signature, body);
        Ok(())
    }

    /// Reads `?` or `??`: a tag or none, the head, and the body.
    fn read_lambda(
        &mut self,
        rex: Val,
        mut kids: Vec<Val>,
        pinned: bool,
    ) -> Result<(), CommandError> {
        let tag = self.optional_tag(&rex, &mut kids)?;
        let [head, body] = exactly(&rex, kids, "Expected two or three parameters")?;
        let (inline, this, args) = self.read_head(&head)?;
        let tag = tag.unwrap_or_else(|| this.name.clone());
        self.schedule_lambda(LambdaSignature { pinned, inline, tag, this: Some(this), args }, body);
        Ok(())
    }

    /// Removes the tag from the parts of a lambda: three parts begin with a tag, two have none.
    fn optional_tag(
        &self,
        rex: &Val,
        kids: &mut Vec<Val>,
    ) -> Result<Option<Natural>, CommandError> {
        match kids.len() {
            2 => Ok(None),
            3 => self.key(&kids.remove(0)).map(Some),
            _ => reject(rex, "Expected two or three parameters"),
        }
    }

    /// Reads the head of a lambda: `f`, `(f x y)` or `(**f x y)`. Returns whether the lambda is
    /// marked for inlining, its name and its arguments.
    fn read_head(&self, head: &Val) -> Result<(bool, BoundName, Vec<BoundName>), CommandError> {
        let vm = &self.session.vm;
        let view = RexView::of(vm, head);
        if let RexView::Leaf { .. } = view {
            return Ok((false, self.bound_name(head)?, Vec::new()));
        }
        let kids = match view.kids() {
            Some((rune, kids)) if rune == nat_text::from_short("|") => kids,
            _ => return reject(head, "Expecting something like: (f x y)"),
        };
        let Some((first, args)) = kids.split_first() else {
            return reject(head, "Expected at least one parameter");
        };
        let (inline, this) = match RexView::of(vm, first).kids() {
            Some((rune, marked)) if rune == nat_text::from_short("**") => match &marked[..] {
                [this] => (true, self.bound_name(this)?),
                _ => return reject(first, "Expected something like **x"),
            },
            _ => (false, self.bound_name(first)?),
        };
        Ok((inline, this, self.bound_names(args)?))
    }
}

/// Returns the kids as an array, or rejects `rex` for `reason` if their number is not `N`.
fn exactly<const N: usize>(
    rex: &Val,
    kids: Vec<Val>,
    reason: &str,
) -> Result<[Val; N], CommandError> {
    kids.try_into().or_else(|_| reject(rex, reason))
}

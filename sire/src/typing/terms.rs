//! Expressions as terms of the crate `types`.
//!
//! The expressions are those after macro expansion. Some forms of them have a type of their own:
//!
//! | expression                                        | term             |
//! |---------------------------------------------------|------------------|
//! | the constructor of rows of `n`, with `n` arguments | a row            |
//! | such rows that a list literal expands to          | a list           |
//! | a set constant applied to a row of its length     | a table          |
//! | `idx`, `get`, `mut` and `put` at a constant index | an item of a row |
//! | `coerce`                                          | no check         |
//! | what `# datacase` expands to                      | a case           |
//!
//! A constant that a macro has inserted has the type of the global name with the same value.

use super::declared::row_scheme;
use super::globals::{GlobalName, GlobalTypes, global_name};
use super::places::{ExprOrigin, ExprPlaces};
use crate::expr::{Binding, ExprKind, SireExpr};
use crate::rex_value::RexView;
use plan::{Ref, Shape, Val};
use std::rc::Rc;
use types::{CaseArm, Head, Scheme, Term, TermId, Terms, Type, TypeName};
use vm::Vm;

/// The maximum depth of the structure of a constant whose type is determined.
const CONSTANT_DEPTH_MAX: usize = 64;

/// The terms of an expression.
pub(super) struct BuiltTerms {
    pub(super) terms: Terms,
    pub(super) root: TermId,
    /// The expression of each term, whose place is that of the term.
    pub(super) sources: Vec<SireExpr>,
    /// The constructors that cases leave out, with the cases' expressions.
    pub(super) incomplete: Option<IncompleteCase>,
}

/// A case that leaves constructors out.
pub(super) struct IncompleteCase {
    pub(super) source: SireExpr,
    pub(super) missing: Vec<String>,
}

/// Work that is still to be done. Each has the expression whose place it has.
pub(super) enum BuildTask {
    Build(SireExpr, SireExpr),
    Assemble(Assembly, SireExpr),
    Push(Term, SireExpr),
}

/// A term whose parts are built first.
pub(super) enum Assembly {
    Apply(usize),
    Lambda(u32),
    Let,
    Group(usize),
    Row(usize),
    List { items: usize, has_rest: bool },
    Table(Type, usize),
    Coerce,
    Case(CaseShape),
}

/// A case without the bodies of its arms.
pub(super) struct CaseShape {
    pub(super) variables: Box<[u32]>,
    pub(super) datatype: TypeName,
    pub(super) constructors: Vec<usize>,
    pub(super) has_fallback: bool,
}

/// Makes the terms of an expression.
pub(super) struct TermBuilder<'a> {
    pub(super) vm: &'a Vm,
    pub(super) globals: &'a GlobalTypes,
    places: &'a ExprPlaces,
    terms: Terms,
    sources: Vec<SireExpr>,
    tasks: Vec<BuildTask>,
    done: Vec<TermId>,
    pub(super) incomplete: Option<IncompleteCase>,
}

impl<'a> TermBuilder<'a> {
    pub(super) fn new(
        vm: &'a Vm,
        globals: &'a GlobalTypes,
        places: &'a ExprPlaces,
    ) -> TermBuilder<'a> {
        let (terms, sources, tasks, done) = (Terms::default(), Vec::new(), Vec::new(), Vec::new());
        TermBuilder { vm, globals, places, terms, sources, tasks, done, incomplete: None }
    }

    /// Adds the terms of an expression.
    pub(super) fn build(&mut self, expr: &SireExpr) -> TermId {
        self.tasks.push(BuildTask::Build(Rc::clone(expr), Rc::clone(expr)));
        while let Some(task) = self.tasks.pop() {
            match task {
                BuildTask::Build(expr, parent) => self.begin(&expr, &parent),
                BuildTask::Assemble(assembly, source) => self.assemble(assembly, source),
                BuildTask::Push(term, source) => self.push(term, &source),
            }
        }
        self.done.pop().expect("the tasks leave the term of the expression")
    }

    /// Adds the comparison of the last two expressions that were built.
    pub(super) fn build_equal(&mut self, left: &SireExpr, right: &SireExpr) -> TermId {
        let (one, two) = (self.build(left), self.build(right));
        let item = Type::Variable(0);
        let body = Type::function(item.clone(), Type::function(item, Type::named(TypeName::NAT)));
        let scheme = Scheme { variables: vec!["a".into()], requirements: Vec::new(), body };
        let name = Some(Rc::from("=?="));
        let equal = self.add(Term::Known { name, scheme: Rc::new(scheme) }, left);
        let call = self.add(Term::Apply(equal, one), left);
        self.add(Term::Apply(call, two), right)
    }

    pub(super) fn finish(self, root: TermId) -> BuiltTerms {
        let TermBuilder { terms, sources, incomplete, .. } = self;
        BuiltTerms { terms, root, sources, incomplete }
    }

    fn add(&mut self, term: Term, source: &SireExpr) -> TermId {
        let id = self.terms.add(term);
        self.sources.push(Rc::clone(source));
        id
    }

    fn push(&mut self, term: Term, source: &SireExpr) {
        let id = self.add(term, source);
        self.done.push(id);
    }

    pub(super) fn schedule(&mut self, tasks: impl IntoIterator<Item = BuildTask>) {
        let first = self.tasks.len();
        self.tasks.extend(tasks);
        self.tasks[first..].reverse();
    }

    /// Schedules building the parts, and then the term.
    fn schedule_parts<'e>(
        &mut self,
        parts: impl IntoIterator<Item = &'e SireExpr>,
        assembly: Assembly,
        source: &SireExpr,
    ) {
        let build = |part: &SireExpr| BuildTask::Build(Rc::clone(part), Rc::clone(source));
        let assemble = BuildTask::Assemble(assembly, Rc::clone(source));
        self.schedule(parts.into_iter().map(build).chain([assemble]));
    }

    fn assemble(&mut self, assembly: Assembly, source: SireExpr) {
        let mut take = |count: usize| self.done.split_off(self.done.len() - count);
        let term = match assembly {
            Assembly::Apply(count) => {
                let args = take(count);
                let mut function = take(1)[0];
                for arg in args {
                    function = self.add(Term::Apply(function, arg), &source);
                }
                self.done.push(function);
                return;
            }
            Assembly::Lambda(arity) => Term::Lambda { arity, body: take(1)[0] },
            Assembly::Let => {
                let parts = take(2);
                Term::Let(parts[0], parts[1])
            }
            Assembly::Group(count) => {
                let mut values = take(count + 1);
                let body = values.remove(count);
                Term::Group(values.into(), body)
            }
            Assembly::Row(count) => Term::Row(take(count).into()),
            Assembly::List { items, has_rest } => {
                let rest = has_rest.then(|| take(1)[0]);
                Term::List(take(items).into(), rest)
            }
            Assembly::Table(key, count) => Term::Table(key, take(count).into()),
            Assembly::Coerce => Term::Coerce(take(1)[0]),
            Assembly::Case(shape) => {
                let CaseShape { variables, datatype, constructors, has_fallback } = shape;
                let fallback = has_fallback.then(|| take(1)[0]);
                let bodies = take(constructors.len());
                let arm = |(constructor, body)| CaseArm { constructor, body };
                let arms = constructors.into_iter().zip(bodies).map(arm).collect();
                Term::Case { variables, datatype, arms, fallback }
            }
        };
        self.push(term, &source);
    }

    /// Begins an expression. `parent` is the nearest expression around it that has a place.
    fn begin(&mut self, expr: &SireExpr, parent: &SireExpr) {
        let source = match self.places.get(expr) {
            Some(_) => expr,
            None => parent,
        };
        match self.places.origin(expr) {
            Some(ExprOrigin::List) if self.begin_list(expr, source, None) => return,
            Some(ExprOrigin::Cons(count)) if self.begin_list(expr, source, Some(*count)) => return,
            Some(ExprOrigin::Datacase(rex)) if self.begin_datacase(expr, source, rex) => return,
            _ => {}
        }
        match &expr.kind {
            ExprKind::Var(index) => self.push(Term::Variable(*index), source),
            ExprKind::Const(value) => self.begin_constant(expr, value, source),
            ExprKind::Global(binding) => {
                let term = self.global(binding);
                self.push(term, source);
            }
            ExprKind::App(..) => self.begin_call(expr, source),
            ExprKind::Let(value, body) => {
                self.schedule_parts([value, body], Assembly::Let, source);
            }
            ExprKind::LetRec(values, body) => {
                let assembly = Assembly::Group(values.len());
                self.schedule_parts(values.iter().chain([body]), assembly, source);
            }
            ExprKind::Inline(inner) => {
                let build = BuildTask::Build(Rc::clone(inner), Rc::clone(source));
                self.tasks.push(build);
            }
            ExprKind::Lambda(lambda) => {
                self.schedule_parts([&lambda.body], Assembly::Lambda(lambda.arity), source);
            }
        }
    }

    fn begin_constant(&mut self, expr: &SireExpr, value: &Val, source: &SireExpr) {
        if self.row_items(expr).is_some() {
            self.push(Term::Row(Box::default()), source);
            return;
        }
        if matches!(self.places.origin(expr), Some(ExprOrigin::List))
            && self.vm.look(value).as_u64() == Some(0)
        {
            self.push(Term::List(Box::default(), None), source);
            return;
        }
        let is_text = matches!(self.places.origin(expr), Some(ExprOrigin::Text));
        let id = match self.vm.look(value).shape() {
            Shape::Nat(_) if is_text => self.add(closed(TypeName::STR), source),
            _ => self.constant(self.vm.look(value), source, 0),
        };
        self.done.push(id);
    }

    fn begin_call(&mut self, expr: &SireExpr, source: &SireExpr) {
        if let Some(items) = self.row_items(expr) {
            let count = items.len();
            self.schedule_parts(&items, Assembly::Row(count), source);
            return;
        }
        let (head, args) = spine(expr);
        if let ([arg], Some(keys)) = (&args[..], self.set_keys(head))
            && let Some(values) = self.row_items(arg)
            && values.len() == keys.count
        {
            if keys.count == 0 {
                self.push(empty_table(), source);
                return;
            }
            let assembly = Assembly::Table(keys.ty, values.len());
            self.schedule_parts(&values, assembly, source);
            return;
        }
        let name = self.name_of(head);
        let is = |module: &str, text: &str| {
            name.as_ref().is_some_and(|it| it.module == module && it.name == text)
        };
        let rest = args.len();
        let build = |part: &SireExpr| BuildTask::Build(Rc::clone(part), Rc::clone(source));
        let apply = |count| BuildTask::Assemble(Assembly::Apply(count), Rc::clone(source));
        let known = |scheme: Scheme| {
            let name = name.as_ref().map(|it| Rc::from(it.name.as_str()));
            BuildTask::Push(Term::Known { name, scheme: Rc::new(scheme) }, Rc::clone(source))
        };
        if is("typed", "coerce") {
            let coerce = BuildTask::Assemble(Assembly::Coerce, Rc::clone(source));
            let others = args[1..].iter().map(|arg| build(arg));
            self.schedule(
                [build(args[0]), coerce].into_iter().chain(others).chain([apply(rest - 1)]),
            );
        } else if is("row", "idx")
            && let Some(index) = self.constant_index(args[0])
        {
            let others = args[1..].iter().map(|arg| build(arg));
            let selector = known(Scheme::selector(index));
            self.schedule([selector].into_iter().chain(others).chain([apply(rest - 1)]));
        } else if is("row", "get")
            && rest >= 2
            && let Some(index) = self.constant_index(args[1])
        {
            let others = args[2..].iter().map(|arg| build(arg));
            let selector = [known(Scheme::selector(index)), build(args[0])];
            self.schedule(selector.into_iter().chain(others).chain([apply(rest - 1)]));
        } else if is("row", "mut")
            && let Some(index) = self.constant_index(args[0])
        {
            let others = args[1..].iter().map(|arg| build(arg));
            let updater = known(Scheme::updater(index, false));
            self.schedule([updater].into_iter().chain(others).chain([apply(rest - 1)]));
        } else if is("row", "put")
            && rest >= 3
            && let Some(index) = self.constant_index(args[1])
        {
            let others = args[2..].iter().map(|arg| build(arg));
            let updater = [known(Scheme::updater(index, true)), build(args[0])];
            self.schedule(updater.into_iter().chain(others).chain([apply(rest - 1)]));
        } else {
            let parts = [head].into_iter().chain(args);
            self.schedule_parts(parts, Assembly::Apply(rest), source);
        }
    }

    /// Begins a list: pairs of an item and the rest. `count` is the number of items in front of a
    /// rest; without it the list ends with the nat 0. Returns whether the expression has that form.
    fn begin_list(&mut self, expr: &SireExpr, source: &SireExpr, count: Option<usize>) -> bool {
        let mut items = Vec::new();
        let mut rest = Rc::clone(expr);
        while count.is_none_or(|count| items.len() < count) {
            if count.is_none() && self.is_zero(&rest) {
                break;
            }
            match self.row_items(&rest) {
                Some(pair) if pair.len() == 2 => {
                    items.push(Rc::clone(&pair[0]));
                    rest = Rc::clone(&pair[1]);
                }
                _ => return false,
            }
        }
        let assembly = Assembly::List { items: items.len(), has_rest: count.is_some() };
        let parts: Vec<SireExpr> = items.into_iter().chain(count.map(|_| rest)).collect();
        self.schedule_parts(&parts, assembly, source);
        true
    }

    fn is_zero(&self, expr: &SireExpr) -> bool {
        matches!(&expr.kind, ExprKind::Const(value) if self.vm.look(value).as_u64() == Some(0))
    }

    /// Returns the items of a row expression: the constructor of rows with all its arguments.
    pub(super) fn row_items(&self, expr: &SireExpr) -> Option<Vec<SireExpr>> {
        let (head, args) = spine(expr);
        let value = match &head.kind {
            ExprKind::Const(value) => value,
            ExprKind::Global(binding) => &binding.value,
            _ => return None,
        };
        match self.vm.look(value).shape() {
            Shape::Cow(width) if width == args.len() as u64 => {
                Some(args.into_iter().rev().cloned().collect())
            }
            // The constructor of empty rows is the empty row.
            Shape::Row(items) if args.is_empty() && items.iter().next().is_none() => {
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// Returns the keys of a constant set.
    pub(super) fn set_keys(&self, expr: &SireExpr) -> Option<SetKeys> {
        let ExprKind::Const(value) = &expr.kind else { return None };
        let Shape::Set(keys) = self.vm.look(value).shape() else { return None };
        let nats = keys.iter().map_while(|key| key.as_u64()).collect();
        Some(SetKeys { count: keys.iter().count(), ty: key_type(keys.iter()), nats })
    }

    fn constant_index(&self, expr: &SireExpr) -> Option<u64> {
        match &expr.kind {
            ExprKind::Const(value) => self.vm.look(value).as_u64(),
            _ => None,
        }
    }

    pub(super) fn name_of(&self, head: &SireExpr) -> Option<GlobalName> {
        match &head.kind {
            ExprKind::Global(binding) => global_name(self.vm, binding),
            ExprKind::Const(value) => self.globals.name_of_value(self.vm, self.vm.look(value)),
            _ => None,
        }
    }

    fn global(&self, binding: &Rc<Binding>) -> Term {
        let name = global_name(self.vm, binding);
        let text: Rc<str> = name.as_ref().map_or("?", |name| &name.name).into();
        if let Some(scheme) = name.and_then(|name| self.globals.scheme(&name)) {
            return Term::Known { name: Some(text), scheme };
        }
        match self.vm.look(&binding.value).shape() {
            Shape::Cow(width) => cow(width).unwrap_or(Term::Untyped(text)),
            _ => Term::Untyped(text),
        }
    }

    /// Adds the term of a constant.
    fn constant(&mut self, value: Ref<'_>, source: &SireExpr, depth: usize) -> TermId {
        let unknown = || Term::Untyped("this constant".into());
        if depth > CONSTANT_DEPTH_MAX {
            return self.add(unknown(), source);
        }
        if RexView::is_tree(value) {
            return self.add(closed(TypeName::REX), source);
        }
        let term = match value.shape() {
            Shape::Nat(_) => closed(TypeName::NAT),
            Shape::Bar(_) => closed(TypeName::BAR),
            Shape::Set(keys) => {
                let key = match keys.iter().next() {
                    Some(_) => key_type(keys.iter()),
                    None => Type::Variable(0),
                };
                let variables = match key {
                    Type::Variable(_) => vec!["a".to_owned()],
                    Type::Apply(..) => Vec::new(),
                };
                let body = Type::Apply(Head::Named(TypeName::SET), [key].into());
                let scheme = Scheme { variables, requirements: Vec::new(), body };
                Term::Known { name: None, scheme: Rc::new(scheme) }
            }
            Shape::Cow(width) => cow(width).unwrap_or_else(unknown),
            Shape::Row(items) => {
                let items: Vec<TermId> =
                    items.iter().map(|item| self.constant(item, source, depth + 1)).collect();
                Term::Row(items.into())
            }
            Shape::Tab(keys, _) if keys.iter().next().is_none() => empty_table(),
            Shape::Tab(keys, values) => {
                let key = key_type(keys.iter());
                let values: Vec<TermId> =
                    values.iter().map(|value| self.constant(value, source, depth + 1)).collect();
                Term::Table(key, values.into())
            }
            Shape::App(app) => {
                let head = self.constant(app.head(), source, depth + 1);
                let args: Vec<TermId> =
                    app.args().map(|arg| self.constant(arg, source, depth + 1)).collect();
                let name = self.globals.name_of_value(self.vm, app.head());
                let index = app.args().next().and_then(Ref::as_u64);
                let mut function = head;
                let mut args = &args[..];
                if let (Some(name), Some(index)) = (name, index)
                    && name.module == "row"
                    && let Some(scheme) = selector(&name.name, index)
                {
                    let (name, scheme) = (Some(name.name.as_str().into()), Rc::new(scheme));
                    function = self.add(Term::Known { name, scheme }, source);
                    args = &args[1..];
                }
                for arg in args {
                    function = self.add(Term::Apply(function, *arg), source);
                }
                return function;
            }
            Shape::Pin(_) | Shape::Law(_) | Shape::Thunk => {
                match self.globals.name_of_value(self.vm, value) {
                    Some(name) => {
                        let text: Rc<str> = name.name.as_str().into();
                        match self.globals.scheme(&name) {
                            Some(scheme) => Term::Known { name: Some(text), scheme },
                            None => Term::Untyped(text),
                        }
                    }
                    None => unknown(),
                }
            }
        };
        self.add(term, source)
    }
}

/// The keys of a constant set.
pub(super) struct SetKeys {
    pub(super) count: usize,
    pub(super) ty: Type,
    /// The keys, up to the first one that is no small nat.
    pub(super) nats: Vec<u64>,
}

fn selector(name: &str, index: u64) -> Option<Scheme> {
    match name {
        "idx" => Some(Scheme::selector(index)),
        "mut" => Some(Scheme::updater(index, false)),
        _ => None,
    }
}

/// Returns the type of keys: `Nat` if all of them are nats, `Any` otherwise.
fn key_type<'h>(mut keys: impl Iterator<Item = Ref<'h>>) -> Type {
    match keys.all(|key| key.as_nat().is_some()) {
        true => Type::named(TypeName::NAT),
        false => Type::named(TypeName::ANY),
    }
}

/// Returns the term of the empty table, whose keys and values can have any type.
fn empty_table() -> Term {
    let parameters: Vec<Type> = (0..2).map(Type::Variable).collect();
    let body = Type::Apply(Head::Named(TypeName::TAB), parameters.into());
    let variables = vec!["k".to_owned(), "v".to_owned()];
    Term::Known {
        name: None,
        scheme: Rc::new(Scheme { variables, requirements: Vec::new(), body }),
    }
}

fn closed(name: TypeName) -> Term {
    Term::Known { name: None, scheme: Rc::new(Scheme::closed(Type::named(name))) }
}

/// Returns the term of the constructor of rows of this width, if it is not too wide.
fn cow(width: u64) -> Option<Term> {
    let width = usize::try_from(width).ok().filter(|width| *width <= 1000)?;
    Some(Term::Known { name: None, scheme: Rc::new(row_scheme(width, true)) })
}

/// Returns the function of nested applications, and the arguments.
pub(super) fn spine(expr: &SireExpr) -> (&SireExpr, Vec<&SireExpr>) {
    let (mut head, mut args) = (expr, Vec::new());
    while let ExprKind::App(function, arg) = &head.kind {
        args.push(arg);
        head = function;
    }
    args.reverse();
    (head, args)
}

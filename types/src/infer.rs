//! Inference: [`infer`] returns the principal type of a term.
//!
//! The algorithm checks each term against the type that its context expects, which is a variable if
//! nothing is expected. What is expected of the result of a call is known before its arguments are
//! checked, so an error in one of them is found where it is. Results travel through variables only,
//! so the work is a stack of [`InferTask`]s and no function recurses over terms. Let-bound values
//! are generalised; the values of a recursive group are generalised by strongly connected
//! components, dependencies first.

mod exchange;
mod generalise;
mod report;
#[cfg(test)]
mod tests;

use crate::error::TypeError;
use crate::name::{TypeName, TypeNames};
use crate::requirement::PendingRequirement;
use crate::scheme::{Head, RowRequirement, Scheme};
use crate::table::{TypeId, TypeNode, TypeTable};
use crate::term::{Term, TermId, Terms};
use foldhash::{HashMap, HashMapExt, HashSet};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use std::rc::Rc;

/// The maximum number of nodes of the types of a definition. Types can be exponentially larger than
/// the definition.
const NODES_MAX: usize = 1 << 21;

/// The maximum number of requirements that wait at the same time.
const PENDING_MAX: usize = 1 << 16;

const TOO_LARGE: &str = "the type of this definition is too large";

/// Where a term stands, for messages.
#[derive(Clone, Copy)]
enum TermContext {
    /// Nothing particular.
    Plain,
    /// The argument of a call, counted from 1.
    Argument { call: TermId, function: TermId, number: usize },
    /// The result of a call.
    Result { function: TermId },
    /// An item of a row, list or table.
    Item,
    /// An arm of a case.
    Arm,
    /// The definition, which has a declared type.
    Declared,
}

/// The type of a variable in scope.
#[derive(Clone)]
enum ScopedType {
    /// One type, which is being inferred.
    Single(TypeId),
    /// A type whose [generic](GENERIC) variables are copied at each use.
    Generalised { ty: TypeId, requirements: Rc<[PendingRequirement]> },
    /// The declared type of the definition itself.
    Declared(Rc<Scheme>),
}

/// Work that is still to be done.
enum InferTask {
    /// Check that a term has a type.
    Check(TermId, TypeId, TermContext),
    /// Check the arguments of a call, once the type of its function is known.
    Arguments { call: TermId, function: TermId, ty: TypeId, args: Vec<TermId>, result: TypeId },
    /// Make two types equal.
    Equal { term: TermId, expected: TypeId, found: TypeId, context: TermContext },
    /// Take the innermost variables out of scope.
    Unbind(usize),
    /// Leave the level of a let-bound value of this type, and bring it into scope.
    GeneraliseLet(TypeId),
    /// Begin a component of a recursive group: values, with their positions in the scope.
    EnterComponent(Vec<(TermId, usize)>),
    /// Generalise the values of a component.
    LeaveComponent(Vec<usize>),
    /// Change the type of the variable at a position in the scope.
    Rebind(usize, ScopedType),
}

/// Infers the type of a closed term, or checks that it has the declared type. Returns the inferred
/// type, or the declared one.
///
/// # Errors
///
/// If the term has no type, or not the declared one.
pub fn infer(
    names: &TypeNames,
    terms: &Terms,
    root: TermId,
    declared: Option<&Rc<Scheme>>,
) -> Result<Scheme, Box<TypeError>> {
    let rigid_names = declared.map(|scheme| scheme.variables.clone()).unwrap_or_default();
    let table = TypeTable::new(names);
    let (scope, pending, tasks) = (Vec::new(), Vec::new(), Vec::new());
    let mut inference = Inference {
        table,
        terms,
        rigid_names,
        scope,
        level: 0,
        pending,
        tasks,
        declared: declared.cloned(),
        root,
    };
    inference.run()
}

struct Inference<'t, 'n> {
    table: TypeTable<'n>,
    terms: &'t Terms,
    rigid_names: Vec<String>,
    /// The types of the variables in scope, outermost first.
    scope: Vec<ScopedType>,
    /// The number of lets around the current term.
    level: u32,
    pending: Vec<PendingRequirement>,
    tasks: Vec<InferTask>,
    declared: Option<Rc<Scheme>>,
    root: TermId,
}

type InferResult = Result<(), Box<TypeError>>;

impl Inference<'_, '_> {
    fn run(&mut self) -> Result<Scheme, Box<TypeError>> {
        self.level = 1;
        let (ty, context) = match self.declared.clone() {
            None => (self.table.variable(1), TermContext::Plain),
            Some(scheme) => {
                let count = scheme.variables.len() as u32;
                let rigid: Vec<TypeId> = (0..count).map(|index| self.table.rigid(index)).collect();
                (self.table.instantiate(&scheme.body, &rigid), TermContext::Declared)
            }
        };
        self.tasks.push(InferTask::Check(self.root, ty, context));
        while let Some(task) = self.tasks.pop() {
            self.step(task)?;
            if self.table.len() > NODES_MAX || self.pending.len() > PENDING_MAX {
                return Err(self.plain_error(self.root, TOO_LARGE));
            }
        }
        self.level = 0;
        let requirements = self.generalise(&[ty])?;
        if let Some(declared) = &self.declared {
            return Ok(Scheme::clone(declared));
        }
        self.scheme(ty, &requirements)
    }

    fn step(&mut self, task: InferTask) -> InferResult {
        match task {
            InferTask::Check(term, ty, context) => self.check(term, ty, context)?,
            InferTask::Arguments { call, function, ty, args, result } => {
                self.check_arguments(call, function, ty, &args, result)?;
            }
            InferTask::Equal { term, expected, found, context } => {
                self.equal(term, expected, found, context)?;
            }
            InferTask::Unbind(count) => self.scope.truncate(self.scope.len() - count),
            InferTask::GeneraliseLet(ty) => {
                self.level -= 1;
                let requirements = self.generalise(&[ty])?;
                self.scope.push(ScopedType::Generalised { ty, requirements: requirements.into() });
            }
            InferTask::EnterComponent(members) => {
                self.level += 1;
                for (value, position) in members {
                    let ty = self.table.variable(self.level);
                    self.scope[position] = ScopedType::Single(ty);
                    self.tasks.push(InferTask::Check(value, ty, TermContext::Plain));
                }
            }
            InferTask::LeaveComponent(positions) => self.leave_component(&positions)?,
            InferTask::Rebind(position, ty) => self.scope[position] = ty,
        }
        Ok(())
    }

    fn leave_component(&mut self, positions: &[usize]) -> InferResult {
        self.level -= 1;
        let types: Vec<TypeId> = positions
            .iter()
            .filter_map(|position| match &self.scope[*position] {
                ScopedType::Single(ty) => Some(*ty),
                _ => None,
            })
            .collect();
        let requirements: Rc<[PendingRequirement]> = self.generalise(&types)?.into();
        for (position, ty) in positions.iter().zip(types) {
            let requirements = Rc::clone(&requirements);
            self.scope[*position] = ScopedType::Generalised { ty, requirements };
        }
        Ok(())
    }

    /// Schedules tasks, in the order given.
    fn schedule(&mut self, tasks: impl IntoIterator<Item = InferTask>) {
        let first = self.tasks.len();
        self.tasks.extend(tasks);
        self.tasks[first..].reverse();
    }

    fn check(&mut self, term: TermId, ty: TypeId, context: TermContext) -> InferResult {
        match self.terms.get(term) {
            Term::Variable(_) | Term::Known { .. } => {
                let found = self.type_of_name(term)?;
                self.equal(term, ty, found, context)?;
            }
            Term::Untyped(name) => return Err(self.untyped(term, name)),
            Term::Apply(..) => self.check_call(term, ty)?,
            Term::Lambda { arity, body } => self.check_lambda(term, *arity, *body, ty, context)?,
            Term::Let(value, body) => {
                self.level += 1;
                let bound = self.table.variable(self.level);
                self.schedule([
                    InferTask::Check(*value, bound, TermContext::Plain),
                    InferTask::GeneraliseLet(bound),
                    InferTask::Check(*body, ty, context),
                    InferTask::Unbind(1),
                ]);
            }
            Term::Group(values, body) => self.check_group(values, *body, ty, context),
            Term::Row(items) => self.check_row(term, items, ty, context)?,
            Term::List(items, rest) => {
                let item = self.table.variable(self.level);
                let list = self.table.apply(Head::Named(TypeName::LIST), [item]);
                self.equal(term, ty, list, context)?;
                let rest = rest.map(|rest| InferTask::Check(rest, list, TermContext::Item));
                let items = items.iter().map(|it| InferTask::Check(*it, item, TermContext::Item));
                self.schedule(items.chain(rest));
            }
            Term::Table(key, values) => {
                let value = self.table.variable(self.level);
                let key = self.table.instantiate(key, &[]);
                let tab = self.table.apply(Head::Named(TypeName::TAB), [key, value]);
                self.equal(term, ty, tab, context)?;
                let checks =
                    values.iter().map(|it| InferTask::Check(*it, value, TermContext::Item));
                self.schedule(checks);
            }
            Term::Coerce(inner) => {
                if !matches!(self.terms.get(*inner), Term::Untyped(_)) {
                    let any = self.table.variable(self.level);
                    self.tasks.push(InferTask::Check(*inner, any, TermContext::Plain));
                }
            }
            Term::Case { .. } => self.check_case(term, ty)?,
        }
        Ok(())
    }

    /// Returns the type of a use of a variable or of a global name.
    fn type_of_name(&mut self, term: TermId) -> Result<TypeId, Box<TypeError>> {
        match self.terms.get(term) {
            Term::Known { scheme, .. } => Ok(self.instantiate(term, &Rc::clone(scheme))),
            Term::Variable(index) => {
                let position = self.position(*index);
                match self.scope[position].clone() {
                    ScopedType::Single(ty) => Ok(ty),
                    ScopedType::Declared(scheme) => Ok(self.instantiate(term, &scheme)),
                    ScopedType::Generalised { ty, requirements } => {
                        let mut copies = HashMap::new();
                        let level = self.level;
                        let copy = self.table.copy_generic(ty, level, &mut copies);
                        for pending in requirements.iter() {
                            let table = &mut self.table;
                            let requirement = pending
                                .requirement
                                .map(|ty| table.copy_generic(*ty, level, &mut copies));
                            self.pending.push(PendingRequirement { requirement, term });
                        }
                        Ok(copy)
                    }
                }
            }
            Term::Untyped(name) => Err(self.untyped(term, name)),
            _ => unreachable!("the caller matched a name"),
        }
    }

    /// Returns the position of a variable in the scope.
    fn position(&self, index: u32) -> usize {
        self.scope.len() - 1 - index as usize
    }

    fn instantiate(&mut self, term: TermId, scheme: &Scheme) -> TypeId {
        let variables: Vec<TypeId> =
            scheme.variables.iter().map(|_| self.table.variable(self.level)).collect();
        for requirement in &scheme.requirements {
            let requirement = requirement.map(|ty| self.table.instantiate(ty, &variables));
            self.pending.push(PendingRequirement { requirement, term });
        }
        self.table.instantiate(&scheme.body, &variables)
    }

    fn check_call(&mut self, call: TermId, ty: TypeId) -> InferResult {
        let mut args = Vec::new();
        let mut function = call;
        while let Term::Apply(inner, arg) = self.terms.get(function) {
            args.push(*arg);
            function = *inner;
        }
        args.reverse();
        match self.terms.get(function) {
            Term::Variable(_) | Term::Known { .. } | Term::Untyped(_) => {
                let found = self.type_of_name(function)?;
                self.check_arguments(call, function, found, &args, ty)
            }
            _ => {
                let found = self.table.variable(self.level);
                self.schedule([
                    InferTask::Check(function, found, TermContext::Plain),
                    InferTask::Arguments { call, function, ty: found, args, result: ty },
                ]);
                Ok(())
            }
        }
    }

    fn check_arguments(
        &mut self,
        call: TermId,
        function: TermId,
        mut ty: TypeId,
        args: &[TermId],
        result: TypeId,
    ) -> InferResult {
        let is_expected = self.table.level(result).is_none();
        let mut tasks = Vec::with_capacity(args.len() + 1);
        for (index, arg) in args.iter().enumerate() {
            let (parameter, rest) = match self.table.node(ty).clone() {
                TypeNode::Apply(Head::Function, parts) => (parts[0], parts[1]),
                TypeNode::Variable(level) => {
                    let (parameter, rest) =
                        (self.table.variable(level), self.table.variable(level));
                    let new = self.table.apply(Head::Function, [parameter, rest]);
                    // A new function cannot contain the variable.
                    let _ = self.table.unify(ty, new);
                    (parameter, rest)
                }
                _ => return Err(self.too_many_arguments(call, function, ty, index, args.len())),
            };
            let context = TermContext::Argument { call, function, number: index + 1 };
            tasks.push(InferTask::Check(*arg, parameter, context));
            ty = rest;
        }
        let context = TermContext::Result { function };
        if is_expected {
            self.equal(call, result, ty, context)?;
        } else {
            tasks.push(InferTask::Equal { term: call, expected: result, found: ty, context });
        }
        self.schedule(tasks);
        Ok(())
    }

    fn check_lambda(
        &mut self,
        term: TermId,
        arity: u32,
        body: TermId,
        ty: TypeId,
        context: TermContext,
    ) -> InferResult {
        let args: Vec<TypeId> = (0..arity).map(|_| self.table.variable(self.level)).collect();
        let result = self.table.variable(self.level);
        let mut own = result;
        for arg in args.iter().rev() {
            own = self.table.apply(Head::Function, [*arg, own]);
        }
        self.equal(term, ty, own, context)?;
        let this = match &self.declared {
            Some(declared) if term == self.root => ScopedType::Declared(Rc::clone(declared)),
            _ => ScopedType::Single(own),
        };
        self.scope.push(this);
        self.scope.extend(args.into_iter().map(ScopedType::Single));
        let inner = match context {
            TermContext::Declared => TermContext::Declared,
            _ => TermContext::Plain,
        };
        self.schedule([
            InferTask::Check(body, result, inner),
            InferTask::Unbind(arity as usize + 1),
        ]);
        Ok(())
    }

    fn check_group(&mut self, values: &[TermId], body: TermId, ty: TypeId, context: TermContext) {
        let count = values.len();
        let base = self.scope.len();
        // The first value is variable 0, the innermost one. No component refers to a later one, so
        // the types until then do not matter.
        let unknown = self.table.variable(self.level);
        self.scope.resize(base + count, ScopedType::Single(unknown));
        let position = |index: usize| base + count - 1 - index;
        let mut graph = DiGraphMap::<usize, ()>::new();
        for (index, value) in values.iter().enumerate() {
            graph.add_node(index);
            for reference in self.group_references(*value, count as u32) {
                graph.add_edge(index, reference as usize, ());
            }
        }
        // The components come in the order of their dependencies.
        let mut tasks = Vec::new();
        for component in tarjan_scc(&graph) {
            let members = component.iter().map(|index| (values[*index], position(*index)));
            let positions = component.iter().map(|index| position(*index)).collect();
            tasks.push(InferTask::EnterComponent(members.collect()));
            tasks.push(InferTask::LeaveComponent(positions));
        }
        tasks.push(InferTask::Check(body, ty, context));
        tasks.push(InferTask::Unbind(count));
        self.schedule(tasks);
    }

    /// Returns the variables below `count` that occur free in a term.
    fn group_references(&self, value: TermId, count: u32) -> HashSet<u32> {
        let mut found = HashSet::default();
        let mut pending = vec![(value, 0)];
        while let Some((term, depth)) = pending.pop() {
            let variables = match self.terms.get(term) {
                Term::Variable(index) => std::slice::from_ref(index),
                Term::Case { variables, .. } => variables,
                _ => &[],
            };
            let outer = variables.iter().filter_map(|index| index.checked_sub(depth));
            found.extend(outer.filter(|index| *index < count));
            self.terms.parts(term, |part, binders| pending.push((part, depth + binders)));
        }
        found
    }

    fn check_row(
        &mut self,
        term: TermId,
        items: &[TermId],
        ty: TypeId,
        context: TermContext,
    ) -> InferResult {
        let types: Vec<TypeId> = match self.table.applied(ty) {
            Some((Head::Named(TypeName::ROW), args)) => vec![args[0]; items.len()],
            Some((Head::Tuple, args)) if args.len() == items.len() => args.to_vec(),
            known => {
                let types: Vec<TypeId> =
                    items.iter().map(|_| self.table.variable(self.level)).collect();
                let is_known = known.is_some() || self.table.level(ty).is_none();
                if is_known {
                    let tuple = self.table.apply(Head::Tuple, types.clone());
                    self.equal(term, ty, tuple, context)?;
                } else {
                    let requirement =
                        RowRequirement::Literal { row: ty, items: types.clone().into() };
                    self.pending.push(PendingRequirement { requirement, term });
                }
                types
            }
        };
        let checks = items.iter().zip(types);
        self.schedule(checks.map(|(item, ty)| InferTask::Check(*item, ty, TermContext::Item)));
        Ok(())
    }

    fn check_case(&mut self, term: TermId, ty: TypeId) -> InferResult {
        let Term::Case { variables, datatype, arms, fallback } = self.terms.get(term) else {
            unreachable!("the caller matched a case")
        };
        let names = self.table.names();
        let parameters: Vec<TypeId> =
            (0..names.get(*datatype).parameters).map(|_| self.table.variable(self.level)).collect();
        let examined = self.table.apply(Head::Named(*datatype), parameters.clone());
        let positions: Vec<usize> =
            variables.iter().map(|variable| self.position(*variable)).collect();
        let before: Vec<ScopedType> =
            positions.iter().map(|position| self.scope[*position].clone()).collect();
        for scoped in &before {
            let found = match scoped {
                ScopedType::Single(ty) => *ty,
                ScopedType::Generalised { ty, .. } => {
                    let (ty, level) = (*ty, self.level);
                    self.table.copy_generic(ty, level, &mut HashMap::new())
                }
                ScopedType::Declared(scheme) => self.instantiate(term, &Rc::clone(scheme)),
            };
            self.equal(term, examined, found, TermContext::Plain)?;
        }
        let mut tasks = Vec::new();
        for arm in arms {
            let Some(constructor) = names.constructors_of(*datatype).get(arm.constructor) else {
                continue;
            };
            let nat = self.table.apply(Head::Named(TypeName::NAT), []);
            let tag = constructor.has_tag.then_some(nat);
            let fields: Vec<TypeId> = constructor
                .fields
                .iter()
                .map(|field| self.table.instantiate(field, &parameters))
                .collect();
            let row = match fields.is_empty() {
                true => nat,
                false => {
                    self.table.apply(Head::Tuple, tag.into_iter().chain(fields).collect::<Vec<_>>())
                }
            };
            let rebind = positions.iter().map(|at| InferTask::Rebind(*at, ScopedType::Single(row)));
            tasks.extend(rebind);
            tasks.push(InferTask::Check(arm.body, ty, TermContext::Arm));
        }
        let restored = positions.into_iter().zip(before);
        tasks.extend(restored.map(|(position, ty)| InferTask::Rebind(position, ty)));
        tasks.extend(fallback.map(|fallback| InferTask::Check(fallback, ty, TermContext::Arm)));
        self.schedule(tasks);
        Ok(())
    }

    /// Makes an expected and a found type equal.
    fn equal(
        &mut self,
        term: TermId,
        expected: TypeId,
        found: TypeId,
        context: TermContext,
    ) -> InferResult {
        match self.table.unify(expected, found) {
            Ok(()) => Ok(()),
            Err(conflict) => {
                let subject = self.subject(term, context);
                let mut error = self.mismatch(term, &subject, expected, found, conflict);
                if let TermContext::Argument { call, number, .. } = context
                    && let Some(help) = self.exchange(call, number, found)
                {
                    error.help = vec![help];
                }
                Err(error)
            }
        }
    }
}

//! [`TypeTable`]: the types of a definition while they are inferred, as a graph with shared nodes.
//!
//! Unification binds variables, which become links. Each variable has a *level*: the number of
//! lets around the place where it was made. A variable that no type of an outer level contains has
//! a level above that of the let that is left, so the let quantifies it: it becomes
//! [generic](GENERIC), and each use of the let copies it. (D. Rémy, "Extension of ML type system
//! with a sorted equation theory on types", 1992.)
//!
//! No function recurses on the native stack.

use crate::name::TypeNames;
use crate::scheme::{Head, TYPE_SIZE_MAX, Type};
use cranelift_entity::{PrimaryMap, entity_impl};
use foldhash::{HashMap, HashSet, HashSetExt};

/// A type in a [`TypeTable`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TypeId(u32);
entity_impl!(TypeId, "ty");

/// The level of quantified variables.
pub(crate) const GENERIC: u32 = u32::MAX;

/// A node of the graph.
#[derive(Clone, Debug)]
pub(crate) enum TypeNode {
    /// A variable of a level.
    Variable(u32),
    /// A variable of the declared type, by its index: equal to itself only.
    Rigid(u32),
    /// A type constructor and its arguments.
    Apply(Head, Box<[TypeId]>),
    /// The type is another one.
    Link(TypeId),
}

/// Why two types could not be made equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Conflict {
    /// Two parts differ.
    Mismatch,
    /// A type would contain itself.
    Infinite,
}

/// The types of a definition. See the module documentation.
pub(crate) struct TypeTable<'n> {
    names: &'n TypeNames,
    nodes: PrimaryMap<TypeId, TypeNode>,
    bindings: usize,
}

impl<'n> TypeTable<'n> {
    pub(crate) fn new(names: &'n TypeNames) -> TypeTable<'n> {
        TypeTable { names, nodes: PrimaryMap::new(), bindings: 0 }
    }

    pub(crate) fn names(&self) -> &'n TypeNames {
        self.names
    }

    /// Returns the number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the number of variables that were bound.
    pub(crate) fn bindings(&self) -> usize {
        self.bindings
    }

    pub(crate) fn variable(&mut self, level: u32) -> TypeId {
        self.nodes.push(TypeNode::Variable(level))
    }

    pub(crate) fn apply(&mut self, head: Head, args: impl Into<Box<[TypeId]>>) -> TypeId {
        self.nodes.push(TypeNode::Apply(head, args.into()))
    }

    pub(crate) fn rigid(&mut self, index: u32) -> TypeId {
        self.nodes.push(TypeNode::Rigid(index))
    }

    /// Returns the type that a type is linked to.
    pub(crate) fn find(&mut self, mut id: TypeId) -> TypeId {
        while let TypeNode::Link(next) = self.nodes[id] {
            if let TypeNode::Link(after) = self.nodes[next] {
                self.nodes[id] = TypeNode::Link(after);
            }
            id = next;
        }
        id
    }

    /// Returns the node of a type, which is no link.
    pub(crate) fn node(&mut self, id: TypeId) -> &TypeNode {
        let id = self.find(id);
        &self.nodes[id]
    }

    /// Returns the head of a type, and its arguments; `None` for a variable.
    pub(crate) fn applied(&mut self, id: TypeId) -> Option<(Head, Box<[TypeId]>)> {
        match self.node(id) {
            TypeNode::Apply(head, args) => Some((*head, args.clone())),
            _ => None,
        }
    }

    /// Returns the level of a type that is a variable.
    pub(crate) fn level(&mut self, id: TypeId) -> Option<u32> {
        match self.node(id) {
            TypeNode::Variable(level) => Some(*level),
            _ => None,
        }
    }

    /// Adds a quantified type. Variable `i` is replaced by `variables[i]`.
    pub(crate) fn instantiate(&mut self, ty: &Type, variables: &[TypeId]) -> TypeId {
        match ty {
            Type::Variable(index) => variables[*index as usize],
            Type::Apply(head, args) => {
                let args: Vec<TypeId> =
                    args.iter().map(|arg| self.instantiate(arg, variables)).collect();
                self.apply(*head, args)
            }
        }
    }

    /// Makes two types equal. If they cannot be, nothing is bound.
    pub(crate) fn unify(&mut self, a: TypeId, b: TypeId) -> Result<(), Conflict> {
        let mut bound = Vec::new();
        let result = self.unify_binding(a, b, &mut bound);
        if result.is_err() {
            for (variable, level) in bound.into_iter().rev() {
                self.nodes[variable] = TypeNode::Variable(level);
            }
        }
        result
    }

    fn unify_binding(
        &mut self,
        a: TypeId,
        b: TypeId,
        bound: &mut Vec<(TypeId, u32)>,
    ) -> Result<(), Conflict> {
        let mut pending = vec![(a, b)];
        // Types share parts, so a pair of parts can occur many times.
        let mut done = HashSet::new();
        while let Some((a, b)) = pending.pop() {
            let (a, b) = (self.find(a), self.find(b));
            if a == b {
                continue;
            }
            match (&self.nodes[a], &self.nodes[b]) {
                (TypeNode::Variable(level), _) => {
                    let level = *level;
                    self.bind(a, level, b)?;
                    bound.push((a, level));
                }
                (_, TypeNode::Variable(level)) => {
                    let level = *level;
                    self.bind(b, level, a)?;
                    bound.push((b, level));
                }
                (TypeNode::Rigid(one), TypeNode::Rigid(two)) if one == two => {}
                (TypeNode::Apply(head_a, args_a), TypeNode::Apply(head_b, args_b)) => {
                    if !self.is_same_head(*head_a, *head_b) || args_a.len() != args_b.len() {
                        return Err(Conflict::Mismatch);
                    }
                    if !args_a.is_empty() && done.insert((a, b)) {
                        let pairs = args_a.iter().copied().zip(args_b.iter().copied());
                        let first = pending.len();
                        pending.extend(pairs);
                        pending[first..].reverse();
                    }
                }
                _ => return Err(Conflict::Mismatch),
            }
        }
        Ok(())
    }

    fn is_same_head(&self, a: Head, b: Head) -> bool {
        match (a, b) {
            (Head::Named(a), Head::Named(b)) => self.names.canonical(a) == self.names.canonical(b),
            (a, b) => a == b,
        }
    }

    /// Returns whether a type is `pattern` with types in place of its variables, and stores these in
    /// `parameters`.
    ///
    /// Recurses as deep as the pattern.
    pub(crate) fn matches(
        &mut self,
        ty: TypeId,
        pattern: &Type,
        parameters: &mut [Option<TypeId>],
    ) -> bool {
        let id = self.find(ty);
        match pattern {
            Type::Variable(index) => match parameters[*index as usize] {
                Some(known) => self.is_equal(known, id),
                None => {
                    parameters[*index as usize] = Some(id);
                    true
                }
            },
            Type::Apply(head, patterns) => {
                let Some((own, args)) = self.applied(id) else { return false };
                self.is_same_head(*head, own)
                    && args.len() == patterns.len()
                    && (args.iter().zip(patterns))
                        .all(|(arg, pattern)| self.matches(*arg, pattern, parameters))
            }
        }
    }

    /// Returns whether two types have the same nodes, for types of up to [`TYPE_SIZE_MAX`] nodes.
    fn is_equal(&mut self, a: TypeId, b: TypeId) -> bool {
        let mut pending = vec![(a, b)];
        for _ in 0..TYPE_SIZE_MAX {
            let Some((a, b)) = pending.pop() else { return true };
            if self.find(a) == self.find(b) {
                continue;
            }
            match (self.applied(a), self.applied(b)) {
                (Some((head_a, args_a)), Some((head_b, args_b)))
                    if self.is_same_head(head_a, head_b) && args_a.len() == args_b.len() =>
                {
                    pending.extend(args_a.iter().copied().zip(args_b.iter().copied()));
                }
                _ => return false,
            }
        }
        false
    }

    /// Links a variable to a type that does not contain it.
    fn bind(&mut self, variable: TypeId, level: u32, ty: TypeId) -> Result<(), Conflict> {
        let mut reached = HashSet::new();
        let mut pending = vec![ty];
        while let Some(id) = pending.pop() {
            let id = self.find(id);
            if id == variable {
                return Err(Conflict::Infinite);
            }
            if let TypeNode::Apply(_, args) = &self.nodes[id]
                && !args.is_empty()
                && reached.insert(id)
            {
                pending.extend(args.iter().copied());
            }
        }
        self.lower(ty, level);
        self.nodes[variable] = TypeNode::Link(ty);
        self.bindings += 1;
        Ok(())
    }

    /// Lowers the levels of all variables in a type to `level`. Returns whether that changed one.
    pub(crate) fn lower(&mut self, ty: TypeId, level: u32) -> bool {
        let mut has_changed = false;
        for variable in self.variables(&[ty]) {
            if let TypeNode::Variable(own) = &mut self.nodes[variable]
                && *own > level
            {
                *own = level;
                has_changed = true;
            }
        }
        has_changed
    }

    /// Returns the variables in types, in the order of their first occurrences.
    pub(crate) fn variables(&mut self, types: &[TypeId]) -> Vec<TypeId> {
        let (mut reached, mut found) = (HashSet::new(), Vec::new());
        let mut pending: Vec<TypeId> = types.iter().rev().copied().collect();
        while let Some(id) = pending.pop() {
            let id = self.find(id);
            match &self.nodes[id] {
                TypeNode::Variable(_) if reached.insert(id) => found.push(id),
                TypeNode::Apply(_, args) if !args.is_empty() && reached.insert(id) => {
                    pending.extend(args.iter().rev().copied());
                }
                _ => {}
            }
        }
        found
    }

    /// Quantifies a variable.
    pub(crate) fn make_generic(&mut self, variable: TypeId) {
        self.nodes[variable] = TypeNode::Variable(GENERIC);
    }

    /// Returns a copy of a type with new variables in place of quantified ones. `copies` maps the
    /// nodes that were copied before to their copies.
    pub(crate) fn copy_generic(
        &mut self,
        ty: TypeId,
        level: u32,
        copies: &mut HashMap<TypeId, TypeId>,
    ) -> TypeId {
        let root = self.find(ty);
        let mut pending = vec![root];
        while let Some(&id) = pending.last() {
            if copies.contains_key(&id) {
                pending.pop();
                continue;
            }
            let (head, args) = match &self.nodes[id] {
                TypeNode::Variable(GENERIC) => {
                    let fresh = self.variable(level);
                    copies.insert(id, fresh);
                    continue;
                }
                TypeNode::Apply(head, args) if !args.is_empty() => (*head, args.clone()),
                _ => {
                    copies.insert(id, id);
                    continue;
                }
            };
            let args: Vec<TypeId> = args.iter().map(|arg| self.find(*arg)).collect();
            let missing = args.iter().filter(|arg| !copies.contains_key(arg)).copied();
            let before = pending.len();
            pending.extend(missing);
            if pending.len() > before {
                continue;
            }
            let new: Vec<TypeId> = args.iter().map(|arg| copies[arg]).collect();
            let copy = if new == args { id } else { self.apply(head, new) };
            copies.insert(id, copy);
        }
        copies[&root]
    }

    /// Returns a type as a tree, in which `variables` are quantified. Returns `None` if the tree is
    /// too large.
    pub(crate) fn tree(&mut self, ty: TypeId, variables: &[TypeId]) -> Option<Type> {
        let mut budget = TYPE_SIZE_MAX;
        self.tree_within(ty, variables, &mut budget)
    }

    /// Recurses at most [`TYPE_SIZE_MAX`] times.
    fn tree_within(
        &mut self,
        ty: TypeId,
        variables: &[TypeId],
        budget: &mut usize,
    ) -> Option<Type> {
        *budget = budget.checked_sub(1)?;
        let id = self.find(ty);
        match self.nodes[id].clone() {
            TypeNode::Apply(head, args) => {
                let args = args.iter().map(|arg| self.tree_within(*arg, variables, budget));
                Some(Type::Apply(head, args.collect::<Option<_>>()?))
            }
            TypeNode::Rigid(index) => Some(Type::Variable(index)),
            _ => {
                let index = variables.iter().position(|variable| *variable == id)?;
                Some(Type::Variable(index as u32))
            }
        }
    }
}

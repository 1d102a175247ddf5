//! The graph that the rules work on: cells that are updated in place.
//!
//! A cell holds one of the five kinds of value the reference names, or points to another cell that
//! it has become equal to (`o <- x`). Cells are never freed while a term is evaluated; the budget
//! bounds how many there are.
//!
//! Invariant: following [`Node::Same`] from any cell ends, since [`Graph::update`] never makes a
//! cell point to itself by any number of steps.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use malachite_nz::natural::Natural;

use super::{Limits, Term};

/// The place of a cell in its [`Graph`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ref(u32);

/// What a cell holds.
#[derive(Clone)]
pub(super) enum Node {
    Nat(Natural),
    App(Ref, Ref),
    Law {
        name: Natural,
        arity: Natural,
        body: Ref,
    },
    Pin(Ref),
    /// A black hole: being evaluated, or a let that has no value yet.
    Hole,
    /// Whatever that cell holds.
    Same(Ref),
}

/// Why an evaluation ends without a value.
pub(super) enum Stop {
    /// A nat was run that is no operation, or a law with arity 0 was asked for.
    Crash { op: Natural, arg: Ref },
    /// A black hole was needed.
    Loop,
    /// The budget of steps, or of depth, is used up.
    OutOfFuel,
}

/// The result of a rule.
pub(super) type Run<T> = Result<T, Stop>;

/// The cells, and what is left of the budget.
pub(super) struct Graph {
    cells: Vec<Node>,
    limits: Limits,
    fuel: u64,
    depth: u32,
}

impl Graph {
    pub(super) fn new(limits: Limits) -> Graph {
        Graph { cells: Vec::new(), limits, fuel: limits.fuel, depth: 0 }
    }

    /// The steps taken so far.
    pub(super) fn spent(&self) -> u64 {
        self.limits.fuel - self.fuel
    }

    /// Pays for one step.
    pub(super) fn step(&mut self) -> Run<()> {
        self.fuel = self.fuel.checked_sub(1).ok_or(Stop::OutOfFuel)?;
        Ok(())
    }

    /// Runs a rule one level of native recursion deeper, if that is still allowed.
    pub(super) fn nested<T>(&mut self, rule: impl FnOnce(&mut Graph) -> Run<T>) -> Run<T> {
        if self.depth == self.limits.depth {
            return Err(Stop::OutOfFuel);
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// A new cell, which costs a step.
    pub(super) fn alloc(&mut self, node: Node) -> Run<Ref> {
        self.step()?;
        self.push(node)
    }

    fn push(&mut self, node: Node) -> Run<Ref> {
        let index = u32::try_from(self.cells.len()).map_err(|_| Stop::OutOfFuel)?;
        self.cells.push(node);
        Ok(Ref(index))
    }

    /// The cell that `o` is equal to and that says what it holds. Shortens the way there.
    pub(super) fn resolve(&mut self, o: Ref) -> Ref {
        let mut end = o;
        while let Node::Same(next) = self.cells[end.0 as usize] {
            end = next;
        }
        let mut at = o;
        while let Node::Same(next) = self.cells[at.0 as usize] {
            self.cells[at.0 as usize] = Node::Same(end);
            at = next;
        }
        end
    }

    /// What `o` holds; never [`Node::Same`].
    pub(super) fn node(&self, o: Ref) -> &Node {
        let mut at = o;
        loop {
            match &self.cells[at.0 as usize] {
                Node::Same(next) => at = *next,
                node => return node,
            }
        }
    }

    /// Replaces what the cell that `o` resolves to holds.
    pub(super) fn set(&mut self, o: Ref, node: Node) {
        let o = self.resolve(o);
        self.cells[o.0 as usize] = node;
    }

    /// `o <- x`: from now on `o` is equal to `x`.
    ///
    /// If `x` is `o` itself, that says nothing about its value, and `o` stays the hole it is.
    pub(super) fn update(&mut self, o: Ref, x: Ref) {
        let (o, x) = (self.resolve(o), self.resolve(x));
        if o != x {
            self.cells[o.0 as usize] = Node::Same(x);
        }
    }

    /// Builds the cells of a term. Subtrees that the term shares share a cell.
    pub(super) fn load<'t>(&mut self, term: &'t Term) -> Run<Ref> {
        let root = self.push(Node::Hole)?;
        let mut known: HashMap<*const Term, Ref> = HashMap::new();
        let mut pending = vec![(term, root)];
        while let Some((term, cell)) = pending.pop() {
            let mut child = |child: &'t Arc<Term>| match known.entry(Arc::as_ptr(child)) {
                Entry::Occupied(cell) => Ok(*cell.get()),
                Entry::Vacant(place) => {
                    let cell = *place.insert(self.push(Node::Hole)?);
                    pending.push((child, cell));
                    Ok(cell)
                }
            };
            let node = match term {
                Term::Nat(n) => Node::Nat(n.clone()),
                Term::App(f, x) => Node::App(child(f)?, child(x)?),
                Term::Law { name, arity, body } => {
                    Node::Law { name: name.clone(), arity: arity.clone(), body: child(body)? }
                }
                Term::Pin(item) => Node::Pin(child(item)?),
            };
            self.cells[cell.0 as usize] = node;
        }
        Ok(root)
    }
}

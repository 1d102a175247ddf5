//! The graph that the rules work on: cells that are updated in place.
//!
//! A cell holds one of the five kinds of value the reference names, or points to another cell that
//! it has become equal to (`o <- x`). Cells are never freed while a term is evaluated; the budget
//! bounds how many there are.
//!
//! Invariant: following [`CellNode::Same`] from any cell ends, since [`EvalGraph::update`] never makes a
//! cell point to itself by any number of steps.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use malachite_nz::natural::Natural;

use super::{EvalBudget, Term};

/// The place of a cell in its [`EvalGraph`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CellRef(u32);

/// What a cell holds.
#[derive(Clone)]
pub(super) enum CellNode {
    Nat(Natural),
    App(CellRef, CellRef),
    Law {
        name: Natural,
        arity: Natural,
        body: CellRef,
    },
    Pin(CellRef),
    /// A black hole: being evaluated, or a let that has no value yet.
    Hole,
    /// Whatever that cell holds.
    Same(CellRef),
}

/// Why an evaluation ends without a value.
pub(super) enum EvalFailure {
    /// A nat was run that is no operation, or a law with arity 0 was asked for.
    Crash { op: Natural, arg: CellRef },
    /// A black hole was needed.
    Loop,
    /// The budget of steps, or of depth, is used up.
    OutOfFuel,
}

/// The result of a rule.
pub(super) type EvalResult<T> = Result<T, EvalFailure>;

/// The cells, and what is left of the budget.
pub(super) struct EvalGraph {
    cells: Vec<CellNode>,
    limits: EvalBudget,
    fuel: u64,
    depth: u32,
}

impl EvalGraph {
    pub(super) fn new(limits: EvalBudget) -> EvalGraph {
        EvalGraph { cells: Vec::new(), limits, fuel: limits.fuel, depth: 0 }
    }

    /// The steps taken so far.
    pub(super) fn spent(&self) -> u64 {
        self.limits.fuel - self.fuel
    }

    /// Pays for one step.
    pub(super) fn step(&mut self) -> EvalResult<()> {
        self.fuel = self.fuel.checked_sub(1).ok_or(EvalFailure::OutOfFuel)?;
        Ok(())
    }

    /// Runs a rule one level of native recursion deeper, if that is still allowed.
    pub(super) fn nested<T>(
        &mut self,
        rule: impl FnOnce(&mut EvalGraph) -> EvalResult<T>,
    ) -> EvalResult<T> {
        if self.depth == self.limits.depth {
            return Err(EvalFailure::OutOfFuel);
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// A new cell, which costs a step.
    pub(super) fn alloc(&mut self, node: CellNode) -> EvalResult<CellRef> {
        self.step()?;
        self.push(node)
    }

    fn push(&mut self, node: CellNode) -> EvalResult<CellRef> {
        let index = u32::try_from(self.cells.len()).map_err(|_| EvalFailure::OutOfFuel)?;
        self.cells.push(node);
        Ok(CellRef(index))
    }

    /// The cell that `o` is equal to and that says what it holds. Shortens the way there.
    pub(super) fn resolve(&mut self, o: CellRef) -> CellRef {
        let mut end = o;
        while let CellNode::Same(next) = self.cells[end.0 as usize] {
            end = next;
        }
        let mut at = o;
        while let CellNode::Same(next) = self.cells[at.0 as usize] {
            self.cells[at.0 as usize] = CellNode::Same(end);
            at = next;
        }
        end
    }

    /// What `o` holds; never [`CellNode::Same`].
    pub(super) fn node(&self, o: CellRef) -> &CellNode {
        let mut at = o;
        loop {
            match &self.cells[at.0 as usize] {
                CellNode::Same(next) => at = *next,
                node => return node,
            }
        }
    }

    /// Replaces what the cell that `o` resolves to holds.
    pub(super) fn set(&mut self, o: CellRef, node: CellNode) {
        let o = self.resolve(o);
        self.cells[o.0 as usize] = node;
    }

    /// `o <- x`: from now on `o` is equal to `x`.
    ///
    /// If `x` is `o` itself, that says nothing about its value, and `o` stays the hole it is.
    pub(super) fn update(&mut self, o: CellRef, x: CellRef) {
        let (o, x) = (self.resolve(o), self.resolve(x));
        if o != x {
            self.cells[o.0 as usize] = CellNode::Same(x);
        }
    }

    /// Builds the cells of a term. Subtrees that the term shares share a cell.
    pub(super) fn load<'t>(&mut self, term: &'t Term) -> EvalResult<CellRef> {
        let root = self.push(CellNode::Hole)?;
        let mut known: HashMap<*const Term, CellRef> = HashMap::new();
        let mut pending = vec![(term, root)];
        while let Some((term, cell)) = pending.pop() {
            let mut child = |child: &'t Arc<Term>| match known.entry(Arc::as_ptr(child)) {
                Entry::Occupied(cell) => Ok(*cell.get()),
                Entry::Vacant(place) => {
                    let cell = *place.insert(self.push(CellNode::Hole)?);
                    pending.push((child, cell));
                    Ok(cell)
                }
            };
            let node = match term {
                Term::Nat(n) => CellNode::Nat(n.clone()),
                Term::App(f, x) => CellNode::App(child(f)?, child(x)?),
                Term::Law { name, arity, body } => {
                    CellNode::Law { name: name.clone(), arity: arity.clone(), body: child(body)? }
                }
                Term::Pin(item) => CellNode::Pin(child(item)?),
            };
            self.cells[cell.0 as usize] = node;
        }
        Ok(root)
    }
}

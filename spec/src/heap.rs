//! The graph that the rules rewrite: cells that are updated in place.
//!
//! A cell holds one of the five kinds of value in the reference, or points to another cell that it
//! has become equal to (`o <- x`). Cells are not freed during an evaluation; the budget bounds
//! their number.
//!
//! Invariant: every chain of [`CellNode::Same`] ends, since [`EvalGraph::update`] never makes a
//! cell point to itself, directly or indirectly.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use malachite_nz::natural::Natural;

use super::{EvalBudget, Term};

/// The index of a cell in its [`EvalGraph`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CellRef(u32);

/// The contents of a cell.
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
    /// A black hole: a cell under evaluation, or a let without a value yet.
    Hole,
    /// The contents of that cell.
    Same(CellRef),
}

/// Why an evaluation ended without a value.
pub(super) enum EvalFailure {
    /// The program called a nat that is not an operation, or made a law of arity 0.
    Crash { op: Natural, arg: CellRef },
    /// The evaluation needed a black hole.
    Loop,
    /// The budget of steps or of depth is exhausted.
    OutOfFuel,
}

/// The result of a rule.
pub(super) type EvalResult<T> = Result<T, EvalFailure>;

/// The cells, and the rest of the budget.
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

    /// Returns the number of steps taken so far.
    pub(super) fn spent(&self) -> u64 {
        self.limits.fuel - self.fuel
    }

    /// Takes one step from the budget.
    pub(super) fn step(&mut self) -> EvalResult<()> {
        self.fuel = self.fuel.checked_sub(1).ok_or(EvalFailure::OutOfFuel)?;
        Ok(())
    }

    /// Runs a rule one level of native recursion deeper, if the budget allows it.
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

    /// Adds a cell, which costs a step.
    pub(super) fn alloc(&mut self, node: CellNode) -> EvalResult<CellRef> {
        self.step()?;
        self.push(node)
    }

    fn push(&mut self, node: CellNode) -> EvalResult<CellRef> {
        let index = u32::try_from(self.cells.len()).map_err(|_| EvalFailure::OutOfFuel)?;
        self.cells.push(node);
        Ok(CellRef(index))
    }

    /// Returns the cell at the end of the chain of [`CellNode::Same`] from `o`, and compresses the
    /// chain.
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

    /// Returns the contents of `o`, which are never [`CellNode::Same`].
    pub(super) fn node(&self, o: CellRef) -> &CellNode {
        let mut at = o;
        loop {
            match &self.cells[at.0 as usize] {
                CellNode::Same(next) => at = *next,
                node => return node,
            }
        }
    }

    /// Replaces the contents of the cell that `o` resolves to.
    pub(super) fn set(&mut self, o: CellRef, node: CellNode) {
        let o = self.resolve(o);
        self.cells[o.0 as usize] = node;
    }

    /// Makes `o` equal to `x`: `o <- x`.
    ///
    /// If `x` is `o` itself, its value remains unknown, and `o` stays a hole.
    pub(super) fn update(&mut self, o: CellRef, x: CellRef) {
        let (o, x) = (self.resolve(o), self.resolve(x));
        if o != x {
            self.cells[o.0 as usize] = CellNode::Same(x);
        }
    }

    /// Adds the cells of a term. A shared subtree becomes one cell.
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

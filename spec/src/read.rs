//! Conversion of an evaluated graph to a term.

use std::collections::HashMap;
use std::sync::Arc;

use super::Term;
use super::heap::{CellNode, CellRef, EvalFailure, EvalGraph, EvalResult};

/// The state of a cell during the conversion.
enum Progress {
    /// The cell is being read; reaching it again means that the graph is infinite.
    InProgress,
    /// The cell's term, and the number of nodes of the term when written out.
    Done(Arc<Term>, u64),
}

impl EvalGraph {
    /// Returns the tree of `root`. Shared cells become shared subtrees.
    ///
    /// An infinite tree, or one of more than `limit` nodes when written out, exhausts the budget,
    /// so that callers can walk the result. A black hole in it is a loop.
    pub(super) fn read(&mut self, root: CellRef, limit: u64) -> EvalResult<Term> {
        let root = self.resolve(root);
        let mut progress: HashMap<CellRef, Progress> = HashMap::new();
        let mut pending = vec![root];
        while let Some(&cell) = pending.last() {
            let children = self.children(cell)?;
            match progress.get(&cell) {
                None => {
                    progress.insert(cell, Progress::InProgress);
                    for &child in children.iter().rev() {
                        match progress.get(&child) {
                            None => pending.push(child),
                            Some(Progress::InProgress) => return Err(EvalFailure::OutOfFuel),
                            Some(Progress::Done(..)) => {}
                        }
                    }
                }
                Some(Progress::InProgress) => {
                    pending.pop();
                    let mut size = 1u64;
                    let mut terms = Vec::new();
                    for child in &children {
                        let Some(Progress::Done(term, below)) = progress.get(child) else {
                            unreachable!("children are read before their parent")
                        };
                        size = size.saturating_add(*below);
                        terms.push(Arc::clone(term));
                    }
                    if size > limit {
                        return Err(EvalFailure::OutOfFuel);
                    }
                    let term = Arc::new(self.term(cell, &terms));
                    progress.insert(cell, Progress::Done(term, size));
                }
                Some(Progress::Done(..)) => {
                    pending.pop();
                }
            }
        }
        match progress.remove(&root) {
            Some(Progress::Done(term, _)) => Ok(Term::clone(&term)),
            _ => unreachable!("the root is read last"),
        }
    }

    /// Returns the cells directly below this one, left to right.
    fn children(&mut self, cell: CellRef) -> EvalResult<Vec<CellRef>> {
        let below = match *self.node(cell) {
            CellNode::Nat(_) => vec![],
            CellNode::App(f, x) => vec![f, x],
            CellNode::Law { body, .. } => vec![body],
            CellNode::Pin(item) => vec![item],
            CellNode::Hole | CellNode::Same(_) => return Err(EvalFailure::Loop),
        };
        Ok(below.into_iter().map(|child| self.resolve(child)).collect())
    }

    /// Returns the term of a cell, given those of its children.
    fn term(&self, cell: CellRef, children: &[Arc<Term>]) -> Term {
        match (self.node(cell), children) {
            (CellNode::Nat(n), []) => Term::Nat(n.clone()),
            (CellNode::App(..), [f, x]) => Term::App(Arc::clone(f), Arc::clone(x)),
            (CellNode::Law { name, arity, .. }, [body]) => {
                Term::Law { name: name.clone(), arity: arity.clone(), body: Arc::clone(body) }
            }
            (CellNode::Pin(_), [item]) => Term::Pin(Arc::clone(item)),
            _ => unreachable!("a cell has as many children as its kind"),
        }
    }
}

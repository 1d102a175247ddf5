//! Reading a finished graph back as a term.

use std::collections::HashMap;
use std::sync::Arc;

use super::Term;
use super::heap::{CellNode, CellRef, EvalFailure, EvalGraph, EvalResult};

/// How far a cell has been read.
enum Progress {
    /// It is being read: meeting it again means that the graph is infinite.
    InProgress,
    /// The term it stands for, and how many nodes that has when written out.
    Done(Arc<Term>, u64),
}

impl EvalGraph {
    /// The tree that `root` stands for. Cells that are shared give shared subtrees.
    ///
    /// A tree that has no end, or more than `limit` nodes when written out, is out of fuel: whoever
    /// walks the result may rely on its size. A black hole in it is a loop.
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

    /// The cells directly below this one, left to right.
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

    /// The term of a cell, given those of its children.
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

//! Reading a finished graph back as a term.

use std::collections::HashMap;
use std::sync::Arc;

use super::Term;
use super::heap::{Graph, Node, Ref, Run, Stop};

/// How far a cell has been read.
enum Progress {
    /// It is being read: meeting it again means that the graph is infinite.
    Open,
    /// The term it stands for, and how many nodes that has when written out.
    Done(Arc<Term>, u64),
}

impl Graph {
    /// The tree that `root` stands for. Cells that are shared give shared subtrees.
    ///
    /// A tree that has no end, or more than `limit` nodes when written out, is out of fuel: whoever
    /// walks the result may rely on its size. A black hole in it is a loop.
    pub(super) fn read(&mut self, root: Ref, limit: u64) -> Run<Term> {
        let root = self.resolve(root);
        let mut progress: HashMap<Ref, Progress> = HashMap::new();
        let mut pending = vec![root];
        while let Some(&cell) = pending.last() {
            let children = self.children(cell)?;
            match progress.get(&cell) {
                None => {
                    progress.insert(cell, Progress::Open);
                    for &child in children.iter().rev() {
                        match progress.get(&child) {
                            None => pending.push(child),
                            Some(Progress::Open) => return Err(Stop::OutOfFuel),
                            Some(Progress::Done(..)) => {}
                        }
                    }
                }
                Some(Progress::Open) => {
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
                        return Err(Stop::OutOfFuel);
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
    fn children(&mut self, cell: Ref) -> Run<Vec<Ref>> {
        let below = match *self.node(cell) {
            Node::Nat(_) => vec![],
            Node::App(f, x) => vec![f, x],
            Node::Law { body, .. } => vec![body],
            Node::Pin(item) => vec![item],
            Node::Hole | Node::Same(_) => return Err(Stop::Loop),
        };
        Ok(below.into_iter().map(|child| self.resolve(child)).collect())
    }

    /// The term of a cell, given those of its children.
    fn term(&self, cell: Ref, children: &[Arc<Term>]) -> Term {
        match (self.node(cell), children) {
            (Node::Nat(n), []) => Term::Nat(n.clone()),
            (Node::App(..), [f, x]) => Term::App(Arc::clone(f), Arc::clone(x)),
            (Node::Law { name, arity, .. }, [body]) => {
                Term::Law { name: name.clone(), arity: arity.clone(), body: Arc::clone(body) }
            }
            (Node::Pin(_), [item]) => Term::Pin(Arc::clone(item)),
            _ => unreachable!("a cell has as many children as its kind"),
        }
    }
}

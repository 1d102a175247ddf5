//! Lets: which of a body's bindings are needed, and in which order they can be made.
//!
//! Bindings see each other whatever their order. Those that are needed are sorted so that each
//! comes after what it refers to; those that refer to each other come as a knot.

use super::decode::{BodyNode, read_node};
use plan::raw::{Kind, Memory, Word};

/// Bindings that can be made together, by their index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BindingGroup {
    /// One that does not need itself.
    Single(usize),
    /// Some that need each other, or one that needs itself.
    Recursive(Vec<usize>),
}

/// The values that a body's lets bind, and what is under them.
pub(crate) fn split(heap: &Memory, mut body: Word) -> (Vec<Word>, Word) {
    let mut values = Vec::new();
    while body.kind() == Kind::App {
        let &[operation, value, rest] = heap.words(body, 0) else { break };
        if operation.as_direct() != Some(1) {
            break;
        }
        values.push(value);
        body = rest;
    }
    (values, body)
}

/// The bindings that an expression refers to, each once, in order of first mention.
fn mentioned(heap: &Memory, arity: u64, count: usize, node: Word) -> Vec<usize> {
    let last = arity + count as u64;
    let mut seen = vec![false; count];
    let mut found = Vec::new();
    let mut todo = vec![node];
    while let Some(node) = todo.pop() {
        match read_node(heap, node, last) {
            BodyNode::Reference(r) if r > arity => {
                let index = (r - arity - 1) as usize;
                if !std::mem::replace(&mut seen[index], true) {
                    found.push(index);
                }
            }
            BodyNode::Application(f, x) => todo.extend([x, f]),
            _ => {}
        }
    }
    found
}

/// The groups of the bindings that `body` needs, each after those that it needs (Tarjan's
/// strongly connected components, with the recursion on a stack of its own).
pub(crate) fn order(heap: &Memory, arity: u64, values: &[Word], body: Word) -> Vec<BindingGroup> {
    if values.is_empty() {
        return Vec::new();
    }
    let mut search = TarjanSearch {
        state: vec![NodeState::default(); values.len()],
        next: 1,
        open: Vec::new(),
        groups: Vec::new(),
    };
    let needs = |node| mentioned(heap, arity, values.len(), node);
    for root in needs(body) {
        search.visit(root, |index| needs(values[index]));
    }
    search.groups
}

#[derive(Clone, Default)]
struct NodeState {
    /// When it was first visited; 0 if it was not.
    visited: usize,
    /// The oldest open binding that it reaches.
    oldest: usize,
    open: bool,
    needs_itself: bool,
}

struct TarjanSearch {
    state: Vec<NodeState>,
    next: usize,
    open: Vec<usize>,
    groups: Vec<BindingGroup>,
}

impl TarjanSearch {
    fn start(&mut self, index: usize) {
        let state = &mut self.state[index];
        state.visited = self.next;
        state.oldest = self.next;
        state.open = true;
        self.next += 1;
        self.open.push(index);
    }

    fn visit(&mut self, root: usize, needs: impl Fn(usize) -> Vec<usize>) {
        if self.state[root].visited > 0 {
            return;
        }
        self.start(root);
        let mut path = vec![(root, needs(root).into_iter())];
        while let Some((index, rest)) = path.last_mut() {
            let index = *index;
            match rest.next() {
                Some(other) if self.state[other].visited == 0 => {
                    self.start(other);
                    path.push((other, needs(other).into_iter()));
                }
                Some(other) => {
                    self.state[index].needs_itself |= other == index;
                    if self.state[other].open {
                        self.reaches(index, self.state[other].visited);
                    }
                }
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.reaches(*parent, self.state[index].oldest);
                    }
                    self.close(index);
                }
            }
        }
    }

    fn reaches(&mut self, index: usize, oldest: usize) {
        let state = &mut self.state[index];
        state.oldest = state.oldest.min(oldest);
    }

    /// Everything that `index` reaches has been visited: if it is the oldest of its knot, that is
    /// complete.
    fn close(&mut self, index: usize) {
        if self.state[index].oldest < self.state[index].visited {
            return;
        }
        let mut members = Vec::new();
        while let Some(member) = self.open.pop() {
            self.state[member].open = false;
            members.push(member);
            if member == index {
                break;
            }
        }
        let knot = members.len() > 1 || self.state[index].needs_itself;
        self.groups.push(if knot {
            BindingGroup::Recursive(members)
        } else {
            BindingGroup::Single(index)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(edges: &[&[usize]], roots: &[usize]) -> Vec<BindingGroup> {
        let mut search = TarjanSearch {
            state: vec![NodeState::default(); edges.len()],
            next: 1,
            open: Vec::new(),
            groups: Vec::new(),
        };
        for &root in roots {
            search.visit(root, |index| edges[index].to_vec());
        }
        search.groups
    }

    #[test]
    fn a_binding_comes_after_what_it_needs() {
        assert_eq!(groups(&[&[1], &[2], &[]], &[0]), [2, 1, 0].map(BindingGroup::Single));
    }

    #[test]
    fn what_is_not_needed_is_left_out() {
        assert_eq!(groups(&[&[], &[0], &[]], &[2]), [BindingGroup::Single(2)]);
    }

    #[test]
    fn bindings_that_need_each_other_are_a_knot() {
        let found = groups(&[&[1], &[2, 3], &[1], &[3]], &[0]);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], BindingGroup::Recursive(vec![3]));
        assert!(matches!(&found[1], BindingGroup::Recursive(m) if m.len() == 2));
        assert_eq!(found[2], BindingGroup::Single(0));
    }
}

//! Lets: the bindings that a body needs, in an order in which they can be made.
//!
//! The lets of a body are mutually recursive. The needed bindings are the strongly connected
//! components of their reference graph that the body reaches, in an order in which each component
//! follows those that it refers to. The components are found by Tarjan's algorithm with an explicit
//! stack, because a body from outside may have chains of any length.

use super::body::{BodyNode, read_node};
use plan::raw::{Kind, Memory, Word};

/// A strongly connected component of the bindings, by their indices.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BindingGroup {
    /// A binding that does not refer to itself.
    Single(usize),
    /// Bindings that refer to each other, or one that refers to itself.
    Recursive(Vec<usize>),
}

/// The values that a body's lets bind, and the expression below the lets.
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

/// The bindings that an expression refers to, each once, in the order of their first mention.
fn referenced_bindings(heap: &Memory, arity: u64, count: usize, node: Word) -> Vec<usize> {
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

/// The groups of the bindings that `body` needs; each group comes after those that it needs.
pub(crate) fn order(heap: &Memory, arity: u64, values: &[Word], body: Word) -> Vec<BindingGroup> {
    if values.is_empty() {
        return Vec::new();
    }
    let mut search = TarjanSearch {
        state: vec![NodeState::default(); values.len()],
        next: 1,
        stack: Vec::new(),
        groups: Vec::new(),
    };
    let needs = |node| referenced_bindings(heap, arity, values.len(), node);
    for root in needs(body) {
        search.visit(root, |index| needs(values[index]));
    }
    search.groups
}

#[derive(Clone, Default)]
struct NodeState {
    /// The number of the visit; 0 before it.
    visit: usize,
    /// The smallest visit number of a binding on the stack that it is known to reach.
    low_link: usize,
    on_stack: bool,
    refers_to_itself: bool,
}

struct TarjanSearch {
    state: Vec<NodeState>,
    next: usize,
    stack: Vec<usize>,
    groups: Vec<BindingGroup>,
}

impl TarjanSearch {
    fn start(&mut self, index: usize) {
        let state = &mut self.state[index];
        state.visit = self.next;
        state.low_link = self.next;
        state.on_stack = true;
        self.next += 1;
        self.stack.push(index);
    }

    fn visit(&mut self, root: usize, needs: impl Fn(usize) -> Vec<usize>) {
        if self.state[root].visit > 0 {
            return;
        }
        self.start(root);
        let mut path = vec![(root, needs(root).into_iter())];
        while let Some((index, rest)) = path.last_mut() {
            let index = *index;
            match rest.next() {
                Some(other) if self.state[other].visit == 0 => {
                    self.start(other);
                    path.push((other, needs(other).into_iter()));
                }
                Some(other) => {
                    self.state[index].refers_to_itself |= other == index;
                    if self.state[other].on_stack {
                        self.lower_link(index, self.state[other].visit);
                    }
                }
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.lower_link(*parent, self.state[index].low_link);
                    }
                    self.finish(index);
                }
            }
        }
    }

    fn lower_link(&mut self, index: usize, low_link: usize) {
        let state = &mut self.state[index];
        state.low_link = state.low_link.min(low_link);
    }

    /// Finishes a binding: everything that it reaches has been visited. If it was the first of its
    /// component to be visited, the component is complete.
    fn finish(&mut self, index: usize) {
        if self.state[index].low_link < self.state[index].visit {
            return;
        }
        let mut members = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.state[member].on_stack = false;
            members.push(member);
            if member == index {
                break;
            }
        }
        let is_recursive = members.len() > 1 || self.state[index].refers_to_itself;
        self.groups.push(if is_recursive {
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
            stack: Vec::new(),
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
    fn bindings_that_are_not_needed_are_left_out() {
        assert_eq!(groups(&[&[], &[0], &[]], &[2]), [BindingGroup::Single(2)]);
    }

    #[test]
    fn bindings_that_need_each_other_are_one_group() {
        let found = groups(&[&[1], &[2, 3], &[1], &[3]], &[0]);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], BindingGroup::Recursive(vec![3]));
        assert!(matches!(&found[1], BindingGroup::Recursive(m) if m.len() == 2));
        assert_eq!(found[2], BindingGroup::Single(0));
    }
}

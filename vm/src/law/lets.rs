//! [`BindingGroup`]: the lets that a body needs, in an order in which they can be made.
//!
//! The lets of a body are mutually recursive. The needed lets are the strongly connected components
//! of their reference graph that the result reaches, in an order in which each component follows
//! those that it refers to. The components are found by Tarjan's algorithm with an explicit stack,
//! because a body from outside may have chains of any length.

use super::body::AnalysedLaw;
use plan::Ref;

/// A strongly connected component of the bindings, by their indices.
#[derive(Debug, PartialEq, Eq)]
pub enum BindingGroup {
    /// A binding that does not refer to itself.
    Single(usize),
    /// Bindings that refer to each other, or one that refers to itself.
    Recursive(Vec<usize>),
}

impl<'h> AnalysedLaw<'h> {
    /// Returns the groups of the lets that the result needs; each group comes after those that it
    /// needs.
    pub fn binding_groups(&self) -> Vec<BindingGroup> {
        let lets = self.lets();
        if lets.is_empty() {
            return Vec::new();
        }
        let mut search = TarjanSearch::new(lets.len());
        let mut mentions = LetMentions { law: self, last: vec![0; lets.len()], count: 0 };
        for root in mentions.of(self.result()) {
            search.visit(root, |index| mentions.of(lets[index]));
        }
        search.groups
    }
}

/// Finds the lets that expressions refer to, in time that does not depend on the number of lets.
struct LetMentions<'l, 'h> {
    law: &'l AnalysedLaw<'h>,
    /// For each let the number of the expression that mentioned it last; 0 before any did.
    last: Vec<usize>,
    /// The number of expressions visited.
    count: usize,
}

impl<'h> LetMentions<'_, 'h> {
    /// The lets that an expression refers to, each once, in the order of their first mention.
    fn of(&mut self, expression: Ref<'h>) -> Vec<usize> {
        self.count += 1;
        let mut found = Vec::new();
        // Without a size limit, the visit is complete.
        let _ = self.law.visit_references(expression, usize::MAX, |reference| {
            if let Some(index) = self.law.let_index(reference)
                && std::mem::replace(&mut self.last[index], self.count) != self.count
            {
                found.push(index);
            }
        });
        found
    }
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
    fn new(bindings: usize) -> TarjanSearch {
        let state = vec![NodeState::default(); bindings];
        TarjanSearch { state, next: 1, stack: Vec::new(), groups: Vec::new() }
    }

    fn start(&mut self, index: usize) {
        let state = &mut self.state[index];
        state.visit = self.next;
        state.low_link = self.next;
        state.on_stack = true;
        self.next += 1;
        self.stack.push(index);
    }

    fn visit(&mut self, root: usize, mut needs: impl FnMut(usize) -> Vec<usize>) {
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
        let mut search = TarjanSearch::new(edges.len());
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

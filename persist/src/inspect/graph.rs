//! Which pin refers to which, in the order of the journal.

use std::collections::HashMap;

use crate::Hash;
use crate::journal::Place;

struct Node {
    hash: Hash,
    place: Option<Place>,
    /// Bytes of the payload.
    bytes: u64,
    /// Where its edges end; they begin where those of the node before it end.
    edges_end: usize,
    is_bad: bool,
}

/// All pins by number, counted from 0. One that is only referred to, and missing, is there too.
#[derive(Default)]
pub(super) struct Graph {
    numbers: HashMap<Hash, usize>,
    nodes: Vec<Node>,
    edges: Vec<usize>,
}

impl Graph {
    /// Adds a pin; gives an edge that is not there yet, if there is one. A second pin of the same hash
    /// counts as nothing but bytes.
    pub(super) fn add(
        &mut self,
        hash: Hash,
        edges: &[Hash],
        place: Option<Place>,
        bytes: u64,
    ) -> Option<Hash> {
        let mut missing = None;
        let mut numbers = Vec::with_capacity(edges.len());
        for edge in edges {
            if !self.numbers.contains_key(edge) {
                missing = missing.or(Some(*edge));
                self.push(*edge, None, 0, true);
            }
            numbers.push(self.numbers[edge]);
        }
        self.edges.extend(numbers);
        self.push(hash, place, bytes, false);
        missing
    }

    fn push(&mut self, hash: Hash, place: Option<Place>, bytes: u64, is_bad: bool) {
        // A missing node is pushed before the edges of the node that names it are.
        self.numbers.entry(hash).or_insert(self.nodes.len());
        self.nodes.push(Node { hash, place, bytes, edges_end: self.edges.len(), is_bad });
    }

    pub(super) fn find(&self, hash: &Hash) -> Option<usize> {
        self.numbers.get(hash).copied()
    }

    pub(super) fn place(&self, pin: usize) -> Option<Place> {
        self.nodes[pin].place
    }

    pub(super) fn bytes(&self, pin: usize) -> u64 {
        self.nodes[pin].bytes
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Notes that a pin is damaged.
    pub(super) fn mark_bad(&mut self, hash: &Hash) {
        if let Some(pin) = self.find(hash) {
            self.nodes[pin].is_bad = true;
        }
    }

    /// The pins that one reaches, itself included: a flag for each.
    pub(super) fn reach(&self, root: usize) -> Vec<bool> {
        let mut reached = vec![false; self.nodes.len()];
        let mut todo = vec![root];
        while let Some(pin) = todo.pop() {
            if std::mem::replace(&mut reached[pin], true) {
                continue;
            }
            let begin = pin.checked_sub(1).map_or(0, |before| self.nodes[before].edges_end);
            todo.extend(&self.edges[begin..self.nodes[pin].edges_end]);
        }
        reached
    }

    /// A damaged or missing pin that one reaches.
    pub(super) fn first_bad(&self, root: usize) -> Option<Hash> {
        let reached = self.reach(root);
        let bad = self.nodes.iter().zip(reached).find(|(node, reached)| node.is_bad && *reached);
        bad.map(|(node, _)| node.hash)
    }
}

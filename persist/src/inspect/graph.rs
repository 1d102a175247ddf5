//! Which pin refers to which, in the order of the catalogue.

use std::collections::HashMap;

use crate::Hash;
use crate::space::Entry;
use crate::space::ranges::Ranges;

struct Node {
    /// None of one that is only referred to.
    hash: Option<Hash>,
    address: u64,
    bytes: u64,
    /// Where its edges end; they begin where those of the node before it end.
    edges_end: usize,
    is_bad: bool,
}

/// All pins by number, counted from 0. One that is only referred to, and missing, is there too.
#[derive(Default)]
pub(crate) struct Graph {
    numbers: HashMap<u64, usize>,
    nodes: Vec<Node>,
    edges: Vec<usize>,
}

impl Graph {
    /// Adds a pin; gives the address of one that it refers to and that is not there yet, if there is
    /// one.
    pub(crate) fn add(&mut self, entry: &Entry) -> Option<u64> {
        let mut missing = None;
        let mut numbers = Vec::with_capacity(entry.edges.len());
        for edge in &entry.edges {
            if !self.numbers.contains_key(edge) {
                missing = missing.or(Some(*edge));
                self.push(None, *edge, 0);
            }
            numbers.push(self.numbers[edge]);
        }
        self.edges.extend(numbers);
        self.push(Some(entry.hash), entry.address, entry.bytes);
        missing
    }

    fn push(&mut self, hash: Option<Hash>, address: u64, bytes: u64) {
        // A missing node is pushed before the edges of the node that names it are.
        self.numbers.insert(address, self.nodes.len());
        let (edges_end, is_bad) = (self.edges.len(), hash.is_none());
        self.nodes.push(Node { hash, address, bytes, edges_end, is_bad });
    }

    /// Forgets all pins at these addresses. They keep their numbers, and are none.
    pub(crate) fn remove_all(&mut self, free: &Ranges) {
        for node in self.nodes.iter_mut().filter(|node| free.contains(node.address)) {
            if node.hash.take().is_some() {
                self.numbers.remove(&node.address);
                (node.bytes, node.is_bad) = (0, false);
            }
        }
    }

    pub(crate) fn find(&self, address: u64) -> Option<usize> {
        self.numbers.get(&address).copied()
    }

    /// The pin's hash and address; none of one that is missing.
    pub(crate) fn pin(&self, pin: usize) -> Option<(Hash, u64)> {
        self.nodes[pin].hash.map(|hash| (hash, self.nodes[pin].address))
    }

    pub(crate) fn address(&self, pin: usize) -> u64 {
        self.nodes[pin].address
    }

    pub(crate) fn bytes(&self, pin: usize) -> u64 {
        self.nodes[pin].bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Notes that a pin is damaged.
    pub(crate) fn mark_bad(&mut self, pin: usize) {
        self.nodes[pin].is_bad = true;
    }

    fn edges(&self, pin: usize) -> &[usize] {
        let begin = pin.checked_sub(1).map_or(0, |before| self.nodes[before].edges_end);
        &self.edges[begin..self.nodes[pin].edges_end]
    }

    /// Whether a pin refers to a damaged or missing one.
    pub(crate) fn has_bad_edge(&self, pin: usize) -> bool {
        self.edges(pin).iter().any(|edge| self.nodes[*edge].is_bad)
    }

    /// The pins that one reaches, itself included: a flag for each.
    pub(crate) fn reach(&self, root: usize) -> Vec<bool> {
        let mut reached = vec![false; self.nodes.len()];
        let mut todo = vec![root];
        while let Some(pin) = todo.pop() {
            if !std::mem::replace(&mut reached[pin], true) {
                todo.extend(self.edges(pin));
            }
        }
        reached
    }

    /// A damaged or missing pin that one reaches: in words.
    pub(crate) fn first_bad(&self, root: usize) -> Option<String> {
        let reached = self.reach(root);
        let mut bad =
            self.nodes.iter().zip(reached).filter(|(node, reached)| node.is_bad && *reached);
        let (node, _) = bad.next()?;
        Some(match node.hash {
            Some(hash) => vm::Hash(hash).to_string(),
            None => format!("at {:#x}", node.address),
        })
    }
}

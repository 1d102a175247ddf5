//! The graph of pins and their edges, in the order of the catalogue.

use foldhash::HashMap;

use super::address_ranges::AddressRanges;
use super::catalogue::CatalogueEntry;
use crate::types::PinHash;

/// A node of the graph.
struct PinNode {
    /// `None` if other pins refer to this one but the catalogue does not contain it.
    hash: Option<PinHash>,
    address: u64,
    bytes: u64,
    /// The end of the node's edges in [`PinGraph::edges`]. They begin where those of the previous
    /// node end.
    edges_end: usize,
    is_bad: bool,
}

/// All pins by number, live from 0. A missing pin that others refer to has a number too.
#[derive(Default)]
pub(crate) struct PinGraph {
    numbers: HashMap<u64, usize>,
    nodes: Vec<PinNode>,
    edges: Vec<usize>,
}

impl PinGraph {
    /// Adds a pin. Returns the address of an edge whose pin has not been added, if there is one.
    pub(crate) fn add(&mut self, entry: &CatalogueEntry) -> Option<u64> {
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

    fn push(&mut self, hash: Option<PinHash>, address: u64, bytes: u64) {
        // A missing node is pushed before the edges of the node that names it are.
        self.numbers.insert(address, self.nodes.len());
        let (edges_end, is_bad) = (self.edges.len(), hash.is_none());
        self.nodes.push(PinNode { hash, address, bytes, edges_end, is_bad });
    }

    /// Removes all pins whose address is in `free`. Their numbers stay in use, as empty nodes.
    pub(crate) fn remove_all(&mut self, free: &AddressRanges) {
        for node in self.nodes.iter_mut().filter(|node| free.contains(node.address)) {
            if node.hash.take().is_some() {
                self.numbers.remove(&node.address);
                (node.bytes, node.is_bad) = (0, false);
            }
        }
    }

    /// Returns the number of the pin at an address.
    pub(crate) fn find(&self, address: u64) -> Option<usize> {
        self.numbers.get(&address).copied()
    }

    /// Returns the hash and address of a pin; `None` if it is missing.
    pub(crate) fn pin(&self, pin: usize) -> Option<(PinHash, u64)> {
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

    /// Marks a pin as damaged.
    pub(crate) fn mark_bad(&mut self, pin: usize) {
        self.nodes[pin].is_bad = true;
    }

    fn edges(&self, pin: usize) -> &[usize] {
        let begin = pin.checked_sub(1).map_or(0, |before| self.nodes[before].edges_end);
        &self.edges[begin..self.nodes[pin].edges_end]
    }

    /// Whether a pin has an edge to a damaged or missing one.
    pub(crate) fn has_bad_edge(&self, pin: usize) -> bool {
        self.edges(pin).iter().any(|edge| self.nodes[*edge].is_bad)
    }

    /// Returns a flag per pin: whether `root` reaches it. `root` reaches itself.
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

    /// Describes a damaged or missing pin that `root` reaches, if there is one.
    pub(crate) fn first_bad(&self, root: usize) -> Option<String> {
        let reached = self.reach(root);
        let mut bad =
            self.nodes.iter().zip(reached).filter(|(node, reached)| node.is_bad && *reached);
        let (node, _) = bad.next()?;
        Some(match node.hash {
            Some(hash) => plan::Hash(hash).to_string(),
            None => format!("at {:#x}", node.address),
        })
    }
}

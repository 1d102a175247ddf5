//! Writes graphs as bytes.

use super::bits::BitWriter;
use super::graph::{Graph, LEAF, NodeId};
use std::borrow::Cow;

/// The reference numbers of nodes; [`LEAF`] for a node that has none yet.
type References = Vec<u32>;

/// The order of big nats in the output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BigOrder {
    /// The order of the seeds that the prototype writes to files.
    Files,
    /// The order of the laws `_SaveSeed` and `_SaveGerm`: from the greatest to the least.
    Laws,
}

/// Writes a graph. See the module `seed` for the format.
pub(super) fn write(graph: Graph<'_>, order: BigOrder) -> Vec<u8> {
    let Graph { nodes, holes, words, bigs, .. } = graph;
    let mut bigs: Vec<(Cow<'_, [u64]>, NodeId)> = bigs.into_iter().collect();
    bigs.sort_unstable_by(|(a, _), (b, _)| order.compare(a, b));
    let mut words: Vec<(u64, NodeId)> = words.into_iter().collect();
    words.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
    let (words, bytes) = words.split_at(words.partition_point(|&(word, _)| word > 0xff));

    let leaves: Vec<NodeId> = (0..holes)
        .chain(bigs.iter().map(|(_, node)| *node))
        .chain(words.iter().chain(bytes).map(|(_, node)| *node))
        .collect();
    let fragments = fragments(&nodes);

    let counts = [holes as usize, bigs.len(), words.len(), bytes.len(), fragments.len()];
    let limbs: usize = bigs.iter().map(|(limbs, _)| limbs.len()).sum();
    let size = 8 * (counts.len() + bigs.len() + limbs + words.len()) + bytes.len();
    // A pair takes a few bits besides the references.
    let mut out: Vec<u8> = Vec::with_capacity(size + nodes.len() * 2 + 16);
    let mut put = |word: u64| out.extend_from_slice(&word.to_le_bytes());
    counts.into_iter().for_each(|count| put(count as u64));
    bigs.iter().for_each(|(limbs, _)| put(limbs.len() as u64));
    bigs.iter().for_each(|(limbs, _)| limbs.iter().for_each(|limb| put(*limb)));
    words.iter().for_each(|(word, _)| put(*word));
    out.extend(bytes.iter().map(|(byte, _)| *byte as u8));

    let mut out = write_fragments(&nodes, &leaves, &fragments, BitWriter::after(out));
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

impl BigOrder {
    /// More limbs come first, then the greater highest limb. Among nats that have both in common,
    /// files have the smaller one first, and laws the greater one.
    fn compare(self, a: &[u64], b: &[u64]) -> std::cmp::Ordering {
        let highest = |limbs: &[u64]| limbs.last().copied();
        let order = b.len().cmp(&a.len()).then_with(|| highest(b).cmp(&highest(a)));
        order.then_with(|| match self {
            BigOrder::Files => a.iter().rev().cmp(b.iter().rev()),
            BigOrder::Laws => b.iter().rev().cmp(a.iter().rev()),
        })
    }
}

/// Returns the nodes that are written as fragments, in the order of completion: the last one, which
/// is the value, and the pairs that occur in more than one place.
fn fragments(nodes: &[(NodeId, NodeId)]) -> Vec<NodeId> {
    let mut uses = vec![0u8; nodes.len()];
    let pairs = nodes.iter().filter(|pair| pair.0 != LEAF);
    for node in pairs.flat_map(|&(function, argument)| [function, argument]) {
        let uses = &mut uses[node as usize];
        *uses = uses.saturating_add(1);
    }
    if let Some(value) = uses.last_mut() {
        *value = 2;
    }
    let numbered = (0..).zip(nodes.iter().zip(uses));
    let shared = numbered.filter(|(_, (pair, uses))| pair.0 != LEAF && *uses > 1);
    shared.map(|(node, _)| node).collect()
}

fn write_fragments(
    nodes: &[(NodeId, NodeId)],
    leaves: &[NodeId],
    fragments: &[NodeId],
    mut out: BitWriter,
) -> Vec<u8> {
    let mut references: References = vec![LEAF; nodes.len()];
    for (number, &leaf) in (0..).zip(leaves) {
        references[leaf as usize] = number;
    }
    for (number, &fragment) in (leaves.len() as u32..).zip(fragments) {
        write_fragment(nodes, &references, fragment, number, &mut out);
        references[fragment as usize] = number;
    }
    out.finish()
}

/// Writes the tree of a fragment, which can use the first `known` references.
fn write_fragment(
    nodes: &[(NodeId, NodeId)],
    references: &References,
    fragment: NodeId,
    known: u32,
    out: &mut BitWriter,
) {
    let width = reference_bits(known as usize);
    let (function, argument) = nodes[fragment as usize];
    let mut pending = vec![argument, function];
    let mut pairs = 0;
    while let Some(node) = pending.pop() {
        let reference = references[node as usize];
        if reference == LEAF {
            let (function, argument) = nodes[node as usize];
            pending.extend([argument, function]);
            pairs += 1;
            continue;
        }
        out.put_ones(pairs);
        pairs = 0;
        out.put(u64::from(reference) << 1, 1 + width);
    }
}

/// Returns the number of bits that a reference to one of `known` nodes takes; `known` is at least
/// 1.
pub(super) fn reference_bits(known: usize) -> u32 {
    usize::BITS - (known - 1).leading_zeros()
}

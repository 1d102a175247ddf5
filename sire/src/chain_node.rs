//! Command chains: several commands of one rune in one block, each the heir of the one before it.

use crate::rex_value::RexView;
use crate::session::Session;
use plan::{Natural, Val};
use rex::NodeShape;

/// A node of a command chain: nodes of the same rune, each the heir of the one before it.
pub(crate) struct ChainNode {
    pub(crate) shape: NodeShape,
    pub(crate) sons: Vec<Val>,
    /// The heir, if it is not the next node of the chain.
    pub(crate) heir: Option<Val>,
    /// The next node of the chain.
    pub(crate) next: Option<Val>,
}

/// Reads a node of a command chain. Returns `None` for a tree without this rune.
pub(crate) fn chain_node(session: &Session, rune: &Natural, rex: &Val) -> Option<ChainNode> {
    let RexView::Node { shape, rune: found, sons, heir } = RexView::of(&session.vm, rex) else {
        return None;
    };
    if found != *rune {
        return None;
    }
    let continues = |heir: &Val| match RexView::of(&session.vm, heir) {
        RexView::Node { rune: next_rune, .. } => next_rune == *rune,
        _ => false,
    };
    Some(match heir {
        Some(heir) if continues(&heir) => ChainNode { shape, sons, heir: None, next: Some(heir) },
        heir => ChainNode { shape, sons, heir, next: None },
    })
}

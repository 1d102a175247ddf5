//! [`PrintedPart`]: the printed form of a node, while the tree of a term is assembled.

use rex::Rex;

/// The printed form of a node.
pub(super) enum PrintedPart {
    /// One tree.
    One(Rex),
    /// The function and arguments of an app, to be written among others.
    Parts(Vec<Rex>),
}

impl PrintedPart {
    /// The part as one tree.
    pub(super) fn one(self) -> Rex {
        match self {
            PrintedPart::One(rex) => rex,
            PrintedPart::Parts(parts) => Rex::open("|", parts),
        }
    }

    /// The part as trees that can be written among others.
    pub(super) fn parts(self) -> Vec<Rex> {
        match self {
            PrintedPart::One(rex) => vec![rex],
            PrintedPart::Parts(parts) => parts,
        }
    }
}

//! [`BoxLayout`]: deciding which parts of a term go on one line, and making the tree.
//!
//! Every node is a box (see `size`). The first pass computes widths from the leaves to the root.
//! The second decides from the root to the leaves: a box that fits goes on one line with everything
//! in it; the children of one that does not are decided separately. The trees are then assembled
//! from the leaves to the root. (prototype: lib/Loot/Syntax.hs)
//!
//! A block within [`MAX_DEPTH`] others goes on one line even if it does not fit, because each level
//! is indented. A block that continues another one at the same indentation, as the body of a law
//! does, is no level.
//!
//! Values within a Rex tree are always decided separately, and the width of the tree is that of its
//! printed form. So these trees are made in the first pass.

use super::Symbol;
use super::leaf::{self, LeafBox};
use super::limit::PrintBudget;
use super::names::LawNames;
use super::part::PrintedPart;
use super::size::{BoxSize, application, rotation};
use super::term::{PrintTerm, TermNode};
use plan::Map;
use rex::Rex;
use smallvec::SmallVec;

/// The greatest number of blocks around a block, each of which indents it. Blocks nested deeper go
/// on one line. The prototype indents without a bound.
pub const MAX_DEPTH: u8 = 127;

const _: () = assert!(MAX_DEPTH as usize * rex::print::BLOCK_INDENT < rex::print::MAX_COLUMN);

/// Rex trees within values within Rex trees that are nested deeper than this do not fit on a line,
/// because each takes two characters.
const MAX_TREE_DEPTH: usize = 32;

/// The largest number of nodes of a term whose leaves are kept from measuring to assembly; in a
/// larger term they would take too much memory, and are made twice.
const MAX_LEAVES: usize = 1 << 16;

/// A term with the names and sizes of its parts.
pub(super) struct BoxLayout<'t, 'h> {
    pub(super) term: &'t PrintTerm<'h>,
    pins: &'t [Symbol],
    laws: &'t [LawNames],
    sizes: Vec<BoxSize>,
    /// The requests of the parents, by node.
    asked: Vec<ParentRequest>,
    /// The number of blocks around each node that indent it.
    depths: Vec<u8>,
    budget: &'t PrintBudget<'t>,
    /// The Rex trees that have been measured and not used yet, by their nodes.
    pub(super) trees: Map<usize, Rex>,
    /// The leaves that have been measured and not used yet, unless the term is large.
    leaves: Vec<Option<LeafBox>>,
}

/// The form that a parent requests of a box.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ParentRequest {
    /// One line.
    Line,
    /// One line if it fits.
    Free,
    /// One line if it fits, but as an open application.
    Open,
    /// The function and the arguments as separate trees.
    Parts,
}

/// The form of a box.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxForm {
    /// One line.
    Line,
    /// One line, as an open application.
    Opened,
    /// Several lines.
    Tall,
    /// The function and the arguments as separate trees.
    Parts,
}

impl<'t, 'h> BoxLayout<'t, 'h> {
    pub(super) fn new(
        term: &'t PrintTerm<'h>,
        pins: &'t [Symbol],
        laws: &'t [LawNames],
        budget: &'t PrintBudget<'t>,
    ) -> Self {
        let count = term.nodes.len();
        let mut layout = BoxLayout {
            term,
            pins,
            laws,
            sizes: vec![BoxSize::NEVER; count],
            asked: vec![ParentRequest::Free; count],
            depths: vec![0; count],
            budget,
            trees: Map::default(),
            leaves: Vec::new(),
        };
        if count <= MAX_LEAVES {
            layout.leaves.resize_with(count, || None);
        }
        layout.measure();
        layout
    }

    /// The tree of the node at that index. It can be made only once, because it takes the measured
    /// parts. If printing is interrupted, it is the tree `(...)`.
    pub(super) fn render(&mut self, root: usize) -> Rex {
        self.asked[root] = ParentRequest::Free;
        self.depths[root] = 0;
        let mut plan = Vec::new();
        let mut index = root;
        while index < self.term.ends[root] && !self.budget.poll() {
            let form = self.decide(index);
            plan.push((index, form));
            if matches!(self.term.nodes[index], TermNode::Tree) {
                index = self.term.ends[index];
            } else {
                self.ask_children(index, form);
                index += 1;
            }
        }
        // Backwards, the printed children of a node are on top, the first child uppermost.
        let mut printed = Vec::new();
        for (index, form) in plan.into_iter().rev() {
            if self.budget.poll() {
                return leaf::elided().line;
            }
            let part = self.assemble(index, form, &mut printed);
            printed.push(part);
        }
        printed.pop().map_or_else(|| leaf::elided().line, PrintedPart::one)
    }

    pub(super) fn sizes_of_children(&self, index: usize) -> SmallVec<[BoxSize; 8]> {
        self.term.children(index).map(|child| self.sizes[child]).collect()
    }
}

/// The contents of nodes.
impl BoxLayout<'_, '_> {
    pub(super) fn take_leaf(&mut self, index: usize) -> Option<LeafBox> {
        let measured = self.leaves.get_mut(index).and_then(Option::take);
        measured.or_else(|| self.leaf(index))
    }

    fn leaf(&self, index: usize) -> Option<LeafBox> {
        Some(match &self.term.nodes[index] {
            TermNode::Nat(nat) => leaf::nat(*nat),
            TermNode::Key(nat) => leaf::key(*nat),
            TermNode::Bar(bytes) => leaf::bar(bytes),
            TermNode::Constructor(width) => leaf::constructor(width),
            TermNode::Elided => leaf::elided(),
            TermNode::Pin(pin) => leaf::reference(&self.pins[*pin]),
            TermNode::Variable { law, number } => leaf::reference(self.variable(*law, *number)),
            _ => return None,
        })
    }

    pub(super) fn variable(&self, law: usize, number: u64) -> &Symbol {
        &self.laws[law][number as usize]
    }

    /// The head of a law, which is written before its body.
    pub(super) fn head(&self, law: usize) -> LeafBox {
        let facts = &self.term.laws[law];
        let names = &self.laws[law];
        let args = &names[1..=facts.arity as usize];
        if facts.is_anonymous() {
            leaf::parameters(args)
        } else {
            leaf::signature(&names[0], &facts.name.into(), args)
        }
    }

    pub(super) fn law_rune(&self, law: usize) -> &'static str {
        if self.term.laws[law].is_anonymous() { "&" } else { "?" }
    }

    /// Whether a law is written `a&b` on one line.
    pub(super) fn is_shut(&self, index: usize, law: usize) -> bool {
        let facts = &self.term.laws[law];
        let body = &self.term.nodes[index + 1];
        let is_simple =
            matches!(body, TermNode::Variable { .. } | TermNode::Nat(_) | TermNode::Constructor(_));
        facts.is_anonymous() && facts.arity == 1 && is_simple
    }

    /// Whether a value of a table is a pin with the name of its key.
    fn is_namesake(&self, key: usize, value: usize) -> bool {
        match (&self.term.nodes[key], &self.term.nodes[value]) {
            (TermNode::Key(key), TermNode::Pin(pin)) => Symbol::from(*key) == self.pins[*pin],
            _ => false,
        }
    }

    /// For each pair of a table, whether the value is a pin with the name of the key.
    pub(super) fn namesakes(&self, index: usize) -> Vec<bool> {
        let children: Vec<usize> = self.term.children(index).collect();
        children.chunks_exact(2).map(|pair| self.is_namesake(pair[0], pair[1])).collect()
    }
}

/// Widths.
impl BoxLayout<'_, '_> {
    fn measure(&mut self) {
        // Rex trees, the last first: the index of each, and the depth of other trees nested in it.
        let mut trees: Vec<(usize, usize)> = Vec::new();
        for index in (0..self.term.nodes.len()).rev() {
            if self.budget.poll() {
                return;
            }
            if !matches!(self.term.nodes[index], TermNode::Tree) {
                self.sizes[index] = self.size(index);
                continue;
            }
            let end = self.term.ends[index];
            let mut depth = 0;
            while let Some((_, inner)) = trees.pop_if(|&mut (start, _)| start < end) {
                depth = depth.max(inner + 1);
            }
            trees.push((index, depth));
            let tree = Rex::prefix("`", self.render(index + 1));
            let can_fit = depth < MAX_TREE_DEPTH;
            let width = if can_fit { rex::print::width(&tree) } else { usize::MAX };
            self.sizes[index] = BoxSize::new(width);
            self.trees.insert(index, tree);
        }
    }

    fn size(&mut self, index: usize) -> BoxSize {
        if let Some(leaf) = self.leaf(index) {
            let size = leaf.size;
            if let Some(place) = self.leaves.get_mut(index) {
                *place = Some(leaf);
            }
            return size;
        }
        let parts = self.sizes_of_children(index);
        match &self.term.nodes[index] {
            TermNode::App | TermNode::Call => application(&parts).1,
            TermNode::Row => BoxSize::of(&parts, 1 + parts.len()),
            TermNode::Set => BoxSize::of(&parts, 2),
            TermNode::Tab => self.size_of_table(index, &parts),
            TermNode::Law(law) => {
                let runes = if self.is_shut(index, *law) { 1 } else { 5 };
                BoxSize::of(&[self.head(*law).size, parts[0]], runes)
            }
            TermNode::Let { law, number } => {
                let name = leaf::reference(self.variable(*law, *number));
                BoxSize::of(&[name.size, parts[0], parts[1]], 5)
            }
            TermNode::Quote(rune) => BoxSize::of(&parts, rune.len()),
            TermNode::QuotedApp(rune) => BoxSize::of(&parts, rune.len() * (parts.len() - 1)),
            // Parts of a Rex tree: only the whole tree has a width.
            _ => BoxSize::NEVER,
        }
    }

    fn size_of_table(&self, index: usize, parts: &[BoxSize]) -> BoxSize {
        if parts.is_empty() {
            return BoxSize::new(2);
        }
        let mut written = Vec::with_capacity(parts.len());
        for (pair, is_namesake) in parts.chunks_exact(2).zip(self.namesakes(index)) {
            written.extend(if is_namesake { &pair[..1] } else { pair });
        }
        BoxSize::of(&written, 1 + parts.len())
    }
}

/// Decisions, from the root to the leaves.
impl BoxLayout<'_, '_> {
    fn decide(&self, index: usize) -> BoxForm {
        let fits = self.sizes[index].fits();
        match self.asked[index] {
            ParentRequest::Line => BoxForm::Line,
            ParentRequest::Free if fits => BoxForm::Line,
            ParentRequest::Open if fits => BoxForm::Opened,
            _ if self.depths[index] == MAX_DEPTH && !self.is_part_of_tree(index) => BoxForm::Line,
            ParentRequest::Free | ParentRequest::Open => BoxForm::Tall,
            ParentRequest::Parts => BoxForm::Parts,
        }
    }

    fn is_part_of_tree(&self, index: usize) -> bool {
        matches!(
            self.term.nodes[index],
            TermNode::TreeBranch { .. } | TermNode::TreeLeaf { .. } | TermNode::TreeValue(_)
        )
    }

    fn ask_children(&mut self, index: usize, form: BoxForm) {
        let children: SmallVec<[usize; 8]> = self.term.children(index).collect();
        let Some(&last) = children.last() else { return };
        let ask = if matches!(form, BoxForm::Line | BoxForm::Opened) {
            ParentRequest::Line
        } else {
            ParentRequest::Free
        };
        // The parts of an app among others are at the depth of the app.
        let levels = if form == BoxForm::Tall { 1 } else { 0 };
        let depth = self.depths[index].saturating_add(levels).min(MAX_DEPTH);
        for &child in &children {
            self.asked[child] = ask;
            self.depths[child] = depth;
        }
        if form != BoxForm::Tall {
            return;
        }
        if let Some(heir) = self.heir(index, &children) {
            self.depths[heir] = self.depths[index];
        }
        match &self.term.nodes[index] {
            TermNode::App | TermNode::Call => self.ask_parts_of_call(index, &children),
            TermNode::Let { .. } => self.asked[last] = ParentRequest::Open,
            TermNode::Row => children.iter().for_each(|&item| self.ask_for_parts(item)),
            TermNode::Tab => children.chunks_exact(2).for_each(|pair| self.ask_for_parts(pair[1])),
            _ => {}
        }
    }

    /// The child that continues a block of several lines at the same indentation.
    fn heir(&self, index: usize, children: &[usize]) -> Option<usize> {
        match self.term.nodes[index] {
            TermNode::App | TermNode::Call => match self.rotated(index) {
                Some(kept) => children.get(kept - 1).copied(),
                None => children.last().copied(),
            },
            TermNode::Law(_)
            | TermNode::Let { .. }
            | TermNode::TreeBranch { has_heir: true, .. }
            | TermNode::TreeLeaf { .. } => children.last().copied(),
            _ => None,
        }
    }

    fn ask_for_parts(&mut self, item: usize) {
        if matches!(self.term.nodes[item], TermNode::App) {
            self.asked[item] = ParentRequest::Parts;
        }
    }

    fn ask_parts_of_call(&mut self, index: usize, parts: &[usize]) {
        let Some(kept) = self.rotated(index) else {
            self.asked[parts[parts.len() - 1]] = ParentRequest::Open;
            return;
        };
        let sizes = self.sizes_of_children(index);
        if kept == 1 {
            return;
        }
        if application(&sizes[..kept]).1.fits() {
            parts[..kept].iter().for_each(|&part| self.asked[part] = ParentRequest::Line);
        } else {
            self.asked[parts[kept - 1]] = ParentRequest::Open;
        }
    }

    /// The number of parts that are not moved, if the last arguments of an application come first.
    pub(super) fn rotated(&self, index: usize) -> Option<usize> {
        match self.term.nodes[index] {
            TermNode::Call => rotation(&self.sizes_of_children(index)),
            _ => None,
        }
    }
}

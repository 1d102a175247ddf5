//! [`Layout`]: deciding what of a term goes on one line, and making the tree.
//!
//! Every node is a box (see `size`). Widths come up from the leaves; then, from the top, a box that
//! fits is put on one line with everything in it, and another is opened up, its children deciding
//! for themselves. The trees are made on the way back. (prototype: lib/Loot/Syntax.hs)
//!
//! Values within a Rex tree decide for themselves in any case, and the tree is as wide as it then
//! prints. So these are made when their width is asked for.

use super::Symbol;
use super::assemble::Piece;
use super::leaf::{self, LeafBox};
use super::names::LawNames;
use super::size::{Size, application, rotation};
use super::term::{Node, Term};
use plan::Map;
use rex::Rex;
use smallvec::SmallVec;

/// Rex trees within values within Rex trees, so many deep, do not fit on a line: two characters go
/// to each of them.
const MAX_TREE_DEPTH: usize = 32;

/// Leaves of terms of at most so many nodes are made once, when they are measured; in larger ones they
/// would take up memory.
const MAX_LEAVES: usize = 1 << 16;

/// A term with the names and sizes of its parts.
pub(super) struct Layout<'t, 'h> {
    pub(super) term: &'t Term<'h>,
    pins: &'t [Symbol],
    laws: &'t [LawNames],
    sizes: Vec<Size>,
    /// What the parents ask of the nodes.
    asked: Vec<Ask>,
    /// The Rex trees that have been measured, by their nodes, and not been used yet.
    pub(super) trees: Map<usize, Rex>,
    /// The leaves likewise, if there are not too many nodes.
    leaves: Vec<Option<LeafBox>>,
}

/// What a parent asks of a box.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// To be on one line.
    Line,
    /// To be as it likes.
    Free,
    /// To be as it likes, but open even if it fits on one line.
    Open,
    /// To be its function and its arguments, apart.
    Parts,
}

/// How a box is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Line,
    /// On one line, but open.
    Opened,
    Tall,
    /// Its function and its arguments, apart.
    Parts,
}

impl<'t, 'h> Layout<'t, 'h> {
    pub(super) fn new(term: &'t Term<'h>, pins: &'t [Symbol], laws: &'t [LawNames]) -> Self {
        let count = term.nodes.len();
        let mut layout = Layout {
            term,
            pins,
            laws,
            sizes: vec![Size::NEVER; count],
            asked: vec![Ask::Free; count],
            trees: Map::default(),
            leaves: Vec::new(),
        };
        if count <= MAX_LEAVES {
            layout.leaves.resize_with(count, || None);
        }
        layout.measure();
        layout
    }

    /// The tree for the part of the term at that index, which can be asked for once.
    pub(super) fn render(&mut self, root: usize) -> Rex {
        self.asked[root] = Ask::Free;
        let mut plan = Vec::new();
        let mut index = root;
        while index < self.term.ends[root] {
            let form = self.decide(index);
            plan.push((index, form));
            if matches!(self.term.nodes[index], Node::Tree) {
                index = self.term.ends[index];
            } else {
                self.ask_children(index, form);
                index += 1;
            }
        }
        // Going backwards, what the children of a node became is on top, the first uppermost.
        let mut pieces = Vec::new();
        for (index, form) in plan.into_iter().rev() {
            let piece = self.assemble(index, form, &mut pieces);
            pieces.push(piece);
        }
        pieces.pop().map(Piece::one).expect("the root became something")
    }

    pub(super) fn sizes_of_children(&self, index: usize) -> SmallVec<[Size; 8]> {
        self.term.children(index).map(|child| self.sizes[child]).collect()
    }
}

/// What the nodes are.
impl Layout<'_, '_> {
    pub(super) fn take_leaf(&mut self, index: usize) -> Option<LeafBox> {
        let measured = self.leaves.get_mut(index).and_then(Option::take);
        measured.or_else(|| self.leaf(index))
    }

    fn leaf(&self, index: usize) -> Option<LeafBox> {
        Some(match &self.term.nodes[index] {
            Node::Nat(nat) => leaf::nat(*nat),
            Node::Key(nat) => leaf::key(*nat),
            Node::Bar(bytes) => leaf::bar(bytes),
            Node::Constructor(width) => leaf::constructor(width),
            Node::Thunk => leaf::thunk(),
            Node::Pin(pin) => leaf::reference(&self.pins[*pin]),
            Node::Variable { law, number } => leaf::reference(self.variable(*law, *number)),
            _ => return None,
        })
    }

    pub(super) fn variable(&self, law: usize, number: u64) -> &Symbol {
        &self.laws[law][number as usize]
    }

    /// What is written before a law's body.
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
        let is_simple = matches!(body, Node::Variable { .. } | Node::Nat(_) | Node::Constructor(_));
        facts.is_anonymous() && facts.arity == 1 && is_simple
    }

    /// Whether a table's value is a pin whose name is its key.
    fn is_namesake(&self, key: usize, value: usize) -> bool {
        match (&self.term.nodes[key], &self.term.nodes[value]) {
            (Node::Key(key), Node::Pin(pin)) => Symbol::from(*key) == self.pins[*pin],
            _ => false,
        }
    }

    /// For each pair of a table, whether the value is the key's namesake.
    pub(super) fn namesakes(&self, index: usize) -> Vec<bool> {
        let children: Vec<usize> = self.term.children(index).collect();
        children.chunks_exact(2).map(|pair| self.is_namesake(pair[0], pair[1])).collect()
    }
}

/// Widths.
impl Layout<'_, '_> {
    fn measure(&mut self) {
        // Rex trees, the last first: where each begins, and how deep others are in it.
        let mut trees: Vec<(usize, usize)> = Vec::new();
        for index in (0..self.term.nodes.len()).rev() {
            if !matches!(self.term.nodes[index], Node::Tree) {
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
            self.sizes[index] = Size::new(width);
            self.trees.insert(index, tree);
        }
    }

    fn size(&mut self, index: usize) -> Size {
        if let Some(leaf) = self.leaf(index) {
            let size = leaf.size;
            if let Some(place) = self.leaves.get_mut(index) {
                *place = Some(leaf);
            }
            return size;
        }
        let parts = self.sizes_of_children(index);
        match &self.term.nodes[index] {
            Node::App | Node::Call => application(&parts).1,
            Node::Row => Size::of(&parts, 1 + parts.len()),
            Node::Set => Size::of(&parts, 2),
            Node::Tab => self.size_of_table(index, &parts),
            Node::Law(law) => {
                let runes = if self.is_shut(index, *law) { 1 } else { 5 };
                Size::of(&[self.head(*law).size, parts[0]], runes)
            }
            Node::Let { law, number } => {
                let name = leaf::reference(self.variable(*law, *number));
                Size::of(&[name.size, parts[0], parts[1]], 5)
            }
            Node::Quote(rune) => Size::of(&parts, rune.len()),
            Node::QuotedApp(rune) => Size::of(&parts, rune.len() * (parts.len() - 1)),
            // Of these only the whole tree is measured.
            _ => Size::NEVER,
        }
    }

    fn size_of_table(&self, index: usize, parts: &[Size]) -> Size {
        if parts.is_empty() {
            return Size::new(2);
        }
        let mut written = Vec::with_capacity(parts.len());
        for (pair, is_namesake) in parts.chunks_exact(2).zip(self.namesakes(index)) {
            written.extend(if is_namesake { &pair[..1] } else { pair });
        }
        Size::of(&written, 1 + parts.len())
    }
}

/// From the top to the leaves.
impl Layout<'_, '_> {
    fn decide(&self, index: usize) -> Form {
        let fits = self.sizes[index].fits();
        match self.asked[index] {
            Ask::Line => Form::Line,
            Ask::Free if fits => Form::Line,
            Ask::Open if fits => Form::Opened,
            Ask::Free | Ask::Open => Form::Tall,
            Ask::Parts => Form::Parts,
        }
    }

    fn ask_children(&mut self, index: usize, form: Form) {
        let children: SmallVec<[usize; 8]> = self.term.children(index).collect();
        let Some(&last) = children.last() else { return };
        let ask = if matches!(form, Form::Line | Form::Opened) { Ask::Line } else { Ask::Free };
        children.iter().for_each(|&child| self.asked[child] = ask);
        if form != Form::Tall {
            return;
        }
        match &self.term.nodes[index] {
            Node::App | Node::Call => self.ask_parts_of_call(index, &children),
            Node::Let { .. } => self.asked[last] = Ask::Open,
            Node::Row => children.iter().for_each(|&item| self.ask_for_parts(item)),
            Node::Tab => children.chunks_exact(2).for_each(|pair| self.ask_for_parts(pair[1])),
            _ => {}
        }
    }

    fn ask_for_parts(&mut self, item: usize) {
        if matches!(self.term.nodes[item], Node::App) {
            self.asked[item] = Ask::Parts;
        }
    }

    fn ask_parts_of_call(&mut self, index: usize, parts: &[usize]) {
        let Some(kept) = self.rotated(index) else {
            self.asked[parts[parts.len() - 1]] = Ask::Open;
            return;
        };
        let sizes = self.sizes_of_children(index);
        if kept == 1 {
            return;
        }
        if application(&sizes[..kept]).1.fits() {
            parts[..kept].iter().for_each(|&part| self.asked[part] = Ask::Line);
        } else {
            self.asked[parts[kept - 1]] = Ask::Open;
        }
    }

    /// If the last arguments of an application come first: how many parts stay behind.
    pub(super) fn rotated(&self, index: usize) -> Option<usize> {
        match self.term.nodes[index] {
            Node::Call => rotation(&self.sizes_of_children(index)),
            _ => None,
        }
    }
}

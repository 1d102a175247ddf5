//! Making the trees of a [`Layout`], from the leaves to the top.

use super::layout::{Form, Layout};
use super::leaf;
use super::size::{Applied, Size, application};
use super::term::Node;
use rex::Rex;

/// What a node has become.
pub(super) enum Piece {
    One(Rex),
    /// An app's function and arguments, to be written among others.
    Parts(Vec<Rex>),
}

impl Piece {
    /// The piece as one tree.
    pub(super) fn one(self) -> Rex {
        match self {
            Piece::One(rex) => rex,
            Piece::Parts(parts) => Rex::open("|", parts),
        }
    }

    fn parts(self) -> Vec<Rex> {
        match self {
            Piece::One(rex) => vec![rex],
            Piece::Parts(parts) => parts,
        }
    }
}

impl Layout<'_, '_> {
    /// Makes a node of its children, which are on top of `pieces`, the first uppermost.
    pub(super) fn assemble(&mut self, index: usize, form: Form, pieces: &mut Vec<Piece>) -> Piece {
        if let Some(leaf) = self.take_leaf(index) {
            return Piece::One(match form {
                Form::Tall => leaf.free(),
                Form::Opened => opened(leaf.line),
                Form::Line | Form::Parts => leaf.line,
            });
        }
        if let Some(tree) = self.trees.remove(&index) {
            return Piece::One(match form {
                Form::Tall => reshaped(tree, rex::NodeShape::Open),
                Form::Opened => opened(tree),
                Form::Line | Form::Parts => tree,
            });
        }
        let count = self.term.children(index).count();
        let mut parts = pieces.split_off(pieces.len() - count);
        parts.reverse();
        match form {
            Form::Tall => Piece::One(self.tall(index, parts)),
            Form::Parts => Piece::Parts(ones(parts)),
            Form::Line => Piece::One(self.line(index, ones(parts))),
            Form::Opened => Piece::One(opened(self.line(index, ones(parts)))),
        }
    }

    fn line(&self, index: usize, mut parts: Vec<Rex>) -> Rex {
        match &self.term.nodes[index] {
            Node::App | Node::Call => apply_on_line(&self.sizes_of_children(index), parts),
            Node::Row => Rex::nest(",", parts),
            Node::Set => Rex::prefix("%", Rex::nest(",", parts)),
            Node::Tab if parts.is_empty() => Rex::prefix("#", Rex::nest(",", parts)),
            Node::Tab => {
                let pairs = self.pairs(index, parts).map(|(key, value)| match value {
                    Some(value) => Rex::shut("=", vec![key, value]),
                    None => Rex::prefix("=", key),
                });
                Rex::nest(",", pairs.collect())
            }
            Node::Law(law) => {
                let shut = self.is_shut(index, *law);
                let shape = if shut { rex::NodeShape::Shut } else { rex::NodeShape::Infix };
                parts.insert(0, self.head(*law).line);
                Rex::node(shape, self.law_rune(*law), parts, None)
            }
            Node::Let { law, number } => {
                let body = parts.pop();
                parts.insert(0, leaf::reference(self.variable(*law, *number)).line);
                Rex::infix("@", parts).with_heir(body)
            }
            Node::Quote(rune) => Rex::node(rex::NodeShape::Prefix, *rune, parts, None),
            Node::QuotedApp(rune) => Rex::shut(*rune, parts),
            _ => unreachable!("leaves and trees are dealt with elsewhere"),
        }
    }

    fn tall(&self, index: usize, mut parts: Vec<Piece>) -> Rex {
        match &self.term.nodes[index] {
            Node::App | Node::Call => self.apply_tall(index, ones(parts)),
            Node::Row => sequence("++", parts.into_iter().map(Piece::parts).collect()),
            Node::Set => sequence("%%", parts.into_iter().map(Piece::parts).collect()),
            Node::Tab => {
                let lines = self.pairs(index, parts).map(|(key, value)| {
                    let mut line = vec![Rex::prefix("=", key.one())];
                    line.extend(value.map(Piece::parts).unwrap_or_default());
                    line
                });
                sequence("##", lines.collect())
            }
            Node::Law(law) => {
                let head = self.head(*law).free();
                Rex::open(self.law_rune(*law), vec![head]).with_heir(pop_one(&mut parts))
            }
            Node::Let { law, number } => {
                let body = pop_one(&mut parts);
                let mut sons = vec![leaf::reference(self.variable(*law, *number)).free()];
                sons.extend(ones(parts));
                Rex::open("@", sons).with_heir(body)
            }
            Node::Quote(rune) => Rex::open(*rune, ones(parts)),
            Node::QuotedApp(rune) => sequence(rune, parts.into_iter().map(Piece::parts).collect()),
            Node::TreeBranch { shape, rune, has_heir } => {
                let heir = if *has_heir { pop_one(&mut parts) } else { None };
                Rex::node(*shape, rune.as_str(), ones(parts), heir)
            }
            Node::TreeLeaf { leaf, text } => Rex::leaf(*leaf, text.as_str(), pop_one(&mut parts)),
            Node::TreeValue(rune) => self.marked(index + 1, rune, ones(parts)),
            _ => unreachable!("leaves and whole Rex trees are dealt with elsewhere"),
        }
    }

    /// A table's keys and values, without the values that are their keys' namesakes.
    fn pairs<T>(&self, index: usize, parts: Vec<T>) -> impl Iterator<Item = (T, Option<T>)> {
        let mut parts = parts.into_iter();
        self.namesakes(index).into_iter().map_while(move |is_namesake| {
            let (key, value) = (parts.next()?, parts.next()?);
            Some((key, Some(value).filter(|_| !is_namesake)))
        })
    }

    fn apply_tall(&self, index: usize, mut parts: Vec<Rex>) -> Rex {
        let Some(kept) = self.rotated(index) else { return apply_open(parts) };
        let last = parts.split_off(kept);
        let sizes = &self.sizes_of_children(index)[..kept];
        let before = if kept == 1 {
            parts.pop()
        } else if application(sizes).1.fits() {
            Some(apply_on_line(sizes, parts))
        } else {
            Some(apply_open(parts))
        };
        Rex::open("^", last).with_heir(before)
    }

    /// A value within a Rex tree, with a rune before it.
    fn marked(&self, value: usize, rune: &str, trees: Vec<Rex>) -> Rex {
        let is_small = matches!(
            self.term.nodes[value],
            Node::Nat(_) | Node::Bar(_) | Node::Constructor(_) | Node::Pin(_)
        );
        let shape = if is_small { rex::NodeShape::Prefix } else { rex::NodeShape::Open };
        Rex::node(shape, rune, trees, None)
    }
}

fn ones(pieces: Vec<Piece>) -> Vec<Rex> {
    pieces.into_iter().map(Piece::one).collect()
}

fn pop_one(pieces: &mut Vec<Piece>) -> Option<Rex> {
    pieces.pop().map(Piece::one)
}

fn apply_on_line(sizes: &[Size], parts: Vec<Rex>) -> Rex {
    match application(sizes).0 {
        Applied::Hyphens => Rex::shut("-", parts),
        Applied::Parentheses => Rex::nest("|", parts),
    }
}

fn apply_open(mut parts: Vec<Rex>) -> Rex {
    let last = parts.pop();
    Rex::open("|", parts).with_heir(last)
}

/// Rows of trees, each behind the rune and the next below it.
pub(super) fn sequence(rune: &str, rows: Vec<Vec<Rex>>) -> Rex {
    let mut below = None;
    for row in rows.into_iter().rev() {
        below = Some(Rex::open(rune, row).with_heir(below));
    }
    below.unwrap_or_else(|| Rex::open(rune, Vec::new()))
}

/// What fits on a line, as an open application.
fn opened(rex: Rex) -> Rex {
    match &rex {
        Rex::Node { shape: rex::NodeShape::Open, .. } => rex,
        Rex::Node { rune, .. } if rune == "|" => reshaped(rex, rex::NodeShape::Open),
        _ => Rex::open("|", vec![rex]),
    }
}

/// The same node in another shape.
pub(super) fn reshaped(mut rex: Rex, new: rex::NodeShape) -> Rex {
    if let Rex::Node { shape, .. } = &mut rex {
        *shape = new;
    }
    rex
}

//! Assembling the trees of a [`BoxLayout`], from the leaves to the root.

use super::layout::{BoxForm, BoxLayout};
use super::leaf;
use super::part::PrintedPart;
use super::size::{ApplicationStyle, BoxSize, application};
use super::term::TermNode;
use rex::Rex;

impl BoxLayout<'_, '_> {
    /// Makes the printed form of a node from those of its children, which are on top of `printed`,
    /// the first child uppermost.
    pub(super) fn assemble(
        &mut self,
        index: usize,
        form: BoxForm,
        printed: &mut Vec<PrintedPart>,
    ) -> PrintedPart {
        if let Some(leaf) = self.take_leaf(index) {
            return PrintedPart::One(match form {
                BoxForm::Tall => leaf.free(),
                BoxForm::Opened => opened(leaf.line),
                BoxForm::Line | BoxForm::Parts => leaf.line,
            });
        }
        if let Some(tree) = self.trees.remove(&index) {
            return PrintedPart::One(match form {
                BoxForm::Tall => reshaped(tree, rex::NodeShape::Open),
                BoxForm::Opened => opened(tree),
                BoxForm::Line | BoxForm::Parts => tree,
            });
        }
        let count = self.term.children(index).count();
        let mut parts = printed.split_off(printed.len() - count);
        parts.reverse();
        match form {
            BoxForm::Tall => PrintedPart::One(self.tall(index, parts)),
            BoxForm::Parts => PrintedPart::Parts(ones(parts)),
            BoxForm::Line => PrintedPart::One(self.line(index, ones(parts))),
            BoxForm::Opened => PrintedPart::One(opened(self.line(index, ones(parts)))),
        }
    }

    fn line(&self, index: usize, mut parts: Vec<Rex>) -> Rex {
        match &self.term.nodes[index] {
            TermNode::App | TermNode::Call => apply_on_line(&self.sizes_of_children(index), parts),
            TermNode::Row => Rex::nest(",", parts),
            TermNode::Set => Rex::prefix("%", Rex::nest(",", parts)),
            TermNode::Tab if parts.is_empty() => Rex::prefix("#", Rex::nest(",", parts)),
            TermNode::Tab => {
                let pairs = self.pairs(index, parts).map(|(key, value)| match value {
                    Some(value) => Rex::shut("=", vec![key, value]),
                    None => Rex::prefix("=", key),
                });
                Rex::nest(",", pairs.collect())
            }
            TermNode::Law(law) => {
                let shut = self.is_shut(index, *law);
                let shape = if shut { rex::NodeShape::Shut } else { rex::NodeShape::Infix };
                parts.insert(0, self.head(*law).line);
                Rex::node(shape, self.law_rune(*law), parts, None)
            }
            TermNode::Let { law, number } => {
                let body = parts.pop();
                parts.insert(0, leaf::reference(self.variable(*law, *number)).line);
                Rex::infix("@", parts).with_heir(body)
            }
            TermNode::Quote(rune) => Rex::node(rex::NodeShape::Prefix, *rune, parts, None),
            TermNode::QuotedApp(rune) => Rex::shut(*rune, parts),
            _ => unreachable!("leaves and trees are dealt with elsewhere"),
        }
    }

    fn tall(&self, index: usize, mut parts: Vec<PrintedPart>) -> Rex {
        match &self.term.nodes[index] {
            TermNode::App | TermNode::Call => self.apply_tall(index, ones(parts)),
            TermNode::Row => sequence("++", parts.into_iter().map(PrintedPart::parts).collect()),
            TermNode::Set => sequence("%%", parts.into_iter().map(PrintedPart::parts).collect()),
            TermNode::Tab => {
                let lines = self.pairs(index, parts).map(|(key, value)| {
                    let mut line = vec![Rex::prefix("=", key.one())];
                    line.extend(value.map(PrintedPart::parts).unwrap_or_default());
                    line
                });
                sequence("##", lines.collect())
            }
            TermNode::Law(law) => {
                let head = self.head(*law).free();
                Rex::open(self.law_rune(*law), vec![head]).with_heir(pop_one(&mut parts))
            }
            TermNode::Let { law, number } => {
                let body = pop_one(&mut parts);
                let mut sons = vec![leaf::reference(self.variable(*law, *number)).free()];
                sons.extend(ones(parts));
                Rex::open("@", sons).with_heir(body)
            }
            TermNode::Quote(rune) => Rex::open(*rune, ones(parts)),
            TermNode::QuotedApp(rune) => {
                sequence(rune, parts.into_iter().map(PrintedPart::parts).collect())
            }
            TermNode::TreeBranch { shape, rune, has_heir } => {
                let heir = if *has_heir { pop_one(&mut parts) } else { None };
                Rex::node(*shape, rune.as_str(), ones(parts), heir)
            }
            TermNode::TreeLeaf { leaf, text } => {
                Rex::leaf(*leaf, text.as_str(), pop_one(&mut parts))
            }
            TermNode::TreeValue(rune) => self.marked(index + 1, rune, ones(parts)),
            _ => unreachable!("leaves and whole Rex trees are dealt with elsewhere"),
        }
    }

    /// A table's keys and values, without the values that are pins with the name of their key.
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

    /// A value within a Rex tree, after a rune.
    fn marked(&self, value: usize, rune: &str, trees: Vec<Rex>) -> Rex {
        let is_small = matches!(
            self.term.nodes[value],
            TermNode::Nat(_) | TermNode::Bar(_) | TermNode::Constructor(_) | TermNode::Pin(_)
        );
        let shape = if is_small { rex::NodeShape::Prefix } else { rex::NodeShape::Open };
        Rex::node(shape, rune, trees, None)
    }
}

fn ones(printed: Vec<PrintedPart>) -> Vec<Rex> {
    printed.into_iter().map(PrintedPart::one).collect()
}

fn pop_one(printed: &mut Vec<PrintedPart>) -> Option<Rex> {
    printed.pop().map(PrintedPart::one)
}

fn apply_on_line(sizes: &[BoxSize], parts: Vec<Rex>) -> Rex {
    match application(sizes).0 {
        ApplicationStyle::Hyphens => Rex::shut("-", parts),
        ApplicationStyle::Parentheses => Rex::nest("|", parts),
    }
}

fn apply_open(mut parts: Vec<Rex>) -> Rex {
    let last = parts.pop();
    Rex::open("|", parts).with_heir(last)
}

/// A list: each row of trees after the rune, and the next one below it.
pub(super) fn sequence(rune: &str, rows: Vec<Vec<Rex>>) -> Rex {
    let mut below = None;
    for row in rows.into_iter().rev() {
        below = Some(Rex::open(rune, row).with_heir(below));
    }
    below.unwrap_or_else(|| Rex::open(rune, Vec::new()))
}

/// A tree that fits on a line, as an open application.
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

//! [`Quoted`]: Rex trees encoded as PLAN values; reading them, and printing the trees.
//!
//! Sire's macros work on trees in this form. A tree is an app of one of nine pinned laws with the
//! body 0, recognised by their names (`##WORD`, `##OPEN` ...):
//!
//! | value                         | tree                                              |
//! |-------------------------------|---------------------------------------------------|
//! | `(WORD text heir)`            | a leaf; also `TEXT`, `LINE`                       |
//! | `(OPEN rune sons heir)`       | a node; also `NEST`, `INFX`, `PREF`, `SHUT`       |
//! | `(EMBD value)`                | a value within a tree                             |
//!
//! Text and rune are nats that spell UTF-8, the sons are a row, and the heir is 0 if there is none.
//! Any other value where a tree is expected is a *stray* value. (prototype: lib/Fan/PlanRex.hs)

use super::leaf;
use super::limit::PrintBudget;
use plan::{Items, PinRef, Ref, Shape};
use rex::{LeafKind, Rex};

/// The outermost part of a Rex tree encoded as a value.
pub enum Quoted<'h> {
    /// A leaf.
    Leaf {
        /// Its kind.
        leaf: LeafKind,
        /// Its text.
        text: String,
        /// Its heir, itself a tree.
        heir: Option<Ref<'h>>,
    },
    /// A node.
    Node {
        /// Its shape.
        shape: rex::NodeShape,
        /// Its rune.
        rune: String,
        /// Its sons, themselves trees.
        sons: Items<'h>,
        /// Its heir, itself a tree.
        heir: Option<Ref<'h>>,
    },
    /// A value within a tree.
    Embed(Ref<'h>),
}

/// The constructors of trees.
enum TreeConstructor {
    Leaf(LeafKind),
    Node(rex::NodeShape),
    Embed,
}

impl<'h> Quoted<'h> {
    /// Reads a value as a tree, if it encodes one. Only the outermost part is checked.
    pub fn of(value: Ref<'h>) -> Option<Quoted<'h>> {
        let Shape::App(app) = value.shape() else { return None };
        let Shape::Pin(constructor) = app.head().shape() else { return None };
        let maker = tree_constructor(constructor)?;
        let mut args = app.args();
        let (first, second, third, extra) = (args.next()?, args.next(), args.next(), args.next());
        match (maker, second, third, extra) {
            (TreeConstructor::Embed, None, None, None) => Some(Quoted::Embed(first)),
            (TreeConstructor::Leaf(leaf), Some(heir), None, None) => {
                let text = first.as_nat()?.text()?;
                Some(Quoted::Leaf { leaf, text, heir: heir_of(heir) })
            }
            (TreeConstructor::Node(shape), Some(sons), Some(heir), None) => {
                let rune = first.as_nat()?.text()?;
                Some(Quoted::Node { shape, rune, sons: sons.as_row()?, heir: heir_of(heir) })
            }
            _ => None,
        }
    }

    /// The number of bytes of its text or rune.
    fn text_size(&self) -> u64 {
        match self {
            Quoted::Leaf { text, .. } | Quoted::Node { rune: text, .. } => text.len() as u64,
            Quoted::Embed(_) => 0,
        }
    }

    fn has_heir(&self) -> bool {
        matches!(self, Quoted::Leaf { heir: Some(_), .. } | Quoted::Node { heir: Some(_), .. })
    }
}

fn heir_of(value: Ref<'_>) -> Option<Ref<'_>> {
    (value.as_u64() != Some(0)).then_some(value)
}

fn tree_constructor(constructor: PinRef<'_>) -> Option<TreeConstructor> {
    let Shape::Law(law) = constructor.item().shape() else { return None };
    if law.body().as_u64() != Some(0) {
        return None;
    }
    let maker = match &law.name().to_u64()?.to_le_bytes() {
        b"##EMBD\0\0" => TreeConstructor::Embed,
        b"##WORD\0\0" => TreeConstructor::Leaf(LeafKind::Word),
        b"##TEXT\0\0" => TreeConstructor::Leaf(LeafKind::Text),
        b"##LINE\0\0" => TreeConstructor::Leaf(LeafKind::Line),
        b"##OPEN\0\0" => TreeConstructor::Node(rex::NodeShape::Open),
        b"##NEST\0\0" => TreeConstructor::Node(rex::NodeShape::Nest),
        b"##INFX\0\0" => TreeConstructor::Node(rex::NodeShape::Infix),
        b"##PREF\0\0" => TreeConstructor::Node(rex::NodeShape::Prefix),
        b"##SHUT\0\0" => TreeConstructor::Node(rex::NodeShape::Shut),
        _ => return None,
    };
    let arity = match maker {
        TreeConstructor::Embed => 2,
        TreeConstructor::Leaf(_) => 3,
        TreeConstructor::Node(_) => 4,
    };
    (law.arity().to_u64() == Some(arity)).then_some(maker)
}

/// The rune before an embedded value.
pub(super) const EMBED: &str = "▣";
/// The rune before a stray value.
pub(super) const STRAY: &str = "\u{fffd}";

/// The tree that a value encodes. Embedded and stray values are printed by `print` and marked by a
/// rune. A tree that the budget does not cover is the tree `(...)`.
pub(super) fn unquote<'h>(
    value: Ref<'h>,
    budget: &PrintBudget<'h>,
    print: impl Fn(Ref<'h>) -> Rex,
) -> Rex {
    enum UnquoteStep<'h> {
        Read(Ref<'h>),
        /// Makes a tree of that many sons.
        Make(Quoted<'h>, usize),
        Elide,
    }
    budget.take(1, 0);
    let mut steps = vec![UnquoteStep::Read(value)];
    let mut done: Vec<Rex> = Vec::new();
    while let Some(step) = steps.pop() {
        match step {
            UnquoteStep::Elide => done.push(leaf::elided().line),
            UnquoteStep::Read(_) if budget.is_used_up() => done.push(leaf::elided().line),
            UnquoteStep::Read(value) => match Quoted::of(value) {
                None => done.push(mark(STRAY, print(value))),
                Some(Quoted::Embed(value)) => done.push(mark(EMBED, print(value))),
                Some(quoted) => {
                    let (sons, heir) = match &quoted {
                        Quoted::Node { sons, heir, .. } => (Some(*sons), *heir),
                        Quoted::Leaf { heir, .. } => (None, *heir),
                        Quoted::Embed(_) => (None, None),
                    };
                    let count = sons.map_or(0, Items::len);
                    let left = usize::try_from(budget.parts_left()).unwrap_or(usize::MAX);
                    // Of very many sons, half of the budget is left for the parts of the first.
                    let read = if count < left { count } else { left / 2 };
                    budget
                        .take((read + usize::from(heir.is_some())) as u64, quoted.text_size() / 8);
                    let is_whole = read == count;
                    steps.push(UnquoteStep::Make(quoted, read + usize::from(!is_whole)));
                    steps.extend(heir.map(UnquoteStep::Read));
                    if !is_whole {
                        budget.omit_parts();
                        steps.push(UnquoteStep::Elide);
                    }
                    let at = steps.len();
                    let sons = sons.into_iter().flat_map(|sons| sons.iter().take(read));
                    steps.extend(sons.map(UnquoteStep::Read));
                    steps[at..].reverse();
                }
            },
            UnquoteStep::Make(quoted, count) => {
                let heir = if quoted.has_heir() { done.pop() } else { None };
                let made = match quoted {
                    Quoted::Leaf { leaf, text, .. } => Rex::leaf(leaf, text, heir),
                    Quoted::Node { shape, rune, .. } => {
                        let sons = done.split_off(done.len() - count);
                        Rex::node(shape, rune, sons, heir)
                    }
                    Quoted::Embed(_) => unreachable!("embedded values are made when they are read"),
                };
                done.push(made);
            }
        }
    }
    done.pop().expect("every tree that is read is made")
}

fn mark(rune: &str, rex: Rex) -> Rex {
    if is_closed(&rex) { Rex::prefix(rune, rex) } else { Rex::open(rune, vec![rex]) }
}

/// Whether a tree can be printed on one line without changing the shape of its root.
pub(super) fn is_closed(rex: &Rex) -> bool {
    !matches!(
        rex,
        Rex::Node { shape: rex::NodeShape::Open, .. } | Rex::Leaf { leaf: LeafKind::Line, .. }
    )
}

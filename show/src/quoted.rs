//! Rex trees that are PLAN values: seeing them, and printing them as what they stand for.
//!
//! Sire's macros work on trees in this form. A tree is an app of one of nine pinned laws, known by
//! their names (`##WORD`, `##OPEN` ...), that have the body 0:
//!
//! | value                         | tree                                              |
//! |-------------------------------|---------------------------------------------------|
//! | `(WORD text heir)`            | a leaf; likewise `TEXT`, `LINE`                   |
//! | `(OPEN rune sons heir)`       | a node; likewise `NEST`, `INFX`, `PREF`, `SHUT`   |
//! | `(EMBD value)`                | a value within a tree                             |
//!
//! Text and rune are nats that spell UTF-8, the sons are a row, the heir is 0 if there is none.
//! Anything else in the place of a tree is a *stray* value. (prototype: lib/Fan/PlanRex.hs)

use plan::{Items, PinRef, Ref, Shape};
use rex::{LeafKind, Rex};

/// The outermost part of a tree that is a value.
pub enum Quoted<'h> {
    /// A leaf.
    Leaf {
        /// How it is written.
        leaf: LeafKind,
        /// Its text.
        text: String,
        /// Its heir, itself a tree.
        heir: Option<Ref<'h>>,
    },
    /// A node.
    Node {
        /// How it is written.
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

/// What a constructor makes.
enum Maker {
    Leaf(LeafKind),
    Node(rex::NodeShape),
    Embed,
}

impl<'h> Quoted<'h> {
    /// Sees a value as a tree, if it is one. What is below is not looked at.
    pub fn of(value: Ref<'h>) -> Option<Quoted<'h>> {
        let Shape::App(app) = value.shape() else { return None };
        let Shape::Pin(constructor) = app.head().shape() else { return None };
        let maker = maker(constructor)?;
        let mut args = app.args();
        let (first, second, third, extra) = (args.next()?, args.next(), args.next(), args.next());
        match (maker, second, third, extra) {
            (Maker::Embed, None, None, None) => Some(Quoted::Embed(first)),
            (Maker::Leaf(leaf), Some(heir), None, None) => {
                let text = first.as_nat()?.text()?;
                Some(Quoted::Leaf { leaf, text, heir: heir_of(heir) })
            }
            (Maker::Node(shape), Some(sons), Some(heir), None) => {
                let rune = first.as_nat()?.text()?;
                Some(Quoted::Node { shape, rune, sons: sons.as_row()?, heir: heir_of(heir) })
            }
            _ => None,
        }
    }

    /// The trees below: the sons, then the heir.
    pub(super) fn children(&self) -> Vec<Ref<'h>> {
        match self {
            Quoted::Leaf { heir, .. } => heir.iter().copied().collect(),
            Quoted::Node { sons, heir, .. } => sons.iter().chain(*heir).collect(),
            Quoted::Embed(_) => Vec::new(),
        }
    }

    fn has_heir(&self) -> bool {
        matches!(self, Quoted::Leaf { heir: Some(_), .. } | Quoted::Node { heir: Some(_), .. })
    }
}

fn heir_of(value: Ref<'_>) -> Option<Ref<'_>> {
    (value.as_u64() != Some(0)).then_some(value)
}

fn maker(constructor: PinRef<'_>) -> Option<Maker> {
    let Shape::Law(law) = constructor.item().shape() else { return None };
    if law.body().as_u64() != Some(0) {
        return None;
    }
    let maker = match &law.name().to_u64()?.to_le_bytes() {
        b"##EMBD\0\0" => Maker::Embed,
        b"##WORD\0\0" => Maker::Leaf(LeafKind::Word),
        b"##TEXT\0\0" => Maker::Leaf(LeafKind::Text),
        b"##LINE\0\0" => Maker::Leaf(LeafKind::Line),
        b"##OPEN\0\0" => Maker::Node(rex::NodeShape::Open),
        b"##NEST\0\0" => Maker::Node(rex::NodeShape::Nest),
        b"##INFX\0\0" => Maker::Node(rex::NodeShape::Infix),
        b"##PREF\0\0" => Maker::Node(rex::NodeShape::Prefix),
        b"##SHUT\0\0" => Maker::Node(rex::NodeShape::Shut),
        _ => return None,
    };
    let arity = match maker {
        Maker::Embed => 2,
        Maker::Leaf(_) => 3,
        Maker::Node(_) => 4,
    };
    (law.arity().to_u64() == Some(arity)).then_some(maker)
}

/// The rune before a value within a tree.
pub(super) const EMBED: &str = "▣";
/// The rune before a stray value.
pub(super) const STRAY: &str = "\u{fffd}";

/// The tree that a value stands for, its embedded and stray values printed by `print` and marked.
pub(super) fn unquote<'h>(value: Ref<'h>, print: impl Fn(Ref<'h>) -> Rex) -> Rex {
    enum Step<'h> {
        See(Ref<'h>),
        Make(Quoted<'h>),
    }
    let mut steps = vec![Step::See(value)];
    let mut done: Vec<Rex> = Vec::new();
    while let Some(step) = steps.pop() {
        match step {
            Step::See(value) => match Quoted::of(value) {
                None => done.push(mark(STRAY, print(value))),
                Some(Quoted::Embed(value)) => done.push(mark(EMBED, print(value))),
                Some(quoted) => {
                    let children = quoted.children();
                    steps.push(Step::Make(quoted));
                    steps.extend(children.into_iter().rev().map(Step::See));
                }
            },
            Step::Make(quoted) => {
                let heir = if quoted.has_heir() { done.pop() } else { None };
                let made = match quoted {
                    Quoted::Leaf { leaf, text, .. } => Rex::leaf(leaf, text, heir),
                    Quoted::Node { shape, rune, sons, .. } => {
                        let sons = done.split_off(done.len() - sons.len());
                        Rex::node(shape, rune, sons, heir)
                    }
                    Quoted::Embed(_) => unreachable!("made when it is seen"),
                };
                done.push(made);
            }
        }
    }
    done.pop().expect("every tree that is seen is made")
}

fn mark(rune: &str, rex: Rex) -> Rex {
    if is_closed(&rex) { Rex::prefix(rune, rex) } else { Rex::open(rune, vec![rex]) }
}

/// Whether a tree can be printed on one line without a change of its shape at the top.
pub(super) fn is_closed(rex: &Rex) -> bool {
    !matches!(
        rex,
        Rex::Node { shape: rex::NodeShape::Open, .. } | Rex::Leaf { leaf: LeafKind::Line, .. }
    )
}

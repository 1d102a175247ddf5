//! Rex trees as PLAN values: the input and output of macros.
//!
//! A *Rex value* is the application of a pinned law to all its arguments but the last. The law's
//! name says what kind of tree it is:
//!
//! ```text
//! word, text, line     ##WORD ##TEXT ##LINE                    text, heir
//! node                 ##OPEN ##NEST ##INFX ##PREF ##SHUT      rune, row of sons, heir
//! embedded value       ##EMBD                                  value
//! ```
//!
//! The nat 0 means no heir. The compiler works on these values directly and looks at one level
//! at a time ([`RexView::of`]). A macro therefore gets exactly the value that another macro
//! returned, and a part that nothing reads is never validated.

use crate::nat_text;
use plan::{AppRef, EvalError, Natural, PinRef, Ref, Shape, Val};
use rex::{LeafKind, NodeShape, Rex};
use vm::Vm;

/// The root of a Rex value.
pub(crate) enum RexView {
    /// A rune and its arguments.
    Node { shape: NodeShape, rune: Natural, sons: Vec<Val>, heir: Option<Val> },
    /// A word or string.
    Leaf { leaf: LeafKind, text: String, heir: Option<Val> },
    /// An embedded value.
    Embed(Val),
    /// The value is not a Rex value.
    Malformed,
}

/// The kind of a tree: which constructor law it applies.
#[derive(Clone, Copy)]
enum RexTag {
    Leaf(LeafKind),
    Node(NodeShape),
    Embed,
}

const TAGS: [(&str, RexTag); 9] = [
    ("##WORD", RexTag::Leaf(LeafKind::Word)),
    ("##TEXT", RexTag::Leaf(LeafKind::Text)),
    ("##LINE", RexTag::Leaf(LeafKind::Line)),
    ("##OPEN", RexTag::Node(NodeShape::Open)),
    ("##NEST", RexTag::Node(NodeShape::Nest)),
    ("##INFX", RexTag::Node(NodeShape::Infix)),
    ("##PREF", RexTag::Node(NodeShape::Prefix)),
    ("##SHUT", RexTag::Node(NodeShape::Shut)),
    ("##EMBD", RexTag::Embed),
];

/// The names in [`TAGS`] as nats.
const NAMES: [u64; TAGS.len()] = {
    let (mut names, mut index) = ([0; TAGS.len()], 0);
    while index < names.len() {
        names[index] = nat_text::from_short(TAGS[index].0);
        index += 1;
    }
    names
};

impl RexTag {
    fn arity(self) -> u64 {
        match self {
            RexTag::Leaf(_) => 3,
            RexTag::Node(_) => 4,
            RexTag::Embed => 2,
        }
    }

    /// Returns the tag of a constructor law, or `None` if the pin holds anything else.
    fn of(pin: PinRef<'_>) -> Option<RexTag> {
        let Shape::Law(law) = pin.item().shape() else { return None };
        let (name, arity) = (law.name().to_u64()?, law.arity().to_u64()?);
        let index = NAMES.iter().position(|known| *known == name)?;
        let (_, tag) = TAGS[index];
        (tag.arity() == arity && law.body().as_u64() == Some(0)).then_some(tag)
    }
}

/// The constructor laws of leaves and nodes, in the order of [`TAGS`].
pub(crate) struct RexConstructors {
    leaves: [Val; 3],
    nodes: [Val; 5],
}

impl RexConstructors {
    /// Makes the constructor laws.
    pub(crate) fn new(vm: &mut Vm) -> Result<RexConstructors, EvalError> {
        let mut make = |index: usize| {
            let (name, tag) = TAGS[index];
            let law = vm.build(|b| {
                b.push_nat_bytes(name.as_bytes())?;
                b.push_nat(tag.arity())?;
                b.push_nat(0)?;
                b.law()
            })?;
            vm.pin(&law)
        };
        Ok(RexConstructors {
            leaves: [make(0)?, make(1)?, make(2)?],
            nodes: [make(3)?, make(4)?, make(5)?, make(6)?, make(7)?],
        })
    }

    /// Makes the value of a leaf.
    pub(crate) fn leaf(
        &self,
        vm: &mut Vm,
        leaf: LeafKind,
        text: &str,
        heir: Option<&Val>,
    ) -> Result<Val, EvalError> {
        vm.build(|b| {
            b.push(&self.leaves[leaf as usize]);
            b.push_nat_bytes(text.as_bytes())?;
            match heir {
                Some(heir) => b.push(heir),
                None => b.push_nat(0)?,
            }
            b.app(2)
        })
    }

    /// Makes the value of a word without an heir.
    pub(crate) fn word(&self, vm: &mut Vm, text: &str) -> Result<Val, EvalError> {
        self.leaf(vm, LeafKind::Word, text, None)
    }

    /// Makes the value of a node.
    pub(crate) fn node(
        &self,
        vm: &mut Vm,
        shape: NodeShape,
        rune: &str,
        sons: &[Val],
        heir: Option<&Val>,
    ) -> Result<Val, EvalError> {
        vm.build(|b| {
            b.room_for(sons.len() + 4)?;
            b.push(&self.nodes[shape as usize]);
            b.push_nat_bytes(rune.as_bytes())?;
            sons.iter().for_each(|son| b.push(son));
            b.row(sons.len())?;
            match heir {
                Some(heir) => b.push(heir),
                None => b.push_nat(0)?,
            }
            b.app(3)
        })
    }

    /// Makes the value of a tree.
    pub(crate) fn tree(&self, vm: &mut Vm, rex: &Rex) -> Result<Val, EvalError> {
        enum BuildTask<'r> {
            Tree(&'r Rex),
            NoHeir,
            Row(usize),
            Apply(usize),
        }
        vm.build(|b| {
            let mut tasks = vec![BuildTask::Tree(rex)];
            while let Some(task) = tasks.pop() {
                let rex = match task {
                    BuildTask::Tree(rex) => rex,
                    BuildTask::NoHeir => {
                        b.push_nat(0)?;
                        continue;
                    }
                    BuildTask::Row(count) => {
                        b.row(count)?;
                        continue;
                    }
                    BuildTask::Apply(count) => {
                        b.app(count)?;
                        continue;
                    }
                };
                b.room_for(4)?;
                let heir = rex.heir().map_or(BuildTask::NoHeir, BuildTask::Tree);
                match rex {
                    Rex::Leaf { leaf, text, .. } => {
                        b.push(&self.leaves[*leaf as usize]);
                        b.push_nat_bytes(text.as_bytes())?;
                        tasks.extend([BuildTask::Apply(2), heir]);
                    }
                    Rex::Node { shape, rune, sons, .. } => {
                        b.push(&self.nodes[*shape as usize]);
                        b.push_nat_bytes(rune.as_bytes())?;
                        tasks.extend([BuildTask::Apply(3), heir, BuildTask::Row(sons.len())]);
                        tasks.extend(sons.iter().rev().map(BuildTask::Tree));
                    }
                    Rex::Embed(never) => match *never {},
                }
            }
            Ok(())
        })
    }
}

impl RexView {
    /// Reads the root of a Rex value, which must be in normal form.
    pub(crate) fn of(vm: &Vm, value: &Val) -> RexView {
        RexView::read(vm, vm.look(value)).unwrap_or(RexView::Malformed)
    }

    /// Returns whether the root of a value in normal form is that of a Rex value. The parts are not
    /// checked.
    pub(crate) fn is_tree(value: Ref<'_>) -> bool {
        let Some((tag, app)) = tagged(value) else { return false };
        let mut args = app.args();
        let first = args.next().and_then(Ref::as_nat);
        match tag {
            RexTag::Leaf(_) => first.is_some_and(|text| text.is_text()),
            RexTag::Node(_) => first.is_some() && args.next().and_then(Ref::as_row).is_some(),
            RexTag::Embed => true,
        }
    }

    fn read(vm: &Vm, value: Ref<'_>) -> Option<RexView> {
        let (tag, app) = tagged(value)?;
        let mut args = app.args();
        let mut arg = || args.next();
        let heir = |value: Ref<'_>| (value.as_u64() != Some(0)).then(|| vm.hold(value));
        Some(match tag {
            RexTag::Leaf(leaf) => {
                let text = arg()?.as_nat()?.text()?;
                RexView::Leaf { leaf, text, heir: heir(arg()?) }
            }
            RexTag::Node(shape) => {
                let rune = arg()?.as_nat()?.to_natural();
                let sons = arg()?.as_row()?.iter().map(|son| vm.hold(son)).collect();
                RexView::Node { shape, rune, sons, heir: heir(arg()?) }
            }
            RexTag::Embed => RexView::Embed(vm.hold(arg()?)),
        })
    }

    /// Returns the rune of a node and its kids: the sons, and the heir as the last one.
    pub(crate) fn kids(self) -> Option<(Natural, Vec<Val>)> {
        let RexView::Node { rune, mut sons, heir, .. } = self else { return None };
        sons.extend(heir);
        Some((rune, sons))
    }

    /// Returns the key that the tree spells: a number, a word or a text, without an heir.
    pub(crate) fn key(&self) -> Option<Natural> {
        Some(match self.literal()? {
            Literal::Number(number) => number,
            Literal::Name(text) | Literal::Text(text) => nat_text::from_text(text),
        })
    }

    /// Returns the primitive meaning of a leaf without an heir, or `None` for any other tree.
    pub(crate) fn literal(&self) -> Option<Literal<'_>> {
        match self {
            RexView::Leaf { leaf: LeafKind::Text, text, heir: None } => Some(Literal::Text(text)),
            RexView::Leaf { leaf: LeafKind::Word, text, heir: None } => {
                match text.starts_with(|c: char| c.is_ascii_digit()) {
                    true => nat_text::parse_decimal(text).map(Literal::Number),
                    false if text.is_empty() => None,
                    false => Some(Literal::Name(text)),
                }
            }
            _ => None,
        }
    }
}

/// Returns the tag of a constructor and its application, if the number of arguments is right.
fn tagged(value: Ref<'_>) -> Option<(RexTag, AppRef<'_>)> {
    let Shape::App(app) = value.shape() else { return None };
    let Shape::Pin(pin) = app.head().shape() else { return None };
    let tag = RexTag::of(pin)?;
    (app.len() as u64 == tag.arity() - 1).then_some((tag, app))
}

/// The primitive meaning of a leaf.
pub(crate) enum Literal<'a> {
    Number(Natural),
    /// A name, which stands for the value that is bound to it.
    Name(&'a str),
    Text(&'a str),
}

//! Rex trees as nouns: what macros take and give.
//!
//! A tree is a pinned law of a telling name that lacks its last argument:
//!
//! ```text
//! word, text, line     ##WORD ##TEXT ##LINE                    text, heir
//! node                 ##OPEN ##NEST ##INFX ##PREF ##SHUT      rune, row of sons, heir
//! embedded value       ##EMBD                                  value
//! ```
//!
//! No heir is 0. Sire works on these nouns themselves, a level at a time ([`Form::of`]): what a
//! macro gets is what another one gave, as it is, and what nobody looks at is not even checked.

use crate::name;
use rex::{LeafKind, NodeShape, Rex};
use vm::{AppRef, Natural, PinRef, Ref, Shape, Stop, Val, Vm};

/// The root of a rex noun.
pub(crate) enum Form {
    /// A rune and its arguments.
    Node { shape: NodeShape, rune: Natural, sons: Vec<Val>, heir: Option<Val> },
    /// A word or string.
    Leaf { leaf: LeafKind, text: String, heir: Option<Val> },
    /// A value.
    Embed(Val),
    /// Something that is not a rex tree.
    Evil,
}

/// A kind of tree, in the order of [`TAGS`].
#[derive(Clone, Copy)]
enum Tag {
    Leaf(LeafKind),
    Node(NodeShape),
    Embed,
}

const TAGS: [(&str, Tag); 9] = [
    ("##WORD", Tag::Leaf(LeafKind::Word)),
    ("##TEXT", Tag::Leaf(LeafKind::Text)),
    ("##LINE", Tag::Leaf(LeafKind::Line)),
    ("##OPEN", Tag::Node(NodeShape::Open)),
    ("##NEST", Tag::Node(NodeShape::Nest)),
    ("##INFX", Tag::Node(NodeShape::Infix)),
    ("##PREF", Tag::Node(NodeShape::Prefix)),
    ("##SHUT", Tag::Node(NodeShape::Shut)),
    ("##EMBD", Tag::Embed),
];

/// The names of [`TAGS`] as nats.
const NAMES: [u64; TAGS.len()] = {
    let (mut names, mut index) = ([0; TAGS.len()], 0);
    while index < names.len() {
        names[index] = name::small(TAGS[index].0);
        index += 1;
    }
    names
};

impl Tag {
    fn arity(self) -> u64 {
        match self {
            Tag::Leaf(_) => 3,
            Tag::Node(_) => 4,
            Tag::Embed => 2,
        }
    }

    /// The tag that this constructor stands for.
    fn of(pin: PinRef<'_>) -> Option<Tag> {
        let Shape::Law(law) = pin.item().shape() else { return None };
        let (name, arity) = (law.name().to_u64()?, law.arity().to_u64()?);
        let index = NAMES.iter().position(|known| *known == name)?;
        let (_, tag) = TAGS[index];
        (tag.arity() == arity && law.body().as_u64() == Some(0)).then_some(tag)
    }
}

/// The constructors of rex nouns.
pub(crate) struct Syntax {
    leaves: [Val; 3],
    nodes: [Val; 5],
}

impl Syntax {
    pub(crate) fn new(vm: &mut Vm) -> Result<Syntax, Stop> {
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
        Ok(Syntax {
            leaves: [make(0)?, make(1)?, make(2)?],
            nodes: [make(3)?, make(4)?, make(5)?, make(6)?, make(7)?],
        })
    }

    /// The noun of a leaf.
    pub(crate) fn leaf(
        &self,
        vm: &mut Vm,
        leaf: LeafKind,
        text: &str,
        heir: Option<&Val>,
    ) -> Result<Val, Stop> {
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

    /// The noun of a word without an heir.
    pub(crate) fn word(&self, vm: &mut Vm, text: &str) -> Result<Val, Stop> {
        self.leaf(vm, LeafKind::Word, text, None)
    }

    /// The noun of a node.
    pub(crate) fn node(
        &self,
        vm: &mut Vm,
        shape: NodeShape,
        rune: &str,
        sons: &[Val],
        heir: Option<&Val>,
    ) -> Result<Val, Stop> {
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

    /// The noun of a tree.
    pub(crate) fn noun(&self, vm: &mut Vm, rex: &Rex) -> Result<Val, Stop> {
        enum Step<'r> {
            Tree(&'r Rex),
            /// No heir.
            Nothing,
            Row(usize),
            Apply(usize),
        }
        vm.build(|b| {
            let mut steps = vec![Step::Tree(rex)];
            while let Some(step) = steps.pop() {
                let rex = match step {
                    Step::Tree(rex) => rex,
                    Step::Nothing => {
                        b.push_nat(0)?;
                        continue;
                    }
                    Step::Row(count) => {
                        b.row(count)?;
                        continue;
                    }
                    Step::Apply(count) => {
                        b.app(count)?;
                        continue;
                    }
                };
                b.room_for(4)?;
                let heir = rex.heir().map_or(Step::Nothing, Step::Tree);
                match rex {
                    Rex::Leaf { leaf, text, .. } => {
                        b.push(&self.leaves[*leaf as usize]);
                        b.push_nat_bytes(text.as_bytes())?;
                        steps.extend([Step::Apply(2), heir]);
                    }
                    Rex::Node { shape, rune, sons, .. } => {
                        b.push(&self.nodes[*shape as usize]);
                        b.push_nat_bytes(rune.as_bytes())?;
                        steps.extend([Step::Apply(3), heir, Step::Row(sons.len())]);
                        steps.extend(sons.iter().rev().map(Step::Tree));
                    }
                    Rex::Embed(never) => match *never {},
                }
            }
            Ok(())
        })
    }
}

impl Form {
    /// The root of the tree that this noun is, which must be in normal form.
    pub(crate) fn of(vm: &Vm, noun: &Val) -> Form {
        Form::read(vm, vm.look(noun)).unwrap_or(Form::Evil)
    }

    /// Whether a noun in normal form is a tree, as far as its root tells.
    pub(crate) fn is_tree(noun: Ref<'_>) -> bool {
        let Some((tag, app)) = tagged(noun) else { return false };
        let mut args = app.args();
        let first = args.next().and_then(Ref::as_nat);
        match tag {
            Tag::Leaf(_) => first.is_some_and(|text| text.is_text()),
            Tag::Node(_) => first.is_some() && args.next().and_then(Ref::as_row).is_some(),
            Tag::Embed => true,
        }
    }

    fn read(vm: &Vm, noun: Ref<'_>) -> Option<Form> {
        let (tag, app) = tagged(noun)?;
        let mut args = app.args();
        let mut arg = || args.next();
        let heir = |noun: Ref<'_>| (noun.as_u64() != Some(0)).then(|| vm.hold(noun));
        Some(match tag {
            Tag::Leaf(leaf) => {
                let text = arg()?.as_nat()?.text()?;
                Form::Leaf { leaf, text, heir: heir(arg()?) }
            }
            Tag::Node(shape) => {
                let rune = arg()?.as_nat()?.to_natural();
                let sons = arg()?.as_row()?.iter().map(|son| vm.hold(son)).collect();
                Form::Node { shape, rune, sons, heir: heir(arg()?) }
            }
            Tag::Embed => Form::Embed(vm.hold(arg()?)),
        })
    }

    /// The sons, and the heir as the last of them, if this is a node.
    pub(crate) fn kids(self) -> Option<(Natural, Vec<Val>)> {
        let Form::Node { rune, mut sons, heir, .. } = self else { return None };
        sons.extend(heir);
        Some((rune, sons))
    }

    /// The key that the tree writes: a number, a word or a text, without an heir.
    pub(crate) fn key(&self) -> Option<Natural> {
        Some(match self.literal()? {
            Literal::Number(number) => number,
            Literal::Name(text) | Literal::Text(text) => name::of_text(text),
        })
    }

    /// What the tree means without any macro, if it is a leaf without an heir.
    pub(crate) fn literal(&self) -> Option<Literal<'_>> {
        match self {
            Form::Leaf { leaf: LeafKind::Text, text, heir: None } => Some(Literal::Text(text)),
            Form::Leaf { leaf: LeafKind::Word, text, heir: None } => {
                match text.starts_with(|c: char| c.is_ascii_digit()) {
                    true => name::parse_decimal(text).map(Literal::Number),
                    false if text.is_empty() => None,
                    false => Some(Literal::Name(text)),
                }
            }
            _ => None,
        }
    }
}

/// A constructor's tag, and the app of it to as many arguments as a tree has.
fn tagged(noun: Ref<'_>) -> Option<(Tag, AppRef<'_>)> {
    let Shape::App(app) = noun.shape() else { return None };
    let Shape::Pin(pin) = app.head().shape() else { return None };
    let tag = Tag::of(pin)?;
    (app.len() as u64 == tag.arity() - 1).then_some((tag, app))
}

/// What a leaf means without any macro.
pub(crate) enum Literal<'a> {
    Number(Natural),
    /// A name that stands for what is bound to it.
    Name(&'a str),
    Text(&'a str),
}

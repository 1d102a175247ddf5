//! Converting values to terms: [`PinClosure::shallow`] and [`PinClosure::full`].
//!
//! The order in which pins are visited decides their names, so it is part of the printed form: a
//! function before its arguments, a key before its value, the pins within a pin before that pin.
//! (prototype: lib/Loot/Backend.hs)
//!
//! The budget of the print is taken for each part before it is visited, in the order in which the
//! parts are printed. When the budget is used up, all parts that are left become
//! [`TermNode::Elided`]. The children of a node become tasks a few at a time, so the memory for
//! tasks is within the budget too.

use super::Symbol;
use super::limit::PrintBudget;
use super::quoted::{EMBED, Quoted, STRAY};
use super::term::{LawFacts, PinClosure, PinEntry, PrintTerm, TermNode};
use malachite_base::num::basic::traits::One;
use plan::Map;
use plan::Natural;
use plan::raw::is_wide_constructor;
use plan::{AppRef, Hash, LawRef, NatRef, PinRef, Ref, Shape};

/// A law with more parameters than this is printed as the app of `0` that makes it, because the
/// list of their names is unreadable.
const MAX_PARAMETERS: u64 = 1 << 16;

/// A value that is still to be converted. The last task of a list is done first.
enum LoadTask<'h> {
    Value(Ref<'h>),
    Key(Ref<'h>),
    /// A part of a law's body, in which the variables up to `last` are bound.
    Body {
        code: Ref<'h>,
        law: usize,
        last: u64,
    },
    /// A value where a Rex tree is expected.
    Tree(Ref<'h>),
    /// The children of a node that are not tasks yet.
    Children(ChildTasks<'h>),
    /// Sets the end of that node: everything below it has been converted.
    End(usize),
}

/// The tasks for some children of a node, and how many of them belong together: 2 for a table, 1
/// for other nodes.
struct ChildTasks<'h> {
    tasks: Box<dyn Iterator<Item = LoadTask<'h>> + 'h>,
    group: usize,
}

/// The number of children of a node that become tasks at once, a multiple of every group.
const TASK_BATCH: usize = 64;

/// A term under construction.
struct TermBuilder<'b, 'h> {
    budget: &'b PrintBudget<'h>,
    term: PrintTerm<'h>,
    tasks: Vec<LoadTask<'h>>,
    /// The pin whose item the term is, if there is one.
    pin: Option<PinRef<'h>>,
}

impl<'h> PinClosure<'h> {
    /// A value with its pins. Only the value itself, if it is a pin, gets a definition, and its
    /// item, if that is a pin too.
    pub(super) fn shallow(value: Ref<'h>, budget: &PrintBudget<'h>) -> PinClosure<'h> {
        Loader::new(budget).load(value, false)
    }

    /// The row `[[label time] value]`, in which no pin gets a definition.
    pub(super) fn stamped(
        label: NatRef<'h>,
        time: NatRef<'h>,
        value: Ref<'h>,
        budget: &PrintBudget<'h>,
    ) -> PinClosure<'h> {
        let mut builder = TermBuilder::new(value, None, budget);
        let term = &mut builder.term;
        term.nodes = vec![TermNode::Row, TermNode::Row, TermNode::Nat(label), TermNode::Nat(time)];
        term.ends = vec![0, 4, 3, 4];
        builder.tasks.insert(0, LoadTask::End(0));
        Loader::new(budget).run(builder, false)
    }

    /// A value with all pins reachable from it, each with its definition.
    pub(super) fn full(value: Ref<'h>, budget: &PrintBudget<'h>) -> PinClosure<'h> {
        Loader::new(budget).load(value, true)
    }
}

/// The identity of a pin.
#[derive(PartialEq, Eq, Hash)]
enum PinKey {
    Hash(Hash),
    /// The address of a pin that is too large to be hashed for its name.
    Address(usize),
}

struct Loader<'b, 'h> {
    budget: &'b PrintBudget<'h>,
    pins: Vec<PinEntry<'h>>,
    numbers: Map<PinKey, usize>,
    /// The tags of pins that contain pins.
    tags: Map<PinKey, Symbol>,
}

impl<'b, 'h> Loader<'b, 'h> {
    fn new(budget: &'b PrintBudget<'h>) -> Self {
        Loader { budget, pins: Vec::new(), numbers: Map::default(), tags: Map::default() }
    }

    fn load(self, value: Ref<'h>, all: bool) -> PinClosure<'h> {
        let builder = TermBuilder::new(value, None, self.budget);
        self.run(builder, all)
    }

    fn run(mut self, builder: TermBuilder<'b, 'h>, all: bool) -> PinClosure<'h> {
        let mut builders = vec![builder];
        while let Some(mut builder) = builders.pop() {
            match self.advance(&mut builder, all) {
                Some(pin) => {
                    let item = TermBuilder::new(pin.item(), Some(pin), self.budget);
                    builders.extend([builder, item]);
                }
                None => match builder.pin {
                    Some(pin) => {
                        self.enter(pin, Some(builder.term));
                    }
                    None => return PinClosure { value: builder.term, pins: self.pins },
                },
            }
        }
        unreachable!("the builder of the value itself ends the loop")
    }

    fn key(&self, pin: PinRef<'h>) -> PinKey {
        match self.budget.hash(pin) {
            Some(hash) => PinKey::Hash(hash),
            None => PinKey::Address(pin.value().word().address()),
        }
    }

    fn enter(&mut self, pin: PinRef<'h>, definition: Option<PrintTerm<'h>>) -> usize {
        let number = self.pins.len();
        let tag = self.tag(pin);
        self.pins.push(PinEntry { tag, definition });
        let key = self.key(pin);
        self.numbers.insert(key, number);
        number
    }

    /// The name of the law in a pin, or in a pin in it; 0 if the pinned value is not a law, or the
    /// budget does not cover the pins around the law.
    fn tag(&mut self, mut pin: PinRef<'h>) -> Symbol {
        let mut around = Vec::new();
        let tag = loop {
            if let Some(tag) = self.tags.get(&self.key(pin)) {
                break tag.clone();
            }
            match pin.item().shape() {
                Shape::Law(law) => break law.name().into(),
                Shape::Pin(inner) if self.budget.take(0, 1) => {
                    around.push(self.key(pin));
                    pin = inner;
                }
                Shape::Pin(_) => return NatRef::Small(0).into(),
                _ => break NatRef::Small(0).into(),
            }
        };
        self.tags.extend(around.into_iter().map(|hash| (hash, tag.clone())));
        tag
    }

    /// Continues a term until it is complete, or until a pin is found that must be converted first.
    fn advance(&mut self, builder: &mut TermBuilder<'b, 'h>, all: bool) -> Option<PinRef<'h>> {
        while let Some(task) = builder.tasks.pop() {
            match task {
                LoadTask::End(index) => builder.term.ends[index] = builder.term.nodes.len(),
                LoadTask::Children(children) => builder.continue_children(children),
                _ if self.budget.is_used_up() => builder.elide(),
                LoadTask::Body { code, law, last } => builder.body(code, law, last),
                LoadTask::Tree(value) => builder.tree(value),
                LoadTask::Key(value) => match value.as_nat() {
                    Some(nat) => builder.nat(nat, TermNode::Key),
                    None => builder.tasks.push(LoadTask::Value(value)),
                },
                LoadTask::Value(value) => match value.shape() {
                    Shape::Pin(pin) => {
                        let number = match self.numbers.get(&self.key(pin)) {
                            Some(&number) => number,
                            None if all || builder.term.nodes.is_empty() => {
                                builder.tasks.push(task);
                                return Some(pin);
                            }
                            None => self.enter(pin, None),
                        };
                        let name = self.pins[number].tag.size();
                        builder.leaf_of(0, units(name), TermNode::Pin(number));
                    }
                    shape => builder.value(value, shape),
                },
            }
        }
        None
    }
}

/// Whether a nat of these limbs is printed as text.
fn is_text(limbs: &[u64]) -> bool {
    let bytes = || limbs.iter().flat_map(|limb| limb.to_le_bytes());
    let unused = bytes().rev().take_while(|byte| *byte == 0).count();
    bytes().take(8 * limbs.len() - unused).all(|byte| matches!(byte, b'\n' | b' '..=b'~'))
}

/// The budget for a number of bytes of text.
fn units(bytes: usize) -> u64 {
    (bytes / 8) as u64
}

/// The budget for the lines of a text, which have a node each when they are printed.
fn lines_in(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl<'b, 'h> TermBuilder<'b, 'h> {
    /// Begins a term with the task for `value`.
    fn new(value: Ref<'h>, pin: Option<PinRef<'h>>, budget: &'b PrintBudget<'h>) -> Self {
        budget.take(1, 0);
        TermBuilder { budget, term: PrintTerm::default(), tasks: vec![LoadTask::Value(value)], pin }
    }

    fn leaf(&mut self, node: TermNode<'h>) {
        self.term.nodes.push(node);
        self.term.ends.push(self.term.nodes.len());
    }

    /// Adds a leaf for which the task took the budget of one part. It needs more: `parts` parts,
    /// and `other` units of text that are no parts of the value.
    fn leaf_of(&mut self, parts: u64, other: u64, node: TermNode<'h>) {
        if self.budget.take(parts, other) { self.leaf(node) } else { self.elide() }
    }

    /// Adds the mark of a part that the budget does not cover.
    fn elide(&mut self) {
        self.budget.give_up_part();
        self.leaf(TermNode::Elided);
    }

    fn nat(&mut self, nat: NatRef<'h>, node: impl FnOnce(NatRef<'h>) -> TermNode<'h>) {
        let NatRef::Limbs(limbs) = nat else { return self.leaf(node(nat)) };
        let line_feeds: u64 = limbs.iter().map(|limb| lines_in(&limb.to_le_bytes())).sum();
        let parts = limbs.len() as u64;
        let is_text = is_text(limbs);
        // A limb of a number is up to 20 digits.
        let other = if is_text { line_feeds } else { parts * 3 / 2 };
        let left = self.budget.parts_left();
        // The start of a text is its first limbs. A number has no start that could be shown.
        if (1..parts + other).contains(&left) && is_text {
            let shown = (left * parts / (parts + other)).max(1);
            self.budget.take_rest();
            return self.leaf(node(NatRef::from_limbs(&limbs[..shown as usize])));
        }
        self.leaf_of(parts, other, node(nat));
    }

    fn bar(&mut self, bytes: &'h [u8]) {
        let (parts, other) = (units(bytes.len()), lines_in(bytes));
        let left = self.budget.parts_left();
        if (1..parts + other).contains(&left) {
            let shown = (left * bytes.len() as u64 / (parts + other)) as usize;
            self.budget.take_rest();
            let shown = match std::str::from_utf8(bytes) {
                Ok(text) => text.floor_char_boundary(shown),
                Err(_) => shown,
            };
            return self.leaf(TermNode::Bar(&bytes[..shown]));
        }
        self.leaf_of(parts, other, TermNode::Bar(bytes));
    }

    /// Adds a node, and tasks for its children.
    fn branch(
        &mut self,
        node: TermNode<'h>,
        children: impl IntoIterator<Item = LoadTask<'h>, IntoIter: 'h>,
    ) {
        self.branch_of(node, 1, children);
    }

    /// [`TermBuilder::branch`] with children that belong together in groups of that size.
    fn branch_of(
        &mut self,
        node: TermNode<'h>,
        group: usize,
        children: impl IntoIterator<Item = LoadTask<'h>, IntoIter: 'h>,
    ) {
        let index = self.term.nodes.len();
        self.leaf(node);
        self.tasks.push(LoadTask::End(index));
        let mut children = children.into_iter();
        if let Some(below) = self.push_batch(&mut children, group) {
            let rest = ChildTasks { tasks: Box::new(children), group };
            self.tasks.insert(below, LoadTask::Children(rest));
        }
    }

    /// Pushes the tasks for the next children, the first on top, and takes the budget for them. If
    /// there may be more children, returns the index where the task for them belongs.
    fn push_batch(
        &mut self,
        children: &mut impl Iterator<Item = LoadTask<'h>>,
        group: usize,
    ) -> Option<usize> {
        let below = self.tasks.len();
        let left = usize::try_from(self.budget.parts_left()).unwrap_or(usize::MAX);
        let count = left.clamp(1, TASK_BATCH).next_multiple_of(group);
        self.tasks.extend(children.take(count));
        let pushed = self.tasks.len() - below;
        self.tasks[below..].reverse();
        self.budget.take(pushed as u64, 0);
        (pushed == count).then_some(below)
    }

    fn continue_children(&mut self, mut children: ChildTasks<'h>) {
        if self.budget.parts_left() > 0 {
            if let Some(below) = self.push_batch(&mut children.tasks, children.group) {
                self.tasks.insert(below, LoadTask::Children(children));
            }
        } else if children.tasks.next().is_some() {
            // One mark stands for all that are left.
            self.budget.omit_parts();
            (0..children.group).for_each(|_| self.leaf(TermNode::Elided));
        }
    }

    fn value(&mut self, value: Ref<'h>, shape: Shape<'h>) {
        match shape {
            Shape::Nat(nat) => self.nat(nat, TermNode::Nat),
            Shape::Bar(bytes) => self.bar(bytes),
            Shape::Cow(width) => self.leaf(TermNode::Constructor(Natural::from(width))),
            Shape::Row(items) => self.branch(TermNode::Row, items.iter().map(LoadTask::Value)),
            Shape::Set(keys) => self.branch(TermNode::Set, keys.iter().map(LoadTask::Key)),
            Shape::Tab(keys, values) => {
                let pairs = keys.iter().zip(values.iter());
                let tasks =
                    pairs.flat_map(|(key, value)| [LoadTask::Key(key), LoadTask::Value(value)]);
                self.branch_of(TermNode::Tab, 2, tasks);
            }
            Shape::App(app) => match Quoted::of(value) {
                Some(_) => self.branch(TermNode::Tree, [LoadTask::Tree(value)]),
                None => self.branch(TermNode::App, parts(app)),
            },
            Shape::Law(law) => self.law(law),
            Shape::Pin(_) => unreachable!("the loader handles pins"),
            Shape::Thunk => self.leaf(TermNode::Elided),
        }
    }

    fn law(&mut self, law: LawRef<'h>) {
        if is_wide_constructor(law) {
            return self.nat(law.arity(), |arity| {
                TermNode::Constructor(arity.to_natural() - Natural::ONE)
            });
        }
        let arity = law.arity().saturating_u64();
        if arity > MAX_PARAMETERS {
            self.branch(TermNode::App, [LoadTask::Value(law.body())]);
            self.leaf(TermNode::Nat(NatRef::Small(0)));
            self.nat(law.name(), TermNode::Nat);
            self.nat(law.arity(), TermNode::Nat);
            return;
        }
        let names = units(law.name().byte_count() as usize) + arity;
        if !self.budget.take(0, names) {
            return self.elide();
        }
        let number = self.term.laws.len();
        let facts = LawFacts { name: law.name(), arity, variables: arity, is_recursive: false };
        self.term.laws.push(facts);
        let body = LoadTask::Body { code: law.body(), law: number, last: arity };
        self.branch(TermNode::Law(number), [body]);
    }

    fn body(&mut self, code: Ref<'h>, law: usize, last: u64) {
        let nested = move |code, last| LoadTask::Body { code, law, last };
        match body_part(code, last) {
            BodyPart::Variable(number) => {
                let facts = &mut self.term.laws[law];
                facts.is_recursive |= number == 0;
                let name = if number == 0 { facts.name.byte_count() as usize } else { 0 };
                self.leaf_of(0, units(name), TermNode::Variable { law, number });
            }
            BodyPart::Apply(mut function, argument) => {
                let mut args = vec![argument];
                // With more arguments than the budget covers, the head is an application.
                let most = self.budget.parts_left();
                while let BodyPart::Apply(inner, argument) = body_part(function, last)
                    && args.len() as u64 <= most
                {
                    args.push(argument);
                    function = inner;
                }
                let parts = std::iter::once(function).chain(args.into_iter().rev());
                self.branch(TermNode::Call, parts.map(move |part| nested(part, last)));
            }
            BodyPart::Let(bound, body) => {
                let number = last + 1;
                let variables = &mut self.term.laws[law].variables;
                *variables = number.max(*variables);
                let parts = [bound, body].map(|part| nested(part, number));
                self.branch(TermNode::Let { law, number }, parts);
            }
            BodyPart::Constant(value) => match plain_app(value) {
                Some(app) => self.branch(TermNode::QuotedApp("!"), parts(app)),
                None if is_variable(value, last).is_some() => {
                    self.tasks.push(LoadTask::Value(value))
                }
                None => self.branch(TermNode::Quote("!"), [LoadTask::Value(value)]),
            },
            BodyPart::Other => match plain_app(code) {
                Some(app) => self.branch(TermNode::QuotedApp(":"), parts(app)),
                None => self.tasks.push(LoadTask::Value(code)),
            },
        }
    }

    fn tree(&mut self, value: Ref<'h>) {
        let Some(quoted) = Quoted::of(value) else {
            return self.branch(TermNode::TreeValue(STRAY), [LoadTask::Value(value)]);
        };
        match quoted {
            Quoted::Embed(value) => {
                self.branch(TermNode::TreeValue(EMBED), [LoadTask::Value(value)])
            }
            Quoted::Leaf { leaf, mut text, heir } => {
                let left = self.budget.parts_left();
                if units(text.len()) > left {
                    text.truncate(text.floor_char_boundary(8 * left as usize));
                    self.budget.omit_parts();
                }
                self.budget.take(0, units(text.len()));
                self.branch(TermNode::TreeLeaf { leaf, text }, heir.map(LoadTask::Tree));
            }
            Quoted::Node { shape, rune, sons, heir } => {
                if !self.budget.take(0, units(rune.len())) {
                    return self.elide();
                }
                let node = TermNode::TreeBranch { shape, rune, has_heir: heir.is_some() };
                self.branch(node, sons.iter().chain(heir).map(LoadTask::Tree));
            }
        }
    }
}

fn parts(app: AppRef<'_>) -> impl Iterator<Item = LoadTask<'_>> {
    std::iter::once(app.head()).chain(app.args()).map(LoadTask::Value)
}

/// The value as an app, if it is one and not a Rex tree.
fn plain_app(value: Ref<'_>) -> Option<AppRef<'_>> {
    match value.shape() {
        Shape::App(app) if Quoted::of(value).is_none() => Some(app),
        _ => None,
    }
}

/// A part of a law's body.
enum BodyPart<'h> {
    Variable(u64),
    Apply(Ref<'h>, Ref<'h>),
    Let(Ref<'h>, Ref<'h>),
    Constant(Ref<'h>),
    /// A value that is printed as itself.
    Other,
}

fn is_variable(code: Ref<'_>, last: u64) -> Option<u64> {
    code.as_u64().filter(|&number| number <= last)
}

fn body_part(code: Ref<'_>, last: u64) -> BodyPart<'_> {
    if let Some(number) = is_variable(code, last) {
        return BodyPart::Variable(number);
    }
    let Shape::App(app) = code.shape() else { return BodyPart::Other };
    let Some(operation) = app.head().as_u64() else { return BodyPart::Other };
    let mut args = app.args();
    match (operation, args.next(), args.next(), args.next()) {
        (0, Some(function), Some(argument), None) => BodyPart::Apply(function, argument),
        (1, Some(bound), Some(body), None) => BodyPart::Let(bound, body),
        (2, Some(value), None, None) => BodyPart::Constant(value),
        _ => BodyPart::Other,
    }
}

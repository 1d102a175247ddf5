//! Taking values apart: [`Closure::shallow`] and [`Closure::full`].
//!
//! The order in which pins are met decides their names, so it is part of the printed form: a
//! function before its arguments, a key before its value, the pins within a pin before that pin.
//! (prototype: lib/Loot/Backend.hs)

use super::Symbol;
use super::quoted::{EMBED, Quoted, STRAY};
use super::term::{Closure, LawFacts, Node, PinEntry, Term};
use malachite_base::num::basic::traits::One;
use plan::Map;
use plan::Natural;
use plan::raw::{hash_if_small, is_wide_constructor};
use plan::{AppRef, Hash, LawRef, NatRef, PinRef, Ref, Shape};

/// A law with more parameters than this is shown as the app of `0` that makes it: nobody wants to
/// read so many names.
const MAX_PARAMETERS: u64 = 1 << 16;

/// What is still to be taken apart. Of a list of these, the last comes first.
enum Task<'h> {
    Value(Ref<'h>),
    Key(Ref<'h>),
    /// A part of a law's body, where the variables up to that number are bound.
    Body {
        code: Ref<'h>,
        law: usize,
        last: u64,
    },
    /// What is in the place of a Rex tree.
    Tree(Ref<'h>),
    /// All below that node has been taken apart.
    End(usize),
}

/// A term in the making.
struct Frame<'h> {
    term: Term<'h>,
    tasks: Vec<Task<'h>>,
    /// The pin whose item this is, if it is one.
    pin: Option<PinRef<'h>>,
}

impl<'h> Closure<'h> {
    /// A value with its pins, of which only the value itself, if it is one, is looked into, and
    /// its item, if that is one again.
    pub(super) fn shallow(value: Ref<'h>) -> Closure<'h> {
        Loader::default().load(value, false)
    }

    /// The row of a row of two nats and a value, of which no pin is looked into.
    pub(super) fn stamped(label: NatRef<'h>, time: NatRef<'h>, value: Ref<'h>) -> Closure<'h> {
        let mut frame = Frame::new(value, None);
        let term = &mut frame.term;
        term.nodes = vec![Node::Row, Node::Row, Node::Nat(label), Node::Nat(time)];
        term.ends = vec![0, 4, 3, 4];
        frame.tasks.insert(0, Task::End(0));
        Loader::default().run(frame, false)
    }

    /// A value with all pins that can be reached from it.
    pub(super) fn full(value: Ref<'h>) -> Closure<'h> {
        Loader::default().load(value, true)
    }
}

/// What tells pins apart.
#[derive(PartialEq, Eq, Hash)]
enum PinKey {
    Hash(Hash),
    /// The pin is too large to be hashed; its address has to do.
    Address(usize),
}

fn key(pin: PinRef<'_>) -> PinKey {
    match hash_if_small(pin) {
        Some(hash) => PinKey::Hash(hash),
        None => PinKey::Address(pin.value().word().address()),
    }
}

#[derive(Default)]
struct Loader<'h> {
    pins: Vec<PinEntry<'h>>,
    numbers: Map<PinKey, usize>,
    /// The tags of pins around pins.
    tags: Map<PinKey, Symbol>,
}

impl<'h> Loader<'h> {
    fn load(self, value: Ref<'h>, all: bool) -> Closure<'h> {
        self.run(Frame::new(value, None), all)
    }

    fn run(mut self, frame: Frame<'h>, all: bool) -> Closure<'h> {
        let mut frames = vec![frame];
        while let Some(mut frame) = frames.pop() {
            match self.advance(&mut frame, all) {
                Some(pin) => frames.extend([frame, Frame::new(pin.item(), Some(pin))]),
                None => match frame.pin {
                    Some(pin) => {
                        self.enter(pin, Some(frame.term));
                    }
                    None => return Closure { value: frame.term, pins: self.pins },
                },
            }
        }
        unreachable!("the frame of the value itself ends the loop")
    }

    fn enter(&mut self, pin: PinRef<'h>, definition: Option<Term<'h>>) -> usize {
        let number = self.pins.len();
        let tag = self.tag(pin);
        self.pins.push(PinEntry { tag, definition });
        self.numbers.insert(key(pin), number);
        number
    }

    /// The name of the law in a pin, or in the pins in it; 0 if it is something else.
    fn tag(&mut self, mut pin: PinRef<'h>) -> Symbol {
        let mut around = Vec::new();
        let tag = loop {
            if let Some(tag) = self.tags.get(&key(pin)) {
                break tag.clone();
            }
            match pin.item().shape() {
                Shape::Law(law) => break law.name().into(),
                Shape::Pin(inner) => {
                    around.push(key(pin));
                    pin = inner;
                }
                _ => break NatRef::Small(0).into(),
            }
        };
        self.tags.extend(around.into_iter().map(|hash| (hash, tag.clone())));
        tag
    }

    /// Goes on with a term until it is done, or until a pin is met that has to be taken apart
    /// first.
    fn advance(&mut self, frame: &mut Frame<'h>, all: bool) -> Option<PinRef<'h>> {
        while let Some(task) = frame.tasks.pop() {
            match task {
                Task::End(index) => frame.term.ends[index] = frame.term.nodes.len(),
                Task::Body { code, law, last } => frame.body(code, law, last),
                Task::Tree(value) => frame.tree(value),
                Task::Key(value) => match value.as_nat() {
                    Some(nat) => frame.leaf(Node::Key(nat)),
                    None => frame.tasks.push(Task::Value(value)),
                },
                Task::Value(value) => match value.shape() {
                    Shape::Pin(pin) => {
                        let number = match self.numbers.get(&key(pin)) {
                            Some(&number) => number,
                            None if all || frame.term.nodes.is_empty() => {
                                frame.tasks.push(task);
                                return Some(pin);
                            }
                            None => self.enter(pin, None),
                        };
                        frame.leaf(Node::Pin(number));
                    }
                    shape => frame.value(value, shape),
                },
            }
        }
        None
    }
}

impl<'h> Frame<'h> {
    fn new(value: Ref<'h>, pin: Option<PinRef<'h>>) -> Frame<'h> {
        Frame { term: Term::default(), tasks: vec![Task::Value(value)], pin }
    }

    fn leaf(&mut self, node: Node<'h>) {
        self.term.nodes.push(node);
        self.term.ends.push(self.term.nodes.len());
    }

    /// Adds a node, and leaves its children to be taken apart.
    fn branch(&mut self, node: Node<'h>, children: impl IntoIterator<Item = Task<'h>>) {
        let index = self.term.nodes.len();
        self.leaf(node);
        self.tasks.push(Task::End(index));
        let from = self.tasks.len();
        self.tasks.extend(children);
        self.tasks[from..].reverse();
    }

    fn value(&mut self, value: Ref<'h>, shape: Shape<'h>) {
        match shape {
            Shape::Nat(nat) => self.leaf(Node::Nat(nat)),
            Shape::Bar(bytes) => self.leaf(Node::Bar(bytes)),
            Shape::Cow(width) => self.leaf(Node::Constructor(Natural::from(width))),
            Shape::Row(items) => self.branch(Node::Row, items.iter().map(Task::Value)),
            Shape::Set(keys) => self.branch(Node::Set, keys.iter().map(Task::Key)),
            Shape::Tab(keys, values) => {
                let pairs = keys.iter().zip(values.iter());
                let tasks = pairs.flat_map(|(key, value)| [Task::Key(key), Task::Value(value)]);
                self.branch(Node::Tab, tasks);
            }
            Shape::App(app) => match Quoted::of(value) {
                Some(_) => self.branch(Node::Tree, [Task::Tree(value)]),
                None => self.branch(Node::App, parts(app)),
            },
            Shape::Law(law) => self.law(law),
            Shape::Pin(_) => unreachable!("pins are the loader's"),
            Shape::Thunk => self.leaf(Node::Thunk),
        }
    }

    fn law(&mut self, law: LawRef<'h>) {
        if is_wide_constructor(law) {
            return self.leaf(Node::Constructor(law.arity().to_natural() - Natural::ONE));
        }
        let arity = law.arity().saturating_u64();
        if arity > MAX_PARAMETERS {
            self.branch(Node::App, [Task::Value(law.body())]);
            for nat in [NatRef::Small(0), law.name(), law.arity()] {
                self.leaf(Node::Nat(nat));
            }
            return;
        }
        let number = self.term.laws.len();
        let facts = LawFacts { name: law.name(), arity, variables: arity, is_recursive: false };
        self.term.laws.push(facts);
        let body = Task::Body { code: law.body(), law: number, last: arity };
        self.branch(Node::Law(number), [body]);
    }

    fn body(&mut self, code: Ref<'h>, law: usize, last: u64) {
        let nested = |code, last| Task::Body { code, law, last };
        match view(code, last) {
            Code::Variable(number) => {
                self.term.laws[law].is_recursive |= number == 0;
                self.leaf(Node::Variable { law, number });
            }
            Code::Apply(mut function, argument) => {
                let mut args = vec![argument];
                while let Code::Apply(inner, argument) = view(function, last) {
                    args.push(argument);
                    function = inner;
                }
                let parts = std::iter::once(function).chain(args.into_iter().rev());
                self.branch(Node::Call, parts.map(|part| nested(part, last)));
            }
            Code::Let(bound, body) => {
                let number = last + 1;
                let variables = &mut self.term.laws[law].variables;
                *variables = number.max(*variables);
                let parts = [bound, body].map(|part| nested(part, number));
                self.branch(Node::Let { law, number }, parts);
            }
            Code::Constant(value) => match plain_app(value) {
                Some(app) => self.branch(Node::QuotedApp("!"), parts(app)),
                None if is_variable(value, last).is_some() => self.tasks.push(Task::Value(value)),
                None => self.branch(Node::Quote("!"), [Task::Value(value)]),
            },
            Code::Other => match plain_app(code) {
                Some(app) => self.branch(Node::QuotedApp(":"), parts(app)),
                None => self.tasks.push(Task::Value(code)),
            },
        }
    }

    fn tree(&mut self, value: Ref<'h>) {
        let Some(quoted) = Quoted::of(value) else {
            return self.branch(Node::TreeValue(STRAY), [Task::Value(value)]);
        };
        let children = quoted.children().into_iter().map(Task::Tree);
        match quoted {
            Quoted::Embed(value) => self.branch(Node::TreeValue(EMBED), [Task::Value(value)]),
            Quoted::Leaf { leaf, text, .. } => {
                self.branch(Node::TreeLeaf { leaf, text }, children);
            }
            Quoted::Node { shape, rune, heir, .. } => {
                self.branch(Node::TreeBranch { shape, rune, has_heir: heir.is_some() }, children);
            }
        }
    }
}

fn parts(app: AppRef<'_>) -> impl Iterator<Item = Task<'_>> {
    std::iter::once(app.head()).chain(app.args()).map(Task::Value)
}

/// An app that is not a Rex tree.
fn plain_app(value: Ref<'_>) -> Option<AppRef<'_>> {
    match value.shape() {
        Shape::App(app) if Quoted::of(value).is_none() => Some(app),
        _ => None,
    }
}

/// What a part of a law's body says.
enum Code<'h> {
    Variable(u64),
    Apply(Ref<'h>, Ref<'h>),
    Let(Ref<'h>, Ref<'h>),
    Constant(Ref<'h>),
    /// Nothing but itself.
    Other,
}

fn is_variable(code: Ref<'_>, last: u64) -> Option<u64> {
    code.as_u64().filter(|&number| number <= last)
}

fn view(code: Ref<'_>, last: u64) -> Code<'_> {
    if let Some(number) = is_variable(code, last) {
        return Code::Variable(number);
    }
    let Shape::App(app) = code.shape() else { return Code::Other };
    let Some(operation) = app.head().as_u64() else { return Code::Other };
    let mut args = app.args();
    match (operation, args.next(), args.next(), args.next()) {
        (0, Some(function), Some(argument), None) => Code::Apply(function, argument),
        (1, Some(bound), Some(body), None) => Code::Let(bound, body),
        (2, Some(value), None, None) => Code::Constant(value),
        _ => Code::Other,
    }
}

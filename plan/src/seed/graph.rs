//! The pairs and leaves of a value, equal ones once.

use super::SaveError;
use crate::bar;
use crate::digest::Hash;
use crate::heap::HeapMemory;
use crate::map::Map;
use crate::nat::NatRef;
use crate::pin;
use crate::tree::{self, Items};
use crate::value_ref::Ref;
use crate::view::{LawRef, PinRef, Shape};
use crate::word::{Word, WordKind};
use std::borrow::Cow;
use std::collections::HashMap;

/// The number of a node, in the order of completion: functions before arguments.
pub(super) type NodeId = u32;

/// The function and the argument of a pair; for a leaf, [`LEAF`] both times.
pub(super) type Pair = (NodeId, NodeId);

pub(super) const LEAF: NodeId = NodeId::MAX;

/// Most rows are narrower than this.
const COMMON_WIDTHS: usize = 16;

/// The nodes of a small value.
const SMALL: usize = 28;

/// A value as a graph of pairs, in which all nodes are distinct. The last node is the value.
///
/// The leaves are the nodes in `words` and `bigs`, and the first `holes` nodes.
#[derive(Default)]
pub(super) struct Graph<'h> {
    pub(super) nodes: Vec<Pair>,
    pub(super) holes: u32,
    pub(super) words: Map<u64, NodeId>,
    pub(super) bigs: Map<Cow<'h, [u64]>, NodeId>,
    pairs: Map<Pair, NodeId>,
    /// The nodes of the row constructors of common widths, by width.
    constructors: [Option<NodeId>; COMMON_WIDTHS],
}

impl<'h> Graph<'h> {
    /// Builds the graph of a value. With `holes`, which maps hashes to hole numbers, pins are
    /// leaves; without, they are decomposed too.
    pub(super) fn of(
        value: Ref<'h>,
        holes: Option<&HashMap<Hash, u32>>,
    ) -> Result<Graph<'h>, SaveError> {
        // Most values are small. Tables that begin with some room need not grow for them.
        let mut graph = Graph { nodes: Vec::with_capacity(SMALL), ..Graph::default() };
        graph.pairs.reserve(SMALL);
        for _ in 0..holes.map_or(0, HashMap::len) {
            graph.holes += 1;
            graph.leaf()?;
        }
        GraphBuilder { graph, holes, heap: value.heap, known: Map::default(), frames: Vec::new() }
            .run(value.word)
    }

    fn add(&mut self, pair: Pair) -> Result<NodeId, SaveError> {
        let node = NodeId::try_from(self.nodes.len()).ok().filter(|&node| node < LEAF);
        let node = node.ok_or(SaveError::TooLarge)?;
        self.nodes.push(pair);
        Ok(node)
    }

    fn leaf(&mut self) -> Result<NodeId, SaveError> {
        self.add((LEAF, LEAF))
    }

    fn word(&mut self, nat: u64) -> Result<NodeId, SaveError> {
        if let Some(&node) = self.words.get(&nat) {
            return Ok(node);
        }
        let node = self.leaf()?;
        self.words.insert(nat, node);
        Ok(node)
    }

    fn limbs(&mut self, limbs: Cow<'h, [u64]>) -> Result<NodeId, SaveError> {
        match *limbs {
            [] => return self.word(0),
            [limb] => return self.word(limb),
            _ => {}
        }
        if let Some(&node) = self.bigs.get(&limbs) {
            return Ok(node);
        }
        let node = self.leaf()?;
        self.bigs.insert(limbs, node);
        Ok(node)
    }

    fn nat(&mut self, nat: NatRef<'h>) -> Result<NodeId, SaveError> {
        match nat {
            NatRef::Small(word) => self.word(word),
            NatRef::Limbs(limbs) => self.limbs(Cow::Borrowed(limbs)),
        }
    }

    fn pair(&mut self, function: NodeId, argument: NodeId) -> Result<NodeId, SaveError> {
        if let Some(&node) = self.pairs.get(&(function, argument)) {
            return Ok(node);
        }
        let node = self.add((function, argument))?;
        self.pairs.insert((function, argument), node);
        Ok(node)
    }

    /// Returns the node of `(0 name arity)`: a law without its body.
    fn law_head(&mut self, name: NatRef<'h>, arity: NatRef<'h>) -> Result<NodeId, SaveError> {
        let zero = self.word(0)?;
        let name = self.nat(name)?;
        let named = self.pair(zero, name)?;
        let arity = self.nat(arity)?;
        self.pair(named, arity)
    }

    /// Returns the node of `(0 0 width+1 0)`: a row constructor.
    fn constructor(&mut self, width: u64) -> Result<NodeId, SaveError> {
        let common = usize::try_from(width).ok().filter(|&width| width < COMMON_WIDTHS);
        if let Some(known) = common.and_then(|width| self.constructors[width]) {
            return Ok(known);
        }
        let head = self.law_head(NatRef::Small(0), NatRef::Small(width + 1))?;
        let zero = self.word(0)?;
        let node = self.pair(head, zero)?;
        if let Some(width) = common {
            self.constructors[width] = Some(node);
        }
        Ok(node)
    }

    fn bar(&mut self, bytes: &[u8]) -> Result<NodeId, SaveError> {
        let head = self.law_head(NatRef::Small(1), NatRef::Small(1))?;
        let body = self.limbs(Cow::Owned(bar::bar_body_limbs(bytes)))?;
        self.pair(head, body)
    }
}

/// Builds a graph.
struct GraphBuilder<'h, 'm> {
    graph: Graph<'h>,
    holes: Option<&'m HashMap<Hash, u32>>,
    heap: &'h HeapMemory,
    /// The nodes of the objects that are complete: a shared object is decomposed once.
    known: Map<u64, NodeId>,
    frames: Vec<ObjectFrame>,
}

/// A part of an object that is to become a node.
enum Component {
    Value(Word),
    /// The row of the keys of a set.
    RowOf(Word),
}

/// An object that is being decomposed.
struct ObjectFrame {
    object: Word,
    /// The node of the function applied to the components so far. `None` if the next component is
    /// the function.
    node: Option<NodeId>,
    remaining: Remaining,
}

/// The components of an object that are still to be visited.
enum Remaining {
    /// The payload words in that range, upwards.
    Fields(u32, u32),
    /// That many of its items or keys, downwards.
    Items(u32),
    /// The row of its keys.
    Keys,
    /// None.
    Nothing,
}

impl<'h> GraphBuilder<'h, '_> {
    fn run(mut self, value: Word) -> Result<Graph<'h>, SaveError> {
        let mut done = self.enter(Component::Value(value))?;
        loop {
            if let Some(node) = done.take()
                && let Some(frame) = self.frames.last_mut()
            {
                frame.node = Some(match frame.node {
                    Some(function) => self.graph.pair(function, node)?,
                    None => node,
                });
            }
            let Some(frame) = self.frames.last_mut() else {
                return Ok(self.graph);
            };
            done = match frame.next_component(self.heap) {
                Some(part) => self.enter(part)?,
                None => self.finish_frame(),
            };
        }
    }

    /// Pops the innermost frame, and returns its node.
    fn finish_frame(&mut self) -> Option<NodeId> {
        let ObjectFrame { object, node, remaining } = self.frames.pop()?;
        let as_row = matches!(remaining, Remaining::Items(_)) && object.kind() != WordKind::Row;
        if !as_row && let Some(node) = node {
            self.known.insert(object.raw(), node);
        }
        node
    }

    /// Returns the node of a component; `None` if a frame has been pushed for it.
    fn enter(&mut self, part: Component) -> Result<Option<NodeId>, SaveError> {
        let word = match part {
            Component::Value(word) => self.heap.resolve(word),
            Component::RowOf(object) => return self.enter_row(object),
        };
        if word.has_object()
            && let Some(&node) = self.known.get(&word.raw())
        {
            return Ok(Some(node));
        }
        let value = Ref::new(word, self.heap);
        match value.shape() {
            Shape::Nat(nat) => self.graph.nat(nat).map(Some),
            Shape::Cow(width) => self.graph.constructor(width).map(Some),
            Shape::Bar(bytes) => {
                let node = self.graph.bar(bytes)?;
                self.known.insert(word.raw(), node);
                Ok(Some(node))
            }
            Shape::Pin(pin) => self.enter_pin(pin),
            Shape::Law(law) => self.enter_law(word, law),
            Shape::App(_) | Shape::Tab(..) => {
                let fields = Remaining::Fields(0, self.heap.size(word) as u32);
                Ok(self.push(word, None, fields))
            }
            Shape::Row(_) => self.enter_row(word),
            Shape::Set(_) => {
                let head = self.graph.law_head(NatRef::Small(1), NatRef::Small(2))?;
                Ok(self.push(word, Some(head), Remaining::Keys))
            }
            Shape::Thunk => Err(SaveError::NotNormal),
        }
    }

    fn push(&mut self, object: Word, node: Option<NodeId>, remaining: Remaining) -> Option<NodeId> {
        self.frames.push(ObjectFrame { object, node, remaining });
        None
    }

    fn enter_row(&mut self, object: Word) -> Result<Option<NodeId>, SaveError> {
        let count = tree::len(self.heap, object);
        let constructor = self.graph.constructor(count as u64)?;
        Ok(self.push(object, Some(constructor), Remaining::Items(count as u32)))
    }

    fn enter_pin(&mut self, pin: PinRef<'h>) -> Result<Option<NodeId>, SaveError> {
        if let Some(holes) = self.holes {
            let hole = holes.get(&pin.hash()?);
            return Ok(Some(*hole.expect("every pin in the value has a hole")));
        }
        let four = self.graph.word(4)?;
        Ok(self.push(pin.0.word, Some(four), Remaining::Fields(0, 1)))
    }

    fn enter_law(&mut self, word: Word, law: LawRef<'h>) -> Result<Option<NodeId>, SaveError> {
        let head = self.graph.law_head(law.name(), law.arity())?;
        Ok(self.push(word, Some(head), Remaining::Fields(2, 3)))
    }
}

impl ObjectFrame {
    fn next_component(&mut self, heap: &HeapMemory) -> Option<Component> {
        match self.remaining {
            Remaining::Fields(next, end) if next < end => {
                self.remaining = Remaining::Fields(next + 1, end);
                let is_pin = self.object.kind() == WordKind::Pin;
                let load = || heap.load(self.object, next as usize);
                Some(Component::Value(if is_pin { pin::item(heap, self.object) } else { load() }))
            }
            Remaining::Items(count) if count > 0 => {
                self.remaining = Remaining::Items(count - 1);
                Items::of(self.object, heap).word(count as usize - 1).map(Component::Value)
            }
            Remaining::Keys => {
                self.remaining = Remaining::Nothing;
                Some(Component::RowOf(self.object))
            }
            Remaining::Fields(..) | Remaining::Items(_) | Remaining::Nothing => None,
        }
    }
}

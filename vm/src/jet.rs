//! The door through which native twins of laws come in.
//!
//! A jet is declared once ([`Jet`]): name, arity, what it needs of its arguments, and the code. The
//! evaluator finds the jet of a pinned law by the law's hash, evaluates the arguments as far as the
//! jet demands, and calls it with them on the stack ([`Call`]). A jet may answer that it does not
//! handle these arguments; then the law itself runs.
//!
//! A law is never taken for a jet's because of its name. Whoever wants to know of laws that have only
//! the name asks for it: [`JetTable::on_mismatch`].

mod apply;
mod declare;
pub(crate) mod index;
mod numbers;
mod parts;
mod watch;

pub use apply::CheapFunction;
pub use declare::{Cheap, Crashes, Gives, Jet, Operation, WordOperation};
pub use watch::Calls;

use crate::heap::object::Layout;
use crate::nat::NatRef;
use crate::pin;
use crate::word::{Kind, Word};
use crate::{Hash, Items, Natural, Ref, Shape, Stop, Val, Vm, bar, nat, shape, tree};
use std::collections::{HashMap, HashSet};

/// How far an argument is evaluated before the jet sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Demand {
    /// Not at all.
    Lazy,
    /// To its outermost shape.
    Head,
    /// To normal form.
    Normal,
}

/// What a jet answers.
#[derive(Debug)]
pub enum Answer {
    /// The result is on top of the stack.
    Done,
    /// A function and this many arguments are on top of the stack; the result is that of the call.
    Call(usize),
    /// The value on top of the stack, evaluated to its outermost shape, is the result.
    Eval,
    /// The value on top of the stack has to be evaluated to its outermost shape first: do that, and
    /// call the jet again with the same arguments. It must be a thunk, within reach of the
    /// arguments, so that the jet finds it evaluated next time.
    Again,
    /// Not handled: run the law.
    Law,
}

/// The code of a jet.
#[derive(Clone, Copy)]
pub enum Code {
    /// A native function of the evaluated arguments.
    Native(fn(&mut Call<'_>) -> Result<Answer, Stop>),
    /// A form of control that the evaluator itself knows.
    Control(Control),
}

/// Forms of control that the evaluator itself knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// `if c t e`: `e` if `c` is 0 or not a nat, else `t`.
    If,
    /// `ifz c t e`: `t` if `c` is the nat 0, else `e`.
    IfZero,
    /// `ifNot c t e`: `t` if `c` is 0 or not a nat, else `e`.
    IfNot,
    /// `seq a b`: `b`, after `a` has been evaluated to its outermost shape.
    Seq,
    /// `deepseq a b`: `b`, after `a` has been normalised.
    DeepSeq,
    /// `force a`: `a` in normal form.
    Force,
    /// `trk a b`: `b`, after `a` has been normalised and handed to the trace hook.
    Trace,
    /// `deepTrace a b`: likewise, with the hook for deep traces if there is one.
    DeepTrace,
    /// `try x`: what its law's documentation says of the crash, if `x` ends in one.
    Try,
    /// The same for applications in applications, spelled as data.
    TryExpression,
}

impl Control {
    /// Whether the form is called like a law, and not carried out where it stands.
    pub(crate) fn is_called(self) -> bool {
        use Control::{DeepTrace, Trace, Try, TryExpression};
        matches!(self, Trace | DeepTrace | Try | TryExpression)
    }
}

/// Connectives that the evaluator knows: truth values of which the second is evaluated only if the
/// first does not settle the result. (0, and what is not a nat, is false.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Connective {
    /// 1 if both are true, else 0.
    And,
    /// 1 if either is true, else 0.
    Or,
}

/// The jets that a runtime knows, found by the hash of the law they stand for.
#[derive(Default)]
pub struct JetTable {
    jets: Vec<Jet>,
    connectives: HashMap<u32, Connective>,
    by_hash: index::Index,
    mismatches: Option<Mismatches>,
    counters: Option<Vec<watch::Counter>>,
    fallback: watch::Fallback,
}

/// Is called with a law's name and hash.
type MismatchHook = Box<dyn Fn(&str, &Hash) + Send + Sync>;

/// Who is told of pinned laws that have only the name of a known one.
struct Mismatches {
    names: HashSet<&'static str>,
    hashes: HashSet<Hash>,
    /// That of all names and hashes.
    hash: Hash,
    hook: MismatchHook,
}

impl JetTable {
    /// No jets.
    pub fn new() -> JetTable {
        JetTable::default()
    }

    /// Adds a jet that stands for the laws with these hashes.
    pub fn add(&mut self, jet: Jet, hashes: &[Hash]) {
        let id = self.jets.len() as u32;
        self.jets.push(jet);
        hashes.iter().for_each(|hash| self.by_hash.insert(hash, id));
    }

    /// When a jet is cheap, if it ever is.
    pub(crate) fn cheap(&self, id: u32) -> Option<Cheap> {
        self.get(id).cheap
    }

    /// Says that the jet of that name is a connective, so that the evaluator may do without it.
    pub fn mark_connective(&mut self, connective: Connective, name: &str) {
        for (id, jet) in self.jets.iter().enumerate().filter(|(_, jet)| jet.name == name) {
            debug_assert_eq!(jet.arity(), 2);
            self.connectives.insert(id as u32, connective);
        }
    }

    pub(crate) fn connective(&self, id: u32) -> Option<Connective> {
        self.connectives.get(&id).copied()
    }

    /// Calls `hook` with name and hash whenever a law is pinned that has the name of one of these
    /// known laws, but is none of them. Without a hook that goes unnoticed: such a law just runs.
    pub fn on_mismatch(
        &mut self,
        known: impl IntoIterator<Item = (&'static str, Hash)>,
        hook: impl Fn(&str, &Hash) + Send + Sync + 'static,
    ) {
        let (mut names, mut hashes, mut hasher) =
            (HashSet::new(), HashSet::new(), blake3::Hasher::new());
        for (name, hash) in known {
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(&hash.0);
            names.insert(name);
            hashes.insert(hash);
        }
        let hash = Hash(*hasher.finalize().as_bytes());
        self.mismatches = Some(Mismatches { names, hashes, hash, hook: Box::new(hook) });
    }

    /// A hash of what pinned laws are compared with, if they are: values that were made under another
    /// one, or under none, may have laws in them that the hook of [`JetTable::on_mismatch`] has not
    /// been told of.
    pub fn compared_with(&self) -> Option<Hash> {
        self.mismatches.as_ref().map(|mismatches| mismatches.hash)
    }

    /// Tells of a pinned law that no jet stands for, if it has only the name of a known one.
    pub(crate) fn missed(&self, law: Ref<'_>, hash: &Hash) {
        let Some(Mismatches { names, hashes, hook, .. }) = &self.mismatches else { return };
        if hashes.contains(hash) {
            return;
        }
        let Shape::Law(law) = law.shape() else { return };
        if let Some(name) = law.name().text().filter(|name| names.contains(name.as_str())) {
            hook(&name, hash);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jets.is_empty()
    }

    /// A jet of that name.
    pub(crate) fn named(&self, name: &str) -> Option<u32> {
        self.jets.iter().position(|jet| jet.name == name).map(|index| index as u32)
    }

    /// The number of the jet that stands for the law with this hash.
    pub fn find(&self, hash: &Hash) -> Option<u32> {
        self.find_key(&index::key(hash))
    }

    /// Likewise, by the words of the hash.
    #[inline]
    pub(crate) fn find_key(&self, key: &index::Key) -> Option<u32> {
        self.by_hash.find(key)
    }

    /// The jet with that number, as [`JetTable::find`] and [`crate::PinRef::jet`] give it.
    ///
    /// # Panics
    /// If there is none.
    #[inline(always)]
    pub fn get(&self, id: u32) -> &Jet {
        &self.jets[id as usize]
    }
}

/// A jet's call: its arguments on the stack, and the means to make the result.
///
/// What is pushed lies above the arguments. A jet that answers [`Answer::Done`] has its result on
/// top; the evaluator drops the rest.
pub struct Call<'v> {
    pub(crate) vm: &'v mut Vm,
    pub(crate) base: usize,
}

impl Call<'_> {
    /// The argument at that index, from 0.
    #[inline(always)]
    pub fn arg(&self, index: usize) -> Ref<'_> {
        Ref::new(self.vm.heap.stack.get_checked(self.base + index), &self.vm.heap)
    }

    /// The argument as a direct nat, if it is one: the fast path of arithmetic.
    #[inline(always)]
    pub fn small(&self, index: usize) -> Option<u64> {
        self.vm.heap.stack.get_checked(self.base + index).as_direct()
    }

    /// The argument as a nat, if it is one.
    #[inline(always)]
    pub fn nat(&self, index: usize) -> Option<NatRef<'_>> {
        let word = self.vm.heap.stack.get_checked(self.base + index);
        matches!(word.kind(), Kind::Nat | Kind::Big).then(|| NatRef::of(word))
    }

    /// The argument as a nat, 0 for anything else: PLAN's cast.
    #[inline(always)]
    pub fn cast(&self, index: usize) -> NatRef<'_> {
        self.nat(index).unwrap_or(NatRef::Small(0))
    }

    /// How many values were pushed above the base: arguments and results.
    pub fn height(&self) -> usize {
        self.vm.heap.stack.top() - self.base
    }

    /// The value at that height above the first argument (arguments come first).
    pub fn at(&self, index: usize) -> Ref<'_> {
        self.arg(index)
    }

    /// Makes sure that `count` more values can be pushed.
    ///
    /// # Errors
    /// [`Stop::StackFull`].
    pub fn room_for(&self, count: usize) -> Result<(), Stop> {
        if self.vm.heap.stack.has_room(count) { Ok(()) } else { Err(Stop::StackFull) }
    }

    /// Pushes an argument, or a value pushed before, again.
    #[inline(always)]
    pub fn push_at(&mut self, index: usize) {
        let word = self.vm.heap.stack.get_checked(self.base + index);
        self.vm.heap.stack.push_checked(word);
    }

    /// Pushes item `item` of the row, set or object at that height: a row's items and a set's keys
    /// from the first on; a table's set of keys at 0 and its row of values at 1; an app's function
    /// at 0.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn push_item(&mut self, index: usize, item: usize) {
        let heap = &mut self.vm.heap;
        let object = heap.resolve(heap.stack.get_checked(self.base + index));
        let word = match object.kind() {
            Kind::Pin if item == 0 => Some(pin::item(object)),
            Kind::Row | Kind::Set => Items::of(object, heap).word(item),
            _ => heap.words(object, 0).get(item).copied(),
        };
        heap.stack.push_checked(word.expect("the caller knows how many items there are"));
    }

    /// Pushes a value held from outside.
    pub fn push(&mut self, val: &Val) {
        let word = self.vm.heap.word(val);
        self.vm.heap.stack.push_checked(word);
    }

    /// Pushes a nat below 2^63.
    #[inline(always)]
    pub fn push_small(&mut self, nat: u64) {
        self.vm.heap.stack.push_checked(Word::direct(nat));
    }

    /// Pushes 1 or 0.
    #[inline(always)]
    pub fn push_bit(&mut self, bit: bool) {
        self.vm.heap.stack.push_checked(Word::bit(bit));
    }

    /// Pushes a nat.
    ///
    /// # Errors
    /// [`Stop::HeapFull`], as for all that allocate.
    #[inline(always)]
    pub fn push_u64(&mut self, nat: u64) -> Result<(), Stop> {
        self.push_limbs(&[nat])
    }

    /// Pushes a nat of any size.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn push_natural(&mut self, nat: &Natural) -> Result<(), Stop> {
        self.push_limbs(nat.as_limbs_asc())
    }

    /// Pushes the nat with these limbs, least first; leading zero limbs do not matter.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn push_limbs(&mut self, limbs: &[u64]) -> Result<(), Stop> {
        let word = nat::from_limbs(&mut self.vm.heap, limbs)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Pushes a bar.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn push_bar(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let word = bar::make(&mut self.vm.heap, bytes)?;
        self.vm.heap.stack.push_checked(word);
        Ok(())
    }

    /// Replaces the top `count` values by the row of them, first pushed first.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn row(&mut self, count: usize) -> Result<(), Stop> {
        self.vm.heap.reserve(1 + count)?;
        let row = self.vm.heap.allocate_popped(Layout::Row, 0, count);
        self.vm.heap.stack.push_checked(row);
        Ok(())
    }

    /// Replaces the top `count` values by the set of them. They must be in normal form and
    /// strictly ascending, which the caller has seen to.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn set_of_ascending(&mut self, count: usize) -> Result<(), Stop> {
        Ok(tree::set_of_top(&mut self.vm.heap, count)?)
    }

    /// Replaces a set and, above it, the row of as many values by the table.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn tab(&mut self) -> Result<(), Stop> {
        shape::apply_lazily(&mut self.vm.heap, 1)?;
        debug_assert_eq!(self.vm.heap.stack.peek(0).kind(), Kind::Tab, "a set and its values");
        Ok(())
    }

    /// Replaces a function and `count` arguments by the application, not evaluated.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn app(&mut self, count: usize) -> Result<(), Stop> {
        Ok(shape::apply_lazily(&mut self.vm.heap, count)?)
    }

    /// Goes on unless somebody asked for the evaluation to stop. A jet whose work grows with its
    /// arguments looks here once every so many steps.
    ///
    /// # Errors
    /// [`Stop::Interrupted`].
    #[inline(always)]
    pub fn check(&self) -> Result<(), Stop> {
        self.vm.heap.interrupt.check()
    }

    /// Whether [`Call::run`] and its like may be used: they re-enter the evaluator on the native
    /// stack, which has an end. A jet that needs them asks first, and answers [`Answer::Law`] if not.
    pub fn may_nest(&self) -> bool {
        self.vm.may_nest()
    }

    /// Replaces a function and `count` arguments by the value of the application, evaluated to its
    /// outermost shape.
    ///
    /// # Errors
    /// However the evaluation stops; the jet passes it on.
    pub fn run(&mut self, count: usize) -> Result<(), Stop> {
        let value = self.vm.run_top(count)?;
        self.vm.heap.stack.push(value);
        Ok(())
    }

    /// Evaluates the value on top to its outermost shape.
    ///
    /// # Errors
    /// As for [`Call::run`].
    pub fn head(&mut self) -> Result<(), Stop> {
        self.vm.evaluate_top()
    }

    /// Normalises the value on top.
    ///
    /// # Errors
    /// As for [`Call::run`].
    pub fn normalise(&mut self) -> Result<(), Stop> {
        self.vm.normalise_top()
    }

    /// Drops everything above that height.
    pub fn drop_to(&mut self, height: usize) {
        self.vm.heap.stack.truncate(self.base + height);
    }
}

//! Equality and the total order of values in normal form.
//!
//! The order is PLAN's own, which knows neither rows nor bars: nats come before pins, pins before
//! laws, laws before apps. Among themselves
//!
//! - nats go by magnitude;
//! - pins by their items; equal hashes settle that two pins are equal;
//! - laws by name, then arity, then body;
//! - apps by how many arguments there are, then by the function, then argument by argument.
//!
//! A machine shape takes the place of what it stands for:
//!
//! | shape           | compares as                   | so that two of them go by                     |
//! |-----------------|-------------------------------|-----------------------------------------------|
//! | bar             | `{1 1 n}`                     | length, then the last byte that differs       |
//! | row constructor | `{0 n+1 0}`                   | width; the empty row is `{0 1 0}`             |
//! | row             | constructor, items in reverse | length, then the last item that differs       |
//! | set             | `{1 2 row of keys}`           | size, then the last key that differs          |
//! | table           | set of keys, row of values    | set of keys, then the last value that differs |
//!
//! (prototype: the `Ord` instance of values in lib/Fan/Eval.hs; for functions of functions, which
//! it leaves out, PLAN's own law for comparing.)

use crate::bar;
use crate::error::EvalError;
use crate::hash::hash_if_small;
use crate::heap::Memory;
use crate::map::Map;
use crate::nat::NatRef;
use crate::shape::spine;
use crate::tree::{self, Items};
use crate::view::{PinRef, Ref, Shape};
use crate::word::{Kind, Word};
use std::cmp::Ordering;
use std::convert::Infallible;

/// Compares two values in normal form.
///
/// # Panics
/// If something that is not evaluated has to be looked at.
pub fn compare(left: Ref<'_>, right: Ref<'_>) -> Ordering {
    if let (Some(left), Some(right)) = (left.word.as_direct(), right.word.as_direct()) {
        return left.cmp(&right);
    }
    let Ok(order) = Comparison::new(left.heap, right.heap, false).run(left, right, never);
    order
}

/// Likewise, for values of any size: it goes on until somebody asks for it to stop.
///
/// # Errors
/// [`EvalError::Interrupted`].
///
/// # Panics
/// Role for [`compare`].
pub fn try_compare(left: Ref<'_>, right: Ref<'_>) -> Result<Ordering, EvalError> {
    if let (Some(left), Some(right)) = (left.word.as_direct(), right.word.as_direct()) {
        return Ok(left.cmp(&right));
    }
    let poll = || Ok::<(), EvalError>(left.heap.interrupt.check()?);
    Comparison::new(left.heap, right.heap, false).run(left, right, poll)
}

/// Whether two values of any size are equal, likewise.
///
/// # Errors
/// [`EvalError::Interrupted`].
///
/// # Panics
/// Role for [`compare`].
pub fn try_equal(left: Ref<'_>, right: Ref<'_>) -> Result<bool, EvalError> {
    let poll = || Ok::<(), EvalError>(left.heap.interrupt.check()?);
    let order = Comparison::new(left.heap, right.heap, true).run(left, right, poll)?;
    Ok(order == Ordering::Equal)
}

/// Nobody interrupts.
fn never() -> Result<(), Infallible> {
    Ok(())
}

/// Whether two values in normal form are equal: the order says so, this says it sooner.
///
/// # Panics
/// Role for [`compare`].
pub fn equal(left: Ref<'_>, right: Ref<'_>) -> bool {
    let Ok(order) = Comparison::new(left.heap, right.heap, true).run(left, right, never);
    order == Ordering::Equal
}

impl Ref<'_> {
    /// Whether two values in normal form are equal.
    ///
    /// # Panics
    /// If one of them is not in normal form.
    pub fn is_equal(self, other: Ref<'_>) -> bool {
        equal(self, other)
    }

    /// Compares two values in normal form.
    ///
    /// # Panics
    /// If something that is not evaluated has to be looked at.
    pub fn compare(self, other: Ref<'_>) -> Ordering {
        compare(self, other)
    }

    /// [`Ref::compare`] for values of any size, which jets are given.
    ///
    /// # Panics
    /// Role for [`Ref::compare`].
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn try_compare(self, other: Ref<'_>) -> Result<Ordering, EvalError> {
        try_compare(self, other)
    }

    /// [`Ref::is_equal`] likewise.
    ///
    /// # Panics
    /// Role for [`Ref::compare`].
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn try_equal(self, other: Ref<'_>) -> Result<bool, EvalError> {
        try_equal(self, other)
    }
}

/// A comparison under way. Two heaps, since the values need not live in the same one.
struct Comparison<'l, 'r> {
    left: &'l Memory,
    right: &'r Memory,
    /// Only whether the values are equal matters, not which is less.
    only_equality: bool,
    /// What is to be compared if all before is equal; the last first.
    pending: Vec<PendingComparison>,
    /// Pairs of values that have been looked at, and how many are before pairs are remembered.
    steps: usize,
    memo_threshold: usize,
    equal_values: EqualityClasses,
}

/// Values that were found equal, as sets that are joined: each points to another one of its set,
/// but for one. Two values that share their parts can have more pairs of parts than can ever be
/// looked at; but pairs that tell something new are no more than there are values.
#[derive(Default)]
struct EqualityClasses(Map<u64, u64>);

impl EqualityClasses {
    /// The value that stands for the set of this one.
    fn find(&mut self, mut value: u64) -> u64 {
        while let Some(&next) = self.0.get(&value) {
            if let Some(&after) = self.0.get(&next) {
                self.0.insert(value, after);
            }
            value = next;
        }
        value
    }

    fn join(&mut self, left: Word, right: Word) {
        let (left, right) = (self.find(left.raw()), self.find(right.raw()));
        if left != right {
            self.0.insert(left, right);
        }
    }

    fn are_equal(&mut self, left: Word, right: Word) -> bool {
        self.find(left.raw()) == self.find(right.raw())
    }
}

/// Something to be compared.
#[derive(Clone, Copy)]
struct PendingComparison {
    left: Word,
    right: Word,
    step: ComparisonStep,
}

#[derive(Clone, Copy)]
enum ComparisonStep {
    /// Two values.
    Values(Role, Role),
    /// What two lists of items of the same length have before this index, from the last down.
    ItemsBelow(u32),
    /// The arguments of two flat apps of the same size from this payload index up.
    ArgumentsFrom(u32),
    /// Nothing: the two values have been found equal.
    RecordEqual,
}

/// Pairs that are compared at least before any is remembered.
const MIN_MEMO_THRESHOLD: usize = 1 << 16;

const _: () = assert!(size_of::<PendingComparison>() == 24);

/// How a word is to be role.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Role the value it is.
    Value,
    /// A set as the row of its keys.
    KeyRow,
}

/// One of the two values that are being compared, seen as PLAN sees it.
#[derive(Clone, Copy)]
struct Operand<'h> {
    word: Word,
    role: Role,
    heap: &'h Memory,
}

/// The body of a law.
enum LawBody<'h> {
    Value(Operand<'h>),
    /// A nat that is nowhere on the heap, by its limbs.
    Nat(Vec<u64>),
}

impl<'l, 'r> Comparison<'l, 'r> {
    fn new(left: &'l Memory, right: &'r Memory, only_equality: bool) -> Comparison<'l, 'r> {
        // More pairs than there are objects: some must be shared.
        let memo_threshold = (left.used_bytes() + right.used_bytes()) / 16;
        Comparison {
            left,
            right,
            only_equality,
            pending: Vec::new(),
            steps: 0,
            memo_threshold: memo_threshold.max(MIN_MEMO_THRESHOLD),
            equal_values: EqualityClasses::default(),
        }
    }

    fn push_values(&mut self, left: (Word, Role), right: (Word, Role)) {
        let step = ComparisonStep::Values(left.1, right.1);
        self.pending.push(PendingComparison { left: left.0, right: right.0, step });
    }

    /// Compares the two values; `poll` is called between any two steps.
    fn run<E>(
        mut self,
        left: Ref<'l>,
        right: Ref<'r>,
        mut poll: impl FnMut() -> Result<(), E>,
    ) -> Result<Ordering, E> {
        let left = Operand::new(left.word, Role::Value, self.left);
        let right = Operand::new(right.word, Role::Value, self.right);
        let mut order = self.values(left, right);
        while order == Ordering::Equal
            && let Some(task) = self.pending.pop()
        {
            poll()?;
            order = match task.step {
                ComparisonStep::Values(left_role, right_role) => self.values(
                    Operand::new(task.left, left_role, self.left),
                    Operand::new(task.right, right_role, self.right),
                ),
                ComparisonStep::ItemsBelow(end) => self.items_below(task, end as usize),
                ComparisonStep::ArgumentsFrom(start) => self.arguments_from(task, start as usize),
                ComparisonStep::RecordEqual => {
                    self.equal_values.join(task.left, task.right);
                    Ordering::Equal
                }
            };
        }
        Ok(order)
    }

    /// Compares the last pair of items before `end` that are not one object, and leaves those
    /// before them for later.
    fn items_below(&mut self, task: PendingComparison, end: usize) -> Ordering {
        let left = Items::of(task.left, self.left);
        let right = Items::of(task.right, self.right);
        let Some((index, pair)) = last_difference(left, right, end) else {
            return Ordering::Equal;
        };
        if index > 0 {
            // Objects have at most `u32::MAX` words.
            self.pending
                .push(PendingComparison { step: ComparisonStep::ItemsBelow(index as u32), ..task });
        }
        self.values(
            Operand::new(pair.0, Role::Value, self.left),
            Operand::new(pair.1, Role::Value, self.right),
        )
    }

    /// Likewise for the first pair from `start`.
    fn arguments_from(&mut self, task: PendingComparison, start: usize) -> Ordering {
        let left = self.left.words(task.left, 0);
        let right = self.right.words(task.right, 0);
        let Some(index) = (start..left.len()).find(|&index| left[index] != right[index]) else {
            return Ordering::Equal;
        };
        if index + 1 < left.len() {
            self.pending.push(PendingComparison {
                step: ComparisonStep::ArgumentsFrom(index as u32 + 1),
                ..task
            });
        }
        self.values(
            Operand::new(left[index], Role::Value, self.left),
            Operand::new(right[index], Role::Value, self.right),
        )
    }

    /// Compares two values as far as that can be said at once, and leaves the rest for later.
    fn values(&mut self, left: Operand<'l>, right: Operand<'r>) -> Ordering {
        if left.word == right.word && left.role == right.role {
            return Ordering::Equal;
        }
        if let (Some(left), Some(right)) = (left.word.as_direct(), right.word.as_direct()) {
            return left.cmp(&right);
        }
        if self.only_equality && left.word.kind() != right.word.kind() {
            // The same value always takes the same shape.
            return Ordering::Less;
        }
        self.steps += 1;
        if self.steps > self.memo_threshold && self.is_known_equal(left, right) {
            return Ordering::Equal;
        }
        let rank = left.rank();
        rank.cmp(&right.rank()).then_with(|| match rank {
            KindRank::Nat => {
                NatRef::of(left.heap, left.word).cmp(&NatRef::of(right.heap, right.word))
            }
            KindRank::Pin => self.pins(left, right),
            KindRank::Law => self.laws(left, right),
            KindRank::App => self.apps(left, right),
        })
    }

    /// Whether two values have been found equal before. If not, they will have been once all that is
    /// pushed from now on has been compared.
    #[cold]
    fn is_known_equal(&mut self, left: Operand<'l>, right: Operand<'r>) -> bool {
        let are_objects = left.word.has_object() && right.word.has_object();
        if !are_objects || left.role != Role::Value || right.role != Role::Value {
            return false;
        }
        if self.equal_values.are_equal(left.word, right.word) {
            return true;
        }
        self.pending.push(PendingComparison {
            left: left.word,
            right: right.word,
            step: ComparisonStep::RecordEqual,
        });
        false
    }

    fn pins(&mut self, left: Operand<'l>, right: Operand<'r>) -> Ordering {
        let (left, right) = (PinRef(left.as_ref()), PinRef(right.as_ref()));
        // What is too large to be hashed is compared by what it consists of.
        if let (Some(left), Some(right)) = (hash_if_small(left), hash_if_small(right)) {
            if left == right {
                return Ordering::Equal;
            }
            if self.only_equality {
                return Ordering::Less;
            }
        }
        self.push_values((left.item().word, Role::Value), (right.item().word, Role::Value));
        Ordering::Equal
    }

    fn laws(&mut self, left: Operand<'l>, right: Operand<'r>) -> Ordering {
        if let (Some(left), Some(right)) = (left.as_ref().as_bar(), right.as_ref().as_bar()) {
            let from_the_last = || left.iter().rev().cmp(right.iter().rev());
            return left.len().cmp(&right.len()).then_with(from_the_last);
        }
        let names_and_arities = (left.law_name().cmp(&right.law_name()))
            .then_with(|| left.law_arity().cmp(&right.law_arity()));
        names_and_arities.then_with(|| match (left.law_body(), right.law_body()) {
            (LawBody::Value(left), LawBody::Value(right)) => {
                self.push_values((left.word, left.role), (right.word, right.role));
                Ordering::Equal
            }
            (LawBody::Nat(left), LawBody::Nat(right)) => {
                NatRef::Limbs(&left).cmp(&NatRef::Limbs(&right))
            }
            (LawBody::Nat(nat), LawBody::Value(value)) => compare_nat(&nat, value),
            (LawBody::Value(value), LawBody::Nat(nat)) => compare_nat(&nat, value).reverse(),
        })
    }

    fn apps(&mut self, left: Operand<'l>, right: Operand<'r>) -> Ordering {
        let given = left.argument_count();
        let order = given.cmp(&right.argument_count());
        if order != Ordering::Equal {
            return order;
        }
        let both = |kind| left.word.kind() == kind && right.word.kind() == kind;
        match (left.is_row(), right.is_row()) {
            (true, true) => {
                let step = ComparisonStep::ItemsBelow(given as u32);
                self.pending.push(PendingComparison { left: left.word, right: right.word, step });
            }
            (false, false) if both(Kind::App) && left.is_flat() && right.is_flat() => {
                let step = ComparisonStep::ArgumentsFrom(0);
                self.pending.push(PendingComparison { left: left.word, right: right.word, step });
            }
            (false, false) => {
                let pairs = left.parts().into_iter().zip(right.parts());
                pairs.rev().for_each(|(left, right)| self.push_values(left, right));
            }
            // The functions settle it: if they were equal, the other would be a row too.
            _ => self.push_values((left.function(), Role::Value), (right.function(), Role::Value)),
        }
        Ordering::Equal
    }
}

/// The last index below `end` at which two lists do not have the same word, and those words.
fn last_difference(
    left: Items<'_>,
    right: Items<'_>,
    mut end: usize,
) -> Option<(usize, (Word, Word))> {
    while let Some(last) = end.checked_sub(1)
        && let (Some((l, l_start)), Some((r, r_start))) = (left.chunk(last), right.chunk(last))
    {
        let start = l_start.max(r_start);
        let (l, r) = (&l[start - l_start..end - l_start], &r[start - r_start..end - r_start]);
        // Two versions of a tree share most of their parts.
        let shared = std::ptr::eq(l, r);
        let at = if shared { None } else { (0..l.len()).rev().find(|&at| l[at] != r[at]) };
        if let Some(at) = at {
            return Some((start + at, (l[at], r[at])));
        }
        end = start;
    }
    None
}

/// The four kinds of value that PLAN knows, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum KindRank {
    Nat,
    Pin,
    Law,
    App,
}

impl<'h> Operand<'h> {
    fn new(word: Word, role: Role, heap: &'h Memory) -> Operand<'h> {
        Operand { word: heap.resolve(word), role, heap }
    }

    fn as_ref(self) -> Ref<'h> {
        Ref { word: self.word, heap: self.heap }
    }

    fn rank(self) -> KindRank {
        match self.word.kind() {
            _ if self.is_row() && self.count() == 0 => KindRank::Law,
            _ if self.is_row() => KindRank::App,
            Kind::Nat | Kind::Big => KindRank::Nat,
            Kind::Pin => KindRank::Pin,
            Kind::Law | Kind::Bar | Kind::Set | Kind::Cow => KindRank::Law,
            Kind::App | Kind::Row | Kind::Tab => KindRank::App,
            Kind::Thunk | Kind::Code => unreachable!("only values in normal form are compared"),
        }
    }

    /// Whether this is role as a row, be it one or not.
    fn is_row(self) -> bool {
        self.role == Role::KeyRow || self.word.kind() == Kind::Row
    }

    /// How many items a row has, keys a set.
    fn count(self) -> usize {
        tree::len(self.heap, self.word)
    }

    /// How many arguments an app has.
    fn argument_count(self) -> usize {
        match self.word.kind() {
            _ if self.is_row() => self.count(),
            Kind::App => spine(self.heap, self.word).1,
            _ => 1,
        }
    }

    /// The function of an app, be it a shape or not.
    fn function(self) -> Word {
        match self.word.kind() {
            _ if self.is_row() => Word::cow(self.count() as u64),
            Kind::App => spine(self.heap, self.word).0,
            _ => self.heap.load(self.word, 0),
        }
    }

    /// Whether an app is not chained.
    fn is_flat(self) -> bool {
        self.heap.load(self.word, 0).kind() != Kind::App
    }

    /// The function and the arguments of an app or table.
    fn parts(self) -> Vec<(Word, Role)> {
        let mut parts = vec![(self.function(), Role::Value)];
        match self.as_ref().shape() {
            Shape::App(app) => parts.extend(app.args().map(|arg| (arg.word, Role::Value))),
            _ => parts.push((self.heap.load(self.word, 1), Role::Value)),
        }
        parts
    }

    /// The name of a law, be it a shape or not.
    fn law_name(self) -> NatRef<'h> {
        match self.as_ref().shape() {
            Shape::Law(law) => law.name(),
            Shape::Bar(_) => NatRef::Small(1),
            Shape::Set(_) if !self.is_row() => NatRef::Small(1),
            _ => NatRef::Small(0),
        }
    }

    /// How many arguments a law takes.
    fn law_arity(self) -> NatRef<'h> {
        match self.as_ref().shape() {
            Shape::Law(law) => law.arity(),
            Shape::Cow(width) => NatRef::Small(width + 1),
            Shape::Set(_) if !self.is_row() => NatRef::Small(2),
            _ => NatRef::Small(1),
        }
    }

    fn law_body(self) -> LawBody<'h> {
        match self.as_ref().shape() {
            Shape::Law(law) => {
                LawBody::Value(Operand::new(law.body().word, Role::Value, self.heap))
            }
            Shape::Bar(bytes) => LawBody::Nat(bar::bar_body_limbs(bytes)),
            Shape::Set(_) if !self.is_row() => {
                LawBody::Value(Operand { role: Role::KeyRow, ..self })
            }
            _ => LawBody::Nat(Vec::new()),
        }
    }
}

/// A nat by its limbs, and a value.
fn compare_nat(nat: &[u64], value: Operand<'_>) -> Ordering {
    match value.rank() {
        KindRank::Nat => NatRef::Limbs(nat).cmp(&NatRef::of(value.heap, value.word)),
        _ => Ordering::Less,
    }
}

#[cfg(test)]
mod tests;

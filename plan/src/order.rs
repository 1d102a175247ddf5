//! Equality and the total order of values in normal form.
//!
//! The order is PLAN's own and does not depend on rows, bars or other shapes: nats come before
//! pins, pins before laws, laws before apps. Within a kind
//!
//! - nats are ordered by magnitude;
//! - pins by their items; equal hashes imply equal pins;
//! - laws by name, then arity, then body;
//! - apps by the number of arguments, then by the function, then argument by argument.
//!
//! A machine shape compares as the value that it represents:
//!
//! | shape           | compares as                   | so that two of them are ordered by            |
//! |-----------------|-------------------------------|-----------------------------------------------|
//! | bar             | `{1 1 n}`                     | length, then the last byte that differs       |
//! | row constructor | `{0 n+1 0}`                   | width; the empty row is `{0 1 0}`             |
//! | row             | constructor, items in reverse | length, then the last item that differs       |
//! | set             | `{1 2 row of keys}`           | size, then the last key that differs          |
//! | table           | set of keys, row of values    | set of keys, then the last value that differs |
//!
//! (prototype: the `Ord` instance of values in lib/Fan/Eval.hs. For functions of functions, which
//! it omits, the rule is PLAN's own law for comparing.)

use crate::bar;
use crate::error::EvalError;
use crate::hash::hash_if_small;
use crate::heap::HeapMemory;
use crate::nat::NatRef;
use crate::shape::spine;
use crate::tree::{self, Items};
use crate::value_ref::Ref;
use crate::view::{PinRef, Shape};
use crate::word::{Word, WordKind};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::convert::Infallible;

mod equal_pairs;
mod evaluated;

pub use equal_pairs::EqualPairs;
pub use evaluated::ComparisonObstacle;

/// Compares two values in normal form.
///
/// # Panics
/// If the comparison reaches a part that is not evaluated.
pub fn compare(left: Ref<'_>, right: Ref<'_>) -> Ordering {
    if let (Some(left), Some(right)) = (left.word.as_direct(), right.word.as_direct()) {
        return left.cmp(&right);
    }
    let pairs = &mut EqualPairs::new();
    let Ok(order) = Comparison::new(left.heap, right.heap, false, pairs).run(left, right, never);
    order
}

/// Compares two values in normal form, of any size. The comparison is interruptible.
///
/// # Errors
/// [`EvalError::Interrupted`].
///
/// # Panics
/// As for [`compare`].
pub fn try_compare(left: Ref<'_>, right: Ref<'_>) -> Result<Ordering, EvalError> {
    if let Some(order) = compare_few_parts(left, right) {
        return Ok(order);
    }
    run_interruptible(left, right, false, &mut EqualPairs::new())
}

/// Whether two values in normal form, of any size, are equal. The comparison is interruptible.
///
/// # Errors
/// [`EvalError::Interrupted`].
///
/// # Panics
/// As for [`compare`].
pub fn try_equal(left: Ref<'_>, right: Ref<'_>) -> Result<bool, EvalError> {
    if let Some(order) = compare_few_parts(left, right) {
        return Ok(order == Ordering::Equal);
    }
    Ok(run_interruptible(left, right, true, &mut EqualPairs::new())? == Ordering::Equal)
}

/// Compares two values of one heap if few parts decide. Making [`EqualPairs`] costs more than that.
#[inline]
fn compare_few_parts(left: Ref<'_>, right: Ref<'_>) -> Option<Ordering> {
    left.is_in_heap_of(right).then(|| left.compare_evaluated(right).ok()).flatten()
}

fn run_interruptible(
    left: Ref<'_>,
    right: Ref<'_>,
    only_equality: bool,
    equal_pairs: &mut EqualPairs,
) -> Result<Ordering, EvalError> {
    if let (Some(left), Some(right)) = (left.word.as_direct(), right.word.as_direct()) {
        return Ok(left.cmp(&right));
    }
    if let Some(order) = compare_few_parts(left, right) {
        return Ok(order);
    }
    if let (Some(left), Some(right)) = (left.as_bar(), right.as_bar()) {
        return Ok(bar::compare_bytes(left, right));
    }
    let poll = || Ok::<(), EvalError>(left.heap.interrupt.check()?);
    Comparison::new(left.heap, right.heap, only_equality, equal_pairs).run(left, right, poll)
}

/// The poll function of a comparison that is not interruptible.
fn never() -> Result<(), Infallible> {
    Ok(())
}

/// Whether two values in normal form are equal. Faster than [`compare`].
///
/// # Panics
/// As for [`compare`].
pub fn equal(left: Ref<'_>, right: Ref<'_>) -> bool {
    let pairs = &mut EqualPairs::new();
    let Ok(order) = Comparison::new(left.heap, right.heap, true, pairs).run(left, right, never);
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
    /// If the comparison reaches a part that is not evaluated.
    pub fn compare(self, other: Ref<'_>) -> Ordering {
        compare(self, other)
    }

    /// Compares two values in normal form, of any size. The comparison is interruptible; jets use
    /// it.
    ///
    /// # Panics
    /// As for [`Ref::compare`].
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn try_compare(self, other: Ref<'_>) -> Result<Ordering, EvalError> {
        try_compare(self, other)
    }

    /// Whether two values in normal form, of any size, are equal. The comparison is interruptible.
    ///
    /// # Panics
    /// As for [`Ref::compare`].
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn try_equal(self, other: Ref<'_>) -> Result<bool, EvalError> {
        try_equal(self, other)
    }

    /// Like [`Ref::try_compare`], with the pairs that earlier comparisons found equal.
    ///
    /// # Panics
    /// As for [`Ref::compare`].
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn try_compare_with(
        self,
        other: Ref<'_>,
        equal_pairs: &mut EqualPairs,
    ) -> Result<Ordering, EvalError> {
        run_interruptible(self, other, false, equal_pairs)
    }

    /// Like [`Ref::try_equal`], with the pairs that earlier comparisons found equal.
    ///
    /// # Panics
    /// As for [`Ref::compare`].
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn try_equal_with(
        self,
        other: Ref<'_>,
        equal_pairs: &mut EqualPairs,
    ) -> Result<bool, EvalError> {
        Ok(run_interruptible(self, other, true, equal_pairs)? == Ordering::Equal)
    }
}

/// The number of pending comparisons that need no allocation: a search of a table compares a key
/// with a few others, and most keys are not nested deeply.
const INLINE_PENDING: usize = 8;

/// A running comparison. The values may be in different heaps.
struct Comparison<'l, 'r, 'p> {
    left: &'l HeapMemory,
    right: &'r HeapMemory,
    /// Whether the result only has to tell equal values from different ones.
    only_equality: bool,
    /// The pairs to compare if everything before is equal, the last first.
    pending: SmallVec<[PendingComparison; INLINE_PENDING]>,
    equal_pairs: &'p mut EqualPairs,
}

/// A pending comparison.
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
    /// The items below this index of two lists of the same length, from the last down.
    ItemsBelow(u32),
    /// The arguments of two flat apps of the same size, from this payload index up.
    ArgumentsFrom(u32),
    /// Nothing: the two values are equal, which is to be recorded.
    RecordEqual,
}

const _: () = assert!(size_of::<PendingComparison>() == 24);

/// The value that a word represents in a comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The value itself.
    Value,
    /// The row of the keys of a set.
    KeyRow,
}

/// One of the two compared values, as PLAN sees it.
#[derive(Clone, Copy)]
struct ComparedValue<'h> {
    word: Word,
    role: Role,
    heap: &'h HeapMemory,
}

/// The body of a law.
enum LawBody<'h> {
    Value(ComparedValue<'h>),
    /// The limbs of a nat that is not on the heap.
    Nat(Vec<u64>),
}

impl<'l, 'r, 'p> Comparison<'l, 'r, 'p> {
    fn new(
        left: &'l HeapMemory,
        right: &'r HeapMemory,
        only_equality: bool,
        equal_pairs: &'p mut EqualPairs,
    ) -> Comparison<'l, 'r, 'p> {
        Comparison { left, right, only_equality, pending: SmallVec::new(), equal_pairs }
    }

    fn push_values(&mut self, left: (Word, Role), right: (Word, Role)) {
        let step = ComparisonStep::Values(left.1, right.1);
        self.pending.push(PendingComparison { left: left.0, right: right.0, step });
    }

    /// Compares the two values, and calls `poll` between any two steps.
    fn run<E>(
        mut self,
        left: Ref<'l>,
        right: Ref<'r>,
        mut poll: impl FnMut() -> Result<(), E>,
    ) -> Result<Ordering, E> {
        let left = ComparedValue::new(left.word, Role::Value, self.left);
        let right = ComparedValue::new(right.word, Role::Value, self.right);
        let mut order = self.values(left, right);
        while order == Ordering::Equal
            && let Some(task) = self.pending.pop()
        {
            poll()?;
            order = match task.step {
                ComparisonStep::Values(left_role, right_role) => self.values(
                    ComparedValue::new(task.left, left_role, self.left),
                    ComparedValue::new(task.right, right_role, self.right),
                ),
                ComparisonStep::ItemsBelow(end) => self.items_below(task, end as usize),
                ComparisonStep::ArgumentsFrom(start) => self.arguments_from(task, start as usize),
                ComparisonStep::RecordEqual => {
                    let left = Ref { word: task.left, heap: self.left };
                    self.equal_pairs.insert(left, Ref { word: task.right, heap: self.right });
                    Ordering::Equal
                }
            };
        }
        Ok(order)
    }

    /// Compares the last pair of items before index `end` that are not the same word, and defers
    /// those before them.
    fn items_below(&mut self, task: PendingComparison, end: usize) -> Ordering {
        let left = Items::of(task.left, self.left);
        let right = Items::of(task.right, self.right);
        let Some((index, pair)) = last_difference(left, right, end) else {
            return Ordering::Equal;
        };
        if index > 0 {
            // An object has at most `u32::MAX` words.
            self.pending
                .push(PendingComparison { step: ComparisonStep::ItemsBelow(index as u32), ..task });
        }
        self.values(
            ComparedValue::new(pair.0, Role::Value, self.left),
            ComparedValue::new(pair.1, Role::Value, self.right),
        )
    }

    /// Compares the first pair of arguments from index `start` that are not the same word, and
    /// defers those behind them.
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
            ComparedValue::new(left[index], Role::Value, self.left),
            ComparedValue::new(right[index], Role::Value, self.right),
        )
    }

    /// Compares the outermost parts of two values, and defers the rest.
    fn values(&mut self, left: ComparedValue<'l>, right: ComparedValue<'r>) -> Ordering {
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
        if self.is_known_equal(left, right) {
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

    /// Whether two values have been found equal before. If not, records them as equal once
    /// everything that is pushed from now on has compared equal.
    #[inline(always)]
    fn is_known_equal(&mut self, left: ComparedValue<'l>, right: ComparedValue<'r>) -> bool {
        if self.equal_pairs.contains(left.as_ref(), right.as_ref()) {
            // A set and the row of its keys are one object, but they compare differently.
            return left.role == Role::Value && right.role == Role::Value;
        }
        let are_objects = left.word.has_object() && right.word.has_object();
        if are_objects
            && left.role == Role::Value
            && right.role == Role::Value
            && self.equal_pairs.is_active()
        {
            self.pending.push(PendingComparison {
                left: left.word,
                right: right.word,
                step: ComparisonStep::RecordEqual,
            });
        }
        false
    }

    fn pins(&mut self, left: ComparedValue<'l>, right: ComparedValue<'r>) -> Ordering {
        let (left, right) = (PinRef(left.as_ref()), PinRef(right.as_ref()));
        // A pin that is too large to be hashed is compared by its item.
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

    fn laws(&mut self, left: ComparedValue<'l>, right: ComparedValue<'r>) -> Ordering {
        if let (Some(left), Some(right)) = (left.as_ref().as_bar(), right.as_ref().as_bar()) {
            return bar::compare_bytes(left, right);
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

    fn apps(&mut self, left: ComparedValue<'l>, right: ComparedValue<'r>) -> Ordering {
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
            (false, false) if both(WordKind::App) && left.is_flat() && right.is_flat() => {
                let step = ComparisonStep::ArgumentsFrom(0);
                self.pending.push(PendingComparison { left: left.word, right: right.word, step });
            }
            (false, false) => {
                let pairs = left.parts().into_iter().zip(right.parts());
                pairs.rev().for_each(|(left, right)| self.push_values(left, right));
            }
            // The functions differ: if they were equal, the other would be a row too.
            _ => self.push_values((left.function(), Role::Value), (right.function(), Role::Value)),
        }
        Ordering::Equal
    }
}

/// Returns the last index below `end` at which two lists have different words, and those words.
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
        // Two versions of a tree share most of their leaves.
        let shared = std::ptr::eq(l, r);
        let at = if shared { None } else { (0..l.len()).rev().find(|&at| l[at] != r[at]) };
        if let Some(at) = at {
            return Some((start + at, (l[at], r[at])));
        }
        end = start;
    }
    None
}

/// PLAN's four kinds of value, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum KindRank {
    Nat,
    Pin,
    Law,
    App,
}

impl<'h> ComparedValue<'h> {
    fn new(word: Word, role: Role, heap: &'h HeapMemory) -> ComparedValue<'h> {
        ComparedValue { word: heap.resolve(word), role, heap }
    }

    fn as_ref(self) -> Ref<'h> {
        Ref { word: self.word, heap: self.heap }
    }

    fn rank(self) -> KindRank {
        match self.word.kind() {
            _ if self.is_row() && self.count() == 0 => KindRank::Law,
            _ if self.is_row() => KindRank::App,
            WordKind::Nat | WordKind::Big => KindRank::Nat,
            WordKind::Pin => KindRank::Pin,
            WordKind::Law | WordKind::Bar | WordKind::Set | WordKind::Cow => KindRank::Law,
            WordKind::App | WordKind::Row | WordKind::Tab => KindRank::App,
            WordKind::Thunk | WordKind::Code => {
                unreachable!("only values in normal form are compared")
            }
        }
    }

    /// Whether this represents a row: as a row, or as the row of a set's keys.
    fn is_row(self) -> bool {
        self.role == Role::KeyRow || self.word.kind() == WordKind::Row
    }

    /// Returns the number of items of a row, or of keys of a set.
    fn count(self) -> usize {
        tree::len(self.heap, self.word)
    }

    /// Returns the number of arguments of an app in PLAN's sense.
    fn argument_count(self) -> usize {
        match self.word.kind() {
            _ if self.is_row() => self.count(),
            WordKind::App => spine(self.heap, self.word).1,
            _ => 1,
        }
    }

    /// Returns the function of an app in PLAN's sense.
    fn function(self) -> Word {
        match self.word.kind() {
            _ if self.is_row() => Word::cow(self.count() as u64),
            WordKind::App => spine(self.heap, self.word).0,
            _ => self.heap.load(self.word, 0),
        }
    }

    /// Whether an app is one object, and not a chain.
    fn is_flat(self) -> bool {
        self.heap.load(self.word, 0).kind() != WordKind::App
    }

    /// Returns the function and the arguments of an app or a table.
    fn parts(self) -> Vec<(Word, Role)> {
        let mut parts = vec![(self.function(), Role::Value)];
        match self.as_ref().shape() {
            Shape::App(app) => parts.extend(app.args().map(|arg| (arg.word, Role::Value))),
            _ => parts.push((self.heap.load(self.word, 1), Role::Value)),
        }
        parts
    }

    /// Returns the name of a law in PLAN's sense.
    fn law_name(self) -> NatRef<'h> {
        match self.as_ref().shape() {
            Shape::Law(law) => law.name(),
            Shape::Bar(_) => NatRef::Small(1),
            Shape::Set(_) if !self.is_row() => NatRef::Small(1),
            _ => NatRef::Small(0),
        }
    }

    /// Returns the arity of a law in PLAN's sense.
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
                LawBody::Value(ComparedValue::new(law.body().word, Role::Value, self.heap))
            }
            Shape::Bar(bytes) => LawBody::Nat(bar::bar_body_limbs(bytes)),
            Shape::Set(_) if !self.is_row() => {
                LawBody::Value(ComparedValue { role: Role::KeyRow, ..self })
            }
            _ => LawBody::Nat(Vec::new()),
        }
    }
}

/// Compares a nat, by its limbs, with a value.
fn compare_nat(nat: &[u64], value: ComparedValue<'_>) -> Ordering {
    match value.rank() {
        KindRank::Nat => NatRef::Limbs(nat).cmp(&NatRef::of(value.heap, value.word)),
        _ => Ordering::Less,
    }
}

#[cfg(test)]
mod tests;

//! [`StateDiff`]: what differs between two states, as a tree of paths.
//!
//! The comparison goes down where parts differ and nowhere else: two pins with the same hash are
//! equal, so what it touches depends on what has changed and not on the size of the states. Both
//! values are in one heap, so most equal parts are even the same object.

use crate::protocol;
use plan::{EvalError, Items, Ref, Shape, Val};
use vm::Vm;

/// How much a diff lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiffLimit {
    /// The most changes. Further ones are counted only.
    pub changes: usize,
}

/// A part that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateChange {
    /// Where the part is, from the outside in: `state`, `reads`, `workers`, `function` or the number
    /// of an argument; then indices of items, keys of tables, and `*` for the item of a pin.
    pub path: Vec<String>,
    /// The part in the first state; None if only the second state has it.
    pub old: Option<String>,
    /// The part in the second state; None if only the first state has it.
    pub new: Option<String>,
}

/// What differs between two states.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct StateDiff {
    /// The changes, in the order of the values.
    pub changes: Vec<StateChange>,
    /// How many further changes there are.
    pub more: usize,
}

impl StateDiff {
    /// Compares two values of one heap, the rows of two states. Values are rendered by `render`.
    pub(crate) fn of(
        vm: &Vm,
        old: &Val,
        new: &Val,
        limit: DiffLimit,
        render: &mut dyn FnMut(Ref<'_>) -> String,
    ) -> Result<StateDiff, EvalError> {
        let mut comparison =
            Comparison { vm, render, limit, diff: StateDiff::default(), waiting: Vec::new() };
        comparison.compare(Part::states(vm.look(old), vm.look(new)))?;
        while let Some(part) = comparison.waiting.pop() {
            comparison.compare(part)?;
        }
        Ok(comparison.diff)
    }
}

/// Which names the arguments of an app have in a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// The row of a state, whose last item is a cog or another such row.
    State,
    /// A cog.
    Cog,
    /// Any other value.
    Plain,
}

/// A part of both states, or of one.
struct Part<'h> {
    path: Vec<String>,
    old: Option<Ref<'h>>,
    new: Option<Ref<'h>>,
    naming: Naming,
}

impl<'h> Part<'h> {
    fn states(old: Ref<'h>, new: Ref<'h>) -> Part<'h> {
        Part { path: Vec::new(), old: Some(old), new: Some(new), naming: Naming::State }
    }

    /// A part of this part, under a name; no name if it is no level of its own.
    fn inner(
        &self,
        name: Option<String>,
        (old, new): (Option<Ref<'h>>, Option<Ref<'h>>),
        naming: Naming,
    ) -> Part<'h> {
        let mut path = self.path.clone();
        path.extend(name);
        Part { path, old, new, naming }
    }
}

struct Comparison<'h, 'r> {
    vm: &'h Vm,
    render: &'r mut dyn FnMut(Ref<'_>) -> String,
    limit: DiffLimit,
    diff: StateDiff,
    /// The parts to compare, the next one last.
    waiting: Vec<Part<'h>>,
}

impl<'h> Comparison<'h, '_> {
    /// Compares a part: lists a change, or adds the parts of the part to those that wait.
    fn compare(&mut self, part: Part<'h>) -> Result<(), EvalError> {
        let (Some(old), Some(new)) = (part.old, part.new) else {
            self.list(&part);
            return Ok(());
        };
        if old.is_same(new) {
            return Ok(());
        }
        let before = self.waiting.len();
        match (old.shape(), new.shape()) {
            (Shape::Nat(_), Shape::Nat(_))
            | (Shape::Bar(_), Shape::Bar(_))
            | (Shape::Law(_), Shape::Law(_))
            | (Shape::Cow(_), Shape::Cow(_)) => {
                if !old.try_equal(new)? {
                    self.list(&part);
                }
            }
            (Shape::Pin(old_pin), Shape::Pin(new_pin)) => {
                let hash = |pin| self.vm.hash(&self.vm.hold(pin));
                if hash(old)? != hash(new)? {
                    let items = (Some(old_pin.item()), Some(new_pin.item()));
                    self.waiting.push(part.inner(Some("*".into()), items, Naming::Plain));
                }
            }
            (Shape::Row(old), Shape::Row(new)) => self.compare_rows(&part, old, new)?,
            (Shape::Set(old), Shape::Set(new)) => {
                self.compare_keys(&part, (old, None), (new, None));
            }
            (Shape::Tab(old, old_values), Shape::Tab(new, new_values)) => {
                self.compare_keys(&part, (old, Some(old_values)), (new, Some(new_values)));
            }
            (Shape::App(old_app), Shape::App(new_app)) if old_app.len() == new_app.len() => {
                self.compare_apps(&part, old, new);
            }
            _ => self.list(&part),
        }
        self.waiting[before..].reverse();
        Ok(())
    }

    /// Rows of one length are compared item by item. Of others, a common beginning and a common end
    /// are left out, so that an inserted item is one change.
    fn compare_rows(
        &mut self,
        part: &Part<'h>,
        old: Items<'h>,
        new: Items<'h>,
    ) -> Result<(), EvalError> {
        if part.naming == Naming::State {
            let last = old.len() - 1;
            for index in 0..old.len().max(new.len()) {
                let is_cog = index == last && old.len() == new.len();
                let naming = match (is_cog, old.get(index).and_then(Ref::as_row)) {
                    (true, Some(_)) => Naming::State,
                    (true, None) => Naming::Cog,
                    (false, _) => Naming::Plain,
                };
                let name = (!is_cog).then(|| format!("status {index}"));
                self.waiting.push(part.inner(name, (old.get(index), new.get(index)), naming));
            }
            return Ok(());
        }
        let shortest = old.len().min(new.len());
        let (mut first, mut last) = (0, 0);
        if old.len() != new.len() {
            while first < shortest && equal(old.get(first), new.get(first))? {
                first += 1;
            }
            let at = |items: Items<'h>, last: usize| items.get(items.len() - 1 - last);
            while last < shortest - first && equal(at(old, last), at(new, last))? {
                last += 1;
            }
        }
        let (old_end, new_end) = (old.len() - last, new.len() - last);
        for index in first..old_end.max(new_end) {
            let old = old.get(index).filter(|_| index < old_end);
            let new = new.get(index).filter(|_| index < new_end);
            self.waiting.push(part.inner(Some(index.to_string()), (old, new), Naming::Plain));
        }
        Ok(())
    }

    /// Compares sets, or tables with their values.
    fn compare_keys(
        &mut self,
        part: &Part<'h>,
        (old, old_values): (Items<'h>, Option<Items<'h>>),
        (new, new_values): (Items<'h>, Option<Items<'h>>),
    ) {
        let (mut at_old, mut at_new) = (0, 0);
        loop {
            let (old_key, new_key) = (old.get(at_old), new.get(at_new));
            let order = match (old_key, new_key) {
                (Some(old), Some(new)) => old.compare(new),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => return,
            };
            let value = |values: Option<Items<'h>>, key, at: usize| match values {
                Some(values) => values.get(at),
                None => key,
            };
            let old_value = order.is_le().then(|| value(old_values, old_key, at_old)).flatten();
            let new_value = order.is_ge().then(|| value(new_values, new_key, at_new)).flatten();
            let key = if order.is_le() { old_key } else { new_key };
            let is_kept_key = order.is_eq() && old_values.is_none();
            if let Some(key) = key.filter(|_| !is_kept_key) {
                let name = (self.render)(key).trim_end().to_owned();
                let values = (old_value, new_value);
                self.waiting.push(part.inner(Some(name), values, Naming::Plain));
            }
            at_old += usize::from(order.is_le());
            at_new += usize::from(order.is_ge());
        }
    }

    /// Compares apps with as many arguments.
    fn compare_apps(&mut self, part: &Part<'h>, old: Ref<'h>, new: Ref<'h>) {
        let heads = (protocol::head(old), protocol::head(new));
        self.waiting.push(part.inner(Some("function".into()), heads, Naming::Plain));
        let (old, new): (Vec<_>, Vec<_>) =
            (protocol::arguments(old).collect(), protocol::arguments(new).collect());
        let count = old.len();
        for (index, (old, new)) in old.into_iter().zip(new).enumerate() {
            let name = match (part.naming, count - index) {
                (Naming::Cog, 3) => "state".into(),
                (Naming::Cog, 2) => "reads".into(),
                (Naming::Cog, 1) => "workers".into(),
                _ => format!("argument {index}"),
            };
            self.waiting.push(part.inner(Some(name), (Some(old), Some(new)), Naming::Plain));
        }
    }

    fn list(&mut self, part: &Part<'h>) {
        if self.diff.changes.len() >= self.limit.changes {
            self.diff.more += 1;
            return;
        }
        let mut text =
            |value: Option<Ref<'h>>| value.map(|value| (self.render)(value).trim_end().to_owned());
        let (old, new) = (text(part.old), text(part.new));
        self.diff.changes.push(StateChange { path: part.path.clone(), old, new });
    }
}

/// Whether two items are there and equal.
fn equal(old: Option<Ref<'_>>, new: Option<Ref<'_>>) -> Result<bool, EvalError> {
    match (old, new) {
        (Some(old), Some(new)) => old.try_equal(new),
        _ => Ok(false),
    }
}

//! Requirements on rows that wait until the type of the row is known.
//!
//! A row literal is a tuple or a `Row`, and the item of a row at a constant index is that of a
//! tuple or of a `Row`. Which one, only the use decides. Until then the [`RowRequirement`] is
//! pending. Requirements on one variable refine each other: all of them have the same items in
//! either case.

use crate::name::TypeName;
use crate::scheme::{Head, RowRequirement};
use crate::table::{Conflict, TypeId, TypeNode, TypeTable};
use crate::term::TermId;
use foldhash::{HashMap, HashMapExt};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

/// A requirement, and the term that has it.
#[derive(Clone, Debug)]
pub(crate) struct PendingRequirement {
    pub(crate) requirement: RowRequirement<TypeId>,
    pub(crate) term: TermId,
}

/// Why a requirement cannot be satisfied.
pub(crate) struct Unsatisfied {
    pub(crate) term: TermId,
    pub(crate) reason: UnsatisfiedReason,
}

/// See [`Unsatisfied`].
pub(crate) enum UnsatisfiedReason {
    /// An item has another type than the row says.
    Item { expected: TypeId, found: TypeId, conflict: Conflict },
    /// The type is not that of a row.
    NoRow { ty: TypeId, is_literal: bool },
    /// A tuple has no item at an index.
    NoItem { ty: TypeId, index: u64 },
    /// A row literal has another length than the tuple.
    Length { ty: TypeId, length: usize },
}

/// The requirements on a variable that were seen first.
#[derive(Default)]
struct RowKnowledge {
    literal: Option<Box<[TypeId]>>,
    items: Vec<(u64, TypeId)>,
}

/// Solves the requirements on rows whose types are known, and refines the others, until nothing
/// changes. Those that remain are requirements on variables, and none of them says what another one
/// says.
pub(crate) fn solve(
    table: &mut TypeTable<'_>,
    pending: &mut Vec<PendingRequirement>,
) -> Result<(), Unsatisfied> {
    loop {
        let (before, bindings) = (pending.len(), table.bindings());
        let mut known: HashMap<TypeId, RowKnowledge> = HashMap::new();
        let mut kept = Vec::with_capacity(before);
        for waiting in std::mem::take(pending) {
            let row = table.find(*waiting.requirement.row());
            if table.level(row).is_none() {
                solve_known(table, &waiting, row)?;
            } else if refine(table, known.entry(row).or_default(), &waiting)? {
                kept.push(waiting);
            }
        }
        *pending = kept;
        // A binding can make two variables one, or a row of a variable.
        if pending.len() == before && table.bindings() == bindings {
            return check_finite(table, pending);
        }
    }
}

/// Checks that no row contains itself by way of requirements.
fn check_finite(
    table: &mut TypeTable<'_>,
    pending: &[PendingRequirement],
) -> Result<(), Unsatisfied> {
    let mut graph = DiGraphMap::<TypeId, ()>::new();
    let mut terms = HashMap::new();
    for waiting in pending {
        let row = table.find(*waiting.requirement.row());
        terms.insert(row, waiting);
        for variable in table.variables(waiting.requirement.items()) {
            graph.add_edge(row, variable, ());
        }
    }
    for component in tarjan_scc(&graph) {
        let is_cycle = component.len() > 1 || graph.contains_edge(component[0], component[0]);
        let waiting = component.iter().find_map(|variable| terms.get(variable));
        if let (true, Some(waiting)) = (is_cycle, waiting) {
            let found = waiting.requirement.items().first().copied();
            let expected = *waiting.requirement.row();
            let (found, conflict) = (found.unwrap_or(expected), Conflict::Infinite);
            let reason = UnsatisfiedReason::Item { expected, found, conflict };
            return Err(Unsatisfied { term: waiting.term, reason });
        }
    }
    Ok(())
}

/// Solves a requirement on a row whose type is no variable.
fn solve_known(
    table: &mut TypeTable<'_>,
    waiting: &PendingRequirement,
    row: TypeId,
) -> Result<(), Unsatisfied> {
    let term = waiting.term;
    let fail = |reason| Err(Unsatisfied { term, reason });
    let is_literal = matches!(waiting.requirement, RowRequirement::Literal { .. });
    match (&waiting.requirement, table.node(row).clone()) {
        (
            RowRequirement::Literal { items, .. },
            TypeNode::Apply(Head::Named(TypeName::ROW), args),
        ) => items.iter().try_for_each(|item| equal(table, term, args[0], *item)),
        // What is done with an item says what is expected of it.
        (RowRequirement::Item { item, .. }, TypeNode::Apply(Head::Named(TypeName::ROW), args)) => {
            equal(table, term, *item, args[0])
        }
        (RowRequirement::Item { index, item, .. }, TypeNode::Apply(Head::Tuple, args)) => {
            match usize::try_from(*index).ok().and_then(|index| args.get(index)) {
                Some(found) => equal(table, term, *item, *found),
                None => fail(UnsatisfiedReason::NoItem { ty: row, index: *index }),
            }
        }
        (RowRequirement::Item { index, item, .. }, TypeNode::Apply(Head::Named(name), args))
            if let [record] = table.names().constructors_of(name)
                && !record.has_tag =>
        {
            let field = usize::try_from(*index).ok().and_then(|index| record.fields.get(index));
            let Some(field) = field else {
                return fail(UnsatisfiedReason::NoItem { ty: row, index: *index });
            };
            let field = table.instantiate(field, &args);
            equal(table, term, *item, field)
        }
        (RowRequirement::Literal { items, .. }, TypeNode::Apply(Head::Tuple, args)) => {
            if args.len() != items.len() {
                return fail(UnsatisfiedReason::Length { ty: row, length: items.len() });
            }
            args.iter().zip(items).try_for_each(|(want, item)| equal(table, term, *want, *item))
        }
        _ => fail(UnsatisfiedReason::NoRow { ty: row, is_literal }),
    }
}

/// Refines the items of a row whose type is a variable. Returns whether the requirement says more
/// than the earlier ones.
fn refine(
    table: &mut TypeTable<'_>,
    known: &mut RowKnowledge,
    waiting: &PendingRequirement,
) -> Result<bool, Unsatisfied> {
    let term = waiting.term;
    match &waiting.requirement {
        RowRequirement::Item { row, index, item } => {
            if let Some(literal) = &known.literal {
                match usize::try_from(*index).ok().and_then(|index| literal.get(index)) {
                    Some(expected) => equal(table, term, *expected, *item)?,
                    None => {
                        let ty = *row;
                        let reason = UnsatisfiedReason::NoItem { ty, index: *index };
                        return Err(Unsatisfied { term, reason });
                    }
                }
                return Ok(false);
            }
            if let Some((_, expected)) = known.items.iter().find(|(at, _)| at == index) {
                equal(table, term, *expected, *item)?;
                return Ok(false);
            }
            known.items.push((*index, *item));
            Ok(true)
        }
        RowRequirement::Literal { row, items } => {
            for (index, item) in &known.items {
                match usize::try_from(*index).ok().and_then(|index| items.get(index)) {
                    Some(found) => equal(table, term, *item, *found)?,
                    None => {
                        let ty = *row;
                        let reason = UnsatisfiedReason::NoItem { ty, index: *index };
                        return Err(Unsatisfied { term, reason });
                    }
                }
            }
            match known.literal.clone() {
                None => {
                    known.literal = Some(items.clone());
                    Ok(true)
                }
                Some(literal) if literal.len() == items.len() => {
                    let mut pairs = literal.iter().zip(items);
                    pairs.try_for_each(|(want, found)| equal(table, term, *want, *found))?;
                    Ok(false)
                }
                Some(literal) => {
                    // No tuple has two lengths.
                    let item = literal.iter().chain(items).next().copied();
                    let Some(item) = item else { return Ok(false) };
                    let new = table.apply(Head::Named(TypeName::ROW), [item]);
                    equal(table, term, new, *row)?;
                    Ok(true)
                }
            }
        }
    }
}

fn equal(
    table: &mut TypeTable<'_>,
    term: TermId,
    expected: TypeId,
    found: TypeId,
) -> Result<(), Unsatisfied> {
    table.unify(expected, found).map_err(|conflict| {
        let reason = UnsatisfiedReason::Item { expected, found, conflict };
        Unsatisfied { term, reason }
    })
}

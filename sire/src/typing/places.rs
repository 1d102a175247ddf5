//! Where expressions come from: the part of the source that each of them was read from.
//!
//! The reader of expressions notes a place for each expression that it reads while types are
//! checked. An expression is identified by its address, so the notes hold for the expressions of one
//! command, and the reader clears them before the next one.

use crate::expr::{ExprNode, SireExpr};
use crate::nat_text;
use crate::rex_value::RexView;
use foldhash::HashMap;
use plan::Val;
use rex::LeafKind;
use std::rc::Rc;
use vm::Vm;

/// What the source of an expression says about its type, beyond the expression.
#[derive(Clone, Debug)]
pub(crate) enum ExprOrigin {
    /// A text literal.
    Text,
    /// A list literal: `~[..]` or lines of `~~`.
    List,
    /// `(a :: b :: rest)`, with this number of items.
    Cons(usize),
    /// `# datacase`, with the whole tree.
    Datacase(Val),
}

/// Where an expression comes from.
#[derive(Clone)]
pub(crate) struct ExprPlace {
    /// The part of the source, as a Rex value.
    pub(crate) part: Val,
    /// The inputs of the macros around it, outermost first.
    pub(crate) expansions: Rc<[Val]>,
    pub(crate) origin: Option<ExprOrigin>,
}

/// The places of the expressions of a command.
#[derive(Default)]
pub(crate) struct ExprPlaces {
    by_address: HashMap<usize, ExprPlace>,
    /// The expansions that were noted last, which the next expression mostly shares.
    last_expansions: Option<Rc<[Val]>>,
}

impl ExprPlaces {
    pub(crate) fn clear(&mut self) {
        self.by_address.clear();
        self.last_expansions = None;
    }

    /// Notes that an expression was read from a part of the source. A macro's result is noted
    /// before its call: the first note says the place, and each can say the origin.
    pub(crate) fn note(&mut self, vm: &Vm, expr: &SireExpr, part: &Val, expansions: &[Val]) {
        let origin = origin_of(vm, part);
        if let Some(place) = self.by_address.get_mut(&address(expr)) {
            place.origin = place.origin.take().or(origin);
            return;
        }
        let expansions = match &self.last_expansions {
            Some(last) if is_same(vm, last, expansions) => Rc::clone(last),
            _ => Rc::from(expansions),
        };
        self.last_expansions = Some(Rc::clone(&expansions));
        let place = ExprPlace { part: part.clone(), expansions, origin };
        self.by_address.insert(address(expr), place);
    }

    pub(crate) fn get(&self, expr: &SireExpr) -> Option<&ExprPlace> {
        self.by_address.get(&address(expr))
    }

    pub(crate) fn origin(&self, expr: &SireExpr) -> Option<&ExprOrigin> {
        self.get(expr)?.origin.as_ref()
    }
}

fn is_same(vm: &Vm, one: &[Val], two: &[Val]) -> bool {
    let is_same = |(one, two): (&Val, &Val)| vm.look(one).is_same(vm.look(two));
    one.len() == two.len() && one.iter().zip(two).all(is_same)
}

fn address(expr: &SireExpr) -> usize {
    let address: *const ExprNode = Rc::as_ptr(expr);
    address as usize
}

fn origin_of(vm: &Vm, part: &Val) -> Option<ExprOrigin> {
    match RexView::of(vm, part) {
        RexView::Leaf { leaf: LeafKind::Text | LeafKind::Line, .. } => Some(ExprOrigin::Text),
        RexView::Node { rune, sons, heir, .. } => {
            let is = |text| rune == nat_text::from_short(text);
            let count = sons.len() + usize::from(heir.is_some());
            let first_is_leaf = || {
                let first = sons.first().map(|first| RexView::of(vm, first));
                matches!(first, Some(RexView::Leaf { .. }))
            };
            let is_named = |name| {
                let first = sons.first().and_then(|first| RexView::of(vm, first).key());
                first.is_some_and(|first| first == nat_text::from_short(name))
            };
            if is("~") || is("~~") {
                Some(ExprOrigin::List)
            } else if is("::") {
                Some(ExprOrigin::Cons(count.saturating_sub(1)))
            } else if is("%") && first_is_leaf() {
                Some(ExprOrigin::Text)
            } else if is("#") && is_named("datacase") {
                Some(ExprOrigin::Datacase(part.clone()))
            } else {
                None
            }
        }
        RexView::Leaf { .. } | RexView::Embed(_) | RexView::Malformed => None,
    }
}

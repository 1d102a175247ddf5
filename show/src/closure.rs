//! Definitions of a [`PinClosure`]: one for each pin that is shown, and one for the value.
//!
//! (prototype: lib/Loot/ReplExe.hs)

use super::Symbol;
use super::assemble::{reshaped, sequence};
use super::layout::BoxLayout;
use super::leaf;
use super::limit::PrintBudget;
use super::names::{LawNames, name_pins, name_variables};
use super::quoted::is_closed;
use super::term::{PinClosure, PrintTerm, TermNode};
use plan::Ref;
use rex::{NodeShape, Rex};

impl PinClosure<'_> {
    /// The definitions of the pins that have one, then the value: as the definition of `name`, or
    /// bare. A value that is a pin is not repeated after its own definition.
    pub(super) fn definitions(&self, name: Option<&Symbol>, budget: &PrintBudget<'_>) -> Vec<Rex> {
        let pins = name_pins(&self.pins);
        let shown = self.pins.iter().zip(&pins).filter_map(|(pin, name)| {
            let definition = pin.definition.as_ref()?;
            Some(pin_definition(name, definition, &pins, budget))
        });
        let mut definitions: Vec<Rex> = shown.collect();
        let pin = match self.value.nodes[..] {
            [TermNode::Pin(pin)] => Some(&pins[pin]),
            _ => None,
        };
        let value = || value_rex(&self.value, &pins, budget);
        match (name, pin) {
            (None, Some(_)) => {}
            (Some(name), Some(pin)) if name == pin => {}
            (Some(name), _) => definitions.push(bind(leaf::name(name).line, value())),
            (None, None) if definitions.is_empty() => definitions.push(unhyphened(value())),
            (None, None) => definitions.push(bind(Rex::word("_"), value())),
        }
        definitions
    }

    /// The value without definitions.
    pub(super) fn value(&self, budget: &PrintBudget<'_>) -> Rex {
        value_rex(&self.value, &name_pins(&self.pins), budget)
    }
}

fn value_rex(term: &PrintTerm<'_>, pins: &[Symbol], budget: &PrintBudget<'_>) -> Rex {
    let laws = name_variables(term, pins, None);
    BoxLayout::new(term, pins, &laws, budget).render(0)
}

/// `(name a b)=body` for a pinned law, `(| name)=value` for another pin.
fn pin_definition(
    name: &Symbol,
    term: &PrintTerm<'_>,
    pins: &[Symbol],
    budget: &PrintBudget<'_>,
) -> Rex {
    let laws = name_variables(term, pins, Some(name));
    let mut layout = BoxLayout::new(term, pins, &laws, budget);
    if let (Some(TermNode::Law(_)), [names, ..]) = (term.nodes.first(), &laws[..]) {
        bind(law_head(term, names), layout.render(1))
    } else {
        bind(Rex::nest("|", vec![leaf::name(name).line]), layout.render(0))
    }
}

fn law_head(term: &PrintTerm<'_>, names: &LawNames) -> Rex {
    let facts = &term.laws[0];
    let tag = Symbol::from(facts.name);
    let known_as = if facts.is_anonymous() { &tag } else { &names[0] };
    leaf::definition_head(known_as, &tag, &names[1..=facts.arity as usize])
}

/// `head=value`, on one line if the value is on one line.
fn bind(head: Rex, value: Rex) -> Rex {
    if is_closed(&value) {
        Rex::shut("=", vec![head, unhyphened(value)])
    } else {
        Rex::open("=", vec![head]).with_heir(value)
    }
}

/// The form of a value that is not part of another: `(f x)` instead of `f-x`.
pub(super) fn unhyphened(value: Rex) -> Rex {
    let mut value = match &value {
        Rex::Node { shape: NodeShape::Shut, rune, .. } if rune == "-" => {
            reshaped(value, NodeShape::Nest)
        }
        _ => return value,
    };
    if let Rex::Node { rune, .. } = &mut value {
        *rune = "|".into();
    }
    value
}

/// The short form of a value, in which pins are names.
pub(super) fn short_rex<'h>(value: Ref<'h>, budget: &PrintBudget<'h>) -> Rex {
    unhyphened(PinClosure::shallow(value, budget).value(budget))
}

/// A single tree unchanged, several as a list.
pub(super) fn itemized(mut trees: Vec<Rex>) -> Rex {
    match trees.pop() {
        Some(only) if trees.is_empty() => only,
        last => {
            trees.extend(last);
            sequence("*", trees.into_iter().map(|tree| vec![tree]).collect())
        }
    }
}

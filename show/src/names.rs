//! Names for the pins of a closure, and for the variables of the laws in a term.
//!
//! A pin is named after its law, and numbered if others have the same name. Variables have no names
//! in PLAN; they get the names `a`, `b` ... `z`, `aa` ... in the order in which they are bound.
//! Names that have a meaning in the law are skipped: those of the pins in it, its own, those of the
//! enclosing laws, and as many from the start as the enclosing laws may use. (prototype:
//! `assignNames`, `resugarRul`)
//!
//! Laws nested in each other can skip the same names again and again, in quadratic time. After a
//! number of skipped names, laws therefore start after all names that are in use.

use super::Symbol;
use super::leaf;
use super::term::{PinEntry, PrintTerm, TermNode};
use plan::Map;
use rex::print::{Colour, line};

/// A different name for each pin.
pub(super) fn name_pins(pins: &[PinEntry<'_>]) -> Vec<Symbol> {
    let mut uses: Map<&Symbol, usize> = Map::default();
    for pin in pins {
        *uses.entry(&pin.tag).or_default() += 1;
    }
    let mut given: Map<Symbol, usize> = Map::default();
    let mut names = Vec::with_capacity(pins.len());
    for PinEntry { tag, .. } in pins {
        if uses[tag] == 1 {
            given.insert(tag.clone(), 2);
            names.push(tag.clone());
            continue;
        }
        let stem = line(&leaf::name(tag).line, Colour::None);
        let mut number = given.get(tag).copied().unwrap_or(1);
        let name = loop {
            let name = Symbol::from(format!("{stem}_{number}").as_str());
            number += 1;
            if !uses.contains_key(&name) && !given.contains_key(&name) {
                break name;
            }
        };
        given.insert(name.clone(), 1);
        given.insert(tag.clone(), number);
        names.push(name);
    }
    names
}

/// The names of the variables of a law, by their numbers. Number 0 is the law itself.
pub(super) type LawNames = Vec<Symbol>;

/// The names of the variables of each law in a term. A law that is the whole term may have another
/// name, `known_as`, than its own.
pub(super) fn name_variables(
    term: &PrintTerm<'_>,
    pins: &[Symbol],
    known_as: Option<&Symbol>,
) -> Vec<LawNames> {
    let mentions = PinMentions::of(term, pins);
    let mut around = EnclosingLaws::default();
    let mut skips_left = FREE_SKIPS + SKIPS_PER_NODE * term.nodes.len();
    let mut after_all = None;
    let mut names = Vec::with_capacity(term.laws.len());
    for (index, node) in term.nodes.iter().enumerate() {
        let TermNode::Law(law) = node else { continue };
        let facts = &term.laws[*law];
        let own = known_as.filter(|_| index == 0).cloned().unwrap_or(facts.name.into());
        let end = term.ends[index];
        around.leave_until(index);
        let is_free = |name: &Symbol| {
            *name != own && !around.names.contains_key(name) && !mentions.any(name, index, end)
        };
        let mut number = around.reserved();
        let count = facts.variables as usize + 1;
        let mut names_of_law = Vec::with_capacity(count);
        names_of_law.push(own.clone());
        while names_of_law.len() < count {
            let name = variable_name(number);
            number += 1;
            if is_free(&name) {
                names_of_law.push(name);
                continue;
            }
            skips_left = skips_left.saturating_sub(1);
            if skips_left == 0 {
                number = number.max(*after_all.get_or_insert_with(|| after_all_names(term, pins)));
            }
        }
        names.push(names_of_law);
        around.enter(own, end, facts.variables);
    }
    names
}

/// The number of names that may be skipped in any term, and for each node of it.
const FREE_SKIPS: usize = 1 << 20;
const SKIPS_PER_NODE: usize = 4;

/// The number of a variable whose name, like that of all after it, is not the name of a pin or law.
fn after_all_names(term: &PrintTerm<'_>, pins: &[Symbol]) -> u64 {
    let laws = term.laws.iter().map(|law| Symbol::from(law.name));
    let numbers = laws.chain(pins.iter().cloned()).filter_map(|name| variable_number(&name));
    numbers.max().map_or(0, |number| number + 1)
}

/// The number of the variable that has this name, if it is below 2^62.
fn variable_number(name: &Symbol) -> Option<u64> {
    let append = |number: u64, letter: &u8| {
        let digit = letter.is_ascii_lowercase().then(|| u64::from(letter - b'a') + 1)?;
        number.checked_mul(26)?.checked_add(digit).filter(|number| number >> 62 == 0)
    };
    name.bytes().iter().try_fold(0, append)?.checked_sub(1)
}

/// The name of a variable with that number: `a`, `b` ... `z`, `aa`, `ab` ... `zz`, `aaa` ...
fn variable_name(number: u64) -> Symbol {
    // Fourteen letters name 2^64 variables.
    let mut letters = [0; 14];
    let mut first = letters.len();
    let mut rest = number.saturating_add(1);
    while rest > 0 {
        rest -= 1;
        first -= 1;
        letters[first] = b'a' + (rest % 26) as u8;
        rest /= 26;
    }
    Symbol::from_bytes(&letters[first..])
}

/// The node indices of pins in a term, by the pins' names.
struct PinMentions<'n>(Map<&'n Symbol, Vec<usize>>);

impl<'n> PinMentions<'n> {
    fn of(term: &PrintTerm<'_>, pins: &'n [Symbol]) -> PinMentions<'n> {
        let mut places: Map<&Symbol, Vec<usize>> = Map::default();
        for (index, node) in term.nodes.iter().enumerate() {
            let TermNode::Pin(pin) = node else { continue };
            places.entry(&pins[*pin]).or_default().push(index);
        }
        PinMentions(places)
    }

    /// Whether the name occurs between two indices.
    fn any(&self, name: &Symbol, from: usize, to: usize) -> bool {
        self.0.get(name).is_some_and(|places| {
            let first = places.partition_point(|&place| place < from);
            places.get(first).is_some_and(|&place| place < to)
        })
    }
}

/// The laws that enclose a node of a term.
#[derive(Default)]
struct EnclosingLaws {
    /// For each law, the outermost first: its name, the index after its last node, and the number
    /// of names from the start that it and the laws around it may use.
    laws: Vec<(Symbol, usize, u64)>,
    /// The number of these laws with each name.
    names: Map<Symbol, usize>,
}

impl EnclosingLaws {
    fn reserved(&self) -> u64 {
        self.laws.last().map_or(0, |&(_, _, reserved)| reserved)
    }

    fn enter(&mut self, name: Symbol, end: usize, variables: u64) {
        *self.names.entry(name.clone()).or_default() += 1;
        self.laws.push((name, end, variables.max(self.reserved())));
    }

    fn leave_until(&mut self, index: usize) {
        while let Some((name, _, _)) = self.laws.pop_if(|&mut (_, end, _)| end <= index) {
            if let Some(count) = self.names.get_mut(&name) {
                *count -= 1;
                if *count == 0 {
                    self.names.remove(&name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_go_on_after_z() {
        let names = [0, 1, 25, 26, 27, 51, 52, 701, 702, 703].map(variable_name);
        let texts: Vec<_> = names.iter().map(|name| name.text().unwrap()).collect();
        assert_eq!(texts, ["a", "b", "z", "aa", "ab", "az", "ba", "zz", "aaa", "aab"]);
    }

    #[test]
    fn numbers_of_names_are_the_inverse() {
        for number in [0, 25, 26, 701, 702, 1 << 40] {
            assert_eq!(variable_number(&variable_name(number)), Some(number));
        }
        let number = |name: &str| variable_number(&name.into());
        assert_eq!([number(""), number("A"), number("a1"), number("zzzzzzzzzzzzzz")], [None; 4]);
    }

    fn pins(tags: &[&str]) -> Vec<Symbol> {
        let entry = |tag: &&str| PinEntry { tag: Symbol::from(*tag), definition: None };
        name_pins(&tags.iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn pins_of_one_name_are_numbered() {
        let names = pins(&["add", "mul", "add", "", "add_2", "", "é"]);
        let texts: Vec<_> = names.iter().map(|name| name.text().unwrap()).collect();
        assert_eq!(texts, ["add_1", "mul", "add_3", "0_1", "add_2", "0_2", "é"]);
    }
}

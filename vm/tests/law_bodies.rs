//! Differential test of the analysed form of laws: the references and binding groups of generated
//! laws against a plain reading of their bodies as terms.

use plan::{HeapOptions, Ref, Shape, plain};
use spec::Term;
use spec::generate::TermGenerator;
use std::collections::BTreeSet;
use vm::Vm;
use vm::law::{AnalysedLaw, BindingGroup};

/// The argument of an app of two parts with this head.
fn quoted(term: &Term, head: u64) -> Option<&Term> {
    match term {
        Term::App(f, x) if **f == Term::from(head) => Some(x),
        _ => None,
    }
}

/// The arguments of an app of three parts with this head.
fn pair(term: &Term, head: u64) -> Option<(&Term, &Term)> {
    match term {
        Term::App(f, y) => Some((quoted(f, head)?, y)),
        _ => None,
    }
}

/// The values of a body's lets, and its result.
fn split(body: &Term) -> (Vec<&Term>, &Term) {
    match pair(body, 1) {
        Some((value, rest)) => {
            let (mut lets, result) = split(rest);
            lets.insert(0, value);
            (lets, result)
        }
        None => (Vec::new(), body),
    }
}

/// The references in an expression.
fn references(term: &Term, last: u64) -> BTreeSet<u64> {
    if let Some((f, x)) = pair(term, 0) {
        return &references(f, last) | &references(x, last);
    }
    let nat = term.as_nat().and_then(|nat| u64::try_from(nat).ok());
    nat.filter(|nat| *nat <= last).into_iter().collect()
}

/// The number of nodes of an expression.
fn size(term: &Term) -> usize {
    pair(term, 0).map_or(1, |(f, x)| 1 + size(f) + size(x))
}

/// The lets that these lets need, directly or not; the lets themselves only if they are needed.
fn needs(uses: &[BTreeSet<usize>], lets: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> = lets.iter().flat_map(|index| &uses[*index]).copied().collect();
    loop {
        let more: BTreeSet<usize> =
            found.iter().flat_map(|index| &uses[*index]).chain(&found).copied().collect();
        if more == found {
            return found;
        }
        found = more;
    }
}

#[derive(Default)]
struct Seen {
    laws: usize,
    single: usize,
    recursive: usize,
    unneeded: usize,
}

/// Checks the groups of the lets: which there are, and that each follows those that it needs.
fn check_groups(law: &AnalysedLaw<'_>, lets: &[&Term], result: &Term, seen: &mut Seen) {
    let last = law.arity() + lets.len() as u64;
    let used_lets = |term: &Term| -> BTreeSet<usize> {
        let lets = references(term, last).into_iter().filter(|r| *r > law.arity());
        lets.map(|reference| (reference - law.arity() - 1) as usize).collect()
    };
    let uses: Vec<BTreeSet<usize>> = lets.iter().map(|value| used_lets(value)).collect();
    let roots = used_lets(result);
    let needed = &roots | &needs(&uses, &roots);
    let needs: Vec<BTreeSet<usize>> =
        (0..lets.len()).map(|index| needs(&uses, &[index].into())).collect();
    seen.unneeded += lets.len() - needed.len();
    let mut made = BTreeSet::new();
    for group in law.binding_groups() {
        let members: BTreeSet<usize> = match &group {
            BindingGroup::Single(index) => {
                seen.single += 1;
                assert!(!needs[*index].contains(index), "let {index} needs itself");
                [*index].into()
            }
            BindingGroup::Recursive(members) => {
                seen.recursive += 1;
                members.iter().copied().collect()
            }
        };
        let first = *members.first().expect("a group has a member");
        if let BindingGroup::Recursive(listed) = &group {
            assert_eq!(listed.len(), members.len(), "a let is in a group twice");
            let component: BTreeSet<usize> = needs[first]
                .iter()
                .copied()
                .filter(|other| needs[*other].contains(&first))
                .collect();
            assert_eq!(members, component);
        }
        assert!(made.is_disjoint(&members), "a let is in two groups");
        made.extend(members);
        assert!(needs[first].is_subset(&made), "a let comes before one that it needs");
    }
    assert_eq!(made, needed);
}

/// Checks the analysed form of a law of this arity and body.
fn check_law(law: &AnalysedLaw<'_>, arity: u64, body: &Term, seen: &mut Seen) {
    let (lets, result) = split(body);
    assert_eq!(law.arity(), arity);
    let same = |found: Ref<'_>, term: &Term| assert_eq!(&plain::to_term(found), term);
    assert_eq!(law.lets().len(), lets.len());
    law.lets().iter().zip(&lets).for_each(|(found, term)| same(*found, term));
    same(law.result(), result);
    let last = arity + lets.len() as u64;
    let expressions = law.lets().iter().chain([&law.result()]).copied().collect::<Vec<_>>();
    let mut whole = 0;
    for (found, term) in expressions.into_iter().zip(lets.iter().chain([&result])) {
        let expected: Vec<u64> = references(term, last).into_iter().collect();
        let size = size(term);
        whole += size;
        assert_eq!(law.references(found, size), Some(expected), "{term}");
        assert_eq!(law.references(found, size - 1), None, "{term}");
    }
    assert!(law.is_larger_than(whole - 1) && !law.is_larger_than(whole), "{body}");
    check_groups(law, &lets, result, seen);
    seen.laws += 1;
}

/// Checks all laws in a term.
fn check_laws_in(vm: &mut Vm, term: &Term, seen: &mut Seen) {
    match term {
        Term::Nat(_) => {}
        Term::App(f, x) => {
            check_laws_in(vm, f, seen);
            check_laws_in(vm, x, seen);
        }
        Term::Pin(item) => check_laws_in(vm, item, seen),
        Term::Law { arity, body, .. } => {
            let value = plain::from_term(vm, term).expect("the heap has room");
            if let (Shape::Law(law), Ok(arity)) = (vm.look(&value).shape(), u64::try_from(arity))
                && let Some(law) = AnalysedLaw::of(law)
            {
                check_law(&law, arity, body, seen);
            }
            check_laws_in(vm, body, seen);
        }
    }
}

/// A law with this number of lets that refer to each other at random.
fn law_of_random_lets(seed: u64) -> Term {
    let mut random = TermGenerator::new(seed);
    let mut below = |limit: u64| {
        let nat = random.nat();
        u64::try_from(&nat).map_or(0, |nat| nat % limit)
    };
    let arity = 1 + below(3);
    let lets = 1 + below(6);
    let mut expression = || {
        let count = below(3);
        (0..count).fold(Term::from(below(arity + lets + 3)), |f, _| {
            let argument = Term::from(below(arity + lets + 3));
            Term::from(0).apps([f, argument])
        })
    };
    let result = expression();
    let body = (0..lets).fold(result, |rest, _| Term::from(1).apps([expression(), rest]));
    Term::law(0, arity, body)
}

#[test]
fn analysed_laws_agree_with_a_plain_reading() {
    let options =
        HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    let mut vm = Vm::new(options, Default::default()).expect("the system gives a stack");
    let mut seen = Seen::default();
    for seed in 0..400 {
        let program = TermGenerator::new(seed).program(60);
        check_laws_in(&mut vm, &program, &mut seen);
        check_laws_in(&mut vm, &law_of_random_lets(seed), &mut seen);
    }
    let Seen { laws, single, recursive, unneeded } = seen;
    assert!(laws > 400 && single > 200 && recursive > 100 && unneeded > 50, "too few cases");
}

/// A law with many lets, each of which refers to the next: the groups are found in linear time.
#[test]
fn long_chains_of_lets_are_ordered() {
    const LETS: u64 = 20_000;
    // The result is reference 2, which is the first let.
    let mut body = Term::from(2);
    for reference in (2..LETS + 2).rev() {
        let value = Term::from(0).apps([Term::from(1), Term::from(reference + 1)]);
        body = Term::from(1).apps([value, body]);
    }
    let options =
        HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    let mut vm = Vm::new(options, Default::default()).expect("the system gives a stack");
    let law = plain::from_term(&mut vm, &Term::law(0, 1, body)).expect("the heap has room");
    let Shape::Law(law) = vm.look(&law).shape() else { panic!("not a law") };
    let law = AnalysedLaw::of(law).expect("the references fit");
    let groups = law.binding_groups();
    assert!(groups.into_iter().eq((0..LETS as usize).rev().map(BindingGroup::Single)));
}

//! Searches of tables and sets, replacement of items of rows, equality with constant rows, and tags of data: compiled code, which
//! does them in place as far as the values are evaluated, does what the interpreter does with the
//! jets.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

use jet_programs::{apply, arg, constant, crashing_law, limits, runtime, small, table};
use jit::CompileMode;
use plan::plain;
use spec::Term;
use spec::shapes::{bar, row, set, tab};
use support::{ProgramResult, end};

/// The size of the nursery, in bytes.
const NURSERY: usize = 1 << 18;

const JETS: &[&str] = &[
    "tabIdx",
    "tabSwitch",
    "_TabHas",
    "_TabLookup",
    "setHas",
    "_TabLen",
    "_TabIsEmpty",
    "setLen",
    "setIsEmpty",
    "setIns",
    "setDel",
    "setMin",
    "tabDel",
    "tabMinKey",
    "setSing",
    "setWeld",
    "setSub",
    "tabIns",
    "_Dec",
    "_Mod",
    "_Eql",
    "_Neq",
    "_Cmp",
    "_If",
    "_DataTag",
    "_Cdr",
    "_Idx",
    "_Put",
    "_Mut",
    "_Add",
    "_Force",
];

fn call(jet: &str, args: impl IntoIterator<Item = Term>) -> Term {
    apply(constant(crashing_law(jet).pin()), args)
}

/// The expression of a row of two expressions.
fn pair(a: Term, b: Term) -> Term {
    apply(constant(spec::shapes::cow(2)), [b, a])
}

fn crash(number: u64) -> Term {
    Term::from(9).app(Term::from(number))
}

/// A nat of more than 64 bits.
fn big(low: u64) -> Term {
    let bytes: Vec<u8> = low.to_le_bytes().into_iter().chain(*b"text").collect();
    Term::Nat(spec::nat_from_bytes(&bytes))
}

/// Evaluated when it is demanded: the nat plus one.
fn lazy(nat: u64) -> Term {
    Term::from(3).app(Term::from(nat))
}

fn keys() -> Vec<Term> {
    vec![
        Term::from(1),
        Term::from(5),
        Term::from(u64::MAX),
        big(1),
        Term::from(4).pin(),
        bar(b"a"),
        row([Term::from(1)]),
        row([1, 2].map(Term::from)),
        row([2, 2].map(Term::from)),
        row([row([Term::from(3)]), Term::from(7)]),
    ]
}

fn selectors() -> Vec<Term> {
    let others = [
        Term::from(0),
        lazy(4),
        lazy(5),
        big(2),
        bar(b"b"),
        row([]),
        row([lazy(0), Term::from(2)]),
        row([Term::from(1), lazy(1)]),
        row([crash(1), Term::from(2)]),
        row([crash(1), Term::from(3)]),
        row([Term::from(1), crash(2)]),
        row([row([lazy(2)]), lazy(6)]),
        row([crash(3), crash(4), crash(5)]),
        row((0..40).map(Term::from)),
        set([Term::from(1)]),
        tab([(Term::from(1), Term::from(2))]),
        crash(3),
    ];
    keys().into_iter().chain(others).collect()
}

/// Tables and sets. Some are not evaluated, and some are no data jets.
fn collections() -> Vec<Term> {
    let values = |index: usize| if index == 1 { crash(60) } else { lazy(100 + index as u64) };
    let entries = || keys().into_iter().enumerate().map(|(index, key)| (key, values(index)));
    let many = (0..300).map(|key| (Term::from(2 * key), Term::from(key)));
    // Positions of such keys are remembered.
    let of_rows =
        |numbers: std::ops::Range<u64>| numbers.map(|n| row([row([Term::from(n)]), Term::from(7)]));
    let returns = |value: Term| Term::law(0, 1, constant(value)).app(Term::from(0));
    vec![
        tab(entries()),
        tab(many),
        tab([]),
        set(keys()),
        set((0..300).map(|key| Term::from(3 * key))),
        set([]),
        set(of_rows(0..100)),
        set(of_rows(0..3).chain(of_rows(4..40))),
        tab(of_rows(0..100).map(|key| (key, lazy(100)))),
        returns(tab(keys().into_iter().map(|key| (key, Term::from(8))))),
        returns(set(keys())),
        set([1, 5].map(Term::from)).app(returns(row([7, 8].map(Term::from)))),
        set([1, 5].map(Term::from)).app(Term::from(3)),
        row([1, 2].map(Term::from)),
        crash(70),
    ]
}

/// Compares the calls of laws with all pairs of arguments, interpreted and compiled.
fn check(laws: &[Term], firsts: &[Term], seconds: &[Term]) {
    let jets = table(JETS.iter().copied(), crashing_law);
    let modes =
        [(CompileMode::Off, false), (CompileMode::Eager, false), (CompileMode::Eager, true)];
    let mut runtimes = modes.map(|(mode, stress)| runtime(limits(NURSERY, stress), &jets, mode));
    for law in laws {
        for (first, second) in firsts.iter().flat_map(|a| seconds.iter().map(move |b| (a, b))) {
            let [expected, compiled, stressed] = runtimes.each_mut().map(|vm| {
                let [law, first, second] = [law, first, second]
                    .map(|term| plain::from_term(vm, term).expect("the heap has room"));
                let result = vm.app(&law, &[first, second]).and_then(|call| vm.force(&call));
                end(vm, result)
            });
            assert!(expected != ProgramResult::Undecided, "{law} {first} {second}");
            assert_eq!(compiled, expected, "{law} {first} {second}");
            assert_eq!(stressed, expected, "{law} {first} {second}, collected");
        }
    }
}

#[test]
fn searches_do_what_the_jets_do() {
    let law = |body: Term| Term::law(0, 2, body);
    let searches = [
        call("tabIdx", [arg(1), arg(2)]),
        call("tabSwitch", [arg(1), small(77), arg(2)]),
        call("_TabHas", [arg(1), arg(2)]),
        call("setHas", [arg(1), arg(2)]),
        call("_TabLookup", [arg(1), arg(2)]),
        call("tabDel", [arg(1), arg(2)]),
        call("setDel", [arg(1), arg(2)]),
        call("tabMinKey", [arg(2)]),
        call("setMin", [arg(2)]),
    ];
    let twice = [
        call("_Add", [call("setHas", [arg(1), arg(2)]), call("setHas", [arg(1), arg(2)])]),
        call("_Add", [call("_TabHas", [arg(1), arg(2)]), call("tabIdx", [arg(1), arg(2)])]),
    ];
    let laws: Vec<Term> = searches.into_iter().chain(twice).map(law).collect();
    check(&laws, &selectors(), &collections());
}

/// Loops that search for keys, each many times, in a set or table that they change in place: they insert a
/// key, or they also delete those that are there.
#[test]
fn searches_between_edits_in_place_find_what_is_there() {
    let key = || call("_Idx", [call("_Mod", [arg(1), small(40)]), arg(2)]);
    let again = |collection: Term| apply(arg(0), [call("_Dec", [arg(1)]), arg(2), collection]);
    let loop_of = |has: &str, found: Term, inserted: Term| {
        let turn = call("_If", [call(has, [key(), arg(3)]), again(found), again(inserted)]);
        let body = call("_If", [arg(1), turn, arg(3)]);
        Term::law(0, 2, apply(constant(Term::law(8, 3, body)), [small(470), arg(1), arg(2)]))
    };
    let inserted = || call("setIns", [key(), arg(3)]);
    let sets = [arg(3), call("setDel", [key(), arg(3)])];
    let sets = sets.map(|found| loop_of("setHas", found, inserted()));
    let inserted = || call("tabIns", [key(), arg(1), arg(3)]);
    let tables = [arg(3), call("tabDel", [key(), arg(3)])];
    let tables = tables.map(|found| loop_of("_TabHas", found, inserted()));
    let rows = |numbers: std::ops::Range<u64>| numbers.map(|n| row([Term::from(n), row([])]));
    let nats = |numbers: std::ops::Range<u64>| numbers.map(|n| Term::from(3 * n));
    let keys = [row(rows(0..40)), row(nats(0..40))];
    let others = [set([]), set([Term::from(5)]), set(rows(7..30)), set(nats(0..200))];
    check(&sets, &keys, &others);
    let of_keys = |keys: Vec<Term>| tab(keys.into_iter().map(|key| (key, Term::from(1))));
    check(
        &tables,
        &keys,
        &[tab([]), of_keys(rows(7..30).collect()), of_keys(nats(0..200).collect())],
    );
}

/// The least key is taken from a set or table that is changed in place, until none is left.
#[test]
fn loops_take_all_keys_in_order() {
    let loop_of = |least: &str, is_empty: &str, delete: &str| {
        let key = || call(least, [arg(2)]);
        let sum = call("_Add", [call("_Add", [arg(1), arg(1)]), key()]);
        let sum = call("_Mod", [sum, small(1_000_003)]);
        let again = apply(arg(0), [sum, call(delete, [key(), arg(2)])]);
        let body = call("_If", [call(is_empty, [arg(2)]), arg(1), again]);
        Term::law(0, 2, apply(constant(Term::law(8, 2, body)), [arg(1), arg(2)]))
    };
    let counts = [0, 1, 15, 64, 65, 700];
    let sets = counts.map(|count| set((0..count).map(|key| Term::from(5 * key + 1))));
    let of_sets = loop_of("setMin", "setIsEmpty", "setDel");
    check(&[of_sets], &[Term::from(1)], &sets);
    let entry = |key: u64| (Term::from(5 * key + 1), lazy(key));
    let tables = counts.map(|count| tab((0..count).map(entry)));
    let of_tables = loop_of("tabMinKey", "_TabIsEmpty", "tabDel");
    check(&[of_tables], &[Term::from(1)], &tables);
}

/// Insertions into tables and sets of few nats, and of too many to be short: of new keys at each place and of
/// those that are there, with values that are in normal form, that are not, and that crash.
#[test]
fn insertions_into_short_tables_do_what_the_jets_do() {
    let delayed_crash = || apply(constant(Term::from(9)), [small(6)]);
    let lazily = pair(call("_Add", [arg(1), small(1)]), small(8));
    let values = [small(7), lazily, constant(big(3)), delayed_crash(), arg(1)];
    let mut bodies = Vec::new();
    for value in values {
        let inserted = |table| call("tabIns", [arg(1), value.clone(), table]);
        // The marks of normal form are known.
        let normal = || call("_Force", [arg(2)]);
        bodies.extend([
            inserted(arg(2)),
            inserted(normal()),
            call("tabIdx", [arg(1), inserted(arg(2))]),
            call("tabIdx", [small(6), inserted(normal())]),
            call("tabIns", [small(4), arg(1), inserted(normal())]),
            call("_Add", [call("_TabLen", [inserted(arg(2))]), small(1)]),
        ]);
    }
    let tables = [0, 1, 2, 15, 16, 17, 64, 65, 300].map(|count| {
        let value = |key: u64| if key.is_multiple_of(2) { Term::from(key) } else { lazy(key) };
        tab((0..count).map(|key| (Term::from(3 * key), value(key))))
    });
    let small_keys = [0, 1, 3, 4, 43, 45, 46, 48, 50, 1000, (1 << 63) - 1, 1 << 63].map(Term::from);
    let others = [big(1), bar(b"a"), lazy(2), row([Term::from(1)])];
    let keys: Vec<Term> = small_keys.into_iter().chain(others).collect();
    let laws = |bodies: Vec<Term>| -> Vec<Term> {
        bodies.into_iter().map(|body| Term::law(0, 2, body)).collect()
    };
    check(&laws(bodies), &keys, &tables);
    let sets =
        [0, 1, 2, 15, 16, 17, 64, 65].map(|count| set((0..count).map(|key| Term::from(3 * key))));
    let inserted = |set| call("setIns", [arg(1), set]);
    let of_sets = vec![
        inserted(arg(2)),
        inserted(call("_Force", [arg(2)])),
        call("setHas", [small(6), inserted(arg(2))]),
        call("setIns", [small(4), inserted(arg(2))]),
    ];
    check(&laws(of_sets), &keys, &sets);
}

/// Look-ups and edits that are passed on lazily, as a value and in a row whose other item is evaluated first.
#[test]
fn delayed_look_ups_evaluate_nothing() {
    let look_ups = || {
        [
            call("tabIdx", [arg(1), arg(2)]),
            call("tabSwitch", [arg(1), small(77), arg(2)]),
            call("tabDel", [arg(1), arg(2)]),
            call("setDel", [arg(1), arg(2)]),
            call("setIns", [arg(1), arg(2)]),
            call("tabMinKey", [arg(2)]),
            call("setMin", [arg(2)]),
        ]
    };
    // The row is evaluated to its outermost shape only by taking its second item.
    let ignored = |look_up| call("_Idx", [small(1), pair(look_up, small(8))]);
    // The collection is evaluated before the look-up is made.
    let known = |look_up| {
        call("_If", [call("_Eql", [arg(2), small(0)]), small(6), pair(look_up, small(8))])
    };
    let laws = look_ups().into_iter().map(|look_up| pair(look_up, small(8)));
    let laws = laws.chain(look_ups().map(ignored)).chain(look_ups().map(known));
    let laws: Vec<Term> = laws.map(|body| Term::law(0, 2, body)).collect();
    check(&laws, &selectors(), &collections());
}

/// The sizes of tables and sets: returned, added to, tested, and passed on lazily.
#[test]
fn sizes_are_those_that_the_jets_return() {
    let sizes = ["_TabLen", "_TabIsEmpty", "setLen", "setIsEmpty"].map(|jet| {
        let size = || call(jet, [arg(2)]);
        // The collection is evaluated before the size is passed on.
        let known =
            call("_If", [call("_Eql", [arg(2), small(0)]), small(6), pair(size(), small(8))]);
        [size(), call("_Add", [size(), arg(1)]), pair(size(), arg(1)), known]
    });
    let laws: Vec<Term> = sizes.into_iter().flatten().map(|body| Term::law(0, 2, body)).collect();
    // A set of up to 64 keys is one object.
    let of_size = |count: u64| set((0..count).map(Term::from));
    let table = |count: u64| tab((0..count).map(|key| (Term::from(key), Term::from(0))));
    let mut values = collections();
    for count in [1, 63, 64, 65, 2000] {
        values.extend([of_size(count), table(count)]);
    }
    check(&laws, &[Term::from(7)], &values);
}

fn of_two(jet: &str) -> Term {
    call(jet, [arg(1), arg(2)])
}

/// Sets of one key, unions and differences: returned, taken further, and passed on lazily.
#[test]
fn sets_of_sets_are_those_that_the_jets_return() {
    let laws_of = |bodies: fn(&str) -> Vec<Term>| -> Vec<Term> {
        let bodies = ["setWeld", "setSub"].into_iter().flat_map(bodies);
        bodies.map(|body| Term::law(0, 2, body)).collect()
    };
    check(
        &laws_of(|jet| vec![of_two(jet), pair(of_two(jet), small(8))]),
        &collections(),
        &collections(),
    );
    // Of two crashes, compiled code may meet the other one first.
    let multiples = |count: u64, by: u64| set((0..count).map(|key| Term::from(by * key)));
    let lazily = Term::law(0, 1, constant(multiples(4, 4))).app(Term::from(0));
    let sets = [
        set([]),
        set(keys()),
        multiples(1, 1),
        multiples(3, 2),
        multiples(15, 2),
        multiples(16, 3),
        multiples(17, 1),
        multiples(64, 3),
        multiples(65, 1),
        multiples(300, 2),
        set((0..300).filter(|key| *key != 8).map(Term::from)),
        set([Term::from(2), Term::from(200), bar(b"a")]),
        set([1_u64 << 63, u64::MAX].map(Term::from)),
        lazily,
    ];
    let further = laws_of(|jet| {
        let turned = || call(jet, [arg(2), arg(1)]);
        let more = |other| call(other, [of_two(jet), turned()]);
        vec![of_two(jet), more("setWeld"), more("setSub"), call("setLen", [of_two(jet)])]
    });
    check(&further, &sets, &sets);
    let of_key = || call("setSing", [arg(1)]);
    let laws = [of_key(), call("setWeld", [of_key(), arg(2)]), pair(of_key(), small(8))];
    let laws = laws.map(|body| Term::law(0, 2, body));
    check(&laws, &selectors(), &[set([]), set([1, 9].map(Term::from))]);
}

/// Rows with an item replaced: returned, read, and passed on lazily, with a value that is evaluated and
/// one that crashes.
#[test]
fn rows_with_an_item_replaced_are_those_that_the_jets_return() {
    let edits = |value: Term| {
        [call("_Put", [arg(1), arg(2), value.clone()]), call("_Mut", [arg(2), value, arg(1)])]
    };
    let delayed_crash = || apply(constant(Term::from(9)), [small(6)]);
    let mut laws = Vec::new();
    for edit in edits(small(77)).into_iter().chain(edits(delayed_crash())) {
        // The row and the index are evaluated before the edit is passed on.
        let known = call(
            "_If",
            [
                call("_Eql", [call("_Idx", [small(0), arg(1)]), small(0)]),
                pair(edit.clone(), small(8)),
                call("_Add", [arg(2), small(1)]),
            ],
        );
        laws.extend([
            call("_Idx", [arg(2), edit.clone()]),
            call("_Idx", [small(0), edit.clone()]),
            pair(edit.clone(), small(8)),
            call("_Idx", [small(1), pair(edit.clone(), small(8))]),
            known,
            edit,
        ]);
    }
    let laws: Vec<Term> = laws.into_iter().map(|body| Term::law(0, 2, body)).collect();
    let returns = |value: Term| Term::law(0, 1, constant(value)).app(Term::from(0));
    let zeros = |count: u64| row((0..count).map(|_| Term::from(0)));
    let rows = [
        row([]),
        row([Term::from(0)]),
        row([0, 2, 3].map(Term::from)),
        row([Term::from(0), lazy(4), crash(1)]),
        zeros(16),
        zeros(17),
        zeros(300),
        returns(row([0, 2].map(Term::from))),
        Term::from(5),
        Term::law(7, 3, Term::from(1)).apps([Term::from(1), Term::from(0)]),
        tab([(Term::from(1), Term::from(2))]),
        set([Term::from(1)]),
        crash(70),
    ];
    let indices = [0, 1, 2, 15, 16, 299, 300, u64::MAX].map(Term::from);
    let others = [lazy(0), lazy(1), big(1), row([Term::from(0)]), crash(71)];
    let indices: Vec<Term> = indices.into_iter().chain(others).collect();
    check(&laws, &rows, &indices);
}

#[test]
fn equality_with_a_constant_row_evaluates_what_the_jet_evaluates() {
    let rows = [
        row([Term::from(1)]),
        row([1, 2].map(Term::from)),
        row([0, (1 << 63) - 1].map(Term::from)),
        row([3, 2, 1].map(Term::from)),
        row((1..=6).map(Term::from)),
        row((1..=7).map(Term::from)),
        row([Term::from(u64::MAX)]),
        row([row([Term::from(3)]), Term::from(7)]),
    ];
    let mut laws = Vec::new();
    for constant_row in &rows {
        for jet in ["_Eql", "_Neq"] {
            let sides = [
                [arg(1), constant(constant_row.clone())],
                [constant(constant_row.clone()), arg(1)],
            ];
            for sides in sides {
                laws.push(Term::law(0, 2, call(jet, sides.clone())));
                laws.push(Term::law(0, 2, call("_If", [call(jet, sides), arg(2), small(9)])));
            }
        }
    }
    let values: Vec<Term> = selectors()
        .into_iter()
        .chain(rows.clone())
        .chain([row([lazy(2), lazy(1), lazy(0)]), row([crash(1), lazy(1), Term::from(1)])])
        .chain([Term::law(7, 3, Term::from(1)).apps([Term::from(1), Term::from(2)])])
        .collect();
    check(&laws, &values, &[Term::from(5)]);
}

#[test]
fn tags_and_last_arguments_are_those_that_the_jets_return() {
    let laws = ["_DataTag", "_Cdr"].map(|jet| {
        let part = || call(jet, [arg(1)]);
        [part(), call("_Add", [part(), arg(2)]), pair(part(), arg(2))]
    });
    let laws: Vec<Term> = laws.into_iter().flatten().map(|body| Term::law(0, 2, body)).collect();
    let function = || Term::law(7, 3, Term::from(1));
    let others = [
        function(),
        function().app(crash(1)),
        function().apps([Term::from(1), lazy(2)]),
        Term::from(0).app(lazy(2)),
        Term::from(0).apps([Term::from(0), lazy(2)]),
    ];
    let values: Vec<Term> = selectors().into_iter().chain(others).chain(collections()).collect();
    check(&laws, &values, &[Term::from(5)]);
}

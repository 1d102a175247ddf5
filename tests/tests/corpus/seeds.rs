//! Seeds: what `save` writes and `show` prints, and a program that comes from one.

use crate::{Corpus, facts, sha256};
use tests::{Laws, stderr, stdout};
use vm::{NatRef, Ref, Shape, Vm};

fn seeds_and_what_they_show_are_the_same(laws: Laws) {
    let Some(corpus) = Corpus::open(laws) else { return };
    let seed = corpus.pallas.path("main.seed");
    let mut wrong = Vec::new();
    let rows = facts("seeds.tsv");
    for [module, size, hash, shown_hash, shown_lines] in &rows {
        let saved =
            corpus.run(["save".as_ref(), "-M".as_ref(), seed.as_os_str(), module.as_ref()], "");
        if !saved.status.success() {
            wrong.push(format!("{module}: {}", stderr(&saved)));
            continue;
        }
        let bytes = std::fs::read(&seed).expect("a seed was written");
        if bytes.len().to_string() != *size || sha256(&bytes) != *hash {
            wrong.push(format!("{module}: its seed has {} bytes, not {size}", bytes.len()));
        }
        let shown = corpus.run(["show".as_ref(), seed.as_os_str()], "");
        let shown = format!("{}\n{}", first_line(&bytes), stdout(&shown));
        let lines = shown.lines().count();
        if lines.to_string() != *shown_lines || sha256(shown.as_bytes()) != *shown_hash {
            wrong.push(format!("{module}: {lines} lines are shown, where {shown_lines} were"));
        }
    }
    corpus.tell(&format!("{} seeds saved and shown, {} wrong", rows.len(), wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The line that the prototype's `show` prints first, and ours does not: the value in the notation
/// of the language that the prototype is written in. The golden hashes include it.
fn first_line(seed: &[u8]) -> String {
    let mut vm = Vm::new(Default::default(), Default::default()).expect("a stack can be had");
    let value = vm::seed::load(&mut vm, seed).expect("a seed that was saved");
    notation(vm.look(&value))
}

/// A value in that notation. Those at hand are not deep.
fn notation(value: Ref<'_>) -> String {
    let list = |items: &mut dyn Iterator<Item = Ref<'_>>| {
        let items: Vec<String> = items.map(notation).collect();
        items.join(",")
    };
    match value.shape() {
        Shape::Nat(nat) => nat_notation(nat),
        Shape::Pin(pin) => name_of(pin.item()),
        Shape::Law(law) => {
            let name = nat_notation(law.name());
            format!("(LAW {name} {} {})", law.arity().to_natural(), notation(law.body()))
        }
        Shape::App(app) => {
            let mut items = std::iter::once(app.head()).chain(app.args());
            format!("[{}]", list(&mut items))
        }
        Shape::Row(items) => {
            format!("(ROW fromListN {} [{}])", items.len(), list(&mut items.iter()))
        }
        Shape::Bar(bytes) => format!("(BAR {:?})", String::from_utf8_lossy(bytes)),
        Shape::Tab(keys, values) => {
            let pair = |(key, value)| format!("({},{})", notation(key), notation(value));
            let pairs: Vec<String> = keys.iter().zip(values.iter()).map(pair).collect();
            format!("(TAB [{}])", pairs.join(","))
        }
        Shape::Set(keys) => format!("(SET [{}])", list(&mut keys.iter())),
        Shape::Cow(width) => format!("R{width}"),
        Shape::Thunk => unreachable!("seeds hold values in normal form"),
    }
}

/// Whether a nat is written as a text.
fn word(nat: NatRef<'_>) -> Option<String> {
    let word = |text: &String| text.chars().all(|c| c.is_alphanumeric() || c == '_');
    nat.text().filter(word).filter(|text| !text.is_empty())
}

fn nat_notation(nat: NatRef<'_>) -> String {
    word(nat).map_or_else(|| nat.to_natural().to_string(), |text| format!("{text:?}"))
}

/// The name of a pinned value.
fn name_of(value: Ref<'_>) -> String {
    match value.shape() {
        Shape::Pin(pin) => name_of(pin.item()),
        Shape::Law(law) if law.name().to_natural() == 0 => "anon".to_owned(),
        Shape::Law(law) => word(law.name()).unwrap_or_else(|| law.name().to_natural().to_string()),
        _ => "_".to_owned(),
    }
}

/// A dialogue with the compiler written in Sire: what is typed, and what it prints: the names it
/// defines, the values of expressions, and what is wrong.
const DIALOGUE: [(&str, &str); 6] = [
    ("= x 3", "= {x}"),
    ("(3 x)", "4"),
    ("= (k a b) a", "= {k}"),
    ("| k 7 8", "7"),
    ("| k x", "(k 3)"),
    ("= main | 4 | k x 5", "= {main}"),
];

fn the_compiler_written_in_sire_runs_from_its_seed(laws: Laws) {
    let Some(corpus) = Corpus::open(laws) else { return };
    let [seed, said] = ["compiler.seed", "said"].map(|name| corpus.pallas.path(name));
    let save = ["save".as_ref(), "-M".as_ref(), seed.as_os_str(), "sire_27_sire".as_ref()];
    let saved = corpus.run(save, "");
    assert!(saved.status.success(), "{}", stderr(&saved));
    let input: String = DIALOGUE.iter().map(|(typed, _)| format!("{typed}\n\n")).collect();
    let arguments = ["repl".as_ref(), "--save".as_ref(), said.as_os_str(), seed.as_os_str()];
    let output = corpus.run(arguments, &input);
    assert!(output.status.success(), "{}", stderr(&output));
    let expected: String = DIALOGUE.iter().map(|(_, answer)| format!("{answer}\n\n")).collect();
    assert_eq!(stdout(&output), expected);
    // At the end of its input it saves what was called `main`, and by the same rules as we.
    corpus.pallas.write("sire/three.sire", "#### three\n\n= main | 4 3\n");
    let ours = corpus.pallas.run(["save", "three.seed", "three"], "");
    assert!(ours.status.success(), "{}", stderr(&ours));
    let [saved, ours] = [said, corpus.pallas.path("three.seed")].map(std::fs::read);
    assert_eq!(saved.expect("it saved"), ours.expect("so did we"));
}

fn the_compiler_written_in_sire_refuses_what_is_wrong(laws: Laws) {
    let Some(corpus) = Corpus::open(laws) else { return };
    let seed = corpus.pallas.path("compiler.seed");
    let save = ["save".as_ref(), seed.as_os_str(), "sire_27_sire".as_ref()];
    let saved = corpus.run(save, "");
    assert!(saved.status.success(), "{}", stderr(&saved));
    let output = corpus.run(["repl".as_ref(), seed.as_os_str()], "(3 1)\n\n(3 nobody)\n\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let printed = stdout(&output);
    assert!(printed.starts_with("2\n\n"), "{printed}");
    for part in ["undefined reference", "line", "nobody"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

tests::in_every_way! {
    seeds_and_what_they_show_are_the_same
    the_compiler_written_in_sire_runs_from_its_seed
    the_compiler_written_in_sire_refuses_what_is_wrong
}

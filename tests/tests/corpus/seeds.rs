//! Seeds: `save` writes and `show` prints the same bytes, and a large program runs from its seed.

use crate::{Corpus, sha256, table};
use plan::{NatRef, Ref, Shape};
use runtime::RuntimeBuilder;
use tests::{ExecutionMode, stderr, stdout};

fn saved_and_shown_seeds_are_the_same(mode: ExecutionMode) {
    let Some(corpus) = Corpus::open(mode) else { return };
    let seed = corpus.pallas.path("main.seed");
    let mut wrong = Vec::new();
    let rows = table("seeds.tsv");
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
        let shown = format!("{}\n{}", haskell_line(&bytes), stdout(&shown));
        let lines = shown.lines().count();
        if lines.to_string() != *shown_lines || sha256(shown.as_bytes()) != *shown_hash {
            wrong.push(format!("{module}: {lines} lines are shown, expected {shown_lines}"));
        }
    }
    corpus.report(&format!("{} seeds saved and shown, {} wrong", rows.len(), wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first line that the prototype's `show` prints and ours does not: the value as Haskell's
/// `show` prints it. The golden hashes include it.
fn haskell_line(seed: &[u8]) -> String {
    let mut runtime = RuntimeBuilder::bare().build().expect("the stack can be reserved");
    let value = runtime.load(seed).expect("a saved seed can be loaded");
    haskell_text(runtime.look(&value))
}

/// A value as Haskell's `show` prints it. Recurses on the value; the golden values are not deep.
fn haskell_text(value: Ref<'_>) -> String {
    let list = |items: &mut dyn Iterator<Item = Ref<'_>>| {
        let items: Vec<String> = items.map(haskell_text).collect();
        items.join(",")
    };
    match value.shape() {
        Shape::Nat(nat) => haskell_nat(nat),
        Shape::Pin(pin) => name_of(pin.item()),
        Shape::Law(law) => {
            let name = haskell_nat(law.name());
            format!("(LAW {name} {} {})", law.arity().to_natural(), haskell_text(law.body()))
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
            let pair = |(key, value)| format!("({},{})", haskell_text(key), haskell_text(value));
            let pairs: Vec<String> = keys.iter().zip(values.iter()).map(pair).collect();
            format!("(TAB [{}])", pairs.join(","))
        }
        Shape::Set(keys) => format!("(SET [{}])", list(&mut keys.iter())),
        Shape::Cow(width) => format!("R{width}"),
        Shape::Thunk => unreachable!("a seed holds a value in normal form"),
    }
}

/// The text of a nat, if it is a word of letters, digits and underscores.
fn word(nat: NatRef<'_>) -> Option<String> {
    let word = |text: &String| text.chars().all(|c| c.is_alphanumeric() || c == '_');
    nat.text().filter(word).filter(|text| !text.is_empty())
}

fn haskell_nat(nat: NatRef<'_>) -> String {
    word(nat).map_or_else(|| nat.to_natural().to_string(), |text| format!("{text:?}"))
}

/// The name that Haskell's `show` prints for a pin of this value.
fn name_of(value: Ref<'_>) -> String {
    match value.shape() {
        Shape::Pin(pin) => name_of(pin.item()),
        Shape::Law(law) if law.name().to_natural() == 0 => "anon".to_owned(),
        Shape::Law(law) => word(law.name()).unwrap_or_else(|| law.name().to_natural().to_string()),
        _ => "_".to_owned(),
    }
}

/// A session with the compiler written in Sire: each input with the output, which is the defined
/// name or the value.
const DIALOGUE: [(&str, &str); 6] = [
    ("= x 3", "= {x}"),
    ("(3 x)", "4"),
    ("= (k a b) a", "= {k}"),
    ("| k 7 8", "7"),
    ("| k x", "(k 3)"),
    ("= main | 4 | k x 5", "= {main}"),
];

fn the_compiler_written_in_sire_runs_from_its_seed(mode: ExecutionMode) {
    let Some(corpus) = Corpus::open(mode) else { return };
    let [seed, printed] = ["compiler.seed", "printed"].map(|name| corpus.pallas.path(name));
    let save = ["save".as_ref(), "-M".as_ref(), seed.as_os_str(), "sire_27_sire".as_ref()];
    let saved = corpus.run(save, "");
    assert!(saved.status.success(), "{}", stderr(&saved));
    let input: String = DIALOGUE.iter().map(|(input, _)| format!("{input}\n\n")).collect();
    let arguments = ["repl".as_ref(), "--save".as_ref(), printed.as_os_str(), seed.as_os_str()];
    let output = corpus.run(arguments, &input);
    assert!(output.status.success(), "{}", stderr(&output));
    let expected: String = DIALOGUE.iter().map(|(_, output)| format!("{output}\n\n")).collect();
    assert_eq!(stdout(&output), expected);
    // At the end of its input the program outputs the seed of `main`, which must equal ours.
    corpus.pallas.write("sire/three.sire", "#### three\n\n= main | 4 3\n");
    let ours = corpus.pallas.run(["save", "three.seed", "three"], "");
    assert!(ours.status.success(), "{}", stderr(&ours));
    let [saved, ours] = [printed, corpus.pallas.path("three.seed")].map(std::fs::read);
    assert_eq!(saved.expect("it saved a seed"), ours.expect("we saved a seed"));
}

fn the_compiler_written_in_sire_reports_errors(mode: ExecutionMode) {
    let Some(corpus) = Corpus::open(mode) else { return };
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

tests::in_every_mode! {
    saved_and_shown_seeds_are_the_same
    the_compiler_written_in_sire_runs_from_its_seed
    the_compiler_written_in_sire_reports_errors
}

//! The Sire compiler in Sire (`sire_in_sire`) makes the same bindings as the compiler in Rust: the
//! same laws, values, codes and keys, so also the same hashes.
//!
//! Both compile in one run of the command. A macro gives the test the scopes that the compiler in
//! Rust has made, as macros see them; the compiler in Sire gets the same sources as bars. The
//! comparison is an assertion in Sire, which shows the first module and name that differ.

use sire::ModuleLibrary;
use std::fmt::Write as _;
use std::path::Path;
use tests::{Pallas, reference_checkout, report, stderr, stdout};

/// A module: its name and its source.
type Source = (String, Vec<u8>);

/// Names the scopes that the compiler in Rust has made {rustScopes}.
const SCOPES: &str = "
= ({?!} st rex err ok) (ok st (EMBD st))

= rustScopes (idx 3 (?! 0))
";

/// (firstDifference names compiled): `{the same}`, or the first of the modules, and the first of its
/// exported names, that differ; a failed compilation as it is.
const COMPARISON: &str = "
= (differentName ours theirs)
@ (isDifferent name) (neq (tabIdx name ours) (tabIdx name theirs))
| fst
| sortOn (name & idx 0 (pinItem (tabIdx name theirs)))
| filter isDifferent (tabKeysRow theirs)

= (firstDifference names compiled)
| ifNot (fst compiled) compiled
^ _ names
? (go names)
: name more < listCase names {the same}
@ ours   | tabIdx name (snd compiled)
@ theirs | tabIdx name rustScopes
| if (ours == theirs) (go more)
| [name (differentName (pinItem ours) (pinItem theirs))]
";

/// Returns the source of a module of the library.
fn library_source(name: &str) -> Source {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../sire/{name}.sire"));
    (name.to_owned(), std::fs::read(&file).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Returns a module that defines {sources}: the table of these sources by their names.
fn sources_module(sources: &[Source]) -> String {
    let mut module = String::from("#### sources\n\n:| prelude\n\n= sources\n| tabFromPairs\n");
    for (name, text) in sources {
        let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(module, " ++ [{{{name}}} x#{hex}]").expect("a string");
    }
    module
}

/// Returns names as a list of Sire.
fn list(names: &[&str]) -> String {
    format!("~[{}]", names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" "))
}

/// Compiles these modules of the library with both compilers; the one in Sire gets `sources`. Checks
/// that {firstDifference} returns the value of the expression `expected`.
fn check_difference(names: &[&str], sources: &[Source], expected: &str) {
    let pallas = Pallas::new();
    pallas.write("sources.sire", sources_module(sources));
    // An import of `typed` makes a module typed, so the test imports it from another module.
    pallas.write("uses_typed.sire", "#### uses_typed\n\n:| typed\n");
    let mut check = String::from("#### check\n\n:| prelude\n:| sire_in_sire\n");
    for (index, name) in names.iter().enumerate() {
        let module = if *name == "typed" { "uses_typed" } else { name };
        writeln!(check, ":| {module} as Module{index}").expect("a string");
    }
    let names = list(names);
    write!(
        check,
        ":| sources\n{SCOPES}{COMPARISON}
= names | {names}

=?= {expected}
  | firstDifference (orderModules sources names (_ & NIL) id)
  | compileModules sources names
"
    )
    .expect("a string");
    pallas.write("check.sire", check);
    let output = pallas.run(["test", "./check.sire"], "");
    assert!(output.status.success(), "{}", stdout(&output));
}

/// Returns the names of the modules of the library, those first that the test imports anyway: the order
/// decides the keys of bindings.
fn library_names() -> Vec<&'static str> {
    let first = ["prelude", "sire_in_sire"];
    let others = ModuleLibrary::built_in().filter(|name| !first.contains(name));
    first.into_iter().chain(others).collect()
}

#[test]
fn the_library_has_the_same_bindings() {
    let names = library_names();
    let sources: Vec<Source> = names.iter().map(|name| library_source(name)).collect();
    check_difference(&names, &sources, "{the same}");
}

#[test]
fn a_difference_is_named() {
    let (name, text) = library_source("plan");
    let text = String::from_utf8(text).expect("UTF-8");
    let changed = text.replace("= (supply x f)    | f x\n", "= (supply x f)    | id f x\n");
    assert_ne!(text, changed);
    check_difference(&["plan"], &[(name, changed.into_bytes())], "[%plan %supply]");
}

#[test]
fn an_error_has_its_module_and_line() {
    let source = ("plan".to_owned(), b"#### plan\n\n= x 3\n\n= y (x z)\n".to_vec());
    check_difference(&["plan"], &[source], "(LEFT [%plan 5 'z {Unresolved symbol: z}])");
}

/// Returns a module of the prototype with all its predecessors, in the order of their chain.
fn prototype_chain(reference: &Path, last: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut next = Some(last.to_owned());
    while let Some(name) = next {
        let text = std::fs::read_to_string(reference.join(format!("sire/{name}.sire")));
        let text = text.unwrap_or_else(|error| panic!("{name}: {error}"));
        let header = text.lines().find(|line| line.starts_with("####")).expect("a header");
        next = header.split_once("<-").map(|(_, name)| name.trim().to_owned());
        sources.push((name, text.into_bytes()));
    }
    sources.reverse();
    sources
}

/// Runs `pallas save` and returns the seed.
fn save(pallas: &Pallas, module: &str) -> Vec<u8> {
    let output = pallas.run(["save", "saved.seed", module], "");
    assert!(output.status.success(), "{module}: {}", stderr(&output));
    std::fs::read(pallas.path("saved.seed")).expect("the seed")
}

#[test]
fn the_library_of_the_prototype_has_the_same_bindings() {
    let Some(reference) = reference_checkout() else {
        return report("sire_in_sire: the prototype is skipped: PALLAS_REFERENCE is not set");
    };
    // Its chain has the whole library, and the programs that read Rex.
    let sources = prototype_chain(&reference, "demo_rex_repl");
    let names: Vec<&str> = sources.iter().map(|(name, _)| name.as_str()).collect();

    // The modules of the prototype have names of our library, so they are a library of their own.
    let rust = Pallas::new();
    for (name, text) in &sources {
        rust.write(&format!("{name}.sire"), text);
    }
    let check = "#### check <- demo_rex_repl\n\n:| sire\n";
    rust.write("check.sire", format!("{check}{SCOPES}\n= main (rustScopes)\n"));

    let sire = Pallas::new();
    sire.write("sources.sire", sources_module(&sources));
    let main = format!("= main | unpackRight | compileModules sources {}\n", list(&names));
    let check = "#### check\n\n:| prelude\n:| sire_in_sire\n:| sources\n\n";
    sire.write("check.sire", format!("{check}{main}"));
    assert!(save(&rust, "./check.sire") == save(&sire, "./check.sire"), "the scopes differ");
}

//! File tests: `tests/filetests/*.ir`, each a unit, the passes to run, and what must come out.
//!
//! The first line names the passes (`; passes: strict worker`, or `all` for the whole pipeline), a
//! line of dashes parts the unit from the result. `JIT_BLESS=1 cargo test -p jit --test filetests`
//! rewrites the results.

use jit::ir::{Unit, parse, verify};
use jit::passes::{Pass, optimise};
use std::path::Path;

const PART: &str = "\n--------\n";

fn check(unit: &Unit, after: &str) {
    verify(unit).unwrap_or_else(|wrong| panic!("after {after}: {wrong}\n{unit}"));
    let text = unit.to_string();
    assert_eq!(parse(&text).map(|read| read.to_string()), Ok(text));
}

fn run(passes: &str, unit: &mut Unit) {
    check(unit, "reading");
    for name in passes.split_whitespace() {
        if name == "all" {
            optimise(unit, &[], |name, unit| check(unit, name));
        } else {
            let pass = Pass::named(name).unwrap_or_else(|| panic!("no pass {name}"));
            pass.run(unit);
            check(unit, name);
        }
    }
}

fn test(path: &Path) {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let (input, expected) = text.split_once(PART).unwrap_or((text.trim_end(), ""));
    let first = input.lines().next().unwrap_or_default();
    let passes = first.strip_prefix("; passes:").expect("the first line names the passes");
    let mut unit = parse(input).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
    run(passes, &mut unit);
    let result = unit.to_string();
    if std::env::var_os("JIT_BLESS").is_some() {
        std::fs::write(path, format!("{input}{PART}{result}")).expect("the file can be written");
    } else {
        assert_eq!(result, expected, "{}", path.display());
    }
}

#[test]
fn files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filetests");
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() > 5, "the files are there");
    paths.iter().for_each(|path| test(path));
}

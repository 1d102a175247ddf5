//! File tests of the code generator: each `tests/clif/*.ir` holds a unit and the Cranelift IR that
//! it is translated to, before Cranelift optimises that.
//!
//! ```text
//! ; what the test shows         comments
//! k0 = law ..                   the unit
//! --------
//! function ..                   the functions in Cranelift's IR
//! ```
//!
//! Numbers that depend on the layout of the runtime's structures are replaced by names: a stub by
//! its name, and an offset in the runtime by the name of the field. Every constant that has no
//! function in the unit, no jet, and is no data has an entry cell.
//!
//! To rewrite the expected results after an intended change, run `JIT_BLESS=1 cargo test -p jit
//! --test clif` and review the difference.

use cranelift_codegen::ir::UserExternalName;
use jit::codegen::{Backend, ConstantFacts, LinkSymbol, UnitEnvironment, print_clif};
use jit::ir::{Constant, ConstantKind, Unit, parse, verify};
use std::collections::HashSet;
use std::path::Path;
use vm::native::layout::top;
use vm::native::offset;

/// The line between the unit and the expected result.
const SEPARATOR: &str = "\n--------\n";

/// The fields of the runtime that compiled code uses.
const FIELDS: [(usize, &str); 18] = [
    (offset::NURSERY_NEXT, "nursery_next"),
    (offset::NURSERY_END, "nursery_end"),
    (offset::NURSERY[0], "nursery_start"),
    (offset::NURSERY[1], "nursery_limit"),
    (offset::STACK_LIMIT, "stack_limit"),
    (offset::INTERRUPT, "interrupt"),
    (offset::PARTS, "parts[0]"),
    (offset::PARTS + 8, "parts[1]"),
    (offset::PARTS + 16, "parts[2]"),
    (offset::FROZEN, "frozen"),
    (offset::LAST_FRAME, "last_frame"),
    (offset::ENTRY_FRAME, "entry_frame"),
    (offset::UNWIND_STACK_POINTER, "cut"),
    (offset::EVAL_BASE, "eval_base"),
    (offset::EVAL_TOP, "eval_top"),
    (offset::EVAL_LIMIT, "eval_limit"),
    (offset::EVAL_UNCHANGED, "eval_unchanged"),
    (offset::MARK, "mark"),
];

fn environment(unit: &Unit) -> UnitEnvironment {
    let facts = |constant: &Constant| {
        let top = match constant.kind {
            ConstantKind::Law => top::LAW,
            ConstantKind::Pin => top::PIN,
            _ => top::ROW,
        };
        let has_cell = constant.entry.is_none()
            && constant.jet.is_none()
            && matches!(top, top::LAW | top::PIN);
        ConstantFacts { top: top as u8, entry: has_cell.then(vm::native::EntryCell::default) }
    };
    UnitEnvironment { constants: 0, facts: unit.constants.values().map(facts).collect() }
}

/// A line of a function with names in place of numbers. `contexts` collects the values that hold
/// the runtime's address.
fn named(line: &str, contexts: &mut HashSet<String>) -> String {
    if let Some((value, "get_pinned_reg.i64")) = line.trim().split_once(" = ") {
        contexts.insert(value.to_owned());
    }
    let words = line.split_inclusive([' ', ',', '(']).map(|word| {
        let text = word.trim_end_matches([' ', ',', '(']);
        let end = &word[text.len()..];
        symbol(text).or_else(|| field(text, contexts)).unwrap_or_else(|| text.to_owned()) + end
    });
    words.collect()
}

/// The symbol of a name such as `u1:3`. Functions keep theirs.
fn symbol(text: &str) -> Option<String> {
    let (name, offset) = text.split_once('+').map_or((text, None), |(name, at)| (name, Some(at)));
    let (namespace, index) = name.strip_prefix('u')?.split_once(':')?;
    let (namespace, index) = (namespace.parse().ok()?, index.parse().ok()?);
    match LinkSymbol::named(&UserExternalName { namespace, index })? {
        LinkSymbol::Function(_) => None,
        symbol => {
            Some(format!("[{symbol}{}]", offset.map(|at| format!("+{at}")).unwrap_or_default()))
        }
    }
}

/// A field of the runtime, for an address such as `v7+120`.
fn field(text: &str, contexts: &HashSet<String>) -> Option<String> {
    let (value, offset) = text.split_once('+').unwrap_or((text, "0"));
    let offset: usize = offset.parse().ok()?;
    let (_, name) = FIELDS.iter().find(|(known, _)| *known == offset)?;
    contexts.contains(value).then(|| format!("{value}.{name}"))
}

fn test(backend: &mut Backend, path: &Path) {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let (input, expected) = text.split_once(SEPARATOR).unwrap_or((text.trim_end(), ""));
    let unit = parse(input).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    verify(&unit).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let functions = print_clif(backend, &unit, &environment(&unit)).expect("it is translated");
    let mut result = String::new();
    for (number, function) in functions.iter().enumerate() {
        let mut contexts = HashSet::new();
        result += &format!("f{number}:\n");
        for line in function.lines() {
            result += named(line, &mut contexts).trim_end();
            result.push('\n');
        }
    }
    if std::env::var_os("JIT_BLESS").is_some() {
        std::fs::write(path, format!("{input}{SEPARATOR}{result}"))
            .expect("the file can be written");
    } else {
        assert_eq!(result, expected, "{}", path.display());
    }
}

#[test]
fn units_are_translated_as_expected() {
    let mut backend = Backend::new().expect("the machine is known");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clif");
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() > 8, "the files are there");
    paths.iter().for_each(|path| test(&mut backend, path));
}

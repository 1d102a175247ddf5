//! Imports: standalone modules load what they import; aliases, clashes, and their errors.

mod common;

use common::{TestSession, rig};
use sire::{Diagnostic, EntryOutcome, ModuleLibrary, SireError};
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

/// Loads `main` of these modules, and returns the error.
fn load_error(modules: &[(&str, &str)]) -> SireError {
    let (_folder, mut rig) = rig(modules);
    rig.sire.load("main").expect_err("it must not load")
}

/// Loads `main` of these modules, and returns the first diagnostic.
fn diagnostic(modules: &[(&str, &str)]) -> Diagnostic {
    let (_folder, mut rig) = rig(modules);
    let found = collect_diagnostics(&mut rig);
    let error = rig.sire.load("main").expect_err("it must not load");
    assert!(matches!(error, SireError::Reported), "{error}");
    let first = found.borrow().first().cloned();
    first.expect("a diagnostic")
}

fn collect_diagnostics(rig: &mut TestSession) -> Rc<RefCell<Vec<Diagnostic>>> {
    let found = Rc::new(RefCell::new(Vec::new()));
    let receiver = Rc::clone(&found);
    rig.sire.on_diagnostic(move |diagnostic| receiver.borrow_mut().push(diagnostic.clone()));
    found
}

/// The value of `main` after loading the module `main`.
fn main_of(rig: &mut TestSession) -> u64 {
    let result = rig.sire.load("main");
    result.unwrap_or_else(|error| panic!("{error}: {}", rig.out.take()));
    let main = rig.sire.binding("main").expect("it is defined");
    rig.sire.vm().look(&main).as_u64().expect("a nat")
}

const BASE: &str = "#### base\n\n= zero 0\n= (next x) | 3 x\n";
const LEFT: &str = "#### left\n\n:| base\n\n= one | next zero\n\n^-^ one\n";
const RIGHT: &str = "#### right\n\n:| base\n\n= two | next (next zero)\n\n^-^ two\n";

#[test]
fn imports_are_loaded_once_and_in_the_order_of_the_text() {
    let (_folder, mut rig) = rig(&[
        ("base", BASE),
        ("left", LEFT),
        ("right", RIGHT),
        ("main", "#### main\n\n:| right\n:| left\n:| base [next]\n\n= main | next two\n"),
    ]);
    assert_eq!(main_of(&mut rig), 3);
    let printed = rig.out.take();
    let names = printed.lines().filter_map(|line| line.split(['=', ' ']).next());
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    assert_eq!(names, ["zero", "(next", "two", "one", "main"], "{printed}");
}

#[test]
fn a_law_has_the_same_hash_however_its_names_were_imported() {
    let body = "= (main x) | next (next x)\n";
    let imports = [
        ":| base\n",
        ":| base [next]\n",
        ":| left\n:| base\n",
        ":| right\n:| left\n:| base [zero next]\n",
    ];
    let mut mains = vec![format!("#### main <- base\n\n:| base\n\n{body}")];
    mains.extend(imports.iter().map(|imports| format!("#### main\n\n{imports}\n{body}")));
    let qualified = body.replace("next", "B.next");
    mains.push(format!("#### main\n\n:| right\n:| base as B\n\n{qualified}"));
    mains.push(format!("#### main\n\n:| base as B\n\n{}", body.replace("next", "base.next")));
    let hashes: Vec<String> = mains
        .iter()
        .map(|main| {
            let (_folder, mut rig) =
                rig(&[("base", BASE), ("left", LEFT), ("right", RIGHT), ("main", main)]);
            rig.sire.load("main").unwrap_or_else(|error| panic!("{main}: {error}"));
            let value = rig.sire.binding("main").expect("it is defined");
            rig.sire.vm().hash(&value).expect("a finite value").to_string()
        })
        .collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}

#[test]
fn an_alias_brings_no_name_into_scope_and_ends_with_its_module() {
    let (_folder, mut rig) =
        rig(&[("base", BASE), ("main", "#### main\n\n:| base as B\n\n= main | B.next B.zero\n")]);
    assert_eq!(main_of(&mut rig), 1);
    let printed = rig.session("main\n\nB.zero\n\n(base.next 4)\n\n:| base as C\n\n(C.next 8)\n");
    assert!(printed.contains("\n1\n\n"), "{printed}");
    assert!(printed.contains("Unresolved symbol: B.zero"), "{printed}");
    assert!(printed.contains("\n5\n\n") && printed.ends_with("9\n\n"), "{printed}");
    let error = load_error(&[
        ("base", BASE),
        ("main", "#### main\n\n:| base as B\n\n= main | next B.zero\n"),
    ]);
    assert!(error.to_string().contains("Unresolved symbol: next"), "{error}");
}

#[test]
fn a_failed_command_sets_no_alias() {
    let (_folder, mut rig) = rig(&[("base", BASE)]);
    let printed = rig.session(":| base\n\n* (:| base as B) (nosuch)\n\nB.zero\n");
    assert!(printed.contains("Unresolved symbol: B.zero"), "{printed}");
}

#[test]
fn a_cycle_is_refused_with_its_path() {
    let error = load_error(&[
        ("main", "#### main\n\n:| one\n"),
        ("one", "#### one\n\n:| two\n"),
        ("two", "#### two <- three\n"),
        ("three", "#### three\n\n:| main\n:| one\n"),
    ]);
    let message = error.to_string();
    let end = "three.sire:3: the modules main <- one <- two <- three <- main depend on each other";
    assert!(message.ends_with(end), "{message}");
    let own = load_error(&[("main", "#### main\n\n:| main\n")]).to_string();
    assert!(own.ends_with("main.sire:3: the modules main <- main depend on each other"), "{own}");
}

#[test]
fn a_long_path_of_imports_uses_no_native_stack() {
    const COUNT: usize = 3000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |index: usize, text: String| {
        fs::write(folder.path().join(format!("m{index}.sire")), text).expect("a file");
    };
    write(0, "#### m0\n\n= main 7\n".into());
    (1..COUNT).for_each(|index| write(index, format!("#### m{index}\n\n:| m{}\n", index - 1)));
    let mut rig = TestSession::new(ModuleLibrary::only(folder.path()), None);
    rig.sire.load(&format!("m{}", COUNT - 1)).expect("it loads");
    assert!(rig.sire.binding("main").is_ok());
}

#[test]
fn an_unknown_module_is_an_error_at_its_name_with_similar_ones() {
    let found = diagnostic(&[("base", BASE), ("main", "#### main\n\n:| basse\n")]);
    assert_eq!(found.message, "there is no module `basse`");
    assert_eq!(found.help, ["similar names: `base`"]);
    let place = found.place.expect("a place");
    assert_eq!((place.line, place.column(), &place.text[place.range.clone()]), (3, 4, "basse"));
    let error = load_error(&[("main", "#### main\n\n:| gone\n")]).to_string();
    assert!(error.contains("main.sire:3: Module not loaded: gone"), "{error}");
}

#[test]
fn an_unknown_name_in_a_list_is_an_error_with_similar_ones() {
    let found = diagnostic(&[("base", BASE), ("main", "#### main\n\n:| base [nexxt zero]\n")]);
    assert_eq!(found.message, "the module `base` has no `nexxt`");
    assert_eq!(found.help, ["similar names: `next`"]);
    let found = diagnostic(&[("base", BASE), ("main", "#### main\n\n:| base as B\n\n= a B.zer\n")]);
    assert_eq!(found.message, "the module `base` has no `zer`");
    assert_eq!(found.help, ["similar names: `zero`"]);
    let found = diagnostic(&[("main", "#### main\n\n= a B.zero\n")]);
    assert_eq!(found.message, "`B` is no module that is loaded, and no alias of one");
}

const OTHER: &str = "#### other\n\n= (next x) x\n= zero 5\n= nine 9\n";

#[test]
fn imported_names_must_not_clash() {
    let modules = |main| [("base", BASE), ("other", OTHER), ("main", main)];
    let found = diagnostic(&modules("#### main\n\n:| base\n:| other\n"));
    assert_eq!(found.message, "`zero`, `next` are in scope with another value");
    let note = "`zero` is defined in `base` and in `other`";
    assert_eq!(found.notes, [note, "`next` is defined in `base` and in `other`"]);
    assert!(found.help[0].contains("`:| other as M` keeps the names apart: `M.zero`"));
    for main in [
        "#### main\n\n:| base [zero]\n:| other [zero]\n",
        "#### main\n\n:| base\n:| other\n\n= nine 1\n\n:| other [nine]\n",
        "#### main\n\n:| other as O\n\n= nine 1\n\n:| other [nine]\n",
        "#### main\n\n:| base\n:| other as B\n:| base as B\n",
    ] {
        let error = load_error(&modules(main)).to_string();
        assert!(error.contains("clash") || error.contains("already an alias"), "{main}: {error}");
    }
    let message = load_error(&modules("#### main\n\n:| base\n:| other\n")).to_string();
    let reason = "imported names clash: zero of base and of other, next of base and of other";
    assert!(message.contains(reason), "{message}");
}

#[test]
fn a_listed_name_has_priority_over_a_whole_module() {
    let modules = |main| [("base", BASE), ("other", OTHER), ("main", main)];
    for (main, value) in [
        ("#### main\n\n:| base\n:| other [next zero]\n\n= main | next zero\n", 5),
        ("#### main\n\n:| other [next zero]\n:| base\n\n= main | next zero\n", 5),
        ("#### main\n\n:| base\n:| base\n:| base [zero]\n\n= main | next zero\n", 1),
        ("#### main\n\n:| base\n:| other as O\n\n= main | next O.zero\n", 6),
        // The definitions of the module itself come last.
        ("#### main\n\n:| base\n\n= zero 7\n= main | next zero\n", 8),
    ] {
        let (_folder, mut rig) = rig(&modules(main));
        assert_eq!(main_of(&mut rig), value, "{main}");
    }
}

#[test]
fn a_module_with_a_predecessor_is_loaded_as_in_the_prototype() {
    let (_folder, mut rig) = rig(&[
        ("base", BASE),
        ("other", "#### other <- base\n\n= zero 5\n"),
        ("main", "#### main <- other\n\n:| base\n:| other\n\n= main | next zero\n"),
    ]);
    assert_eq!(main_of(&mut rig), 6);
    // Of two whole modules, the later one replaces names of the earlier one.
    let (_folder, mut rig) = self::rig(&[
        ("base", BASE),
        ("other", OTHER),
        ("main", "#### main <- base\n\n:| base\n:| other\n\n= main | next zero\n"),
    ]);
    assert_eq!(main_of(&mut rig), 5);
}

#[test]
fn an_import_after_the_first_definition_loads_nothing() {
    for header in ["#### main", "#### main <- base"] {
        let main = format!("{header}\n\n= a 1\n\n:| other\n");
        let modules = [("base", BASE), ("other", OTHER), ("main", main.as_str())];
        let error = load_error(&modules).to_string();
        assert!(error.contains("Module not loaded: other"), "{error}");
        let found = diagnostic(&modules);
        assert_eq!(found.message, "the module `other` is not loaded");
        assert!(found.help[0].starts_with("imports directly after the header"), "{found:?}");
    }
}

#[test]
fn chained_and_standalone_modules_can_import_each_other() {
    let (_folder, mut rig) = rig(&[
        ("one", "#### one\n\n= a 1\n"),
        ("two", "#### two <- one\n\n:| one\n\n= b (3 a)\n"),
        ("three", "#### three <- two\n\n:| two\n\n= c (3 b)\n"),
        ("free", "#### free\n\n:| one\n\n= d (3 a)\n"),
        // The predecessor of `three` is not the module that is loaded before it.
        ("main", "#### main\n\n:| two\n:| free\n:| three\n\n= main (3 c)\n"),
    ]);
    assert_eq!(main_of(&mut rig), 4);
}

#[test]
fn states_of_standalone_modules_are_cached() {
    let (folder, cache) = (tempfile::tempdir(), tempfile::tempdir());
    let (folder, cache) = (folder.expect("a folder"), cache.expect("a folder"));
    let main = "#### main\n\n:| left\n:| right as R\n\n= main R.two\n";
    for (name, text) in [("base", BASE), ("left", LEFT), ("right", RIGHT), ("main", main)] {
        fs::write(folder.path().join(format!("{name}.sire")), text).expect("a file");
    }
    let load = || {
        let library = ModuleLibrary::only(folder.path());
        let mut rig = TestSession::new(library, Some(cache.path().to_owned()));
        assert_eq!(main_of(&mut rig), 2);
        rig.out.take()
    };
    assert!(load().ends_with("main=2\n\n"));
    assert_eq!(load(), "");
    // An import changes what comes after it.
    let changed = main.replace(":| left\n", "");
    fs::write(folder.path().join("main.sire"), changed).expect("a file");
    let printed = load();
    assert!(printed.contains("two=2") && !printed.contains("zero") && !printed.contains("one"));
}

#[test]
fn a_session_loads_what_it_imports() {
    let (_folder, mut rig) = rig(&[("base", BASE), ("left", LEFT)]);
    let printed =
        rig.session("= own 4\n\n:| left\n\none\n\n(3 own)\n\n:| left as L\n\nL.one\n\nzero\n");
    let values: Vec<&str> = printed.lines().filter(|line| line.parse::<u64>().is_ok()).collect();
    assert_eq!(values, ["1", "5", "1"], "{printed}");
    assert!(printed.contains("Unresolved symbol: zero"), "{printed}");
    // The session has loaded `base` quietly.
    assert!(!printed.contains("zero=0"), "{printed}");
}

#[test]
fn a_module_that_fails_leaves_a_session_as_it_was() {
    let bad = "#### bad\n\n:| base\n\n= a 1\n\n= b nosuch\n";
    let (_folder, mut rig) =
        rig(&[("base", BASE), ("bad", bad), ("loop", "#### loop\n\n:| loop\n")]);
    let printed = rig.session("= own 4\n\n:| bad\n\n:| loop\n\nbase.zero\n\n(3 own)\n");
    assert!(printed.ends_with("\n5\n\n"), "{printed}");
    assert!(printed.contains("Unresolved symbol: base.zero"), "{printed}");
    let errors = rig.diagnostics.take();
    assert!(errors.contains("bad.sire:7: Unresolved symbol: nosuch"), "{errors}");
    assert!(errors.contains("the modules loop <- loop depend on each other"), "{errors}");
}

#[test]
fn an_interactive_session_knows_qualified_names() {
    let (_folder, mut rig) = rig(&[("base", BASE), ("left", LEFT)]);
    let found = collect_diagnostics(&mut rig);
    rig.sire.begin_interactive().expect("a session");
    for entry in [":| left [one]\n", ":| base as B\n"] {
        assert_eq!(rig.sire.enter(entry).expect("it runs"), EntryOutcome::Done);
    }
    let names = ["B.next", "B.zero", "base.next", "base.zero", "left.one", "one"];
    assert_eq!(rig.sire.names(), names);
    for name in ["B.next", "base.next"] {
        let info = rig.sire.describe(name).expect("it is known");
        assert_eq!((info.module.as_str(), info.arity), ("base", Some(1)));
        assert_eq!(info.source.expect("its source").text, "= (next x) | 3 x");
    }
    for name in ["B.nosuch", "C.next", "next", "B.", ".", ""] {
        assert!(rig.sire.describe(name).is_none(), "{name}");
    }
    assert!(found.borrow().is_empty());
    assert_eq!(rig.sire.enter(":| lefft\n").expect("it runs"), EntryOutcome::Failed);
    assert_eq!(found.borrow()[0].message, "there is no module `lefft`");
}

#[test]
fn only_a_file_may_begin_a_module_in_another_order() {
    let (_folder, mut rig) = rig(&[("base", BASE)]);
    let printed = rig.session(":| base\n\n#### other\n\n#### other <- base\n");
    assert!(printed.contains("not in initial state"), "{printed}");
    assert!(printed.contains("That's not where we were"), "{printed}");
    let again = "#### main\n\n:| base\n\n#### second\n";
    let error = load_error(&[("base", BASE), ("main", again)]).to_string();
    assert!(error.contains("#### without predecessor, but not in initial state"), "{error}");
}

#[test]
fn the_listing_of_the_documentation_loads_on_the_library() {
    let page = include_str!("../../docs/src/modules.md");
    let (_, listing) = page.split_once("```sire\n").expect("a listing");
    let (listing, _) = listing.split_once("```").expect("its end");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("shop.sire"), listing).expect("a file");
    let mut rig = TestSession::new(ModuleLibrary::new(folder.path()), None);
    rig.sire.load("shop").unwrap_or_else(|error| panic!("{error}"));
    rig.out.take();
    let printed =
        rig.session("(stamped b#tea)\n\n(json.parseJson b#{[1]})\n\n:| stew\n\n(add 1 2)\n");
    assert!(printed.contains("0000-01-01T00:00:00Z") && printed.ends_with("3\n\n"), "{printed}");
}

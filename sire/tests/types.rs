//! Typed modules: what has a type, and where type errors point.

mod common;

use common::{TestSession, load_app, load_app_with};
use sire::{Diagnostic, DiagnosticKind, ModuleArgument, ModuleLibrary, SireError, TypeReportKind};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The text of a typed module.
fn typed(text: &str) -> String {
    format!("#### app <- prelude\n\n:| prelude\n:| typed\n\n{text}")
}

/// Loads a typed module that has types.
fn accepts(text: &str) {
    let (result, seen) = load_app(&typed(text));
    let errors: Vec<_> = seen.iter().filter(|it| it.kind != DiagnosticKind::Warning).collect();
    assert!(result.is_ok() && errors.is_empty(), "{text}\n{errors:#?}");
}

/// Loads a typed module with one type error. Returns it, with the marked text.
fn rejects(text: &str) -> (Diagnostic, String) {
    let (result, seen) = load_app(&typed(text));
    assert!(matches!(result, Err(SireError::Reported)), "{text}: {result:?}");
    let mut errors = seen.into_iter().filter(|it| it.kind != DiagnosticKind::Warning);
    let error = errors.next().expect("an error");
    assert_eq!(error.kind, DiagnosticKind::Type, "{error:?}");
    let at = error.place.as_ref().expect("it has a place");
    let marked = at.text[at.range.clone()].to_owned();
    (error, marked)
}

/// Returns the types of expressions in a session with the library.
fn types_of(expressions: &[&str]) -> Vec<String> {
    let mut session = TestSession::new(ModuleLibrary::new("/nonexistent"), None);
    let seen: Rc<RefCell<Vec<Diagnostic>>> = Rc::default();
    let receiver = Rc::clone(&seen);
    session.sire.on_diagnostic(move |diagnostic| receiver.borrow_mut().push(diagnostic.clone()));
    session.sire.load("prelude").expect("the library loads");
    session.sire.begin_interactive().expect("a session");
    let type_of = |text: &&str| {
        let ty = session.sire.type_of(text).expect("a session");
        ty.unwrap_or_else(|| {
            let error = seen.borrow_mut().pop().expect("an error");
            format!("{}: {}", error.message, error.notes.join(", "))
        })
    };
    expressions.iter().map(type_of).collect()
}

#[test]
fn a_list_is_no_row() {
    let (error, marked) = rejects("= x | map inc ~[1 2 3]\n");
    assert_eq!(marked, "~[1 2 3]");
    assert_eq!(error.message, "argument 2 of `map` has the wrong type");
    assert_eq!(error.notes, ["expected: Row Nat", "found:    List a"]);
    assert!(error.help[0].contains("listToRow"), "{error:?}");
}

#[test]
fn a_text_is_no_row() {
    let (error, marked) = rejects("= x | len {hello}\n");
    assert_eq!(marked, "{hello}");
    assert_eq!(error.notes, ["expected: Row a", "found:    Str"]);
    assert!(error.help[0].contains("strLen"), "{error:?}");
}

#[test]
fn the_same_code_is_accepted_in_an_untyped_module() {
    let (result, _) = load_app("#### app <- prelude\n\n:| prelude\n\n= x | map inc ~[1 2 3]\n");
    assert!(result.is_ok(), "{result:?}");
}

#[test]
fn declared_types_are_checked() {
    accepts("> Nat > Row Nat > Row Nat\n= (addAll n row) | map (add n) row\n");
    accepts("> (a > b)\n> Row a\n> Row b\n= (each f row) | map f row\n");
    let (error, marked) = rejects("> Nat > Bar\n= (f n) | add n 1\n");
    assert_eq!(marked, "| add n 1");
    assert_eq!(error.notes, ["expected: Bar", "found:    Nat"]);
    let (error, _) = rejects("> a > a\n= (f n) | inc n\n");
    assert!(error.help[0].contains("every type"), "{error:?}");
    let (error, marked) = rejects("> Nat > Rwo a\n= (f n) | inc n\n");
    assert_eq!((error.message.as_str(), marked.as_str()), ("there is no type `Rwo`", "> Rwo a"));
}

#[test]
fn rows_are_tuples_or_rows_by_their_use() {
    accepts("= (swap [a b]) | [b a]\n\n=?= [{x} 1] | swap [1 {x}]\n");
    accepts("= pair | [1 b#x]\n\n= [n bar] pair\n\n= sum | add n (barLen bar)\n");
    accepts("= rows | [[1 2] [3]]\n\n= n | sum (map len rows)\n");
    accepts("= (third row) | thr row\n\n= a | third [1 2 b#x]\n\n= b | third (gen 4 inc)\n");
    let (error, marked) = rejects("= [a b c] [1 2]\n");
    assert!(error.message.contains("no item 2"), "{error:?} {marked}");
    let (_, marked) = rejects("= x | map inc [1 b#x]\n");
    assert_eq!(marked, "b#x");
}

#[test]
fn lets_are_polymorphic_and_groups_are_recursive() {
    accepts(
        "= x\n@ (both f [a b]) [(f a) (f b)]\n@ y | both len [[1] [2]]\n| both barLen [b#a b#b]\n",
    );
    accepts(
        "= even10\n@@ = isEven (n & natCase 1 isOdd n)\n   = isOdd  (n & natCase 0 isEven n)\n (isEven 10)\n",
    );
    accepts("> List a > Nat\n= (count l)\n: x xs < listCase l 0\n| inc (count xs)\n");
    let (error, _) = rejects("= (f x) | x x\n");
    assert!(error.message.contains("contain itself"), "{error:?}");
}

#[test]
fn lists_tables_sets_and_options_have_types() {
    accepts("= xs (1 :: 2 :: ~[3])\n\n= n | listSum xs\n");
    accepts(
        "= t #[a=1 b=2]\n\n> Tab Str Nat\n= u | tabIns {c} 3 t\n\n= n | add (tabIdx %a t) (tabLen u)\n",
    );
    accepts("= s %[1 2]\n\n= n | add (setLen s) (setMin s)\n");
    accepts("= m | fmapMaybe (SOME 3) inc\n\n= n | fromSome 0 m\n");
    let (error, _) = rejects("= n | inc (SOME 3)\n");
    assert!(error.help[0].contains("maybeCase"), "{error:?}");
    let (_, marked) = rejects("= xs (1 :: b#x :: ~[])\n");
    assert_eq!(marked, "b#x");
}

#[test]
fn switches_have_the_type_of_their_arms() {
    accepts("= (f x)\n# switch x\n* 0 {none}\n* 1 {one}\n* _ {many}\n");
    let (_, marked) = rejects("= (f x)\n# switch x\n* 0 {none}\n* 1 b#one\n* _ {many}\n");
    assert!(marked.contains("b#one"), "{marked}");
}

#[test]
fn a_declared_result_is_expected_of_each_branch() {
    let (error, marked) = rejects("> Nat > Maybe Nat\n= (half n) | if (even n) (div n 2) NONE\n");
    assert_eq!(marked, "(div n 2)");
    assert_eq!(error.notes, ["expected: Maybe Nat", "found:    Nat"]);
    assert!(error.help[0].contains("SOME"), "{error:?}");
    let (error, marked) = rejects("> Nat > Str\n= (f n)\n# switch n\n* 0 {none}\n* _ b#many\n");
    assert_eq!(marked, "b#many");
    assert_eq!(error.notes, ["expected: Str", "found:    Bar"]);
    accepts("> Nat > Maybe Nat\n= (half n) | if (even n) (SOME (div n 2)) NONE\n");
    accepts("> [Nat Bar] > Row Nat\n= (f pair)\n@ [n _] | pair\n| if n [n n] [n]\n");
}

#[test]
fn what_is_done_with_an_item_is_expected_of_it() {
    let (error, _) = rejects("> Row Nat > Nat\n= (f row) | maybe 0 id (idx 0 row)\n");
    assert_eq!(error.notes, ["expected: Maybe Nat", "found:    Nat"]);
}

#[test]
fn arguments_in_the_wrong_order_are_named() {
    for (text, place, order) in [
        ("> Row Nat > Nat\n= (f row) | foldl add row 0\n", "row", "2 and 3"),
        ("= x | foldl add [1 2] 0\n", "[1 2]", "2 and 3"),
        ("> Tab Str Nat > Nat\n= (f stock) | tabIdx stock %apple\n", "%apple", "1 and 2"),
        ("> Row Nat > Row Nat\n= (f row) | filter row even\n", "row", "1 and 2"),
        ("= x | map ~[1] (y & y)\n", "~[1]", ""),
        ("= x | map [1] (y & y)\n", "[1]", "1 and 2"),
        ("> Nat > Bar > Bar\n= (f n b) | barTake b (barDrop n b)\n", "b", ""),
    ] {
        let (error, marked) = rejects(text);
        assert_eq!(marked, place, "{text}");
        let expected = format!("arguments {order} fit if they are exchanged");
        let is_named = error.help.iter().any(|help| help.contains("exchanged"));
        assert_eq!(is_named, !order.is_empty(), "{text}: {error:?}");
        assert!(order.is_empty() || error.help[0].starts_with(&expected), "{text}: {error:?}");
    }
}

#[test]
fn datatypes_have_types_and_complete_cases() {
    let tree = "# datatype (Tree a)\n* LEAF\n* NODE left:(Tree a) item:a right:(Tree a)\n\n";
    let size = "> Tree a > Nat\n= (size tree)\n# datacase tree\n";
    let node = "* (NODE left item right) | inc (add (size left) (size right))\n";
    accepts(&format!("{tree}{size}* LEAF | 0\n{node}\n= n | size (NODE LEAF 3 LEAF)\n"));
    let (error, _) = rejects(&format!("{tree}{size}{node}"));
    assert_eq!(error.message, "this case does not cover `LEAF`");
    accepts(&format!("{tree}{size}{node}* _ | 0\n"));
    rejects(&format!("{tree}= t | NODE LEAF 3 4\n"));
    accepts("# record (Pair a b)\n| PAIR fst:a snd:b\n\n= n | inc (getSnd (PAIR b#x 3))\n");
    let (error, marked) =
        rejects("# record (Pair a b)\n| PAIR fst:a snd:b\n\n= n | inc (getFst (PAIR b#x 3))\n");
    assert_eq!(marked, "b#x", "{error:?}");
}

#[test]
fn type_names_are_declared_in_modules() {
    let (result, _) = load_app(&typed("> Nat > Nothing\n= (f n) | n\n"));
    assert!(result.is_err());
}

#[test]
fn untyped_code_needs_coerce() {
    let untyped = "#### lib <- prelude\n\n:| prelude\n\n= (grow x) | add 1 x\n";
    for (body, is_right) in [("grow 3", false), ("coerce grow 3", true)] {
        let text =
            format!("#### app <- lib\n\n:| prelude\n:| lib\n:| typed\n\n> Nat\n= x | {body}\n");
        let (result, seen) = load_app_with(&[("lib", untyped)], &text);
        assert_eq!(result.is_ok(), is_right, "{body}: {seen:?}");
        if !is_right {
            assert_eq!(seen[0].message, "`grow` has no type: its module is untyped");
        }
    }
}

#[test]
fn typing_changes_no_hash() {
    let body = "> Nat > Row Nat > Row Nat\n= (addAll n row) | map (add n) row\n";
    let hash = |text: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("app.sire"), text).expect("a file");
        let mut session = TestSession::new(ModuleLibrary::new(folder.path()), None);
        session.sire.load("app").expect("it loads");
        session.sire.begin_interactive().expect("a session");
        session.sire.describe("addAll").expect("it is in scope").hash
    };
    let untyped = hash(&format!("#### app <- prelude\n\n:| prelude\n\n{body}"));
    assert!(untyped.is_some());
    assert_eq!(hash(&typed(body)), untyped);
}

#[test]
fn a_typed_module_sees_the_types_of_another_one_from_the_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    write("lib.sire", &typed("> Nat > Nat\n= (grow x) | add 1 x\n").replace("app", "lib"));
    let app = "#### app <- lib\n\n:| prelude\n:| lib\n:| typed\n\n= x | grow ";
    for (argument, is_right) in [("3", true), ("[3]", false), ("4", true)] {
        write("app.sire", &format!("{app}{argument}\n"));
        let library = ModuleLibrary::new(folder.path());
        let mut session = TestSession::new(library, Some(cache.path().to_owned()));
        assert_eq!(session.sire.load("app").is_ok(), is_right, "{argument}");
    }
}

#[test]
fn expressions_of_a_session_have_types() {
    let found = types_of(&[
        "map",
        "map inc",
        "[1 {x}]",
        "x & [x x]",
        "fst",
        "foldr",
        "x y & add x (len y)",
        "map inc {x}",
        "SOME ~[1]",
        "#[a=1]",
        "1 == 2",
    ]);
    let want = [
        "(a > b) > Row a > Row b",
        "Row Nat > Row Nat",
        "[Nat Str]",
        "a > [a a]",
        "a > b, where item 0 of a is b",
        "(a > b > b) > b > Row a > b",
        "Nat > Row a > Nat",
        "argument 2 of `map` has the wrong type: expected: Row Nat, found:    Str",
        "Maybe (List Nat)",
        "Tab Nat Nat",
        "Bit",
    ];
    assert_eq!(found, want);
}

/// The module `datatype` declares a record `Unit`, and is executed before this one.
#[test]
fn a_survey_has_the_built_in_types() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = typed("> Bar > Bar > [Unit Bar]\n= (update note old) | [() note]\n");
    std::fs::write(folder.path().join("app.sire"), text).expect("a file");
    let mut session = TestSession::new(ModuleLibrary::new(folder.path()), None);
    let app = ModuleArgument::parse("app").expect("a name");
    let reports = session.sire.survey_types(&app).expect("it loads");
    let update = reports.iter().find(|report| report.name == "update").expect("it is reported");
    assert_eq!(update.kind, TypeReportKind::Checked);
    assert_eq!(update.ty.as_deref(), Some("Bar > Bar > [Unit Bar]"));
}

#[test]
fn the_tables_of_the_library_can_be_read() {
    let mut session = TestSession::new(ModuleLibrary::new("/nonexistent"), None);
    assert_eq!(session.sire.type_table_errors(), Vec::<String>::new());
}

/// Each definition of the library that has a declared type has that type, unless it is trusted. A
/// line of a type table for a name that its module does not define has no effect, so it is an error.
#[test]
fn the_library_has_its_declared_types() {
    let mut session = TestSession::new(ModuleLibrary::new("/nonexistent"), None);
    let (mut checked, mut trusted) = (BTreeSet::new(), BTreeSet::new());
    let (mut wrong, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut defined = BTreeSet::new();
    // The largest modules first: most others are loaded with them.
    let modules =
        ["web", "json_cases", "big", "ed25519"].into_iter().chain(ModuleLibrary::built_in());
    for module in modules {
        if seen.contains(module) {
            continue;
        }
        seen.insert(module.to_owned());
        let module = ModuleArgument::parse(module).expect("a name");
        for report in session.sire.survey_types(&module).expect("the library loads") {
            seen.insert(report.module.clone());
            let name = (report.module, report.name);
            defined.insert(name.clone());
            match &report.kind {
                TypeReportKind::Checked => drop(checked.insert(name)),
                TypeReportKind::Trusted => drop(trusted.insert(name)),
                TypeReportKind::Inferred => {}
                TypeReportKind::Failed(reason) if report.ty.is_some() => {
                    wrong.insert(format!("{} {}: {reason}", name.0, name.1));
                }
                TypeReportKind::Failed(_) => {}
            }
        }
    }
    assert_eq!(wrong, BTreeSet::new());
    let mut dead = session.sire.type_table_names();
    dead.retain(|(module, name)| !defined.contains(&((*module).to_owned(), name.clone())));
    assert_eq!(dead, []);
    // Raise the first number and lower the second one, when types are added.
    let (checked, trusted) = (checked.len(), trusted.len());
    assert!(checked >= 1030 && trusted <= 340, "{checked} are checked, {trusted} are trusted");
}

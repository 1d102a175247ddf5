//! Sessions: rollback of failed commands, macros that change the state, interrupts, and limits.

mod common;

use common::TestSession;
use sire::ModuleLibrary;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Returns the output of a session after its banner.
fn after_banner(printed: &str) -> &str {
    printed.split_once("}\n\n\n").expect("a session begins with its banner").1
}

/// Runs a session without modules, and returns its output after the banner.
fn run(input: &str) -> String {
    after_banner(&common::session(input)).to_owned()
}

/// Runs a session, and returns its output after that of some definitions.
fn run_with(macros: &str, input: &str) -> String {
    let printed = run(&format!("{macros}\n{input}"));
    let quiet = run(&format!("{macros}\n"));
    printed.strip_prefix(&quiet).expect("the macros print the same").to_owned()
}

#[test]
fn a_failed_command_changes_nothing() {
    let printed = run("* (= a 1) (= a 2) (= b zzz)\n\na\n\n= c 3\n\n* (^-^) (zzz)\n\nc\n");
    assert!(printed.starts_with("a=1\n\na=2\n\n"), "{printed}");
    assert!(
        printed.contains("Unresolved symbol: a\n") || printed.contains("symbol: a}"),
        "{printed}"
    );
    assert!(printed.ends_with("\n3\n\n"), "{printed}");
}

#[test]
fn failed_commands_use_up_no_keys() {
    // A macro that returns the next key, which is the first item of the state.
    let key = "= {%%} | & (st rex err ok) | ok st (EMBD (first st))\n\n";
    let library = "= (EMBD x) | (4 (0 {##EMBD} 2 0)) x\n
= (first r) | 1 (i & 0) (n a b & 0) (f x & x) (n & 0) r\n\n";
    let all = format!("{library}{key}%% 0\n\n* (= a 1) (= b zzz)\n\n%% 0\n\n= a 1\n\n%% 0\n");
    let printed = run(&all);
    let values: Vec<&str> = printed.lines().filter(|line| line.parse::<u64>().is_ok()).collect();
    assert_eq!(values, ["4", "4", "5"], "{printed}");
}

#[test]
fn a_macro_may_change_the_state() {
    // A macro that increments the next key of the state [nextKey context scope modules].
    let step = "
= (rest r)  | 1 (i & 0) (n a b & 0) (f x & f) (n & 0) r
= (first r) | 1 (i & 0) (n a b & 0) (f x & x) (n & 0) r
= (bump st) | (rest st) (3 (first st))
= (EMBD x)  | (4 (0 {##EMBD} 2 0)) x
= {+}  | & (st rex err ok) | ok (bump st) (EMBD 0)
= {%%} | & (st rex err ok) | ok st (EMBD (first st))
";
    let printed =
        run_with(step, "%% 0\n\n+ 0\n\n%% 0\n\n(0 (+ 0) (%% 0))\n\n* (+ 0) (zzz)\n\n%% 0\n");
    let values: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(&values[..4], ["7", "0", "8", "(0 0 9)"], "{printed}");
    assert!(printed.ends_with("\n9\n\n"), "{printed}");
}

#[test]
fn invalid_results_of_macros_are_errors() {
    let macros = "
= {+1} | & (st rex err ok) | ok 7 rex
= {+2} | & (st rex err ok) | ok (0 0 3 0 1 2) rex
= {+3} | & (st rex err ok) | ok (0 0 5 0 0 0 0 0) rex
= {+4} | & (st rex err ok) | 0 0 2 0 7
= {+5} | & (st rex err ok) | 0 0 4 0 2 0 0
= {+6} | & (st rex err ok) | ({dead} rex)
= {+7} | & (st rex err ok) | ok st (0 0)
";
    for rune in 1..=7 {
        let name = format!("+{rune}");
        // The definitions bind each name as a text; `$` is a rune that the session can write.
        let printed = run_with(&macros.replace(&name, "$"), "$ 1 2\n\n5\n");
        assert!(printed.contains("# reason"), "{name}: {printed}");
        assert!(printed.ends_with("\n5\n\n"), "{name}: {printed}");
    }
}

#[test]
fn errors_of_import_and_export_have_the_text_of_the_prototype() {
    assert!(run(":| a b c\n").contains("Bad import syntax"));
    assert!(run("^-^ a\n  | b\n").contains("Bad export-filter syntax"));
}

#[test]
fn syntax_errors_go_to_the_diagnostics() {
    let mut rig = TestSession::new(ModuleLibrary::only("/nonexistent"), None);
    let printed = rig.session("1\n\n(2\n\n= x | (3\n     4)\n\n5\n");
    assert_eq!(after_banner(&printed), "1\n\n5\n\n");
    let errors = rig.diagnostics.take();
    assert!(errors.contains("REPL:3:1:") && errors.contains("REPL:5:"), "{errors}");
}

#[test]
fn input_that_is_not_utf8_is_an_error_with_its_place() {
    let mut rig = TestSession::new(ModuleLibrary::only("/nonexistent"), None);
    rig.sire.repl(&b"1\n\n= x\n  \xff\n\n2\n"[..]).expect("the session continues");
    let printed = rig.out.take();
    assert!(after_banner(&printed).ends_with("\n2\n\n"), "{printed}");
    let errors = rig.diagnostics.take();
    assert!(errors.contains("REPL:4:3: not UTF-8"), "{errors}");
}

#[test]
fn the_last_line_needs_no_line_feed() {
    assert_eq!(run("= x | 3 4"), "x=5\n\n");
    assert_eq!(run("7"), "7\n\n");
    assert_eq!(run(""), "");
}

/// Sets a flag when it is dropped, also during a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn an_evaluation_can_be_interrupted() {
    let mut rig = TestSession::new(ModuleLibrary::only("/nonexistent"), None);
    let flag = rig.sire.vm().interrupt_flag();
    let done = AtomicBool::new(false);
    let printed = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                flag.store(true, Ordering::Relaxed);
                thread::yield_now();
            }
        });
        let _guard = SetOnDrop(&done);
        rig.session("((? (loop x) | loop x) 1)\n\n")
    });
    assert!(printed.contains("interrupted"), "{printed}");
    flag.store(false, Ordering::Relaxed);
    assert!(rig.session("= x 5\n\nx\n").ends_with("x=5\n\n5\n\n"));
}

#[test]
fn infinite_inlining_is_an_error() {
    let printed = run("| (? (**f x) | x x) (? (**f x) | x x)\n\n5\n");
    assert!(printed.contains("inlining does not come to an end"), "{printed}");
    assert!(printed.ends_with("\n5\n\n"), "{printed}");
}

#[test]
fn a_law_without_arguments_crashes_only_if_it_is_used() {
    assert_eq!(run("@ x (? f 3) 5\n"), "5\n\n");
    for input in ["? f 3\n", "= x (? f 3)\n", "(? f 3) 1\n", "(0 1 (? f 3))\n", "= (| f) 3\n"] {
        assert!(run(input).contains("[0 0]"), "{input}");
    }
    assert_eq!(run("= (g y) | 0 (? f y)\n").lines().next(), Some("(g a)=(0 ((f b ? b) a))"));
}

#[test]
fn deep_source_uses_no_native_stack() {
    const DEPTH: usize = 50_000;
    let nested = format!("= x | {}1{}\n", "(3 ".repeat(DEPTH), ")".repeat(DEPTH));
    assert_eq!(run(&nested), format!("x={}\n\n", DEPTH + 1));
    let lets: String = (0..DEPTH).map(|n| format!("@ a{n} (3 {n})\n")).collect();
    assert_eq!(run(&format!("{lets}| 0 a1 a2\n")), "(0 2 3)\n\n");
    let lambdas = format!("= f | {}9{}\n", "(& a ".repeat(2000), ")".repeat(2000));
    assert!(run(&format!("{lambdas}\n(f 1 2)\n")).ends_with("\n\n"));
}

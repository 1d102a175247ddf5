//! Macros with infinite or huge results: the command fails, memory use is bounded, and the session
//! continues.

mod common;

use common::TestSession;
use show::PrintLimit;
use sire::ModuleLibrary;

const DEFINITIONS: &str = "
= (EMBD x) | (4 (0 {##EMBD} 2 0)) x
= (row3 a b c) | 0 0 4 0 c b a
= (grow x) | 0 x (grow (3 x))
= (twice f x) | f (f x)
= (both x) | 0 x x
= bush | twice (twice (twice (twice twice))) both 1
";

/// Runs a session with a macro of this body and little memory. Returns the output after the macro's
/// definition.
fn session(body: &str) -> String {
    let limits = plan::HeapOptions { max_heap: 48 << 20, max_stack: 8 << 20, ..Default::default() };
    let print = PrintLimit { bytes: 8 << 10, ..PrintLimit::DEFAULT };
    let library = ModuleLibrary::only("/nonexistent");
    let mut rig = TestSession::with_print_limit(library, None, limits, print);
    let input = format!("{DEFINITIONS}\n= {{$}} | & (st rex err ok) {body}\n\n($ 1)\n\n(3 41)\n");
    let printed = rig.session(&input);
    let (_, after) = printed.split_once("($)=").or_else(|| printed.split_once("$")).expect("bound");
    assert!(after.ends_with("\n42\n\n"), "{body}: {after:.2000}");
    assert!(after.len() < 20_000, "{body}: {} bytes are printed", after.len());
    after.to_owned()
}

#[test]
fn infinite_results_reach_the_memory_limit() {
    for body in [
        "| ok st (grow 1)",
        "| ok (grow 1) rex",
        "| err (grow 1) {no}",
        "| err rex (grow 1)",
        "| grow 1",
        "| ok st (EMBD (grow 1))",
        "(@@ (= cycle (0 0 cycle)) (ok st (EMBD cycle)))",
    ] {
        let printed = session(body);
        assert!(printed.contains("needs more"), "{body}: {printed}");
    }
}

#[test]
fn huge_values_are_not_printed() {
    for (body, part) in [
        ("| err bush {no}", "# reason no"),
        ("| ok st bush", "# reason"),
        ("| ok bush rex", "malformed state"),
        ("bush", "Invalid macro expansion"),
        ("| ok st (EMBD bush)", "parts are shown (a larger print limit shows more)"),
    ] {
        let printed = session(body);
        assert!(printed.contains(part), "{body}: {printed:.2000}");
    }
}

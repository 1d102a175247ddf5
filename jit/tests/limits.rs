//! Units that are made to blow up: the passes terminate, and their results stay small.

use jit::ir::{Unit, parse, verify};
use jit::passes::optimise;

fn optimised(body: &str) -> Unit {
    let text = format!("k0 = law \"l\" arity 1 entry f0\ngeneral f0(v0: any) -> whnf {{ {body} }}");
    let mut unit = parse(&text).expect("a unit");
    verify(&unit).expect("a good one");
    optimise(&mut unit, &[], |_, unit| verify(unit).expect("a good one"));
    unit
}

fn size(unit: &Unit) -> usize {
    let blocks = unit.functions.values().flat_map(|function| function.blocks.values());
    blocks.map(|block| 1 + block.stmts.len()).sum()
}

#[test]
fn small_join_points_that_jump_to_each_other_are_not_multiplied_out() {
    let mut body =
        "v1: whnf = force v0 v2: bit = lt v1, 7 join j0() { tail apply v1(v1) }".to_owned();
    for i in 1..150 {
        let test = format!("v{}: bit = lt v1, {}", i + 2, i * 9);
        let last = i - 1;
        body += &format!(
            "join j{i}() {{ {test} if v{} {{ jump j{last}() }} else {{ jump j{last}() }} }}",
            i + 2
        );
    }
    let unit = optimised(&(body + "jump j149()"));
    assert!(size(&unit) < 2000, "{}", size(&unit));
}

#[test]
fn deep_branches_are_walked() {
    let open: String = (1..190).map(|i| format!("v{i}: bit = lt 5, {i} if v{i} {{")).collect();
    let close: String = (1..190).map(|_| "} else { enter v0 }").collect();
    assert_eq!(size(&optimised(&format!("{open} return 3 {close}"))), 1);
    let force = "v200: whnf = force v0";
    let open: String = (1..190).map(|i| format!("v{i}: bit = lt v200, {i} if v{i} {{")).collect();
    assert!(size(&optimised(&format!("{force} {open} return 3 {close}"))) > 300);
}

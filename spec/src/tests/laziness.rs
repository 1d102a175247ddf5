//! Which parts are evaluated, how often, and the effect of the budget.

use super::super::shapes::row;
use super::*;

fn steps(program: &Term) -> u64 {
    let limits = EvalBudget { fuel: FUEL, depth: EvalBudget::SMALL_DEPTH };
    let report = run(program, EvalDepth::Normal, limits);
    assert!(matches!(report.outcome, SpecOutcome::Value(_)), "{program}: {}", report.outcome);
    report.spent
}

#[test]
fn arguments_are_evaluated_when_needed_only() {
    evaluates_to("({'k' 2 1} 3 ('die' 0))", "3");
    evaluates_to("(2 5 ('die' 0) 0)", "5");
    evaluates_to("(2 ('die' 0) 3 4)", "4");
    evaluates_to("(1 ('die' 0) ('die' 1) ('die' 2) 3 6)", "7");
    evaluates_to("(1 4 0 {0 2 2} 3 (0 ('die' 0) 4))", "4");
    evaluates_to("({'f' 1 (1 (0 (2 'die') 1) (0 (2 3) 1))} 4)", "5");
}

#[test]
fn weak_head_normal_form_leaves_arguments_alone() {
    let lazy = term("({0 3 0} ('die' 0) (3 4))");
    assert_eq!(whnf(&lazy, FUEL), SpecOutcome::Value(lazy.clone()));
    crashes("({0 3 0} ('die' 0) (3 4))", "'die'", "0");
    // (pair y 5) after the evaluation of y, which is (3 5), shows its value in the pair.
    let needed = "(1 (0 (2 3) 1) (0 (0 (0 (2 2) 1) (0 (2 {0 3 0}) 2)) 2))";
    let shared = term(&format!("({{'f' 1 {needed}}} 5)"));
    assert_eq!(whnf(&shared, FUEL), SpecOutcome::Value(term("({0 3 0} 6 5)")));
}

#[test]
fn a_thunk_is_evaluated_once() {
    // Counts to n in linear time: (sum n) = (2 0 {m => 3 (sum m)} n).
    let count = term("{'n' 1 (0 (0 (0 2 (2 0)) (0 (2 {'m' 2 (0 (2 3) (0 1 2))}) 0)) 1)}");
    // In this body 2 is the operation: the law has one variable.
    let once = count.clone().app(60);
    assert_eq!(eval(&once, FUEL), SpecOutcome::Value(Term::from(60)));
    let pair = |x: &str, y: &str| {
        let body = format!("(1 (0 1 (2 60)) (0 (0 (2 {{0 3 0}}) {x}) {y}))");
        term(&format!("{{'p' 1 {body}}}")).app(count.clone())
    };
    let cost = steps(&once);
    let shared = steps(&pair("2", "2"));
    let twice = steps(&pair("2", "(0 1 (2 60))"));
    assert!(shared < cost + 50, "{shared} steps shared, {cost} alone");
    assert!(twice > 2 * cost - 50, "{twice} steps twice, {cost} alone");
}

#[test]
fn a_value_that_needs_itself_is_a_loop() {
    let loops = |text: &str| assert_eq!(eval(&term(text), FUEL), SpecOutcome::Loop, "{text}");
    loops("({'f' 1 (1 2 2)} 5)");
    loops("({'f' 1 (1 3 (1 2 2))} 5)");
    loops("({'f' 1 (1 (0 (2 3) 2) 2)} 5)");
    loops("({'f' 1 (1 (0 2 1) 2)} 5)");
    // A value may contain a loop that is not needed.
    evaluates_to("({'f' 1 (1 2 1)} 5)", "5");
    let inert = term("({'f' 1 (1 2 (0 (2 0) 2))} 5)");
    assert_eq!(eval(&inert, FUEL), SpecOutcome::Loop);
}

#[test]
fn a_cyclic_value_is_usable_and_without_end() {
    // x = (0 7 x): its tail is itself, to any depth.
    let cyclic_let = "(1 (0 (2 (0 7)) 2)";
    let tail = "(0 (0 (0 (0 (0 (2 1) (2 4)) (2 0)) (2 {0 2 2})) (2 3))";
    let body = format!("{cyclic_let} {tail} {tail} 2)))");
    let cyclic = term(&format!("({{'f' 1 {body}}} 5)"));
    assert_eq!(eval(&cyclic, FUEL), SpecOutcome::OutOfFuel);
    let head = "(0 (0 (0 (0 (0 (2 1) (2 4)) (2 0)) (2 {0 2 1})) (2 3))";
    evaluates_to(&format!("({{'f' 1 {cyclic_let} {head} {tail} 2)))}} 5)"), "(0 7)");
}

#[test]
fn recursion_without_end_uses_up_the_fuel() {
    assert_eq!(eval(&term("({'f' 1 (0 0 1)} 5)"), FUEL), SpecOutcome::OutOfFuel);
    assert_eq!(eval(&term("({'f' 1 (0 3 (0 0 1))} 5)"), FUEL), SpecOutcome::OutOfFuel);
    assert_eq!(
        eval_on_big_stack(&term("({'f' 1 (0 3 (0 0 1))} 5)"), 3_000_000),
        SpecOutcome::OutOfFuel
    );
}

#[test]
fn a_result_too_large_to_write_out_is_out_of_fuel() {
    // (d n x) is x for 0; otherwise (d n-1 <(0 x x)>), twice as large each time.
    let step = "{'s' 3 (0 (0 1 3) (0 4 (0 (0 (2 0) 2) 2)))}";
    let double = format!("{{'d' 2 (0 (0 (0 (2 2) 2) (0 (0 (2 {step}) 0) 2)) 1)}}");
    evaluates_to(&format!("({double} 2 9)"), "<(0 <(0 9 9)> <(0 9 9)>)>");
    assert_eq!(eval(&term(&format!("({double} 40 9)")), FUEL), SpecOutcome::OutOfFuel);
}

#[test]
fn deep_programs_need_the_big_stack() {
    let deep = (0..50_000).fold(Term::zero(), |x, _| Term::from(3).app(x));
    assert_eq!(eval(&deep, 10_000_000), SpecOutcome::OutOfFuel);
    assert_eq!(eval_on_big_stack(&deep, 10_000_000), SpecOutcome::Value(Term::from(50_000)));
}

#[test]
fn the_deepest_recursion_fits_the_stack() {
    // One increment around another, as deep as it may go; and a body nested as deep.
    let deep = (0..100_000).fold(Term::zero(), |x, _| Term::from(3).app(x));
    assert_eq!(eval_on_big_stack(&deep, 10_000_000), SpecOutcome::OutOfFuel);
    let body = (0..100_000).fold(Term::from(1), |x, _| Term::from(0).app(3).app(x));
    assert_eq!(
        eval_on_big_stack(&Term::law(0, 1, body).app(1), 10_000_000),
        SpecOutcome::OutOfFuel
    );
    let many = Term::from(0).apps((0..100_000).map(Term::from));
    assert_eq!(eval_on_big_stack(&many, 10_000_000), SpecOutcome::OutOfFuel);
    let long = row((0..150).map(Term::from));
    assert_eq!(eval(&long, FUEL), SpecOutcome::Value(long.clone()));
}

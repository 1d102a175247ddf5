//! Operations, laws, pins and data, with the results that the prototype printed.

use super::super::shapes::{bar, cow, row, set, tab};
use super::*;

#[test]
fn increment_casts_to_a_nat() {
    evaluates_to("(3 4)", "5");
    evaluates_to("(3 (3 4))", "6");
    evaluates_to("(3 {'f' 2 1})", "1");
    evaluates_to("(3 18446744073709551615)", "18446744073709551616");
    evaluates_to("(3 9223372036854775807)", "9223372036854775808");
}

#[test]
fn case_on_nats() {
    evaluates_to("(2 10 {0 1 1} 0)", "10");
    evaluates_to("(2 10 {0 1 1} 9)", "8");
    evaluates_to("(2 10 {0 1 1} {'f' 2 1})", "10");
    evaluates_to("(2 10 3 18446744073709551616)", "18446744073709551616");
    evaluates_to("(2 10)", "(2 10)");
}

#[test]
fn reflection() {
    let tagged = "1 (0 'p') {0 3 (0 (0 (0 (2 'l') 1) 2) 3)} {0 2 (0 (0 (2 0) 1) 2)} (0 'n')";
    evaluates_to(&format!("({tagged} 41)"), "(0 'n' 41)");
    evaluates_to(&format!("({tagged} (4 9))"), "(0 'p' 9)");
    evaluates_to("(1 4 {0 3 1} 0 0 (0 'name' 3 0))", "'name'");
    evaluates_to("(1 4 {0 3 2} 0 0 (0 'name' 3 0))", "3");
    evaluates_to("(1 4 {0 3 3} 0 0 (0 'name' 3 0))", "0");
    evaluates_to("(1 4 0 {0 2 1} 0 (0 1 2))", "(0 1)");
    evaluates_to("(1 4 0 {0 2 2} 0 (0 1 2))", "2");
    evaluates_to("(1 4 0 0 3 (2 {0 1 1} 3 8))", "9");
    // The law is decomposed and rebuilt; so is the app.
    evaluates_to("(1 4 0 0 3 {'name' 3 (0 1 2)})", "{'name' 3 (0 1 2)}");
    evaluates_to("(1 4 0 {0 2 (0 1 2)} 3 (0 (3 1) (3 2)))", "(0 2 3)");
    // A pin, even of an app, is a pin: its argument is the whole item.
    evaluates_to("(1 {0 1 1} 0 {0 2 2} 3 <(0 1 2)>)", "(0 1 2)");
}

#[test]
fn laws() {
    evaluates_to("(0 'f' 2 1)", "{'f' 2 1}");
    evaluates_to("(0 'f' 2 1 7)", "({'f' 2 1} 7)");
    evaluates_to("(0 'f' 2 1 7 8)", "7");
    evaluates_to("(0 'f' 2 2 7 8)", "8");
    evaluates_to("(0 'f' 2 0 7 8)", "{'f' 2 0}");
    evaluates_to("(0 'f' 1 (0 3 (0 3 1)) 5)", "7");
    evaluates_to("(0 'f' 1 (2 1) 5)", "1");
    evaluates_to("(0 'f' 1 77 5)", "77");
    evaluates_to("(0 'f' 1 (1 (0 3 1) (0 3 2)) 5)", "7");
    evaluates_to("(0 (3 4) (3 1) (3 8))", "{5 2 9}");
    evaluates_to("(0 <1> 1 7)", "{0 1 7}");
    evaluates_to("({0 2 (0 1 (0 1 2))} 3 5 )", "7");
    evaluates_to("({'k' 2 1} 3 9 4)", "5");
}

#[test]
fn a_law_takes_an_argument() {
    crashes("(0 'f' 0 1)", "0", "0");
    crashes("(0 0 0 0)", "0", "0");
    crashes("(0 0 {'no nat' 1 1} 0)", "0", "0");
    // The arity is evaluated before the name and the body.
    crashes("(0 (5 1) 0 (5 2))", "0", "0");
    crashes("(0 (5 1) 1 (5 2))", "5", "1");
    crashes("(0 1 1 (0 0 (5 2)))", "5", "2");
}

#[test]
fn pins() {
    evaluates_to("(4 5)", "<5>");
    evaluates_to("(4 (4 5))", "<<5>>");
    evaluates_to("(4 (0 'f' 2 1))", "<{'f' 2 1}>");
    evaluates_to("(4 (0 'f' 2 1) 7 8)", "7");
    evaluates_to("(4 3)", "<3>");
    evaluates_to("(4 3 7)", "8");
    evaluates_to("(4 (0 (3 1) 2))", "<(0 2 2)>");
}

#[test]
fn a_pinned_law_is_itself_with_its_pin() {
    evaluates_to("(<{'f' 1 0}> 5)", "<{'f' 1 0}>");
    evaluates_to("({'f' 1 0} 5)", "{'f' 1 0}");
    evaluates_to("(<<{'f' 1 0}>> 5)", "<{'f' 1 0}>");
    evaluates_to("(<({'f' 2 0} 1)> 5)", "{'f' 2 0}");
    evaluates_to("(<(<{'f' 2 0}> 1)> 5)", "<{'f' 2 0}>");
}

#[test]
fn a_pinned_closure_gets_its_own_arguments_only() {
    // Adds 2 to its second argument. The prototype returned 5 after loading it from disk.
    evaluates_to("(<({'f' 2 (0 3 (0 3 2))} 9)> 5)", "7");
    evaluates_to("(<<({'f' 3 (0 (2 3) (0 (2 3) 3))} 9)>> 9 5)", "7");
    evaluates_to("(<(2 0 3)> 7)", "7");
    evaluates_to("(<(2 0)> {'k' 2 1} 7 8)", "6");
    evaluates_to("(<(<(0 'f')> 2)> 1)", "{'f' 2 1}");
}

#[test]
fn crash_arguments_are_normalised_first() {
    crashes("(5 1)", "5", "1");
    crashes("('die' 3)", "'die'", "3");
    crashes("('boom' (0 1 2))", "'boom'", "(0 1 2)");
    crashes("(99 (3 4))", "99", "5");
    crashes("(99 (0 (3 4) (3 5)))", "99", "(0 5 6)");
    crashes("(99 (0 1 (98 1)))", "98", "1");
    crashes("(18446744073709551616 1)", "18446744073709551616", "1");
    crashes("(<7> 1)", "7", "1");
}

#[test]
fn of_two_crashes_the_first_in_the_order_of_the_rules_counts() {
    crashes("(0 (5 1) (6 2))", "5", "1");
    crashes("(0 0 1 (0 (5 1) (6 2)))", "5", "1");
    crashes("((5 1) (6 2))", "5", "1");
    crashes("(2 (5 1) 3 (6 2))", "6", "2");
}

#[test]
fn lets_see_one_another() {
    // A let that refers to a later one.
    evaluates_to("(0 'f' 1 (1 3 (1 (0 (2 3) 1) (0 (2 3) 2))) 5)", "7");
    evaluates_to("(0 'f' 1 (1 3 (1 (0 (2 3) 1) (0 (2 3) 3))) 5)", "7");
    // With two lets, 3 is the second let instead of the operation, and needs itself.
    let unquoted = term("(0 'f' 1 (1 3 (1 (0 3 1) (0 3 3))) 5)");
    assert_eq!(eval(&unquoted, FUEL), SpecOutcome::Loop);
    // With one let, it is the operation.
    evaluates_to("(0 'f' 1 (1 (0 3 1) (0 3 2)) 5)", "7");
    // A chain of bare references ends at the argument.
    evaluates_to("({'f' 1 (1 3 (1 4 (1 1 2)))} 5)", "5");
}

#[test]
fn lets_stand_at_the_top_of_a_body_only() {
    evaluates_to("({'f' 1 (0 (2 3) (1 (2 7) 2))} 5)", "1");
    evaluates_to("({'f' 1 (0 (2 (0 0)) (1 (2 7) 2))} 5)", "(0 0 (1 (2 7) 2))");
    evaluates_to("({'f' 1 (1 (1 7 1) 2)} 5)", "(1 7 1)");
    // Forms with an argument too few or too many are constants.
    evaluates_to("({'f' 1 (0 1)} 5)", "(0 1)");
    evaluates_to("({'f' 1 (2 1 1)} 5)", "(2 1 1)");
    evaluates_to("({'f' 1 (1 1 1 1)} 5)", "(1 1 1 1)");
    evaluates_to("({'f' 1 <1>} 5)", "<1>");
    evaluates_to("({'f' 1 2} 5)", "2");
}

#[test]
fn data_has_the_plain_forms_it_stands_for() {
    let evaluated = |text: &str| match eval(&term(text), FUEL) {
        SpecOutcome::Value(value) => value,
        other => panic!("{text}: {other}"),
    };
    let nats = |numbers: &[u64]| numbers.iter().map(|&n| Term::from(n)).collect::<Vec<_>>();
    assert_eq!(evaluated("(0 0 1 0)"), row([]));
    assert_eq!(evaluated("(0 0 4 0)"), cow(3));
    assert_eq!(evaluated("(0 0 4 0 1 2 3)"), row(nats(&[3, 2, 1])));
    assert_eq!(evaluated("(0 0 3 0 1 2 3)"), cow(2));
    assert_eq!(evaluated("(0 0 1 0 7)"), row([]));
    assert_eq!(evaluated("(0 1 1 1)"), bar(b""));
    assert_eq!(evaluated("(0 1 1 97 4)"), Term::from(97));
    assert_eq!(evaluated("(0 1 1 90465)"), bar(b"aa"));
    assert_eq!(evaluated("(0 1 1 1 4)"), Term::from(4));
    assert_eq!(evaluated("(0 1 2 (0 0 3 0 2 1))"), set(nats(&[1, 2])));
    assert_eq!(
        evaluated("(0 1 2 (0 0 3 0 2 1) (0 0 3 0 20 10))"),
        tab([(1.into(), 10.into()), (2.into(), 20.into())])
    );
    assert_eq!(evaluated("(0 1 2 (0 0 3 0 2 1) (0 0 3 0 20 10) 5)"), row(nats(&[1, 2])));
    // The outermost app of a row and of a table, decomposed.
    evaluates_to("(1 0 0 {0 2 1} 0 (0 0 4 0 1 2 3))", "({0 4 0} 1 2)");
    evaluates_to("(1 0 0 {0 2 2} 0 (0 0 4 0 1 2 3))", "3");
    evaluates_to("(1 0 0 {0 2 2} 0 (0 1 2 (0 0 2 0 1) (0 0 2 0 5)))", "({0 2 0} 5)");
}

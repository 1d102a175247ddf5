//! Printed text, as seen in the prototype. Values are written in the notation of [`crate::spec`].

use super::*;
use crate::spec::{Term, shapes};
use crate::{Builder, Options, Stop, Val, Vm};

fn vm() -> Vm {
    Vm::new(Options::default(), Default::default()).unwrap()
}

/// Pushes what the term describes, with the shapes that the machine gives it.
fn push(b: &mut Builder<'_>, term: &Term) -> Result<(), Stop> {
    match term {
        Term::Nat(nat) => b.push_natural(nat),
        Term::Pin(item) => {
            push(b, item)?;
            b.pin()
        }
        Term::Law { name, arity, body } => {
            b.push_natural(name)?;
            b.push_natural(arity)?;
            push(b, body)?;
            b.law()
        }
        Term::App(..) => {
            let (head, args) = term.spine();
            push(b, head)?;
            args.iter().try_for_each(|arg| push(b, arg))?;
            b.app(args.len())
        }
    }
}

fn build(vm: &mut Vm, term: &Term) -> Val {
    vm.build(|b| push(b, term)).unwrap()
}

fn shown(text: &str, print: impl Fn(Ref<'_>) -> String) -> String {
    let mut vm = vm();
    let value = build(&mut vm, &Term::parse(text).unwrap());
    print(vm.look(&value))
}

#[track_caller]
fn prints(text: &str, expected: &str) {
    assert_eq!(shown(text, |value| trace_text(value, Colour::None)), format!("{expected}\n\n"));
}

#[track_caller]
fn defines(name: &str, text: &str, expected: &str) {
    let print = |value: Ref<'_>| block(&definition_rex(&name.into(), value), Colour::None);
    assert_eq!(shown(text, print), format!("{expected}\n"));
}

#[track_caller]
fn shows(text: &str, expected: &str) {
    let print = |value: Ref<'_>| block(&full_rex(value), Colour::None);
    assert_eq!(shown(text, print), expected);
}

#[test]
fn nats_as_values() {
    prints("0", "0");
    prints("340282366920938463463374607431768211456", "340282366920938463463374607431768211456");
    prints("'hello'", "%hello");
    prints("'a string'", "{a string}");
    prints("'1a'", "{1a}");
    prints("'0'", "48");
    prints("65", "%A");
    prints("255", "255");
    prints("8224", "{  }");
    prints("43459", "43459");
    prints("'ab {nested} cd'", "{ab {nested} cd}");
    prints("'a}b'", "}_a}b_");
    prints("'a longer\nline string'", "\n} a longer\n} line string\n");
}

#[test]
fn long_text_takes_lines_of_its_own() {
    let text = "x ".repeat(19) + "x";
    prints(&format!("'{text}'"), &format!("{{{text}}}"));
    prints(&format!("'{text}y'"), &format!("}} {text}y"));
}

#[test]
fn apps() {
    prints("(0 1)", "(0 1)");
    prints("(2 10)", "(2 10)");
    prints("(0 5 5)", "(0 5 5)");
    prints("({'f' 2 1} 7)", "((f a b ? a) 7)");
    prints("(0 (0 1) (0 1 2))", "(0 0-1 0-1-2)");
    prints("(0 'text' {0 3 0})", "(0 %text C2)");
    prints("(0 {'self' 1 (0 (2 0) 0 1)} 7)", "(0 (self a ? !0-self-a) 7)");
}

#[test]
fn data() {
    prints("{0 1 0}", "[]");
    prints("{0 2 0}", "C1");
    prints("{0 257 0}", "C256");
    prints("({0 4 0} 1 2 3)", "[3 2 1]");
    prints("({0 3 0} 1)", "(C2 1)");
    prints("{1 1 1}", "b#{}");
    prints("{1 1 97}", "(.1 a ? %a)");
    prints("{1 1 353}", "b#a");
    prints("{1 1 90465}", "b#aa");
    prints("{1 1 0}", "(.1 a ? .1)");
    prints("{1 1 255}", "(.1 a ? 255)");
    prints("{1 1 256}", "x#00");
    prints("{1 1 511}", "x#ff");
    prints("{1 2 ({0 2 0} 1)}", "%[1]");
    prints("{1 2 ({0 3 0} 1 2)}", "(.1 a b ? [2 1])");
    prints("{1 2 {0 1 0}}", "%[]");
    prints("({1 2 ({0 3 0} 2 1)} ({0 3 0} 20 10))", "[1=10 2=20]");
    prints("({1 2 ({0 3 0} 2 1)} ({0 2 0} 20))", "(%[1 2] [20])");
    prints("({1 2 ({0 3 0} 2 1)} 5)", "(%[1 2] 5)");
    prints("({1 2 {0 1 0}} {0 1 0})", "#[]");
    prints("{'f' 1 ({0 4 0} 1 2 3)}", "(f a ? [3 2 1])");
    prints("(0 ({0 4 0} 1 2 3) 5)", "(0 [3 2 1] 5)");
}

#[test]
fn bars_are_text_if_they_can_be() {
    let bar = |bytes: &[u8]| prints_term(&shapes::bar(bytes));
    assert_eq!(bar("some_bytes\u{e9}".as_bytes()), "b#{some_bytes\u{e9}}\n\n");
    assert_eq!(bar(b"with space"), "b#{with space}\n\n");
    assert_eq!(bar(b"it's {ok}"), "b#{it's {ok}}\n\n");
    assert_eq!(bar(b"a\nb"), "\n# b\n} a\n} b\n\n\n");
    assert_eq!(bar(b"tab\t"), "x#74616209\n\n");
    assert_eq!(bar(&[0xff, 0x61]), "x#ff61\n\n");
}

fn prints_term(term: &Term) -> String {
    let mut vm = vm();
    let value = build(&mut vm, term);
    trace_text(vm.look(&value), Colour::None)
}

#[test]
fn keys_are_written_as_names() {
    let nat = |text: &str| Term::Nat(crate::spec::nat_from_bytes(text.as_bytes()));
    let set = shapes::set(["ant", "zebra", "a b", "\n"].map(nat));
    assert_eq!(prints_term(&set), "%[10 ant {a b} zebra]\n\n");
    let tab = shapes::tab([(nat("k"), Term::parse("<{'k' 2 1}>").unwrap()), (nat("j"), nat("j"))]);
    assert_eq!(prints_term(&tab), "[j=(%j) =k]\n\n");
}

#[test]
fn rows_that_do_not_fit_take_a_line_for_each_item() {
    let item = "(0 (0 (0 (0 7 7) (0 7 7)) (0 (0 7 7) (0 7 7))))";
    let wide = "(0 (0 (0 (0 300 300) (0 300 300)) (0 (0 300 300) (0 300 300))))";
    prints(
        &format!("({{0 4 0}} {item} {wide} 0)"),
        "\n++ 0\n\
         ++ 0\n   (0 (0 0-300-300 0-300-300) (0 0-300-300 0-300-300))\n\
         ++ 0 (0 (0 0-7-7 0-7-7) (0 0-7-7 0-7-7))\n",
    );
}

#[test]
fn laws_as_values() {
    prints("{'f' 2 1}", "(f a b ? a)");
    prints("{0 1 1}", "(a & a)");
    prints("{0 1 0}", "[]");
    prints("{0 1 5}", "(a & 5)");
    prints("{0 1 (2 4)}", "(a & !4)");
    prints("{0 1 (0 1 1)}", "(a & a-a)");
    prints("{0 1 (0 0 1)}", "(.0 a ? .0-a)");
    prints("{0 2 (0 (0 (2 0) 2) 1)}", "(a b & 0-b-a)");
}

#[test]
fn code_that_is_not_minimal_prints_as_what_makes_it() {
    prints("{'f' 1 (2 0)}", "(f a ? 0)");
    prints("{'f' 1 (2 1)}", "(f a ? 1)");
    prints("{'f' 1 (2 2)}", "(f a ? !2)");
    prints("{'f' 1 (2 (0 1 2))}", "(f a ? 0!1!2)");
    prints("{'f' 1 (0 (2 5))}", "(f a ? 0:(2 5))");
    prints("{'f' 1 (3 4)}", "(f a ? 3:4)");
    prints("{'f' 1 (2 {'g' 1 1})}", "(f a ? !(g b ? b))");
    prints("{'f' 1 {'g' 1 1}}", "(f a ? (g b ? b))");
}

#[test]
fn definitions() {
    defines("x", "5", "x=5");
    defines("k", "<{'k' 2 1}>", "(k a b)=a");
    defines("inc2", "<{'inc2' 1 (0 3 (0 3 1))}>", "(inc2 a)=(3 3-a)");
    defines("g", "<{'g' 1 (1 (0 3 1) (0 (0 (2 0) 2) 2))}>", "(g a)=(b @ 3-a)0-b-b");
    defines("selfName", "<{'selfName' 1 0}>", "(selfName a)=selfName");
    defines("b", "{1 1 90465}", "b=(b#aa)");
    defines("s", "{1 2 ({0 3 0} 2 1)}", "s=(%[1 2])");
    defines("car", "(0 1)", "car=(0 1)");
    defines("other", "<{'k' 2 1}>", "* (k a b)=a\n* other=k");
    defines("+++", "{0 2 (0 (0 4 2) 1)}", "{+++}=(a b & 4-b-a)");
}

#[test]
fn pins_as_values() {
    prints("<5>", "(| 0)=5");
    prints("<<5>>", "\n(| {0_1})=5\n(| {0_2})=(.{0_1})".trim_start());
    prints("<({0 4 0} 1 2 3)>", "(| 0)=[3 2 1]");
    prints("<{'f' 2 1}>", "(f a b)=a");
    prints("({0 3 0} <{'f' 2 1}> <{'f' 1 1}>)", "[f_2 f_1]");
}

#[test]
fn variables_keep_clear_of_names_in_use() {
    let k = "<{'k' 2 1}>";
    defines(
        "lifted",
        &format!("<{{'lifted' 2 (0 (0 <{{'twice' 2 (0 1 (0 1 2))}}> (0 (0 {{0 3 (0 (0 {k} 1) (0 (0 {k} 2) 3))}} 1) 2)) 1)}}>"),
        "(lifted a b)=(twice ((c d e & k c k-d-e) a b) a)",
    );
    prints("{'a' 2 (0 1 <{'b' 1 1}>)}", "(a c d ? c-b)");
    prints("{'f' 1 {'b' 1 {'g' 1 1}}}", "(f a ? (b c ? (g d ? d)))");
}

#[test]
fn a_law_whose_body_is_wide_is_broken() {
    let mut body = "1".to_owned();
    for _ in 0..4 {
        body = format!("(0 (0 {body} <{{'long_name' 1 1}}>) {body})");
    }
    let text = shown(&format!("<{{'f' 1 {body}}}>"), |v| trace_text(v, Colour::None));
    assert_eq!(text, "");
}

#[test]
fn everything_that_can_be_reached() {
    shows("42", "42\n");
    let twice = "<{'twice' 2 (0 1 (0 1 2))}>";
    let k = "<{'k' 2 1}>";
    shows(
        &format!("{{0 2 (0 (0 {twice} (0 {{0 2 (0 (0 {k} 1) 2)}} 1)) 2)}}"),
        "* (twice a b)=(a a-b)\n* (k a b)=a\n* _=(a b & twice ((c d & k-c-d) a) b)\n",
    );
    let add = "<{'add' 2 (0 (0 <{'times' 3 1}> 3) 2)}>";
    shows(
        &format!("({{0 5 0}} {add} <{add}> <(0 1 2)> {add})"),
        "* (times a b c)=a\n* (add_1@add a b)=(times 3 b)\n* (| 0)=(0 1 2)\n\
         * (| add_2)=add_1\n* _=[add_1 .0 add_2 add_1]\n",
    );
}

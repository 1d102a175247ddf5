//! Printed text, compared with the prototype's. Values are written in the notation of [`spec`].

use super::*;
use plan::{EvalError, Heap, HeapOptions, Val, ValueBuilder, is_larger_than, seed};
use spec::{Term, nat_from_bytes, shapes};

fn heap() -> Box<Heap> {
    Heap::new(HeapOptions::default()).unwrap()
}

/// Pushes the value of a term, in the layouts that the heap gives it.
fn push(b: &mut ValueBuilder<'_>, term: &Term) -> Result<(), EvalError> {
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

fn build(heap: &mut Heap, term: &Term) -> Val {
    heap.build(|b| push(b, term)).unwrap()
}

fn shown(text: &str, print: impl Fn(Ref<'_>) -> String) -> String {
    let mut heap = heap();
    let value = build(&mut heap, &Term::parse(text).unwrap());
    print(heap.look(&value))
}

/// Plain text, at most 16 MiB.
const PLAIN: PrintOptions = PrintOptions { colour: Colour::None, limit: PrintLimit::DEFAULT };

/// What a `write_` function writes.
fn written(write: impl FnOnce(&mut String) -> std::fmt::Result) -> String {
    let mut text = String::new();
    write(&mut text).unwrap();
    text
}

#[track_caller]
fn prints(text: &str, expected: &str) {
    assert_eq!(shown(text, |value| trace_text(value, PLAIN)), format!("{expected}\n\n"));
}

#[track_caller]
fn defines(name: &str, text: &str, expected: &str) {
    let print = |value: Ref<'_>| written(|out| write_definition(out, &name.into(), value, PLAIN));
    assert_eq!(shown(text, print), format!("{expected}\n\n"));
}

#[track_caller]
fn shows(text: &str, expected: &str) {
    let print = |value: Ref<'_>| written(|out| write_full(out, value, PLAIN));
    assert_eq!(shown(text, print), format!("{expected}\n"));
}

#[test]
fn an_entry_with_a_time_is_two_rows() {
    let mut heap = heap();
    let parts = [heap.text("counter is at").expect("room"), heap.nat(1)];
    let message = heap.row(&parts).expect("room");
    let text = stamped_text("trk", "2026-11-22T10:15:00.729241178Z", heap.look(&message), PLAIN);
    let expected = "\n++ [%trk {2026-11-22T10:15:00.729241178Z}]\n++ [{counter is at} 1]\n\n\n";
    assert_eq!(text, expected);
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
    prints("(0 {'self' 1 (0 (0 (2 0) 0) 1)} 7)", "(0 (self a ? 0-self-a) 7)");
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
    let bar = |bytes: &[u8]| text_of(&shapes::bar(bytes));
    assert_eq!(bar("some_bytes\u{e9}".as_bytes()), "b#{some_bytes\u{e9}}\n\n");
    assert_eq!(bar(b"with space"), "b#{with space}\n\n");
    assert_eq!(bar(b"it's {ok}"), "b#{it's {ok}}\n\n");
    assert_eq!(bar(b"a\nb"), "\n# b\n} a\n} b\n\n\n");
    assert_eq!(bar(b"tab\t"), "x#74616209\n\n");
    assert_eq!(bar(&[0xff, 0x61]), "x#ff61\n\n");
}

fn text_of(term: &Term) -> String {
    let mut heap = heap();
    let value = build(&mut heap, term);
    trace_text(heap.look(&value), PLAIN)
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
fn keys_are_written_as_names() {
    let nat = |text: &str| Term::Nat(nat_from_bytes(text.as_bytes()));
    let set = shapes::set(["\n", "a b", "ant", "zebra"].map(nat));
    assert_eq!(text_of(&set), "%[10 {a b} ant zebra]\n\n");
    let k = Term::parse("<{'k' 2 1}>").unwrap();
    let tab = shapes::tab([(nat("j"), nat("j")), (nat("k"), k)]);
    assert_eq!(text_of(&tab), "[j=(%j) =k]\n\n");
}

#[test]
fn laws_as_values() {
    prints("{'f' 2 1}", "(f a b ? a)");
    prints("{0 1 1}", "a&a");
    prints("{0 1 5}", "a&5");
    prints("{0 1 {0 3 0}}", "a&C2");
    prints("{0 1 (2 4)}", "(a & !4)");
    prints("{0 1 (0 1 1)}", "(a & a-a)");
    prints("{0 1 (0 0 1)}", "(.0 a ? .0 a)");
    prints("{0 2 (0 (0 (2 0) 2) 1)}", "(a b & 0-b-a)");
}

#[test]
fn unusual_code_prints_exactly() {
    prints("{'f' 1 (2 0)}", "(f a ? 0)");
    prints("{'f' 1 (2 1)}", "(f a ? 1)");
    prints("{'f' 1 (2 2)}", "(f a ? !2)");
    prints("{'f' 1 (2 (0 1 2))}", "(f a ? 0!1!2)");
    prints("{'f' 1 (0 (2 5))}", "(f a ? 0:(2-5))");
    prints("{'f' 1 (1 2)}", "(f a ? 1:2)");
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
    defines("e", "(0 1)", "e=(0 1)");
    defines("e", "(0 1 2)", "e=(0 1 2)");
    defines("other", "<{'k' 2 1}>", "* (k a b)=a\n* other=k");
    defines("+++", "{0 2 (0 (0 4 2) 1)}", "{+++}=(a b & 4-b-a)");
}

#[test]
fn pins_as_values() {
    prints("<5>", "(| 0)=5");
    prints("<<5>>", "(| {0_1})=5\n(| {0_2})=(.{0_1})");
    prints("<({0 4 0} 1 2 3)>", "(| 0)=[3 2 1]");
    prints("<{0 1 7}>", "(0 a)=7");
    prints("<{'f' 2 1}>", "(f a b)=a");
    prints("({0 3 0} <{'f' 2 1}> <{'f' 1 1}>)", "[f_1 f_2]");
}

#[test]
fn variables_keep_clear_of_names_in_use() {
    let k = "<{'k' 2 1}>";
    let lambda = format!("{{0 3 (0 (0 {k} 1) (0 (0 {k} 2) 3))}}");
    let twice = "<{'twice' 2 (0 1 (0 1 2))}>";
    defines(
        "lifted",
        &format!("<{{'lifted' 2 (0 (0 {twice} (0 (0 {lambda} 1) 2)) 1)}}>"),
        "(lifted a b)=(twice ((c d e & k c k-d-e) a b) a)",
    );
    prints("{'a' 2 (0 1 <{'b' 1 1}>)}", "(a c d ? c-b)");
    prints("{'f' 1 {'b' 1 {'g' 1 1}}}", "(f a ? (b c ? (g c ? c)))");
}

#[test]
fn a_body_that_does_not_fit_takes_several_lines() {
    let [idx, mul, switch, tag] =
        ["_Idx", "_Mul", "_Switch", "_DataTag"].map(|name| format!("<{{'{name}' 2 1}}>"));
    let sizes = format!("(0 (0 {mul} (0 ({idx} 1) 1)) (0 ({idx} 2) 1))");
    let row = format!("(0 (0 ({{0 4 0}} 0) {sizes}) (0 ({mul} 3) (0 (0 {mul} 2) 2)))");
    let switch = format!("(0 (0 (0 {switch} (0 {tag} 1)) (2 0)) {row})");
    defines(
        "area",
        &format!("<{{'area' 1 (1 (0 ({idx} 1) 1) {switch})}}>"),
        "= (area a)\n\
         @ b (_Idx:1 a)\n\
         | _Switch _DataTag-a 0\n\
         | C3:0 (_Mul (_Idx:1 a) (_Idx:2 a))\n  (_Mul:3 _Mul-b-b)",
    );
}

#[test]
fn a_long_call_may_have_its_last_arguments_first() {
    let k = "(0 {0 2 1} 1)";
    let inner = "(0 (0 {0 4 (0 (0 1 (0 (2 3) 2)) 4)} 0) 1)";
    defines(
        "depth",
        &format!("<{{'depth' 2 (0 (0 (0 (0 (0 (2 1) {k}) (0 {{0 4 1}} 1)) {inner}) {k}) 2)}}>"),
        "= (depth a b)\n^ b\n\
         | 1 ((c d & c) a) ((c d e f & c) a)\n  ((c d e f & c 3-d f) depth a)\n\
         | (c d & c) a",
    );
}

#[test]
fn everything_reachable() {
    shows("42", "42\n");
    let twice = "<{'twice' 2 (0 1 (0 1 2))}>";
    let k = "<{'k' 2 1}>";
    shows(
        &format!("{{0 2 (0 (0 {twice} (0 {{0 2 (0 (0 {k} 1) 2)}} 1)) 2)}}"),
        "* (twice a b)=(a a-b)\n* (k a b)=a\n* _=(a b & twice ((c d & k-c-d) a) b)\n",
    );
    let add = "<{'add' 2 (0 (0 (<{'times' 3 1}> 3) 1) 2)}>";
    shows(
        &format!("({{0 5 0}} {add} <{add}> <(0 1 2)> {add})"),
        "* (times a b c)=a\n* (add_1@add a b)=(times:3 a b)\n* (| 0)=(0 1 2)\n\
         * (| add_2)=add_1\n* _=[add_1 .0 add_2 add_1]\n",
    );
}

const WORD: &str = "<{'##WORD' 3 0}>";

#[test]
fn trees_that_are_values() {
    let node = |sons: &str| format!("(<{{'##OPEN' 4 0}}> '|' {sons} 0)");
    let two = format!("({{0 3 0}} (<{{'##EMBD' 2 0}}> (0 1 2)) ({WORD} 'f' 0))");
    prints(&node(&two), "| f ▣(0-1-2)");
    prints(&format!("({{0 2 0}} {})", node(&two)), "[`(f (▣ 0-1-2))]");
    prints(&node("({0 2 0} 5)"), "| \u{fffd}5");
    let unquoted =
        |value: Ref<'_>| rex::print::block(&unquoted_rex(value, PrintLimit::DEFAULT), Colour::None);
    assert_eq!(shown(&node(&two), unquoted), "| f ▣(0 1 2)\n");
    // Not a tree, because the text is not UTF-8.
    prints(&format!("({WORD} 255 0)"), "(.{##WORD} 255 0)");
}

#[test]
fn labels_of_log_entries() {
    let print = |value: Ref<'_>| labelled_text(Some(&"now".into()), value, PLAIN);
    assert_eq!(shown("{1 1 90465}", print), "now=(b#aa)\n\n");
}

#[test]
fn names_alone() {
    let text = |name: &str| symbol_text(&name.into());
    assert_eq!([text("add"), text(""), text("a b"), text("9")], ["add", "0", "{a b}", "{9}"]);
    assert_eq!(text("\n"), "10");
}

#[test]
fn unevaluated_parts_are_elided() {
    prints("({0 3 0} 1 (3 4))", "[(...) 1]");
}

#[test]
fn laws_with_very_many_parameters_are_shown_as_apps() {
    prints("{'f' 100000 7}", "(0 %f 100000 7)");
    prints("{0 18446744073709551616 0}", "C18446744073709551615");
}

#[test]
fn size_limits() {
    let larger = |text: &str, limit| {
        let mut heap = heap();
        let value = build(&mut heap, &Term::parse(text).unwrap());
        is_larger_than(heap.look(&value), limit)
    };
    assert!(!larger("({0 4 0} 1 2 3)", 7) && larger("({0 4 0} 1 2 3)", 3));
    assert!(larger("(0 (0 1 2) (0 (0 1 2) 4))", 8));
    assert!(larger("<({0 4 0} 1 2 3)>", 3) && !larger("({0 2 0} <({0 4 0} 1 2 3)>)", 3));
    let mut heap = heap();
    let shared = heap.build(|b| {
        b.push_nat(0)?;
        (0..64).try_for_each(|_| {
            let top = b.len() - 1;
            b.push_copy(top);
            b.row(2)
        })
    });
    assert!(is_larger_than(heap.look(&shared.unwrap()), 1 << 16));
}

const DEPTH: usize = 100_000;

/// A value that `wrap` has wrapped [`DEPTH`] times.
fn deep(heap: &mut Heap, wrap: impl Fn(&mut ValueBuilder<'_>) -> Result<(), EvalError>) -> Val {
    let wrap_all = |b: &mut ValueBuilder<'_>| {
        b.push_nat(5)?;
        (0..DEPTH).try_for_each(|_| wrap(b))
    };
    heap.build(wrap_all).unwrap()
}

/// Replaces the value on top by the application of `head` to it.
fn apply_to_top(
    b: &mut ValueBuilder<'_>,
    head: impl Fn(&mut ValueBuilder<'_>) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    let top = b.len() - 1;
    head(b)?;
    b.push_copy(top);
    b.app(1)
}

#[test]
fn depth_costs_no_native_stack() {
    let mut heap = heap();
    let apps = deep(&mut heap, |b| apply_to_top(b, |b| b.push_nat(0)));
    assert_eq!(value_text(heap.look(&apps), PrintLimit::DEFAULT).matches('0').count(), DEPTH);

    let rows = deep(&mut heap, |b| b.row(1));
    let rex = value_rex(heap.look(&rows), PrintLimit::DEFAULT);
    assert!(matches!(&rex, Rex::Node { rune, .. } if rune == "++"));

    let lets = deep(&mut heap, |b| {
        apply_to_top(b, |b| {
            b.push_nat(1)?;
            b.push_nat(0)?;
            b.app(1)
        })
    });
    let law = heap.build(|b| {
        b.push_nat(0)?;
        b.push_nat(1)?;
        b.push(&lets);
        b.law()
    });
    let text = value_text(heap.look(&law.unwrap()), PrintLimit::DEFAULT);
    assert_eq!(text.matches('@').count(), DEPTH);

    let pins = deep(&mut heap, |b| b.pin());
    assert!(trace_text(heap.look(&pins), PLAIN).contains("{0_100000}"));
}

#[test]
fn depth_of_laws_and_trees_costs_no_native_stack() {
    let mut heap = heap();
    let laws = deep(&mut heap, |b| {
        let top = b.len() - 1;
        b.push_nat(0)?;
        b.push_nat(1)?;
        b.push_copy(top);
        b.law()
    });
    assert!(!matches!(value_rex(heap.look(&laws), PrintLimit::DEFAULT), Rex::Embed(_)));

    let embed = Term::parse("<{'##EMBD' 2 0}>").unwrap();
    let embed = build(&mut heap, &embed);
    let trees = deep(&mut heap, |b| {
        apply_to_top(b, |b| {
            b.push(&embed);
            Ok(())
        })
    });
    assert_eq!(
        rex::print::line(&unquoted_rex(heap.look(&trees), PrintLimit::DEFAULT), Colour::None)
            .matches('▣')
            .count(),
        DEPTH
    );
}

/// `[x x]`, nested `times` deep: 2^times occurrences of the nat in `times` rows.
fn doubled(heap: &mut Heap, nat: u64, times: usize) -> Val {
    let mut value = heap.nat(nat);
    for _ in 0..times {
        value = heap.row(&[value.clone(), value]).unwrap();
    }
    value
}

fn pin(heap: &mut Heap, item: &Val) -> Result<Val, EvalError> {
    heap.build(|b| {
        b.push(item);
        b.pin()
    })
}

#[test]
fn seeds_and_germs_share_and_printing_is_truncated() {
    let heap = &mut heap();
    let value = doubled(heap, 7, 60);
    let bytes = seed::save(heap, &value).unwrap();
    assert!(bytes.len() < 300, "the seed is small");
    let loaded = seed::load(heap, &bytes).unwrap();
    assert!(heap.look(&loaded).is_equal(heap.look(&value)));
    let options = PrintOptions { limit: PrintLimit { bytes: 1 << 12, ..PLAIN.limit }, ..PLAIN };
    let full = |value: Ref<'_>| written(|out| write_full(out, value, options));
    let end = "456 of 2305843009213693951 parts are shown (a larger print limit shows more)\n\n";
    let text = full(heap.look(&loaded));
    assert!(text.ends_with(end), "{text}");
    let pinned = pin(heap, &loaded).unwrap();
    assert!(seed::save_germ(heap, &pinned).is_ok());
    assert!(full(heap.look(&pinned)).contains(" of 2305843009213693951 parts are shown"));
    // A pin that cannot be hashed still has a name of its own in a short text.
    let row = heap.row(&[pinned.clone(), pinned.clone()]).unwrap();
    assert_eq!(value_text(heap.look(&row), PrintLimit::DEFAULT).lines().count(), 1);
    let around = pin(heap, &row).unwrap();
    assert!(matches!(seed::save_germ(heap, &around), Err(seed::SaveError::PinTooLarge { .. })));
}

//! Large, deep and shared values: their text is linear in the parts that are loaded, is truncated at the
//! limit with a line that says what is missing, and ends when printing is interrupted.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use plan::{EvalError, Heap, HeapOptions, Ref, Val, ValueBuilder};
use rex::print::{BLOCK_INDENT, Colour, MAX_COLUMN};
use show::{
    MAX_DEPTH, PrintLimit, PrintOptions, trace_text, value_text, write_definition, write_full,
    write_trace,
};
use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const WHOLE: PrintLimit = PrintLimit::UNLIMITED;

fn heap() -> Box<Heap> {
    Heap::new(HeapOptions::default()).unwrap()
}

fn limited(bytes: u64) -> PrintOptions {
    PrintOptions { limit: PrintLimit { bytes, ..PrintLimit::DEFAULT }, ..PrintOptions::default() }
}

fn built(heap: &mut Heap, build: impl Fn(&mut ValueBuilder<'_>) -> Result<(), EvalError>) -> Val {
    heap.build(build).unwrap()
}

/// `[7 [7 ... [7 0]]]`.
fn list(heap: &mut Heap, count: usize) -> Val {
    let mut tail = heap.nat(0);
    let head = heap.nat(7);
    for _ in 0..count {
        let head = head.clone();
        tail = heap.row(&[head, tail]).unwrap();
    }
    tail
}

/// `[x x]`, nested `times` deep.
fn doubled(heap: &mut Heap, times: usize) -> Val {
    let mut value = heap.nat(7);
    for _ in 0..times {
        value = heap.row(&[value.clone(), value]).unwrap();
    }
    value
}

/// A nested value: `wrap` replaces the value on top, `depth` times.
fn nested(
    heap: &mut Heap,
    depth: usize,
    wrap: impl Fn(&mut ValueBuilder<'_>) -> Result<(), EvalError>,
) -> Val {
    built(heap, |b| {
        b.push_nat(0)?;
        (0..depth).try_for_each(|_| wrap(b))
    })
}

/// The last line that is not empty.
fn last_line(text: &str) -> &str {
    text.trim_end().lines().last().unwrap()
}

/// The greatest indentation of a line.
fn indentation(text: &str) -> usize {
    text.lines().map(|line| line.len() - line.trim_start_matches(' ').len()).max().unwrap()
}

#[test]
fn a_list_of_16000_items() {
    let mut heap = heap();
    let value = list(&mut heap, 16_000);
    let text = value_text(heap.look(&value), PrintLimit::DEFAULT);
    // It was 514 MB.
    assert_eq!(text.lines().count(), usize::from(MAX_DEPTH) + 1);
    assert!(text.starts_with("++ 7\n++  ++ 7\n    ++  ++ 7\n"));
    assert_eq!(indentation(&text), (usize::from(MAX_DEPTH) - 1) * BLOCK_INDENT);
    // The other items are on one line.
    let line = last_line(&text).trim_start();
    let rest = 16_000 - usize::from(MAX_DEPTH);
    assert_eq!(line, format!("++ {}0{}", "[7 ".repeat(rest), "]".repeat(rest)));
}

#[test]
fn lists_print_in_linear_space() {
    let mut heap = heap();
    let size = |heap: &mut Heap, count| {
        let value = list(heap, count);
        value_text(heap.look(&value), WHOLE).len()
    };
    let sizes = [1_000, 10_000, 100_000].map(|count| size(&mut heap, count));
    assert_eq!(sizes[1] - sizes[0], 9_000 * "[7 ]".len());
    assert_eq!(sizes[2] - sizes[1], 90_000 * "[7 ]".len());
}

#[test]
fn a_value_doubled_40_times_is_truncated() {
    let mut heap = heap();
    let value = doubled(&mut heap, 40);
    let text = trace_text(heap.look(&value), limited(1 << 16));
    let notice = last_line(&text);
    assert!(
        notice.starts_with("... truncated: ")
            && notice
                .ends_with(" of 2199023255551 parts are shown (a larger print limit shows more)"),
        "{notice}"
    );
    assert_eq!(text.len(), (1 << 16) + 1 + notice.len() + 2);
}

#[test]
fn a_truncated_text_is_the_start_of_the_whole_text() {
    let mut heap = heap();
    let items: Vec<Val> = (0..10_000).map(|n| heap.nat(n)).collect();
    let value = heap.row(&items).unwrap();
    let whole = trace_text(heap.look(&value), limited(1 << 20));
    assert!(whole.starts_with("\n++ 0\n++ 1\n") && whole.ends_with("\n++ 9999\n\n\n"));
    for bytes in [1_000, 1_001, 50_000] {
        let text = trace_text(heap.look(&value), limited(bytes));
        let (shown, notice) = text.split_once("... truncated: ").unwrap();
        let shown = shown.trim_end().trim_end_matches("++ (...)");
        assert!(whole.starts_with(shown) && shown.len() > bytes as usize / 2, "{bytes} {shown}");
        assert!(notice.ends_with("more)\n\n"), "{notice}");
    }
}

#[test]
fn a_truncation_counts_the_bytes_that_are_missing() {
    let mut heap = heap();
    let value = heap.bar("x y ".repeat(1_000).as_bytes()).unwrap();
    let text = value_text(heap.look(&value), PrintLimit { bytes: 1_500, ..PrintLimit::DEFAULT });
    assert!(text.starts_with("# b\n} x y "), "{text}");
    assert_eq!(
        last_line(&text),
        "... truncated: 187 of 502 parts are shown (a larger print limit shows more)"
    );
    assert_eq!(value_text(heap.look(&value), WHOLE).len(), 4_007);
    let text = heap.text(&"x y\n".repeat(1_000)).unwrap();
    let limit = PrintLimit { bytes: 1_500, ..PrintLimit::DEFAULT };
    let text = value_text(heap.look(&text), limit);
    assert!(text.starts_with("} x y\n} x y\n"), "{text}");
    // The whole value is loaded, and laid out beyond the limit.
    let list = list(&mut heap, 100);
    let whole = value_text(heap.look(&list), WHOLE);
    let text = value_text(heap.look(&list), PrintLimit { bytes: 4_000, ..PrintLimit::DEFAULT });
    let (shown, notice) = text.split_at(4_000);
    assert!(whole.starts_with(shown));
    let missing = whole.len() - 4_000;
    assert_eq!(
        notice,
        format!("\n... truncated: {missing} more bytes (a larger print limit shows more)\n")
    );
}

#[test]
fn deep_laws_tables_pins_and_apps_have_bounded_indentation() {
    const DEPTH: usize = 20_000;
    let mut heap = heap();
    let law = nested(&mut heap, DEPTH, |b| {
        // `(0 1 (0 1 ...))`: calls nested to the right.
        let top = b.len() - 1;
        b.push_nat(0)?;
        b.push_nat(1)?;
        b.push_copy(top);
        b.app(2)
    });
    let law = built(&mut heap, |b| {
        b.push_nat(u64::from(b'f'))?;
        b.push_nat(1)?;
        b.push(&law);
        b.law()
    });
    let laws = nested(&mut heap, DEPTH, |b| {
        let top = b.len() - 1;
        b.push_nat(0)?;
        b.push_nat(1)?;
        b.push_copy(top);
        b.law()
    });
    let apps = nested(&mut heap, DEPTH, |b| {
        let top = b.len() - 1;
        b.push_nat(5)?;
        b.push_copy(top);
        b.push_nat(5)?;
        b.app(2)
    });
    let pins = nested(&mut heap, DEPTH, |b| b.pin());
    // `[1=[1=[1=...]]]`
    let tables = nested(&mut heap, DEPTH, |b| {
        let top = b.len() - 1;
        b.push_nat(1)?;
        b.push_nat(2)?;
        b.push_nat(1)?;
        b.row(1)?;
        b.law()?;
        b.push_copy(top);
        b.row(1)?;
        b.app(1)
    });
    for (name, value) in
        [("law", law), ("laws", laws), ("apps", apps), ("pins", pins), ("tables", tables)]
    {
        for text in [
            trace_text(heap.look(&value), limited(u64::MAX)),
            written(|out| write_definition(out, &"x".into(), heap.look(&value), limited(1 << 24))),
            written(|out| write_full(out, heap.look(&value), limited(1 << 24))),
        ] {
            assert!(!text.contains("... truncated"), "{name}");
            assert!(text.len() < 64 * DEPTH, "{name}: {} bytes", text.len());
            assert!(indentation(&text) <= MAX_COLUMN, "{name}");
        }
    }
}

fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    write(&mut text).unwrap();
    text
}

/// Each argument that needs lines of its own is further to the right than the next one.
#[test]
fn many_blocks_in_one_application_have_bounded_indentation() {
    let mut heap = heap();
    let long = "word ".repeat(12);
    let args: Vec<Val> = (0..20_000).map(|_| heap.text(&long).unwrap()).collect();
    let law = built(&mut heap, |b| {
        b.push_nat(0)?;
        b.push_nat(100_000)?;
        b.push_nat(7)?;
        b.law()
    });
    let value = heap.app(&law, &args).unwrap();
    let text = value_text(heap.look(&value), WHOLE);
    assert!(indentation(&text) <= MAX_COLUMN);
    assert_eq!(text.matches(&long).count(), 20_000);
    assert!(text.len() < 20_000 * (long.len() + 8) + 130 * MAX_COLUMN, "{}", text.len());
}

/// Each of the nested laws would skip the names of all laws around it.
#[test]
fn names_of_nested_laws_are_found_in_linear_time() {
    let mut heap = heap();
    let mut body = heap.nat(1);
    let name = |mut number: u64| {
        let mut name = Vec::new();
        number += 1;
        while number > 0 {
            number -= 1;
            name.insert(0, b'a' + (number % 26) as u8);
            number /= 26;
        }
        String::from_utf8(name).unwrap()
    };
    for number in (0..20_000).rev() {
        let name = heap.text(&name(number)).unwrap();
        body = built(&mut heap, |b| {
            b.push(&name);
            b.push_nat(1)?;
            b.push(&body);
            b.law()
        });
    }
    let text = value_text(heap.look(&body), WHOLE);
    // 20,000 laws would skip 200 million names. After a million, names start behind those in use.
    assert!(text.contains("? (b c)\n? (c d)\n"), "{}", &text[..200]);
    assert!(text.matches(&name(20_000)).count() > 18_000);
    assert!(text.len() < 20_000 * 40, "{}", text.len());
}

#[test]
fn long_names_and_many_parameters_count() {
    let mut heap = heap();
    let name = heap.text(&"n".repeat(10_000)).unwrap();
    // A law that refers to itself 1,000 times prints its name as often.
    let body = nested(&mut heap, 1_000, |b| {
        let top = b.len() - 1;
        b.push_nat(0)?;
        b.push_nat(0)?;
        b.push_copy(top);
        b.app(2)
    });
    let law = built(&mut heap, |b| {
        b.push(&name);
        b.push_nat(1)?;
        b.push(&body);
        b.law()
    });
    let text = value_text(heap.look(&law), PrintLimit { bytes: 1 << 17, ..PrintLimit::DEFAULT });
    assert!(last_line(&text).contains(" of 3002 parts are shown"), "{}", last_line(&text));
    let law = built(&mut heap, |b| {
        b.push_nat(0)?;
        b.push_nat(60_000)?;
        b.push_nat(7)?;
        b.law()
    });
    let many = heap.row(&vec![law; 1_000]).unwrap();
    let text = value_text(heap.look(&many), PrintLimit { bytes: 1 << 20, ..PrintLimit::DEFAULT });
    assert!(last_line(&text).contains(" of 2001 parts are shown"), "{}", last_line(&text));
}

#[test]
fn a_rex_tree_that_shares_is_truncated() {
    let mut heap = heap();
    let node = built(&mut heap, |b| {
        b.push_nat_bytes(b"##OPEN")?;
        b.push_nat(4)?;
        b.push_nat(0)?;
        b.law()?;
        b.pin()
    });
    let mut tree = heap.nat(5);
    for _ in 0..60 {
        let sons = heap.row(&[tree.clone(), tree]).unwrap();
        tree = built(&mut heap, |b| {
            b.push(&node);
            b.push_nat(u64::from(b'|'))?;
            b.push(&sons);
            b.push_nat(0)?;
            b.app(3)
        });
    }
    let text = trace_text(heap.look(&tree), limited(1 << 16));
    assert!(last_line(&text).starts_with("... truncated: "), "{}", last_line(&text));
    assert!(text.len() < (1 << 16) + 200);
}

#[test]
fn printing_is_bounded_by_the_heap() {
    let mut heap = Heap::new(HeapOptions { max_heap: 4 << 20, ..HeapOptions::default() }).unwrap();
    let value = doubled(&mut heap, 40);
    let text = trace_text(heap.look(&value), limited(1 << 30));
    // A quarter of 4 MiB at 256 bytes for each part.
    assert!(text.len() < 4_096 * 200, "{}", text.len());
    assert!(last_line(&text).ends_with("(a larger heap shows more)"), "{}", last_line(&text));
}

/// A pin is named by its hash, which takes time in proportion to the parts of its item.
#[test]
fn a_shared_value_in_a_pin_is_not_hashed_for_a_name() {
    let mut heap = heap();
    let value = doubled(&mut heap, 29);
    let [one, other] = [(), ()].map(|()| {
        built(&mut heap, |b| {
            b.push(&value);
            b.pin()
        })
    });
    let small = built(&mut heap, |b| {
        b.push_nat(5)?;
        b.pin()
    });
    let row = heap.row(&[one.clone(), other, one, small]).unwrap();
    assert_eq!(
        trace_text(heap.look(&row), PrintOptions::default()),
        "[.{0_1} .{0_2} .{0_1} .{0_3}]\n\n"
    );
    // Equal values of ordinary size have one name.
    let mut ordinary = || {
        let value = doubled(&mut heap, 12);
        built(&mut heap, |b| {
            b.push(&value);
            b.pin()
        })
    };
    let pins = [ordinary(), ordinary()];
    let row = heap.row(&pins).unwrap();
    assert_eq!(trace_text(heap.look(&row), PrintOptions::default()), "[.0 .0]\n\n");
}

/// A writer that requests a stop after a number of bytes.
struct Interrupting {
    flag: Arc<AtomicBool>,
    left: usize,
    text: String,
}

impl Write for Interrupting {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        self.left = self.left.saturating_sub(text.len());
        if self.left == 0 {
            self.flag.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[test]
fn an_interrupt_ends_a_print_that_is_being_written() {
    let mut heap = heap();
    let value = list(&mut heap, 100_000);
    let flag = heap.interrupt_flag();
    let mut out = Interrupting { flag: Arc::clone(&flag), left: 100_000, text: String::new() };
    write_trace(&mut out, heap.look(&value), limited(u64::MAX)).unwrap();
    assert!(out.text.ends_with("\n... interrupted\n\n"));
    assert!((100_000..150_000).contains(&out.text.len()), "{}", out.text.len());
    // The request stays for the evaluation that the print is part of.
    assert!(flag.load(Ordering::Relaxed));
}

#[test]
fn an_interrupt_ends_a_print_that_is_being_loaded() {
    let mut heap = heap();
    let value = doubled(&mut heap, 60);
    let pinned = built(&mut heap, |b| {
        b.push(&value);
        b.pin()
    });
    heap.interrupt_flag().store(true, Ordering::Relaxed);
    for value in [&value, &pinned] {
        let print = |value: Ref<'_>| trace_text(value, limited(1 << 30));
        let text = print(heap.look(value));
        assert!(text.ends_with("... interrupted\n\n"), "{}", last_line(&text));
        assert!(text.len() < 1 << 20, "{}", text.len());
    }
    heap.interrupt_flag().store(false, Ordering::Relaxed);
    let seven = heap.nat(7);
    assert_eq!(trace_text(heap.look(&seven), PrintOptions::default()), "7\n\n");
}

#[test]
fn a_coloured_text_that_is_cut_ends_its_style() {
    let mut heap = heap();
    let value = list(&mut heap, 100);
    let options = PrintOptions { colour: Colour::Terminal, ..limited(4_000) };
    let text = trace_text(heap.look(&value), options);
    let (_, end) = text.split_at(4_000);
    assert!(end.starts_with("\x1b[0m\n... truncated: "), "{end}");
}

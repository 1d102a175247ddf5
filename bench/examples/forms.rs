//! The time of ordinary forms of Sire at growing sizes: literals, calls of many arguments, closures
//! that grow by one argument, conversions of text. Each should take linear time.
//!
//! `cargo run --profile quick -p bench --example forms -- 1000000` measures the sizes 10^4, 10^5 and
//! 10^6 (the default is 10^5), and prints the processor time and, for each size but the first, the
//! exponent: 1 is linear, 2 is quadratic. A definition and its printed text are part of the time.

use runtime::{CompileMode, RuntimeBuilder};
use rustix::time::{ClockId, clock_gettime};
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::rc::Rc;

/// A form: its name, and the program that uses it at a size.
type Form = (&'static str, fn(usize) -> String);

const FORMS: &[Form] = &[
    ("row [1 1 ..]", |n| format!("(len [{}])", "1 ".repeat(n))),
    ("list ~[1 1 ..]", |n| format!("(listLen ~[{}])", "1 ".repeat(n))),
    ("set %[0 1 ..]", |n| format!("(setLen %[{}])", numbers(n, |number| number.to_string()))),
    ("table #[0=0 1=1 ..]", |n| {
        format!("(tabLen #[{}])", numbers(n, |number| format!("{number}={number}")))
    }),
    ("call (add 1 1 ..)", |n| format!("(isApp (add {}))", "1 ".repeat(n))),
    ("hex x#abab..", |n| format!("(barLen x#{})", "ab".repeat(n))),
    ("text {aaa..}", |n| format!("(isZero {{{}}})", "a".repeat(n))),
    ("number 777..", |n| format!("(isZero {})", "7".repeat(n))),
    ("strToList", |n| format!("(listLen (strToList {{{}}}))", "a".repeat(n))),
    ("strFromList", |n| format!("(isZero (strFromList (strToList {{{}}})))", "a".repeat(n))),
    ("strCat", |n| format!("(isZero (strCat (rep {{ab}} {n})))")),
    ("showNat", |n| format!("(isZero (showNat (lsh 1 {})))", 10 * n / 3)),
    ("closure by one argument", |n| {
        format!("= (grow n f)\n| if (isZero n) f\n| grow (dec n) (f n)\n\n(isApp (grow {n} (0 1)))")
    }),
    ("row by rowCons", |n| format!("(len (foldl (a b & rowCons b a) [] (gen {n} id)))")),
    ("bar by barWeld", |n| format!("(barLen (foldl (a b & barWeld a b#x) b#{{}} (gen {n} id)))")),
    ("law of nested calls", |n| format!("= (f y)\n{}| y\n\n(f 1)", "| add 1\n".repeat(n))),
];

/// Numbers below `n`, separated by spaces.
fn numbers(n: usize, item: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut text, number| {
        let _ = write!(text, "{} ", item(number));
        text
    })
}

/// The processor time of this process, in seconds.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A session with the library in scope, which writes to `output`.
fn session(output: &SireOutput) -> Sire {
    let runtime = RuntimeBuilder::new().compile(CompileMode::Tiered).build();
    let vm = runtime.expect("the compiler supports this machine").into();
    let library = ModuleLibrary::new("/nonexistent");
    let (output, diagnostics) = (output.clone(), output.clone());
    let options = SireOptions { library, cache: None, diagnostics, output };
    let mut sire = Sire::new(vm, options).expect("the heap is large enough");
    sire.load("prelude").expect("the library loads");
    sire
}

/// The processor time that a program takes in a new session.
///
/// # Panics
/// If it crashes.
fn measure(program: &str) -> f64 {
    let text = Rc::new(RefCell::new(Vec::new()));
    let mut sire = session(&SireOutput::new(SharedText(Rc::clone(&text)), Default::default()));
    let start = processor_time();
    sire.repl(program.as_bytes()).expect("the output can be written");
    let time = processor_time() - start;
    let text = String::from_utf8_lossy(&text.borrow()).into_owned();
    assert!(!text.contains("# reason"), "{}", &text[text.len().saturating_sub(500)..]);
    time
}

struct SharedText(Rc<RefCell<Vec<u8>>>);

impl Write for SharedText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() {
    let largest = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse::<usize>());
    let largest = largest.expect("the argument is the largest size");
    for (name, program) in FORMS {
        print!("{name:<26}");
        let mut before = None;
        let sizes = std::iter::successors(Some(10_000), |size| Some(10 * size));
        for size in sizes.take_while(|size| *size <= largest) {
            let time = measure(&(program(size) + "\n\n"));
            let exponent = before
                .map_or(String::new(), |before: f64| format!("^{:.1}", (time / before).log10()));
            print!(" {:>9.1} ms {exponent:<6}", 1e3 * time);
            before = Some(time);
        }
        println!();
    }
}

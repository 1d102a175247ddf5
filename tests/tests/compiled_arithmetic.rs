//! Operations of the library on nats, words and bars: what compiled code makes of them is what the
//! interpreter makes of them, for arguments of all sizes and shapes, given and written out.

use jit::build::Jets;
use jit::{Mode, plug_in};
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use std::sync::Arc;
use vm::spec::Term;
use vm::{Stop, Val, Vm, plain};

/// Operations of one operand.
const UNARY: &[&str] = &["w32", "w64", "bex", "popCount", "met", "toNat", "inc", "dec", "barLen"];

/// Operations of two operands.
const BINARY: &[&str] = &[
    "add", "sub", "mul", "div", "mod", "dis", "con", "mix", "lsh", "rsh", "testBit", "trunc",
    "eql", "lth", "gte", "cmp", "min", "max", "add32", "sub32", "mul32", "div32", "and32", "or32",
    "xor32", "lsh32", "rsh32", "rol32", "ror32", "add64", "sub64", "mul64", "div64", "and64",
    "or64", "xor64", "lsh64", "rsh64", "rol64", "ror64", "iDiv64", "barIdx",
];

/// Operands, as Sire writes them. Nobody shifts by the long ones.
const SMALL: &[&str] =
    &["0", "1", "2", "7", "13", "31", "32", "33", "40", "62", "63", "64", "65", "255", "256"];
const LARGE: &[&str] = &[
    "2147483648",
    "4294967295",
    "4294967296",
    "4611686018427387904",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211457",
    "(v2 1 2)",
    "add",
    "(add 1)",
    "b#{bytes of a bar}",
    "(barWeld b#{bar} b#{})",
    "appended",
];

/// A bar that shares a buffer with another one.
const SHARED: &str = "\
    = base | barGen 600 (i & i)\n\n\
    = appended | barWeld base b#tail\n\n\
    = other | barWeld base b#{another tail}\n\n";

/// A session with the library and these definitions, and with the compiler if that is wanted.
fn session(mode: Mode, text: &str) -> Sire {
    let options = vm::Options { max_heap: 1 << 26, ..Default::default() };
    let mut vm = Vm::new(options, Arc::new(jets::table())).expect("a stack can be had");
    plug_in(&mut vm, Jets::library(), mode).expect("the machine is known");
    let output = SireOutput::new(std::io::sink(), Default::default());
    let library = ModuleLibrary::new("/nonexistent");
    let options = SireOptions { library, cache: None, diagnostics: output.clone(), output };
    let mut sire = Sire::new(vm, options).expect("there is room");
    sire.load("prelude").expect("it is built in");
    sire.repl([SHARED, text].concat().as_bytes()).expect("it is read");
    sire
}

/// How an application ends.
#[derive(Debug, PartialEq)]
enum End {
    Value(Term),
    Crash(Term, Term),
    Full,
}

fn apply(sire: &mut Sire, law: &str, args: &[&str]) -> End {
    let value = |name: &str| sire.binding(name).expect("it is defined");
    let law = value(law);
    let args: Vec<Val> = args.iter().map(|arg| value(arg)).collect();
    let vm = sire.vm();
    match vm.apply(&law, &args).and_then(|value| vm.force(&value)) {
        Ok(value) => End::Value(plain::to_term(vm.look(&value))),
        Err(Stop::Crash { op, arg }) => {
            End::Crash(plain::to_term(vm.look(&op)), plain::to_term(vm.look(&arg)))
        }
        Err(_) => End::Full,
    }
}

/// What is tried: definitions, and the laws among them with the arguments that they are given.
#[derive(Default)]
struct Trials {
    text: String,
    trials: Vec<(String, Vec<String>)>,
}

impl Trials {
    fn operands() -> Trials {
        let mut trials = Trials::default();
        for (index, operand) in SMALL.iter().chain(LARGE).enumerate() {
            trials.text += &format!("= x{index} {operand}\n\n");
        }
        trials
    }

    fn law(&mut self, head: &str, body: &str, args: &[&[usize]]) {
        self.text += &format!("= ({head}) | {body}\n\n");
        let name = head.split(' ').next().unwrap_or_default();
        for args in args {
            let args = args.iter().map(|arg| format!("x{arg}")).collect();
            self.trials.push((name.to_owned(), args));
        }
    }

    /// Runs all of it, interpreted and compiled.
    fn run(&self) {
        let [mut interpreted, mut compiled] =
            [Mode::Off, Mode::Eager].map(|mode| session(mode, &self.text));
        for (law, args) in &self.trials {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let right = apply(&mut interpreted, law, &args);
            assert_eq!(apply(&mut compiled, law, &args), right, "{law} {args:?}");
        }
    }
}

/// The pairs of operands that an operation is tried with, by number: not all, but each with many.
fn pairs(operation: &str) -> Vec<[usize; 2]> {
    let all = SMALL.len() + LARGE.len();
    let shifts_up = operation == "lsh";
    let seconds = if shifts_up { SMALL.len() } else { all };
    (0..all).flat_map(|a| (0..seconds).map(move |b| [a, b])).collect()
}

#[test]
fn operations_of_one_operand() {
    let mut trials = Trials::operands();
    for operation in UNARY {
        let count = if *operation == "bex" { SMALL.len() } else { SMALL.len() + LARGE.len() };
        let args: Vec<[usize; 1]> = (0..count).map(|arg| [arg]).collect();
        let args: Vec<&[usize]> = args.iter().map(|args| &args[..]).collect();
        trials.law(&format!("{operation}_given a"), &format!("{operation} a"), &args);
        let body = format!("eql ({operation} a) ({operation} (inc a))");
        trials.law(&format!("{operation}_twice a"), &body, &args);
    }
    trials.run();
}

#[test]
fn operations_of_two_operands() {
    let mut trials = Trials::operands();
    for operation in BINARY {
        let pairs = pairs(operation);
        let args: Vec<&[usize]> = pairs.iter().map(|pair| &pair[..]).collect();
        trials.law(&format!("{operation}_given a b"), &format!("{operation} a b"), &args);
    }
    trials.run();
}

#[test]
fn with_one_operand_written_out() {
    let mut trials = Trials::operands();
    let all = SMALL.len() + LARGE.len();
    let args: Vec<[usize; 1]> = (0..all).map(|arg| [arg]).collect();
    let args: Vec<&[usize]> = args.iter().map(|args| &args[..]).collect();
    let short = &args[..SMALL.len()];
    for operation in BINARY {
        for (number, operand) in SMALL.iter().chain(&LARGE[..8]).enumerate() {
            let shifts = *operation == "lsh";
            if shifts && number >= SMALL.len() {
                continue;
            }
            let head = format!("{operation}_by{number} a");
            trials.law(&head, &format!("{operation} a {operand}"), &args);
            let head = format!("{operation}_of{number} a");
            let args = if shifts { short } else { &args };
            trials.law(&head, &format!("{operation} {operand} a"), args);
        }
    }
    trials.run();
}

/// Laws in which jets call functions that are compiled, are not, crash, or end in a call of what is
/// not compiled.
const CALLED_BY_JETS: &[(&str, &str)] = &[
    ("plain n", "barGen n (i & mul i 7)"),
    ("given n", "barGen n (mul n)"),
    ("crashes n", "barGen n (i & if (eql i 5) (die n) i)"),
    ("leaves n", "barGen n (i & wide i 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17)"),
    ("row n", "rowToBar (gen n (i & if (eql i 40) (v2 i i) (mul i 7)))"),
    ("bits n", "bitwise (a b & wide a 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 b) n 77"),
    ("folds n", "natFold (x bit & add bit (mul 3 x)) 1 n"),
];

#[test]
fn jets_call_functions_of_all_sorts() {
    let mut trials = Trials::operands();
    trials.text += "= (wide a b c d e f g h i j k l m n o p q r) | add a r\n\n";
    let args: Vec<[usize; 1]> = (0..SMALL.len()).map(|arg| [arg]).collect();
    let args: Vec<&[usize]> = args.iter().map(|args| &args[..]).collect();
    for (head, body) in CALLED_BY_JETS {
        trials.law(&format!("called_{head}"), body, &args);
    }
    trials.run();
}

#[test]
fn one_in_the_other() {
    let mut trials = Trials::operands();
    let words: Vec<&str> = BINARY
        .iter()
        .copied()
        .filter(|name| name.ends_with("32") || name.ends_with("64"))
        .collect();
    let pairs = pairs("");
    let args: Vec<&[usize]> = pairs.iter().step_by(7).map(|pair| &pair[..]).collect();
    for (at, outer) in words.iter().enumerate() {
        for inner in words.iter().skip(at % 3).step_by(3) {
            let head = format!("{outer}_{inner} a b");
            let body = format!("{outer} ({inner} a b) ({inner} b 5)");
            trials.law(&head, &body, &args);
        }
    }
    trials.run();
}

//! Operations of the library on nats, words and bars: compiled code agrees with the interpreter for
//! operands of all sizes and shapes, as arguments and as constants.

use library_image::LIBRARY_IMAGE;
use plan::{EvalError, Val, plain};
use runtime::{CompileMode, RuntimeBuilder};
use sire::Sire;
use spec::Term;
use tests::{built_in_library, library_session};

/// Operations with one operand.
const UNARY: &[&str] = &["w32", "w64", "bex", "popCount", "met", "toNat", "inc", "dec", "barLen"];

/// Operations with two operands.
const BINARY: &[&str] = &[
    "add", "sub", "mul", "div", "mod", "dis", "con", "mix", "lsh", "rsh", "testBit", "trunc",
    "eql", "lth", "gte", "cmp", "min", "max", "add32", "sub32", "mul32", "div32", "and32", "or32",
    "xor32", "lsh32", "rsh32", "rol32", "ror32", "add64", "sub64", "mul64", "div64", "and64",
    "or64", "xor64", "lsh64", "rsh64", "rol64", "ror64", "iDiv64", "barIdx",
];

/// Operations on words without a native implementation, with one operand.
const UNARY_WORDS: &[&str] = &[
    "inc32",
    "dec32",
    "bitFlip32",
    "not32",
    "iIsNeg32",
    "iNeg32",
    "iAbs32",
    "inc64",
    "dec64",
    "bitFlip64",
    "not64",
    "iIsNeg64",
    "iNeg64",
    "iAbs64",
];

/// Operations on words without a native implementation, with two operands.
const BINARY_WORDS: &[&str] = &[
    "eql32", "lth32", "lte32", "gth32", "gte32", "iSub32", "iDiv32", "iLth32", "iGth32", "iLte32",
    "iGte32", "eql64", "lth64", "lte64", "gth64", "gte64", "iSub64", "iLth64", "iGth64", "iLte64",
    "iGte64",
];

/// Operands, as Sire expressions. The large ones are no shift distances, since the results would
/// not fit in memory.
const SMALL: &[&str] =
    &["0", "1", "2", "7", "13", "31", "32", "33", "40", "62", "63", "64", "65", "255", "256"];
const LARGE: &[&str] = &[
    "2147483647",
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

/// Two bars that share a buffer.
const SHARED_BUFFER: &str = "\
    = base | barGen 600 (i & i)\n\n\
    = appended | barWeld base b#tail\n\n\
    = other | barWeld base b#{another tail}\n\n";

/// A session with the library, these definitions, and the compiler in this mode.
fn session(mode: CompileMode, text: &str) -> Sire {
    let options = plan::HeapOptions { max_heap: 1 << 26, ..Default::default() };
    let runtime = RuntimeBuilder::new().heap(options).compile(mode);
    let mut sire = library_session(runtime, built_in_library());
    sire.start_from(&LIBRARY_IMAGE);
    sire.load("prelude").expect("it is built in");
    sire.repl([SHARED_BUFFER, text].concat().as_bytes()).expect("it is read");
    sire
}

/// The outcome of an evaluation. `OutOfResources` covers time, stack and memory.
#[derive(Debug, PartialEq)]
enum ArithmeticOutcome {
    Value(Term),
    Crash(Term, Term),
    OutOfResources,
}

fn apply(sire: &mut Sire, law: &str, args: &[&str]) -> ArithmeticOutcome {
    let value = |name: &str| sire.binding(name).expect("it is defined");
    let law = value(law);
    let args: Vec<Val> = args.iter().map(|arg| value(arg)).collect();
    let vm = sire.vm();
    match vm.apply(&law, &args).and_then(|value| vm.force(&value)) {
        Ok(value) => ArithmeticOutcome::Value(plain::to_term(vm.look(&value))),
        Err(EvalError::Crash { op, arg }) => {
            ArithmeticOutcome::Crash(plain::to_term(vm.look(&op)), plain::to_term(vm.look(&arg)))
        }
        Err(_) => ArithmeticOutcome::OutOfResources,
    }
}

/// A program, and calls of its laws.
#[derive(Default)]
struct Cases {
    program: String,
    /// Names of laws, and the names of their arguments.
    calls: Vec<(String, Vec<String>)>,
}

impl Cases {
    /// A program that binds each operand to `x` with its index, and no calls.
    fn with_operands() -> Cases {
        let mut cases = Cases::default();
        for (index, operand) in SMALL.iter().chain(LARGE).enumerate() {
            cases.program += &format!("= x{index} {operand}\n\n");
        }
        cases
    }

    /// Binds one more operand, and returns its index.
    fn operand(&mut self, operand: &str) -> usize {
        let index = SMALL.len() + LARGE.len();
        self.program += &format!("= x{index} {operand}\n\n");
        index
    }

    /// Adds a law, and calls of it with the operands at these indices.
    fn law(&mut self, head: &str, body: &str, args: &[&[usize]]) {
        self.program += &format!("= ({head}) | {body}\n\n");
        let name = head.split(' ').next().unwrap_or_default();
        for args in args {
            let args = args.iter().map(|arg| format!("x{arg}")).collect();
            self.calls.push((name.to_owned(), args));
        }
    }

    /// Makes all calls, interpreted and compiled, and compares the outcomes.
    fn run(&self) {
        let [mut interpreted, mut compiled] =
            [CompileMode::Off, CompileMode::Eager].map(|mode| session(mode, &self.program));
        for (law, args) in &self.calls {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let expected = apply(&mut interpreted, law, &args);
            assert_eq!(apply(&mut compiled, law, &args), expected, "{law} {args:?}");
        }
    }
}

/// The pairs of indices of operands for an operation: all pairs, except for shifts by a large
/// distance.
fn pairs(operation: &str) -> Vec<[usize; 2]> {
    let all = SMALL.len() + LARGE.len();
    let shifts_up = operation == "lsh";
    let seconds = if shifts_up { SMALL.len() } else { all };
    (0..all).flat_map(|a| (0..seconds).map(move |b| [a, b])).collect()
}

#[test]
fn operations_with_one_operand() {
    let mut cases = Cases::with_operands();
    for operation in UNARY.iter().chain(UNARY_WORDS) {
        let count = if *operation == "bex" { SMALL.len() } else { SMALL.len() + LARGE.len() };
        let args: Vec<[usize; 1]> = (0..count).map(|arg| [arg]).collect();
        let args: Vec<&[usize]> = args.iter().map(|args| &args[..]).collect();
        cases.law(&format!("{operation}_given a"), &format!("{operation} a"), &args);
        let body = format!("eql ({operation} a) ({operation} (inc a))");
        cases.law(&format!("{operation}_twice a"), &body, &args);
    }
    cases.run();
}

#[test]
fn operations_with_two_operands() {
    let mut cases = Cases::with_operands();
    for operation in BINARY.iter().chain(BINARY_WORDS) {
        let pairs = pairs(operation);
        let args: Vec<&[usize]> = pairs.iter().map(|pair| &pair[..]).collect();
        cases.law(&format!("{operation}_given a b"), &format!("{operation} a b"), &args);
    }
    cases.run();
}

#[test]
fn operations_with_a_constant_operand() {
    let mut cases = Cases::with_operands();
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
            cases.law(&head, &format!("{operation} a {operand}"), &args);
            let head = format!("{operation}_of{number} a");
            let args = if shifts { short } else { &args };
            cases.law(&head, &format!("{operation} {operand} a"), args);
        }
    }
    cases.run();
}

/// Laws in which a word is the variable of a loop, the result of a recursive call, an item of a row,
/// part of a thunk, or unchanged in a loop. Each applies an operation to words `x` and `y`.
const LOOPS: &[(&str, &str)] = &[
    ("turns n x y", "ifz n x (seq x (turns (dec n) (OPERATION x y) (add64 y n)))"),
    ("calls n x y", "ifz n x (OPERATION (calls (dec n) x y) (mul64 y n))"),
    ("rows n x y", "ifz n (v2 x y) (seq x (rows (dec n) (OPERATION x y) (xor64 x y)))"),
    (
        "thunks n x y",
        "ifz n 0 (seq x (v2 (gen 2 (i & add i x)) (thunks (dec n) (OPERATION x y) y)))",
    ),
    ("keeps n x y", "ifz n y (seq x (if (lth64 y x) (v2 x n) (keeps (dec n) x (OPERATION y 3))))"),
    (
        "tests n x y",
        "ifz n 7 (if (lth (OPERATION x y) (w64 y)) (v2 n y) (tests (dec n) y (w64 x)))",
    ),
];

#[test]
fn words_in_loops() {
    let operations = [
        "add64",
        "sub64",
        "mul64",
        "div64",
        "iDiv64",
        "and64",
        "lsh64",
        "rsh64",
        "rol64",
        "ror64",
        "iSub64",
        "iAbs64 | iDiv64",
        "add32",
        "sub32",
        "rol32",
        "iDiv32",
        "add",
        "sub",
        "con",
    ];
    let mut cases = Cases::with_operands();
    let pairs = pairs("");
    // The first argument is the count of turns, which is the operand 3.
    let turns = cases.operand("3");
    let args: Vec<[usize; 3]> = pairs.iter().step_by(5).map(|[a, b]| [turns, *a, *b]).collect();
    let args: Vec<&[usize]> = args.iter().map(|args| &args[..]).collect();
    for (number, operation) in operations.iter().enumerate() {
        for (head, body) in LOOPS {
            let (name, params) = head.split_once(' ').unwrap_or((head, ""));
            let own_name = format!("{name}{number}");
            let operation = match operation.split_once(" | ") {
                Some((outer, inner)) => format!("(a b & {outer} ({inner} a b))"),
                None => (*operation).to_owned(),
            };
            let body = body.replace("OPERATION", &operation).replace(name, &own_name);
            cases.law(&format!("{own_name} {params}"), &body, &args);
        }
    }
    cases.run();
}

/// Laws in which a jet calls a function: one that is compiled, is not compiled, crashes, or makes a
/// tail call of a function that is not compiled.
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
fn jets_call_functions_of_all_kinds() {
    let mut cases = Cases::with_operands();
    cases.program += "= (wide a b c d e f g h i j k l m n o p q r) | add a r\n\n";
    let args: Vec<[usize; 1]> = (0..SMALL.len()).map(|arg| [arg]).collect();
    let args: Vec<&[usize]> = args.iter().map(|args| &args[..]).collect();
    for (head, body) in CALLED_BY_JETS {
        cases.law(&format!("called_{head}"), body, &args);
    }
    cases.run();
}

#[test]
fn nested_operations_on_words() {
    let mut cases = Cases::with_operands();
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
            cases.law(&head, &body, &args);
        }
    }
    cases.run();
}

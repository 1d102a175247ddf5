//! Operands of unexpected kinds: compiled code agrees with the interpreter when the operands of
//! library operations are rows and bars of all representations, apps and pins in place of nats and
//! rows, and nats of all sizes. The laws differ in what the compiler knows about the operands.

use tests::assert_same_compiled;

/// Operations with one operand.
const UNARY: &[&str] = &[
    "toNat", "inc", "dec", "bit", "not", "isZero", "isNat", "isApp", "isLaw", "isPin", "isRow",
    "isBar", "w32", "w64", "met", "popCount", "len", "last", "head", "barLen", "arity",
];
/// Operations with two operands.
const BINARY: &[&str] = &[
    "add", "sub", "mul", "div", "mod", "dis", "con", "mix", "rsh", "testBit", "trunc", "eql",
    "neq", "lth", "lte", "gth", "gte", "cmp", "min", "max", "and", "or", "nand", "nor", "xor",
    "xnor", "seq", "add32", "sub32", "mul32", "rol32", "lsh32", "add64", "sub64", "div64", "ror64",
    "rsh64", "idx", "get", "barIdx", "take",
];

/// The operands, as Sire expressions.
const OPERANDS: &[&str] = &[
    "0",
    "1",
    "2",
    "63",
    "64",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "add",
    "(add 1)",
    "(x y & y)",
    "[]",
    "[1]",
    "[5 6 7]",
    "(0 1 2)",
    "appended",
    "(tabSing 3 4)",
    "(setSing 3)",
    "(PIN 1)",
    "(PIN [5 6])",
    "b#{}",
    "b#{some bytes}",
    "shared",
];

/// Bodies of laws that apply an operation `OP` to `a` and `b`, by name. They differ in what the
/// compiler knows about the operands: nothing, that they are evaluated, that they are nats, or the
/// result of a comparison. In the last one the operation is in a loop.
const USES: &[(&str, &str)] = &[
    ("given", "v2 (OP a b) (if (OP b a) 7 8)"),
    ("evaluated", "seq a | seq b | v3 (OP a b) (OP b a) (ifz (OP a a) 1 2)"),
    (
        "nats",
        "seq a | seq b @ p (toNat a) | seq p | v3 (OP p b) (OP a p) (OP (con 255 a) (mod b 16))",
    ),
    ("less", "seq a | if (lth a b) (OP (dec b) a) (v2 (OP (sub a 1) b) (OP (inc a) b))"),
    ("known", "seq b | if (eql a 2) (OP a b) | if (not b) (OP b a) | OP (w64 a) (add64 a b)"),
    ("turns", "around_OP (con 3 (len [a b])) b a 0"),
];

/// Long rows and bars of all representations, and laws that read their items and bytes.
const LONG_VALUES: &str = "
= long | gen 5000 (i & i)

= tree | weld long (weld long [1 2 3])

= rows [long tree (put 4999 9 tree) (take 7000 tree) (drop 3 tree) (long 1) (PIN tree) tree]

= bytes | barGen 5000 (i & i)

= cut (barSlice 3 200 bytes)

= bars [bytes (barWeld bytes bytes) (barDrop 10 bytes) (barDrop 5000 bytes) cut (barWeld cut b#a) b#a b#abcdefghi (PIN bytes)]

= (item n row) | seq n | seq row | v3 (idx n row) (get row n) (len row)

= (byte n bar) | seq n | seq bar | v2 (barIdx n bar) (barLen bar)

= (total n row acc) | if (isZero n) acc | total (dec n) row (add (mul 3 acc) (idx (mul n 37) row))

(map (row & total 290 row 0) rows)
";

/// Indices into the long rows and bars, as Sire expressions.
const INDICES: &[&str] = &[
    "0",
    "63",
    "64",
    "299",
    "4999",
    "5000",
    "7000",
    "9999",
    "10002",
    "10003",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "add",
    "[1]",
];

/// The definitions that all programs share.
fn definitions() -> String {
    let operands = OPERANDS.join(" ");
    format!(
        "= base | barGen 600 (i & i)\n\n= shared | barDrop 9 (barWeld base b#tail)\n\n\
         = appended | weld (gen 300 (i & i)) [8 9]\n\n= operands [{operands}]\n\n"
    )
}

/// A program that defines a law for each of [`USES`] and applies it to all pairs of operands.
/// `operation` is part of the laws' names, and `operator` is the operation of two operands.
fn program(operation: &str, operator: &str) -> String {
    let mut text = format!(
        "= (around_{operation} n a b acc)\n| if (isZero n) acc\n\
         | around_{operation} (dec n) b a (v2 ({operator} a b) (idx 0 acc))\n\n"
    );
    for (name, body) in USES {
        let body = body.replace("around_OP", &format!("around_{operation}"));
        let body = body.replace("OP", operator);
        text += &format!("= ({name}_{operation} a b) | {body}\n\n");
        text += &format!("(map (a & map ({name}_{operation} a) operands) operands)\n\n");
    }
    text
}

#[test]
fn operations_with_one_operand() {
    // The operation ignores its second operand.
    let operator = |name: &&str| format!("= ({name}_first a b) | {name} a\n\n");
    let operators: String = UNARY.iter().map(operator).collect();
    let programs: String =
        UNARY.iter().map(|name| program(name, &format!("{name}_first"))).collect();
    assert_same_compiled(&[definitions(), operators, programs].concat());
}

#[test]
fn operations_with_two_operands() {
    let programs: String = BINARY.iter().map(|name| program(name, name)).collect();
    assert_same_compiled(&[definitions(), programs].concat());
}

#[test]
fn operations_with_a_constant_operand() {
    let mut text = definitions();
    for operation in BINARY {
        for (number, operand) in OPERANDS.iter().enumerate() {
            let name = format!("{operation}_{number}");
            text += &format!("= ({name} a)\n| seq a\n");
            text += &format!("| v2 ({operation} a {operand}) ({operation} {operand} a)\n\n");
            text += &format!("(map {name} operands)\n\n");
        }
    }
    assert_same_compiled(&text);
}

#[test]
fn items_and_bytes_of_long_values() {
    let mut text = LONG_VALUES.to_owned();
    for (index, number) in INDICES.iter().enumerate() {
        text += &format!("= (at{index} row)\n| seq row\n");
        text += &format!("| v4 (idx 0 row) (idx 1 row) (idx {number} row) (get row {number})\n\n");
        text += &format!("= (byte{index} bar) | v2 (barIdx {number} bar) (barIdx 3 bar)\n\n");
        text += &format!("(map at{index} rows)\n\n(map byte{index} bars)\n\n");
        text += &format!("(map (item {number}) rows)\n\n(map (byte {number}) bars)\n\n");
    }
    assert_same_compiled(&text);
}

#[test]
fn jets_that_leave_calls_to_laws_of_the_library() {
    // The library is loaded from the cache, so its laws are frozen. Laws call these jets again and
    // again, as known functions, as values, and from other jets.
    let text = "
= (join n a b) | if (isZero n) (barLen (barWeld a b)) | join (dec n) b (barWeld a b)

= (apply_to f a b) | f a b

(barCat [b#a 0 b#c 7 b#d])

(map (n & join 20 b#ab n) [0 7 b#c add])

(map (n & apply_to barWeld b#ab n) [0 7 b#c add])

(foldl barWeld b#a [b#b 0 b#c 3])

(map (barDrop 1) [b#abc 5 0 add])

(map (n & map (barTake n) [b#abc 0 add]) [0 2 add])
";
    assert_same_compiled(text);
}

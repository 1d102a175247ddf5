//! Jets on bars, pads and hashes.

use super::harness::{
    Apply, Bar, Big, Crash, N, Row, Set, Tab, TestValue, Text, app, cases, law, lazy, nats, pin,
    power,
};
use plan::Natural;

#[test]
fn bars() {
    let abc = || Bar(b"abc");
    cases! {
        "isBar" abc() => N(1);
        "isBar" N(1) => N(0);
        "_Bar" N(0x0161) => Bar(b"a");
        "_Bar" N(0x0261) => TestValue::LawOf(1, 1, Box::new(N(0x0261)));
        "natBar" Text("abc") => abc();
        "natBar" law() => Bar(b"");
        "natBar" N(0) => Bar(b"");
        "natBar" N(255) => Bar(&[255]);
        "natBar" N(1 << 62) => Bar(&[0, 0, 0, 0, 0, 0, 0, 64]);
        "natBar" Big(power(63)) => Bar(&[0, 0, 0, 0, 0, 0, 0, 128]);
        "natBar" Big(power(64)) => Bar(&[0, 0, 0, 0, 0, 0, 0, 0, 1]);
        "barNat" abc() => Text("abc");
        "barNat" Bar(&[1, 0, 0]) => N(1);
        "barNat" N(5) => TestValue::FromLaw;
        "barLen" Bar(&[0, 0]) => N(2);
        "barIsEmpty" Bar(b"") => N(1);
        "barIsEmpty" abc() => N(0);
        "_NatToSizedBar" N(3), N(0x0102) => Bar(&[2, 1, 0]);
        "_NatToSizedBar" N(1), N(0x0102) => TestValue::LawOf(1, 1, Box::new(N(0x0202)));
        "_NatToSizedBar" N(1), N(0x0001_0002) => Apply(vec![N(0), N(1), N(1), N(0x0001_0102)]);
        "_NatToSizedBar" N(0), law() => Bar(b"");
        "_NatToSizedBar" N(0), N(0) => Bar(b"");
        "_NatToSizedBar" N(8), N(1) => Bar(&[1, 0, 0, 0, 0, 0, 0, 0]);
        "_NatToSizedBar" N(9), N(1) => Bar(&[1, 0, 0, 0, 0, 0, 0, 0, 0]);
        "_NatToSizedBar" N(8), Big(power(63)) => Bar(&[0, 0, 0, 0, 0, 0, 0, 128]);
        "barIdx" N(1), abc() => Text("b");
        "barIdx" N(3), abc() => N(0);
        "barIdx" Big(power(64)), abc() => N(0);
        "barIdx" law(), abc() => Text("a");
        "barWeld" abc(), Bar(b"d") => Bar(b"abcd");
        "barCat" Row(vec![lazy(abc()), Bar(b""), Bar(b"d")]) => Bar(b"abcd");
        "barCat" Row(vec![]) => Bar(b"");
        "barCat" Row(vec![Bar(b""), Bar(b"")]) => Bar(b"");
        "barCat" Row(vec![Bar(b"1234567"), Bar(b"89"), Bar(b"123456789"), Bar(b"0")]) =>
            Bar(b"1234567891234567890");
        "barCat" Row(vec![abc(), N(0)]) => TestValue::FromLaw;
        "barCat" Row(vec![Crash(8), Crash(9)]) => Crash(9);
        "barTake" N(2), abc() => Bar(b"ab");
        "barTake" law(), abc() => abc();
        "barTake" N(u64::MAX), abc() => abc();
        "barDrop" N(2), abc() => Bar(b"c");
        "barDrop" law(), abc() => abc();
        "barDrop" N(9), abc() => Bar(b"");
        "_BarSliceToNat" N(1), N(1), abc() => Text("b");
        "_BarSliceToNat" N(1), law(), abc() => Text("bc");
        "_BarSliceToNat" N(9), N(1), abc() => N(0);
        "barElemIndexEnd" N(0x62), Bar(b"bab") => Apply(vec![N(0), N(2)]);
        "barElemIndexEnd" lazy(N(0x7a)), Bar(b"bab") => N(0);
        "barElemIndexEnd" N(0x0162), Bar(b"bab") => N(0);
        "barElemIndexEnd" Crash(9), Bar(b"") => N(0);
        "barElemIndexOff" N(0x62), N(1), Bar(b"bab") => N(2);
        "barElemIndexOff" N(0x7a), N(1), Bar(b"bab") => N(3);
        "barElemIndexOff" Crash(9), N(3), Bar(b"bab") => N(3);
        "barElemIndexOff" Crash(9), law(), Bar(b"bab") => N(3);
        "barSlice" N(1), N(1), abc() => Bar(b"b");
        "barSlice" N(1), law(), abc() => Bar(b"bc");
        "barSlice" law(), N(9), abc() => abc();
        "barSlice" N(9), N(1), abc() => Bar(b"");
        "barSpanOff" Big(power(0x62)), N(0), Bar(b"bab") => N(1);
        "barSpanOff" Big(power(0x62)), N(2), Bar(b"bab") => N(3);
        "barSpanOff" N(7), N(1), Bar(&[9, 0, 2, 3]) => N(3);
        "barSpanOff" law(), N(1), Bar(b"bab") => N(1);
        "barSpanOff" Crash(9), N(3), Bar(b"bab") => N(3);
        "barFind" Bar(b"ab"), N(0), Bar(b"aabab") => N(1);
        "barFind" Bar(b"ab"), N(2), Bar(b"aabab") => N(3);
        "barFind" Bar(b"b"), N(0), abc() => N(1);
        "barFind" Bar(b"x"), N(0), abc() => N(3);
        "barFind" Bar(b""), N(1), abc() => N(1);
        "barFind" Crash(9), N(3), abc() => N(3);
    }
}

#[test]
fn fields_of_http() {
    let fields = |entries: Vec<(TestValue, TestValue)>, end| Row(vec![Tab(entries), N(end)]);
    cases! {
        "fieldLines" N(0), Bar(b"\r\nx") => fields(vec![], 2);
        "fieldLines" N(1), Bar(b"xB-c: 1 \r\na:\t2\r\n\r\n") =>
            fields(vec![(Text("a"), Bar(b"2")), (Text("b-c"), Bar(b"1"))], 18);
        "fieldLines" N(0), Bar(b"A:1\r\nB:3\r\na:2\r\n\r\n") =>
            fields(vec![(Text("a"), Bar(b"1, 2")), (Text("b"), Bar(b"3"))], 17);
        "fieldLines" N(0), Bar(b"Cookie:a\r\ncookie:b\r\n\r\n") =>
            fields(vec![(Text("cookie"), Bar(b"a; b"))], 22);
        "fieldLines" N(0), Bar(b"a:1\r\n") => N(400);
        "fieldLines" N(0), Bar(b"a :1\r\n\r\n") => N(400);
        "fieldLines" N(0), Bar(b"a:1\r\n b\r\n\r\n") => N(400);
        "fieldLines" N(0), Bar(b"a:\0\r\n\r\n") => N(400);
        "fieldLines" N(0), Bar(b"a\r\n\r\n") => N(400);
        "fieldLines" N(9), Bar(b"a:1\r\n\r\n") => N(400);
        "fieldLines" N(u64::MAX), Bar(b"a:1\r\n\r\n") => N(400);
        "fieldLines" N(0), Bar("a:1\r\n".repeat(101).leak().as_bytes()) => N(431);
    }
}

/// The list of these bars.
fn list(bars: &[&'static [u8]]) -> TestValue {
    bars.iter().rev().fold(N(0), |rest, bar| Row(vec![Bar(bar), rest]))
}

#[test]
fn parts_of_bars() {
    let partial = |jet, nat| Apply(vec![TestValue::Jet(jet), N(nat)]);
    cases! {
        "barSplitWith" partial("_Eql", 0x62), Bar(b"abcb") => list(&[b"a", b"c", b""]);
        "barSplitWith" partial("_Eql", 0x7a), Bar(b"abcb") => list(&[b"abcb"]);
        "barSplitWith" partial("_Lth", 0x61), Bar(b"xab") => list(&[b"", b"a", b""]);
        "barSplitWith" partial("_Eql", 0x0162), Bar(b"ab") => list(&[b"ab"]);
        "barSplitWith" partial("_Eql", 0x62), Bar(b"b") => list(&[b"", b""]);
        "barSplitWith" partial("_Lth", 0x61), Bar(b"bcab") => list(&[b"", b"", b"a", b""]);
        "barSplitWith" Crash(9), Bar(b"") => N(0);
        "barSplitWith" N(0), Bar(b"ab") => TestValue::FromLaw;
        "barSplitWith" partial("_Eql", 0x62), N(7) => TestValue::FromLaw;
        "barFindIndex" partial("_Eql", 0x62), Bar(b"abcb") => Apply(vec![N(0), N(1)]);
        "barFindIndex" partial("_Eql", 0x7a), Bar(b"abcb") => N(0);
        "barFindIndex" Crash(9), Bar(b"") => N(0);
        "barFindIndex" Crash(9), Bar(b"a") => Crash(9);
        "barFindIndex" N(0), Bar(b"a") => TestValue::FromLaw;
        "barFindIndex" partial("_Eql", 0x62), law() => TestValue::FromLaw;
        "barFindIndexOff" partial("_Eql", 0x62), N(2), Bar(b"abcb") => N(3);
        "barFindIndexOff" partial("_Gth", 0x62), N(0), Bar(b"bcab") => N(2);
        "barFindIndexOff" partial("_Eql", 0x7a), N(1), Bar(b"abcb") => N(4);
        "barFindIndexOff" Crash(9), N(4), Bar(b"abcb") => N(4);
        "barFindIndexOff" Crash(9), law(), Bar(b"abcb") => N(4);
        "barFindIndexOff" Crash(9), N(0), N(7) => TestValue::FromLaw;
        "barFindIndexOff" Crash(9), Crash(8), Bar(b"") => Crash(8);
        "barFindIndexOff" N(0), N(1), Bar(b"ab") => TestValue::FromLaw;
        "barLinesList" Bar(b"a\n\nbc") => list(&[b"a", b"", b"bc"]);
        "barLinesList" Bar(b"a\n") => list(&[b"a"]);
        "barLinesList" Bar(b"\n") => list(&[b""]);
        "barLinesList" Bar(b"") => N(0);
        "barLinesList" law() => TestValue::FromLaw;
    }
}

#[test]
fn bars_from_lists_and_rows_from_bars() {
    let cell = |item, rest| Row(vec![item, rest]);
    let bytes = || cell(N(97), lazy(cell(lazy(N(0x62)), N(7))));
    let not_pairs = || cell(N(97), app(vec![N(1), N(98), N(99)]));
    cases! {
        "barToRow" Bar(b"ab") => Row(nats([97, 98]));
        "barToRow" Bar(b"") => Row(vec![]);
        "barToRow" N(5) => TestValue::FromLaw;
        "barFromList" bytes() => Bar(b"ab");
        "barFromList" N(0) => Bar(b"");
        "barFromList" Big(power(90)) => Bar(b"");
        "barFromList" cell(N(255), cell(law(), Crash(9))) => TestValue::FromLaw;
        "barFromList" cell(Big(power(64)), N(0)) => TestValue::FromLaw;
        "barFromList" cell(N(256), N(0)) => TestValue::FromLaw;
        "barFromList" not_pairs() => Bar(b"ac");
        "barFromList" cell(N(1), Row(nats([2]))) => Bar(&[1, 2]);
        "barFromList" cell(N(1), Crash(9)) => Crash(9);
        "barFromList" cell(Crash(9), N(0)) => Crash(9);
        "barFromListRev" bytes() => Bar(b"ba");
        "barFromListRev" N(0) => Bar(b"");
        "barCatList" list(&[b"ab", b"", b"c"]) => Bar(b"abc");
        "barCatList" cell(lazy(Bar(b"a")), lazy(N(0))) => Bar(b"a");
        "_BarListOff" N(1), Bar(b"abc"), N(0) => cell(N(0x62), cell(N(0x63), N(0)));
        "_BarListOff" N(3), Bar(b"abc"), N(5) => N(5);
        "_BarListOff" Big(power(64)), Bar(b"abc"), N(5) => N(5);
        "_BarListOff" N(3), Bar(b"abc"), Crash(9) => Crash(9);
        "_BarListOff" Crash(8), Crash(9), N(0) => Crash(9);
        "_BarListOff" law(), Bar(b"abc"), N(5) => TestValue::FromLaw;
        "_BarListOff" N(0), N(7), N(5) => TestValue::FromLaw;
        "barCatList" N(3) => Bar(b"");
        "barCatList" cell(Bar(b"a"), cell(N(5), Crash(9))) => TestValue::FromLaw;
        "barCatList" cell(Bar(b"a"), Crash(9)) => Crash(9);
    }
}

#[test]
fn trees_of_bars() {
    let tree = || {
        Row(vec![
            Bar(b"a"),
            lazy(Row(vec![N(7), Bar(b"b"), pin(Bar(b"x"))])),
            app(vec![Bar(b"d"), Bar(b"c")]),
            Tab(vec![(Bar(b"k"), Bar(b"e"))]),
            Set(vec![Bar(b"y")]),
        ])
    };
    let hash = blake3::hash(b"abcde");
    let hash: &'static [u8] = Box::leak(Box::new(*hash.as_bytes()));
    cases! {
        "barFlat" tree() => Bar(b"abcde");
        "barFlat" N(3) => Bar(b"");
        "barFlat" Bar(b"x") => Bar(b"x");
        "barFlat" Row(vec![Crash(8), Crash(9)]) => Crash(8);
        "_Blake3" tree() => Bar(hash);
    }
}

#[test]
fn sha256_of_bars() {
    // FIPS 180-4, the example of 24 bits.
    const ABC: &[u8] = &[
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22,
        0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00,
        0x15, 0xad,
    ];
    cases! {
        "sha256" Bar(b"abc") => Bar(ABC);
        "sha256" lazy(Bar(b"abc")) => Bar(ABC);
        "sha256" Crash(8) => Crash(8);
    }
}

#[test]
fn signatures() {
    // RFC 8032, section 7.1, the first test: a signature of no bytes.
    const KEY: &[u8] = &[
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
        0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
        0x51, 0x1a,
    ];
    const SIGNATURE: &[u8] = &[
        0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82,
        0x8a, 0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49,
        0x01, 0x55, 0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c,
        0xf9, 0xb4, 0x6b, 0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43,
        0x8e, 0x7a, 0x10, 0x0b,
    ];
    cases! {
        "ed25519Verify" Bar(KEY), Bar(b""), Bar(SIGNATURE) => N(1);
        "ed25519Verify" lazy(Bar(KEY)), Bar(b"x"), Bar(SIGNATURE) => N(0);
        "ed25519Verify" Bar(&KEY[1..]), Bar(b""), lazy(Bar(SIGNATURE)) => N(0);
        "ed25519Verify" Bar(KEY), Bar(b""), Bar(&SIGNATURE[1..]) => N(0);
        "ed25519Verify" Bar(&[1; 32]), Crash(8), Crash(9) => Crash(8);
    }
}

#[test]
fn pads() {
    cases! {
        "padWeld" N(0b101), N(0b110) => N(0b11001);
        "padWeld" N(0), law() => N(1);
        "padWeld" Big(power(64)), N(1) => Big(power(64));
        "padWeld" N(0b11), Big(power(64) + power(63)) => Big(power(65) + power(64) + power(0));
        "padWeld" Big(power(65) + power(3)), Big(power(65) + power(2)) =>
            Big(power(130) + power(67) + power(3));
        "padCat" Row(vec![N(0b10), lazy(N(0b11)), law(), N(0)]) => N(0b110);
        "padCat" Row(vec![]) => N(1);
        "padFlat" N(0) => N(0);
        "padFlat" law() => N(1);
        "padFlat" Row(vec![N(0b10), Row(vec![N(0b11), N(0)]), Row(nats([0b11]))]) => N(0b1110);
        "padFlat" Row(vec![Crash(8), Crash(9)]) => Crash(8);
    }
}

#[test]
fn hashes_of_values() {
    let mut harness = super::harness::JetHarness::new();
    let value = Row(vec![N(3), lazy(Big(Natural::from(u64::MAX))), pin(law())]);
    let made = harness.make(&value);
    let forced = harness.vm.force(&made).expect("a value");
    let hash = harness.vm.hash(&forced).expect("a small value");
    let expected = harness.vm.bar(hash.as_bytes()).expect("room");
    for (jet, arg) in [("_PlanHash", value.clone()), ("_PinHash", pin(value.clone()))] {
        let result = harness.head(jet, &[arg]).expect("a hash");
        assert!(harness.vm.look(&result).is_equal(harness.vm.look(&expected)), "{jet}");
    }
    cases! { "_PinHash" value => N(0); }
}

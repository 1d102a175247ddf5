//! The speedup of each jet over its law, printed as a Markdown table.
//!
//! This test is ignored by default. Run it alone and optimised; the printed text starts with the
//! command. `bench/JETS.md` is the output of a run.

use crate::library::{self, LawLibrary};
use crate::signatures;
use plan::{EvalError, Hash, Natural, Val, ValueBuilder};
use std::time::{Duration, Instant};
use vm::Vm;

/// Sizes of arguments, as the printed text describes.
const SIZES: [u64; 2] = [10, 1000];

/// Largest size of a table.
const MAX_TABLE: u64 = 500;

/// Time limit of a law.
const LAW_TIME: Duration = Duration::from_secs(1);

/// Time for which a call is repeated. The shortest run counts.
const REPEAT: Duration = Duration::from_millis(10);

/// Kinds of arguments where those of `signatures` are too general. In addition to the letters
/// there, `w` is a nat with `size` bits, `z` the nat `size`, and `c` a row that is compared with an
/// equal one.
const KINDS: &[(&str, &str)] = &[
    ("_BitSlice", "nnw"),
    ("_Bitwise", "fww"),
    ("_Bix", "nw"),
    ("_ClearBit", "nw"),
    ("_Cmp", "cc"),
    ("_Con", "ww"),
    ("_Dec", "w"),
    ("_Dis", "ww"),
    ("_Eql", "cc"),
    ("_Gte", "cc"),
    ("_Gth", "cc"),
    ("_Lsh", "wn"),
    ("_Lte", "cc"),
    ("_Lth", "cc"),
    ("_Max", "cc"),
    ("_Met", "w"),
    ("_Min", "cc"),
    ("_Mix", "ww"),
    ("_NatFold", "fnw"),
    ("_NatToSizedBar", "nw"),
    ("_Neq", "cc"),
    ("_PopCount", "w"),
    ("_Rsh", "wn"),
    ("_SaveGerm", "i"),
    ("_SetBit", "nw"),
    ("_SizedListToRow", "zl"),
    ("_SizedListToRowRev", "zl"),
    ("_TestBit", "nw"),
    ("_ToNat", "w"),
    ("_Trunc", "nw"),
    ("natBar", "w"),
    ("unfoldr", "fn"),
];

/// The functions that jets get as arguments; for the others it is `_Dec`.
const FUNCTIONS: &[(&str, &str)] = &[
    ("_Bitwise", "_Xor"),
    ("_NatFold", "_Add"),
    ("_TabFilterWithKey", "_Lth"),
    ("tabMapWithKey", "_Add"),
    ("tabUnionWith", "_Add"),
];

/// Generates arguments of a size.
struct ArgumentBuilder<'v> {
    vm: &'v mut Vm,
    function: Val,
    size: u64,
}

impl ArgumentBuilder<'_> {
    fn build(&mut self, make: impl FnOnce(&mut ValueBuilder<'_>) -> Result<(), EvalError>) -> Val {
        self.vm.build(make).expect("arguments are small")
    }

    fn row(&mut self, items: &[Val]) -> Val {
        self.vm.row(items).expect("arguments are small")
    }

    fn row_of(&mut self, count: u64, mut item: impl FnMut(&mut Self, u64) -> Val) -> Val {
        let items: Vec<Val> = (0..count).map(|at| item(self, at)).collect();
        self.row(&items)
    }

    fn nats(&mut self, from: u64, count: u64) -> Val {
        self.row_of(count, |builder, at| builder.vm.nat(from + at))
    }

    fn set(&mut self, from: u64, count: u64) -> Val {
        let keys = self.nats(from, count);
        let keys = self.vm.force(&keys).expect("nats are normal");
        self.build(|b| {
            b.push_nat(1)?;
            b.push_nat(2)?;
            b.push(&keys);
            b.law()
        })
    }

    fn bits(&mut self, count: u64) -> Val {
        let ones = (Natural::from(1u32) << count) - Natural::from(1u32);
        self.vm.natural(&(ones / Natural::from(3u32))).expect("arguments are small")
    }

    fn bar(&mut self, count: u64) -> Val {
        let bytes: Vec<u8> = (0..count).map(|at| at as u8 | 1).collect();
        self.vm.bar(&bytes).expect("arguments are small")
    }

    fn expression(&mut self, tag: &str, content: impl FnOnce(&mut Self) -> Val) -> Val {
        let (tag, content) = (self.vm.text(tag).expect("it is short"), content(self));
        self.row(&[tag, content])
    }

    fn argument(&mut self, kind: char) -> Val {
        let size = self.size;
        let tens = size / 10;
        match kind {
            'n' | 'k' => self.vm.nat(size / 2),
            'z' => self.vm.nat(size),
            'w' => self.bits(size),
            'p' => self.bits(size),
            'f' => self.function.clone(),
            'a' | 'r' | 'N' | 'O' | 'c' => self.nats(0, size),
            'R' => self.row_of(tens, |builder, at| builder.nats(at, 10)),
            'S' => self.row_of(tens, |builder, at| builder.set(10 * at, 10)),
            'Q' => self.row_of(size.min(MAX_TABLE), |builder, at| builder.nats(at, 2)),
            'D' => self.row_of(tens, |builder, _| builder.bits(20)),
            'b' => self.bar(size),
            'B' | 'T' => self.row_of(tens, |builder, _| builder.bar(10)),
            's' => self.set(0, size),
            't' => {
                let count = size.min(MAX_TABLE);
                let (keys, values) = (self.set(0, count), self.nats(0, count));
                self.vm.app(&keys, &[values]).expect("arguments are small")
            }
            'l' | 'L' => (0..size).fold(self.vm.nat(0), |rest, at| {
                let item = self.vm.nat(at);
                self.row(&[item, rest])
            }),
            'M' => (0..tens).fold(self.vm.nat(0), |rest, _| {
                let item = self.bar(10);
                self.row(&[item, rest])
            }),
            'i' => {
                let item = self.nats(0, size);
                self.vm.pin(&item).expect("nats are normal")
            }
            'G' => self.row_of(0, |builder, _| builder.vm.nat(0)),
            'h' => {
                let pin = self.argument('i');
                let (_, germ) = plan::seed::save_germ_as_law(self.vm, &pin).expect("it is a pin");
                self.vm.bar(&germ).expect("arguments are small")
            }
            'x' => {
                (0..tens).fold(self.expression("VALUE", |builder| builder.vm.nat(size)), |x, _| {
                    let function = self.function.clone();
                    let function = self.expression("VALUE", |_| function);
                    self.expression("APPLY", |builder| builder.row(&[function, x]))
                })
            }
            'e' => {
                let value = self.nats(0, size);
                let value = self.vm.force(&value).expect("nats are normal");
                let bytes = plan::seed::save(self.vm, &value).expect("nats can be saved");
                self.vm.bar(&bytes).expect("arguments are small")
            }
            kind => unreachable!("unknown kind {kind:?}"),
        }
    }
}

/// The shortest time of a call, and the hash of its result.
fn time(vm: &mut Vm, function: &Val, args: &[Val]) -> Result<(Duration, Hash), EvalError> {
    let begin = Instant::now();
    let mut least = Duration::MAX;
    loop {
        let start = Instant::now();
        let value = vm.apply(function, args).and_then(|value| vm.force(&value))?;
        least = least.min(start.elapsed());
        if begin.elapsed() > REPEAT {
            return Ok((least, vm.hash(&value)?));
        }
    }
}

/// A time with its unit.
fn time_text(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.1} ms", micros / 1e3) }
}

/// The table cells for one size: the time of the jet, the time of the law, and their ratio.
fn cells(laws: &mut LawLibrary, name: &str, pin: &Val, size: u64) -> String {
    let function = FUNCTIONS.iter().find(|(jet, _)| *jet == name).map_or("_Dec", |(_, f)| f);
    let function = laws.pin(function).expect("the library has that function");
    let kinds = KINDS.iter().find(|(jet, _)| *jet == name);
    let kinds = kinds.map_or_else(|| signatures::of(name), |(_, kinds)| kinds);
    let (vm, limit) = laws.runtime();
    let mut builder = ArgumentBuilder { vm, function, size };
    let args: Vec<Val> = kinds.chars().map(|kind| builder.argument(kind)).collect();
    let args: Vec<Val> =
        args.iter().map(|arg| vm.force(arg).expect("arguments are normal")).collect();
    let law = library::item(vm, pin);
    let (jet_time, jet_hash) = match time(vm, pin, &args) {
        Ok(done) => done,
        Err(stop) => return format!(" {stop} | | |"),
    };
    match limit.run(LAW_TIME, || time(vm, &law, &args)) {
        Ok((law_time, law_hash)) => {
            assert!(jet_hash == law_hash, "{name}: jet and law disagree");
            let ratio = law_time.as_secs_f64() / jet_time.as_secs_f64();
            format!(" {} | {} | {ratio:.1} |", time_text(jet_time), time_text(law_time))
        }
        Err(stop) => format!(" {} | {stop} | |", time_text(jet_time)),
    }
}

/// Prints the table for the laws of a library.
fn print_table(mut laws: LawLibrary, library: &str) {
    let [few, many] = SIZES;
    println!("\n## Against {library}\n");
    println!(
        "| jet | jet, {few} | law, {few} | law / jet | jet, {many} | law, {many} | law / jet |"
    );
    println!("|---|---|---|---|---|---|---|");
    for jet in jets::jets() {
        let Some(pin) = laws.pin(jet.name) else { continue };
        let cells = SIZES.map(|size| cells(&mut laws, jet.name, &pin, size)).concat();
        println!("| `{}` |{cells}", jet.name);
    }
}

/// Number of keys that [`time_scattered_keys`] inserts and looks up.
const SCATTERED: u64 = 20_000;

/// The time to insert keys in random order into a table, and the time to look all of them up.
fn time_scattered_keys(laws: &mut LawLibrary) -> Result<[Duration; 2], EvalError> {
    let [insert, look_up] = ["tabIns", "tabIdx"].map(|jet| laws.pin(jet).expect("it has a law"));
    let (vm, _) = laws.runtime();
    let empty = ArgumentBuilder { vm, function: insert.clone(), size: 0 }.argument('t');
    let keys = || (0..SCATTERED).map(crate::spread);
    let start = Instant::now();
    let table = keys().try_fold(empty, |table, key| {
        let key = vm.nat(key);
        vm.apply(&insert, &[key.clone(), key, table])
    })?;
    let inserted = start.elapsed();
    let start = Instant::now();
    for key in keys() {
        let wanted = vm.nat(key);
        let value = vm.apply(&look_up, &[wanted, table.clone()])?;
        assert_eq!(vm.look(&value).as_u64(), Some(key), "it was inserted");
    }
    Ok([inserted, start.elapsed()])
}

const INTRODUCTION: &str = "\
# Jets against their laws

The time of each jet, and of its law without the jet, in the interpreter. The laws that a law
calls use their jets. This is the output of the following command on an otherwise idle machine:

```sh
PALLAS_REFERENCE=... cargo test --release -q -p tests --test jet_agreement \\
    speedups -- --ignored --nocapture
```

Arguments have two sizes: rows, sets and lists have 10 and 1000 items, tables 10 and 500 entries,
bars 10 and 1000 bytes. Nats have 10 and 1000 bits if the jet works on bits; otherwise their value
is of that order, since most laws count in unary. A time is the shortest of several runs, and
includes normalising the result. \"law / jet\" is the ratio of the two times. The time limit of a
law is one second.

If both times are equal, either the jet has nothing to save for these arguments, or the call
dominates: about 0.2 µs are the call itself, the construction of the arguments and the inspection
of the result. `_Trace` and `_DeepTrace` print their argument, and their laws do not.";

const PUBLISHED: &str = "
## Against the prototype

20,000 keys in random order are inserted into a table and looked up. The prototype was measured on
another machine of this kind; it copies the table at each insertion. Our times include a call from
outside for each key; `RESULTS.md` has the same in a loop.
";

#[test]
#[ignore = "a benchmark: run it alone and optimised"]
fn speedups() {
    println!("{INTRODUCTION}");
    let [insert, look_up] =
        time_scattered_keys(&mut LawLibrary::ours()).expect("the heap is large enough");
    println!("{PUBLISHED}");
    println!("| {SCATTERED} scattered | inserted | looked up | both | prototype |");
    println!("|---|---|---|---|---|");
    let [first, second, both] = [insert, look_up, insert + look_up].map(time_text);
    println!("| `tabIns`, `tabIdx` | {first} | {second} | {both} | 10 s |");
    print_table(LawLibrary::ours(), "the laws of our library");
    if let Some(checkout) = tests::reference_checkout() {
        print_table(
            LawLibrary::prototype(&checkout.join("sire")),
            "the laws of the prototype's library",
        );
    }
}

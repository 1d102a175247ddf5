//! How much faster each jet is than its law, as a Markdown table.
//!
//! Run it by itself, with optimisation (the command is in what it prints). `bench/JETS.md` is what it
//! printed, as such a run left it.
//!
//! Each jet gets arguments of two sizes: rows, sets, lists of 10 and of 1000 items, tables of 10 and of
//! 500, bars of as many bytes, nats of as many bits where bits are what a jet works on and of about
//! as much elsewhere, since most laws count. Times are the least of several runs, normalising the
//! result included. What the law calls runs by jets.

use crate::library::{self, Laws};
use crate::signatures;
use std::time::{Duration, Instant};
use vm::{Builder, Hash, Natural, Stop, Val, Vm};

/// Sizes of arguments.
const SIZES: [u64; 2] = [10, 1000];

/// Larger tables are not made.
const MAX_TABLE: u64 = 500;

/// How long a law may take.
const LAW_TIME: Duration = Duration::from_secs(1);

/// How long a call is repeated, to find the least time that it takes.
const REPEAT: Duration = Duration::from_millis(10);

/// Where the kinds of `signatures` do not say enough. Added are `w`, a nat of as many bits as the
/// size says, and `c`, a row to be compared with an equal one.
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

/// The functions that jets are given.
const FUNCTIONS: &[(&str, &str)] = &[
    ("_Bitwise", "_Xor"),
    ("_NatFold", "_Add"),
    ("_TabFilterWithKey", "_Lth"),
    ("tabMapWithKey", "_Add"),
    ("tabUnionWith", "_Add"),
];

/// Makes arguments of a size.
struct Maker<'v> {
    vm: &'v mut Vm,
    function: Val,
    size: u64,
}

impl Maker<'_> {
    fn build(&mut self, make: impl FnOnce(&mut Builder<'_>) -> Result<(), Stop>) -> Val {
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
        self.row_of(count, |made, at| made.vm.nat(from + at))
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
            'R' => self.row_of(tens, |made, at| made.nats(at, 10)),
            'S' => self.row_of(tens, |made, at| made.set(10 * at, 10)),
            'Q' => self.row_of(size.min(MAX_TABLE), |made, at| made.nats(at, 2)),
            'D' => self.row_of(tens, |made, _| made.bits(20)),
            'b' => self.bar(size),
            'B' | 'T' => self.row_of(tens, |made, _| made.bar(10)),
            's' => self.set(0, size),
            't' => {
                let count = size.min(MAX_TABLE);
                let (keys, values) = (self.set(0, count), self.nats(0, count));
                self.vm.app(&keys, &[values]).expect("arguments are small")
            }
            'l' => (0..size).fold(self.vm.nat(0), |rest, at| {
                let item = self.vm.nat(at);
                self.row(&[item, rest])
            }),
            'i' => {
                let item = self.nats(0, size);
                self.vm.pin(&item).expect("nats are normal")
            }
            'G' => self.row_of(0, |made, _| made.vm.nat(0)),
            'h' => {
                let pin = self.argument('i');
                let (_, germ) = vm::seed::save_germ_as_law(self.vm, &pin).expect("it is a pin");
                self.vm.bar(&germ).expect("arguments are small")
            }
            'x' => (0..tens).fold(self.expression("VALUE", |made| made.vm.nat(size)), |x, _| {
                let function = self.function.clone();
                let function = self.expression("VALUE", |_| function);
                self.expression("APPLY", |made| made.row(&[function, x]))
            }),
            'e' => {
                let value = self.nats(0, size);
                let value = self.vm.force(&value).expect("nats are normal");
                let bytes = vm::seed::save(self.vm, &value).expect("nats can be saved");
                self.vm.bar(&bytes).expect("arguments are small")
            }
            kind => unreachable!("{kind:?} is no kind"),
        }
    }
}

/// The least time that a call takes, and the hash of what comes of it.
fn time(vm: &mut Vm, function: &Val, args: &[Val]) -> Result<(Duration, Hash), Stop> {
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

/// A time in a few characters.
fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.1} ms", micros / 1e3) }
}

/// The cells of one size: the jet's time, the law's, and how often the first fits into the second.
fn cells(laws: &mut Laws, name: &str, pin: &Val, size: u64) -> String {
    let function = FUNCTIONS.iter().find(|(jet, _)| *jet == name).map_or("_Dec", |(_, f)| f);
    let function = laws.pin(function).expect("the library has that function");
    let kinds = KINDS.iter().find(|(jet, _)| *jet == name);
    let kinds = kinds.map_or_else(|| signatures::of(name), |(_, kinds)| kinds);
    let (vm, watch) = laws.parts();
    let mut maker = Maker { vm, function, size };
    let args: Vec<Val> = kinds.chars().map(|kind| maker.argument(kind)).collect();
    let args: Vec<Val> =
        args.iter().map(|arg| vm.force(arg).expect("arguments are normal")).collect();
    let law = library::item(vm, pin);
    let (jet_time, jet_hash) = match time(vm, pin, &args) {
        Ok(done) => done,
        Err(stop) => return format!(" {stop} | | |"),
    };
    match watch.limit(LAW_TIME, || time(vm, &law, &args)) {
        Ok((law_time, law_hash)) => {
            assert!(jet_hash == law_hash, "{name}: jet and law disagree");
            let ratio = law_time.as_secs_f64() / jet_time.as_secs_f64();
            format!(" {} | {} | {ratio:.1} |", shown(jet_time), shown(law_time))
        }
        Err(stop) => format!(" {} | {stop} | |", shown(jet_time)),
    }
}

fn table(mut laws: Laws, whose: &str) {
    let [few, many] = SIZES;
    println!("\n## Against {whose}\n");
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

/// Entries that [`scattered`] inserts, and looks up.
const SCATTERED: u64 = 20_000;

/// How long it takes to insert scattered keys into a table, and to look all of them up.
fn scattered(laws: &mut Laws) -> Result<[Duration; 2], Stop> {
    let [insert, look_up] = ["tabIns", "tabIdx"].map(|jet| laws.pin(jet).expect("it has a law"));
    let (vm, _) = laws.parts();
    let empty = Maker { vm, function: insert.clone(), size: 0 }.argument('t');
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
# Jets against the laws they stand for

How long a jet takes, and the very law it stands for, unjetted (what the law calls runs by jets), in
the interpreter. This is what the following prints, on a machine where little else runs:

```sh
PALLAS_REFERENCE=... cargo test --release -q -p tests --test jet_agreement \\
    speedups -- --ignored --nocapture
```

Arguments have two sizes: rows, sets and lists of 10 and of 1000 items, tables of 10 and of 500, bars of
as many bytes, nats of as many bits where bits are what a jet works on, and of about as much elsewhere,
since most laws count. Times are the least of several runs, normalising the result included. \"law / jet\"
is how often the jet's time fits into the law's. A law gets a second.

Where both take the same time, either the arguments leave a jet nothing to save, or a call is all there
is: about 0.2 µs are the call itself, and building arguments and looking at the result. `_Trace` and
`_DeepTrace` print what they are given, which their laws do not.";

const PUBLISHED: &str = "
## Against the prototype

What was measured of it, on another machine of the kind: 20,000 scattered keys inserted into a table and
looked up. Each insertion copies its table. Ours are called one by one from outside here; `RESULTS.md`
has the same in a loop.
";

#[test]
#[ignore = "it measures; run it by itself, with optimisation"]
fn speedups() {
    println!("{INTRODUCTION}");
    let [insert, look_up] = scattered(&mut Laws::ours()).expect("there is room");
    println!("{PUBLISHED}");
    println!("| {SCATTERED} scattered | inserted | looked up | both | prototype |");
    println!("|---|---|---|---|---|");
    let [first, second, both] = [insert, look_up, insert + look_up].map(shown);
    println!("| `tabIns`, `tabIdx` | {first} | {second} | {both} | 10 s |");
    table(Laws::ours(), "the laws of our library");
    if let Some(reference) = tests::reference() {
        table(Laws::theirs(&reference.join("sire")), "the laws of the prototype's library");
    }
}

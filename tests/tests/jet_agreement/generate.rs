//! Generator of arguments for jets. Most arguments have the expected kind, a few have another one.
//! Some parts are unevaluated, and some crash or loop when they are evaluated.
//!
//! | letter | kind                      | letter | kind                           |
//! |--------|---------------------------|--------|--------------------------------|
//! | `a`    | anything                  | `r`    | row                            |
//! | `n`    | nat                       | `N`    | row of nats                    |
//! | `p`    | nat that is a short pad   | `B`    | row of bars                    |
//! | `k`    | key, maybe with thunks    | `R`    | row of rows                    |
//! | `f`    | function                  | `S`    | row of sets                    |
//! | `b`    | bar                       | `Q`    | row of pairs of key and value  |
//! | `s`    | set                       | `O`    | row of ascending nats          |
//! | `t`    | table                     | `T`    | tree of bars                   |
//! | `l`    | list                      | `D`    | tree of pads                   |
//! | `i`    | pin                       | `I`    | row of pins                    |
//! | `e`    | seed, as a bar            | `u`    | function that unfolds a value  |
//! | `g`    | pin that contains pins    | `G`    | row of the pins in a pin       |
//! | `h`    | germ of that pin, as a bar | `x`   | expression of `_TryExp`        |
//! | `d`    | text of decimal digits    | `H`    | text of hexadecimal digits     |
//! | `L`    | list of nats              | `M`    | list of bars                   |
//! | `F`    | fields of a head of HTTP  | `K`    | list of keys                   |
//! | `U`    | row of keys               |        |                                |

use plan::{EvalError, Natural, Val, ValueBuilder};
use vm::Vm;

/// Maximal nesting of arguments.
const MAX_DEPTH: u32 = 3;

/// Generates arguments; equal seeds give equal arguments.
pub(crate) struct Generator<'v> {
    vm: &'v mut Vm,
    functions: &'v [Val],
    random: fastrand::Rng,
    /// The number that tells the last generated crash from the others.
    crashes: u64,
    /// The germ of the pin whose pins were the last argument of kind `G`.
    germ: Vec<u8>,
}

impl<'v> Generator<'v> {
    /// A generator that also uses these functions as arguments.
    pub(crate) fn new(vm: &'v mut Vm, seed: u64, functions: &'v [Val]) -> Generator<'v> {
        let random = fastrand::Rng::with_seed(seed);
        Generator { vm, functions, random, crashes: 1000, germ: Vec::new() }
    }

    /// An argument, usually of this kind.
    pub(crate) fn argument(&mut self, kind: char) -> Val {
        self.mostly(kind, MAX_DEPTH)
    }

    fn word(&mut self) -> u64 {
        self.random.u64(..)
    }

    /// A random number below this limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.random.u64(..limit)
    }

    // Construction of values.

    fn nat(&mut self, nat: u64) -> Val {
        self.vm.nat(nat)
    }

    fn app(&mut self, function: &Val, args: &[Val]) -> Val {
        self.vm.app(function, args).expect("arguments are small")
    }

    fn row(&mut self, items: &[Val]) -> Val {
        self.vm.row(items).expect("arguments are small")
    }

    fn build(&mut self, make: impl FnOnce(&mut ValueBuilder<'_>) -> Result<(), EvalError>) -> Val {
        self.vm.build(make).expect("arguments are small")
    }

    fn law(&mut self, name: u64, arity: u64, body: &Val) -> Val {
        self.build(|b| {
            b.push_nat(name)?;
            b.push_nat(arity)?;
            b.push(body);
            b.law()
        })
    }

    /// A thunk that evaluates to this value.
    fn delayed(&mut self, value: Val) -> Val {
        let one = self.nat(1);
        let identity = self.law(5, 1, &one);
        self.app(&identity, &[value])
    }

    /// A thunk that crashes with its own operation, so that two crashes differ.
    fn crash(&mut self) -> Val {
        self.crashes += 1;
        let op = self.nat(self.crashes);
        self.app(&op, std::slice::from_ref(&op))
    }

    /// A thunk that depends on its own value: an argument that a jet must not evaluate unless its
    /// law does.
    fn looping(&mut self) -> Val {
        // {8 1 (let x = x in x)}, applied.
        let recursive = self.build(|b| {
            b.push_nat(1)?;
            b.push_nat(2)?;
            b.push_nat(2)?;
            b.app(2)
        });
        let law = self.law(8, 1, &recursive);
        let zero = self.nat(0);
        self.app(&law, &[zero])
    }

    /// The value, a thunk of it, or in a few cases a crash or a loop.
    fn maybe_delayed(&mut self, value: Val) -> Val {
        match self.below(100) {
            0..28 => self.delayed(value),
            28..36 => self.crash(),
            36 | 37 => self.looping(),
            _ => value,
        }
    }

    /// An argument of this kind or, in a few cases, another one or a pin; it may be unevaluated.
    fn mostly(&mut self, kind: char, depth: u32) -> Val {
        let value = match self.below(36) {
            0..3 => self.any(depth),
            3 => {
                let value = self.exactly(kind, depth);
                self.pinned(value)
            }
            _ => self.exactly(kind, depth),
        };
        self.maybe_delayed(value)
    }

    fn items(&mut self, kind: char, limit: u64, depth: u32) -> Vec<Val> {
        (0..self.below(limit)).map(|_| self.mostly(kind, depth)).collect()
    }

    fn row_of(&mut self, kind: char, depth: u32) -> Val {
        let items = self.items(kind, 6, depth);
        self.row(&items)
    }

    /// A value whose outermost shape has this kind.
    fn exactly(&mut self, kind: char, depth: u32) -> Val {
        let inner = depth.saturating_sub(1);
        match kind {
            'a' => self.any(inner),
            'n' => self.number(),
            'p' => {
                let pad = self.below(64);
                self.nat(pad)
            }
            'i' => self.pin(inner),
            'e' => self.seed(inner),
            'I' => self.row_of('i', inner),
            'g' => self.pin_of_pins(inner),
            'G' => self.pins_within(inner),
            'h' => self.vm.bar(&self.germ).expect("arguments are small"),
            'k' => self.key(),
            'x' => self.expression(depth),
            'f' => self.function(),
            'u' => self.unfolder(),
            'b' => self.bar(),
            's' => self.set().0,
            't' => self.table(inner),
            'l' => self.list('a', inner),
            'F' => self.fields(),
            'L' => self.list('n', inner),
            'K' => {
                let nil = self.nat(0);
                let keys = self.keys();
                keys.into_iter().fold(nil, |list, key| self.row(&[key, list]))
            }
            'U' => {
                let keys = self.keys();
                self.row(&keys)
            }
            'M' => self.list('b', inner),
            'd' => self.digits(b"0123456789_"),
            'H' => self.digits(b"0123456789abcdefABCDEF_\n"),
            'r' => self.row_of('a', inner),
            'N' => self.row_of('n', inner),
            'B' => self.row_of('b', inner),
            'R' => self.row_of('r', inner),
            'S' => self.row_of('s', inner),
            'Q' => self.row_of('q', inner),
            'q' => {
                let (key, value) = (self.mostly('k', inner), self.mostly('a', inner));
                self.row(&[key, value])
            }
            'O' => self.ascending_row(),
            'T' if depth > 0 && self.below(10) < 6 => self.row_of('T', inner),
            'T' => self.bar(),
            'D' if depth > 0 && self.below(10) < 6 => self.row_of('D', inner),
            'D' => self.exactly('p', 0),
            kind => unreachable!("unknown kind {kind:?}"),
        }
    }

    /// A value of any kind.
    fn any(&mut self, depth: u32) -> Val {
        let inner = depth.saturating_sub(1);
        match self.below(if depth == 0 { 8 } else { 22 }) {
            0..5 => self.number(),
            5 => self.bar(),
            6 => self.function(),
            7 => self.exactly('p', 0),
            8..12 => self.row_of('a', inner),
            12 => self.set().0,
            13 => self.table(inner),
            14 | 15 => self.list('a', inner),
            16 => self.pin(inner),
            17 => self.partial(inner),
            18 => {
                let (zero, item) = (self.nat(0), self.any(inner));
                self.app(&zero, &[item])
            }
            19 => {
                let (set, values) = (self.set().0, self.any(inner));
                self.app(&set, &[values])
            }
            20 => self.short_row(inner),
            _ => {
                let (name, arity, body) = (self.below(3), 1 + self.below(3), self.number());
                self.law(name, arity, &body)
            }
        }
    }

    // Kinds of values.

    fn number(&mut self) -> Val {
        let one = Natural::from(1u32);
        let by = Natural::from(self.below(3));
        let number = match self.below(25) {
            0..14 => Natural::from(self.below(12)),
            14..17 => Natural::from(self.below(300)),
            17 => Natural::from(32 + self.below(40)),
            18 => Natural::from(48 + self.below(10)),
            // Around 2^63 and 2^64.
            19 => {
                (one << (63 + self.below(2))) + Natural::from(self.below(5)) - Natural::from(2u32)
            }
            20 => (one << (31 + self.below(3))) + by,
            21 => Natural::from(self.word()),
            22 => {
                let limbs = self.below(5);
                Natural::from_owned_limbs_asc((0..limbs).map(|_| self.word()).collect())
            }
            23 => {
                let limbs = 30 + self.below(70);
                Natural::from_owned_limbs_asc((0..limbs).map(|_| self.word()).collect())
            }
            _ => one << self.below(2000),
        };
        self.vm.natural(&number).expect("arguments are small")
    }

    fn bar(&mut self) -> Val {
        // Parts of long bars are views.
        let limit = if self.below(10) == 0 { 200 } else { 5 };
        let bytes: Vec<u8> =
            (0..self.below(limit)).map(|_| [0, 1, 2, 97, 98][self.below(5) as usize]).collect();
        self.vm.bar(&bytes).expect("arguments are small")
    }

    /// The lines of some fields and an empty line, as a bar. A few have an error.
    fn fields(&mut self) -> Val {
        const NAMES: &[&str] =
            &["Cookie", "COOKIE", "a", "A", "Content-Length", "x-0123456789abcdef"];
        const VALUES: &[&str] = &["", " ", "b", " b c\t ", "\tb,", "\u{e9}"];
        let count = if self.below(20) == 0 { 98 + self.below(5) } else { self.below(6) };
        let mut bytes = Vec::new();
        for _ in 0..count {
            let name = NAMES[self.below(NAMES.len() as u64) as usize];
            let value = VALUES[self.below(VALUES.len() as u64) as usize];
            bytes.extend([name, ":", value, "\r\n"].concat().bytes());
        }
        bytes.extend(b"\r\nbody");
        if self.below(4) == 0 {
            let at = self.below(bytes.len() as u64) as usize;
            bytes[at] = b"\r\n :a\0"[self.below(6) as usize];
        }
        self.vm.bar(&bytes).expect("arguments are small")
    }

    /// The seed of any value, as a bar.
    fn seed(&mut self, depth: u32) -> Val {
        let value = self.any(depth);
        let value = self.vm.force(&value).unwrap_or_else(|_| self.vm.nat(7));
        let bytes = plan::seed::save(self.vm, &value).expect("arguments are small");
        self.vm.bar(&bytes).expect("arguments are small")
    }

    fn function(&mut self) -> Val {
        match self.below(4) {
            0 => self.nat(0),
            1 => {
                let value = self.any(0);
                let one = self.nat(1);
                let constant = self.law(6, 2, &one);
                self.app(&constant, &[value])
            }
            _ => self.functions[self.below(self.functions.len() as u64) as usize].clone(),
        }
    }

    /// A function for `unfoldr`: it maps 0 to 0, and n + 1 to `(0 [n n])`.
    fn unfolder(&mut self) -> Val {
        // With most other functions `unfoldr` does not terminate.
        if self.below(50) == 0 {
            return self.function();
        }
        let (zero, one, two) = (self.nat(0), self.nat(1), self.nat(2));
        let mut item = one.clone();
        if self.below(4) == 0 {
            // This item crashes when it is evaluated.
            let op = self.nat(5);
            item = self.call_of(&op, &[item]);
        }
        let cow = self.law(0, 3, &zero);
        let mut pair = self.call_of(&cow, &[item, one.clone()]);
        if self.below(3) == 0 {
            // This pair is unevaluated.
            let identity = self.law(5, 1, &one);
            pair = self.call_of(&identity, &[pair]);
        }
        // Operation 4 makes a pin of the pair instead of an app.
        let operation = if self.below(16) == 0 { self.nat(4) } else { zero.clone() };
        let body = self.call_of(&operation, &[pair]);
        let step = self.law(11, 1, &body);
        self.app(&two, &[zero, step])
    }

    /// An expression for `_TryExp`: a value, which may be a function, or a row of expressions to
    /// apply.
    fn expression(&mut self, depth: u32) -> Val {
        let (tag, content) = match self.below(if depth == 0 { 2 } else { 5 }) {
            0 => ("VALUE", self.any(1)),
            1 => ("VALUE", self.function()),
            _ => ("APPLY", self.row_of('x', depth - 1)),
        };
        let tag = self.vm.text(tag).expect("arguments are small");
        self.row(&[tag, content])
    }

    /// The code in a law's body that calls a constant with these argument expressions.
    fn call_of(&mut self, constant: &Val, args: &[Val]) -> Val {
        let (zero, two) = (self.nat(0), self.nat(2));
        let quoted = self.app(&two, std::slice::from_ref(constant));
        args.iter().fold(quoted, |function, arg| self.app(&zero, &[function, arg.clone()]))
    }

    /// A key of a set: a nat, a bar or a pair of small nats. There are few, so that sets have keys
    /// in common.
    fn key(&mut self) -> Val {
        match self.below(10) {
            0..6 => {
                let nat = self.below(9);
                self.nat(nat)
            }
            6 => self.bar(),
            _ => {
                let items: Vec<Val> = (0..2)
                    .map(|_| {
                        let nat = self.below(3);
                        let nat = self.nat(nat);
                        self.maybe_delayed(nat)
                    })
                    .collect();
                self.row(&items)
            }
        }
    }

    /// A set, and its number of keys.
    fn set(&mut self) -> (Val, usize) {
        let count = self.below(7);
        let mut keys: Vec<Val> = Vec::new();
        for _ in 0..count {
            let key = self.key();
            // Keys that crash are left out.
            keys.extend(self.vm.force(&key));
        }
        let vm = &*self.vm;
        keys.sort_by(|a, b| vm.look(a).compare(vm.look(b)));
        keys.dedup_by(|a, b| vm.look(a).is_equal(vm.look(b)));
        let row = self.row(&keys);
        let row = self.vm.force(&row).expect("the keys are normal");
        (self.law(1, 2, &row), keys.len())
    }

    fn table(&mut self, depth: u32) -> Val {
        let (set, count) = self.set();
        let values: Vec<Val> = (0..count).map(|_| self.mostly('a', depth)).collect();
        let mut values = self.row(&values);
        if self.below(6) == 0 {
            values = self.delayed(values);
        }
        self.app(&set, &[values])
    }

    /// A text of some of these characters and, in a few cases, others.
    fn digits(&mut self, alphabet: &[u8]) -> Val {
        let any = self.below(8) == 0;
        let count = self.below(40);
        let bytes: Vec<u8> = (0..count)
            .map(|_| match self.below(20) {
                0 if any => self.below(256) as u8,
                _ => alphabet[self.below(alphabet.len() as u64) as usize],
            })
            .collect();
        let text = Natural::from_owned_limbs_asc(plan::limbs::of_bytes(&bytes));
        self.vm.natural(&text).expect("arguments are small")
    }

    /// A list with items of this kind.
    fn list(&mut self, kind: char, depth: u32) -> Val {
        let mut list = if self.below(10) == 0 { self.any(0) } else { self.nat(0) };
        for _ in 0..self.below(5) {
            let item = self.mostly(kind, depth);
            let cell = self.row(&[item, list]);
            list = self.maybe_delayed(cell);
        }
        list
    }

    /// Keys, many of them equal. A few crash or loop, and a few have parts that do.
    fn keys(&mut self) -> Vec<Val> {
        let count = self.below(12);
        let mut keys = Vec::new();
        for _ in 0..count {
            let key = self.key();
            keys.push(if self.below(8) == 0 { self.maybe_delayed(key) } else { key });
        }
        keys
    }

    fn ascending_row(&mut self) -> Val {
        let mut nats: Vec<u64> = (0..self.below(8)).map(|_| self.below(12)).collect();
        if self.below(6) > 0 {
            nats.sort_unstable();
        }
        let items: Vec<Val> = nats
            .into_iter()
            .map(|nat| {
                let nat = self.nat(nat);
                if self.below(5) == 0 { self.maybe_delayed(nat) } else { nat }
            })
            .collect();
        self.row(&items)
    }

    fn pin(&mut self, depth: u32) -> Val {
        let item = self.any(depth);
        self.pinned(item)
    }

    /// A pin of this value, or 7 if the value crashes.
    fn pinned(&mut self, value: Val) -> Val {
        self.vm.pin(&value).unwrap_or_else(|_| self.vm.nat(7))
    }

    /// A pin that contains pins, some of them twice.
    fn pin_of_pins(&mut self, depth: u32) -> Val {
        let body = self.nat(0);
        let law = self.law(7, 500, &body);
        let (first, second) = (self.row_of('i', depth), self.row_of('i', depth));
        let table = self.table(depth);
        let pins = self.app(&law, &[first.clone(), table, second, first]);
        self.pinned(pins)
    }

    /// The row of the pins in a pin. The pin's germ is kept for the next argument of kind `h`.
    fn pins_within(&mut self, depth: u32) -> Val {
        let pin = self.pin_of_pins(depth);
        match plan::seed::save_germ_as_law(self.vm, &pin) {
            Ok((pins, germ)) => {
                self.germ = germ;
                self.row(&pins)
            }
            // A part of the pin crashed, so it became something else.
            Err(_) => self.row(&[]),
        }
    }

    /// A partial application, with its arguments in one app or in nested apps.
    fn partial(&mut self, depth: u32) -> Val {
        let body = self.nat(0);
        let law = self.law(7, 500, &body);
        let args = self.items('a', 4, depth);
        if self.below(2) == 0 {
            return self.app(&law, &args);
        }
        args.into_iter().fold(law, |function, arg| self.app(&function, &[arg]))
    }

    /// The constructor of a row, applied to too few items.
    fn short_row(&mut self, depth: u32) -> Val {
        let (width, body) = (3 + self.below(4), self.nat(0));
        let constructor = self.law(0, width + 1, &body);
        let items = self.items('a', 3, depth);
        self.app(&constructor, &items)
    }
}

//! A harness that runs single jets: test values written as data, and the expected outcome of a
//! call.
//!
//! The harness ties each jet to a law of its own, whose body is the constant
//! [`TestValue::FromLaw`]: a jet that falls back to its law returns that constant.

use crate::declarations;
use plan::{EvalError, HeapOptions, Natural, Val, ValueBuilder};
use std::collections::HashMap;
use std::sync::Arc;
use vm::Vm;
use vm::jet::JetTable;

/// A value, or an unevaluated expression, written as data.
#[derive(Clone, Debug)]
pub(super) enum TestValue {
    /// A nat.
    N(u64),
    /// A large nat.
    Big(Natural),
    /// The nat with these bytes.
    Text(&'static str),
    /// A row.
    Row(Vec<TestValue>),
    /// A set; its keys must be ascending.
    Set(Vec<TestValue>),
    /// A table of ascending keys and their values.
    Tab(Vec<(TestValue, TestValue)>),
    /// A bar.
    Bar(&'static [u8]),
    /// The first part applied to the others, unevaluated.
    Apply(Vec<TestValue>),
    /// A law: name, arity, body.
    LawOf(u64, u64, Box<TestValue>),
    /// A pin.
    Pin(Box<TestValue>),
    /// The pin of the law that the jet of this name implements.
    Jet(&'static str),
    /// A thunk whose value this is.
    Lazy(Box<TestValue>),
    /// A thunk that crashes with this operation.
    Crash(u64),
    /// The result of every law of the harness, which shows that the jet fell back to its law.
    FromLaw,
}

pub(super) use TestValue::{Apply, Bar, Big, Crash, FromLaw, N, Row, Set, Tab, Text};

/// A thunk whose value is `value`.
pub(super) fn lazy(value: TestValue) -> TestValue {
    TestValue::Lazy(Box::new(value))
}

pub(super) fn pin(value: TestValue) -> TestValue {
    TestValue::Pin(Box::new(value))
}

/// A law that does not represent a bar, row, set or table: `{name 2 0}`.
pub(super) fn law() -> TestValue {
    TestValue::LawOf(77, 2, Box::new(N(0)))
}

/// An app of a law of arity 1000.
pub(super) fn app(args: Vec<TestValue>) -> TestValue {
    let mut parts = vec![TestValue::LawOf(78, 1000, Box::new(N(0)))];
    parts.extend(args);
    Apply(parts)
}

pub(super) fn nats(nats: impl IntoIterator<Item = u64>) -> Vec<TestValue> {
    nats.into_iter().map(N).collect()
}

/// 2 to the power of `exponent`.
pub(super) fn power(exponent: u64) -> Natural {
    Natural::from(1u32) << exponent
}

/// The expected outcome of a call.
#[derive(Clone, Debug)]
pub(super) enum ExpectedResult {
    Value(TestValue),
    Crash(u64),
    OutOfMemory,
}

impl From<TestValue> for ExpectedResult {
    fn from(value: TestValue) -> ExpectedResult {
        match value {
            Crash(op) => ExpectedResult::Crash(op),
            value => ExpectedResult::Value(value),
        }
    }
}

/// The result of every law of the harness.
const LAW_MARKER: u64 = 0x0077_616c_0077_616c;

pub(super) struct JetHarness {
    pub(super) vm: Vm,
    pins: HashMap<&'static str, Val>,
    identity: Val,
}

impl JetHarness {
    pub(super) fn new() -> JetHarness {
        JetHarness::unstressed(1 << 28)
    }

    /// A harness whose collector runs at every allocation.
    pub(super) fn stressed() -> JetHarness {
        JetHarness::with(HeapOptions {
            nursery: 1 << 16,
            max_heap: 1 << 28,
            max_stack: 1 << 26,
            stress: true,
        })
    }

    /// A harness whose evaluation stack has room for about 130,000 values.
    pub(super) fn with_small_stack() -> JetHarness {
        JetHarness::unstressed(1 << 20)
    }

    /// A harness with a heap of 6 MiB.
    pub(super) fn with_small_heap() -> JetHarness {
        JetHarness::with(HeapOptions {
            nursery: 1 << 16,
            max_heap: 6 << 20,
            max_stack: 1 << 28,
            stress: false,
        })
    }

    /// A harness whose collector runs only when the nursery is full, even if the environment asks
    /// for stress mode.
    fn unstressed(max_stack: usize) -> JetHarness {
        JetHarness::with(HeapOptions {
            max_heap: 1 << 30,
            max_stack,
            stress: false,
            ..HeapOptions::default()
        })
    }

    fn with(options: HeapOptions) -> JetHarness {
        let mut table = JetTable::new();
        let mut scratch = Vm::new(HeapOptions { stress: false, ..options.clone() }, Arc::default())
            .expect("a stack can be reserved");
        for jet in declarations() {
            let law = law_of(&mut scratch, jet.name, jet.demands.len());
            let hash = scratch.hash(&law).expect("a small law");
            table.add(*jet, &[hash]);
        }
        let mut vm = Vm::new(options, Arc::new(table)).expect("a stack can be reserved");
        let pins = declarations()
            .map(|jet| {
                let law = law_of(&mut vm, jet.name, jet.demands.len());
                (jet.name, vm.pin(&law).expect("a pin"))
            })
            .collect();
        let identity = vm.build(|b| push_law(b, 1, 1, |b| b.push_nat(1))).expect("a law");
        JetHarness { vm, pins, identity }
    }

    /// Builds a value; parts that `value` marks as thunks stay unevaluated.
    pub(super) fn make(&mut self, value: &TestValue) -> Val {
        let made = match value {
            N(nat) => Ok(self.vm.nat(*nat)),
            Big(nat) => self.vm.natural(nat),
            Text(text) => self.vm.text(text),
            Bar(bytes) => self.vm.bar(bytes),
            Row(items) => {
                let items = self.make_all(items);
                self.vm.row(&items)
            }
            Set(keys) => {
                let keys = self.make(&Row(keys.clone()));
                self.make_set(&keys)
            }
            Tab(entries) => {
                let (keys, values) = entries.iter().cloned().unzip();
                let (keys, values) = (self.make(&Set(keys)), self.make(&Row(values)));
                self.vm.build(|b| {
                    b.push(&keys);
                    b.push(&values);
                    b.tab()
                })
            }
            Apply(parts) => {
                let parts = self.make_all(parts);
                self.vm.app(&parts[0], &parts[1..])
            }
            TestValue::LawOf(name, arity, body) => {
                let body = self.make(body);
                let body = self.vm.force(&body).expect("a normal form");
                self.vm.build(|b| {
                    push_law(b, *name, *arity, |b| {
                        b.push(&body);
                        Ok(())
                    })
                })
            }
            TestValue::Pin(item) => {
                let item = self.make(item);
                self.vm.pin(&item)
            }
            TestValue::Jet(name) => Ok(self.pins[name].clone()),
            TestValue::Lazy(value) => {
                let value = self.make(value);
                self.vm.app(&self.identity.clone(), &[value])
            }
            Crash(op) => {
                let op = self.vm.nat(*op);
                self.vm.app(&op, std::slice::from_ref(&op))
            }
            FromLaw => Ok(self.vm.nat(LAW_MARKER)),
        };
        made.expect("a small value")
    }

    fn make_all(&mut self, values: &[TestValue]) -> Vec<Val> {
        values.iter().map(|value| self.make(value)).collect()
    }

    pub(super) fn make_set(&mut self, keys: &Val) -> Result<Val, EvalError> {
        let keys = self.vm.force(keys)?;
        self.vm.build(|b| {
            push_law(b, 1, 2, |b| {
                b.push(&keys);
                Ok(())
            })
        })
    }

    /// Calls a jet and evaluates the result to its outermost shape.
    pub(super) fn head(&mut self, jet: &'static str, args: &[TestValue]) -> Result<Val, EvalError> {
        let args = self.make_all(args);
        let pin = self.pins[jet].clone();
        self.vm.apply(&pin, &args)
    }

    /// Calls a jet on existing values and normalises the result.
    pub(super) fn call(&mut self, jet: &'static str, args: &[&Val]) -> Val {
        let args: Vec<Val> = args.iter().map(|arg| (*arg).clone()).collect();
        let pin = self.pins[jet].clone();
        let value = self.vm.apply(&pin, &args).expect("a value");
        self.vm.force(&value).expect("a normal form")
    }

    /// Calls a jet and checks the outcome.
    pub(super) fn check(
        &mut self,
        jet: &'static str,
        args: &[TestValue],
        expected: &ExpectedResult,
    ) {
        let result = self.head(jet, args).and_then(|value| self.vm.force(&value));
        let agrees = match (&result, expected) {
            (Ok(value), ExpectedResult::Value(expected)) => {
                let expected = self.make(expected);
                let expected = self.vm.force(&expected).expect("a value is expected");
                self.vm.look(value).is_equal(self.vm.look(&expected))
                    && self.vm.hash(value).ok() == self.vm.hash(&expected).ok()
            }
            (Err(EvalError::Crash { op, .. }), ExpectedResult::Crash(expected)) => {
                self.vm.look(op).as_u64() == Some(*expected)
            }
            (Err(EvalError::OutOfMemory), ExpectedResult::OutOfMemory) => true,
            _ => false,
        };
        let shown = result.map(|value| plan::plain::to_term(self.vm.look(&value)));
        assert!(agrees, "{jet} {args:?}\n returned {shown:?}\n expected {expected:?}");
    }
}

fn push_law(
    b: &mut ValueBuilder<'_>,
    name: u64,
    arity: u64,
    body: impl FnOnce(&mut ValueBuilder<'_>) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    b.push_nat(name)?;
    b.push_nat(arity)?;
    body(b)?;
    b.law()
}

fn law_of(vm: &mut Vm, name: &str, arity: usize) -> Val {
    vm.build(|b| {
        b.push_nat_bytes(name.as_bytes())?;
        b.push_nat(arity as u64)?;
        b.push_nat(LAW_MARKER)?;
        b.law()
    })
    .expect("a law")
}

/// A jet, its arguments, and the expected outcome.
pub(super) type JetCase = (&'static str, Vec<TestValue>, ExpectedResult);

/// Checks all cases twice: normally, and with a collection at every allocation.
pub(super) fn check_all(cases: &[JetCase]) {
    for mut harness in [JetHarness::new(), JetHarness::stressed()] {
        for (jet, args, expected) in cases {
            harness.check(jet, args, expected);
        }
    }
}

/// Checks cases, one per line: `jet arg, arg => result;`.
macro_rules! cases {
    ($($jet:literal $($arg:expr),+ => $result:expr;)*) => {
        $crate::tests::harness::check_all(&[$((
            $jet,
            vec![$($arg),+],
            $crate::tests::harness::ExpectedResult::from($result),
        )),*])
    };
}
pub(super) use cases;

//! Small PLAN programs, written as Rust expressions.

use plan::{Hash, HeapOptions, Val};
use runtime::RuntimeBuilder;
use vm::Vm;
use vm::jet::{ArgDemand, ControlForm, Jet, JetTable};

/// A PLAN value, or within a law, a part of the law's body.
#[derive(Clone)]
pub(crate) enum PlanExpr {
    Nat(u64),
    Text(&'static str),
    Bar(Vec<u8>),
    Row(Vec<PlanExpr>),
    /// Arity and body.
    Law(u64, Box<PlanExpr>),
    Pin(Box<PlanExpr>),
    Call(Box<PlanExpr>, Vec<PlanExpr>),
    /// In a body: the argument with this number, from 1; 0 is the law itself.
    Arg(u64),
}

pub(crate) fn law(arity: u64, body: PlanExpr) -> PlanExpr {
    PlanExpr::Law(arity, Box::new(body))
}

pub(crate) fn call(function: PlanExpr, args: impl IntoIterator<Item = PlanExpr>) -> PlanExpr {
    PlanExpr::Call(Box::new(function), args.into_iter().collect())
}

pub(crate) fn row(items: impl IntoIterator<Item = PlanExpr>) -> PlanExpr {
    PlanExpr::Row(items.into_iter().collect())
}

pub(crate) fn nat(nat: u64) -> PlanExpr {
    PlanExpr::Nat(nat)
}

pub(crate) fn arg(number: u64) -> PlanExpr {
    PlanExpr::Arg(number)
}

pub(crate) fn inc(x: PlanExpr) -> PlanExpr {
    call(nat(3), [x])
}

/// `zero` if `x` is 0, else `more` applied to `x - 1`.
pub(crate) fn case(x: PlanExpr, zero: PlanExpr, more: PlanExpr) -> PlanExpr {
    call(nat(2), [zero, more, x])
}

/// `then`, after showing `message`.
pub(crate) fn trace(message: PlanExpr, then: PlanExpr) -> PlanExpr {
    call(PlanExpr::Pin(Box::new(law(2, arg(2)))), [message, then])
}

/// The first item of a row: a row is an app, and the item is its argument.
pub(crate) fn first(x: PlanExpr) -> PlanExpr {
    let skip = |arity| law(arity, nat(0));
    call(nat(1), [skip(1), skip(3), law(2, arg(2)), skip(1), x])
}

/// The second item of a row: the argument of the function of the app.
pub(crate) fn second(x: PlanExpr) -> PlanExpr {
    let skip = |arity| law(arity, nat(0));
    first(call(nat(1), [skip(1), skip(3), law(2, arg(1)), skip(1), x]))
}

impl PlanExpr {
    /// Builds the value in the heap of `vm`.
    pub(crate) fn value(&self, vm: &mut Vm) -> Val {
        let made = self.make(vm, false);
        vm.force(&made).expect("it has a value")
    }

    fn make(&self, vm: &mut Vm, is_body: bool) -> Val {
        match self {
            PlanExpr::Arg(number) => vm.nat(*number),
            PlanExpr::Row(items) if is_body => {
                let cow = PlanExpr::Law(items.len() as u64 + 1, Box::new(PlanExpr::Arg(0)));
                call(cow, items.iter().rev().cloned()).make(vm, true)
            }
            PlanExpr::Call(function, args) if is_body => {
                let mut body = function.make(vm, true);
                for arg in args {
                    let arg = arg.make(vm, true);
                    body = vm.application(&body, &arg);
                }
                body
            }
            PlanExpr::Call(function, args) => {
                let function = function.make(vm, false);
                let args: Vec<Val> = args.iter().map(|arg| arg.make(vm, false)).collect();
                vm.app(&function, &args).expect("room")
            }
            constant => {
                let value = constant.constant(vm);
                if is_body { vm.quoted(&value) } else { value }
            }
        }
    }

    fn constant(&self, vm: &mut Vm) -> Val {
        match self {
            PlanExpr::Nat(nat) => vm.nat(*nat),
            PlanExpr::Text(text) => vm.text(text).expect("room"),
            PlanExpr::Bar(bytes) => vm.bar(bytes).expect("room"),
            PlanExpr::Row(items) => {
                let items: Vec<Val> = items.iter().map(|item| item.make(vm, false)).collect();
                vm.row(&items).expect("room")
            }
            PlanExpr::Law(arity, body) => {
                let (zero, arity) = (vm.nat(0), vm.nat(*arity));
                let body = body.make(vm, true);
                let made = vm.app(&zero, &[zero.clone(), arity, body]).expect("room");
                vm.force(&made).expect("a law")
            }
            PlanExpr::Pin(item) => {
                let item = item.make(vm, false);
                vm.pin(&item).expect("a pin")
            }
            PlanExpr::Arg(_) | PlanExpr::Call(..) => unreachable!("handled in `make`"),
        }
    }
}

/// Builds the parts of a law's body.
trait BodyBuilder {
    fn application(&mut self, function: &Val, arg: &Val) -> Val;
    fn quoted(&mut self, value: &Val) -> Val;
}

impl BodyBuilder for Vm {
    fn application(&mut self, function: &Val, arg: &Val) -> Val {
        let zero = self.nat(0);
        self.app(&zero, &[function.clone(), arg.clone()]).expect("room")
    }

    fn quoted(&mut self, value: &Val) -> Val {
        let two = self.nat(2);
        self.app(&two, std::slice::from_ref(value)).expect("room")
    }
}

/// A table with the jet that makes [`trace`] show its message.
pub(crate) fn jets() -> JetTable {
    let mut vm = RuntimeBuilder::bare().heap(options()).build().expect("a small heap");
    let law = law(2, arg(2)).value(&mut vm);
    let hash: Hash = vm.hash(&law).expect("a small law");
    let mut jets = JetTable::new();
    jets.add(
        Jet::control("trk", &[ArgDemand::Normal, ArgDemand::Lazy], ControlForm::Trace),
        &[hash],
    );
    jets
}

/// The options of a small heap.
pub(crate) fn options() -> HeapOptions {
    HeapOptions {
        nursery: 1 << 16,
        max_heap: 1 << 28,
        max_stack: 1 << 24,
        ..HeapOptions::default()
    }
}

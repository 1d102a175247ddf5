//! Small PLAN programs, written as Rust expressions.

use vm::jet::{Control, Demand, Jet, JetTable};
use vm::{Hash, Options, Val, Vm};

/// A PLAN value, or the body of a law when it stands in one.
#[derive(Clone)]
pub(crate) enum P {
    Nat(u64),
    Text(&'static str),
    Bar(Vec<u8>),
    Row(Vec<P>),
    /// Arity and body.
    Law(u64, Box<P>),
    Pin(Box<P>),
    Call(Box<P>, Vec<P>),
    /// In a body: the argument of that number, from 1; 0 is the law itself.
    Arg(u64),
}

pub(crate) fn law(arity: u64, body: P) -> P {
    P::Law(arity, Box::new(body))
}

pub(crate) fn call(function: P, args: impl IntoIterator<Item = P>) -> P {
    P::Call(Box::new(function), args.into_iter().collect())
}

pub(crate) fn row(items: impl IntoIterator<Item = P>) -> P {
    P::Row(items.into_iter().collect())
}

pub(crate) fn nat(nat: u64) -> P {
    P::Nat(nat)
}

pub(crate) fn arg(number: u64) -> P {
    P::Arg(number)
}

pub(crate) fn inc(x: P) -> P {
    call(nat(3), [x])
}

/// `zero` if `x` is 0, else `more` of one less.
pub(crate) fn case(x: P, zero: P, more: P) -> P {
    call(nat(2), [zero, more, x])
}

/// `then`, after showing `message`.
pub(crate) fn trace(message: P, then: P) -> P {
    call(P::Pin(Box::new(law(2, arg(2)))), [message, then])
}

/// The first item of a row: of the app that it is, the argument.
pub(crate) fn first(x: P) -> P {
    let skip = |arity| law(arity, nat(0));
    call(nat(1), [skip(1), skip(3), law(2, arg(2)), skip(1), x])
}

/// The second item of a row: of the app that it is, the function's argument.
pub(crate) fn second(x: P) -> P {
    let skip = |arity| law(arity, nat(0));
    first(call(nat(1), [skip(1), skip(3), law(2, arg(1)), skip(1), x]))
}

impl P {
    /// The value in a heap.
    pub(crate) fn value(&self, vm: &mut Vm) -> Val {
        let made = self.make(vm, false);
        vm.force(&made).expect("it has a value")
    }

    fn make(&self, vm: &mut Vm, is_body: bool) -> Val {
        match self {
            P::Arg(number) => vm.nat(*number),
            P::Row(items) if is_body => {
                let cow = P::Law(items.len() as u64 + 1, Box::new(P::Arg(0)));
                call(cow, items.iter().rev().cloned()).make(vm, true)
            }
            P::Call(function, args) if is_body => {
                let mut body = function.make(vm, true);
                for arg in args {
                    let arg = arg.make(vm, true);
                    body = vm.row_of_call(&body, &arg);
                }
                body
            }
            P::Call(function, args) => {
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
            P::Nat(nat) => vm.nat(*nat),
            P::Text(text) => vm.text(text).expect("room"),
            P::Bar(bytes) => vm.bar(bytes).expect("room"),
            P::Row(items) => {
                let items: Vec<Val> = items.iter().map(|item| item.make(vm, false)).collect();
                vm.row(&items).expect("room")
            }
            P::Law(arity, body) => {
                let (zero, arity) = (vm.nat(0), vm.nat(*arity));
                let body = body.make(vm, true);
                let made = vm.app(&zero, &[zero.clone(), arity, body]).expect("room");
                vm.force(&made).expect("a law")
            }
            P::Pin(item) => {
                let item = item.make(vm, false);
                vm.pin(&item).expect("a pin")
            }
            P::Arg(_) | P::Call(..) => unreachable!("made elsewhere"),
        }
    }
}

/// The parts of a law's body.
trait Bodies {
    fn row_of_call(&mut self, function: &Val, arg: &Val) -> Val;
    fn quoted(&mut self, value: &Val) -> Val;
}

impl Bodies for Vm {
    fn row_of_call(&mut self, function: &Val, arg: &Val) -> Val {
        let zero = self.nat(0);
        self.app(&zero, &[function.clone(), arg.clone()]).expect("room")
    }

    fn quoted(&mut self, value: &Val) -> Val {
        let two = self.nat(2);
        self.app(&two, std::slice::from_ref(value)).expect("room")
    }
}

/// The jet that makes [`trace`] show its message.
pub(crate) fn jets() -> JetTable {
    let mut vm = Vm::new(options(), Default::default()).expect("a small heap can be had");
    let law = law(2, arg(2)).value(&mut vm);
    let hash: Hash = vm.hash(&law).expect("a small law");
    let mut jets = JetTable::new();
    jets.add(Jet::control("trk", &[Demand::Normal, Demand::Lazy], Control::Trace), &[hash]);
    jets
}

/// A small heap.
pub(crate) fn options() -> Options {
    Options { nursery: 1 << 16, max_heap: 1 << 28, max_stack: 1 << 24, ..Options::default() }
}

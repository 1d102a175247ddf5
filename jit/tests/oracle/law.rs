//! PLAN's rules for laws and operations outside the unit.

use super::{OracleFailure, OracleMachine, OracleRun, OracleValue, ValueState, new};
use jit::ir::FunctionId;
use plan::Natural;

impl OracleMachine<'_> {
    /// The arity of an evaluated value.
    pub(super) fn arity(&self, value: &OracleValue) -> Natural {
        match &*value.borrow() {
            ValueState::App(f, _) => self.arity(f) - Natural::from(1u32),
            ValueState::Pin(item, _) => self.arity(item),
            ValueState::Law { arity, .. } => arity.clone(),
            ValueState::Same(other) => self.arity(other),
            ValueState::Nat(n) if *n == 1u32 => Natural::from(5u32),
            ValueState::Nat(n) if *n == 0u32 || *n == 2u32 => Natural::from(3u32),
            _ => Natural::from(1u32),
        }
    }

    /// Applies an evaluated function that lacks one argument to that argument.
    pub(super) fn enter(
        &mut self,
        function: &OracleValue,
        last: OracleValue,
    ) -> OracleRun<OracleValue> {
        let mut args = vec![last];
        let mut head = function.clone();
        let mut own = None;
        loop {
            let node = head.borrow().clone();
            head = match node {
                ValueState::App(f, x) => {
                    args.push(x);
                    f
                }
                ValueState::Same(other) => other,
                ValueState::Pin(item, entry) => {
                    // Reference 0 of a pinned law is the pin.
                    let is_law = matches!(resolved(&item), ValueState::Law { .. });
                    own = is_law.then(|| (head.clone(), entry));
                    item
                }
                ValueState::Law { arity, body, entry, .. } => {
                    args.reverse();
                    let arity = usize::try_from(&arity).map_err(|_| OracleFailure::OutOfFuel)?;
                    assert_eq!(arity, args.len());
                    let (own, entry) = own.unwrap_or((head, entry));
                    return self.law(own, entry, args, body);
                }
                ValueState::Nat(op) => {
                    args.reverse();
                    return self.operation(&op, args);
                }
                ValueState::Thunk(..) | ValueState::Hole => unreachable!("a function is evaluated"),
            };
        }
    }

    fn law(
        &mut self,
        own: OracleValue,
        entry: Option<FunctionId>,
        mut args: Vec<OracleValue>,
        mut body: OracleValue,
    ) -> OracleRun<OracleValue> {
        if let Some(entry) = entry {
            return Ok(self.function(entry, args)?.remove(0));
        }
        args.insert(0, own);
        let mut values = Vec::new();
        while let Some((value, rest)) = binding(&body, 1) {
            values.push(value);
            args.push(new(ValueState::Hole));
            body = rest;
        }
        let first = args.len() - values.len();
        for (i, value) in values.iter().enumerate() {
            let made = build(value, &args);
            if !std::rc::Rc::ptr_eq(&made, &args[first + i]) {
                *args[first + i].borrow_mut() = ValueState::Same(made);
            }
        }
        Ok(build(&body, &args))
    }

    fn operation(&mut self, op: &Natural, args: Vec<OracleValue>) -> OracleRun<OracleValue> {
        let mut nat = |value: &OracleValue| -> OracleRun<Natural> {
            let value = self.whnf(value)?;
            Ok(self.nat_of(&value))
        };
        Ok(match u64::try_from(op) {
            Ok(0) => {
                let arity = nat(&args[1])?;
                if arity == 0u32 {
                    return Err(OracleFailure::Crash);
                }
                let name = nat(&args[0])?;
                self.normal(&args[2])?;
                new(ValueState::Law { name, arity, body: args[2].clone(), entry: None })
            }
            Ok(1) => {
                let value = self.whnf(&args[4])?;
                let node = value.borrow().clone();
                let (function, parts) = match node {
                    ValueState::Pin(item, _) => (0, vec![item]),
                    ValueState::Law { name, arity, body, .. } => {
                        (1, vec![new(ValueState::Nat(name)), new(ValueState::Nat(arity)), body])
                    }
                    ValueState::App(f, x) => (2, vec![f, x]),
                    _ => (3, vec![value]),
                };
                super::apply(args[function].clone(), parts)
            }
            Ok(2) => match nat(&args[2])? {
                n if n == 0u32 => args[0].clone(),
                n => {
                    let less = new(ValueState::Nat(n - Natural::from(1u32)));
                    super::apply(args[1].clone(), vec![less])
                }
            },
            Ok(3) => new(ValueState::Nat(nat(&args[0])? + Natural::from(1u32))),
            Ok(4) => {
                self.normal(&args[0])?;
                new(ValueState::Pin(args[0].clone(), None))
            }
            _ => {
                self.normal(&args[0])?;
                return Err(OracleFailure::Crash);
            }
        })
    }
}

/// The parts `a` and `b` of `(tag a b)`.
fn binding(body: &OracleValue, tag: u32) -> Option<(OracleValue, OracleValue)> {
    let ValueState::App(f, rest) = resolved(body) else { return None };
    let ValueState::App(g, value) = resolved(&f) else { return None };
    matches!(resolved(&g), ValueState::Nat(n) if n == tag).then_some((value, rest))
}

fn resolved(value: &OracleValue) -> ValueState {
    match &*value.borrow() {
        ValueState::Same(other) => resolved(other),
        node => node.clone(),
    }
}

/// The value of an expression in a law's body; `slots` are the values of the references.
fn build(node: &OracleValue, slots: &[OracleValue]) -> OracleValue {
    match resolved(node) {
        ValueState::Nat(n) => match usize::try_from(&n) {
            Ok(n) if n < slots.len() => slots[n].clone(),
            _ => node.clone(),
        },
        ValueState::App(f, x) => match binding(node, 0) {
            Some((f, x)) => new(ValueState::App(build(&f, slots), build(&x, slots))),
            None if matches!(resolved(&f), ValueState::Nat(n) if n == 2u32) => x,
            None => node.clone(),
        },
        _ => node.clone(),
    }
}

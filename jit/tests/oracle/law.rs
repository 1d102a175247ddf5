//! PLAN's own rules, for what is not compiled.

use super::{Machine, Node, Run, Stop, Value, new};
use jit::ir::FunctionId;
use vm::Natural;

impl Machine<'_> {
    /// How many arguments an evaluated value takes.
    pub(super) fn arity(&self, value: &Value) -> Natural {
        match &*value.borrow() {
            Node::App(f, _) => self.arity(f) - Natural::from(1u32),
            Node::Pin(item, _) => self.arity(item),
            Node::Law { arity, .. } => arity.clone(),
            Node::Same(other) => self.arity(other),
            Node::Nat(n) if *n == 1u32 => Natural::from(5u32),
            Node::Nat(n) if *n == 0u32 || *n == 2u32 => Natural::from(3u32),
            _ => Natural::from(1u32),
        }
    }

    /// Runs an evaluated function that lacks one argument, with it.
    pub(super) fn enter(&mut self, function: &Value, last: Value) -> Run<Value> {
        let mut args = vec![last];
        let mut head = function.clone();
        let mut own = None;
        loop {
            let node = head.borrow().clone();
            head = match node {
                Node::App(f, x) => {
                    args.push(x);
                    f
                }
                Node::Same(other) => other,
                Node::Pin(item, entry) => {
                    // A law runs with the pin right around it as itself.
                    let is_law = matches!(resolved(&item), Node::Law { .. });
                    own = is_law.then(|| (head.clone(), entry));
                    item
                }
                Node::Law { arity, body, entry, .. } => {
                    args.reverse();
                    let arity = usize::try_from(&arity).map_err(|_| Stop::Fuel)?;
                    assert_eq!(arity, args.len());
                    let (own, entry) = own.unwrap_or((head, entry));
                    return self.law(own, entry, args, body);
                }
                Node::Nat(op) => {
                    args.reverse();
                    return self.operation(&op, args);
                }
                Node::Thunk(..) | Node::Hole => unreachable!("a function is evaluated"),
            };
        }
    }

    fn law(
        &mut self,
        own: Value,
        entry: Option<FunctionId>,
        mut args: Vec<Value>,
        mut body: Value,
    ) -> Run<Value> {
        if let Some(entry) = entry {
            return Ok(self.function(entry, args)?.remove(0));
        }
        args.insert(0, own);
        let mut values = Vec::new();
        while let Some((value, rest)) = binding(&body, 1) {
            values.push(value);
            args.push(new(Node::Hole));
            body = rest;
        }
        let first = args.len() - values.len();
        for (i, value) in values.iter().enumerate() {
            let made = build(value, &args);
            if !std::rc::Rc::ptr_eq(&made, &args[first + i]) {
                *args[first + i].borrow_mut() = Node::Same(made);
            }
        }
        Ok(build(&body, &args))
    }

    fn operation(&mut self, op: &Natural, args: Vec<Value>) -> Run<Value> {
        let mut nat = |value: &Value| -> Run<Natural> {
            let value = self.whnf(value)?;
            Ok(self.nat_of(&value))
        };
        Ok(match u64::try_from(op) {
            Ok(0) => {
                let arity = nat(&args[1])?;
                if arity == 0u32 {
                    return Err(Stop::Crash);
                }
                let name = nat(&args[0])?;
                self.normal(&args[2])?;
                new(Node::Law { name, arity, body: args[2].clone(), entry: None })
            }
            Ok(1) => {
                let value = self.whnf(&args[4])?;
                let node = value.borrow().clone();
                let (function, parts) = match node {
                    Node::Pin(item, _) => (0, vec![item]),
                    Node::Law { name, arity, body, .. } => {
                        (1, vec![new(Node::Nat(name)), new(Node::Nat(arity)), body])
                    }
                    Node::App(f, x) => (2, vec![f, x]),
                    _ => (3, vec![value]),
                };
                super::apply(args[function].clone(), parts)
            }
            Ok(2) => match nat(&args[2])? {
                n if n == 0u32 => args[0].clone(),
                n => {
                    let less = new(Node::Nat(n - Natural::from(1u32)));
                    super::apply(args[1].clone(), vec![less])
                }
            },
            Ok(3) => new(Node::Nat(nat(&args[0])? + Natural::from(1u32))),
            Ok(4) => {
                self.normal(&args[0])?;
                new(Node::Pin(args[0].clone(), None))
            }
            _ => {
                self.normal(&args[0])?;
                return Err(Stop::Crash);
            }
        })
    }
}

/// The parts of `(tag a b)`.
fn binding(body: &Value, tag: u32) -> Option<(Value, Value)> {
    let Node::App(f, rest) = resolved(body) else { return None };
    let Node::App(g, value) = resolved(&f) else { return None };
    matches!(resolved(&g), Node::Nat(n) if n == tag).then_some((value, rest))
}

fn resolved(value: &Value) -> Node {
    match &*value.borrow() {
        Node::Same(other) => resolved(other),
        node => node.clone(),
    }
}

/// What an expression of a law's body stands for.
fn build(node: &Value, slots: &[Value]) -> Value {
    match resolved(node) {
        Node::Nat(n) => match usize::try_from(&n) {
            Ok(n) if n < slots.len() => slots[n].clone(),
            _ => node.clone(),
        },
        Node::App(f, x) => match binding(node, 0) {
            Some((f, x)) => new(Node::App(build(&f, slots), build(&x, slots))),
            None if matches!(resolved(&f), Node::Nat(n) if n == 2u32) => x,
            None => node.clone(),
        },
        _ => node.clone(),
    }
}

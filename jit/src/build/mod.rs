//! From a law's body to IR, naively: what the interpreter would do, spelt out.
//!
//! The body's outermost expression is lowered to be evaluated (*strictly*), arguments to be passed on
//! (*lazily*): references and constants as they are, applications that lack arguments as values,
//! others as thunks. Where the function is a constant whose need of an argument is known (an
//! operation, a jet), that is lowered strictly in place. Laws that are called with as many arguments
//! as they take become part of the unit, up to some number and size.
//!
//! ```text
//! body    what a body says
//! known   what jets mean
//! arithmetic  jets that are operations on nats
//! strict  expressions to be evaluated now
//! lazy    expressions to be passed on
//! ```
//!
//! Bodies come from outside and may be deep. Spines and lets are walked in loops, lazy expressions
//! are lowered one after the other from a list, and strict nesting beyond [`STRICT_LIMIT`] becomes
//! lazy; so nothing here recurses further than that.

mod arithmetic;
mod body;
mod known;
mod lazy;
mod strict;

pub(crate) use arithmetic::Arithmetic;
pub use known::Jets;

use crate::ir::{
    BlockId, Callee, Constant, ConstantId, DEPTH_LIMIT, End, Function, FunctionId, Kind, Op,
    Operand, Role, Stmt, Type, Unit, Var,
};
use crate::passes::{CAPTURES, Expected, called_by_law};
use body::{Form, form};
use vm::{Ref, Shape, Val, Vm};

/// Strict expressions nested deeper than this are evaluated through thunks.
const STRICT_LIMIT: usize = 40;
/// A law with more nodes than this is not compiled.
const LAW_LIMIT: usize = 20_000;
/// A law with more lets than this is not compiled.
const LETS_LIMIT: usize = 250;
/// No law with more nodes than this becomes part of another's unit because that calls it.
const CALLEE_LIMIT: usize = 400;
/// Nor with more than this because it passes it on: then some known function may come to call it.
const PASSED_LIMIT: usize = 100;
/// No unit has more laws than this.
const LAWS_LIMIT: usize = 48;
/// A law with more parameters than this is not compiled.
pub(crate) const ARITY_LIMIT: u64 = 32;

/// A unit, and the values of its constants.
pub struct Built {
    /// The unit.
    pub unit: Unit,
    /// For each constant its value.
    pub values: Vec<Val>,
    /// The functions among its arguments that the law calls.
    pub(crate) expected: Vec<Expected>,
}

/// Why a law is not compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not a law, or pin of a law, that has code.
    #[error("not a law with code")]
    NoLaw,
    /// It takes too many arguments, or its body is too large or too deep.
    #[error("the law is too large to be compiled")]
    TooLarge,
}

/// Builds the unit of a law, or of a pin around one.
///
/// # Errors
/// If it is none, or has no unit for its size.
pub fn build(vm: &Vm, law: Ref<'_>, jets: &Jets) -> Result<Built, Refused> {
    build_for(vm, law, &[], jets)
}

/// Builds the unit of a law that is called with these arguments.
///
/// # Errors
/// As for [`build`].
pub(crate) fn build_for<'h>(
    vm: &'h Vm,
    law: Ref<'h>,
    args: &[Ref<'h>],
    jets: &Jets,
) -> Result<Built, Refused> {
    let mut linker =
        Linker { jets, unit: Unit::default(), refs: Vec::new(), queue: Vec::new(), laws: 0 };
    let root = linker.constant_id(law);
    if linker.unit.constants[root.index()].arity > ARITY_LIMIT {
        return Err(Refused::TooLarge);
    }
    linker.admit(root, LAW_LIMIT).ok_or_else(|| match law_of(law) {
        Some(_) => Refused::TooLarge,
        None => Refused::NoLaw,
    })?;
    linker.lower_all()?;
    let expected = linker.expected(args);
    linker.lower_all()?;
    let values = linker.refs.iter().map(|value| vm.hold(*value)).collect();
    Ok(Built { unit: linker.unit, values, expected })
}

/// The law that a law, or a pin of one, runs: its arity and body.
fn law_of(value: Ref<'_>) -> Option<(u64, Ref<'_>)> {
    let law = match value.shape() {
        Shape::Law(law) => law,
        Shape::Pin(pin) => match pin.item().shape() {
            Shape::Law(law) => law,
            _ => return None,
        },
        _ => return None,
    };
    Some((law.arity().to_u64()?, law.body()))
}

/// The law or pin that an app applies, and its arguments, if they are few.
fn application(value: Ref<'_>) -> Option<(Ref<'_>, Vec<Ref<'_>>)> {
    let Shape::App(app) = value.shape() else { return None };
    let is_function = matches!(app.head().shape(), Shape::Law(_) | Shape::Pin(_));
    (is_function && app.len() < ARITY_LIMIT as usize).then(|| (app.head(), app.args().collect()))
}

/// What all laws of a unit share while it is built.
struct Linker<'h> {
    jets: &'h Jets,
    unit: Unit,
    /// The values of the constants.
    refs: Vec<Ref<'h>>,
    /// Laws with an entry that is still to be written.
    queue: Vec<ConstantId>,
    laws: usize,
}

impl<'h> Linker<'h> {
    fn constant(&mut self, value: Ref<'h>) -> Operand {
        match value.as_u64() {
            Some(nat) if nat < 1 << 63 => Operand::Small(nat),
            _ => {
                let id = self.constant_id(value);
                let of = self.unit.constants[id.index()].of.as_ref().map(|(law, _)| *law);
                for law in [id].into_iter().chain(of) {
                    if self.unit.constants[law.index()].jet.is_none() {
                        self.admit(law, PASSED_LIMIT);
                    }
                }
                Operand::Constant(id)
            }
        }
    }

    fn constant_id(&mut self, value: Ref<'h>) -> ConstantId {
        let (id, is_new) = self.number(value);
        if is_new && let Some((function, args)) = application(value) {
            // What it is made of is not taken apart in turn: values may be deep.
            let function = self.number(function).0;
            let args = args.into_iter().map(|arg| match arg.as_u64() {
                Some(nat) if nat < 1 << 63 => Operand::Small(nat),
                _ => Operand::Constant(self.number(arg).0),
            });
            let of = Some((function, args.collect()));
            self.unit.constants[id.index()].of = of;
        }
        id
    }

    /// The number of a constant, and whether it is a new one.
    fn number(&mut self, value: Ref<'h>) -> (ConstantId, bool) {
        let same = |other: &Ref<'h>| other.is_same(value);
        let known = self.refs.iter().position(same);
        let number = known.unwrap_or_else(|| {
            self.refs.push(value);
            self.unit.constants.push(self.describe(value));
            self.refs.len() - 1
        });
        (ConstantId(number as u32), known.is_none())
    }

    fn describe(&self, value: Ref<'_>) -> Constant {
        let law_name = |value: Ref<'_>| match value.shape() {
            Shape::Law(law) => law.name().text(),
            _ => None,
        };
        let (kind, name) = match value.shape() {
            Shape::Nat(_) => (Kind::Nat, None),
            Shape::Pin(pin) => (Kind::Pin, law_name(pin.item())),
            Shape::Law(_) | Shape::Bar(_) | Shape::Set(_) | Shape::Cow(_) => {
                (Kind::Law, law_name(value))
            }
            Shape::App(_) | Shape::Row(_) | Shape::Tab(..) | Shape::Thunk => (Kind::App, None),
        };
        let jet = match value.shape() {
            Shape::Pin(pin) => self.jets.find(pin).map(known::twin),
            _ => None,
        };
        Constant {
            name: name.unwrap_or_default(),
            kind,
            arity: value.arity().unwrap_or(0),
            jet,
            worker: None,
            entry: None,
            of: None,
        }
    }

    /// The entry of a constant that is a law small enough to be part of the unit.
    fn admit(&mut self, id: ConstantId, limit: usize) -> Option<FunctionId> {
        if let Some(entry) = self.unit.constants[id.index()].entry {
            return Some(entry);
        }
        let (arity, body) = law_of(self.refs[id.index()])?;
        body::references(body, 0, limit)?;
        let (lets, _) = body::split(body);
        if self.laws == LAWS_LIMIT || arity > ARITY_LIMIT || lets.len() > LETS_LIMIT {
            return None;
        }
        self.laws += 1;
        let entry = self.new_function(Role::General);
        self.unit.constants[id.index()].entry = Some(entry);
        self.queue.push(id);
        Some(entry)
    }

    /// Writes the laws that have an entry, and those that they call.
    fn lower_all(&mut self) -> Result<(), Refused> {
        while let Some(law) = self.queue.pop() {
            lower_law(self, law)?;
        }
        Ok(())
    }

    /// Which of its arguments the law calls, as far as they are functions and so are worth expecting
    /// again.
    fn expected(&mut self, args: &[Ref<'h>]) -> Vec<Expected> {
        let called = called_by_law(&self.unit);
        let mut expected = Vec::new();
        for (param, (arg, _)) in args.iter().zip(called).enumerate().filter(|(_, arg)| arg.1) {
            let (function, given) = match arg.shape() {
                Shape::Law(_) | Shape::Pin(_) => (*arg, 0),
                Shape::App(app) if app.len() <= CAPTURES => (app.head(), app.len()),
                _ => continue,
            };
            let is_function = matches!(function.shape(), Shape::Law(_) | Shape::Pin(_));
            if is_function && let Operand::Constant(k) = self.constant(function) {
                expected.push((param, k, given));
            }
        }
        expected
    }

    fn new_function(&mut self, role: Role) -> FunctionId {
        self.unit.functions.push(Function::new(role));
        FunctionId(self.unit.functions.len() as u32 - 1)
    }
}

/// What references mean in the code being written: sorted by reference.
type Scope = Vec<(u64, Operand)>;

/// A lazy expression that has a function, which is still to be written.
struct Pending<'h> {
    function: FunctionId,
    node: Ref<'h>,
    scope: Scope,
    params: usize,
}

/// Writes the functions of one law.
struct Lower<'l, 'h> {
    linker: &'l mut Linker<'h>,
    /// The largest reference.
    last: u64,
    function: Function,
    /// Where the next statement goes.
    block: BlockId,
    depth: usize,
    deepest: usize,
    nesting: usize,
    scope: Scope,
    /// The knot of lets being tied, if one is: new values are part of it.
    knot: Option<Vec<(Var, Op)>>,
    pending: Vec<Pending<'h>>,
}

/// An expression, or a value that is there already.
#[derive(Clone, Copy)]
enum Expr<'h> {
    Node(Ref<'h>),
    /// A value that is part of a constant.
    Value(Ref<'h>),
    Done(Operand),
}

/// A function and its arguments.
struct Spine<'h> {
    head: Expr<'h>,
    args: Vec<Expr<'h>>,
}

fn lower_law(linker: &mut Linker<'_>, id: ConstantId) -> Result<(), Refused> {
    let (arity, body) = law_of(linker.refs[id.index()]).ok_or(Refused::NoLaw)?;
    let entry = linker.unit.constants[id.index()].entry.ok_or(Refused::NoLaw)?;
    let (lets, body) = body::split(body);
    let mut lower = Lower {
        linker,
        last: arity + lets.len() as u64,
        function: Function::new(Role::General),
        block: BlockId(0),
        depth: 0,
        deepest: 0,
        nesting: 0,
        scope: vec![(0, Operand::Constant(id))],
        knot: None,
        pending: Vec::new(),
    };
    for reference in 1..=arity {
        let param = lower.function.var(Type::Any);
        lower.function.params.push(param);
        lower.scope.push((reference, param.into()));
    }
    lower.lets(arity, &lets, body);
    lower.tail(body);
    lower.finish_function(entry, Role::General);
    while let Some(pending) = lower.pending.pop() {
        lower.scope = pending.scope;
        lower.function.params = (0..pending.params as u32).map(Var).collect();
        lower.function.vars = vec![Type::Any; pending.params];
        lower.tail(pending.node);
        lower.finish_function(pending.function, Role::Thunk);
    }
    if lower.deepest > DEPTH_LIMIT { Err(Refused::TooLarge) } else { Ok(()) }
}

impl<'h> Lower<'_, 'h> {
    /// Puts the function that was written in its place, and starts another.
    fn finish_function(&mut self, id: FunctionId, role: Role) {
        let mut function = std::mem::replace(&mut self.function, Function::new(Role::Thunk));
        function.role = role;
        self.linker.unit.functions[id.index()] = function;
        self.block = BlockId(0);
        self.depth = 0;
        self.nesting = 0;
    }

    // Emitting.

    fn emit(&mut self, ty: Type, op: Op) -> Operand {
        let var = self.function.var(ty);
        self.emit_to(var, op);
        var.into()
    }

    fn emit_to(&mut self, var: Var, op: Op) {
        match &mut self.knot {
            Some(knot) => knot.push((var, op)),
            None => self.stmt(Stmt::Let(vec![var], op)),
        }
    }

    fn stmt(&mut self, stmt: Stmt) {
        self.function.blocks[self.block.index()].stmts.push(stmt);
    }

    fn end(&mut self, end: End) {
        self.function.blocks[self.block.index()].end = end;
    }

    /// The type of an operand.
    fn type_of(&self, operand: Operand) -> Type {
        self.linker.unit.type_of(&self.function, operand).unwrap_or(Type::Any)
    }

    // References.

    fn place(&self, reference: u64) -> Operand {
        match self.scope.binary_search_by_key(&reference, |(r, _)| *r) {
            Ok(found) => self.scope[found].1,
            Err(_) => unreachable!("reference {reference} is not in scope"),
        }
    }

    fn bind(&mut self, reference: u64, operand: Operand) {
        match self.scope.binary_search_by_key(&reference, |(r, _)| *r) {
            Ok(found) => self.scope[found].1 = operand,
            Err(at) => self.scope.insert(at, (reference, operand)),
        }
    }

    // Lets.

    /// Makes what the lets bind that is needed.
    fn lets(&mut self, arity: u64, values: &[Ref<'h>], body: Ref<'h>) {
        let needs_of = |node: Ref<'h>| -> Vec<usize> {
            let found = body::references(node, self.last, usize::MAX).unwrap_or_default();
            found.into_iter().filter(|r| *r > arity).map(|r| (r - arity - 1) as usize).collect()
        };
        let needs: Vec<Vec<usize>> = values.iter().map(|value| needs_of(*value)).collect();
        for group in body::order(&needs, &needs_of(body)) {
            match group[..] {
                [index] if !needs[index].contains(&index) => {
                    let operand = self.lazy(Expr::Node(values[index]));
                    self.bind(arity + 1 + index as u64, operand);
                }
                _ => self.knot(arity, values, &group),
            }
        }
    }

    /// Lets that need each other.
    fn knot(&mut self, arity: u64, values: &[Ref<'h>], group: &[usize]) {
        let members: Vec<(Var, Ref<'h>)> =
            group.iter().map(|&index| (self.function.var(Type::Any), values[index])).collect();
        for (&index, (var, _)) in group.iter().zip(&members) {
            self.bind(arity + 1 + index as u64, (*var).into());
        }
        self.knot = Some(Vec::new());
        for (var, node) in members {
            self.member(var, node);
        }
        if let Some(knot) = self.knot.take() {
            self.stmt(Stmt::Rec(knot));
        }
    }

    // Applications, taken apart for both ways of lowering.

    fn form(&self, node: Ref<'h>) -> Form<'h> {
        form(node, self.last)
    }

    /// The function and arguments of an expression.
    fn spine(&self, expr: Expr<'h>) -> Spine<'h> {
        let mut head = expr;
        let mut args = Vec::new();
        while let Expr::Node(node) = head
            && let Form::Application(f, x) = self.form(node)
        {
            args.push(Expr::Node(x));
            head = Expr::Node(f);
        }
        if !args.is_empty()
            && let Some((function, given)) = self.constant_node(head).and_then(application)
        {
            args.extend(given.into_iter().rev().map(Expr::Value));
            head = Expr::Value(function);
        }
        args.reverse();
        Spine { head, args }
    }

    /// The value that an expression is, if it is a constant that has not been numbered.
    fn constant_node(&self, expr: Expr<'h>) -> Option<Ref<'h>> {
        match expr {
            Expr::Node(node) => match self.form(node) {
                Form::Constant(value) => Some(value),
                _ => None,
            },
            Expr::Value(value) => Some(value),
            Expr::Done(_) => None,
        }
    }

    /// What an expression that is no application is.
    fn atom(&mut self, expr: Expr<'h>) -> Option<Operand> {
        match expr {
            Expr::Done(operand) => Some(operand),
            Expr::Value(value) => Some(self.linker.constant(value)),
            Expr::Node(node) => match self.form(node) {
                Form::Reference(reference) => Some(self.place(reference)),
                Form::Constant(value) => Some(self.linker.constant(value)),
                Form::Application(..) => None,
            },
        }
    }

    /// The function, if it is a constant, and how many arguments it takes.
    fn constant_head(&mut self, spine: &Spine<'h>) -> Option<(Operand, u64)> {
        match self.atom(spine.head)? {
            Operand::Var(_) => None,
            Operand::Small(nat) => Some((Operand::Small(nat), nat_arity(nat))),
            Operand::Constant(k) => {
                Some((Operand::Constant(k), self.linker.unit.constants[k.index()].arity))
            }
        }
    }

    /// What calls a constant with as many arguments as it takes.
    fn callee(&mut self, function: Operand) -> Callee {
        let Operand::Constant(k) = function else { return Callee::Unknown(function) };
        let has_jet = self.linker.unit.constants[k.index()].jet.is_some();
        let entry = if has_jet { None } else { self.linker.admit(k, CALLEE_LIMIT) };
        match (entry, law_of(self.linker.refs[k.index()])) {
            (Some(entry), _) => Callee::Local(entry),
            (None, Some(_)) => Callee::Known(k),
            (None, None) => Callee::Unknown(function),
        }
    }
}

/// How many arguments an operation takes.
fn nat_arity(nat: u64) -> u64 {
    match nat {
        0 | 2 => 3,
        1 => 5,
        _ => 1,
    }
}

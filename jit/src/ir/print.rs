//! The text form: how a unit is written. What is written here, `parse` reads back.

use super::{
    Block, BlockId, Call, Callee, Constant, ConstantId, Demand, End, Function, FunctionId, JoinId,
    Kind, Op, Operand, Role, Signature, Stmt, Type, Unit, Var,
};
use std::fmt::{self, Display, Formatter};

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bit => "bit",
            Type::Half => "half",
            Type::Small => "small",
            Type::Nat => "nat",
            Type::Whnf => "whnf",
            Type::Any => "any",
        })
    }
}

macro_rules! lettered {
    ($($name:ident $letter:literal)*) => {$(
        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
    )*};
}

lettered! { Var "v" JoinId "j" FunctionId "f" ConstantId "k" }

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Var(var) => var.fmt(f),
            Operand::Small(nat) => nat.fmt(f),
            Operand::Constant(k) => k.fmt(f),
        }
    }
}

/// Items with commas between them.
struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.callee {
            Callee::Known(k) => write!(f, "call {k}")?,
            Callee::Worker(k) => write!(f, "call worker {k}")?,
            Callee::Jet(k) => write!(f, "call jet {k}")?,
            Callee::Local(function) => write!(f, "call {function}")?,
            Callee::Unknown(function) => write!(f, "apply {function}")?,
        }
        write!(f, "({})", List(&self.args))
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Op::Thunk(entry, list) => write!(f, "thunk {entry}({})", List(list)),
            Op::Delay(function, list) => write!(f, "delay {function}({})", List(list)),
            Op::Partial(k, list) => write!(f, "partial {k}({})", List(list)),
            Op::Row(list) => write!(f, "row({})", List(list)),
            Op::Force(a) => write!(f, "force {a}"),
            Op::Normalise(a) => write!(f, "normalise {a}"),
            Op::Prim(prim, list) => write!(f, "{} {}", prim.name(), List(list)),
            Op::Call(call) => call.fmt(f),
        }
    }
}

impl Display for Signature {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({}) -> {}", List(&self.params), List(&self.results))
    }
}

struct Needed(Demand);

impl Display for Needed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Demand::Lazy => "lazy",
            Demand::Head => "head",
            Demand::Normal => "normal",
        })
    }
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Pin => "pin",
            Kind::Law => "law",
            Kind::App => "app",
            Kind::Nat => "nat",
        })?;
        write!(f, " {:?} arity {}", self.name, self.arity)?;
        if let Some(jet) = &self.jet {
            let demands: Vec<Needed> = jet.demands.iter().copied().map(Needed).collect();
            write!(f, " jet({})", List(&demands))?;
            if jet.result != Type::Whnf {
                write!(f, " gives {}", jet.result)?;
            }
        }
        if let Some(worker) = &self.worker {
            write!(f, " worker{worker}")?;
        }
        if let Some(entry) = self.entry {
            write!(f, " entry {entry}")?;
        }
        if let Some((function, args)) = &self.of {
            write!(f, " of {function}({})", List(args))?;
        }
        Ok(())
    }
}

impl Display for Unit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, constant) in self.constants.iter().enumerate() {
            writeln!(f, "k{i} = {constant}")?;
        }
        for (i, function) in self.functions.iter().enumerate() {
            writeln!(f)?;
            let role = match function.role {
                Role::General => "general",
                Role::Worker => "worker",
                Role::Thunk => "thunk",
            };
            let params = function.typed(&function.params);
            write!(f, "{role} f{i}({params}) -> {} ", List(&function.results))?;
            Body { function, depth: 0 }.braces(f, function.entry)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Function {
    /// Variables with their types.
    fn typed(&self, vars: &[Var]) -> String {
        let one = |var: &Var| format!("{var}: {}", self.vars[var.index()]);
        vars.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Writes blocks at some depth.
#[derive(Clone, Copy)]
struct Body<'a> {
    function: &'a Function,
    depth: usize,
}

impl Body<'_> {
    fn braces(self, f: &mut Formatter<'_>, block: BlockId) -> fmt::Result {
        f.write_str("{\n")?;
        let inner = Body { function: self.function, depth: self.depth + 1 };
        inner.block(f, &self.function.blocks[block.index()])?;
        self.indent(f)?;
        f.write_str("}")
    }

    fn indent(self, f: &mut Formatter<'_>) -> fmt::Result {
        (0..self.depth).try_for_each(|_| f.write_str("  "))
    }

    fn block(self, f: &mut Formatter<'_>, block: &Block) -> fmt::Result {
        for stmt in &block.stmts {
            self.indent(f)?;
            self.stmt(f, stmt)?;
            f.write_str("\n")?;
        }
        self.indent(f)?;
        self.end(f, &block.end)?;
        f.write_str("\n")
    }

    fn stmt(self, f: &mut Formatter<'_>, stmt: &Stmt) -> fmt::Result {
        match stmt {
            Stmt::Let(vars, op) => write!(f, "{} = {op}", self.function.typed(vars)),
            Stmt::Rec(group) => {
                let one =
                    |(var, op): &(Var, Op)| format!("{} = {op}", self.function.typed(&[*var]));
                write!(f, "rec {{ {} }}", group.iter().map(one).collect::<Vec<_>>().join(" | "))
            }
            Stmt::Join(id) => {
                let join = &self.function.joins[id.index()];
                let word = if join.is_loop { "loop" } else { "join" };
                write!(f, "{word} {id}({}) ", self.function.typed(&join.params))?;
                self.braces(f, join.body)
            }
        }
    }

    fn end(self, f: &mut Formatter<'_>, end: &End) -> fmt::Result {
        match end {
            End::Return(list) => write!(f, "return {}", List(list)),
            End::Enter(a) => write!(f, "enter {a}"),
            End::Tail(call) => write!(f, "tail {call}"),
            End::Jump(join, list) => write!(f, "jump {join}({})", List(list)),
            End::If(condition, yes, no) => {
                write!(f, "if {condition} ")?;
                self.braces(f, *yes)?;
                f.write_str(" else ")?;
                self.braces(f, *no)
            }
            End::Direct(on, nat, yes, no) => {
                write!(f, "direct {on} as {} ", self.function.typed(&[*nat]))?;
                self.braces(f, *yes)?;
                f.write_str(" else ")?;
                self.braces(f, *no)
            }
            End::Switch(on, cases, other) => {
                writeln!(f, "switch {on} {{")?;
                for (nat, block) in cases {
                    self.arm(f, &nat.to_string(), *block)?;
                }
                self.arm(f, "else", *other)?;
                self.indent(f)?;
                f.write_str("}")
            }
            End::Reflect(on, arms) => {
                writeln!(f, "reflect {on} {{")?;
                for (word, arm) in ["pin", "law", "app", "nat"].iter().zip(arms.iter()) {
                    let head = format!("{word}({})", self.function.typed(&arm.params));
                    self.arm(f, &head, arm.block)?;
                }
                self.indent(f)?;
                f.write_str("}")
            }
            End::Closure(on, k, arm, other) => {
                writeln!(f, "closure {on} {{")?;
                let head = format!("{k}({})", self.function.typed(&arm.params));
                self.arm(f, &head, arm.block)?;
                self.arm(f, "else", *other)?;
                self.indent(f)?;
                f.write_str("}")
            }
            End::Crash(operation, arg) => write!(f, "crash {operation}, {arg}"),
        }
    }

    fn arm(self, f: &mut Formatter<'_>, head: &str, block: BlockId) -> fmt::Result {
        let inner = Body { function: self.function, depth: self.depth + 1 };
        inner.indent(f)?;
        write!(f, "{head} ")?;
        inner.braces(f, block)?;
        f.write_str("\n")
    }
}
